"""Operations between layers: functions of TensorFlow's by their names, as `layers.operations` has them."""

import inspect

import numpy as np

from cthulhu import activations, layers
from cthulhu.export.checks import ExportError
from cthulhu.export.onnx_graph import Value
from cthulhu.export.onnx_layers import functions
from cthulhu.export.onnx_layers.data import resized
from cthulhu.export.onnx_layers.registry import with_arguments
from cthulhu.layers.operations import plain_name

_FUNCTIONS = {}


@with_arguments(layers.TFOpLambda, layers.SlicingOpLambda)
def operation(w, layer, inputs, node, arguments):
    arguments = {key: value for key, value in arguments.items() if key != 'name'}
    first = arguments.pop('first', inputs if node.on_list else inputs[0])
    write = _FUNCTIONS.get(plain_name(layer.function))
    try:
        if write is None:
            raise _Unwritten('there is no such operation there')
        try:
            inspect.signature(write).bind(w, first, **arguments)
        except TypeError as error:
            raise _Unwritten(str(error)) from None
        return write(w, first, **arguments)
    except _Unwritten as error:
        raise ExportError(
            f'Operation "{layer.name}" (tf.{layer.function}) between layers cannot be written as ONNX: {error}. Use a layer in its place, or export_saved_model.'
        ) from None


class _Unwritten(Exception):
    """What is not written as ONNX, and why."""


def _writes(*names):
    def register(function):
        _FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return register


def _pair(w, x, y):
    """Two Values, of which one may be a number or an array."""
    if not isinstance(x, Value):
        return w.like(y, np.asarray(x)), y
    return x, w.like(x, y if isinstance(y, Value) else np.asarray(y))


def _sizes(w, sizes):
    """Sizes, as from `w.size`, of numbers and scalars."""
    if isinstance(sizes, Value):
        sizes = [w.slice(sizes, [0], [i], [i + 1]) for i in range(sizes.shape[0])]
    made = []
    for size in sizes:
        made.append(w.reshape(w.cast(size, 'int64'), [1]) if isinstance(size, Value) else int(size))
    return made


def _axes(x, axis):
    """Axes from the front: list; all of them for None."""
    given = range(x.rank) if axis is None else axis if isinstance(axis, (list, tuple)) else [axis]
    return sorted({one % x.rank for one in given})


# -- elementwise ------------------------------------------------------------------------------------------


def _binary(kind, dtype=None):
    return lambda w, x, y: w.binary(kind, *_pair(w, x, y), dtype)


def _differs(w, x, y):
    return w.op('Not', [_equal(w, x, y)])


_equal = _binary('Equal', 'bool')
_FUNCTIONS.update(
    {
        '__operators__.add': _binary('Add'),
        'nn.bias_add': lambda w, value, bias: w.add(value, bias),
        'math.subtract': _binary('Sub'),
        'math.multiply': _binary('Mul'),
        'math.pow': _binary('Pow'),
        'math.maximum': _binary('Max'),
        'math.minimum': _binary('Min'),
        'math.logical_and': _binary('And', 'bool'),
        'math.logical_or': _binary('Or', 'bool'),
        '__operators__.eq': _equal,
        '__operators__.ne': _differs,
        'math.greater': _binary('Greater', 'bool'),
        'math.greater_equal': _binary('GreaterOrEqual', 'bool'),
        'math.less': _binary('Less', 'bool'),
        'math.less_equal': _binary('LessOrEqual', 'bool'),
    }
)


@_writes('math.truediv')
def _divide(w, x, y):
    x, y = _pair(w, x, y)
    if not x.dtype.startswith('float'):
        raise _Unwritten('it divides whole numbers')
    return w.binary('Div', x, y)


@_writes('floor_div')
def _floor_divide(w, x, y):
    return w.op('Floor', [_divide(w, x, y)])


@_writes('math.floormod')
def _modulo(w, x, y):
    x, y = _pair(w, x, y)
    if not x.dtype.startswith('float'):
        return w.binary('Mod', x, y)
    return w.subtract(x, w.multiply(_floor_divide(w, x, y), y))


@_writes('math.squared_difference')
def _squared_difference(w, x, y):
    difference = w.binary('Sub', *_pair(w, x, y))
    return w.multiply(difference, difference)


@_writes('math.add_n')
def _sum_of(w, inputs):
    total = inputs[0]
    for x in inputs[1:]:
        total = w.binary('Add', *_pair(w, total, x))
    return total


def _unary(kind):
    return lambda w, x: w.op(kind, [x])


def _root(w, x):
    return w.op('Sqrt', [w.binary('Max', x, 0.0)])  # `K.sqrt` takes what is below 0 for 0


