"""Files that are small and would be dear to read: each maker is a function of a size and a folder, and gives the doors at which to try what it made.

Those here are models, weights and texts; `costly_doors` has further ones, and `sweep` tries and measures all.
"""

import functools
import io
import json
import os
import struct
import tarfile
import threading
import zipfile
import zlib

import numpy as np

from tests.saving import test_attacks as doors
from tests.saving.test_attacks import h5_file, keras_file, sequential

try:
    import h5py
except ImportError:
    h5py = None

ATTACKS = {}

OURS = 'ModelFileError', 'UnsafeFileError', 'DamagedFileError', 'Misfit'


class Doors(dict):
    """Name of a door -> function without arguments; `content` is how many bytes, or characters, come in at each of them."""

    content = 0

    @classmethod
    def of(cls, content, doors):
        made = cls(doors)
        made.content = content
        return made

    def but(self, *names):
        return Doors.of(self.content, {name: door for name, door in self.items() if name not in names})


def attack(small, large):
    """Decorator: a maker, a function of (size, folder) that gives Doors; `small` and `large` are the sizes that are tried."""

    def add(maker):
        ATTACKS[maker.__name__] = maker
        maker.sizes = small, large
        return maker

    return add


def dense_model(name='dense_1'):
    from cthulhu.layers import Daoloth
    from cthulhu.models import Pile

    return Pile([Daoloth(3, input_shape=(4,), name=name)])


def file_doors(path, weights=True, model=True):
    """What reads a file of a model: {door: function}."""
    from cthulhu.models import load_model
    from cthulhu.utils import HDF5Matrix

    def streamed(read):
        with open(path, 'rb') as file:
            return read(io.BytesIO(file.read()))

    def opened(read):
        with h5py.File(path, 'r') as file:
            return read(file)

    def rows():
        try:
            return HDF5Matrix(path, 'model_weights/dense_1/dense_1/kernel:0')[0:1]
        finally:
            if path in HDF5Matrix.refs:
                HDF5Matrix.refs.pop(path).close()

    doors = {}
    if model:
        doors['path'] = lambda: load_model(path)
        doors['stream'] = lambda: streamed(load_model)
        if path.endswith('.h5'):
            doors['open file'] = lambda: opened(load_model)
    if weights:
        doors['weights'] = lambda: dense_model().load_weights(path)
        doors['weights by name'] = lambda: dense_model().load_weights(path, by_name=True)
        doors['weights in a stream'] = lambda: streamed(lambda stream: dense_model().load_weights(stream))
        if path.endswith('.h5'):
            doors['weights in an open file'] = lambda: opened(lambda file: dense_model().load_weights(file))
            doors['rows'] = rows
    return Doors.of(os.path.getsize(path), doors)


def config_doors(config, folder):
    """What reads a configuration."""
    from cthulhu.models import model_from_json, model_from_yaml

    text = json.dumps(config)  # which is YAML, too
    texts = {'by_json': lambda: model_from_json(text), 'by_yaml': lambda: model_from_yaml(text)}
    files = [doors.by_path, doors.by_dict, doors.by_archive]
    found = {door.__name__: functools.partial(door, config, folder) for door in files + doors.BARE + [doors.by_config]}
    made = Doors.of(len(text), dict(found, **texts))
    # What is long is honest as a rule, and dear: the small size has been at all doors.
    return made if len(text) < 10**5 else made.but('by_dict', 'by_config', 'by_deserialize', 'by_yaml')


def text_doors(json_text=None, yaml_text=None):
    from cthulhu.models import model_from_json, model_from_yaml

    found = {}
    if json_text is not None:
        found['json'] = lambda: model_from_json(json_text)
    if yaml_text is not None:
        found['yaml'] = lambda: model_from_yaml(yaml_text)
    return Doors.of(max(len(json_text or ''), len(yaml_text or '')), found)


# -- HDF5: lists of names, structures that are reached many times ------------------------------------------------------


