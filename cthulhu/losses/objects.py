"""The loss functions of Keras 2.3 as loss objects."""

from cthulhu import backend as K
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
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.losses_utils import as_labels

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
    """`sparse_categorical_crossentropy` as a loss object.

    Arguments:
        ignore_class: int, a target that stands for no class, such as -1 or 255 where a map of classes is not known: its loss is 0, and means are of the
            others.
    """

    @checked
    def __init__(self, from_logits=False, reduction=DEFAULT, name='sparse_categorical_crossentropy', ignore_class=None):
        super().__init__(sparse_categorical_crossentropy, reduction, name, from_logits=from_logits)
        self.ignore_class = ignore_class

    @in_graph
    def call(self, y_true, y_pred):
        if self.ignore_class is None:
            return super().call(y_true, y_pred)
        labels, counts = as_labels(y_true), self.counted(y_true)
        losses = super().call(K.where(counts, labels, K.zeros_like(labels)), y_pred)
        counts = K.cast(K.reshape(counts, K.shape(losses)), K.dtype(losses))
        if self.reduction == DEFAULT:
            counts = counts / K.maximum(K.mean(counts), K.epsilon())
        return losses * counts

    @in_graph
    def counted(self, y_true):
        """Which of the targets are not of the class that is ignored: a tensor of bool."""
        return K.not_equal(as_labels(y_true), self.ignore_class)

    def get_config(self):
        config = super().get_config()
        return config if self.ignore_class is None else dict(config, ignore_class=self.ignore_class)


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