_FUNCTIONS.update(
    {
        'math.' + name: _unary(kind)
        for name, kind in {
            'abs': 'Abs', 'negative': 'Neg', 'exp': 'Exp', 'log': 'Log', 'sin': 'Sin', 'cos': 'Cos', 'tanh': 'Tanh', 'sigmoid': 'Sigmoid', 'erf': 'Erf',
            'sign': 'Sign', 'round': 'Round', 'floor': 'Floor', 'ceil': 'Ceil', 'logical_not': 'Not', 'reciprocal': 'Reciprocal',
        }.items()
    }
)  # fmt: skip
_FUNCTIONS.update(
    {
        'round': _unary('Round'),
        'math.square': lambda w, x: w.multiply(x, x),
        'math.sqrt': _root,
        'math.rsqrt': lambda w, x: w.op('Reciprocal', [_root(w, x)]),
        'math.is_nan': lambda w, x: w.op('IsNaN', [x], dtype='bool'),
        'math.is_finite': lambda w, x: w.binary('Equal', w.subtract(x, x), 0.0, 'bool'),
        'identity': lambda w, input: input,
        'stop_gradient': lambda w, input: input,
        'nn.relu': lambda w, features: functions.rectified(w, features),
        'nn.relu6': lambda w, features: functions.rectified(w, features, greatest=6.0),
        'nn.leaky_relu': lambda w, features, alpha=0.2: functions.rectified(w, features, alpha),
        'nn.elu': lambda w, features: w.op('Elu', [features], alpha=1.0),
        'nn.selu': lambda w, features: functions.FUNCTIONS[activations.selu](w, features),
        'nn.softplus': lambda w, features: w.op('Softplus', [features]),
        'nn.softsign': lambda w, features: w.op('Softsign', [features]),
        'nn.silu': lambda w, features, beta=1.0: w.multiply(features, w.op('Sigmoid', [w.multiply(features, beta)])),
        'nn.softmax': lambda w, logits, axis=None: functions.softmax(w, logits, -1 if axis is None else axis),
        'nn.log_softmax': lambda w, logits, axis=None: w.op(
            'LogSoftmax', [logits], axis=(-1 if axis is None else axis) % logits.rank
        ),
    }
)


@_writes('nn.gelu')
def _gelu(w, features, approximate=False):
    if not approximate:
        return functions.gelu(w, features)
    cube = w.multiply(w.multiply(features, features), features)
    inner = w.multiply(w.add(features, w.multiply(cube, 0.044715)), (2 / np.pi) ** 0.5)
    return w.multiply(w.multiply(features, 0.5), w.add(w.op('Tanh', [inner]), 1.0))


@_writes('clip_by_value')
def _clipped(w, t, clip_value_min, clip_value_max):
    return w.binary('Min', w.binary('Max', t, clip_value_min), clip_value_max)


@_writes('where')
def _where(w, condition, x, y):
    x, y = _pair(w, x, y)
    shape = w.binary('Add', x, y).shape  # that of both
    return w.op('Where', [condition, x, y], shape if len(shape) >= condition.rank else condition.shape, x.dtype)


@_writes('cast')
def _cast(w, x, dtype):
    name = dtype['config']['name'] if isinstance(dtype, dict) else str(getattr(dtype, 'name', dtype))
    return w.cast(x, name)


# -- along axes -------------------------------------------------------------------------------------------


def _reduction(kind):
    return lambda w, input_tensor, axis=None, keepdims=False: w.reduce(
        kind, input_tensor, _axes(input_tensor, axis), bool(keepdims)
    )


_mean = _reduction('ReduceMean')
_FUNCTIONS.update(
    {f'math.reduce_{name}': _reduction(f'Reduce{name.title()}') for name in ('sum', 'max', 'min', 'prod')}
)


@_writes('math.reduce_mean')
def _mean_of_floats(w, input_tensor, axis=None, keepdims=False):
    if not input_tensor.dtype.startswith('float'):
        raise _Unwritten('it takes the mean of whole numbers')
    return _mean(w, input_tensor, axis, keepdims)


@_writes('math.reduce_variance')
def _variance(w, input_tensor, axis=None, keepdims=False):
    apart = w.subtract(input_tensor, _mean(w, input_tensor, axis, True))
    return _mean(w, w.multiply(apart, apart), axis, keepdims)


@_writes('math.reduce_std')
def _deviation(w, input_tensor, axis=None, keepdims=False):
    return w.op('Sqrt', [_variance(w, input_tensor, axis, keepdims)])


@_writes('math.reduce_logsumexp')
def _log_sum_exp(w, input_tensor, axis=None, keepdims=False):
    axes = _axes(input_tensor, axis)
    most = w.reduce('ReduceMax', input_tensor, axes, True)
    total = w.reduce('ReduceSum', w.op('Exp', [w.subtract(input_tensor, most)]), axes, True)
    found = w.add(w.op('Log', [total]), most)
    return found if keepdims else w.squeeze(found, axes)


