"""Nadam."""

import numpy as np

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked


class Nadam(Optimizer):
    """Adam with Nesterov's momentum, whose momentum grows by a schedule.

    Source: Dozat, Incorporating Nesterov Momentum into Adam, ICLR workshop 2016.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        beta_1: float in (0, 1), how much of the first moment is kept at each step.
        beta_2: float in (0, 1), how much of the second moment is kept at each step.
        epsilon: float > 0, keeps the divisor from zero; `K.epsilon()` if it is not given or None.
        schedule_decay: float >= 0; the momentum at step t is `beta_1 * (1 - 0.96 ** (t * schedule_decay) / 2)`.
        clipnorm, clipvalue, weight_decay: as in `Optimizer`.
    """

    further_arguments = ('lr', 'epsilon', 'schedule_decay')

    @checked
    def __init__(self, learning_rate=0.002, beta_1=0.9, beta_2=0.999, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        self.schedule_decay = kwargs.pop('schedule_decay', 0.004)
        self.epsilon = kwargs.pop('epsilon', None) or K.epsilon()
        super().__init__(**kwargs)
        self.hyperparameters(m_schedule=1.0, learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2)

    slots = ('m', 'v')

    def state_of_all(self):
        return super().state_of_all() + [self.m_schedule]

    def _momentum(self, t):
        return self.beta_1 * (1.0 - 0.5 * K.exp(float(np.log(0.96)) * self.schedule_decay * t))

    def update_all(self, done):
        # The product of all momenta so far corrects the bias of the first moment.
        return [K.update(self.m_schedule, self.m_schedule * self._momentum(done + 1.0))]

    def begin(self, done):
        t = done + 1.0
        momentum, next_momentum = self._momentum(t), self._momentum(t + 1.0)
        product = self.m_schedule * momentum
        now = (1.0 - momentum) / (1.0 - product)
        ahead = next_momentum / (1.0 - product * next_momentum)
        return now, ahead, 1.0 - K.pow(self.beta_2, t)

    def step(self, p, g, common, m, v):
        now, ahead, correction = common
        m = self.beta_1 * m + (1.0 - self.beta_1) * g
        v = self.beta_2 * v + (1.0 - self.beta_2) * K.square(g)
        return p - self.learning_rate * (now * g + ahead * m) / (K.sqrt(v / correction) + self.epsilon), m, v

    def set_weights(self, weights):
        # Keras before 2.3 wrote no product of momenta.
        if len(weights) + 1 == len(self.weights):
            weights = [weights[0], np.array(1.0)] + list(weights[1:])
        super().set_weights(weights)

    def get_config(self):
        return dict(
            super().get_config(),
            **self.values('learning_rate', 'beta_1', 'beta_2'),
            epsilon=self.epsilon,
            schedule_decay=self.schedule_decay,
        )
