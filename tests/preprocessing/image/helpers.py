"""Pictures for the tests."""

import os

import numpy as np


def noise(height=8, width=6, channels=3, seed=0):
    return np.random.RandomState(seed).randint(0, 256, (height, width, channels)).astype('uint8')


def write(path, x, **options):
    """Write an array of 8 bits to a file, in folders that are made."""
    from PIL import Image

    os.makedirs(os.path.dirname(str(path)), exist_ok=True)
    Image.fromarray(x[:, :, 0] if x.ndim == 3 and x.shape[2] == 1 else x).save(str(path), **options)
    return str(path)


def classes(folder, numbers=(('a', 5), ('b', 4)), **how):
    """A folder of classes, whose pictures differ."""
    for place, (name, count) in enumerate(numbers):
        for i in range(count):
            write(os.path.join(str(folder), name, f'{i}.png'), noise(seed=100 * place + i, **how))
    return str(folder)
