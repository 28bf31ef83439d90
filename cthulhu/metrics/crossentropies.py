"""Distances between distributions, averaged over all samples."""

from cthulhu import losses
from cthulhu.metrics.base import MeanMetricWrapper
from cthulhu.utils.arguments import checked


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean crossentropy of labels 0 and 1 and their predicted probabilities.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: how far, in [0, 1], labels are moved towards 0.5.
    """

    @checked
    def __init__(self, name='binary_crossentropy', dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(
            losses.binary_crossentropy, name, dtype=dtype, from_logits=from_logits, label_smoothing=label_smoothing
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean crossentropy of one-hot labels and predicted probabilities.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: how far, in [0, 1], labels are moved towards equal shares.
    """

    @checked
    def __init__(self, name='categorical_crossentropy', dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(
            losses.categorical_crossentropy, name, dtype=dtype, from_logits=from_logits, label_smoothing=label_smoothing
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean crossentropy of class numbers and predicted probabilities.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        from_logits: whether predictions are logits, not probabilities.
        axis: the axis of the predictions that holds the classes.
    """

    @checked
    def __init__(self, name='sparse_categorical_crossentropy', dtype=None, from_logits=False, axis=-1):
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype=dtype, from_logits=from_logits, axis=axis)


class KLDivergence(MeanMetricWrapper):
    """The mean Kullback-Leibler divergence, `sum(y_true * log(y_true / y_pred))` over the last axis.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='kullback_leibler_divergence', dtype=None):
        super().__init__(losses.kullback_leibler_divergence, name, dtype=dtype)
