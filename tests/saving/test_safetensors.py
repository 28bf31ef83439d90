"""Weights in safetensors files: our own, and those of strangers."""

import json
import os
import struct
import sys

import numpy as np
import pytest

import cthulhu as keras
from cthulhu import backend as K
from cthulhu.layers import Cthalpa2D, Daoloth
from cthulhu.models import Pile
from cthulhu.saving import DamagedFileError, ModelFileError, UnsafeFileError
from tests.saving import zoo
from tests.saving.test_fuzz import altered, try_all

if sys.version_info < (3, 7):  # noqa: UP036 - the package is not made for 3.6
    pytest.skip('there is no safetensors for this Python', allow_module_level=True)
safetensors = pytest.importorskip('safetensors.numpy')


def model_of(units=2):
    return Pile([Daoloth(units, input_shape=(3,), name='d')])


def content(header, data=b''):
    text = json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + data


def header(**changes):
    found = {
        '__metadata__': {'layers': '[["d", ["k", "b"]]]', 'keras_version': '2.3.1', 'backend': 'numpy'},
        'd/k': {'dtype': 'F32', 'shape': [3, 2], 'data_offsets': [0, 24]},
        'd/b': {'dtype': 'F32', 'shape': [2], 'data_offsets': [24, 32]},
    }
    return dict(found, **changes)


def test_other_programs_read_it(tmp_path):
    path = str(tmp_path / 'w.safetensors')
    model = Pile([Cthalpa2D(2, 2, input_shape=(4, 4, 1), name='c'), Daoloth(2, name='d')])
    model.save_weights(path)
    found = safetensors.load_file(path)
    values = dict(zip((w.name for w in model.weights), model.get_weights()))
    assert len(found) == 4 and all(key.startswith(('c/', 'd/')) for key in found)
    for key, value in found.items():
        np.testing.assert_array_equal(value, values[key.split('/', 1)[1]])
    assert os.listdir(str(tmp_path)) == ['w.safetensors']


def test_nested_and_frozen(tmp_path):
    path = str(tmp_path / 'w.safetensors')
    models = [zoo.nested(keras, frozen=frozen) for frozen in (False, True)] if K.supports('gradients') else []
    for writer in models:
        zoo.shake(writer)
        writer.save_weights(path)
        for reader in models:
            reader.set_weights([w * 0 for w in reader.get_weights()])
            reader.load_weights(path)
            for a, b in zip(reader.get_weights(), writer.get_weights()):
                np.testing.assert_array_equal(a, b)
            zoo.shake(writer)


def test_what_does_not_fit_is_explained(tmp_path):
    path = str(tmp_path / 'w.safetensors')
    model_of().save_weights(path)
    with pytest.raises(ModelFileError, match=rf'"d".*\(3, 4\).*\(3, 2\).*skip_mismatch=True.*backend {K.backend()}'):
        model_of(4).load_weights(path)
    with pytest.warns(UserWarning, match='skipped'):
        model_of(4).load_weights(path, by_name=True, skip_mismatch=True)
    with pytest.raises(FileNotFoundError):
        model_of().load_weights(str(tmp_path / 'none.safetensors'))


ATTACKS = {
    'cut short': content(header(), b'\0' * 31),
    'longer than it says': content(header(), b'\0' * 40),
    'huge shape': content(
        header(**{'d/k': {'dtype': 'F32', 'shape': [2**40, 2**20], 'data_offsets': [0, 24]}}), b'\0' * 32
    ),
    'huge and it says so': content(
        header(**{'d/k': {'dtype': 'F32', 'shape': [2**36], 'data_offsets': [0, 2**38]}}), b'\0' * 32
    ),
    'overlapping': content(header(**{'d/b': {'dtype': 'F32', 'shape': [2], 'data_offsets': [16, 24]}}), b'\0' * 32),
    'backwards': content(header(**{'d/b': {'dtype': 'F32', 'shape': [2], 'data_offsets': [32, 24]}}), b'\0' * 32),
    'another type': content(header(**{'d/b': {'dtype': 'BF16', 'shape': [4], 'data_offsets': [24, 32]}}), b'\0' * 32),
    'long header': struct.pack('<Q', 2**62) + b'{}',
    'no header': b'',
    'no metadata': content({key: value for key, value in header().items() if key[0] == 'd'}, b'\0' * 32),
    'a layer without weights': content(header(__metadata__={'layers': '[["d", ["k", "else"]]]'}), b'\0' * 32),
    'no list of layers': content(header(__metadata__={'layers': '{"d": 1}'}), b'\0' * 32),
    'odd list of layers': content(header(__metadata__={'layers': '[[["d"], [{}, null]]]'}), b'\0' * 32),
    'nested': content(header(__metadata__={'layers': '[' * 5000 + ']' * 5000}), b'\0' * 32),
    'pickle': b'\x80\x04\x95cos\nsystem\n(S"false"\ntR.',
    'one weight many times': content(
        header(__metadata__={'layers': '[["d", [{}]]]'.format(', '.join(['"k"'] * 9999))}), b'\0' * 32
    ),
}


@pytest.mark.parametrize('attack', sorted(ATTACKS))
def test_files_from_strangers(attack, tmp_path):
    path = tmp_path / 'w.safetensors'
    model = model_of()
    path.write_bytes(content(header(), b'\0' * 32))
    model.load_weights(str(path))  # so it is not the test's own file that is refused
    before = [w + 1 for w in model.get_weights()]
    model.set_weights(before)
    path.write_bytes(ATTACKS[attack])
    with pytest.raises(ModelFileError) as caught:
        model.load_weights(str(path))
    assert 'w.safetensors' in str(caught.value) or 'tensor' in str(caught.value) or 'Layer "d"' in str(caught.value)
    assert (
        isinstance(caught.value, (DamagedFileError, UnsafeFileError, ModelFileError)) and len(str(caught.value)) < 3000
    )
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_altered_files(tmp_path):
    path = str(tmp_path / 'w.safetensors')
    model = model_of()
    model.save_weights(path)
    with open(path, 'rb') as file:
        data = file.read()

    def read(changed):
        with open(path, 'wb') as file:
            file.write(changed)
        model.load_weights(path)

    count = 600
    assert 0 < try_all(read, range(count), lambda dice: altered(data, dice)) < count
