"""Twelve models whose training is the same everywhere, with their data: nothing in them is drawn by a backend.

They are written with Keras's names, for this library and for the real Keras 2.3.1: `record_twelve.py` writes `tests/fixtures/twelve.json`, what that one
makes of them, and `test_twelve_models.py` holds every backend to it.
"""

import os
import zlib

import numpy as np

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, 'fixtures', 'twelve.json')
SAMPLES, BATCH, EPOCHS = 12, 4, 3


def numbers(name):
    return np.random.RandomState(zlib.crc32(name.encode()) % 2**32)


def normal(name, *shape):
    return numbers(name).normal(size=shape).astype('float32')


def classes(name, count, *shape):
    """One-hot classes."""
    return np.eye(count, dtype='float32')[numbers(name).randint(0, count, (SAMPLES,) + shape)]


def words(name, count, length):
    return numbers(name).randint(1, count, (SAMPLES, length)).astype('int32')


def dense(keras):
    L = keras.layers
    model = keras.models.Sequential(
        [
            L.Dense(8, activation='tanh', kernel_regularizer=keras.regularizers.l2(0.01), input_shape=(5,)),
            L.Dense(3, activation='softmax'),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), 'categorical_crossentropy', metrics=['accuracy', 'mse']
    )
    return model, normal('x', SAMPLES, 5), classes('y', 3), {}


