"""Hinge metrics: how far predictions are from the safe side of the margin."""

from cthulhu import losses
from cthulhu.metrics.base import MeanMetricWrapper


class Hinge(MeanMetricWrapper):
    """The mean of `max(1 - y_true * y_pred, 0)`, for labels -1 and 1 (labels 0 and 1 are converted).

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='hinge', dtype=None):
        super().__init__(losses.hinge, name, dtype=dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of `max(1 - y_true * y_pred, 0) ** 2`, for labels -1 and 1 (labels 0 and 1 are converted).

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='squared_hinge', dtype=None):
        super().__init__(losses.squared_hinge, name, dtype=dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean of how much less than 1 the true class is above the best of the others.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='categorical_hinge', dtype=None):
        super().__init__(losses.categorical_hinge, name, dtype=dtype)
