"""What only the CNTK backend has: programs for shapes, stages of gradients, operations in NumPy, libraries under other names."""

import gc
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

from cthulhu import backend as K

pytestmark = pytest.mark.usefixtures('fresh')

if not K.supports('cntk'):
    pytest.skip('of the CNTK backend', allow_module_level=True)

from cthulhu.backend.cntk import mpi, program  # noqa: E402
from cthulhu.backend.cntk.framework import C  # noqa: E402


def programs(function):
    return function._compiled._programs


def test_a_program_for_each_set_of_shapes_is_built_once():
    x = K.placeholder((None, 3))
    function = K.function([x], [K.sum(x, axis=0)])
    for batch in (2, 5, 2, 5):
        np.testing.assert_array_equal(function([np.ones((batch, 3))])[0], [batch] * 3)
    assert len(programs(function)) == 2


def test_programs_that_were_not_used_for_long_are_dropped(monkeypatch):
    monkeypatch.setattr(program, '_KEPT', 2)
    x = K.placeholder((None,))
    function = K.function([x], [x * 2.0])
    for length in (1, 2, 1, 3):
        function([np.ones(length)])
    assert sorted(key[2][0] for key in programs(function)) == [(1,), (3,)]


def test_a_program_computes_with_the_framework():
    x, w = K.placeholder((None, 3)), K.variable(np.ones((3, 2)))
    function = K.function([x], [K.tanh(K.dot(x, w))])
    function([np.ones((2, 3))])
    (made,) = programs(function).values()
    whole = made._stages[0].function
    assert isinstance(whole, C.Function)
    names = {one.op_name for one in C.logging.graph.depth_first_search(whole, lambda node: hasattr(node, 'op_name'))}
    assert {'Tanh', 'Times'} <= names


def test_what_is_used_twice_is_built_once():
    x, w = K.placeholder((2, 3)), K.variable(np.ones((3, 3)))
    hidden = K.exp(K.dot(x, w))
    loss = K.sum(hidden)
    function = K.function([x], [loss] + K.gradients(loss, [w]))
    found = function([np.zeros((2, 3))])
    np.testing.assert_allclose(found[0], 6)
    (made,) = programs(function).values()
    whole = made._stages[0].function
    operations = C.logging.graph.depth_first_search(whole, lambda node: getattr(node, 'op_name', '') == 'Exp')
    assert len(made._stages) == 1 and len(operations) == 1


def test_long_graphs_are_put_together_from_pieces():
    x = K.placeholder((2,))
    y = x
    for _ in range(3 * program._SEGMENT):
        y = K.sin(y) + x
    loss = K.sum(y * x)
    values, gradient = K.function([x], [y] + K.gradients(loss, [x]))([[0.3, -0.2]])
    a = np.array([0.3, -0.2])
    b, slope = a, np.ones(2)
    for _ in range(3 * program._SEGMENT):
        b, slope = np.sin(b) + a, np.cos(b) * slope + 1
    np.testing.assert_allclose(values, b, rtol=1e-5)
    np.testing.assert_allclose(gradient, b + a * slope, rtol=1e-4)


def test_gradients_by_what_was_computed_and_by_what_computes_it():
    x = K.placeholder((2,))
    y = x * x
    found = K.function([x], K.gradients(K.sum(y * y), [x, y]))([[1.0, 2.0]])
    np.testing.assert_allclose(found, [[4, 32], [2, 8]], rtol=1e-6)


def test_a_value_of_gradients_and_of_what_they_are_of():
    x = K.placeholder((2,))
    (slope,) = K.gradients(K.sum(K.exp(x)), [x])
    kept = K.variable(np.zeros(2))
    function = K.function([x], [slope * x], updates=[K.update(kept, slope)], after_updates=[kept + 1.0])
    product, after = function([[0.0, 1.0]])
    np.testing.assert_allclose(product, [0, np.e], rtol=1e-6)
    np.testing.assert_allclose(after, [2, 1 + np.e], rtol=1e-6)


