import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, regularizers
from cthulhu.models import Lump, Pile
from cthulhu.utils.layer_test import layer_test
from tests.layers import recurrence
from tests.layers.running import apply, normal

# Each layer with the step of NumPy that it must agree with, and the number of its states.
KINDS = {
    'simple': (layers.ShabithKa, {}, recurrence.simple, 1),
    'gru': (layers.Groth, {}, recurrence.gru, 1),
    'gru 1': (layers.Groth, {'implementation': 1}, recurrence.gru, 1),
    'gru after': (layers.Groth, {'reset_after': True}, lambda w: recurrence.gru(w, reset_after=True), 1),
    'gru after 1': (
        layers.Groth,
        {'reset_after': True, 'implementation': 1},
        lambda w: recurrence.gru(w, reset_after=True),
        1,
    ),
    'lstm': (layers.Laldagorth, {}, recurrence.lstm, 2),
    'lstm 1': (
        layers.Laldagorth,
        {'implementation': 1, 'recurrent_activation': 'hard_sigmoid'},
        lambda w: recurrence.lstm(w, recurrence.hard_sigmoid),
        2,
    ),
}
MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 1, 1]], dtype=bool)


def made(kind, **keywords):
    """A layer of 5 units, whose biases, too, are random."""
    cls, settings, _, _ = KINDS[kind]
    return cls(5, bias_initializer='random_normal', **dict(settings, **keywords))


def expected(kind, weights, x, **keywords):
    _, _, step, states = KINDS[kind]
    return recurrence.run(step(weights), x, recurrence.zeros(x, *[5] * states), **keywords)


def masked(mask, *outputs):
    """A function of an array that gives the outputs of a layer for it under a mask."""
    entry, mask_entry = layers.Input((4, 3)), K.placeholder((None, 4), dtype='bool')
    tensors = [layer.call(entry, mask=mask_entry) for layer in outputs]
    f = K.function([entry, mask_entry], [t for each in tensors for t in (each if isinstance(each, list) else [each])])
    return lambda x: f([x, mask])


# -- values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize('kind', KINDS)
def test_layer(kind):
    cls, settings, _, _ = KINDS[kind]
    settings = dict(settings, units=5, bias_initializer='random_normal')
    if kind.endswith('1'):  # less of it, once the plain one of the kind has been through all checks
        settings['return_sequences'] = True
    layer_test(
        cls,
        settings,
        input_data=normal(3, 4, 3),
        expected_output=lambda x, w: (
            expected(kind, w, x)[0] if settings.get('return_sequences') else expected(kind, w, x)[0][:, -1]
        ),
        train=not kind.endswith('1'),
        gradients=not kind.endswith('1'),
    )


@pytest.mark.parametrize('kind', KINDS)
def test_sequences_states_directions_and_masks(kind):
    x = normal(3, 4, 3)
    both = [made(kind, return_sequences=True, return_state=True, go_backwards=back) for back in (False, True)]
    plain = apply_to(both, x)
    under_mask = masked(MASK, *both)(x)
    count = 1 + KINDS[kind][3]
    for i, layer in enumerate(both):
        for found, mask in ((plain, None), (under_mask, MASK)):
            outputs, states = expected(kind, layer.get_weights(), x, mask=mask, backwards=bool(i))
            np.testing.assert_allclose(found[i * count], outputs, rtol=1e-4, atol=1e-5)
            for a, b in zip(found[i * count + 1 : (i + 1) * count], states):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def apply_to(made_layers, x):
    """All outputs of some layers for an array, in one list."""
    entry = layers.Input(x.shape[1:])
    return K.function([entry], [y for layer in made_layers for y in layer(entry)])([x])


