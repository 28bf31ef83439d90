"""Softmax, and what the tests of the composed convolutions and poolings do not reach, against NumPy."""

import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import check, check_function, check_gradient, evaluate

pytestmark = pytest.mark.usefixtures('fresh')
RNG = np.random.RandomState(6)


@pytest.mark.parametrize('axis', [-1, 0, 1])
def test_softmax(axis):
    x = 3 * RNG.randn(2, 3, 4)
    expected = np.exp(x) / np.exp(x).sum(axis, keepdims=True)
    check('softmax', expected, x, axis=axis)
    check('log_softmax', np.log(expected), x, axis=axis, atol=1e-5)
    check_gradient('softmax', x, kwargs={'axis': axis})
    check_gradient('log_softmax', x, kwargs={'axis': axis})


def test_softmax_of_large_numbers():
    check('softmax', np.array([[0.5, 0.5, 0.0]]), np.array([[1e4, 1e4, -1e4]]))
    check('log_softmax', np.array([[0.0, -2e4]]), np.array([[1e4, -1e4]]))


def _pooled(x, size, stride, padding, reduce):
    """Pooling along axis 1 of (batch, time, channels), from its definition."""
    length = x.shape[1]
    if padding == 'same':
        count = -(-length // stride)
        start = -(max((count - 1) * stride + size - length, 0) // 2)
    else:
        count, start = (length - size) // stride + 1, 0
    windows = [x[:, max(start + i * stride, 0) : start + i * stride + size] for i in range(count)]
    return np.stack([reduce(w, axis=1) for w in windows], 1)


@pytest.mark.parametrize('pool_mode', ['max', 'avg'])
@pytest.mark.parametrize('padding', ['valid', 'same'])
@pytest.mark.parametrize('size, stride', [(2, 2), (3, 1), (2, 3), (4, 2)])
def test_pool_of_one_axis(size, stride, padding, pool_mode):
    x = RNG.randn(2, 7, 3)
    expected = _pooled(x, size, stride, padding, np.max if pool_mode == 'max' else np.mean)
    for data_format in ('channels_last', 'channels_first'):
        kwargs = dict(
            pool_size=(size,), strides=(stride,), padding=padding, data_format=data_format, pool_mode=pool_mode
        )
        if data_format == 'channels_first':
            x, expected = x.transpose(0, 2, 1), expected.transpose(0, 2, 1)
        check('pool', expected, x, **kwargs)
        check_gradient('pool', x, kwargs=kwargs)


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
@pytest.mark.parametrize('padding', ['valid', 'same'])
def test_lengths_known_at_run_time(padding, data_format):
    """A kernel with different strides, its images' sizes unknown."""
    x, kernel = RNG.randn(1, 6, 7, 2), RNG.randn(2, 3, 2, 2)
    arguments = ((2, 1), padding, data_format, (1, 1))
    if data_format == 'channels_first':
        x = x.transpose(0, 3, 1, 2)
    channels = 1 if data_format == 'channels_first' else 3

    def f(k, x, kernel):
        shape = [None] * 4
        shape[channels] = 2
        x = k.reshape(x, [2 if axis == channels else k.shape(x)[axis] for axis in range(4)])
        return [k.conv(x, kernel, *arguments), k.depthwise_conv(x, kernel, *arguments)]

    known = evaluate(f, x, kernel)
    for found, expected in zip(evaluate(f, x, kernel, known='none', fixed=(1,)), known):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize('known', ['all', 'none'])
def test_volumes_with_strides_above_the_kernel(known):
    """'same' begins at the first element, in 3-D as in 2-D."""
    x, kernel = RNG.randn(1, 5, 6, 7, 2), RNG.randn(1, 1, 1, 2, 2)
    expected = x[:, ::3, ::3, ::3]

    def f(k, x, kernel):
        x = k.reshape(x, [k.shape(x)[axis] for axis in range(4)] + [2])
        steps = ((3, 3, 3), 'same', 'channels_last')
        return [k.conv(x, kernel, *steps, dilation_rate=(1, 1, 1)), k.pool(x, (1, 1, 1), *steps, pool_mode='max')]

    convolved, pooled = evaluate(f, x, kernel, known=known, fixed=(1,))
    np.testing.assert_allclose(convolved, expected.dot(kernel[0, 0, 0]), rtol=1e-5)
    np.testing.assert_allclose(pooled, expected)


@pytest.mark.parametrize('padding', ['valid', 'same'])
def test_maximum_of_volumes_in_float64(padding):
    x = RNG.randn(2, 5, 6, 7, 3)
    arguments = ((3, 2, 1), (2, 3, 1), padding, 'channels_last', 'max')
    expected = evaluate(lambda k, x: k.pool(x, *arguments), x.astype('float32'))
    for known in ('all', 'none'):
        found = evaluate(
            lambda k, x: k.pool(k.reshape(x, [k.shape(x)[a] for a in range(4)] + [3]), *arguments), x, known=known
        )
        assert found.dtype == 'float64'
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    check_gradient(
        'pool',
        x[:1, :4, :4, :3, :1],
        kwargs=dict(zip(('pool_size', 'strides', 'padding', 'data_format', 'pool_mode'), arguments)),
    )


def test_static_shapes():
    x, kernel = K.placeholder((None, None, 9, 2)), K.variable(RNG.randn(3, 3, 2, 5))
    assert K.int_shape(K.conv2d(x, kernel, (2, 2), 'same')) == (None, None, 5, 5)
    assert K.int_shape(K.pool2d(x, (2, 2), (2, 2))) == (None, None, 4, 2)
    y, back = K.placeholder((None, 4, 4, 5)), K.variable(RNG.randn(3, 3, 2, 5))
    for shape in ((None, 9, 9, 2), (K.shape(y)[0], 9, 9, 2)):
        assert K.int_shape(K.conv2d_transpose(y, back, shape, (2, 2))) == (None, 9, 9, 2)
    first = K.placeholder((None, 2, 8, 8))
    assert K.int_shape(K.conv2d(first, kernel, data_format='channels_first')) == (None, 5, 6, 6)


def test_arrays_are_operands():
    x, kernel = RNG.randn(1, 5, 5, 2), RNG.randn(3, 3, 2, 4)
    expected = evaluate(lambda k, a, b: k.conv2d(a, b), x.astype('float32'), kernel.astype('float32'))
    np.testing.assert_allclose(K.eval(K.conv2d(K.variable(x), kernel)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
def test_dilated_transposed_convolution_of_even_kernels(data_format):
    """The transpose of a convolution, from its definition: <conv(a), b> = <a, transpose(b)>."""
    a, kernel = RNG.randn(1, 7, 8, 2), RNG.randn(2, 4, 2, 3)
    if data_format == 'channels_first':
        a = a.transpose(0, 3, 1, 2)
    for padding in ('valid', 'same'):
        arguments = ((1, 1), padding, data_format, (2, 2))

        def f(k, a, kernel):
            forward = k.conv(a, kernel, *arguments)
            b = k.sin(forward)
            back = k.conv_transpose(b, kernel, a_shape, *arguments)
            return [k.sum(forward * b), k.sum(a * back)]

        a_shape = a.shape
        left, right = evaluate(f, a, kernel)
        assert abs(left - right) < 1e-4 * abs(left)


def test_agreement_of_the_kernels_with_the_formulas():
    """Batch normalisation of images is one kernel: its results are those of the definition."""
    x, gamma, beta = RNG.randn(4, 3, 3, 2), RNG.rand(2) + 0.5, RNG.randn(2)
    mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
    expected = [(x - mean) / np.sqrt(var + 1e-3) * gamma + beta, mean, var]
    check_function(
        lambda k, *a: list(k.normalize_batch_in_training(*a, reduction_axes=[0, 1, 2])),
        expected, x, gamma, beta, fixed=(0,), rtol=1e-4, atol=1e-5,
    )  # fmt: skip
