"""The rules themselves: each in the signature of the primitive of that name, defaults filled in."""

import numpy as np

from cthulhu.backend import config, shapes
from cthulhu.backend.inference import dtypes
from cthulhu.backend.inference.rules import Spec, broadcast, dtype_of, integers, promoted, rule, shape_of
from cthulhu.backend.inference.symbolic import Symbolic


def _floatx(*_):
    return config.floatx()


def _float_of(x, *_):
    dtype = dtype_of(x)
    return dtype if dtypes.is_float(dtype) else config.floatx()


def _pair_dtype(x, y):
    return promoted(x, y)


def _float_pair_dtype(x, y):
    dtype = promoted(x, y)
    return dtype if dtypes.is_float(dtype) else config.floatx()


@rule('abs', 'square', 'sign', 'round', 'floor', 'negative', 'cumsum', 'cumprod', 'reverse')
@rule('identity', 'print_tensor', 'stop_gradient', 'to_dense', '_sum_of_ranks')
@rule(
    'exp', 'log', 'sqrt', 'sin', 'cos', 'tanh', 'sigmoid', 'softplus', 'erf', 'softmax', 'log_softmax', dtype=_float_of
)
@rule('logical_not', dtype='bool')
@rule('_cast', dtype=lambda x, dtype: dtypes.name(dtype))
def unary(x, *_):
    return shape_of(x)


@rule('zeros_like', 'ones_like', dtype=lambda x, dtype, name: dtypes.name(dtype or dtype_of(x)))
def like(x, dtype, name):
    return shape_of(x)


@rule('add', 'subtract', 'multiply', 'floor_divide', 'mod', 'pow', 'maximum', 'minimum', dtype=_pair_dtype)
@rule('divide', dtype=_float_pair_dtype)
@rule('equal', 'not_equal', 'greater', 'greater_equal', 'less', 'less_equal', dtype='bool')
@rule('logical_and', 'logical_or', dtype='bool')
def binary(x, y):
    return broadcast(x, y)


@rule('where', dtype=lambda condition, x, y: promoted(x, y))
def where(condition, x, y):
    return broadcast(condition, x, y)


def _reduced(x, axis, keepdims):
    shape = shape_of(x)
    if axis is None:
        axes = range(len(shape))
    else:
        axes = [shapes.normalize_axis(one, len(shape)) for one in (axis if isinstance(axis, (list, tuple)) else [axis])]
    if keepdims:
        return tuple(1 if index in axes else length for index, length in enumerate(shape))
    return tuple(length for index, length in enumerate(shape) if index not in axes)


def _number_dtype(x, *_):
    return config.floatx() if dtype_of(x) == 'bool' else dtype_of(x)


@rule('sum', 'prod', 'max', 'min', dtype=_number_dtype)
@rule('mean', 'var', dtype=_float_of)
@rule('any', 'all', dtype='bool')
def reduction(x, axis, keepdims):
    return _reduced(x, axis, keepdims)


@rule('argmax', 'argmin', dtype='int64')
def index_reduction(x, axis):
    return _reduced(x, axis, False)


@rule('dot', dtype=_pair_dtype)
def dot(x, y):
    left, right = shape_of(x), shape_of(y)
    if not left or not right:
        return left + right
    inner = right[-2] if len(right) > 1 else right[0]
    _same_length(left[-1], inner, left, right)
    return left[:-1] + right[:-2] + (right[-1:] if len(right) > 1 else ())


@rule('matmul', dtype=_pair_dtype)
def matmul(x, y):
    left, right = shape_of(x), shape_of(y)
    if len(left) < 2 or len(right) < 2:
        return dot(x, y)
    _same_length(left[-1], right[-2], left, right)
    return tuple(shapes.broadcast_shapes(left[:-2], right[:-2])) + (left[-2], right[-1])


def _same_length(left, right, *whole):
    if left is not None and right is not None and left != right:
        raise ValueError(f'shapes {whole[0]} and {whole[1]} do not fit: {left} against {right}.')


@rule('_sums_of_ranks', dtype='each')
def _sums_of_ranks(tensors):
    return [Spec(shape_of(x), dtype_of(x)) for x in tensors]


@rule('top_k', dtype='each')
def top_k(x, k, sorted):
    shape = shape_of(x)[:-1] + (None if isinstance(k, Symbolic) else int(k),)
    return Spec(shape, dtype_of(x)), Spec(shape, 'int32')


@rule('shape', dtype='int32')
def shape(x):
    return (len(shape_of(x)),)


