"""Twelve models whose training is the same on every backend, with their data: nothing in them is drawn by a backend.

`CTHULHU_BACKEND=tensorflow python -m tests.engine.twelve` writes `tests/fixtures/twelve.json`: what TensorFlow makes of them. The tests of
`test_twelve_models.py` compare every backend with that, and NumPy computes its losses before and after the training anew.
"""

import json
import os
import zlib

import numpy as np

from cthulhu import backend as K
from cthulhu import layers as L
from cthulhu import optimizers, regularizers
from cthulhu.models import Lump, Pile

PATH = os.path.join(os.path.dirname(__file__), os.pardir, 'fixtures', 'twelve.json')
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


def dense():
    model = Pile(
        [
            L.Daoloth(8, activation='tanh', kernel_regularizer=regularizers.l2(0.01), input_shape=(5,)),
            L.Daoloth(3, activation='softmax'),
        ]
    )
    model.conjure(
        optimizers.SGD(0.1, momentum=0.9, nesterov=True), 'categorical_crossentropy', metrics=['accuracy', 'mse']
    )
    return model, normal('x', SAMPLES, 5), classes('y', 3), {}


def convolutional():
    model = Pile(
        [
            L.Cthalpa2D(4, 3, padding='same', activation='relu', input_shape=(8, 7, 2)),
            L.Mlandoth2D(2),
            L.Cthalpa2D(3, 2, strides=(2, 1), activation='tanh'),
            L.Flatten(),
            L.Daoloth(3, activation='softmax'),
        ]
    )
    model.conjure(optimizers.Adam(0.01), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model, normal('x', SAMPLES, 8, 7, 2), numbers('y').randint(0, 3, (SAMPLES, 1)), {}


def convolutional_1d():
    model = Pile(
        [
            L.Cthalpa1D(4, 3, padding='causal', dilation_rate=2, activation='elu', input_shape=(None, 3)),
            L.Cthalpa1D(4, 2, strides=2, activation='sigmoid'),
            L.GlobalMlandoth1D(),
            L.Daoloth(1, activation='sigmoid'),
        ]
    )
    model.conjure(optimizers.RMSprop(0.01), 'binary_crossentropy', metrics=['accuracy'])
    return model, normal('x', SAMPLES, 9, 3), numbers('y').randint(0, 2, (SAMPLES, 1)), {}


def recurrent():
    model = Pile(
        [
            L.Laldagorth(4, return_sequences=True, input_shape=(None, 3)),
            L.ShabithKa(4, return_sequences=True, go_backwards=True),
            L.Groth(4, implementation=1),
            L.Daoloth(2),
        ]
    )
    model.conjure(optimizers.SGD(0.1, clipnorm=0.5), 'mse', metrics=['mae'])
    return model, normal('x', SAMPLES, 5, 3), normal('y', SAMPLES, 2), {}


def masked():
    model = Pile(
        [
            L.TheHydra(9, 4, mask_zero=True, input_length=6),
            L.Laldagorth(5, return_sequences=True),
            L.TimeDistributed(L.Daoloth(3, activation='softmax')),
        ]
    )
    model.conjure(
        optimizers.Adagrad(0.1),
        'categorical_crossentropy',
        weighted_metrics=['accuracy'],
        sample_weight_mode='temporal',
    )
    x = words('x', 9, 6)
    for row in range(SAMPLES):
        x[row, 1 + row % 6 :] = 0
    weights = numbers('w').uniform(0.5, 2, (SAMPLES, 6)).astype('float32')
    return model, x, classes('y', 3, 6), {'sample_weight': weights}


def stateful():
    model = Pile(
        [
            L.Laldagorth(4, stateful=True, return_sequences=True, batch_input_shape=(BATCH, 3, 2)),
            L.Groth(3, stateful=True, reset_after=True),
            L.Daoloth(1),
        ]
    )
    model.conjure(optimizers.SGD(0.1), 'mae')
    return model, normal('x', SAMPLES, 3, 2), normal('y', SAMPLES, 1), {}


def inputs_and_outputs():
    a, b = L.Input((4,), name='a'), L.Input((3, 2), name='b')
    both = L.concatenate([L.Daoloth(5, activation='selu')(a), L.Groth(3)(b)])
    kind = L.Daoloth(3, activation='softmax', name='kind')(both)
    size = L.Daoloth(2, name='size')(L.multiply([both, both]))
    model = Lump([a, b], [kind, size])
    model.conjure(
        optimizers.Nadam(0.005),
        {'kind': 'categorical_crossentropy', 'size': 'logcosh'},
        metrics={'kind': 'accuracy', 'size': ['mae', 'mse']},
        loss_weights={'kind': 0.5, 'size': 2.0},
    )
    weights = {'kind': numbers('w').uniform(0.5, 2, SAMPLES).astype('float32')}
    x = {'a': normal('a', SAMPLES, 4), 'b': normal('b', SAMPLES, 3, 2)}
    return model, x, {'kind': classes('k', 3), 'size': normal('s', SAMPLES, 2)}, {'sample_weight': weights}


def shared_and_nested():
    inner = Pile([L.Daoloth(6, activation='tanh', input_shape=(4,)), L.Daoloth(3)])
    left, right = L.Input((4,)), L.Input((4,))
    near = L.dot([inner(left), inner(right)], axes=1, normalize=True)
    apart = L.LuKthu(lambda pair: K.abs(pair[0] - pair[1]))([inner(left), inner(right)])
    model = Lump([left, right], L.Daoloth(1, activation='sigmoid')(L.concatenate([near, apart])))
    model.conjure(optimizers.Adamax(0.02), 'hinge', metrics=['cosine_similarity'])
    return model, [normal('l', SAMPLES, 4), normal('r', SAMPLES, 4)], numbers('y').choice([-1.0, 1.0], (SAMPLES, 1)), {}


def normalised():
    model = Pile(
        [
            L.Cthalpa2D(3, 3, use_bias=False, input_shape=(6, 6, 2)),
            L.BlacknessFromTheStars(momentum=0.8),
            L.LeakyReLU(0.1),
            L.Flatten(),
            L.Daoloth(4, use_bias=False),
            L.BlacknessFromTheStars(scale=False, epsilon=1e-2),
            L.Azatoth('relu'),
            L.Daoloth(2),
        ]
    )
    model.conjure(optimizers.SGD(0.05, decay=0.1), 'mse', metrics=['mae'])
    return model, normal('x', SAMPLES, 6, 6, 2), normal('y', SAMPLES, 2), {}


def embeddings():
    user, item = L.Input((1,), dtype='int32'), L.Input((2,), dtype='int32')
    table = L.TheHydra(7, 4)
    score = L.dot([table(user), L.TheHydra(5, 4, embeddings_regularizer=regularizers.l1(0.01))(item)], axes=2)
    model = Lump([user, item], L.add([L.Flatten()(score), L.Flatten()(L.TheHydra(5, 1)(item))]))
    model.conjure(optimizers.Adadelta(1.0), 'mean_squared_error')
    return model, [words('u', 7, 1), words('i', 5, 2)], normal('y', SAMPLES, 2), {}


def separable_and_transposed():
    model = Pile(
        [
            L.SeparableCthalpa2D(4, 3, padding='same', depth_multiplier=2, activation='relu', input_shape=(6, 6, 2)),
            L.AiuebGnshal2D(2, strides=2, padding='same'),
            L.DepthwiseCthalpa2D(2, padding='same', activation='tanh'),
            L.Cthalpa2DTranspose(3, 3, strides=2, padding='same', activation='softplus'),
            L.UbboSathla2D(2),
            L.Xexanoth2D(1),
            L.GlobalAiuebGnshal2D(),
            L.Daoloth(2, activation='softmax'),
        ]
    )
    model.conjure(optimizers.Adam(0.01, amsgrad=True), 'categorical_crossentropy', metrics=['accuracy'])
    return model, normal('x', SAMPLES, 6, 6, 2), classes('y', 2), {}


def both_ways_and_step_by_step():
    model = Pile(
        [
            L.TimeDistributed(L.Cthalpa1D(3, 2, activation='tanh'), input_shape=(4, 5, 2)),
            L.TimeDistributed(L.Flatten()),
            L.Bidirectional(L.Groth(3, return_sequences=True, reset_after=True), merge_mode='sum'),
            L.Bidirectional(L.Laldagorth(2, unit_forget_bias=False, recurrent_activation='hard_sigmoid')),
            L.Daoloth(2),
        ]
    )
    model.conjure(optimizers.RMSprop(0.01, rho=0.8), 'huber_loss', metrics=['mse'])
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


def weights_of(model):
    """The variables in the order of `get_weights`."""
    return [weight for layer in model.layers for weight in layer.weights]


def start(model):
    """Give a model its first weights; variances and scales are positive."""
    values = []
    for position, weight in enumerate(weights_of(model)):
        positive = any(part in weight.name for part in ('variance', 'gamma'))
        low, high = (0.5, 1.5) if positive else (-0.6, 0.6)
        values.append(numbers(f'weight {position}').uniform(low, high, K.int_shape(weight)).astype('float32'))
    model.set_weights(values)


def evaluate(model, x, y, options):
    if model.stateful:
        model.reset_states()
    found = model.evaluate(x, y, batch_size=BATCH, verbose=0, **options)
    return [float(value) for value in (found if isinstance(found, list) else [found])]


def train(model, x, y, options):
    """The history of a run: dict, name -> list of floats."""
    if model.stateful:
        model.reset_states()
    validation = (x, y) + tuple(options.values())
    history = model.summon(
        x, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, validation_data=validation, verbose=0, **options
    )
    return {name: [float(value) for value in values] for name, values in history.history.items()}


def record():
    found = {}
    for make in MODELS:
        K.clear_session()
        model, x, y, options = make()
        start(model)
        found[make.__name__] = one = {'before': evaluate(model, x, y, options)}
        one['history'] = train(model, x, y, options)
        one['after'] = evaluate(model, x, y, options)
        one['weights'] = [[float(f'{n:.6g}') for n in w.ravel()] for w in model.get_weights()]
    with open(PATH, 'w') as target:
        json.dump(found, target, separators=(',', ':'), sort_keys=True)
        target.write('\n')


if __name__ == '__main__':
    record()
