"""Inputs of a model that layers look up by: whole numbers, which may come as floats."""

import numpy as np

from cthulhu.callers import warn_once
from cthulhu.engine.node import node_of


def looked_up(tensors):
    """For each input tensor of a model, the layer that takes it for indices (its `takes_indices`); None where there is none."""
    return [_lookup_of(x, set()) for x in tensors]


def _lookup_of(tensor, seen):
    seen.add(id(tensor))  # a model's own node is on its own inputs, and so may other calls of it be, in another order
    source = node_of(tensor)
    for node in source.outbound_layer.outbound_nodes if source is not None else ():
        places = [i for i, x in enumerate(node.input_tensors) if x is tensor]
        layer = node.outbound_layer
        if places and getattr(layer, 'is_graph', False):
            entry = layer.inputs[places[0]]
            layer = None if id(entry) in seen else _lookup_of(entry, seen)
        while layer is not None and hasattr(layer, 'layer'):
            layer = layer.layer
        if getattr(layer, 'takes_indices', False):
            return layer
    return None


def check(model, layers, arrays, labels, dtypes):
    """Raise ValueError for indices that there is nothing at, and warn, once for each layer, about floats that are not whole numbers.

    Arguments:
        model: the model, for the message.
        layers: list, what `looked_up` gave.
        arrays: list of arrays, those of the inputs; None where a tensor is not fed.
        labels: list of texts, what to call the arrays.
        dtypes: list of the dtypes that the arrays are fed as.
    """
    for layer, array, label, dtype in zip(layers, arrays, labels, dtypes):
        if layer is not None and isinstance(array, np.ndarray) and array.size:
            _check_range(layer, array, label, dtype)
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


def _check_range(layer, array, label, dtype):
    size, low, high = layer.indices_below, array.min(), array.max()
    if not (low >= 0 and (size is None or high < size)):  # so of NaN too
        bad = array[~((array >= 0) & (size is None or array < size))].flat[0]
        raise ValueError(
            f'The {label} holds indices for layer "{layer.name}" ({type(layer).__name__}), which go from 0{"" if size is None else f" to {size - 1}"}, but there '
            f'is {bad} among them.'
        )
    if dtype == 'float16' and high > 2048:
        raise ValueError(
            f'The {label} is float16, which does not hold every whole number above 2048, and there is the index {high} in it. Make it of whole numbers: '
            "Input(..., dtype='int32')."
        )
