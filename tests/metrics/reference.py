"""Every metric once more, in NumPy, over all samples at once: `NAME(y_true, y_pred, weight, **arguments)`.

The weight is that of each sample; all ones where none is given.
"""

import numpy as np

EPSILON = 1e-7


def average(values, weight):
    return np.average(values, axis=0, weights=weight)


def mean_of(error):
    """The metric that averages `error(y_true, y_pred)` over the last axis, then over the samples."""
    return lambda y, p, w: average(error(y, p).mean(axis=-1), w)


def positive(p):
    return np.maximum(p, EPSILON)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def one_hot(y, classes):
    return np.eye(classes)[y[:, 0].astype(int)]


Accuracy = mean_of(lambda y, p: (y == p) * 1.0)
MeanSquaredError = mean_of(lambda y, p: (y - p) ** 2)
MeanAbsoluteError = mean_of(lambda y, p: abs(y - p))
MeanAbsolutePercentageError = mean_of(lambda y, p: 100 * abs((y - p) / y))
MeanSquaredLogarithmicError = mean_of(lambda y, p: (np.log1p(y) - np.log1p(p)) ** 2)
LogCoshError = mean_of(lambda y, p: np.log(np.cosh(p - y)))
Poisson = mean_of(lambda y, p: p - y * np.log(p + EPSILON))
Hinge = mean_of(lambda y, p: np.maximum(1 - (2 * y - 1) * p, 0))
SquaredHinge = mean_of(lambda y, p: np.maximum(1 - (2 * y - 1) * p, 0) ** 2)


def RootMeanSquaredError(y, p, w):
    return np.sqrt(MeanSquaredError(y, p, w))


def MeanRelativeError(y, p, w, normalizer):
    divisors = np.where(normalizer, normalizer, np.inf)
    return mean_of(lambda y, p: abs(y - p) / divisors)(y, p, w)


def BinaryAccuracy(y, p, w, threshold=0.5):
    return mean_of(lambda y, p: (y == (p > threshold)) * 1.0)(y, p, w)


def CategoricalAccuracy(y, p, w):
    return average(y[np.arange(len(p)), p.argmax(axis=-1)], w)


def SparseCategoricalAccuracy(y, p, w):
    return CategoricalAccuracy(one_hot(y, p.shape[-1]), p, w)


def TopKCategoricalAccuracy(y, p, w, k=5):
    best = np.argsort(-p, axis=-1)[:, :k]
    return average([label.argmax() in row for label, row in zip(y, best)], w)


def SparseTopKCategoricalAccuracy(y, p, w, k=5):
    return TopKCategoricalAccuracy(one_hot(y, p.shape[-1]), p, w, k)


def CosineSimilarity(y, p, w):
    return average((y * p).sum(-1) / np.sqrt((y**2).sum(-1) * (p**2).sum(-1)), w)


def CategoricalHinge(y, p, w):
    others = np.where(y == 1, 0, p).max(axis=-1)
    return average(np.maximum(0, 1 + others - p[y == 1]), w)


def BinaryCrossentropy(y, p, w, from_logits=False, label_smoothing=0):
    p = sigmoid(p) if from_logits else p
    y = y * (1 - label_smoothing) + label_smoothing / 2
    return mean_of(lambda y, p: -y * np.log(p) - (1 - y) * np.log(1 - p))(y, p, w)


def CategoricalCrossentropy(y, p, w, from_logits=False, label_smoothing=0):
    p = softmax(p) if from_logits else p
    y = y * (1 - label_smoothing) + label_smoothing / p.shape[-1]
    return average(-(y * np.log(p)).sum(axis=-1), w)


def SparseCategoricalCrossentropy(y, p, w, from_logits=False):
    return CategoricalCrossentropy(one_hot(y, p.shape[-1]), p, w, from_logits)


def KLDivergence(y, p, w):
    return average((y * np.log(y / p)).sum(axis=-1), w)


def counts(y, p, w, threshold):
    """True and false positives, true and false negatives, by a walk over all elements."""
    tp = fp = tn = fn = 0.0
    for labels, predictions, weight in zip(y, p, w):
        for label, prediction in zip(labels, predictions):
            if prediction > threshold:
                tp, fp = tp + weight * label, fp + weight * (1 - label)
            else:
                fn, tn = fn + weight * label, tn + weight * (1 - label)
    return tp, fp, tn, fn


def counter(index):
    def count(y, p, w, thresholds=0.5):
        found = [counts(y, p, w, threshold)[index] for threshold in np.ravel(thresholds)]
        return found[0] if len(found) == 1 else found

    return count


TruePositives, FalsePositives, TrueNegatives, FalseNegatives = [counter(index) for index in range(4)]


def share(other):
    def value(y, p, w, thresholds=None, top_k=None):
        if top_k is not None:
            worst = np.sort(p, axis=-1)[:, -top_k, None]
            p = np.where(p >= worst, p, -1)
        found = []
        for threshold in np.ravel([0.5 if top_k is None else -0.5] if thresholds is None else thresholds):
            tp, wrong = [counts(y, p, w, threshold)[index] for index in (0, other)]
            found.append(tp / (tp + wrong))
        return found[0] if len(found) == 1 else found

    return value


Precision, Recall = share(1), share(3)


def rates(y, p, w, thresholds):
    """Sensitivity and specificity at each threshold."""
    found = [counts(y, p, w, threshold) for threshold in thresholds]
    return np.array([tp / (tp + fn) for tp, fp, tn, fn in found]), np.array(
        [tn / (tn + fp) for tp, fp, tn, fn in found]
    )


