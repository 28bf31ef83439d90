"""The area under the curve that a classifier draws as its threshold moves."""

from cthulhu import backend as K
from cthulhu.metrics.confusion import _ConfusionMetric, even_thresholds
from cthulhu.utils.arguments import checked
from cthulhu.utils.losses_utils import as_tensor
from cthulhu.utils.metrics_utils import divide, parse_thresholds


def _one_of(name, value, choices):
    for choice in choices:
        if isinstance(value, str) and value.lower() == choice.lower():
            return choice
    raise ValueError('`{}` must be one of {}, not {!r}.'.format(name, ', '.join(map(repr, choices)), value))


class AUC(_ConfusionMetric):
    """The area under the ROC or the precision-recall curve, by a sum over thresholds.

    The curve is known at the thresholds only, so the more of them lie among the predictions, the better the figure.

    Arguments:
        num_thresholds: how many thresholds, two of them just outside [0, 1], the rest evenly inside.
        curve: 'ROC' (true positive rate over false positive rate) or 'PR' (precision over recall).
        summation_method: the height of each piece: 'interpolation' (midway; for 'PR' positives are interpolated, and
            precision computed from them), 'minoring' (the lesser end) or 'majoring' (the greater end).
        name: string.
        dtype: dtype of the weights and the result; by default `K.floatx()`.
        thresholds: list of numbers in [0, 1] to use instead; the two outside are added.
        multi_label: bool, whether each index of the last axis is a label with a curve of its own; the area is the mean of theirs.
        num_labels: int, how many labels there are; as many as the first predictions have, if left out.
        label_weights: list of numbers from 0 up, one for each label, by which the mean weighs the areas.
        from_logits: bool, whether predictions are logits, which `sigmoid` brings into [0, 1].

    Raises:
        ValueError: if `num_thresholds` is less than 2, a threshold is outside [0, 1], or `curve` or
            `summation_method` is none of those named.

    References:
        - [The Relationship Between Precision-Recall and ROC Curves](https://doi.org/10.1145/1143844.1143874)
          (Davis and Goadrich, 2006)

    Example:
    ```python
    >>> from cthulhu import backend as K, metrics
    >>> float(K.eval(metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])))
    0.75

    ```
    """

    conditions = ('true_positives', 'true_negatives', 'false_positives', 'false_negatives')

    @checked
    def __init__(
        self,
        num_thresholds=200,
        curve='ROC',
        summation_method='interpolation',
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        super().__init__(name=name, dtype=dtype)
        if not multi_label and (num_labels or label_weights is not None):
            raise ValueError('AUC: `num_labels` and `label_weights` are about `multi_label=True`; give that, too.')
        if num_labels and label_weights is not None and len(label_weights) != num_labels:
            raise ValueError(f'AUC: `label_weights` has {len(label_weights)} numbers for {num_labels} labels.')
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else [float(weight) for weight in label_weights]
        self.curve = _one_of('curve', curve, ('ROC', 'PR'))
        self.summation_method = _one_of('summation_method', summation_method, ('interpolation', 'minoring', 'majoring'))
        if thresholds is not None:
            inside = sorted(parse_thresholds(thresholds, None))
        elif num_thresholds > 1:
            inside = even_thresholds(num_thresholds - 2)
        else:
            raise ValueError(f'`num_thresholds` must be at least 2, not {num_thresholds}.')
        self.num_thresholds = len(inside) + 2
        # The outer two hold predictions of exactly 0 and 1 on their side.
        self.thresholds = [-K.epsilon()] + inside + [1 + K.epsilon()]
        if num_labels or not multi_label:
            self.labels = num_labels or 1
            self._make_counts(self.thresholds)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = as_tensor(y_pred, self.dtype)
        if self.from_logits:
            y_pred = K.sigmoid(y_pred)
        if self.multi_label:
            self._settle_labels(K.int_shape(y_pred))
            if sample_weight is not None:  # of samples, or of each label
                sample_weight = as_tensor(sample_weight, self.dtype)
                if K.ndim(sample_weight) == 1:
                    sample_weight = K.expand_dims(sample_weight, -1)
        return super().update_state(y_true, y_pred, sample_weight)

    def _settle_labels(self, shape):
        count = shape[-1] if len(shape) > 1 else 1
        if not self.weights and count:
            self.labels = count
            self._make_counts(self.thresholds)
        if count != self.labels or self.label_weights is not None and count != len(self.label_weights):
            expected = len(self.label_weights) if count == self.labels else self.labels
            raise ValueError(
                f'AUC: the predictions have the shape {shape}; there are {expected} labels in the last axis.'
            )

    def _of_labels(self, pieces):
        """The sum of the pieces of a curve; of several curves, the mean of their sums."""
        areas = K.sum(pieces, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return K.mean(areas)
        weights = K.constant(self.label_weights, dtype=K.dtype(areas))
        return K.sum(areas * weights) / K.maximum(K.sum(weights), K.epsilon())

    def interpolate_pr_auc(self):
        """The area under the precision-recall curve, true and false positives being interpolated between thresholds.

        With TP the true and P all positives, both linear between the thresholds of a piece, precision is
        `(TP_b + slope * (P - P_b)) / P` with `slope = dTP / dP`, and its integral over recall, in closed form,
        `slope * (dTP + (TP_b - slope * P_b) * log(P_a / P_b)) / positives`. Where the piece begins at no positives,
        precision is constant in it.

        Returns:
            A scalar tensor.
        """
        hits, misses = K.identity(self.true_positives), K.identity(self.false_negatives)
        positives = hits + self.false_positives
        hits_change = hits[:-1] - hits[1:]
        slope = divide(hits_change, positives[:-1] - positives[1:])
        intercept = hits[1:] - slope * positives[1:]
        ratio = divide(positives[:-1], positives[1:])
        ratio = K.where(K.greater(ratio, 0), ratio, K.ones_like(ratio))
        return self._of_labels(divide(slope * (hits_change + intercept * K.log(ratio)), hits[1:] + misses[1:]))

    def result(self):
        """The area so far: a scalar."""
        if self.curve == 'PR' and self.summation_method == 'interpolation':
            return self.interpolate_pr_auc()
        hits = K.identity(self.true_positives)
        false_alarms = K.identity(self.false_positives)
        recall = divide(hits, hits + self.false_negatives)
        if self.curve == 'ROC':
            x, y = divide(false_alarms, false_alarms + self.true_negatives), recall
        else:
            x, y = recall, divide(hits, hits + false_alarms)
        height = {
            'interpolation': lambda a, b: (a + b) / 2.0,
            'minoring': K.minimum,
            'majoring': K.maximum,
        }[self.summation_method]
        return self._of_labels((x[:-1] - x[1:]) * height(y[:-1], y[1:]))

    def get_config(self):
        config = dict(
            super().get_config(),
            num_thresholds=self.num_thresholds,
            curve=self.curve,
            summation_method=self.summation_method,
            thresholds=self.thresholds[1:-1],
        )
        # Keras 2.3 does not know these.
        further = {name: getattr(self, name) for name in ('multi_label', 'num_labels', 'label_weights', 'from_logits')}
        return dict(config, **{name: value for name, value in further.items() if value})
