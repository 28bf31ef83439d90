"""Optimizers: ten steps against NumPy and against Keras; weights, configuration, lookup, errors."""

import copy
import pickle

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import constraints, optimizers
from cthulhu.layers import Daoloth, Input
from cthulhu.models import Lump
from cthulhu.utils import CustomObjectScope

pytestmark = pytest.mark.skipif(not K.supports('gradients'), reason='this backend does not train')

# A linear regression: loss = mean((x w + b - y) ** 2).
X = np.sin(np.arange(15.0)).reshape(5, 3)
Y = np.cos(np.arange(10.0) * 2).reshape(5, 2) * 3
W = np.sin(np.arange(6.0) + 0.5).reshape(3, 2)
B = np.array([0.5, -0.25])


@pytest.fixture(autouse=True)
def fresh_graph():
    """A graph that has grown over many tests is slow to run."""
    K.clear_session()


# Each optimizer by itself, in NumPy: a generator function of steps, given a gradient and giving what to subtract.


def sgd_steps(rate, momentum=0.0, nesterov=False, decay=0.0):
    def steps(gradient, t, state):
        lr = rate / (1 + decay * t)
        state['v'] = velocity = momentum * state.get('v', 0) - lr * gradient
        return -(momentum * velocity - lr * gradient if nesterov else velocity)

    return steps


def rmsprop_steps(rate, rho=0.9, epsilon=1e-7, decay=0.0):
    def steps(gradient, t, state):
        state['a'] = rho * state.get('a', 0) + (1 - rho) * gradient**2
        return rate / (1 + decay * t) * gradient / (np.sqrt(state['a']) + epsilon)

    return steps


def adagrad_steps(rate, epsilon=1e-7, decay=0.0):
    def steps(gradient, t, state):
        state['a'] = state.get('a', 0) + gradient**2
        return rate / (1 + decay * t) * gradient / (np.sqrt(state['a']) + epsilon)

    return steps


def adadelta_steps(rate, rho=0.95, epsilon=1e-7, decay=0.0):
    def steps(gradient, t, state):
        state['a'] = rho * state.get('a', 0) + (1 - rho) * gradient**2
        step = gradient * np.sqrt((state.get('d', 0) + epsilon) / (state['a'] + epsilon))
        state['d'] = rho * state.get('d', 0) + (1 - rho) * step**2
        return rate / (1 + decay * t) * step

    return steps


def adam_steps(rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, decay=0.0):
    def steps(gradient, t, state):
        state['m'] = beta_1 * state.get('m', 0) + (1 - beta_1) * gradient
        state['v'] = beta_2 * state.get('v', 0) + (1 - beta_2) * gradient**2
        state['largest'] = np.maximum(state.get('largest', 0), state['v'])
        correction = np.sqrt(1 - beta_2 ** (t + 1)) / (1 - beta_1 ** (t + 1))
        divisor = np.sqrt(state['largest'] if amsgrad else state['v']) + epsilon
        return rate / (1 + decay * t) * correction * state['m'] / divisor

    return steps


def adamax_steps(rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, decay=0.0):
    def steps(gradient, t, state):
        state['m'] = beta_1 * state.get('m', 0) + (1 - beta_1) * gradient
        state['u'] = np.maximum(beta_2 * state.get('u', 0), np.abs(gradient))
        return rate / (1 + decay * t) / (1 - beta_1 ** (t + 1)) * state['m'] / (state['u'] + epsilon)

    return steps


def nadam_steps(rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, schedule_decay=0.004):
    def momentum(t):
        return beta_1 * (1 - 0.5 * 0.96 ** (t * schedule_decay))

    def steps(gradient, t, state):
        t = t + 1
        product = np.prod([momentum(i) for i in range(1, t + 1)])
        state['m'] = beta_1 * state.get('m', 0) + (1 - beta_1) * gradient
        state['v'] = beta_2 * state.get('v', 0) + (1 - beta_2) * gradient**2
        first = (1 - momentum(t)) * gradient / (1 - product)
        second = momentum(t + 1) * state['m'] / (1 - product * momentum(t + 1))
        return rate * (first + second) / (np.sqrt(state['v'] / (1 - beta_2**t)) + epsilon)

    return steps


def lion_steps(rate, beta_1=0.9, beta_2=0.99):
    def steps(gradient, t, state):
        m = state.get('m', 0)
        state['m'] = beta_2 * m + (1 - beta_2) * gradient
        return rate * np.sign(beta_1 * m + (1 - beta_1) * gradient)

    return steps


