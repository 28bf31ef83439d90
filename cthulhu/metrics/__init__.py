"""Metrics: functions of a batch, and classes that accumulate them over all batches.

A class is used in `conjure`, given to `add_metric`, or called by itself on tensors, arrays or lists. Its figure is that
of all samples together, however they were cut into batches.
"""

from cthulhu import registry
from cthulhu.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    kullback_leibler_divergence,
    logcosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from cthulhu.metrics.accuracies import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from cthulhu.metrics.auc import AUC
from cthulhu.metrics.base import (
    Mean,
    MeanMetricWrapper,
    Metric,
    Reduce,
    Sum,
    clone_metric,
    clone_metrics,
    deserialize,
    get,
    serialize,
)
from cthulhu.metrics.by_loss import accuracy_for, crossentropy_for
from cthulhu.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SensitivitySpecificityBase,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from cthulhu.metrics.crossentropies import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
)
from cthulhu.metrics.functions import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    cosine_proximity,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from cthulhu.metrics.hinges import CategoricalHinge, Hinge, SquaredHinge
from cthulhu.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from cthulhu.metrics.regression import (
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanRelativeError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
)
from cthulhu.metrics.scores import F1Score, FBetaScore, R2Score

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
cosine = cosine_similarity = cosine_proximity

__all__ = [
    'AUC', 'Accuracy', 'BinaryAccuracy', 'BinaryCrossentropy', 'BinaryIoU', 'CategoricalAccuracy',
    'CategoricalCrossentropy', 'CategoricalHinge', 'CosineSimilarity', 'F1Score', 'FBetaScore', 'FalseNegatives',
    'FalsePositives', 'Hinge', 'IoU', 'KLDivergence', 'LogCoshError', 'MAE', 'MAPE', 'MSE', 'MSLE', 'Mean',
    'MeanAbsoluteError', 'MeanAbsolutePercentageError', 'MeanIoU', 'MeanMetricWrapper', 'MeanRelativeError', 'MeanSquaredError',
    'MeanSquaredLogarithmicError', 'Metric', 'OneHotIoU', 'OneHotMeanIoU', 'Poisson', 'Precision', 'PrecisionAtRecall', 'R2Score',
    'Recall', 'RecallAtPrecision', 'Reduce', 'RootMeanSquaredError', 'SensitivityAtSpecificity', 'SensitivitySpecificityBase',
    'SparseCategoricalAccuracy', 'SparseCategoricalCrossentropy', 'SparseTopKCategoricalAccuracy',
    'SpecificityAtSensitivity', 'SquaredHinge', 'Sum', 'TopKCategoricalAccuracy', 'TrueNegatives', 'TruePositives',
    'accuracy', 'binary_accuracy', 'binary_crossentropy', 'binary_focal_crossentropy', 'categorical_accuracy',
    'categorical_crossentropy', 'categorical_focal_crossentropy', 'categorical_hinge', 'cosine', 'cosine_proximity',
    'cosine_similarity', 'hinge', 'kullback_leibler_divergence', 'logcosh', 'mae', 'mape', 'mean_absolute_error',
    'mean_absolute_percentage_error', 'mean_squared_error', 'mean_squared_logarithmic_error', 'mse', 'msle',
    'poisson', 'sparse_categorical_accuracy', 'sparse_categorical_crossentropy', 'sparse_top_k_categorical_accuracy',
    'squared_hinge', 'top_k_categorical_accuracy',
]  # fmt: skip

# What a saved model may name: the metrics, and nothing else that this module happens to hold.
registry.metrics.register({name: globals()[name] for name in __all__})

__all__ += ['accuracy_for', 'clone_metric', 'clone_metrics', 'crossentropy_for', 'deserialize', 'get', 'serialize']