@pytest.mark.parametrize(
    'kind, back', [('simple', True), ('gru', False), ('gru after', True), ('lstm', False), ('lstm', True)]
)
def test_unrolled_equals_loop(kind, back):
    """Outputs, states, and forwards gradients; with and without a mask."""
    x, w = layers.Input((4, 3)), normal(3, 4, 5)
    mask = K.constant(MASK, dtype='bool')
    loop = made(kind, return_sequences=True, return_state=True, go_backwards=back)
    unrolled = made(kind, return_sequences=True, return_state=True, go_backwards=back, unroll=True)
    found = []
    for layer in (loop, unrolled):
        layer(x)
        for keywords in ({}, {'mask': mask}):
            outputs = layer.call(x, **keywords)
            total = K.sum(outputs[0] * w) + sum(K.sum(s) for s in outputs[1:])
            found.append(outputs + ([] if back else K.gradients(total, [x] + layer.trainable_weights)))
    unrolled.set_weights(loop.get_weights())
    values = iter(K.function([x], [t for each in found for t in each])([normal(3, 4, 3)]))
    plain, with_mask, plain_unrolled, with_mask_unrolled = [[next(values) for _ in each] for each in found]
    for a, b in zip(plain + with_mask, plain_unrolled + with_mask_unrolled):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert not np.allclose(plain[0], with_mask[0])


@pytest.mark.parametrize('cls', [layers.Groth, layers.Laldagorth])
@pytest.mark.parametrize('further', [{}, {'use_bias': False}])
def test_implementations_agree(cls, further):
    x = normal(3, 4, 3)
    one, two = [cls(5, implementation=i, return_sequences=True, **further) for i in (1, 2)]
    entry = layers.Input((4, 3))
    f = K.function([entry], [one(entry), two(entry)])
    one.set_weights(two.get_weights())
    a, b = f([x])
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_without_bias():
    x = normal(3, 4, 3)
    for kind in ('simple', 'gru after', 'lstm'):
        layer = made(kind, use_bias=False)
        y = apply(layer, x)
        kernel, recurrent = layer.get_weights()
        bias = np.zeros((2, 15) if kind == 'gru after' else kernel.shape[1:])
        np.testing.assert_allclose(y, expected(kind, [kernel, recurrent, bias], x)[0][:, -1], rtol=1e-4, atol=1e-5)


# -- masks -----------------------------------------------------------------------------------------------


def test_masked_steps_change_nothing():
    """Short sequences with padding before, between and after give what they give without."""
    x = normal(2, 3, 4) + 3.0
    places = {'before': [2, 3, 4], 'between': [0, 2, 4], 'after': [0, 1, 2]}
    for cls in (layers.ShabithKa, layers.Groth, layers.Laldagorth):
        entry = layers.Input((None, 4))
        hidden = cls(3, return_sequences=True)(layers.Masking()(entry))
        model = Lump(entry, cls(3, return_state=True)(hidden))
        wanted = model.predict(x)
        for where in places.values():
            padded = np.zeros((2, 5, 4), dtype='float32')
            padded[:, where] = x
            for found, value in zip(model.predict(padded), wanted):
                np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)


def test_mask_goes_on_with_sequences_only():
    x = layers.Masking()(layers.Input((4, 3)))
    for settings, has_mask in (({'return_sequences': True}, True), ({}, False)):
        layer = layers.Groth(2, return_state=True, **settings)
        layer(x)
        masks = layer.output_mask
        assert (masks[0] is not None) == has_mask and masks[1] is None
    dense = layers.Laldagorth(2)
    dense(x)
    assert dense.output_mask is None


def test_more_padding_changes_neither_loss_nor_gradient():
    x, y = normal(4, 3, 2), normal(4, 3, 1)
    model = Pile(
        [
            layers.Masking(input_shape=(None, 2)),
            layers.Laldagorth(4, return_sequences=True),
            layers.TimeDistributed(layers.Daoloth(1)),
        ]
    )
    model.conjure('sgd', 'mse')
    start = model.get_weights()
    loss = model.train_on_batch(x, y)
    after = model.get_weights()
    model.set_weights(start)
    longer = [np.concatenate([a, np.zeros_like(a), np.zeros_like(a)], axis=1) for a in (x, y)]
    np.testing.assert_allclose(model.train_on_batch(*longer), loss, rtol=1e-5)
    for a, b in zip(model.get_weights(), after):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


# -- dropout ---------------------------------------------------------------------------------------------


def shares(**keywords):
    """A ShabithKa that hands its inputs, and a twentieth of its state, through: its output shows what was dropped."""
    return layers.ShabithKa(
        30,
        activation='linear',
        kernel_initializer='identity',
        recurrent_initializer=lambda shape, dtype=None: 0.05 * np.eye(shape[0]),
        return_sequences=True,
        **keywords,
    )


