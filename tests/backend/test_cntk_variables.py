"""Variables that share their memory with CNTK: what is written when, and what is left alone."""

import threading

import numpy as np
import pytest

from cthulhu import backend as K

pytestmark = pytest.mark.usefixtures('fresh')

if not K.supports('cntk'):
    pytest.skip('of the CNTK backend', allow_module_level=True)

from cthulhu.backend.cntk.tensors import Tensor  # noqa: E402


def program(function):
    (made,) = function._compiled._programs.values()
    return made


def written(function):
    """How many variables the last function of the framework writes to."""
    return len(program(function)._stages[-1]._written)


def test_a_step_neither_feeds_nor_assigns_its_variables():
    x, w = K.placeholder((2,)), K.variable([1.0, 2.0])
    loss = K.sum(K.square(w * x))
    (slope,) = K.gradients(loss, [w])
    step = K.function([x], [loss], updates=[K.update_sub(w, 0.1 * slope)])
    memory = w.value
    assert float(step([[1.0, 1.0]])[0]) == 5
    np.testing.assert_allclose(K.get_value(w), [0.8, 1.6], rtol=1e-6)
    assert w.value is memory and written(step) == 1
    fed = [x.shape for stage in program(step)._stages for x in stage.leaves]
    assert fed == [(2,), (2,)]  # what the function is fed, and the gradient


def test_new_values_are_all_of_old_ones():
    a, b, c = (K.variable(np.full(3, value)) for value in (1.0, 2.0, 3.0))
    function = K.function(
        [], [a + b + c], updates=[(a, b * 1.0), (b, c + a), (c, K.reshape(K.reshape(a, (3, 1)), (3,)))]
    )
    for _ in range(2):
        a_, b_, c_ = K.batch_get_value([a, b, c])
        np.testing.assert_array_equal(function([])[0], a_ + b_ + c_)
        np.testing.assert_array_equal(K.batch_get_value([a, b, c]), [b_, c_ + a_, a_])
    assert written(function) == 3


