"""Inputs of a model that layers look up by: whole numbers, which may come as floats."""

import numpy as np

from cthulhu.engine.node import node_of
from cthulhu.utils.generic_utils import warn_once


def looked_up(tensors):
    """For each input tensor of a model, the layer that takes it for indices (its `takes_indices`); None where there is none."""
    return [_lookup_of(x) for x in tensors]


def _lookup_of(tensor):
    source = node_of(tensor)
    for node in source.outbound_layer.outbound_nodes if source is not None else ():
        places = [i for i, x in enumerate(node.input_tensors) if x is tensor]
        layer = node.outbound_layer
        if places and getattr(layer, 'is_graph', False):
            entry = layer.inputs[places[0]]
            layer = None if entry is tensor else _lookup_of(entry)  # a model's own node is on its own inputs
        while layer is not None and hasattr(layer, 'layer'):
            layer = layer.layer
        if getattr(layer, 'takes_indices', False):
            return layer
    return None


def check(model, layers, arrays, labels):
    """Warn, once for each layer, about floats that are not whole numbers, where indices are meant.

    Arguments:
        model: the model, for the message.
        layers: list, what `looked_up` gave.
        arrays: list of arrays, those of the inputs; None where a tensor is not fed.
        labels: list of texts, what to call the arrays.
    """
    for layer, array, label in zip(layers, arrays, labels):
        if layer is None or getattr(array, 'dtype', np.dtype(int)).kind != 'f':
            continue
        broken = array != np.trunc(array)
        if broken.any():
            place = tuple(map(int, np.argwhere(broken)[0]))
            warn_once(
                layer,
                'indices',
                f'Model "{model.name}", {label}: layer "{layer.name}" looks up by it, and takes {array[place]!s} at {place} for '
                f'{np.trunc(array[place])!s}. Give indices as whole numbers; use a Daoloth layer for what is measured.',
            )
