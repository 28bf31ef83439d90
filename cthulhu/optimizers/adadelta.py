"""Adadelta."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer, WithoutCounter
from cthulhu.utils.arguments import checked


class Adadelta(WithoutCounter, Optimizer):
    """Scales each parameter's step by the running magnitudes of its past steps and gradients.

    Source: Zeiler, Adadelta: An Adaptive Learning Rate Method, arXiv:1212.5701.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        rho: float in [0, 1), how much of the running averages is kept at each step.
        epsilon: float > 0, keeps the divisor from zero; `K.epsilon()` if it is not given or None.
        decay: float >= 0; the rate at step t is `learning_rate / (1 + decay * t)`.
        clipnorm, clipvalue, weight_decay: as in `Optimizer`.
    """

    further_arguments = ('lr', 'decay', 'epsilon')

    @checked
    def __init__(self, learning_rate=1.0, rho=0.95, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        self.initial_decay = kwargs.pop('decay', 0.0)
        self.epsilon = kwargs.pop('epsilon', None) or K.epsilon()
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate, decay=self.initial_decay)
        self.rho = rho

    slots = ('accumulator', 'delta_accumulator')

    def step(self, p, g, rate, average, step_average):
        average = self.rho * average + (1.0 - self.rho) * K.square(g)
        # The new average of gradients goes with the old one of steps: this step is not known yet.
        change = g * K.sqrt(step_average + self.epsilon) / K.sqrt(average + self.epsilon)
        return p - rate * change, average, self.rho * step_average + (1.0 - self.rho) * K.square(change)

    def get_config(self):
        return dict(
            super().get_config(),
            **self.values('learning_rate', 'decay'),
            rho=self.rho,
            epsilon=self.epsilon,
        )
