"""Metrics in models: by `conjure`, by `add_metric`, in a layer's `call`; whatever the batch size."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import metrics
from cthulhu.layers import Daoloth, Input, Layer, LuKthu
from cthulhu.models import Lump, Pile
from tests.metrics import reference

pytestmark = pytest.mark.skipif(not K.active.supports('gradients'), reason='the backend does not train')

X = np.random.RandomState(0).rand(10, 4).astype('float32')
Y = np.random.RandomState(1).randint(0, 2, (10, 1)).astype('float32')
WEIGHT = np.random.RandomState(2).uniform(0.5, 2, 10).astype('float32')


def make_model(**settings):
    model = Pile([Daoloth(1, activation='sigmoid', input_shape=(4,))])
    model.set_weights([np.array([[1.0], [-2.0], [2.0], [-1.0]]), np.array([0.5])])
    model.conjure('sgd', 'binary_crossentropy', **settings)
    return model


def test_evaluate_gives_the_figure_of_the_whole_data_whatever_the_batch_size():
    plain = ['accuracy', 'mae', metrics.AUC(name='auc'), metrics.Precision(name='p'), metrics.Recall(name='r')]
    weighted = [metrics.BinaryAccuracy(name='weighted_accuracy'), metrics.MeanAbsoluteError(name='weighted_mae')]
    model = make_model(metrics=plain, weighted_metrics=weighted)
    p, ones = model.predict(X).astype('float64'), np.ones(10)
    wanted = [
        reference.BinaryAccuracy(Y, p, ones),
        reference.MeanAbsoluteError(Y, p, ones),
        reference.AUC(Y, p, ones),
        reference.Precision(Y, p, ones),
        reference.Recall(Y, p, ones),
        reference.BinaryAccuracy(Y, p, WEIGHT),
        reference.MeanAbsoluteError(Y, p, WEIGHT),
    ]
    for batch_size in (1, 4, 7, 10):
        found = model.evaluate(X, Y, batch_size=batch_size, sample_weight=WEIGHT, verbose=0)
        np.testing.assert_allclose(found[1:], wanted, rtol=1e-5)


def test_states_last_between_batches_only_where_asked():
    model = make_model(metrics=[metrics.TruePositives(name='tp')])
    hits = ((model.predict(X) > 0.5) & (Y == 1)).sum()
    assert hits
    assert model.test_on_batch(X, Y)[1] == hits
    assert model.test_on_batch(X, Y, reset_metrics=False)[1] == hits
    assert model.test_on_batch(X, Y, reset_metrics=False)[1] == 2 * hits
    model.reset_metrics()
    assert model.test_on_batch(X, Y)[1] == hits


def test_result_given_to_add_metric():
    inputs = Input((4,))
    outputs = Daoloth(1)(inputs)
    model = Lump(inputs, outputs)
    model.add_metric(metrics.Mean(name='mean_output')(outputs))
    model.conjure('sgd', 'mse')
    assert model.metrics_names == ['loss', 'mean_output']
    for batch_size in (3, 10):
        found = model.evaluate(X, Y, batch_size=batch_size, verbose=0)[1]
        assert found == pytest.approx(model.predict(X).mean(), rel=1e-5)


class Watched(Layer):
    """Reports the mean of its inputs by a metric of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = metrics.Mean(name='seen')

    def call(self, inputs):
        self.add_metric(self.seen(inputs))
        return inputs


def test_metric_of_a_layer():
    model = Pile([Watched(input_shape=(4,)), Daoloth(1)])
    model.conjure('sgd', 'mse')
    assert model.metrics_names == ['loss', 'seen']
    assert len(model.get_weights()) == 2  # the metric's are not the model's
    assert model.evaluate(X, Y, batch_size=4, verbose=0)[1] == pytest.approx(X.mean(), rel=1e-5)
    history = model.summon(X, Y, batch_size=4, epochs=2, verbose=0).history
    np.testing.assert_allclose(history['seen'], [X.mean()] * 2, rtol=1e-5)


def test_single_values_as_outputs():
    model = Pile([LuKthu(lambda x: x[:, 0], output_shape=(), input_shape=(4,))])
    model.conjure('sgd', 'mse', metrics=['mae'])
    y = Y[:, 0]
    for batch_size in (4, 10):
        found = model.evaluate(X, y, batch_size=batch_size, verbose=0)[1]
        assert found == pytest.approx(abs(X[:, 0] - y).mean(), rel=1e-5)
