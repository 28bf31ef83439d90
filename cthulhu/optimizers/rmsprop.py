"""RMSProp."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer, WithoutCounter
from cthulhu.utils.arguments import checked


class RMSprop(WithoutCounter, Optimizer):
    """Divides the gradient by a running average of its recent magnitude.

    Source: Tieleman and Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        rho: float in [0, 1), how much of the average is kept at each step.
        epsilon: float > 0, keeps the divisor from zero; `K.epsilon()` if it is not given or None.
        decay: float >= 0; the rate at step t is `learning_rate / (1 + decay * t)`.
        clipnorm, clipvalue, weight_decay: as in `Optimizer`.
    """

    further_arguments = ('lr', 'decay', 'epsilon')

    @checked
    def __init__(self, learning_rate=0.001, rho=0.9, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        self.initial_decay = kwargs.pop('decay', 0.0)
        self.epsilon = kwargs.pop('epsilon', None) or K.epsilon()
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate, rho=rho, decay=self.initial_decay)

    slots = ('accumulator',)

    def step(self, p, g, rate, average):
        average = self.rho * average + (1.0 - self.rho) * K.square(g)
        return p - rate * g / (K.sqrt(average) + self.epsilon), average

    def get_config(self):
        return dict(
            super().get_config(),
            **self.values('learning_rate', 'rho', 'decay'),
            epsilon=self.epsilon,
        )
