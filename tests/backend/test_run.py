"""Tensors, functions, gradients, loops."""

import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import check_gradient

pytestmark = pytest.mark.usefixtures('fresh')
RNG = np.random.RandomState(3)


def test_placeholder():
    x = K.placeholder((None, 3), dtype='int32', name='things')
    assert K.is_tensor(x) and K.is_placeholder(x) and not K.is_variable(x) and not K.is_sparse(x)
    assert K.int_shape(x) == (None, 3) and K.ndim(x) == 2 and K.dtype(x) == 'int32'
    assert K.int_shape(K.placeholder(ndim=3)) == (None, None, None)
    assert K.int_shape(K.placeholder(())) == ()
    assert K.dtype(K.placeholder(())) == K.floatx()
    assert not K.is_placeholder(x + x)


def test_variable():
    value = RNG.randn(2, 3)
    v = K.variable(value, name='weights', constraint=len)
    assert K.is_variable(v) and K.is_tensor(v) and not K.is_placeholder(v)
    assert K.int_shape(v) == (2, 3) and K.dtype(v) == K.floatx() and K.count_params(v) == 6
    assert v.constraint is len and 'weights' in v.name
    np.testing.assert_allclose(K.get_value(v), value, rtol=1e-6)
    np.testing.assert_allclose(K.eval(v), value, rtol=1e-6)
    K.set_value(v, value + 1)
    np.testing.assert_allclose(K.eval(v * 2.0), 2 * (value + 1), rtol=1e-6)
    assert K.dtype(K.variable([1, 2], dtype='int64')) == 'int64'


def test_get_value_of_other_tensors():
    """Layers of Keras 2 compute numbers so."""
    v = K.variable([1.0, 4.0])
    assert K.get_value(K.minimum(K.constant(3), 5)) == 3
    np.testing.assert_array_equal(K.get_value(2 * v), [2.0, 8.0])
    K.set_value(v, [0.0, 1.0])
    np.testing.assert_array_equal(K.get_value(2 * v), [0.0, 2.0])


def test_variable_that_begins_with_a_tensor():
    a = K.variable(K.constant([1.0, 2.0]) * 3.0)
    np.testing.assert_allclose(K.get_value(a), [3.0, 6.0])
    b = K.variable(a * 2.0)
    np.testing.assert_allclose(K.get_value(b), [6.0, 12.0])


def test_set_value_checks_the_shape():
    v = K.variable(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r'\(2, 3\).*\(3, 2\)'):
        K.set_value(v, np.zeros((3, 2)))
    np.testing.assert_array_equal(K.get_value(v), np.zeros((2, 3)))


def test_a_variable_keeps_a_value_of_its_own():
    for size in (3, 30000, 4000000):
        value = np.ones(size, K.floatx())
        v = K.variable(value)
        value[:] = 5
        assert K.get_value(v)[0] == 1
        K.set_value(v, value)
        value[:] = 7
        got = K.get_value(v)
        assert got[0] == 5
        K.function([], [], updates=[K.update_add(v, 1.0)])([])
        assert got[0] == 5 and K.get_value(v)[0] == 6
        x = K.placeholder((None,))
        K.function([x], [], updates=[K.update(v, x)])([value])
        value[:] = 9
        assert K.get_value(v)[0] == 7


def test_constant():
    np.testing.assert_array_equal(K.eval(K.constant([[1, 2]])), [[1.0, 2.0]])
    np.testing.assert_array_equal(K.eval(K.constant(3, shape=(2, 2), dtype='int32')), [[3, 3], [3, 3]])
    assert K.dtype(K.constant(np.arange(3))) == K.floatx()


def test_numbers_as_bool():
    for value in ([1, 0, 2], [1.0, 0.0, 0.5], np.array([3, 0, 1]), [True, False, True]):
        for make in (K.constant, K.variable):
            np.testing.assert_array_equal(K.eval(make(value, 'bool')), [True, False, True])
    assert K.eval(K.constant(1, 'bool', (2,))).tolist() == K.eval(K.ones((2,), 'bool')).tolist() == [True, True]


def test_what_is_a_tensor():
    assert not K.is_tensor(np.zeros(3)) and not K.is_tensor(3.0) and not K.is_tensor([K.constant(1.0)])
    assert K.is_tensor(K.constant(1.0))
    with pytest.raises(ValueError, match='tensor'):
        K.is_cthulhu_tensor(np.zeros(3))
    assert not K.is_cthulhu_tensor(K.placeholder((2,)))


