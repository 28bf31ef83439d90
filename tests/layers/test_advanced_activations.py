import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import normal

X = normal(3, 4, 5)


@pytest.mark.parametrize('alpha', [0.3, 0.0])
def test_leaky_relu(alpha):
    layer_test(layers.LeakyReLU, {'alpha': alpha}, input_data=X, expected_output=np.where(X >= 0, X, alpha * X))


@pytest.mark.parametrize('shared', [None, 1, [1], [1, 2], [-1]])
def test_prelu(shared):
    kwargs = {'shared_axes': shared, 'alpha_initializer': 'random_uniform'}
    layer_test(layers.PReLU, kwargs, input_data=X, expected_output=lambda x, w: np.where(x >= 0, x, w[0] * x))
    layer = layers.PReLU(**kwargs)
    layer(layers.Input((4, 5)))
    shape = {None: (4, 5), 1: (1, 5), (1,): (1, 5), (1, 2): (1, 1), (-1,): (4, 1)}
    assert layer.get_weights()[0].shape == shape[tuple(shared) if isinstance(shared, list) else shared]


def test_prelu_needs_known_sizes_where_weights_are_not_shared():
    with pytest.raises(ValueError, match='Put the axes of unknown size into `shared_axes`'):
        layers.PReLU()(layers.Input((None, 5)))
    assert K.int_shape(layers.PReLU(shared_axes=[1])(layers.Input((None, 5)))) == (None, None, 5)


@pytest.mark.parametrize('alpha', [1.0, 0.5])
def test_elu(alpha):
    layer_test(layers.ELU, {'alpha': alpha}, input_data=X, expected_output=np.where(X >= 0, X, alpha * np.expm1(X)))


def test_thresholded_relu():
    layer_test(layers.ThresholdedReLU, {'theta': 0.5}, input_data=X, expected_output=np.where(X > 0.5, X, 0))


@pytest.mark.parametrize('axis', [-1, 1])
def test_softmax(axis):
    powers = np.exp(X)
    layer_test(layers.Softmax, {'axis': axis}, input_data=X, expected_output=powers / powers.sum(axis, keepdims=True))


@pytest.mark.parametrize(
    'kwargs',
    [
        {},
        {'max_value': 0.75},
        {'negative_slope': 0.2},
        {'threshold': 0.5},
        {'max_value': 1.0, 'negative_slope': 0.2, 'threshold': 0.5},
    ],
)
def test_relu(kwargs):
    top, slope, threshold = (
        kwargs.get(k, d) for k, d in (('max_value', np.inf), ('negative_slope', 0), ('threshold', 0))
    )
    expected = np.where(X >= top, top, np.where(X >= threshold, X, slope * (X - threshold)))
    layer_test(layers.ReLU, kwargs, input_data=X, expected_output=expected)


def test_relu_errors():
    with pytest.raises(ValueError, match='`max_value` is a number at least 0'):
        layers.ReLU(-1.0)
    with pytest.raises(ValueError, match='`negative_slope` is a finite number at least 0'):
        layers.ReLU(negative_slope=-1)


@pytest.mark.parametrize('axis', [(1, 2), [-1, 1], (2,)])
def test_softmax_over_several_axes(axis):
    x = np.random.RandomState(0).normal(size=(2, 3, 4))
    powers = np.exp(x - x.max())
    expected = powers / powers.sum(axis=tuple(axis), keepdims=True)
    layer_test(layers.Softmax, {'axis': axis}, input_data=x, expected_output=expected)
