"""What only the TensorFlow backend has: its graph and session, native operations, counted draws, sparse tensors, CTC."""

import gc
import itertools
import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy import sparse

from cthulhu import backend as K

if K.backend() != 'tensorflow':
    pytest.skip('the TensorFlow backend is not the active one', allow_module_level=True)

import tensorflow as tf

from cthulhu.backend.tensorflow import function

v1 = tf.compat.v1
pytestmark = pytest.mark.usefixtures('fresh')
RNG = np.random.RandomState(4)


def run(x, feeds=None):
    feeds = feeds or {}
    return K.function(list(feeds), [x])(list(feeds.values()))[0]


# Eager TensorFlow beside it.


def test_the_global_mode_stays():
    assert tf.executing_eagerly() and v1.control_flow_v2_enabled()
    before = tf.Variable(2.0)
    x = K.placeholder((None, 2))
    K.function([x], K.scan(lambda s, t, _: ([s[0]], []), [x], [])[0])([np.ones((2, 2))])
    with K.graph_scope('inside'):
        assert not tf.executing_eagerly() and not v1.control_flow_v2_enabled()
    assert tf.executing_eagerly() and v1.control_flow_v2_enabled()

    @tf.function
    def square(y):
        return y * y

    with tf.GradientTape() as tape:
        loss = square(before)
    assert tape.gradient(loss, before).numpy() == 4
    assert tf.constant([1.0, 2.0]).numpy().tolist() == [1, 2]


def test_the_scope_is_left_after_an_error():
    with pytest.raises(RuntimeError):
        with K.graph_scope('inside'):
            raise RuntimeError
    assert tf.executing_eagerly() and v1.control_flow_v2_enabled()


def test_tensorflow_is_imported_with_its_backend_only():
    code = 'import sys, cthulhu.backend.load, cthulhu.backend.contract; sys.exit("tensorflow" in sys.modules)'
    environment = 'import os; os.environ["CTHULHU_BACKEND"] = "numpy"; '
    assert subprocess.run([sys.executable, '-c', environment + code]).returncode == 0


def test_eager_tensors_are_data():
    x = K.placeholder((2,))
    eager = tf.constant([3.0, 4.0])
    assert not K.is_tensor(eager) and not K.is_tensor(tf.Variable(1.0))
    assert run(x * eager, {x: [1, 2]}).tolist() == [3, 8]
    assert run(K.maximum(x, eager), {x: [9, 2]}).tolist() == [9, 4]
    assert run(x, {x: eager}).tolist() == [3, 4]
    v = K.variable(eager)
    assert K.get_value(v).tolist() == [3, 4]
    K.set_value(v, eager + 1)
    assert K.get_value(v).tolist() == [4, 5]


# A user's own operations, outside of any scope.

NATIVE = {
    'x * 2': lambda x, v: x * 2,
    '2 * x': lambda x, v: 2 * x,
    '1 / x': lambda x, v: 1.0 / x,
    '-x': lambda x, v: -x,
    'x ** 2': lambda x, v: x**2,
    'x @ ones': lambda x, v: x @ tf.ones((2, 2)),
    'x + array': lambda x, v: x + np.ones(2),
    'x[:, 0]': lambda x, v: x[:, 0],
    'x[..., None]': lambda x, v: x[..., None],
    'x > 1': lambda x, v: x > 1,
    'square': lambda x, v: tf.square(x),
    'matmul': lambda x, v: tf.matmul(x, tf.ones((2, 2))),
    'concat': lambda x, v: tf.concat([x, tf.ones((1, 2))], 0),
    'reduce_sum': lambda x, v: tf.reduce_sum(x, axis=1),
    'cond': lambda x, v: tf.cond(tf.reduce_sum(x) > 1.0, lambda: x, lambda: x + 1.0),
    'where': lambda x, v: tf.where(x > 0, x, tf.zeros_like(x)),
    'v * 2': lambda x, v: v * 2,
    '2 * v': lambda x, v: 2 * v,
    'v + v': lambda x, v: v + v,
    'v + x': lambda x, v: v + x,
    'x + v': lambda x, v: x + v,
    '-v': lambda x, v: -v,
    'v[0]': lambda x, v: v[0],
    'square of v': lambda x, v: tf.square(v),
    'gather of v': lambda x, v: tf.gather(v, [0, 1, 0]),
    'value': lambda x, v: v.value(),
    'read_value': lambda x, v: v.read_value(),
}


