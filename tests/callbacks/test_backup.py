import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import optimizers
from cthulhu.callbacks import (
    BackupAndRestore,
    Callback,
    CosineDecay,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    LuKthuCallback,
    LumpCheckpoint,
    ReduceLROnPlateau,
)
from cthulhu.callbacks import backup as module
from cthulhu.layers import Daoloth, Laldagorth
from cthulhu.models import Pile
from cthulhu.saving import DamagedFileError
from cthulhu.utils import set_random_seed
from tests.callbacks.running import LABELS, X, Y, dark, linear, needs_gradients

pytestmark = needs_gradients


class Interrupt(Callback):
    def __init__(self, epoch, batch=1, error=KeyboardInterrupt):
        super().__init__()
        self.at, self.error, self.epoch = (epoch, batch), error, None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise self.error


def summon(model, callbacks, epochs=6, **kwargs):
    settings = dict({'batch_size': 5, 'validation_split': 0.25, 'verbose': 0}, **kwargs)
    return model.summon(X, LABELS, epochs=epochs, callbacks=callbacks, **settings)


def assert_same(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_array_equal(a, b)


OPTIMIZERS = {
    'adam': lambda: optimizers.Adam(0.05, amsgrad=True),
    'nadam': lambda: optimizers.Nadam(0.01),
    'sgd': lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, decay=0.01),
    'rmsprop': lambda: optimizers.RMSprop(0.01, clipnorm=1.0),
}


@pytest.mark.parametrize('name, anew', [('adam', True), ('nadam', False), ('sgd', True), ('rmsprop', False)])
def test_an_interrupted_run_ends_as_one_that_was_not(tmp_path, name, anew):
    def model():
        return dark(OPTIMIZERS[name]())

    whole = model()
    history = summon(whole, []).history
    broken = model()
    for at in ((2, 1), (5, 2)):
        with pytest.raises(KeyboardInterrupt):
            summon(broken, [BackupAndRestore(tmp_path), Interrupt(*at)])
        if anew:
            broken = model()
        else:
            np.random.rand(at[0])  # whatever else the program does in between
            broken.predict(X)
    resumed = summon(broken, [BackupAndRestore(tmp_path)])
    assert_same(broken.get_weights(), whole.get_weights())
    assert_same(broken.optimizer.get_weights(), whole.optimizer.get_weights())
    assert resumed.history == history and resumed.epoch == list(range(6))
    assert os.listdir(str(tmp_path)) == []


def callbacks_of(path):
    return [
        LearningRateScheduler(CosineDecay(0.05, 20), each='batch'),
        EarlyStopping('val_accuracy', patience=4, restore_best_weights=True),
        CSVLogger(path / 'log.csv'),
        LumpCheckpoint(str(path / 'best.h5'), save_best_only=True, save_weights_only=True),
    ]


@pytest.mark.parametrize('period', [1, 3])
def test_the_callbacks_go_on_too(tmp_path, period):
    paths = [tmp_path / name for name in ('whole', 'broken')]
    models = []
    for path in paths:
        path.mkdir()
        np.random.seed(0)
        if path == paths[1]:
            with pytest.raises(RuntimeError):
                summon(
                    dark(),
                    callbacks_of(path) + [BackupAndRestore(path / 'b', period), Interrupt(4, error=RuntimeError)],
                    9,
                )
        model = dark()
        told = callbacks_of(path) + [BackupAndRestore(path / 'b', period)]
        models.append((model, told, summon(model, told, 9)))
    (whole, told, history), (broken, told_again, history_again) = models
    assert_same(broken.get_weights(), whole.get_weights())
    assert history.history == history_again.history and history.epoch == history_again.epoch
    for a, b in zip(told[:4], told_again[:4]):
        if isinstance(a, (EarlyStopping, LumpCheckpoint)):
            assert a.best == b.best and a.best not in (None, np.inf)
    assert (paths[0] / 'log.csv').read_text() == (paths[1] / 'log.csv').read_text()


