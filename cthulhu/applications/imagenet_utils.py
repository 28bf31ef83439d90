"""What goes into a network that was trained on ImageNet, and what its classes are called."""

import json

import numpy as np

from cthulhu import backend as K
from cthulhu.storage.errors import DamagedFileError, explained
from cthulhu.utils.arguments import checked
from cthulhu.utils.downloads import get_file

__all__ = ['decode_predictions', 'preprocess_input']

CLASS_INDEX = (
    'https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json',
    'c2c37ea517e94d9795004a39431a14cb',
)
_CLASSES = 1000

#: Mode -> whether colours are turned to blue, green, red; the number to divide by; means and standard deviations to normalise by, in that order.
_MODES = {
    'caffe': (True, None, (103.939, 116.779, 123.68), None),
    'tf': (False, 127.5, 1.0, None),
    'torch': (False, 255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def preprocess_input(x, data_format=None, mode='caffe'):
    """Turn images with values from 0 to 255 into what a network was trained on.

    Arguments:
        x: image or batch of images in red, green and blue: an array, which is left as it is, or a tensor.
        data_format: 'channels_first' or 'channels_last'; that of the configuration if left out.
        mode: 'caffe': blue, green, red, without the mean of ImageNet. 'tf': from -1 to 1. 'torch': from 0 to 1, then without the mean of ImageNet,
            divided by its standard deviation.

    Returns:
        Array or tensor of the shape of `x`; of its dtype, or `floatx()` where that has no fractions.

    Raises:
        ValueError: for another mode, data format or shape.

    Example:
        >>> preprocess_input(np.array([[[255, 0, 51]]]), 'channels_last', 'tf').tolist()
        [[[1.0, -1.0, -0.6000000238418579]]]
    """
    data_format = K.normalize_data_format(data_format)
    if mode not in _MODES:
        raise ValueError(f"mode: expected 'caffe', 'tf' or 'torch', got {mode!r}.")
    symbolic = K.is_tensor(x)
    x = x if symbolic else np.asarray(x)
    rank = K.ndim(x) if symbolic else x.ndim
    if rank not in (3, 4):
        shape = K.int_shape(x) if symbolic else x.shape
        raise ValueError(f'x: expected an image (3 axes) or a batch of images (4 axes), got the shape {shape}.')
    axis = rank - 3 if data_format == 'channels_first' else rank - 1
    if mode != 'tf':
        colours = (K.int_shape(x) if symbolic else x.shape)[axis]
        if colours not in (3, None):
            raise ValueError(
                f'x: {mode!r} wants the 3 colours of an image at axis {axis} ({data_format}), where there are {colours}. Give the right `data_format`, or repeat a grey image three times.'
            )
    dtype = K.dtype(x) if symbolic else x.dtype.name
    if 'float' not in dtype:
        dtype = K.floatx()
        x = K.cast(x, dtype) if symbolic else x.astype(dtype)
    reverse, divisor, mean, deviation = _MODES[mode]
    if reverse:
        x = K.reverse(x, axis) if symbolic else np.flip(x, axis)

    def along(values):
        """The values of the colours, laid along their axis."""
        values = np.reshape(np.asarray(values, dtype), [-1 if i == axis else 1 for i in range(rank)])
        return K.constant(values, dtype) if symbolic else values

    if divisor is not None:
        x = x / divisor
    x = x - (along(mean) if isinstance(mean, tuple) else mean)
    return x if deviation is None else x / along(deviation)


def preprocessing(mode):
    """The `preprocess_input` of a network: that of this module with its mode."""

    def preprocess(x, data_format=None):
        return preprocess_input(x, data_format, mode)

    preprocess.__name__ = preprocess.__qualname__ = 'preprocess_input'
    preprocess.__doc__ = f"Turn images with values from 0 to 255 into what the network was trained on: `imagenet_utils.preprocess_input` with mode='{mode}'."
    return preprocess


@checked
def decode_predictions(preds, top=5):
    """The most probable classes of ImageNet.

    The names of the classes are downloaded, once.

    Arguments:
        preds: array (images, 1000), the predictions of a network with its top.
        top: int, how many classes to give for each image.

    Returns:
        A list for each image of tuples (WordNet number, name, probability), the most probable first.

    Raises:
        ValueError: for predictions of another shape.
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != _CLASSES:
        raise ValueError(
            f'preds: expected the probabilities of the {_CLASSES} classes of ImageNet, an array (images, {_CLASSES}), got the shape {preds.shape}.'
        )
    classes = _class_index()
    return [[classes[index] + (row[index],) for index in np.argsort(row)[::-1][:top]] for row in preds]


def _class_index():
    """(WordNet number, name) of each class."""
    origin, file_hash = CLASS_INDEX
    path = get_file('imagenet_class_index.json', origin, cache_subdir='models', file_hash=file_hash)
    with explained(f'"{path}"'):
        with open(path, encoding='utf-8') as file:
            found = json.load(file)
        keys = [str(number) for number in range(_CLASSES)]
        if not isinstance(found, dict) or sorted(found) != sorted(keys) or not all(map(_is_class, found.values())):
            raise DamagedFileError(f'"{path}" is not the index of the {_CLASSES} classes of ImageNet.')
        return [tuple(found[key]) for key in keys]


def _is_class(entry):
    return isinstance(entry, list) and len(entry) == 2 and all(isinstance(text, str) for text in entry)