@pytest.mark.parametrize('name', sorted(NATIVE))
def test_native_operations(name):
    operation = NATIVE[name]
    x, v = K.placeholder((None, 2)), K.variable([3.0, 4.0])
    values = np.array([[1.0, 2.0], [-1.5, 0.5]], 'float32')
    with tf.Graph().as_default(), v1.Session() as session:
        ours = tf.constant(values)
        theirs = v1.Variable([3.0, 4.0], use_resource=True)
        session.run(theirs.initializer)
        expected = session.run(operation(ours, theirs))
    out = operation(x, v)
    assert out.graph is K.active.get_graph()
    np.testing.assert_allclose(run(out, {x: values}), expected, rtol=1e-6)


def test_native_assignments():
    v = K.variable([1.0, 2.0])
    K.get_session().run(v.assign([5.0, 6.0]))
    K.get_session().run(v.assign_add(tf.ones(2)))
    assert K.get_value(v).tolist() == [6, 7]


def test_a_wrong_native_operation_fails_as_ever():
    x = K.placeholder((None, 2))
    with pytest.raises(ValueError):
        tf.matmul(x, tf.ones((3, 3)))
    with pytest.raises((TypeError, ValueError, tf.errors.OpError)):
        tf.ones(2) + 'a'


def test_tensors_of_a_cleared_graph_stay_in_it():
    x = K.placeholder((2,))
    K.clear_session()
    assert (x * 2).graph is x.graph
    with pytest.raises(ValueError):
        K.maximum(x, K.placeholder((2,)))


def test_users_variables_in_the_graph_are_initialised():
    with K.graph_scope():
        twice = v1.Variable(7.0) * 2
    assert run(twice) == 14


@pytest.mark.parametrize('kind', ['while', 'cond', 'function'])
def test_gradient_after_a_run(kind):
    """TensorFlow changes calls of functions when it takes gradients, and its sessions do not survive that."""
    x, v = K.placeholder((2,)), K.variable([2.0, 3.0])
    with K.graph_scope():
        if kind == 'while':
            y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * v), [0, x])[1]
        elif kind == 'cond':
            y = tf.cond(tf.reduce_sum(x) > 0, lambda: x * v * v * v, lambda: x)
        else:
            y = tf.function(lambda z: z * v * v * v)(x)
    predict = K.function([x], [y])
    assert predict([[1, 1]])[0].tolist() == [8, 27]
    K.set_value(v, [1.0, 2.0])
    train = K.function([x], K.gradients(y, [x, v]))
    for _ in range(2):
        np.testing.assert_allclose(train([[1, 1]]), [[1, 8], [3, 12]])
        assert predict([[1, 1]])[0].tolist() == [1, 8]


# Sessions.


def test_get_session_runs_everything():
    v = K.variable(np.ones(5000))
    w = K.variable(v * 2.0)
    assert K.get_session().run(w)[0] == 2
    assert K.get_session() is K.get_session()


def test_large_values_are_not_in_the_graph():
    before = K.active.get_graph().as_graph_def().ByteSize()
    value = RNG.rand(1000, 1000)
    v = K.variable(value)
    assert K.active.get_graph().as_graph_def().ByteSize() < before + 10000
    np.testing.assert_allclose(K.get_value(v), value, rtol=1e-6)
    # TensorFlow's own initialisation gives the first value again.
    K.set_value(v, value * 2)
    K.get_session().run(v.initializer)
    np.testing.assert_allclose(K.get_value(v), value, rtol=1e-6)


@pytest.mark.parametrize('size', [3, 3000])
def test_a_variable_is_four_operations(size):
    before = K.placeholder((1,)).graph.version
    x = K.variable(np.full((size,), 2.0), name='mine')
    made = x.graph.get_operations()[before:]
    assert [op.type for op in made][1:] == ['VarHandleOp', 'AssignVariableOp', 'ReadVariableOp'], 'only what is used'
    assert x.name == 'mine:0' and any(x is one for one in x.graph.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES))
    assert K.get_value(x).tolist() == [2.0] * size
    K.set_value(x, np.arange(size))
    assert K.get_value(x).tolist() == list(range(size))
    with x.graph.as_default():  # TensorFlow's own ways to it
        assert x.initial_value is made[0].outputs[0] and x.initializer is made[2]
        found = K.get_session().run([x.is_initialized(), x.read_value()[1] + x.value()[2]])
    assert found == [True, 3]
    assert K.variable(0.0, name='mine').name == 'mine_1:0'


