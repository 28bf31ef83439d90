"""F scores of classes, and the share of variance that a regression explains: of sums that add up over the batches."""

from cthulhu import backend as K
from cthulhu.metrics.base import Metric
from cthulhu.utils.arguments import checked
from cthulhu.utils.losses_utils import as_tensor, squeeze_or_expand_dimensions, what_counts
from cthulhu.utils.metrics_utils import weigh


class _Sums(Metric):
    """What is computed of sums over samples: those named in `sums`, a number for each unit of the output, made when that is known."""

    sums = ()
    _size = None

    def _batch(self, y_true, y_pred, sample_weight):
        """Targets, predictions and weights of a batch, each of shape (batch, units)."""
        y_true, y_pred = as_tensor(y_true, self.dtype), as_tensor(y_pred, self.dtype)
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
        if K.ndim(y_pred) == K.ndim(y_true) == 1 and self.takes_single:
            y_true, y_pred = K.expand_dims(y_true, -1), K.expand_dims(y_pred, -1)
        size = (K.int_shape(y_pred) or (None,))[-1]
        if K.ndim(y_pred) != 2 or K.ndim(y_true) != 2 or size is None:
            raise ValueError(
                f'{type(self).__name__} takes targets and predictions of shape (batch, units), of which the units are known; got {K.int_shape(y_true)} and '
                f'{K.int_shape(y_pred)}.'
            )
        if self._size is None:
            self._size = size
            for name in self.sums:
                setattr(self, name, self.add_weight(name, shape=self._shape(size)))
        elif size != self._size:
            raise ValueError(f'{type(self).__name__} has counted outputs of {self._size} units; got {size}.')
        if sample_weight is None:
            return y_true, y_pred, K.ones_like(y_pred)
        y_true, y_pred = what_counts(y_true, y_pred, sample_weight)
        return (y_true,) + tuple(weigh(y_pred, sample_weight))

    #: Whether what has one axis is a sample of one unit each.
    takes_single = False

    def _shape(self, size):
        return (size,)

    def _require(self):
        if self._size is None:
            raise ValueError(f'{type(self).__name__} "{self.name}" has no result before it has counted a batch.')


