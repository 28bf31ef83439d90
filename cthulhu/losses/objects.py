"""The loss functions of Keras 2.3 as loss objects."""

from cthulhu.losses.base import DEFAULT, LossFunctionWrapper
from cthulhu.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    hinge,
    huber_loss,
    kullback_leibler_divergence,
    logcosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from cthulhu.utils.arguments import checked

__all__ = [
    'BinaryCrossentropy', 'CategoricalCrossentropy', 'CategoricalHinge', 'Hinge', 'Huber', 'KLDivergence', 'LogCosh', 'MeanAbsoluteError',
    'MeanAbsolutePercentageError', 'MeanSquaredError', 'MeanSquaredLogarithmicError', 'Poisson', 'SparseCategoricalCrossentropy', 'SquaredHinge',
]  # fmt: skip


class MeanSquaredError(LossFunctionWrapper):
    """`mean_squared_error` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='mean_squared_error'):
        super().__init__(mean_squared_error, reduction, name)


class MeanAbsoluteError(LossFunctionWrapper):
    """`mean_absolute_error` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='mean_absolute_error'):
        super().__init__(mean_absolute_error, reduction, name)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """`mean_absolute_percentage_error` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='mean_absolute_percentage_error'):
        super().__init__(mean_absolute_percentage_error, reduction, name)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """`mean_squared_logarithmic_error` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='mean_squared_logarithmic_error'):
        super().__init__(mean_squared_logarithmic_error, reduction, name)


class BinaryCrossentropy(LossFunctionWrapper):
    """`binary_crossentropy` as a loss object."""

    @checked
    def __init__(self, from_logits=False, label_smoothing=0, reduction=DEFAULT, name='binary_crossentropy'):
        super().__init__(binary_crossentropy, reduction, name, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(LossFunctionWrapper):
    """`categorical_crossentropy` as a loss object."""

    @checked
    def __init__(self, from_logits=False, label_smoothing=0, reduction=DEFAULT, name='categorical_crossentropy'):
        super().__init__(
            categorical_crossentropy, reduction, name, from_logits=from_logits, label_smoothing=label_smoothing
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """`sparse_categorical_crossentropy` as a loss object."""

    @checked
    def __init__(self, from_logits=False, reduction=DEFAULT, name='sparse_categorical_crossentropy'):
        super().__init__(sparse_categorical_crossentropy, reduction, name, from_logits=from_logits)


class Hinge(LossFunctionWrapper):
    """`hinge` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='hinge'):
        super().__init__(hinge, reduction, name)


class SquaredHinge(LossFunctionWrapper):
    """`squared_hinge` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='squared_hinge'):
        super().__init__(squared_hinge, reduction, name)


class CategoricalHinge(LossFunctionWrapper):
    """`categorical_hinge` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='categorical_hinge'):
        super().__init__(categorical_hinge, reduction, name)


class Poisson(LossFunctionWrapper):
    """`poisson` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='poisson'):
        super().__init__(poisson, reduction, name)


class LogCosh(LossFunctionWrapper):
    """`logcosh` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='logcosh'):
        super().__init__(logcosh, reduction, name)


class KLDivergence(LossFunctionWrapper):
    """`kullback_leibler_divergence` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='kullback_leibler_divergence'):
        super().__init__(kullback_leibler_divergence, reduction, name)


class Huber(LossFunctionWrapper):
    """`huber_loss` as a loss object."""

    @checked
    def __init__(self, delta=1.0, reduction=DEFAULT, name='huber_loss'):
        super().__init__(huber_loss, reduction, name, delta=delta)
