"""Comparing values over epochs: with NaN, in the precision of the learning rate, under either spelling of a name, at the moment."""

import warnings

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.callbacks import (
    BackupAndRestore,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    LuKthuCallback,
    LumpCheckpoint,
    ReduceLROnPlateau,
)
from tests.callbacks.running import LABELS, Told, X, dark, needs_gradients, tell

NAN = float('nan')


def values(*numbers, name='v'):
    return [{name: number} for number in numbers]


@pytest.mark.parametrize(
    'mode, course, best',
    [
        ('min', (NAN, 1, 0.5, 0.7), 2),  # Keras 2.3.1 too
        ('max', (NAN, 1, 0.5, 0.7), 1),
        ('min', (NAN, NAN, 3), 2),
        ('max', (1, NAN, 0), 0),
        ('min', (NAN, np.inf, NAN), 1),
        ('max', (NAN, -np.inf, -1), 2),
    ],
)
def test_early_stopping_any_number_is_better_than_nan(mode, course, best):
    callback = EarlyStopping('v', mode=mode, patience=9, restore_best_weights=True)
    assert tell(callback, values(*course)).weights == best
    # and where the first value to beat is NaN itself
    callback = EarlyStopping('v', mode=mode, patience=9)
    callback.baseline = NAN
    tell(callback, values(*course))
    assert callback.best == np.nanmax(course) if mode == 'max' else callback.best == np.nanmin(course)


@pytest.mark.parametrize('mode, saved', [('min', ['1', '2']), ('max', ['1'])])
def test_a_checkpoint_is_not_made_of_nan_and_goes_on_from_one(mode, saved):
    callback = LumpCheckpoint('{epoch}', 'v', save_best_only=True, mode=mode)
    assert tell(callback, values(NAN, 1, 0.5)).saved == [str(int(name) + 1) for name in saved]
    callback.best = np.float32(NAN)  # as a file of another run may have it
    assert tell(callback, values(3), callback._trained, initial_epoch=3).saved[-1] == '4'


def test_the_plateau_counts_nan_as_no_better():
    model = tell(ReduceLROnPlateau('v', mode='min', patience=2, factor=0.5), values(NAN, NAN, 1, 0.5, NAN))
    assert K.get_value(model.optimizer.lr) == 0.25
    callback = ReduceLROnPlateau('v', mode='max', patience=2)
    callback.monitor_op(1, NAN)
    assert callback.monitor_op(-5, NAN) and not callback.monitor_op(NAN, NAN)


@needs_gradients
def test_a_backup_keeps_nan_as_it_is(tmp_path):
    model, stopping = dark(), EarlyStopping('v', mode='min', patience=9, restore_best_weights=True)

    def interrupt(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    gives = LuKthuCallback(on_epoch_end=lambda epoch, logs: logs.update(v=[NAN, NAN, 2.0, 3.0][epoch]))
    interrupts, backup = LuKthuCallback(on_epoch_begin=interrupt), BackupAndRestore(tmp_path / 'backup')
    with pytest.raises(KeyboardInterrupt):
        model.summon(X, LABELS, epochs=4, verbose=0, callbacks=[gives, stopping, backup, interrupts])
    assert np.isnan(stopping._best_kept)
    model.summon(X, LABELS, epochs=4, verbose=0, callbacks=[gives, stopping, backup])
    assert stopping._best_kept == 2.0


# -- the learning rate, kept in less digits than it was written with -------------------------------------------


@pytest.mark.parametrize('rate', [0.001, 0.1, 0.3, 1e-7])
def test_the_plateau_is_quiet_at_its_least_rate(rate, capsys):
    callback = ReduceLROnPlateau('v', mode='min', patience=1, min_lr=rate, verbose=1)
    model = tell(callback, values(1, 1, 1, 1), Told(rate))
    assert 'reducing' not in capsys.readouterr().out and callback.wait == 3
    assert K.get_value(model.optimizer.lr) == K.get_value(K.variable(rate))


def test_the_plateau_comes_to_its_least_rate_once(capsys):
    callback = ReduceLROnPlateau('v', mode='min', patience=1, factor=0.1, min_lr=1e-4, verbose=1)
    tell(callback, values(1, 1, 1, 1, 1, 1), Told(0.01))
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines == [
        'Epoch 00002: ReduceLROnPlateau reducing learning rate to 0.001.',
        'Epoch 00003: ReduceLROnPlateau reducing learning rate to 0.0001.',
    ]


def test_a_schedule_sees_the_rate_that_was_set():
    seen = []

    def schedule(epoch, rate):
        seen.append(rate)
        return rate if rate <= 0.001 else max(rate / 2, 0.001)

    tell(LearningRateScheduler(schedule), [{}] * 4, Told(0.003))
    assert seen == [0.003, 0.0015, 0.001, 0.001]


# -- one name, two spellings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'asked, given',
    [('val_acc', 'val_accuracy'), ('val_accuracy', 'val_acc'), ('out_acc', 'out_accuracy'), ('acc_1', 'accuracy_1')],
)
def test_acc_and_accuracy_are_one_name(asked, given):
    course = values(0.1, 0.3, 0.2, name=given)
    metrics = ['loss', given]
    assert tell(EarlyStopping(asked, patience=9, restore_best_weights=True), course, metrics=metrics).weights == 1
    path = f'{{epoch}}-{{{asked}:.2f}}'
    assert tell(LumpCheckpoint(path, asked, save_best_only=True), course, metrics=metrics).saved == ['1-0.10', '2-0.30']
    model = tell(ReduceLROnPlateau(asked, patience=1, factor=0.5), course, metrics=metrics)
    assert K.get_value(model.optimizer.lr) == 0.25
    # no validation in an epoch is no error here either
    assert not tell(EarlyStopping(asked), [{}, {}], metrics=metrics).stop_training


