"""Draws: distributions, repetition, counting."""

import numpy as np
import pytest

from cthulhu import backend as K

pytestmark = pytest.mark.usefixtures('fresh')

DRAWS = {
    'random_uniform': ((-1.0, 3.0), 1.0, 4 / np.sqrt(12)),
    'random_normal': ((1.0, 2.0), 1.0, 2.0),
    # The standard deviation of a normal distribution cut off at two of them.
    'truncated_normal': ((1.0, 2.0), 1.0, 2 * 0.87962566),
}


@pytest.mark.parametrize('name', sorted(DRAWS))
@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64'])
def test_distribution(name, dtype):
    arguments, mean, deviation = DRAWS[name]
    x = K.eval(getattr(K, name)((200, 200), *arguments, dtype=dtype, seed=5))
    assert x.dtype == dtype and x.shape == (200, 200)
    x = x.astype('float64')
    assert abs(x.mean() - mean) < 0.05 and abs(x.std() - deviation) < 0.05
    assert len(np.unique(x)) > 1000
    if name == 'random_uniform':
        assert x.min() >= -1 and x.max() <= 3
    if name == 'truncated_normal':
        assert np.abs(x - 1).max() <= 4.0 + 1e-2


def test_uniform_integers():
    x = K.eval(K.random_uniform((1000,), 2, 7, dtype='int32', seed=1))
    assert x.dtype == np.int32 and sorted(set(x)) == [2, 3, 4, 5, 6]


def test_shape_at_run_time():
    x = K.placeholder((None, 3))
    draw = K.function([x], [K.random_normal(K.shape(x), seed=1), K.random_uniform((K.shape(x)[0], 2), seed=1)])
    assert [v.shape for v in draw([np.zeros((5, 3))])] == [(5, 3), (5, 2)]


def _run(n=3):
    K.clear_session()
    f = K.function([], [K.random_uniform((3,), seed=11), K.random_normal((3,), seed=12)])
    return [f([]) for _ in range(n)]


def test_a_run_repeats_and_each_call_draws_anew():
    first, second = _run(), _run()
    np.testing.assert_array_equal(first, second)
    assert len({tuple(values[0]) for values in first}) == 3


def test_no_seed_takes_one_from_numpy():
    def run():
        np.random.seed(42)
        f = K.function([], [K.random_uniform((4,)), K.random_uniform((4,))])
        return f([])

    first, second = run(), run()
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(*first)
