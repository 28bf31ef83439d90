"""HDF5 as data and as dicts, HDF5 in streams."""

import io
import os

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model
from cthulhu.utils.io_utils import H5Dict, HDF5Matrix, load_from_binary_h5py, save_to_binary_h5py

h5py = pytest.importorskip('h5py')


# -- HDF5Matrix --------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path):
    random = np.random.RandomState(0)
    x, y = random.uniform(size=(40, 3)), random.uniform(size=(40, 2))
    path = str(tmp_path / 'data.h5')
    with h5py.File(path, 'w') as file:
        file['x'], file['y'] = x, y
        file['pictures'] = random.randint(0, 255, (10, 4, 4, 1)).astype('uint8')
    yield path, x, y
    if path in HDF5Matrix.refs:
        HDF5Matrix.refs.pop(path).close()


KEYS = [
    0, 5, -1, np.int64(29), slice(None), slice(2, 9), slice(-4, None), slice(3, None, 2), slice(9, 4), [1, 4, 7], [7, 1, 4, 1, -1], [],
    np.array([3, 2]), np.arange(30) % 3 == 0,
]  # fmt: skip


@pytest.mark.parametrize('key', KEYS, ids=str)
def test_rows_are_those_of_an_array(key, data):
    path, x, _ = data
    matrix = HDF5Matrix(path, 'x', start=6, end=36)
    np.testing.assert_array_equal(matrix[key], x[6:36][key])
    whole = HDF5Matrix(path, 'x', normalizer=lambda rows: rows * 2)
    np.testing.assert_array_equal(whole[:9], 2 * x[:9])


@pytest.mark.parametrize('key', [30, -31, slice(0, 31), [0, 30], [-31], 1.5, 'x', np.ones(29, bool)], ids=str)
def test_rows_outside(key, data):
    with pytest.raises(IndexError, match='rows|Rows'):
        HDF5Matrix(data[0], 'x', start=6, end=36)[key]


def test_it_has_what_an_array_has(data):
    path, x, _ = data
    others = set(HDF5Matrix.refs)
    matrix = HDF5Matrix(path, 'x', start=6, end=36)
    assert (len(matrix), matrix.shape, matrix.ndim, matrix.size, matrix.dtype) == (30, (30, 3), 2, 90, x.dtype)
    pictures = HDF5Matrix(path, 'pictures', normalizer=lambda p: p[..., 0].astype('float32') / 255)
    assert pictures.shape == (10, 4, 4) and pictures.dtype == 'float32' and pictures.size == 160
    assert pictures[3].shape == (4, 4) and pictures[3:4].shape == (1, 4, 4)
    with pytest.raises(KeyError):
        HDF5Matrix(path, 'none')
    assert set(HDF5Matrix.refs) - others == {path}  # one open file for all of them


def test_other_keys_are_those_of_an_array_too(data):
    path, x, _ = data
    matrix, rows = HDF5Matrix(path, 'x', start=6, end=36), x[6:36]
    doubled = HDF5Matrix(path, 'x', start=6, end=36, normalizer=lambda read: 2 * read)
    few, far = [3, 1, 3], np.array([1, -1, 7])
    for key in [
        None, Ellipsis, (), (None,), (None, 0), (2, 1), (2,), (slice(1, 9, 3), 1), (slice(2, 4), slice(0, 2)), (Ellipsis, 0), (Ellipsis, 0, 1),
        (None, Ellipsis), (0, Ellipsis), (slice(None), None), (None, slice(3), None, -1), (few, 1), (few, [0, 1, 2]), (far, slice(1)),
        (rows[:, 0] > 0.5, 2), slice(None, None, -1), slice(20, 3, -4), (slice(9, 4), 0), (np.int64(3), np.int64(1)), (..., None),
    ]:  # fmt: skip
        np.testing.assert_array_equal(matrix[key], rows[key], str(key))
        np.testing.assert_array_equal(doubled[key], 2 * rows[key], str(key))
    for key in [(30,), (slice(0, 31), 0), (None, 'x'), (..., 0, 30, 1)]:
        with pytest.raises(IndexError):
            matrix[key]


def test_a_key_reads_its_rows_only(data):
    read = []

    def normalizer(rows):
        read.append(len(rows))
        return rows

    matrix = HDF5Matrix(data[0], 'x', normalizer=normalizer)
    del read[:]
    matrix[3:5, 1], matrix[7, 0], matrix[[1, 9, 1], 0], matrix[None, 2:4]
    assert read == [2, 1, 2, 2]


def test_models_take_it(data):
    path, x, y = data
    xs, ys = HDF5Matrix(path, 'x', end=32), HDF5Matrix(path, 'y', end=32)
    model = Pile([Daoloth(2, input_shape=(3,))])
    np.testing.assert_allclose(model.predict(xs, batch_size=8), model.predict(x[:32]), rtol=1e-5)
    if not K.supports('gradients'):
        return
    model.conjure('sgd', 'mse')
    np.testing.assert_allclose(model.evaluate(xs, ys, verbose=0), model.evaluate(x[:32], y[:32], verbose=0), rtol=1e-5)
    start = model.get_weights()
    for shuffle in (False, 'batch', True):
        histories = []
        for arrays in ((xs, ys), (x[:32], y[:32])):
            model.set_weights(start)
            np.random.seed(1)
            history = model.summon(*arrays, batch_size=8, epochs=2, shuffle=shuffle, verbose=0).history
            histories.append(history['loss'])
        np.testing.assert_allclose(*histories, rtol=1e-5)


