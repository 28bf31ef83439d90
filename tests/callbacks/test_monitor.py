import numpy as np
import pytest

from cthulhu import metrics
from cthulhu.callbacks import EarlyStopping, LumpCheckpoint, ReduceLROnPlateau
from cthulhu.callbacks.monitor import direction
from cthulhu.layers import Daoloth
from cthulhu.models import Pile
from tests.callbacks.running import LABELS, X, dark, linear, needs_gradients, tell

MORE = """acc val_acc accuracy val_binary_accuracy out_acc acc_1 auc_2 precision recall val_top_k_categorical_accuracy mean_io_u
true_positives cosine_similarity sensitivity_at_specificity loss_accuracy MyAccuracy val_f1""".split()
LESS = """loss val_loss out_loss accuracy_loss mean_squared_error mae mse root_mean_squared_error logcosh false_negatives
kullback_leibler_divergence categorical_crossentropy hinge poisson myloss val_mean_absolute_percentage_error""".split()
UNKNOWN = 'lr happiness cosine_proximity my_metric val_score accumulated'.split()


@pytest.mark.parametrize('name', MORE + LESS + UNKNOWN)
def test_direction_by_name(name):
    assert direction(name) == ('max' if name in MORE else 'min' if name in LESS else None)


def kinds(monitor, **kwargs):
    return [
        EarlyStopping(monitor, **kwargs),
        ReduceLROnPlateau(monitor, **kwargs),
        LumpCheckpoint('unused', monitor, save_best_only=True, **kwargs),
    ]


@pytest.mark.parametrize(
    'callback', kinds('val_los', mode='min') + kinds('nothing'), ids=lambda c: type(c).__name__ + c.monitor
)
def test_a_monitor_that_is_not_there_fails_at_the_first_end_with_the_names_that_are(callback):
    with pytest.raises(ValueError, match=f'there is no {callback.monitor!r} to monitor; there are acc, loss'):
        tell(callback, [{'loss': 1.0, 'acc': 0.5}] * 2, metrics=['loss', 'acc'])


@pytest.mark.parametrize('callback', kinds('happiness'), ids=lambda c: type(c).__name__)
@pytest.mark.parametrize('known', [True, False])
def test_auto_asks_for_the_mode_of_a_metric_that_it_cannot_judge(callback, known):
    # Where the names of the run are known, before an epoch was spent on it.
    epochs = [] if known else [{'happiness': 1.0}]
    with pytest.raises(ValueError, match="'happiness' is better. Give mode='max' or mode='min'"):
        tell(callback, epochs, metrics=['happiness'] if known else [])


@pytest.mark.parametrize('mode, kept', [('max', 2), ('min', 1)])
def test_a_mode_that_is_given_counts(mode, kept):
    callback = EarlyStopping('happiness', patience=9, mode=mode, restore_best_weights=True)
    assert tell(callback, [{'happiness': v} for v in (2, 1, 3, 2.5)]).weights == kept
    assert callback.best == {'max': 3, 'min': 1}[mode]


@pytest.mark.parametrize('which', range(3))
def test_an_unknown_mode_is_warned_of_and_taken_as_auto(which):
    with pytest.warns(RuntimeWarning, match="got 'sideways'"):
        callback = kinds('val_loss', mode='sideways')[which]
    assert callback.mode == 'auto' and callback.best == np.inf


def test_epochs_without_validation_are_passed_over():
    logs = [{'val_loss': 1.0}, {}, {'val_loss': 2.0}, {}, {'val_loss': 3.0}, {'val_loss': 4.0}]
    callback = EarlyStopping(patience=2)
    assert tell(callback, logs, metrics=['loss', 'val_loss']).stop_training
    assert callback.stopped_epoch == 4
    assert tell(EarlyStopping(), [{'loss': 1.0}] + logs, metrics=['loss', 'val_loss']).weights == 3


def test_after_the_monitor_was_there_once_an_epoch_may_lack_it():
    assert not tell(EarlyStopping('sometimes_loss'), [{'sometimes_loss': 1.0}, {}, {}]).stop_training


@needs_gradients
def test_in_training():
    model = dark()
    with pytest.raises(ValueError, match='there are accuracy, loss. Values of the validation need `validation_data`'):
        model.summon(X, LABELS, verbose=0, callbacks=[EarlyStopping()])
    history = linear().summon(
        X, X[:, :2], verbose=0, epochs=4, validation_split=0.5, validation_freq=2, callbacks=[EarlyStopping()]
    )
    assert len(history.epoch) == 4


@needs_gradients
def test_one_value_is_monitored():
    model = Pile([Daoloth(3, input_shape=(2,))])
    model.conjure('sgd', 'mse', metrics=[metrics.F1Score()])
    x, y = np.ones((6, 2)), np.eye(3)[[0, 1, 2, 0, 1, 2]]
    assert (
        np.shape(model.evaluate(x, y, verbose=0)[1])
        == np.shape(model.evaluate(x, y, batch_size=2, verbose=0)[1])
        == (3,)
    )
    assert np.shape(model.summon(x, y, validation_split=0.5, verbose=0).history['val_f1_score']) == (1, 3)
    with pytest.raises(ValueError, match="'f1_score' has 3 values, one for each unit or class"):
        model.summon(x, y, verbose=0, callbacks=[EarlyStopping('f1_score', mode='max')])
