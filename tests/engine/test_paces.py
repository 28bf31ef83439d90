"""Several steps in one call: the numbers of single steps, whatever is in the model; who is told what, and when; what is measured and chosen."""

import logging
import sys
import warnings

import numpy as np
import pytest

import cthulhu
from cthulhu import backend as K
from cthulhu import layers
from cthulhu.callbacks import BackupAndRestore, Callback, EarlyStopping
from cthulhu.engine.pace import Pace
from cthulhu.layers import Daoloth, Dropout, Input
from cthulhu.models import Lump, Pile
from tests.engine import twelve

pytestmark = pytest.mark.skipif(not K.supports('gradients'), reason='training needs gradients')

#: Several compilations each: on the newest TensorFlow alone.
newest = pytest.mark.skipif(
    K.backend() != 'tensorflow' or sys.version_info < (3, 8),
    reason='the backend takes steps one by one, or is held to the rest',
)
together = pytest.mark.skipif(not K.supports('many_steps'), reason='the backend takes steps one by one')

#: XLA of TensorFlow 2.6 does not repeat its own last bits.
REPEATS = sys.version_info >= (3, 8)

numbers = np.random.RandomState(3)
X, Y = numbers.normal(size=(22, 5)).astype('float32'), numbers.normal(size=(22, 3)).astype('float32')


def compiles(model):
    """Whether the backend makes several steps of training one call."""
    step = model.train_function
    try:
        step.many_steps(2, step.shapes([X, Y, None], 4))
    except NotImplementedError:
        return False
    return True


def again(model, steps):
    """Conjure a model anew, with so many steps a call."""
    told = model.settings
    names = 'loss', 'metrics', 'loss_weights', 'sample_weight_mode', 'weighted_metrics'
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    model.conjure(optimizer, steps_per_execution=steps, **{name: told[name] for name in names})


def dense(steps=None, optimizer='adam', loss='mse', **further):
    model = Pile([Daoloth(4, activation='tanh', input_shape=(5,)), Daoloth(3, activation='softmax')])
    twelve.start(model)
    model.conjure(optimizer, loss, steps_per_execution=steps, **further)
    return model


def quiet(function, *args, **kwargs):
    if K.backend() == 'tensorflow':
        return function(*args, **kwargs)  # where a warning, that it is not possible, is an error
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='.*steps_per_execution=')
        return function(*args, **kwargs)


# Those that have a recurrent layer or a convolution are taken one by one.
@together
@pytest.mark.parametrize(
    'make', [twelve.dense, twelve.shared_and_nested, twelve.embeddings], ids=lambda make: make.__name__
)
def test_the_twelve_models_learn_the_same_step_by_step_and_together(make):
    found = {}
    for steps in (1, 2, 2) if make is twelve.dense else (1, 2):
        model, x, y, options = make(cthulhu)
        again(model, steps)
        twelve.start(model)
        before = K.random_step()
        history = quiet(twelve.train, model, x, y, options)
        measured = quiet(twelve.evaluate, model, x, y, options)
        predicted = quiet(model.predict, x, batch_size=twelve.BATCH)
        predicted = predicted if isinstance(predicted, list) else [predicted]
        values = list(history.values()) + [measured] + predicted + model.get_weights()
        assert K.random_step() >= before
        if steps in found:  # the same mode again
            for value, wanted in zip(values, found[steps]):
                np.testing.assert_allclose(value, wanted, rtol=0 if REPEATS else 1e-6, atol=0 if REPEATS else 1e-7)
        found[steps] = values
    for value, wanted in zip(found[2], found[1]):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6)


CHAINS = {
    'draws': lambda: [
        layers.Dropout(0.4), layers.GaussianNoise(0.3), layers.GaussianDropout(0.3), layers.AlphaDropout(0.2), layers.BatchNormalization(),
        layers.ActivityRegularization(0.1, 0.1),
    ],
    'activations': lambda: [
        layers.LeakyReLU(0.2), layers.PReLU(), layers.ELU(), layers.ThresholdedReLU(0.1), layers.ReLU(3.0, 0.1, 0.05),
        *[Daoloth(5, activation=name) for name in ('selu', 'softplus', 'softsign', 'hard_sigmoid', 'exponential', 'softmax', 'linear')],
    ],
    'shapes': lambda: [
        layers.RepeatVector(2), layers.Masking(), layers.TimeDistributed(Daoloth(3, kernel_constraint='max_norm', bias_regularizer='l1')),
        layers.LuKthu(lambda x: K.switch(K.greater(x, 0), K.square(x), K.sin(x))),
        layers.LuKthu(lambda x: x - K.mean(x, axis=0, keepdims=True) + K.max(x, axis=1, keepdims=True)), layers.Flatten(),
    ],
}  # fmt: skip


