import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump, Pile
from cthulhu.utils.layer_test import layer_test
from tests.layers import loops, recurrence
from tests.layers.running import apply, normal


def expected(
    x, weights, states=None, strides=(1, 1), padding='valid', rates=(1, 1), data_format='channels_last', mask=None
):
    """(outputs (batch, time, ...), last states) of a convolutional LSTM, by the plain loops of convolution."""
    x = np.moveaxis(x, 2, -1) if data_format == 'channels_first' else x
    kernel, recurrent, bias = (np.split(w, 4, axis=-1) for w in weights)
    first = loops.convolution(x[:, 0], kernel[0], strides, padding, rates)
    h, c = states if states is not None else (np.zeros_like(first), np.zeros_like(first))
    y, outputs = np.zeros_like(first), []
    for t in range(x.shape[1]):
        i, f, new, o = (
            loops.convolution(x[:, t], kernel[k], strides, padding, rates)
            + loops.convolution(h, recurrent[k], (1, 1), 'same', (1, 1))
            + bias[k]
            for k in range(4)
        )
        new_c = recurrence.hard_sigmoid(f) * c + recurrence.hard_sigmoid(i) * np.tanh(new)
        new_h = recurrence.hard_sigmoid(o) * np.tanh(new_c)
        keep = np.ones(len(x), dtype=bool) if mask is None else mask[:, t]
        y, h, c = (np.where(keep[:, None, None, None], a, b) for a, b in ((new_h, y), (new_h, h), (new_c, c)))
        outputs.append(y)
    outputs = np.stack(outputs, axis=1)
    if data_format == 'channels_first':
        return np.moveaxis(outputs, -1, 2), [np.moveaxis(s, -1, 1) for s in (h, c)]
    return outputs, [h, c]


@pytest.mark.parametrize(
    'settings',
    [
        {'kernel_size': (2, 3), 'strides': (2, 1), 'padding': 'same', 'return_sequences': True},
        {'kernel_size': 2, 'data_format': 'channels_first', 'return_state': True},
    ],
    ids=['last', 'first'],
)
def test_layer(settings):
    data_format = settings.get('data_format', 'channels_last')

    def wanted(x, weights):
        outputs, states = expected(
            x, weights, None, settings.get('strides', (1, 1)), settings.get('padding', 'valid'), data_format=data_format
        )
        return outputs if settings.get('return_sequences') else [outputs[:, -1]] + states

    shape = (2, 3, 5, 4, 2) if data_format == 'channels_last' else (2, 3, 2, 5, 4)
    layer_test(
        layers.ConvLaldagorth2D,
        dict(settings, filters=3, bias_initializer='random_normal'),
        input_data=normal(*shape),
        expected_output=wanted,
        gradients=data_format == 'channels_last',
    )


def test_dilation_and_even_kernels():
    x = normal(2, 3, 7, 6, 2)
    layer = layers.ConvLaldagorth2D(2, (2, 3), dilation_rate=(2, 2))
    y = apply(layer, x)
    wanted, _ = expected(x, layer.get_weights(), rates=(2, 2))
    np.testing.assert_allclose(y, wanted[:, -1], rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape((None, 3, 7, 6, 2)) == (None, 5, 2, 2)


def test_initial_state_and_sizes_known_only_at_run_time():
    x, h, c = normal(2, 3, 5, 4, 2), normal(2, 4, 3, 3), normal(2, 4, 3, 3) + 1
    layer = layers.ConvLaldagorth2D(3, 2, return_sequences=True)
    entry, states = layers.Input((3, 5, 4, 2)), [layers.Input((4, 3, 3)), layers.Input((4, 3, 3))]
    model = Lump([entry] + states, layer(entry, initial_state=states))
    wanted, _ = expected(x, layer.get_weights(), [h, c])
    np.testing.assert_allclose(model.predict([x, h, c]), wanted, rtol=1e-4, atol=1e-5)
    again = Lump.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict([x, h, c]), wanted, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match='initial state'):
        layer(entry, initial_state=states[:1])

    unknown = layers.Input((None, None, None, 2))
    free = layers.ConvLaldagorth2D(3, 2, return_sequences=True)
    y = free(unknown)
    free.set_weights(layer.get_weights())
    wanted, _ = expected(x, layer.get_weights())
    np.testing.assert_allclose(K.function([unknown], [y])([x])[0], wanted, rtol=1e-4, atol=1e-5)
    assert K.int_shape(y) == (None, None, None, None, 3)