# Name: (optimizer, the same in NumPy, what both are subject to).
CASES = {
    'sgd': (lambda: optimizers.SGD(0.1), sgd_steps(0.1), {}),
    'sgd_momentum': (lambda: optimizers.SGD(0.1, momentum=0.9), sgd_steps(0.1, momentum=0.9), {}),
    'sgd_nesterov_decay': (
        lambda: optimizers.SGD(lr=0.1, momentum=0.9, nesterov=True, decay=0.05),
        sgd_steps(0.1, momentum=0.9, nesterov=True, decay=0.05),
        {},
    ),
    'sgd_clipnorm': (lambda: optimizers.SGD(0.1, clipnorm=0.7), sgd_steps(0.1), {'clipnorm': 0.7}),
    'sgd_clipvalue': (lambda: optimizers.SGD(0.1, clipvalue=0.2), sgd_steps(0.1), {'clipvalue': 0.2}),
    'rmsprop': (lambda: optimizers.RMSprop(0.05), rmsprop_steps(0.05), {}),
    'rmsprop_decay': (
        lambda: optimizers.RMSprop(0.05, rho=0.8, decay=0.1, epsilon=1e-3),
        rmsprop_steps(0.05, rho=0.8, decay=0.1, epsilon=1e-3),
        {},
    ),
    'adagrad': (lambda: optimizers.Adagrad(0.1), adagrad_steps(0.1), {}),
    'adagrad_decay': (lambda: optimizers.Adagrad(0.1, decay=0.1), adagrad_steps(0.1, decay=0.1), {}),
    'adadelta': (lambda: optimizers.Adadelta(1.0), adadelta_steps(1.0), {}),
    'adadelta_decay': (
        lambda: optimizers.Adadelta(2.0, rho=0.9, decay=0.1, epsilon=1e-4),
        adadelta_steps(2.0, rho=0.9, decay=0.1, epsilon=1e-4),
        {},
    ),
    'adam': (lambda: optimizers.Adam(0.05), adam_steps(0.05), {}),
    'adam_amsgrad_decay': (
        lambda: optimizers.Adam(0.05, beta_1=0.8, beta_2=0.9, amsgrad=True, decay=0.1),
        adam_steps(0.05, beta_1=0.8, beta_2=0.9, amsgrad=True, decay=0.1),
        {},
    ),
    'adamw': (lambda: optimizers.AdamW(0.05, weight_decay=0.3), adam_steps(0.05), {'weight_decay': 0.05 * 0.3}),
    'adamw_clipnorm': (
        lambda: optimizers.AdamW(0.05, amsgrad=True, global_clipnorm=0.7),
        adam_steps(0.05, amsgrad=True),
        {'clipnorm': 0.7, 'weight_decay': 0.05 * 0.004},
    ),
    'sgd_weight_decay': (
        lambda: optimizers.SGD(0.1, momentum=0.9, weight_decay=0.2),
        sgd_steps(0.1, momentum=0.9),
        {'weight_decay': 0.1 * 0.2},
    ),
    'nadam_weight_decay': (lambda: optimizers.Nadam(0.05, weight_decay=0.2), nadam_steps(0.05), {'weight_decay': 0.01}),
    'lion': (lambda: optimizers.Lion(0.05), lion_steps(0.05), {}),
    'lion_weight_decay': (
        lambda: optimizers.Lion(0.05, beta_1=0.8, beta_2=0.9, weight_decay=0.5),
        lion_steps(0.05, beta_1=0.8, beta_2=0.9),
        {'weight_decay': 0.025},
    ),
    'adamax': (lambda: optimizers.Adamax(0.05), adamax_steps(0.05), {}),
    'adamax_decay': (lambda: optimizers.Adamax(0.05, decay=0.1), adamax_steps(0.05, decay=0.1), {}),
    'nadam': (lambda: optimizers.Nadam(0.05), nadam_steps(0.05), {}),
    'nadam_schedule': (
        lambda: optimizers.Nadam(0.05, schedule_decay=0.1, clipnorm=1.0),
        nadam_steps(0.05, schedule_decay=0.1),
        {'clipnorm': 1.0},
    ),
    'sgd_constrained': (lambda: optimizers.SGD(0.1, momentum=0.5), sgd_steps(0.1, momentum=0.5), {'max_norm': 0.8}),
    'adam_constrained': (lambda: optimizers.Adam(0.1), adam_steps(0.1), {'max_norm': 0.8}),
}

