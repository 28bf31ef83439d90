"""The data sets: the same numbers as Keras 2.3.1 for the same files, from a server on this machine; and files that are damaged, others than expected, or not to be trusted.

The figures in `fixtures/datasets` are those of a running Keras 2.3.1 (`record.py`); the hashes of the real files are its, those of CIFAR Keras 3's, those of Fashion-MNIST its authors'.
"""

import hashlib
import importlib
import io
import json
import os
import pickle
import struct
import tarfile
import warnings
import zipfile

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import datasets
from cthulhu.datasets import boston_housing, cifar, cifar10, cifar100, digits, fashion_mnist, imdb, mnist, reuters
from cthulhu.saving import ModelFileError, UnsafeFileError
from cthulhu.storage.arrays import load_npz
from tests.datasets import made
from tests.saving.test_attacks import guard  # noqa: F401, a fixture
from tests.utils.serving import serving

FIXTURE = os.path.join(os.path.dirname(os.path.dirname(__file__)), 'fixtures', 'datasets', 'keras-2.3.1.json')

with open(FIXTURE) as _file:
    FIGURES = json.load(_file)


def files_of(name):
    """The files of a data set (URL's end -> bytes), and the name and rest of each source."""
    if name == 'fashion_mnist':
        return made.fashion_mnist()
    if name.startswith('cifar'):
        return {name.replace('cifar', 'cifar-') + '-python.tar.gz': made.tar(getattr(made, name)())}
    return {name + '.npz': made.make(name)}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('CTHULHU_HOME', str(tmp_path / 'settings'))
    return tmp_path / 'settings' / 'datasets'


@pytest.fixture
def offered(cache, monkeypatch):
    """`offered(name, files)`: a server that has the files of a data set, which the data set takes for the real ones."""
    with serving({}) as server:

        def offer(name, files=None):
            module = importlib.import_module('cthulhu.datasets.' + name)
            files = files_of(name) if files is None else files
            server.files = dict(files)
            hashes = {path: hashlib.md5(content).hexdigest() for path, content in files.items()}
            if name == 'fashion_mnist':
                monkeypatch.setattr(module, 'FOLDER', server.url)
                monkeypatch.setattr(module, 'FILES', hashes)
            else:
                (path,) = files
                monkeypatch.setattr(module, 'SOURCE', (server.url + path, hashes[path]))
            return module

        offer.server = server
        yield offer


@pytest.mark.parametrize('name', sorted(made.CASES))
def test_the_numbers_are_those_of_keras(offered, name):
    module = offered(name)
    for arguments in made.CASES[name]:
        before = np.random.get_state()[1].tolist()
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            found = module.load_data(**arguments)
        assert np.random.get_state()[1].tolist() == before, "NumPy's own generator was touched"
        text = json.dumps(made.plain(found)).encode()
        assert hashlib.md5(text).hexdigest() == FIGURES[f'{name} {json.dumps(arguments, sort_keys=True)}'], arguments
    assert len(offered.server.asked) == len(offered.server.files), 'it was downloaded more than once'


def test_cifar10(offered):
    # Keras 2.3.1 takes batches of 10,000 only; its labels of the test batch are int64, with the same numbers.
    (x_train, y_train), (x_test, y_test) = offered('cifar10').load_data()
    random = np.random.RandomState(7)
    for i in range(6):
        data = made.images(random, 6)
        labels = random.randint(0, 10, 6)
        x, y = (x_train[6 * i : 6 * i + 6], y_train[6 * i : 6 * i + 6]) if i < 5 else (x_test, y_test)
        assert np.array_equal(x, data.reshape(6, 3, 32, 32).transpose(0, 2, 3, 1))
        assert np.array_equal(y, labels[:, None])
    assert x_train.shape == (30, 32, 32, 3) and all(a.dtype == np.uint8 for a in (x_train, y_train, x_test, y_test))