class FBetaScore(_Sums):
    """The harmonic mean of precision and recall, recall weighing `beta ** 2`, of one-hot classes or of independent yes-or-no values.

    Arguments:
        average: None for a score of each class, 'micro' for one of all counts together, 'macro' for the mean of the scores, 'weighted' for the mean by how
            often each class is true.
        beta: float > 0.
        threshold: float in (0, 1], above which a prediction is positive; None for the greatest prediction of a sample.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Targets and predictions have the shape (batch, classes); the result is a scalar, or of shape (classes,).

    Raises:
        ValueError: another `average`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> score = metrics.FBetaScore(beta=2.0, threshold=0.5)
    >>> K.eval(score([[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]])).round(4).tolist()
    [0.3846, 0.9091, 0.8333]

    ```
    """

    sums = 'true_positives', 'false_positives', 'false_negatives', 'intermediate_weights'

    @checked
    def __init__(self, average=None, beta=1.0, threshold=None, name='fbeta_score', dtype=None):
        super().__init__(name=name, dtype=dtype)
        if average not in (None, 'micro', 'macro', 'weighted'):
            raise ValueError(
                f"{type(self).__name__}: `average` is None, 'micro', 'macro' or 'weighted'; got {average!r}."
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold

    def _shape(self, size):
        return () if self.average == 'micro' else (size,)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch.

        Arguments:
            y_true: 0 or 1, of shape (batch, classes).
            y_pred: predictions of the same shape.
            sample_weight: scalar, or of shape (batch,) or (batch, classes).

        Returns:
            List of updates.
        """
        y_true, y_pred, weight = self._batch(y_true, y_pred, sample_weight)
        if self.threshold is None:
            # Nothing is predicted where all is 0.
            best = K.greater_equal(y_pred, K.max(y_pred, axis=-1, keepdims=True) + K.zeros_like(y_pred))
            positive = K.logical_and(best, K.greater(K.abs(y_pred), 1e-9))
        else:
            positive = K.greater(y_pred, self.threshold)
        positive = K.cast(positive, self.dtype)
        values = positive * y_true, positive * (1 - y_true), (1 - positive) * y_true, y_true
        axis = None if self.average == 'micro' else 0
        return [
            K.update_add(getattr(self, name), K.sum(value * weight, axis=axis))
            for name, value in zip(self.sums, values)
        ]

    def result(self):
        """The score so far: a scalar, or one for each class."""
        self._require()
        true, extra, missed, seen = (K.identity(getattr(self, name)) for name in self.sums)
        precision = true / (true + extra + K.epsilon())
        recall = true / (true + missed + K.epsilon())
        square = self.beta**2
        score = (1.0 + square) * precision * recall / (square * precision + recall + K.epsilon())
        if self.average == 'weighted':
            return K.sum(score * seen) / (K.sum(seen) + K.epsilon())
        return K.mean(score) if self.average == 'macro' else score

    def get_config(self):
        return dict(super().get_config(), average=self.average, beta=self.beta, threshold=self.threshold)


class F1Score(FBetaScore):
    """`FBetaScore` in which precision and recall weigh the same.

    Arguments:
        average, threshold, name, dtype: as in `FBetaScore`.
    """

    @checked
    def __init__(self, average=None, threshold=None, name='f1_score', dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self):
        return {key: value for key, value in super().get_config().items() if key != 'beta'}


class R2Score(_Sums):
    """The share of the variance that predictions explain: 1 is best, 0 what the mean of the targets would have.

    Arguments:
        class_aggregation: 'uniform_average' for the mean over the units of the output, 'variance_weighted_average' for one by their variance, None for a score
            of each.
        num_regressors: int; from 1 up the score is adjusted for so many inputs, unless there are no more values than that.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Targets and predictions have the shape (batch, units), or (batch,); the result is a scalar, or of shape (units,).

    Raises:
        ValueError: another `class_aggregation`.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> round(float(K.eval(metrics.R2Score()([[1.], [4.], [3.]], [[2.], [4.], [4.]]))), 4)
    0.5714

    ```
    """

    sums = 'squared_sum', 'sum', 'residual', 'count'
    takes_single = True

    @checked
    def __init__(self, class_aggregation='uniform_average', num_regressors=0, name='r2_score', dtype=None):
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in (None, 'uniform_average', 'variance_weighted_average'):
            raise ValueError(
                f"{type(self).__name__}: `class_aggregation` is None, 'uniform_average' or 'variance_weighted_average'; got {class_aggregation!r}."
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_weight('num_samples')

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Arguments:
            y_true: true values, of shape (batch, units).
            y_pred: predictions of the same shape.
            sample_weight: scalar, or of shape (batch,) or (batch, units).

        Returns:
            List of updates.
        """
        y_true, y_pred, weight = self._batch(y_true, y_pred, sample_weight)
        values = K.square(y_true) * weight, y_true * weight, K.square(y_true - y_pred) * weight, weight
        updates = [K.update_add(getattr(self, name), K.sum(value, axis=0)) for name, value in zip(self.sums, values)]
        # As Keras 3 does, which counts each unit as a sample.
        return updates + [K.update_add(self.num_samples, K.cast(K.size(y_true), self.dtype))]

    def result(self):
        """The score so far: a scalar, or one for each unit."""
        self._require()
        squares, total, residual, count = (K.identity(getattr(self, name)) for name in self.sums)
        variance = squares - total * total / count
        varies = K.not_equal(variance, 0)
        score = K.where(
            varies, 1.0 - residual / K.where(varies, variance, K.ones_like(variance)), K.zeros_like(variance)
        )
        if self.class_aggregation == 'uniform_average':
            score = K.mean(score)
        elif self.class_aggregation is not None:
            score = K.sum(variance * score) / K.sum(variance)
        if not self.num_regressors:
            return score
        left = K.identity(self.num_samples) - float(self.num_regressors + 1)
        enough = K.greater(left, 0)
        divisor = K.where(enough, left, K.ones_like(left))
        factor = K.where(enough, (left + float(self.num_regressors)) / divisor, K.ones_like(left))
        return 1.0 - (1.0 - score) * factor

    def get_config(self):
        return dict(super().get_config(), class_aggregation=self.class_aggregation, num_regressors=self.num_regressors)