def test_function():
    x, y = K.placeholder((None, 2)), K.placeholder((None, 2))
    f = K.function([x, y], [x + y, x * y])
    a, b = np.ones((3, 2)), np.full((3, 2), 4)
    results = f([a, b])
    assert isinstance(results, list)
    np.testing.assert_array_equal(results[0], a + b)
    np.testing.assert_array_equal(results[1], a * b)
    np.testing.assert_array_equal(f([a.tolist(), b.tolist()])[0], a + b)
    np.testing.assert_array_equal(K.function([x], [x])([a])[0], a)


def test_function_of_lists_of_arrays():
    """What `_standardize_user_data` returns, lists of inputs, targets and weights, and outputs as the values of a dict: so the tools of others call it."""
    x, y = K.placeholder((None, 2)), K.placeholder((None,))
    a, b = np.ones((3, 2), 'float32'), np.arange(3, dtype='float32')
    first = K.function([x], {'double': 2 * x, 'same': x + 0}.values())(([a], [], []))
    assert len(first) == 2
    np.testing.assert_array_equal(first[0], 2 * a)
    f = K.function([x, y], [K.sum(x, axis=-1) + y])
    for values in (([a], [b]), ([a, b],), ([a, b], [], [])):
        np.testing.assert_array_equal(f(*values) if len(values) == 1 else f(values), [[2, 3, 4]])
    # A list of arrays is one value, too, where an input has the axis for it.
    stacked = K.placeholder((1, 3, 2))
    np.testing.assert_array_equal(K.function([stacked], [stacked + 1])([[a]])[0], a[None] + 1)
    with pytest.raises(ValueError, match='expected 2 input values, got 3'):
        f(([a], [b], [b]))


def test_function_without_inputs():
    assert K.function([], [K.constant(2.0) * 3.0])([]) == [6.0]


def test_function_refuses():
    x = K.placeholder((None, 2))
    with pytest.raises(TypeError, match='inputs'):
        K.function(x, [x * 2.0])
    f = K.function([x], [x * 2.0])
    with pytest.raises(ValueError, match='1 input'):
        f([np.zeros((1, 2)), np.zeros((1, 2))])


def test_updates_use_the_values_before():
    a, b = K.variable(1.0), K.variable(10.0)
    f = K.function(
        [], [a + b, K.identity(a)], updates=[K.update(a, b), (b, a), None, [K.update_add(K.variable(0.0), 1)]]
    )
    assert f([]) == [11.0, 1.0]
    assert K.batch_get_value([a, b]) == [10.0, 1.0]
    assert f([]) == [11.0, 10.0]
    assert K.batch_get_value([a, b]) == [1.0, 10.0]


def test_updates():
    v = K.variable([1.0, 2.0])
    for update, expected in (
        (K.update(v, v * 3.0), [3.0, 6.0]),
        (K.update_add(v, 1.0), [4.0, 7.0]),
        (K.update_sub(v, [1.0, 2.0]), [3.0, 5.0]),
        (K.moving_average_update(v, K.constant([0.0, 1.0]), 0.5), [1.5, 3.0]),
    ):
        assert tuple(update)[0] is v
        K.function([], [], updates=[update])([])
        np.testing.assert_allclose(K.get_value(v), expected)


def test_two_updates_of_one_variable():
    v = K.variable(1.0, name='twice')
    with pytest.raises(ValueError, match='twice'):
        K.function([], [], updates=[K.update_add(v, 1.0), K.update_add(v, 2.0)])


def test_after_updates_read_the_new_values():
    x = K.placeholder(())
    total = K.variable(1.0)
    seen = total * 1.0
    f = K.function([x], [total * 1.0], updates=[K.update_add(total, x)], after_updates=[seen, x * 2.0])
    assert f([5.0]) == [1.0, 6.0, 10.0]
    assert f([5.0]) == [6.0, 11.0, 10.0]


def test_after_updates_made_in_control_dependencies():
    x = K.placeholder(())
    total = K.variable(1.0)
    update = K.update_add(total, x)
    with K.control_dependencies([update]):
        after = total * 2.0
    f = K.function([x], [x + 1.0], updates=[update], after_updates=[after])
    assert f([5.0]) == [6.0, 12.0]
    assert f([1.0]) == [2.0, 14.0]


def test_gradients():
    x, y = RNG.randn(3, 2), RNG.randn(2)
    check_gradient(lambda a, b: K.square(a) * b, x, y)
    a, b = K.variable(x), K.variable(y)
    if not K.supports('gradients'):
        pytest.skip('no gradients')
    ga, none = K.gradients(K.sum(a * a), [a, b])
    assert none is None
    np.testing.assert_allclose(K.eval(ga), 2 * x, rtol=1e-5)
    (stopped,) = K.gradients(K.sum(K.stop_gradient(a) * a), [a])
    np.testing.assert_allclose(K.eval(stopped), x, rtol=1e-5)
    assert len(K.stop_gradient([a, b])) == 2


