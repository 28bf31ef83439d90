"""The loss functions of Keras 2.3."""

import numbers

from cthulhu import backend as K
from cthulhu.losses.base import tensors
from cthulhu.utils.arguments import checked
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.losses_utils import as_labels, as_tensor

__all__ = [
    'binary_crossentropy', 'categorical_crossentropy', 'categorical_hinge', 'cosine_proximity', 'hinge', 'huber_loss', 'kullback_leibler_divergence',
    'logcosh', 'mean_absolute_error', 'mean_absolute_percentage_error', 'mean_squared_error', 'mean_squared_logarithmic_error', 'poisson',
    'sparse_categorical_crossentropy', 'squared_hinge',
]  # fmt: skip


@in_graph
def mean_squared_error(y_true, y_pred):
    """Mean over the last axis of `(y_true - y_pred) ** 2`."""
    y_true, y_pred = tensors(y_true, y_pred)
    return K.mean(K.square(y_pred - y_true), axis=-1)


@in_graph
def mean_absolute_error(y_true, y_pred):
    """Mean over the last axis of `abs(y_true - y_pred)`."""
    y_true, y_pred = tensors(y_true, y_pred)
    return K.mean(K.abs(y_pred - y_true), axis=-1)


@in_graph
def mean_absolute_percentage_error(y_true, y_pred):
    """100 times the mean over the last axis of `abs((y_true - y_pred) / y_true)`."""
    y_true, y_pred = tensors(y_true, y_pred)
    return 100.0 * K.mean(K.abs((y_true - y_pred) / K.clip(K.abs(y_true), K.epsilon(), None)), axis=-1)


@in_graph
def mean_squared_logarithmic_error(y_true, y_pred):
    """Mean over the last axis of `(log(y_true + 1) - log(y_pred + 1)) ** 2`; negative values count as zero."""
    y_true, y_pred = tensors(y_true, y_pred)
    logs = [K.log(K.clip(y, K.epsilon(), None) + 1.0) for y in (y_pred, y_true)]
    return K.mean(K.square(logs[0] - logs[1]), axis=-1)


def _signed(y_true):
    # If every target is 0 or 1, they are labels and become -1 and 1; the factor is 1 then, else 0.
    is_binary = K.cast(K.all(K.logical_or(K.equal(y_true, 0.0), K.equal(y_true, 1.0))), K.dtype(y_true))
    return y_true + is_binary * (y_true - 1.0)


@in_graph
def hinge(y_true, y_pred):
    """Mean over the last axis of `max(0, 1 - y_true * y_pred)`; targets are -1 or 1 (0 and 1 are converted)."""
    y_true, y_pred = tensors(y_true, y_pred)
    return K.mean(K.maximum(1.0 - _signed(y_true) * y_pred, 0.0), axis=-1)


@in_graph
def squared_hinge(y_true, y_pred):
    """Mean over the last axis of `max(0, 1 - y_true * y_pred) ** 2`; targets are -1 or 1 (0 and 1 are converted)."""
    y_true, y_pred = tensors(y_true, y_pred)
    return K.mean(K.square(K.maximum(1.0 - _signed(y_true) * y_pred, 0.0)), axis=-1)


@in_graph
def categorical_hinge(y_true, y_pred):
    """`max(0, 1 + highest prediction of a wrong class - prediction of the right one)`; targets are one-hot."""
    y_true, y_pred = tensors(y_true, y_pred)
    right = K.sum(y_true * y_pred, axis=-1)
    wrong = K.max((1.0 - y_true) * y_pred, axis=-1)
    return K.maximum(wrong - right + 1.0, 0.0)


@in_graph
def logcosh(y_true, y_pred):
    """Mean over the last axis of `log(cosh(y_pred - y_true))`: squared for small errors, absolute for large ones."""
    y_true, y_pred = tensors(y_true, y_pred)
    error = y_pred - y_true
    # log(cosh(x)) = x + log(1 + exp(-2x)) - log(2), which does not overflow.
    return K.mean(error + K.softplus(-2.0 * error) - 0.6931471805599453, axis=-1)


