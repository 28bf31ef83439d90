"""Files and descriptions from strangers: each attack at each door is refused, and nothing outside of it is run, read, written or filled.

The table S1 to S9 of attacks on model files. Every test asserts that the error is ours, that no file was made or read outside, that no process was started and no
socket opened, and that less than 64 MB and two seconds of a processor were used to find out.
"""

import base64
import io
import json
import marshal
import os
import pickle
import struct
import sys
import tarfile
import types
import zipfile
import zlib

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import models
from cthulhu.layers import Daoloth, Input, deserialize
from cthulhu.models import Lump, Pile, load_model, model_from_config, model_from_json, model_from_yaml
from cthulhu.saving import ModelFileError, UnsafeFileError
from cthulhu.storage import archive, arrays
from tests.saving.measuring import measured

h5py = pytest.importorskip('h5py')
yaml = pytest.importorskip('yaml')

pytestmark = pytest.mark.filterwarnings('ignore:.*it was not conjured')

WATCHED = (
    'subprocess.Popen',
    'os.system',
    'os.exec',
    'os.fork',
    'os.posix_spawn',
    'os.spawn',
    'socket.connect',
    'socket.getaddrinfo',
    'pty.spawn',
)


class _Watch:
    """What happened in the process, by Python's audit events (from 3.8 on)."""

    on = False
    seen = []

    def __call__(self, event, arguments):
        if self.on and (event in WATCHED or (event == 'import' and arguments[0] in ('antigravity', 'this'))):
            self.seen.append((event, arguments))


_WATCH = _Watch()
if hasattr(sys, 'addaudithook'):
    sys.addaudithook(_WATCH)


@pytest.fixture(scope='module', autouse=True)
def warm():
    """What a first model makes once (graph, session, caches) is not the attack's."""
    model = Pile([Daoloth(3, input_shape=(4,))])
    model.conjure('sgd', 'mse')
    model.train_on_batch(np.zeros((2, 4)), np.zeros((2, 3))) if K.supports('gradients') else model.predict(
        np.zeros((2, 4))
    )


@pytest.fixture
def guard(tmp_path):
    """Refuses: call `guard(function, *arguments)`; it asserts that all goes as it should."""
    home = tmp_path / 'home'
    home.mkdir()

    def check(function, *arguments, **keywords):
        error = keywords.pop('error', ModelFileError)
        _WATCH.seen[:] = []
        _WATCH.on = True
        try:
            with measured(content=0, what=str(function)), pytest.raises(error) as caught:
                function(*arguments, **keywords)
        finally:
            _WATCH.on = False
        assert len(str(caught.value)) > 20
        assert not _WATCH.seen
        assert not os.listdir(str(home)), 'something was written'
        return caught.value

    check.marker = str(home / 'marker')
    return check


# -- making files ------------------------------------------------------------------------------------------


def sequential(*layers, **more):
    dense = {
        'class_name': 'Dense',
        'config': {'name': 'dense_1', 'units': 3, 'batch_input_shape': [None, 4], 'dtype': 'float32'},
    }
    return {
        'class_name': 'Sequential',
        'config': dict({'name': 'sequential_1', 'layers': [dense] + list(layers)}, **more),
    }


def fill(group, config, training=None, weights=None):
    group.attrs['keras_version'] = b'2.3.1'
    group.attrs['backend'] = b'tensorflow'
    group.attrs['model_config'] = json.dumps(config).encode()
    if training is not None:
        group.attrs['training_config'] = json.dumps(training).encode()
    inner = group.create_group('model_weights')
    inner.attrs['keras_version'] = b'2.3.1'
    inner.attrs['backend'] = b'tensorflow'
    write_dense(inner, weights)


def write_dense(group, weights=None):
    group.attrs['layer_names'] = [b'dense_1']
    layer = group.create_group('dense_1')
    layer.attrs['weight_names'] = [b'dense_1/kernel:0', b'dense_1/bias:0']
    inside = layer.create_group('dense_1')
    (weights or plain_weights)(inside, 'kernel:0', 'bias:0')


def plain_weights(group, kernel, bias):
    group[kernel] = np.ones((4, 3), 'float32')
    group[bias] = np.ones((3,), 'float32')


def h5_file(path, *arguments, **keywords):
    with h5py.File(str(path), 'w') as file:
        fill(file, *arguments, **keywords)
    return str(path)


