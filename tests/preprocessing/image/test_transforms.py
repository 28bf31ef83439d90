"""Transforms against NumPy; against Keras in `test_reference.py`."""

import numpy as np
import pytest

from cthulhu.preprocessing import image
from cthulhu.preprocessing.image import ImageDataGenerator


def ramp(height=7, width=7):
    return np.arange(height * width * 3, dtype='float32').reshape(height, width, 3)


def test_nothing_to_do_gives_the_picture_itself():
    x = ramp()
    assert image.apply_affine_transform(x) is x
    assert ImageDataGenerator().apply_transform(x, {}) is x


def test_a_whole_move_is_a_slice():
    x = ramp()
    moved = image.apply_affine_transform(x, tx=2, ty=-1, fill_mode='constant', cval=-5.0)
    np.testing.assert_allclose(moved[:5, 1:], x[2:, :-1], rtol=1e-6)
    assert (moved[5:] == -5).all() and (moved[:, 0] == -5).all()


def test_a_quarter_turn_is_a_turn():
    x = ramp(9, 9)
    turned = image.apply_affine_transform(x, theta=90, order=1, fill_mode='constant', cval=-1.0)
    # About the middle as Keras has it, which is a pixel below and to the right of that of the array.
    np.testing.assert_allclose(turned[2:, 2:], np.rot90(x[2:, 2:], -1), atol=1e-3)


def test_the_axes_may_be_anywhere():
    x = ramp()
    wanted = image.apply_affine_transform(x, theta=20, tx=1)
    for axes in ((2, 0, 1), (0, 2, 1), (1, 0, 2)):
        places = [axes.index(i) for i in range(3)]
        found = image.apply_affine_transform(
            x.transpose(axes), theta=20, tx=1, row_axis=places[0], col_axis=places[1], channel_axis=places[2]
        )
        np.testing.assert_allclose(found, wanted.transpose(axes), rtol=1e-6)


def test_brightness_does_not_stretch():
    x = np.full((4, 4, 3), 100.0, 'float32')
    x[0] = 60
    # Keras makes 0 and 255 of the smallest and the largest value first, whatever the factor.
    np.testing.assert_allclose(image.apply_brightness_shift(x, 1.0), x)
    np.testing.assert_allclose(image.apply_brightness_shift(x, 1.5), x * 1.5)
    np.testing.assert_allclose(image.apply_brightness_shift(x, 9.0), 255)
    np.testing.assert_allclose(image.apply_brightness_shift(x / 255, 1.5), x * 1.5 / 255, rtol=1e-6)
    np.testing.assert_allclose(image.apply_brightness_shift(x / 255, 9.0), 1)
    np.testing.assert_allclose(image.apply_brightness_shift(x * 100, 2), x * 200)
    assert image.apply_brightness_shift(x.astype('uint8'), 1.5).dtype == 'uint8'
    with pytest.raises(ValueError, match='from 0 up.*-100'):
        image.apply_brightness_shift(-x, 1.5)
    generator = ImageDataGenerator(interpolation_order=3)
    spiky = np.zeros((9, 9, 3), 'float32')
    spiky[4, 4] = 255
    bright = generator.apply_transform(spiky, {'theta': 10, 'brightness': 1.2})
    assert bright.min() == 0 and bright.max() <= 255


def test_channel_shift_stays_in_the_range():
    x = ramp()
    shifted = image.apply_channel_shift(x, 10, channel_axis=2)
    np.testing.assert_allclose(shifted, np.minimum(x + 10, x.max()))


def test_no_word_that_is_not_known():
    with pytest.raises(ValueError, match='fill_mode.*mirror'):
        image.apply_affine_transform(ramp(), theta=1, fill_mode='mirror')
    with pytest.raises(ValueError, match='zoom_range` is a pair of factors'):
        image.random_zoom(ramp(), 0.5)
    with pytest.raises(ValueError, match='brightness_range` is a pair of factors'):
        image.random_brightness(ramp(), 0.5)
    with pytest.raises(ValueError, match="'angle'.*'theta'"):
        ImageDataGenerator().apply_transform(ramp(), {'angle': 3})


@pytest.mark.parametrize('name', ['rotation', 'shift', 'shear', 'zoom', 'channel_shift', 'brightness'])
def test_random_functions_follow_numpys_seed(name):
    function = getattr(image, 'random_' + name)
    arguments = {'shift': (0.4, 0.4), 'zoom': ((0.5, 1.5),), 'brightness': ((0.5, 1.5),)}.get(name, (30,))
    found = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        found.append(function(ramp(), *arguments))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
