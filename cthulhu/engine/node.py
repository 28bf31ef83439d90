"""Nodes: one call of one layer each, and the edges of the graph of layers."""

from cthulhu.backend import meta
from cthulhu.utils.generic_utils import unpack_singleton
from cthulhu.utils.reprs import arrow


class Node:
    """One call of a layer. Made by `Layer.__call__`, not changed afterwards, but for where its inputs came from (`look_again`).

    Attributes:
        outbound_layer: the layer that was called.
        inbound_layers, node_indices, tensor_indices: where each input came from (None, 0, 0 for a tensor that no layer made).
        input_tensors, output_tensors, input_masks, output_masks, input_shapes, output_shapes: lists, one item a tensor.
        arguments: dict, the keyword arguments of the call.
        keyword_tensors: list, the tensors that layers made among the arguments: the call needs them as it needs its inputs.
        on_list: whether the layer was called on a list, which may be one of a single tensor.
        record: the losses, updates and metrics that the call made (`call_context.Record`).

    With `history=False` the output tensors keep the history that they have: the node that stands for a model as a whole.
    """

    __slots__ = (
        'outbound_layer', 'inbound_layers', 'node_indices', 'tensor_indices', 'input_tensors', 'output_tensors', 'input_masks',
        'output_masks', 'input_shapes', 'output_shapes', 'arguments', 'keyword_tensors', 'on_list', 'record', '__weakref__',
    )  # fmt: skip

    def __init__(
        self,
        layer,
        input_tensors,
        output_tensors,
        input_masks,
        output_masks,
        input_shapes,
        output_shapes,
        arguments,
        record,
        on_list=None,
        history=True,
    ):
        self.outbound_layer = layer
        # what an input layer takes in is what it gives out: it comes from nowhere
        came_in = [x for x in input_tensors if not any(x is y for y in output_tensors)]
        sources = [meta.get_history(x) or (None, 0, 0) for x in came_in]
        self.inbound_layers = [source[0] for source in sources]
        self.node_indices = [source[1] for source in sources]
        self.tensor_indices = [source[2] for source in sources]
        self.input_tensors = input_tensors
        self.output_tensors = output_tensors
        self.input_masks = input_masks
        self.output_masks = output_masks
        self.input_shapes = input_shapes
        self.output_shapes = output_shapes
        self.arguments = arguments
        self.keyword_tensors = tensors_in(arguments)
        self.on_list = len(input_tensors) != 1 if on_list is None else on_list
        self.record = record
        for source_layer in self.inbound_layers + [meta.get_history(x)[0] for x in self.keyword_tensors]:
            if source_layer is not None:
                source_layer.outbound_nodes.append(self)
        index = len(layer.inbound_nodes)
        layer.inbound_nodes.append(self)
        for i, x in enumerate(output_tensors if history else ()):
            meta.set_history(x, (layer, index, i))

    def look_again(self):
        """Note where those tensors came from that have a history only now: operations between layers (operations.py)."""
        for place, x in enumerate(self.input_tensors):
            if self.inbound_layers[place] is None and meta.get_history(x) is not None:
                self.inbound_layers[place], self.node_indices[place], self.tensor_indices[place] = meta.get_history(x)
                self.inbound_layers[place].outbound_nodes.append(self)
        known = {id(x) for x in self.keyword_tensors}
        self.keyword_tensors = tensors_in(self.arguments)
        for x in self.keyword_tensors:
            if id(x) not in known:
                meta.get_history(x)[0].outbound_nodes.append(self)

    @property
    def is_entrance(self):
        """Whether a tensor enters the graph of layers here: the node of an input layer."""
        return not self.inbound_layers

    @property
    def parents(self):
        """The nodes that made what the call needs, in the order of `needed`; tensors that no layer made are left out."""
        found = [node_of(x) for x in self.keyword_tensors]
        return [
            layer.inbound_nodes[index]
            for layer, index in zip(self.inbound_layers, self.node_indices)
            if layer is not None
        ] + found

    @property
    def needed(self):
        """The tensors that the call needs: its inputs, then those among its arguments."""
        return self.input_tensors + self.keyword_tensors

    def as_called(self, values):
        """The list of something for each input, in the form in which the layer was called: bare, or as a list."""
        return values if self.on_list else unpack_singleton(values)

    def arguments_with(self, values):
        """The keyword arguments of the call, with a value in the place of each of `keyword_tensors`."""
        found = {id(x): value for x, value in zip(self.keyword_tensors, values)}
        return replaced(self.arguments, lambda thing: found.get(id(thing), thing))

    def get_config(self):
        """A dict with the names of the layers and the indices of nodes and tensors of this call."""
        return {
            'outbound_layer': self.outbound_layer.name,
            'inbound_layers': [layer and layer.name for layer in self.inbound_layers],
            'node_indices': list(self.node_indices),
            'tensor_indices': list(self.tensor_indices),
        }


def _listed(shape):
    return shape if isinstance(shape, list) else [shape]


def tensors_in(arguments):
    """The tensors that layers made in a dict of arguments, also in lists, tuples and dicts in it: a list, each once."""
    found = {}

    def visit(thing):
        if meta.get_history(thing) is not None:
            found[id(thing)] = thing
        return thing

    replaced(arguments, visit)
    return list(found.values())


