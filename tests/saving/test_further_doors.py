"""Doors and roles beside those of `test_attacks`: HDF5Matrix, backups, archives that are odd, files that are cut, functions of the caller in other roles."""

import io
import json
import os
import tarfile
import zipfile

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import initializers
from cthulhu.callbacks import backup
from cthulhu.layers import Daoloth, TimeDistributed, deserialize
from cthulhu.models import Lump, Pile, load_model, model_from_config, model_from_json, model_from_yaml
from cthulhu.saving import DamagedFileError, ModelFileError, UnsafeFileError
from cthulhu.storage import archive
from cthulhu.utils import HDF5Matrix, get_file
from tests.saving import test_attacks as attacks
from tests.saving.costly import dense_model, header, tar_bytes
from tests.saving.measuring import measured

h5py = pytest.importorskip('h5py')


# -- HDF5Matrix --------------------------------------------------------------------------------------------------


@pytest.fixture
def close():
    """Closes what HDF5Matrix has opened, for all matrices of one file."""
    yield
    for path in list(HDF5Matrix.refs):
        HDF5Matrix.refs.pop(path).close()


def elsewhere(path):
    yield 'link', lambda file: file.__setitem__('x', h5py.ExternalLink(path, '/kernel'))
    yield 'soft link', lambda file: (file.__setitem__('y', np.ones((4, 3))), file.__setitem__('x', h5py.SoftLink('/y')))
    yield 'external storage', lambda file: attacks.external_storage(path)(file, 'x', 'b')
    yield 'virtual', lambda file: attacks.virtual(path)(file, 'x', 'b')
    yield 'texts', lambda file: file.create_dataset('x', data=['a', 'b'], dtype=h5py.string_dtype())
    yield 'references', lambda file: file.create_dataset('x', data=[file.ref], dtype=h5py.ref_dtype)
    yield 'nothing held', lambda file: file.create_dataset('x', (10**6, 10**6), 'f4', chunks=(1, 10**5))
    yield 'huge chunks', huge_chunks


def huge_chunks(file):
    data = file.create_dataset('x', (4, 3), 'f4', maxshape=(None, None), chunks=(2**14, 2**13), compression='gzip')
    data.id.write_direct_chunk((0, 0), b'not so much')


@pytest.mark.parametrize('attack', [name for name, _ in elsewhere('')])
def test_rows_of_other_files_are_not_read(attack, tmp_path, close):
    secret = str(tmp_path / 'secret.h5')
    with h5py.File(secret, 'w') as file:
        file['kernel'] = np.ones((4, 3), 'float32')
    path = str(tmp_path / 'x.h5')
    with h5py.File(path, 'w') as file:
        dict(elsewhere(secret))[attack](file)
    with measured(os.path.getsize(path)), pytest.raises(UnsafeFileError):
        HDF5Matrix(path, 'x')


def test_rows_of_all_that_is_honest_are_read(tmp_path, close):
    path = str(tmp_path / 'x.h5')
    values = np.arange(60.0).reshape(20, 3)
    with h5py.File(path, 'w') as file:
        file['a/b'] = values
        file.create_dataset('c', data=values, chunks=(5, 2), compression='gzip', shuffle=True)
        file.create_dataset('s', data=np.array([b'a', b'bc']))
        file.create_dataset('e', (0, 3), 'f4')
        file.create_dataset('z', data=np.zeros((10**6, 4), 'uint8'), compression='gzip')
    for name in ('a/b', '/a/b', 'c'):
        np.testing.assert_array_equal(HDF5Matrix(path, name, 2, 9)[1:4], values[3:6])
    assert HDF5Matrix(path, 's')[1] == b'bc'
    assert HDF5Matrix(path, 'z')[5:7].shape == (2, 4)
    with pytest.raises(KeyError):
        HDF5Matrix(path, 'none')


# -- files that are cut ------------------------------------------------------------------------------------------


def test_a_file_that_is_cut_is_damaged(tmp_path):
    whole = Pile([Daoloth(50, input_shape=(40,), name='a'), Daoloth(40, name='b'), Daoloth(3, name='c')])
    path, cut = str(tmp_path / 'w.h5'), str(tmp_path / 'cut.h5')
    whole.save_weights(path)
    with open(path, 'rb') as file:
        data = file.read()
    for share in (0.5, 0.7, 0.95):
        with open(cut, 'wb') as file:
            file.write(data[: int(share * len(data))])
        for read in (
            lambda: whole.load_weights(cut),
            lambda: whole.load_weights(cut, by_name=True, skip_mismatch=True),
        ):
            with measured(len(data)), pytest.raises(DamagedFileError, match='cut short'):
                read()
        with measured(len(data)), pytest.raises(DamagedFileError, match='cut short'):
            whole.load_weights(io.BytesIO(data[: int(share * len(data))]))
    with open(cut, 'wb') as file:  # what comes behind the end is somebody else's
        file.write(data + bytes(100))
    whole.load_weights(cut)