def _cumulative(slices, states, time):
    total = states[0] * 0.5 + slices[0]
    return [total, K.cast(time, K.dtype(total)) + total], [total]


@pytest.mark.parametrize('shape', [(4, 2, 3), (None, 2, 3), (4, None, 3), (None, None, None)])
def test_scan(shape):
    x, s = RNG.randn(4, 2, 3).astype(K.floatx()), RNG.randn(2, 3).astype(K.floatx())
    xs, state = K.placeholder(shape), K.placeholder(shape[1:])
    outputs, finals = K.scan(_cumulative, [xs], [state])
    expected, total = [], s
    for row in x:
        total = total * 0.5 + row
        expected.append(total)
    expected = np.stack(expected)
    assert len(outputs) == 2 and len(finals) == 1
    assert K.int_shape(outputs[0]) == shape and K.int_shape(finals[0]) == shape[1:]
    both, last, timed = K.function([xs, state], [outputs[0], finals[0], outputs[1]])([x, s])
    np.testing.assert_allclose(both, expected, rtol=1e-5)
    np.testing.assert_allclose(last, expected[-1], rtol=1e-5)
    np.testing.assert_allclose(timed, expected + np.arange(4).reshape(4, 1, 1), rtol=1e-5)


def test_scan_without_sequences():
    _, (power,) = K.scan(lambda _, states, time: ([], [states[0] * 2.0]), [], [K.constant(1.0)], length=5)
    assert K.eval(power) == 32
    with pytest.raises(ValueError, match='length'):
        K.scan(lambda _, states, time: ([], states), [], [K.constant(1.0)])


@pytest.mark.skipif(not K.supports('empty_loops'), reason='in the table of docs/backends.md')
def test_scan_of_no_steps():
    xs = K.placeholder((None, 2))
    outputs, finals = K.scan(lambda x, s, t: ([x[0] + s[0]], [x[0] + s[0]]), [xs], [K.constant([1.0, 2.0])])
    out, last = K.function([xs], [outputs[0], finals[0]])([np.zeros((0, 2))])
    assert out.shape == (0, 2)
    np.testing.assert_array_equal(last, [1, 2])


def test_gradients_through_scan():
    weights = RNG.randn(3)

    def f(x, s, w):
        outputs, finals = K.scan(
            lambda xs, ss, t: ([K.tanh(xs[0] * w + ss[0])] * 2, [K.tanh(xs[0] * w + ss[0])]), [x], [s]
        )
        return K.sum(outputs[1], axis=0) + finals[0]

    check_gradient(f, RNG.randn(4, 2, 3), RNG.randn(2, 3), weights)


def test_scan_in_scan():
    def outer(slices, states, time):
        _, (total,) = K.scan(lambda x, s, t: ([], [s[0] * 0.5 + x[0]]), [slices[0]], [states[0]])
        return [total], [total]

    x = RNG.randn(2, 3, 4)
    expected, total = [], np.zeros(4)
    for block in x:
        for row in block:
            total = total * 0.5 + row
        expected.append(total)
    xs = K.placeholder((2, 3, 4))
    (found,), _ = K.scan(outer, [xs], [K.constant(np.zeros(4))])
    np.testing.assert_allclose(K.function([xs], [found])([x])[0], expected, rtol=1e-5)
    check_gradient(lambda a: K.scan(outer, [a], [K.constant(np.zeros(4), dtype='float64')])[1][0], x)


def test_learning_phase():
    x = K.placeholder((2,))
    y = K.in_train_phase(x * 2.0, x)
    phase = K.learning_phase()
    assert K.is_placeholder(phase) and K.learning_phase() is phase
    f = K.function([x, phase], [y])
    assert f([[1, 2], 1])[0].tolist() == [2, 4] and f([[1, 2], 0])[0].tolist() == [1, 2]
    assert K.function([x], [y])([[1, 2]])[0].tolist() == [1, 2]
    K.set_learning_phase(1)
    assert K.learning_phase() == 1
    assert K.function([x], [K.in_train_phase(x * 3.0, x)])([[1, 2]])[0].tolist() == [3, 6]
    with pytest.raises(ValueError, match='value'):
        K.set_learning_phase(2)


def test_print_tensor(capfd):
    x = K.placeholder((2,))
    y = K.print_tensor(x * 2.0, message='here: ')
    assert 'here' not in capfd.readouterr().err
    assert K.function([x], [y])([[1, 2]])[0].tolist() == [2, 4]
    assert 'here' in capfd.readouterr().err


