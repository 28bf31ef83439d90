"""`run_many` and `run_each` of functions: the same as single calls, draws and updates included."""

import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import backends

pytestmark = pytest.mark.usefixtures('fresh')

STEPS = np.random.RandomState(5).normal(size=(6, 4, 3)).astype('float32')


def _learning(backend):
    """(function, its variables): dropout, a step of descent with momentum, a metric that reads what the step made."""
    x, phase = backend.placeholder((None, 3)), backend.learning_phase()
    weights, speed, seen = (backend.variable(np.full(shape, 0.5)) for shape in ((3, 2), (3, 2), ()))
    dropped = backend.in_train_phase(lambda: backend.dropout(backend.dropout(x, 0.5, seed=3), 0.1, seed=4), x)
    outputs = backend.dot(dropped, weights)
    # The gradient of sum(outputs^2) / 2, by hand, so that the reference learns too.
    gradient = backend.dot(backend.transpose(dropped), outputs)
    moved = 0.9 * speed - 0.01 * gradient
    count = backend.update_add(seen, 1.0)
    updates = [backend.update(speed, moved), backend.update(weights, weights + moved), [count, None]]
    after = [backend.sum(backend.square(weights)), seen / 2.0]
    f = backend.function([x, phase], [backend.mean(outputs), outputs], updates=updates, after_updates=after)
    return f, [weights, speed, seen]


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
@pytest.mark.parametrize('form', ['stacked', 'listed', 'each'])
def test_many_steps_are_single_ones(backend, form):
    backend.clear_session()
    f, variables = _learning(backend)
    first = [backend.get_value(v) for v in variables]
    start = backend.random_step()
    single = [f([x, 1]) for x in STEPS]
    after, steps = [backend.get_value(v) for v in variables], backend.random_step()
    for variable, value in zip(variables, first):
        backend.set_value(variable, value)
    backend.set_random_step(start)
    if form == 'stacked':
        found = f.run_many([STEPS, np.ones(len(STEPS))], len(STEPS))
    elif form == 'listed':
        found = f.run_many([[x, 1] for x in STEPS])
    else:
        found = [np.stack(values) for values in zip(*f.run_each([x, 1] for x in STEPS))]
    for values, wanted in zip(found, zip(*single)):
        np.testing.assert_array_equal(values, np.stack(wanted))
    for variable, value in zip(variables, after):
        np.testing.assert_array_equal(backend.get_value(variable), value)
    assert backend.random_step() == steps > start
    dropped = [np.unique(values).size for values in found[:1]]
    assert dropped == [len(STEPS)], 'each step draws anew'


@pytest.mark.parametrize('backend', backends(), ids=lambda backend: backend.name)
@pytest.mark.parametrize('phase', [0, 1])
def test_steps_in_one_call_are_single_ones(backend, phase):
    """What is fed, drawn, computed before the updates and after them; a call of fewer steps than it may have."""
    backend.clear_session()
    f, variables = _learning(backend)
    if not backend.supports('many_steps'):
        with pytest.raises(NotImplementedError, match='one by one'):
            f.many_steps({1: np.array(bool(phase))}, 5, [(4, 3)])
        return
    first = [backend.get_value(v) for v in variables]
    backend.set_random_step(3)
    single = [f([x, phase]) for x in STEPS]
    after, steps = [backend.get_value(v) for v in variables], backend.random_step()
    for variable, value in zip(variables, first):
        backend.set_value(variable, value)
    backend.set_random_step(3)
    call = f.many_steps({1: np.array(bool(phase))}, 5, [(4, 3)])
    assert backend.random_step() == 3
    (done, found), (rest, others) = call([STEPS[:5]], 5), call([STEPS[5:]], 1)
    assert (done, rest) == (5, 1)
    for values, others, wanted in zip(found, others, zip(*single)):
        np.testing.assert_allclose(np.concatenate([values, others]), np.stack(wanted), rtol=1e-5, atol=1e-6)
    for variable, value in zip(variables, after):
        np.testing.assert_allclose(backend.get_value(variable), value, rtol=1e-5)
    assert backend.random_step() == steps


