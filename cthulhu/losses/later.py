"""Losses that came after Keras 2.3, with Keras 3's names, arguments and numbers."""

from cthulhu import backend as K
from cthulhu.losses.base import DEFAULT, LossFunctionWrapper, tensors
from cthulhu.losses.functions import cosine_proximity, huber_loss, smoothed
from cthulhu.utils.arguments import checked
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.losses_utils import as_tensor

__all__ = [
    'BinaryFocalCrossentropy', 'CTC', 'CategoricalFocalCrossentropy', 'CosineSimilarity', 'Dice', 'Tversky', 'binary_focal_crossentropy',
    'categorical_focal_crossentropy', 'ctc', 'dice', 'huber', 'tversky',
]  # fmt: skip


@in_graph
@checked
def dice(y_true, y_pred, axis=None):
    """1 less Sorensen and Dice's coefficient, `2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`: how little regions overlap.

    Source: Milletari, Navab and Ahmadi, V-Net, arXiv:1606.04797.

    Arguments:
        y_true: values in [0, 1], of any shape.
        y_pred: of the same shape.
        axis: int or tuple of int, the axes that are summed over; None for all of them, the batch included.

    Returns:
        Tensor of the axes that are left.
    """
    y_true, y_pred = tensors(y_true, y_pred)
    overlap = K.sum(y_true * y_pred, axis=axis)
    return 1.0 - 2.0 * overlap / (K.sum(y_true, axis=axis) + K.sum(y_pred, axis=axis) + K.epsilon())


@in_graph
@checked
def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 less Tversky's index, `both / (both + alpha * only_true + beta * only_predicted)`: 0.5 and 0.5 make it `dice`.

    As in Keras 3, `alpha` weighs what is there and was not predicted, `beta` what was predicted and is not there.

    Source: Salehi, Erdogmus and Gholipour, Tversky loss function for image segmentation, arXiv:1706.05721.

    Arguments:
        y_true: values in [0, 1], of any shape.
        y_pred: of the same shape.
        alpha, beta: floats >= 0.
        axis: int or tuple of int, the axes that are summed over; None for all of them, the batch included.

    Returns:
        Tensor of the axes that are left.
    """
    y_true, y_pred = tensors(y_true, y_pred)
    both = K.sum(y_true * y_pred, axis=axis)
    only_true = K.sum((1.0 - y_pred) * y_true, axis=axis)
    only_predicted = K.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - both / (both + alpha * only_true + beta * only_predicted + K.epsilon())


@in_graph
@checked
def binary_focal_crossentropy(
    y_true, y_pred, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """Mean of the binary crossentropy, in which what is predicted well already counts less, by `(1 - p) ** gamma` for the probability p of what is true.

    Source: Lin et al., Focal Loss for Dense Object Detection, arXiv:1708.02002.

    Arguments:
        y_true: values in [0, 1], shape `(batch, ..., n)`.
        y_pred: of the same shape.
        apply_class_balancing: bool, whether what is 1 weighs `alpha` and what is 0 `1 - alpha`.
        alpha: float in [0, 1].
        gamma: float >= 0.
        from_logits: bool, whether `y_pred` holds logits in place of probabilities.
        label_smoothing: float in [0, 1], how far targets move towards 1/2.
        axis: int, the axis of the mean.

    Returns:
        Tensor of shape `(batch, ...)`.
    """
    y_true, y_pred = tensors(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing, 2.0)
    y_pred = K.sigmoid(y_pred) if from_logits else y_pred
    missed = 1.0 - (y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred))
    loss = _power(missed, gamma) * K.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        loss = loss * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return K.mean(loss, axis=axis)


@in_graph
@checked
def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """The crossentropy of one-hot targets, in which what is predicted well already counts less, by `alpha * (1 - p) ** gamma`.

    Source: as `binary_focal_crossentropy`.

    Arguments:
        y_true: shape `(batch, ..., classes)`.
        y_pred: of the same shape.
        alpha: float, or a list of one for each class.
        gamma: float >= 0.
        from_logits: bool, whether `y_pred` holds logits in place of probabilities.
        label_smoothing: float in [0, 1], the part of each target that is spread evenly over the classes.
        axis: int, the axis of the classes.

    Returns:
        Tensor of shape `(batch, ...)`.
    """
    y_true, y_pred = tensors(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing)
    y_pred = K.softmax(y_pred, axis=axis) if from_logits else y_pred
    shares = K.clip(y_pred / K.sum(y_pred, axis=axis, keepdims=True), K.epsilon(), 1.0 - K.epsilon())
    weight = alpha if isinstance(alpha, (int, float)) else K.constant(alpha, dtype=K.dtype(y_pred))
    return -K.sum(weight * _power(1.0 - shares, gamma) * y_true * K.log(shares), axis=axis)


def _power(x, exponent):
    """A power of what may be 0, with a slope there for the exponents that are whole."""
    return K.square(x) if exponent == 2 else x if exponent == 1 else K.pow(x, exponent)


@in_graph
def ctc(y_true, y_pred):
    """Connectionist temporal classification (Graves et al., 2006), as Keras 3 has it: class 0 is the blank, and stands after the end of labels.

    `K.ctc_batch_cost` takes lengths of inputs, too, and probabilities.

    Arguments:
        y_true: classes from 1 up, filled up with 0, shape `(batch, labels)` or `(batch, labels, 1)`.
        y_pred: logits, shape `(batch, steps, classes)`; all steps count.

    Returns:
        Tensor of shape `(batch,)`, negative log likelihoods.

    Raises:
        ValueError: tensors of other ranks.
        NotImplementedError: the backend does not `supports('ctc')`.
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    if K.ndim(y_true) == 3 and K.int_shape(y_true)[-1] in (1, None):
        y_true = y_true[:, :, 0]
    if (K.ndim(y_true), K.ndim(y_pred)) != (2, 3):
        raise ValueError(
            f'ctc: `y_true` is of shape (batch, labels) and `y_pred` of shape (batch, steps, classes); got {K.int_shape(y_true)} and {K.int_shape(y_pred)}.'
        )
    labels = K.cast(y_true, 'int32')
    length = K.sum(K.cast(K.not_equal(labels, 0), 'int32'), axis=1, keepdims=True)
    steps = K.ones_like(length) * K.cast(K.shape(y_pred)[1], 'int32')
    shares = K.softmax(y_pred)
    # `ctc_batch_cost` has the blank last.
    shares = K.concatenate([shares[:, :, 1:], shares[:, :, :1]])
    return K.squeeze(K.ctc_batch_cost(K.maximum(labels - 1, 0), shares, steps, length), 1)


