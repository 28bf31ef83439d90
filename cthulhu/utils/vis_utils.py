"""Models as graphs of Graphviz: model_to_dot makes one, plot_model draws it."""

import os
import shutil

from cthulhu.utils.arguments import checked
from cthulhu.utils.structure import calls_and_edges, ends, is_model, shape_text, type_name, wrapped

_DIRECTIONS = ('TB', 'LR', 'BT', 'RL')


def _pydot():
    try:
        import pydot
    except ImportError as error:
        raise ImportError(
            f'Plotting a model needs pydot, which could not be imported ({error}). Install it: pip install pydot'
        ) from error
    return pydot


@checked
def model_to_dot(
    model, show_shapes=False, show_layer_names=True, rankdir='TB', expand_nested=False, dpi=96, subgraph=False
):
    """A model as a graph of pydot: a node for each layer, an edge for what goes from one to another.

    Arguments:
        model: a built model.
        show_shapes: whether to tell the shapes of inputs and outputs.
        show_layer_names: whether to tell the names of the layers beside their classes.
        rankdir: 'TB' from top to bottom, 'LR' from left to right, 'BT' and 'RL' the other ways.
        expand_nested: whether models inside the model, also those in wrappers, are drawn as clusters of their layers.
        dpi: resolution of the picture, in dots an inch.
        subgraph: whether to return a `pydot.Cluster`, to be put into another graph.

    Returns:
        `pydot.Dot`, or `pydot.Cluster`.

    Raises:
        ImportError: without pydot (`pip install pydot`). The program `dot` is not needed, before the graph is drawn.
        ValueError: if the model is not built, or for another `rankdir`.
    """
    pydot = _pydot()
    if rankdir not in _DIRECTIONS:
        raise ValueError(f'`rankdir` must be one of {", ".join(map(repr, _DIRECTIONS))}; got {rankdir!r}.')
    if not getattr(model, 'built', False):
        raise ValueError(
            f'Model "{getattr(model, "name", model)}" is not built, so its layers are not known: call `build(input_shape)`, or let it see data, first.'
        )
    if subgraph:
        made = _cluster(pydot, model, 'model')
    else:
        made = pydot.Dot(graph_type='digraph')
        made.set('rankdir', rankdir)
        made.set('concentrate', True)
        made.set('dpi', dpi)
        made.set_node_defaults(shape='record')
    _Drawing(pydot, show_shapes, show_layer_names, expand_nested).fill(made, model, '')
    return made


def _cluster(pydot, model, name):
    made = pydot.Cluster(name, style='dashed')
    made.set('label', _quoted(_escaped(model.name)))
    made.set('labeljust', 'l')
    return made


