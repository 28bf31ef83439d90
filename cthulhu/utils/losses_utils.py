"""How the losses of single samples become one: weights, their shapes, and the reduction."""

import numpy as np

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.utils.graph_utils import in_graph


class Reduction:
    """The ways to reduce a tensor of losses.

    - `NONE`: not at all;
    - `SUM`: the sum;
    - `SUM_OVER_BATCH_SIZE`: the sum divided by the number of losses.
    """

    NONE = 'none'
    SUM = 'sum'
    SUM_OVER_BATCH_SIZE = 'sum_over_batch_size'

    @classmethod
    def all(cls):
        """All of them, as a tuple of names."""
        return cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE

    @classmethod
    def validate(cls, key):
        """Raise a ValueError for what is not one of them."""
        if key not in cls.all():
            raise ValueError(f'`reduction` must be one of {", ".join(map(repr, cls.all()))}; got {key!r}.')


def as_tensor(x, dtype=None):
    """A tensor of an array, a number or a tensor, cast to `dtype` (by default: floatx, or as the tensor is)."""
    if K.is_tensor(x) or K.is_variable(x):
        return x if dtype is None or K.dtype(x) == dtype else K.cast(x, dtype)
    return K.constant(x, dtype=dtype)


def as_labels(x):
    """A tensor of class numbers; those in arrays do not become floats, which do not hold every whole number."""
    return as_tensor(x) if K.is_tensor(x) or K.is_variable(x) else K.constant(np.asarray(x), dtype='int64')


def squeeze_or_expand_dimensions(y_pred, y_true=None, sample_weight=None):
    """Make ranks agree where one tensor has a last axis of one more or less than the other.

    Arguments:
        y_pred: tensor.
        y_true: tensor or None; a last axis of length one that only it or `y_pred` has is removed.
        sample_weight: tensor or None; scalars stay, else one axis is added or removed at the end.

    Returns:
        `(y_pred, y_true)`, and the weight as a third where one was given.
    """
    if y_true is not None:
        extra = K.ndim(y_pred) - K.ndim(y_true)
        if extra == 1 and K.int_shape(y_pred)[-1] == 1:
            y_pred = K.squeeze(y_pred, -1)
        elif extra == -1 and K.int_shape(y_true)[-1] == 1:
            y_true = K.squeeze(y_true, -1)
    if sample_weight is None:
        return y_pred, y_true
    rank = K.ndim(sample_weight)
    if rank:
        if K.ndim(y_pred) == 0 and rank == 1:
            y_pred = K.expand_dims(y_pred, -1)
        elif rank - K.ndim(y_pred) == 1:
            sample_weight = K.squeeze(sample_weight, -1)
        elif K.ndim(y_pred) - rank == 1:
            sample_weight = K.expand_dims(sample_weight, -1)
    return y_pred, y_true, sample_weight


@in_graph
def broadcast_weights(values, sample_weight):
    """Give weights the shape of the values they weigh.

    Arguments:
        values: tensor of shape `(d0, ..., dn)`.
        sample_weight: tensor with the shape of the first axes of `values`, or 1 in place of some of them.

    Returns:
        Tensor of the shape of `values`.

    Raises:
        ValueError: the shapes do not fit.
    """
    sample_weight = _beside(values, sample_weight)
    return sample_weight * K.ones_like(values, dtype=K.dtype(sample_weight))


def _beside(values, sample_weight):
    """Weights of the rank of the values, to which they broadcast."""
    wanted, shape = K.int_shape(values), K.int_shape(sample_weight)
    fits = len(shape) <= len(wanted) and all(w is None or v is None or w == v or w == 1 for w, v in zip(shape, wanted))
    if not fits:
        raise ValueError(
            f'`sample_weight` of shape {shape} does not fit losses of shape {wanted}: '
            f'its shape must be the first axes of {wanted}, or 1 in place of some of them.'
        )
    for _ in range(len(wanted) - len(shape)):
        sample_weight = K.expand_dims(sample_weight, -1)
    return sample_weight


@in_graph
def what_counts(y_true, y_pred, sample_weight, labels=False):
    """Targets and predictions with zeros where they weigh nothing, so that neither a value nor a gradient comes from there.

    Arguments:
        y_true, y_pred: tensors or arrays.
        sample_weight: None, or a tensor or array with the shape of their first axes, or 1 in place of some of them.
        labels: bool, whether the targets are class indices, which are not to be made floats.

    Returns:
        `(y_true, y_pred)`: as given where there are no weights, one weight for all, or weights of another shape.
    """
    sample_weight = None if sample_weight is None else as_tensor(sample_weight)
    if sample_weight is None or not K.ndim(sample_weight):
        return y_true, y_pred
    counts = K.not_equal(sample_weight, 0)
    return _only_where(counts, as_labels(y_true) if labels else as_tensor(y_true)), _only_where(
        counts, as_tensor(y_pred)
    )


def _only_where(counts, x):
    axes, sizes = K.int_shape(counts), K.int_shape(x)
    if axes is None or sizes is None or K.is_sparse(x) or K.static_shape(x) == ():
        return x
    if len(axes) == len(sizes) + 1 and axes[-1] == 1:
        counts, axes = K.squeeze(counts, -1), axes[:-1]
    if len(axes) > len(sizes) or any(n not in (1, None, size) and size is not None for n, size in zip(axes, sizes)):
        return x
    for _ in range(len(sizes) - len(axes)):
        counts = K.expand_dims(counts, -1)
    kept = K.only_where(counts, x)
    meta.set_shape(kept, sizes)
    return kept


@in_graph
def reduce_weighted_loss(weighted_losses, reduction=Reduction.SUM_OVER_BATCH_SIZE):
    """Reduce a tensor of losses; the number of losses, which 'sum_over_batch_size' divides by, ignores the weights."""
    if reduction == Reduction.NONE:
        return weighted_losses
    total = K.sum(weighted_losses)
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        total = total / K.cast(K.size(weighted_losses), K.dtype(weighted_losses))
    return total


@in_graph
def compute_weighted_loss(losses, sample_weight=None, reduction=Reduction.SUM_OVER_BATCH_SIZE, name=None):
    """Weigh the losses of samples and reduce them.

    Arguments:
        losses: tensor of shape `(batch, ...)`.
        sample_weight: None, a scalar, or a tensor or array with the shape of the first axes of `losses`.
        reduction: one of `Reduction`.
        name: of the scope in the backend's graph.

    Returns:
        Scalar tensor, or one of the shape of `losses` for the reduction 'none'; dtype of `losses`.

    Raises:
        ValueError: an unknown reduction, or weights that do not fit.
    """
    Reduction.validate(reduction)
    with K.name_scope(name or 'weighted_loss'):
        dtype = K.dtype(losses)
        losses = as_tensor(losses, K.floatx())
        if sample_weight is not None:
            sample_weight = as_tensor(sample_weight, K.floatx())
            if not K.ndim(losses) and K.ndim(sample_weight) == 1:
                # of the batch as a whole: the loss of each sample that is weighed
                losses = losses + K.zeros_like(sample_weight)
            losses, _, sample_weight = squeeze_or_expand_dimensions(losses, None, sample_weight)
            losses = K.multiply_no_nan(losses, _beside(losses, sample_weight))
        return as_tensor(reduce_weighted_loss(losses, reduction), dtype)