def keras_file(path, config, weights=plain_weights, training=None):
    name = str(path) + '.inner'
    with h5py.File(name, 'w') as file:
        variables = file.create_group('layers/dense/vars')
        variables.attrs['name'] = b'dense_1'
        (weights or plain_weights)(variables, '0', '1')
    with open(name, 'rb') as file:
        inner = file.read()
    os.remove(name)
    if training is not None:
        config = dict(config, compile_config=training)
    with zipfile.ZipFile(str(path), 'w') as file:
        file.writestr('metadata.json', json.dumps({'keras_version': '3.15.1'}))
        file.writestr('config.json', json.dumps(config))
        file.writestr('model.weights.h5', inner)
    return str(path)


def by_path(config, folder, **options):
    return load_model(h5_file(folder / 'm.h5', config), **options)


def by_stream(config, folder, **options):
    with open(h5_file(folder / 'm.h5', config), 'rb') as file:
        return load_model(io.BytesIO(file.read()), **options)


def by_group(config, folder, **options):
    with h5py.File(h5_file(folder / 'm.h5', config), 'r') as file:
        return load_model(file, **options)


def by_dict(config, folder, **options):
    layer = {'_is_group': True, 'weight_names': ['k', 'b'], 'k': np.ones((4, 3), 'float32'), 'b': np.ones(3, 'float32')}
    weights = {'_is_group': True, 'layer_names': ['dense_1'], 'dense_1': layer, 'keras_version': '2.3.1'}
    return load_model({'_is_group': True, 'model_config': json.dumps(config), 'model_weights': weights}, **options)


def by_archive(config, folder, **options):
    return load_model(keras_file(folder / 'm.keras', config), **options)


def by_archive_stream(config, folder, **options):
    with open(keras_file(folder / 'm.keras', config), 'rb') as file:
        return load_model(io.BytesIO(file.read()), **options)


def by_json(config, folder, **options):
    return model_from_json(json.dumps(config), **options)


def by_yaml(config, folder, **options):
    return model_from_yaml(yaml.safe_dump(config), **options)


def by_config(config, folder, **options):
    return model_from_config(config, **options)


def by_from_config(config, folder, **options):
    options.pop('safe_mode', None)
    cls = Pile if config['class_name'] == 'Sequential' else Lump
    return cls.from_config(config['config'], **options)


def by_deserialize(config, folder, **options):
    options.pop('safe_mode', None)
    return deserialize(config, **options)


FILES = [by_path, by_stream, by_group, by_dict, by_archive, by_archive_stream]
TEXTS = [by_json, by_yaml, by_config]
BARE = [by_from_config, by_deserialize]
doors = pytest.mark.parametrize('door', FILES + TEXTS + BARE, ids=lambda f: f.__name__)
guarded_doors = pytest.mark.parametrize('door', FILES + TEXTS, ids=lambda f: f.__name__)


@guarded_doors
def test_every_door_opens_for_what_is_harmless(door, tmp_path):
    assert [layer.units for layer in door(sequential(), tmp_path, safe_mode=None).layers] == [3]


# -- S1: byte code -----------------------------------------------------------------------------------------


def evil_code(marker):
    code = compile(f'lambda x: (open({marker!r}, "w").write("run"), x)[1]', 'evil', 'eval')
    code = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    return base64.encodebytes(marshal.dumps(code)).decode()


def code_attacks(marker):
    code = [evil_code(marker), None, None]
    identity = {
        'name': 'l',
        'function': 'relu',
        'function_type': 'function',
        'output_shape': None,
        'output_shape_type': 'raw',
        'arguments': {},
    }
    bad = {'class_name': 'Lambda', 'config': dict(identity, function=code, function_type='lambda')}
    newer = {'class_name': '__lambda__', 'config': {'code': code[0], 'defaults': None, 'closure': None}}
    yield 'function', sequential(bad)
    yield (
        'text only',
        sequential({'class_name': 'Lambda', 'config': dict(identity, function=code[0], function_type='lambda')}),
    )
    yield (
        'output shape',
        sequential({'class_name': 'Lambda', 'config': dict(identity, output_shape=code, output_shape_type='lambda')}),
    )
    yield 'mask', sequential({'class_name': 'Lambda', 'config': dict(identity, mask=code)})
    yield (
        'other names',
        sequential({'class_name': 'LuKthu', 'config': dict(identity, function=code, function_type='lambda')}),
    )
    yield (
        'as in Keras 3',
        sequential({'module': 'keras.layers', 'class_name': 'Lambda', 'config': {'name': 'l', 'function': newer}}),
    )
    yield 'activation', sequential({'class_name': 'Activation', 'config': {'activation': newer}})
    repeated = {'class_name': 'RepeatVector', 'config': {'n': 2}}
    yield 'wrapped', sequential(repeated, {'class_name': 'TimeDistributed', 'config': {'layer': bad}})
    yield 'nested', sequential({'class_name': 'Sequential', 'config': {'name': 's', 'layers': [bad]}})
    yield 'as if allowed', dict(sequential(dict(bad, safe_mode=False), safe_mode=False), safe_mode=False)


