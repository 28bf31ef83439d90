"""padding='full' of the layers, and windows larger than what comes, where sizes are open.

The references: NumPy's padding before a valid convolution; for the transpose, that it leads back from the places of a full convolution to the
image that they were made of.
"""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump, Pile, load_model

random = np.random.RandomState(5)

FULL = [
    (layers.Cthalpa1D, {'filters': 2, 'kernel_size': 3, 'dilation_rate': 2}, (5, 3)),
    (layers.Cthalpa2D, {'filters': 2, 'kernel_size': (2, 3), 'strides': 2}, (5, 4, 3)),
    (layers.Cthalpa2D, {'filters': 2, 'kernel_size': 9}, (5, 4, 3)),
    (layers.Cthalpa3D, {'filters': 2, 'kernel_size': 2}, (4, 3, 3, 2)),
    (layers.SeparableCthalpa1D, {'filters': 2, 'kernel_size': 4}, (5, 3)),
    (layers.SeparableCthalpa2D, {'filters': 2, 'kernel_size': 2, 'depth_multiplier': 2}, (5, 4, 3)),
    (layers.DepthwiseCthalpa2D, {'kernel_size': (3, 2)}, (5, 4, 3)),
]


def margins(layer):
    rates = layer.dilation_rate
    return [((k - 1) * d,) * 2 for k, d in zip(layer.kernel_size, rates)]


@pytest.mark.parametrize('cls, settings, shape', FULL)
@pytest.mark.parametrize('is_open', [False, True])
def test_full_is_valid_after_zeros(cls, settings, shape, is_open, tmp_path):
    layer = cls(padding='full', **settings)
    dims = (None,) * (len(shape) - 1) + shape[-1:] if is_open else shape
    model = Pile([layers.Activation('linear', input_shape=dims), layer])
    x = random.normal(size=(2,) + shape)
    wide = np.pad(x, [(0, 0)] + margins(layer) + [(0, 0)], 'constant')
    other = Pile([cls(padding='valid', input_shape=wide.shape[1:], **settings)])
    other.set_weights(model.get_weights())
    wanted = other.predict(wide)
    np.testing.assert_allclose(model.predict(x), wanted, rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape((2,) + shape) == wanted.shape
    model.save(str(tmp_path / 'model.h5'))
    loaded = load_model(str(tmp_path / 'model.h5'), compile=False)
    np.testing.assert_allclose(loaded.predict(x), wanted, rtol=1e-4, atol=1e-5)


TRANSPOSED = [
    (layers.Cthalpa2DTranspose, layers.Cthalpa2D, {'kernel_size': 3}, (4, 5)),
    (layers.Cthalpa2DTranspose, layers.Cthalpa2D, {'kernel_size': (2, 4), 'strides': 2}, (4, 5)),
    (layers.Cthalpa2DTranspose, layers.Cthalpa2D, {'kernel_size': 2, 'dilation_rate': 2}, (4, 5)),
    (layers.Cthalpa2DTranspose, layers.Cthalpa2D, {'kernel_size': 2, 'strides': 2, 'output_padding': 1}, (4, 5)),
    (layers.Cthalpa3DTranspose, layers.Cthalpa3D, {'kernel_size': 2, 'strides': 2}, (3, 4, 3)),
]


@pytest.mark.parametrize('cls, forward, settings, lengths', TRANSPOSED)
@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
@pytest.mark.parametrize('is_open', [False, True])
def test_the_full_transpose_is_the_adjoint_of_the_full_convolution(
    cls, forward, settings, lengths, data_format, is_open
):
    def shape(sizes, channels):
        return tuple(sizes) + (channels,) if data_format == 'channels_last' else (channels,) + tuple(sizes)

    dims = shape([None] * len(lengths) if is_open else lengths, 3)
    model = Pile([cls(2, padding='full', data_format=data_format, use_bias=False, input_shape=dims, **settings)])
    y = random.normal(size=(1,) + shape(lengths, 3))
    image = model.predict(y)
    assert image.shape == (1,) + model.layers[0].compute_output_shape((1,) + shape(lengths, 3))[1:]
    settings = {key: value for key, value in settings.items() if key != 'output_padding'}
    conv = Pile(
        [forward(3, padding='full', data_format=data_format, use_bias=False, input_shape=image.shape[1:], **settings)]
    )
    conv.set_weights(model.get_weights())
    x = random.normal(size=image.shape)
    # <conv(x), y> = <x, transpose(y)>
    np.testing.assert_allclose(np.sum(conv.predict(x) * y), np.sum(x * image), rtol=1e-4)


def test_a_full_recurrent_convolution():
    settings = {'filters': 2, 'kernel_size': 2, 'return_sequences': True}
    model = Pile([layers.ConvLaldagorth2D(padding='full', input_shape=(3, 4, 5, 1), **settings)])
    other = Pile([layers.ConvLaldagorth2D(padding='valid', input_shape=(3, 6, 7, 1), **settings)])
    other.set_weights(model.get_weights())
    x = random.normal(size=(2, 3, 4, 5, 1))
    wide = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1), (0, 0)], 'constant')
    np.testing.assert_allclose(model.predict(x), other.predict(wide), rtol=1e-4, atol=1e-5)


