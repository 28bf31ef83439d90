"""What there is to draw of a model: the calls of its layers, and what goes from one to another."""

import collections

Call = collections.namedtuple('Call', ['layer', 'number', 'count', 'input_shapes', 'output_shapes'])
Call.__doc__ = """One call of a layer in a model: the layer, which of how many calls of it, and the shapes (lists, or None where they are not known)."""

Edge = collections.namedtuple('Edge', ['source', 'target', 'output', 'input'])
Edge.__doc__ = (
    """What goes from one call to another: the places of the calls in the list, of the output and of the input."""
)


def is_model(layer):
    """Whether a layer is a model of layers."""
    return hasattr(layer, 'is_graph')


def wrapped(layer):
    """The layer inside a layer such as TimeDistributed, or None."""
    inner = getattr(layer, 'layer', None)
    return inner if hasattr(inner, 'get_config') and hasattr(inner, 'weights') else None


def type_name(layer):
    """The class of a layer, with that of the layer inside it: 'TimeDistributed(Daoloth)'."""
    inner = wrapped(layer)
    return type(layer).__name__ + (f'({type_name(inner)})' if inner is not None else '')


def calls_and_edges(model):
    """The calls of the layers of a model, each after those that it needs; and the edges between them.

    Of a model whose `call` is code of a subclass only the layers are known, in the order in which they were made.

    Arguments:
        model: a model.

    Returns:
        List of Call, and list of Edge.
    """
    if not model.is_graph:
        return [Call(layer, 1, 1, *_shapes(layer)) for layer in model.layers], []
    nodes = list(model.own_nodes)
    counts = collections.Counter(node.outbound_layer for node in nodes)
    met = collections.Counter()
    calls = []
    for node in nodes:
        layer = node.outbound_layer
        met[layer] += 1
        shapes = list(node.input_shapes), list(node.output_shapes)
        calls.append(Call(layer, met[layer], counts[layer], *shapes))
    made_by = {id(x): (place, index) for place, node in enumerate(nodes) for index, x in enumerate(node.output_tensors)}
    edges = []
    for place, node in enumerate(nodes):
        for index, x in enumerate(node.input_tensors):
            if id(x) in made_by and made_by[id(x)][0] != place:
                edges.append(Edge(made_by[id(x)][0], place, made_by[id(x)][1], index))
    return calls, edges


def ends(model):
    """The layers behind the inputs and the outputs of a model that is a graph: two lists."""
    makers = {id(x): node.outbound_layer for node in model.own_nodes for x in node.output_tensors}
    return [makers.get(id(x)) for x in model.inputs], [makers[id(x)] for x in model.outputs]


def _shapes(layer):
    """The shapes of the inputs and of the outputs, or None, of a layer that was called in code."""
    found = []
    for name in ('input_shape', 'output_shape'):
        try:
            shape = getattr(layer, name)
        except AttributeError:
            shape = None
        found.append(shape if shape is None or isinstance(shape, list) else [shape])
    return found


def shape_text(shapes):
    """Shapes as text: '(None, 3)', or several, one beside the other."""
    return '?' if shapes is None else ', '.join(str(tuple(shape)) if shape is not None else '?' for shape in shapes)
