"""Whether other Kerases and this library read each other's files.

    python tests/saving/interop.py write FOLDER MODULE    writes models with MODULE (cthulhu, keras of any version, tf_keras) into FOLDER
    python tests/saving/interop.py read FOLDER MODULE     loads them with MODULE, and compares predictions, training and weights

Each side runs with the Python that has it: `write` with this library's and `read` with the one of Keras 2.3.1, or the other way round. `read` fails when
predictions differ by more than 1e-6 (of those beyond 1, relatively), or the losses of further training by more than 1e-3. Keras 2.3.1 also writes files as Keras 1, Theano and cuDNN left them.
"""

import glob
import importlib
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import old_files  # noqa: E402
import zoo  # noqa: E402

# What goes on otherwise elsewhere: draws of dropout; a frozen BatchNormalization, which normalises by the batch in Keras 2.3.1; Nadam's schedule in Keras 3.
OTHER_TRAINING = {
    'keras 2': ('cnn', 'frozen'),
    'keras 3': ('augmented', 'cnn', 'sequences'),
    'tf_keras': ('augmented', 'cnn'),
    'cthulhu': ('augmented', 'cnn'),
}
PREDICTIONS, LOSSES = 1e-6, 1e-3
# What Keras 3 does not read from HDF5 files of others: an Attention, whose score 'dot' it takes for a function; inputs of a layer by name, and the shapes without which tf.keras
# makes no MultiHeadAttention; calls of models in models; several axes of one normalization; operations between layers.
NOT_FOR_KERAS_3 = ('attentive', 'crossing', 'frozen', 'grouped', 'nested', 'normalized', 'operated')
# What a library does not write into HDF5 files: layers of Keras 3 that hold a module, which it cannot copy.
NOT_IN_HDF5 = {'keras 3': ('augmented',)}


def single(items):
    return items[0] if len(items) == 1 else items


def kind(keras):
    """'keras 2', 'keras 3', 'tf_keras' or 'cthulhu'."""
    return 'keras ' + keras.__version__[0] if keras.__name__ == 'keras' else keras.__name__


def formats(keras):
    """Endings of the files of whole models, and of weights, that a library writes."""
    newer = kind(keras) != 'keras 2'
    weights = {'cthulhu': ['_weights.h5', '.weights.h5'], 'keras 3': ['.weights.h5']}.get(kind(keras), ['_weights.h5'])
    return ['.keras'] * newer + ['.h5'], weights  # Keras 3 forgets the optimizer when it writes HDF5


def models(keras):
    found = dict(zoo.MODELS)
    if kind(keras) != 'keras 2':
        found.update(zoo.LATER)
    if kind(keras) in ('cthulhu', 'keras 3'):
        found.update(zoo.LATEST)
    if kind(keras) in ('cthulhu', 'keras 2'):  # others do not convolve channels first without a GPU
        found['channels_first'] = zoo.channels_first
    return found


def write(folder, keras):
    wholes, weights = formats(keras)
    for name, make in sorted(models(keras).items()):
        keras.backend.clear_session()  # what is in a graph makes all that follows slower
        seed = getattr(keras.utils, 'set_random_seed', np.random.seed)
        seed(0)  # so that dropout leads to the same weights each time
        model = make(keras)
        zoo.shake(model)
        xs, ys = map(single, zoo.data(model))
        for _ in range(10):  # so that the optimizer has a state
            model.train_on_batch(xs, ys)
        path = os.path.join(folder, name)
        for ending in wholes:
            if ending != '.h5' or name not in NOT_IN_HDF5.get(kind(keras), ()):
                model.save(path + ending)
        for ending in weights:
            model.save_weights(path + ending)
        with open(path + '.json', 'w') as file:
            file.write(model.to_json())
        found = {f'x{i}': x for i, x in enumerate(zoo.as_list(xs))}
        found.update((f'y{i}', y) for i, y in enumerate(zoo.as_list(ys)))
        found.update((f'p{i}', p) for i, p in enumerate(zoo.as_list(model.predict(xs))))
        found['loss'] = first_of(train(model, xs, ys))
        np.savez(path + '.npz', writer=kind(keras), **found)
    if kind(keras) == 'keras 2':
        old_files.write(folder, keras)


def train(model, xs, ys):
    return [np.ravel(model.train_on_batch(xs, ys))[0] for _ in range(3)]


def first_of(losses):
    return np.array(losses, 'float64')


def read(folder, keras):
    failures = []
    for path in sorted(glob.glob(os.path.join(folder, '*.npz'))):
        path = path[: -len('.npz')]
        name = os.path.basename(path)
        if name not in models(keras):
            continue
        with np.load(path + '.npz') as found:
            xs, ys, ps = ([found[f'{k}{i}'] for i in range(99) if f'{k}{i}' in found.files] for k in 'xyp')
            losses, writer = found['loss'], str(found['writer'])
        xs, ys = single(xs), single(ys)
        for what, model in loaded(path, keras, writer):
            difference = 0.0
            for mine, theirs in zip(zoo.as_list(model.predict(xs)), ps):
                difference = max(difference, float((np.abs(mine - theirs) / np.maximum(1, np.abs(theirs))).max()))
            text = f'{name + what:<40} predictions differ by {difference:.1e}'
            good = difference <= PREDICTIONS
            if what in ('.h5', '.keras') and name not in OTHER_TRAINING[kind(keras)] + OTHER_TRAINING[writer]:
                drift = float(np.abs(first_of(train(model, xs, ys)) - losses).max())
                text += f', losses of further training by {drift:.1e}'
                good = good and drift <= LOSSES
            print(text if good else text + '  <--')
            failures += [] if good else [name + what]
    for name, difference in old_files.read(folder, keras):
        good = difference <= PREDICTIONS
        print(f'{name:<40} predictions differ by {difference:.1e}' + ('' if good else '  <--'))
        failures += [] if good else [name]
    if failures:
        raise SystemExit('Too far from what was written: {}.'.format(', '.join(failures)))


def loaded(path, keras, writer):
    """(what was loaded, model) of each file that the library should read."""
    mine = kind(keras)
    readable = {'keras 2': ['.h5'], 'tf_keras': ['.h5'], 'keras 3': ['.keras'], 'cthulhu': ['.h5', '.keras']}[mine]
    for ending in readable:
        if os.path.exists(path + ending):
            keras.backend.clear_session()
            yield ending, keras.models.load_model(path + ending)
    if mine == 'keras 3':
        if writer == 'cthulhu' and os.path.basename(path) not in NOT_FOR_KERAS_3:
            yield '.h5, not to be trained', keras.models.load_model(path + '.h5', compile=False)
        model = keras.models.load_model(path + '.keras', compile=False)
        zoo.shake(model, 2)
        model.load_weights(path + '.weights.h5')
        yield '.weights.h5', model
        return
    for ending in ('_weights.h5', '.weights.h5'):
        if not os.path.exists(path + ending) or ending == '.weights.h5' and mine != 'cthulhu':
            continue
        for by_name in (False, True):
            keras.backend.clear_session()
            with open(path + '.json') as file:
                model = keras.models.model_from_json(file.read())
            zoo.shake(model, 2)
            model.load_weights(path + ending, **({'by_name': True} if by_name else {}))
            yield ' by '.join([ending, 'name' if by_name else 'order']), model


if __name__ == '__main__':
    if len(sys.argv) != 4 or sys.argv[1] not in ('write', 'read'):
        raise SystemExit(__doc__)
    {'write': write, 'read': read}[sys.argv[1]](sys.argv[2], importlib.import_module(sys.argv[3]))
