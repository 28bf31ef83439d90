"""The recorded graph, on the NumPy backend's operations; it stands beside whichever backend is active."""

import collections

import numpy as np
import pytest

from cthulhu.backend.deferred import Symbol, toposort
from cthulhu.backend.inference import rules
from cthulhu.backend.inference.symbolic import find_symbols, map_symbols
from cthulhu.backend.load import load_backend


@pytest.fixture
def B():
    return load_backend('numpy')


def test_operators_record_and_compute(B):
    x = B.placeholder((2, 3))
    y = (2.0 * x - 1.0) / (x + 3.0) ** 2 + x % 2.0 - (-x) // 2.0 + abs(x)
    assert isinstance(y, Symbol) and y.shape == (2, 3) and y.dtype == 'float32'
    value = np.arange(6, dtype='float32').reshape(2, 3)
    expected = (2 * value - 1) / (value + 3) ** 2 + value % 2 - (-value) // 2 + value
    np.testing.assert_allclose(B.function([x], [y])([value])[0], expected, rtol=1e-6)


def test_operators_with_arrays_on_the_left(B):
    x = B.placeholder((3,))
    left = np.array([1.0, 2.0, 3.0])
    y = left * x + left - x / 2.0
    assert isinstance(y, Symbol) and y.dtype == 'float32'
    np.testing.assert_allclose(B.function([x], [y])([left])[0], left * left + left - left / 2)


def test_comparison_operators(B):
    x = B.constant([1.0, 2.0, 3.0])
    for result, expected in (
        (x > 2.0, [False, False, True]),
        (x <= 2.0, [True, True, False]),
        (~(x < 2.0) & (x < 3.0), [False, True, False]),
        ((x < 2.0) | (x >= 3.0), [True, False, True]),
    ):
        assert result.dtype == 'bool'
        np.testing.assert_array_equal(B.eval(result), expected)
    assert (x == x) is True and len({x, x}) == 1


def test_computed_at_once_without_symbols(B):
    result = B.exp(np.zeros(3, 'float32'))
    assert isinstance(result, np.ndarray) and result.dtype == 'float32'


def test_data_becomes_floatx_and_float64_tensors_stay(B):
    data = np.arange(3.0)
    assert B.exp(data).dtype == B.maximum(data, 1.0).dtype == 'float32'
    x = B.placeholder((None, 2), dtype='float64')
    (outputs,), _ = B.scan(lambda s, h, t: ([B.concatenate([s[0], s[0]]) / 3.0], []), [x], [])
    value = B.function([x], [outputs])([[[1, 2]]])[0]
    assert outputs.dtype == value.dtype == 'float64'
    np.testing.assert_allclose(value, np.array([[1, 2, 1, 2]]) / 3, rtol=1e-15)
    assert B.cast(x, 'float64') is x and B.cast(x, 'float32') is not x


def test_indexing(B):
    value = np.arange(60, dtype='float32').reshape(3, 4, 5)
    x = B.placeholder((None, 4, 5))
    one = B.constant(1, 'int32')
    for key in (
        0,
        (slice(None), 1),
        (Ellipsis, 2),
        (slice(None), None, slice(1, 3)),
        (0, Ellipsis, slice(0, 5, 2)),
        -1,
    ):
        y = x[key]
        result = B.function([x], [y])([value])[0]
        np.testing.assert_array_equal(result, value[key])
        assert len(y.shape) == result.ndim
        assert all(n in (None, m) for n, m in zip(y.shape, result.shape))
    assert x[:, 1:3].shape == (None, 2, 5)
    assert x[5:10].shape == (None, 4, 5)
    assert x[:, -1].shape == (None, 5)
    np.testing.assert_array_equal(B.function([x], [x[:, one]])([value])[0], value[:, 1])
    np.testing.assert_array_equal(B.function([x], [x[: one + 1]])([value])[0], value[:2])
    with pytest.raises(ValueError, match='out of range for an axis of length 4'):
        x[:, 4]
    with pytest.raises(ValueError, match='4 indices for a tensor'):
        x[0, 0, 0, 0]