# w, b and the last loss after ten steps, recorded from Keras 2.3.1 on TensorFlow 1.15.5. Keras reads its counter of steps
# in a race with the counter's own update, so the counter was set by hand before each step of the recording. On Theano 1.0.5,
# where there is no race, it gives the same to 3e-7.
KERAS_FIGURES = {
    'sgd': (
        [0.80135101, 0.71223873, 1.0534339, -0.50573051, -0.80782175, -0.58772093],
        [0.2653302, 0.24782029],
        3.605178,
    ),
    'sgd_momentum': (
        [1.91637015, -0.07602599, 2.10525632, -1.15874386, -0.78623664, -0.50510538],
        [-0.17992669, 0.94377673],
        2.875914,
    ),
    'sgd_nesterov_decay': (
        [1.8862412, -0.05149419, 2.04515529, -1.1270889, -0.8210535, -0.49543068],
        [-0.10553049, 0.82914847],
        2.798025,
    ),
    'sgd_clipnorm': (
        [0.71457821, 0.77928221, 0.95648187, -0.45813093, -0.8258158, -0.60332799],
        [0.31082466, 0.16381909],
        3.738491,
    ),
    'sgd_clipvalue': (
        [0.67942542, 0.79749519, 0.79847193, -0.48539639, -0.78639513, -0.55878717],
        [0.30237782, -0.05000001],
        3.891298,
    ),
    'rmsprop': (
        [1.37620497, 0.19930699, 1.3390882, -1.29581368, -0.73368472, -0.2183616],
        [0.09713867, 0.37830254],
        3.016466,
    ),
    'rmsprop_decay': (
        [0.99787533, 0.51918739, 1.0563035, -0.89662492, -0.68741924, -0.35571039],
        [0.13642019, 0.19104502],
        3.397436,
    ),
    'adagrad': (
        [1.00419283, 0.52672344, 1.04099655, -0.9176392, -0.69193274, -0.3586961],
        [0.15323396, 0.17314748],
        3.409261,
    ),
    'adagrad_decay': (
        [0.88417423, 0.62717843, 0.95215368, -0.78699255, -0.71198457, -0.41270736],
        [0.19710751, 0.09543701],
        3.547778,
    ),
    'adadelta': (
        [0.49408117, 0.98295844, 0.61297667, -0.36572009, -0.96315056, -0.69116861],
        [0.48556435, -0.23550108],
        4.301633,
    ),
    'adadelta_decay': (
        [0.99408323, 0.5584535, 1.00477552, -0.91627383, -0.70590258, -0.38263398],
        [0.18159813, 0.13894336],
        3.456716,
    ),
    'adam': (
        [0.98414952, 0.50667506, 1.08062088, -0.85768497, -0.57531947, -0.30583489],
        [0.05320284, 0.22916427],
        3.422607,
    ),
    'adam_amsgrad_decay': (
        [0.84133166, 0.64243269, 0.94974822, -0.71508271, -0.67051136, -0.40080434],
        [0.16809109, 0.09992631],
        3.592256,
    ),
    'adamax': (
        [0.95435047, 0.54522783, 1.02508795, -0.7674461, -0.65261686, -0.39006394],
        [0.13388892, 0.16699307],
        3.485137,
    ),
    'adamax_decay': (
        [0.82496125, 0.66460305, 0.9170832, -0.65984678, -0.71586108, -0.44964606],
        [0.21459036, 0.06394389],
        3.642956,
    ),
    'nadam': (
        [0.89905137, 0.61281866, 0.96689886, -0.80485976, -0.69026685, -0.39604264],
        [0.17781517, 0.11158244],
        3.559749,
    ),
    'nadam_schedule': (
        [0.90898693, 0.60183555, 0.97803521, -0.81259483, -0.68326414, -0.38858327],
        [0.16830532, 0.12248802],
        3.542952,
    ),
    'sgd_constrained': (
        [0.54763949, 0.18191756, 0.49565908, -0.59160197, -0.30726671, -0.5068658],
        [0.11943268, 0.4248246],
        3.698549,
    ),
    'adam_constrained': (
        [0.54311275, -0.20011251, 0.51418424, -0.61394846, -0.28397709, -0.47225213],
        [-0.10631893, 0.60001081],
        3.640736,
    ),
}