def test_graph_scope():
    with K.graph_scope('outer'):
        v = K.variable(1.0, name='inner')
    assert K.get_value(v) == 1
    if K.supports('sessions'):
        assert v.name.startswith('outer/inner')


def test_clear_session_starts_afresh():
    assert [K.get_uid('x'), K.get_uid('x'), K.get_uid('y')] == [1, 2, 1]
    K.set_learning_phase(1)
    K.clear_session()
    assert K.get_uid('x') == 1
    assert K.is_placeholder(K.learning_phase())


@pytest.mark.parametrize(
    'dtype, value, what',
    [
        ('int32', np.array([1, 2**40]), '1099511627776'),
        ('uint8', np.array([1, -1]), '-1'),
        ('int32', [1.5, 2.0], '1.5'),
        ('int64', np.array([1.0, np.nan]), 'nan'),
        ('int32', np.array([1, 2**40], 'uint64'), '1099511627776'),
        ('float32', [1j, 2.0], 'complex'),
        ('int32', np.array([1j, 2.0]), 'complex'),
    ],
)
def test_numbers_that_a_dtype_does_not_have_are_refused(dtype, value, what):
    x = K.placeholder((2,), dtype=dtype, name='numbers')
    f = K.function([x], [x])
    with pytest.raises((ValueError, TypeError)) as error:
        f([value])
    assert what in str(error.value) and 'numbers' in str(error.value)
    # The same numbers in another dtype are no reason.
    for same in (np.array([1.0, 2.0]), np.array([1, 2], 'uint8'), [1, 2], np.array([True, False])):
        np.testing.assert_array_equal(f([same])[0], np.asarray(same).astype(dtype))


def _askers():
    """Name -> function of a dtype that makes a tensor, for all that take one."""
    x, found = K.variable([1.0, 0.0]), {}
    for name in ('eye', 'ones', 'zeros', 'placeholder', 'random_uniform', 'random_normal', 'truncated_normal'):
        found[name] = lambda dtype, name=name: getattr(K, name)(2 if name == 'eye' else (2,), dtype=dtype)
    for name in ('random_uniform_variable', 'random_normal_variable'):
        found[name] = lambda dtype, name=name: getattr(K, name)((2,), 0.0, 1.0, dtype)
    for name in ('cast', 'ones_like', 'zeros_like'):
        found[name] = lambda dtype, name=name: getattr(K, name)(x, dtype)
    for name in ('variable', 'constant'):
        found[name] = lambda dtype, name=name: getattr(K, name)([1.0, 0.0], dtype)
    found['fill'] = lambda dtype: K.fill((2,), 1.0, dtype)
    found['arange'] = lambda dtype: K.arange(0, 2, 1, dtype)
    found['random_binomial'] = lambda dtype: K.random_binomial((2,), 0.5, dtype)
    return found


def test_dtypes_have_one_name_whatever_was_written():
    """'float' is float32 on every backend, as on the one that scripts were written for, and not NumPy's float64."""
    written = {
        'float32': ['float', float, np.float32, np.dtype('float32'), 'f4', 'float32_ref'],
        'float16': ['half', np.float16],
        'float64': ['double', np.float64],
    }
    for name, ask in _askers().items():
        for dtype, others in written.items():
            for other in [dtype] + others:
                x = ask(other)
                assert K.dtype(x) == dtype, (name, other)
                assert K.is_placeholder(x) or K.eval(x).dtype == dtype, (name, other)
    for other, dtype in ((int, 'int64'), ('int', 'int64'), (bool, 'bool'), (np.uint8, 'uint8'), (None, K.floatx())):
        assert K.standardize_dtype(other) == dtype
    assert K.dtype(K.map_fn(lambda x: x, K.constant([1.0, 2.0]), dtype='half')) == 'float16'
    assert type(K.standardize_dtype(np.str_('int32'))) is str
    # None stands for the default of a function, and where it has none for that of all.
    assert K.dtype(K.cast(K.constant([1], 'int32'), None)) == K.floatx()
    assert K.dtype(K.arange(0, 2, 1, None)) == K.dtype(K.arange(0, 2, 1)) == 'int32'


@pytest.mark.parametrize(
    'wrong', ['flot32', 7, True, 'i4,f4', '', np.dtype('V4'), ['float32'], {'name': 'float32'}], ids=str
)
def test_a_dtype_that_is_none_is_refused_where_it_is_given(wrong):
    for name, ask in _askers().items():
        with pytest.raises(ValueError) as error:
            ask(wrong)
        assert 'dtype: expected one of' in str(error.value) and repr(wrong)[:100] in str(error.value), name
    with pytest.raises(ValueError, match="Did you mean 'float32'"):
        K.zeros((2,), 'flot32')
