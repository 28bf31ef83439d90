"""Files made by chance that repeat, nest, share and lie about sizes: each is read or refused with our error, in time and memory that its size explains.

Seeded, so that a failure comes again. As many are tried as fit into CTHULHU_FUZZ_SECONDS (5) of processor time, a share of it for each kind.
"""

import gc
import io
import json
import os
import pickle
import random
import struct
import tarfile
import time
import warnings
import zipfile
import zlib

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model, model_from_config, model_from_json, model_from_yaml
from cthulhu.saving import ModelFileError
from cthulhu.storage import archive, arrays
from tests.saving.costly import model_in_model, tree_of
from tests.saving.measuring import measured
from tests.saving.test_attacks import fill, sequential

h5py = pytest.importorskip('h5py')
pytest.importorskip('yaml')

SECONDS = float(os.environ.get('CTHULHU_FUZZ_SECONDS', '5'))
KINDS = {}


def kind(maker):
    """Decorator: a maker, a function of (dice, folder) that gives the size of what comes in, and a function that reads it."""
    KINDS[maker.__name__] = maker
    return maker


def often(dice):
    """A number that is small as a rule, and at times large."""
    return dice.choice([1, 2, 3, 10, 100, dice.randrange(1, 3000), 10 ** dice.randrange(6)])


# -- configurations ---------------------------------------------------------------------------------------------


def layer(dice, depth=0):
    name = f'l{dice.randrange(10**6)}' if dice.random() < 0.9 else 'l' * often(dice)
    choice = dice.random()
    if choice < 0.5:
        return {'class_name': 'Activation', 'config': {'name': name, 'activation': 'relu'}}
    if choice < 0.6:
        return {'class_name': 'Dense', 'config': {'name': name, 'units': often(dice)}}
    if choice < 0.7:
        return {'class_name': 'TimeDistributed', 'config': {'name': name, 'layer': layer(dice, depth + 1)}}
    if choice < 0.8 and depth < 30:
        inner = [layer(dice, depth + 1)] * min(often(dice), 50)
        return {'class_name': 'Sequential', 'config': {'name': name, 'layers': inner}}
    if choice < 0.9:
        unrolled = {'name': name, 'units': 2, 'unroll': True, 'batch_input_shape': [1, often(dice), 2]}
        return {'class_name': dice.choice(['LSTM', 'GRU', 'SimpleRNN']), 'config': unrolled}
    return {'class_name': f'X{dice.randrange(100)}', 'config': {'name': name}}


def graph(dice):
    """Layers that are called on each other often, in any order."""
    count = min(often(dice), 2000)
    places = [
        {
            'class_name': 'InputLayer',
            'name': 'i',
            'config': {'batch_input_shape': [None, 3], 'dtype': 'float32', 'name': 'i'},
            'inbound_nodes': [],
        }
    ]
    names = [f'n{i}' for i in range(dice.choice([1, 2, min(count, 50)]))]
    made, calls = {name: 0 for name in names}, {name: [] for name in names}
    last = ['i', 0, 0]
    for _ in range(count):
        name = dice.choice(names)
        calls[name].append([[*last, {}]])
        last = [name, made[name], 0]
        made[name] += 1
    for name in names:
        places.append(
            {
                'class_name': 'Activation',
                'name': name,
                'config': {'name': name, 'activation': 'relu'},
                'inbound_nodes': calls[name],
            }
        )
    dice.shuffle(places)
    outputs = [last] * dice.choice([1, 1, often(dice)])
    return {
        'class_name': 'Model',
        'config': {'name': 'm', 'layers': places, 'input_layers': [['i', 0, 0]], 'output_layers': outputs},
    }


def configuration(dice):
    choice = dice.random()
    if choice < 0.3:
        return model_in_model(dice.randrange(20))
    if choice < 0.6:
        return graph(dice)
    return sequential(*[layer(dice) for _ in range(min(often(dice), 300))] * dice.choice([1, 1, 2, 10]))


@kind
def configurations(dice, folder):
    config = configuration(dice)
    text = json.dumps(config)
    read = dice.choice(
        [lambda: model_from_config(config), lambda: model_from_json(text), lambda: model_from_yaml(text)]
    )
    return len(text), read


# -- text -------------------------------------------------------------------------------------------------------------


@kind
def texts(dice, folder):
    part = dice.choice(
        [
            '[],',
            '{},',
            '0,',
            '"",',
            '[[]],',
            '{"a":1},',
            '1,',
            '[0,',
            '{"a":',
            '[',
            '1' * often(dice) + ',',
            '"%s",' % ('a' * often(dice)),
        ]
    )
    body = (part * (often(dice) * dice.choice([1, 10])))[: 4 * 10**6]
    text = (
        '{"class_name": "Sequential", "config": ['
        + body
        + dice.choice(['0]}', ']' * dice.choice([1, body.count('[')]) + '}', ''])
    )
    return len(text), lambda: model_from_json(text)