CODE_ATTACKS = [name for name, _ in code_attacks('')]


@doors
@pytest.mark.parametrize('attack', CODE_ATTACKS)
def test_s1_byte_code(attack, door, guard, tmp_path):
    config = dict(code_attacks(guard.marker))[attack]
    guard(door, config, tmp_path, error=ValueError if door in BARE else ModelFileError)
    if door not in BARE:
        guard(door, config, tmp_path, safe_mode=None)


@guarded_doors
def test_s1_code_runs_only_if_the_caller_says_so(door, tmp_path):
    marker = str(tmp_path / 'marker')
    door(dict(code_attacks(marker))['function'], tmp_path, safe_mode=False)
    assert os.path.exists(marker)


def test_s1_a_function_of_this_program_comes_back_from_its_configuration_but_not_from_a_file(tmp_path, guard):
    from cthulhu.layers import LuKthu

    model = Pile([Daoloth(3, input_shape=(4,)), LuKthu(lambda x: x * 2 + np.float32(1))])
    path = str(tmp_path / 'm.h5')
    model.save(path)
    x = np.random.rand(2, 4)
    for again in (
        Pile.from_config(model.get_config()),
        model_from_config({'class_name': 'Sequential', 'config': model.get_config()}),
    ):
        again.set_weights(model.get_weights())
        np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-6)
    guard(load_model, path, error=UnsafeFileError)
    guard(model_from_json, model.to_json(), error=UnsafeFileError)
    np.testing.assert_allclose(load_model(path, compile=False, safe_mode=False).predict(x), model.predict(x), rtol=1e-6)


# -- S2, S3: classes and functions of other modules, and ours that do more than compute ----------------------

NAMES = [
    'os.system', 'system', 'eval', 'exec', '__import__', 'Popen', 'subprocess.Popen', 'get_file', 'load_model', 'load_backend', 'model_from_json', 'deserialize', 'get',
    'set_session', 'clear_session', 'function', 'func_load', 'serialize', 'K', 'np', 'Layer.from_config',
]  # fmt: skip


def name_attacks():
    for name in NAMES:
        dense = {'name': 'd', 'units': 2}
        part = {
            'module': 'os',
            'class_name': name,
            'config': {'args': ['true'], 'shell': True},
            'registered_name': name,
        }
        function = {'module': 'os', 'class_name': 'function', 'config': name, 'registered_name': 'function'}
        yield (
            'layer ' + name,
            sequential(
                {'module': 'subprocess', 'class_name': name, 'config': {'args': ['true']}, 'registered_name': name}
            ),
        )
        for key in ('activation', 'kernel_initializer', 'bias_regularizer', 'kernel_constraint'):
            for form, value in (('name', name), ('part', part), ('function', function)):
                yield (
                    f'{key} {form} {name}',
                    sequential({'class_name': 'Dense', 'config': dict(dense, **{key: value})}),
                )
        yield (
            'lambda ' + name,
            sequential(
                {
                    'class_name': 'Lambda',
                    'config': {'function': name, 'function_type': 'function', 'arguments': {'name': 'antigravity'}},
                }
            ),
        )


@doors
def test_s2_s3_names(door, guard, tmp_path):
    attacks = list(name_attacks())
    if door not in TEXTS:  # what a file says goes the way that its text goes: a part of the attacks will do
        attacks = attacks[::11]
    else:
        attacks = attacks[TEXTS.index(door) :: 3]
    for label, config in attacks:
        guard(door, config, tmp_path, error=(ValueError, TypeError) if door in BARE else ModelFileError), label


@pytest.mark.parametrize('door', [h5_file, keras_file], ids=lambda f: f.__name__)
def test_s2_s3_names_in_how_a_model_is_trained(door, guard, tmp_path):
    sgd = {'class_name': 'SGD', 'config': {'learning_rate': 0.1}}
    harmless = {
        'optimizer_config': sgd,
        'optimizer': sgd,
        'loss': 'mse',
        'metrics': ['mae'],
        'loss_weights': None,
        'sample_weight_mode': None,
    }
    name = 'm.h5' if door is h5_file else 'm.keras'
    load_model(door(tmp_path / name, sequential(), training=harmless))
    for name_ in ('os.system', 'eval', 'get_file', 'deserialize'):
        part = {'module': 'os', 'class_name': name_, 'config': {'command': 'true'}, 'registered_name': name_}
        wrapper = {'class_name': 'MeanMetricWrapper', 'config': {'name': 'm', 'fn': name_}}
        for change in (
            {'optimizer_config': part, 'optimizer': part}, {'loss': name_}, {'loss': [part]}, {'metrics': [name_]}, {'metrics': [wrapper]},
            {'weighted_metrics': [[part]]},
        ):  # fmt: skip
            guard(load_model, door(tmp_path / name, sequential(), training=dict(harmless, **change)))


