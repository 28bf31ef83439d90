"""Metrics that do not go with the targets or the shape of an output are an error, or told once where they give a figure nevertheless."""

import warnings
from functools import partial

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers as L
from cthulhu import losses, metrics
from cthulhu.models import Lump, Pile

trains = pytest.mark.skipif(not K.supports('gradients'), reason='the backend does not train')
broadcasts = pytest.mark.skipif(
    not K.supports('broadcasting'), reason='the framework computes nothing of targets of another length'
)
X = np.random.RandomState(5).normal(size=(6, 4)).astype('float32')
CLASSES = np.arange(6) % 3
ONE_HOT = np.eye(3)[CLASSES]
SPARSE, DENSE = 'sparse_categorical_crossentropy', 'categorical_crossentropy'


def net(units, activation, loss, metric):
    """A model; the metric may be a partial that makes one, as a metric belongs to the graph it is made in."""
    metric = metric() if isinstance(metric, partial) else metric
    model = Pile([L.Daoloth(units, activation=activation, input_shape=(4,), name='out')])
    model.conjure('sgd', loss, metrics=[metric])
    return model


def said(act):
    """The texts of our warnings of `act()`."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        act()
    return [str(w.message) for w in caught if w.category is UserWarning]


@pytest.mark.parametrize(
    'metric', ['AUC', 'Precision', 'Recall', 'TruePositives', partial(metrics.MeanIoU, 3, name='iou')]
)
def test_class_numbers_under_a_metric_of_each_value_are_refused(metric):
    label = metric if isinstance(metric, str) else 'iou'
    model = net(3, 'softmax', SPARSE, metric)
    with pytest.raises(ValueError) as caught:
        model.evaluate(X, CLASSES, verbose=0)
    for part in (f'"{label}"', '"out"', '(6, 1)', '(None, 3)', 'utils.to_categorical(y, 3)', DENSE):
        assert part in str(caught.value)
    with pytest.raises(ValueError, match='the targets have the shape'):
        model.test_on_batch(X, CLASSES)
    with pytest.raises(ValueError, match='the targets have the shape'):
        model.evaluate_generator(iter([(X, CLASSES)]), steps=1)


@pytest.mark.parametrize(
    'metric, instead',
    [
        ('sparse_categorical_accuracy', '"categorical_accuracy"'),
        ('sparse_top_k_categorical_accuracy', '"top_k_categorical_accuracy"'),
        (partial(metrics.SparseCategoricalCrossentropy), '"categorical_crossentropy"'),
    ],
)
def test_one_hot_classes_under_a_metric_of_class_numbers_are_refused(metric, instead):
    with pytest.raises(ValueError) as caught:
        net(3, 'softmax', DENSE, metric).evaluate(X, ONE_HOT, verbose=0)
    for part in ('"out"', '(6, 3)', instead):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    'metric, instead',
    [
        ('categorical_accuracy', '"sparse_categorical_accuracy"'),
        ('categorical_crossentropy', '"sparse_categorical_crossentropy"'),
        (partial(metrics.TopKCategoricalAccuracy, 2), '"sparse_top_k_categorical_accuracy"'),
        ('binary_accuracy', '"accuracy"'),
        ('binary_crossentropy', '"accuracy"'),
        ('mae', '"mae" (mean_absolute_error)'),
        ('RootMeanSquaredError', '"accuracy"'),
        (losses.CategoricalHinge(), '"accuracy"'),
    ],
)
def test_class_numbers_under_a_metric_of_the_output_s_shape_are_told_once(metric, instead):
    model = net(3, 'softmax', SPARSE, metric)
    by_place = instead in ('"sparse_categorical_accuracy"', '"sparse_top_k_categorical_accuracy"')
    if not by_place and not K.supports('broadcasting'):  # the framework computes nothing of targets of another length
        with pytest.raises(ValueError, match='"out" says nothing: .*utils.to_categorical'):
            model.evaluate(X, CLASSES, verbose=0)
        return
    (text,) = said(lambda: model.evaluate(X, CLASSES, verbose=0))
    assert 'out" says nothing' in text and '(6, 1)' in text and instead in text
    assert said(lambda: model.evaluate(X, CLASSES, verbose=0)) == []


def test_accuracy_under_a_loss_of_ones_own_is_told_where_it_became_that_of_one_hot_classes():
    def own(y_true, y_pred):
        return losses.sparse_categorical_crossentropy(y_true, y_pred)

    (text,) = said(lambda: net(3, 'softmax', own, 'accuracy').evaluate(X, CLASSES, verbose=0))
    assert '"accuracy" (categorical_accuracy)' in text and '"sparse_categorical_accuracy"' in text


@pytest.mark.parametrize('metric', ['sparse_categorical_accuracy', 'categorical_accuracy', 'categorical_crossentropy'])
def test_a_metric_of_several_classes_over_one_unit_is_told(metric):
    (text,) = said(lambda: net(1, 'sigmoid', 'binary_crossentropy', metric).evaluate(X, CLASSES % 2, verbose=0))
    assert 'the output has one' in text and '"binary_accuracy"' in text


@pytest.mark.parametrize('units, name', [(1, 'binary_accuracy'), (3, 'categorical_accuracy')])
def test_an_accuracy_of_quantities_is_told(units, name):
    model = net(units, None, 'mse', 'accuracy')
    (text,) = said(lambda: model.evaluate(X, 0.3 + X[:, :units], verbose=0))
    assert f'"accuracy" ({name})' in text and '"mae"' in text


class Own(metrics.AUC):
    """Takes class numbers."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(K.one_hot(K.cast(K.flatten(y_true), 'int32'), 3), y_pred, sample_weight)