def test_masked_steps_change_nothing():
    x = normal(3, 4, 3, 3, 2)
    mask = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 1, 1]], dtype=bool)
    layer = layers.ConvLaldagorth2D(2, 2, return_sequences=True, return_state=True)
    entry, mask_entry = layers.Input((4, 3, 3, 2)), K.placeholder((None, 4), dtype='bool')
    layer(entry)
    found = K.function([entry, mask_entry], layer.call(entry, mask=mask_entry))([x, mask])
    outputs, states = expected(x, layer.get_weights(), mask=mask)
    for a, b in zip(found, [outputs] + states):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
def test_stateful(data_format):
    x = normal(2, 4, 4, 3, 2) if data_format == 'channels_last' else normal(2, 4, 2, 4, 3)
    settings = {'data_format': data_format, 'padding': 'same'}
    model = Pile([layers.ConvLaldagorth2D(3, 2, stateful=True, batch_input_shape=(2, 2) + x.shape[2:], **settings)])
    layer = model.layers[0]
    first, second = model.predict(x[:, :2], batch_size=2), model.predict(x[:, 2:], batch_size=2)
    wanted, states = expected(x, layer.get_weights(), padding='same', data_format=data_format)
    np.testing.assert_allclose(first, wanted[:, 1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(second, wanted[:, -1], rtol=1e-4, atol=1e-5)
    for a, b in zip(K.batch_get_value(layer.states), states):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    model.reset_states()
    np.testing.assert_array_equal(model.predict(x[:, :2], batch_size=2), first)
    layer.reset_states([np.ones(s.shape) for s in states])
    assert not np.allclose(model.predict(x[:, :2], batch_size=2), first)


def test_dropout_is_one_draw_for_a_sequence():
    x = np.ones((2, 5, 4, 4, 3), dtype='float32')
    settings = {'activation': 'linear', 'recurrent_activation': 'linear', 'use_bias': False, 'padding': 'same'}
    layer = layers.ConvLaldagorth2D(
        3, 1, dropout=0.5, return_sequences=True, recurrent_initializer='zeros', kernel_initializer='ones', **settings
    )
    entry = layers.Input(x.shape[1:])
    f = K.function([entry, K.learning_phase()], [layer(entry)])
    y = f([x, 1])[0]
    # With i, f, new, o of one draw each for all steps: c(t) = f c(t-1) + i new, and h = o c.
    increments = y[:, 1:] - y[:, :-1]
    ratio = increments[:, 1:] / np.where(increments[:, :-1] == 0, 1, increments[:, :-1])
    np.testing.assert_allclose(ratio, np.repeat(ratio[:, :1], 3, axis=1), rtol=1e-3, atol=1e-3)
    assert not np.array_equal(y, f([x, 1])[0])
    np.testing.assert_array_equal(f([x, 0])[0], f([x, 0])[0])
    layer = layers.ConvLaldagorth2D(3, 2, dropout=0.3, recurrent_dropout=0.3)
    assert not np.allclose(apply(layer, x, phase=1), apply(layer, x, phase=0))


def test_weights_and_losses():
    layer = layers.ConvLaldagorth2D(
        3, (2, 3), kernel_regularizer='l2', bias_regularizer='l1', data_format='channels_first'
    )
    layer.build((None, 7, 2, 6, 6))
    assert [w.shape for w in layer.get_weights()] == [(2, 3, 2, 12), (2, 3, 3, 12), (12,)]
    np.testing.assert_array_equal(layer.get_weights()[2], np.repeat([0, 1, 0, 0], 3))
    assert len(layer.losses) == 2 and layer.filters == 3 and layer.padding == 'valid'


def test_what_convolutional_layers_cannot_do():
    with pytest.raises(TypeError, match='unroll'):
        layers.ConvLaldagorth2D(2, 2, unroll=True)
    cell = layers.ConvLaldagorth2DCell(2, 2)
    with pytest.raises(TypeError, match='one cell'):
        layers.ConvRNN2D([cell, cell])
    with pytest.raises(ValueError, match='padding'):
        layers.ConvLaldagorth2D(2, 2, padding='causal')
    with pytest.raises(ValueError, match='known'):
        layers.ConvLaldagorth2D(2, 2)(layers.Input((3, 4, 4, None)))