@in_graph
@checked
def huber_loss(y_true, y_pred, delta=1.0):
    """Elementwise: `error ** 2 / 2` up to `delta`, beyond it linear with that slope. Shape of `y_pred`.

    Source: Huber, Robust Estimation of a Location Parameter, 1964.
    """
    y_true, y_pred = tensors(y_true, y_pred)
    error = K.abs(y_pred - y_true)
    quadratic = K.minimum(error, delta)
    return 0.5 * K.square(quadratic) + delta * (error - quadratic)


def smoothed(y_true, label_smoothing, classes=None):
    """Targets of which a part is spread evenly over so many classes, those along the last axis if left out."""
    if isinstance(label_smoothing, numbers.Number) and label_smoothing == 0:
        return y_true
    classes = K.cast(K.shape(y_true)[-1], K.dtype(y_true)) if classes is None else classes
    return y_true * (1.0 - label_smoothing) + label_smoothing / classes


@in_graph
@checked
def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0):
    """Crossentropy of one-hot targets and predicted class probabilities.

    Arguments:
        y_true: shape `(batch, ..., classes)`.
        y_pred: shape `(batch, ..., classes)`.
        from_logits: bool, whether `y_pred` holds logits in place of probabilities.
        label_smoothing: float in [0, 1], the part of each target that is spread evenly over the classes.

    Returns:
        Tensor of shape `(batch, ...)`.
    """
    y_true, y_pred = tensors(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing)
    return K.categorical_crossentropy(y_true, y_pred, from_logits=from_logits)


@in_graph
@checked
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, axis=-1):
    """Crossentropy of integer targets and predicted class probabilities.

    Arguments:
        y_true: integers (of any dtype), shape `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: shape `(batch, ..., classes)`.
        from_logits: bool, whether `y_pred` holds logits in place of probabilities.
        axis: int, the axis of the classes.

    Returns:
        Tensor of shape `(batch, ...)`.
    """
    return K.sparse_categorical_crossentropy(as_labels(y_true), as_tensor(y_pred), from_logits=from_logits, axis=axis)


@in_graph
@checked
def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0):
    """Mean over the last axis of the crossentropy of yes-or-no targets and predicted probabilities.

    Arguments:
        y_true: values in [0, 1], shape `(batch, ..., n)`.
        y_pred: shape `(batch, ..., n)`.
        from_logits: bool, whether `y_pred` holds logits in place of probabilities.
        label_smoothing: float in [0, 1], how far targets move towards 1/2.

    Returns:
        Tensor of shape `(batch, ...)`.
    """
    y_true, y_pred = tensors(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing, 2.0)
    return K.mean(K.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=-1)


@in_graph
def kullback_leibler_divergence(y_true, y_pred):
    """Sum over the last axis of `y_true * log(y_true / y_pred)`, with both clipped to `[epsilon, 1]`."""
    y_true, y_pred = (K.clip(y, K.epsilon(), 1.0) for y in tensors(y_true, y_pred))
    return K.sum(y_true * K.log(y_true / y_pred), axis=-1)


@in_graph
def poisson(y_true, y_pred):
    """Mean over the last axis of `y_pred - y_true * log(y_pred)`."""
    y_true, y_pred = tensors(y_true, y_pred)
    return K.mean(y_pred - y_true * K.log(y_pred + K.epsilon()), axis=-1)


@in_graph
@checked
def cosine_proximity(y_true, y_pred, axis=-1):
    """Minus the cosine of the angle between targets and predictions: -1 where they point the same way."""
    y_true, y_pred = (K.l2_normalize(y, axis=axis) for y in tensors(y_true, y_pred))
    return -K.sum(y_true * y_pred, axis=axis)


sparse_categorical_crossentropy.target_kind = 'sparse'
binary_crossentropy.target_kind = 'binary'
for _loss in (
    mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, hinge, squared_hinge,
    categorical_hinge, logcosh, huber_loss, categorical_crossentropy, kullback_leibler_divergence, poisson, cosine_proximity,
):  # fmt: skip
    _loss.target_kind = 'same'