# `serialize(X())`, recorded from Keras 2.3.1.
KERAS_CONFIGS = [
    (
        'SGD',
        {
            'class_name': 'SGD',
            'config': {'learning_rate': 0.009999999776482582, 'momentum': 0.0, 'decay': 0.0, 'nesterov': False},
        },
    ),
    (
        'RMSprop',
        {
            'class_name': 'RMSprop',
            'config': {
                'learning_rate': 0.0010000000474974513,
                'rho': 0.8999999761581421,
                'decay': 0.0,
                'epsilon': 1e-07,
            },
        },
    ),
    (
        'Adagrad',
        {'class_name': 'Adagrad', 'config': {'learning_rate': 0.009999999776482582, 'decay': 0.0, 'epsilon': 1e-07}},
    ),
    (
        'Adadelta',
        {'class_name': 'Adadelta', 'config': {'learning_rate': 1.0, 'rho': 0.95, 'decay': 0.0, 'epsilon': 1e-07}},
    ),
    (
        'Adam',
        {
            'class_name': 'Adam',
            'config': {
                'learning_rate': 0.0010000000474974513,
                'beta_1': 0.8999999761581421,
                'beta_2': 0.9990000128746033,
                'decay': 0.0,
                'epsilon': 1e-07,
                'amsgrad': False,
            },
        },
    ),
    (
        'Adamax',
        {
            'class_name': 'Adamax',
            'config': {
                'learning_rate': 0.0020000000949949026,
                'beta_1': 0.8999999761581421,
                'beta_2': 0.9990000128746033,
                'decay': 0.0,
                'epsilon': 1e-07,
            },
        },
    ),
    (
        'Nadam',
        {
            'class_name': 'Nadam',
            'config': {
                'learning_rate': 0.0020000000949949026,
                'beta_1': 0.8999999761581421,
                'beta_2': 0.9990000128746033,
                'epsilon': 1e-07,
                'schedule_decay': 0.004,
            },
        },
    ),
]


def problem(max_norm=None):
    w = K.variable(W, constraint=None if max_norm is None else constraints.MaxNorm(max_norm))
    b = K.variable(B)
    # Operators need the backend's graph around them.
    with K.graph_scope():
        loss = K.mean(K.square(K.dot(K.constant(X), w) + b - K.constant(Y)))
    return loss, [w, b]


def train(optimizer, steps=10, max_norm=None):
    loss, params = problem(max_norm)
    step = K.function([], [loss], updates=optimizer.get_updates(loss, params))
    history = [float(step([])[0]) for _ in range(steps)]
    return [K.get_value(p) for p in params], history


def train_in_numpy(rule, steps=10, max_norm=None, clipnorm=None, clipvalue=None, weight_decay=0.0):
    params, states, history = [W.copy(), B.copy()], [{}, {}], []
    for t in range(steps):
        error = X @ params[0] + params[1] - Y
        history.append((error**2).mean())
        gradients = [2 * X.T @ error / error.size, 2 * error.sum(0) / error.size]
        if clipnorm:
            norm = np.sqrt(sum((g**2).sum() for g in gradients))
            gradients = [g * min(1, clipnorm / norm) for g in gradients]
        if clipvalue:
            gradients = [np.clip(g, -clipvalue, clipvalue) for g in gradients]
        params = [p * (1 - weight_decay) - rule(g, t, state) for p, g, state in zip(params, gradients, states)]
        if max_norm:
            norms = np.sqrt((params[0] ** 2).sum(0))
            params[0] = params[0] * np.clip(norms, 0, max_norm) / (norms + 1e-7)
    return params, history


@pytest.mark.parametrize('name', sorted(CASES))
def test_ten_steps(name):
    make, rule, options = CASES[name]
    (w, b), history = train(make(), max_norm=options.get('max_norm'))
    (expected_w, expected_b), expected_history = train_in_numpy(rule, **options)
    np.testing.assert_allclose(w, expected_w, atol=1e-5)
    np.testing.assert_allclose(b, expected_b, atol=1e-5)
    np.testing.assert_allclose(history, expected_history, rtol=1e-5)
    if name not in KERAS_FIGURES:
        return  # what Keras 2.3.1 does not have
    keras_w, keras_b, keras_loss = KERAS_FIGURES[name]
    np.testing.assert_allclose(w.ravel(), keras_w, atol=1e-5)
    np.testing.assert_allclose(b, keras_b, atol=1e-5)
    np.testing.assert_allclose(history[-1], keras_loss, rtol=1e-5)


@pytest.mark.parametrize(
    'name', ['sgd_clipnorm', 'sgd_clipvalue', 'nadam_schedule', 'sgd_constrained', 'adamw', 'lion_weight_decay']
)
def test_clipping_and_constraints_have_an_effect_here(name):
    _, rule, options = CASES[name]
    assert np.abs(train_in_numpy(rule, **options)[0][0] - train_in_numpy(rule)[0][0]).max() > 1e-3


def test_what_loses_no_weight():
    (w, b), _ = train(optimizers.SGD(0.1, weight_decay=0.5), steps=1)
    for settings in ({'var_names': ['bias', '^shift']}, 'variable'):
        loss, params = problem()
        optimizer = optimizers.SGD(0.1, weight_decay=0.5)
        if settings == 'variable':
            optimizer.exclude_from_weight_decay([params[1]])
        else:
            params[1] = K.variable(B, name='shift')
            with K.graph_scope():
                loss = K.mean(K.square(K.dot(K.constant(X), params[0]) + params[1] - K.constant(Y)))
            optimizer.exclude_from_weight_decay(**settings)
        K.function([], [loss], updates=optimizer.get_updates(loss, params))([])
        np.testing.assert_allclose(K.get_value(params[0]), w, rtol=1e-5)
        np.testing.assert_allclose(K.get_value(params[1]) - b, B * 0.1 * 0.5, atol=1e-6)
    with pytest.raises(ValueError, match='comes before the training'):
        optimizer.exclude_from_weight_decay(var_names=['bias'])


