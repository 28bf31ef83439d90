"""The models and data of the benchmark table, for any library with the interface of Keras. `run.py` starts each in a process of its own.

    python benchmarks/cases.py LIBRARY CASE [SECONDS] [tuned]

prints a line of JSON: `{"ms": milliseconds a step, "first": seconds from the data to the end of the first step: the model is built, compiled and taken a step in them}`.
LIBRARY is the name of the package to import: `cthulhu`, `keras` or `tf_keras`; or `by_hand`, the loops of by_hand.py. It is trained for SECONDS before steps are
timed: what is compiled on the way, is by then.
"""

import importlib
import json
import sys
import time

import numpy as np

random = np.random.RandomState(0)
clock = {}


def given(x, y):
    """The data of a case; from here on its first step is waited for."""
    clock['start'] = time.perf_counter()
    return x, y


def small(keras):
    """64-32-10, batch 32, Adam: 1,437 samples as of the 8 x 8 digits."""
    layers = keras.layers
    x, y = given(random.rand(1440, 64).astype('float32'), random.randint(0, 10, 1440))
    model = keras.models.Sequential(
        [layers.Dense(32, activation='relu', input_shape=(64,)), layers.Dense(10, activation='softmax')]
    )
    model.compile('adam', 'sparse_categorical_crossentropy')
    return model, x, y, 32, 20


def mlp(keras):
    """784-512-512-10 with dropout, batch 128, RMSprop."""
    layers = keras.layers
    x, y = given(random.rand(12800, 784).astype('float32'), np.eye(10, dtype='float32')[random.randint(0, 10, 12800)])
    model = keras.models.Sequential(
        [
            layers.Dense(512, activation='relu', input_shape=(784,)),
            layers.Dropout(0.2),
            layers.Dense(512, activation='relu'),
            layers.Dropout(0.2),
            layers.Dense(10, activation='softmax'),
        ]
    )
    model.compile('rmsprop', 'categorical_crossentropy', metrics=['accuracy'])
    return model, x, y, 128, 10


def cnn(keras):
    """Two convolutions, pooling, two dense layers on 28 x 28 images (the network of Keras's mnist_cnn), batch 128, Adadelta."""
    layers = keras.layers
    x, y = given(
        random.rand(2560, 28, 28, 1).astype('float32'), np.eye(10, dtype='float32')[random.randint(0, 10, 2560)]
    )
    model = keras.models.Sequential(
        [
            layers.Conv2D(32, (3, 3), activation='relu', input_shape=(28, 28, 1)),
            layers.Conv2D(64, (3, 3), activation='relu'),
            layers.MaxPooling2D((2, 2)),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation='relu'),
            layers.Dropout(0.5),
            layers.Dense(10, activation='softmax'),
        ]
    )
    model.compile('adadelta', 'categorical_crossentropy', metrics=['accuracy'])
    return model, x, y, 128, 3


def lstm(keras):
    """An embedding of 20,000 words and an LSTM of 128 units over 80 steps (the network of Keras's imdb_lstm), batch 32, Adam."""
    layers = keras.layers
    x, y = given(random.randint(0, 20000, (640, 80)), random.randint(0, 2, 640))
    model = keras.models.Sequential(
        [
            layers.Embedding(20000, 128),
            layers.LSTM(128, dropout=0.2, recurrent_dropout=0.2),
            layers.Dense(1, activation='sigmoid'),
        ]
    )
    model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
    return model, x, y, 32, 3


def transformer(keras):
    """Two blocks of a transformer of 64 numbers and 4 heads on 64 of 5,000 words, batch 32, Adam."""
    layers = keras.layers
    x, y = given(random.randint(0, 5000, (640, 64)), random.randint(0, 2, 640))
    inputs = layers.Input((64,))
    z = layers.Embedding(5000, 64)(inputs)
    for _ in range(2):
        z = layers.LayerNormalization()(layers.Add()([z, layers.MultiHeadAttention(4, 16)(z, z)]))
        inner = layers.Dense(64)(layers.Dense(128, activation='gelu')(z))
        z = layers.LayerNormalization()(layers.Add()([z, inner]))
    outputs = layers.Dense(1, activation='sigmoid')(layers.GlobalAveragePooling1D()(z))
    model = keras.models.Model(inputs, outputs)
    model.compile('adam', 'binary_crossentropy', metrics=['accuracy'])
    return model, x, y, 32, 3


