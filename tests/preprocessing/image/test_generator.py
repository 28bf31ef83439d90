"""ImageDataGenerator: arguments, draws, standardization."""

import warnings

import numpy as np
import pytest

from cthulhu.preprocessing.image import ImageDataGenerator


def pictures(number=6, channels=3):
    return np.random.RandomState(0).uniform(0, 255, (number, 8, 6, channels)).astype('float32')


ALL = {
    'rotation_range': 30, 'width_shift_range': 0.2, 'height_shift_range': 0.2, 'shear_range': 10, 'zoom_range': 0.3,
    'horizontal_flip': True, 'vertical_flip': True,
}  # fmt: skip


@pytest.mark.parametrize('more', [{'brightness_range': (0.5, 1.5)}, {'channel_shift_range': 40.0}, {'rescale': 0.1}])
def test_a_picture_and_its_mask_are_transformed_alike(more):
    # Keras draws only for what is on, so that brightness, for the picture alone, moves all later draws.
    x = pictures()
    one = ImageDataGenerator(**ALL, **more).flow(x, batch_size=4, seed=3)
    other = ImageDataGenerator(**ALL, interpolation_order=0).flow(x[..., :1], batch_size=3, seed=3)
    plain = ImageDataGenerator(**ALL, interpolation_order=0).flow(x, batch_size=4, seed=3)
    for _ in range(2):
        np.testing.assert_array_equal(one.index_array, other.index_array)
        masks = np.concatenate([other[i] for i in range(len(other))])
        np.testing.assert_array_equal(masks, np.concatenate([plain[i] for i in range(len(plain))])[..., :1])
        for number, seed in enumerate(one.seeds_of(np.arange(6))):
            a = one.image_data_generator.get_random_transform((8, 6, 3), seed)
            b = other.image_data_generator.get_random_transform((8, 6, 1), other.seeds_of(np.arange(6))[number])
            for name in ('theta', 'tx', 'ty', 'shear', 'zx', 'zy', 'flip_horizontal', 'flip_vertical'):
                assert a[name] == b[name]
        for iterator in (one, other, plain):
            iterator.on_epoch_end()


def test_draws_are_in_their_ranges():
    generator = ImageDataGenerator(brightness_range=(0.5, 1.5), channel_shift_range=4, **ALL)
    draws = [generator.get_random_transform((8, 6, 3), seed) for seed in range(500)]
    for name, low, high in (
        ('theta', -30, 30), ('tx', -1.6, 1.6), ('ty', -1.2, 1.2), ('shear', -10, 10), ('zx', 0.7, 1.3), ('zy', 0.7, 1.3), ('brightness', 0.5, 1.5),
        ('channel_shift_intensity', -4, 4), ('flip_horizontal', 0, 1), ('flip_vertical', 0, 1),
    ):  # fmt: skip
        found = np.array([draw[name] for draw in draws])
        assert low <= found.min() < low + 0.1 * (high - low) and high - 0.1 * (high - low) < found.max() <= high
        assert abs(found.mean() - (low + high) / 2) < 0.1 * (high - low)
    assert any(draw['zx'] != draw['zy'] for draw in draws)


@pytest.mark.parametrize(
    'reach, wanted',
    [
        (3, {-2, -1, 0, 1, 2}),
        (1, {0}),
        ([5], {-5, 5}),
        ([-1, 0, 2], {-2, -1, 0, 1, 2}),
        ([0.25, 0.5], {-4, -2, 2, 4}),
        (0, {0}),
    ],
)
def test_shifts_by_whole_numbers_and_lists(reach, wanted):
    generator = ImageDataGenerator(height_shift_range=reach)
    assert {generator.get_random_transform((8, 6, 3), seed)['tx'] for seed in range(200)} == wanted
    generator = ImageDataGenerator(width_shift_range=2.5)
    found = [generator.get_random_transform((8, 6, 3), seed)['ty'] for seed in range(200)]
    assert -2.5 <= min(found) < -2 and 2 < max(found) <= 2.5