def test_a_name_that_is_there_is_taken_as_it_is_and_others_are_not_mixed_up():
    course = [{'acc': 0.5, 'accuracy': 0.1}, {'acc': 0.6, 'accuracy': 0.0}]
    assert tell(EarlyStopping('acc'), course).stop_training is False
    assert tell(EarlyStopping('accuracy'), course).stop_training is True
    for other in ('binary_acc', 'account', 'val_acc'):
        with pytest.raises(ValueError, match=f'there is no {other!r} to monitor'):
            tell(EarlyStopping(other, mode='max'), values(1, name='binary_accuracy_2') + values(1, name='accuracy'))


@needs_gradients
def test_old_names_in_training(tmp_path):
    model = dark()
    stopping = EarlyStopping('val_acc', patience=1, restore_best_weights=True)
    checkpoint = LumpCheckpoint(str(tmp_path / 'w{epoch}-{val_acc:.2f}.h5'), 'val_acc', save_weights_only=True)
    log = model.summon(X, LABELS, epochs=2, verbose=0, validation_split=0.5, callbacks=[stopping, checkpoint]).history
    expected = [f'w{i + 1}-{value:.2f}.h5' for i, value in enumerate(log['val_accuracy'])]
    assert sorted(path.name for path in tmp_path.iterdir()) == expected


# -- at the moment of stopping ---------------------------------------------------------------------------------


def test_the_best_weights_are_back_when_training_is_stopped_not_only_when_it_ends(capsys):
    model = Told()
    callback = EarlyStopping('v', mode='min', patience=1, restore_best_weights=True, verbose=1)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate((2, 1, 3)):
        model.weights = epoch
        callback.on_epoch_end(epoch, {'v': value})
    assert model.stop_training and model.weights == 1
    model.weights = 7  # what the loop does from here on is its own affair
    callback.on_train_end()
    assert model.weights == 7
    # the order of lines of Keras 2.3.1
    assert capsys.readouterr().out.splitlines() == [
        'Restoring model weights from the end of the best epoch',
        'Epoch 00003: early stopping',
    ]


def test_a_loop_that_trains_on_gets_the_best_weights_at_its_end():
    callback = EarlyStopping('v', mode='min', patience=2, restore_best_weights=True)
    model = Told()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate((2, 3, 3, 1, 3)):
        model.weights = epoch
        callback.on_epoch_end(epoch, {'v': value})
    callback.on_train_end()
    assert model.weights == 3


# -- CSVLogger on a file that is there -------------------------------------------------------------------------


@pytest.mark.parametrize(
    'text, expected',
    [
        ('epoch,v\r\n0,1', 'epoch,v\r\n0,1\r\n1,2\r\n'),
        ('epoch,v\n0,1\n', 'epoch,v\n0,1\n1,2\r\n'),
        ('epoch,v', 'epoch,v\r\n1,2\r\n'),
        ('', 'epoch,v\r\n1,2\r\n'),
        ('epoch,other,v', 'epoch,other,v\r\n1,NA,2\r\n'),
    ],
)
def test_rows_are_appended_on_lines_of_their_own(tmp_path, text, expected):
    path = tmp_path / 'log.csv'
    path.write_bytes(text.encode())
    tell(CSVLogger(path, append=True), values(2), initial_epoch=1)
    assert path.read_bytes() == expected.encode()


def test_a_file_without_a_column_for_a_value_is_told_of_once(tmp_path):
    path = tmp_path / 'log.csv'
    path.write_bytes(b'epoch,acc\r\n0,0.5\r\n')
    logs = [{'accuracy': 0.6, 'loss': 1.0}, {'accuracy': 0.7, 'loss': 1.0}]
    with pytest.warns(UserWarning, match='has no column for loss, .* its columns are epoch, acc') as caught:
        tell(CSVLogger(path, append=True), logs, initial_epoch=1)
    assert len(caught) == 1
    assert path.read_bytes() == b'epoch,acc\r\n0,0.5\r\n1,0.6\r\n2,0.7\r\n'
    path.write_bytes(b'epoch;acc\r\n')
    with pytest.warns(UserWarning, match='no column for accuracy, loss.*the `separator` that it was written with'):
        tell(CSVLogger(path, append=True), logs)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        tell(CSVLogger(path), logs)
