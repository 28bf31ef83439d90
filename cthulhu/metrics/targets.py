"""What targets a metric is meant for, beside outputs of a given shape."""

from cthulhu import losses
from cthulhu.metrics import functions
from cthulhu.metrics.auc import AUC
from cthulhu.metrics.base import MeanMetricWrapper
from cthulhu.metrics.confusion import _ConfusionMetric
from cthulhu.metrics.iou import BinaryIoU, IoU
from cthulhu.metrics.regression import MeanRelativeError, RootMeanSquaredError
from cthulhu.metrics.scores import FBetaScore, R2Score

# For each metric of one-hot classes the one of class numbers.
SPARSE = {
    functions.categorical_accuracy: 'sparse_categorical_accuracy',
    functions.top_k_categorical_accuracy: 'sparse_top_k_categorical_accuracy',
    losses.categorical_crossentropy: 'sparse_categorical_crossentropy',
}
ONE_HOT = {
    functions.sparse_categorical_accuracy: 'categorical_accuracy',
    functions.sparse_top_k_categorical_accuracy: 'top_k_categorical_accuracy',
    losses.sparse_categorical_crossentropy: 'categorical_crossentropy',
}
_OTHERS = functions.accuracy, functions.binary_accuracy, functions.cosine_proximity


def function_of(metric):
    """The function that a metric averages; None for one that is not the mean of a function, or counts in a way of its own."""
    if type(metric).update_state is not MeanMetricWrapper.update_state:
        return None
    return getattr(metric._fn, 'fn', metric._fn)


def target_kind(metric):
    """What the targets of a metric must be.

    Arguments:
        metric: a Metric.

    Returns:
        'sparse' for class numbers, 'one_hot' for classes as long as the output, 'same' for another metric of what has the output's shape (which
        computes something of other shapes too), 'equal' for one that is an error of other shapes; None where nothing is known of it.

    Example:
    ```python
    >>> from cthulhu import metrics
    >>> from cthulhu.metrics.targets import target_kind
    >>> [target_kind(m) for m in (metrics.SparseCategoricalAccuracy(), metrics.CategoricalAccuracy(), metrics.AUC(), metrics.Mean())]
    ['sparse', 'one_hot', 'equal', None]

    ```
    """
    update = type(metric).update_state
    if isinstance(metric, IoU) and update in (IoU.update_state, BinaryIoU.update_state):
        return 'equal' if metric.sparse_y_true == metric.sparse_y_pred else None
    if update in (_ConfusionMetric.update_state, AUC.update_state, FBetaScore.update_state, R2Score.update_state):
        return 'equal'
    if update in (MeanRelativeError.update_state, RootMeanSquaredError.update_state):
        return 'same'
    function = function_of(metric)
    if function in tuple(ONE_HOT):  # by tuples: a function of a user's own may have no hash
        return 'sparse' if losses.class_axis(metric) == -1 else None
    if function in tuple(SPARSE):
        return 'one_hot'
    return 'same' if function in _OTHERS or losses.target_kind(function) is not None else None
