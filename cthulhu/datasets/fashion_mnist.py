"""Fashion-MNIST: 70,000 articles of ten kinds, of 28 x 28 pixels (Xiao, Rasul and Vollgraf, https://arxiv.org/abs/1708.07747)."""

import gzip
import os
import struct
import zlib

import numpy as np

from cthulhu.datasets.files import damaged, unsafe
from cthulhu.utils.downloads import get_file

__all__ = ['load_data']

FOLDER = 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'
#: The files and their MD5 hashes, as https://github.com/zalandoresearch/fashion-mnist gives them.
FILES = {
    'train-images-idx3-ubyte.gz': '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
    'train-labels-idx1-ubyte.gz': '25c81989df183df01b3e8a0aad5dffbe',
    't10k-images-idx3-ubyte.gz': 'bef4ecab320f06d8554ea6380940ec79',
    't10k-labels-idx1-ubyte.gz': 'bb300cfdad3c16e7a12a480ee83cd310',
}
_FREE_BYTES = 2**25


def load_data():
    """Fashion-MNIST, downloaded once, in the form of MNIST.

    The kinds are: 0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Returns:
        (x_train, y_train), (x_test, y_test): images (60000, 28, 28) and (10000, 28, 28) and kinds, uint8.

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: if it is another file than expected.
    """
    folder = os.path.join('datasets', 'fashion-mnist')
    paths = {name: get_file(name, FOLDER + name, cache_subdir=folder, file_hash=FILES[name]) for name in FILES}
    return tuple(_part(paths, part) for part in ('train', 't10k'))


def _part(paths, part):
    path = paths[part + '-images-idx3-ubyte.gz']
    x, y = _read(path, 3), _read(paths[part + '-labels-idx1-ubyte.gz'], 1)
    if len(x) != len(y) or x.shape[1:] != (28, 28):
        raise damaged(path, f'has images of the shape {x.shape} for {len(y)} labels')
    return x, y


def _read(path, rank):
    """The array of bytes in a compressed file of the IDX format: its rank and shape, then the values."""
    try:
        with gzip.open(path, 'rb') as file:
            header = file.read(4 + 4 * rank)
            magic, *shape = struct.unpack(f'>{1 + rank}I', header)
            if magic != 0x0800 + rank:
                raise damaged(path, f'is not an array of bytes with {rank} axes in the format IDX')
            size = 1
            for length in shape:
                size *= length
            if size > _FREE_BYTES + 64 * os.stat(path).st_size:
                raise unsafe(path, f'announces the shape {tuple(shape)}, but has {os.stat(path).st_size} bytes')
            data = file.read(size + 1)  # one more, so that the checksum at the end is read
    except (struct.error, EOFError, zlib.error, OSError) as error:
        if isinstance(error, (FileNotFoundError, PermissionError, ValueError)):
            raise
        raise damaged(path, f'cannot be decompressed: {error}') from None
    if len(data) != size:
        raise damaged(path, f'announces the shape {tuple(shape)}, but has other than {size} values')
    return np.frombuffer(data, np.uint8).reshape(shape).copy()