@rule('reshape')
def reshape(x, shape):
    target = list(integers(shape))
    source = (None,) if getattr(x, 'shape', ()) is None else shape_of(x)
    known = int(np.prod([length for length in source if length is not None], dtype=int))
    total = None if None in source else known
    if None not in target:
        rest = int(np.prod([length for length in target if length != -1], dtype=int))
        if total is None:
            fits = -1 in target or not known or rest % known == 0
        else:
            fits = not rest or total % rest == 0 if -1 in target else rest == total
        if not fits:
            raise ValueError(f'a tensor of shape {source} cannot be reshaped to {tuple(target)}.')
        if -1 in target and total is not None:
            target[target.index(-1)] = total // rest if rest else None
    return tuple(None if length == -1 else length for length in target)


@rule('permute_dimensions')
def permute_dimensions(x, pattern):
    shape = shape_of(x)
    if sorted(axis % len(shape) for axis in pattern) != list(range(len(shape))):
        raise ValueError(f'pattern {tuple(pattern)} does not name each axis of shape {shape} once.')
    return tuple(shape[axis] for axis in pattern)


@rule('concatenate', dtype=lambda tensors, axis: promoted(*tensors))
def concatenate(tensors, axis):
    each = [shape_of(tensor) for tensor in tensors]
    axis = shapes.normalize_axis(axis, len(each[0]))
    lengths = [shape[axis] for shape in each]
    joined = _merged([shape[:axis] + (0,) + shape[axis + 1 :] for shape in each], each)
    return joined[:axis] + (None if None in lengths else sum(lengths),) + joined[axis + 1 :]


@rule('stack', dtype=lambda x, axis: promoted(*x))
def stack(x, axis):
    each = [shape_of(tensor) for tensor in x]
    joined = _merged(each, each)
    axis = shapes.normalize_axis(axis, len(joined) + 1)
    return joined[:axis] + (len(x),) + joined[axis:]


def _merged(compared, given):
    """One shape of several that must be equal where they are known."""
    merged = list(compared[0])
    for shape in compared[1:]:
        if len(shape) != len(merged):
            raise ValueError(f'the tensors differ in rank: {given}.')
        for axis, length in enumerate(shape):
            if merged[axis] is None:
                merged[axis] = length
            elif length is not None and length != merged[axis]:
                raise ValueError(f'the tensors have shapes that do not fit: {given}.')
    return tuple(merged)


@rule('tile')
def tile(x, n):
    shape = shape_of(x)
    times = integers(n)
    rank = max(len(shape), len(times))
    shape = (1,) * (rank - len(shape)) + shape
    times = (1,) * (rank - len(times)) + times
    return tuple(None if length is None or many is None else length * many for length, many in zip(shape, times))


@rule('expand_dims')
def expand_dims(x, axis):
    shape = shape_of(x)
    axis = shapes.normalize_axis(axis, len(shape) + 1)
    return shape[:axis] + (1,) + shape[axis:]


@rule('squeeze')
def squeeze(x, axis):
    shape = shape_of(x)
    axes = [shapes.normalize_axis(one, len(shape)) for one in (axis if isinstance(axis, (list, tuple)) else [axis])]
    for one in axes:
        if shape[one] not in (1, None):
            raise ValueError(f'axis {one} of shape {shape} has length {shape[one]}, and only 1 can be squeezed away.')
    return tuple(length for index, length in enumerate(shape) if index not in axes)


@rule('gather')
def gather(reference, indices):
    return shape_of(indices) + shape_of(reference)[1:]


@rule('_in_range')
def in_range(indices, size, what):
    return shape_of(indices)


@rule('slice')
def slice_(x, start, size):
    result = []
    for length, first, many in zip(shape_of(x), integers(start), integers(size)):
        if many == -1:
            many = None if length is None or first is None else length - first
        result.append(many)
    return tuple(result)


