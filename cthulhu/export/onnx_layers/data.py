"""Layers that bring data to a scale, encode them, or normalise each sample by itself."""

import numpy as np

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.backend import shapes
from cthulhu.export.checks import ExportError
from cthulhu.export.onnx_layers.functions import activate
from cthulhu.export.onnx_layers.registry import converts
from cthulhu.layers.resampling import SMOOTHING, shares_of_pixels


def _floats(w, x, layer):
    return x if x.dtype.startswith('float') else w.cast(x, layer.dtype)


def _along(w, variable, axes, x):
    """A weight of the sizes of some axes of `x`, in a shape that broadcasts to it."""
    array = w.array(variable)
    sizes = iter(array.shape)
    return w.constant(array.reshape([next(sizes) if axis in axes else 1 for axis in range(x.rank)]), x.dtype, 'weight')


# -- scales -----------------------------------------------------------------------------------------------


@converts(layers.Rescaling)
def rescaling(w, layer, inputs):
    x = _floats(w, inputs[0], layer)
    return w.add(w.multiply(x, np.asarray(layer.scale)), np.asarray(layer.offset))


@converts(layers.LayerScale)
def layer_scale(w, layer, inputs):
    return w.multiply(inputs[0], w.constant(w.array(layer.gamma), name='gamma'))


@converts(layers.Normalization)
def normalization(w, layer, inputs):
    x = _floats(w, inputs[0], layer)
    axes = layer._kept(x.shape)
    around = [size if axis in axes else 1 for axis, size in enumerate(x.shape)]
    sizes = [x.shape[axis] for axis in axes]
    if layer.mean is None:
        given = (np.asarray(w.array(value)) for value in layer.weights[:2])
    else:
        given = (np.broadcast_to(np.asarray(value, 'float64'), sizes) for value in (layer.mean, layer.variance))
    mean, variance = (value.reshape(around) for value in given)
    deviation = np.maximum(np.sqrt(variance), K.epsilon())
    if layer.invert:
        return w.add(w.multiply(x, deviation), mean)
    return w.divide(w.subtract(x, mean), deviation)


# -- each sample by itself --------------------------------------------------------------------------------


def _centered(w, x, axes, epsilon):
    """`x` with mean 0 and standard deviation 1 along some axes."""
    x = w.subtract(x, w.reduce('ReduceMean', x, axes, True))
    return _of_unit_square(w, x, axes, epsilon)


def _of_unit_square(w, x, axes, epsilon, source=None):
    source = x if source is None else source
    squares = w.reduce('ReduceMean', w.multiply(source, source), axes, True)
    return w.divide(x, w.op('Sqrt', [w.add(squares, epsilon)]))


@converts(layers.LayerNormalization)
def layer_normalization(w, layer, inputs):
    (x,) = inputs
    axes = layer._axes(x.shape)
    if layer.rms_scaling:
        centered = w.subtract(x, w.reduce('ReduceMean', x, axes, True))
        x = _of_unit_square(w, x, axes, layer.epsilon, centered)
        return w.multiply(x, _along(w, layer.gamma, axes, x))
    return _scaled(w, layer, _centered(w, x, axes, layer.epsilon), axes)


def _scaled(w, layer, x, axes):
    if layer.gamma is not None:
        x = w.multiply(x, _along(w, layer.gamma, axes, x))
    return x if layer.beta is None else w.add(x, _along(w, layer.beta, axes, x))


@converts(layers.RMSNormalization)
def rms_normalization(w, layer, inputs):
    (x,) = inputs
    axes = layer._axes(x.shape)
    return w.multiply(_of_unit_square(w, x, axes, layer.epsilon), _along(w, layer.scale, axes, x))


@converts(layers.UnitNormalization)
def unit_normalization(w, layer, inputs):
    (x,) = inputs
    squares = w.reduce('ReduceSum', w.multiply(x, x), layer._axes(x.shape), True)
    return w.divide(x, w.op('Sqrt', [w.binary('Max', squares, 1e-12)]))


