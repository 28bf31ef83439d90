import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import check_function, check_gradient, evaluate

pytestmark = pytest.mark.usefixtures('fresh')
random = np.random.RandomState(4)
X = random.normal(size=(2, 4, 3))
W, U = random.normal(size=(3, 2)), random.normal(size=(2, 2))
H, C = random.normal(size=(2, 2)), random.normal(size=(2, 2))
MASK = np.array([[0, 1, 0, 1], [1, 1, 0, 0]])


def step(tanh, dot, x, h, c, w, u, constant):
    """A cell of two states whose output is neither of them."""
    h = tanh(dot(x, w) + dot(h, u) + constant)
    c = 0.5 * c + h
    return h * c, h, c


def numpy_rnn(x, h, c, w, u, constant, mask=None, go_backwards=False):
    outputs = []
    previous = np.zeros((len(x), u.shape[1]))
    times = range(x.shape[1])
    for t in reversed(times) if go_backwards else times:
        new = step(np.tanh, np.dot, x[:, t], h, c, w, u, constant)
        keep = np.ones((len(x), 1), bool) if mask is None else mask[:, t].reshape(-1, 1).astype(bool)
        previous, h, c = (np.where(keep, n, o) for n, o in zip(new, (previous, h, c)))
        outputs.append(previous)
    return [previous, np.stack(outputs, 1), h, c]


def joined(tensors):
    """Every element of the tensors in one, so that one gradient is of all of them."""
    return K.concatenate([K.flatten(x) for x in tensors])


def run(K, x, h, c, w, u, constant, **kwargs):
    def step_function(x, states):
        h, c, constant = states
        output, h, c = step(K.tanh, K.dot, x, h, c, w, u, constant)
        return output, [h, c]

    last, outputs, states = K.rnn(step_function, x, [h, c], constants=[constant], **kwargs)
    return [last, outputs] + list(states)


@pytest.mark.parametrize('masked', [None, 'bool', 'int32', '3-D'])
@pytest.mark.parametrize('go_backwards', [False, True])
@pytest.mark.parametrize('unroll', [False, True])
def test_rnn(masked, go_backwards, unroll):
    mask = None if masked is None else MASK
    expected = numpy_rnn(X, H, C, W, U, 0.25, mask, go_backwards)

    def f(K, x, h, c, w, u, constant, *masks):
        mask = masks[0] if masks else None
        return run(K, x, h, c, w, u, constant, mask=mask, go_backwards=go_backwards, unroll=unroll)

    arrays = [X, H, C, W, U, np.array(0.25)]
    if masked is not None:
        arrays.append(MASK[..., None].astype(bool) if masked == '3-D' else MASK.astype(masked))
    fixed = (0, 1, 2, 3, 4) if unroll else (1, 2, 3, 4)
    if masked == '3-D' and not K.supports('broadcasting'):
        fixed += (6,)
    check_function(f, expected, *arrays, fixed=fixed)
    if masked != 'int32':
        check_gradient(lambda *t: joined(f(K, *t)), *arrays, wrt=range(6))


@pytest.mark.parametrize('unroll', [False, True])
def test_rnn_whose_output_is_its_state(unroll):
    def f(K, x, h, u):
        def step_function(x, states):
            h = K.tanh(x + K.dot(states[0], u))
            return h, [h]

        last, outputs, (state,) = K.rnn(step_function, x, [h], unroll=unroll)
        return [last, outputs, state]

    x, h, outputs = X[..., :2], H, []
    for t in range(4):
        h = np.tanh(x[:, t] + h @ U)
        outputs.append(h)
    check_function(f, [h, np.stack(outputs, 1), h], x, H, U, fixed=(0, 1, 2) if unroll else (1, 2))
    check_gradient(lambda *t: joined(f(K, *t)), x, H, U)


def test_masked_rnn_as_keras():
    # last_output, outputs and the state of K.rnn of Keras 2.3.1 on TensorFlow 1.15, whose state is its output plus 1.
    generator = np.random.RandomState(3)
    x, w, u = (generator.normal(size=size).astype('float32') for size in [(2, 4, 3), (3, 2), (2, 2)])
    forwards = [[[0, 0], [0.9065951, 0.9926971], [0.9065951, 0.9926971], [-0.9687574, 0.99355316]]]
    forwards.append([[-0.35479015, 0.40982556]] + 3 * [[-0.01097158, 0.8088433]])
    backwards = [2 * [[-0.9073137, 0.9350769]] + 2 * [[-0.31967556, 0.40178943]]]
    backwards.append([[0, 0], [0, 0], [0.64298147, 0.9693553], [-0.7997267, 0.80006176]])
    for outputs, go_backwards in ((np.array(forwards), False), (np.array(backwards), True)):
        for unroll in (False, True):

            def f(K, x, w, u, h, mask):
                def step_function(x, states):
                    output = K.tanh(K.dot(x, w) + K.dot(states[0], u))
                    return output, [output + 1.0]

                last, outputs, states = K.rnn(step_function, x, [h], go_backwards, mask, unroll=unroll)
                return [last, outputs] + states

            expected = [outputs[:, -1], outputs, outputs[:, -1] + 1]
            check_function(f, expected, x, w, u, np.ones((2, 2)), MASK, fixed=(0, 1, 2, 3, 4))


