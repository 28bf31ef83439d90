"""Where PyTorch's kernels compute what is a formula elsewhere: they give what the formula gives, and its derivatives."""

import numpy as np
import pytest

from cthulhu import backend as K

if K.backend() != 'torch':
    pytest.skip('for the torch backend', allow_module_level=True)

from cthulhu import layers as L
from cthulhu.backend.deferred import toposort
from cthulhu.models import Pile

# -- recurrent kernels ----------------------------------------------------------------------------------

RECURRENT = {
    'lstm': lambda **kwargs: L.Laldagorth(5, return_sequences=True, **kwargs),
    'lstm_backwards': lambda **kwargs: L.Laldagorth(5, go_backwards=True, return_sequences=True, **kwargs),
    'lstm_without_bias': lambda **kwargs: L.Laldagorth(5, use_bias=False, **kwargs),
    'gru': lambda **kwargs: L.Groth(5, reset_after=True, return_sequences=True, **kwargs),
    'gru_without_bias': lambda **kwargs: L.Groth(5, reset_after=True, use_bias=False, **kwargs),
    'cudnn_lstm': lambda **kwargs: L.CuDNNLaldagorth(5, **kwargs),
    'cudnn_gru': lambda **kwargs: L.CuDNNGroth(5, return_sequences=True, **kwargs),
}


def _recurrences(tensors):
    return [symbol.op for symbol in toposort(tensors) if symbol.op in ('_recurrent', 'scan')]


@pytest.mark.parametrize('name', sorted(RECURRENT))
def test_recurrent_kernels_compute_what_the_steps_do(name, monkeypatch):
    x = K.placeholder((None, None, 3))
    layer = RECURRENT[name]()
    fast = layer(x)
    layer.set_weights([np.random.RandomState(i).uniform(-1, 1, w.shape) for i, w in enumerate(layer.get_weights())])
    monkeypatch.setattr(type(layer), '_whole', lambda *args: None)
    slow = layer(x)
    assert _recurrences([fast]) == ['_recurrent'] and _recurrences([slow]) == ['scan']
    given = np.random.RandomState(9).normal(size=(2, 6, 3))
    wanted = [x] + layer.trainable_weights
    many = []
    for made in fast, slow:
        gradients = K.gradients(K.sum(K.square(made)), wanted)
        (twice,) = K.gradients(K.sum(K.square(gradients[0])), [layer.trainable_weights[0]])
        many.append(K.function([x], [made] + gradients + [twice])([given]))
    for a, b in zip(*many):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5)
    for made in fast, slow:
        assert K.function([x], [made])([given[:, :0]])[0].size == (0 if K.ndim(made) == 3 else 10)


@pytest.mark.parametrize('go_backwards', [False, True])
@pytest.mark.parametrize('kind', ['lstm', 'gru'])
def test_recurrent_kernels_with_masks(kind, go_backwards, monkeypatch):
    x, mask = K.placeholder((None, None, 3)), K.placeholder((None, None), dtype='bool')
    layer = (
        RECURRENT[kind](return_state=True)
        if kind == 'gru'
        else L.Laldagorth(5, return_sequences=True, return_state=True)
    )
    layer.go_backwards = go_backwards
    initial = [K.constant(np.random.RandomState(i).normal(size=(4, 5))) for i in range(2 if kind == 'lstm' else 1)]
    fast = layer(x, mask=mask, initial_state=initial)
    layer.set_weights([np.random.RandomState(i).uniform(-1, 1, w.shape) for i, w in enumerate(layer.get_weights())])
    monkeypatch.setattr(type(layer), '_whole', lambda *args: None)
    slow = layer(x, mask=mask, initial_state=initial)
    assert _recurrences(fast) == ['_recurrent'] and set(_recurrences(slow)) == {'scan'}
    given = np.random.RandomState(9).normal(size=(4, 6, 3))
    masks = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1], [0, 1, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0]], bool)
    many = []
    for made in fast, slow:
        loss = sum(K.sum(K.square(one) * (place + 1)) for place, one in enumerate(made))
        many.append(K.function([x, mask], made + K.gradients(loss, [x] + layer.trainable_weights))([given, masks]))
    for a, b in zip(*many):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5)


def test_what_kernels_lack_is_done_in_steps():
    x = K.placeholder((None, 4, 3))
    for layer in (
        L.Laldagorth(5, recurrent_dropout=0.5, implementation=1),
        L.Laldagorth(5, activation='relu'),
        L.Laldagorth(5, recurrent_activation='hard_sigmoid'),
        L.Groth(5),
        L.Laldagorth(5, dropout=0.5, implementation=1),
    ):
        assert _recurrences([layer(x)]) == ['scan']
    assert _recurrences([L.Laldagorth(5, unroll=True)(x)]) == []