@attack(300, 3000)
def names_times_names(n, folder):
    path = h5_file(folder / 'm.h5', sequential())
    with h5py.File(path, 'a') as file:
        group = file['model_weights']
        group.attrs['layer_names'] = [b'a'] * n
        inner = group.create_group('a')
        inner.attrs['weight_names'] = [b'e'] * n
        inner['e'] = np.zeros((0,), 'float32')
    return file_doors(path)


@attack(300, 3000)
def names_times_names_in_a_dict(n, folder):
    from cthulhu.models import load_model

    inner = {'_is_group': True, 'weight_names': ['e'] * n, 'e': np.zeros((0,), 'float32')}
    weights = {'_is_group': True, 'layer_names': ['a'] * n, 'a': inner, 'keras_version': '2.3.1'}
    whole = {'_is_group': True, 'model_config': json.dumps(sequential()), 'model_weights': weights}
    return Doors.of(40 * n, {'dict': lambda: load_model(whole), 'weights': lambda: dense_model().load_weights(whole)})


def addresses_of_root(data):
    """(place of the root's symbol table message, address of its tree, of its heap) in the bytes of a file that h5py wrote."""
    tree, heap = data.index(b'TREE'), data.index(b'HEAP')
    return data.index(struct.pack('<QQ', tree, heap), 100), tree, heap


def sized(data):
    """The bytes with the end of the file that they say corrected."""
    data = bytearray(data)
    data[40:48] = struct.pack('<Q', len(data))
    return bytes(data)


def tree_of(children, level=0):
    return b'TREE' + struct.pack('<BBHQQ', 0, level, len(children), 2**64 - 1, 2**64 - 1) + struct.pack('<Q', 0) + b''.join(
        struct.pack('<QQ', child, 0) for child in children
    )  # fmt: skip


@attack(1000, 10000)
def one_symbol_node_many_times(n, folder):
    path = h5_file(folder / 'm.h5', sequential())
    with h5py.File(path, 'a') as file:
        for i in range(7):
            file.create_group(f'g{i}')
    with open(path, 'rb') as file:
        data = file.read()
    place, tree, heap = addresses_of_root(data)
    node = struct.unpack('<Q', data[tree + 32 : tree + 40])[0]
    data += bytes(-len(data) % 8)
    leaves = []
    for _ in range(2):
        leaves.append(len(data))
        data += tree_of([node] * n)
    top = len(data)
    data += tree_of(leaves, 1)
    for at in [i for i in range(0, top, 1) if data[i : i + 16] == struct.pack('<QQ', tree, heap)]:
        data = data[:at] + struct.pack('<Q', top) + data[at + 8 :]
    with open(path, 'wb') as file:
        file.write(sized(data))
    return file_doors(path).but('open file', 'weights in an open file', 'rows')  # which HDF5's own library reads


@attack(1000, 10000)
def names_that_overlap(n, folder):
    path = h5_file(folder / 'm.h5', sequential())
    with open(path, 'rb') as file:
        data = file.read()
    place, tree, heap = addresses_of_root(data)
    node = struct.unpack('<Q', data[tree + 32 : tree + 40])[0]
    target = struct.unpack('<Q', data[node + 16 : node + 24])[0]
    data += bytes(-len(data) % 8)
    inside = b'a' * 40 * n + b'\0' * 8
    new_heap = len(data)
    data += b'HEAP' + struct.pack('<IQQQ', 0, len(inside), 2**64 - 1, new_heap + 32) + inside
    new_node = len(data)
    data += (
        b'SNOD'
        + struct.pack('<BBH', 1, 0, n)
        + b''.join(struct.pack('<QQIIQQ', i, target, 0, 0, 0, 0) for i in range(n))
    )
    new_tree = len(data)
    data += tree_of([new_node])
    for at in [i for i in range(0, new_heap, 1) if data[i : i + 16] == struct.pack('<QQ', tree, heap)]:
        data = data[:at] + struct.pack('<QQ', new_tree, new_heap) + data[at + 16 :]
    with open(path, 'wb') as file:
        file.write(sized(data))
    return file_doors(path).but('open file', 'weights in an open file', 'rows')  # which HDF5's own library reads


