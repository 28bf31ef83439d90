"""Convolutions, pooling, and what changes the spatial axes. ONNX has the channels in front of them."""

from cthulhu import layers
from cthulhu.backend import shapes
from cthulhu.engine.base_layer import Layer
from cthulhu.export.checks import ExportError
from cthulhu.export.onnx_layers.functions import ALONG_AN_AXIS, activate
from cthulhu.export.onnx_layers.registry import converts, masks


def _in_front(w, layer, x):
    """`x` with its channels in front of the spatial axes."""
    if layer.data_format == 'channels_first':
        return x
    return w.transpose(x, (0, x.rank - 1) + tuple(range(1, x.rank - 1)))


def _back(w, layer, x):
    if layer.data_format == 'channels_first':
        return x
    return w.transpose(x, shapes.to_channels_last(range(x.rank), 'channels_first'))


def _pads(lengths, spans, strides, padding):
    """The attributes that say how much is put around the spatial axes, which have these lengths (None: unknown)."""
    if padding == 'causal':
        return {'pads': [span - 1 for span in spans] + [0] * len(spans)}
    if padding == 'full':
        return {'pads': [span - 1 for span in spans] * 2}
    if padding == 'valid':
        return {}
    if any(n is None and stride > 1 for n, stride in zip(lengths, strides)):
        return {'auto_pad': 'SAME_UPPER'}  # it depends on the length; the windows have no gaps then
    # with a stride of 1 any length will do
    pairs = [shapes.same_padding(n or span, span, stride) for n, span, stride in zip(lengths, spans, strides)]
    return {'pads': [before for before, _ in pairs] + [after for _, after in pairs]}


def _convolve(w, layer, x, kernel, name, groups=1):
    """`x` (batch, channels, ...) convolved with an array (filters, channels / groups, ...), in the layer's manner."""
    spans = [(k - 1) * rate + 1 for k, rate in zip(layer.kernel_size, layer.dilation_rate)]
    pads = _pads(x.shape[2:], spans, layer.strides, layer.padding)
    shape = [x.shape[0], kernel.shape[0]] + [None] * layer.rank
    return w.op(
        'Conv', [x, w.constant(kernel, name=name)], shape, kernel_shape=list(layer.kernel_size), strides=list(layer.strides),
        dilations=list(layer.dilation_rate), group=groups, **pads
    )  # fmt: skip


def _finish(w, layer, x):
    """The bias and the activation, on channels in front; then the layer's own order of axes."""
    if layer.use_bias:
        x = w.add(x, w.constant(w.array(layer.bias).reshape((-1,) + (1,) * layer.rank), name='bias'))
    if layer.activation in ALONG_AN_AXIS or isinstance(layer.activation, Layer):
        # these look at more than an element, in the layer's order of axes
        return activate(w, _back(w, layer, x), layer.activation, layer)
    return _back(w, layer, activate(w, x, layer.activation, layer))


def _filters_first(kernel):
    """(..., channels, filters) as (filters, channels, ...)."""
    rank = kernel.ndim - 2
    return kernel.transpose((rank + 1, rank) + tuple(range(rank)))


def _by_channel(kernel):
    """(..., channels, multiplier) as (channels * multiplier, 1, ...)."""
    rank = kernel.ndim - 2
    turned = kernel.transpose((rank, rank + 1) + tuple(range(rank)))
    return turned.reshape((-1, 1) + kernel.shape[:rank])


@converts(layers.Cthalpa1D, layers.Cthalpa2D, layers.Cthalpa3D)
def convolution(w, layer, inputs):
    x = _in_front(w, layer, inputs[0])
    return _finish(w, layer, _convolve(w, layer, x, _filters_first(w.array(layer.kernel)), 'kernel', layer.groups))


@converts(layers.DepthwiseConv1D, layers.DepthwiseCthalpa2D)
def depthwise(w, layer, inputs):
    x, kernel = _in_front(w, layer, inputs[0]), w.array(layer.depthwise_kernel)
    return _finish(w, layer, _convolve(w, layer, x, _by_channel(kernel), 'kernel', kernel.shape[-2]))


@converts(layers.SeparableCthalpa1D, layers.SeparableCthalpa2D)
def separable(w, layer, inputs):
    x, kernel = _in_front(w, layer, inputs[0]), w.array(layer.depthwise_kernel)
    x = _convolve(w, layer, x, _by_channel(kernel), 'depthwise_kernel', kernel.shape[-2])
    mixing = w.constant(_filters_first(w.array(layer.pointwise_kernel)), name='pointwise_kernel')
    return _finish(w, layer, w.op('Conv', [x, mixing], x.shape[:1] + mixing.shape[:1] + x.shape[2:]))


