"""Muon: steps of matrices that are made orthogonal."""

import re

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked


class Muon(Optimizer):
    """Moves matrices by their momentum, made nearly orthogonal by a few steps of Newton and Schulz; all other weights by AdamW.

    Source: Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024; `rms_rate`: Liu et al., Muon is Scalable for LLM Training,
    arXiv:2502.16982.

    Arguments:
        learning_rate: float >= 0 (older name: `lr`).
        adam_beta_1, adam_beta_2: floats in [0, 1), as `beta_1` and `beta_2` of Adam, for the weights that are no matrices.
        adam_weight_decay: float >= 0 or None, the `weight_decay` of these.
        epsilon: float > 0, keeps Adam's divisor from zero.
        weight_decay: float >= 0 or None; before each step a matrix loses `learning_rate * weight_decay` of itself.
        exclude_layers: list of regular expressions; matrices in whose names one is found go by AdamW.
        exclude_embeddings: bool, whether those with 'embedding' in their names do.
        muon_a, muon_b, muon_c: floats, the coefficients of a step of Newton and Schulz.
        adam_lr_ratio: float > 0, AdamW's rate over `learning_rate`.
        momentum: float in [0, 1].
        ns_steps: int from 1 to 100, how many steps of Newton and Schulz.
        nesterov: bool, whether the momentum is Nesterov's.
        rms_rate: float > 0, the root mean square of a step over the learning rate, nearly; None for steps as they come.
        clipnorm, clipvalue, use_ema, gradient_accumulation_steps ...: as in `Optimizer`.
    """

    further_arguments = ('lr',)

    @checked
    def __init__(
        self, learning_rate=0.001, adam_beta_1=0.9, adam_beta_2=0.999, adam_weight_decay=0.004, epsilon=1e-7, weight_decay=0.004, exclude_layers=None,
        exclude_embeddings=True, muon_a=3.4445, muon_b=-4.7750, muon_c=2.0315, adam_lr_ratio=1, momentum=0.95, ns_steps=5, nesterov=True, rms_rate=0.2,
        **kwargs
    ):  # fmt: skip
        if exclude_layers is not None and not isinstance(exclude_layers, (list, tuple)):
            raise TypeError(
                f'Muon: `exclude_layers` is a list of regular expressions for names of weights, such as ["output"], or None; got {exclude_layers!r}.'
            )
        learning_rate = kwargs.pop('lr', learning_rate)
        super().__init__(weight_decay=weight_decay, **kwargs)
        self.hyperparameters(
            learning_rate=learning_rate, adam_beta_1=adam_beta_1, adam_beta_2=adam_beta_2, momentum=momentum
        )
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = K.epsilon() if epsilon is None else epsilon
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    slots = ('momentum', 'velocity')

    def is_by_adam(self, p):
        """Whether a variable goes by AdamW."""
        name = str(getattr(p, 'name', ''))
        if K.ndim(p) != 2 or self.exclude_embeddings and 'embedding' in name.lower():
            return True
        return any(re.search(each, name) for each in self.exclude_layers)

    def slot_shape(self, slot, param):
        # A velocity is Adam's; where there is none, one element stands for it, of one axis as no matrix has.
        return super().slot_shape(slot, param) if slot == 'momentum' or self.is_by_adam(param) else (1,)

    def weight_decay_of(self, p):
        return self.adam_weight_decay if self.is_by_adam(p) else self.weight_decay

    def begin(self, done):
        t, rate = done + 1.0, self.decayed(done)
        correction = K.sqrt(1.0 - K.pow(self.adam_beta_2, t)) / (1.0 - K.pow(self.adam_beta_1, t))
        return rate, rate * float(self.adam_lr_ratio) * correction

    def step(self, p, g, common, m, v):
        rate, of_adam = common
        if K.ndim(v) == K.ndim(p):
            m = self.adam_beta_1 * m + (1.0 - self.adam_beta_1) * g
            v = self.adam_beta_2 * v + (1.0 - self.adam_beta_2) * K.square(g)
            return p - of_adam * m / (K.sqrt(v) + self.epsilon), m, v
        m = self.momentum * m + g
        move = self._orthogonal(g + self.momentum * m if self.nesterov else m, K.int_shape(p))
        factor = 1.0 if self.rms_rate is None else max(K.int_shape(p)) ** 0.5 * self.rms_rate
        return p - rate * factor * move, m, v

    def _orthogonal(self, x, shape):
        """A matrix with singular values near 1, and the directions of another."""
        is_tall = shape[0] > shape[1]
        x = K.transpose(x) if is_tall else x
        x = x / (K.sqrt(K.sum(K.square(x))) + 1e-7)
        for _ in range(self.ns_steps):
            square = K.dot(x, K.transpose(x))
            x = self.muon_a * x + K.dot(self.muon_b * square + self.muon_c * K.dot(square, square), x)
        return K.transpose(x) if is_tall else x

    def get_config(self):
        names = (
            'weight_decay', 'adam_weight_decay', 'epsilon', 'exclude_layers', 'exclude_embeddings', 'muon_a', 'muon_b', 'muon_c', 'adam_lr_ratio', 'ns_steps',
            'nesterov', 'rms_rate',
        )  # fmt: skip
        found = self.values('learning_rate', 'adam_beta_1', 'adam_beta_2', 'momentum')
        return dict(super().get_config(), **found, **{name: getattr(self, name) for name in names})
