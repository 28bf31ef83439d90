"""Every metric against NumPy and against Keras 2.3.1, over batches of different sizes, weighted and not."""

import numpy as np
import pytest

from cthulhu import metrics
from tests.metrics import reference
from tests.metrics.data import CASES, batches
from tests.metrics.helpers import joined, measure

# After the three batches of `data.py`, without and with weights: recorded from Keras 2.3.1 on TensorFlow 1.15.5.
KERAS_VALUES = {
    'AUC': (0.569444, 0.597619),
    'AUC-PR': (0.684019, 0.713517),
    'AUC-PR-few': (0.678784, 0.69486),
    'AUC-PR-majoring': (0.710778, 0.727281),
    'AUC-PR-minoring': (0.601132, 0.62399),
    'AUC-majoring': (0.685185, 0.704695),
    'AUC-minoring': (0.537037, 0.564512),
    'AUC-thresholds': (0.5625, 0.588876),
    'Accuracy': (0.4, 0.421021),
    'BinaryAccuracy': (0.566667, 0.555132),
    'BinaryAccuracy-threshold': (0.6, 0.634505),
    'BinaryCrossentropy': (0.780358, 0.777803),
    'BinaryCrossentropy-options': (0.67581, 0.665429),
    'CategoricalAccuracy': (0.4, 0.436417),
    'CategoricalCrossentropy': (1.417696, 1.442685),
    'CategoricalCrossentropy-options': (1.570828, 1.575301),
    'CategoricalHinge': (1.035295, 1.041936),
    'CosineSimilarity': (0.870844, 0.860375),
    'FalseNegatives': ([2.0, 15.0], [2.123455, 15.922467]),
    'FalsePositives': (8.0, 6.84482),
    'Hinge': (0.870789, 0.847118),
    'KLDivergence': (0.17006, 0.163272),
    'LogCoshError': (0.177027, 0.178873),
    'MeanAbsoluteError': (0.511384, 0.51668),
    'MeanRelativeError': (0.258688, 0.259277),  # of tf-keras 2.21, with weights repeated as below
    'MeanAbsolutePercentageError': (54.644917, 57.18866),
    'MeanSquaredError': (0.408235, 0.410961),
    'MeanSquaredLogarithmicError': (0.100991, 0.104425),
    'Poisson': (1.126473, 1.133841),
    'Precision': (0.727273, 0.741963),
    'Precision-thresholds': ([0.64, 0.8], [0.680611, 0.807461]),
    'Precision-top_k': (0.3, 0.294719),
    'Recall': (0.444444, 0.429482),
    'Recall-top_k': (0.8, 0.750681),
    'RootMeanSquaredError': (0.638932, 0.641063),
    'SensitivityAtSpecificity': (0.388889, 0.354372),
    'SensitivityAtSpecificity-1': (0.444444, 0.429482),
    'SparseCategoricalAccuracy': (0.4, 0.436417),
    'SparseCategoricalCrossentropy': (1.417696, 1.442685),
    'SparseCategoricalCrossentropy-options': (1.560191, 1.565784),
    'SparseTopKCategoricalAccuracy': (0.6, 0.589439),
    'SpecificityAtSensitivity': (0.333333, 0.418923),
    'SquaredHinge': (1.021805, 0.967171),
    'TopKCategoricalAccuracy': (0.6, 0.589439),
    'TrueNegatives': (5.0, 5.787705),
    'TruePositives': (8.0, 8.183724),
}
# The same of those that came later, from Keras 3.15.1 (the weights of samples repeated for each of their values where it takes no others).
KERAS_VALUES.update(
    {
        'MeanIoU': (0.25, 0.264824),
        'IoU': (0.232143, 0.261418),
        'IoU-ignore': (0.332418, 0.344957),
        'BinaryIoU': (0.351579, 0.379288),
        'BinaryIoU-yes': (0.380952, 0.373669),
        'OneHotIoU': (0.277778, 0.338285),
        'OneHotMeanIoU': (0.233333, 0.256424),
        'F1Score': ([0.4, 0.4, 0.5, 0.5, 0.0], [0.484252, 0.384343, 0.421797, 0.627775, 0.0]),
        'F1Score-micro': (0.4, 0.436417),
        'F1Score-macro': (0.610256, 0.625449),
        'FBetaScore-weighted': (0.414286, 0.447493),
        'FBetaScore-threshold': ([0.652174, 0.517241, 0.806451], [0.720747, 0.509659, 0.816078]),
        'R2Score': (-1.151741, -1.146812),
        'AUC-labels': (0.530357, 0.529502),
        'AUC-PR-labels': (0.778363, 0.794658),
        'AUC-logits': (0.571759, 0.597739),
        'SensitivityAtSpecificity-class': (0.6, 0.553764),
        'PrecisionAtRecall': (0.64, 0.681261),
        'PrecisionAtRecall-class': (1.0, 1.0),
        'RecallAtPrecision': (0.444444, 0.888561),
        'RecallAtPrecision-never': (0.0, 0.0),
        'R2Score-each': ([-1.019722, -1.130446, -1.305055], [-0.781033, -1.34893, -1.310474]),
        'R2Score-adjusted': (-1.298784, -1.308882),
    }
)


@pytest.mark.parametrize('weighted', [False, True])
@pytest.mark.parametrize('case', sorted(CASES))
def test_value(case, weighted):
    name, arguments, kind = CASES[case]
    data = batches(kind, weighted)
    found = measure(getattr(metrics, name)(**arguments), data)
    for number, value in enumerate(found, start=1):
        y_true, y_pred, weight = joined(data[:number])
        weight = np.ones(len(y_true)) if weight is None else weight.astype('float64')
        wanted = getattr(reference, name)(y_true.astype('float64'), y_pred.astype('float64'), weight, **arguments)
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-6)
    if case in KERAS_VALUES:
        np.testing.assert_allclose(found[-1], KERAS_VALUES[case][weighted], rtol=1e-5, atol=2e-6)


def test_every_class_has_a_case():
    classes = {name for name in metrics.__all__ if isinstance(getattr(metrics, name), type)}
    assert issubclass(metrics.F1Score, metrics.FBetaScore)
    bases = {'Metric', 'Reduce', 'Mean', 'Sum', 'MeanMetricWrapper', 'SensitivitySpecificityBase'}
    assert classes - bases == {name for name, _, _ in CASES.values()}
    assert set(CASES) == set(KERAS_VALUES)


@pytest.mark.parametrize(
    'case',
    [
        'MeanSquaredError',
        'CategoricalAccuracy',
        'Precision',
        'AUC',
        'MeanIoU',
        'RootMeanSquaredError',
        'F1Score-macro',
        'R2Score',
    ],
)
def test_value_does_not_depend_on_the_batch_size(case):
    name, arguments, kind = CASES[case]
    whole = joined(batches(kind, True))
    values = []
    for size in (1, 3, 10):
        cut = [tuple(x[i : i + size] for x in whole) for i in range(0, 10, size)]
        values.append(measure(getattr(metrics, name)(**arguments), cut)[-1])
    np.testing.assert_allclose(values, values[0], rtol=1e-5)
