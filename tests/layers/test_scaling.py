"""Layers that bring data to a scale, and images to a size, against NumPy."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump, Pile, load_model
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import normal


def test_identity():
    x = normal(2, 3, 4)
    layer_test(layers.Identity, input_data=x, expected_output=x)


@pytest.mark.parametrize('scale, offset', [(0.5, 1.0), ([1.0, 2.0, 3.0], -1), (2, np.array([[0.5], [1.5]]))])
def test_rescaling(scale, offset):
    x = normal(4, 2, 3)
    expected = x * np.asarray(scale) + np.asarray(offset)
    layer_test(layers.Rescaling, {'scale': scale, 'offset': offset}, input_data=x, expected_output=expected)


def test_layer_scale():
    layer_test(
        layers.LayerScale,
        {'init_values': 0.5, 'projection_dim': 4},
        input_shape=(None, 3, 4),
        expected_output=lambda x, weights: x * weights[0],
    )
    layer = layers.LayerScale(1e-6, 4)
    layer(layers.Input((3, 4)))
    np.testing.assert_allclose(layer.get_weights(), [np.full(4, 1e-6)], rtol=1e-6)


def test_integers_become_floats():
    x = np.random.RandomState(0).randint(0, 256, (2, 5, 4, 3)).astype('uint8')
    inputs = layers.Input((5, 4, 3), dtype='uint8')
    outputs = [
        layers.Rescaling(1 / 255)(inputs),
        layers.Normalization(mean=100, variance=4)(inputs),
        layers.Resizing(5, 4)(inputs),
        layers.CenterCrop(3, 2)(inputs),
    ]
    found = K.function([inputs], outputs)([x])
    assert all(each.dtype == 'float32' for each in found)
    np.testing.assert_allclose(found[0], x / 255, rtol=1e-5)
    np.testing.assert_allclose(found[1], (x - 100.0) / 2, rtol=1e-5)
    np.testing.assert_array_equal(found[2], x)
    np.testing.assert_array_equal(found[3], x[:, 1:4, 1:3])


# -- Normalization -----------------------------------------------------------------------------------------

X = 3 * normal(6, 4, 5) + 2


@pytest.mark.parametrize('axis, others', [(-1, (0, 1)), (1, (0, 2)), ((1, 2), (0,)), (None, (0, 1, 2))])
@pytest.mark.parametrize('invert', [False, True])
def test_normalization_by_what_it_was_given_and_what_it_found(axis, others, invert):
    mean, variance = X.mean(others, keepdims=True), X.var(others, keepdims=True)
    expected = X * np.sqrt(variance) + mean if invert else (X - mean) / np.sqrt(variance)
    given = dict(axis=axis, invert=invert, mean=X.mean(others), variance=X.var(others))
    layer_test(layers.Normalization, given, input_data=X, expected_output=expected)
    layer = layers.Normalization(axis=axis, invert=invert)
    layer.adapt(X)
    weights = layer.get_weights()
    np.testing.assert_allclose(weights[0], X.mean(others), rtol=1e-5)
    np.testing.assert_allclose(weights[1], X.var(others), rtol=1e-5)
    assert int(weights[2]) == X.size // np.size(X.mean(others))
    model = Pile([layers.InputLayer((4, 5)), layer])
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-4, atol=1e-5)


def test_normalization_without_data_leaves_things_as_they_are():
    layer_test(layers.Normalization, input_data=X, expected_output=X)


def test_adapt_takes_batches_and_begins_anew():
    layer = layers.Normalization()
    inputs = layers.Input((4, 5))
    model = Lump(inputs, layer(inputs))
    assert layer.trainable_weights == []
    layer.adapt(10 * X)
    np.testing.assert_allclose(layer.get_weights()[0], 10 * X.mean((0, 1)), rtol=1e-5)
    layer.adapt([X[:1], (X[1:4], None), X[4:]])
    np.testing.assert_allclose(layer.get_weights()[0], X.mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(layer.get_weights()[1], X.var((0, 1)), rtol=1e-5)
    expected = (X - X.mean((0, 1))) / X.std((0, 1))
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-4, atol=1e-5)
    layer.adapt((X[i : i + 1] for i in range(6)), steps=2)
    np.testing.assert_allclose(layer.get_weights()[0], X[:2].mean((0, 1)), rtol=1e-5)
    column = layers.Normalization(axis=None)
    column.adapt(np.arange(5.0))
    assert [w.tolist() for w in column.get_weights()] == [2.0, 2.0, 5]


def test_normalization_refuses():
    with pytest.raises(ValueError, match='are both given, or neither'):
        layers.Normalization(mean=1.0)
    with pytest.raises(ValueError, match='`variance` is not negative'):
        layers.Normalization(mean=1.0, variance=[1.0, -1.0])
    with pytest.raises(ValueError, match='there is nothing to adapt'):
        layers.Normalization(mean=1.0, variance=2.0).adapt(X)
    with pytest.raises(ValueError, match='with something in it'):
        layers.Normalization().adapt([])
    with pytest.raises(ValueError, match='must be known'):
        layers.Normalization(axis=1)(layers.Input((None, 3)))
    with pytest.raises(ValueError, match='`axis` names axes of the inputs; got 3'):
        layers.Normalization(axis=3)(layers.Input((4, 3)))
    layer = layers.Normalization()
    layer(layers.Input((4, 3)))
    with pytest.raises(ValueError, match=r'have the sizes \(5,\) along `axis`'):
        layer.adapt(X)


# -- images ------------------------------------------------------------------------------------------------


def weights_of(size, length, interpolation):
    """What each new pixel has of each old one, pixel by pixel: (length, size)."""
    found = np.zeros((length, size))
    for i in range(length):
        center = (i + 0.5) * size / length
        if interpolation == 'nearest':
            found[i, min(int(center), size - 1)] = 1
            continue
        place = center - 0.5
        if interpolation == 'bilinear':
            place = min(max(place, 0), size - 1)
            low = int(place)
            found[i, low] += 1 - (place - low)
            found[i, min(low + 1, size - 1)] += place - low
            continue
        place = np.floor(place) + np.round((place - np.floor(place)) * 1024) / 1024  # as TensorFlow has it in a table
        for j in range(size):
            x = abs(place - j)
            found[i, j] = (
                1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else max(2 - x, 0) and -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
            )
        found[i] /= found[i].sum()
    return found


def resized(x, height, width, interpolation='bilinear'):
    rows, columns = weights_of(x.shape[1], height, interpolation), weights_of(x.shape[2], width, interpolation)
    return np.einsum('brcf,nr,mc->bnmf', x, rows, columns)


PICTURES = normal(2, 7, 9, 3)


@pytest.mark.parametrize('interpolation', ['nearest', 'bilinear', 'bicubic'])
@pytest.mark.parametrize('size', [(14, 4), (3, 18), (7, 5)])
def test_resizing(interpolation, size):
    expected = resized(PICTURES, *size, interpolation=interpolation)
    settings = dict(height=size[0], width=size[1], interpolation=interpolation)
    layer_test(layers.Resizing, settings, input_data=PICTURES, expected_output=expected)
    open_sides = layers.Input((None, None, 3))
    layer = layers.Resizing(**settings)
    output = layer(open_sides)
    assert K.int_shape(output) == (None,) + size + (3,)
    found = K.function([open_sides], [output])([PICTURES])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_channels_first():
    x = np.moveaxis(PICTURES, -1, 1)
    for cls, expected in ((layers.Resizing, resized(PICTURES, 4, 6)), (layers.CenterCrop, PICTURES[:, 1:5, 1:7])):
        layer_test(
            cls,
            {'height': 4, 'width': 6, 'data_format': 'channels_first'},
            input_data=x,
            expected_output=np.moveaxis(expected, -1, 1),
        )


def test_cropping_to_proportions():
    for size, part in (((4, 4), PICTURES[:, :, 1:8]), ((4, 12), PICTURES[:, 2:5])):
        layer_test(
            layers.Resizing,
            {'height': size[0], 'width': size[1], 'crop_to_aspect_ratio': True},
            input_data=PICTURES,
            expected_output=resized(part, *size),
        )


def test_center_crop():
    layer_test(layers.CenterCrop, {'height': 3, 'width': 6}, input_data=PICTURES, expected_output=PICTURES[:, 2:5, 1:7])
    layer_test(layers.CenterCrop, {'height': 7, 'width': 9}, input_data=PICTURES, expected_output=PICTURES)
    # too small for it: cut to its proportions, and made larger
    expected = resized(PICTURES[:, :, 2:6], 14, 8)
    layer_test(layers.CenterCrop, {'height': 14, 'width': 8}, input_data=PICTURES, expected_output=expected)


# (interpolation, size, length, antialias) -> the first new pixels of squares 1, 4, 9, ..., from TensorFlow 2.21.
SQUARES = {
    ('area', 6, 4, False): [2.0, 7.3333],
    ('area', 3, 5, False): [1.0, 2.0, 4.0],
    ('bicubic', 6, 4, True): [1.7346, 7.3951],
    ('bicubic', 3, 5, False): [0.7734, 1.8294, 4.0],
    ('bicubic', 3, 5, True): [0.7736, 1.8284, 4.0],
    ('gaussian', 6, 4, False): [1.8068, 7.9483],
    ('gaussian', 6, 4, True): [2.4494, 8.0292],
    ('gaussian', 3, 5, False): [1.172, 2.2039, 4.213],
    ('lanczos3', 6, 4, False): [1.3442, 7.7284],
    ('lanczos3', 6, 4, True): [1.6486, 7.3326],
    ('lanczos3', 3, 5, False): [0.8395, 1.4728, 4.0],
    ('lanczos5', 6, 4, False): [1.3505, 7.4941],
    ('lanczos5', 6, 4, True): [1.6838, 7.4431],
    ('lanczos5', 3, 5, True): [1.069, 1.191, 4.0],
    ('mitchellcubic', 6, 4, False): [1.6353, 7.6736],
    ('mitchellcubic', 6, 4, True): [2.0598, 7.7053],
    ('mitchellcubic', 3, 5, False): [0.9469, 1.9991, 4.1111],
    ('bilinear', 6, 4, True): [2.125, 8.1111],
    ('bilinear', 3, 5, True): [1.0, 2.2, 4.0],
}


@pytest.mark.parametrize('interpolation, size, length, antialias', sorted(SQUARES))
def test_further_interpolations(interpolation, size, length, antialias):
    expected = SQUARES[interpolation, size, length, antialias]
    x = np.tile(np.arange(1.0, size + 1)[None, :, None, None] ** 2, (2, 1, 5, 3))
    layer = layers.Resizing(length, 5, interpolation=interpolation, antialias=antialias)
    for inputs in (layers.Input(x.shape[1:]), layers.Input((None, None, 3))):
        found = K.function([inputs], [layer(inputs)])([x])[0]
        np.testing.assert_allclose(found[1, : len(expected), 4, 2], expected, rtol=1e-4, atol=1e-4)
    again = layers.Resizing.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_an_axis_that_keeps_its_length():
    """It is smoothed all the same, where the kernel of a pixel reaches its neighbours; recorded from TensorFlow 2.21."""
    x = (np.arange(1.0, 6)[:, None] * np.arange(2.0, 6) ** 2)[None, :, :, None]
    for interpolation, expected in (
        ('gaussian', [13.99, 25.0, 37.5, 50.0, 61.01]),
        ('mitchellcubic', [13.0882, 24.7222, 37.0833, 49.4444, 61.0784]),
    ):
        inputs = layers.Input(x.shape[1:])
        layer = layers.Resizing(5, 3, interpolation=interpolation)
        found = K.function([inputs], [layer(inputs)])([x])[0]
        np.testing.assert_allclose(found[0, :, 1, 0], expected, rtol=1e-4)
        layer = layers.Resizing(5, 4, interpolation=interpolation)
        np.testing.assert_allclose(K.function([inputs], [layer(inputs)])([x])[0], x, rtol=1e-6)


def test_margins_for_proportions():
    for size, margins in (((4, 4), (1, 0)), ((4, 12), (0, 6))):
        around = ((0, 0), (margins[0],) * 2, (margins[1],) * 2, (0, 0))
        layer_test(
            layers.Resizing,
            {'height': size[0], 'width': size[1], 'pad_to_aspect_ratio': True, 'fill_value': 0.5},
            input_data=PICTURES,
            expected_output=resized(np.pad(PICTURES, around, 'constant', constant_values=0.5), *size),
        )


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
@pytest.mark.parametrize('interpolation', ['half_pixel_bilinear', 'bicubic'])
def test_up_sampling_from_the_middle_of_pixels(interpolation, data_format):
    expected = resized(PICTURES, 14, 27, interpolation=interpolation.replace('half_pixel_', ''))
    last = data_format == 'channels_last'
    x, expected = (each if last else np.moveaxis(each, -1, 1) for each in (PICTURES, expected))
    settings = {'size': (2, 3), 'interpolation': interpolation, 'data_format': data_format}
    layer_test(layers.UpSampling2D, settings, input_data=x, expected_output=expected)
    open_sides = layers.Input((None, None, 3) if last else (3, None, None))
    found = K.function([open_sides], [layers.UpSampling2D(**settings)(open_sides)])([x])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_images_refuse():
    with pytest.raises(ValueError, match="`interpolation` is one of 'bilinear', .*'mitchellcubic'; got 'linear'"):
        layers.Resizing(3, 3, 'linear')
    with pytest.raises(ValueError, match='are cut .* or get margins .*, not both'):
        layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True)
    with pytest.raises(ValueError, match="`fill_mode` is 'constant'; got 'wrap'"):
        layers.Resizing(3, 3, fill_mode='wrap')
    with pytest.raises(ValueError, match='rows and columns of the inputs must be known'):
        layers.CenterCrop(3, 3)(layers.Input((None, 4, 3)))
    with pytest.raises(ValueError, match='must be known for `crop_to_aspect_ratio`'):
        layers.Resizing(3, 3, crop_to_aspect_ratio=True)(layers.Input((None, 4, 3)))
    with pytest.raises(ValueError, match='`height` is a whole number, 1 or more; got 0'):
        layers.CenterCrop(0, 3)


@pytest.mark.parametrize('file', ['model.h5', 'model.keras'])
def test_files(file, tmp_path):
    layer = layers.Normalization()
    layer.adapt(PICTURES)
    parts = [
        layers.InputLayer((7, 9, 3)),
        layers.Rescaling(np.array([0.5, 1.0, 2.0]), offset=[0.1, 0.2, 0.3]),
        layer,
        layers.Normalization(mean=np.array([0.1, 0.2, 0.3]), variance=2.0),
        layers.Resizing(5, 6, crop_to_aspect_ratio=True),
        layers.CenterCrop(3, 3),
        layers.Identity(),
        layers.Daoloth(2, kernel_initializer='identity'),
    ]
    model = Pile(parts)
    model.save(str(tmp_path / file))
    loaded = load_model(str(tmp_path / file), compile=False)
    np.testing.assert_allclose(loaded.predict(PICTURES), model.predict(PICTURES), rtol=1e-5)
