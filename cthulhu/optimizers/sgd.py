"""Stochastic gradient descent."""

from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov's momentum and decay of the learning rate.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        momentum: float >= 0, the part of the last step that is made again.
        nesterov: bool, whether the gradient is applied as if the momentum's step had been made.
        decay: float >= 0; the rate at step t is `learning_rate / (1 + decay * t)`.
        clipnorm, clipvalue, weight_decay: as in `Optimizer`.
    """

    adapts_steps = False

    further_arguments = ('lr', 'decay')

    @checked
    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        self.initial_decay = kwargs.pop('decay', 0.0)
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate, momentum=momentum, decay=self.initial_decay)
        self.nesterov = nesterov

    slots = ('moment',)

    def step(self, p, g, rate, moment):
        velocity = self.momentum * moment - rate * g
        return p + self.momentum * velocity - rate * g if self.nesterov else p + velocity, velocity

    def get_config(self):
        return dict(
            super().get_config(),
            **self.values('learning_rate', 'momentum', 'decay'),
            nesterov=self.nesterov,
        )