def test_variables_change_places():
    a, b = K.variable([1.0, 2.0]), K.variable([3.0, 4.0])
    swap = K.function([], [a, b], updates=[(a, b), (b, a)])
    np.testing.assert_array_equal(swap([]), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(K.batch_get_value([a, b]), [[3, 4], [1, 2]])


def test_outputs_are_old_values_and_new_ones_as_they_are_asked_for():
    x, w = K.placeholder((2,)), K.variable([1.0, 2.0])
    new = w + x
    function = K.function([x], [w, new, K.identity(w)], updates=[(w, new)], after_updates=[w, w * 2.0])
    found = function([[1.0, 1.0]])
    np.testing.assert_array_equal(found, [[1, 2], [2, 3], [1, 2], [2, 3], [4, 6]])
    function([[1.0, 1.0]])
    np.testing.assert_array_equal(found, [[1, 2], [2, 3], [1, 2], [2, 3], [4, 6]])


def test_outputs_that_are_known_before_the_run():
    x, w = K.placeholder((2,)), K.variable([1.0, 2.0])
    function = K.function([x], [K.constant([5.0, 6.0]), K.shape(x)], updates=[(w, w * x)])
    five, shape = function([[2.0, 2.0]])
    np.testing.assert_array_equal(five, [5, 6])
    assert shape.tolist() == [2] and written(function) == 1
    np.testing.assert_array_equal(K.get_value(w), [2, 4])


def test_one_new_value_of_two_variables():
    x, a, b = K.placeholder((2,)), K.variable([0.0, 0.0]), K.variable([0.0, 0.0])
    value = K.exp(x)
    function = K.function([x], [], updates=[(a, value), (b, value)])
    function([[0.0, 1.0]])
    np.testing.assert_allclose(K.batch_get_value([a, b]), [[1, np.e]] * 2, rtol=1e-6)


def test_what_depends_on_variables_alone_follows_them():
    w = K.variable([1.0, 2.0])
    total, other = K.function([], [K.sum(K.square(w))]), K.function([], [K.sum(w)], updates=[(w, w * 2.0)])
    assert float(total([])[0]) == 5
    K.set_value(w, [3.0, 4.0])
    assert float(total([])[0]) == 25
    assert float(other([])[0]) == 7 and float(total([])[0]) == 100
    w2 = K.update(w, w + 1.0)
    K.function([], [], updates=[w2])([])
    assert float(total([])[0]) == 7**2 + 9**2


def test_what_was_got_and_what_was_given_are_not_the_memory():
    given = np.array([1.0, 2.0], 'float32')
    w = K.variable(given)
    function = K.function([], [w], updates=[(w, w + 1.0)])
    before, out = K.get_value(w), function([])[0]
    np.testing.assert_array_equal(given, [1, 2])
    np.testing.assert_array_equal(before, [1, 2])
    np.testing.assert_array_equal(out, [1, 2])
    before[:] = out[:] = given[:] = 9
    np.testing.assert_array_equal(K.get_value(w), [2, 3])


def test_an_operation_in_numpy_that_fails_leaves_all_variables_as_they_were():
    rows, table, kept = K.placeholder((2,), dtype='int32'), K.variable(np.ones((3, 2))), K.variable([1.0, 1.0])
    function = K.function([rows], [], updates=[(kept, kept * 2.0), (table, table + K.sum(K.gather(table, rows)))])
    with pytest.raises(ValueError, match='index'):
        function([[0, 7]])
    np.testing.assert_array_equal(K.get_value(kept), [1, 1])
    np.testing.assert_array_equal(K.get_value(table), np.ones((3, 2)))
    function([[0, 2]])
    np.testing.assert_array_equal(K.get_value(kept), [2, 2])
    np.testing.assert_array_equal(K.get_value(table), np.full((3, 2), 5))


def test_a_step_that_is_computed_again_in_float64_is_made_once():
    n, w = K.placeholder((), dtype='int64'), K.variable([1.0, 1.0])
    count = K.variable(0, dtype='int64')
    function = K.function([n], [n * n], updates=[(w, w * 2.0), (count, count + n)])
    assert int(function([2**13 + 1])[0]) == (2**13 + 1) ** 2
    np.testing.assert_array_equal(K.get_value(w), [2, 2])
    assert int(K.get_value(count)) == 2**13 + 1


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64'])
def test_each_type_keeps_its_precision(dtype):
    w = K.variable(np.ones(2), dtype=dtype)
    function = K.function([], [], updates=[(w, w / 3.0)])
    for _ in range(3):
        function([])
    kind = np.dtype(dtype).type
    expected = kind(1)
    for _ in range(3):
        expected = kind(expected / kind(3))
    value = K.get_value(w)
    assert value.dtype == dtype
    np.testing.assert_allclose(value, expected, rtol=4 * np.finfo(dtype).eps)


def test_nan_and_infinity_are_written_as_they_are():
    x, w = K.placeholder((3,)), K.variable([0.0, 0.0, 0.0])
    K.function([x], [], updates=[(w, w + x)])([[np.nan, np.inf, 1.0]])
    np.testing.assert_array_equal(K.get_value(w), [np.nan, np.inf, 1])


def test_a_new_value_of_another_length_is_refused_before_anything_changes():
    x, w, other = K.placeholder((None,)), K.variable([1.0, 2.0]), K.variable(0.0)
    function = K.function([x], [], updates=[(other, other + 1.0), (w, x * 2.0)])
    with pytest.raises(ValueError, match=r"new value of variable 'variable.*' has shape \(3,\); expected \(2,\)"):
        function([np.ones(3)])
    assert float(K.get_value(other)) == 0
    function([np.ones(2)])
    np.testing.assert_array_equal(K.get_value(w), [2, 2])


def test_no_gradient_is_computed_of_what_is_not_trained():
    w, fixed = K.variable([1.0, 2.0]), K.variable([3.0, 4.0])
    (slope,) = K.gradients(K.sum(w * fixed), [w])
    function = K.function([], [slope], updates=[(fixed, fixed + 1.0)])
    np.testing.assert_array_equal(function([])[0], [3, 4])
    np.testing.assert_array_equal(function([])[0], [4, 5])
    leaves = [x for x in program(function)._stages[0].needed if isinstance(x, Tensor) and x.source is not None]
    assert sorted(x.made.needs_gradient for x in leaves) == [False, True]


def test_steps_in_threads_are_each_of_the_one_before():
    w = K.variable(np.zeros(1000))
    function = K.function([], [w[7]], updates=[(w, w + 1.0)])
    seen, errors = [], []

    def work():
        try:
            for _ in range(20):
                seen.append(float(function([])[0]))
                value = K.get_value(w)
                assert (value == value[0]).all()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not errors and sorted(seen) == list(range(80))
    assert K.get_value(w)[0] == 80


def test_what_depends_on_feeds_alone_is_computed_before_the_framework_runs(capfd):
    labels, table = K.placeholder((3,), dtype='int32'), K.variable(np.arange(8.0).reshape(4, 2))
    weights = K.variable(np.ones((2, 2)))
    loss = K.sum(K.dot(K.gather(table, K.print_tensor(labels + 1, 'rows')), weights))
    (slope,) = K.gradients(loss, [weights])
    step = K.function([labels], [loss], updates=[K.update_sub(weights, 0.1 * slope)])
    assert float(step([[0, 1, 2]])[0]) == 2 * np.arange(2.0, 8.0).sum()
    assert not program(step)._hosted  # nothing that the framework calls in the middle of a run
    K.set_value(table, np.zeros((4, 2)))
    assert float(step([[0, 1, 2]])[0]) == 0
    assert capfd.readouterr().err.count('rows') == 2
    before = K.get_value(weights)
    with pytest.raises(ValueError, match='index 4 '):
        step([[0, 1, 3]])
    np.testing.assert_array_equal(K.get_value(weights), before)
    K.set_value(table, np.ones((4, 2)))
    assert float(step([[0, 1, 2]])[0]) == 3 * before.sum()


def test_what_is_differentiated_by_is_computed_by_the_framework():
    rows, table = K.placeholder((2,), dtype='int32'), K.variable(np.arange(6.0).reshape(3, 2))
    (slope,) = K.gradients(K.sum(K.square(K.gather(table, rows))), [table])
    found = K.function([rows], [slope])([[2, 2]])[0]
    np.testing.assert_array_equal(found, [[0, 0], [0, 0], [16, 20]])


def test_integers_that_float32_cannot_hold_are_exact_where_numpy_makes_them():
    x = K.placeholder((2,), dtype='int32')
    rows = K.gather(K.constant([2**24 - 1, 2**24 + 1, 5], dtype='int32'), x)
    found = K.function([x], [rows, rows + 2])([[0, 1]])
    np.testing.assert_array_equal(found, [[2**24 - 1, 2**24 + 1], [2**24 + 1, 2**24 + 3]])
