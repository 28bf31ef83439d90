import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.layers.cudnn_recurrent import cudnn_weights, plain_weights
from cthulhu.models import Lump, Pile
from cthulhu.utils.layer_test import layer_test
from tests.layers import recurrence
from tests.layers.running import apply, normal


def matrices(kernel, gates):
    """What cuDNN makes of a kernel (rows, gates * units): for each gate the numbers, in the order in which they lie,
    fill a matrix (units, rows), which is multiplied with the vector from the left.
    """
    rows, width = kernel.shape
    units = width // gates
    found = []
    for gate in range(gates):
        numbers = [kernel[i, gate * units + j] for i in range(rows) for j in range(units)]
        matrix = np.zeros((units, rows))
        for place, number in enumerate(numbers):
            matrix[place // rows, place % rows] = number
        found.append(matrix)
    return found


def lstm(weights):
    """The step in NVIDIA's documentation of cudnnRNNMode_t, for the order of the gates in Keras: i, f, c, o."""
    w, r = matrices(weights[0], 4), matrices(weights[1], 4)
    b = weights[2].reshape(2, 4, -1)

    def step(x, states):
        h, c = states
        i, f, new, o = (w[k] @ x + r[k] @ h + b[0, k] + b[1, k] for k in range(4))
        c = recurrence.sigmoid(f) * c + recurrence.sigmoid(i) * np.tanh(new)
        h = recurrence.sigmoid(o) * np.tanh(c)
        return h, [h, c]

    return step


def gru(weights):
    w, r = matrices(weights[0], 3), matrices(weights[1], 3)
    b = weights[2].reshape(2, 3, -1)

    def step(x, states):
        (h,) = states
        z = recurrence.sigmoid(w[0] @ x + r[0] @ h + b[0, 0] + b[1, 0])
        reset = recurrence.sigmoid(w[1] @ x + r[1] @ h + b[0, 1] + b[1, 1])
        h = (1 - z) * np.tanh(w[2] @ x + b[0, 2] + reset * (r[2] @ h + b[1, 2])) + z * h
        return h, [h]

    return step


KINDS = {
    'lstm': (layers.CuDNNLaldagorth, layers.Laldagorth, {}, lstm, 2),
    'gru': (layers.CuDNNGroth, layers.Groth, {'reset_after': True}, gru, 1),
}


@pytest.mark.parametrize('kind', KINDS)
def test_layer(kind):
    cls, _, _, step, states = KINDS[kind]
    settings = {'units': 4, 'return_sequences': True, 'bias_initializer': 'random_normal'}

    def expected(x, weights):
        return recurrence.run(step(weights), x, recurrence.zeros(x, *[4] * states))[0]

    layer_test(cls, settings, input_data=normal(2, 5, 3), expected_output=expected)
    x = normal(2, 5, 3)
    layer = cls(4, go_backwards=True, return_state=True)
    found = apply(layer, x)
    outputs, finals = recurrence.run(step(layer.get_weights()), x, recurrence.zeros(x, *[4] * states), backwards=True)
    for a, b in zip(found, [outputs[:, -1]] + finals):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_same_as_the_plain_layer_with_converted_weights(kind):
    cls, plain_cls, further, _, states = KINDS[kind]
    x, start = normal(2, 5, 3), [normal(2, 4), normal(2, 4) + 1][:states]
    settings = {'return_sequences': True, 'return_state': True, 'bias_initializer': 'random_normal'}
    layer, plain = cls(4, **settings), plain_cls(4, **dict(settings, **further))
    entries = [layers.Input((5, 3))] + [layers.Input((4,)) for _ in start]
    f = K.function(entries, layer(entries[0], initial_state=entries[1:]) + plain(entries))
    plain.set_weights(plain_weights(layer.get_weights()))
    values = f([x] + start)
    for a, b in zip(values[: states + 1], values[states + 1 :]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)

    plain.set_weights([normal(*w.shape) for w in plain.get_weights()])
    layer.set_weights(cudnn_weights(plain.get_weights()))
    values = f([x] + start)
    for a, b in zip(values[: states + 1], values[states + 1 :]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for a, b in zip(plain_weights(layer.get_weights()), plain.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_weights():
    layer = layers.CuDNNLaldagorth(4)
    layer.build((None, 7, 3))
    assert [w.shape for w in layer.get_weights()] == [(3, 16), (4, 16), (32,)]
    forget = np.zeros(32)
    forget[20:24] = 1.0
    np.testing.assert_array_equal(layer.get_weights()[2], forget)
    assert [w.name.split('/')[-1].split(':')[0] for w in layer.weights] == ['kernel', 'recurrent_kernel', 'bias']
    assert layer.kernel is layer.weights[0] and layer.bias is layer.weights[2]
    layer = layers.CuDNNGroth(4, kernel_regularizer='l2', bias_regularizer='l1', recurrent_constraint='non_neg')
    layer.build((None, 7, 3))
    assert [w.shape for w in layer.get_weights()] == [(3, 12), (4, 12), (24,)]
    assert len(layer.losses) == 2
    layer = layers.CuDNNLaldagorth(2, unit_forget_bias=False, bias_initializer='ones')
    layer.build((None, 7, 3))
    np.testing.assert_array_equal(layer.get_weights()[2], np.ones(16))


def test_stateful():
    x = normal(2, 6, 3)
    model = Pile([layers.CuDNNGroth(4, stateful=True, batch_input_shape=(2, 3, 3))])
    whole = Pile([layers.CuDNNGroth(4, input_shape=(6, 3))])
    whole.set_weights(model.get_weights())
    first = model.predict(x[:, :3], batch_size=2)
    np.testing.assert_allclose(model.predict(x[:, 3:], batch_size=2), whole.predict(x), rtol=1e-4, atol=1e-5)
    model.reset_states()
    np.testing.assert_array_equal(model.predict(x[:, :3], batch_size=2), first)


def test_inside_bidirectional():
    x = normal(2, 5, 3)
    entry = layers.Input((5, 3))
    layer = layers.Bidirectional(layers.CuDNNLaldagorth(4, return_sequences=True, return_state=True))
    plain = layers.Bidirectional(layers.Laldagorth(4, return_sequences=True, return_state=True))
    f = K.function([entry], layer(entry) + plain(entry))
    weights = layer.get_weights()
    plain.set_weights(plain_weights(weights[:3]) + plain_weights(weights[3:]))
    values = f([x])
    assert len(values) == 10
    for a, b in zip(values[:5], values[5:]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_masks_are_refused():
    x = layers.Masking()(layers.Input((4, 3)))
    for layer in (layers.CuDNNGroth(2), layers.Bidirectional(layers.CuDNNLaldagorth(2))):
        with pytest.raises(ValueError, match='does not take masks'):
            layer(x)
    entry = layers.Input((4, 3))
    Lump(entry, layers.CuDNNGroth(2)(entry))


def test_weights_that_cannot_be_converted():
    for layer in (layers.Groth(3), layers.Laldagorth(3, use_bias=False), layers.ShabithKa(3)):
        layer.build((None, 2, 4))
        with pytest.raises(ValueError, match='cudnn_weights'):
            cudnn_weights(layer.get_weights())
    layer = layers.Laldagorth(3)
    layer.build((None, 2, 4))
    with pytest.raises(ValueError, match=r'\(24,\).*\(12,\)'):
        plain_weights(layer.get_weights())
