import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import backends, evaluate

pytestmark = pytest.mark.usefixtures('fresh')


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
def test_random_binomial(backend):
    x = backend.random_binomial((100, 100), p=0.3, seed=1)
    value = backend.eval(x)
    assert value.shape == (100, 100) and value.dtype == K.floatx() and set(np.unique(value)) == {0, 1}
    # Four standard errors.
    assert abs(value.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 10000)
    assert backend.eval(backend.random_binomial((2, 2), p=1.0, dtype='float64')).dtype == np.float64
    assert backend.eval(backend.random_binomial((50,))).max() == 0


def test_random_variables():
    uniform = K.get_value(K.random_uniform_variable((100, 100), 2, 4, seed=3))
    assert uniform.shape == (100, 100) and uniform.dtype == K.floatx()
    assert 2 <= uniform.min() and uniform.max() <= 4 and abs(uniform.mean() - 3) < 4 * np.sqrt(4 / 12 / 10000)
    normal = K.get_value(K.random_normal_variable((100, 100), 1.0, 2.0, dtype='float64', seed=3))
    assert normal.dtype == np.float64 and abs(normal.mean() - 1) < 4 * 2 / 100 and abs(normal.std() - 2) < 0.06


@pytest.mark.parametrize('make', [K.random_uniform_variable, K.random_normal_variable])
def test_random_variables_repeat(make):
    first, again, other = (K.get_value(make((5,), 0.0, 1.0, seed=seed)) for seed in (7, 7, 8))
    assert (first == again).all() and (first != other).any()
    values = []
    for _ in range(2):
        np.random.seed(5)
        values.append([K.get_value(make((5,), 0.0, 1.0)) for _ in range(2)])
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[0][0] != values[0][1]).any()


@pytest.mark.parametrize('known', ['all', 'but the first', 'none'])
@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
def test_dropout(backend, known):
    x = np.full((100, 200), 2.0, 'float32')
    value = evaluate(lambda K, x: K.dropout(x, 0.2, seed=1), x, backend=backend, known=known)
    np.testing.assert_allclose(np.unique(value), [0, 2.5], rtol=1e-6)
    assert abs((value == 0).mean() - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 20000)
    value = evaluate(lambda K, x: K.dropout(x, 0.5, (None, 1), seed=1), x, backend=backend, known=known)
    assert (value == value[:, :1]).all() and 0 < (value == 0).mean() < 1
    value = evaluate(lambda K, x: K.dropout(x, 0.5, noise_shape=(1, 200), seed=1), x, backend=backend, known=known)
    assert (value == value[:1]).all() and 0 < (value == 0).mean() < 1
    assert (evaluate(lambda K, x: K.dropout(x, 0.0), x, backend=backend, known=known) == x).all()


def test_dropout_passes_the_gradient_of_what_it_keeps():
    if not K.supports('gradients'):
        pytest.skip('forward only')
    x = K.placeholder((1000,))
    y = K.dropout(x, 0.5, seed=2)
    value, gradient = K.function([x], [y] + K.gradients(K.sum(y), [x]))([np.ones(1000, 'float32')])
    np.testing.assert_allclose(value, gradient)
    assert 0 < (gradient == 0).mean() < 1


def test_dropout_draws_anew_at_each_call_and_repeats_with_its_seed():
    x = K.placeholder((50,))
    value = np.ones(50, 'float32')

    def three_draws():
        run = K.function([x], [K.dropout(x, 0.5, seed=3)])
        return [run([value])[0] for _ in range(3)]

    first, second = three_draws(), three_draws()
    assert (first[0] != first[1]).any() and (first[1] != first[2]).any()
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize('level', [-0.1, 1.0, 2])
def test_dropout_refuses(level):
    with pytest.raises(ValueError, match='level: expected a number from 0 up to, not including, 1, got'):
        K.dropout(K.placeholder((2,)), level)


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
def test_mean_and_deviation_keep_their_digits(backend):
    for draw in backend.random_normal, backend.truncated_normal:
        assert backend.eval(draw((3,), mean=0.1, stddev=0.0, dtype='float64', seed=1)).tolist() == [0.1] * 3
