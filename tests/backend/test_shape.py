"""Making, reshaping, joining, picking and choosing against NumPy; gradients against finite differences."""

import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import check, check_function, check_gradient, evaluate

pytestmark = pytest.mark.usefixtures('fresh')
RNG = np.random.RandomState(2)
X = RNG.randn(2, 3, 4)
MATRIX = RNG.randn(3, 4)


def test_reshape():
    check('reshape', X.reshape(6, 4), X, shape=(6, 4))
    check('reshape', X.reshape(-1, 2), X, shape=(-1, 2))
    check_function(lambda k, x: k.reshape(x, (k.shape(x)[0], 12)), X.reshape(2, 12), X)
    check_function(lambda k, x: k.reshape(x, k.shape(x)[1:]), X[0], X[:1])
    check_gradient('reshape', X, kwargs={'shape': (4, 6)})


def test_static_shape_of_reshape():
    x = K.placeholder((None, 3, 4))
    assert K.int_shape(K.reshape(x, (-1, 12))) == (None, 12)
    assert K.int_shape(K.reshape(x, (K.shape(x)[0], 4, 3))) == (None, 4, 3)


def test_permute_dimensions():
    check('permute_dimensions', X.transpose(2, 0, 1), X, pattern=(2, 0, 1))
    check_gradient('permute_dimensions', X, kwargs={'pattern': [1, 0, 2]})


def test_concatenate():
    y = RNG.randn(2, 5, 4)
    check_function(lambda k, a, b: k.concatenate([a, b], axis=1), np.concatenate([X, y], 1), X, y)
    check_function(lambda k, a, b: k.concatenate([a, b]), np.concatenate([X, X], -1), X, X)
    check_gradient(lambda a, b: K.concatenate([a, b], axis=1), X, y)


def test_stack():
    for axis in (0, 1, -1):
        check_function(lambda k, a, b: k.stack([a, b], axis=axis), np.stack([X, 2 * X], axis), X, 2 * X)
    check_gradient(lambda a, b: K.stack([a, b], axis=1), X, 2 * X)


def test_tile():
    check('tile', np.tile(X, (1, 2, 3)), X, n=(1, 2, 3))
    check('tile', np.tile(X[0, 0], 3), X[0, 0], n=3)
    check_gradient('tile', MATRIX, kwargs={'n': (2, 3)})


def test_expand_dims_and_squeeze():
    for axis in (0, 1, -1):
        check('expand_dims', np.expand_dims(X, axis), X, axis=axis)
        check('squeeze', X, np.expand_dims(X, axis), axis=axis, fixed=(0,))


def test_reverse():
    check('reverse', X[:, ::-1], X, axes=1)
    check('reverse', X[::-1, :, ::-1], X, axes=[0, -1])
    check_gradient('reverse', MATRIX, kwargs={'axes': 0})


def test_gather():
    indices = np.array([[0, 2], [1, 0]])
    check('gather', MATRIX[indices], MATRIX, indices)
    check_gradient('gather', MATRIX, indices)
    table = K.variable(MATRIX)
    np.testing.assert_allclose(K.eval(K.gather(table, K.constant(indices, 'int32'))), MATRIX[indices], rtol=1e-6)


def test_gradient_of_gather_by_a_variable():
    table = K.variable(MATRIX)
    rows = K.gather(table, K.constant([0, 2, 0], 'int32'))
    if not K.supports('gradients'):
        pytest.skip('no gradients')
    (gradient,) = K.gradients(K.sum(rows * rows), [table])
    expected = 2 * MATRIX * np.array([[2], [0], [1]])
    assert K.int_shape(gradient) == (3, 4)
    np.testing.assert_allclose(K.eval(gradient * 1.0), expected, rtol=1e-5)


def test_slice():
    check('slice', X[:, 1:3, 2:3], X, start=(0, 1, 2), size=(2, 2, 1))
    check('slice', X[1:, :, 1:], X, start=[1, 0, 1], size=[-1, -1, -1])
    check_gradient('slice', MATRIX, kwargs={'start': (1, 0), 'size': (2, 3)})


def test_one_hot():
    indices = np.array([[0, 2], [1, 5]])
    check('one_hot', np.eye(6)[indices][..., :4], indices, num_classes=4)


def test_arange():
    for arguments in ((5,), (2, 9), (2, 9, 3), (9, 2, -2), (0,), (-3,)):
        found = K.eval(K.arange(*arguments))
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, np.arange(*arguments))
    np.testing.assert_allclose(K.eval(K.arange(0, 1, 0.25, dtype='float32')), [0, 0.25, 0.5, 0.75])
    check_function(lambda k, x: k.arange(k.shape(x)[1], dtype='float32'), np.arange(3.0), X)


def test_filled():
    np.testing.assert_array_equal(K.eval(K.zeros((2, 3))), np.zeros((2, 3)))
    np.testing.assert_array_equal(K.eval(K.ones((2, 3), dtype='int32')), np.ones((2, 3)))
    np.testing.assert_array_equal(K.eval(K.eye(3)), np.eye(3))
    np.testing.assert_array_equal(K.eval(K.fill((2, 3), 7)), np.full((2, 3), 7.0))
    assert all(map(K.is_variable, (K.zeros((2,)), K.ones((2,)), K.eye(2))))
    assert K.dtype(K.ones((2, 3), dtype='int32')) == 'int32'
    assert K.dtype(K.zeros(())) == K.floatx()
    check_function(lambda k, x: k.zeros((k.shape(x)[0], 5)) + 1.0, np.ones((2, 5)), X)


def test_like():
    check('zeros_like', np.zeros_like(X), X)
    check('ones_like', np.ones_like(X), X)
    assert K.dtype(K.ones_like(K.variable(X), dtype='int32')) == 'int32'


def test_pad():
    check('pad', np.pad(MATRIX, ((1, 0), (2, 3)), 'constant'), MATRIX, paddings=((1, 0), (2, 3)))
    padded = np.pad(MATRIX, ((0, 1), (1, 0)), 'constant', constant_values=-5.0)
    check('pad', padded, MATRIX, paddings=((0, 1), (1, 0)), value=-5.0)
    check_gradient('pad', MATRIX, kwargs={'paddings': ((1, 0), (2, 3))})


def test_switch_on_a_scalar():
    for flag in (True, False):
        chosen = X if flag else -X
        check_function(lambda k, c, x: k.switch(c, x, -x), chosen, np.array(flag), X)
        check_function(lambda k, c, x: k.switch(c, lambda: x, lambda: -x), chosen, np.array(int(flag)), X)
    check_gradient(lambda x: K.switch(K.greater(K.sum(x), 0.0), lambda: x * x, lambda: x), np.abs(MATRIX))
    check_gradient(lambda x: K.switch(K.greater(K.sum(x), 0.0), lambda: x * x, lambda: x), -np.abs(MATRIX))


def test_switch_on_elements():
    check_function(lambda k, c, x: k.switch(c, x, -x), np.where(X > 0, X, -X), X > 0, X)
    rows = np.array([True, False])
    check_function(lambda k, c, x: k.switch(c, x, -x), np.where(rows[:, None, None], X, -X), rows, X)
    check_gradient(lambda c, x: K.switch(c, x * x, -x), rows, X)


def test_switch_with_too_many_dimensions():
    with pytest.raises(ValueError, match='condition'):
        K.switch(K.placeholder((2, 3, 4), dtype='bool'), K.placeholder((2, 3)), K.placeholder((2, 3)))


def test_shape_at_run_time():
    assert evaluate(lambda k, x: k.shape(x), X, known='none').tolist() == [2, 3, 4]