def test_cifar_with_channels_first(offered):
    K.set_image_data_format('channels_first')
    try:
        (x_train, _), (x_test, _) = offered('cifar100').load_data()
    finally:
        K.set_image_data_format('channels_last')
    assert x_train.shape == (12, 3, 32, 32) and x_test.shape == (5, 3, 32, 32)
    K_last = cifar100.load_data()
    assert np.array_equal(x_train.transpose(0, 2, 3, 1), K_last[0][0])


def test_where_the_files_lie(offered, cache):
    for name in ('mnist', 'cifar10', 'fashion_mnist'):
        offered(name).load_data()
    assert (cache / 'mnist.npz').is_file() and (cache / 'fashion-mnist' / 't10k-labels-idx1-ubyte.gz').is_file()
    assert (cache / 'cifar-10-batches-py' / 'test_batch').is_file()
    offered('mnist')
    mnist.load_data('of_mine.npz')
    assert (cache / 'of_mine.npz').is_file()


def test_the_published_files():
    assert mnist.SOURCE == ('https://s3.amazonaws.com/img-datasets/mnist.npz', '8a61469f7ea1b51cbae51d4f78837e45')
    assert imdb.SOURCE == ('https://s3.amazonaws.com/text-datasets/imdb.npz', '599dadb1135973df5b59232a0e9a887c')
    assert reuters.SOURCE[1] == '87aedbeb0cb229e378797a632c1997b6'
    assert cifar10.SOURCE[0] == 'https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz'
    assert len(fashion_mnist.FILES) == 4 and all(len(value) == 32 for value in fashion_mnist.FILES.values())
    assert datasets.boston_housing.SOURCE[1] == 'f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5'


@pytest.mark.parametrize('module', [imdb, reuters], ids=['imdb', 'reuters'])
def test_word_index(cache, monkeypatch, module):
    content = made.make('word_index')
    with serving({'words.json': content}) as server:
        monkeypatch.setattr(module, 'INDEX', (server.url + 'words.json', hashlib.md5(content).hexdigest()))
        assert module.get_word_index() == {'the': 1, 'elder': 2, 'café': 3}
        module.get_word_index()
        assert server.asked == ['words.json']
        server.files['words.json'] = b'{"the": "first"}'
        monkeypatch.setattr(module, 'INDEX', (server.url + 'words.json', hashlib.md5(b'{"the": "first"}').hexdigest()))
        with pytest.raises(ModelFileError, match='not an index of words.*Remove it'):
            module.get_word_index()


def test_digits():
    pytest.importorskip('sklearn')
    from sklearn.datasets import load_digits

    (x_train, y_train), (x_test, y_test) = digits.load_data(test_split=0.1, seed=3)
    assert x_train.shape == (1617, 8, 8) and x_test.shape == (180, 8, 8) and x_train.dtype == y_test.dtype == np.uint8
    order = np.arange(1797)
    np.random.RandomState(3).shuffle(order)
    assert np.array_equal(np.concatenate([x_train, x_test]), load_digits().images[order])
    assert np.array_equal(np.concatenate([y_train, y_test]), load_digits().target[order])


def test_digits_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'sklearn.datasets', None)
    with pytest.raises(ImportError, match='pip install scikit-learn'):
        digits.load_data()


# -- arguments --------------------------------------------------------------------------------------------


def test_wrong_arguments(offered):
    offered('boston_housing')
    for wrong in (1, 1.5, -0.1):
        with pytest.raises(ValueError, match='`test_split` is a finite number at least 0 and below 1; got'):
            datasets.boston_housing.load_data(test_split=wrong)
        with pytest.raises(ValueError, match='`test_split` is a finite number at least 0 and below 1; got'):
            reuters.load_data(test_split=wrong)
        with pytest.raises(ValueError, match='`test_split` is a finite number at least 0 and below 1; got'):
            digits.load_data(test_split=wrong)
    with pytest.raises(ValueError, match="label_mode: expected 'fine' or 'coarse', got 'middle'"):
        cifar100.load_data('middle')
    offered('imdb')
    with pytest.raises(TypeError, match="unknown argument.*'words'"):
        imdb.load_data(words=3)
    with pytest.raises(ValueError, match='maxlen: no text has less than 2 words'):
        imdb.load_data(maxlen=2)