def test_dropout_is_one_draw_for_a_sequence():
    x = np.ones((3, 6, 30), dtype='float32')
    entry = layers.Input((6, 30))
    for keywords in ({}, {'unroll': True}):
        layer = shares(dropout=0.5, **keywords)
        f = K.function([entry, K.learning_phase()], [layer(entry)])
        first, second = f([x, 1])[0], f([x, 1])[0]
        steps = first[:, 1:] - 0.05 * first[:, :-1]  # the inputs that each step saw
        np.testing.assert_allclose(steps, np.repeat(first[:, :1], 5, axis=1), atol=1e-6)
        assert set(np.unique(first[:, 0])) == {0.0, 2.0}
        assert not np.array_equal(first[0, 0], first[1, 0])  # a mask for each sample
        assert not np.array_equal(first, second)  # and for each batch
        np.testing.assert_allclose(f([x, 0])[0][:, 0], 1.0)
    assert K.int_shape(layer.output) == (None, 6, 30)


def test_recurrent_dropout_is_one_draw_for_a_sequence():
    x = np.ones((3, 6, 30), dtype='float32')
    first = apply(shares(recurrent_dropout=0.5), x, phase=1)
    seen = (first[:, 1:] - 1.0) / (0.05 * first[:, :-1])  # the factor of the state in each step
    np.testing.assert_allclose(seen, np.repeat(seen[:, :1], 5, axis=1), atol=1e-4)
    assert set(np.round(np.unique(seen), 3)) == {0.0, 2.0}


def test_dropout_of_all():
    x = np.ones((2, 3, 30), dtype='float32')
    np.testing.assert_array_equal(apply(shares(dropout=1.0), x, phase=1), np.zeros((2, 3, 30)))
    np.testing.assert_allclose(apply(shares(recurrent_dropout=1.0), x, phase=1), 1.0)
    assert shares(dropout=-1.0).dropout == 0.0 and shares(recurrent_dropout=7.0).recurrent_dropout == 1.0


def test_dropout_masks_are_new_in_each_call_of_a_layer():
    layer = shares(dropout=0.5)
    a, b = layers.Input((6, 30)), layers.Input((6, 30))
    x = np.ones((2, 6, 30), dtype='float32')
    one, two = K.function([a, b, K.learning_phase()], [layer(a), layer(b)])([x, x, 1])
    assert not np.array_equal(one, two)


def test_training_argument_goes_before_the_phase():
    x = np.ones((2, 3, 30), dtype='float32')
    assert np.any(apply(shares(dropout=0.5), x, phase=0, training=True) == 0)
    np.testing.assert_allclose(apply(shares(dropout=0.5), x, phase=1, training=False)[:, 0], 1.0)
    stack = [layers.ShabithKaCell(30, 'linear', kernel_initializer='identity', dropout=0.5) for _ in range(2)]
    assert np.any(apply(layers.RNN(stack), x[:, :1], phase=0, training=True) == 0)


@pytest.mark.parametrize('cls', [layers.Groth, layers.Laldagorth])
@pytest.mark.parametrize('implementation', [1, 2])
def test_dropout_of_gates(cls, implementation):
    """In training something changes, and all of it is undone in testing; training works."""
    x = normal(4, 3, 5)
    settings = {'implementation': implementation, 'dropout': 0.3, 'recurrent_dropout': 0.4}
    model = Pile([cls(6, input_shape=(3, 5), **settings)])
    plain = Pile([cls(6, input_shape=(3, 5))])
    plain.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(x), plain.predict(x), rtol=1e-5, atol=1e-6)
    f = K.function([model.input, K.learning_phase()], [model.output])
    assert not np.allclose(f([x, 1])[0], f([x, 0])[0])
    model.conjure('sgd', 'mse')
    assert np.isfinite(model.train_on_batch(x, np.ones((4, 6))))


def test_cells_of_a_stack_drop_too_and_all_is_drawn_once():
    x = np.ones((2, 5, 30), dtype='float32')
    cell = shares(dropout=0.5).cell
    layer = layers.RNN([cell, shares().cell], return_sequences=True)
    y = apply(layer, x, phase=1)
    np.testing.assert_allclose(y[:, 0], np.round(y[:, 0] / 2) * 2, atol=1e-5)  # 0 or 2
    dropped = y[:, 0] < 1
    assert dropped.any() and not dropped.all()
    np.testing.assert_allclose(y[:, 1:][np.repeat(dropped[:, None], 4, axis=1)], 0.0, atol=1e-6)


