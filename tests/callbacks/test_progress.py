import html
import io
import re
import sys
import types

import pytest

from cthulhu.callbacks import CallbackList, ProgbarLogger, TrainingCurves, progress
from cthulhu.utils import progbar as progbar_module
from tests.callbacks.running import X, Y, linear, needs_gradients


class Output(io.StringIO):
    terminal = False

    def isatty(self):
        return self.terminal


@pytest.fixture
def out(monkeypatch):
    # Not `sys.stdout` itself, which the test runner replaces before the test begins.
    stream = Output()
    monkeypatch.setattr(progbar_module, 'sys', types.SimpleNamespace(stdout=stream))
    monkeypatch.setattr(progress, 'print', lambda text: stream.write(text + '\n'), raising=False)
    return stream


def logger(count_mode='samples', stateful_metrics=None, **params):
    callback = ProgbarLogger(count_mode, stateful_metrics)
    callback.set_params(dict({'verbose': 1, 'epochs': 2, 'metrics': ['loss', 'val_loss']}, **params))
    return callback


def train(callback, sizes, validate=False):
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for i, size in enumerate(sizes):
            callback.on_train_batch_begin(i, {'batch': i, 'size': size})
            callback.on_train_batch_end(i, {'batch': i, 'size': size, 'loss': 1.0 + i})
        if validate:
            callback.on_test_begin()
            callback.on_test_batch_end(0, {'batch': 0, 'size': 50, 'loss': 9.0})
            callback.on_test_end()
        callback.on_epoch_end(epoch, {'loss': 0.5, 'val_loss': 0.75})
    callback.on_train_end()


def test_samples_in_a_file(out):
    train(logger(samples=5), [2, 2, 1], validate=True)
    bar = r'5/5 \[={30}\] - 0s \d+us/sample - loss: 0\.5000 - val_loss: 0\.7500\n'
    assert re.match(f'Epoch 1/2\n{bar}Epoch 2/2\n{bar}$', out.getvalue())


def test_steps_in_a_file(out):
    train(logger('steps', steps=3), [2, 2, 1])
    assert re.search(r'^3/3 \[={30}\] - 0s \d+us/step - loss: 0\.5000', out.getvalue(), re.MULTILINE)


def test_unknown_length(out):
    train(logger('steps', steps=None), [2, 2, 1])
    assert re.search(r'^ +3/Unknown - 0s \d+us/step - loss: 0\.5000', out.getvalue(), re.MULTILINE)


def test_verbose_2_and_0(out):
    train(logger(samples=5, verbose=2), [2, 2, 1])
    line = ' - 0s - loss: 0.5000 - val_loss: 0.7500\n'
    assert out.getvalue() == f'Epoch 1/2\n{line}Epoch 2/2\n{line}'
    train(logger(samples=5, verbose=0), [2, 2, 1])
    assert out.getvalue().count('Epoch') == 2


def test_the_running_average_in_a_terminal(out, monkeypatch):
    out.terminal = True
    now = [0.0]
    monkeypatch.setattr(progbar_module.time, 'time', lambda: now[0])
    callback = logger(samples=5, stateful_metrics=['auc'], metrics=['loss', 'auc'])
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    for i, size in enumerate([2, 2]):
        now[0] += 1.0
        callback.on_batch_end(i, {'size': size, 'loss': 1.0 + i, 'auc': 0.5 + i})
    assert out.getvalue().endswith('] - ETA: 0s - loss: 1.5000 - auc: 1.5000')


def test_several_batches_in_one_call(out):
    callback = logger('steps', steps=3)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_batch_end(1, {'size': 64, 'num_steps': 2, 'loss': 1.0})
    assert callback.seen == 2
    assert not CallbackList([callback]).wants_batches


