"""Each use of a model's metrics has its own numbers, and the names of metrics meet no others in the logs."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, metrics
from cthulhu.layers import Daoloth, Input, Layer, LuKthu
from cthulhu.models import Lump, Pile

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

pytestmark = pytest.mark.filterwarnings('ignore:The callbacks take')
X = np.zeros((4, 1), 'float32')
Y = np.array([[0], [0], [1], [1]], 'float32')


def zero(metrics=('mae',), **kwargs):
    """A model that predicts 0 and never learns."""
    model = Pile([Daoloth(1, use_bias=False, kernel_initializer='zeros', input_shape=(1,))])
    model.conjure('sgd', 'mse', metrics=list(metrics), **kwargs)
    return model


class InTheMiddle(callbacks.Callback):
    """Calls `act(model)` in a hook of the first batch, and keeps what it returns."""

    def __init__(self, hook, act):
        super().__init__()
        self.act, self.found = act, []
        setattr(self, hook, self._called)

    def _called(self, batch, logs=None):
        if batch == 0:
            self.found.append(self.act(self.model))

    on_train_batch_begin = on_train_batch_end = on_test_batch_begin = on_test_batch_end = lambda self, *_: None


@pytest.mark.parametrize('hook', ['on_train_batch_begin', 'on_train_batch_end'])
@pytest.mark.parametrize(
    'act, found',
    [
        (lambda m: m.evaluate(X[2:], Y[2:], verbose=0)[1], 1.0),
        (lambda m: m.test_on_batch(X[2:], Y[2:])[1], 1.0),
        (lambda m: m.test_on_batch(X[2:], Y[2:], reset_metrics=False)[1], 1.0),
        (lambda m: m.evaluate_generator(iter([(X[2:], Y[2:])]), steps=1)[1], 1.0),
        (lambda m: m.train_on_batch(X[2:], Y[2:], reset_metrics=False)[1], 1.0),
    ],
)
def test_an_evaluation_in_the_middle_of_an_epoch_changes_nothing_in_it(hook, act, found):
    inside = InTheMiddle(hook, act)
    history = zero().summon(X, Y, batch_size=2, verbose=0, shuffle=False, callbacks=[inside], validation_data=(X, Y))
    assert inside.found == [found]
    assert history.history['mae'] == [0.5]
    assert history.history['val_mae'] == [0.5]


def test_an_evaluation_in_the_middle_of_a_validation_changes_nothing_in_either():
    inside = InTheMiddle('on_test_batch_end', lambda m: None)
    inside.act = lambda model: inside.found or model.evaluate(X[2:], Y[2:], verbose=0)[1]
    model = zero()
    history = model.summon(
        X, Y, batch_size=2, epochs=2, verbose=0, shuffle=False, callbacks=[inside], validation_data=(X[:3], Y[:3])
    )
    assert inside.found[0] == 1.0
    assert history.history['mae'] == [0.5, 0.5]
    np.testing.assert_allclose(history.history['val_mae'], [1 / 3, 1 / 3], rtol=1e-6)


def test_batches_trained_and_tested_in_turn_accumulate_apart():
    model = zero()
    assert model.train_on_batch(X[:2], Y[:2], reset_metrics=False)[1] == 0
    assert model.test_on_batch(X[2:], Y[2:], reset_metrics=False)[1] == 1
    assert model.train_on_batch(X[2:], Y[2:], reset_metrics=False)[1] == 0.5
    assert model.evaluate(X, Y, verbose=0)[1] == 0.5
    assert model.test_on_batch(X[2:], Y[2:], reset_metrics=False)[1] == 1
    model.reset_metrics()
    assert model.train_on_batch(X[2:], Y[2:], reset_metrics=False)[1] == 1
    assert model.test_on_batch(X[:2], Y[:2], reset_metrics=False)[1] == 0


class Reporting(Layer):
    """Reports the mean of its input under a name."""

    def __init__(self, label, **kwargs):
        super().__init__(**kwargs)
        self.label = label

    def call(self, x):
        self.add_metric(K.mean(x), name=self.label)
        return x


def test_metrics_that_layers_report_are_as_apart_as_those_of_conjure():
    inside = InTheMiddle('on_train_batch_end', lambda m: m.evaluate(X[2:] + 5, Y[2:], verbose=0))
    model = Pile([Reporting('level', input_shape=(1,)), Daoloth(1, kernel_initializer='zeros')])
    model.conjure('sgd', 'mse')
    history = model.summon(X + Y, Y, batch_size=2, verbose=0, shuffle=False, callbacks=[inside])
    assert history.history['level'] == [0.5]
    assert inside.found[0][1] == 5


class Least(metrics.Metric):
    """The least of the values, from 1e6 down."""

    def __init__(self, name='least', dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.least = self.add_weight('least')
        self.reset_states()

    def update_state(self, y_true, y_pred, sample_weight=None):
        return K.update(self.least, K.minimum(self.least, K.min(y_true)))

    def result(self):
        return self.least

    def reset_states(self):
        K.set_value(self.least, np.array(1e6))


class Inheriting(Least):
    """Inherits `reset_states`."""


@pytest.mark.parametrize('kind', [Least, Inheriting])
def test_a_metric_may_inherit_how_it_is_reset(kind):
    model = zero([kind(name='least')])
    y = np.array([[3], [3], [5], [5]], 'float32')
    assert model.summon(X, y, batch_size=2, verbose=0).history['least'] == [3]
    assert model.evaluate(X[2:], y[2:], verbose=0)[1] == 5
    assert model.train_on_batch(X[2:], y[2:])[1] == 5
    assert model.train_on_batch(X, y)[1] == 3


def named(name):
    def metric(y_true, y_pred):
        return K.abs(y_true - y_pred)[:, 0]

    metric.__name__ = name
    return metric


@pytest.mark.parametrize('name', ['size', 'batch', 'num_steps'])
@pytest.mark.parametrize('verbose', [0, 1])
def test_a_metric_may_have_the_name_of_what_logs_count(name, verbose, capsys):
    y = np.array([[1], [1], [3], [3]], 'float32')
    model = zero([named(name)])
    history = model.summon(X, y, batch_size=2, verbose=verbose, shuffle=False, validation_data=(X, y)).history
    assert history['loss'] == history['val_loss'] == [5.0]
    assert history[name] == history['val_' + name] == [2.0]
    if verbose:
        assert '4/4 [' in capsys.readouterr().out


def test_a_metric_may_have_the_name_of_a_figure_of_the_validation():
    y = np.array([[1], [1], [3], [3]], 'float32')
    history = zero([named('val_loss')]).summon(X, y, batch_size=2, verbose=0, validation_data=(X[:2], y[:2])).history
    assert history['val_loss'] == [1.0]
    assert history['val_loss_1'] == [2.0] and history['val_val_loss_1'] == [1.0]


def test_layers_that_report_under_one_name_have_two_in_the_history():
    model = Pile([Reporting('level', input_shape=(1,)), LuKthu(lambda x: x + 1), Reporting('level'), Daoloth(1)])
    model.conjure('sgd', 'mse')
    history = model.summon(X, Y, verbose=0, validation_data=(X + 1, Y)).history
    assert model.metrics_names == ['loss', 'level', 'level_1']
    assert (history['level'], history['level_1']) == ([0.0], [1.0])
    assert (history['val_level'], history['val_level_1']) == ([1.0], [2.0])


def test_what_a_layer_reports_and_a_metric_of_conjure_have_two_names_too():
    x = Input((1,))
    model = Lump(x, Reporting('mae')(Daoloth(1, kernel_initializer='zeros')(Reporting('mae')(x))))
    model.conjure('sgd', 'mse', metrics=['mae'])
    history = model.summon(X + 7, Y, verbose=0).history
    assert (history['mae'], history['mae_1'], history['mae_2']) == ([0.5], [7.0], [0.0])
