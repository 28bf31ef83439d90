"""Optimizers that came after Keras 2.3, averages of weights and sums of gradients: against NumPy and Keras 3."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import optimizers
from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model
from tests.optimizers.test_optimizers import B, W, X, Y, adam_steps, train

pytestmark = pytest.mark.skipif(not K.supports('gradients'), reason='this backend does not train')


@pytest.fixture(autouse=True)
def fresh_graph():
    K.clear_session()


# Each by itself, in NumPy: a function of steps, given a gradient and a weight and giving what to subtract.


def ftrl_steps(rate, l1=0.0, l2=0.0, beta=0.0, power=0.5):
    def steps(gradient, t, state, p):
        before = state.get('a', 0.1)
        state['a'] = before + gradient**2
        state['l'] = state.get('l', 0) + gradient - (state['a'] ** power - before**power) / rate * p
        divisor = state['a'] ** power / rate + 2 * l2 + beta / rate
        return p - (np.clip(state['l'], -l1, l1) - state['l']) / divisor

    return steps


def adafactor_steps(rate, beta_2_decay=-0.8, threshold=1.0):
    def steps(gradient, t, state, p):
        kept, squares = 1 - (t + 1.0) ** beta_2_decay, gradient**2 + 1e-30
        state['s'] = kept * state.get('s', 0) + (1 - kept) * squares
        moment = state['s']
        if p.ndim == 2:
            rows, columns = moment.mean(1, keepdims=True), moment.mean(0, keepdims=True)
            moment = rows * columns / rows.mean()
        move = gradient / np.sqrt(moment)
        move = move / max(1, np.sqrt((move**2).mean()) / threshold)
        return min(rate, 1 / np.sqrt(t + 1)) * max(1e-3, np.sqrt((p**2).mean())) * move

    return steps


def lamb_steps(rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    adam = adam_steps(1.0, beta_1, beta_2, epsilon=0.0)

    def steps(gradient, t, state, p):
        move = adam(gradient, t, state)
        return rate * np.sqrt((p**2).sum() / (move**2).sum()) * move

    return steps


def muon_steps(rate, momentum=0.95, nesterov=True):
    adam = adam_steps(rate)

    def steps(gradient, t, state, p):
        if p.ndim != 2:
            return adam(gradient, t, state)
        state['m'] = momentum * state.get('m', 0) + gradient
        x = gradient + momentum * state['m'] if nesterov else state['m']
        x = x / np.linalg.norm(x)
        for _ in range(5):
            square = x @ x.T
            x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
        return rate * 0.2 * np.sqrt(max(p.shape)) * x

    return steps


# Name: (optimizer, the same in NumPy, the decay of the matrix and of the vector in a step).
CASES = {
    'ftrl': (lambda: optimizers.Ftrl(0.1, l1_regularization_strength=0.1, l2_regularization_strength=0.2, beta=0.3), ftrl_steps(0.1, 0.1, 0.2, 0.3), (0, 0)),
    'ftrl_power': (lambda: optimizers.Ftrl(lr=0.1, learning_rate_power=-0.3), ftrl_steps(0.1, power=0.3), (0, 0)),
    'adafactor': (lambda: optimizers.Adafactor(0.1, weight_decay=0.1), adafactor_steps(0.1), (0.01, 0.01)),
    'adafactor_clipped': (lambda: optimizers.Adafactor(2.0, -0.5, clip_threshold=0.5), adafactor_steps(2.0, -0.5, 0.5), (0, 0)),
    'lamb': (lambda: optimizers.Lamb(0.1, beta_1=0.8, weight_decay=0.1), lamb_steps(0.1, 0.8), (0.01, 0.01)),
    'muon': (lambda: optimizers.Muon(0.1, weight_decay=0.1), muon_steps(0.1), (0.01, 0.0004)),
    'muon_plain': (lambda: optimizers.Muon(0.1, momentum=0.8, nesterov=False, adam_weight_decay=None, weight_decay=None), muon_steps(0.1, 0.8, False), (0, 0)),
}  # fmt: skip


def in_numpy(rule, decays, steps=10):
    params, states = [W.copy(), B.copy()], [{}, {}]
    for t in range(steps):
        error = X @ params[0] + params[1] - Y
        gradients = [2 * X.T @ error / error.size, 2 * error.sum(0) / error.size]
        params = [p * (1 - decay) for p, decay in zip(params, decays)]
        params = [p - rule(g, t, state, p) for p, g, state in zip(params, gradients, states)]
    return params


@pytest.mark.parametrize('name', sorted(CASES))
def test_ten_steps(name):
    make, rule, decays = CASES[name]
    for found, wanted in zip(train(make())[0], in_numpy(rule, decays)):
        np.testing.assert_allclose(found, wanted, atol=2e-5)
    config = optimizers.serialize(make())
    assert optimizers.serialize(optimizers.deserialize(config)) == config


# -- against Keras 3 -------------------------------------------------------------------------------------------

R = np.random.RandomState(0)
DATA = R.normal(size=(8, 4)).astype('float32'), R.normal(size=(8, 2)).astype('float32')


def model_with(optimizer):
    model = Pile([Daoloth(3, activation='tanh', input_shape=(4,), name='hidden'), Daoloth(2, name='output')])
    random = np.random.RandomState(1)
    model.set_weights([random.uniform(-0.6, 0.6, w.shape) for w in model.get_weights()])
    model.conjure(optimizer, 'mse')
    return model


# The losses of the first, third and sixth step, recorded from Keras 3.15.1.
KERAS_3 = {
    'ftrl': (lambda: optimizers.Ftrl(0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.02, beta=0.1), [1.893696, 1.44543, 1.286211]),
    'ftrl2': (lambda: optimizers.Ftrl(0.1, learning_rate_power=-0.3, l2_shrinkage_regularization_strength=0.1), [1.893696, 1.367481, 1.247447]),
    'adafactor': (lambda: optimizers.Adafactor(0.05), [1.893696, 1.681677, 1.433974]),
    'adafactor_s': (lambda: optimizers.Adafactor(optimizers.schedules.ExponentialDecay(0.05,3,.5), relative_step=False, clip_threshold=0.5, beta_2_decay=-0.7), [1.893696, 1.791245, 1.710437]),
    'lamb': (lambda: optimizers.Lamb(0.02, weight_decay=0.1), [1.893696, 1.801403, 1.675735]),
    'muon': (lambda: optimizers.Muon(0.02, adam_lr_ratio=0.5, exclude_layers=['output']), [1.893696, 1.782628, 1.629921]),
    'muon2': (lambda: optimizers.Muon(0.02, nesterov=False, weight_decay=0.01, rms_rate=None), [1.893696, 1.729658, 1.512247]),
    'ema': (lambda: optimizers.SGD(0.1, momentum=0.5, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3), [1.893696, 1.143877, 0.851626]),
    'ema_adam': (lambda: optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9), [1.893696, 1.366377, 0.893548]),
    'acc': (lambda: optimizers.Adam(0.05, gradient_accumulation_steps=3), [1.893696, 1.893696, 1.601162]),
    'acc_sgd': (lambda: optimizers.SGD(0.1, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2, weight_decay=0.1, global_clipnorm=0.5), [1.893696, 1.783736, 1.731838]),
}  # fmt: skip


@pytest.mark.parametrize('name', sorted(KERAS_3))
def test_the_losses_of_keras_3(name):
    make, wanted = KERAS_3[name]
    model = model_with(make())
    losses = [model.train_on_batch(*DATA) for _ in range(6)]
    np.testing.assert_allclose([losses[i] for i in (0, 2, 5)], wanted, rtol=2e-5)


def test_a_matrix_by_adam():
    muon, adam = optimizers.Muon(0.1, exclude_layers=['.']), optimizers.AdamW(0.1)
    for found, wanted in zip(train(muon)[0], train(adam)[0]):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    weight = K.variable(np.ones((2, 2)), name='block/w')
    assert optimizers.Muon(exclude_layers=['/w']).is_by_adam(weight) and not optimizers.Muon().is_by_adam(weight)
    assert optimizers.Muon().is_by_adam(K.variable(np.ones((2, 2)), name='embedding_1/embeddings'))
    with pytest.raises(TypeError, match='Muon: `exclude_layers` is a list of regular expressions'):
        optimizers.Muon(exclude_layers='output')


# -- averages and sums -----------------------------------------------------------------------------------------


def test_averages_take_the_place_of_weights():
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.6)
    model = model_with(optimizer)
    averages, weights = None, model.get_weights()
    for _ in range(3):
        model.train_on_batch(*DATA)
        weights = model.get_weights()
        averages = weights if averages is None else [0.6 * a + 0.4 * w for a, w in zip(averages, weights)]
    optimizer.finalize_variable_values()
    for found, wanted in zip(model.get_weights(), averages):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    again = model_with(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.6))
    again.summon(*DATA, epochs=3, batch_size=8, verbose=0)
    for found, wanted in zip(again.get_weights(), averages):
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_sums_are_larger_batches():
    small = model_with(optimizers.Adam(0.05, gradient_accumulation_steps=4, clipnorm=0.2, weight_decay=0.1))
    large = model_with(optimizers.Adam(0.05, clipnorm=0.2, weight_decay=0.1))
    x, y = (np.concatenate([part, part[::-1] * 0.5]) for part in DATA)
    small.summon(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    before = small.get_weights()
    large.summon(x, y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    for found, wanted in zip(before, large.get_weights()):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    small.train_on_batch(x, y)
    for found, wanted in zip(small.get_weights(), before):
        np.testing.assert_array_equal(found, wanted)


def test_what_is_refused():
    class Own(optimizers.Optimizer):
        def get_updates(self, loss, params):
            return []

    for make, message in (
        (lambda: optimizers.SGD(ema_momentum=0.9), 'SGD: `ema_momentum` is about the averages of `use_ema=True`'),
        (
            lambda: optimizers.SGD(gradient_accumulation_steps=1),
            'SGD: `gradient_accumulation_steps` is a whole number, 2 or more',
        ),
        (lambda: Own(use_ema=True), 'Own makes its updates by itself, and takes no `use_ema`'),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), 'Ftrl: `learning_rate_power` is a finite number at most 0'),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    config = optimizers.SGD(0.1, use_ema=True).get_config()
    assert config['use_ema'] is True and 'ema_momentum' not in config
    made = optimizers.SGD.from_config(
        {'learning_rate': 0.1, 'use_ema': False, 'ema_momentum': 0.99, 'ema_overwrite_frequency': None}
    )
    assert 'use_ema' not in made.get_config()


def test_batches_are_counted_beyond_what_floats_hold():
    model = Pile([Daoloth(1, input_shape=(2,), use_bias=False)])
    model.conjure(optimizers.SGD(0.1, gradient_accumulation_steps=2), 'mse')
    model.train_on_batch(np.ones((1, 2)), np.zeros((1, 1)))
    K.set_value(model.optimizer.iterations, 2**24 + 1)  # an odd one, which float32 takes for the even one before
    weights = [model.get_weights()[0]]
    for _ in range(4):
        model.train_on_batch(np.ones((1, 2)), np.zeros((1, 1)))
        weights.append(model.get_weights()[0])
    assert [bool((a != b).any()) for a, b in zip(weights, weights[1:])] == [True, False, True, False]


@pytest.mark.filterwarnings('ignore:tf.keras ')  # which does not go on with each of these
@pytest.mark.parametrize('steps', [None, 2])
@pytest.mark.parametrize('ending', ['.h5', '.keras'])
@pytest.mark.parametrize('settings', [{}, {'clipnorm': 1.0, 'use_ema': True, 'ema_momentum': 0.9}])
def test_runs_go_on_from_files(settings, ending, steps, tmp_path):
    pytest.importorskip('h5py')
    random = np.random.RandomState(0)
    x, y = random.normal(size=(16, 3)), random.normal(size=(16, 1))
    for make in (optimizers.Nadam, optimizers.Adam):
        given = dict(settings, gradient_accumulation_steps=steps) if steps else settings
        model = Pile([Daoloth(1, input_shape=(3,))])
        model.conjure(make(0.1, **given), 'mse')
        model.summon(x, y, batch_size=4, shuffle=False, verbose=0)
        path = str(tmp_path / ('model' + ending))
        model.save(path)
        again = load_model(path)
        for each in (model, again):
            each.summon(x, y, batch_size=4, shuffle=False, verbose=0)
        for one, other in zip(model.get_weights(), again.get_weights()):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
