"""Metrics that are plain functions: the accuracies, and the cosine that grows with similarity."""

from cthulhu import backend as K
from cthulhu.utils.arguments import checked
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.losses_utils import as_labels, as_tensor


@in_graph
def accuracy(y_true, y_pred):
    """Where predictions equal labels.

    Arguments:
        y_true, y_pred: tensors of one shape.

    Returns:
        1 or 0 in each place: tensor of that shape and of dtype `K.floatx()`.
    """
    y_pred = as_tensor(y_pred)
    return K.cast(K.equal(as_tensor(y_true, K.dtype(y_pred)), y_pred), K.floatx())


@in_graph
@checked
def binary_accuracy(y_true, y_pred, threshold=0.5):
    """The share of the last axis where predictions fall on their label's side of a threshold.

    Arguments:
        y_true: tensor of 0 and 1, shape `(..., d)`.
        y_pred: tensor of probabilities, the same shape.
        threshold: predictions greater than this stand for 1.

    Returns:
        Tensor of shape `(...)` and dtype `K.floatx()`.
    """
    y_pred = as_tensor(y_pred)
    dtype = K.dtype(y_pred)
    predicted = K.round(y_pred) if threshold == 0.5 else K.cast(K.greater(y_pred, threshold), dtype)
    return K.mean(K.cast(K.equal(as_tensor(y_true, dtype), predicted), K.floatx()), axis=-1)


@in_graph
def categorical_accuracy(y_true, y_pred):
    """Where the greatest prediction is at the greatest label.

    Arguments:
        y_true: tensor of one-hot labels, shape `(..., classes)`.
        y_pred: tensor of scores, the same shape.

    Returns:
        1 or 0 for each sample: tensor of shape `(...)` and dtype `K.floatx()`.
    """
    same = K.equal(K.argmax(as_tensor(y_true), axis=-1), K.argmax(as_tensor(y_pred), axis=-1))
    return K.cast(same, K.floatx())


def _class_numbers(y_true, y_pred):
    """Labels as int32 without the last axis of length 1 that they may have beside scores of the same rank."""
    y_true = as_labels(y_true)
    if K.ndim(y_true) == K.ndim(y_pred):
        y_true = K.squeeze(y_true, -1)
    return K.cast(y_true, 'int32')


@in_graph
def sparse_categorical_accuracy(y_true, y_pred):
    """Where the greatest prediction is at the index that the label gives.

    Arguments:
        y_true: tensor of class numbers, shape `(...)` or `(..., 1)`.
        y_pred: tensor of scores, shape `(..., classes)`.

    Returns:
        1 or 0 for each sample: tensor of shape `(...)` and dtype `K.floatx()`.
    """
    y_pred = as_tensor(y_pred)
    predicted = K.cast(K.argmax(y_pred, axis=-1), 'int32')
    return K.cast(K.equal(_class_numbers(y_true, y_pred), predicted), K.floatx())


def _in_top_k(y_pred, labels, k):
    """`K.in_top_k` as 1 or 0, for scores of any rank."""
    if K.ndim(y_pred) == 2:
        return K.cast(K.in_top_k(y_pred, labels, k), K.floatx())
    found = K.in_top_k(K.reshape(y_pred, (-1, K.int_shape(y_pred)[-1])), K.flatten(labels), k)
    return K.reshape(K.cast(found, K.floatx()), K.shape(labels))


@in_graph
@checked
def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """Where the label is among the `k` best predictions.

    Arguments:
        y_true: tensor of one-hot labels, shape `(..., classes)`.
        y_pred: tensor of scores, the same shape.
        k: how many count; classes that tie with the last of them count too.

    Returns:
        1 or 0 for each sample: tensor of shape `(...)` and dtype `K.floatx()`.
    """
    return _in_top_k(as_tensor(y_pred), K.cast(K.argmax(as_tensor(y_true), axis=-1), 'int32'), k)


@in_graph
@checked
def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5):
    """Where the class that the label numbers is among the `k` best predictions.

    Arguments:
        y_true: tensor of class numbers, shape `(...)` or `(..., 1)`.
        y_pred: tensor of scores, shape `(..., classes)`.
        k: how many count; classes that tie with the last of them count too.

    Returns:
        1 or 0 for each sample: tensor of shape `(...)` and dtype `K.floatx()`.
    """
    y_pred = as_tensor(y_pred)
    return _in_top_k(y_pred, _class_numbers(y_true, y_pred), k)


sparse_categorical_accuracy.target_kind = sparse_top_k_categorical_accuracy.target_kind = 'sparse'


@in_graph
@checked
def cosine_proximity(y_true, y_pred, axis=-1):
    """The cosine of the angle between labels and predictions; 1 is best. (The loss of this name is its negative.).

    Arguments:
        y_true, y_pred: float tensors of one shape.
        axis: the axis along which they are vectors.

    Returns:
        Tensor of that shape without the axis.
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    return K.sum(K.l2_normalize(y_true, axis=axis) * K.l2_normalize(y_pred, axis=axis), axis=axis)