def test_the_arguments_of_keras_3():
    assert optimizers.Adam(global_clipnorm=2.0).get_config()['clipnorm'] == 2.0
    assert optimizers.AdamW().get_config()['weight_decay'] == 0.004 and 'decay' not in optimizers.AdamW().get_config()
    assert 'weight_decay' not in optimizers.Adam().get_config()
    assert isinstance(optimizers.get('adamw'), optimizers.AdamW) and isinstance(optimizers.get('lion'), optimizers.Lion)
    with pytest.raises(ValueError, match='`global_clipnorm` is a finite number at least 0'):
        optimizers.SGD(global_clipnorm=-1)
    with pytest.raises(ValueError, match='give one of them'):
        optimizers.SGD(clipnorm=1.0, global_clipnorm=1.0)
    with pytest.raises(ValueError, match='`weight_decay` is a finite number at least 0'):
        optimizers.AdamW(weight_decay=-1)


# The shapes that Keras 2.3.1 gives.
@pytest.mark.parametrize(
    'make, shapes',
    [
        (lambda: optimizers.SGD(0.1), [(), (3, 2), (2,)]),
        (lambda: optimizers.RMSprop(0.05), [(), (3, 2), (2,)]),
        (lambda: optimizers.Adagrad(0.1), [(), (3, 2), (2,)]),
        (lambda: optimizers.Adadelta(1.0), [(), (3, 2), (2,), (3, 2), (2,)]),
        (lambda: optimizers.Adam(0.05), [(), (3, 2), (2,), (3, 2), (2,), (1,), (1,)]),
        (
            lambda: optimizers.Adam(0.05, beta_1=0.8, beta_2=0.9, amsgrad=True, decay=0.1),
            [(), (3, 2), (2,), (3, 2), (2,), (3, 2), (2,)],
        ),
        (lambda: optimizers.Adamax(0.05), [(), (3, 2), (2,), (3, 2), (2,)]),
        (lambda: optimizers.Nadam(0.05), [(), (), (3, 2), (2,), (3, 2), (2,)]),
    ],
)
def test_weights(make, shapes):
    optimizer = make()
    assert optimizer.get_weights() == []
    train(optimizer, steps=3)
    weights = optimizer.get_weights()
    assert [w.shape for w in weights] == shapes
    assert weights[0] == 3 and weights[0].dtype == 'int64'


@pytest.mark.parametrize('name', sorted(CASES))
def test_steps_go_on_from_saved_weights(name):
    make, _, options = CASES[name]
    max_norm = options.get('max_norm')
    whole, _ = train(make(), 7, max_norm)
    first, (loss, params) = make(), problem(max_norm)
    step = K.function([], [loss], updates=first.get_updates(loss, params))
    for _ in range(4):
        step([])
    second, (loss, others) = optimizers.deserialize(optimizers.serialize(first)), problem(max_norm)
    step = K.function([], [loss], updates=second.get_updates(loss, others))
    second.set_weights(first.get_weights())
    K.batch_set_value(zip(others, K.batch_get_value(params)))
    for _ in range(3):
        step([])
    np.testing.assert_allclose(K.get_value(others[0]), whole[0], atol=1e-6)
    np.testing.assert_allclose(K.get_value(others[1]), whole[1], atol=1e-6)


@pytest.mark.parametrize('name', ['RMSprop', 'Adagrad', 'Adadelta', 'Nadam'])
def test_weights_of_older_keras(name):
    optimizer = optimizers.get(name)
    train(optimizer, 2)
    weights = optimizer.get_weights()
    missing = 1 if name == 'Nadam' else 0
    optimizer.set_weights(weights[:missing] + weights[missing + 1 :])
    now = optimizer.get_weights()
    assert now[missing] == missing
    for i in set(range(len(weights))) - {missing}:
        np.testing.assert_array_equal(now[i], weights[i])


