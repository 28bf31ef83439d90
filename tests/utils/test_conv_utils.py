import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, utils
from cthulhu.backend import shapes
from cthulhu.models import Lump, Pile
from cthulhu.utils import conv_utils
from tests.layers.running import normal


def test_doors_lead_to_the_arithmetic_of_shapes():
    for name in ('normalize_tuple', 'normalize_padding', 'conv_output_length', 'conv_input_length', 'deconv_length'):
        assert getattr(conv_utils, name) is getattr(shapes, name)
    # Called as Keras's own layers call them.
    assert conv_utils.conv_output_length(10, 3, padding='causal', stride=2, dilation=2) == 5
    assert conv_utils.conv_input_length(4, 3, 'same', 2) == 7
    assert conv_utils.deconv_length(5, 2, 3, 'valid', None) == 11
    assert conv_utils.deconv_length(5, 2, 3, 'same', 1, dilation=1) == 10
    assert conv_utils.normalize_tuple(2, n=3, name='strides') == (2, 2, 2)
    assert conv_utils.normalize_padding('SAME') == 'same'


@pytest.mark.parametrize('shape', [(4, 2, 3), (3, 4, 2, 3), (2, 3, 4, 2, 3)])
def test_kernels_are_turned_around(shape):
    kernel = normal(*shape)
    turned = conv_utils.convert_kernel(kernel)
    for place in np.ndindex(*shape[:-2]):
        opposite = tuple(n - 1 - i for i, n in zip(place, shape))
        np.testing.assert_array_equal(turned[place], kernel[opposite])
    np.testing.assert_array_equal(conv_utils.convert_kernel(turned), kernel)


def test_kernels_of_other_ranks_are_refused():
    with pytest.raises(ValueError, match=r'kernel: expected 3 to 5 dimensions.*\(3, 4\)'):
        conv_utils.convert_kernel(np.zeros((3, 4)))


def test_all_kernels_of_a_model():
    inner = Pile([layers.Cthalpa2D(3, (2, 3), padding='same', input_shape=(6, 6, 3))])
    shared = layers.Cthalpa2DTranspose(3, 3, padding='same')
    x = layers.Input((6, 6, 3))
    y = layers.DepthwiseCthalpa2D(3)(shared(shared(inner(x))))
    y = layers.Reshape((16, 3))(layers.SeparableCthalpa2D(3, 1)(y))
    model = Lump(x, layers.Daoloth(2)(layers.LuKthu1D(2, 3)(layers.Cthalpa1D(2, 4)(y))))
    before = [layer.get_weights() for layer in model.layers]
    utils.convert_all_kernels_in_model(model)
    for layer, weights in zip(model.layers, before):
        is_converted = layer is inner or layer is shared or isinstance(layer, layers.Cthalpa1D)
        for found, weight in zip(layer.get_weights(), weights):
            expected = conv_utils.convert_kernel(weight) if is_converted and weight.ndim > 2 else weight
            np.testing.assert_array_equal(found, expected, err_msg=layer.name)
    utils.convert_all_kernels_in_model(model)
    for layer, weights in zip(model.layers, before):
        for found, weight in zip(layer.get_weights(), weights):
            np.testing.assert_array_equal(found, weight)
    assert not np.array_equal(conv_utils.convert_kernel(K.get_value(shared.kernel)), K.get_value(shared.kernel))
