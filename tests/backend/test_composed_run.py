import threading

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.backend import meta
from tests.backend.helpers import backends, check_function

pytestmark = pytest.mark.usefixtures('fresh')


def test_get_uid_counts_each_prefix_by_itself():
    K.reset_uids()
    assert [K.get_uid('dense'), K.get_uid('dense'), K.get_uid(), K.get_uid('dense')] == [1, 2, 1, 3]
    K.reset_uids()
    assert K.get_uid('dense') == 1
    K.clear_session()
    assert K.get_uid('dense') == 1


def test_the_learning_phase_is_symbolic_until_it_is_set():
    phase = K.learning_phase()
    assert K.is_tensor(phase) and K.learning_phase() is phase and meta.uses_learning_phase(phase)
    K.set_learning_phase(1)
    assert K.learning_phase() == 1 and isinstance(K.learning_phase(), int)
    K.set_learning_phase(False)
    assert K.learning_phase() == 0 and isinstance(K.learning_phase(), int)
    K.clear_session()
    assert K.is_tensor(K.learning_phase())
    for wrong in (2, -1, 'train', None):
        with pytest.raises(ValueError, match=r'value: expected 0 \(test\) or 1 \(train\), got'):
            K.set_learning_phase(wrong)


@pytest.mark.parametrize('lazy', [False, True])
def test_in_train_phase_and_in_test_phase(lazy):
    x = K.placeholder((2,))
    a, b = 2.0 * x, -1.0 * x
    train = K.in_train_phase((lambda: a) if lazy else a, (lambda: b) if lazy else b)
    test = K.in_test_phase((lambda: a) if lazy else a, (lambda: b) if lazy else b)
    assert meta.uses_learning_phase(train) and meta.uses_learning_phase(test)
    run = K.function([x, K.learning_phase()], [train, test])
    value = np.array([1.0, 3.0], 'float32')
    np.testing.assert_allclose(run([value, 1]), [2 * value, -value])
    np.testing.assert_allclose(run([value, 0]), [-value, 2 * value])
    # Not fed, it is the test phase.
    np.testing.assert_allclose(K.function([x], [train])([value])[0], -value)


@pytest.mark.parametrize('training, expected', [(1, 'a'), (True, 'a'), (0, 'b'), (False, 'b')])
def test_a_literal_phase_makes_one_branch_only(training, expected):
    def never():
        raise AssertionError('this branch is not needed')

    def a():
        return 'a'

    def b():
        return 'b'

    assert K.in_train_phase(a if training else never, never if training else b, training=training) == expected
    assert K.in_test_phase(never if training else b, a if training else never, training=training) == expected
    K.set_learning_phase(training)
    assert K.in_train_phase('a', 'b') == expected


def test_in_train_phase_with_a_tensor_of_the_users_own():
    x, flag = K.placeholder((2,)), K.placeholder((), dtype='bool')
    y = K.in_train_phase(x, -x, training=flag)
    assert not meta.uses_learning_phase(y)
    run = K.function([x, flag], [y])
    value = np.ones(2, 'float32')
    assert run([value, np.array(True)])[0].tolist() == [1, 1] and run([value, np.array(False)])[0].tolist() == [-1, -1]
    assert meta.uses_learning_phase(K.in_train_phase(x, -x, training=K.learning_phase()))


def test_int_shape_takes_the_frameworks_word_and_then_the_librarys():
    x = K.placeholder((None, 3, None))
    assert K.int_shape(x) == (None, 3, None) and K.ndim(x) == 3
    meta.set_shape(x, (5, 99, 7))
    assert K.int_shape(x) == (5, 3, 7)
    meta.set_shape(x, (5,))
    assert K.int_shape(x) == (None, 3, None)
    assert K.int_shape(K.variable(np.ones((2, 3)))) == (2, 3)
    assert K.ndim(K.placeholder(ndim=4)) == 4


def test_an_unknown_rank_may_be_recorded():
    if not K.supports('unknown_rank'):
        with pytest.raises(ValueError, match='shape'):
            K.placeholder()
        return
    x = K.placeholder()
    assert K.int_shape(x) is None and K.ndim(x) is None
    meta.set_shape(x, (None, 2))
    assert K.int_shape(x) == (None, 2) and K.ndim(x) == 2