# -- S4: custom objects in the place of the library's own ------------------------------------------------------


class Intruder(Daoloth):
    """A custom class that a file would like to be used in the place of Dense."""


@guarded_doors
def test_s4_the_file_does_not_choose_a_custom_class_over_one_of_the_library(door, tmp_path):
    config = sequential()
    config['config']['layers'][0].update(registered_name='package>Intruder', module='package')
    model = door(config, tmp_path, custom_objects={'package>Intruder': Intruder, 'Intruder': Intruder})
    assert type(model.layers[0]) is Daoloth
    # the caller may
    assert type(door(sequential(), tmp_path, custom_objects={'Dense': Intruder}).layers[0]) is Intruder


# -- S5: YAML --------------------------------------------------------------------------------------------------

TAGS = [
    '!!python/object/apply:os.system ["true > {}"]',
    '!!python/object/new:os.system ["true > {}"]',
    '!!python/object/apply:subprocess.Popen [["touch", "{}"]]',
    '!!python/object:cthulhu.models.Lump {{}}',
    '!!python/name:os.system',
    '!!python/module:antigravity',
    '!!python/object/apply:builtins.eval ["open({!r}, chr(119))"]',
    'class_name: !!python/object/apply:os.system ["true > {}"]\nconfig: {{}}',
    '!!python/tuple [!!python/object/apply:os.system ["true > {}"]]',
    '? !!python/object/apply:os.system ["true > {}"]\n: 1',
]


@pytest.mark.parametrize('text', TAGS)
def test_s5_tags(text, guard):
    guard(model_from_yaml, text.format(guard.marker))
    guard(model_from_yaml, text.format(guard.marker), safe_mode=False)


def test_s5_references_that_multiply(guard):
    laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'] + [
        'a{}: &a{} [{}]'.format(i, i, ', '.join(['*a%s' % (i - 1)] * 10)) for i in range(1, 12)
    ]
    guard(model_from_yaml, 'class_name: Sequential\nconfig:\n  ' + '\n  '.join(laughs), error=UnsafeFileError)
    guard(model_from_yaml, '&a [*a]', error=UnsafeFileError)
    guard(model_from_yaml, '[' * 5000 + ']' * 5000)
    guard(model_from_json, '[' * 100000 + ']' * 100000, error=UnsafeFileError)


# -- S6: values from other files ------------------------------------------------------------------------------


@pytest.fixture
def secret(tmp_path):
    """A file that a model file would like to be read; `secret.was_read()` says whether it was."""
    path = tmp_path / 'secret.h5'
    with h5py.File(str(path), 'w') as file:
        plain_weights(file, 'kernel', 'bias')
        fill(file, sequential())

    def was_read():
        return os.stat(str(path)).st_atime_ns > before[0]

    before = []
    os.utime(
        str(path), ns=(0, os.stat(str(path)).st_mtime_ns)
    )  # the next reading sets the time of access, where the disk keeps it
    before.append(os.stat(str(path)).st_atime_ns)
    return types.SimpleNamespace(path=str(path), was_read=was_read)


def external_link(path):
    def write(group, kernel, bias):
        group[kernel] = h5py.ExternalLink(path, '/kernel')
        group[bias] = np.ones(3, 'float32')

    return write


def soft_link(path):
    def write(group, kernel, bias):
        group.file['elsewhere'] = h5py.ExternalLink(path, '/')
        group[kernel] = h5py.SoftLink('/elsewhere/kernel')
        group[bias] = np.ones(3, 'float32')

    return write


def inner_soft_link(path):
    def write(group, kernel, bias):
        group['real'] = np.ones((4, 3), 'float32')
        group[kernel] = h5py.SoftLink(group.name + '/real')
        group[bias] = np.ones(3, 'float32')

    return write


def external_storage(path):
    def write(group, kernel, bias):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_external(path.encode(), 0, 48)
        h5py.h5d.create(group.id, kernel.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4, 3)), plan)
        group[bias] = np.ones(3, 'float32')

    return write


