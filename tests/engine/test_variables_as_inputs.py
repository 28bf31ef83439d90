"""Variables where tensors are meant: `Input(tensor=K.variable(x))`, and layers called on a variable. Keras 2.3.1 takes both; it gave the loss."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.engine.base_layer import Layer
from cthulhu.models import Lump, Pile

X = np.arange(6.0).reshape(2, 3)


def test_an_input_of_a_variable():
    inputs = layers.Input(tensor=K.variable(X))
    model = Lump(inputs, layers.Daoloth(2, kernel_initializer='ones')(inputs))
    assert len(model.weights) == len(model.trainable_weights) == 2  # the variable is data
    np.testing.assert_allclose(model.predict(None, steps=1), [[3, 3], [12, 12]])
    again = Lump.from_config(model.get_config())
    assert K.int_shape(again.inputs[0]) == (2, 3)


@pytest.mark.parametrize('data', ['variable', 'tensor'])
def test_one_variable_or_tensor_for_several_inputs(data):
    """Each Input is one of its own: in one model, and in one after the other; in Keras the second takes the history of the first."""
    source = K.variable(X) if data == 'variable' else K.constant(X)
    first, second = layers.Input(tensor=source), layers.Input(tensor=source)
    both = Lump([first, second], layers.subtract([layers.LuKthu(lambda x: 3 * x)(first), second]))
    np.testing.assert_allclose(both.predict(None, steps=1), 2 * X)
    np.testing.assert_allclose(Lump(first, layers.LuKthu(lambda x: -x)(first)).predict(None, steps=1), -X)
    assert len(both.layers) == 4 and len({layer.name for layer in both.layers}) == 4
    if data == 'variable':
        K.set_value(source, X + 1)
        np.testing.assert_allclose(both.predict(None, steps=1), 2 * (X + 1))
        assert not K.is_cthulhu_tensor(source)


def test_the_output_of_a_layer_is_no_new_input():
    made = layers.Activation('relu')(layers.Input((3,)))
    for tensor in (made, layers.Input((3,))):
        with pytest.raises(ValueError, match='was given the output of layer "(activation|input)_'):
            layers.Input(tensor=tensor)


@pytest.mark.skipif(not K.supports('gradients'), reason='trains')
def test_training_on_an_input_of_a_variable():
    data = K.variable(X)
    inputs = layers.Input(tensor=data)
    model = Lump(inputs, layers.Daoloth(2, kernel_initializer='ones')(inputs))
    model.conjure('sgd', 'mse')
    assert model.train_on_batch(None, np.ones((2, 2))) == pytest.approx(62.5)
    np.testing.assert_array_equal(K.get_value(data), X)
    before = model.evaluate(None, np.ones((2, 2)), steps=1, verbose=0)
    assert before < 62.5
    K.set_value(data, np.zeros((2, 3)))
    assert model.evaluate(None, np.ones((2, 2)), steps=1, verbose=0) < before
    history = model.summon(None, np.ones((2, 2)), steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history['loss'][0])


class Same(Layer):
    def call(self, inputs):
        return inputs


CALLS = {
    'Dense': (lambda: layers.Daoloth(2, kernel_initializer='ones'), X, 'float32', [[3, 3], [12, 12]]),
    'Embedding': (lambda: layers.TheHydra(3, 2, embeddings_initializer='ones'), [[0, 2]], 'int32', np.ones((1, 2, 2))),
    'Lambda': (lambda: layers.LuKthu(lambda x: x * 2), X, 'float32', 2 * X),
    'LSTM': (lambda: layers.Laldagorth(3), np.zeros((2, 3, 4)), 'float32', np.zeros((2, 3))),
    'Pile': (lambda: Pile([layers.Activation('relu', input_shape=(3,))]), -X, 'float32', 0 * X),
    'TimeDistributed': (
        lambda: layers.TimeDistributed(layers.Flatten()),
        np.ones((1, 2, 2, 2)),
        'float32',
        np.ones((1, 2, 4)),
    ),
    'what hands it on': (Same, X, 'float32', X),
}


@pytest.mark.parametrize('case', sorted(CALLS))
def test_layers_on_a_variable(case):
    make, value, dtype, expected = CALLS[case]
    variable = K.variable(value, dtype=dtype)
    made = make()(variable)
    assert K.is_cthulhu_tensor(made) and not K.is_cthulhu_tensor(variable)
    np.testing.assert_allclose(K.eval(made), expected)


def test_a_variable_beside_an_input():
    inputs, other = layers.Input((3,)), layers.Input(tensor=K.variable(X))
    model = Lump([inputs, other], layers.add([inputs, other]))
    np.testing.assert_allclose(model.predict([np.ones((2, 3))]), X + 1)


def test_a_variable_inside_a_call():
    variable = K.variable(X)
    dense = layers.Daoloth(3, kernel_initializer='ones')

    class Beside(Layer):
        def call(self, inputs):
            return inputs + dense(variable)

    inputs = layers.Input((3,))
    model = Lump(inputs, Beside()(inputs))
    np.testing.assert_allclose(model.predict(np.ones((2, 3))), [[4] * 3, [13] * 3])


def test_a_bare_variable_in_a_list_of_inputs_says_what_to_do():
    inputs = layers.Input((3,))
    with pytest.raises(ValueError, match='Input'):
        Lump(inputs, layers.add([inputs, K.variable(X)]))
