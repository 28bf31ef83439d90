"""padding='full': zeros around, so that each element meets the whole window, as `numpy.convolve(mode='full')` has it and Keras 2 on Theano.

The reference: NumPy's padding by (kernel - 1) * dilation zeros on each side, then the valid convolution, a place at a time.
"""

import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import check_function, check_gradient
from tests.backend.test_composed_convolution import conv, depthwise, first

pytestmark = pytest.mark.usefixtures('fresh')
random = np.random.RandomState(7)
FORMATS = ['channels_last', 'channels_first']

# window, strides, dilation
GRID = [
    ((3,), (1,), (1,)),
    ((2,), (3,), (1,)),
    ((4,), (1,), (2,)),
    ((3, 2), (1, 1), (1, 1)),
    ((2, 4), (2, 2), (1, 1)),
    ((9, 3), (1, 1), (1, 1)),  # larger than the image
    ((3, 2), (1, 1), (2, 2)),
    ((2, 3, 1), (1, 1, 1), (1, 1, 1)),
    ((3, 2, 2), (2, 1, 2), (1, 1, 1)),
]
LENGTHS = (6, 5, 4)


def around(x, window, dilation):
    margins = [((k - 1) * d,) * 2 for k, d in zip(window, dilation)]
    return np.pad(x, [(0, 0)] + margins + [(0, 0)], 'constant')


def settings(strides, dilation, data_format):
    return {'strides': strides, 'dilation_rate': dilation, 'padding': 'full', 'data_format': data_format}


@pytest.mark.parametrize(
    'window, strides, dilation, data_format', [case + (FORMATS[i % 2],) for i, case in enumerate(GRID)]
)
def test_conv(window, strides, dilation, data_format):
    n = len(window)
    x, kernel = random.normal(size=(2,) + LENGTHS[:n] + (3,)), random.normal(size=window + (3, 2))
    expected = first(conv(around(x, window, dilation), kernel, strides, 'valid', dilation), data_format)
    kwargs = settings(strides if n > 1 else strides[0], dilation if n > 1 else dilation[0], data_format)

    def run(K, x, kernel):
        return getattr(K, f'conv{n}d')(x, kernel, **kwargs)

    check_function(run, expected, first(x, data_format), kernel, fixed=(0, 1))
    check_gradient(lambda x, kernel: run(K, x, kernel), first(x, data_format), kernel)


def test_conv1d_is_that_of_numpy():
    x, kernel = random.normal(size=7), random.normal(size=4)
    # NumPy turns the window around, convolutions of networks do not.
    expected = np.convolve(x, kernel[::-1], 'full')[np.newaxis, :, np.newaxis]
    check_function(
        lambda K, x, k: K.conv1d(x, k, padding='full'), expected, x[np.newaxis, :, np.newaxis], kernel[:, np.newaxis, np.newaxis],
        fixed=(0, 1),
    )  # fmt: skip


@pytest.mark.parametrize(
    'window, strides, dilation, data_format',
    [case + (FORMATS[i % 2],) for i, case in enumerate(GRID) if len(case[0]) == 2],
)
def test_depthwise_and_separable(window, strides, dilation, data_format):
    x, kernel, mixing = (random.normal(size=size) for size in ((2, 6, 5, 3), window + (3, 2), (1, 1, 6, 4)))
    each = depthwise(around(x, window, dilation), kernel, strides, 'valid', dilation)
    kwargs = settings(strides, dilation, data_format)
    x = first(x, data_format)
    check_function(
        lambda K, x, kernel: K.depthwise_conv2d(x, kernel, **kwargs), first(each, data_format), x, kernel, fixed=(0, 1)
    )
    check_function(
        lambda K, x, kernel, mixing: K.separable_conv2d(x, kernel, mixing, **kwargs),
        first(each @ mixing[0, 0], data_format), x, kernel, mixing, fixed=(0, 1, 2), rtol=1e-4, atol=1e-5,
    )  # fmt: skip
    if data_format == 'channels_last':
        check_gradient(lambda x, kernel: K.depthwise_conv2d(x, kernel, **kwargs), x, kernel)


def test_separable_over_one_axis():
    x, kernel, mixing = (random.normal(size=size) for size in ((2, 6, 3), (4, 3, 2), (1, 6, 4)))
    each = depthwise(around(x, (4,), (1,))[:, np.newaxis], kernel[np.newaxis], (1, 1), 'valid', (1, 1))[:, 0]
    check_function(
        lambda K, x, kernel, mixing: K.separable_conv1d(x, kernel, mixing, padding='full'),
        each @ mixing[0], x, kernel, mixing, fixed=(0, 1, 2), rtol=1e-4, atol=1e-5,
    )  # fmt: skip


def transposed(y, kernel, lengths, strides, dilation):
    """The transpose of the full convolution, from its matrix: what each element of the image adds to the outputs."""
    n = len(lengths)
    image = lengths + kernel.shape[-2:-1]
    columns = []
    for index in np.ndindex(*image):
        x = np.zeros((1,) + image)
        x[(0,) + index] = 1
        columns.append(conv(around(x, kernel.shape[:n], dilation), kernel, strides, 'valid', dilation).ravel())
    return (y.reshape(len(y), -1) @ np.array(columns).T).reshape((len(y),) + image)


@pytest.mark.parametrize(
    'window, strides, dilation, lengths',
    [
        ((3, 2), (1, 1), (1, 1), (4, 3)),
        ((2, 4), (2, 2), (1, 1), (5, 4)),
        ((3, 2), (1, 1), (2, 2), (3, 3)),
        ((2, 3, 2), (2, 2, 1), (1, 1, 1), (3, 2, 2)),
    ],
)
@pytest.mark.parametrize('data_format', FORMATS)
def test_transposed(window, strides, dilation, lengths, data_format):
    n = len(window)
    kernel = random.normal(size=window + (2, 3))
    places = conv(around(np.zeros((1,) + lengths + (2,)), window, dilation), kernel, strides, 'valid', dilation).shape[
        1:
    ]
    y = random.normal(size=(2,) + places)
    expected = first(transposed(y, kernel, lengths, strides, dilation), data_format)
    kwargs = {'strides': strides, 'padding': 'full', 'data_format': data_format}
    kwargs.update({'dilation_rate': dilation} if n == 2 else {})

    def run(K, y, kernel):
        return getattr(K, f'conv{n}d_transpose')(y, kernel, (None,) + expected.shape[1:], **kwargs)

    check_function(run, expected, first(y, data_format), kernel, fixed=(0, 1))
    if data_format == 'channels_last':
        check_gradient(lambda y, kernel: run(K, y, kernel), y, kernel)


def test_poolings_have_none():
    x = K.placeholder((None, 4, 4, 1))
    with pytest.raises(ValueError, match="expected one of 'valid', 'same', got 'full'"):
        K.pool2d(x, 2, padding='full')
