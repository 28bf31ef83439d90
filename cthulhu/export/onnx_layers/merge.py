"""Layers that merge several tensors."""

from cthulhu import layers
from cthulhu.backend import shapes
from cthulhu.export.checks import ExportError
from cthulhu.export.onnx_layers.registry import converts, masks, once

_KINDS = {
    layers.Add: 'Add',
    layers.Average: 'Add',
    layers.Maximum: 'Max',
    layers.Minimum: 'Min',
    layers.Multiply: 'Mul',
    layers.Subtract: 'Sub',
}


@converts(*_KINDS)
def elementwise(w, layer, inputs):
    rank = max(x.rank for x in inputs)
    aligned = [w.unsqueeze(x, list(range(1, 1 + rank - x.rank))) if x.rank < rank else x for x in inputs]
    result = aligned[0]
    for x in aligned[1:]:
        result = w.binary(_KINDS[type(layer)], result, x)
    return w.divide(result, len(inputs)) if type(layer) is layers.Average else result


@converts(layers.ScaledAdd)
def scaled(w, layer, inputs):
    rank = max(x.rank for x in inputs)
    x, residue = (w.unsqueeze(x, list(range(1, 1 + rank - x.rank))) if x.rank < rank else x for x in inputs)
    return w.binary('Add', x, w.multiply(residue, layer.scale))


@converts(layers.Concatenate)
def concatenate(w, layer, inputs):
    return w.concatenate(inputs, layer.axis % inputs[0].rank)


@converts(layers.Dot)
def dot(w, layer, inputs):
    x, y = inputs
    i, j = shapes.batch_dot_axes(x.shape, y.shape, layer.axes)
    if layer.normalize:
        x, y = _unit(w, x, i), _unit(w, y, j)
    rest_x, rest_y = [a for a in range(1, x.rank) if a != i], [a for a in range(1, y.rank) if a != j]
    sizes = [w.size(x, 0)] + [w.size(x, a) for a in rest_x] + [w.size(y, a) for a in rest_y]
    summed = w.size(x, i)
    x, y = w.transpose(x, [0] + rest_x + [i]), w.transpose(y, [0, j] + rest_y)
    if len(rest_x) != 1:
        x = w.reshape(x, [w.size(x, 0), -1, summed])
    if len(rest_y) != 1:
        y = w.reshape(y, [w.size(y, 0), summed, -1])
    result = w.matmul(x, y)
    if len(rest_x) == len(rest_y) == 1:
        return result
    return w.reshape(result, sizes if len(sizes) > 1 else sizes + [1])


def _unit(w, x, axis):
    squares = w.reduce('ReduceSum', w.multiply(x, x), [axis], True)
    return w.divide(x, w.op('Sqrt', [w.binary('Max', squares, 1e-12)]))


# -- masks ------------------------------------------------------------------------------------------------


@masks(layers.ScaledAdd, *_KINDS)
def common_mask(w, layer, inputs, made):
    """A step counts where it counts in every input that has a mask."""
    given = [x.mask for x in inputs if x.mask is not None]
    return once(lambda: _all_of(w, [mask() for mask in given])) if given else None


def _all_of(w, found):
    rank = max(m.rank for m in found)
    found = [w.unsqueeze(m, list(range(m.rank, rank))) if m.rank < rank else m for m in found]
    result = found[0]
    for m in found[1:]:
        result = w.binary('And', result, m)
    return result


@masks(layers.Concatenate)
def joined_mask(w, layer, inputs, made):
    given = [x.mask for x in inputs if x.mask is not None]
    axis = layer.axis % inputs[0].rank

    def find():
        found = [mask() for mask in given]
        rank = max(m.rank for m in found)
        if axis >= rank:
            return _all_of(w, found)
        if len(found) < len(inputs) or rank == inputs[0].rank or any(m.rank < rank for m in found):
            raise ExportError(
                f'Layer "{layer.name}" joins masks along axis {layer.axis} where not all of its inputs have one for each step, which cannot be written as '
                'ONNX. Give all of them a mask, or none, or use export_saved_model.'
            )
        return w.concatenate(found, axis)

    return once(find) if given else None


@masks(layers.Dot)
def no_mask(w, layer, inputs, made):
    return None