def test_a_variable_that_starts_from_another():
    x = K.variable([1.0, 2.0])
    twice, drawn = K.variable(x * 2), K.random_uniform_variable((2,), 3, 4, seed=5)
    assert K.get_value(twice).tolist() == [2, 4] and 3 <= K.get_value(drawn).min() <= K.get_value(drawn).max() < 4
    K.set_value(x, [5, 5])
    assert K.get_value(twice).tolist() == [2, 4]


def test_a_variable_of_a_function_is_refused():
    graph = K.placeholder((1,)).graph
    with graph.as_default():

        @tf.function(autograph=False)
        def made_inside(x):
            return x * K.variable([1.0])

        with pytest.raises(ValueError, match='lifted out|init_scope'):
            made_inside(tf.constant([2.0]))
    assert K.eval(K.variable([3.0]) * 2).tolist() == [6], 'and nothing is broken'


def test_what_the_user_initialised_is_kept():
    session = K.get_session()
    v = K.variable(1.0)
    session.run(v.assign(5.0))
    assert K.get_value(v) == 5


def test_manual_initialisation():
    K.manual_variable_initialization(True)
    try:
        v = K.variable(1.0)
        with pytest.raises(tf.errors.FailedPreconditionError):
            K.get_value(v)
        with K.graph_scope():
            initialise = v1.global_variables_initializer()
        K.get_session().run(initialise)
        assert K.get_value(v) == 1
    finally:
        K.manual_variable_initialization(False)


def test_a_session_of_the_users():
    v = K.variable(1.0)
    f = K.function([], [v * 3.0], updates=[K.update_add(v, 1.0)])
    assert f([]) == [3]
    mine = v1.Session(graph=K.active.get_graph())
    K.set_session(mine)
    assert K.get_session() is mine
    # Its variables begin anew, and functions made before go on in it.
    assert f([]) == [3] and f([]) == [6]
    with v1.Session(graph=K.active.get_graph()) as other:
        assert K.get_session() is other and f([]) == [3]
    assert f([]) == [9]


def test_a_session_before_anything_else():
    session = v1.Session(graph=tf.Graph(), config=v1.ConfigProto(intra_op_parallelism_threads=1))
    K.set_session(session)
    x = K.placeholder((2,))
    assert run(2 * x, {x: [1, 2]}).tolist() == [2, 4]
    assert K.get_session() is session and x.graph is session.graph


def test_a_session_of_another_graph():
    K.placeholder((2,))
    with pytest.raises(ValueError, match=r'get_session\(\)\.graph'):
        K.set_session(v1.Session(graph=tf.Graph()))


def test_what_was_cleared_says_so():
    x, v = K.placeholder((2,)), K.variable(1.0)
    f = K.function([x], [x * v])
    y = x * v
    K.clear_session()
    for use in (lambda: f([[1, 2]]), lambda: K.get_value(v), lambda: K.set_value(v, 1.0), lambda: K.eval(y)):
        with pytest.raises((ValueError, RuntimeError), match='clear_session'):
            use()


@pytest.mark.parametrize('used', [False, True])
def test_a_model_of_before_says_so(used):
    from cthulhu.layers import Daoloth
    from cthulhu.models import Pile

    model = Pile([Daoloth(2, input_shape=(3,)), Daoloth(1)])
    model.conjure('adam', 'mse', metrics=['mae'])
    x, y = np.ones((2, 3)), np.ones((2, 1))
    if used:
        model.summon(x, y, verbose=0)
        model.predict(x)
    K.clear_session()
    for use in (
        lambda: model.predict(x),
        lambda: model.evaluate(x, y, verbose=0),
        lambda: model.summon(x, y, verbose=0),
        lambda: model.get_weights(),
        lambda: model.add(Daoloth(1)),
        lambda: model(K.placeholder((None, 3))),
        lambda: model.conjure('sgd', 'mse'),
    ):
        with pytest.raises((ValueError, RuntimeError), match=r'clear_session\(\) or.*[Mm]ake') as error:
            use()
        assert 'Graph object' not in str(error.value)


