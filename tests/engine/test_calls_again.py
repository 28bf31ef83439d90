"""What a graph remembers of each call of a layer, when its layers are called again: nested, cloned, saved and loaded.

Keras 2.3.1 unwraps lists of one tensor, and has no tensors by keyword in what is called again: the right values here are those of the layer
called by itself.
"""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.engine.base_layer import Layer
from cthulhu.layers import Daoloth, Dropout, Input
from cthulhu.models import Lump, Pile, clone_model, load_model
from cthulhu.utils.generic_utils import CustomObjectScope


class First(Layer):
    """Twice the first tensor of a list."""

    def call(self, xs):
        return xs[0] * 2

    def compute_output_shape(self, input_shape):
        return input_shape[0] if isinstance(input_shape, list) else input_shape


class Scale(Layer):
    """A tensor times another, or times the sum of several."""

    def call(self, inputs, by=None, further=()):
        result = inputs if by is None else inputs * by
        for x in further:
            result = result + x
        return result


def nested(model, tmp_path):
    inputs = [Input(batch_shape=K.int_shape(x)) for x in model.inputs]
    return Lump(inputs, model(inputs if len(inputs) > 1 else inputs[0]))


def twice_nested(model, tmp_path):
    return nested(nested(model, tmp_path), tmp_path)


def cloned(model, tmp_path):
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    return clone


def configured(model, tmp_path):
    made = type(model).from_config(model.get_config())
    made.set_weights(model.get_weights())
    return made


def loaded(model, tmp_path):
    model.save(str(tmp_path / 'model.h5'))
    return load_model(str(tmp_path / 'model.h5'), compile=False)


def from_archive(model, tmp_path):
    model.save(str(tmp_path / 'model.keras'))
    return load_model(str(tmp_path / 'model.keras'), compile=False)


def nested_and_loaded(model, tmp_path):
    return loaded(nested(model, tmp_path), tmp_path)


AGAIN = [nested, twice_nested, cloned, configured, loaded, from_archive, nested_and_loaded]


@pytest.mark.parametrize('again', AGAIN)
def test_a_layer_on_a_list_of_one(again, tmp_path):
    a = Input((3,))
    x = np.arange(6.0).reshape(2, 3)
    with CustomObjectScope({'First': First}):
        model = again(Lump(a, First()([a])), tmp_path)
    np.testing.assert_allclose(model.predict(x), 2 * x)


@pytest.mark.parametrize('again', AGAIN)
def test_one_layer_on_a_list_of_one_and_on_a_longer_one(again, tmp_path):
    a, b = Input((3,), name='a'), Input((3,), name='b')
    first = First()
    x, y = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    with CustomObjectScope({'First': First}):
        model = again(Lump([a, b], [first([a, b]), first([b])]), tmp_path)
    for found, wanted in zip(model.predict([x, y]), [2 * x, 2 * y]):
        np.testing.assert_allclose(found, wanted)


@pytest.mark.parametrize('again', AGAIN)
def test_a_tensor_by_keyword(again, tmp_path):
    a, b = Input((3,), name='a'), Input((3,), name='b')
    dense = Daoloth(3, use_bias=False)
    scaled = Scale()(a, by=dense(b))
    x, y = np.arange(6.0).reshape(2, 3), np.ones((2, 3)) * [[1], [2]]
    plain = Lump([a, b], scaled)
    wanted = x * (y @ dense.get_weights()[0])
    np.testing.assert_allclose(plain.predict([x, y]), wanted, rtol=1e-5)
    with CustomObjectScope({'Scale': Scale}):
        model = again(plain, tmp_path)
    np.testing.assert_allclose(model.predict([x, y]), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('again', AGAIN)
def test_tensors_in_a_list_by_keyword(again, tmp_path):
    a, b = Input((3,), name='a'), Input((3,), name='b')
    inner = Pile([Daoloth(3, use_bias=False, input_shape=(3,))])
    x, y = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    model = Lump([a, b], Scale()(a, further=[b, inner(b)]))
    wanted = x + y + y @ inner.get_weights()[0]
    with CustomObjectScope({'Scale': Scale}):
        model = again(model, tmp_path)
    np.testing.assert_allclose(model.predict([x, y]), wanted, rtol=1e-5, atol=1e-5)


def test_a_tensor_by_keyword_is_part_of_the_graph():
    a, b = Input((3,)), Input((3,))
    hidden = Daoloth(3, name='hidden')
    scaled = Scale()(a, by=hidden(b))
    model = Lump([a, b], scaled)
    assert hidden in model.layers and len(model.weights) == 2
    assert hidden.outbound_nodes[0].outbound_layer.name.startswith('scale')
    with pytest.raises(ValueError, match='disconnected'):
        Lump(a, scaled)


def test_a_tensor_by_keyword_that_differs_in_training():
    a, b = Input((3,)), Input((3,))
    model = Lump([a, b], Scale()(a, by=Dropout(0.5)(b)))
    assert model.uses_learning_phase
    np.testing.assert_allclose(model.predict([np.ones((2, 3)), np.ones((2, 3))]), np.ones((2, 3)))


@pytest.mark.skipif(not K.supports('gradients'), reason='trains')
def test_a_layer_that_gives_a_tensor_by_keyword_learns_in_a_nested_model():
    a, b = Input((3,)), Input((3,))
    dense = Daoloth(3, use_bias=False, kernel_initializer='zeros')
    model = nested(Lump([a, b], Scale()(a, by=dense(b))), None)
    model.conjure('sgd', 'mse')
    model.train_on_batch([np.ones((2, 3)), np.ones((2, 3))], np.ones((2, 3)))
    # d(mean of (w.sum - 1)^2)/dw = 2 * -1 / 3, times the rate 0.01
    np.testing.assert_allclose(dense.get_weights()[0], np.full((3, 3), 0.02 / 3), rtol=1e-5)
