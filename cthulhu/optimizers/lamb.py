"""Lamb: Adam's direction, of a length that goes by that of the weight."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked


class Lamb(Optimizer):
    """Moves each weight in the direction of Adam, by the learning rate times its own norm: made for large batches.

    Source: You et al., Large Batch Optimization for Deep Learning: Training BERT in 76 minutes, arXiv:1904.00962.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        beta_1: float in [0, 1), how much of the first moment is kept at each step.
        beta_2: float in [0, 1), how much of the second moment is kept at each step.
        epsilon: float > 0, keeps the divisor from zero.
        clipnorm, clipvalue, weight_decay, use_ema, gradient_accumulation_steps ...: as in `Optimizer`.
    """

    further_arguments = ('lr',)

    @checked
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        super().__init__(**kwargs)
        self.epsilon = K.epsilon() if epsilon is None else epsilon
        self.hyperparameters(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2)

    slots = ('m', 'v')

    def begin(self, done):
        t = done + 1.0
        return self.decayed(done), 1.0 - K.pow(self.beta_1, t), 1.0 - K.pow(self.beta_2, t)

    def step(self, p, g, common, m, v):
        rate, first, second = common
        m = self.beta_1 * m + (1.0 - self.beta_1) * g
        v = self.beta_2 * v + (1.0 - self.beta_2) * K.square(g)
        move = m / first / (K.sqrt(v / second) + self.epsilon)
        length, of_move = K.sqrt(K.sum(K.square(p))), K.sqrt(K.sum(K.square(move)))
        one = K.ones_like(length)
        is_one = K.logical_or(K.equal(length, 0.0), K.equal(of_move, 0.0))
        ratio = K.where(is_one, one, length / K.where(is_one, one, of_move))
        return p - ratio * rate * move, m, v

    def get_config(self):
        return dict(super().get_config(), **self.values('learning_rate', 'beta_1', 'beta_2'), epsilon=self.epsilon)
