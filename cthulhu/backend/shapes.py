"""Arithmetic of static shapes: tuples of int, with None for what is known only when data come.

Nothing here touches a tensor or a framework.
"""

import operator

PADDINGS = ('valid', 'same', 'causal', 'full')


def normalize_padding(padding, allowed=('valid', 'same', 'causal')):
    """The padding's name in lower case.

    Raises:
        ValueError: `padding` is not one of `allowed`.

    >>> normalize_padding('SAME')
    'same'
    """
    name = padding.lower() if hasattr(padding, 'lower') else padding
    if name not in allowed:
        raise ValueError(f'padding: expected one of {", ".join(map(repr, allowed))}, got {padding!r}.')
    return name


def normalize_tuple(value, n, name):
    """`value` as a tuple of `n` int: an int is repeated, a sequence of `n` int is taken as it is.

    Raises:
        ValueError: anything else, naming the argument `name`.

    >>> normalize_tuple(2, 3, 'strides')
    (2, 2, 2)
    """
    try:
        return (operator.index(value),) * n
    except TypeError:
        pass
    try:
        values = tuple(operator.index(v) for v in value)
    except TypeError:
        values = ()
    if len(values) != n:
        raise ValueError(f'{name}: expected an int or {n} of them, got {value!r}.')
    return values


def normalize_axis(axis, ndim):
    """`axis` counted from the front.

    Arguments:
        axis: int, None, or a list or tuple of int (the result is then a tuple); negative counts from the end.
        ndim: int, the number of axes. None leaves a negative axis as it is.

    Raises:
        ValueError: there is no such axis.

    >>> normalize_axis((-1, 0), 3)
    (2, 0)
    """
    if axis is None:
        return None
    if isinstance(axis, (list, tuple)):
        return tuple(normalize_axis(a, ndim) for a in axis)
    axis = operator.index(axis)
    if ndim is None:
        return axis
    if not -ndim <= axis < ndim:
        raise ValueError(f'axis: expected a number from {-ndim} to {ndim - 1} for {ndim} dimensions, got {axis}.')
    return axis % ndim


