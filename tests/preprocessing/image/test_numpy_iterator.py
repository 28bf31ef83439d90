"""Batches of pictures in arrays."""

import numpy as np
import pytest

from cthulhu.preprocessing.image import ImageDataGenerator

PLAIN = ImageDataGenerator()
HALF = ImageDataGenerator(validation_split=0.5)


def x(number=6):
    return np.arange(number * 4 * 4 * 3, dtype='float32').reshape(number, 4, 4, 3)


def first(batch):
    return (batch[:, 0, 0, 0] / 48).astype(int).tolist()


def test_a_validation_split_without_labels():
    assert first(next(HALF.flow(x(), shuffle=False, subset='validation'))) == [0, 1, 2]
    assert first(next(HALF.flow(x(), shuffle=False, subset='training'))) == [3, 4, 5]


def test_weights_and_further_inputs_are_split_with_their_pictures():
    # Keras 2.3.1 leaves the weights whole, so that each picture has that of another.
    weights = np.arange(6) / 10
    y = np.arange(6) % 2
    for subset, rows in (('training', [3, 4, 5]), ('validation', [0, 1, 2])):
        inputs, targets, found = next(
            HALF.flow((x(), [np.arange(6)]), y, sample_weight=weights, shuffle=False, subset=subset)
        )
        assert first(inputs[0]) == inputs[1].tolist() == rows
        np.testing.assert_array_equal(found, weights[rows])
        np.testing.assert_array_equal(targets, y[rows])


def test_a_split_that_parts_the_classes():
    for y in (np.arange(6), np.repeat([0, 1], 3), np.eye(2)[np.repeat([0, 1], 3)], np.repeat(['a', 'b'], 3)):
        with pytest.raises(ValueError, match='different classes.*shuffle'):
            HALF.flow(x(), y, subset='training')
    HALF.flow(x(), np.tile([0, 1, 2], 2), subset='training')
    # Keras 2.3.1 refuses these, as if they were classes.
    HALF.flow(x(), np.arange(6) / 7, subset='training')
    HALF.flow(x(), np.random.RandomState(0).normal(size=(6, 2)), subset='training')


def test_arrays_are_not_copied():
    images = x().astype('uint8')
    iterator = PLAIN.flow(images, shuffle=False)
    assert iterator.x is images
    batch = next(iterator)
    assert batch.dtype == 'float32'
    batch[:] = 0
    assert images.any()


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'x': x()[0]}, r'four axes.*\(4, 4, 3\)'),
        ({'y': np.arange(5)}, r'`y`.*\(5,\).*\(6, 4, 4, 3\)'),
        ({'y': np.arange(6), 'sample_weight': np.ones(5)}, '`sample_weight`.*as many rows'),
        ({'sample_weight': np.ones(6)}, '`sample_weight` is nothing without `y`'),
        ({'x': (x(), [np.ones(4)])}, r'`x\[1\]\[0\]`'),
        ({'subset': 'test'}, "`subset`.*'training'"),
        ({'subset': 'training'}, 'needs.*`validation_split`'),
        ({'x': x(0)}, 'no pictures'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        PLAIN.flow(**dict({'x': x()}, **arguments))


def test_too_few_for_the_subset():
    with pytest.raises(ValueError, match="no pictures in the subset 'validation'"):
        ImageDataGenerator(validation_split=0.1).flow(x(), subset='validation')


def test_channels_where_none_are():
    with pytest.warns(UserWarning, match='2 channels'):
        PLAIN.flow(x()[..., :2])
    with pytest.warns(UserWarning, match="2 channels.*'channels_first'"):
        ImageDataGenerator(data_format='channels_first').flow(x().transpose(0, 3, 1, 2)[:, :2])