def test_warnings(offered):
    offered('imdb')
    with pytest.warns(UserWarning, match='`nb_words` of load_data is called `num_words` now'):
        imdb.load_data(nb_words=10)
    with pytest.warns(UserWarning, match='of 70 reviews are left out.*for training, reviews for testing among them'):
        imdb.load_data(maxlen=15)


# -- downloads --------------------------------------------------------------------------------------------


def left(cache):
    return [name for _, _, names in os.walk(str(cache)) for name in names]


@pytest.mark.parametrize('name', sorted(made.CASES) + ['cifar10'])
def test_downloads_that_go_wrong(offered, cache, name):
    module = offered(name)
    path, content = next(iter(offered.server.files.items()))
    offered.server.cut.add(path)
    with pytest.raises(OSError, match=f'(?s)URL fetch failure on {offered.server.url}{path}.*Try again'):
        module.load_data()
    offered.server.cut.discard(path)
    offered.server.files[path] = content + b'more'
    with pytest.raises(ValueError, match='has the .* hash .* was removed'):
        module.load_data()
    del offered.server.files[path]
    with pytest.raises(OSError, match='404 -- Not Found'):
        module.load_data()
    assert left(cache) == []
    offered.server.files[path] = content
    module.load_data()
    assert left(cache)


def test_a_file_in_the_cache_that_was_altered_is_downloaded_anew(offered, cache, capsys):
    offered('mnist').load_data()
    (cache / 'mnist.npz').write_bytes(b'altered')
    assert mnist.load_data()[0][0].shape == (20, 28, 28)
    assert 'downloaded anew' in capsys.readouterr().err


# -- other files than expected ----------------------------------------------------------------------------

OTHERS = {
    'other arrays': ('mnist', made.npz(x=np.zeros(3)), 'has no x_train and no y_train.*it has x. Remove it'),
    'other lengths': ('boston_housing', made.npz(x=np.zeros((3, 2)), y=np.zeros(4)), 'not as many labels as examples'),
    'no archive': ('mnist', b'<html>moved</html>', 'not a whole zip archive'),
    'half an archive': ('imdb', made.make('imdb')[:300], 'not a whole zip archive'),
}


@pytest.mark.parametrize('kind', sorted(OTHERS))
def test_other_files(offered, kind):
    name, content, message = OTHERS[kind]
    module = offered(name, {name + '.npz': content})
    with pytest.raises(ModelFileError, match=message):
        module.load_data()


@pytest.mark.parametrize(
    'path, content, message',
    [
        ('train-images-idx3-ubyte.gz', b'<html>', 'cannot be decompressed'),
        ('train-images-idx3-ubyte.gz', made.idx(np.zeros((20, 28, 28), 'uint8'))[:-9], 'cannot be decompressed'),
        ('train-images-idx3-ubyte.gz', made.idx(np.zeros((20, 27, 28), 'uint8')), 'has images of the shape'),
        ('train-images-idx3-ubyte.gz', made.idx(np.zeros((20, 28), 'uint8')), 'not an array of bytes with 3 axes'),
        ('t10k-labels-idx1-ubyte.gz', made.idx(np.zeros(9, 'uint8')), 'for 9 labels'),
    ],
)
def test_other_files_of_fashion_mnist(offered, path, content, message):
    module = offered('fashion_mnist', dict(made.fashion_mnist(), **{path: content}))
    with pytest.raises(ModelFileError, match=message + '.*Remove it'):
        module.load_data()


def test_other_batches_of_cifar(offered, tmp_path):
    batches = {
        'holds no dict': pickle.dumps([1], protocol=2),
        'it has nothing': pickle.dumps({}, protocol=2),
        "'data' and 'labels'": made.batch(np.zeros((2, 3072), 'uint8'), fine_labels=[1, 2]),
        'rows of 3 x 32 x 32 bytes': made.batch(np.zeros((2, 3071), 'uint8'), labels=[1, 2]),
        'a number for each image': made.batch(np.zeros((2, 3072), 'uint8'), labels=[1]),
        'cannot be read': made.cifar10()['cifar-10-batches-py/test_batch'][:500],
    }
    for message, content in batches.items():
        path = tmp_path / 'batch'
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=message):
            cifar.load_batch(str(path))