@attack(25, 250)
def one_text_many_times(n, folder):
    path = h5_file(folder / 'm.h5', sequential())
    kind = h5py.string_dtype()
    with h5py.File(path, 'a') as file:
        group = file['model_weights']
        del group.attrs['layer_names']
        del group['dense_1']
        for i in range(n):
            group.attrs.create(f'layer_names{i}', ['x' * 2**23 if i == 0 else f'y{i:05d}'], dtype=kind)
    with open(path, 'rb') as file:
        data = bytearray(file.read())
    long = struct.pack('<I', 2**23)
    first = next(
        i for i in range(len(data) - 16)
        if data[i : i + 4] == long and data[struct.unpack('<Q', data[i + 4 : i + 12])[0] :][:4] == b'GCOL'
    )  # fmt: skip
    reference = bytes(data[first : first + 16])
    at = changed = 0
    while True:
        at = data.find(struct.pack('<I', 6), at)
        if at < 0:
            break
        address = struct.unpack('<Q', data[at + 4 : at + 12])[0] if at + 16 <= len(data) else 0
        if address and data[address : address + 4] == b'GCOL':
            data[at : at + 16] = reference
            changed += 1
        at += 1
    assert changed >= n - 1
    with open(path, 'wb') as file:
        file.write(bytes(data))
    return file_doors(path).but('open file', 'weights in an open file', 'rows')  # which HDF5's own library reads


@attack(30, 300)
def chunks_far_larger_than_the_array(n, folder):
    """As many chunks of 32 MB of zeros each in an array of (n, 1)."""

    def write(group, kernel, bias):
        width = 2**23
        data = group.create_dataset(
            kernel, (n, 1), 'float32', maxshape=(n, None), chunks=(1, width), compression='gzip'
        )
        squeezed = zlib.compress(bytes(4 * width), 9)
        for i in range(n):
            data.id.write_direct_chunk((i, 0), squeezed)
        group[bias] = np.ones(3, 'float32')

    return file_doors(h5_file(folder / 'm.h5', sequential(), weights=write))


# -- zip and tar --------------------------------------------------------------------------------------------------------


