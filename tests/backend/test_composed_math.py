import numpy as np
import pytest
from scipy import special

from cthulhu import backend as K
from tests.backend.helpers import check, check_function, check_gradient, evaluate

pytestmark = pytest.mark.usefixtures('fresh')
random = np.random.RandomState(0)
X = random.uniform(-2, 2, (2, 3, 4))


def away(x, *kinks):
    """`x` with elements near a kink moved off it, where differences would straddle it."""
    for kink in kinks:
        x = np.where(np.abs(x - kink) < 0.01, kink + 0.05, x)
    return x


@pytest.mark.parametrize(
    'low, high, expected',
    [
        (-1, 0.5, np.clip(X, -1, 0.5)),
        (None, 0.5, np.minimum(X, 0.5)),
        (-0.5, None, np.maximum(X, -0.5)),
        (1.0, -1.0, np.full_like(X, 1.0)),
        (None, None, X),
    ],
)
def test_clip(low, high, expected):
    check('clip', expected, X, min_value=low, max_value=high)


def ones_known_in(*arguments):
    """The arguments, whose lengths of 1 must be known to broadcast on some backends."""
    return () if K.supports('broadcasting') else arguments


def test_clip_by_tensors():
    low, high = np.full((4,), -0.5), np.full((3, 1), 0.25)
    check_function(
        lambda K, x, low, high: K.clip(x, low, high), np.clip(X, low, high), X, low, high, fixed=ones_known_in(2)
    )


def relu(x, alpha, max_value, threshold):
    out = np.where(x >= threshold, x, alpha * (x - threshold))
    return out if max_value is None else np.where(x >= max_value, max_value, out)


@pytest.mark.parametrize('alpha', [0.0, 0.25])
@pytest.mark.parametrize('max_value', [None, 1.0, 6])
@pytest.mark.parametrize('threshold', [0.0, 0.5])
def test_relu(alpha, max_value, threshold):
    x = away(X, 0.0, 0.5, 1.0)
    kwargs = {'alpha': alpha, 'max_value': max_value, 'threshold': threshold}
    check('relu', relu(x, **kwargs), x, **kwargs)
    check_gradient('relu', x, kwargs=kwargs)


def test_relu_alpha_may_be_a_tensor():
    alpha = random.uniform(0, 1, (3, 1))
    expected = np.where(X > 0, X, alpha * X)
    check_function(lambda K, x, alpha: K.relu(x, alpha=alpha), expected, X, alpha, fixed=ones_known_in(1))


def test_elu():
    check('elu', np.where(X > 0, X, 0.5 * np.expm1(X)), X, alpha=0.5)
    check('elu', np.where(X > 0, X, np.expm1(X)), X)
    check_gradient('elu', away(X, 0.0), kwargs={'alpha': 0.5})


def test_elu_of_large_numbers_has_a_finite_gradient():
    if not K.supports('gradients'):
        pytest.skip('forward only')
    x = K.placeholder((2,))
    gradient = K.function([x], K.gradients(K.sum(K.elu(x)), [x]))([np.array([200.0, -200.0], 'float32')])[0]
    np.testing.assert_allclose(gradient, [1, 0], atol=1e-6)


def test_hard_sigmoid():
    x = away(np.linspace(-4, 4, 33), -2.5, 2.5)
    check('hard_sigmoid', np.clip(0.2 * x + 0.5, 0, 1), x)
    check_gradient('hard_sigmoid', x)


def test_softsign():
    check('softsign', X / (1 + np.abs(X)), X)
    check_gradient('softsign', X)


@pytest.mark.parametrize('axis', [None, 0, -1, (0, 2), [1]])
@pytest.mark.parametrize('keepdims', [False, True])
def test_std_and_logsumexp(axis, keepdims):
    numpy_axis = tuple(axis) if isinstance(axis, list) else axis
    kwargs = {'axis': axis, 'keepdims': keepdims}
    check('std', np.std(X, axis=numpy_axis, keepdims=keepdims), X, **kwargs)
    check('logsumexp', special.logsumexp(X, axis=numpy_axis, keepdims=keepdims), X, **kwargs)
    check_gradient('std', X, kwargs=kwargs)
    check_gradient('logsumexp', X, kwargs=kwargs)


def test_logsumexp_does_not_overflow():
    x = np.array([[1000.0, 1000.0], [-1000.0, -1000.0], [-np.inf, -np.inf], [-np.inf, 3.0], [np.inf, 0.0]])
    check('logsumexp', [1000 + np.log(2), -1000 + np.log(2), -np.inf, 3, np.inf] * np.ones(5), x, axis=1)


