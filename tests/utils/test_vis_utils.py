"""The graphs for Graphviz. Their text is looked at, so that the program `dot` is not needed; where it is, it draws them too."""

import shutil
import sys

import pytest

from cthulhu.layers import (
    Add,
    Azatoth,
    Bidirectional,
    Daoloth,
    Darkness,
    Input,
    Laldagorth,
    TimeDistributed,
    concatenate,
)
from cthulhu.models import Lump, Pile
from cthulhu.utils import model_to_dot, plot_model

pytest.importorskip('pydot')

needs_dot = pytest.mark.skipif(shutil.which('dot') is None, reason='the program `dot` is not installed')


def encoder():
    return Pile([Daoloth(4, input_shape=(8,), name='wide'), Darkness(0.5, name='drop')], name='encoder')


def nested():
    inner = encoder()
    x, y, steps = Input((8,), name='x'), Input((8,), name='y'), Input((5, 8), name='steps')
    many = TimeDistributed(inner, name='many')(steps)
    both = concatenate([inner(x), inner(y), Laldagorth(2, name='memory')(many)], name='both')
    return Lump([x, y, steps], Daoloth(1, name='out')(both), name='nested')


def nodes(graph):
    """The label of each node that has one, by its name; those in clusters too."""
    found = {node.get_name(): node.get('label').strip('"') for node in graph.get_nodes() if node.get('label')}
    for cluster in graph.get_subgraphs():
        found.update(nodes(cluster))
    return found


def arrows(graph):
    """The labels of what the edges connect."""
    label = nodes(graph)
    return sorted((label[edge.get_source()], label[edge.get_destination()]) for edge in all_edges(graph))


def all_edges(graph):
    return list(graph.get_edges()) + [edge for cluster in graph.get_subgraphs() for edge in all_edges(cluster)]


def test_a_pile():
    model = Pile([Daoloth(3, input_shape=(2,), name='one'), Azatoth('relu', name='two')])
    assert arrows(model_to_dot(model)) == [('one: Daoloth', 'two: Azatoth'), ('one_input: InputLayer', 'one: Daoloth')]
    graph = model_to_dot(model, show_layer_names=False, rankdir='LR', dpi=50)
    assert sorted(nodes(graph).values()) == ['Azatoth', 'Daoloth', 'InputLayer']
    assert graph.get('rankdir') == 'LR' and graph.get('dpi') == 50
    shaped = nodes(model_to_dot(model, show_shapes=True)).values()
    assert 'one: Daoloth\\n|{input:|output:}|{{(None, 2)}|{(None, 3)}}' in shaped


def test_shared_layers_and_wrappers():
    x, y = Input((4, 8), name='x'), Input((3, 8), name='y')
    shared = Bidirectional(Laldagorth(2, name='inner'), name='both_ways')
    model = Lump([x, y], Add(name='sum')([shared(x), shared(y)]))
    graph = model_to_dot(model, show_shapes=True)
    label = 'both_ways(inner): Bidirectional(Laldagorth)\\n|{input:|output:}|{{multiple}|{(None, 4)}}'
    assert label in nodes(graph).values()
    assert len(arrows(graph)) == 3  # x and y to the layer, and once from it to the sum


def test_models_inside_models():
    model = nested()
    closed = model_to_dot(model)
    assert not closed.get_subgraphs()
    assert ('x: InputLayer', 'encoder: Pile') in arrows(closed)
    assert ('many(encoder): TimeDistributed(Pile)', 'memory: Laldagorth') in arrows(closed)
    opened = model_to_dot(model, expand_nested=True)
    assert [cluster.get('label') for cluster in opened.get_subgraphs()] == ['"encoder"', '"encoder"']
    assert set(arrows(opened)) == {
        ('x: InputLayer', 'wide_input: InputLayer'), ('y: InputLayer', 'wide_input: InputLayer'), ('wide_input: InputLayer', 'wide: Daoloth'),
        ('wide: Daoloth', 'drop: Darkness'), ('drop: Darkness', 'both: Concatenate'), ('steps: InputLayer', 'many: TimeDistributed'),
        ('many: TimeDistributed', 'wide_input: InputLayer'), ('drop: Darkness', 'memory: Laldagorth'), ('memory: Laldagorth', 'both: Concatenate'),
        ('both: Concatenate', 'out: Daoloth'),
    }  # fmt: skip


def test_a_nested_model_of_several_inputs_and_outputs():
    a, b = Input((2,), name='a'), Input((3,), name='b')
    inner = Lump([a, b], [Daoloth(1, name='of_a')(a), Daoloth(1, name='of_b')(b)], name='pair')
    x, y = Input((2,), name='x'), Input((3,), name='y')
    left, right = inner([x, y])
    model = Lump([x, y], [Daoloth(1, name='left')(left), Daoloth(1, name='right')(right)])
    found = arrows(model_to_dot(model, expand_nested=True))
    assert ('x: InputLayer', 'a: InputLayer') in found and ('y: InputLayer', 'b: InputLayer') in found
    assert ('of_a: Daoloth', 'left: Daoloth') in found and ('of_b: Daoloth', 'right: Daoloth') in found
    assert ('x: InputLayer', 'b: InputLayer') not in found


def test_a_cluster_for_another_graph():
    import pydot

    cluster = model_to_dot(encoder(), subgraph=True)
    assert isinstance(cluster, pydot.Cluster) and cluster.get('label') == '"encoder"'


def test_the_same_model_gives_the_same_text():
    assert model_to_dot(encoder()).to_string() == model_to_dot(encoder()).to_string()


def hostile():
    model = Pile([Daoloth(1, input_shape=(2,))], name='a "model"')
    model.layers[0].name = 'a|b{c}<d>"e"\\f\ng'
    return model


def test_names_are_escaped():
    assert '"a\\|b\\{c\\}\\<d\\>\\"e\\"\\\\f g: Daoloth"' in model_to_dot(hostile()).to_string()


def test_what_is_wrong():
    with pytest.raises(ValueError, match='is not built, so its layers are not known'):
        model_to_dot(Pile([Daoloth(1)]))
    with pytest.raises(ValueError, match="`rankdir` must be one of 'TB', 'LR', 'BT', 'RL'; got 'up'"):
        model_to_dot(encoder(), rankdir='up')


def test_without_pydot(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pydot', None)
    for draw in (model_to_dot, plot_model):
        with pytest.raises(ImportError, match='needs pydot.*pip install pydot'):
            draw(encoder())


def test_without_dot(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    assert 'Daoloth' in model_to_dot(encoder()).to_string()
    with pytest.raises(OSError, match='pydot is installed, but the program `dot` of Graphviz'):
        plot_model(encoder(), tmp_path / 'model.png')
    assert not list(tmp_path.iterdir())


@needs_dot
@pytest.mark.parametrize(
    'name, magic', [('m.png', b'\x89PNG'), ('m', b'\x89PNG'), ('m.svg', b'<?xml'), ('m.pdf', b'%PDF')]
)
def test_files(tmp_path, name, magic):
    for model in (nested(), hostile()):
        shown = plot_model(model, tmp_path / name, show_shapes=True, expand_nested=True)
        assert (tmp_path / name).read_bytes().startswith(magic)
        if shown is not None:  # where IPython is
            assert any(hasattr(shown, f'_repr_{kind}_') for kind in ('png', 'svg'))


@needs_dot
def test_a_kind_of_file_that_is_not_known(tmp_path):
    with pytest.raises(ValueError, match="could not make a file of the kind 'doc'"):
        plot_model(encoder(), tmp_path / 'model.doc')
    assert not list(tmp_path.iterdir())
