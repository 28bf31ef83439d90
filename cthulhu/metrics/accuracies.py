"""Accuracies over all samples: how often predictions are right."""

from cthulhu.metrics import functions
from cthulhu.metrics.base import MeanMetricWrapper
from cthulhu.utils.arguments import checked


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> float(K.eval(metrics.Accuracy()([1, 2, 3, 4], [0, 2, 3, 4])))
    0.75

    ```
    """

    def __init__(self, name='accuracy', dtype=None):
        super().__init__(functions.accuracy, name, dtype=dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions fall on their label's side of a threshold.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        threshold: predictions greater than this stand for 1.
    """

    @checked
    def __init__(self, name='binary_accuracy', dtype=None, threshold=0.5):
        super().__init__(functions.binary_accuracy, name, dtype=dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the greatest prediction is at the one-hot label.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='categorical_accuracy', dtype=None):
        super().__init__(functions.categorical_accuracy, name, dtype=dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the greatest prediction is at the class that the label numbers.

    Arguments:
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    def __init__(self, name='sparse_categorical_accuracy', dtype=None):
        super().__init__(functions.sparse_categorical_accuracy, name, dtype=dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one-hot label is among the `k` best predictions.

    Arguments:
        k: how many count.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    @checked
    def __init__(self, k=5, name='top_k_categorical_accuracy', dtype=None):
        super().__init__(functions.top_k_categorical_accuracy, name, dtype=dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class that the label numbers is among the `k` best predictions.

    Arguments:
        k: how many count.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
    """

    @checked
    def __init__(self, k=5, name='sparse_top_k_categorical_accuracy', dtype=None):
        super().__init__(functions.sparse_top_k_categorical_accuracy, name, dtype=dtype, k=k)