def distance(y_true, y_pred):
    return K.mean(K.abs(y_true - y_pred), axis=-1)


@pytest.mark.parametrize(
    'units, activation, loss, metric, targets',
    [
        (3, 'softmax', SPARSE, 'accuracy', CLASSES),
        (3, 'softmax', SPARSE, 'crossentropy', CLASSES),
        (3, 'softmax', SPARSE, 'sparse_top_k_categorical_accuracy', CLASSES),
        (3, 'softmax', SPARSE, partial(Own), CLASSES),
        pytest.param(3, 'softmax', SPARSE, distance, CLASSES, marks=broadcasts),
        (3, 'softmax', DENSE, 'accuracy', ONE_HOT),
        (3, 'softmax', DENSE, 'accuracy', ONE_HOT * 0.9 + 0.1 / 3),
        (3, 'softmax', 'mse', 'accuracy', ONE_HOT * 0.9 + 0.1 / 3),
        (3, 'softmax', DENSE, 'AUC', ONE_HOT),
        (3, 'softmax', DENSE, 'mae', ONE_HOT),
        (3, 'sigmoid', 'binary_crossentropy', 'accuracy', ONE_HOT),
        (1, 'sigmoid', 'binary_crossentropy', 'AUC', CLASSES % 2),
        (1, 'sigmoid', 'mse', 'accuracy', (CLASSES % 2).astype('float32')),
        (1, None, 'mse', 'mae', X[:, 0]),
        (1, None, 'mse', 'cosine_proximity', X[:, 0]),
    ],
)
def test_nothing_is_said_of_what_goes_together(units, activation, loss, metric, targets):
    model = net(units, activation, loss, metric)
    assert said(lambda: model.evaluate(X, targets, verbose=0)) == []


def test_steps_and_several_outputs():
    x = L.Input((5, 4))
    steps = L.Daoloth(3, activation='softmax', name='steps')(x)
    whole = L.Daoloth(1, name='whole')(L.Flatten()(x))
    model = Lump(x, [steps, whole])
    data, labels = np.zeros((6, 5, 4)), np.tile(CLASSES[:, None], 5)
    model.conjure('sgd', [SPARSE, 'mse'], metrics={'steps': 'accuracy', 'whole': ['mae']})
    assert said(lambda: model.evaluate(data, [labels, X[:, 0]], verbose=0)) == []
    model.conjure('sgd', [SPARSE, 'mse'], metrics={'steps': 'AUC', 'whole': ['mae']})
    with pytest.raises(ValueError, match=r'"steps_AUC" .*output "steps" .*\(6, 5, 1\)'):
        model.evaluate(data, [labels, X[:, 0]], verbose=0)


@trains
def test_training_and_its_validation_tell_once():
    model = net(3, 'softmax', SPARSE, 'categorical_accuracy')
    data = dict(validation_data=(X, CLASSES), epochs=2, batch_size=2, verbose=0)
    assert len(said(lambda: model.summon(X, CLASSES, **data))) == 1


@pytest.mark.parametrize('activation', ['sigmoid', None, 'relu'])
@pytest.mark.parametrize('loss', [DENSE, SPARSE, losses.CategoricalCrossentropy(from_logits=True)])
def test_one_unit_under_a_loss_of_several_classes_is_told(activation, loss):
    (text,) = said(lambda: net(1, activation, loss, 'accuracy'))
    assert 'has one unit' in text and '"binary_crossentropy"' in text


def test_one_unit_is_well_elsewhere():
    assert said(lambda: net(1, 'sigmoid', 'binary_crossentropy', 'accuracy')) == []
    assert said(lambda: net(1, None, 'mse', 'mae')) == []
