"""Altered files: each one loads, or raises our error; nothing else, and at no more cost than its size explains. Seeded, so that a failure comes again."""

import io
import json
import os
import random
import warnings
import zipfile

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model, model_from_json, model_from_yaml
from cthulhu.saving import ModelFileError
from cthulhu.storage import arrays
from tests.saving.measuring import measured

pytest.importorskip('h5py')

FOLDER = os.path.join(os.path.dirname(__file__), os.pardir, 'fixtures', 'keras-2.3.1')
# How many times the usual number of files: more for a long search.
TIMES = int(os.environ.get('CTHULHU_FUZZ', '1'))


def altered(data, dice):
    """The bytes with some of them changed, moved, cut out or cut off."""
    data = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 4, 8, 32])):
        kind, place = dice.random(), dice.randrange(len(data))
        if kind < 0.5:
            data[place] = dice.randrange(256)
        elif kind < 0.7:
            data[place] ^= 1 << dice.randrange(8)
        elif kind < 0.8:
            size = dice.choice([2, 4, 8])
            data[place : place + size] = dice.choice(
                [b'\xff' * size, b'\0' * size, dice.randrange(256**size).to_bytes(size, 'little')]
            )
        elif kind < 0.9:
            source, size = dice.randrange(len(data)), dice.randrange(1, 64)
            data[place : place + size] = data[source : source + size]
        elif kind < 0.95:
            del data[place:]
        else:
            del data[place : place + dice.randrange(1, 64)]
        if not data:
            data = bytearray(b'x')
    return bytes(data)


def try_all(read, seeds, make):
    """Read each altered thing; the number of those that were refused."""
    refused = 0
    for seed in seeds:
        thing = make(random.Random(seed))
        with measured(len(thing), f'seed {seed}'):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter('ignore')
                    read(thing)
            except ModelFileError as error:
                refused += 1
                assert str(error)
            except Exception as error:
                raise AssertionError(f'seed {seed}: {type(error).__name__}: {error}') from error
    return refused


def contents(name):
    with open(os.path.join(FOLDER, name), 'rb') as file:
        return file.read()


def test_weights_in_hdf5():
    data = contents('mlp_sgd_nesterov.h5')
    model = Pile([Daoloth(10, activation='tanh', input_shape=(7,)), Daoloth(1)])
    count = 1200 * TIMES
    refused = try_all(
        lambda altered_data: model.load_weights(io.BytesIO(altered_data)),
        range(count),
        lambda dice: altered(data, dice),
    )
    assert 0 < refused < count


def test_models_in_hdf5():
    data = [contents('mlp_sgd_nesterov.h5'), contents('metrics_objects.h5')]
    K.clear_session()
    count = 24 * TIMES
    refused = try_all(
        lambda d: load_model(io.BytesIO(d)), range(10**6, 10**6 + count), lambda dice: altered(dice.choice(data), dice)
    )
    assert 0 < refused < count


@pytest.fixture(scope='module')
def kept(tmp_path_factory):
    path = str(tmp_path_factory.mktemp('fuzz') / 'm.keras')
    Pile([Daoloth(3, input_shape=(4,)), Daoloth(2)]).save(path)
    with open(path, 'rb') as file:
        return file.read()


def test_archives(kept):
    with zipfile.ZipFile(io.BytesIO(kept)) as file:
        members = {name: file.read(name) for name in file.namelist()}

    def make(dice):
        if dice.random() < 0.5:
            return altered(kept, dice)
        chosen, made = dice.choice(sorted(members)), io.BytesIO()
        with zipfile.ZipFile(made, 'w') as file:  # altered inside, so that the checksums hold
            for name, data in members.items():
                file.writestr(name, altered(data, dice) if name == chosen else data)
        return made.getvalue()

    count = 120 * TIMES
    assert 0 < try_all(lambda data: load_model(io.BytesIO(data)), range(count), make) < count


def values(dice):
    return dice.choice(
        [
            None,
            True,
            -1,
            0,
            1,
            2.5,
            1e300,
            float('nan'),
            10**30,
            '',
            'x',
            'Dense',
            [],
            [1],
            {},
            {'class_name': 'Dense'},
            [[None]],
            [None, 'x'],
        ]
    )


def changed(thing, dice):
    """A configuration with one value, somewhere in it, changed, left out or put elsewhere."""
    thing = json.loads(json.dumps(thing))
    places, stack = [], [thing]
    while stack:
        item = stack.pop()
        for key in list(item) if isinstance(item, dict) else range(len(item)):
            places.append((item, key))
            if isinstance(item[key], (dict, list)):
                stack.append(item[key])
    for _ in range(dice.choice([1, 1, 2, 3])):
        holder, key = dice.choice(places)
        kind = dice.random()
        try:
            if kind < 0.6:
                holder[key] = values(dice)
            elif kind < 0.8:
                del holder[key]
            else:
                other, place = dice.choice(places)
                holder[key] = json.loads(json.dumps(other[place]))
        except (KeyError, IndexError, ValueError):  # it is gone already
            pass
    return thing


def configurations():
    for name in ('mlp_sgd_nesterov', 'nested_shared', 'cnn_bn'):
        with np.load(os.path.join(FOLDER, name + '.npz')) as data:
            yield json.loads(str(data['config']))


@pytest.mark.parametrize('form', ['json', 'yaml'])
def test_configurations(form):
    yaml = pytest.importorskip('yaml')
    configs = list(configurations())
    read, write = (model_from_json, json.dumps) if form == 'json' else (model_from_yaml, yaml.safe_dump)
    K.clear_session()
    count = 24 * TIMES
    start = 0 if form == 'json' else 10**6
    assert (
        0 < try_all(read, range(start, start + count), lambda dice: write(changed(dice.choice(configs), dice))) < count
    )


def test_text():
    text = json.dumps(next(configurations())).encode()
    try_all(model_from_json, range(150 * TIMES), lambda dice: altered(text, dice))
    pytest.importorskip('yaml')
    try_all(model_from_yaml, range(60 * TIMES), lambda dice: altered(text, dice))


def test_arrays_and_pickles():
    import pickle

    made = io.BytesIO()
    np.savez_compressed(made, a=np.arange(12.0).reshape(3, 4), b=np.array(['x', 'yz']))
    data = made.getvalue()
    count = 800 * TIMES
    assert 0 < try_all(lambda d: arrays.load_npz(io.BytesIO(d)), range(count), lambda dice: altered(data, dice)) < count
    pickled = [
        pickle.dumps({'data': np.arange(12.0), 'labels': [1, 2], 'name': 'x'}, protocol) for protocol in range(5)
    ]
    assert 0 < try_all(arrays.unpickle, range(count), lambda dice: altered(dice.choice(pickled), dice)) < count