def test_memory_is_given_back():
    resource = pytest.importorskip('resource')

    def round_of_work():
        K.clear_session()
        x, w = K.placeholder((None, 1000)), K.variable(np.ones((1000, 1000)))
        f = K.function([x], [K.dot(x, w)], updates=[(w, w - K.gradients(K.sum(K.dot(x, w)), [w])[0])])
        f([np.ones((2, 1000))])

    def graphs():
        gc.collect()
        return sum(isinstance(o, tf.Graph) for o in gc.get_objects())

    for _ in range(5):
        round_of_work()
    count, memory = graphs(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(50):
        round_of_work()
    assert graphs() <= count
    # Each round holds 4 MB of weights, and 4 MB of first values: 400 MB, if they stayed.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 60000


# Functions.


def test_session_arguments():
    x, y = K.placeholder((2,)), K.placeholder((2,))
    counter = K.variable(0.0)
    feed, fetch = {y: [10, 20]}, x - y
    with K.graph_scope():
        metadata = v1.RunMetadata()
        options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)
        native = counter.assign_add(1.0).op
    f = K.function([x], [x + y], feed_dict=feed, fetches=[fetch, native], options=options, run_metadata=metadata)
    seen = []
    f.fetch_callbacks[fetch] = seen.append
    assert [r.tolist() for r in f([[1, 2]])] == [[11, 22]]
    feed[y] = [0, 1]
    assert [r.tolist() for r in f([[1, 2]])] == [[1, 3]]
    assert [s.tolist() for s in seen] == [[-9, -18], [1, 1]]
    assert K.get_value(counter) == 2
    assert metadata.step_stats.dev_stats


def test_an_unknown_session_argument():
    with pytest.raises(ValueError, match="'mode'.*feed_dict"):
        K.function([], [K.constant(1.0)], mode='fast')


def test_inputs_of_all_kinds():
    x, i, b = K.placeholder((None, 2)), K.placeholder((None,), dtype='int32'), K.learning_phase()
    f = K.function([x, i, b], [x * 1.0, i * 1, tf.cast(b, 'int32')])
    strided = np.arange(8.0, dtype='float32').reshape(2, 4)[:, ::2]
    a, c, d = f([strided, np.array([1, 2], 'int64'), 1])
    assert a.tolist() == strided.tolist() and c.tolist() == [1, 2] and c.dtype == np.int32 and d == 1
    assert f([strided.T.copy().T, [3], True])[1].tolist() == [3]
    assert f([K.constant(strided), [3], 0])[0].tolist() == strided.tolist()
    with pytest.raises(ValueError, match=r'\(None, 2\).*\(2, 3\)'):
        f([np.zeros((2, 3)), [1], 0])
    with pytest.raises(ValueError, match='None'):
        f([None, [1], 0])


def test_a_variable_and_an_operation_as_outputs_and_updates():
    v = K.variable(1.0)
    with K.graph_scope():
        native = K.variable(0.0)
        increment = native.assign_add(1.0)
    f = K.function([], [v], updates=[increment.op, (v, 5)])
    assert f([]) == [1] and f([]) == [5]
    assert K.get_value(native) == 2


def test_an_update_is_an_operation_where_one_is_asked_for():
    v = K.variable(1.0)
    session = K.get_session()
    session.run(K.update_add(v, 1.0))
    with K.graph_scope(), tf.control_dependencies([K.update_add(v, 1.0)]):
        after = v.read_value()
    assert session.run(after) == 3
    with K.graph_scope():
        assert session.run(tf.convert_to_tensor(K.update_add(v, 1.0)) * 10.0) == 40


def test_eight_threads():
    x, w = K.placeholder((None, 3)), K.variable(np.eye(3))
    f = K.function([x], [K.dot(x, w)])
    wrong = []

    def work(seed):
        rng = np.random.RandomState(seed)
        for _ in range(50):
            a = rng.randn(4, 3).astype('float32')
            if not np.array_equal(f([a])[0], a):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


# Draws.


