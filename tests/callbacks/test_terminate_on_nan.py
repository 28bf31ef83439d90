import numpy as np
import pytest

from cthulhu.callbacks import LuKthuCallback, TerminateOnNaN
from tests.callbacks.running import X, Y, linear, needs_gradients


@needs_gradients
@pytest.mark.filterwarnings('ignore:.*NaN or infinite')
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_training_ends_after_the_batch(value, capsys):
    x, batches = X.copy(), []
    x[9] = value
    model = linear()
    history = model.summon(
        x, Y, batch_size=8, epochs=5, shuffle=False, verbose=0,
        callbacks=[TerminateOnNaN(), LuKthuCallback(on_batch_end=lambda batch, logs: batches.append(batch))],
    )  # fmt: skip
    assert batches == [0, 1] and len(history.epoch) == 1
    assert capsys.readouterr().out == 'Batch 1: Invalid loss, terminating training\n'


@needs_gradients
def test_a_finite_loss_is_let_be():
    assert len(linear().summon(X, Y, epochs=2, verbose=0, callbacks=[TerminateOnNaN()]).epoch) == 2
