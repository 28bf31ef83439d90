"""Follow the regularized leader."""

from cthulhu import backend as K
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked


class Ftrl(Optimizer):
    """Follow the regularized leader: with an L1 penalty, weights that do little become 0.

    Source: McMahan et al., Ad Click Prediction: a View from the Trenches, KDD 2013.

    Arguments:
        learning_rate: float > 0 (older name: `lr`).
        learning_rate_power: float <= 0, the power of the sum of squared gradients by which steps shrink; 0 for steps that do not.
        initial_accumulator_value: float >= 0, what that sum begins with.
        l1_regularization_strength, l2_regularization_strength: floats >= 0, penalties on the weights.
        l2_shrinkage_regularization_strength: float >= 0, a penalty that counts as part of each gradient.
        decay: float >= 0; the rate at step t is `learning_rate / (1 + decay * t)`.
        beta: float >= 0, a further L2 penalty of `beta / (2 * learning_rate)`.
        clipnorm, clipvalue, weight_decay, use_ema, gradient_accumulation_steps ...: as in `Optimizer`.
    """

    further_arguments = ('lr', 'decay')

    @checked
    def __init__(
        self, learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1, l1_regularization_strength=0.0,
        l2_regularization_strength=0.0, l2_shrinkage_regularization_strength=0.0, beta=0.0, **kwargs
    ):  # fmt: skip
        learning_rate = kwargs.pop('lr', learning_rate)
        self.initial_decay = kwargs.pop('decay', 0.0)
        super().__init__(**kwargs)
        self.hyperparameters(learning_rate=learning_rate, decay=self.initial_decay)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    slots = ('accumulator', 'linear')

    @property
    def slot_values(self):
        return {'accumulator': self.initial_accumulator_value}

    def step(self, p, g, rate, squares, linear):
        shrunk = self._shrunk(squares + K.square(g)), self._shrunk(squares)
        pulled = g + 2.0 * self.l2_shrinkage_regularization_strength * p
        linear = linear + pulled - (shrunk[0] - shrunk[1]) / rate * p
        quadratic = shrunk[0] / rate + 2.0 * self.l2_regularization_strength + self.beta / rate
        bound = self.l1_regularization_strength
        apart = K.clip(linear, -bound, bound) - linear if bound else -linear
        return apart / quadratic, squares + K.square(g), linear

    def _shrunk(self, squares):
        power = -self.learning_rate_power
        return K.sqrt(squares) if power == 0.5 else K.pow(squares, power)

    def get_config(self):
        names = (
            'learning_rate_power', 'initial_accumulator_value', 'l1_regularization_strength', 'l2_regularization_strength',
            'l2_shrinkage_regularization_strength', 'beta',
        )  # fmt: skip
        found = self.values('learning_rate', 'decay')
        if not found['decay']:  # which Keras 3 does not know
            del found['decay']
        return dict(super().get_config(), **found, **{name: getattr(self, name) for name in names})
