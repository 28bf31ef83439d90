"""Pictures: read, written, transformed at random, and given in batches."""

from cthulhu.preprocessing.image.dataframe_iterator import DataFrameIterator
from cthulhu.preprocessing.image.directory_iterator import DirectoryIterator
from cthulhu.preprocessing.image.generator import ImageDataGenerator
from cthulhu.preprocessing.image.iterator import Iterator
from cthulhu.preprocessing.image.numpy_iterator import NumpyArrayIterator
from cthulhu.preprocessing.image.pictures import array_to_img, img_to_array, list_pictures, load_img, save_img
from cthulhu.preprocessing.image.transforms import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)

__all__ = [
    'DataFrameIterator',
    'DirectoryIterator',
    'ImageDataGenerator',
    'Iterator',
    'NumpyArrayIterator',
    'apply_affine_transform',
    'apply_brightness_shift',
    'apply_channel_shift',
    'array_to_img',
    'img_to_array',
    'list_pictures',
    'load_img',
    'random_brightness',
    'random_channel_shift',
    'random_rotation',
    'random_shear',
    'random_shift',
    'random_zoom',
    'save_img',
]
