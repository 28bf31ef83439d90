"""Batches of 4, 4 and 2 samples to measure, and the cases: what each metric is made with, and which data it takes."""

import numpy as np

SIZES = (4, 4, 2)


def _real(rng, n):
    return rng.uniform(0.1, 2, (n, 3)), rng.uniform(0.1, 2, (n, 3))


def _binary(rng, n):
    return rng.randint(0, 2, (n, 3)).astype('float64'), rng.uniform(0, 1, (n, 3))


def _categorical(rng, n):
    scores = rng.uniform(0.1, 1, (n, 5))
    return np.eye(5)[rng.randint(0, 5, n)], scores / scores.sum(-1, keepdims=True)


def _distribution(rng, n):
    scores = rng.uniform(0.1, 1, (n, 5))
    return scores / scores.sum(-1, keepdims=True), _categorical(rng, n)[1]


def _sparse(rng, n):
    y_true, y_pred = _categorical(rng, n)
    return y_true.argmax(-1)[:, None].astype('float64'), y_pred


def _labels(rng, n):
    return rng.randint(0, 3, (n, 3)).astype('float64'), rng.randint(0, 3, (n, 3)).astype('float64')


KINDS = {
    'real': _real,
    'binary': _binary,
    'categorical': _categorical,
    'distribution': _distribution,
    'sparse': _sparse,
    'labels': _labels,
}


def batches(kind, weighted):
    """`[(y_true, y_pred, sample_weight or None), ...]` of float32."""
    rng = np.random.RandomState(7)
    made = []
    for n in SIZES:
        y_true, y_pred = KINDS[kind](rng, n)
        weight = rng.uniform(0.5, 1.5, n)
        made.append(
            (y_true.astype('float32'), y_pred.astype('float32'), weight.astype('float32') if weighted else None)
        )
    return made


