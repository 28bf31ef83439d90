"""Arithmetic, comparisons, reductions and products against NumPy; gradients against finite differences."""

import numpy as np
import pytest
from scipy import special

from cthulhu import backend as K
from tests.backend.helpers import check, check_function, check_gradient

pytestmark = pytest.mark.usefixtures('fresh')
RNG = np.random.RandomState(1)
X = RNG.uniform(-2, 2, (3, 4))
Y = RNG.uniform(-2, 2, (3, 4))
POSITIVE = RNG.uniform(0.1, 3, (3, 4))

ELEMENTWISE = {
    'abs': (np.abs, X),
    'exp': (np.exp, X),
    'log': (np.log, POSITIVE),
    'sqrt': (np.sqrt, POSITIVE),
    'square': (np.square, X),
    'sin': (np.sin, X),
    'cos': (np.cos, X),
    'tanh': (np.tanh, X),
    'sigmoid': (special.expit, X),
    'softplus': (lambda x: np.log1p(np.exp(x)), X),
    'erf': (special.erf, X),
}


@pytest.mark.parametrize('name', sorted(ELEMENTWISE))
def test_elementwise(name):
    function, x = ELEMENTWISE[name]
    check(name, function(x), x)
    check_gradient(name, x[:2, :3])


@pytest.mark.parametrize('name', ['sign', 'round', 'floor'])
def test_steps(name):
    x = np.array([[-1.5, -0.5, 0.0], [0.5, 1.5, 2.4]])
    check(name, getattr(np, name)(x), x)


def test_at_the_edges():
    check('sqrt', np.array([0.0, 0.0, 2.0]), np.array([-1.0, 0.0, 4.0]))
    check('sigmoid', np.array([0.0, 1.0]), np.array([-1000.0, 1000.0]))
    check('softplus', np.array([0.0, 1000.0]), np.array([-1000.0, 1000.0]))


BINARY = {
    'maximum': np.maximum,
    'minimum': np.minimum,
    'equal': np.equal,
    'not_equal': np.not_equal,
    'greater': np.greater,
    'greater_equal': np.greater_equal,
    'less': np.less,
    'less_equal': np.less_equal,
}


@pytest.mark.parametrize('name', sorted(BINARY))
def test_pairs(name):
    y = Y.copy()
    y[0] = X[0]
    check(name, BINARY[name](X, y), X, y)
    check(name, BINARY[name](X, Y[0]), X, Y[0])
    check_function(lambda k, x: getattr(k, name)(x, 0.5), BINARY[name](X, 0.5), X)
    if name in ('maximum', 'minimum'):
        check_gradient(name, X[:2], Y[:2])


def test_pow():
    check('pow', POSITIVE**2.5, POSITIVE, a=2.5)
    check('pow', POSITIVE**Y, POSITIVE, Y)
    check_gradient('pow', POSITIVE[:2], Y[:2])


def test_logic():
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    check('logical_and', a & b, a, b)
    check('logical_or', a | b, a, b)
    check('logical_not', ~a, a)


# Where lengths of 1 must be known to broadcast.
FIXED = () if K.supports('broadcasting') else (0,)


def test_where():
    condition = X > 0
    check('where', np.where(condition, X, Y), condition, X, Y)
    check_function(
        lambda k, c, x: k.where(c, x, 0.5), np.where(condition[:, :1], X, 0.5), condition[:, :1], X, fixed=FIXED
    )
    check_gradient('where', condition, X, Y)


AXES = [None, 0, -1, (0, 2), [1]]
CUBE = RNG.uniform(0.5, 2, (2, 3, 4))


@pytest.mark.parametrize('name', ['sum', 'prod', 'max', 'min', 'mean', 'var'])
@pytest.mark.parametrize('keepdims', [False, True])
def test_reductions(name, keepdims):
    function = getattr(np, name)
    for axis in AXES:
        np_axis = tuple(axis) if isinstance(axis, list) else axis
        check(name, function(CUBE, axis=np_axis, keepdims=keepdims), CUBE, axis=axis, keepdims=keepdims)


@pytest.mark.parametrize('name', ['sum', 'prod', 'max', 'min', 'mean', 'var'])
def test_gradients_of_reductions(name):
    check_gradient(name, CUBE[:, :2, :2], kwargs={'axis': 1})
    check_gradient(name, CUBE[:, :2, :2], kwargs={'axis': (0, 2), 'keepdims': True})


@pytest.mark.parametrize('name', ['any', 'all'])
def test_any_and_all(name):
    x = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0], [3.0, 1.0, 1.0]])
    for axis in (None, 0, 1, -1):
        check(name, getattr(np, name)(x.astype(bool), axis=axis), x, axis=axis)
    check(name, getattr(np, name)(x > 0, axis=1, keepdims=True), x > 0, axis=1, keepdims=True)


def test_reductions_of_bool_and_int():
    x = np.array([[True, False], [True, True]])
    check('sum', np.array(3.0), x)
    check('mean', np.array([1.0, 0.5]), x, axis=0)
    check('mean', np.array([1.5, 3.5]), np.array([[1, 2], [3, 4]]), axis=1)