def test_plateau_and_learning_rate(tmp_path):
    def run(callbacks):
        np.random.seed(1)
        model = linear(0.1)
        model.summon(
            X,
            Y,
            epochs=6,
            verbose=0,
            callbacks=[ReduceLROnPlateau('loss', patience=2, factor=0.5, min_delta=99)] + callbacks,
        )
        return model

    whole = run([])
    with pytest.raises(KeyboardInterrupt):
        run([BackupAndRestore(tmp_path), Interrupt(4, 0)])
    resumed = run([BackupAndRestore(tmp_path)])
    assert float(K.get_value(whole.optimizer.lr)) == pytest.approx(0.025)
    assert K.get_value(resumed.optimizer.lr) == K.get_value(whole.optimizer.lr)
    assert_same(resumed.get_weights(), whole.get_weights())


PROGRAM = """
import sys
from tests.callbacks.test_backup import run_seeded
run_seeded(sys.argv[1], kill=13)
"""


def run_seeded(folder, kill=None):
    """A run of five epochs of four steps; it kills its process after a number of steps."""

    def die(batch, logs):
        if kill and int(model.optimizer.get_weights()[0]) == kill:
            os.kill(os.getpid(), signal.SIGKILL)

    set_random_seed(3)
    model = dark()
    summon(model, [BackupAndRestore(folder), LuKthuCallback(on_batch_end=die)], epochs=5)
    return model.get_weights()


def test_a_process_that_is_killed_and_another_that_goes_on(tmp_path):
    whole = run_seeded(tmp_path / 'whole')
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3')
    killed = subprocess.run([sys.executable, '-c', PROGRAM, str(tmp_path)], env=environment, cwd=os.getcwd())
    assert killed.returncode == -signal.SIGKILL
    assert module.load(str(tmp_path / 'training.backup'))['epoch'] == 2
    K.clear_session()
    assert_same(run_seeded(tmp_path), whole)
    assert not (tmp_path / 'training.backup').exists()


def test_steps_per_epoch_go_on_in_the_data(tmp_path):
    def run(callbacks):
        model = linear(0.1)
        model.summon(X, Y, batch_size=6, steps_per_epoch=3, epochs=4, verbose=0, callbacks=callbacks)
        return model.get_weights()

    whole = run([])
    with pytest.raises(KeyboardInterrupt):
        run([BackupAndRestore(tmp_path), Interrupt(2)])
    assert_same(run([BackupAndRestore(tmp_path)]), whole)


def test_states_of_stateful_layers(tmp_path):
    def run(callbacks):
        np.random.seed(2)
        model = Pile([Laldagorth(3, stateful=True, batch_input_shape=(4, 2, 2)), Daoloth(2)])
        model.conjure('adam', 'mse')
        x = X.reshape(24, 2, 2)
        model.summon(x, Y, batch_size=4, epochs=4, shuffle=False, verbose=0, callbacks=callbacks)
        return model.get_weights() + K.batch_get_value(model.layers[0].states)

    whole = run([])
    with pytest.raises(KeyboardInterrupt):
        run([BackupAndRestore(tmp_path), Interrupt(2)])
    assert_same(run([BackupAndRestore(tmp_path)]), whole)


def test_the_backup_of_a_finished_run(tmp_path):
    models = [dark(), dark()]
    histories = [summon(model, [BackupAndRestore(tmp_path, delete_checkpoint=False)]) for model in models]
    assert histories[0].history == histories[1].history
    assert_same(models[0].get_weights(), models[1].get_weights())
    # More epochs go on from there.
    longer = dark()
    assert summon(longer, [BackupAndRestore(tmp_path)], 8).epoch == list(range(8))
    assert os.listdir(str(tmp_path)) == []


