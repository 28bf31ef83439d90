"""How a configuration says which layer is called on which: written from nodes, and read by calling layers on each other."""

import copy
import heapq
import json
from numbers import Integral

from cthulhu import registry
from cthulhu.backend import meta
from cthulhu.callers import warn
from cthulhu.engine.input_layer import InputLayer
from cthulhu.utils.generic_utils import unpack_singleton

# How an argument says that it is a tensor of another layer: the words of Keras 3.
_TENSOR = '__keras_tensor__'


def settings_of(model):
    """The configuration of a model that is a graph: its layers, their settings and connections."""
    with registry.layers.writing(model):
        return _settings_of(model)


def _settings_of(model):
    numbers = model.node_numbers()
    layers = []
    for layer in model.layers:
        nodes = [node for node in layer.inbound_nodes if node in numbers and not node.is_entrance]
        inbound = [_connections_of(node, numbers) for node in nodes]
        item = dict(registry.layers.serialize(layer), name=layer.name, inbound_nodes=inbound)
        of_one = [index for index, node in enumerate(nodes) if node.on_list and len(node.input_tensors) == 1]
        layers.append(dict(item, lists_of_one=of_one) if of_one else item)

    def places(tensors):
        return [_place(x, numbers) for x in tensors]

    config = {
        'name': model.name,
        'layers': layers,
        'input_layers': places(model.inputs),
        'output_layers': places(model.outputs),
    }
    return copy.deepcopy(config)


def _place(tensor, numbers):
    layer, index, output = meta.get_history(tensor)
    return [layer.name, numbers[layer.inbound_nodes[index]], output]


def _connections_of(node, numbers):
    """`[[layer name, node number, tensor index, arguments], ...]` for the inputs of a node."""
    arguments = node.arguments_with(
        [{'class_name': _TENSOR, 'config': {'keras_history': _place(x, numbers)}} for x in node.keyword_tensors]
    )
    if arguments:
        try:
            json.dumps(arguments)
        except TypeError:
            warn(
                f'Layer "{node.outbound_layer.name}" was called with arguments that cannot be saved: {arguments}. They are left out of the configuration.'
            )
            arguments = {}
    return [
        [layer.name, numbers[layer.inbound_nodes[index]], tensor, arguments]
        for layer, index, tensor in zip(node.inbound_layers, node.node_indices, node.tensor_indices)
    ]


def tensors_of(config, custom_objects=None):
    """The inputs and the outputs, lists of tensors, of the layers that a configuration describes, made and called on each other.

    Raises:
        ValueError: if a layer is not known, or the connections lead nowhere.
    """
    with registry.layers.reading():
        tensors = _connect_layers(config, custom_objects)

    def find(key):
        whose = f'model {config.get("name")!r}'
        places = [_key(place, f'"{key}" of {whose}') for place in registry.layers.listed(config, key, whose)]
        missing = next((place for place in places if place not in tensors), None)
        if missing is not None:
            raise ValueError(
                f'The configuration of model {config.get("name")!r} names {missing} as an input or output, but no such tensor is made.'
            )
        return [tensors[place] for place in places]

    return find('input_layers'), find('output_layers')


def _key(place, whose):
    """(layer name, node number, tensor index) of a place in a configuration; the arguments of a call may follow."""
    if (
        not isinstance(place, (list, tuple))
        or len(place) < 3
        or not isinstance(place[0], str)
        or not all(isinstance(n, Integral) or isinstance(n, float) and n.is_integer() for n in place[1:3])
    ):
        raise ValueError(
            f'{whose}: expected [layer name, node number, tensor index] in the configuration; got {place!r:.200}.'
        )
    return place[0], int(place[1]), int(place[2])