def test_arguments_of_the_extremes():
    for axis in (-1, 0, 1):
        check('argmax', np.argmax(CUBE, axis), CUBE, axis=axis)
        check('argmin', np.argmin(CUBE, axis), CUBE, axis=axis)


def test_running_totals():
    for axis in (0, 1, -1):
        check('cumsum', np.cumsum(CUBE, axis), CUBE, axis=axis)
        check('cumprod', np.cumprod(CUBE, axis), CUBE, axis=axis)
    check_gradient('cumsum', X, kwargs={'axis': 1})
    check_gradient('cumprod', POSITIVE, kwargs={'axis': 1})


@pytest.mark.parametrize('x_shape, y_shape', [((2, 3), (3, 4)), ((2, 3, 4), (4, 5)), ((2, 4), (3, 4, 5)),
                                              ((2, 3, 4), (2, 4, 5)), ((2, 3), (3,))])  # fmt: skip
def test_dot(x_shape, y_shape):
    x, y = RNG.randn(*x_shape), RNG.randn(*y_shape)
    check('dot', np.dot(x, y), x, y)
    check_gradient('dot', x, y)


def test_matmul():
    x, y = RNG.randn(2, 3, 4), RNG.randn(2, 4, 5)
    check('matmul', np.matmul(x, y), x, y)
    check('matmul', np.matmul(x[:1], y), x[:1], y)
    check_gradient('matmul', x, y)


def test_cast():
    check('cast', np.array([1.0, -1.0, 0.0]), np.array([1, -1, 0]), dtype='float32')
    check('cast', np.array([1, -1, 0]), np.array([1.7, -1.7, 0.0]), dtype='int32')
    check('cast', np.array([True, True, False]), np.array([0.5, -1.0, 0.0]), dtype='bool')
    x = K.variable(X)
    assert K.dtype(K.cast(x, 'float16')) == 'float16'
    assert K.cast(x, K.floatx()) is x
    assert K.dtype(K.cast(np.arange(3), 'float64')) == 'float64'


def test_cast_to_floatx():
    assert K.cast_to_floatx(np.arange(3, dtype='int64')).dtype == K.floatx()
    assert K.dtype(K.cast_to_floatx(K.variable([1, 2], dtype='int32'))) == K.floatx()


@pytest.mark.parametrize('dtype', ['int32', 'bool'])
def test_fractions_beside_whole_numbers_are_kept(dtype):
    """Cut off to the dtype of the tensor, they would be other numbers."""
    x, values = K.constant([1, 0, 1], dtype), np.array([1.0, 0.0, 1.0])
    for y in (0.5, 1.0, np.float32(0.5), np.float64(1.5), np.array([0.5, 1.5, 1.0]), [0.5, 1.5, 1.0]):
        for name in ('equal', 'not_equal', 'greater', 'greater_equal', 'less', 'less_equal', 'maximum', 'minimum'):
            for one, other, wanted in ((x, y, (values, y)), (y, x, (y, values))):
                found = getattr(K, name)(one, other)
                assert K.dtype(found) == ('bool' if name not in ('maximum', 'minimum') else K.floatx()), (name, y)
                np.testing.assert_array_equal(K.eval(found), getattr(np, name)(*wanted), err_msg=f'{name} {y}')
        np.testing.assert_array_equal(
            K.eval(K.where(K.constant([True, False, True], 'bool'), x, y)), np.where([1, 0, 1], values, y)
        )


def test_top_k():
    x = np.array([[3.0, 1.0, 3.0, 2.0], [0.0, 5.0, 4.0, 6.0]])
    check('top_k', [np.array([[3.0, 3.0], [6.0, 5.0]]), np.array([[0, 2], [3, 1]])], x, k=2)


def test_data_for_tensors():
    """Arrays and numbers are operands as tensors are, and take the tensor's dtype."""
    x = K.placeholder((3, 4), dtype='float64')
    for y in (2, 2.5, Y, Y.tolist(), Y.astype('float32')):
        out = K.maximum(x, y)
        assert K.dtype(out) == 'float64'
        np.testing.assert_allclose(K.function([x], [out])([X])[0], np.maximum(X, y), rtol=1e-6)
    assert K.dtype(K.exp(X)) == K.floatx()
    np.testing.assert_allclose(K.eval(K.dot(X, Y.T)), X.dot(Y.T), rtol=1e-5)


@pytest.mark.skipif(not K.supports('float16'), reason='the backend does not compute in float16')
def test_means_of_more_than_16_bits_can_count():
    x = np.linspace(0, 1, 102400).reshape(4, 25600)
    fed = K.placeholder((None, 25600), dtype='float16')
    found = K.function([fed], [K.mean(fed), K.var(fed), K.std(fed), K.mean(fed, axis=0)])([x])
    for mine, wanted in zip(found, [x.mean(), x.var(), x.std(), x.mean(0)]):
        assert mine.dtype == 'float16'
        np.testing.assert_allclose(mine, wanted, rtol=2e-3)