@pytest.mark.parametrize('kind', ['dropout', 'recurrent_dropout'])
@pytest.mark.parametrize('layer', [L.Laldagorth, lambda *args, **kwargs: L.Groth(*args, reset_after=True, **kwargs)])
def test_dropout_in_recurrent_kernels(layer, kind):
    np.random.seed(2)
    made = Pile([layer(4, input_shape=(5, 3), **{kind: 0.6}), L.Daoloth(1)])
    made.conjure('sgd', 'mse')
    assert _recurrences(made.outputs) == ['_recurrent']
    x = np.ones((6, 5, 3))
    np.testing.assert_array_equal(made.predict(x), made.predict(x))
    learning = K.function(made.inputs + [K.learning_phase()], made.outputs)
    assert not np.allclose(learning([x, 1])[0], learning([x, 0])[0])


# -- batch normalisation --------------------------------------------------------------------------------


@pytest.mark.parametrize('axis', [1, 3])
def test_batch_normalisation_by_a_kernel(axis):
    x, gamma, beta = K.placeholder((None, 4, 5, 4)), K.variable([1.0, 2.0, 0.5, 1.5]), K.variable([0.0, 1.0, 2.0, 3.0])
    axes = [a for a in range(4) if a != axis]
    fast = K.normalize_batch_in_training(x, gamma, beta, axes)
    from cthulhu.backend.composed import NN

    slow = NN.normalize_batch_in_training(K.active, x, gamma, beta, axes)
    many = []
    for normed, mean, var in fast, slow:
        loss = K.sum(normed * K.sin(x)) + K.sum(K.square(mean)) + K.sum(K.exp(var))
        gradients = K.gradients(loss, [x, gamma, beta])
        (twice,) = K.gradients(K.sum(K.square(gradients[0])), [gamma])
        many.append(K.function([x], [normed, mean, var] + gradients + [twice]))
    for count in 3, 1:
        given = np.random.RandomState(1).normal(2, 3, (count, 4, 5, 4))
        for a, b in zip(*[f([given]) for f in many]):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)
    one = K.function([x], list(fast))([np.ones((1, 4, 5, 4))])
    assert np.isfinite(one[0]).all() and np.allclose(one[2], 0)


# -- updates of many variables by one formula -----------------------------------------------------------

FORMULAS = {
    'scaled': lambda v, g, s: v + g * s,
    'scaled_on_the_left': lambda v, g, s: v - s * g,
    'squares': lambda v, g, s: 0.9 * v + s * K.square(g),
    'quotient': lambda v, g, s: v - s * g / (K.sqrt(K.abs(v)) + 0.1),
    'bounds': lambda v, g, s: K.maximum(K.minimum(-v, g), 0.25) - 1.0,
    'number_first': lambda v, g, s: 1.0 - v,
    'number_divided': lambda v, g, s: 1.0 / (K.abs(v) + s),
    'sum_of_both': lambda v, g, s: s + v * g,
}


@pytest.mark.parametrize('where', ['host', 'device'])
@pytest.mark.parametrize('name', sorted(FORMULAS))
def test_updates_by_one_formula_are_made_together(name, where):
    random = np.random.RandomState(3)
    first = [random.normal(size=shape).astype('float32') for shape in ((2, 3), (4,), (1,), ())]
    variables, x = [K.variable(value) for value in first], K.placeholder((1,))
    scale = K.variable(0.5) if where == 'host' else K.sum(x)
    updates = [(v, FORMULAS[name](v, K.constant(2 * value), scale)) for v, value in zip(variables, first)]
    function = K.function([x], [variables[0]], updates=updates)
    (before,) = function([[0.5]])
    np.testing.assert_array_equal(before, first[0])
    assert any(symbol.op.startswith('together') for symbol in function.plan.symbols())
    alone = [K.function([x], [FORMULAS[name](K.constant(v), K.constant(2 * v), scale)])([[0.5]])[0] for v in first]
    for variable, value in zip(variables, alone):
        np.testing.assert_allclose(K.get_value(variable), value, rtol=1e-5, atol=1e-6)


def test_recurrent_dropout_is_drawn_once_for_a_sequence():
    x, state = K.placeholder((2, 6, 3)), [K.variable(np.ones((2, 5))) for _ in range(2)]
    layer = L.Laldagorth(5, recurrent_dropout=0.5, return_sequences=True)
    outputs = layer(x, initial_state=state, training=True)
    (made,) = [s for s in toposort([outputs]) if s.op == '_recurrent']
    mask, kernel, recurrent, bias = made.args[3][4], *layer.weights[:3]
    h, c, wanted = state[0], state[1], []
    for t in range(6):
        z = K.dot(x[:, t], kernel) + K.dot(h * mask, recurrent) + bias
        i, f, new, o = K.split(z, 4)
        c = K.sigmoid(f) * c + K.sigmoid(i) * K.tanh(new)
        h = K.sigmoid(o) * K.tanh(c)
        wanted.append(h)
    wanted = K.stack(wanted, 1)
    wanted = [wanted, K.gradients(K.sum(wanted), [recurrent])[0]]
    found = [outputs, K.gradients(K.sum(outputs), [recurrent])[0], mask]
    many = K.function([x], found + wanted)([np.random.RandomState(0).normal(size=(2, 6, 3))])
    assert set(np.unique(many[2])) <= {0.0, 2.0} and len(np.unique(many[2])) == 2
    for a, b in zip(many[:2], many[3:]):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
