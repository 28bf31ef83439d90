"""Adamax."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked


class Adamax(Optimizer):
    """Adam with the infinity norm in place of the second moment.

    Source: Kingma and Ba, Adam, arXiv:1412.6980, section 7.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        beta_1: float in (0, 1), how much of the first moment is kept at each step.
        beta_2: float in (0, 1), how much of the norm is kept at each step.
        epsilon: float > 0, keeps the divisor from zero; `K.epsilon()` if it is not given or None.
        decay: float >= 0; the rate at step t is `learning_rate / (1 + decay * t)`.
        clipnorm, clipvalue, weight_decay: as in `Optimizer`.
    """

    further_arguments = ('lr', 'decay', 'epsilon')

    @checked
    def __init__(self, learning_rate=0.002, beta_1=0.9, beta_2=0.999, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        self.initial_decay = kwargs.pop('decay', 0.0)
        self.epsilon = kwargs.pop('epsilon', None) or K.epsilon()
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, decay=self.initial_decay)

    slots = ('m', 'u')

    def begin(self, done):
        return self.decayed(done) / (1.0 - K.pow(self.beta_1, done + 1.0))

    def step(self, p, g, rate, m, norm):
        m = self.beta_1 * m + (1.0 - self.beta_1) * g
        norm = K.maximum(self.beta_2 * norm, K.abs(g))
        return p - rate * m / (norm + self.epsilon), m, norm

    def get_config(self):
        return dict(
            super().get_config(),
            **self.values('learning_rate', 'beta_1', 'beta_2', 'decay'),
            epsilon=self.epsilon,
        )