def _calls_of(item, layer):
    """The calls of a layer that its item lists: for each the places of its inputs, its arguments, and whether it is on a list."""
    whose, found = f'layer "{layer.name}"', []
    of_one = {n for n in registry.layers.listed(item, 'lists_of_one', whose, ()) if isinstance(n, Integral)}
    for index, connections in enumerate(registry.layers.listed(item, 'inbound_nodes', whose, ())):
        if not isinstance(connections, (list, tuple)) or not connections:
            raise ValueError(
                f'The calls of {whose}: expected in the configuration a list for each call, with [layer name, node number, tensor index, arguments] for each input; got {connections!r:.200}.'
            )
        keys = [_key(place, f'The calls of {whose}') for place in connections]
        arguments = connections[0][3] if len(connections[0]) > 3 else {}
        if not isinstance(arguments, dict):
            raise ValueError(f'The calls of {whose}: expected a dict of arguments; got {arguments!r:.200}.')
        found.append((keys, arguments, index in of_one))
    return found


def _connect_layers(config, custom_objects=None):
    """Make the layers that a configuration lists, and call them on each other: (layer name, node number, tensor index) -> tensor."""
    tensors = {}
    called_before = {}  # layers of several models have the calls of the others, which do not count here
    taken = {}  # layer -> how many of its nodes are in `tensors`

    def take(layer):
        """Enter the tensors that a layer has made since it was last asked; their places."""
        found = []
        first, own = called_before.get(layer, 0), 0
        if first:
            own = 1 if hasattr(layer, 'get_layer') else 0  # the number that a model's own node has
        done = taken.get(layer, 0)
        taken[layer] = len(layer.inbound_nodes) - first
        for number, node in enumerate(layer.inbound_nodes[first + done :], own + done):
            for index, x in enumerate(node.output_tensors):
                found.append((layer.name, number, index))
                tensors.setdefault(found[-1], x)
        return found

    described = registry.layers.deserialize_all(config, 'layers', f'model {config.get("name")!r}', custom_objects)
    made = list(zip(config['layers'], described))
    calls = []  # of each layer, those that are still to be made, the next one last: its nodes are numbered, so that they keep their order
    for item, layer in made:
        if registry.layers.is_marked(item) and not isinstance(layer, InputLayer):
            called_before[layer] = len(layer.inbound_nodes)
        take(layer)
        calls.append((layer, _calls_of(item, layer)[::-1]))
    waiting = {}  # place of a tensor -> the numbers of the layers whose next call needs it
    ready = [
        (0, number) for number in range(len(calls))
    ]  # as if the list were gone through again and again: (how often before, place in it)
    while ready:
        turn, number = heapq.heappop(ready)
        layer, left = calls[number]
        while left:
            keys, arguments, on_list = left[-1]
            missing = next((key for key in keys + _places_in(arguments) if key not in tensors), None)
            if missing is not None:
                waiting.setdefault(missing, []).append(number)
                break
            left.pop()
            inputs = [tensors[key] for key in keys]
            arguments = _replaced_places(arguments, tensors.__getitem__)
            layer(inputs if on_list else unpack_singleton(inputs), **arguments)
            for key in take(layer):
                for other in waiting.pop(key, ()):
                    heapq.heappush(ready, (turn + (other < number), other))
    for layer, left in calls:
        if left:
            raise ValueError(
                'The configuration of model {!r} cannot be connected: layer "{}" needs {}, which no layer makes.'.format(
                    config.get('name'), layer.name, [list(key) for key in left[-1][0]][:10]
                )
            )
    return tensors


def _places_in(arguments):
    """The places of the tensors in the arguments of a call: [(layer name, node number, tensor index), ...]."""
    found = []
    _replaced_places(arguments, found.append)
    return found


def _replaced_places(thing, replace):
    """A copy of the arguments of a call, with `replace(place)` for each dict that names the place of a tensor."""
    if isinstance(thing, dict) and thing.get('class_name') == _TENSOR:
        settings = thing.get('config')
        place = settings.get('keras_history') if isinstance(settings, dict) else settings
        return replace(_key(place, 'The arguments of a call'))
    if isinstance(thing, dict):
        return {key: _replaced_places(value, replace) for key, value in thing.items()}
    return [_replaced_places(item, replace) for item in thing] if isinstance(thing, list) else thing
