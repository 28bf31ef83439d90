"""Metrics of yes and no: counts of true and false, positives and negatives, and what is made of them."""

from cthulhu import backend as K
from cthulhu.metrics.base import Metric
from cthulhu.utils.arguments import checked
from cthulhu.utils.metrics_utils import NEG_INF, confusion_counts, divide, parse_thresholds


def even_thresholds(count):
    """`count` thresholds that lie inside (0, 1) and cut it into equal parts."""
    return [(i + 1) / (count + 1) for i in range(count)]


class _ConfusionMetric(Metric):
    """Keeps a count for each of `conditions` at each threshold, in weights of those names."""

    conditions = ()
    top_k = None
    class_id = None
    labels = 1  # counted by themselves

    def _make_counts(self, thresholds):
        self.thresholds = thresholds
        shape = (len(thresholds),) if self.labels == 1 else (len(thresholds), self.labels)
        for condition in self.conditions:
            setattr(self, condition, self.add_weight(condition, shape=shape))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch.

        Arguments:
            y_true: labels; what is not 0 is positive.
            y_pred: predictions of the same shape, in [0, 1].
            sample_weight: scalar, or of a shape that broadcasts to theirs.

        Returns:
            List of updates.
        """
        counts = confusion_counts(
            self.conditions,
            y_true,
            y_pred,
            self.thresholds,
            self.dtype,
            sample_weight=sample_weight,
            top_k=self.top_k,
            class_id=self.class_id,
            labels=self.labels,
        )
        return [K.update_add(self._counts_of(condition), n) for condition, n in zip(self.conditions, counts)]

    def _counts_of(self, condition):
        return getattr(self, condition)


class _ConfusionMatrixConditionCount(_ConfusionMetric):
    @checked
    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds, 0.5)
        self.accumulator = self.add_weight('accumulator', shape=(len(self.thresholds),))

    def _counts_of(self, condition):
        return self.accumulator

    def result(self):
        """The count so far: a scalar for one threshold, else one for each."""
        count = K.identity(self.accumulator)
        return count[0] if len(self.thresholds) == 1 else count

    def get_config(self):
        return dict(super().get_config(), thresholds=self.init_thresholds)


class TruePositives(_ConfusionMatrixConditionCount):
    """The weight of positive labels that are predicted positive.

    Arguments:
        thresholds: a number in [0, 1] or a list of them: predictions greater than it are positive; 0.5 by default.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Raises:
        ValueError: if a threshold is outside [0, 1].

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> float(K.eval(metrics.TruePositives()([0, 1, 1, 1], [1, 0, 1, 1])))
    2.0

    ```
    """

    conditions = ('true_positives',)


class TrueNegatives(_ConfusionMatrixConditionCount):
    """The weight of negative labels that are predicted negative.

    Arguments:
        thresholds: a number in [0, 1] or a list of them: predictions greater than it are positive; 0.5 by default.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Raises:
        ValueError: if a threshold is outside [0, 1].
    """

    conditions = ('true_negatives',)


class FalsePositives(_ConfusionMatrixConditionCount):
    """The weight of negative labels that are predicted positive.

    Arguments:
        thresholds: a number in [0, 1] or a list of them: predictions greater than it are positive; 0.5 by default.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Raises:
        ValueError: if a threshold is outside [0, 1].
    """

    conditions = ('false_positives',)


class FalseNegatives(_ConfusionMatrixConditionCount):
    """The weight of positive labels that are predicted negative.

    Arguments:
        thresholds: a number in [0, 1] or a list of them: predictions greater than it are positive; 0.5 by default.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Raises:
        ValueError: if a threshold is outside [0, 1].
    """

    conditions = ('false_negatives',)


class _TruePositiveShare(_ConfusionMetric):
    """True positives over true positives and the other condition."""

    @checked
    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        # With top_k alone, being among the best is what makes a prediction positive.
        self._make_counts(parse_thresholds(thresholds, 0.5 if top_k is None else NEG_INF))

    def result(self):
        """The share so far, 0 of nothing: a scalar for one threshold, else one for each."""
        hits, others = [K.identity(self._counts_of(condition)) for condition in self.conditions]
        share = divide(hits, hits + others)
        return share[0] if len(self.thresholds) == 1 else share

    def get_config(self):
        return dict(super().get_config(), thresholds=self.init_thresholds, top_k=self.top_k, class_id=self.class_id)


class Precision(_TruePositiveShare):
    """Of what is predicted positive, the weighted share that is.

    Arguments:
        thresholds: a number in [0, 1] or a list of them: predictions greater than it are positive. By default 0.5,
            or, if `top_k` is given, none.
        top_k: only the `top_k` best of the last axis count as positive.
        class_id: count only this index of the last axis.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Raises:
        ValueError: if a threshold is outside [0, 1].

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> float(K.eval(metrics.Precision()([0, 1, 1, 1], [1, 0, 1, 0])))
    0.5

    ```
    """

    conditions = ('true_positives', 'false_positives')


class Recall(_TruePositiveShare):
    """Of what is positive, the weighted share that is predicted so.

    Arguments:
        thresholds: a number in [0, 1] or a list of them: predictions greater than it are positive. By default 0.5,
            or, if `top_k` is given, none.
        top_k: only the `top_k` best of the last axis count as positive.
        class_id: count only this index of the last axis.
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.

    Raises:
        ValueError: if a threshold is outside [0, 1].
    """

    conditions = ('true_positives', 'false_negatives')


class SensitivitySpecificityBase(_ConfusionMetric):
    """One of sensitivity and specificity where the other is nearest to a wanted value.

    Arguments:
        value: the wanted value, in [0, 1].
        num_thresholds: how many thresholds are tried, evenly over [0, 1].
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        class_id: count only this index of the last axis.
    """

    conditions = ('true_positives', 'true_negatives', 'false_positives', 'false_negatives')

    @checked
    def __init__(self, value, num_thresholds=200, name=None, dtype=None, class_id=None):
        super().__init__(name=name, dtype=dtype)
        self.class_id = class_id
        if num_thresholds < 1:
            raise ValueError(f'`num_thresholds` must be at least 1, not {num_thresholds}.')
        self.value = value
        self.num_thresholds = num_thresholds
        self._make_counts([0.5] if num_thresholds == 1 else [0.0] + even_thresholds(num_thresholds - 2) + [1.0])

    def get_config(self):
        config = dict(super().get_config(), num_thresholds=self.num_thresholds)
        return config if self.class_id is None else dict(config, class_id=self.class_id)

    def _sensitivities(self):
        hits = K.identity(self.true_positives)
        return divide(hits, hits + self.false_negatives)

    def _specificities(self):
        hits = K.identity(self.true_negatives)
        return divide(hits, hits + self.false_positives)

    def _precisions(self):
        hits = K.identity(self.true_positives)
        return divide(hits, hits + self.false_positives)

    def _best_where(self, constrained, wanted):
        """The greatest of `wanted` where `constrained` reaches the value; 0 where it does nowhere."""
        return K.max(K.where(K.greater_equal(constrained, self.value), wanted, K.zeros_like(wanted)))

    def _where_nearest(self, constrained, wanted):
        """`wanted` at the first threshold at which `constrained` is nearest to the value."""
        return K.gather(wanted, K.argmin(K.abs(constrained - self.value), axis=0))


def _check_share(name, value):
    if not 0 <= value <= 1:
        raise ValueError(f'`{name}` must be in the range [0, 1], not {value}.')


class SensitivityAtSpecificity(SensitivitySpecificityBase):
    """The share of positives that are found, at the threshold where the specificity is nearest to the given one.

    Arguments:
        specificity: the wanted share of negatives that are called so, in [0, 1].
        num_thresholds: how many thresholds are tried, evenly over [0, 1].
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        class_id: count only this index of the last axis.

    Raises:
        ValueError: if `specificity` is outside [0, 1] or `num_thresholds` less than 1.

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> sensitivity = metrics.SensitivityAtSpecificity(0.4, num_thresholds=1)
    >>> float(K.eval(sensitivity([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])))
    0.5

    ```
    """

    @checked
    def __init__(self, specificity, num_thresholds=200, name=None, dtype=None, class_id=None):
        _check_share('specificity', specificity)
        super().__init__(specificity, num_thresholds=num_thresholds, name=name, dtype=dtype, class_id=class_id)

    @property
    def specificity(self):
        """The wanted specificity."""
        return self.value

    def result(self):
        """The sensitivity so far: a scalar."""
        return self._where_nearest(self._specificities(), self._sensitivities())

    def get_config(self):
        return dict(super().get_config(), specificity=self.value)


class SpecificityAtSensitivity(SensitivitySpecificityBase):
    """The share of negatives that are called so, at the threshold where the sensitivity is nearest to the given one.

    Arguments:
        sensitivity: the wanted share of positives that are found, in [0, 1].
        num_thresholds: how many thresholds are tried, evenly over [0, 1].
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        class_id: count only this index of the last axis.

    Raises:
        ValueError: if `sensitivity` is outside [0, 1] or `num_thresholds` less than 1.
    """

    @checked
    def __init__(self, sensitivity, num_thresholds=200, name=None, dtype=None, class_id=None):
        _check_share('sensitivity', sensitivity)
        super().__init__(sensitivity, num_thresholds=num_thresholds, name=name, dtype=dtype, class_id=class_id)

    @property
    def sensitivity(self):
        """The wanted sensitivity."""
        return self.value

    def result(self):
        """The specificity so far: a scalar."""
        return self._where_nearest(self._sensitivities(), self._specificities())

    def get_config(self):
        return dict(super().get_config(), sensitivity=self.value)


class PrecisionAtRecall(SensitivitySpecificityBase):
    """The greatest precision at which at least the given share of positives is found.

    Arguments:
        recall: the wanted share of positives that are found, in [0, 1].
        num_thresholds: how many thresholds are tried, evenly over [0, 1].
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        class_id: count only this index of the last axis.

    Raises:
        ValueError: if `recall` is outside [0, 1] or `num_thresholds` less than 1.
    """

    @checked
    def __init__(self, recall, num_thresholds=200, name=None, dtype=None, class_id=None):
        _check_share('recall', recall)
        super().__init__(recall, num_thresholds=num_thresholds, name=name, dtype=dtype, class_id=class_id)

    @property
    def recall(self):
        """The wanted recall."""
        return self.value

    def result(self):
        """The precision so far: a scalar."""
        return self._best_where(self._sensitivities(), self._precisions())

    def get_config(self):
        return dict(super().get_config(), recall=self.value)


class RecallAtPrecision(SensitivitySpecificityBase):
    """The greatest share of positives that is found at a precision of at least the given one; 0 where none is reached.

    Arguments:
        precision: the wanted share, of what is predicted positive, that is, in [0, 1].
        num_thresholds: how many thresholds are tried, evenly over [0, 1].
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        class_id: count only this index of the last axis.

    Raises:
        ValueError: if `precision` is outside [0, 1] or `num_thresholds` less than 1.
    """

    @checked
    def __init__(self, precision, num_thresholds=200, name=None, dtype=None, class_id=None):
        _check_share('precision', precision)
        super().__init__(precision, num_thresholds=num_thresholds, name=name, dtype=dtype, class_id=class_id)

    @property
    def precision(self):
        """The wanted precision."""
        return self.value

    def result(self):
        """The recall so far: a scalar."""
        return self._best_where(self._precisions(), self._sensitivities())

    def get_config(self):
        return dict(super().get_config(), precision=self.value)