# -- files from strangers: S7, S8, S9, S11 of the requirements ----------------------------------------------


class Trap:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (self.marker, 'w')


def array_of(*items):
    found = np.empty(len(items), object)
    found[:] = items
    return found


def placed(cache, monkeypatch, module, content):
    """Put a file into the cache as the real one."""
    path = cache / (module.__name__.rpartition('.')[2] + '.npz')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    monkeypatch.setattr(module, 'SOURCE', ('http://127.0.0.1:9/nowhere', hashlib.md5(content).hexdigest()))


def evil_arrays(marker):
    """Arrays that are none of lists of integers."""
    shared = list(range(1000))
    return {
        'code': array_of([1], Trap(marker)),
        'code in a list': array_of([1, Trap(marker)], [2]),
        'tuples': array_of((1, 2), [3]),
        'lists of lists': array_of([[1]], [2]),
        'texts': array_of(['a'], [2]),
        'numbers of another kind': array_of([1.5], [2]),
        'one list in many places': array_of(*[shared] * 1000),
        'a dict': array_of({1: 2}, [2]),
    }


@pytest.mark.parametrize('kind', sorted(evil_arrays('')))
@pytest.mark.parametrize('module', [imdb, reuters], ids=['imdb', 'reuters'])
def test_arrays_of_other_things(cache, monkeypatch, guard, kind, module):  # noqa: F811
    x = evil_arrays(guard.marker)[kind]
    if module is imdb:
        content = made.npz(x_train=x, y_train=np.zeros(len(x)), x_test=x, y_test=np.zeros(len(x)))
    else:
        content = made.npz(x=x, y=np.zeros(len(x)))
    placed(cache, monkeypatch, module, content)
    guard(module.load_data, error=UnsafeFileError)
    assert not os.path.exists(guard.marker)


@pytest.mark.parametrize('module', [mnist, datasets.boston_housing], ids=['mnist', 'boston_housing'])
def test_pickles_where_there_are_none(cache, monkeypatch, guard, module):  # noqa: F811
    names = ('x', 'y') if module is not mnist else ('x_train', 'y_train', 'x_test', 'y_test')
    for x in (array_of([1], [2]), array_of(Trap(guard.marker))):
        placed(cache, monkeypatch, module, made.npz(**{name: x for name in names}))
        guard(module.load_data, error=UnsafeFileError)


def test_an_array_whose_pickle_differs_from_its_header(cache, monkeypatch, guard):  # noqa: F811
    stream = io.BytesIO(made.npz(x=array_of([1], [2], [3]), y=np.zeros(3)))
    with zipfile.ZipFile(stream) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for old, new in ((b'(3,)', b'(9,)'), (b'(3,)', b'(-3,)'), (b'(3,)', b'()')):
        changed = io.BytesIO()
        with zipfile.ZipFile(changed, 'w') as archive:
            for name, content in members.items():
                archive.writestr(name, content.replace(old, new) if name == 'x.npy' else content)
        placed(cache, monkeypatch, reuters, changed.getvalue())
        guard(reuters.load_data)


@pytest.mark.parametrize('protocol', [2, 3, 4])
def test_lists_of_integers_of_all_protocols(tmp_path, protocol):
    if protocol > pickle.HIGHEST_PROTOCOL:
        pytest.fail('this Python is too old')
    lists = [[], [1], list(range(5000)), [-1, 255, 256, 65535, 65536, 2**31 - 1, -(2**31), 2**40], [3, 4]]
    header = b"\x93NUMPY\x01\x00\x76\x00{'descr': '|O', 'fortran_order': False, 'shape': (5,), }"
    path = tmp_path / 'lists.npy'
    path.write_bytes(header.ljust(127) + b'\n' + pickle.dumps(array_of(*lists), protocol=protocol))
    found = load_npz(str(path), lists=True)['arr_0']
    assert found.dtype == object and found.tolist() == lists
    with pytest.raises(UnsafeFileError, match='pickled objects'):
        load_npz(str(path))