@pytest.mark.parametrize('axis', [None, 0, -1, (0, 2)])
def test_l2_normalize(axis):
    check('l2_normalize', X / np.sqrt(np.sum(X**2, axis=axis, keepdims=True)), X, axis=axis)
    check_gradient('l2_normalize', X, kwargs={'axis': axis})


def test_l2_normalize_of_zeros_is_zeros():
    check('l2_normalize', np.zeros((2, 3)), np.zeros((2, 3)), axis=1)


def test_transpose_and_size():
    check('transpose', X.T, X)
    check('transpose', X[0].T, X[0])
    check('size', np.array(24), X)


BATCH_DOTS = [
    ((5, 4), (5, 4), None, 'bi,bi->b'),
    ((5, 4), (5, 4), 1, 'bi,bi->b'),
    ((5, 3, 4), (5, 4, 2), None, 'bmi,bin->bmn'),
    ((5, 3, 4), (5, 2, 4), 2, 'bmi,bni->bmn'),
    ((5, 3, 4), (5, 3, 2), 1, 'bim,bin->bmn'),
    ((5, 4, 3), (5, 2, 4), (1, 2), 'bim,bni->bmn'),
    ((5, 4), (5, 4, 2), None, 'bi,bin->bn'),
    ((5, 4), (5, 2, 4), (1, 2), 'bi,bni->bn'),
    ((5, 3, 4), (5, 4), None, 'bmi,bi->bm'),
    ((5, 4, 3), (5, 4), (1, 1), 'bim,bi->bm'),
    ((5, 2, 3, 4), (5, 4, 2), None, 'bmpi,bin->bmpn'),
    ((5, 2, 3, 4), (5, 6, 3), (2, 2), 'bmip,bni->bmpn'),
    ((5, 2, 3, 4), (5, 6, 4, 7), None, 'bmpi,bnio->bmpno'),
    ((5, 2, 3, 4), (5, 6, 7, 2), (1, -1), 'bimp,bnoi->bmpno'),
    ((5, 4), (5, 2, 4, 3), (-1, -2), 'bi,bnio->bno'),
    ((5, 2, 3, 4), (5, 4), (3, 1), 'bmpi,bi->bmp'),
]


@pytest.mark.parametrize('x_shape, y_shape, axes, formula', BATCH_DOTS)
def test_batch_dot(x_shape, y_shape, axes, formula):
    x, y = random.normal(size=x_shape), random.normal(size=y_shape)
    expected = np.einsum(formula, x, y)
    check('batch_dot', expected.reshape(expected.shape if expected.ndim > 1 else (-1, 1)), x, y, axes=axes)
    check_gradient('batch_dot', x, y, kwargs={'axes': axes})


def test_batch_dot_knows_its_static_shape():
    x, y = K.placeholder((None, 3, 4)), K.placeholder((8, 4, 6, 7))
    assert K.int_shape(K.batch_dot(x, y, axes=(2, 1))) == (8, 3, 6, 7)


def test_batch_dot_refuses():
    with pytest.raises(ValueError, match='axes differ, 4 and 5'):
        K.batch_dot(K.placeholder((None, 3, 4)), K.placeholder((None, 5, 4)))
    with pytest.raises(ValueError, match='axis 0, which is the batch'):
        K.batch_dot(K.placeholder((3, 4)), K.placeholder((3, 4)), axes=0)


def test_in_top_k():
    predictions = np.array([[0.1, 0.5, 0.4], [0.3, 0.3, 0.4], [0.2, 0.2, 0.6], [0.2, np.nan, 0.6], [0.1, np.inf, 0.2]])
    targets = np.array([2, 0, 1, 1, 1], 'int32')
    check('in_top_k', np.array([False, False, False, False, False]), predictions, targets, k=1)
    # Level with the k-th counts; what is not finite does not.
    check('in_top_k', np.array([True, True, True, False, False]), predictions, targets, k=2)
    check('in_top_k', np.array([True, True, True]), predictions[:3], targets[:3], k=3)


def test_what_is_unknown_is_refused_by_name():
    with pytest.raises(ValueError, match='rank of a tensor'):
        K.transpose(K.placeholder())


def test_results_keep_the_dtype():
    x = np.ones((2, 3))
    for f in (K.softsign, K.hard_sigmoid, K.elu, K.relu, K.logsumexp, K.l2_normalize, K.std):
        assert evaluate(lambda K, t: f(t), x).dtype == np.float64, f.__name__
