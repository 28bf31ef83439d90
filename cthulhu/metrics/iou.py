"""How well predicted regions cover the true ones."""

import numpy as np

from cthulhu import backend as K
from cthulhu.metrics.base import Metric
from cthulhu.utils.arguments import checked
from cthulhu.utils.losses_utils import as_tensor, squeeze_or_expand_dimensions
from cthulhu.utils.metrics_utils import divide, weigh


class MeanIoU(Metric):
    """The mean over the classes of intersection over union of where they are and where they are predicted.

    A class that is neither seen nor predicted is left out of the mean. Labels outside `[0, num_classes)` are not
    counted.

    Arguments:
        num_classes: number of classes.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> round(float(K.eval(metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]))), 4)
    0.3333

    ```
    """

    @checked
    def __init__(self, num_classes, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.total_cm = self.add_weight('total_confusion_matrix', shape=(num_classes, num_classes))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch in the confusion matrix.

        Arguments:
            y_true: class numbers: a tensor, array or list of any shape.
            y_pred: predicted class numbers of the same shape.
            sample_weight: scalar, or of a shape that broadcasts to theirs.

        Returns:
            The update, in a list.
        """
        y_true, y_pred = as_tensor(y_true, 'int32'), as_tensor(y_pred, 'int32')
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
        true, predicted = [K.cast(K.one_hot(K.flatten(y), self.num_classes), self.dtype) for y in (y_true, y_pred)]
        if sample_weight is not None:
            weights = weigh(K.cast(y_pred, self.dtype), sample_weight)[1]
            true = true * K.reshape(weights, (-1, 1))
        return [K.update_add(self.total_cm, K.dot(K.transpose(true), predicted))]

    def result(self):
        """The mean so far: a scalar, 0 of nothing."""
        matrix = K.identity(self.total_cm)
        intersection = K.sum(matrix * K.constant(np.eye(self.num_classes), dtype=self.dtype), axis=0)
        union = K.sum(matrix, axis=0) + K.sum(matrix, axis=1) - intersection
        present = K.cast(K.greater(union, 0), self.dtype)
        return divide(K.sum(divide(intersection, union)), K.sum(present))

    def get_config(self):
        return dict(super().get_config(), num_classes=self.num_classes)
