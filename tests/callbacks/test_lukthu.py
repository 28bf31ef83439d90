import pytest

from cthulhu import callbacks
from cthulhu.callbacks import CallbackList, LuKthuCallback


def test_functions_become_hooks():
    called = []
    callback = LuKthuCallback(
        on_epoch_begin=lambda epoch, logs: called.append(('epoch', epoch, logs)),
        on_train_end=lambda logs: called.append(('end', logs)),
        on_test_batch_end=lambda batch, logs: called.append(('test', batch, logs)),
        note='kept',
    )
    hooks = CallbackList([callback])
    hooks.on_epoch_begin(1, {})
    hooks.on_train_batch_end(0, {})
    hooks.on_test_batch_end(2, {'loss': 1.0})
    hooks.on_train_end()
    assert called == [('epoch', 1, {}), ('test', 2, {'loss': 1.0}), ('end', {})]
    assert callback.note == 'kept'
    assert not hooks.wants_batches


def test_batch_functions_are_called_for_training_batches():
    batches = []
    hooks = CallbackList([LuKthuCallback(on_batch_end=lambda batch, logs: batches.append(batch))])
    assert hooks.wants_batches
    hooks.on_train_batch_end(5, {})
    assert batches == [5]


def test_a_misspelt_hook_is_an_error():
    with pytest.raises(TypeError, match="no hook 'on_epoc_end'"):
        LuKthuCallback(on_epoc_end=print)


def test_the_keras_name():
    assert callbacks.LambdaCallback is LuKthuCallback