def even(count):
    return [0.5] if count == 1 else np.linspace(0, 1, count)


def SensitivityAtSpecificity(y, p, w, specificity, num_thresholds=200, class_id=None):
    y, p = (x if class_id is None else x[:, class_id : class_id + 1] for x in (y, p))
    sensitivities, specificities = rates(y, p, w, even(num_thresholds))
    return sensitivities[abs(specificities - specificity).argmin()]


def SpecificityAtSensitivity(y, p, w, sensitivity, num_thresholds=200):
    sensitivities, specificities = rates(y, p, w, even(num_thresholds))
    return specificities[abs(sensitivities - sensitivity).argmin()]


def _best(wanted, constrained, least):
    return max(wanted[constrained >= least], default=0.0)


def _precisions(y, p, w, thresholds):
    found = [counts(y, p, w, threshold) for threshold in thresholds]
    return np.array([tp / max(tp + fp, EPSILON) for tp, fp, tn, fn in found])


def PrecisionAtRecall(y, p, w, recall, num_thresholds=200, class_id=None):
    y, p = (x if class_id is None else x[:, class_id : class_id + 1] for x in (y, p))
    at = even(num_thresholds)
    return _best(_precisions(y, p, w, at), rates(y, p, w, at)[0], recall)


def RecallAtPrecision(y, p, w, precision, num_thresholds=200):
    at = even(num_thresholds)
    return _best(rates(y, p, w, at)[0], _precisions(y, p, w, at), precision)


def AUC(y, p, w, multi_label=False, num_labels=None, label_weights=None, from_logits=False, **settings):
    p = sigmoid(p) if from_logits else p
    if not multi_label:
        return area(y, p, w, **settings)
    return np.average([area(y[:, [i]], p[:, [i]], w, **settings) for i in range(y.shape[1])], weights=label_weights)


def area(y, p, w, num_thresholds=200, curve='ROC', summation_method='interpolation', thresholds=None):
    inside = list(even(num_thresholds)[1:-1]) if thresholds is None else sorted(thresholds)
    found = np.array([counts(y, p, w, threshold) for threshold in [-EPSILON] + inside + [1 + EPSILON]])[::-1]
    tp, fp, tn, fn = found.T
    if curve == 'ROC':
        x, height = fp / (fp + tn), tp / (tp + fn)
    elif summation_method != 'interpolation':
        x, height = tp / (tp + fn), tp / np.maximum(tp + fp, EPSILON)
    else:  # true and false positives move evenly from one threshold to the next, in many small steps
        steps = (np.arange(4000) + 0.5) / 4000
        tps, fps = [a[:-1, None] + (a[1:] - a[:-1])[:, None] * steps for a in (tp, fp)]
        precision = tps / np.maximum(tps + fps, EPSILON)
        return (precision.mean(axis=1) * (tp[1:] - tp[:-1])).sum() / (tp + fn)[0]
    height = {
        'interpolation': lambda a, b: (a + b) / 2,
        'minoring': np.minimum,
        'majoring': np.maximum,
    }[summation_method](height[:-1], height[1:])
    return ((x[1:] - x[:-1]) * height).sum()


def MeanIoU(y, p, w, num_classes):
    w = np.repeat(w[:, None], y.shape[1], axis=1)
    scores = []
    for number in range(num_classes):
        union = w[(y == number) | (p == number)].sum()
        if union:
            scores.append(w[(y == number) & (p == number)].sum() / union)
    return np.mean(scores)


def _iou(y, p, w, classes, wanted, ignore=None):
    weights = np.broadcast_to(np.reshape(w, (-1,) + (1,) * (y.ndim - 1)), y.shape)
    weights = weights * (y != ignore)
    found = []
    for k in wanted:
        union = (weights * ((y == k) | (p == k))).sum()
        found += [(weights * ((y == k) & (p == k))).sum() / union] if union else []
    return np.mean(found)


def IoU(y, p, w, num_classes, target_class_ids, ignore_class=None):
    return _iou(y, p, w, num_classes, target_class_ids, ignore_class)


def BinaryIoU(y, p, w, target_class_ids=(0, 1), threshold=0.5):
    return _iou(y, (p >= threshold) * 1.0, w, 2, target_class_ids)


def OneHotIoU(y, p, w, num_classes, target_class_ids):
    return _iou(y.argmax(-1), p.argmax(-1), w, num_classes, target_class_ids)


def OneHotMeanIoU(y, p, w, num_classes):
    return OneHotIoU(y, p, w, num_classes, range(num_classes))


def FBetaScore(y, p, w, average=None, beta=1.0, threshold=None):
    positive = (p == p.max(-1, keepdims=True) if threshold is None else p > threshold) * 1.0
    axis = None if average == 'micro' else 0
    true, predicted, seen = ((each * w[:, None]).sum(axis) for each in (positive * y, positive, y))
    score = (1 + beta**2) * true / np.maximum(beta**2 * seen + predicted, EPSILON)
    return np.average(score, weights=seen) if average == 'weighted' else score if average is None else np.mean(score)


def F1Score(y, p, w, average=None, threshold=None):
    return FBetaScore(y, p, w, average, 1.0, threshold)


def R2Score(y, p, w, class_aggregation='uniform_average', num_regressors=0):
    variance = (w[:, None] * (y - average(y, w)) ** 2).sum(0)
    score = 1 - (w[:, None] * (y - p) ** 2).sum(0) / variance
    if class_aggregation is not None:
        score = np.average(score, weights=None if class_aggregation == 'uniform_average' else variance)
    return 1 - (1 - score) * (y.size - 1) / (y.size - num_regressors - 1) if num_regressors else score