def test_set_weights_errors():
    optimizer = optimizers.Adam()
    with pytest.raises(ValueError, match='Adam has 0 weights; `weights` has 1 arrays. It gets its weights when'):
        optimizer.set_weights([np.zeros(())])
    train(optimizer, 1)
    weights = optimizer.get_weights()
    with pytest.raises(ValueError, match='Adam has 7 weights; `weights` has 6 arrays'):
        optimizer.set_weights(weights[1:])
    with pytest.raises(ValueError, match=r'`weights\[1\]` has shape \(2, 3\); .* has shape \(3, 2\)'):
        optimizer.set_weights([weights[0], weights[1].T] + weights[2:])


@pytest.mark.parametrize('name, config', KERAS_CONFIGS)
def test_configuration_is_that_of_keras(name, config):
    assert optimizers.serialize(getattr(optimizers, name)()) == config
    before = copy.deepcopy(config)
    for identifier in (name, name.lower(), name.upper(), config, dict(config, class_name=name.lower())):
        made = optimizers.get(identifier)
        assert type(made) is getattr(optimizers, name) is getattr(optimizers, name.lower())
        assert made.get_config() == config['config']
    assert config == before


def test_configuration_with_options():
    # Recorded from Keras 2.3.1.
    config = {
        'class_name': 'SGD',
        'config': {
            'clipnorm': 1.0,
            'clipvalue': 0.5,
            'learning_rate': 0.009999999776482582,
            'momentum': 0.5,
            'decay': 0.0,
            'nesterov': False,
        },
    }
    optimizer = optimizers.SGD(clipnorm=1.0, clipvalue=0.5, momentum=0.5)
    assert optimizers.serialize(optimizer) == config
    assert optimizers.serialize(optimizers.deserialize(config)) == config


def test_older_and_foreign_spellings():
    assert optimizers.Adam(lr=0.5, epsilon=None).get_config()['learning_rate'] == 0.5
    assert optimizers.Adam(epsilon=None).epsilon == K.epsilon()
    assert (
        optimizers.get({'class_name': 'SGD', 'config': {'name': 'SGD', 'lr': 0.25}}).get_config()['learning_rate']
        == 0.25
    )


def test_numbers_can_be_set_between_steps():
    optimizer = optimizers.SGD(0.1)
    loss, params = problem()
    step = K.function([], [loss], updates=optimizer.get_updates(loss, params))
    optimizer.learning_rate = 0.0
    step([])
    np.testing.assert_allclose(K.get_value(params[0]), W, atol=1e-7)
    optimizer.lr = 0.1
    assert abs(K.get_value(optimizer.lr) - 0.1) < 1e-7
    K.set_value(optimizer.lr, 0.2)
    before = K.get_value(params[0])
    error = X @ before + B - Y
    step([])
    np.testing.assert_allclose(K.get_value(params[0]), before - 0.2 * 2 * X.T @ error / 10, atol=1e-5)


def test_a_tensor_as_a_number_acts_before_training_and_is_refused_after():
    """The loss's gradient is 1 everywhere, so that a step is as long as the rate."""
    v, factor = K.variable(np.zeros(())), K.variable(2.0)
    optimizer = optimizers.SGD(0.1)
    optimizer.lr = optimizer.lr * factor
    assert optimizer.get_config()['learning_rate'] == pytest.approx(0.2)
    step = K.function([], [], updates=optimizer.get_updates(K.identity(v), [v]))
    step([])
    assert K.get_value(v) == pytest.approx(-0.2)
    K.set_value(factor, 5.0)  # the expression is followed, not its value at the beginning
    step([])
    assert K.get_value(v) == pytest.approx(-0.7)
    for name, value in (('lr', 0.1), ('learning_rate', optimizer.lr * 2), ('momentum', K.variable(0.5))):
        with pytest.raises(ValueError, match='SGD: `(learning_rate|momentum)` is part of a training function'):
            setattr(optimizer, name, value)
    optimizer.momentum = 0.5  # a variable still, so a number reaches it
    step([])
    step([])
    assert K.get_value(v) == pytest.approx(-0.7 - 0.75 - 0.875, abs=1e-5)


@pytest.mark.parametrize('dtype', ['float64', 'float16'])
def test_a_tensor_as_a_number_is_followed_for_weights_of_every_type(dtype):
    v, factor = K.variable(np.zeros(()), dtype=dtype), K.variable(2.0)
    optimizer = optimizers.SGD(0.125)
    optimizer.lr = optimizer.lr * factor
    step = K.function([], [], updates=optimizer.get_updates(K.identity(v), [v]))
    step([])
    K.set_value(factor, 4.0)
    step([])
    assert K.get_value(v) == -0.75


def test_a_number_after_a_tensor_is_a_variable_again():
    optimizer = optimizers.Adam(0.1)
    optimizer.beta_1 = optimizer.beta_1 / 2
    optimizer.beta_1 = np.float32(0.5)
    assert K.is_variable(optimizer.beta_1) and optimizer.get_config()['beta_1'] == 0.5


