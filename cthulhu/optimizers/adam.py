"""Adam, with AMSGrad."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked


class Adam(Optimizer):
    """Adaptive estimates of the gradients' first and second moments.

    Sources: Kingma and Ba, Adam, arXiv:1412.6980; for `amsgrad`, Reddi et al., On the Convergence of Adam and Beyond,
    ICLR 2018.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        beta_1: float in (0, 1), how much of the first moment is kept at each step.
        beta_2: float in (0, 1), how much of the second moment is kept at each step.
        amsgrad: bool, whether to divide by the largest second moment so far in place of the present one.
        epsilon: float > 0, keeps the divisor from zero; `K.epsilon()` if it is not given or None.
        decay: float >= 0; the rate at step t is `learning_rate / (1 + decay * t)`.
        clipnorm, clipvalue, weight_decay: as in `Optimizer`.
    """

    further_arguments = ('lr', 'decay', 'epsilon')

    @checked
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, amsgrad=False, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        self.initial_decay = kwargs.pop('decay', 0.0)
        self.epsilon = kwargs.pop('epsilon', None) or K.epsilon()
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, decay=self.initial_decay)
        self.amsgrad = amsgrad

    slots = ('m', 'v', 'vhat')

    def slot_shape(self, slot, param):
        # Files of Keras hold placeholders of one element where AMSGrad's are not used, so the list of weights has them.
        return super().slot_shape(slot, param) if slot != 'vhat' or self.amsgrad else (1,)

    def begin(self, done):
        t = done + 1.0
        return self.decayed(done) * (K.sqrt(1.0 - K.pow(self.beta_2, t)) / (1.0 - K.pow(self.beta_1, t)))

    def step(self, p, g, rate, m, v, largest):
        m = self.beta_1 * m + (1.0 - self.beta_1) * g
        v = self.beta_2 * v + (1.0 - self.beta_2) * K.square(g)
        if self.amsgrad:
            largest = K.maximum(largest, v)
        return p - rate * m / (K.sqrt(largest if self.amsgrad else v) + self.epsilon), m, v, largest

    def get_config(self):
        return dict(
            super().get_config(),
            **self.values('learning_rate', 'beta_1', 'beta_2', 'decay'),
            epsilon=self.epsilon,
            amsgrad=self.amsgrad,
        )