@together
@pytest.mark.parametrize('chain', CHAINS)
def test_layers_draw_and_compute_the_same(chain):
    if chain == 'shapes' and sys.version_info < (3, 8):
        pytest.skip('XLA of TensorFlow 2.6 does not compile its reshapes; steps are single, with a warning')
    found = []
    for steps in (1, 5):
        K.clear_session()
        np.random.seed(1)
        model = Pile([Daoloth(5, input_shape=(5,)), *CHAINS[chain](), Daoloth(3)])
        twelve.start(model)
        model.conjure('adam', 'mse', metrics=['mae'], steps_per_execution=steps)
        before = K.random_step()
        history = quiet(model.summon, X, Y, batch_size=4, epochs=2, verbose=0, shuffle=False).history
        found.append([history['loss'], history['mae']] + model.get_weights() + [K.random_step() - before])
    for together, alone in zip(*reversed(found)):
        np.testing.assert_allclose(together, alone, rtol=2e-5, atol=2e-6)


@newest
@pytest.mark.parametrize(
    'optimizer',
    [
        'rmsprop',
        'adadelta',
        'adamax',
        'nadam',
        cthulhu.optimizers.SGD(0.1, 0.9, decay=0.1, clipnorm=0.1),
    ],
    ids=str,
)
def test_optimizers_make_the_same_steps(optimizer):
    found = []
    for steps in (1, 5):
        K.clear_session()
        if not isinstance(optimizer, str):
            optimizer = type(optimizer).from_config(
                {'learning_rate': 0.1, 'momentum': 0.9, 'decay': 0.1, 'clipnorm': 0.1}
            )
        model = dense(steps, optimizer)
        quiet(model.summon, X, Y, batch_size=4, epochs=2, verbose=0, shuffle=False)
        found.append(model.get_weights() + model.optimizer.get_weights())
    for together, alone in zip(*reversed(found)):
        np.testing.assert_allclose(together, alone, rtol=2e-5, atol=2e-6)


@newest
@pytest.mark.parametrize(
    'options',
    [
        {'shuffle': True},
        {'shuffle': 'batch', 'sample_weight': np.linspace(0.1, 2, 22)},
        {'validation_split': 0.4, 'class_weight': {0: 1.0, 1: 0.2, 2: 3.0}},
        {'steps_per_epoch': 7},
        {'batch_size': 100},
    ],
    ids=str,
)
def test_data_are_taken_in_the_same_order_with_the_same_weights(options):
    labels = np.eye(3, dtype='float32')[numbers.randint(0, 3, 22)]
    found = []
    for steps in (1, 3):
        model = dense(steps, 'sgd', 'categorical_crossentropy', metrics=['accuracy'], weighted_metrics=['mae'])
        np.random.seed(4)
        history = quiet(
            model.summon, X, labels, **dict({'batch_size': 4, 'epochs': 3, 'verbose': 0}, **options)
        ).history
        found.append(list(history.values()) + model.get_weights())
    for together, alone in zip(*reversed(found)):
        np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


@newest
def test_a_model_is_trained_in_two_ways_in_turn():
    """The learning rate, set between epochs; a layer frozen in between; weights set by hand."""
    found = []
    for steps in (1, 4):
        model = dense(steps)
        for rate in (0.01, 0.1):
            model.optimizer.lr = rate
            quiet(model.summon, X, Y, batch_size=4, verbose=0, shuffle=False)
            model.train_on_batch(X[:4], Y[:4])
        model.layers[0].trainable = False
        again(model, steps)
        model.set_weights([w / 2 for w in model.get_weights()])
        quiet(model.summon, X, Y, batch_size=4, verbose=0, shuffle=False)
        found.append(model.get_weights() + [quiet(model.evaluate, X, Y, batch_size=3, verbose=0)])
    for together, alone in zip(*reversed(found)):
        np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not K.supports('sessions'), reason='the backend has no sessions')
def test_calls_go_on_in_another_session_and_end_with_their_graph():
    model = dense(2)
    quiet(model.summon, X, Y, batch_size=4, verbose=0)
    weights, old = model.get_weights(), K.get_session()
    K.set_session(type(old)(graph=old.graph))
    model.set_weights(weights)
    assert len(quiet(model.summon, X, Y, batch_size=4, verbose=0).epoch) == 1
    K.clear_session()
    with pytest.raises(RuntimeError, match='another graph'):
        model.summon(X, Y, batch_size=4, verbose=0)