def test_settings_that_a_training_function_does_not_follow_are_told():
    v = K.variable(np.zeros(()))
    optimizer = optimizers.SGD(1.0, clipnorm=3.0)
    optimizer.clipnorm, optimizer.decay = 0.5, 1.0  # nothing is made of them yet: they count, without a word
    step = K.function([], [], updates=optimizer.get_updates(v * 1.0, [v]))
    step([])
    step([])
    assert K.get_value(v) == pytest.approx(-0.5 - 0.25)
    optimizer.decay = 0.0  # a variable in the function
    step([])
    assert K.get_value(v) == pytest.approx(-0.75 - 0.5)
    for name, value in (('clipnorm', 0.1), ('clipvalue', 0.1), ('nesterov', True)):
        with pytest.warns(UserWarning, match=f'SGD: `{name}` is now {value}, .* Call `conjure` again') as caught:
            setattr(optimizer, name, value)
        assert caught[0].filename == __file__
    step = K.function([], [], updates=optimizer.get_updates(v * 1.0, [v]))
    step([])
    assert K.get_value(v) == pytest.approx(-1.25 - 0.1)
    plain = optimizers.SGD(1.0)
    plain.get_updates(v * 1.0, [v])
    with pytest.warns(UserWarning, match='`decay` is now 0.5'):
        plain.decay = 0.5


def test_attributes_of_ones_own_are_held_against_nothing():
    class Own(optimizers.Optimizer):
        def __init__(self, scale, **kwargs):
            super().__init__(**kwargs)
            self.scale, self.decay, self.size = scale, 'cosine', 'big'
            self.hyperparameters(rate=0.1)

        def step(self, p, g, common):
            return (p - self.rate * g,)

    optimizer, v = Own(0.5), K.variable(np.zeros(()))
    optimizer.get_updates(v * 1.0, [v])
    assert (optimizer.scale, optimizer.decay, optimizer.size) == (0.5, 'cosine', 'big')
    with pytest.raises(ValueError, match='Own: `rate` is part of a training function'):
        optimizer.rate = optimizer.rate * 2


@pytest.mark.parametrize(
    'name',
    [
        'SGD',
        'RMSprop',
        'Adagrad',
        'Adadelta',
        'Adafactor',
        'Adam',
        'AdamW',
        'Adamax',
        'Ftrl',
        'Lamb',
        'Lion',
        'Muon',
        'Nadam',
    ],
)
def test_unknown_argument(name):
    with pytest.raises(TypeError, match=f"{name} has no argument 'rate'.* It takes learning_rate, .*lr, .*clipnorm"):
        getattr(optimizers, name)(rate=1)


def test_gradients_of_the_values_of_a_dict():
    loss, params = problem()
    expected = K.get_value(optimizers.SGD().get_gradients(loss, params)[0])
    (first, *_) = optimizers.SGD().get_gradients(loss, dict(enumerate(params)).values())
    np.testing.assert_allclose(K.get_value(first), expected)


def test_parameters_without_a_gradient_are_named():
    loss, params = problem()
    lost = K.variable(np.zeros(2), name='forgotten')
    with pytest.raises(ValueError, match='no gradient for: forgotten.*trainable = False'):
        optimizers.SGD().get_updates(loss, params + [lost])


def test_get_and_errors():
    sgd = optimizers.SGD()
    assert optimizers.get(sgd) is sgd and type(optimizers.get(optimizers.Adam)) is optimizers.Adam
    with pytest.raises(ValueError, match="Unknown optimizer: 'adamm'. Did you mean 'Adam'"):
        optimizers.get('adamm')
    for identifier in (None, 3):
        with pytest.raises(ValueError, match='optimizer identifier'):
            optimizers.get(identifier)
    with pytest.raises(NotImplementedError, match='Optimizer must define `step`'):
        optimizers.Optimizer().step(None, None, None)


def test_optimizers_of_ones_own():
    class Halve(optimizers.Optimizer):
        def get_updates(self, loss, params):
            self.weights = []
            return [K.update(p, p / 2) for p in params]

    class Plain(optimizers.Optimizer):
        def __init__(self, rate=0.1, **kwargs):
            super().__init__(**kwargs)
            self.hyperparameters(rate=rate)

        def step(self, p, g, common):
            return (p - self.rate * g,)

    with CustomObjectScope({'Plain': Plain, 'sgd': Halve}):
        (w, _), _ = train(optimizers.get('Plain'))
        assert type(optimizers.get('sgd')) is Halve
    np.testing.assert_allclose(w, train_in_numpy(sgd_steps(0.1))[0][0], atol=1e-5)


