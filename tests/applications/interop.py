"""Whether this library's networks predict what Keras 2.3.1's predict, with the weights of a file that Keras 2.3.1 wrote.

    python tests/applications/interop.py write FOLDER [NETWORK ...]    with Keras 2.3.1: weights and predictions of each network
    python tests/applications/interop.py read FOLDER [NETWORK ...]     with this library: builds each network from its file, and removes it

MobileNetV2-0.35 is the one of that width. For NETWORK also small, large (together those that take seconds, which is the default) or all.
With `--keep` the files are left there. `read` fails where predictions
(probabilities of ten classes) differ by more than 1e-5 (`ROUNDING` names exceptions), or hardly depend on the image. With `--float64` it computes in that, which tells what rounding float32 costs Keras.
"""

import itertools
import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from described import NETWORKS, function  # noqa: E402

#: What may be named instead of networks. The others take Keras and a reader minutes: InceptionResNetV2, NASNetMobile and DenseNet121 the most.
GROUPS = {
    'small': ['MobileNet', 'MobileNetV2', 'MobileNet-0.25', 'MobileNetV2-0.35'],
    'large': ['VGG16', 'VGG19', 'ResNet50', 'ResNet50V2', 'Xception', 'InceptionV3'],
    'all': NETWORKS + ['MobileNet-0.25', 'MobileNetV2-0.35'],
}

SIZES = {'Xception': 71, 'InceptionV3': 75, 'InceptionResNetV2': 75}  # others take 32
TOLERANCE = 1e-5
#: Where Keras's own float32 is about as far as that from float64 or farther, by the weights of the same file: 0.9e-05, 2.5e-05 and 4.6e-05 on one processor.
ROUNDING = {'ResNet50': 5e-5, 'ResNet101': 5e-5, 'ResNet152': 1e-4}


def build(applications, name, weights=None):
    size = SIZES.get(name, 32)
    network, _, alpha = name.partition('-')
    width = {'alpha': float(alpha)} if alpha else {}
    return function(applications, network)(weights=weights, input_shape=(size, size, 3), classes=10, **width)


def prepare(keras):
    """Have Keras make random weights with which the signal neither grows nor fades, and none that stands for its neighbour.

    Kernels are drawn for the inputs that they see, what would be zeros or ones lies around them, and a single step takes the averages of a normalisation most of
    the way to those of the batch. All comes from initializers: setting the weights of a network takes that Keras longer than making it.
    """
    K, initializers, normalization = keras.backend, keras.initializers, keras.layers.BatchNormalization
    seeds = itertools.count()
    around = lambda value: lambda self, shape, dtype=None: K.random_normal(shape, value, 0.1, dtype, next(seeds))  # noqa: E731

    def kernel(self, shape, dtype=None):
        depthwise = len(shape) == 4 and shape[-1] == 1
        inputs = np.prod(shape[:2] if depthwise else shape[:-1])
        return K.random_normal(shape, 0, np.sqrt(2.0 / inputs), dtype, next(seeds))

    initializers.Zeros.__call__, initializers.Ones.__call__ = around(0), around(1)
    initializers.VarianceScaling.__call__ = kernel
    make = normalization.__init__

    def quick(self, *args, **kwargs):
        make(self, *args, **dict(kwargs, momentum=0.2))

    normalization.__init__ = quick


def step(model, K, x):
    """The updates of one step of training: the averages move, nothing else."""
    K.function([model.input, K.learning_phase()], [model.output], model.updates)([x, 1])


def images(shape):
    """Images that differ in colour; noise alone would be the same on average."""
    random = np.random.RandomState(2)
    colours = random.uniform(-1, 1, (shape[0], 1, 1, shape[-1]))
    return (colours + random.uniform(-1, 1, shape)).astype('float32')


def session(keras):
    """A new session that does not spend minutes on optimising graphs which run once."""
    import tensorflow as tf

    keras.backend.clear_session()
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    keras.backend.set_session(tf.Session(config=config))


def write(folder, names):
    import keras
    import keras.applications.resnet  # noqa: F401

    prepare(keras)
    for name in names:
        start = time.time()
        session(keras)
        model = build(keras.applications, name)
        built = time.time() - start
        x = images((8,) + model.input_shape[1:])
        if model.updates:
            step(model, keras.backend, x)
        path = os.path.join(folder, name)
        # The reader may wait for the second file.
        model.save_weights(path + '.h5')
        np.savez(path + '.tmp.npz', x=x[:4], p=model.predict(x[:4]), names=[layer.name for layer in model.layers])
        os.replace(path + '.tmp.npz', path + '.npz')
        print(f'{name:<20} built in {built:.1f} s, {time.time() - start:.1f} s in all', flush=True)


def read(folder, names, keep, floatx):
    import cthulhu
    import cthulhu.applications.resnet  # noqa: F401

    cthulhu.backend.set_floatx(floatx)
    failures = []
    for name in names:
        path = os.path.join(folder, name)
        with np.load(path + '.npz') as found:
            x, p, layers = found['x'], found['p'], found['names'].tolist()
        start = time.time()
        cthulhu.backend.clear_session()
        model = build(cthulhu.applications, name, path + '.h5')
        built = time.time() - start
        mine = model.predict(x)
        difference, signal = float(np.abs(mine - p).max()), float(p.std(axis=0).max())
        good = (
            difference <= ROUNDING.get(name, TOLERANCE)
            and signal > 0.003
            and layers == [layer.name for layer in model.layers]
        )
        print(
            f'{name:<20} predictions differ by {difference:.1e} (they vary by {signal:.2f}); {built:.1f} s to build and load, {time.time() - start:.1f} s in all'
            + ('' if good else '  <--'),
            flush=True,
        )
        failures += [] if good else [name]
        if not keep:
            os.remove(path + '.h5')
            os.remove(path + '.npz')
    if failures:
        raise SystemExit('Too far from what was written: {}.'.format(', '.join(failures)))


if __name__ == '__main__':
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith('--')]
    options = set(sys.argv[1:]) - set(arguments)
    if len(arguments) < 2 or arguments[0] not in ('write', 'read') or options - {'--keep', '--float64'}:
        raise SystemExit(__doc__)
    names = [name for given in arguments[2:] or ('small', 'large') for name in GROUPS.get(given, [given])]
    if arguments[0] == 'write':
        write(arguments[1], names)
    else:
        read(arguments[1], names, '--keep' in options, 'float64' if '--float64' in options else 'float32')
