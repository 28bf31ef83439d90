"""What only the Theano backend has: native variables, flags left alone, compilations counted, draws that are hashed."""

import os
import threading
import time

import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import check_gradient

if not K.supports('theano'):
    pytest.skip('for the theano backend', allow_module_level=True)

from cthulhu.backend.theano import compiling, framework, function, graphs
from cthulhu.layers import BlacknessFromTheStars, Daoloth, Dropout
from cthulhu.models import Pile

T = framework.T
pytestmark = pytest.mark.usefixtures('fresh')


@pytest.fixture
def compilations(monkeypatch):
    """The names of what is compiled, in order."""
    made, original = [], framework.theano.function

    def compiled(*args, **kwargs):
        made.append(kwargs['name'])
        return original(*args, **kwargs)

    monkeypatch.setattr(framework.theano, 'function', compiled)
    return made


def test_tensors_are_the_frameworks_own():
    x = K.placeholder((None, 3))
    assert isinstance(x, framework.Variable) and isinstance(K.variable(1.0), framework.SharedVariable)
    y = T.exp(x) + K.variable(np.ones(3))
    assert isinstance(y, framework.Variable)
    assert np.allclose(framework.theano.function([x], y, mode=compiling.mode())(np.zeros((2, 3), 'float32')), 2.0)
    assert np.allclose(K.function([x], [K.sum(y)])([np.zeros((2, 3))])[0], 12.0)


def test_numbers_and_integers_do_not_widen():
    x, n = K.placeholder((2, 3)), K.placeholder((2, 3), dtype='int32')
    for made in (
        x * 0.1,
        0.1 + x,
        x / K.shape(x)[0],
        n + x,
        K.mean(n),
        K.sum(x) / 3,
        x**2,
        -x % 0.7,
        x // 0.3,
        x @ K.transpose(x),
    ):
        assert K.dtype(made) == 'float32', made
    assert K.dtype(K.cast(x, 'float64') * 0.1) == 'float64' and K.dtype(n * 2) == 'int32'
    value = K.eval(K.constant([1.0], dtype='float64') * 0.1)
    assert value == 0.1, 'a number keeps its digits beside float64'


def test_flags_are_left_alone():
    names = 'floatX', 'mode', 'linker', 'optimizer', 'cast_policy', 'on_unused_input'
    before = [str(getattr(framework.theano.config, n)) for n in names]
    x = K.placeholder((2,))
    K.function([x], [x * 0.5])([[1, 2]])
    assert [str(getattr(framework.theano.config, n)) for n in names] == before
    assert (T.scalar('a', dtype='float32') * np.float64(0.1)).dtype == 'float64', "the user's own graphs are Theano's"


def test_arguments_of_the_frameworks_function():
    x = K.placeholder(())
    y = K.placeholder(())
    assert K.function([x], [x + y], givens={y: K.constant(2.0)}, on_unused_input='raise')([1.0]) == [3.0]
    with pytest.raises(ValueError, match=r"'feed_dict': no such argument of \w+.function.*'mode'"):
        K.function([x], [x], feed_dict={})
    with pytest.raises(ValueError, match='made_up'):
        Pile([Daoloth(1, input_shape=(2,))]).conjure('sgd', 'mse', made_up=1)


def test_one_compilation_for_each_use(compilations):
    model = Pile([Daoloth(4, input_shape=(3,)), BlacknessFromTheStars(), Dropout(0.5), Daoloth(1)])
    model.conjure('adam', 'mse', metrics=['mae'])
    for size in (8, 5):
        x, y = np.ones((size, 3)), np.ones((size, 1))
        model.summon(x, y, epochs=2, batch_size=4, validation_data=(x, y), verbose=0)
        model.evaluate(x, y, verbose=0)
        model.predict(x)
        model.train_on_batch(x, y)
    assert sorted(compilations) == ['predict_function', 'test_function', 'train_function']


def test_the_branch_of_the_phase_is_chosen_before_compiling():
    x, phase = K.placeholder((2,)), K.learning_phase()
    f = K.function([x, phase], [K.in_train_phase(lambda: K.dropout(x, 0.5, seed=1), x)])
    assert f([[1, 2], 0])[0].tolist() == [1, 2] and set(f([[1, 1], 1])[0]) <= {0.0, 2.0}
    nodes = [compiled.maker.fgraph.toposort() for _, (compiled, _) in sorted(f.compiled.items())]
    assert not any(isinstance(node.op, framework.IfElse) for order in nodes for node in order)
    assert len(nodes[0]) < 3 < len(nodes[1])