def test_first_draws_are_those_of_keras():
    # Keras 2.3.1 on TensorFlow 1.15.5, with these seeds.
    expected = {
        'random_uniform': [[1.544921, -0.029286, -0.0799], [-0.790901, 1.74157, -0.488563]],
        'random_normal': [[2.02681, 0.488372, 2.303983], [3.784728, 1.745136, 1.406726]],
        'truncated_normal': [[0.256702, -0.127907, 0.325996], [0.696182, 0.083127, -0.45809]],
    }
    arguments = {'random_uniform': (-1.0, 2.0), 'random_normal': (1.0, 2.0), 'truncated_normal': (0.0, 0.5)}
    for name, values in expected.items():
        draw = getattr(K, name)((2, 3), *arguments[name], seed=1234)
        first = K.variable(draw)
        np.testing.assert_allclose(K.eval(draw), values, atol=2e-6)
        K.eval(draw)
        np.testing.assert_allclose(K.get_value(first), values, atol=2e-6)
    v = K.random_uniform_variable((3,), 0.0, 1.0, seed=7)
    np.testing.assert_allclose(K.get_value(v), [0.483941, 0.506203, 0.255144], atol=2e-6)


def test_the_count():
    """A draw depends on the calls that draw since it was made, and on nothing else."""
    noise = K.random_uniform((3,), seed=1)
    f, plain = K.function([], [noise]), K.function([], [K.constant(1.0)])
    first = [f([])[0] for _ in range(3)]
    plain([])
    K.eval(K.constant(1.0))
    first.append(K.eval(noise))
    # Made later, it begins at its own first draw, and counts on from there.
    g = K.function([], [K.random_uniform((3,), seed=1)])
    for values in first:
        np.testing.assert_array_equal(g([])[0], values)
    assert len({tuple(v) for v in first}) == 4


def test_each_turn_of_a_loop_draws_anew():
    x = K.placeholder((None, 2))

    def step(slices, states, time):
        return [slices[0] * 0.0 + K.random_uniform((2,), seed=3)], []

    f = K.function([x], K.scan(step, [x], [])[0])
    first, second = f([np.zeros((5, 2))])[0], f([np.zeros((3, 2))])[0]
    assert len(np.unique(np.concatenate([first, second]))) == 16

    def outer(slices, states, time):
        return K.scan(step, [slices[0]], [])[0], []

    y = K.placeholder((None, None, 2))
    nested = K.function([y], K.scan(outer, [y], [])[0])
    assert len(np.unique(nested([np.zeros((3, 4, 2))])[0])) == 24


# Sparse tensors.


@pytest.fixture
def matrices():
    return sparse.random(4, 5, 0.4, 'csr', 'float32', RNG), sparse.random(4, 5, 0.4, 'coo', 'float32', RNG)


def test_sparse_placeholder(matrices):
    a, _ = matrices
    x = K.placeholder((None, 5), sparse=True)
    assert K.is_sparse(x) and K.is_tensor(x) and K.is_placeholder(x)
    assert K.int_shape(x) == (None, 5) and K.ndim(x) == 2 and K.dtype(x) == 'float32'
    dense = K.to_dense(x)
    assert not K.is_sparse(dense) and K.int_shape(dense) == (None, 5)
    f = K.function([x], [dense, x, K.shape(x)])
    for value in (a, a.tocoo(), a.tocsc(), a.toarray()):
        got, again, shape = f([value])
        np.testing.assert_array_equal(got, a.toarray())
        assert shape.tolist() == [4, 5] and len(again.values) == a.nnz
    with pytest.raises(ValueError, match='shape'):
        f([a.T])


def test_sparse_feed_of_a_dense_placeholder(matrices):
    x = K.placeholder((None, 5))
    np.testing.assert_array_equal(run(x * 1.0, {x: matrices[0]}), matrices[0].toarray())


def test_sparse_variable_and_eval(matrices):
    v = K.variable(matrices[1])
    assert K.is_sparse(v) and K.int_shape(v) == (4, 5)
    np.testing.assert_array_equal(K.eval(K.to_dense(v)), matrices[1].toarray())
    # As in Keras, `eval` gives a dense array.
    np.testing.assert_array_equal(K.eval(v), matrices[1].toarray())