@in_graph
@checked
def huber(y_true, y_pred, delta=1.0):
    """Mean over the last axis of `huber_loss`, which is elementwise as in Keras 2."""
    return K.mean(huber_loss(y_true, y_pred, delta), axis=-1)


binary_focal_crossentropy.target_kind = 'binary'
for _loss in (dice, tversky, categorical_focal_crossentropy, huber):
    _loss.target_kind = 'same'


class Dice(LossFunctionWrapper):
    """`dice` as a loss object."""

    @checked
    def __init__(self, reduction=DEFAULT, name='dice', axis=None):
        super().__init__(dice, reduction, name, axis=axis)


class Tversky(LossFunctionWrapper):
    """`tversky` as a loss object."""

    @checked
    def __init__(self, alpha=0.5, beta=0.5, reduction=DEFAULT, name='tversky', axis=None):
        super().__init__(tversky, reduction, name, alpha=alpha, beta=beta, axis=axis)


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """`binary_focal_crossentropy` as a loss object."""

    @checked
    def __init__(
        self, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1,
        reduction=DEFAULT, name='binary_focal_crossentropy',
    ):  # fmt: skip
        super().__init__(
            binary_focal_crossentropy, reduction, name, apply_class_balancing=apply_class_balancing, alpha=alpha, gamma=gamma, from_logits=from_logits,
            label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """`categorical_focal_crossentropy` as a loss object."""

    @checked
    def __init__(
        self, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1, reduction=DEFAULT, name='categorical_focal_crossentropy'
    ):  # fmt: skip
        super().__init__(
            categorical_focal_crossentropy, reduction, name, alpha=alpha, gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class CosineSimilarity(LossFunctionWrapper):
    """`cosine_proximity` as a loss object: -1 where targets and predictions point the same way."""

    @checked
    def __init__(self, reduction=DEFAULT, name='cosine_similarity', axis=-1):
        super().__init__(cosine_proximity, reduction, name, axis=axis)


class CTC(LossFunctionWrapper):
    """`ctc` as a loss object."""

    def __init__(self, reduction=DEFAULT, name='ctc'):
        super().__init__(ctc, reduction, name)