def test_gradients_of_gradients_are_refused():
    x = K.placeholder((2,))
    (first,) = K.gradients(K.sum(x * x * x), [x])
    (second,) = K.gradients(K.sum(first), [x])
    with pytest.raises(NotImplementedError, match='gradients of gradients is not available on the cntk backend'):
        K.function([x], [second])([[1.0, 2.0]])


def test_stopped_gradients_are_zero_and_no_error():
    w = K.variable([1.0, 2.0])
    loss = K.sum(K.stop_gradient(w) * 2.0)
    (found,) = K.gradients(loss, [w])
    np.testing.assert_array_equal(K.function([], [found])([])[0], [0, 0])


def test_lengths_that_are_fed():
    x, n = K.placeholder((None,)), K.placeholder((), dtype='int32')
    function = K.function([x, n], [K.reshape(x, [n, -1])])
    assert function([np.arange(6), 2])[0].shape == (2, 3)
    assert function([np.arange(6), 3])[0].shape == (3, 2)


@pytest.mark.parametrize('value', [3, 2**24 + 1, 2**40 + 1])
def test_integers_are_exact(value):
    n = K.placeholder((2,), dtype='int64')
    assert K.function([n], [n + 1])([[value, 0]])[0].tolist() == [value + 1, 1]


def test_an_integer_that_grows_beyond_float32_is_exact():
    n = K.placeholder((), dtype='int64')
    assert int(K.function([n], [n * n + 1])([2**13])[0]) == 2**26 + 1


def test_an_error_of_an_operation_in_numpy_keeps_its_kind():
    table, rows = K.variable(np.ones((3, 2))), K.placeholder((None,), dtype='int32')
    function = K.function([rows], [K.gather(table, rows)])
    with pytest.raises(ValueError, match='index'):
        function([[0, 7]])
    np.testing.assert_array_equal(function([[0, 2]])[0], np.ones((2, 2)))


def test_programs_are_freed_with_their_functions():
    table, rows = K.variable(np.ones((3, 2))), K.placeholder((None,), dtype='int32')
    loss = K.sum(K.gather(2.0 * table, rows))
    function = K.function([rows], [loss] + K.gradients(loss, [table]))
    function([[0, 2]])
    (made,) = programs(function).values()
    here, inside = weakref.ref(made), list(made._hosted)
    assert inside and all(one._function is not None for one in inside)
    del function, made
    gc.collect()
    assert here() is None and all(one._function is None for one in inside)


@pytest.mark.parametrize('name', ['prod', 'cumprod'])
def test_products_with_a_zero_have_a_gradient(name):
    x = K.placeholder((3,))
    (found,) = K.gradients(K.sum(getattr(K, name)(x, axis=0)), [x])
    expected = {'prod': [6, 0, 0], 'cumprod': [1 + 2 + 6, 0, 0]}[name]
    np.testing.assert_allclose(K.function([x], [found])([[0.0, 2.0, 3.0]])[0], expected)


def test_quotients_and_logarithms_at_their_poles():
    x = K.placeholder((3,))
    run = K.function([x], [1.0 / x, x / x, K.log(x), K.pow(x, -1.0)])
    quotient, one, logarithm, power = run([[0.0, 2.0, np.inf]])
    np.testing.assert_array_equal(quotient, [np.inf, 0.5, 0])
    np.testing.assert_array_equal(one, [np.nan, 1, np.nan])
    np.testing.assert_allclose(logarithm, [-np.inf, np.log(2), np.inf], rtol=1e-6)
    np.testing.assert_array_equal(power, [np.inf, 0.5, 0])