def test_sparse_products(matrices):
    a, _ = matrices
    w = RNG.randn(5, 3).astype('float32')
    x, kernel = K.placeholder((None, 5), sparse=True), K.variable(w)
    y = K.dot(x, kernel)
    np.testing.assert_allclose(run(y, {x: a}), a.toarray().dot(w), rtol=1e-5, atol=1e-6)
    (gradient,) = K.gradients(K.sum(y), [kernel])
    expected = np.tile(a.toarray().sum(0)[:, None], (1, 3))
    np.testing.assert_allclose(run(gradient, {x: a}), expected, rtol=1e-5, atol=1e-6)
    left = RNG.randn(2, 4).astype('float32')
    np.testing.assert_allclose(run(K.dot(K.constant(left), x), {x: a}), left.dot(a.toarray()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('axis', [0, 1, -1])
def test_sparse_concatenation(matrices, axis):
    a, b = matrices
    x, y = K.placeholder((None, 5), sparse=True), K.placeholder((None, 5), sparse=True)
    joined = K.concatenate([x, y], axis=axis)
    assert K.is_sparse(joined)
    expected = np.concatenate([a.toarray(), b.toarray()], axis)
    np.testing.assert_array_equal(run(K.to_dense(joined), {x: a, y: b}), expected)
    mixed = K.concatenate([x, K.to_dense(y)], axis=axis)
    assert not K.is_sparse(mixed)
    np.testing.assert_array_equal(run(mixed, {x: a, y: b}), expected)


# Connectionist temporal classification.


def _probabilities():
    y = np.random.RandomState(0).rand(2, 5, 4).astype('float32')
    return y / y.sum(-1, keepdims=True)


def _path_probability(y, label, blank):
    """The probability of a label: the sum over all paths that collapse to it."""
    total = 0.0
    for path in itertools.product(range(y.shape[1]), repeat=len(y)):
        collapsed = [k for k, _ in itertools.groupby(path)]
        if [k for k in collapsed if k != blank] == list(label):
            total += np.prod([y[t, k] for t, k in enumerate(path)])
    return total


def test_ctc_batch_cost():
    y = _probabilities()
    labels, lengths, steps = [[0, 1, 2], [2, 0, 0]], [[3], [2]], [[5], [4]]
    cost = K.ctc_batch_cost(K.constant(labels), K.constant(y), K.constant(steps), K.constant(lengths))
    # Keras 2.3.1 on TensorFlow 1.15.5.
    np.testing.assert_allclose(K.eval(cost), [[3.707666], [3.223862]], rtol=1e-5)
    expected = [-np.log(_path_probability(y[0], [0, 1, 2], 3)), -np.log(_path_probability(y[1][:4], [2, 0], 3))]
    np.testing.assert_allclose(K.eval(cost)[:, 0], expected, rtol=1e-5)


def test_ctc_batch_cost_has_gradients():
    y = K.variable(_probabilities())
    labels, lengths, steps = K.constant([[0, 1], [2, 0]]), K.constant([[2], [1]]), K.constant([[5], [5]])
    cost = K.sum(K.ctc_batch_cost(labels, y, steps, lengths))
    (gradient,) = K.gradients(cost, [y])
    before, slope = K.function([], [cost, gradient])([])
    K.set_value(y, K.get_value(y) - 1e-3 * slope)
    assert abs(before - K.eval(cost) - 1e-3 * np.sum(slope**2)) < 0.1 * (before - K.eval(cost))


def test_ctc_decode():
    # Keras 2.3.1 on TensorFlow 1.15.5.
    y, steps = K.constant(_probabilities()), K.constant([5, 4])
    (path,), scores = K.ctc_decode(y, steps)
    assert K.eval(path).tolist() == [[1, 0, 1], [0, -1, -1]]
    np.testing.assert_allclose(K.eval(scores), [[4.858444], [3.722742]], rtol=1e-5)
    paths, scores = K.ctc_decode(y, steps, greedy=False, beam_width=10, top_paths=2)
    assert [K.eval(p).tolist() for p in paths] == [[[1, 0, 1], [1, 0, -1]], [[0, 1], [1, -1]]]
    np.testing.assert_allclose(K.eval(scores), [[-2.662167, -2.870437], [-2.192568, -2.19907]], rtol=1e-5)


def test_ctc_labels():
    labels = K.placeholder((None, None), dtype='int32')
    made = K.ctc_label_dense_to_sparse(labels, K.constant([2, 1, 0], 'int32'))
    assert K.is_sparse(made)
    got = run(made, {labels: [[1, 2, 3], [4, 5, 6], [7, 8, 9]]})
    assert got.indices.tolist() == [[0, 0], [0, 1], [1, 0]] and got.values.tolist() == [1, 2, 4]
    assert got.dense_shape.tolist() == [3, 3]


def test_constants_made_in_eager_mode_become_those_of_the_graph():
    from cthulhu.layers import Input, Layer
    from cthulhu.models import Lump

    outside = tf.constant([1.0, 2.0, 3.0])

    class Scaled(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.factor = tf.constant(2.0)

        def call(self, x):
            return tf.concat([self.factor * (x * outside), tf.where(x > self.factor, x, -x)], -1)

    for _ in range(2):  # the constants outlive the graph
        K.clear_session()
        x = Input((3,))
        model = Lump(x, Scaled()(x))
        assert model.predict(np.full((1, 3), 3, 'float32')).tolist() == [[6, 12, 18, 3, 3, 3]]
    assert (outside + 1).numpy().tolist() == [2, 3, 4]  # eager code is left alone


def test_eager_constants_in_functions_loops_and_assignments():
    x, factor, variable = K.placeholder((3,)), tf.constant([1.0, 2.0, 3.0]), K.variable([0.0, 0.0, 0.0])
    with K.graph_scope():
        inside = tf.function(lambda a: a * factor)(x)
        looped = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * factor), [0, x])[1]
        picked = x[tf.constant(1)]
    run = K.function([x], [inside, looped, picked])
    assert [np.asarray(value).tolist() for value in run([np.ones(3)])] == [[1, 2, 3], [1, 8, 27], 1]
    K.eval(variable.assign(factor))
    assert K.get_value(variable).tolist() == [1, 2, 3]


def test_variables_of_eager_mode_say_what_to_make_instead():
    variable = tf.Variable(2.0)
    with pytest.raises(RuntimeError, match='add_weight'):
        K.placeholder((3,)) * variable


def test_inputs_are_tensors_of_their_own_names():
    from cthulhu.layers import Input

    K.clear_session()
    assert [Input((4,), name='img').name, Input((4,), name='img').name] == ['img:0', 'img_1:0']  # as in Keras 2.3.1


def _thread_of(x, weights, **arguments):
    """A function that returns the thread in which TensorFlow computes, beside the sum of `x` and of a variable."""
    w = K.variable(np.ones(weights))
    with K.graph_scope():
        thread = tf.numpy_function(lambda _: np.int64(threading.get_ident()), [x], tf.int64)
    return K.function([x], [thread, K.sum(x) + K.sum(w)], updates=[K.update_add(w, K.ones_like(w))], **arguments)


@pytest.mark.parametrize(
    'weights, fed, in_the_thread_that_calls',
    [(4, 4, True), (2**9, 4, True), (2**11, 4, False), (4, 2**14 + 1, False)],
)
def test_what_is_small_is_run_by_the_thread_that_calls(weights, fed, in_the_thread_that_calls):
    run = _thread_of(K.placeholder((None,)), weights)
    for step in range(3):
        thread, total = run([np.ones(fed, 'float32')])
        assert bool(thread == threading.get_ident()) == (in_the_thread_that_calls and function.CALLER_COMPUTES)
        assert total == fed + weights * (1 + step)


def test_the_size_of_what_is_fed_may_change_from_call_to_call():
    run = _thread_of(K.placeholder((None,)), 4)
    for step, size in enumerate([3, 2**15, 3, 2**15]):
        thread, total = run([np.ones(size, 'float32')])
        assert bool(thread == threading.get_ident()) == (size == 3 and function.CALLER_COMPUTES)
        assert total == size + 4 * (1 + step)


def test_the_users_own_options_say_who_runs():
    run = _thread_of(K.placeholder((None,)), 4, options=v1.RunOptions(inter_op_thread_pool=0))
    assert run([np.ones(3, 'float32')])[0] != threading.get_ident()


def test_small_calls_from_several_threads_are_run_by_each():
    run = _thread_of(K.placeholder((None,)), 4)
    found = []

    def call():
        for _ in range(20):
            found.append(bool(run([np.ones(2, 'float32')])[0] == threading.get_ident()))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [function.CALLER_COMPUTES] * 80