# -- functions of the caller in other roles --------------------------------------------------------------------------


def test_a_function_of_the_caller_is_not_called_as_if_it_were_a_class(tmp_path):
    called = []

    def clean(path='', units=0, name=''):
        called.append(path)

    def config(**dense):
        return attacks.sequential({'class_name': 'Dense', 'config': dict({'name': 'd', 'units': 2}, **dense)})

    part = {'class_name': 'clean', 'config': {'path': '/'}}
    configs = [
        attacks.sequential(part),
        config(kernel_initializer=part),
        config(kernel_regularizer=part),
        config(kernel_constraint=part),
        config(activation=part),
    ]
    for each in configs:
        for door in attacks.FILES + attacks.TEXTS + attacks.BARE:
            with measured(content=0), pytest.raises((ValueError, TypeError)):
                door(each, tmp_path, custom_objects={'clean': clean})
    for training in ({'loss': part}, {'metrics': [part]}, {'optimizer_config': part}):
        sgd = {'class_name': 'SGD', 'config': {}}
        path = attacks.h5_file(
            tmp_path / 'm.h5', attacks.sequential(), training=dict({'optimizer_config': sgd, 'loss': 'mse'}, **training)
        )
        with pytest.raises(ModelFileError):
            load_model(path, custom_objects={'clean': clean})
    assert not called


def test_a_function_of_the_caller_is_called_in_its_own_role(tmp_path):
    def threes(shape, dtype=None):
        return K.constant(np.full(shape, 3.0), dtype=dtype)

    config = attacks.sequential(
        {'class_name': 'Dense', 'config': {'name': 'd', 'units': 2, 'kernel_initializer': 'threes'}}
    )
    for door in attacks.TEXTS + attacks.BARE:
        model = door(config, tmp_path, custom_objects={'threes': threes})
        np.testing.assert_array_equal(model.layers[-1].get_weights()[0], np.full((3, 2), 3.0))


# -- errors that are ours ------------------------------------------------------------------------------------------------


def in_a_circle():
    config = attacks.sequential()
    config['config']['layers'].append(config)
    yield 'model', config
    wrapper = {'class_name': 'TimeDistributed', 'config': {'name': 't'}}
    wrapper['config']['layer'] = wrapper
    yield 'wrapper', attacks.sequential(wrapper)
    dense = {'class_name': 'Dense', 'config': {'name': 'd', 'units': 2}}
    dense['config']['kernel_initializer'] = dense
    yield 'setting', attacks.sequential(dense)


@pytest.mark.parametrize('name', [name for name, _ in in_a_circle()])
def test_a_configuration_in_a_circle(name):
    config = dict(in_a_circle())[name]
    for read in (
        model_from_config,
        deserialize,
        lambda c: Pile.from_config(c['config']),
        lambda c: Lump.from_config(c['config']),
    ):
        with measured(content=0), pytest.raises(UnsafeFileError, match='nested'):
            read(config)


def test_a_wrapper_in_a_circle():
    settings = {'name': 't'}
    settings['layer'] = {'class_name': 'TimeDistributed', 'config': settings}
    with pytest.raises(UnsafeFileError, match='nested'):
        TimeDistributed.from_config(settings)


def odd_states():
    arrays = {
        'version': 1,
        'epoch': 0,
        'stopped': False,
        'model': None,
        'optimizer': None,
        'callbacks': [],
        'position': None,
        'random': None,
    }
    whole = {'dict': [[key, value] for key, value in arrays.items()]}
    deep = []
    for _ in range(3000):
        deep = [deep]
    for state in (
        None, 3, [], 'x', {}, {'array': 7, 'scalar': False}, {'array': 0}, {'dict': [[[1], 2]]}, {'dict': 3}, {'dict': [[1, 2, 3]]}, [[]] * 5, whole,
        {'dict': whole['dict'][1:]}, {'dict': [['version', 2]] + whole['dict'][1:]},
        [{'array': 0, 'scalar': False}] * 10**5,
    ):  # fmt: skip
        yield json.dumps(state)
    yield '[' * 3000 + ']' * 3000
    yield '{"dict": [' * 100000
    yield '1' * 10**6
    yield ''
    yield '\udcff'.encode('utf-8', 'surrogatepass').decode('latin1')


def written(path, text, array=None):
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr('state.json', text)
        member = io.BytesIO()
        np.save(member, np.zeros(10**4) if array is None else array, allow_pickle=True)
        file.writestr('0.npy', member.getvalue())