def test_bombs(cache, monkeypatch, guard):  # noqa: F811
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name in ('x', 'y'):
            header = b"\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False, 'shape': (300000000,), }"
            archive.writestr(name + '.npy', header.ljust(127) + b'\n' + bytes(100 * 2**20))
    placed(cache, monkeypatch, datasets.boston_housing, stream.getvalue())
    guard(datasets.boston_housing.load_data, error=UnsafeFileError)


@pytest.mark.parametrize('shape', [(2**31, 28, 28), (70000, 280, 280), (2**32 - 1,) * 3])
def test_bombs_of_fashion_mnist(cache, monkeypatch, guard, shape):  # noqa: F811
    import gzip

    files = made.fashion_mnist()
    files['train-images-idx3-ubyte.gz'] = gzip.compress(struct.pack('>4I', 0x0803, *shape) + bytes(2**20))
    folder = cache / 'fashion-mnist'
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    monkeypatch.setattr(fashion_mnist, 'FILES', {name: hashlib.md5(files[name]).hexdigest() for name in files})
    guard(fashion_mnist.load_data, error=UnsafeFileError)


def evil_batches(marker):
    return {
        'code': pickle.dumps({b'data': Trap(marker)}, protocol=2),
        'a module': b'cos\nsystem\n(U\x05touchtR.',
        'a size without bytes': b'\x80\x02}(U\x04data\x8e' + struct.pack('<Q', 2**40) + b'u.',
        'keys that take forever': b'\x80\x02}(' + b'(' * 50 + b't' * 50 + b'K\x01u.',
        'an array without bytes': made.batch(np.zeros((2, 3072), 'uint8'), labels=[1, 2]).replace(
            made._number(3072), made._number(2**31 - 1)
        ),
    }


@pytest.mark.parametrize('kind', sorted(evil_batches('')))
def test_pickles_of_cifar(tmp_path, guard, kind):  # noqa: F811
    path = tmp_path / 'batch'
    path.write_bytes(evil_batches(guard.marker)[kind])
    guard(cifar.load_batch, str(path))
    assert not os.path.exists(guard.marker)


@pytest.mark.parametrize('module', [cifar10, cifar100], ids=['cifar10', 'cifar100'])
def test_archives_that_climb_out(cache, monkeypatch, guard, module):  # noqa: F811
    root = 'cifar-10-batches-py' if module is cifar10 else 'cifar-100-python'
    for name, kind, target in (
        ('../../outside', tarfile.REGTYPE, ''),
        (root + '/train', tarfile.SYMTYPE, '/etc/passwd'),
        (root + '/data_batch_1', tarfile.LNKTYPE, '../../outside'),
    ):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode='w:gz') as archive:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info, io.BytesIO(b''))
        cache.mkdir(parents=True, exist_ok=True)
        (cache / (root + '.tar.gz')).write_bytes(stream.getvalue())
        monkeypatch.setattr(module, 'SOURCE', ('http://127.0.0.1:9/', hashlib.md5(stream.getvalue()).hexdigest()))
        guard(module.load_data, error=UnsafeFileError)
        assert os.listdir(str(cache)) == [root + '.tar.gz']


@pytest.mark.parametrize(
    'load, arguments',
    [
        (imdb.load_data, {'num_words': 'a'}),
        (imdb.load_data, {'skip_top': -1}),
        (imdb.load_data, {'maxlen': 2.5}),
        (imdb.load_data, {'oov_char': 'x'}),
        (reuters.load_data, {'index_from': True}),
        (reuters.load_data, {'test_split': 'a'}),
        (boston_housing.load_data, {'test_split': -1}),
    ],
)
def test_arguments_are_checked_before_a_download(load, arguments):
    with pytest.raises(ValueError, match=f'load_data: `{list(arguments)[0]}` is '):
        load(**arguments)
