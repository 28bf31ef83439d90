"""Layers that change images at random: what they may give, that they leave images alone outside of training, files."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.layers.augmentation import sample
from cthulhu.models import Pile, load_model
from cthulhu.saving import calls
from cthulhu.utils.layer_test import layer_test

X = np.random.RandomState(3).uniform(0, 255, (6, 5, 4, 3)).astype('float32')

CASES = [
    (layers.RandomFlip, {'mode': 'horizontal'}),
    (layers.RandomFlip, {'seed': 3, 'data_format': 'channels_first'}),
    (layers.RandomContrast, {'factor': 0.4}),
    (layers.RandomBrightness, {'factor': (0.1, 0.3), 'value_range': (0, 100)}),
    (layers.RandomRotation, {'factor': 0.2, 'fill_mode': 'constant', 'fill_value': 2.0}),
    (layers.RandomTranslation, {'height_factor': 0.3, 'width_factor': (0, 0.5), 'interpolation': 'nearest'}),
    (layers.RandomZoom, {'height_factor': (-0.3, -0.1), 'seed': 2, 'fill_mode': 'wrap'}),
]


def in_training(layer, x, count=1):
    inputs = layers.Input(x.shape[1:])
    f = K.function([inputs, K.learning_phase()], [layer(inputs)])
    return [f([x, 1])[0] for _ in range(count)]


@pytest.mark.parametrize('cls, settings', CASES)
def test_nothing_happens_outside_of_training(cls, settings):
    layer_test(cls, settings, input_data=X, expected_output=X)


@pytest.mark.parametrize('cls, settings', CASES)
def test_each_call_and_each_image_has_its_draw(cls, settings):
    same = np.repeat(X[:1], 64, axis=0)
    first, second = in_training(cls(**settings), same, 2)
    assert np.abs(first - second).max() > 0 and len({image.tobytes() for image in first}) > 1


def test_flips():
    x = np.repeat(X[:1], 200, axis=0)
    for mode, flips in (
        ('horizontal', [np.s_[:, ::-1]]),
        ('vertical', [np.s_[::-1]]),
        ('horizontal_and_vertical', [np.s_[:, ::-1], np.s_[::-1], np.s_[::-1, ::-1]]),
    ):
        found = in_training(layers.RandomFlip(mode, seed=1), x)[0]
        kinds = [x[0]] + [x[0][flip] for flip in flips]
        counts = [sum(np.array_equal(image, kind) for image in found) for kind in kinds]
        assert sum(counts) == 200 and min(counts) > 100 / len(kinds)


def test_contrast_and_brightness():
    x = np.repeat(X[:1], 400, axis=0)
    mean = x[0].mean((0, 1))
    found = in_training(layers.RandomContrast((0.4, 0.2), value_range=(-1000, 1000)), x)[0]
    factors = ((found - mean) / (x - mean)).reshape(400, -1)
    assert np.ptp(factors, axis=1).max() < 0.05
    assert 0.6 <= factors[:, 0].min() < 0.65 and 1.15 < factors[:, 0].max() <= 1.2
    found = in_training(layers.RandomBrightness(0.2, value_range=(-500, 1500)), x)[0]
    added = (found - x).reshape(400, -1)
    assert np.ptp(added, axis=1).max() < 1e-3 and -400 <= added.min() < -370 and 370 < added.max() <= 400
    assert in_training(layers.RandomBrightness((1, 1)), x)[0].min() == 255.0


def test_crops():
    places = [(i, j) for i in range(3) for j in range(3)]
    layer = layers.RandomCrop(3, 2)
    seen = set()
    for found in in_training(layer, X, 40):
        fits = [(i, j) for i, j in places if np.allclose(found, X[:, i : i + 3, j : j + 2], rtol=1e-6)]
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) > 4
    layer_test(
        layers.RandomCrop,
        {'height': 3, 'width': 2},
        input_data=X,
        expected_output=K.eval(layers.Resizing(3, 2, crop_to_aspect_ratio=True)(K.constant(X))),
    )
    layer_test(layers.RandomCrop, {'height': 5, 'width': 4, 'seed': 1}, input_data=X, expected_output=X)


# -- what moves pixels ---------------------------------------------------------------------------------------------


AFFINE = np.array([[[0.9, -0.3, 0.73], [0.2, 1.1, -2.57]], [[1, 0, -1.3], [0, 1, 2.2]]])
PICTURE = np.sin(np.arange(40.0)).reshape(2, 5, 4, 1)
# Sums of the pixels times 1, 2, 3 ..., of each picture, of what Keras 3.15.1 on TensorFlow makes of them.
KERAS_3 = {
    ('constant', 'bilinear'): [43.7171, 74.0766],
    ('constant', 'nearest'): [52.745, 69.1991],
    ('nearest', 'bilinear'): [42.2404, -104.2545],
    ('nearest', 'nearest'): [50.9357, -82.9002],
    ('reflect', 'bilinear'): [33.8044, -0.4512],
    ('reflect', 'nearest'): [51.74, 6.9918],
    ('wrap', 'bilinear'): [-17.2908, 25.1599],
    ('wrap', 'nearest'): [-13.8846, 28.1556],
}


@pytest.mark.parametrize('fill_mode, interpolation', sorted(KERAS_3))
def test_places_in_between_and_beyond(fill_mode, interpolation):
    r, c = (each.reshape(-1) for each in np.meshgrid(np.arange(5.0), np.arange(4.0), indexing='ij'))
    columns = AFFINE[:, 0, :1] * c + AFFINE[:, 0, 1:2] * r + AFFINE[:, 0, 2:]
    rows = AFFINE[:, 1, :1] * c + AFFINE[:, 1, 1:2] * r + AFFINE[:, 1, 2:]
    found = K.eval(sample(*map(K.constant, (PICTURE, rows, columns)), interpolation, fill_mode, 0.5))
    np.testing.assert_allclose(
        found.reshape(2, -1) @ np.arange(1, 21), KERAS_3[fill_mode, interpolation], rtol=1e-4, atol=1e-4
    )


def test_a_quarter_of_a_turn_a_shift_and_a_zoom():
    x = X[:, :4]  # squares
    np.testing.assert_allclose(
        in_training(layers.RandomRotation((0.25, 0.25)), x)[0], np.rot90(x, axes=(1, 2)), atol=1e-3
    )
    found = in_training(layers.RandomTranslation((0.25, 0.25), (-0.5, -0.5), 'constant', fill_value=7.0), x)[0]
    expected = np.full_like(x, 7.0)
    expected[:, 1:, :2] = x[:, :3, 2:]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    found = in_training(layers.RandomZoom((1.0, 1.0), (0.0, 0.0), 'constant', 'nearest'), x)[0]
    assert (found[:, 0] == 0).all() and (found[:, 3] == 0).all() and (found[:, 1:3] != 0).any()


def test_what_is_refused():
    for make, message in (
        (
            lambda: layers.RandomFlip('sideways'),
            "RandomFlip: `mode` is one of 'horizontal', 'vertical', 'horizontal_and_vertical'; got 'sideways'",
        ),
        (lambda: layers.RandomZoom(0.1, fill_mode='mirror'), "RandomZoom: `fill_mode` is one of 'reflect'"),
        (lambda: layers.RandomRotation(0.1, interpolation='cubic'), 'RandomRotation: `interpolation` is one of'),
        (lambda: layers.RandomContrast(1.5), 'RandomContrast: `factor` is a finite number at least 0 and at most 1'),
        (
            lambda: layers.RandomRotation(0.1)(layers.Input((None, 4, 1))),
            'RandomRotation ".*": rows and columns of the inputs must be known',
        ),
    ):
        with pytest.raises(ValueError, match=message):
            make()


@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_files(tmp_path, ending):
    pytest.importorskip('h5py')
    parts = [cls(**settings) for cls, settings in CASES if 'data_format' not in settings]
    model = Pile([layers.InputLayer((5, 4, 3))] + parts + [layers.RandomCrop(3, 3)])
    path = str(tmp_path / ('model' + ending))
    model.save(path)
    again = load_model(path, compile=False)
    assert [layer.get_config() for layer in again.layers[1:]] == [layer.get_config() for layer in model.layers[1:]]
    np.testing.assert_allclose(again.predict(X), model.predict(X))


def test_the_default_of_training_that_keras_3_writes_says_nothing():
    tensor = {'class_name': '__keras_tensor__', 'config': {'keras_history': ['a', 0, 0]}}
    for name, expected in (('RandomFlip', {}), ('Dropout', {'training': True})):
        layer = {'class_name': name, 'config': {'name': 'b'}, 'name': 'b'}
        layer['inbound_nodes'] = [{'args': [tensor], 'kwargs': {'training': True}}]
        made = calls.of_model({'layers': [layer], 'input_layers': [], 'output_layers': []}, {})
        assert made['layers'][0]['inbound_nodes'] == [[['a', 0, 0, expected]]]