def replaced(thing, replace):
    """A copy of a structure of lists, tuples and dicts, with `replace(item)` for each other thing in it."""
    if type(thing) is dict:
        return {key: replaced(value, replace) for key, value in thing.items()}
    if type(thing) in (list, tuple):
        return type(thing)(replaced(item, replace) for item in thing)
    return replace(thing)


def node_of(tensor):
    """The node that made a tensor; None for a tensor that no layer made."""
    history = meta.get_history(tensor)
    return None if history is None else history[0].inbound_nodes[history[1]]


def mask_of(tensor):
    """The mask that the layer which made a tensor gave it, or None."""
    node = node_of(tensor)
    return None if node is None else node.output_masks[meta.get_history(tensor)[2]]


class NodeAccess:
    """The part of Layer that answers what went into and came out of its calls."""

    def __repr__(self):
        """The class, the name and the shapes: `<Daoloth dense_1: (None, 20) -> (None, 8)>`, with an arrow where it can be shown."""
        if 'name' not in self.__dict__ or self._is_metric:
            return f'<{type(self).__name__} {self.__dict__.get("name", "")}>'
        try:
            shapes = [', '.join(map(str, _listed(shape))) for shape in (self.input_shape, self.output_shape)]
        except (AttributeError, ValueError):
            shapes = ['called on several shapes' if self._inbound_nodes else 'not called yet']
        return f'<{type(self).__name__} {self.name}: {f" {arrow()} ".join(shapes)}>'

    @property
    def inbound_nodes(self):
        """The calls of the layer: a list of Node."""
        return self._inbound_nodes

    @inbound_nodes.setter
    def inbound_nodes(self, nodes):
        self._inbound_nodes = nodes

    @property
    def outbound_nodes(self):
        """The calls of other layers that took an output of this one: a list of Node."""
        return self._outbound_nodes

    @outbound_nodes.setter
    def outbound_nodes(self, nodes):
        self._outbound_nodes = nodes

    def _node_values(self, node_index, attribute, what):
        nodes = self._inbound_nodes
        if not nodes:
            raise AttributeError(
                f'Layer "{self.name}" has no {what}: it has not been called on any tensor yet. Call it on a tensor first.'
            )
        if not 0 <= node_index < len(nodes):
            raise ValueError(
                f'Layer "{self.name}" was called {len(nodes)} time(s); there is no {what} at node {node_index}.'
            )
        return unpack_singleton(getattr(nodes[node_index], attribute))

    def _only_node_value(self, attribute, what):
        if len(self._inbound_nodes) > 1:
            values = [getattr(node, attribute) for node in self._inbound_nodes]
            # several calls with one answer, as for shapes, leave no doubt which one is meant
            if not what.endswith('shape') or any(value != values[0] for value in values):
                raise AttributeError(
                    'Layer "{}" was called {} times, so "the {}" is not one thing. Use get_{}_at(node_index) instead.'.format(
                        self.name, len(values), what, what.replace(' ', '_')
                    )
                )
        return self._node_values(0, attribute, what)

    def get_input_at(self, node_index):
        """The input tensor, or list of them, of call number `node_index`."""
        return self._node_values(node_index, 'input_tensors', 'input')

    def get_output_at(self, node_index):
        """The output tensor, or list of them, of call number `node_index`."""
        return self._node_values(node_index, 'output_tensors', 'output')

    def get_input_shape_at(self, node_index):
        """The shape, or list of shapes, of the inputs of call number `node_index`."""
        return self._node_values(node_index, 'input_shapes', 'input shape')

    def get_output_shape_at(self, node_index):
        """The shape, or list of shapes, of the outputs of call number `node_index`."""
        return self._node_values(node_index, 'output_shapes', 'output shape')

    def get_input_mask_at(self, node_index):
        """The mask tensor (or None), or list of them, of the inputs of call number `node_index`."""
        return self._node_values(node_index, 'input_masks', 'input mask')

    def get_output_mask_at(self, node_index):
        """The mask tensor (or None), or list of them, of the outputs of call number `node_index`."""
        return self._node_values(node_index, 'output_masks', 'output mask')

    @property
    def input(self):
        """The input tensor, or list of them, of a layer that was called once."""
        return self._only_node_value('input_tensors', 'input')

    @property
    def output(self):
        """The output tensor, or list of them, of a layer that was called once."""
        return self._only_node_value('output_tensors', 'output')

    @property
    def input_mask(self):
        """The mask of the input of a layer that was called once."""
        return self._only_node_value('input_masks', 'input mask')

    @property
    def output_mask(self):
        """The mask of the output of a layer that was called once."""
        return self._only_node_value('output_masks', 'output mask')

    @property
    def input_shape(self):
        """The input shape, or list of shapes, if all calls had the same."""
        return self._only_node_value('input_shapes', 'input shape')

    @property
    def output_shape(self):
        """The output shape, or list of shapes, if all calls had the same."""
        return self._only_node_value('output_shapes', 'output shape')