@converts(layers.Conv1DTranspose, layers.Cthalpa2DTranspose, layers.Cthalpa3DTranspose)
def transposed(w, layer, inputs):
    x, before, after, more = _in_front(w, layer, inputs[0]), [], [], []
    for axis in range(layer.rank):
        stride, rate = layer.strides[axis], layer.dilation_rate[axis]
        span = (layer.kernel_size[axis] - 1) * rate + 1
        # What is cut off, or added, does not depend on the length: reckoned for a length of 1.
        length = layer.output_length(1, axis)
        first = {'valid': 0, 'full': span - 1}.get(layer.padding)
        if first is None:
            first = shapes.same_padding(length, span, stride)[0]
        last = span - first - length
        before.append(first)
        after.append(max(last, 0))
        more.append(max(-last, 0))
    kernel = w.array(layer.kernel)
    kernel = w.constant(_filters_first(kernel), name='kernel')  # here channels and filters have changed places
    x = w.op(
        'ConvTranspose', [x, kernel], [x.shape[0], layer.filters] + [None] * layer.rank, kernel_shape=list(layer.kernel_size),
        strides=list(layer.strides), dilations=list(layer.dilation_rate), pads=before + after, output_padding=more
    )  # fmt: skip
    return _finish(w, layer, x)


# -- pooling ----------------------------------------------------------------------------------------------


@converts(
    layers.Mlandoth1D, layers.Mlandoth2D, layers.Mlandoth3D, layers.AiuebGnshal1D, layers.AiuebGnshal2D, layers.AiuebGnshal3D
)  # fmt: skip
def pooling(w, layer, inputs):
    x = _in_front(w, layer, inputs[0])
    attributes = _pads(x.shape[2:], layer.pool_size, layer.strides, layer.padding)
    kind = {'max': 'MaxPool', 'avg': 'AveragePool'}[layer.pool_mode]
    if kind == 'AveragePool':
        attributes['count_include_pad'] = 0
    shape = x.shape[:2] + (None,) * layer.rank
    return _back(
        w, layer, w.op(kind, [x], shape, kernel_shape=list(layer.pool_size), strides=list(layer.strides), **attributes)
    )


@converts(layers.GlobalMlandoth1D, layers.GlobalMlandoth2D, layers.GlobalMlandoth3D)
def global_maximum(w, layer, inputs):
    return w.reduce('ReduceMax', inputs[0], layer.pooled_axes, layer.keepdims)


@converts(layers.GlobalAiuebGnshal1D, layers.GlobalAiuebGnshal2D, layers.GlobalAiuebGnshal3D)
def global_mean(w, layer, inputs):
    (x,) = inputs
    if x.mask is None or layer.rank > 1:
        return w.reduce('ReduceMean', x, layer.pooled_axes, layer.keepdims)
    keep = w.cast(x.mask(), x.dtype)
    count = w.binary('Max', w.reduce('ReduceSum', keep, [1], True), 1.0)
    keep = w.unsqueeze(keep, [2 if layer.data_format == 'channels_last' else 1])
    count = w.unsqueeze(count, [2]) if layer.keepdims else count
    return w.divide(w.reduce('ReduceSum', w.multiply(x, keep), layer.pooled_axes, layer.keepdims), count)


@masks(layers.GlobalAiuebGnshal1D)
def no_mask(w, layer, inputs, made):
    return None


# -- sizes ------------------------------------------------------------------------------------------------


def _spatial_axes(layer):
    first = 1 if layer.data_format == 'channels_last' else 2
    return list(range(first, first + layer.rank))


@converts(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
def cropping(w, layer, inputs):
    ends = [-after if after else None for _, after in layer.cropping]
    return w.slice(inputs[0], _spatial_axes(layer), [before for before, _ in layer.cropping], ends)


@converts(layers.Xexanoth1D, layers.Xexanoth2D, layers.Xexanoth3D)
def zero_padding(w, layer, inputs):
    (x,) = inputs
    before, after = [0] * x.rank, [0] * x.rank
    for axis, pair in zip(_spatial_axes(layer), layer.padding):
        before[axis], after[axis] = pair
    return w.op('Pad', [x, w.constant(before + after, 'int64')], [None] * x.rank)


@converts(layers.UbboSathla1D, layers.UbboSathla2D, layers.UbboSathla3D)
def up_sampling(w, layer, inputs):
    x = _in_front(w, layer, inputs[0])
    scales = w.constant((1, 1) + layer.size, 'float32')
    interpolation = getattr(layer, 'interpolation', 'nearest')
    if interpolation not in ('nearest', 'bilinear', 'half_pixel_bilinear'):
        raise ExportError(
            f'Layer "{layer.name}" (UpSampling2D) has interpolation={interpolation!r}, which is not written as ONNX. Use "bilinear", or export_saved_model.'
        )
    how = {'mode': 'nearest', 'nearest_mode': 'floor'} if interpolation == 'nearest' else {'mode': 'linear'}
    # Row i of the result is row i / factor of `x`; or its middle is there.
    places = 'half_pixel' if interpolation == 'half_pixel_bilinear' else 'asymmetric'
    shape = x.shape[:2] + (None,) * layer.rank
    x = w.op('Resize', [x, None, scales], shape, coordinate_transformation_mode=places, **how)
    return _back(w, layer, x)
