import os
import signal

import numpy as np
import pytest

from cthulhu.callbacks import EarlyStopping, LuKthuCallback, TerminateOnNaN
from tests.callbacks.running import Told, X, Y, linear, needs_gradients, tell


def losses(*values):
    return [{'val_loss': value} for value in values]


def test_restores_the_best_weights_when_it_stops(capsys):
    callback = EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    assert tell(callback, losses(3, 1, 2, 2, 2)).weights == 1
    assert (
        capsys.readouterr().out
        == 'Restoring model weights from the end of the best epoch\nEpoch 00004: early stopping\n'
    )
    assert callback.stopped_epoch == 3


def test_restores_the_best_weights_after_the_last_epoch():
    assert tell(EarlyStopping(patience=9, restore_best_weights=True), losses(3, 1, 2, 2)).weights == 1
    assert tell(EarlyStopping(patience=9), losses(3, 1, 2, 2)).weights == 3


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_restores_the_best_weights_after_an_error(error):
    epochs = losses(3, 1, 2)

    class Fails(EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch == 2:
                raise error

    model = Told()
    with pytest.raises(error):
        tell(Fails(patience=9, restore_best_weights=True), epochs, model)
    assert model.weights == 1


def test_stops_at_the_first_epochs_too(capsys):
    callback = EarlyStopping(baseline=0.5, verbose=1)
    assert tell(callback, losses(1, 1)).stop_training and callback.stopped_epoch == 0
    assert 'Epoch 00001: early stopping' in capsys.readouterr().out


def test_where_no_epoch_reaches_the_baseline_the_best_of_them_is_restored():
    callback = EarlyStopping(patience=3, baseline=0.5, restore_best_weights=True)
    model = tell(callback, losses(3, 1, 2, 2))
    assert model.stop_training and model.weights == 1


def test_a_reused_callback_starts_afresh():
    callback = EarlyStopping(patience=2, restore_best_weights=True)
    assert tell(callback, losses(1, 0.1, 2, 2)).weights == 1
    model = tell(callback, losses(9, 8, 7, 6))
    assert not model.stop_training and model.weights == 3 and callback.best == 6
    assert tell(callback, losses(9, 10)).weights == 0


def test_nan_is_never_better():
    callback = EarlyStopping(patience=2, restore_best_weights=True)
    model = tell(callback, losses(1, np.nan, np.nan, 0))
    assert model.stop_training and callback.stopped_epoch == 2 and model.weights == 0


def test_a_run_that_did_not_begin_restores_nothing():
    callback = EarlyStopping(restore_best_weights=True)
    model = tell(callback, losses(1, 2))
    model.weights = 7
    callback.on_train_end()
    assert model.weights == 7


def weights_after_each_epoch(model):
    kept = []
    return kept, LuKthuCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))


@needs_gradients
@pytest.mark.parametrize('how', ['ctrl-c', 'error', 'nan', 'last', 'stop'])
def test_in_training_however_it_ends(how):
    model = linear()
    kept, keep = weights_after_each_epoch(model)

    def worsen(epoch, logs):
        # the best epoch is the second
        logs['score'] = [0, 5, 1, 0, 0, 0][epoch]

    def on_batch_end(batch, logs):
        if len(kept) < 3 or batch != 1:
            return
        if how == 'ctrl-c':
            os.kill(os.getpid(), signal.SIGINT)
        if how == 'error':
            raise RuntimeError('the callback fails')
        if how == 'nan':
            logs['loss'] = float('nan')
        if how == 'stop':
            model.stop_training = True

    expected = {'ctrl-c': KeyboardInterrupt, 'error': RuntimeError}.get(how)
    stopping = EarlyStopping('score', patience=9, mode='max', restore_best_weights=True)
    hooks = [LuKthuCallback(on_epoch_end=worsen, on_batch_end=on_batch_end), TerminateOnNaN(), keep, stopping]

    def summon():
        return model.summon(X, Y, batch_size=8, epochs=6, verbose=0, callbacks=hooks)

    if expected:
        with pytest.raises(expected):
            summon()
    else:
        summon()
    for found, wanted in zip(model.get_weights(), kept[1]):
        np.testing.assert_array_equal(found, wanted)
    # The model is as good as before.
    assert np.isfinite(model.summon(X, Y, verbose=0).history['loss'][0])