def virtual(path):
    def write(group, kernel, bias):
        layout = h5py.VirtualLayout(shape=(4, 3), dtype='float32')
        layout[:] = h5py.VirtualSource(path, 'kernel', shape=(4, 3))
        group.create_virtual_dataset(kernel, layout)
        group[bias] = np.ones(3, 'float32')

    return write


def reference(path):
    def write(group, kernel, bias):
        group['real'] = np.ones((4, 3), 'float32')
        group.create_dataset(kernel, data=group['real'].ref, dtype=h5py.ref_dtype)
        group[bias] = np.ones(3, 'float32')

    return write


def linked_group(path):
    def write(group, kernel, bias):
        plain_weights(group, kernel, bias)
        parent = group.parent
        name = group.name.rpartition('/')[2]
        del parent[name]
        parent[name] = h5py.ExternalLink(path, '/')

    return write


LINKS = [external_link, soft_link, inner_soft_link, external_storage, virtual, reference, linked_group]


def weight_doors(folder, weights):
    """(name, function) of everything that reads weights."""
    path = h5_file(folder / 'm.h5', sequential(), weights=weights)
    only = str(folder / 'w.h5')
    with h5py.File(only, 'w') as file:
        write_dense(file, weights)
    kept = keras_file(folder / 'm.keras', sequential(), weights)
    newer = str(folder / 'm.weights.h5')
    with zipfile.ZipFile(kept) as file:
        with open(newer, 'wb') as target:
            target.write(file.read('model.weights.h5'))
    model = Pile([Daoloth(3, input_shape=(4,), name='dense_1')])

    def opened(function, name):
        with h5py.File(name, 'r') as file:
            return function(file)

    def streamed(function, name):
        with open(name, 'rb') as file:
            return function(io.BytesIO(file.read()))

    for function, names in ((load_model, [path, kept]), (model.load_weights, [path, only, kept, newer])):
        for name in names:
            yield f'{function.__name__} {name}', lambda function=function, name=name: function(name)
            yield (
                f'{function.__name__} stream of {name}',
                lambda function=function, name=name: streamed(function, name),
            )
            if not name.endswith('.keras'):
                yield (
                    f'{function.__name__} group of {name}',
                    lambda function=function, name=name: opened(function, name),
                )
    yield 'by name', lambda: model.load_weights(only, by_name=True)
    yield 'skipping', lambda: model.load_weights(only, by_name=True, skip_mismatch=True, reshape=True)
    yield 'unsafe', lambda: load_model(path, safe_mode=False)
    yield 'newer by name', lambda: model.load_weights(newer, by_name=True)


@pytest.mark.parametrize('attack', LINKS, ids=lambda f: f.__name__)
def test_s6_values_from_elsewhere(attack, guard, secret, tmp_path):
    made = list(weight_doors(tmp_path, attack(secret.path)))
    os.utime(secret.path, ns=(0, os.stat(secret.path).st_mtime_ns))
    for name, door in made:
        guard(door)
        assert not secret.was_read(), name


def test_s6_control(tmp_path, secret):
    for name, door in weight_doors(tmp_path, None):
        door()
    with h5py.File(secret.path, 'r') as file:
        file['kernel'][()]


def test_s6_the_optimizer_s_state_from_elsewhere(guard, secret, tmp_path):
    sgd = {'class_name': 'SGD', 'config': {'learning_rate': 0.1}}
    path = h5_file(tmp_path / 'm.h5', sequential(), training={'optimizer_config': sgd, 'loss': 'mse'})
    with h5py.File(path, 'a') as file:
        group = file.create_group('optimizer_weights')
        group.attrs['weight_names'] = [b'a']
        external_link(secret.path)(group, 'a', 'b')
    guard(load_model, path, error=UnsafeFileError)
    with h5py.File(path, 'a') as file:
        del file['optimizer_weights']
        file['optimizer_weights'] = h5py.ExternalLink(secret.path, '/')
    guard(load_model, path, error=UnsafeFileError)


# -- S7: more than there is -------------------------------------------------------------------------------------


def huge(shape, **options):
    def write(group, kernel, bias):
        group.create_dataset(kernel, shape, 'float32', **options)
        group[bias] = np.ones(3, 'float32')

    return write


def bomb(group, kernel, bias):
    """One small chunk whose bytes become 62 MB."""
    data = group.create_dataset(kernel, (4, 3), 'float32', chunks=(4, 3), compression='gzip')
    squeezed = zlib.compressobj(9)
    bytes_ = b''.join(squeezed.compress(bytes(2**20)) for _ in range(62)) + squeezed.flush()
    data.id.write_direct_chunk((0, 0), bytes_)
    group[bias] = np.ones(3, 'float32')


