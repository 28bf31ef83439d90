import sys
import types

import pytest

from cthulhu.callbacks import LuKthuCallback, TrainingCurves
from cthulhu.pictures.curves import curves_html
from tests.callbacks.running import X, Y, linear, needs_gradients, tell

pytest.importorskip('matplotlib')

LOGS = [
    {'loss': 2.0, 'val_loss': 3.0, 'acc': 0.5},
    {'loss': 1.0, 'acc': 0.6},
    {'loss': 0.5, 'val_loss': 1.0, 'acc': 0.7},
]


def test_the_curves(tmp_path):
    callback = TrainingCurves(tmp_path / 'curves.png')
    tell(callback, LOGS)
    panels = callback.draw().axes
    assert [axes.get_title() for axes in panels] == ['loss', 'acc']
    training, validation = panels[0].get_lines()
    assert training.get_xydata().tolist() == [[1, 2.0], [2, 1.0], [3, 0.5]]
    assert validation.get_xydata().tolist() == [[1, 3.0], [3, 1.0]]
    assert (training.get_linestyle(), validation.get_linestyle()) == ('-', '--')
    assert [text.get_text() for text in panels[0].get_legend().get_texts()] == ['training', 'validation']
    assert len(panels[1].get_lines()) == 1


@pytest.mark.parametrize('ending, magic', [('png', b'\x89PNG'), ('svg', b'<?xml'), ('pdf', b'%PDF')])
def test_the_kind_of_the_file(tmp_path, ending, magic):
    path = tmp_path / ('curves.' + ending)
    tell(TrainingCurves(path), LOGS)
    assert path.read_bytes().startswith(magic)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_when_it_is_drawn(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        'cthulhu.callbacks.figures.save',
        lambda figure, path: drawn.append(len(figure.axes[0].get_lines()[0].get_xdata())),
    )
    callback = TrainingCurves(tmp_path / 'c.png', period=2, metrics=['acc'])
    tell(callback, LOGS + LOGS[:2])
    assert drawn == [2, 4, 5]
    tell(callback, LOGS[:2])  # a new run begins anew
    assert drawn == [2, 4, 5, 2]


def test_a_metric_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="`metrics` has 'auc'; there are loss, acc"):
        tell(TrainingCurves(tmp_path / 'c.png', metrics=['auc']), LOGS)


def test_neither_file_nor_notebook():
    with pytest.raises(ValueError, match='this is no notebook to draw in; give `filename`'):
        tell(TrainingCurves(), LOGS)


def test_in_a_notebook(monkeypatch):
    shown = []

    class Handle:
        def update(self, picture):
            shown.append(('update', picture))

    def display(picture, display_id=False):
        shown.append(('display', picture))
        return Handle() if display_id else None

    ipython, inside = types.ModuleType('IPython'), types.ModuleType('IPython.display')
    ipython.get_ipython = type('ZMQInteractiveShell', (), {})
    inside.display = display
    monkeypatch.setitem(sys.modules, 'IPython', ipython)
    monkeypatch.setitem(sys.modules, 'IPython.display', inside)
    monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)  # which is not needed for it
    tell(TrainingCurves(), LOGS)
    assert [how for how, _ in shown] == ['display', 'update', 'update', 'update']
    assert [repr(picture) for _, picture in shown] == [f'Epoch {n} of 3' for n in (1, 1, 2, 3)]
    assert shown[0][1]._repr_html_() == '<div>Epoch 1 of 3: the curves begin when it is over.</div>'
    values = {name: [log.get(name) for log in LOGS] for name in LOGS[0]}
    assert shown[-1][1]._repr_html_() == curves_html([0, 1, 2], values, caption='Epoch 3 of 3')


def test_without_matplotlib_it_is_said_before_training(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)
    with pytest.raises(ImportError, match='Drawing needs matplotlib.*pip install matplotlib'):
        tell(TrainingCurves(tmp_path / 'c.png'), [])


@needs_gradients
def test_an_error_leaves_the_curves_so_far(tmp_path):
    def fail(epoch, logs):
        if epoch == 3:
            raise KeyboardInterrupt

    callback = TrainingCurves(tmp_path / 'c.png', period=99)
    with pytest.raises(KeyboardInterrupt):
        linear().summon(X, Y, epochs=5, verbose=0, callbacks=[callback, LuKthuCallback(on_epoch_begin=fail)])
    assert (tmp_path / 'c.png').stat().st_size > 1000 and callback.epochs == [0, 1, 2]


@needs_gradients
def test_one_word_shows_curves_in_a_notebook_and_a_bar_elsewhere(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr('cthulhu.utils.notebook.Place.show', lambda self, thing: shown.append(thing))
    history = linear().summon(X, Y, epochs=2, validation_split=0.25, verbose='curves')
    assert capsys.readouterr().out.count('Epoch') == 2 and not shown
    for module in ('engine.training_loop', 'callbacks.curves'):
        monkeypatch.setattr(f'cthulhu.{module}.in_notebook', lambda: True)
    history = linear().summon(X, Y, epochs=2, validation_split=0.25, verbose='curves')
    assert capsys.readouterr().out == ''
    assert [repr(thing) for thing in shown] == ['Epoch 1 of 2', 'Epoch 1 of 2', 'Epoch 2 of 2']
    assert shown[-1]._repr_html_() == curves_html(history.epoch, history.history, caption='Epoch 2 of 2')


@needs_gradients
def test_other_words_are_refused():
    with pytest.raises(
        ValueError,
        match="summon: `verbose` is a whole number, 0 or more, True or False, or 'auto' or 'curves'; got 'curve'",
    ):
        linear().summon(X, Y, verbose='curve')
    with pytest.raises(
        ValueError, match="evaluate: `verbose` is a whole number, 0 or more, True or False, or 'auto'; got 'curves'"
    ):
        linear().evaluate(X, Y, verbose='curves')
