"""Activation functions: values, shapes, lookup."""

import math

import numpy as np
import pytest

from cthulhu import activations
from cthulhu import backend as K
from cthulhu.utils import CustomObjectScope
from tests.backend.helpers import check_gradient

X = np.array([[-3.0, -1.0, 0.0, 0.5, 2.0], [1.0, 2.0, 3.0, 4.0, 5.0]])

# The values for the first row of X, recorded from Keras 2.3.1.
KERAS_VALUES = [
    ('softmax', [0.00476183, 0.03518545, 0.09564395, 0.15769023, 0.70671856]),
    ('elu', [-0.95021296, -0.63212055, 0.0, 0.5, 2.0]),
    ('selu', [-1.67056882, -1.11133075, 0.0, 0.52535051, 2.10140204]),
    ('softplus', [0.04858733, 0.31326163, 0.69314718, 0.97407699, 2.12692809]),
    ('softsign', [-0.75, -0.5, 0.0, 0.33333334, 0.66666669]),
    ('relu', [0.0, 0.0, 0.0, 0.5, 2.0]),
    ('tanh', [-0.99505472, -0.76159418, 0.0, 0.46211717, 0.96402758]),
    ('sigmoid', [0.04742587, 0.26894143, 0.5, 0.62245929, 0.88079709]),
    ('hard_sigmoid', [0.0, 0.30000001, 0.5, 0.60000002, 0.89999998]),
    ('exponential', [0.04978707, 0.36787945, 1.0, 1.64872122, 7.38905621]),
    ('linear', [-3.0, -1.0, 0.0, 0.5, 2.0]),
]

REFERENCES = {
    'softmax': lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    'elu': lambda x: np.where(x > 0, x, np.expm1(x)),
    'selu': lambda x: 1.05070098 * np.where(x > 0, x, 1.67326324 * np.expm1(x)),
    'softplus': lambda x: np.log1p(np.exp(x)),
    'softsign': lambda x: x / (1 + np.abs(x)),
    'relu': lambda x: np.maximum(x, 0),
    'tanh': np.tanh,
    'sigmoid': lambda x: 1 / (1 + np.exp(-x)),
    'hard_sigmoid': lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    'exponential': np.exp,
    'linear': lambda x: x,
}


def _glu(x):
    first, second = np.split(x, 2, axis=-1)
    return first / (1 + np.exp(-second))


def _sparsemax(x):
    """Row by row, by trying how many of the greatest are kept."""
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape[:-1]):
        ordered = np.sort(x[place])[::-1]
        excess = [(ordered[: k + 1].sum() - 1) / (k + 1) for k in range(len(ordered))]
        found[place] = np.maximum(x[place] - max(e for e, o in zip(excess, ordered) if o > e), 0)
    return found


_gaussian = np.vectorize(lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))), otypes=[float])

FURTHER = {
    'silu': lambda x: x / (1 + np.exp(-x)),
    'swish': lambda x: x / (1 + np.exp(-x)),
    'gelu': lambda x: x * _gaussian(x),
    'mish': lambda x: x * np.tanh(np.log1p(np.exp(x))),
    'hard_sigmoid_relu6': lambda x: np.clip(x + 3, 0, 6) / 6,
    'hard_silu': lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    'hard_swish': lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    'leaky_relu': lambda x: np.where(x > 0, x, 0.2 * x),
    'relu6': lambda x: np.clip(x, 0, 6),
    'celu': lambda x: np.where(x > 0, x, np.expm1(x)),
    'glu': _glu,
    'log_softmax': lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
    'log_sigmoid': lambda x: -np.log1p(np.exp(-x)),
    'squareplus': lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    'sparse_plus': lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    'sparse_sigmoid': lambda x: np.clip((x + 1) / 2, 0, 1),
    'hard_tanh': lambda x: np.clip(x, -1, 1),
    'hard_shrink': lambda x: np.where(np.abs(x) > 0.5, x, 0),
    'soft_shrink': lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    'tanh_shrink': lambda x: x - np.tanh(x),
    'sparsemax': _sparsemax,
}


