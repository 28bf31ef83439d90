"""How well predicted regions cover the true ones."""

import numpy as np

from cthulhu import backend as K
from cthulhu.metrics.base import Metric
from cthulhu.utils.arguments import checked
from cthulhu.utils.losses_utils import as_tensor, squeeze_or_expand_dimensions
from cthulhu.utils.metrics_utils import divide, weigh


class IoU(Metric):
    """The mean over some classes of intersection over union of where they are and where they are predicted.

    A class that is neither seen nor predicted is left out of the mean. Labels outside `[0, num_classes)` are not
    counted.

    Arguments:
        num_classes: number of classes.
        target_class_ids: list of the classes of the mean.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`, which stands for whole numbers, too, as Keras 3 names them.
        ignore_class: int, true class that is not counted, or None.
        sparse_y_true, sparse_y_pred: whether targets, and predictions, are class numbers; else there is a value for each class.
        axis: int, the axis of those values.

    Raises:
        ValueError: a class is not below `num_classes`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> round(float(K.eval(metrics.IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1]))), 4)
    0.3333

    ```
    """

    @checked
    def __init__(
        self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_true=True, sparse_y_pred=True, axis=-1
    ):  # fmt: skip
        super().__init__(name=name, dtype=None if 'int' in str(dtype) else dtype)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f'{type(self).__name__}: `target_class_ids` are below `num_classes`, {num_classes}; got {list(target_class_ids)!r}.'
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_weight('total_confusion_matrix', shape=(num_classes, num_classes))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch in the confusion matrix.

        Arguments:
            y_true: class numbers: a tensor, array or list of any shape; or a value for each class along `axis`.
            y_pred: predictions of the same shape, or with classes beside it.
            sample_weight: scalar, or of a shape that broadcasts to that of the class numbers.

        Returns:
            The update, in a list.
        """
        y_true = self._classes(y_true, self.sparse_y_true)
        y_pred = self._classes(y_pred, self.sparse_y_pred)
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
        true, predicted = [K.cast(K.one_hot(K.flatten(y), self.num_classes), self.dtype) for y in (y_true, y_pred)]
        if self.ignore_class is not None:
            counted = K.not_equal(K.reshape(y_true, (-1, 1)), self.ignore_class)
            true = true * K.cast(counted, self.dtype)
        if sample_weight is not None:
            weights = weigh(K.cast(y_pred, self.dtype), sample_weight)[1]
            true = true * K.reshape(weights, (-1, 1))
        return [K.update_add(self.total_cm, K.dot(K.transpose(true), predicted))]

    def _classes(self, y, sparse):
        return as_tensor(y, 'int32') if sparse else K.cast(K.argmax(as_tensor(y, self.dtype), axis=self.axis), 'int32')

    def result(self):
        """The mean so far: a scalar, 0 of nothing."""
        matrix = K.identity(self.total_cm)
        intersection = K.sum(matrix * K.constant(np.eye(self.num_classes), dtype=self.dtype), axis=0)
        union = K.sum(matrix, axis=0) + K.sum(matrix, axis=1) - intersection
        wanted = K.constant(np.isin(np.arange(self.num_classes), self.target_class_ids) * 1.0, dtype=self.dtype)
        present = K.cast(K.greater(union, 0), self.dtype) * wanted
        return divide(K.sum(divide(intersection, union) * wanted), K.sum(present))

    #: The arguments in a configuration.
    settings = 'num_classes', 'target_class_ids', 'ignore_class', 'sparse_y_true', 'sparse_y_pred', 'axis'

    def get_config(self):
        return dict(super().get_config(), **{name: getattr(self, name) for name in self.settings})


class BinaryIoU(IoU):
    """`IoU` of yes and no, of predicted probabilities: yes from a threshold up.

    Arguments:
        target_class_ids: list of the classes of the mean: 0 is no, 1 is yes.
        threshold: float.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> round(float(K.eval(metrics.BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]))), 4)
    0.3333

    ```
    """

    @checked
    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch; arguments and result as for `IoU`, with probabilities for `y_pred`."""
        y_pred = as_tensor(y_pred, self.dtype)
        y_pred = K.greater_equal(y_pred, K.constant(self.threshold, dtype=self.dtype))
        return super().update_state(y_true, K.cast(y_pred, 'int32'), sample_weight)

    settings = 'target_class_ids', 'threshold'


class MeanIoU(IoU):
    """The mean over the classes of intersection over union of where they are and where they are predicted.

    A class that is neither seen nor predicted is left out of the mean. Labels outside `[0, num_classes)` are not
    counted.

    Arguments:
        num_classes: number of classes.
        name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: as in `IoU`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> round(float(K.eval(metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]))), 4)
    0.3333

    ```
    """

    @checked
    def __init__(
        self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_true=True, sparse_y_pred=True, axis=-1
    ):
        super().__init__(
            num_classes, list(range(num_classes)), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis
        )

    settings = 'num_classes', 'ignore_class', 'sparse_y_true', 'sparse_y_pred', 'axis'


class OneHotIoU(IoU):
    """`IoU` of one-hot targets and a prediction for each class.

    Arguments:
        num_classes, target_class_ids, name, dtype, ignore_class, axis: as in `IoU`.
        sparse_y_pred: whether predictions are class numbers all the same.
    """

    @checked
    def __init__(
        self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    settings = 'num_classes', 'target_class_ids', 'ignore_class', 'sparse_y_pred', 'axis'


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot targets and a prediction for each class.

    Arguments:
        num_classes, name, dtype, ignore_class, axis: as in `IoU`.
        sparse_y_pred: whether predictions are class numbers all the same.
    """

    @checked
    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    settings = 'num_classes', 'ignore_class', 'sparse_y_pred', 'axis'
