"""How a configuration says which layer is called on which: written from nodes, and read by calling layers on each other."""

import json
import warnings

from cthulhu.utils.generic_utils import unpack_singleton


def connections_of(node, numbers):
    """`[[layer name, node number, tensor index, arguments], ...]` for the inputs of a node."""
    arguments = node.arguments
    if arguments:
        try:
            json.dumps(arguments)
        except TypeError:
            warnings.warn(
                f'Layer "{node.outbound_layer.name}" was called with arguments that cannot be saved: {arguments}. They are left out of the configuration.',
                stacklevel=3,
            )
            arguments = {}
    return [
        [layer.name, numbers[layer._inbound_nodes[index]], tensor, arguments]
        for layer, index, tensor in zip(node.inbound_layers, node.node_indices, node.tensor_indices)
    ]


def connect_layers(config, custom_objects=None):
    """Make the layers that a configuration lists, and call them on each other.

    Returns:
        `(layers, tensors)`: name -> layer, and (layer name, node number, tensor index) -> tensor.
    """
    from cthulhu import layers as layers_module

    layers, tensors, waiting = {}, {}, []

    def take(layer):
        nodes = layer._inbound_nodes
        for number, node in enumerate(nodes):
            for index, x in enumerate(node.output_tensors):
                tensors.setdefault((layer.name, number, index), x)

    for item in config['layers']:
        settings = {'class_name': item['class_name'], 'config': item['config']}
        layer = layers_module.deserialize(settings, custom_objects=custom_objects)
        layers[item['name']] = layer
        take(layer)
        waiting.extend((layer, connections) for connections in item.get('inbound_nodes', ()))
    while waiting:
        postponed, blocked = [], set()
        for layer, connections in waiting:
            keys = [(c[0], int(c[1]), int(c[2])) for c in connections]
            # the calls of one layer keep their order: its nodes are numbered
            if id(layer) in blocked or any(key not in tensors for key in keys):
                postponed.append((layer, connections))
                blocked.add(id(layer))
                continue
            arguments = connections[0][3] if len(connections[0]) > 3 else {}
            layer(unpack_singleton([tensors[key] for key in keys]), **arguments)
            take(layer)
        if len(postponed) == len(waiting):
            layer, connections = postponed[0]
            raise ValueError(
                'The configuration of model {!r} cannot be connected: layer "{}" needs {}, which no layer makes.'.format(
                    config.get('name'), layer.name, [c[:3] for c in connections]
                )
            )
        waiting = postponed
    return layers, tensors
