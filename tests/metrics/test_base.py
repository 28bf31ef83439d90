"""The life of a metric: alone, in functions, in layers and models; subclasses, copies, weights, shapes."""

import copy
import pickle

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import metrics
from cthulhu.utils import CustomObjectScope
from tests.metrics.helpers import measure, stepper

alone = pytest.mark.skipif(
    K.active.name != 'tensorflow', reason='K.eval of a call counts its batch only where dependencies are native'
)


class Largest(metrics.Metric):
    """Returns its update."""

    def __init__(self, name='largest', dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.largest = self.add_weight(name='largest', shape=(), initializer='zeros')

    def update_state(self, values, sample_weight=None):
        return K.update(self.largest, K.maximum(self.largest, K.max(values)))

    def result(self):
        return self.largest


class Added(Largest):
    """Adds its update, and returns nothing."""

    def update_state(self, values, sample_weight=None):
        self.add_update(K.update_add(self.largest, K.sum(values)))


class Both(Largest):
    """Adds its update and returns it too."""

    def update_state(self, values, sample_weight=None):
        update = K.update_add(self.largest, K.sum(values))
        self.add_update(update)
        return [update]


class F1(metrics.Metric):
    """Made of two metrics."""

    def __init__(self, name='f1', dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.precision, self.recall = metrics.Precision(), metrics.Recall()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.precision.update_state(y_true, y_pred, sample_weight)
        return self.recall.update_state(y_true, y_pred, sample_weight)

    def result(self):
        precision, recall = self.precision.result(), self.recall.result()
        return 2 * precision * recall / (precision + recall)


@alone
def test_call_alone_accumulates():
    mean = metrics.Mean()
    first = mean([1, 2, 3])
    assert K.eval(first) == 2.0
    assert K.eval(mean.result()) == 2.0
    assert K.eval(mean([7.0])) == 3.25
    assert K.eval(first) == pytest.approx(19 / 7)  # counted again
    mean.reset_states()
    assert K.eval(mean.total) == K.eval(mean.count) == 0
    assert K.eval(mean(np.array([5.0]))) == 5.0


def test_updates_and_result_apart():
    mean = metrics.Mean()
    count = K.function([], [], updates=mean.update_state([2.0, 4.0]))
    count([])
    assert K.eval(mean.result()) == 3.0
    count([])
    assert K.get_value(mean.count) == 4.0


def test_result_reads_the_weights_after_the_updates():
    total = metrics.Sum()
    assert measure(total, [(np.array([1.0, 2.0]),), (np.array([4.0]),)]) == [3.0, 7.0]
    assert K.get_value(total.total) == 7.0
    total.reset_states()
    assert K.get_value(total.total) == 0.0
    assert K.eval(metrics.Mean().result()) != K.eval(metrics.Mean().result())  # nan


def test_sum_and_mean_with_weights():
    values, weight = np.array([1.0, 3.0, 5.0, 7.0]), np.array([1.0, 1.0, 0.0, 0.5])
    assert measure(metrics.Sum(), [(values, weight)]) == [7.5]
    assert measure(metrics.Mean(), [(values, weight)]) == [3.0]
    by_size = metrics.Reduce('sum_over_batch_size', name='by_size')
    assert measure(by_size, [(values, weight), (values[:2], weight[:2])]) == pytest.approx([7.5 / 4, 11.5 / 6])


@pytest.mark.parametrize('shape', [(2,), (2, 1), (2, 3), (2, 1, 4), (2, 3, 4), (2, 3, 4, 1)])
def test_weights_count_every_value_that_they_weigh(shape):
    rng = np.random.RandomState(0)
    values, weight = rng.rand(2, 3, 4), rng.rand(*shape)
    spread = weight[..., 0] if weight.ndim == 4 else weight.reshape(shape + (1,) * (3 - len(shape)))
    wanted = np.average(values, weights=np.broadcast_to(spread, values.shape))
    np.testing.assert_allclose(measure(metrics.Mean(), [(values, weight)]), [wanted], rtol=1e-5)


def test_weights_of_unknown_length_and_scalars():
    mean = metrics.Mean()
    values, weight = K.placeholder(shape=(None, None)), K.placeholder(shape=(None,))
    result = mean(values, sample_weight=weight)
    step = K.function([values, weight], [], updates=mean.updates, after_updates=[result])
    assert step([np.ones((2, 3)), np.ones(2)]) == [1.0]

    mean = metrics.Mean()
    values = K.placeholder(shape=(None,))
    result = mean(values, sample_weight=0.5)
    step = K.function([values], [], updates=mean.updates, after_updates=[result])
    assert step([np.array([1.0, 2.0, 3.0])]) == [2.0]


@pytest.mark.parametrize('shape', [(3,), (2, 2), (2, 3, 4, 2)])
def test_weights_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match='(?i)sample_weight|squeeze'):
        metrics.Mean()(np.ones((2, 3, 4)), sample_weight=np.ones(shape))


@pytest.mark.parametrize('cls, wanted', [(Largest, [3.0, 3.0]), (Added, [6.0, 8.0]), (Both, [6.0, 8.0])])
def test_metrics_of_users(cls, wanted):
    metric = cls()
    assert measure(metric, [(np.array([1.0, 3.0, 2.0]),), (np.array([2.0]),)]) == wanted
    assert len(metric.updates) == 1
    metric.reset_states()
    assert K.get_value(metric.largest) == 0


def test_metric_made_of_metrics():
    f1 = F1()
    y_true, y_pred = np.array([[1.0, 1, 0, 1]]), np.array([[0.9, 0.2, 0.8, 0.3]])
    assert measure(f1, [(y_true, y_pred)])[0] == pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3))
    assert len(f1.weights) == 4 and len(f1.updates) == 4
    f1.reset_states()
    assert all((value == 0).all() for value in f1.get_weights())


