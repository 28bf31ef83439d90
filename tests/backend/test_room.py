"""Windows that are larger than an image whose size is known only when data come: the same error on every backend."""

import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import backends

pytestmark = pytest.mark.usefixtures('fresh')

KERNEL = np.ones((9, 9, 1, 4), 'float32')
CALLS = {
    'conv2d': lambda K, x: K.conv2d(x, K.constant(KERNEL)),
    'conv2d, strides': lambda K, x: K.conv2d(x, K.constant(KERNEL), strides=2),
    'depthwise_conv2d': lambda K, x: K.depthwise_conv2d(x, K.constant(KERNEL)),
    'depthwise_conv2d, strides': lambda K, x: K.depthwise_conv2d(x, K.constant(KERNEL), strides=(2, 1)),
    'separable_conv2d': lambda K, x: K.separable_conv2d(x, K.constant(KERNEL), K.ones((1, 1, 4, 2))),
    'max': lambda K, x: K.pool2d(x, (9, 9)),
    'avg': lambda K, x: K.pool2d(x, (9, 9), strides=(3, 3), pool_mode='avg'),
    'under a mean': lambda K, x: K.mean(K.conv2d(x, K.constant(KERNEL)), axis=(1, 2)),
}


@pytest.mark.parametrize('call', sorted(CALLS))
@pytest.mark.parametrize('shape', [(32, 8, 8, 1), (2, 9, 3, 1), (2, 8, 9, 1)])
def test_a_window_larger_than_the_image(call, shape):
    rows, columns = shape[1:3]
    for backend in backends():
        for dims in ((None, None, None, 1), (None, 9, None, 1) if rows == 9 else (shape[0], None, None, 1)):
            with pytest.raises(
                ValueError, match=rf'A window of \(9, 9\) does not fit into images of \({rows}, {columns}\)'
            ):
                _run(backend, CALLS[call], shape, dims)


def _run(backend, call, shape, dims=(None, None, None, 1)):
    x = backend.placeholder(shape=dims, dtype='float32')
    return backend.function([x], [call(backend, x)])([np.ones(shape, 'float32')])[0]


@pytest.mark.parametrize('call', sorted(CALLS))
def test_a_window_that_just_fits(call):
    for backend in backends():
        found, wanted = (
            _run(backend, CALLS[call], (2, 9, 10, 1), dims) for dims in ((None, None, None, 1), (None, 9, 10, 1))
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize('call', sorted(CALLS))
def test_known_sizes_are_refused_at_once(call):
    for backend in backends():
        x = backend.placeholder(shape=(None, 8, None, 1))
        with pytest.raises(ValueError, match=r'A window of \(9, 9\) does not fit'):
            CALLS[call](backend, x)


def test_dilated_windows_of_one_and_of_three_axes():
    for backend in backends():
        with pytest.raises(
            ValueError, match=r'A window of \(3,\) with dilation \(4,\) does not fit into images of \(8,\)'
        ):
            kernel = np.ones((3, 1, 1), 'float32')
            _run(backend, lambda K, x: K.conv1d(x, K.constant(kernel), dilation_rate=4), (2, 8, 1), (None, None, 1))
        with pytest.raises(ValueError, match=r'A window of \(2, 1, 5\) does not fit into images of \(4, 4, 4\)'):
            _run(backend, lambda K, x: K.pool3d(x, (2, 1, 5)), (2, 4, 4, 4, 1), (None, None, None, None, 1))
        with pytest.raises(ValueError, match=r'A window of \(3,\) does not fit into images of \(2,\)'):
            _run(
                backend,
                lambda K, x: K.conv1d(x, K.constant(kernel), data_format='channels_first'),
                (2, 1, 2),
                (None, 1, None),
            )


def test_what_a_full_transpose_cuts_off():
    kernel = np.ones((3, 3, 1, 1), 'float32')

    def call(K, x):
        sizes = [None] + [K.shape(x)[axis] - 2 for axis in (1, 2)] + [1]
        return K.conv2d_transpose(x, K.constant(kernel), sizes, padding='full')

    for backend in backends():
        assert _run(backend, call, (1, 3, 3, 1)).shape == (1, 1, 1, 1)
        with pytest.raises(ValueError, match='does not fit'):
            _run(backend, call, (1, 2, 3, 1))


@pytest.mark.skipif(not K.supports('gradients'), reason='takes gradients')
def test_in_training():
    x = K.placeholder((None, None, None, 1))
    kernel = K.variable(KERNEL)
    gradient = K.gradients(K.sum(K.conv2d(x, kernel)), [kernel])
    step = K.function([x], gradient)
    np.testing.assert_allclose(step([np.ones((2, 10, 9, 1))])[0], np.full(KERNEL.shape, 4.0), rtol=1e-5)
    with pytest.raises(ValueError, match='does not fit'):
        K.function([x], [K.sum(K.conv2d(x, kernel))], updates=[K.update(kernel, kernel - gradient[0])])(
            [np.ones((2, 8, 9, 1))]
        )
    np.testing.assert_array_equal(K.get_value(kernel), KERNEL)


def test_known_sizes_cost_nothing():
    if not K.supports('graph_definition'):
        pytest.skip('looks at the operations of the graph')
    x = K.placeholder((None, 12, 12, 1))
    for call in CALLS.values():
        call(K, x)
    assert b'Assert' not in K.graph_definition()
    K.conv2d(K.placeholder((None, None, None, 1)), K.constant(KERNEL))
    assert b'Assert' in K.graph_definition()