@converts(layers.GroupNormalization)
def group_normalization(w, layer, inputs):
    (x,) = inputs
    (axis,) = axes = layer._axes(x.shape)
    groups = x.shape[axis] if layer.groups == -1 else layer.groups
    sizes = [w.size(x, i) for i in range(x.rank)]
    y = w.reshape(x, sizes[:axis] + [groups, x.shape[axis] // groups] + sizes[axis + 1 :])
    y = _centered(w, y, [i for i in range(1, x.rank + 1) if i != axis], layer.epsilon)
    return _scaled(w, layer, w.reshape(y, sizes), axes)


# -- places -----------------------------------------------------------------------------------------------


def _encoded(w, layer, numbers, depth, weights=None):
    """Whole numbers in the layer's mode."""
    if layer.output_mode == 'int':
        return numbers
    if layer.output_mode == 'one_hot':
        if numbers.rank > 1 and numbers.shape[-1] == 1:
            numbers = w.squeeze(numbers, [numbers.rank - 1])
        return _hot(w, numbers, depth, layer.dtype)
    places = _hot(w, numbers, depth, layer.dtype)
    if layer.output_mode == 'multi_hot':
        return w.reduce('ReduceMax', places, [1])
    counts = w.reduce('ReduceSum', places, [1])
    return counts if weights is None else w.multiply(counts, weights)


def _hot(w, numbers, depth, dtype):
    return w.cast(w.binary('Equal', w.unsqueeze(numbers, [numbers.rank]), np.arange(depth), 'bool'), dtype)


@converts(layers.CategoryEncoding)
def category_encoding(w, layer, inputs):
    return _encoded(w, layer, w.cast(inputs[0], 'int32'), layer.num_tokens)


@converts(layers.Discretization)
def discretization(w, layer, inputs):
    x = w.cast(inputs[0], layer.dtype)
    above = w.binary('GreaterOrEqual', w.unsqueeze(x, [x.rank]), np.asarray(layer.bin_boundaries or [np.inf]), 'bool')
    places = w.reduce('ReduceSum', w.cast(above, 'int32'), [x.rank])
    return _encoded(w, layer, places, layer.depth)


@converts(layers.IntegerLookup)
def integer_lookup(w, layer, inputs):
    values, first = np.array(layer.get_vocabulary(), 'int64'), len(layer.special_values())
    x = w.cast(inputs[0], 'int64')
    if layer.invert:
        inside = w.binary('And', w.binary('GreaterOrEqual', x, 0, 'bool'), w.binary('Less', x, len(values), 'bool'))
        place = w.op('Where', [inside, x, w.constant(first - 1, 'int64')], x.shape, 'int64')
        wide = (values != values.astype('int32')).any()
        return w.cast(w.op('Gather', [w.constant(values), place], x.shape), 'int64' if wide else 'int32')
    start = first - layer.num_oov_indices
    place = w.add(w.binary('Mod', x, layer.num_oov_indices), start)
    if layer.vocabulary:
        same = w.cast(w.binary('Equal', w.unsqueeze(x, [x.rank]), values[first:], 'bool'), 'int64')
        found = w.reduce('ReduceSum', w.multiply(same, np.arange(first, len(values))), [x.rank])
        place = w.where(w.binary('Greater', w.reduce('ReduceSum', same, [x.rank]), 0, 'bool'), found, place)
    if layer.mask_token is not None:
        masked = w.constant(0 if layer.output_mode == 'int' else -1, 'int64')
        place = w.op('Where', [w.binary('Equal', x, layer.mask_token, 'bool'), masked, place], x.shape, 'int64')
    return _encoded(w, layer, w.cast(place, 'int32'), layer.depth, layer.weights_of_places())


# -- products ---------------------------------------------------------------------------------------------


@converts(layers.EinsumDense)
def einsum_dense(w, layer, inputs):
    kernel = w.constant(w.array(layer.kernel), name='kernel')
    shape = layer.compute_output_shape(inputs[0].shape)
    x = w.op('Einsum', [inputs[0], kernel], shape, equation=layer.equation.replace(' ', ''))
    if layer.bias is not None:
        x = w.add(x, w.constant(w.array(layer.bias), name='bias'))
    return activate(w, x, layer.activation, layer)


# -- sizes of images --------------------------------------------------------------------------------------


def resized(w, x, height, width, interpolation, what, antialias=False, corners=False):
    """Images (batch, rows, columns, channels) of a known size, brought to another: products with what each new pixel has of each old one."""
    if None in x.shape[1:3]:
        raise ExportError(
            f'{what} resizes images whose size only the run tells, which is not written as ONNX. Fix the size of the input.'
        )
    if x.shape[1:3] == (int(height), int(width)):
        return x
    for axis, length in ((1, height), (2, width)):
        if x.shape[axis] == length and interpolation not in SMOOTHING:
            continue
        matrix = w.constant(
            K.eval(shares_of_pixels(x.shape[axis], int(length), interpolation, antialias, corners)), x.dtype, 'shares'
        )
        order = list(range(x.rank))
        order[axis], order[-1] = order[-1], order[axis]
        x = w.transpose(w.matmul(w.transpose(x, order), matrix), order)
    return x


@converts(layers.Resizing)
def resizing(w, layer, inputs):
    if layer.crop_to_aspect_ratio or layer.pad_to_aspect_ratio:
        raise ExportError(
            f'Layer "{layer.name}" (Resizing) brings images to the proportions of its output, which is not written as ONNX. Do that before the model, or use export_saved_model.'
        )
    x, order = _channels_last(w, _floats(w, inputs[0], layer), layer)
    what = f'Layer "{layer.name}"'
    return w.transpose(resized(w, x, layer.height, layer.width, layer.interpolation, what, layer.antialias), order)


@converts(layers.CenterCrop)
def center_crop(w, layer, inputs):
    x, order = _channels_last(w, _floats(w, inputs[0], layer), layer)
    rows, columns = x.shape[1:3]
    if rows < layer.height or columns < layer.width:
        raise ExportError(
            f'Layer "{layer.name}" (CenterCrop) is given images that are smaller than what it cuts out, which is not written as ONNX. Resize them before it.'
        )
    top, left = (rows - layer.height) // 2, (columns - layer.width) // 2
    x = w.slice(x, [1, 2], [top, left], [top + layer.height, left + layer.width])
    return w.transpose(x, order)


def _channels_last(w, x, layer):
    """Images with the channels last, and the order of axes that brings them back."""
    if layer.data_format != 'channels_first':
        return x, range(4)
    return w.transpose(x, shapes.to_channels_last(range(4), 'channels_first')), shapes.from_channels_last(
        range(4), 'channels_first'
    )
