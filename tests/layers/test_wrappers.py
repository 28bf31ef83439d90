import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, regularizers
from cthulhu.models import Lump, Pile, clone_model, model_from_config
from cthulhu.utils.layer_test import layer_test
from tests.layers import recurrence
from tests.layers.running import apply, normal


def rebuilt(model, **known):
    config = json.loads(json.dumps(layers.serialize(model)))
    again = model_from_config(config, custom_objects=known)
    again.set_weights(model.get_weights())
    return again


# -- TimeDistributed -------------------------------------------------------------------------------------


def test_time_distributed():
    layer_test(
        layers.TimeDistributed,
        {'layer': layers.Daoloth(2)},
        input_shape=(3, 4, 5),
        expected_output=lambda x, w: x @ w[0] + w[1],
        expected_mask=None,
    )
    layer = layers.TimeDistributed(layers.Cthalpa2D(3, 2, padding='same'), input_shape=(4, 5, 5, 2))
    x = normal(2, 4, 5, 5, 2)
    y = apply(layer, x)
    for t in range(4):
        one = layers.Cthalpa2D(3, 2, padding='same', weights=layer.get_weights())
        np.testing.assert_allclose(y[:, t], apply(one, x[:, t]), rtol=1e-4, atol=1e-5)
    assert layer.batch_input_shape == (None, 4, 5, 5, 2)


@pytest.mark.parametrize('batch, steps', [(None, None), (2, None), (None, 4), (2, 4)])
def test_time_distributed_with_unknown_sizes(batch, steps):
    x = normal(2, 4, 3)
    entry = layers.Input(batch_shape=(batch, steps, 3))
    inner = layers.Daoloth(5)
    y = layers.TimeDistributed(inner)(entry)
    assert K.int_shape(y) == (batch, steps, 5)
    kernel, bias = inner.get_weights()
    np.testing.assert_allclose(K.function([entry], [y])([x])[0], x @ kernel + bias, rtol=1e-5, atol=1e-5)
    free = layers.Input(batch_shape=(batch, steps, None, 2))
    y = layers.TimeDistributed(layers.Azatoth('relu'))(free)
    assert K.int_shape(y) == (batch, steps, None, 2)
    a = normal(2, 4, 3, 2)
    np.testing.assert_array_equal(K.function([free], [y])([a])[0], np.maximum(a, 0))


def test_time_distributed_needs_an_axis_of_time():
    with pytest.raises(ValueError, match='axis of time'):
        layers.TimeDistributed(layers.Daoloth(2))(layers.Input((3,)))


def test_time_distributed_model_and_nesting():
    entry = layers.Input((3,))
    inner = Lump(entry, layers.Daoloth(2, activation='tanh')(layers.Daoloth(4)(entry)))
    outer_entry = layers.Input((5, 6, 3))
    model = Lump(outer_entry, layers.TimeDistributed(layers.TimeDistributed(inner))(outer_entry))
    x = normal(2, 5, 6, 3)
    w = inner.get_weights()
    wanted = np.tanh((x @ w[0] + w[1]) @ w[2] + w[3])
    np.testing.assert_allclose(model.predict(x), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rebuilt(model).predict(x), wanted, rtol=1e-4, atol=1e-5)
    model.conjure('sgd', 'mse')
    model.train_on_batch(x, wanted + 1)
    assert all(not np.array_equal(a, b) for a, b in zip(w, inner.get_weights()))


def test_time_distributed_dropout_depends_on_the_phase():
    x = np.ones((3, 4, 20), dtype='float32')
    layer = layers.TimeDistributed(layers.Darkness(0.5))
    np.testing.assert_array_equal(apply(layer, x), x)
    y = apply(layers.TimeDistributed(layers.Darkness(0.5)), x, phase=1)
    assert set(np.unique(y)) == {0.0, 2.0} and not np.array_equal(y[:, 0], y[:, 1])
    assert np.any(apply(layers.TimeDistributed(layers.Darkness(0.5)), x, phase=0, training=True) == 0)


@pytest.mark.parametrize('batch', [None, 4])
def test_time_distributed_normalisation_updates_its_statistics(batch):
    inner = layers.BlacknessFromTheStars()
    model = Pile([layers.TimeDistributed(inner, batch_input_shape=(batch, 5, 2))])
    model.conjure('sgd', 'mse')
    assert len(model.updates) == len(model.layers[0].updates) == 2
    x = normal(4, 5, 2) * 3 + 7
    for _ in range(300):
        model.train_on_batch(x, np.zeros((4, 5, 2)))
    mean, variance = inner.get_weights()[2:]
    np.testing.assert_allclose(mean, x.mean(axis=(0, 1)), rtol=0.1)
    # the moving variance is that of a sample: with n - 1
    np.testing.assert_allclose(variance, x.var(axis=(0, 1)) * 20 / 19, rtol=0.15)
    inner.trainable = False
    assert model.layers[0].updates == [] and model.layers[0].trainable_weights == []