# -- weights ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'layer, gates, bias',
    [
        (layers.ShabithKa(4), 1, (4,)),
        (layers.Groth(4), 3, (12,)),
        (layers.Groth(4, reset_after=True), 3, (2, 12)),
        (layers.Laldagorth(4), 4, (16,)),
    ],
    ids=['simple', 'gru', 'gru after', 'lstm'],
)
def test_weights(layer, gates, bias):
    layer = type(layer).from_config(dict(layer.get_config(), recurrent_initializer='identity'))
    layer.build((None, 7, 3))
    assert [K.int_shape(w) for w in layer.weights] == [(3, 4 * gates), (4, 4 * gates), bias]
    assert [w.name.split('/')[-1].split(':')[0] for w in layer.weights] == ['kernel', 'recurrent_kernel', 'bias']
    assert layer.count_params() == 3 * 4 * gates + 16 * gates + int(np.prod(bias))
    _, recurrent, b = layer.get_weights()
    np.testing.assert_array_equal(recurrent, np.tile(np.eye(4), gates))
    forget = np.zeros(bias)
    if gates == 4:
        forget[4:8] = 1.0
    np.testing.assert_array_equal(b, forget)
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 3


def test_forget_gate_may_begin_like_the_others():
    layer = layers.Laldagorth(2, unit_forget_bias=False, bias_initializer='ones')
    layer.build((None, 7, 3))
    np.testing.assert_array_equal(layer.get_weights()[2], np.ones(8))


def test_regularizers_constraints_and_initial_weights():
    values = [normal(3, 8), normal(2, 8), normal(8)]
    layer = layers.Laldagorth(
        2,
        kernel_regularizer=regularizers.l1(0.1),
        recurrent_regularizer='l2',
        bias_regularizer='l2',
        activity_regularizer=regularizers.l2(0.5),
        kernel_constraint='non_neg',
        weights=values,
        input_shape=(4, 3),
    )
    model = Pile([layer])
    assert len(layer.losses) == 4 and len(layer.get_losses_for(None)) == 3
    x = normal(5, 4, 3)
    found = K.function([model.input], layer.get_losses_for(None) + layer.get_losses_for(model.input))([x])
    wanted = [0.1 * np.abs(values[0]).sum(), 0.01 * np.square(values[1]).sum(), 0.01 * np.square(values[2]).sum()]
    np.testing.assert_allclose(sorted(found[:3]), sorted(wanted), rtol=1e-5)
    np.testing.assert_allclose(found[3], 0.5 * np.square(model.predict(x)).sum(), rtol=1e-4)
    model.conjure('sgd', 'mse')
    model.train_on_batch(x, np.zeros((5, 2)))
    assert layer.get_weights()[0].min() >= 0.0


def test_settings_can_be_read_on_the_layer():
    layer = layers.Groth(3, activation='relu', dropout=0.25, reset_after=True, implementation=1)
    assert (layer.units, layer.dropout, layer.reset_after, layer.implementation) == (3, 0.25, True, 1)
    assert layer.activation is layer.cell.activation and layer.kernel_initializer is layer.cell.kernel_initializer


def test_keras_names_and_paths():
    import cthulhu.layers.convolutional_recurrent as convolutional
    import cthulhu.layers.cudnn_recurrent as cudnn
    import cthulhu.layers.recurrent as recurrent
    import cthulhu.layers.wrappers as wrappers

    assert recurrent.LSTM is layers.LSTM is layers.Laldagorth and recurrent.GRUCell is layers.GrothCell
    assert cudnn.CuDNNLSTM is layers.CuDNNLaldagorth and convolutional.ConvLSTM2D is layers.Cxaxukluth
    assert wrappers.TimeDistributed is layers.TimeDistributed and recurrent.SimpleRNN is layers.ShabithKa
    assert layers.Laldagorth(2).name.startswith('lstm_') and layers.ShabithKa(2).name.startswith('simple_rnn_')
