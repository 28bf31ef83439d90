"""Files of weights as old versions and other backends of Keras left them.

`CASES` has models, and how the arrays of such a file lie; `make_file` writes one with h5py alone. For the tests, and for `interop.py`, where Keras 2.3.1 says what such a
model predicts.
"""

import os

import h5py
import numpy as np


def _conv(keras, name, shape, **options):
    layers, options = keras.layers, dict({'name': 'layer'}, **options)
    layer = getattr(layers, name)
    return keras.models.Sequential([layer(3, 2, input_shape=shape, **options)])


def _recurrent(keras, name, **options):
    layer = getattr(keras.layers, name)
    return keras.models.Sequential([layer(4, name='layer', input_shape=(5, 3), **options)])


def _both_ways(keras):
    inner = keras.layers.LSTM(4, return_sequences=True)
    return keras.models.Sequential([keras.layers.Bidirectional(inner, name='layer', input_shape=(5, 3))])


def _in_time(keras):
    inner = keras.layers.Conv2D(3, 2)
    return keras.models.Sequential([keras.layers.TimeDistributed(inner, name='layer', input_shape=(2, 5, 4, 2))])


def _in_a_model(keras):
    layers = keras.layers
    inner = keras.models.Sequential(
        [layers.Conv2D(3, 2, input_shape=(5, 4, 2)), layers.BatchNormalization(), layers.Conv2D(2, 1)], name='layer'
    )
    return keras.models.Sequential([inner])


_CONV_LSTM = {'padding': 'same', 'return_sequences': True}
_PLAIN_GRU = {'recurrent_activation': 'sigmoid', 'reset_after': False}
_CUDNN_GRU = {'recurrent_activation': 'sigmoid', 'reset_after': True}
_OLD_CELL = [(3, 4), (4, 4), (4,)]  # kernel, recurrent kernel and bias of a gate

# Name -> (function of a Keras that makes the model, version and backend in the file, shapes of the arrays in the file).
CASES = {
    'keras_1_conv1d': (lambda k: _conv(k, 'Conv1D', (6, 2)), '1', None, [(2, 1, 2, 3), (3,)]),
    'keras_1_conv1d_theano_order': (lambda k: _conv(k, 'Conv1D', (6, 2)), '1', None, [(3, 2, 2, 1), (3,)]),
    'keras_1_conv2d': (lambda k: _conv(k, 'Conv2D', (5, 4, 2)), '1', None, [(2, 2, 2, 3), (3,)]),
    'keras_1_conv2d_channels_first': (
        lambda k: _conv(k, 'Conv2D', (2, 5, 4), data_format='channels_first'),
        '1',
        None,
        [(3, 2, 2, 2), (3,)],
    ),
    'keras_1_transpose': (lambda k: _conv(k, 'Conv2DTranspose', (5, 4, 2)), '1', None, [(2, 2, 2, 3), (3,)]),
    'keras_1_lstm': (lambda k: _recurrent(k, 'LSTM'), '1', None, _OLD_CELL * 4),
    'keras_1_gru': (lambda k: _recurrent(k, 'GRU', **_PLAIN_GRU), '1', None, _OLD_CELL * 3),
    'keras_1_bidirectional': (_both_ways, '1', None, _OLD_CELL * 8),
    'keras_1_conv_lstm': (
        lambda k: _conv(k, 'ConvLSTM2D', (2, 5, 4, 2), **_CONV_LSTM),
        '1',
        None,
        [(2, 2, 2, 3), (2, 2, 3, 3), (3,)] * 4,
    ),
    'keras_1_in_time': (_in_time, '1', None, [(2, 2, 2, 3), (3,)]),
    'theano_conv1d': (lambda k: _conv(k, 'Conv1D', (6, 2)), '2.0.5', 'theano', [(2, 2, 3), (3,)]),
    'theano_conv2d': (lambda k: _conv(k, 'Conv2D', (5, 4, 2)), '2.0.5', 'theano', [(2, 2, 2, 3), (3,)]),
    'theano_conv3d': (lambda k: _conv(k, 'Conv3D', (4, 5, 4, 2)), '2.0.5', 'theano', [(2, 2, 2, 2, 3), (3,)]),
    'theano_transpose': (lambda k: _conv(k, 'Conv2DTranspose', (5, 4, 2)), '2.1', 'theano', [(2, 2, 3, 2), (3,)]),
    'theano_conv_lstm': (
        lambda k: _conv(k, 'ConvLSTM2D', (2, 5, 4, 2), **_CONV_LSTM),
        '2.0.5',
        'theano',
        [(2, 2, 2, 12), (2, 2, 3, 12), (12,)],
    ),
    'theano_in_time': (_in_time, '2.0.5', 'theano', [(2, 2, 2, 3), (3,)]),
    'theano_in_a_model': (
        _in_a_model,
        '2.0.5',
        'theano',
        [(2, 2, 2, 3), (3,), (3,), (3,), (1, 1, 3, 2), (2,), (3,), (3,)],
    ),
    'cntk_conv2d': (lambda k: _conv(k, 'Conv2D', (5, 4, 2)), '2.0.5', 'cntk', [(2, 2, 2, 3), (3,)]),
    'cudnn_lstm': (
        lambda k: _recurrent(k, 'LSTM', recurrent_activation='sigmoid'),
        '2.1',
        'tensorflow',
        [(3, 16), (4, 16), (32,)],
    ),
    'cudnn_gru': (lambda k: _recurrent(k, 'GRU', **_CUDNN_GRU), '2.1', 'tensorflow', [(3, 12), (4, 12), (24,)]),
}


def arrays(name):
    """The arrays in the file of a case."""
    random = np.random.RandomState(sum(name.encode()))
    return [random.uniform(0.1, 0.9, shape).astype('float32') for shape in CASES[name][3]]


def make_file(path, name):
    """Write the file of a case."""
    _, version, backend, _ = CASES[name]
    with h5py.File(path, 'w') as file:
        if version != '1':
            file.attrs['keras_version'] = version.encode()
            file.attrs['backend'] = backend.encode()
        file.attrs['layer_names'] = [b'layer']
        group = file.create_group('layer')
        values = arrays(name)
        group.attrs['weight_names'] = [b'weight_%d' % i for i in range(len(values))]
        for i, value in enumerate(values):
            group[f'weight_{i}'] = value


def inputs(model):
    shape = tuple(int(n) for n in model.input_shape[1:])
    return np.random.RandomState(0).uniform(-1, 1, (2,) + shape).astype('float32')


def write(folder, keras):
    for name in sorted(CASES):
        path = os.path.join(folder, name + '.old')
        make_file(path, name)
        model = CASES[name][0](keras)
        model.load_weights(path)
        np.save(path + '.npy', model.predict(inputs(model)))


def read(folder, keras):
    """(name, largest difference of predictions) of each case that is there."""
    for name in sorted(CASES):
        path = os.path.join(folder, name + '.old')
        if os.path.exists(path):
            model = CASES[name][0](keras)
            model.load_weights(path)
            yield name, float(np.abs(model.predict(inputs(model)) - np.load(path + '.npy')).max())