@attack(2**25, 2**28)
def zip_member_that_lies(n, folder):
    """A member says that it is stored in more bytes than the file has, so that its size looks likely."""
    path = keras_file(folder / 'm.keras', sequential())
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            if name == 'model.weights.h5':
                with file.open(name, 'w') as member:
                    for _ in range(n // 2**20):
                        member.write(bytes(2**20))
                kept = file.getinfo(name).compress_size
            else:
                file.writestr(name, data)
    with open(path, 'rb') as file:
        data = file.read()
    at = data.rindex(b'PK\x01\x02')
    while data[at + 46 : at + 46 + 16] != b'model.weights.h5':
        at = data.rindex(b'PK\x01\x02', 0, at)
    assert data[at + 20 : at + 24] == struct.pack('<I', kept)
    data = data[: at + 20] + struct.pack('<I', n // 32) + data[at + 24 :]
    with open(path, 'wb') as file:
        file.write(data)
    return file_doors(path)


def tar_bytes(parts):
    """A tar.gz of (bytes, how often) parts."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, 31)
    made = b''.join(squeezed.compress(data) for data, count in parts for _ in range(count))
    return made + squeezed.compress(bytes(1024)) + squeezed.flush()


def header(name, kind, size):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def archive_doors(folder, data, name='a.tar.gz'):
    from cthulhu.storage import archive
    from cthulhu.utils import get_file

    path = str(folder / name)
    with open(path, 'wb') as file:
        file.write(data)

    def extract():
        target = folder / 'target'
        target.mkdir(exist_ok=True)
        return archive.extract(path, str(target))

    def fetch():
        cache = folder / 'cache'
        return get_file('a.bin', 'file://' + path, extract=True, cache_dir=str(cache))

    return Doors.of(len(data), {'extract': extract, 'get_file': fetch})


@attack(2**24, 2**27)
def tar_with_a_long_name(n, folder):
    parts = [
        (header('././@LongLink', tarfile.GNUTYPE_LONGNAME, n), 1),
        (b'a' * 2**20, n // 2**20),
        (header('a', tarfile.REGTYPE, 0), 1),
    ]
    return archive_doors(folder, tar_bytes(parts))


@attack(2**24, 2**27)
def tar_with_a_pax_header(n, folder):
    parts = [(header('pax', tarfile.XHDTYPE, n), 1), (b'a' * 2**20, n // 2**20), (header('a', tarfile.REGTYPE, 0), 1)]
    return archive_doors(folder, tar_bytes(parts))


@attack(2**25, 2**28)
def tar_that_fills_the_disk(n, folder):
    parts = [(header('a', tarfile.REGTYPE, n), 1), (bytes(2**20), n // 2**20)]
    return archive_doors(folder, tar_bytes(parts))


@attack(20000, 200000)
def tar_of_many_members(n, folder):
    return archive_doors(folder, tar_bytes([(header('a', tarfile.REGTYPE, 0), n)]))


@attack(300, 3000)
def tar_of_headers_of_headers(n, folder):
    pax = header('pax', tarfile.XHDTYPE, 0)
    return archive_doors(folder, tar_bytes([(pax, n), (header('a', tarfile.REGTYPE, 0), 1)]))


@attack(2**25, 2**28)
def zip_that_fills_the_disk(n, folder):
    made = io.BytesIO()
    with zipfile.ZipFile(made, 'w', zipfile.ZIP_DEFLATED) as file:
        with file.open('a', 'w') as member:
            for _ in range(n // 2**20):
                member.write(bytes(2**20))
    return archive_doors(folder, made.getvalue(), 'a.zip')


@attack(2**22, 2**28)
def endless_body(n, folder):
    """A server that says no length, and ends after n bytes, long after anybody who fetches a small file."""
    import http.server

    from cthulhu.saving import reading_budget
    from cthulhu.utils import get_file

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            piece, left = bytes(2**20), n
            try:
                while left > 0:
                    self.wfile.write(piece)
                    left -= len(piece)
            except OSError:
                pass

        def log_message(self, *arguments):
            pass

    server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f'http://127.0.0.1:{server.server_port}/a.bin'

    def fetch():
        with reading_budget(1 / 256.0):
            get_file('a.bin', url, cache_dir=str(folder / 'cache'))

    return Doors.of(2**24, {'get_file': fetch})


# -- numbers that cost ------------------------------------------------------------------------------------------------------


@attack(3 * 10**6, 3 * 10**7)
def steps_of_nadam(n, folder):
    """A file in the order of tf.keras, from which the schedule of Nadam is worked out."""
    training = {'optimizer_config': {'class_name': 'Nadam', 'config': {}}, 'loss': 'mse'}
    path = h5_file(folder / 'm.h5', sequential(), training=training)
    with h5py.File(path, 'a') as file:
        group = file.create_group('optimizer_weights')
        group.attrs['weight_names'] = [b'iter:0']
        group['iter:0'] = np.int64(n)
    return file_doors(path, weights=False)


def recurrent(steps):
    state = {
        'class_name': 'LSTM',
        'config': {'name': 'l', 'units': 1, 'unroll': True, 'batch_input_shape': [1, steps, 1]},
    }
    return {'class_name': 'Sequential', 'config': {'name': 's', 'layers': [state]}}


@attack(2000, 20000)
def unrolled_steps(n, folder):
    return config_doors(recurrent(n), folder)


@attack(400, 4000)
def orthogonal(n, folder):
    square = {'class_name': 'Dense', 'config': {'name': 'd', 'units': n, 'batch_input_shape': [None, n], 'use_bias': False,
              'kernel_initializer': {'class_name': 'Orthogonal', 'config': {}}}}  # fmt: skip
    return config_doors({'class_name': 'Sequential', 'config': {'name': 's', 'layers': [square]}}, folder)


@attack(6, 8)
def shared_lists_in_a_pickle(n, folder):
    import pickle

    from cthulhu.models import load_model

    shared = [1.5] * 10
    for _ in range(n - 1):
        shared = [shared] * 10
    inner = {'_is_group': True, 'weight_names': ['k'], 'k': pickle.dumps(shared), '_k_pickled': True}
    weights = {'_is_group': True, 'layer_names': ['dense_1'], 'dense_1': inner, 'keras_version': '2.3.1'}

    def whole():
        copied = dict(weights, dense_1=dict(inner))  # what was unpickled stays in the dict
        return {'_is_group': True, 'model_config': json.dumps(sequential()), 'model_weights': copied}

    return Doors.of(1000, {'dict': lambda: load_model(whole()), 'weights': lambda: dense_model().load_weights(whole())})


# -- graphs that multiply ---------------------------------------------------------------------------------------------------


def model_in_model(depth):
    """Each model calls the one inside it twice."""
    inner = {'class_name': 'Dense', 'config': {'name': 'd', 'units': 1}}
    for i in range(depth):
        place = {'class_name': 'InputLayer', 'name': f'i{i}', 'config': {'batch_input_shape': [None, 1], 'dtype': 'float32', 'name': f'i{i}'}, 'inbound_nodes': []}  # fmt: skip
        name = inner['config']['name']
        first = 1 if i else 0
        called = dict(inner, name=name, inbound_nodes=[[[f'i{i}', 0, 0, {}]], [[name, first, 0, {}]]])
        inner = {'class_name': 'Model', 'config': {'name': f'm{i}', 'layers': [place, called], 'input_layers': [[f'i{i}', 0, 0]],
                 'output_layers': [[name, first + 1, 0]]}}  # fmt: skip
    return inner


@attack(5, 15)
def models_in_models(n, folder):
    return config_doors(model_in_model(n), folder)


@attack(200, 2000)
def long_pile(n, folder):
    return config_doors(sequential(*[{'class_name': 'Activation', 'config': {'name': f'a{i}', 'activation': 'linear'}} for i in range(n)]), folder)  # fmt: skip


@attack(80, 1600)
def metrics(n, folder):
    training = {'optimizer_config': {'class_name': 'SGD', 'config': {}}, 'loss': 'mse', 'metrics': ['mae'] * n}
    from cthulhu.models import load_model

    h5, kept = (
        h5_file(folder / 'm.h5', sequential(), training=training),
        keras_file(folder / 'm.keras', sequential(), training=dict(training, optimizer=training['optimizer_config'])),
    )
    return Doors.of(os.path.getsize(h5), {'path': lambda: load_model(h5), 'archive': lambda: load_model(kept)})


@attack(2000, 20000)
def unknown_classes(n, folder):
    return config_doors(
        sequential(*[{'class_name': f'Mine{i}', 'config': {'name': f'a{i}'}} for i in range(n)]), folder
    )


def calls_of(n):
    place = {
        'class_name': 'InputLayer',
        'name': 'i',
        'config': {'batch_input_shape': [None, 3], 'dtype': 'float32', 'name': 'i'},
        'inbound_nodes': [],
    }
    layer = {'class_name': 'Activation', 'name': 'a', 'config': {'name': 'a', 'activation': 'linear'}, 'inbound_nodes': [[['i', 0, 0, {}]]] + [
        [['a', i, 0, {}]] for i in range(n - 1)]}  # fmt: skip
    return {
        'class_name': 'Model',
        'config': {
            'name': 'm',
            'layers': [place, layer],
            'input_layers': [['i', 0, 0]],
            'output_layers': [['a', n - 1, 0]],
        },
    }


@attack(500, 5000)
def one_layer_called_often(n, folder):
    return config_doors(calls_of(n), folder)


@attack(200, 2000)
def chain_listed_backwards(n, folder):
    place = {
        'class_name': 'InputLayer',
        'name': 'a0',
        'config': {'batch_input_shape': [None, 3], 'dtype': 'float32', 'name': 'a0'},
        'inbound_nodes': [],
    }
    layers = [place] + [
        {'class_name': 'Activation', 'name': f'a{i}', 'config': {'name': f'a{i}', 'activation': 'linear'}, 'inbound_nodes': [[[f'a{i - 1}', 0, 0, {}]]]}
        for i in range(1, n)
    ]  # fmt: skip
    config = {
        'name': 'm',
        'layers': layers[::-1],
        'input_layers': [['a0', 0, 0]],
        'output_layers': [[f'a{n - 1}', 0, 0]],
    }
    return config_doors({'class_name': 'Model', 'config': config}, folder)


# -- text --------------------------------------------------------------------------------------------------------------------


@attack(10**5, 10**6)
def yaml_list(n, folder):
    return text_doors(yaml_text='class_name: Sequential\nconfig: [' + 'a,' * (n // 2) + 'a]')


@attack(8 * 10**4, 8 * 10**5)
def yaml_sexagesimal(n, folder):
    return text_doors(yaml_text='class_name: Sequential\nconfig: ' + '1:' * (n // 2) + '1')


@attack(8 * 10**4, 8 * 10**5)
def yaml_anchors(n, folder):
    return text_doors(yaml_text='class_name: Sequential\nconfig: [&a a,' + '*a,' * (n // 3) + 'a]')


@attack(4, 9)
def yaml_merge_keys(n, folder):
    lines = ['a0: &a0 {x: 1}'] + [f'a{i}: &a{i} {{<<: [{", ".join([f"*a{i - 1}"] * 10)}]}}' for i in range(1, n)]
    return text_doors(yaml_text='class_name: Sequential\nconfig:\n  ' + '\n  '.join(lines))


@attack(5 * 10**5, 5 * 10**6)
def json_of_many_lists(n, folder):
    text = '{"class_name": "Sequential", "config": [' + '[],' * (n // 3) + '[]]}'
    from cthulhu.models import load_model

    path = str(folder / 'm.keras')
    keras_file(path, sequential())
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, 'w') as file:
        for name, data in members.items():
            file.writestr(name, text if name == 'config.json' else data)
    return Doors.of(n, dict(text_doors(text), archive=lambda: load_model(path)))


@attack(3 * 10**6, 3 * 10**7)
def text_that_is_deep(n, folder):
    return text_doors('[' * n, '[' * n)


@attack(3 * 10**5, 3 * 10**6)
def long_layer_name(n, folder):
    return config_doors(sequential({'class_name': 'Dense', 'config': {'name': 'n' * n, 'units': 2}}), folder)


@attack(10**5, 10**6)
def json_with_a_long_number(n, folder):
    return text_doors(
        '{"class_name": "Sequential", "config": ' + '1' * n + '}', 'class_name: Sequential\nconfig: ' + '1' * n
    )


@attack(1000, 10000)
def one_output_listed_often(n, folder):
    config = calls_of(1)
    config['config']['output_layers'] *= n
    return config_doors(config, folder)


@attack(10**6, 10**7)
def one_text_of_many_arrays(n, folder):
    """A pickle in which a hundred arrays have one text as their values."""
    from cthulhu.storage import arrays

    array = (
        b'cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\x01btR(I1\n(I%d\ntcnumpy\ndtype\n(C\x02u1tRI00\nh\x00tb'
        % n
    )
    data = b'\x80\x03B' + struct.pack('<I', n) + bytes(n) + b'q\x000](' + array * 100 + b'e.'
    return Doors.of(len(data), {'unpickle': lambda: arrays.unpickle(data)})


@attack(100, 5000)
def many_filters(n, folder):
    """A chunk of 16 MB that has gone through the same filter again and again."""

    def write(group, kernel, bias):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((2**12, 2**10))
        for _ in range(min(n, 32)):  # as many as the HDF5 library makes
            plan.set_shuffle()
        space = h5py.h5s.create_simple((4, 3), (h5py.h5s.UNLIMITED, h5py.h5s.UNLIMITED))
        made = h5py.h5d.create(group.id, kernel.encode(), h5py.h5t.IEEE_F32LE, space, plan)
        made.write_direct_chunk((0, 0), bytes(2**24))
        group[bias] = np.ones(3, 'float32')

    return file_doors(h5_file(folder / 'm.h5', sequential(), weights=write))


@attack(100, 5000)
def groups_in_themselves(n, folder):
    path = h5_file(folder / 'm.h5', sequential())
    with h5py.File(path, 'a') as file:
        group = file['model_weights/dense_1']
        group['dense_1'].move('kernel:0', 'k')
        group['dense_1/self'] = group
        group.attrs['weight_names'] = [('dense_1/self/' * 500 + 'dense_1/k').encode()] * min(n // 50, 9)
    return file_doors(path)
