import io
import os
import re
import time
import types

import numpy as np
import pytest

from cthulhu.utils import progbar as progbar_module
from cthulhu.utils.progbar import Progbar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(progbar_module, 'sys', types.SimpleNamespace(stdout=stream))
    return stream


@pytest.fixture
def file(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(progbar_module, 'sys', types.SimpleNamespace(stdout=stream))
    return stream


@pytest.fixture
def notebook(monkeypatch):
    module = types.ModuleType('ipykernel.iostream')
    cls = type('OutStream', (io.StringIO,), {'__module__': module.__name__})
    stream = cls()
    monkeypatch.setattr(progbar_module, 'sys', types.SimpleNamespace(stdout=stream))
    shown = []
    monkeypatch.setattr('cthulhu.utils.notebook.Place.show', lambda self, thing: shown.append(thing))
    return shown


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(progbar_module.time, 'time', lambda: now[0])
    return now


def screen(text):
    """What a terminal shows: a carriage return goes back to the start of the line."""
    lines = []
    for line in text.split('\n'):
        shown = ''
        for part in line.split('\r'):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return lines


def run(bar, steps, values=()):
    for i in range(steps):
        bar.update(i + 1, [(name, value) for name, value in values])


def test_terminal_redraws_in_place(terminal, clock):
    bar = Progbar(4, width=8)
    for i in range(4):
        clock[0] += 1.0
        bar.update(i + 1, [('loss', 4.0 - i)])
        if i == 1:
            assert screen(terminal.getvalue()) == ['2/4 [===>....] - ETA: 2s - loss: 3.5000']
    assert screen(terminal.getvalue()) == ['4/4 [========] - 4s 1s/step - loss: 2.5000', '']
    assert terminal.getvalue().count('\r') == 4
    assert '\b' not in terminal.getvalue()


def test_terminal_shorter_text_leaves_no_rest(terminal, clock):
    bar = Progbar(1000, width=8)
    clock[0] += 100.0
    bar.update(1)
    assert 'ETA: 27:45:00' in screen(terminal.getvalue())[0]
    clock[0] += 100.0
    bar.update(999)
    assert screen(terminal.getvalue()) == [' 999/1000 [======>.] - ETA: 0s']


def test_terminal_line_fits_the_columns(terminal, clock, monkeypatch):
    monkeypatch.setattr(progbar_module.shutil, 'get_terminal_size', lambda: types.SimpleNamespace(columns=50))
    bar = Progbar(10)
    clock[0] += 1.0
    bar.update(1, [('a_metric_with_a_long_name', 1.0), ('another_metric', 2.0)])
    assert len(screen(terminal.getvalue())[0]) == 49
    bar.update(10, [])
    assert screen(terminal.getvalue()) == [
        '10/10 [=====] - 1s 100ms/step',
        '    - a_metric_with_a_long_name: 1.0000',
        '    - another_metric: 2.0000',
        '',
    ]


def test_a_file_gets_one_line(file):
    bar = Progbar(100)
    run(bar, 99, [('loss', 0.5)])
    assert file.getvalue() == ''
    bar.update(100, [('loss', 0.5)])
    assert re.match(r'100/100 \[={30}\] - 0s \d+us/step - loss: 0.5000\n$', file.getvalue())


def test_verbose_2_and_0(file):
    run(Progbar(10, verbose=2), 10, [('loss', 0.25)])
    assert file.getvalue() == ' - 0s - loss: 0.2500\n'
    run(Progbar(10, verbose=0), 10, [('loss', 0.25)])
    assert file.getvalue() == ' - 0s - loss: 0.2500\n'
    with pytest.raises(ValueError, match='verbose'):
        Progbar(10, verbose=3)


def test_notebook_is_drawn_twice_a_second_at_most(notebook, clock):
    bar = Progbar(1000)
    for i in range(999):
        clock[0] += 0.01
        bar.update(i + 1)
    assert 10 <= len(notebook) <= 20
    bar.update(1000)
    assert repr(notebook[-1]).startswith('1000/1000 [====')
    assert '>1000/1000 [====' in notebook[-1]._repr_html_()


def test_a_finished_line_fits_the_terminal(terminal, clock, monkeypatch):
    monkeypatch.setattr(progbar_module.shutil, 'get_terminal_size', lambda: os.terminal_size((60, 24)))
    values = [(f'{which}_output_loss', 0.5) for which in ('first', 'second', 'third', 'fourth')]
    Progbar(400).update(400, values)
    lines = screen(terminal.getvalue())[:-1]
    assert all(len(line) < 60 for line in lines) and lines[0].startswith('400/400 [=====] - 0s')
    assert ' - '.join(line.replace('    - ', '') for line in lines).endswith(
        'first_output_loss: 0.5000 - second_output_loss: 0.5000 - third_output_loss: 0.5000 - fourth_output_loss: 0.5000'
    )
    Progbar(400).update(400, [('loss', 0.5)])
    assert screen(terminal.getvalue())[-2] == '400/400 [=====================] - 0s 0s/step - loss: 0.5000'


def test_slow_drawing_is_done_less_often(terminal, clock, monkeypatch):
    write = Terminal.write

    def slow(self, text):
        clock[0] += 0.1
        return write(self, text)

    monkeypatch.setattr(Terminal, 'write', slow)
    bar = Progbar(1000)
    for i in range(999):
        clock[0] += 0.1
        bar.update(i + 1)
    assert 5 <= terminal.getvalue().count('\r') <= 12


def test_unknown_length(terminal, clock):
    bar = Progbar(None)
    for i in range(3):
        clock[0] += 1.0
        bar.update(i + 1, [('loss', 1.0)])
    assert screen(terminal.getvalue()) == ['      3/Unknown - 3s - loss: 1.0000']
    bar.update(3, finalize=True)
    assert screen(terminal.getvalue()) == ['      3/Unknown - 3s 1s/step - loss: 1.0000', '']


def test_values_are_weighted_by_steps_and_stateful_ones_are_not(file):
    bar = Progbar(10, verbose=2, stateful_metrics=['last'])
    bar.update(8, [('mean', 1.0), ('last', 1.0), ('tiny', 1e-5), ('array', np.array([1.0, 3.0]))])
    bar.add(2, [('mean', 2.0), ('last', 2.0), ('tiny', 1e-5), ('array', np.array([1.0, 3.0]))])
    assert file.getvalue() == ' - 0s - mean: 1.2000 - last: 2.0000 - tiny: 1.0000e-05 - array: 2.0000\n'


def test_updates_after_the_end_write_nothing(file):
    bar = Progbar(2)
    run(bar, 2)
    before = file.getvalue()
    bar.update(2)
    bar.close()
    assert file.getvalue() == before


def test_close_ends_an_open_line_once(terminal, clock):
    bar = Progbar(10)
    bar.close()
    assert terminal.getvalue() == ''
    bar.update(1)
    bar.close()
    bar.close()
    assert terminal.getvalue().count('\n') == 1


def test_an_update_that_is_not_due_costs_little(file):
    bar = Progbar(10**9)
    values = [('loss', np.float32(0.5)), ('accuracy', 0.5)]
    best = float('inf')
    for _ in range(20):
        start = time.process_time()
        for i in range(500):
            bar.update(i, values)
        best = min(best, (time.process_time() - start) / 500)
    assert best < 20e-6