def test_unfinished_metrics_say_what_is_missing():
    class Unfinished(metrics.Metric):
        pass

    with pytest.raises(NotImplementedError, match='Unfinished has no `update_state`'):
        Unfinished()(1.0)
    with pytest.raises(NotImplementedError, match='Unfinished has no `result`'):
        Unfinished().result()


def test_names_dtypes_and_weights():
    assert [m.name for m in (metrics.AUC(), metrics.AUC(), metrics.TruePositives(), metrics.Mean())] == [
        'auc_1',
        'auc_2',
        'true_positives_1',
        'mean',
    ]
    metric = metrics.MeanSquaredError(dtype='float64')
    assert metric.dtype == K.dtype(metric.total) == 'float64'
    assert metric.stateful and not metric.trainable_weights and len(metric.non_trainable_weights) == 2
    value = measure(metric, [(np.ones((2, 2)), np.ones((2, 2)) * 1.1)])[0]
    assert value.dtype == np.float64
    precision = measure(metrics.Precision(dtype='float64'), [(np.ones((2, 2)), np.ones((2, 2)))])[0]
    assert precision.dtype == np.float64 and precision == 1


def test_function_that_averages_its_batch_counts_each_sample():
    metric = metrics.MeanMetricWrapper(lambda y_true, y_pred: K.mean(K.abs(y_true - y_pred)), name='error')
    y_true, y_pred = np.zeros((5, 2)), np.arange(10.0).reshape(5, 2)
    assert measure(metric, [(y_true[:4], y_pred[:4]), (y_true[4:], y_pred[4:])])[-1] == pytest.approx(4.5)


@pytest.mark.parametrize('name', ['BinaryAccuracy', 'MeanAbsoluteError', 'Hinge', 'BinaryCrossentropy'])
def test_samples_that_are_single_values(name):
    rng = np.random.RandomState(1)
    y_true, y_pred, weight = rng.randint(0, 2, 7).astype('float32'), rng.rand(7), rng.rand(7)
    column = measure(getattr(metrics, name)(), [(y_true[:, None], y_pred[:, None], weight)])[0]
    cut = [(y_true[:5], y_pred[:5], weight[:5]), (y_true[5:], y_pred[5:], weight[5:])]
    assert measure(getattr(metrics, name)(), cut)[-1] == pytest.approx(column, rel=1e-5)
    mixed = [(y_true, y_pred[:, None], weight)]
    assert measure(getattr(metrics, name)(), mixed)[-1] == pytest.approx(column, rel=1e-5)


def test_reduction_must_be_known():
    with pytest.raises(ValueError, match='weighted_mean'):
        metrics.Reduce('median', name='median')


def test_wrapper_round_trip():
    def miss(y_true, y_pred, scale=1.0):
        return K.mean(K.abs(y_true - y_pred), axis=-1) * scale

    metric = metrics.MeanMetricWrapper(miss, name='miss', scale=3.0)
    config = metric.get_config()
    assert config == {'name': 'miss', 'dtype': 'float32', 'scale': 3.0, 'fn': 'miss'}
    with CustomObjectScope({'miss': miss}):
        again = metrics.MeanMetricWrapper.from_config(config)
    assert measure(again, [(np.zeros((2, 2)), np.ones((2, 2)))]) == [3.0]


def test_signatures_stay_readable():
    assert metrics.Mean.update_state.__name__ == 'update_state'
    assert 'sample_weight' in metrics.Mean.update_state.__doc__


@pytest.mark.parametrize('again', [copy.copy, lambda m: pickle.loads(pickle.dumps(m))], ids=['copy', 'pickle'])
def test_methods_belong_to_the_class(again):
    # Methods that were wrapped on the instance would go on acting on the first metric.
    metric = Unbound()
    other = again(metric)
    assert 'update_state' not in vars(metric) and other.update_state.__self__ is other


class Unbound(metrics.Metric):
    """Has no weights, so that it can be pickled."""

    def __init__(self):
        object.__setattr__(self, '_metrics', [])

    def update_state(self, values):
        return []

    def result(self):
        return 0.0


def test_stepper_registers_each_update_once():
    metric = metrics.AUC(num_thresholds=3)
    stepper(metric, np.ones((1, 1)), np.ones((1, 1)))
    assert len(metric.updates) == 4