@pytest.mark.parametrize('name', sorted(FURTHER))
def test_those_of_keras_3_are_those_of_numpy(name):
    x = np.random.RandomState(0).normal(size=(3, 4, 6)) * 3
    function = activations.get(name)
    np.testing.assert_allclose(evaluate(function, x), FURTHER[name](x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(evaluate(function, x, (None, None, 6)), FURTHER[name](x), rtol=1e-5, atol=1e-5)
    assert np.all(np.isfinite(evaluate(function, x * 100)))
    assert activations.get(activations.serialize(function)) is function


@pytest.mark.parametrize('name', sorted(FURTHER))
def test_slopes_of_those_of_keras_3(name):
    x = np.random.RandomState(1).normal(size=(3, 6)) * 2
    check_gradient(activations.get(name), x)
    if K.supports('gradients'):
        extreme = K.placeholder((1, 4))
        slopes = K.function([extreme], K.gradients(K.sum(activations.get(name)(extreme)), [extreme]))
        assert np.all(np.isfinite(slopes([np.array([[-1000.0, -90.0, 90.0, 1000.0]])])[0]))


def test_their_arguments():
    x = np.random.RandomState(0).normal(size=(3, 4)) * 3

    def found(function, **kwargs):
        return evaluate(lambda t: function(t, **kwargs), x)

    cubic = x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
    np.testing.assert_allclose(found(activations.gelu, approximate=True), cubic, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found(activations.celu, alpha=2.0), np.where(x > 0, x, 2 * np.expm1(x / 2)), rtol=1e-5)
    np.testing.assert_allclose(found(activations.glu, axis=1), _glu(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found(activations.sparsemax, axis=0), _sparsemax(x.T).T, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        found(activations.threshold, threshold=1, default_value=-2), np.where(x > 1, x, -2), rtol=1e-5
    )
    np.testing.assert_allclose(found(activations.squareplus, b=1), (x + np.sqrt(x**2 + 1)) / 2, rtol=1e-5)
    np.testing.assert_allclose(found(activations.leaky_relu, negative_slope=0.5), np.where(x > 0, x, x / 2), rtol=1e-5)
    with pytest.raises(ValueError, match='cannot be split'):
        activations.glu(K.placeholder((2, 3)))
    with pytest.raises(ValueError, match='`approximate` is True or False'):
        activations.gelu(K.placeholder((2, 3)), 'tanh')


@pytest.fixture(autouse=True)
def fresh_graph():
    """A graph that has grown over many tests is slow to run."""
    K.clear_session()


def evaluate(function, x, shape=None):
    placeholder = K.placeholder(shape=shape or x.shape)
    return K.function([placeholder], [function(placeholder)])([x])[0]


@pytest.mark.parametrize('name, expected', KERAS_VALUES)
def test_values_are_those_of_keras(name, expected):
    np.testing.assert_allclose(K.eval(activations.get(name)(K.constant(X)))[0], expected, atol=1e-6)


@pytest.mark.parametrize('name', sorted(REFERENCES))
@pytest.mark.parametrize('shape', [(4, 5), (3, 4, 5), (2, 3, 4, 5)])
def test_values_are_those_of_numpy(name, shape):
    x = np.random.RandomState(0).randn(*shape) * 2
    for static in (shape, (None,) * len(shape)):
        np.testing.assert_allclose(
            evaluate(activations.get(name), x, static), REFERENCES[name](x), rtol=2e-5, atol=1e-6
        )


def test_arguments():
    relu = activations.relu(K.constant(X[:1]), alpha=0.1, max_value=1.5, threshold=0.6)
    np.testing.assert_allclose(
        K.eval(relu)[0], [-0.35999998, -0.16000001, -0.06, -0.01, 1.5], atol=1e-6
    )  # recorded from Keras 2.3.1
    np.testing.assert_allclose(
        K.eval(activations.elu(K.constant(X), 0.5)), np.where(X > 0, X, 0.5 * np.expm1(X)), rtol=1e-5
    )


@pytest.mark.parametrize('shape, axis', [((3, 4), 0), ((3, 4, 5), 1), ((3, 4, 5), -1), ((2, 3, 4, 5), 1)])
def test_softmax_axis(shape, axis):
    x = np.random.RandomState(0).randn(*shape) * 50
    made = evaluate(lambda t: activations.softmax(t, axis=axis), x)
    shifted = np.exp(x - x.max(axis, keepdims=True))
    np.testing.assert_allclose(made, shifted / shifted.sum(axis, keepdims=True), rtol=1e-4, atol=1e-7)


def test_softmax_needs_two_axes():
    with pytest.raises(ValueError, match='`softmax` needs a tensor of rank 2 or more.* got rank 1'):
        activations.softmax(K.placeholder(shape=(5,)))


def test_get():
    def mine(x):
        return x

    assert activations.get(None) is activations.linear and activations.get('relu') is activations.relu
    assert activations.get(mine) is mine and activations.serialize(activations.relu) == 'relu'
    assert activations.deserialize('mine', {'mine': mine}) is mine
    with CustomObjectScope({'mine': mine, 'relu': mine}):
        assert activations.get('mine') is mine and activations.get('relu') is mine


@pytest.mark.parametrize('name', ['reluu', 'get', 'K', 'in_graph', 'warnings'])
def test_unknown_name(name):
    with pytest.raises(ValueError, match=f"Unknown activation function: '{name}'.*Known: celu, elu, exponential"):
        activations.get(name)


def test_a_layer_as_an_activation_is_warned_of():
    from cthulhu.layers import LeakyReLU

    layer = LeakyReLU(0.5)
    with pytest.warns(UserWarning, match='layer .LeakyReLU. was given as the activation'):
        assert activations.get(layer) is layer
    config = activations.serialize(layer)
    assert config['class_name'] == 'LeakyReLU'
    with pytest.raises(ValueError, match='Unknown layer'):
        activations.get({'class_name': 'Leaky', 'config': {}})
    again = activations.get(config)
    np.testing.assert_allclose(K.eval(again(K.constant(X))), np.where(X > 0, X, 0.5 * X), rtol=1e-6)


def test_not_an_activation():
    with pytest.raises(ValueError, match='activation function identifier.*got 6'):
        activations.get(6)