@kind
def yaml_texts(dice, folder):
    lines, names = [], ['x']
    for i in range(min(often(dice), 200)):
        part = dice.choice(
            ['*' + dice.choice(names) if len(names) > 1 else '0', '1:1', 'a', '{}', '[]', '2001-01-01', '1_1', '~']
        )
        some = ', '.join([part] * min(often(dice), 2000))
        value = f'[{some}]'
        if len(names) > 1 and dice.random() < 0.3:
            value = '{<<: [' + ', '.join(['*' + dice.choice(names[1:])] * min(often(dice), 100)) + ']}'
        lines.append(f'  a{i}: &a{i} {value}')
        names.append(f'a{i}')
    text = 'class_name: Sequential\nconfig:\n' + '\n'.join(lines)[: 10**6]
    return len(text), lambda: model_from_yaml(text)


# -- HDF5 -----------------------------------------------------------------------------------------------------------------


def hdf5(dice, path):
    """A file of a model whose lists, links and chunks multiply."""
    with h5py.File(path, 'w') as file:
        fill(file, configuration(dice) if dice.random() < 0.2 else sequential())
        group = file['model_weights']
        inner = group['dense_1']
        for _ in range(dice.randrange(4)):
            choice = dice.randrange(6)
            count = min(often(dice), 3000)
            try:
                if choice == 0:
                    group.attrs['layer_names'] = [b'dense_1'] * count
                elif choice == 1:
                    inner.attrs['weight_names'] = [dice.choice([b'dense_1/kernel:0', b'e'])] * count
                    inner['e'] = np.zeros((0,), 'float32')
                elif choice == 2:  # a group in itself
                    dice.choice([group, inner])[f'g{count}'] = dice.choice([file, group, inner])
                    inner.attrs['weight_names'] = [b'/'.join([b'g%d' % count] * min(count, 40) + [b'e'])] * min(
                        count, 100
                    )
                elif choice == 3:
                    group.attrs[f'layer_names{dice.randrange(3)}'] = 'x' * min(count * 10, 60000)
                elif choice == 4:
                    del inner['dense_1/kernel:0']
                    width = dice.choice([1, 2**10, 2**20])
                    rows = min(count, 300)
                    data = inner['dense_1'].create_dataset(
                        'kernel:0', (rows, 1), 'f4', maxshape=(None, None), chunks=(1, width), compression='gzip'
                    )
                    for i in range(rows):
                        data.id.write_direct_chunk(
                            (i, 0), zlib.compress(bytes(dice.choice([4 * width, 4 * width, 2**20])), 9)
                        )
                else:
                    for i in range(min(count, 500)):
                        inner[f'k{i}'] = inner['dense_1/kernel:0']
                    inner.attrs['weight_names'] = [b'k%d' % i for i in range(min(count, 500))]
            except (ValueError, KeyError, RuntimeError, OSError, TypeError):  # there already, gone already, or too long
                pass
    with open(path, 'rb') as file:
        return bytearray(file.read())


def places_of(data, signature):
    found, at = [], data.find(signature)
    while at >= 0 and len(found) < 200:
        found.append(at)
        at = data.find(signature, at + 1)
    return found


def redirected(data, dice):
    """The bytes in which structures lead to other ones, to larger ones, or say that they have more entries."""
    places = [at for mark in (b'TREE', b'HEAP', b'SNOD', b'GCOL') for at in places_of(data, mark)] or [0]
    for _ in range(dice.randrange(6)):
        choice, place = dice.random(), dice.choice(places)
        if choice < 0.5:  # who leads there leads elsewhere
            at = data.find(struct.pack('<Q', place))
            if at > 0:
                data[at : at + 8] = struct.pack('<Q', dice.choice(places))
        elif choice < 0.7:
            data[place + 6 : place + 8] = struct.pack('<H', dice.randrange(2**16))
        elif choice < 0.8:
            data[place + 8 : place + 16] = struct.pack('<Q', often(dice) * 100)
        else:  # a tree that names one node again and again
            data += bytes(-len(data) % 8)
            new = len(data)
            data += tree_of([place] * min(often(dice), 60000))
            at = data.find(struct.pack('<Q', dice.choice(places)))
            if 0 < at < new:
                data[at : at + 8] = struct.pack('<Q', new)
    data[40:48] = struct.pack('<Q', len(data))
    return bytes(data)


@kind
def hdf5_files(dice, folder):
    data = redirected(hdf5(dice, str(folder / 'm.h5')), dice)
    if dice.random() < 0.5:
        return len(data), lambda: load_model(io.BytesIO(data))
    model = Pile([Daoloth(3, input_shape=(4,), name='dense_1')])
    return len(data), lambda: model.load_weights(io.BytesIO(data), by_name=dice.random() < 0.5)


@kind
def open_hdf5_files(dice, folder):
    path = str(folder / 'm.h5')
    size = len(hdf5(dice, path))  # whole: the HDF5 library trusts what a file says of itself

    def read():
        with h5py.File(path, 'r') as file:
            return load_model(file)

    return size, read


