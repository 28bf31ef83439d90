"""Adagrad."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer, WithoutCounter
from cthulhu.utils.arguments import checked


class Adagrad(WithoutCounter, Optimizer):
    """Gives each parameter a learning rate that shrinks with the sum of its squared gradients.

    Source: Duchi et al., Adaptive Subgradient Methods for Online Learning and Stochastic Optimization, JMLR 2011.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        epsilon: float > 0, keeps the divisor from zero; `K.epsilon()` if it is not given or None.
        decay: float >= 0; the rate at step t is `learning_rate / (1 + decay * t)`.
        clipnorm, clipvalue, weight_decay: as in `Optimizer`.
    """

    further_arguments = ('lr', 'decay', 'epsilon')

    @checked
    def __init__(self, learning_rate=0.01, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        self.initial_decay = kwargs.pop('decay', 0.0)
        self.epsilon = kwargs.pop('epsilon', None) or K.epsilon()
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate, decay=self.initial_decay)

    slots = ('accumulator',)

    def step(self, p, g, rate, total):
        total = total + K.square(g)
        return p - rate * g / (K.sqrt(total) + self.epsilon), total

    def get_config(self):
        return dict(
            super().get_config(),
            **self.values('learning_rate', 'decay'),
            epsilon=self.epsilon,
        )
