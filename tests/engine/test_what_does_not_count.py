"""What is masked, or weighs nothing, may be anything: NaN, infinite, too large to be squared, a label of -1.

Expected values are NumPy's, of the samples and steps that count.
"""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers as L
from cthulhu import losses, metrics, optimizers
from cthulhu.models import Lump, Pile
from tests.metrics.helpers import measure

ANYTHING = [np.nan, np.inf, -np.inf, 1e20, -1]
pytestmark = pytest.mark.filterwarnings('ignore:.*NaN or infinite', 'ignore:.*go down to', 'ignore:invalid value')
trains = pytest.mark.skipif(not K.supports('gradients'), reason='the backend does not train')


@trains
def test_masked_targets_of_the_example():
    model = Pile([L.Masking(input_shape=(2, 1)), L.TimeDistributed(L.Daoloth(1, kernel_initializer='ones'))])
    model.conjure('sgd', 'mse', metrics=['mae'], weighted_metrics=['mse'])
    for anything in ANYTHING:
        found = model.evaluate(np.array([[[1], [0]]]), np.array([[[3], [anything]]]), verbose=0)
        np.testing.assert_allclose(found, [4, 2, 4])


@pytest.mark.parametrize('name', ['mse', 'mae', 'mape', 'msle', 'hinge', 'squared_hinge', 'categorical_hinge', 'logcosh', 'Huber', 'kld',
                                  'poisson', 'cosine', 'binary_crossentropy', 'categorical_crossentropy'])  # fmt: skip
@pytest.mark.parametrize('anything', [np.nan, np.inf, 1e20])
def test_every_loss_object_is_that_of_what_counts(name, anything):
    loss = losses.get(name)
    loss = loss if isinstance(loss, losses.Loss) else losses.LossFunctionWrapper(loss)
    true, predicted = np.array([[0.0, 1], [1, 0], [1, 0]]), np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
    weights = np.array([1, 0, 2.0])
    expected = K.eval(loss(true, predicted, sample_weight=weights))
    assert np.isfinite(expected)
    bad_true, bad_predicted = true.copy(), predicted.copy()
    bad_true[1], bad_predicted[1, 0] = anything, anything
    np.testing.assert_allclose(K.eval(loss(bad_true, predicted, sample_weight=weights)), expected, rtol=1e-6)
    np.testing.assert_allclose(K.eval(loss(true, bad_predicted, sample_weight=weights)), expected, rtol=1e-6)
    column = np.array([[1], [0], [2.0]])
    np.testing.assert_allclose(K.eval(loss(bad_true, bad_predicted, sample_weight=column)), expected, rtol=1e-6)


def test_a_label_that_does_not_count_may_be_out_of_range():
    loss = losses.SparseCategoricalCrossentropy()
    predicted = np.array([[0.25, 0.75], [0.5, 0.5]])
    for label in (-1, 7):
        found = K.eval(loss(np.array([1, label]), predicted, sample_weight=np.array([1.0, 0])))
        np.testing.assert_allclose(found, -np.log(0.75) / 2, rtol=1e-5)


@pytest.mark.parametrize(
    'metric',
    [metrics.MeanSquaredError, metrics.RootMeanSquaredError, metrics.Hinge, metrics.BinaryAccuracy, metrics.AUC,
     metrics.Precision, metrics.CosineSimilarity, metrics.Mean, metrics.Sum],
)  # fmt: skip
def test_metrics_are_those_of_what_counts(metric):
    true, predicted = np.array([[0.0], [1], [1], [0]]), np.array([[0.3], [0.8], [0.4], [0.7]])
    arguments = (predicted,) if metric in (metrics.Mean, metrics.Sum) else (true, predicted)
    expected = measure(metric(), [tuple(a[:3] for a in arguments)])[0]
    assert np.isfinite(expected)
    for anything in ANYTHING[:4]:
        bad = [a.copy() for a in arguments]
        for a in bad:
            a[3] = anything
        found = measure(metric(), [tuple(bad) + (np.array([1.0, 1, 1, 0]),)])[0]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


