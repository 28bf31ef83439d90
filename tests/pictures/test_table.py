import sys
import types

import pytest

from cthulhu.layers import BlacknessFromTheStars, Daoloth, Input, add
from cthulhu.models import Lump, Pile
from cthulhu.pictures.table import summary_html
from tests.pictures.test_graph import Reader


def pile():
    return Pile([Daoloth(3, input_shape=(2,), name='one'), BlacknessFromTheStars(name='two')], name='pile')


@pytest.fixture
def shown(monkeypatch):
    """What a notebook is given to show."""
    found = []

    def display(thing, display_id=False):
        found.append(thing)

    ipython, inside = types.ModuleType('IPython'), types.ModuleType('IPython.display')
    ipython.get_ipython = type('ZMQInteractiveShell', (), {})
    inside.display = display
    monkeypatch.setitem(sys.modules, 'IPython', ipython)
    monkeypatch.setitem(sys.modules, 'IPython.display', inside)
    return found


def text_of(model, **kwargs):
    lines = []
    model.summary(print_fn=lines.append, **kwargs)
    return '\n'.join(lines)


def test_the_cells():
    found = Reader(summary_html(pile()))
    assert found.told('th') == ['Layer (type)', 'Output Shape', 'Param #']
    assert found.told('td') == [
        'one (Daoloth)', '(None, 3)', '9', 'two (BlacknessFromTheStars)', '(None, 3)', '12', 'Total params', '21',
        'Trainable params', '15', 'Non-trainable params', '6',
    ]  # fmt: skip


def test_connections_and_models_inside():
    x = Input((2,), name='x')
    inner = pile()
    model = Lump(x, add([Daoloth(3, name='left')(x), inner(x)], name='sum'))
    found = Reader(summary_html(model, expand_nested=True)).told('td')
    assert found[found.index('sum (Add)') + 3] == 'left[0][0]' and 'pile[1][0]' in found
    assert '\u2003one (Daoloth)' in found


def test_names_do_not_run():
    model = pile()
    model.name = model.layers[0].name = '<script>alert(1)</script>'
    assert '<script' not in summary_html(model)


def test_in_a_notebook_it_is_a_table_with_the_text_beside_it(shown, capsys):
    model = pile()
    assert model.summary() is None
    assert len(shown) == 1 and shown[0]._repr_html_() == summary_html(model) and repr(shown[0]) == text_of(model)
    assert capsys.readouterr().out == ''


def test_what_asks_for_text_gets_text_in_a_notebook_too(shown, capsys):
    model = pile()
    assert 'one (Daoloth)' in text_of(model)
    model.summary(line_length=80)
    model.summary(positions=[0.4, 0.8, 1.0])
    assert not shown and capsys.readouterr().out.count('one (Daoloth)') == 2


def test_elsewhere_it_is_text(capsys):
    model = pile()
    model.summary()
    assert capsys.readouterr().out == text_of(model) + '\n'