@pytest.mark.parametrize('mode', ['test', 'predict'])
def test_evaluate_and_predict_have_a_bar(out, mode):
    callback = logger(samples=4, metrics=['loss'])
    getattr(callback, f'on_{mode}_begin')()
    for i in range(2):
        getattr(callback, f'on_{mode}_batch_end')(i, {'size': 2, 'outputs': None})
    getattr(callback, f'on_{mode}_end')()
    assert re.match(r'4/4 \[={30}\] - 0s \d+(us|ms)/sample\n$', out.getvalue())


def test_training_that_is_broken_off_leaves_a_whole_line(out):
    out.terminal = True
    callback = logger(samples=5)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_batch_end(0, {'size': 2, 'loss': 1.0})
    assert not out.getvalue().endswith('\n')
    callback.on_train_end()
    assert out.getvalue().endswith('\n')


def test_an_unknown_count_mode():
    with pytest.raises(ValueError, match="'samples' or 'steps'; got 'epochs'"):
        ProgbarLogger('epochs')


@pytest.fixture
def kernel(monkeypatch):
    """A notebook: the outputs in their order, each as the list of what was shown there; `print` makes one, as `display` does."""
    outputs = []
    session = types.SimpleNamespace(message_count=7)

    def count(session):
        if hasattr(session, 'message_count'):
            session.message_count += 1

    class Handle:
        def __init__(self, place):
            self.place = place

        def update(self, thing):
            count(session)
            self.place.append(repr(thing))

    def display(thing, display_id=False):
        count(session)
        outputs.append([repr(thing)])
        return Handle(outputs[-1])

    ipython, inside = types.ModuleType('IPython'), types.ModuleType('IPython.display')
    shell = type('ZMQInteractiveShell', (), {'kernel': types.SimpleNamespace(session=session), 'execution_count': 3})()
    ipython.get_ipython = lambda: shell
    inside.display = display
    monkeypatch.setitem(sys.modules, 'IPython', ipython)
    monkeypatch.setitem(sys.modules, 'IPython.display', inside)
    for module in (progress, progbar_module):
        monkeypatch.setattr(module, 'place', lambda: 'notebook')
    return types.SimpleNamespace(shell=shell, session=session, outputs=outputs, display=display)


def lines(output):
    return [line.split(' ')[0] for line in output[-1].split('\n')]


def test_what_is_printed_between_two_epochs_stands_between_them_in_a_notebook(kernel):
    callback = logger(samples=5, epochs=4)
    callback.on_train_begin()
    for epoch in range(4):
        callback.on_epoch_begin(epoch)
        callback.on_batch_end(0, {'batch': 0, 'size': 5, 'loss': 1.0})
        callback.on_epoch_end(epoch, {'loss': 0.5})
        if epoch == 1:
            kernel.display('printed')
    callback.on_train_end()
    assert [lines(output) for output in kernel.outputs] == [
        ['Epoch', '5/5', 'Epoch', '5/5'],
        ["'printed'"],
        ['Epoch', '5/5', 'Epoch', '5/5'],
    ]


@needs_gradients
def test_curves_beside_the_bar_do_not_break_its_lines(kernel, monkeypatch):
    monkeypatch.setattr('cthulhu.engine.training_loop.print', lambda text: None, raising=False)
    history = linear().summon(X, Y, epochs=2, callbacks=[TrainingCurves()])
    curves, bar = kernel.outputs
    assert curves[-1] == 'Epoch 2 of 2' and lines(bar) == ['Epoch', '24/24', 'Epoch', '24/24']
    # They are not shown a second time by the value of the same cell, and are by that of a later one.
    assert history._repr_html_() == f'<pre>{html.escape(repr(history))}</pre>'
    kernel.shell.execution_count += 1
    assert 'svg' in history._repr_html_()
    history = linear().summon(X, Y, epochs=2, verbose=0, callbacks=[TrainingCurves(metrics=['loss'])])
    assert 'svg' in history._repr_html_()  # there may be more in it


def test_a_kernel_that_does_not_count(kernel):
    del kernel.session.message_count
    train(logger(samples=5), [5])
    (output,) = kernel.outputs
    assert lines(output) == ['Epoch', '5/5', 'Epoch', '5/5']