class Marked(L.Layer):
    """Masks the last of three steps, and leaves it as it is."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, x, mask=None):
        return K.not_equal(K.zeros_like(x)[:, :, 0] + K.constant([[1.0, 1, 0]]), 0)


@pytest.mark.parametrize('anything', ANYTHING)
def test_the_mean_over_time_is_that_of_the_steps_that_are_there(anything):
    model = Pile([Marked(input_shape=(3, 2)), L.GlobalAiuebGnshal1D()])
    np.testing.assert_allclose(model.predict(np.array([[[1.0, 2], [3, 4], [anything, anything]]])), [[2, 3]])


X = np.random.RandomState(1).normal(size=(4, 3, 2)).astype('float32')
Y = np.random.RandomState(2).normal(size=(4, 3, 2)).astype('float32')


def root(y_true, y_pred):
    """Its slope is infinite where a prediction is right."""
    return K.sqrt(K.sum(K.abs(y_true - y_pred), axis=-1))


def temporal(loss, activation=None):
    made = Pile(
        [
            L.TimeDistributed(
                L.Daoloth(2, activation=activation, kernel_initializer='ones', input_shape=(2,)), input_shape=(3, 2)
            )
        ]
    )
    made.conjure(optimizers.SGD(0.1), loss, metrics=['mae'], weighted_metrics=['mae'], sample_weight_mode='temporal')
    return made


@trains
@pytest.mark.parametrize('loss', ['mse', 'mae', 'poisson', root])
def test_training_learns_from_what_counts(loss):
    weights = np.ones((4, 3), 'float32')
    weights[1, 1:] = weights[3, 0] = 0
    y = np.abs(Y)
    models = [temporal(loss, 'exponential') for _ in ANYTHING]
    for model, anything in zip(models, [0] + ANYTHING[:-1]):
        bad = np.where(weights[..., None] == 0, np.float32(anything), y)
        values = [model.train_on_batch(X, bad, sample_weight=weights) for _ in range(3)]
        assert np.all(np.isfinite([(loss, weighted) for loss, _, weighted in values]))
        for mine, theirs in zip(model.get_weights(), models[0].get_weights()):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6)


@trains
@pytest.mark.parametrize('loss', ['mse', 'binary_crossentropy', root])
def test_predictions_that_do_not_count_spoil_no_weights(loss):
    """The logarithm of what is negative is no number, and its slope is."""
    x = L.Input((2,))
    logs = L.LuKthu(K.log)(L.Daoloth(1, kernel_initializer='ones', use_bias=False)(x))
    model = Lump(x, logs)
    model.conjure(optimizers.SGD(0.1), loss)
    data = np.array([[1, 0.2], [-3, -4], [0.4, 0.1]], 'float32')
    y = np.array([[0], [0.5], [1]], 'float32')
    value = model.train_on_batch(data, y, sample_weight=np.array([1, 0, 1.0]))
    assert np.isfinite(value) and np.all(np.isfinite(model.get_weights()[0]))
    assert not np.allclose(model.get_weights()[0], 1)


@trains
def test_a_masked_step_of_a_recurrent_layer_may_hold_anything():
    def made():
        given = {'kernel_initializer': 'ones', 'recurrent_initializer': 'ones'}
        model = Pile([Marked(input_shape=(3, 2)), L.Laldagorth(2, return_sequences=True, **given), L.Groth(2, **given)])
        model.conjure(optimizers.SGD(0.1), 'mse')
        return model

    reference, other = made(), made()
    bad = X.copy()
    bad[:, 2] = np.nan
    for _ in range(2):
        assert reference.train_on_batch(X, Y[:, 0]) == pytest.approx(other.train_on_batch(bad, Y[:, 0]), rel=1e-6)
    for mine, theirs in zip(other.get_weights(), reference.get_weights()):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


@trains
def test_a_weight_that_is_no_number_under_a_mask_does_not_count():
    model = Pile([L.Masking(input_shape=(2, 1)), L.TimeDistributed(L.Daoloth(1, kernel_initializer='ones'))])
    model.conjure(optimizers.SGD(0.5), 'mse', sample_weight_mode='temporal', weighted_metrics=['mae'])
    found = model.train_on_batch(np.array([[[1], [0]]]), np.array([[[3], [9]]]), sample_weight=np.array([[2, np.nan]]))
    np.testing.assert_allclose(found, [8, 2])
    np.testing.assert_allclose(model.get_weights()[0], [[1 + 0.5 * 2 * 2 * 2]])


@trains
def test_a_loss_of_the_whole_batch_sees_the_whole_batch():
    def spread(y_true, y_pred):
        return K.max(y_pred - y_true)

    model = Pile([L.Daoloth(1, use_bias=False, kernel_initializer='ones', input_shape=(1,))])
    model.conjure('sgd', spread)
    found = model.test_on_batch(np.array([[1], [5]]), np.zeros((2, 1)), sample_weight=np.array([1, 0]))
    np.testing.assert_allclose(found, 2.5)  # as in Keras: the one loss, times the mean of the weights