def conv_output_length(length, kernel, padding, stride, dilation=1):
    """The length of a convolution's or a pooling's output along one axis; None for None.

    >>> conv_output_length(10, 3, 'valid', 2)
    4
    """
    if length is None:
        return None
    padding = normalize_padding(padding, PADDINGS)
    span = (kernel - 1) * dilation + 1
    if padding in ('same', 'causal'):
        steps = length
    elif padding == 'valid':
        steps = length - span + 1
    else:
        steps = length + span - 1
    return -(-steps // stride)


def conv_input_length(length, kernel, padding, stride):
    """The shortest input length that gives an output of `length`; None for None.

    >>> conv_input_length(4, 3, 'valid', 2)
    9
    """
    if length is None:
        return None
    padding = normalize_padding(padding, ('valid', 'same', 'full'))
    pad = {'same': kernel // 2, 'valid': 0, 'full': kernel - 1}[padding]
    return (length - 1) * stride - 2 * pad + kernel


def deconv_length(length, stride, kernel, padding, output_padding=None, dilation=1):
    """The length of a transposed convolution's output along one axis; None for None.

    Arguments:
        length: int or None, the input's length.
        stride, kernel, dilation: int.
        padding: 'valid', 'same' or 'full'.
        output_padding: int to add at the end, or None to infer the length of the input that a convolution had.

    >>> deconv_length(4, 2, 3, 'valid')
    9
    """
    if length is None:
        return None
    padding = normalize_padding(padding, ('valid', 'same', 'full'))
    span = (kernel - 1) * dilation + 1
    if output_padding is not None:
        pad = {'same': span // 2, 'valid': 0, 'full': span - 1}[padding]
        return (length - 1) * stride + span - 2 * pad + output_padding
    if padding == 'same':
        return length * stride
    if padding == 'valid':
        return length * stride + max(span - stride, 0)
    return length * stride - (stride + span - 2)


def same_padding(length, kernel, stride, dilation=1):
    """How many zeros TensorFlow's 'same' puts (before, after) an axis of `length`; the odd one goes after.

    >>> same_padding(5, 2, 2)
    (0, 1)
    """
    span = (kernel - 1) * dilation + 1
    out = -(-length // stride)
    total = max((out - 1) * stride + span - length, 0)
    return total // 2, total - total // 2


def spans(window, dilation_rate):
    """How many elements a window reaches over, along each axis.

    >>> spans((3, 2), (2, 1))
    (5, 2)
    """
    return tuple((size - 1) * dilation + 1 for size, dilation in zip(window, dilation_rate))


def window_text(window, dilation_rate):
    """What errors call a window that does not fit.

    >>> window_text((9, 9), (1, 1))
    'A window of (9, 9)'
    """
    dilation = f' with dilation {tuple(dilation_rate)}' if max(dilation_rate) > 1 else ''
    return f'A window of {tuple(window)}{dilation}'


def no_room(what, lengths):
    """The text of the error where something does not fit into the spatial axes of images.

    >>> no_room('A window of (9, 9)', [8, 8])
    'A window of (9, 9) does not fit into images of (8, 8). Use larger images, or a smaller window.'
    """
    return f'{what} does not fit into images of {tuple(lengths)}. Use larger images, or a smaller window.'


def to_channels_last(shape, data_format):
    """A shape (batch, ...) in `data_format`, with its channels moved to the end.

    >>> to_channels_last((None, 3, 8, 9), 'channels_first')
    (None, 8, 9, 3)
    """
    shape = tuple(shape)
    return shape[:1] + shape[2:] + shape[1:2] if data_format == 'channels_first' else shape


def from_channels_last(shape, data_format):
    """A shape (batch, ..., channels), in `data_format`.

    >>> from_channels_last((None, 8, 9, 3), 'channels_first')
    (None, 3, 8, 9)
    """
    shape = tuple(shape)
    return shape[:1] + shape[-1:] + shape[1:-1] if data_format == 'channels_first' else shape


def conv_shape(shape, filters, kernel_size, padding, strides, dilation_rate, data_format):
    """The shape of a convolution's output.

    Arguments:
        shape: tuple, the input's, in `data_format`.
        filters: int, the output's channels.
        kernel_size, strides, dilation_rate: tuples of int, one a spatial axis.
        padding: 'valid', 'same', 'causal' or 'full'.
        data_format: 'channels_last' or 'channels_first'.

    >>> conv_shape((None, 8, 8, 3), 16, (3, 3), 'valid', (1, 1), (1, 1), 'channels_last')
    (None, 6, 6, 16)
    """
    shape = to_channels_last(shape, data_format)
    lengths = tuple(
        conv_output_length(n, k, padding, s, d) for n, k, s, d in zip(shape[1:-1], kernel_size, strides, dilation_rate)
    )
    return from_channels_last(shape[:1] + lengths + (filters,), data_format)


def pool_shape(shape, pool_size, padding, strides, data_format):
    """The shape of a pooling's output; the arguments are those of `conv_shape`.

    >>> pool_shape((None, 3, 8, 7), (2, 2), 'same', (2, 2), 'channels_first')
    (None, 3, 4, 4)
    """
    channels = to_channels_last(shape, data_format)[-1]
    return conv_shape(shape, channels, pool_size, padding, strides, (1,) * len(pool_size), data_format)


def broadcast_shapes(a, b):
    """The shape of an elementwise operation's result; None where either whole shape is unknown.

    Raises:
        ValueError: the shapes do not broadcast.

    >>> broadcast_shapes((None, 1, 5), (4, 1))
    (None, 4, 5)
    """
    if a is None or b is None:
        return None
    size = max(len(a), len(b))
    out = []
    for m, n in zip((1,) * (size - len(a)) + tuple(a), (1,) * (size - len(b)) + tuple(b)):
        if m == n or n == 1:
            out.append(m)
        elif m == 1:
            out.append(n)
        elif m is None or n is None:
            # At run time the unknown one is either equal to the known one or 1.
            out.append(n if m is None else m)
        else:
            raise ValueError(f'shapes {tuple(a)} and {tuple(b)} do not broadcast: {m} meets {n}.')
    return tuple(out)


def batch_dot_axes(x_shape, y_shape, axes=None, who='batch_dot'):
    """The pair of axes that `batch_dot` sums over, counted from the front; an error begins with `who` it is for.

    Raises:
        ValueError: a rank below 2, an axis that is the batch's or is not there, several axes, or lengths that differ.

    >>> batch_dot_axes((None, 3, 4), (None, 4, 5))
    (2, 1)
    """
    ranks = len(x_shape), len(y_shape)
    if min(ranks) < 2:
        raise ValueError(f'{who}: x and y need 2 or more dimensions, got shapes {x_shape} and {y_shape}.')
    if axes is None:
        axes = (-1, -1 if ranks[1] == 2 else -2)
    elif not isinstance(axes, (list, tuple)):
        axes = (axes, axes)
    if len(axes) != 2 or any(isinstance(a, (list, tuple)) for a in axes):
        raise ValueError(f'{who}: axes: expected an int, or one int for x and one for y, got {axes!r}.')
    if any(not -n <= a < n for a, n in zip(axes, ranks)):
        raise ValueError(
            f'{who}: axes: got {axes!r}, which are not all there in tensors of shapes {x_shape} and {y_shape}.'
        )
    pair = tuple(normalize_axis(a, n) for a, n in zip(axes, ranks))
    if 0 in pair:
        raise ValueError(f'{who}: axes {tuple(axes)} name axis 0, which is the batch. Use K.dot, or another axis.')
    for what, m, n in (('batch sizes', x_shape[0], y_shape[0]), ('axes', x_shape[pair[0]], y_shape[pair[1]])):
        if m is not None and n is not None and m != n:
            raise ValueError(f'{who}: {what} differ, {m} and {n}: shapes {x_shape} and {y_shape}, axes {tuple(axes)}.')
    return pair


def batch_dot_shape(x_shape, y_shape, axes=None, who='batch_dot'):
    """The shape of `batch_dot`'s result.

    >>> batch_dot_shape((None, 3, 4), (None, 4, 5))
    (None, 3, 5)
    >>> batch_dot_shape((8, 4), (8, 4), axes=1)
    (8, 1)
    """
    i, j = batch_dot_axes(x_shape, y_shape, axes, who)
    batch = y_shape[0] if x_shape[0] is None else x_shape[0]
    rest = tuple(x_shape[1:i]) + tuple(x_shape[i + 1 :]) + tuple(y_shape[1:j]) + tuple(y_shape[j + 1 :])
    return (batch,) + (rest or (1,))


def agree(shape, other):
    """Whether two shapes have as many axes, and the same lengths where both are known."""
    return len(shape) == len(other) and all(None in (m, n) or m == n for m, n in zip(shape, other))


def common(shape, other):
    """What is known of a shape that may be either of two with as many axes."""
    return tuple(m if m == n else None for m, n in zip(shape, other))
