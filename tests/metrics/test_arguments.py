"""Names, configurations, thresholds and classes: what metrics are made from, and what they refuse."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import losses, metrics
from tests.metrics.data import CASES, batches
from tests.metrics.helpers import measure

# `get_config()`, recorded from Keras 2.3.1.
KERAS_CONFIGS = [
    (
        'AUC',
        {'num_thresholds': 3},
        {'num_thresholds': 3, 'curve': 'ROC', 'summation_method': 'interpolation', 'thresholds': [0.5]},
    ),
    ('Precision', {'top_k': 2}, {'thresholds': None, 'top_k': 2, 'class_id': None}),
    ('TopKCategoricalAccuracy', {'k': 3}, {'k': 3}),
    ('CosineSimilarity', {}, {'axis': -1}),
    ('SparseCategoricalCrossentropy', {}, {'from_logits': False, 'axis': -1}),
    ('BinaryCrossentropy', {}, {'from_logits': False, 'label_smoothing': 0}),
    ('SensitivityAtSpecificity', {'specificity': 0.5}, {'num_thresholds': 200, 'specificity': 0.5}),
]


@pytest.mark.parametrize('name, arguments, wanted', KERAS_CONFIGS)
def test_config_is_that_of_keras(name, arguments, wanted):
    config = getattr(metrics, name)(name='m', **arguments).get_config()
    assert config == dict(wanted, name='m', dtype='float32')


@pytest.mark.parametrize('case', sorted(CASES))
def test_round_trip(case):
    name, arguments, kind = CASES[case]
    metric = getattr(metrics, name)(name='mine', **arguments)
    description = metrics.serialize(metric)
    assert description['class_name'] == name
    again = metrics.deserialize(description)
    assert type(again) is type(metric) and again.name == 'mine' and metrics.serialize(again) == description
    data = batches(kind, True)[:1]
    np.testing.assert_array_equal(measure(again, data), measure(metric, data))


def test_get():
    assert metrics.get('mse') is metrics.get('MSE') is losses.mean_squared_error
    assert metrics.get('cosine') is metrics.cosine_proximity is not losses.cosine_proximity
    assert metrics.serialize(metrics.get('mse')) == 'mean_squared_error'
    assert isinstance(metrics.get('AUC'), metrics.AUC)
    assert isinstance(metrics.get(metrics.Recall), metrics.Recall)
    assert metrics.get({'class_name': 'AUC', 'config': {'num_thresholds': 7}}).num_thresholds == 7
    mean = metrics.Mean()
    assert metrics.get(mean) is mean and metrics.get(len) is len


@pytest.mark.parametrize('identifier', ['nope', 'get', 'K', 'base', None, 3])
def test_get_refuses(identifier):
    with pytest.raises(ValueError, match='metric'):
        metrics.get(identifier)


@pytest.mark.parametrize(
    'loss, units, kind',
    [
        ('mse', 1, 'binary'),
        ('mse', 3, 'categorical'),
        (None, 3, 'categorical'),
        ('binary_crossentropy', 3, 'binary'),
        (losses.BinaryCrossentropy(), 3, 'binary'),
        ('sparse_categorical_crossentropy', 3, 'sparse_categorical'),
        (losses.SparseCategoricalCrossentropy(), 3, 'sparse_categorical'),
        (losses.sparse_categorical_crossentropy, 1, 'binary'),
        (losses.categorical_crossentropy, 3, 'categorical'),
    ],
)
def test_what_accuracy_and_crossentropy_stand_for(loss, units, kind):
    for choose, ending in ((metrics.accuracy_for, '_accuracy'), (metrics.crossentropy_for, '_crossentropy')):
        assert choose(loss, (None, units)) == (getattr(metrics, kind + ending), kind + ending)


@pytest.mark.parametrize('name', ['TruePositives', 'FalseNegatives', 'Precision', 'Recall', 'AUC'])
def test_thresholds_outside_the_range_are_refused(name):
    with pytest.raises(ValueError, match=r'`thresholds` is .*; got \[0.5, 1.2, -0.1\]'):
        getattr(metrics, name)(thresholds=[0.5, 1.2, -0.1])


@pytest.mark.parametrize(
    'make, words',
    [
        (lambda: metrics.AUC(num_thresholds=1), 'num_thresholds'),
        (lambda: metrics.AUC(curve='roc '), "`curve` must be one of 'ROC', 'PR'"),
        (lambda: metrics.AUC(summation_method='sum'), 'summation_method.*minoring'),
        (lambda: metrics.SensitivityAtSpecificity(1.5), 'specificity'),
        (lambda: metrics.SpecificityAtSensitivity(-1), 'sensitivity'),
        (lambda: metrics.SpecificityAtSensitivity(0.5, num_thresholds=0), 'num_thresholds'),
        (lambda: metrics.Precision(top_k=4)(np.ones((2, 3)), np.ones((2, 3))), 'top_k'),
    ],
)
def test_wrong_arguments(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_curve_in_small_letters():
    assert metrics.AUC(curve='pr', summation_method='Majoring').get_config()['curve'] == 'PR'


def test_class_id():
    data = batches('binary', False)
    # Recorded from Keras 2.3.1.
    assert measure(metrics.Precision(class_id=1), data)[-1] == pytest.approx(0.6666667)
    # Weights of samples, which Keras 2.3.1 refused here.
    y_true, y_pred, weight = batches('binary', True)[0]
    column = measure(metrics.Recall(), [(y_true[:, 2:], y_pred[:, 2:], weight)])
    assert measure(metrics.Recall(class_id=2), [(y_true, y_pred, weight)]) == column


def test_top_k_with_class_id_counts_only_where_the_class_is_among_the_best():
    y_true = np.array([[0.0, 1, 0], [0, 1, 0], [1, 0, 0]])
    y_pred = np.array([[0.1, 0.5, 0.4], [0.6, 0.1, 0.3], [0.2, 0.5, 0.3]])
    assert measure(metrics.Precision(top_k=2, class_id=1), [(y_true, y_pred)]) == [0.5]
    assert measure(metrics.Recall(top_k=2, class_id=1), [(y_true, y_pred)]) == [0.5]


def test_nothing_found_is_zero():
    zeros, ones = np.zeros((2, 2)), np.ones((2, 2))
    assert measure(metrics.Precision(), [(ones, zeros)]) == [0]
    assert measure(metrics.Recall(), [(zeros, ones)]) == [0]
    for curve in ('ROC', 'PR'):
        assert measure(metrics.AUC(num_thresholds=5, curve=curve), [(zeros, zeros)]) == [0]
    assert K.eval(metrics.MeanIoU(3).result()) == 0


def test_perfect_and_reversed_predictions():
    y = np.array([[0.0, 0, 1, 1]])
    for curve in ('ROC', 'PR'):
        assert measure(metrics.AUC(curve=curve), [(y, y)])[0] == pytest.approx(1, abs=1e-6)
    assert measure(metrics.AUC(), [(y, 1 - y)])[0] == pytest.approx(0, abs=1e-6)
    assert measure(metrics.SensitivityAtSpecificity(0.9), [(y, y)]) == [1]


def test_mean_iou_of_images_with_weights_of_pixels():
    rng = np.random.RandomState(3)
    y_true, y_pred = rng.randint(0, 4, (2, 5, 6)).astype('float32'), rng.randint(0, 4, (2, 5, 6)).astype('float32')
    weight = rng.rand(2, 5, 6)
    scores = []
    for number in range(4):
        true, predicted = y_true == number, y_pred == number
        scores.append(weight[true & predicted].sum() / weight[true | predicted].sum())
    assert measure(metrics.MeanIoU(6), [(y_true, y_pred, weight)])[0] == pytest.approx(np.mean(scores), rel=1e-5)


@pytest.mark.parametrize('k', [1, 2])
def test_top_k_of_sequences(k):
    rng = np.random.RandomState(5)
    labels, scores = rng.randint(0, 4, (3, 6)), rng.rand(3, 6, 4)
    best = np.argsort(-scores, axis=-1)[..., :k]
    wanted = (best == labels[..., None]).any(axis=-1)
    found = metrics.sparse_top_k_categorical_accuracy(K.constant(labels), K.constant(scores), k=k)
    np.testing.assert_array_equal(K.eval(found), wanted)
    found = metrics.top_k_categorical_accuracy(K.constant(np.eye(4)[labels]), K.constant(scores), k=k)
    np.testing.assert_array_equal(K.eval(found), wanted)
    assert measure(metrics.SparseTopKCategoricalAccuracy(k=k), [(labels.astype('float32'), scores)]) == [
        pytest.approx(wanted.mean())
    ]


def test_functions_take_arrays_and_integers():
    y_true, y_pred = np.array([[0, 1], [1, 1]]), np.array([[0.2, 0.9], [0.3, 0.6]])
    np.testing.assert_allclose(K.eval(metrics.binary_accuracy(y_true, y_pred)), [1, 0.5])
    np.testing.assert_allclose(K.eval(metrics.binary_accuracy(y_true, y_pred, threshold=0.25)), [1, 1])
    np.testing.assert_allclose(K.eval(metrics.accuracy([1, 2], [1.0, 3.0])), [1, 0])
    integers = K.placeholder(shape=(None,), dtype='int32')
    found = metrics.sparse_categorical_accuracy(integers, K.constant(y_pred))
    np.testing.assert_allclose(K.function([integers], [found])([np.array([1, 0])])[0], [1, 0])


def test_scores_say_what_they_take():
    for make, message in (
        (
            lambda: metrics.F1Score(average='mean'),
            "F1Score: `average` is None, 'micro', 'macro' or 'weighted'; got 'mean'",
        ),
        (lambda: metrics.FBetaScore(beta=0), 'FBetaScore: `beta` is a finite number above 0; got 0'),
        (lambda: metrics.F1Score(threshold=1.5), 'F1Score: `threshold` is a finite number above 0 and at most 1'),
        (lambda: metrics.R2Score('mean'), 'R2Score: `class_aggregation` is None, '),
        (lambda: metrics.IoU(2, [0, 2]), r'IoU: `target_class_ids` are below `num_classes`, 2; got \[0, 2\]'),
        (lambda: metrics.F1Score()([1, 0], [1, 0]), r'F1Score takes targets and predictions of shape \(batch, units\)'),
        (lambda: metrics.R2Score().result(), 'R2Score "r2_score" has no result before it has counted a batch'),
    ):
        with pytest.raises(ValueError, match=message):
            make()


def test_integers_of_keras_3_and_the_classes_of_predictions():
    metric = metrics.MeanIoU(2, dtype='int64', sparse_y_pred=False)
    assert metric.get_config()['dtype'] == K.floatx()
    data = [(np.array([0.0, 1.0, 1.0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), None)]
    np.testing.assert_allclose(measure(metric, data), [0.5])
    single = [(np.array([1.0, 4.0, 3.0]), np.array([2.0, 4.0, 4.0]), None)]
    assert float(measure(metrics.R2Score(), single)[0]) == pytest.approx(4 / 7, rel=1e-5)