def test_without_a_seed_draws_come_from_numpy():
    generator = ImageDataGenerator(**ALL)
    np.random.seed(4)
    first = generator.get_random_transform((8, 6, 3))
    np.random.seed(4)
    assert generator.get_random_transform((8, 6, 3)) == first != generator.get_random_transform((8, 6, 3))


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'zoom_range': (1, 2, 3)}, '`zoom_range` is .*, or a pair of such factors; got'),
        ({'zoom_range': 1}, '`zoom_range`.*above 0'),
        ({'brightness_range': 0.5}, '`brightness_range` is a pair of factors'),
        ({'brightness_range': (-1, 1)}, '`brightness_range` is .* at least 0'),
        ({'validation_split': 1.0}, '`validation_split`'),
        ({'data_format': 'first'}, '`data_format`'),
        ({'fill_mode': 'mirror'}, '`fill_mode`'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageDataGenerator(**arguments)


def test_standardize_leaves_its_argument():
    x = pictures()[0]
    kept = x.copy()
    generator = ImageDataGenerator(rescale=2.0, samplewise_center=True)
    found = generator.standardize(x)
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_allclose(found, 2 * kept - np.mean(2 * kept), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(generator.standardize(np.full((2, 2, 1), 7, 'uint8')), 0)


def test_statistics_of_each_channel():
    x = pictures(50)
    for data_format, given in (('channels_last', x), ('channels_first', x.transpose(0, 3, 1, 2))):
        generator = ImageDataGenerator(
            featurewise_center=True, featurewise_std_normalization=True, data_format=data_format
        )
        generator.fit(given)
        batch = next(generator.flow(given, batch_size=50))
        axes = (0, 1, 2) if data_format == 'channels_last' else (0, 2, 3)
        np.testing.assert_allclose(batch.mean(axes), 0, atol=1e-4)
        np.testing.assert_allclose(batch.std(axes), 1, rtol=1e-4)


def test_whitening_decorrelates():
    x = np.random.RandomState(0).normal(size=(500, 2, 2, 1)) @ np.ones((1, 1)) + np.random.RandomState(1).normal(
        size=(500, 1, 1, 1)
    )
    with pytest.warns(UserWarning, match='`featurewise_center` is on'):
        generator = ImageDataGenerator(zca_whitening=True, dtype='float64')
    generator.fit(x)
    white = next(generator.flow(x, batch_size=500)).reshape(500, 4)
    np.testing.assert_allclose(white.T @ white / 500, np.eye(4), atol=1e-4)
    with pytest.raises(ValueError, match='zca_whitening.*smaller'):
        generator.fit(np.zeros((1, 700, 700, 3), 'float32'))


def test_fit_with_augmentation_follows_its_seed():
    means = []
    for seed in (1, 1, 2):
        generator = ImageDataGenerator(featurewise_center=True, **ALL)
        generator.fit(pictures(), augment=True, rounds=2, seed=seed)
        means.append(generator.mean)
    np.testing.assert_array_equal(means[0], means[1])
    assert not np.array_equal(means[0], means[2])
    with pytest.raises(ValueError, match='`rounds`'):
        generator.fit(pictures(), augment=True, rounds=0)
    with pytest.raises(ValueError, match='four axes'):
        generator.fit(pictures()[0])


def test_warnings_of_what_is_not_done():
    with pytest.warns(UserWarning, match='samplewise_center` is on'):
        ImageDataGenerator(samplewise_std_normalization=True)
    with pytest.warns(UserWarning, match='has seen no pictures.*fit'):
        ImageDataGenerator(featurewise_center=True).standardize(pictures()[0])
    with pytest.warns(UserWarning, match='statistics of `x` as it is'):
        ImageDataGenerator(featurewise_center=True, rescale=0.1).fit(pictures())
    with pytest.warns(UserWarning, match='2 channels'):
        ImageDataGenerator(featurewise_center=True).fit(pictures(channels=2))


def test_whole_numbers_hold_no_standardized_pictures():
    with pytest.raises(ValueError, match='`dtype` uint8'):
        ImageDataGenerator(rescale=1 / 255, dtype='uint8').flow(pictures())
    assert next(ImageDataGenerator(dtype='uint8').flow(pictures())).dtype == 'uint8'


def test_what_a_subclass_does_is_done():
    class Own(ImageDataGenerator):
        def standardize(self, x):
            return super().standardize(x) + 1

        def get_random_transform(self, img_shape, seed=None):
            return {'flip_horizontal': 1}

    x = pictures()
    np.testing.assert_allclose(next(Own(rescale=2.0).flow(x, shuffle=False)), x[:, :, ::-1] * 2 + 1, rtol=1e-6)


def test_one_step_for_a_batch_gives_what_a_step_for_each_gives():
    x = pictures()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        generator = ImageDataGenerator(
            rescale=1 / 255, featurewise_center=True, featurewise_std_normalization=True, zca_whitening=True
        )
        generator.fit(x / 255)
    batch = next(generator.flow(x, shuffle=False))
    np.testing.assert_allclose(batch, np.stack([generator.standardize(one) for one in x]), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    'name, value, kind, message',
    [
        ('rotation_range', '20', ValueError, "is a finite number; got '20'"),
        ('shear_range', (1, 2), ValueError, r'is a finite number; got \(1, 2\)'),
        ('rescale', '1/255', ValueError, "is a finite number, or None; got '1/255'"),
        ('cval', 'white', ValueError, "is a finite number; got 'white'"),
        ('height_shift_range', '0.1', ValueError, "is a number or an array of numbers, none of them NaN; got '0.1'"),
        ('preprocessing_function', 3, TypeError, 'must be a function; got 3'),
        ('interpolation_order', 6, ValueError, 'is a whole number from 0 to 5; got 6'),
    ],
)
def test_arguments_are_checked_before_a_picture_is_seen(name, value, kind, message):
    with pytest.raises(kind, match=f'`{name}` {message}'):
        ImageDataGenerator(**{name: value})
