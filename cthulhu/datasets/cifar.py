"""The files of CIFAR (Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html)."""

import numpy as np

from cthulhu.backend import image_data_format
from cthulhu.datasets.files import damaged
from cthulhu.storage.arrays import unpickle

__all__ = ['load_batch']


def load_batch(fpath, label_key='labels'):
    """The images and labels of a file of CIFAR, which is a pickle: only its arrays, numbers and texts are read, nothing in it is run.

    Arguments:
        fpath: path.
        label_key: the entry with the labels: 'labels' in CIFAR-10, 'fine_labels' or 'coarse_labels' in CIFAR-100.

    Returns:
        (images, labels): uint8 array (images, 3, 32, 32) and a list of ints.

    Raises:
        ValueError: for a file of another layout, or one that asks for anything else.
    """
    with open(fpath, 'rb') as file:
        content = unpickle(file.read(), encoding='bytes')
    if not isinstance(content, dict):
        raise damaged(fpath, 'is not a batch of CIFAR: it holds no dict')
    content = {key.decode('utf-8', 'replace') if isinstance(key, bytes) else key: content[key] for key in content}
    data, labels = content.get('data'), content.get(label_key)
    if data is None or labels is None:
        listed = ', '.join(repr(key) for key in list(content)[:10])
        raise damaged(fpath, f"is not a batch of CIFAR with 'data' and {label_key!r}: it has {listed or 'nothing'}")
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != 3072 or data.dtype != np.uint8:
        raise damaged(fpath, 'is not a batch of CIFAR: its data are not rows of 3 x 32 x 32 bytes')
    if not isinstance(labels, list) or len(labels) != len(data) or not all(type(label) is int for label in labels):
        raise damaged(fpath, f'is not a batch of CIFAR: {label_key!r} is not a list of a number for each image')
    return data.reshape(-1, 3, 32, 32), labels


def arranged(x, y, dtype):
    """Images in the data format of the configuration, and labels in a column."""
    if image_data_format() == 'channels_last':
        x = x.transpose(0, 2, 3, 1)
    return x, np.reshape(np.asarray(y, dtype), (-1, 1))