class Watching(Callback):
    def on_train_begin(self, logs=None):
        self.seen = []

    def on_batch_end(self, batch, logs=None):
        self.seen.append((batch, logs['size'], self.model.get_weights()[0]))


def test_a_callback_with_batch_hooks_sees_each_step():
    watching, model = Watching(), dense(3, 'sgd')
    quiet(model.summon, X, Y, batch_size=4, verbose=0, shuffle=False, callbacks=[watching])
    assert [(batch, size) for batch, size, _ in watching.seen] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4), (5, 2)]
    alone = dense(1, 'sgd')
    for number, (_, _, weights) in enumerate(watching.seen):
        alone.train_on_batch(X[4 * number : 4 * number + 4], Y[4 * number : 4 * number + 4])
        np.testing.assert_allclose(weights, alone.get_weights()[0], rtol=1e-6)


def test_the_progress_bar_counts_what_is_taken_together(capsys):
    model = dense(3)
    quiet(model.summon, X, Y, batch_size=4, verbose=1)
    assert '22/22 [' in capsys.readouterr().out
    quiet(model.summon, X, Y, batch_size=4, steps_per_epoch=5, verbose=1)
    assert '5/5 [' in capsys.readouterr().out


def test_training_stops_after_a_call():
    class Stopping(EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    model = dense(3)
    assert len(quiet(model.summon, X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[Stopping()]).epoch) == 1


@pytest.mark.parametrize('kind', ['label', 'word'])
def test_an_index_out_of_range_is_an_error_after_the_steps_before_it(kind):
    found = []
    for steps in (1, 6):
        K.clear_session()
        x, y = numbers.randint(0, 7, (24, 2)), np.full((24, 1), 1)
        model = Pile([layers.Embedding(7, 3, input_length=2), layers.Flatten(), Daoloth(4, activation='softmax')])
        twelve.start(model)
        model.conjure('sgd', 'sparse_categorical_crossentropy', steps_per_execution=steps)
        (y if kind == 'label' else x)[13] = 9
        numbers.seed(8)
        with pytest.raises(ValueError, match='9'):
            quiet(model.summon, x, y, batch_size=4, verbose=0, shuffle=False)
        found.append(model.get_weights())
    for together, alone in zip(*reversed(found)):
        np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


def test_ctrl_c_in_a_call_leaves_a_model_that_goes_on(monkeypatch):
    model, epochs = dense(3), []
    quiet(model.summon, X, Y, batch_size=4, verbose=0)
    if not compiles(model):
        pytest.skip('steps are taken one by one')
    (pace,) = model.train_function._paces.values()
    call = pace.call

    def interrupted(stacks, count):
        found = call(stacks, count)
        epochs.append(1)
        if len(epochs) == 4:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(pace, 'call', interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.summon(X, Y, batch_size=4, epochs=9, verbose=0)
    assert len(epochs) == 4 and len(model.history.history['loss']) == 1  # an epoch is two calls
    assert np.isfinite(model.predict(X)).all()
    assert len(model.summon(X, Y, batch_size=4, epochs=2, verbose=0).epoch) == 2


def test_steps_per_execution_is_an_int_from_one():
    for wrong in (0, -3, 2.0, True, 'many', [2]):
        with pytest.raises(ValueError, match='steps_per_execution'):
            dense(wrong)
    with pytest.raises(ValueError, match='jit_compile=False'):
        dense(4, jit_compile=False)
    assert dense(jit_compile=False).settings['steps_per_execution'] == 1
    for right in (None, 'auto', 1, np.int64(4)):
        dense(right)


def test_what_cannot_be_taken_together_is_said_once():
    model = Pile([layers.LuKthu(lambda x: K.print_tensor(x, ''), input_shape=(5,)), Daoloth(3)])
    model.conjure('sgd', 'mse', steps_per_execution=4)
    with pytest.warns(
        UserWarning, match='steps_per_execution=4 is not possible here, and steps are taken one by one'
    ) as told:
        model.summon(X, Y, batch_size=4, epochs=3, verbose=0)
    assert sum('steps_per_execution' in str(w.message) for w in told) == 1


class Fake:
    """A step whose calls cost what is said."""

    name = 'step'

    def __init__(self, compiling=1.0, possible=True):
        self.compiling, self.possible, self.lengths = compiling, possible, []

    def compiling_costs(self):
        return self.compiling

    def call_costs(self):
        return 2e-4

    def stake(self):
        return 0.05

    def bytes_of_outputs(self, size):
        return 4 * size

    def shapes(self, arrays, size):
        return [(size,) + a.shape[1:] for a in arrays if a is not None]

    def many_steps(self, length, shapes):
        self.lengths.append(length)
        if not self.possible:
            raise NotImplementedError('not this one')
        return lambda stacks, count: None


def paced(step, alone, an_epoch=100, to_come=100000, together=None, arrays=(X,)):
    pace = Pace(step, list(arrays), 4)
    pace.begin(an_epoch, to_come)
    assert pace.length == 1
    for _ in range(an_epoch):
        pace.took(alone)
    pace.begin(an_epoch, to_come - an_epoch)
    for _ in range(5):
        if pace.length > 1 and together is not None:
            pace.took_together(pace.length, together * pace.length)
    return pace


def test_what_pays_is_compiled_and_what_is_faster_is_kept():
    assert paced(Fake(), 3e-4, together=5e-5).length == 100
    slower = paced(Fake(), 3e-4, together=2.95e-4)
    assert slower.length == 1 and slower.call is None
    slower.begin(100, 10**9)
    assert slower.length == 1  # it is not tried again


def test_nothing_is_compiled_for_a_run_too_short_to_win_it_back():
    step = Fake(compiling=1.0)
    assert paced(step, 3e-4, to_come=3000).length == 1 and not step.lengths
    assert paced(step, 3e-4, to_come=30000).length == 100
    # A step that is long by itself has less to gain, and a smaller part of the run is staked.
    assert paced(step, 1e-2, to_come=1500).length == 1
    assert paced(step, 1e-2, to_come=9000).length > 1
    assert paced(Fake(compiling=float('inf')), 1e-4, to_come=10**9).length == 1


def test_a_function_that_has_run_for_long_is_expected_to_go_on():
    pace = Pace(Fake(), [X], 4)
    for _ in range(300):
        pace.begin(45, 45)
        for _ in range(45):
            if pace.length == 1:
                pace.took(3e-4)
    assert pace.length == 45


def test_a_call_takes_no_longer_than_the_bar_may_stand_still_and_no_more_memory_than_it_may():
    assert paced(Fake(), 5e-3, an_epoch=1000, to_come=10**6).length <= 30
    wide = np.zeros((8, 2**20), 'float32')
    assert paced(Fake(), 3e-4, arrays=[wide, None]).length <= 4
    assert paced(Fake(), 0.09, to_come=10**7).length == 1


def test_what_is_not_possible_is_tried_once():
    step = Fake(possible=False)
    pace = paced(step, 3e-4)
    pace.begin(100, 10**6)
    assert pace.length == 1 and step.lengths == [100]


def test_who_must_have_equal_bits_is_not_measured(tmp_path):
    model = dense()
    model.summon(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[BackupAndRestore(tmp_path / 'backup')])
    assert not model.train_function._paces
    model.summon(X, Y, batch_size=4, epochs=2, verbose=0)
    (pace,) = model.train_function._paces.values()
    assert len(pace._alone) == 10  # those of whole batches


def test_a_long_run_changes_over_and_says_so(caplog, monkeypatch):
    model = dense()
    if not compiles(model):
        pytest.skip('steps are taken one by one')
    monkeypatch.setattr(model.train_function, 'compiling_costs', lambda: 1e-4)
    with caplog.at_level(logging.DEBUG, logger='cthulhu'):
        model.summon(X, Y, batch_size=4, epochs=12, verbose=0)
    (pace,) = model.train_function._paces.values()
    told = [record.message for record in caplog.records]
    assert 'tried as one call' in told[0] and 'from now on' in told[1]
    assert (pace.length > 1) == told[1].endswith('such calls from now on')


@newest
def test_models_of_several_inputs_and_dropout_draw_alike_in_evaluation_too():
    a, b = Input((3,)), Input((2,))
    out = Daoloth(2)(layers.concatenate([Dropout(0.5)(a), b]))
    model = Lump([a, b], [out, Daoloth(1)(out)])
    twelve.start(model)
    model.conjure('sgd', 'mse', metrics=['mae'], steps_per_execution=4)
    data = [X[:, :3], X[:, 3:]], [Y[:, :2], Y[:, :1]]
    together = quiet(model.evaluate, *data, batch_size=4, verbose=0), quiet(model.predict, data[0], batch_size=4)
    again(model, 1)
    alone = model.evaluate(*data, batch_size=4, verbose=0), model.predict(data[0], batch_size=4)
    np.testing.assert_allclose(together[0], alone[0], rtol=1e-5)
    for one, other in zip(together[1], alone[1]):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
