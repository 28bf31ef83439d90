"""Further files that are small and would be dear to read, as those of `costly`: at doors beside the models' own, and of kinds that nobody has listed."""

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile

import numpy as np

from cthulhu import backend as K
from tests.saving.costly import (
    ATTACKS,
    Doors,
    archive_doors,
    attack,
    config_doors,
    dense_model,
    file_doors,
    header,
    tar_bytes,
    text_doors,
)
from tests.saving.test_attacks import h5_file, keras_file, npz_with, sequential

__all__ = ['ATTACKS']  # of both

# -- backups ----------------------------------------------------------------------------------------------------------------


def backup_doors(folder, state, arrays=(), method=zipfile.ZIP_STORED):
    """What reads the backup of a training; `state` is the text in it, `arrays` are the bytes of its arrays."""
    from cthulhu.callbacks import backup

    path = str(folder / 'training.backup')
    with zipfile.ZipFile(path, 'w', method) as file:
        file.writestr('state.json', state)
        for i, data in enumerate(arrays):
            file.writestr(f'{i}.npy', data)

    def resume():
        model = dense_model()
        model.conjure('sgd', 'mse')
        callback = backup.BackupAndRestore(str(folder))
        model.summon(np.zeros((2, 4)), np.zeros((2, 3)), epochs=1, verbose=0, callbacks=[callback])

    found = {'load': lambda: backup.load(path)}
    if K.supports('gradients'):
        found['summon'] = resume
    return Doors.of(os.path.getsize(path), found)


def npy(array):
    made = io.BytesIO()
    np.save(made, array)
    return made.getvalue()


@attack(1000, 10000)
def backup_of_one_array(n, folder):
    """It has one array, of 1 MB, at many places."""
    state = json.dumps([{'array': 0, 'scalar': False}] * n)
    return backup_doors(folder, state, [npy(np.zeros(2**18, 'float32'))])