def test_after_updates_are_in_the_same_function(compilations):
    a, b = K.variable(1.0), K.variable(10.0)
    f = K.function([], [a], updates=[(a, a + b), (b, a)], after_updates=[a * 1.0, b * 1.0, a + b])
    assert f([]) == [1.0, 11.0, 1.0, 12.0] and len(compilations) == 1


def test_a_long_compilation_is_said(monkeypatch, capfd):
    monkeypatch.setattr(function, 'PATIENCE', 0.01)
    original = framework.theano.function
    monkeypatch.setattr(framework.theano, 'function', lambda *a, **k: [time.sleep(0.2), original(*a, **k)][1])
    K.function([], [K.constant(1.0)], name='slow')([])
    assert "is compiling 'slow'" in capfd.readouterr().err


def test_no_compilation_for_first_values(compilations):
    weights = K.variable(K.random_normal((30, 20), seed=3))
    assert K.get_value(weights).std() > 0.8 and compilations == []


def test_draws_are_functions_of_seed_and_step():
    first, other = K.random_uniform((5,), seed=1), K.random_uniform((5,), seed=1)
    f = K.function([], [first, other, K.random_uniform((5,), seed=2)])
    a, b, c = f([])
    np.testing.assert_array_equal(a, b)
    assert not np.intersect1d(a, c).size and not np.intersect1d(a, f([])[0]).size
    K.set_random_step(0)
    np.testing.assert_array_equal(f([])[0], a)


def test_draws_in_a_loop_differ_by_time():
    def step(slices, states, time):
        return [K.random_normal((3,), seed=4)], []

    (drawn,), _ = K.scan(step, [K.constant(np.zeros(4))], [])
    f = K.function([], [drawn])
    values = f([])[0]
    assert values.shape == (4, 3) and len(np.unique(values)) == 12
    assert not np.intersect1d(values, f([])[0]).size


def test_bits_are_even_and_independent():
    values = K.eval(K.random_uniform((64, 4096), seed=9))
    counts = np.histogram(values, 64, (0, 1))[0]
    expected = values.size / 64
    # chi-squared with 63 degrees of freedom: beyond 110 in 2 of 10,000 good generators
    assert (np.square(counts - expected) / expected).sum() < 110
    assert np.abs(np.corrcoef(values) - np.eye(64)).max() < 0.08


def test_the_compiled_mode_computes_the_same(monkeypatch):
    x, w = K.placeholder((None, 4)), K.variable(np.arange(8.0).reshape(4, 2) / 8)
    loss = K.sum(K.square(K.dropout(K.tanh(K.dot(x, w)), 0.25, seed=3)))
    outputs, data = [loss] + K.gradients(loss, [w]), np.linspace(-1, 1, 12).reshape(3, 4)
    slow = K.function([x], outputs)([data])
    K.set_random_step(0)
    monkeypatch.delenv(compiling.MODE_VARIABLE, raising=False)
    for one, other in zip(K.function([x], outputs)([data]), slow):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_modules_are_compiled_ahead_side_by_side(monkeypatch):
    ahead, alone, threads = [], [], set()
    compile_one = compiling._compile

    def counted(linker, folder):
        ahead.append(linker)
        threads.add(threading.current_thread())
        return compile_one(linker, folder)

    monkeypatch.setattr(compiling, '_compile', counted)
    monkeypatch.setattr(framework.CLinker, 'compile_cmodule', lambda self, location=None: alone.append(self))
    monkeypatch.delenv(compiling.MODE_VARIABLE, raising=False)
    before = framework.flags()
    # Chains that no module is kept of from an earlier run, so that there is something to compile.
    dice, x, y = np.random.RandomState(), K.placeholder((None, 3)), []
    for _ in range(3):
        chain = x + 1.0
        for step in dice.choice([K.sin, K.cos, K.tanh, K.exp, K.square], 12):
            chain = step(chain) - 0.5
        y.append(chain)
    for value in K.function([x], y)([np.zeros((2, 3))]):
        assert value.shape == (2, 3)
    assert ahead and not alone and threading.main_thread() not in threads
    assert framework.flags() == before