def resnet50(keras):
    """ResNet-50 on 224 x 224 images, batch 64, SGD: for a GPU."""
    x, y = given(random.rand(640, 224, 224, 3).astype('float32'), random.randint(0, 1000, 640))
    model = importlib.import_module(keras.__name__ + '.applications').ResNet50(weights=None)
    model.compile('sgd', 'sparse_categorical_crossentropy')
    return model, x, y, 64, 3


CASES = {'small': small, 'mlp': mlp, 'cnn': cnn, 'lstm': lstm, 'transformer': transformer, 'resnet50': resnet50}


def tune(keras):
    """Have every model of a peer compiled as a user would who knows it well (on PyTorch Keras takes one step a call)."""
    plain = keras.Model.compile
    settings = {'jit_compile': True}
    if getattr(keras, 'backend', None) is None or keras.backend.backend() != 'torch':
        settings['steps_per_execution'] = 50

    def tuned(self, *args, **kwargs):
        plain(self, *args, **settings, **kwargs)

    keras.Model.compile = tuned


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


class _Sizes:
    """In place of a library, of which a case then gives the data alone."""

    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self


def train(library, case, warm_up, tuned=None):
    """The best of the epochs, in milliseconds a step, and the seconds until the first step was done."""
    if library == 'by_hand':
        return importlib.import_module(library).train(case, *CASES[case](_Sizes())[1:], warm_up)
    keras = importlib.import_module(library)
    model, x, y, batch, epochs = CASES[case](keras)
    if tuned and library == 'tf_keras':  # whose train_on_batch ends with an error where a call is to take many steps
        model.fit(x[:batch], y[:batch], batch_size=batch, verbose=0)
    else:
        model.train_on_batch(x[:batch], y[:batch])
    first = time.perf_counter() - clock['start']
    an_epoch = timed(lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0))
    if warm_up:
        model.fit(x, y, batch_size=batch, epochs=int(warm_up / an_epoch) + 1, verbose=0)
    steps = -(-len(x) // batch)
    best = min(timed(lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0)) for _ in range(epochs))
    return {'ms': 1000 * best / steps, 'first': first}


ONE = 'predict', 'predict_on_batch', 'train_on_batch'


def one(library, case):
    """One sample, by `predict`, `predict_on_batch` or `train_on_batch`: the median of 200 calls, in milliseconds."""
    module = importlib.import_module(library)
    model, x, y, _, _ = small(_Sizes() if library == 'by_hand' else module)
    x, y = x[:1], y[:1]
    if library == 'by_hand':
        method = module.call(case, x, y)
    else:
        method = {
            'predict': lambda: model.predict(x, verbose=0),
            'predict_on_batch': lambda: model.predict_on_batch(x),
            'train_on_batch': lambda: model.train_on_batch(x, y),
        }[case]
    for _ in range(20):
        method()
    return {'ms': 1000 * float(np.median([timed(method) for _ in range(200)])), 'first': None}


def importing(library, case):
    """Seconds of `import`, and of the framework alone where the library is ours."""
    framework = timed(lambda: importlib.import_module('tensorflow')) if case == 'import_over_framework' else 0.0
    return {'ms': 1000 * timed(lambda: importlib.import_module(library)), 'first': framework}


def run(library, case, warm_up=0.0, tuned=None):
    if tuned:
        tune(importlib.import_module(library))
    if case in CASES:
        return train(library, case, float(warm_up), tuned)
    return one(library, case) if case in ONE else importing(library, case)


if __name__ == '__main__':
    print(json.dumps(run(*sys.argv[1:])))