@kind
def dicts(dice, folder):
    shared = [1.5] * dice.randrange(1, 20)
    for _ in range(dice.randrange(9)):
        shared = [shared] * dice.randrange(1, 12)
    value = dice.choice([shared, pickle.dumps(shared, dice.randrange(5)), np.ones(3)])
    inner = {'_is_group': True, 'weight_names': ['k'] * often(dice), 'k': value, '_k_pickled': True}
    weights = {'_is_group': True, 'layer_names': ['dense_1'] * min(often(dice), 3000), 'dense_1': inner}
    whole = {'_is_group': True, 'model_config': json.dumps(sequential()), 'model_weights': weights}
    return 8 * (len(inner['weight_names']) + len(weights['layer_names'])), lambda: load_model(whole)


@kind
def pickles(dice, folder):
    array = np.zeros(often(dice), 'uint8')
    made = [array]
    for _ in range(dice.randrange(30)):
        made = dice.choice(
            [
                [made] * dice.randrange(1, 6),
                [made, dice.choice([made, array])],
                {'a': made, 'b': made},
                [array, array.copy(), made],
            ]
        )
    data = bytearray(pickle.dumps(made, dice.randrange(5)))
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(data))
        data[at : at + dice.randrange(1, 9)] = dice.choice(
            [b'\xff\xff\xff\x7f', b'h\x00' * often(dice), b'2' * often(dice), b'I' + b'1' * often(dice)]
        )
    return len(data), lambda: arrays.unpickle(bytes(data))


# -- archives ------------------------------------------------------------------------------------------------------------------


def numbers_changed(data, mark, spots, dice):
    """The bytes with numbers of four bytes, at some spots behind a mark, set to others."""
    data = bytearray(data)
    for place in places_of(data, mark):
        if dice.random() < 0.4:
            at = place + dice.choice(spots)
            data[at : at + 4] = struct.pack('<I', dice.choice([0, 2**32 - 1, often(dice), 2**20, len(data)]))
    return bytes(data)


@kind
def zip_files(dice, folder):
    made = io.BytesIO()
    with zipfile.ZipFile(made, 'w', zipfile.ZIP_DEFLATED) as file:
        for name in ('metadata.json', 'config.json', 'model.weights.h5') + tuple(
            f'm{i}' for i in range(min(often(dice), 500))
        ):
            text = json.dumps(
                {'keras_version': '3.15.1'}
                if name == 'metadata.json'
                else configuration(dice)
                if name == 'config.json'
                else 'a'
            )
            file.writestr(name, text + ' ' * dice.choice([0, 0, 0, often(dice) * 100]))
    data = numbers_changed(made.getvalue(), b'PK\x01\x02', [20, 24, 42], dice)
    data = numbers_changed(data, b'PK\x03\x04', [18, 22], dice)
    if dice.random() < 0.5:
        return len(data), lambda: load_model(io.BytesIO(data))
    return len(data), lambda: unpacked(data, folder)


def unpacked(data, folder):
    path, target = folder / 'a', folder / 'target'
    path.write_bytes(data)
    target.mkdir(exist_ok=True)
    archive.extract(str(path), str(target))


@kind
def tar_files(dice, folder):
    kinds = [
        tarfile.REGTYPE,
        tarfile.REGTYPE,
        tarfile.DIRTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.GNUTYPE_SPARSE,
    ]
    squeezed, made = zlib.compressobj(9, zlib.DEFLATED, 31), []
    for i in range(dice.randrange(1, 6)):
        info = tarfile.TarInfo(dice.choice(['a', 'b/c', f'x{i}']))
        info.type = dice.choice(kinds)
        info.size = dice.choice([0, often(dice), 2**33, often(dice) * 512])
        body = (
            bytes(min(info.size + -info.size % 512, 2**16)) if dice.random() < 0.8 else b'27 GNU.sparse.major=1\n' * 20
        )
        made.append(squeezed.compress((info.tobuf(tarfile.GNU_FORMAT) + body) * min(often(dice), 1000)))
    data = b''.join(made) + squeezed.compress(bytes(1024)) + squeezed.flush()
    return len(data), lambda: unpacked(data, folder)


# -- trying ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', sorted(KINDS))
def test_what_multiplies(name, tmp_path):
    make, end, seed, refused = KINDS[name], time.process_time() + SECONDS / len(KINDS), 0, 0
    K.clear_session()
    while time.process_time() < end or seed < 3:
        dice = random.Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        size, read = make(dice, folder)
        gc.collect()
        with measured(size, f'seed {seed}'):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter('ignore')
                    read()
            except ModelFileError as error:
                refused += 1
                assert len(str(error)) < 5000, f'seed {seed}'
            except Exception as error:
                raise AssertionError(f'seed {seed}: {type(error).__name__}: {error}') from error
        seed += 1
        if seed % 20 == 0:
            K.clear_session()
    assert refused