def test_headers_are_compiled_once():
    path = compiling._headers()
    assert os.path.exists(path + '.gch')
    changed = os.path.getmtime(path + '.gch')
    compiling._tried.clear()
    assert compiling._headers() == path and os.path.getmtime(path + '.gch') == changed


@pytest.mark.parametrize(
    'shape, order',
    [
        ((2, 3), (1, 0)),
        ((2, 3), ('x', 1, 'x', 0)),
        ((2, 1, 3), (2, 0)),
        ((1, 1), ()),
        ((), ('x', 'x')),
        ((2, 1), ('x', 0)),
    ],
)
def test_views(shape, order):
    value = np.arange(np.prod(shape)).reshape(shape).astype('float32')
    node = framework.T.as_tensor_variable(value).dimshuffle(*order).owner
    target = [None]
    compiling._turning(node, {node.inputs[0]: [value], node.outputs[0]: target}, {node.outputs[0]: [False]}, [])()
    kept = [axis for axis in order if axis != 'x']
    expected = value.transpose(kept + [axis for axis in range(value.ndim) if axis not in kept])
    lengths = [1 if axis == 'x' else shape[axis] for axis in order]
    assert isinstance(target[0], np.ndarray)
    np.testing.assert_array_equal(target[0], expected.reshape(lengths))
    assert target[0].shape == tuple(lengths)


def test_gradients_of_the_gradients_of_convolution():
    random = np.random.RandomState(0)
    for strides, dilation in [((1, 1), (1, 1)), ((2, 1), (1, 1)), ((1, 1), (2, 1))]:
        x, kernel = K.variable(random.normal(size=(2, 6, 5, 2))), K.variable(random.normal(size=(2, 3, 2, 3)))
        y = K.conv2d(x, kernel, strides=strides, dilation_rate=dilation)
        first = K.gradients(K.sum(K.square(y)), [x, kernel])
        penalty = K.sum(K.square(first[0])) + K.sum(K.square(first[1]))
        seconds = [K.eval(g) for g in K.gradients(penalty, [x, kernel])]
        for variable, second in zip((x, kernel), seconds):
            value, direction = K.get_value(variable), random.normal(size=second.shape)
            ends = []
            for sign in (-1, 1):
                K.set_value(variable, value + sign * 1e-3 * direction)
                ends.append(float(K.eval(penalty)))
            K.set_value(variable, value)
            np.testing.assert_allclose((ends[1] - ends[0]) / 2e-3, (second * direction).sum(), rtol=2e-2)


def test_gradient_of_ctc():
    logits = np.random.RandomState(1).uniform(0.1, 1, (2, 5, 4))
    probabilities = logits / logits.sum(-1, keepdims=True)
    labels, steps, lengths = np.array([[0, 0, 1], [2, 1, 0]]), np.array([[5], [4]]), np.array([[3], [2]])
    check_gradient(
        lambda y: K.ctc_batch_cost(
            K.constant(labels, 'int32'), y, K.constant(steps, 'int32'), K.constant(lengths, 'int32')
        ),
        probabilities,
    )


def test_replacing_takes_all_at_once():
    a, b = K.variable(1.0), K.variable(2.0)
    assert graphs.computed(graphs.replaced([a + 2.0 * b], {a: b * 1.0, b: a * 10.0}))[0] == 22.0


def test_placeholders_with_no_value():
    with pytest.raises(ValueError, match='was given no value'):
        K.eval(K.placeholder((2,), name='lonely') * 2.0)


@pytest.mark.parametrize('name', ['reshape', 'zeros', 'concatenate', 'gradients', 'function'])
def test_no_graph_grows_while_another_thread_makes_or_compiles_one(name):
    """The framework switches flags that all threads see while it does either: the C++ compiler among them, which then is '' for the other one."""
    x = K.placeholder((None, 4))
    loss = K.sum(K.square(x))
    given = {'reshape': (x, (-1, 2)), 'zeros': ((3,),), 'concatenate': ([x, x],), 'gradients': (loss, [x])}
    thread = threading.Thread(target=getattr(K, name), args=given.get(name, ([x], [loss])))
    f = K.function([x], [loss])
    f([np.ones((2, 4))])
    with K.graph_scope():
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        # what is compiled runs meanwhile
        runs = threading.Thread(target=f, args=([np.ones((2, 4))],))
        runs.start()
        runs.join(20)
        assert not runs.is_alive()
    thread.join(20)
    assert not thread.is_alive()