def aliases(group, kernel, bias):
    group[kernel] = np.ones((4, 3), 'float32')
    group[bias] = np.ones(3, 'float32')
    group['block'] = np.zeros(2**18, 'float32')
    parent = group.parent
    names = [b'a%d' % i for i in range(1000)]
    for name in names:
        parent[name.decode()] = group['block']
    parent.attrs['weight_names'] = names


SIZES = {
    'contiguous': huge((2**22, 2**20)),
    'compressed': huge((2**22, 2**20), chunks=(256, 256), compression='gzip'),
    'filled': huge((2**15, 2**15), chunks=(256, 256), fillvalue=1.0),
    'growing': huge((4, 3), maxshape=(None, None), chunks=(2**15, 2**13)),
    'bomb': bomb,
    'lzf': huge((2**14, 2**14), chunks=(64, 64), compression='lzf'),
}


@pytest.mark.parametrize('attack', sorted(SIZES))
def test_s7_huge_datasets(attack, guard, tmp_path):
    for name, door in weight_doors(tmp_path, SIZES[attack]):
        if name != 'skipping':
            guard(door)


def test_s7_many_names_for_one_dataset(guard, tmp_path):
    path = h5_file(tmp_path / 'm.h5', sequential(), weights=aliases)
    guard(load_model, path, error=UnsafeFileError)
    guard(Pile([Daoloth(3, input_shape=(4,), name='dense_1')]).load_weights, path, error=UnsafeFileError)


def test_s7_compressed_weights_that_are_what_they_say_are_read(tmp_path):
    values = np.random.RandomState(0).uniform(size=(4, 3)).astype('float32')

    def write(group, kernel, bias):
        group.create_dataset(kernel, data=values, chunks=(3, 2), compression='gzip', shuffle=True, fletcher32=True)
        group[bias] = np.ones(3, 'float32')

    model = load_model(h5_file(tmp_path / 'm.h5', sequential(), weights=write), compile=False)
    np.testing.assert_array_equal(model.get_weights()[0], values)


def size_attacks():
    n = 10**12
    yield 'units', sequential({'class_name': 'Dense', 'config': {'units': n}})
    yield (
        'many',
        sequential(*[{'class_name': 'Dense', 'config': {'name': f'd{i}', 'units': 10**5}} for i in range(40)]),
    )
    yield (
        'orthogonal',
        sequential(
            {
                'class_name': 'Dense',
                'config': {'units': 10**10, 'kernel_initializer': {'class_name': 'Orthogonal', 'config': {}}},
            }
        ),
    )
    first = {'class_name': 'Embedding', 'config': {'input_dim': n, 'output_dim': n, 'batch_input_shape': [None, 3]}}
    yield 'embedding', {'class_name': 'Sequential', 'config': [first]}
    state = {'class_name': 'LSTM', 'config': {'units': 3, 'stateful': True, 'batch_input_shape': [n, 3, 3]}}
    yield 'states', {'class_name': 'Sequential', 'config': [state]}
    unrolled = {'class_name': 'GRU', 'config': {'units': 3, 'unroll': True, 'batch_input_shape': [1, n, 3]}}
    yield 'unrolled', {'class_name': 'Sequential', 'config': [unrolled]}
    conv = {
        'class_name': 'Conv2D',
        'config': {'filters': 10**6, 'kernel_size': [10**4, 10**4], 'batch_input_shape': [None, 10**5, 10**5, 3]},
    }
    yield 'kernel', {'class_name': 'Sequential', 'config': [conv]}
    local = {
        'class_name': 'LocallyConnected1D',
        'config': {'filters': 2, 'kernel_size': [3], 'batch_input_shape': [None, 10**11, 3]},
    }
    yield 'local', {'class_name': 'Sequential', 'config': [local]}
    norm = {'class_name': 'BatchNormalization', 'config': {'batch_input_shape': [None, n]}}
    yield 'normalisation', {'class_name': 'Sequential', 'config': [norm]}


@doors
@pytest.mark.parametrize('attack', [name for name, _ in size_attacks()])
def test_s7_huge_models(attack, door, guard, tmp_path):
    config = dict(size_attacks())[attack]
    if isinstance(config['config'], list):
        config['config'] = {'name': 's', 'layers': config['config']}
    guard(door, config, tmp_path, error=ValueError if door in BARE else ModelFileError)