# -- H5Dict ------------------------------------------------------------------------------------------------


def in_a_dict(folder):
    return {}


def in_a_file(folder):
    return str(folder / 'd.h5')


def in_a_path(folder):
    return folder / 'd.h5'


def in_a_group(folder):
    return h5py.File(f'x{id(folder)}', 'w', driver='core', backing_store=False).create_group('inner')


@pytest.fixture(params=[in_a_dict, in_a_file, in_a_path, in_a_group], ids=lambda f: f.__name__)
def place(request, tmp_path):
    return request.param(tmp_path)


def test_what_goes_in_comes_out(place):
    entries = H5Dict(place, 'w' if not isinstance(place, h5py.Group) else 'a')
    entries['x'] = np.arange(6.0).reshape(2, 3)
    entries['scalar'] = np.array(2.5)
    entries['text'], entries['words'], entries['empty'] = b'hello', 'Йог-Сотот', ''
    entries['names'] = [b'a', b'bc']
    entries['group']['inner']['y'] = np.ones(2)
    entries.update({'more': np.zeros(1)})
    entries.close()
    again = H5Dict(place, 'r')
    np.testing.assert_array_equal(again['x'], np.arange(6.0).reshape(2, 3))
    assert float(again['scalar']) == 2.5
    assert again['text'] == b'hello' and list(again['names']) == [b'a', b'bc']
    assert again['words'] == 'Йог-Сотот' and again['empty'] == ''  # Keras 2.3.1 too
    np.testing.assert_array_equal(again['group']['inner']['y'], [1, 1])
    assert 'x' in again and 'text' in again and 'none' not in again
    assert {'x', 'scalar', 'group', 'more'} <= set(again) and set(again.iter()) == set(again) and len(again) >= 4
    assert again.get('none', 3) == 3 and again.get('more').shape == (1,)
    for change in (lambda: again.__setitem__('z', np.ones(1)), lambda: again['none'], lambda: again.update({'z': 1})):
        with pytest.raises(ValueError, match='read only'):
            change()
    with pytest.raises(ValueError, match='read only'):
        again['group']['z'] = np.ones(1)
    again.close()


def test_long_lists_of_names_are_cut_in_pieces(tmp_path):
    names = [(f'{i}').encode() * 9000 for i in range(9)]
    with H5Dict(str(tmp_path / 'd.h5'), 'w') as entries:
        entries['names'] = names
        with pytest.raises(RuntimeError, match='64512'):
            entries['name'] = [b'x' * 70000]
    with H5Dict(str(tmp_path / 'd.h5'), 'r') as entries:
        assert entries['names'] == names
        assert 'names0' in entries.attrs  # what is not of the dict is of the group


def test_modes(tmp_path):
    path = str(tmp_path / 'd.h5')
    for mode, expected in (('w', {'a'}), ('a', {'a', 'b'}), ('w', {'c'})):
        with H5Dict(path, mode) as entries:
            entries[sorted(expected)[-1]] = np.ones(1)
            assert set(entries) == expected
    with pytest.raises(KeyError, match='already'):
        with H5Dict(path) as entries:
            entries['c'] = np.ones(1)
    with pytest.raises(TypeError, match='h5py'):
        H5Dict(3)
    assert not H5Dict.is_supported_type([]) and H5Dict.is_supported_type({}) and H5Dict.is_supported_type(path)
    values = {'old': 1}
    H5Dict(values, 'w')
    assert 'old' not in values


def test_it_does_not_follow_links(tmp_path):
    with h5py.File(str(tmp_path / 'secret.h5'), 'w') as file:
        file['x'] = np.ones(2)
    with h5py.File(str(tmp_path / 'd.h5'), 'w') as file:
        file['away'] = h5py.ExternalLink(str(tmp_path / 'secret.h5'), 'x')
    with H5Dict(str(tmp_path / 'd.h5'), 'r') as entries:
        with pytest.raises(ValueError, match='link'):
            entries['away']


# -- streams -----------------------------------------------------------------------------------------------


def test_files_in_streams():
    def write(file):
        file['x'] = np.arange(3)
        return 'written'

    stream = io.BytesIO()
    stream.write(b'before')
    assert save_to_binary_h5py(write, stream) == 'written'
    stream.seek(len(b'before'))
    assert list(load_from_binary_h5py(lambda file: file['x'][()], stream)) == [0, 1, 2]


def test_models_in_files_that_are_open(tmp_path):
    model = Pile([Daoloth(2, input_shape=(3,))])
    x = np.ones((1, 3))
    with open(str(tmp_path / 'm.bin'), 'wb') as file:
        model.save(file)
    with open(str(tmp_path / 'm.bin'), 'rb') as file:
        np.testing.assert_array_equal(load_model(file, compile=False).predict(x), model.predict(x))
    other = Pile([Daoloth(2, input_shape=(3,))])
    with h5py.File(str(tmp_path / 'w.h5'), 'w') as file:
        model.save_weights(file)
        assert file.attrs['keras_version'] in (b'2.3.1', '2.3.1') and 'layer_names' in file.attrs
        other.load_weights(file)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    stream = io.BytesIO()
    model.save_weights(stream)
    other.set_weights([w * 0 for w in other.get_weights()])
    other.load_weights(io.BytesIO(stream.getvalue()))
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    assert os.listdir(str(tmp_path)) and not [name for name in os.listdir(str(tmp_path)) if name.endswith('.tmp')]
