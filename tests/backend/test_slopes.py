"""Derivatives where functions have kinks or none at all, and of losses behind saturated units: as in Keras on TensorFlow."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Activation, Daoloth, LuKthu
from cthulhu.models import Pile
from cthulhu.optimizers import SGD

pytestmark = pytest.mark.skipif(not K.supports('gradients'), reason='it has no gradients')

# name -> (function of a tensor, where it has a kink, its slope there).
KINKS = {
    'relu': (K.relu, 0, 0),
    'relu with a slope': (lambda x: K.relu(x, alpha=0.3), 0, 0.3),
    'relu with a greatest value': (lambda x: K.relu(x, max_value=6.0), 6, 0),
    'elu': (K.elu, 0, 1),
    'abs': (K.abs, 0, 0),
    'maximum with a number': (lambda x: K.maximum(x, 0.0), 0, 1),
    'minimum with a number': (lambda x: K.minimum(x, 2.0), 2, 1),
    'clip, below': (lambda x: K.clip(x, -1.0, 1.0), -1, 1),
    'clip, above': (lambda x: K.clip(x, -1.0, 1.0), 1, 1),
    'hard_sigmoid': (K.hard_sigmoid, 2.5, 0.2),
    'the first of two that are level': (lambda x: K.maximum(x, K.square(x)), 1, 1),
    'the first of two that are level, the least': (lambda x: K.minimum(x, K.square(x)), 1, 1),
    'a root that is not taken': (lambda x: K.switch(x > 0, K.sqrt(x), K.zeros_like(x)), -1, 0),
    'the rest of a division': (lambda x: x - x // 1.0, 1.5, 1),
}


@pytest.mark.parametrize('name', KINKS)
def test_slopes_at_kinks(name):
    if K.backend() in ('theano', 'cntk') and name == 'a root that is not taken':
        pytest.skip('its slope is no number there, and 0 times that is none')
    function, place, slope = KINKS[name]
    x = K.placeholder((2,))
    found = K.function([x], K.gradients(K.sum(function(x)), [x]))([np.full(2, place)])[0]
    np.testing.assert_allclose(found, [slope, slope], rtol=1e-6)


@pytest.mark.skipif(K.backend() == 'cntk', reason='the backend gives zeros there')
@pytest.mark.skipif(K.backend() == 'theano', reason='Theano gives zeros for some of them')
@pytest.mark.parametrize('function', [K.round, lambda x: K.cast(x > 0, 'float32'), K.ones_like, K.stop_gradient])
def test_what_has_no_derivative_has_none(function):
    x = K.placeholder((None, 3))
    assert K.gradients(K.sum(function(x)), [x]) == [None]
    model = Pile([Daoloth(2, input_shape=(3,)), LuKthu(function)])
    model.conjure('sgd', 'mse')
    with pytest.raises(ValueError, match='The loss has no gradient for'):
        model.summon(np.ones((4, 3)), np.ones((4, 2)), verbose=0)


def test_gradients_of_several_losses_are_those_of_their_sum():
    x = K.placeholder((2,))
    gradient = K.gradients([K.sum(K.square(x)), K.sum(x * 3.0)], [x])
    np.testing.assert_allclose(K.function([x], gradient)([[1.0, 2.0]])[0], [5.0, 7.0])


@pytest.mark.skipif(K.backend() == 'cntk', reason='it takes the loss from the probabilities, as in Keras')
@pytest.mark.parametrize('apart', [False, True])
@pytest.mark.parametrize(
    ('activation', 'loss', 'bias', 'target', 'value', 'after'),
    [
        ('sigmoid', 'binary_crossentropy', [30.0], [[0.0]], 30, [29.0]),
        ('softmax', 'categorical_crossentropy', [0.0, 50.0, 0.0], [[1.0, 0.0, 0.0]], 50, [1.0, 49.0, 0.0]),
        ('softmax', 'sparse_categorical_crossentropy', [0.0, 50.0, 0.0], [[0.0]], 50, [1.0, 49.0, 0.0]),
    ],
)
def test_a_saturated_unit_learns(activation, loss, bias, target, value, after, apart):
    layers = [Daoloth(len(bias), activation=None if apart else activation, input_shape=(2,))]
    model = Pile(layers + [Activation(activation)] * apart)
    model.conjure(SGD(1.0), loss)
    model.set_weights([np.zeros((2, len(bias))), np.array(bias)])
    np.testing.assert_allclose(model.train_on_batch(np.zeros((1, 2)), np.array(target)), value, rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[1], after, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(K.backend() == 'cntk', reason='CNTK differentiates once')
def test_slopes_of_slopes_in_loops_and_of_what_broadcasts():
    x, sequence = K.placeholder((4,)), K.placeholder((2, 3, 1))
    first = K.gradients(K.sum(K.square(K.maximum(x, 0.0)) * K.abs(x)), [x])[0]
    found = K.function([x], [first] + K.gradients(K.sum(first), [x]))([[0.0, 1.0, 2.0, -1.0]])
    np.testing.assert_allclose(found, [[0, 3, 12, 0], [0, 6, 12, 0]])
    last, _, _ = K.rnn(
        lambda v, states: (K.maximum(v, states[0]), [K.maximum(v, states[0])]), sequence, [K.zeros_like(sequence[:, 0])]
    )
    slopes = K.function([sequence], K.gradients(K.sum(last), [sequence]))(
        [[[[0.0], [1.0], [1.0]], [[-1.0], [0.0], [-2.0]]]]
    )[0]
    assert slopes.ravel().tolist() == [0, 0, 1, 0, 1, 0]  # of level ones the last step's has it
    a, b = K.placeholder((3, 1)), K.placeholder((1, 4))
    both = K.function([a, b], K.gradients(K.sum(K.maximum(a, b)), [a, b]))(
        [[[1.0], [2.0], [3.0]], [[1.0, 2.0, 3.0, 0.0]]]
    )
    assert both[0].ravel().tolist() == [2, 3, 4] and both[1].ravel().tolist() == [0, 1, 2, 0]
