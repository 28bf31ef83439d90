import time

import pytest

from cthulhu.callbacks import Callback, CallbackList

BATCH_HOOKS = [f'on_{mode}_batch_{when}' for mode in ('train', 'test', 'predict') for when in ('begin', 'end')]
RUN_HOOKS = [f'on_{mode}_{when}' for mode in ('train', 'test', 'predict') for when in ('begin', 'end')]


def recorder(*names):
    """A callback that overrides the given hooks, and notes what it was called with."""
    called = []

    def hook(name):
        return lambda self, *args, **kwargs: called.append((name,) + args + tuple(kwargs.values()))

    callback = type('Recorder', (Callback,), {name: hook(name) for name in names})()
    callback.called = called
    return callback


@pytest.mark.parametrize('name', BATCH_HOOKS + RUN_HOOKS + ['on_epoch_begin', 'on_epoch_end'])
def test_each_hook_reaches_the_callback_that_overrides_it(name):
    callback = recorder(name)
    hooks = CallbackList([callback])
    logs = {'loss': 1.0}
    for other in BATCH_HOOKS + ['on_epoch_begin', 'on_epoch_end']:
        getattr(hooks, other)(3, logs)
    for other in RUN_HOOKS:
        getattr(hooks, other)(logs)
    assert callback.called == [(name, logs) if name in RUN_HOOKS else (name, 3, logs)]


@pytest.mark.parametrize('when', ['begin', 'end'])
def test_old_and_new_names_of_the_batch_hooks(when):
    old, new = recorder(f'on_batch_{when}'), recorder(f'on_train_batch_{when}')
    hooks = CallbackList([old, new])
    getattr(hooks, f'on_train_batch_{when}')(0, {})
    getattr(hooks, f'on_batch_{when}')(1, {})
    assert old.called == [(f'on_batch_{when}', 0, {}), (f'on_batch_{when}', 1, {})]
    assert new.called == [(f'on_train_batch_{when}', 0, {}), (f'on_train_batch_{when}', 1, {})]
    # Called by itself, the new name of the base class leads to the old one.
    getattr(old, f'on_train_batch_{when}')(2, {})
    assert old.called[-1] == (f'on_batch_{when}', 2, {})


def test_the_order_and_the_shared_logs():
    class Adds(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs['seen'] = logs.get('seen', 0) + 1

    logs = {}
    hooks = CallbackList([Adds()])
    hooks.append(Adds())
    hooks.on_epoch_end(0, logs)
    assert logs == {'seen': 2}
    assert len(list(hooks)) == 2


def test_missing_logs_are_an_empty_dict():
    callback = recorder('on_train_begin', 'on_batch_end')
    hooks = CallbackList([callback])
    hooks.on_train_begin()
    hooks.on_batch_end(0)
    assert callback.called == [('on_train_begin', {}), ('on_batch_end', 0, {})]


def test_hooks_set_on_an_object_or_appended_later_are_called():
    called = []
    callback = Callback()
    hooks = CallbackList([callback])
    hooks.on_train_batch_end(0, {})
    callback.on_batch_end = lambda batch, logs: called.append(batch)
    hooks.on_epoch_begin(0)
    hooks.on_train_batch_end(1, {})
    late = recorder('on_train_batch_end')
    hooks.append(late)
    hooks.on_train_batch_end(2, {})
    assert called == [1, 2]
    assert late.called == [('on_train_batch_end', 2, {})]


def test_an_object_that_is_no_callback_but_has_some_hooks():
    class Duck:
        batches = 0

        def on_batch_end(self, batch, logs):
            self.batches += 1

    duck = Duck()
    hooks = CallbackList([duck])
    hooks.on_train_begin()
    hooks.on_train_batch_end(0, {})
    assert duck.batches == 1
    assert hooks.wants_batches
    with pytest.raises(TypeError, match='Derive Duck from Callback'):  # a model has something to say to it
        hooks.set_model(object())


def test_wants_batches():
    assert not CallbackList([]).wants_batches
    assert not CallbackList([Callback(), recorder('on_epoch_end', 'on_test_batch_end')]).wants_batches
    assert CallbackList([recorder('on_batch_end')]).wants_batches
    assert CallbackList([recorder('on_train_batch_begin')]).wants_batches
    modest = recorder('on_batch_end')
    modest.needs_each_batch = False
    assert not CallbackList([modest]).wants_batches
    hooks = CallbackList([recorder('on_test_batch_end')])
    assert (hooks.wants_batches, hooks.wants_test_batches, hooks.wants_predict_batches) == (False, True, False)
    hooks = CallbackList([recorder('on_predict_batch_begin')])
    assert (hooks.wants_batches, hooks.wants_test_batches, hooks.wants_predict_batches) == (False, False, True)


def test_params_and_model_reach_every_callback():
    first, second = Callback(), Callback()
    hooks = CallbackList([first, second])
    params, model = {'epochs': 3}, object()
    hooks.set_params(params)
    hooks.set_model(model)
    for each in (first, second, hooks):
        assert each.params is params
        assert each.model is model


def test_batches_cost_little_without_batch_hooks():
    hooks = CallbackList([Callback(), recorder('on_epoch_end')])
    best = float('inf')
    for _ in range(5):
        start = time.process_time()
        for i in range(2000):
            hooks.on_train_batch_begin(i, {})
            hooks.on_train_batch_end(i, {})
        best = min(best, (time.process_time() - start) / 2000)
    assert best < 20e-6


def test_a_slow_batch_hook_is_warned_of(monkeypatch):
    now = [0.0]
    monkeypatch.setattr('cthulhu.callbacks.base.time.time', lambda: now[0])

    def slow(batch, logs):
        now[0] += 0.5

    callback = Callback()
    callback.on_batch_end = slow
    hooks = CallbackList([callback])
    hooks.on_train_batch_begin(0)
    now[0] += 0.1
    with pytest.warns(UserWarning, match='0.500 s in `on_train_batch_end`'):
        hooks.on_train_batch_end(0)
    hooks.on_train_batch_begin(1)
    now[0] += 10.0
    hooks.on_train_batch_end(1)  # a warning here would be an error


def test_every_callback_is_told_of_the_end_even_if_one_fails():
    class Fails(Callback):
        def on_train_end(self, logs=None):
            raise RuntimeError('fails at the end')

    told = recorder('on_train_end')
    with pytest.raises(RuntimeError, match='fails at the end'):
        CallbackList([Fails(), told, Fails()]).on_train_end()
    assert told.called == [('on_train_end', {})]


@pytest.mark.parametrize(
    'callback, advice', [(Callback, r'Make one: Callback\(\.\.\.\)'), ('x', "it has 'x'"), (None, 'it has None')]
)
def test_what_is_no_callback(callback, advice):
    with pytest.raises(TypeError, match=f'`callbacks` must be a list of Callback objects; .*{advice}'):
        CallbackList([callback])