@attack(3 * 10**5, 3 * 10**6)
def backup_of_many_lists(n, folder):
    return backup_doors(folder, '[' + '[],' * (n // 3) + '[]]', method=zipfile.ZIP_DEFLATED)


@attack(2**24, 2**28)
def backup_that_grows(n, folder):
    return backup_doors(folder, '[' + ' ' * n + ']', method=zipfile.ZIP_DEFLATED)


# -- arrays of NumPy ----------------------------------------------------------------------------------------------------------


def npz_doors(path):
    from cthulhu.storage import arrays

    def stream():
        with open(path, 'rb') as file:
            return arrays.load_npz(io.BytesIO(file.read()))

    return Doors.of(os.path.getsize(path), {'path': lambda: arrays.load_npz(path), 'stream': stream})


def npz_of(folder, members, method=zipfile.ZIP_DEFLATED):
    path = str(folder / 'x.npz')
    with zipfile.ZipFile(path, 'w', method) as file:
        for name, data in members:
            file.writestr(name, data)
    return npz_doors(path)


@attack(20, 200)
def npz_of_long_headers(n, folder):
    """The header of each array is Python, of nearly 64 KB that say nothing."""
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (0,), " + b"'x':0," * 10000 + b'}\n'
    data = b'\x93NUMPY\x02\x00' + struct.pack('<I', len(text)) + text
    return npz_of(folder, [(f'{i}.npy', data) for i in range(n)])


@attack(1000, 10000)
def npz_of_empty_arrays(n, folder):
    data = npy(np.zeros(0, 'float32'))
    return npz_of(folder, [(f'{i}.npy', data) for i in range(n)])


@attack(2**24, 2**28)
def npz_that_grows(n, folder):
    return npz_of(folder, [('x.npy', npy(np.zeros(n, 'uint8')))])


@attack(10**9, 10**12)
def npz_that_announces(n, folder):
    return npz_doors(npz_with(folder / 'x.npz', ('<f4', f'({n},)'), b'1234'))


# -- pickles ------------------------------------------------------------------------------------------------------------------


def pickle_doors(data):
    """What reads pickles: `unpickle`, and the arrays of a dict."""
    from cthulhu.models import load_model
    from cthulhu.storage import arrays

    inner = {'_is_group': True, 'weight_names': ['k'], 'k': data, '_k_pickled': True}

    def whole():
        weights = {'_is_group': True, 'layer_names': ['dense_1'], 'dense_1': dict(inner), 'keras_version': '2.3.1'}
        return {'_is_group': True, 'model_config': json.dumps(sequential()), 'model_weights': weights}

    doors = {'unpickle': lambda: arrays.unpickle(data), 'dict': lambda: load_model(whole())}
    return Doors.of(len(data), dict(doors, weights=lambda: dense_model().load_weights(whole())))


@attack(10**5, 10**6)
def pickle_of_empty_lists(n, folder):
    return pickle_doors(b'\x80\x02(' + b']' * n + b'l.')


@attack(10**5, 10**6)
def pickle_of_marks(n, folder):
    return pickle_doors(b'\x80\x02' + b'(' * n + b'.')


@attack(10**5, 10**6)
def pickle_of_nested_tuples(n, folder):
    return pickle_doors(b'\x80\x02)' + b'\x85' * n + b'.')


@attack(6, 60)
def pickle_of_shared_pairs(n, folder):
    made = [1.5]
    for _ in range(n):
        made = [made, made]
    return pickle_doors(pickle.dumps(made, 2))


@attack(10**5, 10**6)
def pickle_with_a_long_number(n, folder):
    return pickle_doors(b'\x80\x02\x8b' + struct.pack('<I', n) + b'\x7f' * n + b'.')


# -- safetensors ----------------------------------------------------------------------------------------------------------------


try:
    import safetensors
except ImportError:  # there is none for every Python
    safetensors = None


def tensor_attack(small, large):
    return attack(small, large) if safetensors else lambda maker: maker


def tensor_doors(folder, entries, layers, data=b''):
    path = str(folder / 'w.safetensors')
    metadata = {'layers': layers if isinstance(layers, str) else json.dumps(layers), 'keras_version': '2.3.1'}
    text = json.dumps(dict({'__metadata__': metadata}, **entries)).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + data)
    doors = {'weights': lambda: dense_model().load_weights(path)}
    return Doors.of(os.path.getsize(path), dict(doors, by_name=lambda: dense_model().load_weights(path, by_name=True)))


_DENSE = {
    'dense_1/kernel': {'dtype': 'F32', 'shape': [4, 3], 'data_offsets': [0, 48]},
    'dense_1/bias': {'dtype': 'F32', 'shape': [3], 'data_offsets': [48, 60]},
}


@tensor_attack(500, 5000)
def tensors_of_one_layer(n, folder):
    return tensor_doors(folder, _DENSE, [['dense_1', ['kernel', 'bias']]] * n, bytes(60))


@tensor_attack(300, 3000)
def tensors_that_are_named_often(n, folder):
    return tensor_doors(folder, _DENSE, [['dense_1', ['kernel'] * n]] * 20, bytes(60))


@tensor_attack(10**5, 10**6)
def tensors_of_many_lists(n, folder):
    return tensor_doors(folder, _DENSE, '[' + '[],' * (n // 3) + '[]]', bytes(60))


@tensor_attack(2000, 20000)
def empty_tensors(n, folder):
    more = {f'dense_1/{i}': {'dtype': 'F32', 'shape': [0], 'data_offsets': [60, 60]} for i in range(n)}
    return tensor_doors(folder, dict(_DENSE, **more), [['dense_1', list(map(str, range(n)))]], bytes(60))


# -- tokenizers and vocabularies --------------------------------------------------------------------------------------------------


def tokenizer_doors(text):
    from cthulhu.preprocessing.text import tokenizer_from_json

    return Doors.of(len(text), {'tokenizer_from_json': lambda: tokenizer_from_json(text)})


def tokenizer_with(**config):
    return json.dumps({'class_name': 'Tokenizer', 'config': config})


@attack(10**6, 10**7)
def tokenizer_of_lists(n, folder):
    return tokenizer_doors('{"class_name": "Tokenizer", "config": [' + '[],' * (n // 3) + '[]]}')


@attack(10**6, 10**7)
def tokenizer_of_lists_in_its_table(n, folder):
    return tokenizer_doors(tokenizer_with(word_index='{"a": [' + '[],' * (n // 3) + '[]]}'))


@attack(10**4, 10**5)
def tokenizer_with_odd_numbers(n, folder):
    return tokenizer_doors(tokenizer_with(index_word=json.dumps({f'{i:010d}': 'a' for i in range(n)})))


def archive_with(folder, members, method=zipfile.ZIP_STORED):
    """The doors of a .keras archive in which some members are others."""
    path = keras_file(folder / 'm.keras', sequential())
    with zipfile.ZipFile(path) as file:
        kept = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, 'w', method) as file:
        for name, data in dict(kept, **members).items():
            file.writestr(name, data)
    return file_doors(path)


def with_lookup(folder, text, method=zipfile.ZIP_STORED):
    lookup = {
        'class_name': 'IntegerLookup',
        'config': {'name': 'l', 'vocabulary': None, 'batch_input_shape': [None, 1], 'dtype': 'int64'},
    }
    config = {'class_name': 'Sequential', 'config': {'name': 's', 'layers': [lookup]}}
    return archive_with(folder, {'config.json': json.dumps(config), 'assets/layers/integer_lookup/vocabulary.txt': text}, method)  # fmt: skip


@attack(10**4, 10**5)
def vocabulary(n, folder):
    return with_lookup(folder, ''.join(f'{i}\n' for i in range(n)), zipfile.ZIP_DEFLATED)


@attack(10**5, 10**6)
def vocabulary_with_a_long_number(n, folder):
    return with_lookup(folder, '1' * n + '\n', zipfile.ZIP_DEFLATED)


@attack(10**6, 10**7)
def vocabulary_of_empty_lines(n, folder):
    return with_lookup(folder, '\n' * n, zipfile.ZIP_DEFLATED)


# -- archives of models ---------------------------------------------------------------------------------------------------------------


@attack(10**6, 10**7)
def blanks_that_explain(n, folder):
    """Blanks of the settings take nothing in a compressed archive, and would be what explains the calls of layers."""
    from tests.saving.costly import model_in_model

    text = json.dumps(model_in_model(9 if n < 10**7 else 14)) + ' ' * n
    return archive_with(folder, {'config.json': text}, zipfile.ZIP_DEFLATED)


@attack(2000, 20000)
def archive_of_many_members(n, folder):
    return archive_with(folder, {f'm{i}': '' for i in range(n)})


@attack(300, 3000)
def one_array_of_many_places(n, folder):
    """`vars/0`, `vars/1`, ... are one array."""

    def write(group, kernel, bias):
        group[kernel] = np.ones((4, 3), 'float32')
        for i in range(1, n):
            group[str(i)] = group[kernel]

    return file_doors(keras_file(folder / 'm.keras', sequential(), weights=write))


# -- tar and zip -------------------------------------------------------------------------------------------------------------------------


def member(name):
    return header(name, tarfile.REGTYPE, 0)


def with_header(kind, text):
    return header('x', kind, len(text)) + text + bytes(-len(text) % 512)


@attack(300, 3000)
def tar_of_deep_paths(n, folder):
    deep = with_header(tarfile.GNUTYPE_LONGNAME, b'a/' * 2000 + b'a\0')
    return archive_doors(folder, tar_bytes([(deep + member('a'), n)]))


@attack(300, 3000)
def tar_of_pax_records(n, folder):
    """Each member has thousands of them."""
    records = b''.join(b'11 %05d=a\n' % i for i in range(2000))
    return archive_doors(folder, tar_bytes([(with_header(tarfile.XHDTYPE, records) + member('a'), n)]))


@attack(1000, 10000)
def tar_of_global_records(n, folder):
    """Each member is told the thousands of records that are for all."""
    shared = b''.join(
        with_header(tarfile.XGLTYPE, b''.join(b'13 %05d%02d=a\n' % (i, k) for i in range(4000))) for k in range(20)
    )
    own = with_header(tarfile.XHDTYPE, b'6 a=b\n') + member('a')
    return archive_doors(folder, tar_bytes([(shared, 1), (own, n)]))


@attack(2**25, 2**28)
def tar_of_xz_that_fills_the_disk(n, folder):
    import lzma

    made = lzma.compress(header('a', tarfile.REGTYPE, n) + bytes(n) + bytes(1024), preset=1)
    return archive_doors(folder, made, 'a.tar.xz')


@attack(2**25, 2**28)
def zeros_that_are_no_tar(n, folder):
    return archive_doors(folder, tar_bytes([(bytes(2**20), n // 2**20)]))


@attack(200, 2000)
def zip_of_many_members(n, folder):
    made = io.BytesIO()
    with zipfile.ZipFile(made, 'w') as file:
        for i in range(n):
            file.writestr(f'{i}', '')
    return archive_doors(folder, made.getvalue(), 'a.zip')


@attack(20, 200)
def zip_of_one_member_many_times(n, folder):
    """Its members overlap: all of them are the same 1 MB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, 'w', zipfile.ZIP_DEFLATED) as file:
        file.writestr('00000', bytes(2**20))
        first = file.infolist()[0]
        for i in range(1, n):
            other = zipfile.ZipInfo(f'{i:05d}')
            for name in ('CRC', 'compress_size', 'file_size', 'header_offset', 'compress_type'):
                setattr(other, name, getattr(first, name))
            file.filelist.append(other)
        file._didModify = True
    return archive_doors(folder, made.getvalue(), 'a.zip')


# -- numbers that cost ------------------------------------------------------------------------------------------------------------------


def alone(kind, shape, **settings):
    layer = {'class_name': kind, 'config': dict({'name': 'l', 'batch_input_shape': [None] + shape}, **settings)}
    return {'class_name': 'Sequential', 'config': {'name': 's', 'layers': [layer]}}


@attack(60, 600)
def iterations_of_a_spectral_norm(n, folder):
    inner = {'class_name': 'Dense', 'config': {'name': 'd', 'units': 2}}
    return config_doors(alone('SpectralNormalization', [3], layer=inner, power_iterations=n), folder)


@attack(10, 100)
def kernel_of_a_local_layer(n, folder):
    return config_doors(alone('LocallyConnected2D', [n, n, 1], filters=1, kernel_size=[n, n]), folder)


@attack(500, 5000)
def parts_of_a_tensor(n, folder):
    place = {
        'class_name': 'InputLayer',
        'name': 'i',
        'config': {'batch_input_shape': [None, n], 'dtype': 'float32', 'name': 'i'},
        'inbound_nodes': [],
    }
    parts = {
        'class_name': 'TFOpLambda',
        'name': 'u',
        'config': {'name': 'u', 'function': 'unstack'},
        'inbound_nodes': [['i', 0, 0, {'axis': 1}]],
    }
    settings = {'name': 'm', 'layers': [place, parts], 'input_layers': [['i', 0, 0]], 'output_layers': [['u', 0, 0]]}
    found = config_doors({'class_name': 'Functional', 'config': settings}, folder)  # fmt: skip
    return found.but('by_from_config', 'by_deserialize')  # which are for what Keras 2.3 says


@attack(500, 5000)
def groups_of_a_convolution(n, folder):
    return config_doors(alone('Conv2D', [3, 3, n], filters=n, kernel_size=[1, 1], groups=n), folder)


@attack(1000, 10000)
def sizes_of_upsampling(n, folder):
    return config_doors(alone('UpSampling2D', [3, 3, 1], size=[n, n], interpolation='bilinear'), folder)


@attack(1000, 10000)
def numbers_of_a_lookup(n, folder):
    return config_doors(alone('IntegerLookup', [1], vocabulary=list(range(n)), output_mode='one_hot'), folder)


@attack(10**5, 10**9)
def tokens_of_an_encoding(n, folder):
    return config_doors(alone('CategoryEncoding', [1], num_tokens=n), folder)


@attack(10**5, 10**8)
def unknown_numbers_of_a_lookup(n, folder):
    return config_doors(alone('IntegerLookup', [1], vocabulary=[1], num_oov_indices=n), folder)


def trained(folder, optimizer, **more):
    training = dict({'optimizer_config': optimizer, 'loss': 'mse'}, **more)
    path = h5_file(folder / 'm.h5', sequential(), training=training)
    return file_doors(path, weights=False)


@attack(1000, 10000)
def steps_of_muon(n, folder):
    return trained(folder, {'class_name': 'Muon', 'config': {'ns_steps': n}})


@attack(10, 80)
def optimizers_in_optimizers(n, folder):
    made = {'class_name': 'SGD', 'config': {}}
    for _ in range(n):
        made = {'class_name': 'LossScaleOptimizer', 'config': {'inner_optimizer': made}}
    return trained(folder, made)


@attack(10, 80)
def schedules_in_schedules(n, folder):
    made = 0.1
    for _ in range(n):
        made = {'class_name': 'WarmUp', 'config': {'then': made, 'steps': 3}}
    return trained(folder, {'class_name': 'SGD', 'config': {'learning_rate': made}})


@attack(2000, 20000)
def steps_of_a_schedule(n, folder):
    settings = {'boundaries': list(range(n)), 'values': [0.1] * (n + 1)}
    schedule = {'class_name': 'PiecewiseConstantDecay', 'config': settings}
    return trained(folder, {'class_name': 'SGD', 'config': {'learning_rate': schedule}})


def dense(**settings):
    return sequential({'class_name': 'Dense', 'config': dict({'name': 'd', 'units': 2}, **settings)})


@attack(1000, 10000)
def unknown_arguments(n, folder):
    return config_doors(dense(**{f'unit{i}': 1 for i in range(n)}), folder)


@attack(1000, 10000)
def losses(n, folder):
    return trained(folder, {'class_name': 'SGD', 'config': {}}, loss=['mse'] * n, loss_weights=[1.0] * n)


@attack(1000, 10000)
def metrics_of_names(n, folder):
    return trained(folder, {'class_name': 'SGD', 'config': {}}, metrics={f'dense_{i}': ['mae'] for i in range(n)})


@attack(1000, 10000)
def axes_of_a_shape(n, folder):
    return config_doors(alone('BatchNormalization', [1] * n), folder)


@attack(1000, 10000)
def axes_of_a_layer(n, folder):
    return config_doors(alone('Softmax', [3, 3], axis=[1] * n), folder)


@attack(4, 16)
def layers_in_both_directions(n, folder):
    made = {'class_name': 'LSTM', 'config': {'name': 'l', 'units': 1, 'return_sequences': True}}
    for i in range(n):
        made = {'class_name': 'Bidirectional', 'config': {'name': f'b{i}', 'layer': made, 'merge_mode': 'sum'}}
    made['config']['batch_input_shape'] = [None, 2, 1]
    return config_doors({'class_name': 'Sequential', 'config': {'name': 's', 'layers': [made]}}, folder)


@attack(4, 16)
def norms_in_norms(n, folder):
    made = {'class_name': 'Dense', 'config': {'name': 'd', 'units': 2}}
    for i in range(n):
        made = {'class_name': 'SpectralNormalization', 'config': {'name': f'n{i}', 'layer': made}}
    made['config']['batch_input_shape'] = [None, 3]
    return config_doors({'class_name': 'Sequential', 'config': {'name': 's', 'layers': [made]}}, folder)


@attack(10, 80)
def wrappers_in_wrappers(n, folder):
    made = {'class_name': 'Activation', 'config': {'name': 'a', 'activation': 'relu'}}
    for i in range(n):
        made = {'class_name': 'TimeDistributed', 'config': {'name': f't{i}', 'layer': made}}
    made['config']['batch_input_shape'] = [None] + [1] * (n + 1)
    return config_doors({'class_name': 'Sequential', 'config': {'name': 's', 'layers': [made]}}, folder)


@attack(20, 200)
def cells_in_a_stack(n, folder):
    cell = {'class_name': 'LSTMCell', 'config': {'name': 'c', 'units': 1}}
    cells = {'class_name': 'StackedRNNCells', 'config': {'name': 'k', 'cells': [cell] * n}}
    return config_doors(alone('RNN', [2, 1], cell=cells), folder)


@attack(10**5, 10**6)
def number_of_many_digits(n, folder):
    text = '{"class_name": "Sequential", "config": 0.' + '1' * n + '}'
    return text_doors(text, text)


def yaml_of(text):
    return text_doors(yaml_text='class_name: Sequential\nconfig:\n' + text)


@attack(10**4, 10**5)
def yaml_documents(n, folder):
    return text_doors(yaml_text='--- a\n' * n)


@attack(10**4, 10**5)
def yaml_folded_lines(n, folder):
    return yaml_of('  a\n' * n)


@attack(10**5, 10**6)
def yaml_comments(n, folder):
    return yaml_of('#\n' * n + '  a')


@attack(10**5, 10**6)
def yaml_escapes(n, folder):
    return yaml_of('  "' + '\\a' * n + '"')


@attack(1000, 10000)
def yaml_blocks(n, folder):
    return yaml_of('  ' + '- ' * n + 'a')


@attack(1000, 10000)
def yaml_keys_of_keys(n, folder):
    return yaml_of('  ' + '? ' * n + 'a')


@attack(10**4, 10**5)
def yaml_tags(n, folder):
    return yaml_of('  [' + '!!str a,' * n + 'a]')
