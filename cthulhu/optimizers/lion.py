"""Steps of one length, along the sign of a moving average."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked


class Lion(Optimizer):
    """Moves each weight by the learning rate, in the direction of a moving average of its gradients. It wants a smaller rate than Adam, and more decay of weights.

    Source: Chen et al., Symbolic Discovery of Optimization Algorithms, arXiv:2302.06675.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        beta_1: float in [0, 1), how much of the average counts, beside the gradient, for the direction of a step.
        beta_2: float in [0, 1), how much of the average is kept at each step.
        decay: float >= 0; the rate at step t is `learning_rate / (1 + decay * t)`.
        clipnorm, clipvalue, weight_decay: as in `Optimizer`.
    """

    further_arguments = ('lr', 'decay')

    @checked
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, **kwargs):
        learning_rate = kwargs.pop('lr', learning_rate)
        self.initial_decay = kwargs.pop('decay', 0.0)
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, decay=self.initial_decay)

    slots = ('m',)

    def step(self, p, g, rate, m):
        direction = K.sign(self.beta_1 * m + (1.0 - self.beta_1) * g)
        return p - rate * direction, self.beta_2 * m + (1.0 - self.beta_2) * g

    def get_config(self):
        config = dict(super().get_config(), **self.values('learning_rate', 'beta_1', 'beta_2', 'decay'))
        if not config['decay']:  # which no Keras that has this optimizer knows
            del config['decay']
        return config