def test_a_run_that_was_stopped_is_not_gone_on_with(tmp_path):
    def run():
        stopping = EarlyStopping('loss', patience=2, min_delta=99, restore_best_weights=True)
        return summon(dark(), [stopping, BackupAndRestore(tmp_path, delete_checkpoint=False)])

    first = run()
    again = run()
    assert first.epoch == again.epoch == [0, 1, 2]
    assert_same(first.model.get_weights(), again.model.get_weights())


def test_a_line_says_that_the_run_goes_on(tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt):
        summon(dark(), [BackupAndRestore(tmp_path), Interrupt(2)])
    capsys.readouterr()
    summon(dark(), [BackupAndRestore(tmp_path)], verbose=2)
    printed = capsys.readouterr().out
    assert 'Going on after epoch 2, from %s' % (tmp_path / 'training.backup') in printed
    assert 'Epoch 3/6' in printed and 'Epoch 2/6' not in printed


def interrupted(folder):
    with pytest.raises(KeyboardInterrupt):
        summon(dark(), [BackupAndRestore(folder), Interrupt(2)])


def test_a_backup_of_another_model_or_optimizer(tmp_path):
    interrupted(tmp_path)
    with pytest.raises(ValueError, match='is of another model or optimizer'):
        linear().summon(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    with pytest.raises(ValueError, match='its optimizer is Adam, that of the model is SGD'):
        summon(dark('sgd'), [BackupAndRestore(tmp_path)])


def test_a_damaged_backup(tmp_path):
    interrupted(tmp_path)
    path = tmp_path / 'training.backup'
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DamagedFileError, match='training.backup'):
        summon(dark(), [BackupAndRestore(tmp_path)])


def test_an_interruption_of_the_writing_leaves_the_last_backup(tmp_path, monkeypatch):
    replace, calls = os.replace, []

    def fail(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        replace(*args)

    monkeypatch.setattr('os.replace', fail)
    with pytest.raises(KeyboardInterrupt):
        summon(dark(), [BackupAndRestore(tmp_path)])
    monkeypatch.undo()
    assert os.listdir(str(tmp_path)) == ['training.backup']
    assert module.load(str(tmp_path / 'training.backup'))['epoch'] == 1
    whole, resumed = dark(), dark()
    summon(whole, [])
    summon(resumed, [BackupAndRestore(tmp_path)])
    assert_same(resumed.get_weights(), whole.get_weights())


def test_a_callback_of_ones_own(tmp_path):
    class Counts(Callback):
        state_names = ('seen',)
        seen = None

        def on_train_begin(self, logs=None):
            self.seen = {'epochs': 0, 3: [np.float32(0.5), None, 'text', float('inf')], 'array': np.arange(3)}

        def on_epoch_end(self, epoch, logs=None):
            self.seen['epochs'] += 1

    with pytest.raises(KeyboardInterrupt):
        summon(dark(), [Counts(), BackupAndRestore(tmp_path), Interrupt(3)])
    counts = Counts()
    # another callback that was not there before does no harm
    summon(dark(), [LuKthuCallback(), BackupAndRestore(tmp_path), EarlyStopping('loss', patience=99), counts])
    assert counts.seen['epochs'] == 6
    assert counts.seen[3] == [np.float32(0.5), None, 'text', float('inf')] and type(counts.seen[3][0]) is np.float32
    np.testing.assert_array_equal(counts.seen['array'], np.arange(3))


def test_what_cannot_be_kept(tmp_path):
    class Holds(Callback):
        def get_state(self):
            return {'thing': object()}

    with pytest.raises(TypeError, match=r'backup.callbacks\[\d\].state.thing: a object cannot be kept'):
        summon(dark(), [Holds(), BackupAndRestore(tmp_path)])


@pytest.mark.parametrize('period', [0, -1, 1.5, True])
def test_wrong_period(period):
    with pytest.raises(ValueError, match='`period` is a whole number, 1 or more'):
        BackupAndRestore('unused', period)
