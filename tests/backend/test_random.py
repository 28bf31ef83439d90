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


def test_draws_that_a_dtype_does_not_have_are_refused():
    """Cut off to whole numbers, they would come from another distribution."""
    for name in ('random_normal', 'truncated_normal'):
        for dtype in ('int32', 'bool'):
            with pytest.raises(ValueError, match=f'{name}: `dtype` is a type of floats.*{dtype}'):
                getattr(K, name)((2,), dtype=dtype)
    fractions = [(-0.5, 1.0), (0, np.float32(1.5)), (0.0, np.nan), (0.0, np.inf), (np.array(-0.5), np.array(3.0))]
    none = [((5, 5), 'int32'), ((5, 2), 'int32'), ((0, 2**40), 'int32'), ((-3, 30), 'uint8'), ((0, 257), 'uint8')]
    for draw in (K.random_uniform, K.random_uniform_variable):
        for bounds in fractions:
            with pytest.raises(ValueError, match='int32.*whole numbers'):
                draw((2,), *bounds, dtype='int32')
        for bounds, dtype in none:
            with pytest.raises(ValueError, match=f'numbers of dtype .{dtype}'):
                draw((2,), *bounds, dtype=dtype)
        for dtype in ('bool', 'complex64'):
            with pytest.raises(ValueError, match='type of floats or of whole numbers'):
                draw((2,), 0, 1, dtype)
    with pytest.raises(ValueError, match='int32.*whole numbers'):
        K.random_uniform((2,), K.constant(0.0), K.constant(3.0), 'int32')
    with pytest.raises(ValueError, match='random_normal.*: `dtype` is a type of floats'):
        K.random_normal_variable((2,), 0.0, 1.0, 'int32')


@pytest.mark.parametrize('dtype', ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'])
def test_whole_numbers_of_every_type(dtype):
    low = 0 if dtype.startswith('u') else -2
    for x in (
        K.random_uniform((300,), low, 3.0, dtype, seed=1),
        K.random_uniform((300,), K.constant(low, dtype), K.constant(3, dtype), dtype, seed=1),
        K.random_uniform_variable((300,), low, 3, dtype, seed=1),
        K.random_uniform_variable((300,), float(low), np.array(3.0), dtype, seed=1),
    ):
        found = K.eval(x)
        assert found.dtype == dtype and sorted(set(found)) == list(range(low, 3))
    assert 0.3 < np.mean(K.eval(K.random_uniform_variable((3000,), 0, 2, dtype, seed=1))) < 0.7


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