@pytest.mark.skipif(not K.supports('many_steps'), reason='the backend takes steps one by one')
def test_what_a_branch_of_the_phase_draws_may_be_shaped_outside_of_it():
    x, phase = K.placeholder((2, 3)), K.learning_phase()
    shape, size = K.shape(x), x * 2.0
    y = K.in_train_phase(lambda: size + K.random_normal(shape, seed=2) + K.random_uniform(shape, seed=3), lambda: size)
    f = K.function([x, phase], [y])
    start = K.random_step()
    for value in (1, 0):
        K.set_random_step(start)
        single = [f([a, value])[0] for a in STEPS[:, :2]]
        K.set_random_step(start)
        done, (found,) = f.many_steps({1: np.array(bool(value))}, 6, [(2, 3)])([STEPS[:, :2]], 6)
        np.testing.assert_allclose(found, single, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(K.backend() != 'tensorflow', reason='the backend takes steps one by one')
@pytest.mark.parametrize(
    'what', ['loop', 'branch', 'float16', 'print', 'convolution', 'argmax', 'division', 'slice', 'power', 'truncated']
)
def test_what_might_not_be_the_same_in_one_call_is_refused(what):
    x = K.placeholder((2, 6), dtype='float16' if what == 'float16' else 'float32')
    table = K.variable(np.eye(6))
    y, why = {
        'loop': lambda: (K.foldl(lambda a, b: a + b, x), 'loop|Enter|TensorArray'),
        'branch': lambda: (K.switch(K.sum(x) > 0, lambda: x * 2, lambda: x), 'branch|Switch'),
        'float16': lambda: (x * 2, 'float16'),
        'print': lambda: (K.print_tensor(x), 'StringFormat'),
        'convolution': lambda: (K.conv1d(K.expand_dims(x), K.ones((2, 1, 1))), 'Conv2D'),
        'argmax': lambda: (K.gather(table, K.argmax(K.dot(x, table))), 'by what it computed'),
        'division': lambda: (K.cast(x, 'int32') // K.cast(x, 'int32'), 'FloorDiv'),
        'slice': lambda: (K.slice(x, [K.cast(K.sum(x), 'int32'), 0], [1, 2]), 'Slice'),
        'power': lambda: (K.pow(K.cast(x, 'int32'), K.cast(x, 'int32')), 'Pow'),
        'truncated': lambda: (x + K.truncated_normal((2, 6), 0.0, 1.0), 'TruncatedNormal'),
    }[what]()
    with pytest.raises(NotImplementedError, match=why):
        K.function([x], [y]).many_steps({}, 3, [(2, 6)])


@pytest.mark.skipif(K.backend() != 'tensorflow', reason='the backend takes steps one by one')
def test_what_only_single_steps_can_do_is_told_and_what_xla_refuses_changes_nothing(monkeypatch):
    import tensorflow as tf

    from cthulhu.backend.tensorflow import many_steps

    x, y = K.placeholder((2,)), K.placeholder((2, 2), sparse=True)
    options = tf.compat.v1.RunOptions()
    for f, why in (
        (K.function([], [K.variable(1.0) * 2]), 'not fed'),
        (K.function([y], [K.dot(y, K.ones((2, 1)))]), 'sparse'),
        (K.function([x], [x * 2], options=options), 'arguments of the session'),
    ):
        with pytest.raises(NotImplementedError, match=why):
            f.many_steps({}, 2, [(2,)])
    count = K.variable(0.0)
    with K.graph_scope():
        strange = tf.ensure_shape(tf.numpy_function(lambda a: a, [x + K.random_uniform((2,))], tf.float32), (2,))
    f = K.function([x], [strange], updates=[K.update_add(count, 1.0)])
    monkeypatch.setattr(many_steps, '_KNOWN', many_steps._KNOWN | {'PyFunc', 'EagerPyFunc', 'EnsureShape'})
    call, step = f.many_steps({}, 2, [(2,)]), K.random_step()
    with pytest.raises(NotImplementedError, match='XLA does not compile it'):
        call([np.ones((2, 2))], 2)
    assert K.random_step() == step and K.get_value(count) == 0


@pytest.mark.skipif(K.backend() != 'tensorflow', reason='the backend takes steps one by one')
def test_a_scatter_out_of_range_ends_the_call_before_its_step():
    import tensorflow as tf

    x = K.placeholder((3, 1), dtype='int32')
    with K.graph_scope():
        spread = tf.scatter_nd(x, tf.ones(3), [5])
    done, (found,) = K.function([x], [spread]).many_steps({}, 3, [(3, 1)])(
        [np.array([[[0], [1], [4]], [[0], [5], [1]], [[0], [1], [2]]])], 3
    )
    assert done == 1 and found.tolist() == [[1, 1, 0, 0, 1]]


def test_each_step_is_made_when_it_is_asked_for():
    total, x = K.variable(0.0), K.placeholder(())
    f = K.function([x], [total * 1.0], updates=[K.update_add(total, x)])
    asked = []

    def feeds():
        for value in (1.0, 2.0, 3.0):
            asked.append(value)
            yield [value]

    steps = f.run_each(feeds())
    assert next(steps) == [0.0] and asked == [1.0] and K.get_value(total) == 1.0
    assert next(steps) == [1.0] and K.get_value(total) == 3.0
    assert [list(values) for values in steps] == [[3.0]] and K.get_value(total) == 6.0


def test_steps_of_different_sizes_are_listed_and_one_output_stays_one():
    x = K.placeholder((None,))
    f = K.function([x], [x * 2.0, K.sum(x)])
    rows, sums = f.run_many([[[1.0, 2.0]], [[3.0]]])
    assert [row.tolist() for row in rows] == [[2.0, 4.0], [6.0]] and sums.tolist() == [3.0, 3.0]
    assert K.function([x], K.sum(x)).run_many([np.ones((3, 2))], 3).tolist() == [2.0, 2.0, 2.0]
    assert f.run_many([], None) == [[], []] and f.run_many([np.zeros((0, 2))], 0) == [[], []]
    counter = K.variable(0.0)
    K.function([], [], updates=[K.update_add(counter, 1.0)]).run_many([], 4)
    assert K.get_value(counter) == 4


def test_what_many_steps_refuse():
    x, y = K.placeholder((None, 2)), K.placeholder((None,))
    f = K.function([x, y], [K.sum(x) + K.sum(y)], name='both')
    with pytest.raises(ValueError, match='both: feeds: expected 2 arrays, got 1'):
        f.run_many([np.ones((3, 4, 2))], 3)
    with pytest.raises(ValueError, match=r'feeds: expected an array with a first axis of length 3.*\(2, 4\)'):
        f.run_each([np.ones((3, 4, 2)), np.ones((2, 4))], 3)
    with pytest.raises(ValueError, match=r'first axis of length 3.*\(\)'):
        f.run_many([np.ones((3, 4, 2)), 1.0], 3)
    with pytest.raises(ValueError, match=r'\(None, 2\).*\(4, 3\)'):
        f.run_many([np.ones((2, 4, 3)), np.ones((2, 4))], 2)