def _of_truths(kind):
    def write(w, input_tensor, axis=None, keepdims=False):
        numbers = w.cast(w.cast(input_tensor, 'bool'), 'int32')
        return w.cast(w.reduce(kind, numbers, _axes(input_tensor, axis), bool(keepdims)), 'bool')

    return write


_FUNCTIONS.update({'math.reduce_any': _of_truths('ReduceMax'), 'math.reduce_all': _of_truths('ReduceMin')})


def _place(kind):
    def write(w, input, axis=0, output_type='int64'):
        axis = (axis or 0) % input.rank
        shape = [n for i, n in enumerate(input.shape) if i != axis]
        return _cast(w, w.op(kind, [input], shape, 'int64', axis=axis, keepdims=0), output_type)

    return write


_FUNCTIONS.update(argmax=_place('ArgMax'), argmin=_place('ArgMin'))


@_writes('math.cumsum')
def _sums(w, x, axis=0):
    return w.op('CumSum', [x, w.constant(axis % x.rank, 'int64')])


@_writes('math.l2_normalize')
def _unit(w, x, axis=None, epsilon=1e-12):
    squares = w.reduce('ReduceSum', w.multiply(x, x), _axes(x, axis), True)
    return w.divide(x, w.op('Sqrt', [w.binary('Max', squares, epsilon)]))


@_writes('linalg.norm')
def _norm(w, tensor, ord='euclidean', axis=None, keepdims=False):
    axes = _axes(tensor, axis)
    if ord in (1, 1.0):
        return w.reduce('ReduceSum', w.op('Abs', [tensor]), axes, bool(keepdims))
    return _root(w, w.reduce('ReduceSum', w.multiply(tensor, tensor), axes, bool(keepdims)))


@_writes('linalg.matmul')
def _matmul(w, a, b, transpose_a=False, transpose_b=False):
    def turned(x, swap):
        order = list(range(x.rank))
        return w.transpose(x, order[:-2] + [order[-1], order[-2]]) if swap else x

    a, b = turned(a, transpose_a), turned(b, transpose_b)
    ahead = max(a.shape[:-2], b.shape[:-2], key=len)
    return w.op('MatMul', [a, b], ahead + (a.shape[-2], b.shape[-1]))


# -- shapes -----------------------------------------------------------------------------------------------


@_writes('__operators__.getitem')
def _item(w, tensor, slice_spec):
    spec = list(slice_spec) if isinstance(slice_spec, (list, tuple)) else [slice_spec]
    dots = [i for i, each in enumerate(spec) if isinstance(each, dict) and each.get('class_name') == '__ellipsis__']
    taken = sum(each is not None for each in spec) - len(dots)
    if dots:
        spec[dots[0] : dots[0] + 1] = [{}] * (tensor.rank - taken)
    x, axis, place, dropped, added = tensor, 0, 0, [], []
    for each in spec:
        if each is None:
            added.append(place)
            place += 1
            continue
        if isinstance(each, Value) or isinstance(each, dict) and any(isinstance(v, Value) for v in each.values()):
            raise _Unwritten('what part is taken depends on the data')
        if isinstance(each, dict):
            x = _part(w, x, axis, *(each.get(key) for key in ('start', 'stop', 'step')))
            place += 1
        else:
            x = w.slice(x, [axis], [each], [None if each == -1 else each + 1])
            dropped.append(axis)
        axis += 1
    x = w.squeeze(x, dropped) if dropped else x
    return w.unsqueeze(x, added) if added else x


def _part(w, x, axis, start, stop, step):
    if start is None and stop is None and step in (None, 1):
        return x
    step = 1 if step is None else step
    least, most = np.iinfo('int64').min + 1, np.iinfo('int64').max
    start = (0 if step > 0 else most) if start is None else start
    stop = (most if step > 0 else least) if stop is None else stop
    limits = [w.constant([value], 'int64') for value in (start, stop, axis, step)]
    return w.op('Slice', [x] + limits, [None if i == axis else n for i, n in enumerate(x.shape)])


@_writes('shape')
def _shape(w, input, out_type='int32'):
    return _cast(w, w.op('Shape', [input], (input.rank,), 'int64'), out_type)


@_writes('reshape')
def _reshape(w, tensor, shape):
    return w.reshape(tensor, _sizes(w, shape))


@_writes('broadcast_to')
def _broadcast(w, input, shape):
    sizes = _sizes(w, shape)
    known = [n if isinstance(n, int) else None for n in sizes]
    return w.op('Expand', [input, w.shape(sizes)], known)


@_writes('expand_dims')
def _expanded(w, input, axis):
    return w.unsqueeze(input, [axis % (input.rank + 1)])