@rule('getitem')
def getitem(x, key):
    shape = shape_of(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    taken = sum(one is not None and one is not Ellipsis for one in keys)
    if taken > len(shape):
        raise ValueError(f'{taken} indices for a tensor of shape {shape}.')
    dots = [position for position, one in enumerate(keys) if one is Ellipsis] or [len(keys)]
    keys[dots[0] : dots[0] + 1] = [slice(None)] * (len(shape) - taken)
    result, lengths = [], iter(shape)
    for one in keys:
        if one is None:
            result.append(1)
            continue
        length = next(lengths)
        if isinstance(one, slice):
            result.append(_sliced(length, one))
        elif shape_of(one) != ():
            raise ValueError(f'an index is an int, a slice, None or ..., not {one!r}; `K.gather` takes many indices.')
        elif length is not None and not isinstance(one, Symbolic) and not -length <= one < length:
            raise ValueError(f'index {one} is out of range for an axis of length {length}.')
    return tuple(result)


def _sliced(length, key):
    if key == slice(None):
        return length
    if length is None or any(isinstance(bound, Symbolic) for bound in (key.start, key.stop, key.step)):
        return None
    return len(range(*key.indices(length)))


@rule('_split', dtype='each')
def split(x, count, axis, size):
    shape = list(shape_of(x))
    shape[axis] = size
    return [Spec(tuple(shape), dtype_of(x))] * count


@rule('one_hot', dtype=_floatx)
def one_hot(indices, num_classes):
    return shape_of(indices) + integers(num_classes)


@rule('arange', dtype=lambda start, stop, step, dtype: dtypes.name(dtypes.of_range(dtype, start, stop, step)))
def arange(start, stop, step, dtype):
    if any(
        isinstance(one, float) or getattr(one, 'dtype', 'int32') not in dtypes.INTEGERS for one in (start, stop, step)
    ):
        return (None,)  # Rounding may make one more.
    first, last, step = (None if one is None else integers(one)[0] for one in (start, stop, step))
    if stop is None:
        first, last = 0, first
    if None in (first, last, step):
        return (None,)
    return (len(range(first, last, step)),)


@rule('fill', dtype=lambda shape, value, dtype: dtypes.name(dtype or dtype_of(value)))
def fill(shape, value, dtype):
    return integers(shape)


def _drawn_dtype(shape, low, high, dtype, *_):
    return dtypes.name(dtype or config.floatx())


@rule('draw_uniform', 'draw_normal', 'draw_truncated', dtype=_drawn_dtype)
def random(shape, *_):
    return integers(shape)


@rule('pad')
def pad(x, paddings, value):
    padded = [integers(pair) for pair in paddings]
    return tuple(
        None if None in (length, before, after) else length + before + after
        for length, (before, after) in zip(shape_of(x), padded)
    )


def _convolved(x, kernel, channels, strides, padding, data_format, dilation_rate):
    """The shape of a convolution, where the kernel's own shape may be unknown too."""
    shape = shape_of(x)
    if None in kernel[:-2]:
        shape = shapes.from_channels_last(shape[:1] + (None,) * (len(kernel) - 2) + (channels,), data_format)
    window = tuple(1 if size is None else size for size in kernel[:-2])
    _check_room(shape, window, padding, dilation_rate, data_format)
    return shapes.conv_shape(shape, channels, window, padding, strides, dilation_rate, data_format)


def _check_room(shape, window, padding, dilation_rate, data_format):
    lengths = shapes.to_channels_last(shape, data_format)[1:-1]
    needed = shapes.spans(window, dilation_rate)
    if padding == 'valid' and any(n is not None and n < span for n, span in zip(lengths, needed)):
        raise ValueError(shapes.no_room(shapes.window_text(window, dilation_rate), lengths))


@rule('conv')
def conv(x, kernel, strides, padding, data_format, dilation_rate):
    kernel = shape_of(kernel)
    inputs = shapes.to_channels_last(shape_of(x), data_format)[-1]
    if None not in (inputs, kernel[-2]) and inputs != kernel[-2]:
        raise ValueError(f'a kernel of shape {kernel} takes {kernel[-2]} channels, and x has shape {shape_of(x)}.')
    return _convolved(x, kernel, kernel[-1], strides, padding, data_format, dilation_rate)


@rule('_grouped_conv')
def _grouped_conv(x, kernel, strides, padding, data_format, dilation_rate, groups):
    return _convolved(x, shape_of(kernel), shape_of(kernel)[-1], strides, padding, data_format, dilation_rate)


@rule('depthwise_conv')
def depthwise_conv(x, kernel, strides, padding, data_format, dilation_rate):
    kernel = shape_of(kernel)
    channels = None if None in kernel[-2:] else kernel[-2] * kernel[-1]
    return _convolved(x, kernel, channels, strides, padding, data_format, dilation_rate)


@rule('pool')
def pool(x, pool_size, strides, padding, data_format, pool_mode):
    _check_room(shape_of(x), pool_size, padding, (1,) * len(pool_size), data_format)
    return shapes.pool_shape(shape_of(x), pool_size, padding, strides, data_format)


@rule('conv_transpose')
def conv_transpose(x, kernel, output_shape, *_):
    return integers(output_shape)


@rule('with_room')
def with_room(x, spans, what):
    return shape_of(x)


@rule('ctc_batch_cost', dtype=lambda y_true, y_pred, *_: dtype_of(y_pred))
def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    return (shape_of(y_pred)[0], 1)


@rule('ctc_decode', dtype='each')
def ctc_decode(y_pred, input_length, greedy, beam_width, top_paths, merge_repeated):
    batch = shape_of(y_pred)[0]
    paths = 1 if greedy else top_paths
    return [Spec((batch, None), 'int64') for _ in range(paths)], Spec((batch, paths), dtype_of(y_pred))


@rule('ctc_label_dense_to_sparse', dtype='each')
def ctc_label_dense_to_sparse(labels, label_lengths):
    return Spec(shape_of(labels), dtype_of(labels), True)