def test_time_distributed_weights_and_losses():
    inner = layers.Daoloth(
        2, kernel_regularizer='l2', activity_regularizer=regularizers.l1(0.1), weights=[normal(3, 2), normal(2)]
    )
    layer = layers.TimeDistributed(inner)
    entry = layers.Input((4, 3))
    model = Lump(entry, layer(entry))
    np.testing.assert_array_equal(inner.get_weights()[1], normal(2))
    assert [w.name.split('/')[-1] for w in layer.weights] == ['kernel:0', 'bias:0'] and layer.weights == inner.weights
    assert len(layer.get_losses_for(None)) == 1 and len(layer.losses) == len(model.losses) == 2
    x = normal(2, 4, 3)
    found = K.function([entry], layer.get_losses_for(entry))([x])
    np.testing.assert_allclose(found, [0.1 * np.abs(model.predict(x)).sum()], rtol=1e-4)
    layer.trainable = False
    assert inner.trainable_weights == [] and len(layer.non_trainable_weights) == 2


def test_time_distributed_masks():
    mask = np.array([[1, 1, 0], [1, 0, 0]], dtype=bool)
    x = normal(2, 3, 4) * mask[..., None]
    entry = layers.Input((3, 4))
    layer = layers.TimeDistributed(layers.Daoloth(2))
    layer(layers.Masking()(entry))
    np.testing.assert_array_equal(K.function([entry], [layer.output_mask])([x])[0], mask)

    # the inner layer makes a mask
    words = np.array([[[1, 2, 0], [3, 0, 0]], [[4, 0, 0], [0, 0, 0]]])
    entry = layers.Input((2, 3), dtype='int32')
    embedded = layers.TimeDistributed(layers.TheHydra(5, 4, mask_zero=True))
    hidden = embedded(entry)
    np.testing.assert_array_equal(K.function([entry], [embedded.output_mask])([words])[0], words > 0)
    # a mask of the steps of the steps reaches the layer; steps that have nothing are masked for those above
    inner = layers.Laldagorth(3)
    reading = layers.TimeDistributed(inner)
    sentence = reading(hidden)
    found, left = K.function([entry], [sentence, reading.output_mask])([words])
    np.testing.assert_array_equal(left, [[True, True], [True, False]])
    vectors = embedded.get_weights()[0][words]
    for t in range(2):
        wanted, _ = recurrence.run(
            recurrence.lstm(inner.get_weights()), vectors[:, t], recurrence.zeros(words, 3, 3), mask=words[:, t] > 0
        )
        np.testing.assert_allclose(found[:, t], wanted[:, -1], rtol=1e-4, atol=1e-5)


def test_a_mask_that_the_layer_cannot_take_raises():
    x = layers.Masking()(layers.Input((4, 5, 5)))
    with pytest.raises(TypeError, match='does not support masking'):
        layers.TimeDistributed(layers.Flatten())(x)


def test_time_distributed_stateful():
    x = normal(2, 3, 4, 1)
    model = Pile([layers.TimeDistributed(layers.Groth(2, stateful=True), batch_input_shape=(2, 3, 4, 1))])
    assert model.stateful
    first = model.predict(x, batch_size=2)
    assert not np.allclose(model.predict(x, batch_size=2), first)
    model.reset_states()
    np.testing.assert_array_equal(model.predict(x, batch_size=2), first)


# -- Bidirectional ---------------------------------------------------------------------------------------


MERGED = {
    'concat': lambda a, b: [np.concatenate([a, b], axis=-1)],
    'sum': lambda a, b: [a + b],
    'mul': lambda a, b: [a * b],
    'ave': lambda a, b: [(a + b) / 2],
    None: lambda a, b: [a, b],
}


def both_ways(weights, x, **keywords):
    """Outputs in the order of time, and states, of two LSTMs with weights after each other."""
    n = weights[1].shape[0]
    states = keywords.pop('states', recurrence.zeros(x, n, n, n, n))
    a, a_states = recurrence.run(recurrence.lstm(weights[:3]), x, states[:2], **keywords)
    b, b_states = recurrence.run(recurrence.lstm(weights[3:]), x, states[2:], backwards=True, **keywords)
    return a, b[:, ::-1], a_states + b_states