def test_misuse_is_explained(B):
    x = B.placeholder((None, 2), name='x')
    with pytest.raises(TypeError, match='K.switch'):
        bool(x > 1.0)
    with pytest.raises(TypeError, match='no known length'):
        len(x)
    with pytest.raises(TypeError, match='K.eval'):
        np.asarray(x)
    with pytest.raises(ValueError, match='was given no value'):
        B.eval(x)
    assert [row.shape for row in B.placeholder((2, 5))] == [(5,), (5,)]


def test_toposort_is_iterative_and_ordered(B):
    x = first = B.constant(0.0)
    for _ in range(3000):
        x = x + 1.0
    order = toposort([x])
    assert order[0] is first and order[-1] is x
    place = {id(symbol): index for index, symbol in enumerate(order)}
    assert all(place[id(needed)] < place[id(symbol)] for symbol in order for needed in symbol.inputs)
    assert B.eval(x) == 3000


def test_shared_values_are_computed_once(B, capfd):
    x = B.print_tensor(B.constant(2.0), 'seen')
    assert B.function([], [x + 1.0, x * x])([]) == [3.0, 4.0]
    assert capfd.readouterr().err.count('seen') == 1


@pytest.mark.parametrize(
    'build, expected',
    [
        (lambda B, x: B.reshape(x, (-1, 12)), (None, 12)),
        (lambda B, x: B.reshape(x, (2, -1)), (2, None)),
        (lambda B, x: B.batch_flatten(x), (None, 12)),
        (lambda B, x: B.reshape(x, B.stack([B.shape(x)[0], B.shape(x)[1] * B.shape(x)[2]])), (None, 12)),
        (lambda B, x: B.reshape(x, (B.shape(x)[0], 4, 3)), (None, 4, 3)),
        (lambda B, x: B.fill(B.shape(x), 1.0), (None, 3, 4)),
        (lambda B, x: B.random_uniform(B.shape(x)[1:]), (3, 4)),
        (lambda B, x: B.dot(x, B.zeros((4, 7))), (None, 3, 7)),
        (lambda B, x: B.matmul(x, B.zeros((5, 1, 4, 2))), (5, None, 3, 2)),
        (lambda B, x: B.mean(x, axis=[0, -1], keepdims=True), (1, 3, 1)),
        (lambda B, x: B.argmax(x, axis=1), (None, 4)),
        (lambda B, x: B.concatenate([x, x], axis=-1), (None, 3, 8)),
        (lambda B, x: B.concatenate([x, x], axis=0), (None, 3, 4)),
        (lambda B, x: B.stack([x, x], axis=1), (None, 2, 3, 4)),
        (lambda B, x: B.tile(x, (2, 1, 3)), (None, 3, 12)),
        (lambda B, x: B.expand_dims(x, 1), (None, 1, 3, 4)),
        (lambda B, x: B.permute_dimensions(x, (2, 0, 1)), (4, None, 3)),
        (lambda B, x: B.slice(x, (0, 1, 0), (-1, 2, -1)), (None, 2, 4)),
        (lambda B, x: B.pad(x, ((0, 0), (1, 2), (0, 0))), (None, 6, 4)),
        (lambda B, x: B.gather(B.zeros((9, 5)), B.cast(x, 'int32')), (None, 3, 4, 5)),
        (lambda B, x: B.one_hot(B.cast(x, 'int32'), 6), (None, 3, 4, 6)),
        (lambda B, x: B.top_k(x, 2)[1], (None, 3, 2)),
        (lambda B, x: B.conv(x, B.zeros((2, 4, 8)), (2,), 'same', 'channels_last', (1,)), (None, 2, 8)),
        (lambda B, x: B.conv(x, B.zeros((2, 3, 8)), (1,), 'valid', 'channels_first', (2,)), (None, 8, 2)),
        (lambda B, x: B.arange(B.shape(x)[1]), (3,)),
        (lambda B, x: x + B.zeros((3, 1)), (None, 3, 4)),
        (lambda B, x: B.where(x > 0.0, x, 0.0), (None, 3, 4)),
    ],
)
def test_static_shapes(B, build, expected):
    y = build(B, B.placeholder((None, 3, 4)))
    assert B.int_shape(y) == expected


