"""What the metrics share: weights spread over values, quotients, thresholds, confusion counts."""

import numpy as np

from cthulhu import backend as K
from cthulhu.utils.losses_utils import as_tensor, broadcast_weights, squeeze_or_expand_dimensions

# Stands for 'not among the k best': below any prediction, and the default threshold when `top_k` is given.
NEG_INF = -1e10


def weigh(values, sample_weight):
    """Spreads weights over values, so that the sum of the weights counts every value.

    Arguments:
        values: float tensor of shape `(d0, ..., dn)`.
        sample_weight: a scalar, or of shape `(d0, ..., dk)` with `k <= n`, any of the dimensions being 1; one more
            last axis of length 1 is dropped.

    Returns:
        `(values, weights)`, both of the shape and dtype of `values` (a scalar under weights of rank 1 gets one axis).

    Raises:
        ValueError: if the shapes cannot be brought together.
    """
    sample_weight = as_tensor(sample_weight, K.dtype(values))
    values, _, sample_weight = squeeze_or_expand_dimensions(values, None, sample_weight)
    return values, broadcast_weights(values, sample_weight)


def divide(numerator, denominator):
    """Elementwise quotient of tensors of one shape, 0 where the denominator is not positive."""
    positive = K.greater(denominator, 0)
    # The other branch is computed too, so its denominator must be harmless.
    quotient = numerator / K.where(positive, denominator, K.ones_like(denominator))
    return K.where(positive, quotient, K.zeros_like(quotient))


def keep_top_k(x, k):
    """`x` with all but the `k` greatest of its last axis set to `NEG_INF`; the first of equals is kept.

    Raises:
        ValueError: if the last axis is unknown, or shorter than `k`.
    """
    classes = K.int_shape(x)[-1]
    if classes is None or k > classes:
        raise ValueError(
            f'`top_k` is {k} and needs predictions with a known last axis of at least that length; '
            f'their shape is {K.int_shape(x)}.'
        )
    _, indices = K.top_k(x, k)
    kept = K.sum(K.one_hot(K.cast(indices, 'int32'), classes), axis=-2)
    return K.where(K.greater(kept, 0), x, K.ones_like(x) * NEG_INF)


def parse_thresholds(thresholds, default):
    """A list of thresholds from one, several or `None` (then `default`)."""
    if thresholds is None:
        return [default]
    return list(thresholds) if isinstance(thresholds, (list, tuple)) else [thresholds]


def confusion_counts(
    conditions, y_true, y_pred, thresholds, dtype, sample_weight=None, top_k=None, class_id=None, labels=1
):
    """Weighted counts of agreement between labels and predictions, for each threshold.

    A prediction is positive where it is greater than the threshold, a label where it is not 0.

    Arguments:
        conditions: some of 'true_positives', 'false_positives', 'true_negatives', 'false_negatives'.
        y_true, y_pred: tensors of one shape, or of shapes that differ by a last axis of length 1.
        thresholds: list of floats.
        dtype: that of the counts.
        sample_weight: a scalar, or weights that broadcast to `y_pred`.
        top_k: only the `top_k` best of the last axis can be positive.
        class_id: look only at this index of the last axis.
        labels: how many labels the last axis has, where each is counted by itself; 1: all are counted together.

    Returns:
        For each condition a tensor of shape `(len(thresholds), labels)`, without the second axis for one label.
    """
    y_true, y_pred = as_tensor(y_true, dtype), as_tensor(y_pred, dtype)
    y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
    if sample_weight is None:
        weight = K.ones_like(y_pred)
    else:
        y_pred, weight = weigh(y_pred, sample_weight)
    if top_k is not None:
        y_pred = keep_top_k(y_pred, top_k)
    if class_id is not None:
        y_true, y_pred, weight = [x[..., class_id] for x in (y_true, y_pred, weight)]

    kept = (labels,) if labels > 1 else ()
    y_true, y_pred, weight = [K.reshape(x, (1, -1) + kept) for x in (y_true, y_pred, weight)]
    labelled = K.cast(K.not_equal(y_true, 0), dtype)
    steps = np.reshape(thresholds, (-1, 1) + (1,) * len(kept))
    predicted = K.cast(K.greater(y_pred, K.constant(steps, dtype=dtype)), dtype)
    # Each is summed by itself: a difference of sums would leave a rounding error where the count is 0.
    return [
        K.sum(
            weight
            * (labelled if condition in ('true_positives', 'false_negatives') else 1 - labelled)
            * (predicted if condition.endswith('positives') else 1 - predicted),
            axis=1,
        )
        for condition in conditions
    ]