def test_odd_backups(tmp_path):
    path = str(tmp_path / 'training.backup')
    model = dense_model()
    model.conjure('sgd', 'mse')
    x, y = np.zeros((2, 4)), np.zeros((2, 3))
    for text in odd_states():
        written(path, text)
        if K.supports('gradients'):
            with measured(len(text)), pytest.raises(ValueError):
                model.summon(x, y, epochs=1, verbose=0, callbacks=[backup.BackupAndRestore(str(tmp_path))])
        with measured(len(text)):
            try:
                assert set(backup.load(path)) >= {'version', 'epoch'}
            except ModelFileError as error:
                assert str(error)
    written(path, json.dumps({'array': 0, 'scalar': False}), np.array([{}], dtype=object))
    with pytest.raises(UnsafeFileError):
        backup.load(path)
    with open(path, 'wb') as file:
        file.write(b'PK\x03\x04 nothing')
    with pytest.raises(ModelFileError):
        backup.load(path)


def odd_tars():
    pax = header('pax', tarfile.XHDTYPE, 512)
    plain = header('a', tarfile.REGTYPE, 0)

    def with_pax(text):
        return [(pax + text.ljust(512, b'\0'), 1), (plain, 1)]

    yield [(header('pax', tarfile.XHDTYPE, 0), 2000), (plain, 1)]
    yield [(header('long', tarfile.GNUTYPE_LONGNAME, 0), 2000), (plain, 1)]
    yield with_pax(b'0 a=b\n')
    yield with_pax(b'99999999999999999999 a=b\n')
    yield with_pax(b'22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n')
    yield with_pax(b'20 GNU.sparse.map=1\n')
    yield with_pax(b'14 size=-100\n')
    yield with_pax(b'11 size=xx\n')
    yield [(header('sparse', tarfile.GNUTYPE_SPARSE, 0), 1)]
    yield [(header('a', tarfile.REGTYPE, 2**33), 1)]
    yield [(header('a', b'Z', 2**40), 1)]


@pytest.mark.filterwarnings('ignore:.*was not unpacked')
def test_odd_tars(tmp_path):
    target = tmp_path / 'target'
    target.mkdir()
    for i, parts in enumerate(odd_tars()):
        path = tmp_path / f'{i}.tgz'
        path.write_bytes(tar_bytes(parts))
        for read in (
            lambda: archive.extract(str(path), str(target)),
            lambda: get_file(f'{i}', path.as_uri(), extract=True, cache_dir=str(tmp_path / 'cache')),
        ):
            with measured(os.path.getsize(str(path))):
                try:
                    read()
                except (ModelFileError, OSError) as error:
                    assert str(error)
        left = os.listdir(str(tmp_path / 'cache' / 'datasets'))
        assert not [name for name in left if name.endswith('.tmp')]


# -- YAML, made by our own reader of its events -----------------------------------------------------------------------------


def test_yaml_means_what_it_means_elsewhere():
    yaml = pytest.importorskip('yaml')
    from cthulhu.storage.texts import parse_yaml

    for text in (
        'a: 1\nb: 2.5\nc: .inf\nd: 0x1f\ne: 1_000\nf: ~\ng: yes\nh: "yes"\ni: |\n  two\n  lines\nj: 1:30\nk: 2001-01-01\nl: 1e3\nm: 1.0e+3',
        'a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\ne: {<<: [*x, {f: 4, b: 5}]}\ng: *x',
        '- !!str 1\n- !!int "2"\n- !!float 3\n- !!seq [1]\n- !!map {a: 1}\n- !!binary aGFsbG8=',
        '? a\n: 1\n? 2\n: b', '"<<": 1', '[]', '{}', '', '~', 'text', '- - - 1\n    - 2', '--- 1\n...', '{a, b: , c}', "''",
    ):  # fmt: skip
        assert parse_yaml(text) == yaml.safe_load(text), text
    assert parse_yaml('!!python/tuple [1, [2]]') == (1, [2]) and parse_yaml('!!python/unicode "x"') == 'x'
    shared = parse_yaml('- &x [1]\n- *x')
    assert shared[0] is shared[1]
    for text in (
        '1\n--- 2',
        '*x',
        '{[1]: 2}',
        '{<<: 1}',
        '{<<: [1]}',
        '[',
        'a: b: c',
        '&x [*x]',
        '!!set {a}',
        '!!python/none ~',
        '!mine 1',
        '!!int x',
    ):
        with pytest.raises(ModelFileError):
            parse_yaml(text)


def test_initializers_draw_nothing_that_the_file_has(tmp_path):
    """A large orthogonal matrix takes seconds: not where the file has the weight."""
    from cthulhu.layers import LSTM

    model = Pile([LSTM(600, input_shape=(2, 3))])
    model.save(str(tmp_path / 'm.h5'))
    calls = []
    original, np.linalg.svd = np.linalg.svd, lambda *args, **kwargs: calls.append(1) or original(*args, **kwargs)
    try:
        again = load_model(str(tmp_path / 'm.h5'), compile=False)
        assert not calls
        assert isinstance(again.layers[0].cell.recurrent_initializer, initializers.Orthogonal)
        model_from_json(model.to_json())
        model_from_yaml(model.to_yaml())
        assert len(calls) == 2
    finally:
        np.linalg.svd = original
    for old, new in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(old, new)