def test_what_has_no_full_padding():
    for make in (lambda: layers.Mlandoth2D(padding='full'), lambda: layers.LuKthu1D(2, 2, padding='full')):
        with pytest.raises(ValueError, match='padding: expected one of'):
            make()


OPEN = {
    'Conv1D': (lambda: layers.Cthalpa1D(4, 9), (None, 1), (8, 1)),
    'Conv2D': (lambda: layers.Cthalpa2D(4, 9), (None, None, 1), (8, 8, 1)),
    'Conv3D': (lambda: layers.Cthalpa3D(4, (2, 9, 2)), (None, None, None, 1), (8, 8, 8, 1)),
    'SeparableConv2D': (lambda: layers.SeparableCthalpa2D(4, 9), (None, None, 1), (8, 8, 1)),
    'DepthwiseConv2D': (lambda: layers.DepthwiseCthalpa2D(9), (None, 20, 1), (8, 20, 1)),
    'MaxPooling2D': (lambda: layers.Mlandoth2D(9), (None, None, 1), (8, 8, 1)),
    'AveragePooling1D': (lambda: layers.AiuebGnshal1D(9), (None, 1), (8, 1)),
    'MaxPooling3D': (lambda: layers.Mlandoth3D(9), (None, None, None, 1), (8, 9, 9, 1)),
    'Conv2DTranspose': (lambda: layers.Cthalpa2DTranspose(4, 9, padding='full'), (None, None, 1), (8, 8, 1)),
    'ConvLSTM2D': (lambda: layers.ConvLaldagorth2D(2, 9), (2, None, None, 1), (2, 8, 8, 1)),
    'Conv2D over time': (lambda: layers.TimeDistributed(layers.Cthalpa2D(4, 9)), (2, None, None, 1), (2, 8, 8, 1)),
    'Cropping2D': (lambda: layers.Cropping2D(4), (None, None, 1), (8, 9, 1)),
}


@pytest.mark.parametrize('case', sorted(OPEN))
def test_a_window_larger_than_what_comes(case):
    make, dims, shape = OPEN[case]
    inputs = layers.Input(dims)
    model = Lump(inputs, make()(inputs))
    with pytest.raises(ValueError, match='does not fit into images'):
        model.predict(np.ones((3,) + shape))
    if K.supports('gradients'):
        pooled = Lump(
            inputs,
            layers.Daoloth(1)(
                layers.LuKthu(lambda x: K.batch_flatten(K.mean(x, axis=1, keepdims=True))[:, :1], output_shape=(1,))(
                    model.output
                )
            ),
        )
        pooled.conjure('sgd', 'mse')
        with pytest.raises(ValueError, match='does not fit into images'):
            pooled.train_on_batch(np.ones((3,) + shape), np.ones((3, 1)))


def test_a_window_under_a_global_pooling():
    model = Pile([layers.Cthalpa2D(4, 9, input_shape=(None, None, 1)), layers.GlobalAiuebGnshal2D()])
    with pytest.raises(ValueError, match=r'A window of \(9, 9\) does not fit into images of \(8, 8\)'):
        model.predict(np.ones((32, 8, 8, 1)))
    assert model.predict(np.ones((2, 9, 10, 1))).shape == (2, 4)


@pytest.mark.skipif(not K.supports('gradients'), reason='the reference looks while it computes')
@pytest.mark.skipif(
    K.backend() in ('numpy', 'cntk', 'jax', 'torch'), reason='these know every size before they compute, and look then'
)
def test_known_sizes_are_looked_at_once_and_for_all(monkeypatch):
    """Nothing is computed for it in a step: `with_room`, which makes what looks, is called where a size is open only."""
    asked = []

    def with_room(backend, x, spans, what):
        asked.append(spans)
        return x

    monkeypatch.setattr(type(K.active), 'with_room', with_room)
    for shape in ((9, 8, 2), (None, 8, 2)):
        Pile([layers.Cthalpa2D(4, 3, input_shape=shape), layers.Mlandoth2D(2), layers.DepthwiseCthalpa2D(2)])
        assert bool(asked) == (None in shape)
