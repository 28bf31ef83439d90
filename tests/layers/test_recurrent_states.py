import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump, Pile, clone_model, model_from_config
from cthulhu.optimizers import Adam
from tests.layers import recurrence
from tests.layers.running import apply, normal


class Conditioned(layers.Layer):
    """A cell of the user's own: h = tanh(x W + h U + constant V)."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape):
        (_, features), (_, width) = input_shape
        self.w = self.add_weight('w', (features, self.units))
        self.u = self.add_weight('u', (self.units, self.units))
        self.v = self.add_weight('v', (width, self.units))

    def call(self, inputs, states, constants):
        h = K.tanh(K.dot(inputs, self.w) + K.dot(states[0], self.u) + K.dot(constants[0], self.v))
        return h, [h]

    def get_config(self):
        return dict(super().get_config(), units=self.units)


class Doubling:
    """A cell that is not a layer: it adds twice its input to its state."""

    state_size = 3

    def call(self, inputs, states):
        h = states[0] + 2 * inputs
        return h, [h]


KNOWN = {'Conditioned': Conditioned}


def conditioned(weights, constant):
    """The step of Conditioned, for one sample."""
    w, u, v = weights

    def step(x, states):
        h = np.tanh(x @ w + states[0] @ u + constant @ v)
        return h, [h]

    return step


def by_sample(step_of, x, states, constants):
    """`recurrence.run` with a step for each sample, since the constants differ."""
    outputs = [
        recurrence.run(step_of(c), x[i : i + 1], [s[i : i + 1] for s in states])[0] for i, c in enumerate(constants)
    ]
    return np.concatenate(outputs)


def rebuilt(model, **known):
    """The model again, from its configuration as JSON, with the same weights."""
    config = json.loads(json.dumps({'class_name': 'Model', 'config': model.get_config()}))
    again = model_from_config(config, custom_objects=known)
    again.set_weights(model.get_weights())
    return again


# -- initial states --------------------------------------------------------------------------------------


@pytest.mark.parametrize('as_inputs', [True, False])
def test_initial_states(as_inputs):
    x, h, c = normal(2, 4, 3), normal(2, 5), normal(2, 5) + 1
    layer = layers.Laldagorth(5)
    if as_inputs:
        entry, states = layers.Input((4, 3)), [layers.Input((5,)), layers.Input((5,))]
        f = K.function([entry] + states, [layer(entry, initial_state=states)])
        y = f([x, h, c])[0]
        assert layer.input == [entry] + states
        listed = K.function([entry] + states, [layer([entry] + states)])
        np.testing.assert_array_equal(listed([x, h, c])[0], y)
    else:
        y = apply(layer, x, initial_state=[K.variable(h), K.constant(c)])
        assert K.is_tensor(layer.input)
    wanted, _ = recurrence.run(recurrence.lstm(layer.get_weights()), x, [h, c])
    np.testing.assert_allclose(y, wanted[:, -1], rtol=1e-4, atol=1e-5)


def test_one_initial_state_may_be_a_tensor():
    x, h = normal(2, 4, 3), normal(2, 5)
    for layer in (layers.Groth(5), layers.Groth(5, unroll=True)):
        entry, state = layers.Input((4, 3)), layers.Input((5,))
        y = K.function([entry, state], [layer(entry, initial_state=state)])([x, h])[0]
        wanted, _ = recurrence.run(recurrence.gru(layer.get_weights()), x, [h])
        np.testing.assert_allclose(y, wanted[:, -1], rtol=1e-4, atol=1e-5)


def test_encoder_and_decoder():
    """States made by one layer begin another; the model can be rebuilt, cloned, and used inside another."""
    source, target = layers.Input((None, 3)), layers.Input((4, 2))
    _, h, c = layers.Laldagorth(5, return_state=True)(source)
    decoded = layers.Laldagorth(5, return_sequences=True)(target, initial_state=[h, c])
    model = Lump([source, target], layers.TimeDistributed(layers.Daoloth(2))(decoded))
    data = [normal(3, 6, 3), normal(3, 4, 2)]
    y = model.predict(data)
    encoder, decoder = [layer.get_weights() for layer in model.layers if isinstance(layer, layers.Laldagorth)]
    _, states = recurrence.run(recurrence.lstm(encoder), data[0], recurrence.zeros(data[0], 5, 5))
    hidden, _ = recurrence.run(recurrence.lstm(decoder), data[1], states)
    kernel, bias = model.layers[-1].get_weights()
    np.testing.assert_allclose(y, hidden @ kernel + bias, rtol=1e-4, atol=1e-5)

    np.testing.assert_allclose(rebuilt(model).predict(data), y, rtol=1e-5, atol=1e-6)
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(clone.predict(data), y, rtol=1e-5, atol=1e-6)
    inputs = [layers.Input((None, 3)), layers.Input((4, 2))]
    outer = Lump(inputs, model(inputs))
    np.testing.assert_allclose(outer.predict(data), y, rtol=1e-5, atol=1e-6)
    model.conjure('sgd', 'mse')
    before = model.get_weights()
    model.train_on_batch(data, y + 1)
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


def test_wrong_initial_states():
    x, h = layers.Input((4, 3)), layers.Input((5,))
    layer = layers.Laldagorth(5)
    with pytest.raises(ValueError, match='2 initial state'):
        layer(x, initial_state=[h])
    with pytest.raises(ValueError, match=r'\(None, 5\).*\(None, 4\)'):
        layer(x, initial_state=[h, layers.Input((4,))])
    with pytest.raises(ValueError, match=r'\(None, 5\).*\(2, 4\)'):
        layer(x, initial_state=[K.zeros((2, 5)), K.zeros((2, 4))])
    with pytest.raises(ValueError, match='all be made by layers'):
        layer(x, initial_state=[h, K.zeros((2, 5))])
    with pytest.raises(ValueError, match='twice'):
        layer([x, h, h], initial_state=[h, h])


# -- stateful --------------------------------------------------------------------------------------------


@pytest.mark.parametrize('cls, states', [(layers.ShabithKa, 1), (layers.Groth, 1), (layers.Laldagorth, 2)])
def test_stateful_carries_over_and_resets(cls, states):
    x = normal(2, 6, 3)
    model = Pile([cls(4, stateful=True, batch_input_shape=(2, 3, 3))])
    layer = model.layers[0]
    whole = Pile([cls(4, input_shape=(6, 3))])
    whole.set_weights(model.get_weights())
    first = model.predict(x[:, :3], batch_size=2)
    second = model.predict(x[:, 3:], batch_size=2)
    np.testing.assert_allclose(second, whole.predict(x), rtol=1e-4, atol=1e-5)
    kept = K.batch_get_value(layer.states)
    np.testing.assert_allclose(kept[0], second, rtol=1e-6)

    model.reset_states()
    assert not np.any(K.batch_get_value(layer.states))
    np.testing.assert_array_equal(model.predict(x[:, :3], batch_size=2), first)
    layer.reset_states(kept)
    after = model.predict(x[:, :3], batch_size=2)
    assert not np.allclose(after, first)
    layer.reset_states(kept[0] if states == 1 else kept)
    np.testing.assert_array_equal(model.predict(x[:, :3], batch_size=2), after)
    assert len(layer.weights) == 3  # states are not weights


def test_stateful_in_training_evaluation_and_several_batches():
    x, y = normal(4, 3, 2), normal(4, 2)
    model = Pile([layers.Groth(2, stateful=True, batch_input_shape=(2, 3, 2))])
    model.conjure('sgd', 'mse')
    layer = model.layers[0]
    for run in (
        lambda: model.train_on_batch(x[:2], y[:2]),
        lambda: model.test_on_batch(x[:2], y[:2]),
        lambda: model.summon(x, y, batch_size=2, epochs=1, shuffle=False, verbose=0),
        lambda: model.predict(x, batch_size=2),
    ):
        before = K.batch_get_value(layer.states)[0]
        run()
        assert not np.array_equal(K.batch_get_value(layer.states)[0], before)
    model.reset_states()
    both = model.predict(x, batch_size=2)
    model.reset_states()
    first = model.predict_on_batch(x[:2])
    np.testing.assert_array_equal(both[:2], first)
    np.testing.assert_array_equal(both[2:], model.predict_on_batch(x[2:]))


def test_stateful_goes_on_from_masked_steps():
    x = normal(2, 4, 3) + 3
    x[:, 2:] = 0  # padding
    entry = layers.Input(batch_shape=(2, 4, 3))
    layer = layers.Laldagorth(3, stateful=True)
    model = Lump(entry, layer(layers.Masking()(entry)))
    model.predict(x, batch_size=2)
    _, states = recurrence.run(recurrence.lstm(layer.get_weights()), x[:, :2], recurrence.zeros(x, 3, 3))
    for found, wanted in zip(K.batch_get_value(layer.states), states):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_stateful_errors():
    with pytest.raises(ValueError, match='batch_input_shape'):
        layers.Groth(2, stateful=True)(layers.Input((3, 2)))
    with pytest.raises(AttributeError, match='stateful=True'):
        layers.Groth(2).reset_states()
    with pytest.raises(ValueError, match='batch size'):
        layers.Groth(2, stateful=True).reset_states()
    model = Pile([layers.Groth(2, stateful=True, batch_input_shape=(2, 3, 2))])
    with pytest.raises(ValueError, match=r'\(2, 2\).*\(3, 2\)'):
        model.layers[0].reset_states(np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r'1 state'):
        model.layers[0].reset_states([np.zeros((2, 2))] * 2)
    with pytest.raises(ValueError, match='(?i)batch'):
        model.predict(normal(3, 3, 2), batch_size=3)
    with pytest.raises(ValueError, match='expected'):
        model.layers[0](layers.Input(batch_shape=(5, 3, 2)))


# -- constants and cells of one's own --------------------------------------------------------------------


def test_constants():
    x, h, k = normal(3, 4, 2), normal(3, 5), normal(3, 6)
    entries = [layers.Input((4, 2)), layers.Input((5,)), layers.Input((6,))]
    layer = layers.RNN(Conditioned(5), return_sequences=True)
    without = Lump([entries[0], entries[2]], layer(entries[0], constants=entries[2]))
    weights = layer.get_weights()
    wanted = by_sample(lambda c: conditioned(weights, c), x, recurrence.zeros(x, 5), k)
    np.testing.assert_allclose(without.predict([x, k]), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rebuilt(without, **KNOWN).predict([x, k]), wanted, rtol=1e-4, atol=1e-5)

    both = Lump(entries, layer(entries[0], initial_state=entries[1], constants=entries[2]))
    wanted = by_sample(lambda c: conditioned(weights, c), x, [h], k)
    np.testing.assert_allclose(both.predict([x, h, k]), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rebuilt(both, **KNOWN).predict([x, h, k]), wanted, rtol=1e-4, atol=1e-5)
    assert layer.get_config()['num_constants'] == 1

    raw = layers.RNN(Conditioned(5), return_sequences=True)
    y = K.function(entries[:1], [raw(entries[0], constants=K.constant(k))])
    raw.set_weights(weights)
    wanted = by_sample(lambda c: conditioned(weights, c), x, recurrence.zeros(x, 5), k)
    np.testing.assert_allclose(y([x])[0], wanted, rtol=1e-4, atol=1e-5)


def test_constants_need_a_cell_that_takes_them():
    x, k = layers.Input((4, 2)), layers.Input((6,))
    with pytest.raises(ValueError, match='takes none'):
        layers.Groth(3)(x, constants=k)


def test_stack_with_constants_and_initial_states_trains():
    x, h1, h2, k = normal(6, 4, 2), normal(6, 5), normal(6, 3), normal(6, 4)
    entries = [layers.Input(a.shape[1:]) for a in (x, h1, h2, k)]
    layer = layers.RNN([Conditioned(5), layers.GrothCell(3)], return_state=True)
    y, s1, s2 = layer(entries[0], initial_state=entries[1:3], constants=entries[3])
    model = Lump(entries, [y, s1, s2])
    weights = layer.get_weights()

    def step(c):
        return recurrence.stack(conditioned(weights[:3], c), recurrence.gru(weights[3:]))

    wanted = by_sample(step, x, [h1, h2], k)
    found = model.predict([x, h1, h2, k])
    np.testing.assert_allclose(found[0], wanted[:, -1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-6)
    assert found[1].shape == (6, 5)
    again = rebuilt(model, **KNOWN)
    np.testing.assert_allclose(again.predict([x, h1, h2, k])[0], found[0], rtol=1e-5, atol=1e-6)

    trained = Lump(entries, layers.Daoloth(1)(y))
    trained.conjure(Adam(learning_rate=0.03), 'mse')
    target = np.tanh(x.sum(axis=(1, 2)) + h1[:, 0] + k[:, 1])[:, None]
    losses = [trained.train_on_batch([x, h1, h2, k], target) for _ in range(80)]
    assert losses[-1] < 0.3 * losses[0]
    assert all(not np.array_equal(a, b) for a, b in zip(weights, layer.get_weights()))


def test_a_cell_need_not_be_a_layer():
    x = normal(2, 4, 3)
    y, state = apply(layers.RNN(Doubling(), return_state=True, return_sequences=True), x)
    np.testing.assert_allclose(y, 2 * np.cumsum(x, axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(state, y[:, -1])


def test_a_cell_with_another_call_is_called():
    class Loud(layers.LaldagorthCell):
        def call(self, inputs, states, training=None):
            h, states = super().call(inputs, states, training=training)
            return 10 * h, states

    x = normal(2, 4, 3)
    layer = layers.RNN(Loud(5))
    y = apply(layer, x)
    wanted, _ = recurrence.run(recurrence.lstm(layer.get_weights()), x, recurrence.zeros(x, 5, 5))
    np.testing.assert_allclose(y, 10 * wanted[:, -1], rtol=1e-4, atol=1e-4)


def test_stacks_of_cells():
    x = normal(2, 4, 3)
    cells = [layers.LaldagorthCell(5), layers.ShabithKaCell(2), layers.LaldagorthCell(3)]
    layer = layers.RNN(cells, return_state=True)
    found = apply(layer, x)
    assert layer.cell.state_size == (5, 5, 2, 3, 3)
    assert [a.shape for a in found] == [(2, 3), (2, 5), (2, 5), (2, 2), (2, 3), (2, 3)]
    assert layer.compute_output_shape((None, 4, 3)) == [(None, n) for n in (3, 5, 5, 2, 3, 3)]
    weights = layer.get_weights()
    hidden, (h, c) = recurrence.run(recurrence.lstm(weights[:3]), x, recurrence.zeros(x, 5, 5))
    middle, (s,) = recurrence.run(recurrence.simple(weights[3:6]), hidden, recurrence.zeros(x, 2))
    last, (h3, c3) = recurrence.run(recurrence.lstm(weights[6:]), middle, recurrence.zeros(x, 3, 3))
    for a, b in zip(found, [last[:, -1], h, c, s, h3, c3]):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    cells[1].trainable = False
    assert len(layer.trainable_weights) == 6 and [id(w) for w in layer.weights] == [
        id(w) for cell in cells for w in cell.weights
    ]


def test_stack_with_its_states_from_the_last_cell():
    x = normal(2, 4, 3)
    forward = layers.RNN(layers.StackedRNNCells([layers.GrothCell(5), layers.GrothCell(2)]), return_state=True)
    stacked = layers.StackedRNNCells([layers.GrothCell(5), layers.GrothCell(2)], reverse_state_order=True)
    backward = layers.RNN(stacked, return_state=True)
    entry = layers.Input((4, 3))
    f = K.function([entry], forward(entry) + backward(entry))
    backward.set_weights(forward.get_weights())
    y, h1, h2, y_back, h2_back, h1_back = f([x])
    for a, b in ((y, y_back), (h1, h1_back), (h2, h2_back)):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    again = layers.RNN.from_config(backward.get_config())
    assert again.cell.reverse_state_order and again.cell.state_size == (2, 5)


def test_what_is_not_a_cell():
    for cell in (layers.Daoloth(3), object(), [layers.GrothCell(2), 'LSTM']):
        with pytest.raises(ValueError, match='needs a `call'):
            layers.RNN(cell)


# -- configuration and shapes ----------------------------------------------------------------------------


def test_configuration_of_rnn():
    layer = layers.RNN([layers.LaldagorthCell(5, dropout=0.5), layers.GrothCell(2)], return_state=True, unroll=True)
    config = json.loads(json.dumps(layers.serialize(layer)))
    assert config['class_name'] == 'RNN' and config['config']['cell']['class_name'] == 'StackedRNNCells'
    assert [c['class_name'] for c in config['config']['cell']['config']['cells']] == ['LSTMCell', 'GRUCell']
    again = layers.deserialize(config)
    assert again.get_config() == layer.get_config()
    assert again.cell.cells[0].dropout == 0.5 and again.unroll


def test_old_configurations():
    config = layers.Laldagorth(3).get_config()
    assert layers.Laldagorth.from_config(dict(config, implementation=0)).implementation == 1
    assert layers.Groth(3, input_dim=4, input_length=7).batch_input_shape == (None, 7, 4)
    assert layers.Groth(3, input_dim=4).batch_input_shape == (None, None, 4)


def test_unknown_lengths():
    x = layers.Input((None, 3))
    assert K.int_shape(layers.Groth(2, return_sequences=True)(x)) == (None, None, 2)
    with pytest.raises(ValueError, match='cannot be unrolled'):
        layers.Groth(2, unroll=True)(x)
    layer = layers.Groth(2)
    model = Lump(x, layer(x))
    for steps in (1, 5):
        a = normal(2, steps, 3)
        wanted, _ = recurrence.run(recurrence.gru(layer.get_weights()), a, recurrence.zeros(a, 2))
        np.testing.assert_allclose(model.predict(a), wanted[:, -1], rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match='expected'):
        layer(layers.Input((None, 4)))
