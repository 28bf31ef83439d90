import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.callbacks import LearningRateScheduler, ReduceLROnPlateau, StepDecay
from tests.callbacks.running import Told, X, Y, linear, needs_gradients, tell


def rates_of(callback, epochs=4, lr=0.5):
    logs, model = [{} for _ in range(epochs)], Told(lr)
    seen = []
    inner = callback.on_epoch_end
    callback.on_epoch_end = lambda epoch, logs: (inner(epoch, logs), seen.append(float(logs['lr'])))
    tell(callback, logs, model)
    return seen


@pytest.mark.parametrize(
    'schedule, expected',
    [
        (lambda epoch: 1.0 / (epoch + 1), [1, 0.5, 1 / 3, 0.25]),
        (lambda epoch, lr: lr / 2, [0.25, 0.125, 0.0625, 0.03125]),
        (lambda epoch, lr: np.float32(lr), [0.5] * 4),
        (StepDecay(1.0, 0.1, every=2), [1, 1, 0.1, 0.1]),
    ],
)
def test_the_schedule_sets_the_rate_of_each_epoch(schedule, expected):
    np.testing.assert_allclose(rates_of(LearningRateScheduler(schedule)), expected, rtol=1e-6)


def test_what_is_printed(capsys):
    tell(LearningRateScheduler(lambda epoch: 0.25, verbose=1), [{}])
    assert capsys.readouterr().out == '\nEpoch 00001: LearningRateScheduler setting learning rate to 0.25.\n'


@pytest.mark.parametrize('rate', [None, 'high', True, float('nan'), np.ones(2)])
def test_what_is_no_rate(rate):
    with pytest.raises(ValueError, match='the output of `schedule` should be a float; for 0 it is'):
        tell(LearningRateScheduler(lambda epoch: rate), [{}])


def test_an_error_in_the_schedule_is_not_hidden():
    calls = []

    def schedule(epoch, lr):
        calls.append(epoch)
        return epoch + 'no number'

    with pytest.raises(TypeError, match='unsupported operand'):
        tell(LearningRateScheduler(schedule), [{}])
    assert calls == [0]


def test_wrong_arguments():
    with pytest.raises(TypeError, match='`schedule` must be a function'):
        LearningRateScheduler(0.1)
    with pytest.raises(ValueError, match="`each` is 'epoch' or 'batch'; got 'step'"):
        LearningRateScheduler(lambda epoch: 0.1, each='step')
    with pytest.raises(ValueError, match='`factor` is a finite number at least 0 and below 1; got 1.0'):
        ReduceLROnPlateau(factor=1.0)
    with pytest.raises(TypeError, match="has no argument 'speed'"):
        ReduceLROnPlateau(speed=2)


@pytest.mark.parametrize('callback', [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau('loss')])
def test_an_optimizer_without_a_learning_rate(callback):
    model = Told()
    model.optimizer = object()
    with pytest.raises(ValueError, match='must have a learning rate in the attribute "lr"; object has none'):
        tell(callback, [{'loss': 1.0}], model)


@needs_gradients
def test_by_batch_the_rate_follows_the_steps_of_the_optimizer():
    seen = []

    def schedule(step):
        seen.append(step)
        return 0.01 * (step + 1)

    model = linear()
    callback = LearningRateScheduler(schedule, each='batch')
    history = model.summon(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[callback])
    np.testing.assert_allclose(history.history['lr'], [0.03, 0.06], rtol=1e-6)
    model.summon(X, Y, batch_size=8, verbose=0, callbacks=[callback])
    assert seen == list(range(9))
    assert callback.needs_each_batch and not LearningRateScheduler(schedule).needs_each_batch


@needs_gradients
def test_a_rate_of_zero_changes_no_weight():
    model = linear()
    before = model.get_weights()
    model.summon(X, Y, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.0)])
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_plateau_by_its_older_name_and_what_is_printed(capsys):
    with pytest.warns(UserWarning, match='`epsilon` is the older name'):
        callback = ReduceLROnPlateau(patience=1, factor=0.5, epsilon=0.5, verbose=1)
    assert callback.min_delta == 0.5
    model = tell(callback, [{'val_loss': v} for v in (3, 2.8, 2.2)])
    assert float(K.get_value(model.optimizer.lr)) == 0.25
    assert capsys.readouterr().out == '\nEpoch 00002: ReduceLROnPlateau reducing learning rate to 0.25.\n'


def test_a_reused_plateau_starts_afresh():
    callback = ReduceLROnPlateau(patience=2, factor=0.5)
    tell(callback, [{'val_loss': v} for v in (1, 1)])
    assert callback.wait == 1
    model = tell(callback, [{'val_loss': v} for v in (5, 4, 5)])
    assert float(K.get_value(model.optimizer.lr)) == 0.5 and callback.best == 4
