"""Which operation made a tensor of a graph, in the names that files have for operations between layers."""

import numpy as np
import tensorflow as tf

from cthulhu.backend import meta

_PAIRS = {
    'AddV2': '__operators__.add',
    'Add': '__operators__.add',
    'BiasAdd': '__operators__.add',
    'Sub': 'math.subtract',
    'Mul': 'math.multiply',
    'RealDiv': 'math.truediv',
    'FloorDiv': 'floor_div',
    'FloorMod': 'math.floormod',
    'Pow': 'math.pow',
    'SquaredDifference': 'math.squared_difference',
    'Maximum': 'math.maximum',
    'Minimum': 'math.minimum',
    'Equal': '__operators__.eq',
    'NotEqual': '__operators__.ne',
    'Greater': 'math.greater',
    'GreaterEqual': 'math.greater_equal',
    'Less': 'math.less',
    'LessEqual': 'math.less_equal',
    'LogicalAnd': 'math.logical_and',
    'LogicalOr': 'math.logical_or',
}
_OF_ONE = {
    'Neg': ('math.negative', 'x'),
    'Reciprocal': ('math.reciprocal', 'x'),
    'Ceil': ('math.ceil', 'x'),
    'LogicalNot': ('math.logical_not', 'x'),
    'IsFinite': ('math.is_finite', 'x'),
    'IsNan': ('math.is_nan', 'x'),
    'Relu': ('nn.relu', 'features'),
    'Relu6': ('nn.relu6', 'features'),
    'Elu': ('nn.elu', 'features'),
    'Selu': ('nn.selu', 'features'),
    'Softplus': ('nn.softplus', 'features'),
    'Softsign': ('nn.softsign', 'features'),
    'Softmax': ('nn.softmax', 'logits'),
    'LogSoftmax': ('nn.log_softmax', 'logits'),
    'Identity': ('identity', 'input'),
    'StopGradient': ('stop_gradient', 'input'),
    'OnesLike': ('ones_like', 'input'),
    'ZerosLike': ('zeros_like', 'input'),
    'Shape': ('shape', 'input'),
}
_OF_ONE.update(
    (name, (f'math.{name.lower()}', 'x'))
    for name in 'Abs Square Sqrt Rsqrt Exp Log Sin Cos Tanh Sigmoid Erf Sign Round Floor'.split()
)
_REDUCTIONS = {name: f'math.reduce_{name.lower()}' for name in ('Sum', 'Mean', 'Max', 'Min', 'Prod', 'Any', 'All')}
# Those whose further inputs have names: the function, and its names of the inputs.
_OTHERS = {
    'Reshape': ('reshape', 'tensor', 'shape'),
    'ExpandDims': ('expand_dims', 'input', 'axis'),
    'Transpose': ('transpose', 'a', 'perm'),
    'Tile': ('tile', 'input', 'multiples'),
    'ReverseV2': ('reverse', 'tensor', 'axis'),
    'BroadcastTo': ('broadcast_to', 'input', 'shape'),
    'Pad': ('pad', 'tensor', 'paddings'),
    'PadV2': ('pad', 'tensor', 'paddings', 'constant_values'),
    'GatherV2': ('gather', 'params', 'indices', 'axis'),
    'ArgMax': ('argmax', 'input', 'axis'),
    'ArgMin': ('argmin', 'input', 'axis'),
    'Cumsum': ('math.cumsum', 'x', 'axis'),
    'Cumprod': ('math.cumprod', 'x', 'axis'),
    'SelectV2': ('where', 'condition', 'x', 'y'),
    'ClipByValue': ('clip_by_value', 't', 'clip_value_min', 'clip_value_max'),
}
# Attributes that an operation has to have for its function to be what it says.
_PLAIN = {
    'Cumsum': {'exclusive': False, 'reverse': False},
    'Cumprod': {'exclusive': False, 'reverse': False},
    'GatherV2': {'batch_dims': 0},
    'BiasAdd': {'data_format': b'NHWC'},
}


def origin(x, evaluate):
    """(name, arguments by their names), of the operation that made a tensor; None for a leaf. `evaluate`: function of a tensor to its array."""
    if not isinstance(x, tf.Tensor) or not hasattr(x, 'op') or not x.op.inputs:
        return None
    operation, kind = x.op, x.op.type
    inputs = [_known(each, evaluate) for each in operation.inputs]
    found = None if _differs(operation) else _named(operation, kind, inputs, x)
    return found or (f'the operation {kind}', {str(place): each for place, each in enumerate(operation.inputs)})


# What resizes images from the middles of pixels, by the name of its method, and the names of a kernel.
_RESIZED = {
    'ResizeBilinear': 'bilinear',
    'ResizeNearestNeighbor': 'nearest',
    'ResizeBicubic': 'bicubic',
    'ResizeArea': 'area',
}
_KERNELS = {b'triangle': 'bilinear', b'keyscubic': 'bicubic'}

# What does not have one value.
_VARIES = ('Placeholder', 'PlaceholderWithDefault', 'VarHandleOp', 'VariableV2')


def _known(x, evaluate):
    """What is computed of constants alone as an array, any other tensor as it is."""
    value = tf.get_static_value(x)
    if value is not None:
        return value
    seen, stack = set(), [x]
    while stack:
        each = stack.pop()
        if meta.get_history(each) is not None or each.op.type in _VARIES or 'Random' in each.op.type:
            return x
        if each.op.name not in seen:
            seen.add(each.op.name)
            stack.extend(each.op.inputs)
    return evaluate(x)


def _differs(operation):
    return any(operation.get_attr(key) != value for key, value in _PLAIN.get(operation.type, {}).items())