def test_s7_a_small_file_does_not_make_a_large_model(guard, tmp_path):
    config = sequential(
        {'class_name': 'Dense', 'config': {'units': 3000, 'name': 'a'}},
        {'class_name': 'Dense', 'config': {'units': 3000, 'name': 'b'}},
    )
    guard(by_path, config, tmp_path, error=UnsafeFileError)
    guard(by_archive, config, tmp_path, error=UnsafeFileError)


def test_s7_metrics(guard, tmp_path):
    for metric in (
        {'class_name': 'AUC', 'config': {'num_thresholds': 10**9}},
        {'class_name': 'MeanIoU', 'config': {'num_classes': 10**9}},
        {'class_name': 'MeanIoU', 'config': {'num_classes': 10**5}},
    ):
        training = {'optimizer_config': {'class_name': 'SGD', 'config': {}}, 'loss': 'mse', 'metrics': [metric]}
        guard(load_model, h5_file(tmp_path / 'm.h5', sequential(), training=training))


def test_s7_zip_bombs(guard, tmp_path):
    path = keras_file(tmp_path / 'm.keras', sequential())
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    for name in members:
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as file:
            for each, data in members.items():
                file.writestr(each, bytes(48 * 2**20) if each == name else data)
        guard(load_model, path, error=UnsafeFileError)
    # a member that is larger than it says
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as file:
        for each, data in members.items():
            file.writestr(each, data + b' ' * 2**20 if each == 'config.json' else data)
    with open(path, 'rb') as file:
        data = file.read()
    size = struct.pack('<I', len(members['config.json']) + 2**20)
    with open(path, 'wb') as file:
        file.write(data.replace(size, struct.pack('<I', 100)))
    guard(load_model, path)


def npz_with(path, header, data=b''):
    text = ("{{'descr': {!r}, 'fortran_order': False, 'shape': {}, }}".format(*header)).encode().ljust(117) + b'\n'
    with zipfile.ZipFile(str(path), 'w') as file:
        file.writestr('x.npy', b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text + data)
    return str(path)


def test_s7_arrays_that_announce_more_than_there_is(guard, tmp_path):
    assert arrays.load_npz(npz_with(tmp_path / 'x.npz', ('<f4', '(1,)'), b'1234'))['x'].shape == (1,)
    for header in (
        ('<f4', '(1000000000000,)'),
        ('<f4', '(1000000, 1000000)'),
        ('|S1000000000', '(3,)'),
        ('<f4', '(-5,)'),
        ('<f4', '"x"'),
        ('<f4', '((((' * 50),
    ):
        guard(arrays.load_npz, npz_with(tmp_path / 'x.npz', header))
    with zipfile.ZipFile(str(tmp_path / 'x.npz'), 'w', zipfile.ZIP_DEFLATED) as file:
        file.writestr('x.npy', bytes(48 * 2**20))
    guard(arrays.load_npz, str(tmp_path / 'x.npz'), error=UnsafeFileError)


# -- S8: archives that climb out -----------------------------------------------------------------------------------


def tar_with(path, *members):
    with tarfile.open(str(path), 'w:gz') as file:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = target or ''
            data = b'data' if kind == tarfile.REGTYPE else b''
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return str(path)


def zip_with(path, *members):
    with zipfile.ZipFile(str(path), 'w') as file:
        for name, mode, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            file.writestr(info, data)
    return str(path)


def test_s8_archives(guard, tmp_path):
    outside = os.path.dirname(guard.marker)
    plain, link, hard, folder = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
    climbing = os.path.join('..', os.path.basename(outside), 'marker')
    attacks = [tar_with(tmp_path / (f'a{i}.tgz'), *members) for i, members in enumerate([
        [(climbing, plain, None)],
        [(f'a/../../{os.path.basename(outside)}/marker', plain, None)],
        [(guard.marker, plain, None)],
        [('fine', plain, None), ('link', link, outside), ('link/marker', plain, None)],
        [('link', link, '..'), (f'link/{os.path.basename(outside)}/marker', plain, None)],
        [('hard', hard, '../secret')],
        [('pipe', tarfile.FIFOTYPE, None)],
        [('device', tarfile.CHRTYPE, None)],
        [('thing', plain, None), ('thing', folder, None)],
    ])]  # fmt: skip
    attacks += [zip_with(tmp_path / (f'z{i}.zip'), *members) for i, members in enumerate([
        [(climbing, 0o100644, b'data')],
        [(guard.marker, 0o100644, b'data')],
        [('link', 0o120777, outside.encode()), ('link/marker', 0o100644, b'data')],
        [('..\\home\\marker', 0o100644, b'data')],
    ])]  # fmt: skip
    target = tmp_path / 'target'
    target.mkdir()
    for path in attacks:
        guard(archive.extract, path, str(target), error=UnsafeFileError)
        assert not os.listdir(str(target))
    (target / 'link').symlink_to(outside)  # one that was there before
    guard(
        archive.extract, tar_with(tmp_path / 'b.tgz', ('link/marker', plain, None)), str(target), error=UnsafeFileError
    )
    assert archive.extract(tar_with(tmp_path / 'c.tgz', ('a/b', plain, None)), str(target))
    assert (target / 'a' / 'b').read_bytes() == b'data'
    assert archive.extract(zip_with(tmp_path / 'c.zip', ('c/d', 0o100644, b'more')), str(target))
    assert (target / 'c' / 'd').read_bytes() == b'more'


