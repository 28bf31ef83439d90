"""The graph of layers between some inputs and some outputs: one way to find its order, one way to run through it."""

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.engine.node import node_of
from cthulhu.utils.generic_utils import to_list
from cthulhu.utils.reprs import short


class Graph:
    """The nodes between `inputs` and `outputs` (lists of tensors with a history), in an order in which they can be run.

    Attributes:
        nodes: list of Node, the farthest from the outputs first.
        layers: list of Layer, in the same order (the order of horizontal traversal, bottom-up).
        depth: dict, node -> the length of the longest path from it to an output.

    Raises:
        ValueError: if an output cannot be computed from the inputs, or two layers have one name.
    """

    def __init__(self, inputs, outputs):
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        made, first_seen = _depth_first(self.outputs, {id(x) for x in self.inputs})
        for x in self.inputs:  # an input that no output needs is still an input
            node = node_of(x)
            if node not in made and node.is_entrance:
                made.append(node)
                first_seen.setdefault(node.outbound_layer, -1)
        self.depth = _depths(made)
        layer_depth = {}
        for node, depth in self.depth.items():
            layer_depth[node.outbound_layer] = max(depth, layer_depth.get(node.outbound_layer, 0))
        order = {node: index for index, node in enumerate(made)}
        self.nodes = sorted(made, key=lambda node: (-self.depth[node], order[node]))
        self.layers = sorted(layer_depth, key=lambda layer: (-layer_depth[layer], first_seen[layer]))
        self.layer_depth = layer_depth
        self._check()

    def _check(self):
        computable = {id(x) for x in self.inputs}
        passed = []
        for node in self.nodes:
            if all(id(x) in computable for x in node.output_tensors):
                continue
            layer = node.outbound_layer
            missing = [x for x in node.needed if id(x) not in computable]
            if missing or node.is_entrance:
                reached = passed or 'none'
                if node.is_entrance:
                    namesake = any(node_of(x).outbound_layer.name == layer.name for x in self.inputs)
                    other = ' (that one is of another model, with the same name)' if namesake else ''
                    raise ValueError(
                        f'The graph is disconnected: the outputs need the Input "{layer.name}", which is not among the inputs of the model '
                        f'({self._named_inputs()}){other}. Add it to `inputs`. Layers that could be reached: {reached}.'
                    )
                maker = node_of(missing[0])
                raise ValueError(
                    'The graph is disconnected: layer "{}" needs {}, which cannot be computed from the inputs of the model ({}). '
                    'Add the Input that it comes from to `inputs`. Layers that could be reached: {}.'.format(
                        layer.name,
                        'a tensor that no layer made'
                        if maker is None
                        else f'an output of layer "{maker.outbound_layer.name}"',
                        self._named_inputs(),
                        reached,
                    )
                )
            computable.update(id(x) for x in node.output_tensors)
            passed.append(layer.name)
        seen = set()
        for layer in self.layers:
            if layer.name in seen:
                raise ValueError(
                    f'Two layers of the model have the name "{layer.name}". The names of the layers in a model must be unique.'
                )
            seen.add(layer.name)

    def _named_inputs(self):
        return ', '.join(f'"{node_of(x).outbound_layer.name}"' for x in self.inputs)

    def run(self, visit, inputs):
        """Run through the graph.

        Arguments:
            visit: function of a node, the list of the values of its inputs, and that of the values of its `keyword_tensors`, that returns the
                list of the values of its outputs.
            inputs: a value for each of the graph's inputs.

        Returns:
            List with the value of each output.
        """
        values = {id(x): value for x, value in zip(self.inputs, inputs)}
        for node in self.nodes:
            if all(id(x) in values for x in node.output_tensors):
                continue
            inputs, keywords = (
                [values[id(x)] for x in tensors] for tensors in (node.input_tensors, node.keyword_tensors)
            )
            results = visit(node, inputs, keywords)
            for x, value in zip(node.output_tensors, results):
                values[id(x)] = value
        return [values[id(x)] for x in self.outputs]


def _depth_first(outputs, inputs):
    """All nodes that the outputs need, each after those that it needs itself, and layer -> when the search first met it.

    The search ends at `inputs`, a set of ids of tensors: what makes those is needed only where it is an input layer.
    """
    made, first_seen, done, path = [], {}, set(), set()
    for x in outputs:
        stack = [(node_of(x), None)]
        while stack:
            node, parents = stack.pop()
            if parents is None:
                if node in done:
                    continue
                if node in path:
                    raise ValueError(
                        f'The graph has a cycle: the output of layer "{node.outbound_layer.name}" is needed to compute its own input.'
                    )
                path.add(node)
                first_seen.setdefault(node.outbound_layer, len(first_seen))
                parents = iter(_needed(node, inputs))
            parent = next(parents, None)
            if parent is None:
                path.discard(node)
                done.add(node)
                made.append(node)
            else:
                stack.append((node, parents))
                stack.append((parent, None))
    return made, first_seen


def _needed(node, inputs):
    """The nodes that `node` takes its inputs from, up to the inputs of the graph."""
    if node.is_entrance or all(id(x) not in inputs for x in node.needed):
        return node.parents
    sources = [(x, node_of(x)) for x in node.needed if meta.get_history(x) is not None]
    return [source for x, source in sources if id(x) not in inputs or source.is_entrance]


def _depths(made):
    """Node -> depth. The nodes of a layer that is used more than once all lie as deep as its deepest one."""
    depths, layer_depth = {}, {}
    for node in reversed(made):
        depth = max(depths.get(node, 0), layer_depth.get(node.outbound_layer, 0))
        depths[node] = layer_depth[node.outbound_layer] = depth
        for parent in node.parents:
            depths[parent] = max(depths.get(parent, 0), depth + 1)
    return {node: depths.get(node, 0) for node in made}


def get_source_inputs(tensor, layer=None, node_index=None):
    """The input tensors that `tensor` was computed from.

    Arguments:
        tensor: a tensor made by layers.
        layer, node_index: where to start from, instead of the history of the tensor.

    Returns:
        List of tensors, each once, in the order in which they are met.
    """
    if layer is None or node_index is None:
        history = meta.get_history(tensor)
        if history is None:
            return [tensor]
        layer, node_index = history[:2]
    found, seen, stack = [], set(), [layer.inbound_nodes[node_index]]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.is_entrance:
            entering = node.output_tensors
        else:
            entering = [x for x, source in zip(node.input_tensors, node.inbound_layers) if source is None]
        found.extend(x for x in entering if not any(x is y for y in found))
        stack.extend(reversed(node.parents))
    return found


def history_of(tensors, what):
    """The (layer, node index, tensor index) of each tensor.

    Raises:
        ValueError: if one was not made by a layer; `what` says which argument it came in.
    """
    histories = []
    for x in to_list(tensors):
        history = meta.get_history(x)
        if hasattr(x, 'inbound_nodes'):
            call = f'{type(x).__name__}(...)(tensor)'
            raise ValueError(
                f'The {what} of a model are tensors, and not layers: found {x!r}. Call the layer on what comes before it, and give the result: {call}.'
            )
        if history is None:
            found = f'a tensor of shape {K.int_shape(x)}' if K.is_tensor(x) else f'{short(x)} ({type(x).__name__})'
            raise ValueError(
                f'The {what} of a model must come from layers: Input(...) for the inputs, the result of calling a layer for the outputs. Found {found}, '
                'which no layer made. Wrap the operations that made it in a layer, such as LuKthu(lambda x: K.exp(x))(tensor).'
            )
        histories.append(history)
    return histories
