"""Adam, with AMSGrad."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer


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
        clipnorm, clipvalue: as in `Optimizer`.
    """

    further_arguments = ('lr', 'decay', 'epsilon')

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, amsgrad=False, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        self.initial_decay = kwargs.pop('decay', 0.0)
        self.epsilon = kwargs.pop('epsilon', None) or K.epsilon()
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, decay=self.initial_decay)
        self.amsgrad = amsgrad

    def rules(self, params, gradients, done):
        t = done + 1.0
        rate = self.decayed(done) * (K.sqrt(1.0 - K.pow(self.beta_2, t)) / (1.0 - K.pow(self.beta_1, t)))
        ms = self.state(params, 'm')
        vs = self.state(params, 'v')
        if self.amsgrad:
            largest = self.state(params, 'vhat')
        else:
            # Files of Keras hold these placeholders of one element, so the list of weights has them.
            largest = [K.zeros((1,), name=f'vhat_{i}') for i in range(len(params))]
            self.weights.extend(largest)
        for p, g, m, v, vhat in zip(params, gradients, ms, vs, largest):
            new_m = self.beta_1 * m + (1.0 - self.beta_1) * g
            new_v = self.beta_2 * v + (1.0 - self.beta_2) * K.square(g)
            self.assign(m, new_m)
            self.assign(v, new_v)
            divisor = new_v
            if self.amsgrad:
                divisor = K.maximum(vhat, new_v)
                self.assign(vhat, divisor)
            self.assign_param(p, p - rate * new_m / (K.sqrt(divisor) + self.epsilon))

    def get_config(self):
        return dict(
            super().get_config(),
            **self.values('learning_rate', 'beta_1', 'beta_2', 'decay'),
            epsilon=self.epsilon,
            amsgrad=self.amsgrad,
        )
