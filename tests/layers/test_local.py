import itertools

import numpy as np
import pytest

from cthulhu import layers
from cthulhu.utils.layer_test import layer_test
from tests.layers import loops
from tests.layers.running import apply, apply_all, normal

FORMATS = ['channels_last', 'channels_first']
LOCAL = {1: layers.LuKthu1D, 2: layers.LuKthu2D}


def local(x, kernel, size, strides, data_format):
    """`x` and the result have their channels last. The format says in which order the kernel has its features: a
    window's axes as they lie in a row of memory, in two dimensions with the channels first in 'channels_first'.
    """
    ones = (1,) * len(size)
    y = loops.output(x, size, strides, 'valid', ones, kernel.shape[-1])
    for place, out in enumerate(itertools.product(*map(range, y.shape[1:-1]))):
        window = x[(slice(None),) + tuple(slice(o * s, o * s + k) for o, s, k in zip(out, strides, size))]
        if data_format == 'channels_first' and len(size) == 2:
            window = np.moveaxis(window, -1, 1)
        y[loops.everywhere(out)] = window.reshape(len(x), -1) @ kernel[place]
    return y


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('rank', [1, 2])
def test_values_over_a_grid(rank, data_format):
    last = normal(*{1: (2, 9, 3), 2: (2, 6, 7, 3)}[rank])
    x = np.ascontiguousarray(loops.from_last(last, data_format))
    sizes = {1: [(1,), (2,), (3,), (4,)], 2: [(1, 1), (3, 3), (2, 3), (4, 2)]}[rank]
    cases = list(itertools.product(sizes, [(1,) * rank, (2,) * rank, (2, 3)[:rank], (3, 1)[:rank]]))
    made = [
        LOCAL[rank](4, size, strides, data_format=data_format, bias_initializer='uniform') for size, strides in cases
    ]
    for layer, (size, strides), found, (kernel, bias) in zip(made, cases, *apply_all(made, x)):
        expected = loops.from_last(local(last, kernel, size, strides, data_format), data_format)
        assert layer.compute_output_shape(x.shape) == expected.shape
        assert kernel.shape[:2] == (np.prod(bias.shape[:-1]), np.prod(size) * 3)
        # Keras adds the bias reshaped to the format, not transposed.
        expected = expected + bias.reshape(expected.shape[1:])
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=str(layer.get_config()))


# From Keras 2.3.1 with TensorFlow 1.15: LocallyConnected2D(2, 2, data_format='channels_first') of arange(9).reshape(1, 1,
# 3, 3), with the kernel arange(32).reshape(4, 4, 2) / 10 and the bias arange(8).reshape(2, 2, 2) * 100.
KERAS_CHANNELS_FIRST = [[[[3.8, 114.6], [239.4, 366.2]], [[404.6, 515.8], [641.4, 768.6]]]]


def test_channels_first_as_in_keras():
    layer = layers.LuKthu2D(2, 2, data_format='channels_first')
    layer.build((None, 1, 3, 3))
    layer.set_weights([np.arange(32.0).reshape(4, 4, 2) / 10, np.arange(8.0).reshape(2, 2, 2) * 100])
    found = apply(layer, np.arange(9.0, dtype='float32').reshape(1, 1, 3, 3))
    np.testing.assert_allclose(found, KERAS_CHANNELS_FIRST, rtol=1e-5)


@pytest.mark.parametrize('rank', [1, 2])
def test_they_do_what_layers_do(rank):
    kwargs = {
        'filters': 3, 'kernel_size': 2, 'activation': 'tanh', 'kernel_regularizer': 'l2', 'bias_regularizer': 'l1',
        'activity_regularizer': 'l2', 'kernel_constraint': 'max_norm', 'bias_constraint': 'non_neg',
    }  # fmt: skip
    layer_test(LOCAL[rank], kwargs, input_shape=(None,) + (4,) * rank + (2,))
    kwargs = {'filters': 2, 'kernel_size': 2, 'strides': 2, 'data_format': 'channels_first', 'use_bias': False}
    layer_test(LOCAL[rank], kwargs, input_shape=(None, 2) + (5,) * rank)


def test_configurations_have_the_keys_of_keras_in_order():
    keys = [
        'name', 'trainable', 'dtype', 'filters', 'kernel_size', 'strides', 'padding', 'activation', 'use_bias',
        'kernel_initializer', 'bias_initializer', 'kernel_regularizer', 'bias_regularizer', 'activity_regularizer',
        'kernel_constraint', 'bias_constraint',
    ]  # fmt: skip
    assert list(layers.LuKthu1D(2, 3).get_config()) == keys
    assert list(layers.LuKthu2D(2, 3).get_config()) == keys[:7] + ['data_format'] + keys[7:]
    assert layers.LuKthu1D(2, 3, data_format='channels_first').get_config()['data_format'] == 'channels_first'
    assert layers.LuKthu1D is layers.LocallyConnected1D and layers.LuKthu2D is layers.LocallyConnected2D
    assert layers.LuKthu2D(2, 3).name.startswith('locally_connected2d_')


def test_errors():
    for cls in LOCAL.values():
        with pytest.raises(ValueError, match="padding: expected one of 'valid', got 'same'"):
            cls(2, 3, padding='same')
    with pytest.raises(ValueError, match='needs inputs whose spatial axes'):
        layers.LuKthu1D(2, 3)(layers.Input((None, 4)))
    with pytest.raises(ValueError, match='needs inputs whose spatial axes'):
        layers.LuKthu2D(2, 3)(layers.Input((5, None, 4)))
    with pytest.raises(ValueError, match='how many channels'):
        layers.LuKthu2D(2, 3)(layers.Input((5, 5, None)))
    with pytest.raises(ValueError, match='leaves nothing'):
        layers.LuKthu1D(2, 6)(layers.Input((5, 4)))
