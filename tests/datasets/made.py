"""Small files in the layouts of the real data sets, made from seeds: the same for Keras 2.3.1 (`record.py`) and for the tests."""

import gzip
import io
import json
import struct
import tarfile

import numpy as np


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def texts(random, number):
    """Array of lists of numbers of words, the frequent ones small, as NumPy pickles it."""
    found = np.empty(number, object)
    found[:] = [random.zipf(1.4, random.randint(3, 30)).clip(1, 60).tolist() for _ in range(number)]
    return found


def mnist(random):
    x, y = random.randint(0, 256, (30, 28, 28)).astype('uint8'), random.randint(0, 10, 30).astype('uint8')
    return npz(x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])


def boston_housing(random):
    return npz(x=random.normal(size=(50, 13)), y=random.uniform(5, 50, 50))


def imdb(random):
    x_train, x_test = texts(random, 40), texts(random, 30)
    return npz(x_train=x_train, y_train=random.randint(0, 2, 40), x_test=x_test, y_test=random.randint(0, 2, 30))


def reuters(random):
    return npz(x=texts(random, 60), y=random.randint(0, 46, 60))


def word_index(random):
    return json.dumps({'the': 1, 'elder': 2, 'caf\u00e9': 3}).encode()


def make(name):
    return globals()[name](np.random.RandomState(7))


def idx(array):
    """A compressed file of the IDX format."""
    return gzip.compress(struct.pack(f'>{1 + array.ndim}I', 0x0800 + array.ndim, *array.shape) + array.tobytes())


def fashion_mnist():
    random = np.random.RandomState(7)
    files = {}
    for part, number in (('train', 20), ('t10k', 10)):
        files[part + '-images-idx3-ubyte.gz'] = idx(random.randint(0, 256, (number, 28, 28)).astype('uint8'))
        files[part + '-labels-idx1-ubyte.gz'] = idx(random.randint(0, 10, number).astype('uint8'))
    return files


# -- CIFAR's pickles, as Python 2 wrote them --------------------------------------------------------------


def _text(data):
    return b'T' + struct.pack('<I', len(data)) + data


def _number(value):
    return b'J' + struct.pack('<i', value)


def _array(array):
    made = b'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R'
    dtype = b'cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN' + _number(-1) * 2 + b'K\x00tb'
    shape = b''.join(map(_number, array.shape)) + b'\x86'
    return made + b'(K\x01' + shape + dtype + b'\x89' + _text(array.tobytes()) + b'tb'


def batch(data, **labels):
    """A batch: rows of bytes, and lists of numbers by name."""
    entries = _text(b'batch_label') + _text(b'a batch') + _text(b'data') + _array(data)
    for name, numbers in sorted(labels.items()):
        entries += _text(name.encode()) + b'](' + b''.join(map(_number, numbers)) + b'e'
    return b'\x80\x02}(' + entries + b'u.'


def images(random, number):
    return random.randint(0, 256, (number, 3072)).astype('uint8')


def cifar10(number=6):
    random = np.random.RandomState(7)
    names = [f'data_batch_{i}' for i in range(1, 6)] + ['test_batch']
    return {
        'cifar-10-batches-py/' + name: batch(images(random, number), labels=random.randint(0, 10, number).tolist())
        for name in names
    }


def cifar100():
    random = np.random.RandomState(7)
    files = {}
    for name, number in (('train', 12), ('test', 5)):
        fine, coarse = random.randint(0, 100, number).tolist(), random.randint(0, 20, number).tolist()
        files['cifar-100-python/' + name] = batch(images(random, number), fine_labels=fine, coarse_labels=coarse)
    return files


def tar(files):
    """A compressed archive of files (name -> bytes)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w:gz') as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


# -- what is compared -------------------------------------------------------------------------------------

#: Data set -> the arguments that are tried.
CASES = {
    'mnist': [{}],
    'boston_housing': [{}, {'test_split': 0.5}, {'seed': 1}, {'test_split': 0.0, 'seed': 0}],
    'imdb': [
        {}, {'num_words': 10}, {'num_words': 12, 'skip_top': 4}, {'maxlen': 15}, {'maxlen': 20, 'num_words': 9, 'oov_char': None}, {'seed': 5}, {'start_char': None},
        {'start_char': None, 'index_from': 0}, {'start_char': None, 'index_from': None}, {'index_from': 10, 'start_char': 7, 'oov_char': 8}, {'oov_char': None, 'skip_top': 6},
        {'start_char': 0, 'index_from': 0, 'oov_char': 0, 'skip_top': 2}, {'nb_words': 10},
    ],
    'reuters': [
        {}, {'num_words': 10}, {'num_words': 12, 'skip_top': 4}, {'maxlen': 15}, {'test_split': 0.5, 'seed': 3}, {'maxlen': 20, 'test_split': 0.3, 'oov_char': None},
        {'start_char': None, 'index_from': None}, {'index_from': 10, 'start_char': 7, 'oov_char': 8}, {'nb_words': 10}, {'test_split': 0.0},
    ],
    'fashion_mnist': [{}],
    'cifar100': [{}, {'label_mode': 'coarse'}],
}  # fmt: skip


def plain(result):
    """What `load_data` gave, as lists: (shape, type, values) of the arrays. Lists of lists have no shape beyond their number."""
    found = []
    for part in result:
        for array in part:
            values = array.tolist()
            texts = bool(values) and array.dtype == object
            # What is empty has another type in Keras: that of np.array([]).
            kind = '' if not values else 'lists' if texts else str(array.dtype)
            found.append([[len(values)] if texts else list(array.shape), kind, values])
    return found