# -- S9: pickles -----------------------------------------------------------------------------------------------------


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (self.marker, 'w')


def pickles(marker):
    yield pickle.dumps(Evil(marker))
    yield pickle.dumps({'data': [Evil(marker)]}, 2)
    yield b'cos\nsystem\n(S"true > %s"\ntR.' % marker.encode()
    yield b'cnumpy\nload\n(S"x"\ntR.'
    yield b'cnumpy\nndarray\n((L1000000000000L\nttR.'
    yield b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I1000000000000\ntS"b"\ntR.'
    yield b'\x80\x02cnumpy\nndarray\n\x8a\x05\x00\x00\x00\x00\x01\x85\x81.'
    yield b'\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00.'
    nested = (
        b'\x80\x02'
        + b')q\x00'
        + b''.join(b'h' + bytes([i]) + b'h' + bytes([i]) + b'\x86q' + bytes([i + 1]) for i in range(60))
    )
    yield nested + b'}h\x3cK\x01s.'  # a key whose hash takes forever
    yield b''
    yield b'not a pickle'


def test_s9_pickles(guard, tmp_path):
    assert arrays.unpickle(b'\x80\x02]r\xff\xff\xff\x7f.') == []  # C's unpickler would make room for 2 ** 31 entries
    for data in pickles(guard.marker):
        guard(arrays.unpickle, data)
        weights = {'_is_group': True, 'layer_names': ['dense_1'], 'keras_version': '2.3.1'}
        weights['dense_1'] = {
            '_is_group': True,
            'weight_names': ['k', 'b'],
            'k': data,
            '_k_pickled': True,
            'b': np.ones(3),
        }
        guard(load_model, {'_is_group': True, 'model_config': json.dumps(sequential()), 'model_weights': weights})
    guard(load_model, {'model_config': pickle.dumps(Evil(guard.marker)), '_model_config_pickled': True})


def test_s9_arrays_of_objects(guard, tmp_path):
    path = str(tmp_path / 'x.npz')
    np.savez(path, x=np.array([Evil(guard.marker)], dtype=object))
    guard(arrays.load_npz, path, error=UnsafeFileError)
    np.save(str(tmp_path / 'x.npy'), np.array([Evil(guard.marker)], dtype=object))
    guard(arrays.load_npz, str(tmp_path / 'x.npy'), error=UnsafeFileError)


def test_s9_arrays_in_pickles_and_archives_are_read(tmp_path):
    batch = {
        b'data': np.arange(12, dtype='uint8').reshape(3, 4),
        b'labels': [1, 2, 3],
        'batch': 'one',
        'f': np.asfortranarray(np.random.rand(3, 2)),
        's': np.float32(2),
    }
    for protocol in range(5):
        found = arrays.unpickle(pickle.dumps(batch, protocol), encoding='bytes')
        assert sorted(map(str, found)) == sorted(map(str, batch)) and found[b'labels'] == [1, 2, 3] and found['s'] == 2
        np.testing.assert_array_equal(found[b'data'], batch[b'data'])
        np.testing.assert_array_equal(found['f'], batch['f'])
    path = str(tmp_path / 'x.npz')
    np.savez_compressed(
        path, a=np.arange(6).reshape(2, 3), b=np.asfortranarray(np.random.rand(3, 2)), c=np.array(['x', 'yz'])
    )
    with np.load(path) as wanted:
        found = arrays.load_npz(path)
        for key in wanted.files:
            np.testing.assert_array_equal(found[key], wanted[key])


def test_there_is_no_further_door():
    """Public functions of `models` that make models: each is in the tests above."""
    makers = {name for name in models.__all__ if 'load' in name or 'from' in name}
    assert makers == {'load_model', 'model_from_config', 'model_from_json', 'model_from_yaml'}
    assert Input is not None
