"""CIFAR-10: 60,000 colour pictures of ten kinds, of 32 x 32 pixels (Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html)."""

import os

import numpy as np

from cthulhu.datasets.cifar import arranged, load_batch
from cthulhu.utils.downloads import get_file

__all__ = ['load_data']

SOURCE = (
    'https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz',
    '6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce',
)


def load_data():
    """CIFAR-10, downloaded once.

    The kinds are: 0 aeroplane, 1 car, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 lorry.

    Returns:
        (x_train, y_train), (x_test, y_test): images (50000, 32, 32, 3) and (10000, 32, 32, 3), or channels first as the configuration has it, and kinds (images, 1),
        uint8.

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: if it is another file than expected.
    """
    origin, file_hash = SOURCE
    folder = get_file('cifar-10-batches-py', origin, untar=True, file_hash=file_hash)
    parts = [load_batch(os.path.join(folder, f'data_batch_{number}')) for number in range(1, 6)]
    x_test, y_test = load_batch(os.path.join(folder, 'test_batch'))
    x_train, y_train = np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
    return arranged(x_train, y_train, 'uint8'), arranged(x_test, y_test, 'uint8')
