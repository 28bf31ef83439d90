"""Convolutions that Keras 2.3 does not have: of groups, of each channel over one axis, transposed over one axis."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.utils.layer_test import layer_test


def of_groups(x, kernel, groups, rank):
    """A convolution of groups, 'valid', channels last, by NumPy: that of each group beside the others."""
    axes = 'xyz'[:rank]
    size = kernel.shape[:rank]
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=tuple(range(1, rank + 1)))
    parts = []
    for part, weights in zip(np.split(windows, groups, axis=rank + 1), np.split(kernel, groups, axis=-1)):
        parts.append(np.einsum(f'b{axes}c{axes.upper()},{axes.upper()}cf->b{axes}f', part, weights))
    return np.concatenate(parts, axis=-1)


@pytest.mark.skipif(not hasattr(np.lib.stride_tricks, 'sliding_window_view'), reason='an older NumPy')
@pytest.mark.parametrize('rank, cls', [(1, layers.Cthalpa1D), (2, layers.Cthalpa2D), (3, layers.Cthalpa3D)])
@pytest.mark.parametrize('groups', [2, 4])
@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
def test_groups(rank, cls, groups, data_format):
    x = np.random.RandomState(rank).normal(size=(2,) + (5, 4, 3)[:rank] + (4,)).astype('float32')

    def expected(data, weights):
        last = data if data_format == 'channels_last' else np.moveaxis(data, 1, -1)
        found = of_groups(last, weights[0], groups, rank) + weights[1]
        return found if data_format == 'channels_last' else np.moveaxis(found, -1, 1)

    layer_test(
        cls,
        {
            'filters': 8,
            'kernel_size': 2,
            'groups': groups,
            'data_format': data_format,
            'bias_initializer': 'random_uniform',
        },
        input_data=x if data_format == 'channels_last' else np.moveaxis(x, -1, 1),
        expected_output=expected,
    )


@pytest.mark.parametrize(
    'settings', [{'padding': 'same', 'strides': 2}, {'padding': 'same', 'dilation_rate': 2}, {'padding': 'full'}]
)
def test_groups_are_convolutions_beside_one_another(settings):
    x = np.random.RandomState(1).normal(size=(2, 7, 6, 4)).astype('float32')
    inputs = layers.Input((7, 6, 4))
    layer = layers.Cthalpa2D(6, 3, groups=2, use_bias=False, **settings)
    parts = [layers.Cthalpa2D(3, 3, use_bias=False, **settings) for _ in range(2)]
    whole, first, second = layer(inputs), parts[0](inputs[..., :2] * 1), parts[1](inputs[..., 2:] * 1)
    for part, kernel in zip(parts, np.split(layer.get_weights()[0], 2, axis=-1)):
        part.set_weights([kernel])
    found = K.function([inputs], [whole, first, second])([x])
    np.testing.assert_allclose(found[0], np.concatenate(found[1:], axis=-1), rtol=1e-4, atol=1e-5)


def test_groups_that_do_not_fit():
    assert layers.Cthalpa2D(4, 3, groups=2).get_config()['groups'] == 2
    assert 'groups' not in layers.Cthalpa2D(4, 3).get_config()
    with pytest.raises(ValueError, match='`groups` divides `filters`, 4; got 3'):
        layers.Cthalpa2D(4, 3, groups=3)
    with pytest.raises(ValueError, match='`groups`, 2, divides the number of channels'):
        layers.Cthalpa2D(4, 3, groups=2)(layers.Input((5, 5, 3)))
    with pytest.raises(ValueError, match='`groups` is 1 here; got 2'):
        layers.Cthalpa2DTranspose(4, 3, groups=2)


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
@pytest.mark.parametrize(
    'settings', [{}, {'padding': 'same', 'strides': 2}, {'padding': 'causal'}, {'padding': 'same', 'dilation_rate': 2}]
)
def test_depthwise_over_one_axis(settings, data_format):
    if data_format == 'channels_first' and settings.get('padding') == 'causal':
        return
    x = np.random.RandomState(2).normal(size=(2, 9, 3)).astype('float32')
    x = x if data_format == 'channels_last' else np.moveaxis(x, -1, 1)
    arguments = dict(settings, kernel_size=3, depth_multiplier=2, data_format=data_format)

    def expected(data, weights):
        """Each channel, convolved by itself."""
        kernel, bias = weights
        axis = 2 if data_format == 'channels_last' else 1
        inputs = layers.Input(data.shape[1:])
        made = []
        for channel in range(3):
            one = layers.Cthalpa1D(2, 3, data_format=data_format, **settings)
            index = (Ellipsis, slice(channel, channel + 1)) if axis == 2 else (slice(None), slice(channel, channel + 1))
            made.append(one(inputs[index] * 1))
            one.set_weights([kernel[:, channel : channel + 1], bias[2 * channel : 2 * channel + 2]])
        return np.concatenate(K.function([inputs], made)([data]), axis=axis)

    layer_test(
        layers.DepthwiseConv1D,
        dict(arguments, bias_initializer='random_uniform'),
        input_data=x,
        expected_output=expected,
    )


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
@pytest.mark.parametrize(
    'settings',
    [
        {},
        {'padding': 'same', 'strides': 2},
        {'strides': 3, 'output_padding': 1},
        {'dilation_rate': 2},
        {'padding': 'full'},
    ],
)
def test_transposed_over_one_axis(settings, data_format):
    x = np.random.RandomState(3).normal(size=(2, 5, 3)).astype('float32')
    x = x if data_format == 'channels_last' else np.moveaxis(x, -1, 1)

    def expected(data, weights):
        """One over two axes, of images of one column."""
        both = {
            key: value if key == 'padding' else (value, {'output_padding': 0}.get(key, 1))
            for key, value in settings.items()
        }
        image = data[:, :, None] if data_format == 'channels_last' else data[..., None]
        inputs = layers.Input(image.shape[1:])
        layer = layers.Cthalpa2DTranspose(4, (3, 1), data_format=data_format, **both)
        output = layer(inputs)
        layer.set_weights([weights[0][:, None], weights[1]])
        found = K.function([inputs], [output])([image])[0]
        return found[:, :, 0] if data_format == 'channels_last' else found[..., 0]

    layer_test(
        layers.Conv1DTranspose,
        dict(settings, filters=4, kernel_size=3, data_format=data_format, bias_initializer='random_uniform'),
        input_data=x,
        expected_output=expected,
    )