class Multiplied(optimizers.Optimizer):
    """Hands its variables on in two groups, the second with half the learning rate, as packages of Keras 2 do."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def get_updates(self, loss, params):
        rate = self.inner.lr
        self.updates = list(self.inner.get_updates(loss, params[:1]))
        self.inner.lr = rate * 0.5
        self.updates += self.inner.get_updates(loss, params[1:])
        self.inner.lr = rate
        return self.updates


@pytest.mark.parametrize('inner', [optimizers.SGD, optimizers.Adam, optimizers.Nadam])
def test_one_optimizer_for_groups_of_variables(inner):
    """Each group goes as it does alone with its own learning rate; the step is counted once, and the learning rate can be set as before."""
    x, y = np.eye(4), np.arange(8.0).reshape(4, 2)

    def trained(make, frozen):
        inputs = Input((4,))
        left = Daoloth(1, use_bias=False, kernel_initializer='ones', trainable=frozen != 0)
        right = Daoloth(1, use_bias=False, kernel_initializer='ones', trainable=frozen != 1)
        model = Lump(inputs, [left(inputs), right(inputs)])
        optimizer = make()
        model.conjure(optimizer, 'mse')
        losses = [model.train_on_batch(x, [y[:, :1], y[:, 1:]]) for _ in range(3)]
        assert np.isfinite(losses).all()
        return optimizer, model.get_weights()

    both, (left, right) = trained(lambda: Multiplied(inner(0.1)), None)
    alone = trained(lambda: inner(0.1), 1)[1][0], trained(lambda: inner(0.05), 0)[1][1]
    np.testing.assert_allclose(left, alone[0], rtol=1e-5)
    np.testing.assert_allclose(right, alone[1], rtol=1e-5)
    assert K.get_value(both.inner.iterations) == 3
    both.inner.lr = 0.5
    assert K.get_value(both.inner.lr) == 0.5
    with pytest.raises(ValueError, match='make a new optimizer'):
        both.inner.lr = K.constant(0.5) * 2


def test_optimizers_of_the_framework():
    class Native:
        """Gradient descent with the interface of TensorFlow's, but updates as ours."""

        def compute_gradients(self, loss, var_list):
            return list(zip(K.gradients(loss, var_list), var_list))

        def apply_gradients(self, pairs):
            return [K.update_sub(v, 0.1 * g) for g, v in pairs]

    made = optimizers.get(Native())
    assert isinstance(made, optimizers.TFOptimizer)
    (w, _), _ = train(made)
    np.testing.assert_allclose(w, train_in_numpy(sgd_steps(0.1))[0][0], atol=1e-5)
    assert [int(x) for x in made.get_weights()] == [10]
    with pytest.raises(NotImplementedError, match='configuration of Native'):
        made.get_config()
    with pytest.raises(NotImplementedError, match='pass it to TFOptimizer'):
        optimizers.TFOptimizer.from_config({})
    with pytest.raises(TypeError, match='`compute_gradients` and `apply_gradients`.*got 3'):
        optimizers.TFOptimizer(3)


@pytest.mark.skipif(K.backend() != 'tensorflow', reason="wraps TensorFlow's own optimizers")
@pytest.mark.parametrize('slots', [False, True])
def test_optimizers_of_tensorflow(slots):
    tf = pytest.importorskip('tensorflow')
    native = tf.compat.v1.train.AdagradOptimizer(0.1) if slots else tf.compat.v1.train.GradientDescentOptimizer(0.1)
    optimizer = optimizers.get(native)
    (w, _), history = train(optimizer)
    assert [v.shape for v in optimizer.get_weights()] == ([(), (3, 2), (2,)] if slots else [()])
    assert optimizer.get_weights()[0] == 10
    if not slots:
        expected_params, expected_history = train_in_numpy(sgd_steps(0.1))
        np.testing.assert_allclose(w, expected_params[0], atol=1e-5)
        np.testing.assert_allclose(history, expected_history, rtol=1e-5)


@pytest.mark.parametrize('name', ['SGD', 'RMSprop', 'Adagrad', 'Adadelta', 'Adam', 'AdamW', 'Adamax', 'Lion', 'Nadam'])
def test_copies_and_pickles_have_the_settings_and_begin_anew(name):
    optimizer = getattr(optimizers, name)(0.25, clipnorm=2.0)
    weights = [K.variable(W), K.variable(B)]
    K.function([], [], updates=optimizer.get_updates(K.sum(K.square(weights[0])) + K.sum(weights[1]), weights))([])
    for other in (copy.copy(optimizer), copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert type(other) is type(optimizer) and other.get_config() == optimizer.get_config()
        assert other.weights == [] and K.get_value(other.iterations) == 0 and K.get_value(optimizer.iterations) == 1