def convolutional(keras):
    L = keras.layers
    model = keras.models.Sequential(
        [
            L.Conv2D(4, 3, padding='same', activation='relu', input_shape=(8, 7, 2)),
            L.MaxPooling2D(2),
            L.Conv2D(3, 2, strides=(2, 1), activation='tanh'),
            L.Flatten(),
            L.Dense(3, activation='softmax'),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model, normal('x', SAMPLES, 8, 7, 2), numbers('y').randint(0, 3, (SAMPLES, 1)), {}


def convolutional_1d(keras):
    L = keras.layers
    model = keras.models.Sequential(
        [
            L.Conv1D(4, 3, padding='causal', dilation_rate=2, activation='elu', input_shape=(None, 3)),
            L.Conv1D(4, 2, strides=2, activation='sigmoid'),
            L.GlobalMaxPooling1D(),
            L.Dense(1, activation='sigmoid'),
        ]
    )
    model.compile(keras.optimizers.RMSprop(0.01), 'binary_crossentropy', metrics=['accuracy'])
    return model, normal('x', SAMPLES, 9, 3), numbers('y').randint(0, 2, (SAMPLES, 1)), {}


def recurrent(keras):
    L = keras.layers
    model = keras.models.Sequential(
        [
            L.LSTM(4, return_sequences=True, input_shape=(None, 3)),
            L.SimpleRNN(4, return_sequences=True, go_backwards=True),
            L.GRU(4, implementation=1),
            L.Dense(2),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1, clipnorm=0.5), 'mse', metrics=['mae'])
    return model, normal('x', SAMPLES, 5, 3), normal('y', SAMPLES, 2), {}


def masked(keras, loss='categorical_crossentropy'):
    L = keras.layers
    model = keras.models.Sequential(
        [
            L.Embedding(9, 4, mask_zero=True, input_length=6),
            L.LSTM(5, return_sequences=True),
            L.TimeDistributed(L.Dense(3, activation='softmax')),
        ]
    )
    model.compile(
        keras.optimizers.Adagrad(0.1),
        loss,
        weighted_metrics=['accuracy'],
        sample_weight_mode='temporal',
    )
    x = words('x', 9, 6)
    for row in range(SAMPLES):
        x[row, 1 + row % 6 :] = 0
    weights = numbers('w').uniform(0.5, 2, (SAMPLES, 6)).astype('float32')
    return model, x, classes('y', 3, 6), {'sample_weight': weights}


def stateful(keras):
    L = keras.layers
    model = keras.models.Sequential(
        [
            L.LSTM(4, stateful=True, return_sequences=True, batch_input_shape=(BATCH, 3, 2)),
            L.GRU(3, stateful=True, reset_after=True),
            L.Dense(1),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), 'mae')
    return model, normal('x', SAMPLES, 3, 2), normal('y', SAMPLES, 1), {}


def inputs_and_outputs(keras):
    L = keras.layers
    a, b = L.Input((4,), name='a'), L.Input((3, 2), name='b')
    both = L.concatenate([L.Dense(5, activation='selu')(a), L.GRU(3)(b)])
    kind = L.Dense(3, activation='softmax', name='kind')(both)
    size = L.Dense(2, name='size')(L.multiply([both, both]))
    model = keras.models.Model([a, b], [kind, size])
    model.compile(
        keras.optimizers.Nadam(0.005),
        {'kind': 'categorical_crossentropy', 'size': 'logcosh'},
        metrics={'kind': 'accuracy', 'size': ['mae', 'mse']},
        loss_weights={'kind': 0.5, 'size': 2.0},
    )
    weights = {'kind': numbers('w').uniform(0.5, 2, SAMPLES).astype('float32')}
    x = {'a': normal('a', SAMPLES, 4), 'b': normal('b', SAMPLES, 3, 2)}
    return model, x, {'kind': classes('k', 3), 'size': normal('s', SAMPLES, 2)}, {'sample_weight': weights}


def shared_and_nested(keras):
    L = keras.layers
    inner = keras.models.Sequential([L.Dense(6, activation='tanh', input_shape=(4,)), L.Dense(3)])
    left, right = L.Input((4,)), L.Input((4,))
    near = L.dot([inner(left), inner(right)], axes=1, normalize=True)
    apart = L.Lambda(lambda pair: keras.backend.abs(pair[0] - pair[1]))([inner(left), inner(right)])
    model = keras.models.Model([left, right], L.Dense(1, activation='sigmoid')(L.concatenate([near, apart])))
    model.compile(keras.optimizers.Adamax(0.02), 'hinge', metrics=['cosine_similarity'])
    return model, [normal('l', SAMPLES, 4), normal('r', SAMPLES, 4)], numbers('y').choice([-1.0, 1.0], (SAMPLES, 1)), {}


def normalised(keras):
    L = keras.layers
    model = keras.models.Sequential(
        [
            L.Conv2D(3, 3, use_bias=False, input_shape=(6, 6, 2)),
            L.BatchNormalization(momentum=0.8),
            L.LeakyReLU(0.1),
            L.Flatten(),
            L.Dense(4, use_bias=False),
            L.BatchNormalization(scale=False, epsilon=1e-2),
            L.Activation('relu'),
            L.Dense(2),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05, decay=0.1), 'mse', metrics=['mae'])
    return model, normal('x', SAMPLES, 6, 6, 2), normal('y', SAMPLES, 2), {}


def embeddings(keras):
    L = keras.layers
    user, item = L.Input((1,), dtype='int32'), L.Input((2,), dtype='int32')
    table = L.Embedding(7, 4)
    score = L.dot([table(user), L.Embedding(5, 4, embeddings_regularizer=keras.regularizers.l1(0.01))(item)], axes=2)
    model = keras.models.Model([user, item], L.add([L.Flatten()(score), L.Flatten()(L.Embedding(5, 1)(item))]))
    model.compile(keras.optimizers.Adadelta(1.0), 'mean_squared_error')
    return model, [words('u', 7, 1), words('i', 5, 2)], normal('y', SAMPLES, 2), {}


def separable_and_transposed(keras, adam=None):
    L = keras.layers
    model = keras.models.Sequential(
        [
            L.SeparableConv2D(4, 3, padding='same', depth_multiplier=2, activation='relu', input_shape=(6, 6, 2)),
            L.AveragePooling2D(2, strides=2, padding='same'),
            L.DepthwiseConv2D(2, padding='same', activation='tanh'),
            L.Conv2DTranspose(3, 3, strides=2, padding='same', activation='softplus'),
            L.UpSampling2D(2),
            L.ZeroPadding2D(1),
            L.GlobalAveragePooling2D(),
            L.Dense(2, activation='softmax'),
        ]
    )
    adam = adam or keras.optimizers.Adam
    model.compile(adam(0.01, amsgrad=True), 'categorical_crossentropy', metrics=['accuracy'])
    return model, normal('x', SAMPLES, 6, 6, 2), classes('y', 2), {}


def both_ways_and_step_by_step(keras):
    L = keras.layers
    model = keras.models.Sequential(
        [
            L.TimeDistributed(L.Conv1D(3, 2, activation='tanh'), input_shape=(4, 5, 2)),
            L.TimeDistributed(L.Flatten()),
            L.Bidirectional(L.GRU(3, return_sequences=True, reset_after=True), merge_mode='sum'),
            L.Bidirectional(L.LSTM(2, unit_forget_bias=False, recurrent_activation='hard_sigmoid')),
            L.Dense(2),
        ]
    )
    model.compile(keras.optimizers.RMSprop(0.01, rho=0.8), 'huber_loss', metrics=['mse'])
    return model, normal('x', SAMPLES, 4, 5, 2), normal('y', SAMPLES, 2), {}


MODELS = [
    dense,
    convolutional,
    convolutional_1d,
    recurrent,
    masked,
    stateful,
    inputs_and_outputs,
    shared_and_nested,
    normalised,
    embeddings,
    separable_and_transposed,
    both_ways_and_step_by_step,
]


def start(model):
    """Give a model its first weights; variances and scales are positive."""
    names = [weight.name for layer in model.layers for weight in layer.weights]  # in the order of `get_weights`
    values = []
    for position, (name, value) in enumerate(zip(names, model.get_weights())):
        low, high = (0.5, 1.5) if any(part in name for part in ('variance', 'gamma')) else (-0.6, 0.6)
        values.append(numbers(f'weight {position}').uniform(low, high, value.shape).astype('float32'))
    model.set_weights(values)


def evaluate(model, x, y, options):
    if model.stateful:
        model.reset_states()
    found = model.evaluate(x, y, batch_size=BATCH, verbose=0, **options)
    return [float(value) for value in (found if isinstance(found, list) else [found])]


def train(model, x, y, options, callbacks=()):
    """The history of a run: dict, name -> list of floats."""
    if model.stateful:
        model.reset_states()
    history = model.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        validation_data=(x, y) + tuple(options.values()),
        callbacks=list(callbacks),
        verbose=0,
        **options,
    )
    return {name: [float(value) for value in values] for name, values in history.history.items()}