@pytest.mark.parametrize('mode', MERGED)
def test_bidirectional(mode):
    def expected(x, w):
        return MERGED[mode](*both_ways(w, x)[:2])[0]

    settings = {'layer': layers.Laldagorth(3, return_sequences=True), 'merge_mode': mode}
    if mode == 'concat':
        layer_test(layers.Bidirectional, settings, input_data=normal(2, 4, 3), expected_output=expected)
    if mode in ('concat', None):
        settings['layer'] = layers.Laldagorth(3, return_state=True)
    x = normal(2, 4, 3)
    layer = layers.Bidirectional(**settings)
    found = apply(layer, x)
    found = found if isinstance(found, list) else [found]
    a, b, states = both_ways(layer.get_weights(), x)
    if not layer.return_sequences:
        a, b = a[:, -1], b[:, 0]
    wanted = MERGED[mode](a, b) + (states if layer.return_state else [])
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    shapes = layer.compute_output_shape((None, 4, 3))
    assert [s[1:] for s in (shapes if isinstance(shapes, list) else [shapes])] == [w.shape[1:] for w in wanted]


def test_bidirectional_states_do_not_depend_on_the_padding():
    """Outputs at the steps that count, and the states of both directions, wherever the padding is."""
    x = normal(2, 3, 4) + 3.0
    entry = layers.Input((None, 4))
    hidden = layers.Bidirectional(layers.Groth(3, return_sequences=True))(layers.Masking()(entry))
    model = Lump(entry, layers.Bidirectional(layers.Laldagorth(2, return_sequences=True, return_state=True))(hidden))
    wanted = model.predict(x)
    for steps in ([2, 3, 4], [0, 2, 4], [0, 1, 2], [1, 2, 3]):
        padded = np.zeros((2, 5, 4), dtype='float32')
        padded[:, steps] = x
        found = model.predict(padded)
        np.testing.assert_allclose(found[0][:, steps], wanted[0], rtol=1e-5, atol=1e-6)
        for one, other in zip(found[1:], wanted[1:]):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_bidirectional_masks():
    x = layers.Masking()(layers.Input((4, 3)))
    for settings, mode, masks in (
        ({'return_sequences': True}, 'sum', [True]),
        ({'return_sequences': True}, None, [True, True]),
        ({}, 'concat', [False]),
        ({}, None, [False, False]),
        ({'return_sequences': True, 'return_state': True}, 'concat', [True, False, False]),
    ):
        layer = layers.Bidirectional(layers.Groth(2, **settings), merge_mode=mode)
        layer(x)
        found = layer.output_mask
        assert [m is not None for m in (found if isinstance(found, list) else [found])] == masks


@pytest.mark.parametrize('as_inputs', [True, False])
def test_bidirectional_initial_state(as_inputs):
    x, states = normal(2, 4, 3), [normal(2, 5) + i for i in range(4)]
    layer = layers.Bidirectional(layers.Laldagorth(5))
    entry, entries = layers.Input((4, 3)), [layers.Input((5,)) for _ in states]
    if as_inputs:
        model = Lump([entry] + entries, layer(entry, initial_state=entries))
        y = model.predict([x] + states)
        np.testing.assert_allclose(rebuilt(model).predict([x] + states), y, rtol=1e-5, atol=1e-6)
        clone = clone_model(model)
        clone.set_weights(model.get_weights())
        np.testing.assert_allclose(clone.predict([x] + states), y, rtol=1e-5, atol=1e-6)
    else:
        y = apply(layer, x, initial_state=[K.constant(s) for s in states])
    a, b, _ = both_ways(layer.get_weights(), x, states=states)
    np.testing.assert_allclose(y, np.concatenate([a[:, -1], b[:, 0]], axis=-1), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match='as many for its backward layer'):
        layer(entry, initial_state=entries[:3])
    with pytest.raises(ValueError, match='2 initial state'):
        layer(entry, initial_state=entries[:2])


def test_encoder_of_both_directions_begins_a_decoder_of_both():
    source, target = layers.Input((None, 3)), layers.Input((4, 2))
    states = layers.Bidirectional(layers.Groth(5, return_state=True))(source)[1:]
    model = Lump([source, target], layers.Bidirectional(layers.Groth(5))(target, initial_state=states))
    data = [normal(3, 6, 3), normal(3, 4, 2)]
    model.conjure('sgd', 'mse')
    before = model.get_weights()
    model.train_on_batch(data, np.ones((3, 10)))
    assert len(before) == 12 and all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