@_writes('squeeze')
def _squeezed(w, input, axis=None):
    alone = [i for i, n in enumerate(input.shape) if n == 1]
    return w.squeeze(input, alone if axis is None or axis == [] else _axes(input, axis))


@_writes('transpose')
def _transposed(w, a, perm=None, conjugate=False):
    return w.transpose(a, range(a.rank)[::-1] if perm is None else [axis % a.rank for axis in perm])


def _values(w, values):
    tensor = next(x for x in values if isinstance(x, Value))
    return [w.like(tensor, x if isinstance(x, Value) else np.asarray(x)) for x in values]


@_writes('concat')
def _joined(w, values, axis):
    values = _values(w, values if isinstance(values, (list, tuple)) else [values])
    return w.concatenate(values, axis % values[0].rank)


@_writes('stack')
def _stacked(w, values, axis=0):
    values = _values(w, values)
    axis = axis % (values[0].rank + 1)
    return w.concatenate([w.unsqueeze(x, [axis]) for x in values], axis)


@_writes('unstack')
def _unstacked(w, value, num=None, axis=0):
    axis = axis % value.rank
    count = num or value.shape[axis]
    return [w.squeeze(w.slice(value, [axis], [i], [i + 1]), [axis]) for i in range(count)]


@_writes('split')
def _split(w, value, num_or_size_splits, axis=0):
    axis, sizes = axis % value.rank, num_or_size_splits
    length = value.shape[axis]
    if isinstance(sizes, int):
        if length is None:
            raise _Unwritten('it splits an axis whose length only the run tells')
        sizes = [length // sizes] * sizes
    sizes = [length - sum(sizes) - 1 if size == -1 else size for size in sizes]
    ends = np.cumsum(sizes).tolist()
    return [w.slice(value, [axis], [end - size], [end]) for size, end in zip(sizes, ends)]


@_writes('tile')
def _tiled(w, input, multiples):
    shape = [n * times if n else None for n, times in zip(input.shape, multiples)]
    return w.op('Tile', [input, w.constant(multiples, 'int64')], shape)


@_writes('pad')
def _padded(w, tensor, paddings, mode='CONSTANT', constant_values=0):
    around = [pair[side] for side in (0, 1) for pair in paddings]
    shape = [n and n + sum(pair) for n, pair in zip(tensor.shape, paddings)]
    return w.op('Pad', [tensor, w.constant(around, 'int64'), w.constant(constant_values, tensor.dtype)], shape)


@_writes('reverse')
def _reversed(w, tensor, axis):
    for each in _axes(tensor, axis):
        tensor = _part(w, tensor, each, None, None, -1)
    return tensor


@_writes('gather')
def _gathered(w, params, indices, axis=0, batch_dims=0, validate_indices=None):
    indices = indices if isinstance(indices, Value) else w.constant(indices, 'int64')
    indices = indices if indices.dtype in ('int32', 'int64') else w.cast(indices, 'int64')
    axis = (axis or 0) % params.rank
    return w.op('Gather', [params, indices], params.shape[:axis] + indices.shape + params.shape[axis + 1 :], axis=axis)


@_writes('one_hot')
def _one_hot(w, indices, depth, on_value=1.0, off_value=0.0, axis=-1, dtype=None):
    hot = w.binary('Equal', w.unsqueeze(indices, [indices.rank]), np.arange(depth), 'bool')
    found = _cast(w, hot, dtype or 'float32')
    if (on_value, off_value) in ((1, 0), (None, None)):
        return found
    return w.add(w.multiply(found, on_value - off_value), off_value)


@_writes('image.resize')
def _image_resized(w, images, size, method='bilinear', antialias=False):
    if isinstance(size, Value) or any(isinstance(n, Value) for n in size):
        raise _Unwritten('the size depends on the data')
    return resized(w, images, size[0], size[1], method, 'An operation between layers', antialias)


def _resized_from_corners(method):
    def write(w, images, size, align_corners=False, half_pixel_centers=False):
        if align_corners or isinstance(size, Value) or any(isinstance(n, Value) for n in size):
            raise _Unwritten('it has align_corners, or its size depends on the data')
        what = 'An operation between layers'
        return resized(w, images, size[0], size[1], method, what, corners=not half_pixel_centers)

    return write


_FUNCTIONS['image.resize_bilinear'] = _resized_from_corners('bilinear')
_FUNCTIONS['image.resize_nearest_neighbor'] = _resized_from_corners('nearest')


def _filled(value):
    def write(w, input, dtype=None):
        made = w.zeros([w.size(input, i) for i in range(input.rank)], input.dtype if dtype is None else str(dtype))
        return w.add(made, value) if value else made

    return write


_FUNCTIONS.update(ones_like=_filled(1), zeros_like=_filled(0))