def test_count_params():
    assert K.count_params(K.variable(np.ones((2, 3, 4)))) == 24
    assert K.count_params(K.variable(1.0)) == 1
    assert type(K.count_params(K.variable([1.0]))) is int
    with pytest.raises(ValueError, match=r'x: expected a tensor whose whole shape is known, got shape \(None, 3\)'):
        K.count_params(K.placeholder((None, 3)))


def test_is_cthulhu_tensor():
    x = K.placeholder((2,))
    assert K.is_cthulhu_tensor(x) is False and K.is_keras_tensor(K.variable([1.0])) is False
    meta.set_history(x, ('layer', 0, 0))
    assert K.is_cthulhu_tensor(x) is True
    for wrong in (np.ones(2), 1.0, [1.0], None):
        with pytest.raises(ValueError, match='x: expected a tensor of the .* backend, got'):
            K.is_cthulhu_tensor(wrong)


def test_cast_to_floatx():
    value = K.cast_to_floatx([1, 2])
    assert isinstance(value, np.ndarray) and value.dtype == K.floatx()
    tensor = K.cast_to_floatx(K.placeholder((2,), dtype='int32'))
    assert K.is_tensor(tensor) and K.dtype(tensor) == K.floatx()


def test_updates():
    x = K.variable([1.0, 2.0])
    new = K.placeholder((2,))
    cases = [
        (K.update(x, new), lambda old, value: value),
        (K.update_add(x, new), lambda old, value: old + value),
        (K.update_sub(x, new), lambda old, value: old - value),
        (K.moving_average_update(x, new, 0.75), lambda old, value: 0.75 * old + 0.25 * value),
    ]
    value = np.array([10.0, 20.0], 'float32')
    for update, formula in cases:
        variable, _ = update
        assert isinstance(update, K.Update) and variable is x
        old = K.get_value(x)
        K.function([new], [], updates=[update])([value])
        np.testing.assert_allclose(K.get_value(x), formula(old, value), rtol=1e-6)


def test_moving_average_update_casts_its_value():
    x = K.variable([1.0])
    update = K.moving_average_update(x, K.placeholder((1,), dtype='float64'), 0.5)
    assert K.dtype(update.value) == 'float32'


def test_batches_of_values():
    x, y = K.variable([1.0, 2.0]), K.variable([[3.0]])
    K.batch_set_value([(x, [5.0, 6.0]), (y, np.array([[7]]))])
    values = K.batch_get_value([x, y])
    assert [v.tolist() for v in values] == [[5, 6], [[7]]]
    K.batch_set_value([])
    assert K.batch_get_value([]) == []


def test_name_scope_encloses():
    with K.name_scope('outer'):
        x = K.identity(K.placeholder((2,)))
    assert K.is_tensor(x)


def test_dims_mix_known_and_unknown():
    def f(K, x):
        dims = K._dims(x)
        return K.reshape(x, dims[::-1])

    x = np.arange(6.0).reshape(2, 3)
    check_function(f, x.reshape(3, 2), x)


def test_an_update_can_be_evaluated():
    for backend in backends():
        variable = backend.variable(1.0)
        assert backend.eval(backend.update_add(variable, 2.0)) == 3
        assert backend.get_value(variable) == 3


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
def test_a_constant_of_a_tensor_is_the_tensor_cast(backend):
    found = backend.constant(backend.constant([1, 2], 'int32') + 1, 'float64')
    assert backend.dtype(found) == 'float64' and backend.eval(found).tolist() == [2.0, 3.0]


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
def test_new_tensors_carry_what_layers_of_others_look_for(backend):
    for x in backend.placeholder((None, 2)), backend.variable(np.zeros((3, 2))):
        assert x._keras_shape == backend.int_shape(x) and x._uses_learning_phase is False


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
def test_each_thread_has_its_own_name_scopes(backend):
    entered, made = threading.Event(), threading.Event()
    names = []

    def other():
        with backend.graph_scope('other'):
            entered.set()
            made.wait(10)
        names.append(backend.variable(0.0, name='within').name)

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(10)
    names.append(backend.variable(0.0, name='beside').name)
    made.set()
    thread.join()
    assert not [name for name in names if 'other' in name] and len(names) == 2