# id: (class, arguments, kind of data)
CASES = {
    'Accuracy': ('Accuracy', {}, 'labels'),
    'BinaryAccuracy': ('BinaryAccuracy', {}, 'binary'),
    'BinaryAccuracy-threshold': ('BinaryAccuracy', {'threshold': 0.3}, 'binary'),
    'CategoricalAccuracy': ('CategoricalAccuracy', {}, 'categorical'),
    'SparseCategoricalAccuracy': ('SparseCategoricalAccuracy', {}, 'sparse'),
    'TopKCategoricalAccuracy': ('TopKCategoricalAccuracy', {'k': 2}, 'categorical'),
    'SparseTopKCategoricalAccuracy': ('SparseTopKCategoricalAccuracy', {'k': 2}, 'sparse'),
    'MeanSquaredError': ('MeanSquaredError', {}, 'real'),
    'RootMeanSquaredError': ('RootMeanSquaredError', {}, 'real'),
    'MeanRelativeError': ('MeanRelativeError', {'normalizer': [1.0, 2.0, 0.0]}, 'real'),
    'MeanAbsoluteError': ('MeanAbsoluteError', {}, 'real'),
    'MeanAbsolutePercentageError': ('MeanAbsolutePercentageError', {}, 'real'),
    'MeanSquaredLogarithmicError': ('MeanSquaredLogarithmicError', {}, 'real'),
    'LogCoshError': ('LogCoshError', {}, 'real'),
    'Poisson': ('Poisson', {}, 'real'),
    'CosineSimilarity': ('CosineSimilarity', {}, 'real'),
    'Hinge': ('Hinge', {}, 'binary'),
    'SquaredHinge': ('SquaredHinge', {}, 'binary'),
    'CategoricalHinge': ('CategoricalHinge', {}, 'categorical'),
    'BinaryCrossentropy': ('BinaryCrossentropy', {}, 'binary'),
    'BinaryCrossentropy-options': ('BinaryCrossentropy', {'from_logits': True, 'label_smoothing': 0.2}, 'binary'),
    'CategoricalCrossentropy': ('CategoricalCrossentropy', {}, 'categorical'),
    'CategoricalCrossentropy-options': (
        'CategoricalCrossentropy',
        {'from_logits': True, 'label_smoothing': 0.2},
        'categorical',
    ),
    'SparseCategoricalCrossentropy': ('SparseCategoricalCrossentropy', {}, 'sparse'),
    'SparseCategoricalCrossentropy-options': ('SparseCategoricalCrossentropy', {'from_logits': True}, 'sparse'),
    'KLDivergence': ('KLDivergence', {}, 'distribution'),
    'TruePositives': ('TruePositives', {}, 'binary'),
    'TrueNegatives': ('TrueNegatives', {'thresholds': 0.4}, 'binary'),
    'FalsePositives': ('FalsePositives', {'thresholds': [0.3]}, 'binary'),
    'FalseNegatives': ('FalseNegatives', {'thresholds': [0.2, 0.8]}, 'binary'),
    'Precision': ('Precision', {}, 'binary'),
    'Precision-thresholds': ('Precision', {'thresholds': [0.25, 0.75]}, 'binary'),
    'Precision-top_k': ('Precision', {'top_k': 2}, 'categorical'),
    'Recall': ('Recall', {}, 'binary'),
    'Recall-top_k': ('Recall', {'top_k': 3, 'thresholds': 0.2}, 'categorical'),
    'SensitivityAtSpecificity': ('SensitivityAtSpecificity', {'specificity': 0.85}, 'binary'),
    'SensitivityAtSpecificity-1': ('SensitivityAtSpecificity', {'specificity': 0.7, 'num_thresholds': 1}, 'binary'),
    'SpecificityAtSensitivity': ('SpecificityAtSensitivity', {'sensitivity': 0.7, 'num_thresholds': 20}, 'binary'),
    'AUC': ('AUC', {}, 'binary'),
    'AUC-minoring': ('AUC', {'summation_method': 'minoring', 'num_thresholds': 9}, 'binary'),
    'AUC-majoring': ('AUC', {'summation_method': 'majoring', 'num_thresholds': 9}, 'binary'),
    'AUC-thresholds': ('AUC', {'thresholds': [0.7, 0.2, 0.4]}, 'binary'),
    'AUC-PR': ('AUC', {'curve': 'PR'}, 'binary'),
    'AUC-PR-few': ('AUC', {'curve': 'PR', 'num_thresholds': 6}, 'binary'),
    'AUC-PR-minoring': ('AUC', {'curve': 'PR', 'summation_method': 'minoring', 'num_thresholds': 9}, 'binary'),
    'AUC-PR-majoring': ('AUC', {'curve': 'PR', 'summation_method': 'majoring', 'num_thresholds': 9}, 'binary'),
    'AUC-labels': ('AUC', {'multi_label': True}, 'binary'),
    'AUC-PR-labels': (
        'AUC',
        {'multi_label': True, 'num_labels': 3, 'label_weights': [1.0, 0.5, 2.0], 'curve': 'PR'},
        'binary',
    ),
    'AUC-logits': ('AUC', {'from_logits': True}, 'binary'),
    'SensitivityAtSpecificity-class': ('SensitivityAtSpecificity', {'specificity': 0.6, 'class_id': 1}, 'binary'),
    'PrecisionAtRecall': ('PrecisionAtRecall', {'recall': 0.6}, 'binary'),
    'PrecisionAtRecall-class': ('PrecisionAtRecall', {'recall': 0.3, 'num_thresholds': 30, 'class_id': 2}, 'binary'),
    'RecallAtPrecision': ('RecallAtPrecision', {'precision': 0.65}, 'binary'),
    'RecallAtPrecision-never': ('RecallAtPrecision', {'precision': 1.0, 'num_thresholds': 4}, 'binary'),
    'MeanIoU': ('MeanIoU', {'num_classes': 3}, 'labels'),
    'IoU': ('IoU', {'num_classes': 3, 'target_class_ids': [0, 2]}, 'labels'),
    'IoU-ignore': ('IoU', {'num_classes': 3, 'target_class_ids': [0, 1], 'ignore_class': 2}, 'labels'),
    'BinaryIoU': ('BinaryIoU', {'threshold': 0.4}, 'binary'),
    'BinaryIoU-yes': ('BinaryIoU', {'target_class_ids': [1]}, 'binary'),
    'OneHotIoU': ('OneHotIoU', {'num_classes': 5, 'target_class_ids': [0, 1, 3]}, 'categorical'),
    'OneHotMeanIoU': ('OneHotMeanIoU', {'num_classes': 5}, 'categorical'),
    'F1Score': ('F1Score', {}, 'categorical'),
    'F1Score-micro': ('F1Score', {'average': 'micro'}, 'categorical'),
    'F1Score-macro': ('F1Score', {'average': 'macro', 'threshold': 0.4}, 'binary'),
    'FBetaScore-weighted': ('FBetaScore', {'beta': 2.0, 'average': 'weighted'}, 'categorical'),
    'FBetaScore-threshold': ('FBetaScore', {'beta': 0.5, 'threshold': 0.3}, 'binary'),
    'R2Score': ('R2Score', {}, 'real'),
    'R2Score-each': ('R2Score', {'class_aggregation': None}, 'real'),
    'R2Score-adjusted': (
        'R2Score',
        {'class_aggregation': 'variance_weighted_average', 'num_regressors': 2},
        'real',
    ),
}
