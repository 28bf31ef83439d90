import itertools

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.backend import composed, shapes
from cthulhu.backend.composed.windows import Windows
from cthulhu.backend.load import load_backend
from tests.backend.helpers import backends, check, check_function, check_gradient, evaluate

pytestmark = pytest.mark.usefixtures('fresh')
random = np.random.RandomState(3)
FORMATS = ['channels_last', 'channels_first']


def first(x, data_format):
    return np.moveaxis(x, -1, 1) if data_format == 'channels_first' else x


def patches(x, size, strides, dilation):
    """For each place of a channels-last `x`: (batch, *places, *size, channels). No padding."""
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation)]
    places = [(n - span) // s + 1 for n, span, s in zip(x.shape[1:-1], spans, strides)]
    out = np.zeros((len(x),) + tuple(places) + tuple(size) + x.shape[-1:])
    for place in itertools.product(*map(range, places)):
        for offset in itertools.product(*map(range, size)):
            at = tuple(p * s + o * d for p, o, s, d in zip(place, offset, strides, dilation))
            out[(slice(None),) + place + offset] = x[(slice(None),) + at]
    return out


def padded(x, size, strides, dilation, padding):
    if padding == 'valid':
        return x
    if padding == 'causal':
        pads = [((size[0] - 1) * dilation[0], 0)]
    else:
        pads = [shapes.same_padding(n, k, s, d) for n, k, s, d in zip(x.shape[1:-1], size, strides, dilation)]
    return np.pad(x, [(0, 0)] + pads + [(0, 0)], 'constant')


def conv(x, kernel, strides, padding, dilation):
    """Convolution of a channels-last `x`, a place at a time."""
    size, n = kernel.shape[:-2], kernel.ndim - 2
    windows = patches(padded(x, size, strides, dilation, padding), size, strides, dilation)
    return np.tensordot(windows, kernel, axes=(list(range(n + 1, 2 * n + 2)), list(range(n + 1))))


def depthwise(x, kernel, strides, padding, dilation):
    size = kernel.shape[:2]
    windows = patches(padded(x, size, strides, dilation, padding), size, strides, dilation)
    out = np.einsum('bxyijc,ijcm->bxycm', windows, kernel)
    return out.reshape(out.shape[:3] + (-1,))


GRID_1D = [
    (3, 'valid', 1, 1),
    (3, 'same', 2, 1),
    (2, 'same', 1, 1),
    (2, 'causal', 1, 1),
    (3, 'causal', 2, 1),
    (3, 'causal', 1, 2),
    (3, 'same', 1, 2),
]


@pytest.mark.parametrize('size, padding, stride, dilation', GRID_1D)
@pytest.mark.parametrize('data_format', FORMATS)
def test_conv1d(size, padding, stride, dilation, data_format):
    x, kernel = random.normal(size=(2, 7, 3)), random.normal(size=(size, 3, 4))
    expected = first(conv(x, kernel, (stride,), padding, (dilation,)), data_format)
    kwargs = {'strides': stride, 'padding': padding, 'dilation_rate': dilation, 'data_format': data_format}
    x = first(x, data_format)
    channels = 2 if data_format == 'channels_last' else 1
    check_function(
        lambda K, x, kernel: K.conv1d(known_channels(K, x, channels, 3), kernel, **kwargs),
        expected,
        x,
        kernel,
        fixed=(1,),
        atol=1e-5,
    )
    check_gradient('conv1d', x, kernel, kwargs=kwargs)


def known_channels(K, x, axis, n):
    """`x` with a known number of channels, without which a framework cannot make a convolution."""
    shape = [n if i == axis else (-1 if i == 0 else K.shape(x)[i]) for i in range(K.ndim(x))]
    return x if K.int_shape(x)[axis] is not None else K.reshape(x, shape)


GRID_2D = [
    ((3, 2), 'valid', (1, 1), (1, 1)),
    ((2, 2), 'same', (1, 1), (1, 1)),
    ((2, 3), 'same', (2, 2), (1, 1)),
    ((3, 3), 'same', (2, 1), (1, 1)),
    ((2, 2), 'valid', (1, 1), (2, 2)),
    ((3, 2), 'same', (1, 1), (2, 1)),
]


@pytest.mark.parametrize('size, padding, strides, dilation', GRID_2D)
@pytest.mark.parametrize('data_format', FORMATS)
def test_conv2d_and_depthwise_and_separable(size, padding, strides, dilation, data_format):
    x, kernel = random.normal(size=(2, 5, 6, 3)), random.normal(size=size + (3, 4))
    deep, point = random.normal(size=size + (3, 2)), random.normal(size=(1, 1, 6, 4))
    kwargs = {'strides': strides, 'padding': padding, 'dilation_rate': dilation, 'data_format': data_format}
    inputs = first(x, data_format)
    channels = 3 if data_format == 'channels_last' else 1
    middle = depthwise(x, deep, strides, padding, dilation)

    def f(K, x, kernel, deep, point):
        x = known_channels(K, x, channels, 3)
        return [
            K.conv2d(x, kernel, **kwargs),
            K.depthwise_conv2d(x, deep, **kwargs),
            K.separable_conv2d(x, deep, point, **kwargs),
        ]

    expected = [conv(x, kernel, strides, padding, dilation), middle, middle @ point[0, 0]]
    expected = [first(t, data_format) for t in expected]
    check_function(f, expected, inputs, kernel, deep, point, fixed=(1, 2, 3), atol=2e-5)
    check_gradient('conv2d', inputs, kernel, kwargs=kwargs)
    check_gradient('separable_conv2d', inputs, deep, point, kwargs=kwargs)


@pytest.mark.parametrize('size, padding, stride, dilation', GRID_1D)
@pytest.mark.parametrize('data_format', FORMATS)
def test_separable_conv1d(size, padding, stride, dilation, data_format):
    x, deep, point = random.normal(size=(2, 7, 3)), random.normal(size=(size, 3, 2)), random.normal(size=(1, 6, 4))
    wide = padded(x, (size,), (stride,), (dilation,), padding)
    windows = patches(wide, (size,), (stride,), (dilation,))
    middle = np.einsum('bxic,icm->bxcm', windows, deep)
    expected = first(middle.reshape(middle.shape[:2] + (-1,)) @ point[0], data_format)
    kwargs = {'strides': stride, 'padding': padding, 'dilation_rate': dilation, 'data_format': data_format}
    x = first(x, data_format)
    channels = 2 if data_format == 'channels_last' else 1
    check_function(
        lambda K, x, deep, point: K.separable_conv1d(known_channels(K, x, channels, 3), deep, point, **kwargs),
        expected,
        x,
        deep,
        point,
        fixed=(1, 2),
        atol=2e-5,
    )
    check_gradient('separable_conv1d', x, deep, point, kwargs=kwargs)


@pytest.mark.parametrize(
    'size, padding, strides, dilation',
    [((2, 1, 3), 'valid', (1, 2, 1), (1, 1, 1)), ((2, 2, 2), 'same', (2, 2, 2), (1, 1, 1))],
)
@pytest.mark.parametrize('data_format', FORMATS)
def test_conv3d(size, padding, strides, dilation, data_format):
    x, kernel = random.normal(size=(2, 3, 4, 5, 2)), random.normal(size=size + (2, 3))
    expected = first(conv(x, kernel, strides, padding, dilation), data_format)
    kwargs = {'strides': strides, 'padding': padding, 'dilation_rate': dilation, 'data_format': data_format}
    x = first(x, data_format)
    channels = 4 if data_format == 'channels_last' else 1
    check_function(
        lambda K, x, kernel: K.conv3d(known_channels(K, x, channels, 2), kernel, **kwargs),
        expected,
        x,
        kernel,
        fixed=(1,),
        atol=2e-5,
    )


def transposed(y, kernel, shape, strides, padding, dilation):
    """The transpose of `conv`, as what it is: the vector-Jacobian product, one element of the input at a time."""
    x = np.zeros(shape)
    for index in np.ndindex(*shape[1:]):
        probe = np.zeros((1,) + tuple(shape[1:]))
        probe[(0,) + index] = 1
        x[(slice(None),) + index] = np.sum(
            y * conv(probe, kernel, strides, padding, dilation), axis=tuple(range(1, y.ndim))
        )
    return x


@pytest.mark.parametrize(
    'size, padding, strides, dilation, length',
    [
        ((3, 2), 'valid', (1, 1), (1, 1), (5, 6)),
        ((2, 2), 'same', (2, 2), (1, 1), (5, 6)),
        ((3, 3), 'valid', (2, 2), (1, 1), (6, 7)),
        ((2, 2), 'valid', (1, 1), (2, 2), (5, 4)),
        ((3, 3), 'same', (1, 1), (2, 2), (5, 4)),
    ],
)
@pytest.mark.parametrize('data_format', FORMATS)
def test_conv2d_transpose(size, padding, strides, dilation, length, data_format):
    kernel = random.normal(size=size + (2, 3))
    output_shape = (2,) + length + (2,)
    y = random.normal(size=conv(np.zeros(output_shape), kernel, strides, padding, dilation).shape)
    expected = first(transposed(y, kernel, output_shape, strides, padding, dilation), data_format)
    y = first(y, data_format)
    kwargs = {'strides': strides, 'padding': padding, 'dilation_rate': dilation, 'data_format': data_format}
    channels = 3 if data_format == 'channels_last' else 1
    for batch in (None, -1, 2):
        wanted = (batch,) + expected.shape[1:]
        check_function(
            lambda K, y, kernel: K.conv2d_transpose(known_channels(K, y, channels, 3), kernel, wanted, **kwargs),
            expected,
            y,
            kernel,
            fixed=(1,),
            atol=2e-5,
        )
    check_gradient(lambda y, kernel: K.conv2d_transpose(y, kernel, expected.shape, **kwargs), y, kernel)


@pytest.mark.parametrize('data_format', FORMATS)
def test_conv3d_transpose(data_format):
    kernel, shape = random.normal(size=(2, 1, 2, 2, 3)), (2, 3, 2, 4, 2)
    y = random.normal(size=conv(np.zeros(shape), kernel, (2, 2, 2), 'same', (1, 1, 1)).shape)
    expected = first(transposed(y, kernel, shape, (2, 2, 2), 'same', (1, 1, 1)), data_format)
    channels = 4 if data_format == 'channels_last' else 1

    def f(K, y, kernel):
        y = known_channels(K, y, channels, 3)
        batch = K.shape(y)[0]
        return K.conv3d_transpose(y, kernel, (batch,) + expected.shape[1:], (2, 2, 2), 'same', data_format)

    check_function(f, expected, first(y, data_format), kernel, fixed=(1,), atol=2e-5)


def test_conv_transpose_takes_its_shape_as_a_tensor():
    y, kernel = random.normal(size=(2, 3, 3, 1)), random.normal(size=(2, 2, 1, 1))
    expected = transposed(y, kernel, (2, 4, 4, 1), (1, 1), 'valid', (1, 1))
    shape = np.array([2, 4, 4, 1], 'int32')
    check_function(
        lambda K, y, kernel, shape: K.conv2d_transpose(known_channels(K, y, 3, 1), kernel, shape),
        expected,
        y,
        kernel,
        shape,
        fixed=(1, 2),
    )


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('stride', [1, 2])
def test_local_conv1d(stride, data_format):
    x = random.normal(size=(2, 7, 3))
    windows = patches(x, (2,), (stride,), (1,))
    kernel = random.normal(size=(windows.shape[1], 6, 4))
    expected = first(np.einsum('bpf,pfo->bpo', windows.reshape(2, -1, 6), kernel), data_format)
    x = first(x, data_format)
    kwargs = {'kernel_size': (2,), 'strides': (stride,), 'data_format': data_format}
    check('local_conv1d', expected, x, kernel, fixed=(1,), atol=1e-5, **kwargs)
    check_gradient('local_conv1d', x, kernel, kwargs=kwargs)


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('strides', [(1, 1), (2, 1)])
def test_local_conv2d(strides, data_format):
    x = random.normal(size=(2, 5, 4, 3))
    windows = patches(x, (2, 3), strides, (1, 1))
    rows, columns = windows.shape[1:3]
    # The order of the features is that of the window in the data format.
    flat = np.moveaxis(windows, -1, 3) if data_format == 'channels_first' else windows
    kernel = random.normal(size=(rows * columns, 18, 4))
    expected = np.einsum('bpf,pfo->bpo', flat.reshape(2, rows * columns, 18), kernel).reshape(2, rows, columns, 4)
    kwargs = {'kernel_size': (2, 3), 'strides': strides, 'output_shape': (rows, columns), 'data_format': data_format}
    x = first(x, data_format)
    check('local_conv2d', first(expected, data_format), x, kernel, fixed=(1,), atol=1e-5, **kwargs)
    check_gradient('local_conv2d', x, kernel, kwargs=kwargs)


def pool(x, size, strides, padding, mode):
    reduce, fill = (np.nanmax, np.nan) if mode == 'max' else (np.nanmean, np.nan)
    n = len(size)
    pads = [(0, 0)] * n
    if padding == 'same':
        pads = [shapes.same_padding(m, k, s) for m, k, s in zip(x.shape[1:-1], size, strides)]
    x = np.pad(x, [(0, 0)] + pads + [(0, 0)], 'constant', constant_values=fill)
    return reduce(patches(x, size, strides, (1,) * n), axis=tuple(range(n + 1, 2 * n + 1)))


@pytest.mark.parametrize('mode', ['max', 'avg'])
@pytest.mark.parametrize('padding', ['valid', 'same'])
@pytest.mark.parametrize('data_format', FORMATS)
def test_pool2d_and_pool3d(mode, padding, data_format):
    x, volume = random.normal(size=(2, 5, 4, 2)), random.normal(size=(2, 3, 4, 3, 2))
    kwargs = {'padding': padding, 'data_format': data_format, 'pool_mode': mode}
    for size, strides in [((2, 2), (1, 1)), ((2, 3), (2, 1)), ((3, 2), (2, 2))]:
        expected = first(pool(x, size, strides, padding, mode), data_format)
        check('pool2d', expected, first(x, data_format), pool_size=size, strides=strides, **kwargs)
    kwargs.update(pool_size=(2, 1, 2), strides=(1, 2, 2))
    expected = first(pool(volume, (2, 1, 2), (1, 2, 2), padding, mode), data_format)
    check('pool3d', expected, first(volume, data_format), **kwargs)
    kwargs.update(pool_size=(2, 2), strides=(2, 2))
    check_gradient('pool2d', first(x, data_format), kwargs=kwargs)


@pytest.mark.parametrize(
    'call, message',
    [
        (
            lambda x, k: K.conv2d(x, k, padding='causal'),
            "padding: expected one of 'valid', 'same', 'full', got 'causal'",
        ),
        (lambda x, k: K.conv2d(x, k, strides=(1, 2, 3)), 'strides: expected an int or 2 of them'),
        (lambda x, k: K.conv2d(x, k, strides=0), 'strides and dilation_rate: expected 1 or more'),
        (lambda x, k: K.conv2d(x, k, strides=2, dilation_rate=2), 'cannot both be above 1'),
        (lambda x, k: K.conv2d(x, k, data_format='NHWC'), 'data_format: expected one of'),
        (lambda x, k: K.depthwise_conv2d(x, k, strides=2, dilation_rate=2), 'cannot both be above 1'),
        (lambda x, k: K.conv2d_transpose(x, k, (None, 4, 4)), 'output_shape: expected 4 dimensions'),
        (lambda x, k: K.conv2d_transpose(x, k, (None, None, 4, 3)), 'output_shape: expected 4 dimensions'),
        (lambda x, k: K.pool2d(x, (2, 2), pool_mode='sum'), "pool_mode: expected 'max' or 'avg', got 'sum'"),
        (lambda x, k: K.pool2d(x, (2, 2, 2)), 'pool_size: expected an int or 2 of them'),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call(K.placeholder((None, 5, 5, 3)), K.placeholder((2, 2, 3, 3)))


@pytest.mark.parametrize('known', ['all', 'but the first', 'none'])
@pytest.mark.parametrize('padding', ['valid', 'same'])
@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
def test_windows_without_a_kernel_are_those_of_the_reference(known, padding, data_format):
    reference = load_backend('numpy')
    x = random.normal(size=(2, 7, 6, 3) if data_format == 'channels_last' else (2, 3, 7, 6)).astype('float32')
    kernel = random.normal(size=(2, 3, 3, 2)).astype('float32')
    depthwise = (2, 1), padding, data_format, (1, 1)
    for backend in backends():
        found = evaluate(
            lambda B, x, k: [
                Windows.pool(B, x, (3, 2), (2, 3), padding, data_format, 'max'),
                Windows.pool(B, x, (3, 2), (2, 3), padding, data_format, 'avg'),
                Windows.depthwise_conv(B, x, k, *depthwise),
            ],
            x,
            kernel,
            backend=backend,
            known=known,
            fixed=(1,),
        )
        wanted = [reference.pool(x, (3, 2), (2, 3), padding, data_format, mode) for mode in ('max', 'avg')]
        wanted.append(reference.depthwise_conv(x, kernel, *depthwise))
        for value, want in zip(found, wanted):
            np.testing.assert_allclose(value, want, rtol=1e-5, atol=1e-6)


def test_softmax_without_a_kernel_is_that_of_the_reference():
    reference, x = load_backend('numpy'), random.normal(size=(3, 4, 5)).astype('float32') * 50
    for backend in backends():
        for axis in (-1, 1):
            found = evaluate(
                lambda B, x: [composed.NN.softmax(B, x, axis), composed.NN.log_softmax(B, x, axis)], x, backend=backend
            )
            np.testing.assert_allclose(found[0], reference.softmax(x, axis), rtol=1e-5, atol=1e-7)
            np.testing.assert_allclose(found[1], reference.log_softmax(x, axis), rtol=1e-5, atol=1e-5)