def _named(operation, kind, inputs, x):
    if kind in _PAIRS:
        return _PAIRS[kind], {'x': inputs[0], 'y': inputs[1]}
    if kind in _OF_ONE:
        name, argument = _OF_ONE[kind]
        return name, {argument: inputs[0]}
    if kind in _REDUCTIONS:
        return _REDUCTIONS[kind], {
            'input_tensor': inputs[0],
            'axis': inputs[1],
            'keepdims': operation.get_attr('keep_dims'),
        }
    if kind in _OTHERS:
        name, *arguments = _OTHERS[kind]
        return name, dict(zip(arguments, inputs))
    if kind == 'LeakyRelu':
        return 'nn.leaky_relu', {'features': inputs[0], 'alpha': operation.get_attr('alpha')}
    if kind == 'Cast':
        return 'cast', {'x': inputs[0], 'dtype': x.dtype.base_dtype.name}
    if kind == 'OneHot' and operation.get_attr('axis') == -1:
        keys = 'indices', 'depth', 'on_value', 'off_value'
        return 'one_hot', dict(zip(keys, inputs), dtype=x.dtype.base_dtype.name)
    if kind == 'Squeeze':
        return 'squeeze', {'input': inputs[0], 'axis': list(operation.get_attr('squeeze_dims')) or None}
    if kind == 'ConcatV2':
        return 'concat', {'values': inputs[:-1], 'axis': inputs[-1]}
    if kind == 'Pack':
        return 'stack', {'values': inputs, 'axis': operation.get_attr('axis')}
    if kind == 'Split' and x.shape[int(inputs[0])] is not None:
        axis = int(inputs[0]) % x.shape.ndims
        size = x.shape[axis]
        part = (slice(None),) * axis + (slice(x.value_index * size, (x.value_index + 1) * size),)
        return '__operators__.getitem', {'tensor': inputs[1], 'slice_spec': part}
    if kind == 'Unpack':
        axis = (
            operation.get_attr('axis') % x.shape.ndims if operation.get_attr('axis') < 0 else operation.get_attr('axis')
        )
        return '__operators__.getitem', {'tensor': inputs[0], 'slice_spec': (slice(None),) * axis + (x.value_index,)}
    if kind in ('MatMul', 'BatchMatMulV2', 'BatchMatMulV3'):
        turned = ('transpose_a', 'transpose_b') if kind == 'MatMul' else ('adj_x', 'adj_y')
        a, b = (operation.get_attr(key) for key in turned)
        return 'linalg.matmul', {'a': inputs[0], 'b': inputs[1], 'transpose_a': a, 'transpose_b': b}
    if kind in _RESIZED or kind == 'ScaleAndTranslate':
        return _resized(operation, kind, inputs, x)
    return _part(operation, inputs) if kind == 'StridedSlice' else None


def _resized(operation, kind, inputs, x):
    """What resizes images; None for a way that has no name."""
    images, size = inputs[:2]
    if x.shape[1:3].is_fully_defined():
        size = np.asarray(x.shape[1:3].as_list())
    if kind == 'ScaleAndTranslate':
        scale, translation = inputs[2:]
        if isinstance(translation, tf.Tensor) or translation.any() or not _is_of_sizes(scale, images):
            return None
        kernel = operation.get_attr('kernel_type')
        method = _KERNELS.get(kernel, kernel.decode())
        return 'image.resize', {
            'images': images,
            'size': size,
            'method': method,
            'antialias': operation.get_attr('antialias'),
        }
    if operation.get_attr('align_corners'):
        return None
    sides = zip(x.shape[1:3].as_list(), images.shape[1:3].as_list())
    # Where each pixel becomes several of its kind, both ways of counting are one.
    is_repeated = kind == 'ResizeNearestNeighbor' and all(old and new and new % old == 0 for new, old in sides)
    if kind == 'ResizeArea' or is_repeated or operation.get_attr('half_pixel_centers'):
        return 'image.resize', {'images': images, 'size': size, 'method': _RESIZED[kind]}
    if kind == 'ResizeBicubic':
        return None
    name = {'ResizeBilinear': 'resize_bilinear', 'ResizeNearestNeighbor': 'resize_nearest_neighbor'}[kind]
    return f'compat.v1.image.{name}', {'images': images, 'size': size}


def _is_of_sizes(scale, images):
    """Whether a scale is computed of the sizes of images, and of constants, as `tf.image.resize` does."""
    stack = [scale]
    while stack:
        each = stack.pop()
        if not isinstance(each, tf.Tensor) or each.op.type not in ('RealDiv', 'Cast', 'StridedSlice', 'Shape', 'Const'):
            return False
        if each.op.type == 'Shape' and each.op.inputs[0] is not images:
            return False
        stack.extend(() if each.op.type == 'Shape' else each.op.inputs)
    return True


def _part(operation, inputs):
    """What `x[...]` makes; None where its borders are computed."""
    tensor, begin, end, strides = inputs
    if any(isinstance(each, tf.Tensor) for each in (begin, end, strides)):
        return None
    masks = [
        operation.get_attr(key)
        for key in ('begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask')
    ]
    parts = []
    for place, (first, last, step) in enumerate(zip(begin.tolist(), end.tolist(), strides.tolist())):
        open_first, open_last, ellipsis, new, shrink = (bool(mask >> place & 1) for mask in masks)
        if ellipsis:
            parts.append(Ellipsis)
        elif new:
            parts.append(None)
        elif shrink:
            parts.append(first)
        else:
            parts.append(slice(None if open_first else first, None if open_last else last, None if step == 1 else step))
    return '__operators__.getitem', {'tensor': tensor, 'slice_spec': tuple(parts)}