@pytest.mark.parametrize('dtype', ['int32', 'float32'])
def test_quotients_of_multiples_are_whole(dtype):
    x, y = np.meshgrid(np.arange(-99, 100), [49, -49, 3, 10])
    a, b = K.placeholder((4, 199), dtype=dtype), K.placeholder((4, 199), dtype=dtype)
    whole, rest, by_number = K.function([a, b], [a // b, a % b, a // 49])([x, y])
    np.testing.assert_array_equal(whole, x // y)
    np.testing.assert_array_equal(rest, x % y)
    np.testing.assert_array_equal(by_number, x // 49)


def test_quotients_of_few_numbers_are_the_nearest():
    x, y = np.random.RandomState(0).randint(1, 1000, (2, 50, 8)).astype('float32')
    a, b = K.placeholder((8,)), K.placeholder((8,))
    run = K.function([a, b], [a / b, a / 49.0])
    for one, other in zip(x, y):
        found, by_number = run([one, other])
        np.testing.assert_allclose(found, one / other, rtol=1.2e-7)
        np.testing.assert_allclose(by_number, one / np.float32(49), rtol=1.2e-7)
    assert run([[49, 98, 147, 196, 245, 294, 343, 392]] * 2)[0].tolist() == [1] * 8
    assert run([[np.inf, -np.inf, 1, -1, 0, 0, 3, 5]] + [[2, 2, 0, 0, 0, 3, np.inf, 5]])[0].tolist()[:4] == [
        np.inf,
        -np.inf,
        np.inf,
        -np.inf,
    ]


@pytest.mark.parametrize('length', [3, 300])
def test_gradients_of_quotients(length):
    x, y = np.random.RandomState(0).uniform(1, 2, (2, length))
    y[0] = 0
    a, b = K.placeholder((length,)), K.placeholder((length,))
    by_x, by_y = K.function([a, b], K.gradients(K.sum(a / b), [a, b]))([x, y])
    with np.errstate(divide='ignore'):
        np.testing.assert_allclose(by_x, 1 / y, rtol=1e-6)
    np.testing.assert_allclose(by_y[1:], -x[1:] / y[1:] ** 2, rtol=1e-6)


def test_shapes_that_do_not_fit_are_told():
    a, b = K.placeholder((None, None)), K.placeholder((None, None))
    for function, words in (
        (K.dot(a, b), r'dot: shapes \(2, 3\) and \(2, 3\) do not fit'),
        (a + b[:, :2], r'shapes? \(2, 3\) and \(2, 2\)'),
        (K.concatenate([a, b[:, :2]], axis=0), r'concatenate of tensors of shapes \(2, 3\), \(2, 2\)'),
    ):
        with pytest.raises(ValueError, match=words) as caught:
            K.function([a, b], [function])([np.ones((2, 3))] * 2)
        assert 'CALL STACK' not in str(caught.value)


def test_draws_are_those_of_the_reference():
    numpy = K.load_backend('numpy')
    found = K.eval(K.random_normal((2, 3), seed=5))
    np.testing.assert_array_equal(found, numpy.eval(numpy.random_normal((2, 3), seed=5)))


def test_gradients_broadcast_over_scattered_axes():
    x, y = K.placeholder((2, 3, 2, 3, 2)), K.placeholder((1, 3, 1, 3, 1))
    (found,) = K.gradients(K.sum(x * y), [y])
    a = np.random.RandomState(0).normal(size=(2, 3, 2, 3, 2))
    value = K.function([x, y], [found])([a, np.ones((1, 3, 1, 3, 1))])[0]
    np.testing.assert_allclose(value, a.sum((0, 2, 4), keepdims=True), rtol=1e-4, atol=1e-5)


def test_an_alias_of_a_library_is_loaded_under_its_name():
    code = f"""
import ctypes, os, sys, tempfile
sys.path.insert(0, {str(mpi.__file__.rsplit('/', 1)[0])!r})
import mpi
folder = tempfile.mkdtemp()
path = os.path.join(folder, 'any.so')
with open(path, 'wb') as file:
    file.write(mpi.alias('libcthulhu_alias.so.7', 'libm.so.6'))
ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
os.remove(path)
library = ctypes.CDLL('libcthulhu_alias.so.7')
library.floor.restype, library.floor.argtypes = ctypes.c_double, [ctypes.c_double]
assert library.floor(2.5) == 2.0
"""
    done = subprocess.run([sys.executable, '-c', code], stderr=subprocess.PIPE)
    assert not done.returncode, done.stderr.decode()


def test_missing_libraries_are_named_with_the_command_that_installs_them(monkeypatch):
    monkeypatch.setattr(mpi, '_ALIASES', (('libno_such.so.1', 'libno_such.so.2'),))
    with pytest.raises(ImportError, match='sudo apt-get install libopenmpi3'):
        mpi.make_loadable()


def test_the_framework_says_nothing_at_the_start():
    code = 'from cthulhu import backend as K; K.eval(K.exp(K.variable([1.0])))'
    environment = dict(os.environ, CTHULHU_BACKEND='cntk')
    said = subprocess.check_output([sys.executable, '-c', code], stderr=subprocess.STDOUT, env=environment)
    assert said.decode() == 'Using cntk backend, as the environment variable CTHULHU_BACKEND says.\n'


def test_rows_of_a_variable_are_differentiated_through_beside_other_uses_of_it():
    table, rows = K.variable(np.arange(6.0).reshape(3, 2)), K.placeholder((None,), dtype='int32')
    taken, again = K.gather(table, rows), K.gather(table, rows[::-1])
    alone, both = K.sum(K.square(taken)), K.sum(taken * again) + K.sum(table[0])
    found = (
        K.gradients(alone, [table])
        + K.gradients(both, [table])
        + K.gradients(alone, [taken])
        + K.gradients(K.sum(again), [taken])
    )
    assert found[-1] is None
    function = K.function([rows], found[:-1], [(table, table - 0.5 * found[0])], after_updates=[table])
    for values, picked in (([0, 2, 2], [[0, 1], [4, 5], [4, 5]]), ([1, 1], [[2, 3], [2, 3]])):
        K.set_value(table, np.arange(6.0).reshape(3, 2))
        picked = np.asarray(picked, 'float32')
        by_alone, by_both = np.zeros((3, 2)), np.zeros((3, 2))
        np.add.at(by_alone, values, 2 * picked)
        np.add.at(by_both, values, 2 * picked[::-1])
        by_both[0] += 1
        results = function([values])
        for one, expected in zip(results, (by_alone, by_both, 2 * picked)):
            np.testing.assert_allclose(one, expected)
        np.testing.assert_allclose(K.get_value(table), np.arange(6.0).reshape(3, 2) - 0.5 * by_alone)
    with pytest.raises(ValueError, match='index 3 is out of range'):
        function([[3]])
    np.testing.assert_allclose(K.get_value(table), np.arange(6.0).reshape(3, 2) - 0.5 * by_alone)


def test_a_root_above_zero_is_divided_by_as_any_other():
    x = K.placeholder((100,))
    values = np.linspace(-1, 5, 100).astype('float32')
    run = K.function([x], [x / (K.sqrt(x) + 1e-7), x / K.sqrt(x), x / (K.sqrt(x) + -1.0)])
    root = np.sqrt(np.maximum(values, 0))
    with np.errstate(divide='ignore', invalid='ignore'):
        for one, by in zip(run([values]), (root + np.float32(1e-7), root, root - np.float32(1))):
            np.testing.assert_allclose(one, values / by, rtol=1e-5)


def test_numbers_that_are_known_before_a_run_are_no_nodes():
    """What a rate is made of is computed in NumPy, each run anew; a long chain of it by the framework."""
    rate, step, x = K.variable(0.5), K.variable(0, dtype='int64'), K.placeholder((3,))
    decayed = rate / (1.0 + 0.1 * K.cast(step, 'float32'))
    long = rate
    for _ in range(300):
        long = long + 1.0
    function = K.function([x], [x * decayed, decayed, long], [K.update_add(step, 1)])
    for count in range(3):
        scaled, told, far = function([[1.0, 2.0, 3.0]])
        np.testing.assert_allclose(scaled, np.array([1.0, 2.0, 3.0]) * 0.5 / (1 + 0.1 * count), rtol=1e-6)
        np.testing.assert_allclose([told, far], [0.5 / (1 + 0.1 * count), 300.5], rtol=1e-6)
    assert K.get_value(step) == 3
    K.set_value(rate, 1.0)
    np.testing.assert_allclose(function([[1.0, 2.0, 3.0]])[1], 1 / 1.3, rtol=1e-6)