class _Drawing:
    """How nodes and edges are made. A node's name is its way through the models: 'layer_2_0' is the first layer of the third one."""

    def __init__(self, pydot, show_shapes, show_layer_names, expand_nested):
        self.pydot = pydot
        self.show_shapes = show_shapes
        self.show_layer_names = show_layer_names
        self.expand_nested = expand_nested

    def fill(self, graph, model, way):
        """Put the layers and edges of `model` into `graph`.

        Returns:
            The names of the nodes behind its inputs and behind its outputs.
        """
        calls, edges = calls_and_edges(model)
        layers = list(dict.fromkeys(call.layer for call in calls))
        enters, leaves = {}, {}
        for place, layer in enumerate(layers):
            name = f'layer{way}_{place}'
            enters[layer], leaves[layer] = self._add(graph, layer, f'{way}_{place}', name, calls)
        drawn = set()
        for edge in edges:
            source, target = calls[edge.source].layer, calls[edge.target].layer
            ends_of_it = (
                leaves[source][edge.output % len(leaves[source])],
                enters[target][edge.input % len(enters[target])],
            )
            if ends_of_it not in drawn:
                drawn.add(ends_of_it)
                graph.add_edge(self.pydot.Edge(*ends_of_it))
        if not model.is_graph or not layers:
            return [f'layer{way}_0'], [f'layer{way}_{len(layers) - 1}']
        first, last = ends(model)
        return [enters[layer][0] for layer in first if layer in enters], [leaves[layer][0] for layer in last]

    def _add(self, graph, layer, way, name, calls):
        """Add a layer; the names of the nodes where arrows to it end, and where those from it begin."""
        if self.expand_nested and is_model(layer):
            cluster = _cluster(self.pydot, layer, 'model' + way)
            found = self.fill(cluster, layer, way)
            graph.add_subgraph(cluster)
            return found
        inner = wrapped(layer)
        opened = self.expand_nested and inner is not None and is_model(inner)
        graph.add_node(self.pydot.Node(name, label=self._label(layer, calls, opened)))
        if not opened:
            return [name], [name]
        cluster = _cluster(self.pydot, inner, 'model' + way)
        first, last = self.fill(cluster, inner, way)
        graph.add_subgraph(cluster)
        for node in first:
            graph.add_edge(self.pydot.Edge(name, node))
        return [name], last

    def _label(self, layer, calls, opened):
        inner = None if opened else wrapped(layer)
        text = type(layer).__name__ if opened else type_name(layer)
        if self.show_layer_names:
            text = f'{layer.name}({inner.name}): {text}' if inner is not None else f'{layer.name}: {text}'
        text = _escaped(text)
        if self.show_shapes:
            own = [call for call in calls if call.layer is layer]
            shapes = []
            for kind in ('input_shapes', 'output_shapes'):
                all_of_them = list(dict.fromkeys(shape_text(getattr(call, kind)) for call in own))
                shapes.append(_escaped(all_of_them[0] if len(all_of_them) == 1 else 'multiple'))
            text = f'{text}\\n|{{input:|output:}}|{{{{{shapes[0]}}}|{{{shapes[1]}}}}}'
        return _quoted(text)


def _escaped(text):
    """Text without the characters that mean something in a record of Graphviz."""
    return ''.join('\\' + c if c in '\\{}|<>"' else c for c in text.replace('\n', ' '))


def _quoted(text):
    return f'"{text}"'


@checked
def plot_model(
    model, to_file='model.png', show_shapes=False, show_layer_names=True, rankdir='TB', expand_nested=False, dpi=96
):
    """Draw a model to a file, with pydot and the program `dot` of Graphviz.

    In a notebook a model is a picture by itself, for which nothing is needed.

    Arguments:
        model: a built model.
        to_file: path of the file, whose ending says its kind: .png, .svg, .pdf, ... that `dot` knows; .png where there is none.
        show_shapes, show_layer_names, rankdir, expand_nested, dpi: as for `model_to_dot`.

    Returns:
        The picture, for a notebook to show; None where IPython is not installed, or it is a kind that notebooks do not show.

    Raises:
        ImportError: without pydot.
        OSError: without the program `dot`, which no package for Python brings: `apt-get install graphviz`, `brew install graphviz`, ...
        ValueError: if the model is not built, or `dot` does not know the kind of file.
    """
    graph = model_to_dot(model, show_shapes, show_layer_names, rankdir, expand_nested, dpi)
    program = shutil.which('dot')
    if program is None:
        raise OSError(
            'pydot is installed, but the program `dot` of Graphviz, which does the drawing, is not on the PATH. Install Graphviz '
            '(apt-get install graphviz, brew install graphviz, or from https://graphviz.org/download), or draw without it: a model is a '
            'picture in a notebook, and model_to_dot(model).to_string() is the text of the graph.'
        )
    path = os.fspath(to_file)
    kind = os.path.splitext(path)[1][1:].lower() or 'png'
    try:
        picture = graph.create(prog=program, format=kind)
    except AssertionError as error:  # what pydot makes of every failure of the program
        raise ValueError(f'`dot` could not make a file of the kind {kind!r} for {path!r}: {error}') from error
    with open(path, 'wb') as file:
        file.write(picture)
    if kind not in ('png', 'jpg', 'jpeg', 'gif', 'svg'):
        return None
    try:
        from IPython import display
    except ImportError:
        return None
    if kind == 'svg':
        return display.SVG(data=picture)
    return display.Image(data=picture, format='jpeg' if kind == 'jpg' else kind)
