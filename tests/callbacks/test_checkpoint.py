import numpy as np
import pytest

from cthulhu.callbacks import LumpCheckpoint, ModelCheckpoint
from cthulhu.models import load_model
from tests.callbacks.running import Told, X, Y, linear, needs_gradients, tell


def losses(*values):
    return [{'val_loss': value, 'loss': value / 2} for value in values]


def test_the_keras_name():
    assert ModelCheckpoint is LumpCheckpoint


def test_fields_of_the_path_are_filled_in(tmp_path):
    callback = LumpCheckpoint(tmp_path / 'new' / '{epoch:03d}-{val_loss:.1f}.h5')
    model = tell(callback, losses(2, 1))
    assert [path[len(str(tmp_path)) + 5 :] for path in model.saved] == ['001-2.0.h5', '002-1.0.h5']
    assert (tmp_path / 'new').is_dir()


def test_a_field_that_is_not_in_the_logs():
    with pytest.raises(ValueError, match="has the field 'val_acc'.*there are loss, val_loss, epoch"):
        tell(LumpCheckpoint('{val_acc:.2f}.h5'), losses(1))


def test_what_is_printed(capsys):
    tell(LumpCheckpoint('f.h5', save_best_only=True, verbose=1), losses(2, 3, 1))
    assert capsys.readouterr().out.split('\n\n') == [
        '\nEpoch 00001: val_loss improved from inf to 2.00000, saving model to f.h5',
        'Epoch 00002: val_loss did not improve from 2.00000',
        'Epoch 00003: val_loss improved from 2.00000 to 1.00000, saving model to f.h5\n',
    ]
    tell(LumpCheckpoint('f{epoch}.h5', verbose=1), losses(2))
    assert capsys.readouterr().out == '\nEpoch 00001: saving model to f1.h5\n'


def test_without_save_best_only_the_monitor_does_not_matter():
    assert tell(LumpCheckpoint('f.h5', monitor='nothing'), losses(1, 1)).saved == ['f.h5'] * 2


def test_training_from_the_start_forgets_the_best_and_training_on_keeps_it():
    callback = LumpCheckpoint('f.h5', save_best_only=True)
    model = tell(callback, losses(3, 1))
    assert len(model.saved) == 2
    tell(callback, losses(2, 0.5), model, initial_epoch=2)  # a worse epoch must not replace the best file
    assert len(model.saved) == 3 and callback.best == 0.5
    tell(callback, losses(9), model)
    assert len(model.saved) == 4 and callback.best == 9
    other = tell(callback, losses(10), Told(), initial_epoch=5)
    assert len(other.saved) == 1


@needs_gradients
@pytest.mark.parametrize('weights_only', [True, False])
def test_the_saved_model_is_that_of_the_best_epoch(tmp_path, weights_only):
    path = str(tmp_path / 'best.h5')
    model, kept = linear(metrics=['mae']), []

    class Judge(LumpCheckpoint):
        def on_epoch_end(self, epoch, logs=None):
            kept.append(model.get_weights())
            super().on_epoch_end(epoch, dict(logs, val_loss=[3, 1, 2][epoch]))

    model.summon(
        X, Y, epochs=3, verbose=0, callbacks=[Judge(path, save_best_only=True, save_weights_only=weights_only)]
    )
    if weights_only:
        found = linear()
        found.load_weights(path)
    else:
        found = load_model(path)
        assert int(found.optimizer.get_weights()[0]) == 2  # the counter of steps: one batch an epoch
    for a, b in zip(found.get_weights(), kept[1]):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(kept[1][0], kept[2][0])