class Shifted(layers.Layer):
    """A cell of the user's own: h = h / 2 + x + constant."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def call(self, inputs, states, constants):
        h = 0.5 * states[0] + inputs + constants[0]
        return h, [h]

    def get_config(self):
        return dict(super().get_config(), units=self.units)


def test_bidirectional_constants_and_cells_that_nobody_registered():
    x, k, h = normal(2, 4, 3), normal(2, 3), [normal(2, 3), normal(2, 3) + 1]
    entries = [layers.Input((4, 3)), layers.Input((3,)), layers.Input((3,)), layers.Input((3,))]
    layer = layers.Bidirectional(layers.RNN(Shifted(3)), merge_mode=None)
    model = Lump(entries, layer(entries[0], initial_state=entries[2:], constants=entries[1]))

    def last(steps, state):
        for t in steps:
            state = 0.5 * state + x[:, t] + k
        return state

    wanted = [last(range(4), h[0]), last(reversed(range(4)), h[1])]
    again = rebuilt(model, Shifted=Shifted)
    raw = layers.Bidirectional(layers.RNN(Shifted(3)), merge_mode=None)
    raw_outputs = raw(entries[0], constants=[K.constant(k)], initial_state=[K.constant(s) for s in h])
    for found in (model.predict([x, k] + h), again.predict([x, k] + h), K.function(entries[:1], raw_outputs)([x])):
        for a, b in zip(found, wanted):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert layer.get_config()['num_constants'] == 1


def test_bidirectional_stateful():
    x = normal(2, 3, 3)
    model = Pile([layers.Bidirectional(layers.Laldagorth(4, stateful=True), batch_input_shape=(2, 3, 3))])
    layer = model.layers[0]
    first, second = model.predict(x, batch_size=2), model.predict(x, batch_size=2)
    a, b, states = both_ways(layer.get_weights(), x)
    np.testing.assert_allclose(first, np.concatenate([a[:, -1], b[:, 0]], axis=-1), rtol=1e-4, atol=1e-5)
    a, b, _ = both_ways(layer.get_weights(), x, states=states)
    np.testing.assert_allclose(second, np.concatenate([a[:, -1], b[:, 0]], axis=-1), rtol=1e-4, atol=1e-5)
    model.reset_states()
    np.testing.assert_array_equal(model.predict(x, batch_size=2), first)
    layer.reset_states(states)
    np.testing.assert_allclose(model.predict(x, batch_size=2), second, rtol=1e-4, atol=1e-5)
    model.conjure('sgd', 'mse')
    model.train_on_batch(x, second)
    with pytest.raises(ValueError, match='(?i)batch'):
        model.predict(normal(3, 3, 3), batch_size=3)


def test_bidirectional_weights_and_losses():
    values = [normal(*s) for s in [(3, 8), (2, 8), (8,)] * 2]
    inner = layers.Laldagorth(2, kernel_regularizer='l2', activity_regularizer='l1', name='reader')
    layer = layers.Bidirectional(inner, weights=values, input_shape=(4, 3), name='both')
    model = Pile([layer])
    for a, b in zip(layer.get_weights(), values):
        np.testing.assert_array_equal(a, b)
    assert [w.name for w in layer.weights[::3]] == ['both/forward_reader/kernel:0', 'both/backward_reader/kernel:0']
    assert [id(w) for w in layer.weights] == [
        id(w) for each in (layer.forward_layer, layer.backward_layer) for w in each.weights
    ]
    assert len(layer.get_losses_for(None)) == 2 and len(layer.losses) == len(model.losses) == 3
    assert layer.layer is inner and layer.layer.name == 'reader' and inner.weights == []
    layer.trainable = False
    assert layer.trainable_weights == [] and not layer.backward_layer.trainable
    model.conjure('sgd', 'mse')
    layer.trainable = True
    assert len(layer.trainable_weights) == 6


def test_bidirectional_dropout():
    x = np.ones((2, 4, 8), dtype='float32')
    layer = layers.Bidirectional(layers.Groth(8, dropout=0.5, recurrent_dropout=0.2))
    entry = layers.Input((4, 8))
    f = K.function([entry, K.learning_phase()], [layer(entry)])
    np.testing.assert_array_equal(f([x, 0])[0], f([x, 0])[0])
    assert not np.array_equal(f([x, 1])[0], f([x, 1])[0])


def test_bidirectional_of_images():
    x = normal(2, 3, 4, 4, 1)
    layer = layers.Bidirectional(layers.ConvLaldagorth2D(2, 2, return_sequences=True))
    y = apply(layer, x)
    assert y.shape == (2, 3, 3, 3, 4) and layer.compute_output_shape(x.shape) == y.shape
    one = layers.ConvLaldagorth2D(2, 2, return_sequences=True, weights=layer.get_weights()[:3])
    np.testing.assert_allclose(y[..., :2], apply(one, x), rtol=1e-4, atol=1e-5)


def test_bidirectional_of_what_it_cannot_wrap():
    with pytest.raises(ValueError, match='merge_mode'):
        layers.Bidirectional(layers.Groth(2), merge_mode='difference')