def test_rnn_of_images():
    x = random.normal(size=(2, 3, 4, 5, 1))

    def f(K, x, mask):
        def step_function(x, states):
            total = x + states[0]
            return total, [total]

        last, outputs, _ = K.rnn(step_function, x, [K.zeros_like(x[:, 0])], mask=mask)
        return [last, outputs]

    mask = np.array([[1, 0, 1], [1, 1, 1]], 'float32')
    total = np.cumsum(x * mask[..., None, None, None], axis=1)
    check_function(f, [total[:, -1], total], x, mask)


def test_rnn_without_states():
    def f(K, x):
        last, outputs, states = K.rnn(lambda x, states: (2.0 * x, states), x, [])
        assert list(states) == []
        return [last, outputs]

    check_function(f, [2 * X[:, -1], 2 * X], X)


@pytest.mark.parametrize('unroll', [False, True])
def test_rnn_knows_its_static_shapes(unroll):
    x, h = K.placeholder((None, 4, 3)), K.placeholder((None, 2))
    w = K.variable(W)
    last, outputs, states = K.rnn(
        lambda x, s: (K.concatenate([K.dot(x, w), s[0]]), [K.dot(x, w)]), x, [h], unroll=unroll
    )
    assert K.int_shape(last) == (None, 4) and K.int_shape(outputs) == (None, 4, 4)
    assert K.int_shape(states[0]) == (None, 2)


def test_rnn_input_length():
    x, h = K.placeholder((None, None, 3)), K.placeholder((None, 3))

    def step_function(x, states):
        return x + states[0], [x]

    _, outputs, _ = K.rnn(step_function, x, [h], unroll=True, input_length=2)
    assert K.int_shape(outputs) == (None, 2, 3)
    value = K.function([x, h], [outputs])([X[:, :2].astype('float32'), np.zeros((2, 3), 'float32')])[0]
    np.testing.assert_allclose(value, np.stack([X[:, 0], X[:, 0] + X[:, 1]], 1), rtol=1e-5)
    _, outputs, _ = K.rnn(step_function, x, [h], input_length=2)
    assert K.int_shape(outputs) == (None, 2, 3)
    with pytest.raises(
        ValueError, match=r'input_length: 5 is not the length of inputs, which have shape \(None, 4, 3\)'
    ):
        K.rnn(step_function, K.placeholder((None, 4, 3)), [h], input_length=5)


def test_rnn_refuses():
    with pytest.raises(ValueError, match='unroll: the number of steps must be known'):
        K.rnn(lambda x, s: (x, s), K.placeholder((None, None, 3)), [], unroll=True)
    with pytest.raises(ValueError, match=r'inputs: expected 2 or more dimensions \(batch, time, ...\)'):
        K.rnn(lambda x, s: (x, s), K.placeholder((None,)), [])


@pytest.mark.parametrize('unroll', [False, True])
def test_rnn_marks_the_learning_phase(unroll):
    x = K.placeholder((2, 3, 4))

    def step_function(x, states):
        return K.in_train_phase(x, lambda: 2.0 * x), []

    last, outputs, _ = K.rnn(step_function, x, [], unroll=unroll)
    assert last._uses_learning_phase and outputs._uses_learning_phase
    run = K.function([x, K.learning_phase()], [last])
    value = np.ones((2, 3, 4), 'float32')
    assert run([value, 1])[0].max() == 1 and run([value, 0])[0].min() == 2


def test_foldl_and_foldr():
    x = random.normal(size=(5, 3))

    def f(K, x, start):
        return [
            K.foldl(lambda a, e: 0.5 * a + e, x),
            K.foldr(lambda a, e: 0.5 * a + e, x),
            K.foldl(lambda a, e: 0.5 * a + e, x, initializer=start),
            K.foldr(lambda a, e: 0.5 * a + K.sum(e), x, initializer=K.sum(start), name='fold'),
        ]

    def fold(elements, start):
        for e in elements:
            start = 0.5 * start + e
        return start

    start = random.normal(size=3)
    expected = [fold(x[1:], x[0]), fold(x[::-1][1:], x[-1]), fold(x, start), fold(x[::-1].sum(1), start.sum())]
    check_function(f, expected, x, start, fixed=(1,))
    check_gradient(lambda *t: joined(f(K, *t)), x, start)


def test_map_fn():
    x, y = random.normal(size=(5, 3)), random.normal(size=(5,))

    def f(K, x, y):
        several = K.map_fn(lambda pair: [pair[0] * pair[1], K.sum(pair[0])], [x, y])
        return [K.map_fn(lambda e: K.sum(K.square(e)), x), K.map_fn(lambda e: e[0] - e[1], (x[:, 0], y))] + several

    expected = [np.sum(x**2, 1), x[:, 0] - y, x * y[:, None], x.sum(1)]
    check_function(f, expected, x, y)
    check_gradient(lambda *t: joined(f(K, *t)), x, y)


def test_map_fn_casts():
    x = np.arange(6.0).reshape(3, 2)
    value = evaluate(lambda K, x: K.map_fn(lambda e: K.argmax(e), x, dtype='int32'), x)
    assert value.dtype == np.int32 and value.tolist() == [1, 1, 1]
    values = evaluate(lambda K, x: K.map_fn(lambda e: (e, K.sum(e)), x, dtype=(None, 'int32'), name='both'), x)
    assert [v.dtype for v in values] == [np.float64, np.int32] and values[1].tolist() == [1, 5, 9]
