"""CIFAR-100: 60,000 colour pictures of 100 kinds in 20 groups, of 32 x 32 pixels (Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html)."""

import os

from cthulhu.datasets.cifar import arranged, load_batch
from cthulhu.utils.downloads import get_file

__all__ = ['load_data']

SOURCE = (
    'https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz',
    '85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7',
)


def load_data(label_mode='fine'):
    """CIFAR-100, downloaded once.

    Arguments:
        label_mode: 'fine' for the 100 kinds, 'coarse' for the 20 groups of them.

    Returns:
        (x_train, y_train), (x_test, y_test): images (50000, 32, 32, 3) and (10000, 32, 32, 3), uint8, or channels first as the configuration has it, and labels
        (images, 1), int64.

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: for another `label_mode`, or if it is another file than expected.
    """
    if label_mode not in ('fine', 'coarse'):
        raise ValueError(f"label_mode: expected 'fine' or 'coarse', got {label_mode!r}.")
    origin, file_hash = SOURCE
    folder = get_file('cifar-100-python', origin, untar=True, file_hash=file_hash)
    parts = [load_batch(os.path.join(folder, part), label_mode + '_labels') for part in ('train', 'test')]
    return tuple(arranged(x, y, 'int64') for x, y in parts)