def test_static_shape_agrees_with_a_value(B):
    x = B.placeholder((None, 3, 4))
    y = B.reshape(x, (B.shape(x)[0] * 2, -1))
    assert y.shape == (None, None)
    assert B.function([x], [y])([np.zeros((5, 3, 4))])[0].shape == (10, 6)


def test_unknown_rank(B):
    x = B.placeholder()
    assert B.ndim(x) is None
    y = B.exp(x) + 1.0
    assert y.shape is None and y.dtype == 'float32'
    assert B.reshape(x, (2, 3)).shape == (2, 3)
    np.testing.assert_allclose(B.function([x], [y])([np.zeros((2, 2))])[0], np.full((2, 2), 2.0))
    with pytest.raises(ValueError, match='number of dimensions'):
        B.top_k(x, 1)


def test_an_operation_without_a_rule_is_tried_on_zeros(B):
    def halves(backend, x):
        return x[:, : x.shape[1] // 2].astype('float64')

    spec = rules.infer(B, 'halves', halves, (B.placeholder((None, 8, 3)),), {})
    assert spec == rules.Spec((None, 4, 3), 'float64')
    assert rules.infer(B, 'halves', halves, (B.placeholder((None, None, 3)),), {}).shape == (None, None, 3)
    assert rules.infer(B, 'halves', halves, (B.placeholder(),), {}).shape is None


@pytest.mark.parametrize(
    'build, message',
    [
        (lambda B, x: x + B.zeros((5,)), 'do not broadcast'),
        (lambda B, x: B.dot(x, B.zeros((5, 2))), 'do not fit'),
        (lambda B, x: B.reshape(x, (6, 2)), None),
        (lambda B, x: B.reshape(x, (7, 2)), 'cannot be reshaped'),
        (lambda B, x: B.reshape(B.zeros((2, 3)), (4, -1)), 'cannot be reshaped'),
        (lambda B, x: B.squeeze(x, 1), 'has length 3'),
        (lambda B, x: B.concatenate([x, B.zeros((2, 4, 4))], axis=-1), 'do not fit'),
        (lambda B, x: B.stack([x, B.zeros((2, 3))]), 'differ in rank'),
        (lambda B, x: B.permute_dimensions(x, (0, 1)), 'each axis'),
        (lambda B, x: B.sum(x, axis=3), 'axis'),
        (lambda B, x: B.conv(x, B.zeros((2, 5, 8)), (1,), 'same', 'channels_last', (1,)), 'takes 5 channels'),
    ],
)
def test_what_cannot_fit_is_refused_when_it_is_built(B, build, message):
    x = B.placeholder((None, 3, 4))
    if message is None:
        assert build(B, x).shape == (6, 2)  # The batch may have any length: only the run can tell.
        return
    with pytest.raises(ValueError, match=message):
        build(B, x)


def test_dtypes_are_kept(B):
    i, f, h = B.placeholder((2,), dtype='int32'), B.placeholder((2,)), B.placeholder((2,), dtype='float16')
    for y, dtype in (
        (f * 2, 'float32'),
        (f + np.ones(2), 'float32'),
        (i + 1, 'int32'),
        (i * f, 'float32'),
        (i * 0.5, 'float32'),
        (i / 2, 'float32'),
        (h * 3.0, 'float16'),
        (h + f, 'float32'),
        (B.sum(i), 'int32'),
        (B.mean(i), 'float32'),
        (B.sum(i > 0), 'float32'),
        (B.cumsum(i), 'int32'),
        (B.exp(h), 'float16'),
        (B.sigmoid(f), 'float32'),
        (B.erf(f), 'float32'),
        (f > 1, 'bool'),
        (B.any(f), 'bool'),
        (B.argmin(f), 'int64'),
        (B.maximum(f, 0), 'float32'),
        (B.pow(f, 2), 'float32'),
        (B.softmax(f), 'float32'),
        (B.log_softmax(h), 'float16'),
        (B.std(f), 'float32'),
        (B.dot(f, np.ones((2, 3))), 'float32'),
        (B.concatenate([f, np.ones(2), h]), 'float32'),
        (B.where(f > 0, h, np.ones(2)), 'float16'),
        (B.logsumexp(f), 'float32'),
    ):
        assert B.dtype(y) == dtype
        value = B.function([i, f, h], [y])([[1, 2], [0.5, 0.25], [1, 1]])[0]
        assert value.dtype == dtype, y


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64'])
def test_dtypes_are_kept_without_dimensions(B, dtype):
    x = B.placeholder((), dtype=dtype)
    unary = 'abs exp log sqrt square sign round floor sin cos tanh sigmoid softplus erf negative elu relu hard_sigmoid'
    results = [getattr(B, name)(x) for name in unary.split()]
    results += [B.sum(x), B.mean(x), B.var(x), B.std(x), B.max(x), B.prod(x), B.clip(x, 0, 1), B.switch(x, x, x)]
    results += [x + 1, 2 * x, x - 0.5, x / 3, x**2, 2**x, x % 2, x // 2, B.maximum(x, 0), B.where(x > 0, x, 0.0)]
    for y, value in zip(results, B.function([x], results)([0.5])):
        assert B.dtype(y) == value.dtype == dtype, y
        assert value.shape == ()


def test_variables(B):
    v = B.variable([[1.0, 2.0]], name='weights')
    assert B.is_variable(v) and B.is_tensor(v) and not B.is_placeholder(v)
    assert v.shape == (1, 2) and v.dtype == 'float32'
    read = B.get_value(v)
    read[:] = 9
    np.testing.assert_array_equal(B.get_value(v), [[1, 2]])
    source = np.array([[3.0, 4.0]], 'float32')
    B.set_value(v, source)
    source[:] = 9
    np.testing.assert_array_equal(B.get_value(v), [[3, 4]])
    with pytest.raises(ValueError, match='shape'):
        B.set_value(v, [1.0])
    with pytest.raises(TypeError, match='expected a variable'):
        B.set_value(B.constant(1.0), 2.0)
    from_symbol = B.variable(B.zeros_like(v) + 5.0)
    np.testing.assert_array_equal(B.get_value(from_symbol), [[5, 5]])
    with B.name_scope('layer'):
        assert B.variable(0.0, name='unique_bias').name == 'layer/unique_bias:0'
        assert B.variable(0.0, name='unique_bias').name == 'layer/unique_bias_1:0'


def test_function_reads_old_values_then_updates_together(B):
    a, b = B.variable(1.0), B.variable(10.0)
    x = B.placeholder(())
    f = B.function([x], [a + x, b], updates=[B.update(a, b), (b, a + x), None], after_updates=[a, a + b])
    assert f([2.0]) == [3.0, 10.0, 10.0, 13.0]
    assert (B.get_value(a), B.get_value(b)) == (10.0, 3.0)


def test_after_updates_share_what_did_not_change(B, capfd):
    total = B.variable(0.0)
    x = B.placeholder((None,))
    batch = B.print_tensor(B.sum(x), 'batch')
    f = B.function([x], [], updates=[B.update_add(total, batch)], after_updates=[total / 2.0, batch])
    assert f([[1.0, 3.0]]) == [2.0, 4.0]
    assert f([[2.0]]) == [3.0, 2.0]
    assert capfd.readouterr().err.count('batch') == 2


def test_function_arguments(B):
    x, y = B.placeholder((None, 2), name='rows'), B.placeholder(())
    f = B.function([x, y], x * y)
    np.testing.assert_array_equal(f([[[1, 2]], 3]), [[3, 6]])
    np.testing.assert_array_equal(f([[1, 2]], 3), [[3, 6]])
    middle = x + 1.0
    np.testing.assert_array_equal(B.function([middle], [middle * 2.0])([[[1, 2]]])[0], [[2, 4]])
    with pytest.raises(ValueError, match='expected 2 input values, got 1'):
        f([[[1, 2]]])
    with pytest.raises(ValueError, match=r'rows.*\(None, 2\).*\(1, 3\)'):
        f([[[1, 2, 3]], 1])
    with pytest.raises(TypeError, match='list of placeholders'):
        B.function(x, [x])
    with pytest.raises(TypeError, match='symbolic tensor'):
        B.function([3.0], [x])
    with pytest.raises(ValueError, match='options'):
        B.function([x], [x], options=1)
    v = B.variable(1.0)
    with pytest.raises(ValueError, match='twice'):
        B.function([], [], updates=[(v, 1.0), (v, 2.0)])
    with pytest.raises(TypeError, match='updates'):
        B.function([], [], updates=[x])
    with pytest.raises(ValueError, match='new value of variable'):
        B.function([], [], updates=[(v, [1.0, 2.0])])


def test_outputs_are_the_callers_own(B):
    v = B.variable([1.0, 2.0])
    for read in (lambda: B.function([], [v])([])[0], lambda: B.eval(v)):
        read()[:] = 7
    np.testing.assert_array_equal(B.get_value(v), [1, 2])


def test_switch_computes_one_branch(B, capfd):
    phase = B.make_learning_phase()
    x = B.placeholder((None,))
    y = B.switch(phase, lambda: B.print_tensor(x, 'train') * 2.0, B.print_tensor(x, 'test'))
    assert y.shape == (None,)
    f = B.function([x, phase], [y])
    np.testing.assert_array_equal(f([[1.0], 1])[0], [2])
    np.testing.assert_array_equal(f([[1.0], 0])[0], [1])
    np.testing.assert_array_equal(B.function([x], [y])([[3.0]])[0], [3])
    printed = capfd.readouterr().err
    assert (printed.count('train'), printed.count('test')) == (1, 2)


def test_switch_by_element(B):
    condition, x = B.placeholder((None,), dtype='bool'), B.placeholder((None, 2))
    y = B.switch(condition, x, x * 10.0)
    np.testing.assert_array_equal(B.function([condition, x], [y])([[1, 0], [[1, 2], [3, 4]]])[0], [[1, 2], [30, 40]])
    with pytest.raises(ValueError, match='condition'):
        B.switch(B.zeros((3, 2, 2)), x, x)
    with pytest.raises(ValueError, match='branches'):
        B.switch(condition, x, B.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match='dtypes'):
        B.switch(condition, x, B.cast(x, 'int32'))


def test_scan(B):
    x, w = B.placeholder((None, 3, 2)), B.variable(np.eye(2) * 2)

    def step(slices, states, time):
        hidden = B.dot(slices[0], w) + states[0]
        return [hidden, B.cast(time, 'float32')], [hidden]

    (outputs, times), (last,) = B.scan(step, [x], [B.zeros((3, 2))])
    assert outputs.shape == (None, 3, 2) and times.shape == (None,) and last.shape == (3, 2)
    value = np.random.RandomState(0).normal(size=(5, 3, 2)).astype('float32')
    results = B.function([x], [outputs, times, last])([value])
    expected = np.cumsum(2 * value, axis=0)
    np.testing.assert_allclose(results[0], expected, rtol=1e-5)
    np.testing.assert_array_equal(results[1], np.arange(5))
    np.testing.assert_allclose(results[2], expected[-1], rtol=1e-5)
    assert B.function([x], [outputs])([value[:0]])[0].shape == (0, 3, 2)


def test_scan_without_sequences_and_nested(B):
    n = B.placeholder((), dtype='int32')

    def outer(slices, states, time):
        def inner(slices, inner_states, inner_time):
            return [], [inner_states[0] + B.cast(time, 'float32')]

        return [states[0]], B.scan(inner, [], states, length=2)[1]

    outputs, finals = B.scan(outer, [], [B.constant(1.0)], length=n)
    values = B.function([n], outputs + finals)([4])
    np.testing.assert_array_equal(values[0], [1, 1, 3, 7])
    assert values[1] == 13


def test_scan_refuses(B):
    x = B.zeros((4, 2))
    with pytest.raises(ValueError, match='`length`'):
        B.scan(lambda s, h, t: ([], h), [], [x])
    with pytest.raises(ValueError, match=r'different lengths, \[3, 4\]'):
        B.scan(lambda s, h, t: ([], h), [x, B.zeros((3, 2))], [])
    with pytest.raises(ValueError, match='state 0'):
        B.scan(lambda s, h, t: ([], [B.zeros((3,))]), [x], [B.zeros((2,))])
    with pytest.raises(ValueError, match='returned 0'):
        B.scan(lambda s, h, t: ([], []), [x], [B.zeros((2,))])


def test_random_draws_are_counted(B):
    first, second = (B.random_normal((2, 3), seed=7) for _ in range(2))
    f = B.function([], [first, first + 0.0, second])
    one, two = f([]), f([])
    np.testing.assert_array_equal(one[0], one[1])
    assert not np.array_equal(one[0], two[0])
    # Another operation of the same seed, made at the same time, draws the same, run by run.
    np.testing.assert_array_equal(one[0], one[2])
    later = B.random_normal((2, 3), seed=7)
    g = B.function([], [later])
    np.testing.assert_array_equal([one[0], two[0]], [g([])[0], g([])[0]])
    B.variable(B.random_normal((2, 3), seed=1))
    third = B.random_normal((2, 3), seed=7)
    assert np.array_equal(B.eval(third), one[0])


def test_seeds_come_from_numpy(B):
    np.random.seed(3)
    first = B.eval(B.random_uniform((4,)))
    second = B.eval(B.random_uniform((4,)))
    np.random.seed(3)
    np.testing.assert_array_equal(B.eval(B.random_uniform((4,))), first)
    assert not np.array_equal(first, second)


def test_draws_in_a_loop_differ(B):
    outputs, _ = B.scan(lambda s, h, t: ([B.random_uniform((2,), seed=1)], []), [], [], length=3)
    values = B.eval(outputs[0])
    assert len(np.unique(values)) == 6


def test_sessions_and_gradients_are_refused_by_name(B):
    for call, name in ((B.get_session, 'get_session'), (lambda: B.set_session(None), 'set_session')):
        with pytest.raises(NotImplementedError, match=name + '.*numpy'):
            call()
    with pytest.raises(NotImplementedError, match='gradients.*numpy.*CTHULHU_BACKEND'):
        B.gradients(B.constant(1.0), [])
    with pytest.raises(NotImplementedError, match='manual_variable_initialization'):
        B.manual_variable_initialization(True)
    B.manual_variable_initialization(False)


def test_a_value_of_a_dead_branch_does_not_keep_memory_or_break_reuse(B):
    x = B.placeholder((None,))
    shared = x * 2.0
    unused = shared + 1.0
    f = B.function([x], [B.switch(B.constant(0.0) > 1.0, unused, shared), unused * 3.0])
    values = f([[1.0, 2.0]])
    np.testing.assert_array_equal(values[0], [2, 4])
    np.testing.assert_array_equal(values[1], [9, 15])


class _Differences(type(load_backend('numpy'))):
    """NumPy with every hook taken: derivatives by central differences, and a record of what the hooks were given."""

    name = 'differences'

    def __init__(self):
        super().__init__()
        self.seen = []

    def supports(self, capability):
        return capability == 'gradients' or super().supports(capability)

    def compile(self, plan, name):
        self.seen.append(('compile', name))
        return lambda variables, feeds, clock: plan(variables, feeds, clock)

    def assign(self, variable, value):
        self.seen.append(('assign', variable.name))
        super().assign(variable, value)

    def choose(self, condition, then, otherwise):
        # As a framework that traces does: both sides, in any order.
        self.seen.append('choose')
        other, one = otherwise(), then()
        return one if condition else other

    def loop(self, step, sequences, states, count):
        self.seen.append(('loop', count))
        return super().loop(step, sequences, states, count)

    def differentiate(self, function, values, found):
        self.seen.append('differentiate')
        np.testing.assert_array_equal(found, function(*values))
        results = []
        for place, value in enumerate(values):
            result = np.zeros_like(value)
            for index in np.ndindex(*value.shape):
                ends = []
                for sign in (1, -1):
                    moved = value.copy()
                    moved[index] += sign * 1e-3
                    ends.append(function(*[moved if i == place else v for i, v in enumerate(values)]))
                result[index] = (ends[0] - ends[1]) / 2e-3
            results.append(result)
        return results


def test_the_hooks_of_a_framework():
    D = _Differences()
    x, phase = D.placeholder((None, 2), dtype='float64'), D.make_learning_phase()
    w = D.variable([[1.0], [2.0]], 'float64', name='w')
    hidden = D.dot(x, w)
    (outputs,), _ = D.scan(lambda s, h, t: ([s[0] * w[0, 0]], []), [hidden], [])
    loss = D.sum(D.switch(phase, lambda: D.square(outputs), lambda: outputs))
    (gradient,) = D.gradients(loss, w)
    step = D.function([x, phase], [loss], updates=[(w, w - 0.5 * gradient)], after_updates=[w * 1.0], name='step')
    value = np.array([[1.0, 2.0], [3.0, -1.0]])
    # sum((w0 (x w))^2), by hand: x w = (5, 1), d/dw = 2 w0^2 x' (x w) + 2 w0 |x w|^2 (1, 0)
    expected = 2 * value.T.dot([[5.0], [1.0]]) + np.array([[2 * 26.0], [0.0]])
    first, after = step([value, 1])
    np.testing.assert_allclose(first, 26.0)
    np.testing.assert_allclose(after, np.array([[1.0], [2.0]]) - 0.5 * expected, rtol=1e-6)
    np.testing.assert_array_equal(D.get_value(w), after)
    assert {('compile', 'step'), ('assign', 'w:0'), ('loop', 2), 'choose', 'differentiate'} <= set(D.seen)


def test_gradients_by_what_depends_on_each_other():
    D = _Differences()
    x, y = D.placeholder((2,), dtype='float64'), D.placeholder((2,), dtype='float64')
    z = x * y
    found = D.gradients(D.sum(z * z + x), [x, z, y, D.constant([1.0])])
    assert found[3] is None
    a, b = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    by_x, by_z, by_y = D.function([x, y], found[:3])([a, b])
    np.testing.assert_allclose(by_x, 2 * a * b * b + 1, rtol=1e-6)
    np.testing.assert_allclose(by_z, 2 * a * b, rtol=1e-6)
    np.testing.assert_allclose(by_y, 2 * a * a * b, rtol=1e-6)


def test_a_plan_is_a_pure_function(B):
    w, other, x = B.variable(1.0), B.variable(5.0), B.placeholder(())
    f = B.function([x], [w + x], updates=[(w, w * x)], after_updates=[w + other])
    assert [v is w or v is other for v in f.plan.variables] == [True, True] and f.plan.updated == [w]
    variables = [np.float32({id(w): 2.0, id(other): 10.0}[id(v)]) for v in f.plan.variables]
    for _ in range(2):
        outputs, new_values = f.plan(variables, [np.float32(3.0)], 0)
        assert (outputs, new_values) == ([5.0, 16.0], [6.0])
    assert B.get_value(w) == 1.0


def test_what_a_branch_alone_needs_is_computed_in_it(B, capfd):
    x, c, d = B.placeholder(()), B.placeholder((), dtype='bool'), B.placeholder((), dtype='bool')
    shared, alone = B.print_tensor(x * 2.0, 'shared'), B.print_tensor(x * 3.0, 'alone')
    inner = B.switch(d, alone + shared, B.print_tensor(x, 'deep'))
    f = B.function([x, c, d], [B.switch(c, inner + alone, shared), shared])
    for chosen, deep, expected, printed in (
        (True, True, 8.0, (1, 1, 0)),
        (True, False, 4.0, (1, 1, 1)),
        (False, True, 2.0, (1, 0, 0)),
    ):
        assert f([1.0, chosen, deep]) == [expected, 2.0]
        said = capfd.readouterr().err
        assert tuple(map(said.count, ('shared', 'alone', 'deep'))) == printed
    assert B.function([x, c], [B.switch(c, x, x), B.switch(c, c, c)])([4.0, True]) == [4.0, True]


def test_many_choices_one_after_the_other(B):
    x, c = B.placeholder(()), B.placeholder((), dtype='bool')
    y = x
    for _ in range(1500):
        y = B.switch(c, y + 1.0, y)
    f = B.function([x, c], [y])
    assert f([0.0, True]) == [1500.0] and f([0.0, False]) == [0.0]


def test_a_symbol_in_a_named_tuple_is_found():
    pair = collections.namedtuple('pair', 'first second')
    x = Symbol(None, 'leaf')
    assert find_symbols([pair(1, {'a': x})]) == (x,)
    assert map_symbols(lambda _: 2, pair(1, slice(x))) == pair(1, slice(2))
