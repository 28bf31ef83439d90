"""What other people's code reads of tensors, layers and models under names that begin with an underscore, as Keras 2.3.1 has them."""

import numpy as np

from cthulhu import backend as K
from cthulhu.layers import Cthalpa1D, Daoloth, Darkness, Flatten, Input, Layer, LuKthu, Reshape, TheHydra, concatenate
from cthulhu.models import Lump, Pile


class OwnOfKeras2(Layer):
    """A layer as people wrote them for Keras 2: it asks its input for `_keras_shape`."""

    def build(self, input_shape):
        self.kernel = self.add_weight(name='kernel', shape=(input_shape[-1], 2), initializer='ones')
        super().build(input_shape)

    def call(self, x):
        assert x._keras_shape == K.int_shape(x)
        return K.dot(K.reshape(x, (-1, x._keras_shape[-1])), self.kernel)

    def compute_output_shape(self, input_shape):
        return (None, 2)


def test_keras_shape_of_inputs_and_outputs():
    x = Input((6, 4), name='x')
    open_ended = Input((None, 3))
    assert x._keras_shape == (None, 6, 4) and open_ended._keras_shape == (None, None, 3)
    assert Cthalpa1D(5, 3)(x)._keras_shape == (None, 4, 5)
    assert Cthalpa1D(5, 3)(open_ended)._keras_shape == (None, None, 5)
    assert Flatten()(x)._keras_shape == (None, 24)
    assert TheHydra(7, 2)(Input((3,), dtype='int32'))._keras_shape == (None, 3, 2)
    assert concatenate([x, x], axis=1)._keras_shape == (None, 12, 4)
    assert LuKthu(lambda t: K.sum(t, axis=1))(x)._keras_shape == (None, 4)
    assert Input(batch_shape=(2, 5))._keras_shape == (2, 5)
    assert Pile([Daoloth(3, input_dim=4)]).output._keras_shape == (None, 3)


def test_keras_shape_of_an_input_that_is_a_tensor():
    assert Input(tensor=K.ones((2, 5)) * 2.0)._keras_shape == (2, 5)


def test_own_layers_of_keras_2_also_inside_models_called_as_layers():
    x = Input((3, 4))
    inner = Lump(x, OwnOfKeras2()(Reshape((12,))(x)))
    z = Input((3, 4))
    model = Lump(z, inner(LuKthu(lambda t: t * 2.0)(z)))
    assert np.allclose(model.predict(np.ones((2, 3, 4))), 24.0)


def test_uses_learning_phase_of_tensors():
    x = Input((4,))
    assert x._uses_learning_phase is False
    dropped = Darkness(0.5)(x)
    assert dropped._uses_learning_phase is True and Daoloth(2)(dropped)._uses_learning_phase is True
    assert Daoloth(2)(x)._uses_learning_phase is False
