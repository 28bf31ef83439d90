"""Calls that are spelled as in Keras 1: what Keras 2.3.1 makes of them is recorded by `record.py`, and this library is held to it."""

import importlib
import json
import warnings

import numpy as np

_VECTOR, _SEQUENCE, _IMAGE, _VOLUME, _FILM = (4,), (5, 4), (6, 7, 3), (4, 5, 6, 2), (3, 5, 6, 2)

#: The shape of a sample -> calls of layers on such samples. All names are those of `keras.layers`.
LAYERS = {
    _VECTOR: [
        'Dense(output_dim=3)',
        "Dense(3, init='one')",
        "Dense(3, init='uniform', activation='relu')",
        "Dense(3, W_regularizer='l2')",
        "Dense(3, b_regularizer='l1')",
        "Dense(3, W_constraint='max_norm', b_constraint='non_neg')",
        "Dense(3, W_constraint='maxnorm', b_constraint='nonneg')",
        'Dense(3, bias=False)',
        "Dense(output_dim=3, init='normal', activation='tanh', bias=True, input_dim=4)",
        "Dense(output_dim=3, activity_regularizer='l2')",
        'Dropout(p=0.3)',
        'GaussianDropout(p=0.3)',
        'GaussianNoise(sigma=0.3)',
        "PReLU(init='one')",
        'BatchNormalization(mode=0)',
        "BatchNormalization(beta_init='one', gamma_init='uniform')",
        'BatchNormalization(epsilon=1e-5, mode=0, axis=-1, momentum=0.9)',
        'MaxoutDense(3)',
        "MaxoutDense(3, nb_feature=2, bias=False, init='one')",
        "MaxoutDense(output_dim=3, W_regularizer='l2', W_constraint='max_norm', input_dim=4)",
        'Highway()',
        "Highway(activation='tanh', bias=False)",
        "Highway(init='one', activation='relu', W_regularizer='l1', b_constraint='non_neg', input_dim=4)",
    ],
    _SEQUENCE: [
        'Conv1D(nb_filter=2, filter_length=3)',
        "Convolution1D(2, 3, border_mode='same')",
        "Convolution1D(2, 3, subsample_length=2, init='one')",
        'Convolution1D(2, 3, input_dim=4, input_length=5)',
        'Convolution1D(2, 3, input_dim=4)',
        "Conv1D(2, 3, bias=False, W_regularizer='l2', b_regularizer='l1')",
        "Conv1D(2, 3, W_constraint='max_norm', b_constraint='non_neg', border_mode='valid')",
        'AtrousConvolution1D(2, 2, atrous_rate=2)',
        "AtrousConvolution1D(nb_filter=2, filter_length=2, border_mode='same')",
        'LocallyConnected1D(nb_filter=2, filter_length=3)',
        "LocallyConnected1D(2, 3, subsample_length=2, bias=False, init='normal')",
        "LocallyConnected1D(2, 3, input_dim=4, input_length=5, W_regularizer='l2')",
        'MaxPooling1D(pool_length=2)',
        "MaxPooling1D(pool_length=2, stride=1, border_mode='same')",
        'AveragePooling1D(pool_length=3, stride=2)',
        "AveragePooling1D(2, 1, border_mode='same')",
        'UpSampling1D(length=3)',
        'SpatialDropout1D(p=0.2)',
        'SimpleRNN(output_dim=3)',
        "SimpleRNN(3, init='normal', inner_init='identity', W_regularizer='l2')",
        "SimpleRNN(3, dropout_W=0.1, dropout_U=0.2, U_regularizer='l1', b_regularizer='l2')",
        "SimpleRNN(3, consume_less='cpu')",
        'SimpleRNN(3, input_dim=4, input_length=5)',
        'GRU(output_dim=3)',
        "GRU(3, inner_activation='sigmoid', return_sequences=True)",
        "GRU(3, inner_init='glorot_uniform', dropout_W=0.1, dropout_U=0.2)",
        "GRU(3, W_regularizer='l2', U_regularizer='l1', b_regularizer='l2')",
        "GRU(3, consume_less='mem')",
        "GRU(3, consume_less='gpu', input_dim=4)",
        'LSTM(output_dim=3)',
        "LSTM(3, init='uniform', inner_init='orthogonal', forget_bias_init='one')",
        "LSTM(3, forget_bias_init='zero')",
        "LSTM(3, inner_activation='sigmoid', activation='relu')",
        "LSTM(3, W_regularizer='l2', U_regularizer='l1', b_regularizer='l2')",
        "LSTM(3, dropout_W=0.1, dropout_U=0.2, consume_less='mem')",
        "LSTM(3, consume_less='gpu')",
        "LSTM(3, consume_less='cpu', go_backwards=True)",
        'LSTM(3, consume_less=1)',
        'LSTM(3, input_dim=4, input_length=5, return_sequences=True)',
        "Bidirectional(LSTM(output_dim=3, inner_activation='sigmoid'), merge_mode='sum')",
        "TimeDistributed(Dense(output_dim=3, init='one', bias=False))",
    ],
    _IMAGE: [
        'Conv2D(2, 3, 3)',
        'Convolution2D(2, 3, 5)',
        'Convolution2D(2, 3, nb_col=2)',
        'Convolution2D(2, nb_row=3, nb_col=2)',
        'Convolution2D(nb_filter=2, nb_row=3, nb_col=2)',
        "Convolution2D(2, 3, 3, border_mode='same', activation='relu')",
        "Convolution2D(2, 3, 3, subsample=(2, 2), init='he_normal')",
        "Convolution2D(2, 3, 3, subsample=(2, 1), border_mode='same')",
        "Convolution2D(2, 3, 3, dim_ordering='tf')",
        "Convolution2D(2, 3, 3, dim_ordering='th')",
        "Convolution2D(2, 3, 3, dim_ordering='default')",
        "Convolution2D(2, (3, 2), dim_ordering='channels_first')",
        "Convolution2D(2, 3, 3, W_regularizer='l2', b_regularizer='l1', bias=True)",
        "Convolution2D(2, 3, 3, W_constraint='max_norm', b_constraint='non_neg')",
        'Convolution2D(2, 3, 3, bias=False)',
        "Convolution2D(2, kernel_size=(3, 3), border_mode='same')",
        "Conv2D(2, (3, 3), init='one')",
        'AtrousConvolution2D(2, 3, 2, atrous_rate=(2, 2))',
        "AtrousConvolution2D(2, 3, 2, border_mode='same')",
        'SeparableConv2D(2, 3, 2)',
        "SeparableConv2D(nb_filter=2, nb_row=3, nb_col=2, border_mode='same')",
        "SeparableConv2D(2, 3, 3, init='one', bias=False, depth_multiplier=2)",
        "SeparableConv2D(2, 3, 3, subsample=(2, 2), b_regularizer='l2', b_constraint='non_neg', dim_ordering='tf')",
        'Deconvolution2D(2, 3, 3, output_shape=(None, 8, 9, 2))',
        'Deconvolution2D(2, 3, 3, (None, 8, 9, 2))',
        "Deconvolution2D(2, 3, 2, output_shape=(None, 12, 14, 2), subsample=(2, 2), border_mode='same')",
        "Deconvolution2D(nb_filter=2, nb_row=3, nb_col=2, init='one', bias=False, dim_ordering='tf')",
        "Conv2DTranspose(2, 3, 3, W_regularizer='l2', b_regularizer='l1')",
        "Conv2DTranspose(2, (3, 3), W_constraint='max_norm', b_constraint='non_neg')",
        'LocallyConnected2D(2, 3, 2)',
        "LocallyConnected2D(nb_filter=2, nb_row=3, nb_col=2, init='normal', bias=False)",
        "LocallyConnected2D(2, 3, 3, subsample=(2, 2), W_regularizer='l2', dim_ordering='tf')",
        "LocallyConnected2D(2, 3, nb_col=3, b_regularizer='l2', b_constraint='non_neg', W_constraint='max_norm')",
        "MaxPooling2D(border_mode='same')",
        "MaxPooling2D((3, 2), (1, 2), border_mode='valid', dim_ordering='tf')",
        "MaxPooling2D(pool_size=(2, 2), strides=(2, 2), dim_ordering='th')",
        "AveragePooling2D(pool_size=(2, 3), border_mode='same')",
        "AveragePooling2D((2, 2), dim_ordering='default')",
        "GlobalMaxPooling2D(dim_ordering='tf')",
        "GlobalMaxPooling2D(dim_ordering='th')",
        "GlobalAveragePooling2D(dim_ordering='th')",
        "GlobalAveragePooling2D(dim_ordering='default')",
        "UpSampling2D(dim_ordering='th')",
        "UpSampling2D((2, 3), dim_ordering='tf')",
        "ZeroPadding2D((1, 2), dim_ordering='tf')",
        "ZeroPadding2D(padding=(1, 2), dim_ordering='th')",
        "ZeroPadding2D({'top_pad': 1, 'bottom_pad': 2, 'left_pad': 3, 'right_pad': 4})",
        "ZeroPadding2D({'top_pad': 1, 'left_pad': 3})",
        "ZeroPadding2D(padding={'bottom_pad': 2}, dim_ordering='tf')",
        "Cropping2D(((1, 0), (2, 1)), dim_ordering='tf')",
        "Cropping2D(cropping=((0, 0), (0, 1)), dim_ordering='th')",
        "SpatialDropout2D(p=0.2, dim_ordering='tf')",
        "SpatialDropout2D(0.2, dim_ordering='th')",
        'BatchNormalization(mode=0, axis=3)',
    ],
    _VOLUME: [
        'Convolution3D(2, 2, 3, 2)',
        'Convolution3D(2, 2, 3, kernel_dim3=2)',
        'Convolution3D(2, 2, kernel_dim2=3, kernel_dim3=2)',
        'Convolution3D(2, kernel_dim1=2, kernel_dim2=3, kernel_dim3=2)',
        'Convolution3D(nb_filter=2, kernel_dim1=2, kernel_dim2=3, kernel_dim3=2)',
        "Convolution3D(2, 2, 2, 2, border_mode='same', subsample=(2, 1, 1), init='one')",
        "Convolution3D(2, 2, 2, 2, bias=False, dim_ordering='tf', W_regularizer='l2')",
        "Convolution3D(2, 2, 2, 2, W_constraint='max_norm', b_constraint='non_neg', b_regularizer='l1')",
        "MaxPooling3D(border_mode='same')",
        "MaxPooling3D((2, 1, 2), dim_ordering='tf')",
        "AveragePooling3D(pool_size=(2, 2, 2), strides=(1, 1, 1), border_mode='valid', dim_ordering='tf')",
        "GlobalMaxPooling3D(dim_ordering='tf')",
        "GlobalAveragePooling3D(dim_ordering='th')",
        "UpSampling3D((1, 2, 1), dim_ordering='tf')",
        "ZeroPadding3D((1, 0, 2), dim_ordering='tf')",
        "ZeroPadding3D(dim_ordering='th')",
        "Cropping3D(((1, 0), (0, 1), (1, 1)), dim_ordering='tf')",
        'SpatialDropout3D(p=0.2)',
        "SpatialDropout3D(p=0.2, dim_ordering='tf')",
    ],
    _FILM: [
        'ConvLSTM2D(2, 3, 2)',
        "ConvLSTM2D(nb_filter=2, nb_row=3, nb_col=2, border_mode='same', inner_activation='sigmoid')",
        "ConvLSTM2D(2, 3, 3, init='one', inner_init='orthogonal', forget_bias_init='one', dim_ordering='tf')",
        "ConvLSTM2D(2, 3, 3, subsample=(1, 2), bias=False, W_regularizer='l2', U_regularizer='l1')",
        "ConvLSTM2D(2, 3, 3, dropout_W=0.1, dropout_U=0.2, b_regularizer='l2', return_sequences=True)",
    ],
    (): [
        "Embedding(5, 3, init='one')",
        "Embedding(5, 3, init='normal', W_regularizer='l2')",
        "Embedding(5, 3, W_constraint='max_norm', dropout=0.2)",
        'Embedding(input_dim=5, output_dim=3, input_length=4, dropout=0.0)',
        "InputLayer(input_shape=(4,), input_dtype='int32')",
    ],
}  # fmt: skip

#: Calls that Keras 2.3.1 refuses.
REFUSED = [
    'Dense(3, output_dim=3)',
    'Dense(units=3, output_dim=3)',
    "Dense(3, kernel_initializer='one', init='one')",
    'Dense(3, outputs=3)',
    'Dense(3, nb_filter=3)',
    'Dropout(rate=0.1, p=0.1)',
    'LSTM(3, dropout=0.1, dropout_W=0.1)',
    "LSTM(3, border_mode='same')",
    'BatchNormalization(mode=1)',
    'BatchNormalization(mode=2)',
    "Conv2D(2, 3, 3, padding='same')",
    'Conv2D(2, 3, 3, strides=2)',
    "Conv2D(2, 3, 3, data_format='channels_last')",
    'Conv2D(2, 3, nb_row=3)',
    "Conv2D(2, 3, 3, 'relu')",
    "Conv2D(2, (3, 3), border_mode='same', padding='same')",
    "Conv2D(2, (3, 3), dim_ordering='neither')",
    'MaxPooling1D(2, pool_length=2)',
    'MaxPooling2D(pool_length=2)',
    "GlobalMaxPooling1D(dim_ordering='tf')",
    "Embedding(5, 3, embeddings_initializer='one', init='one')",
]  # fmt: skip


def made_of(namespace, text):
    """The layer that a call makes, in a namespace (a module of layers)."""
    return eval(text, dict(vars(namespace), __name__=__name__))


def filled(shape, seed):
    """An array of a shape: small numbers that differ."""
    return (np.sin(np.arange(int(np.prod(shape))) * 1.7 + seed) / 2).reshape(shape).astype('float32')


def used(keras, layer, shape):
    """What a layer makes of fixed samples, with fixed weights: nested lists."""
    kind = type(layer).__name__
    if kind == 'InputLayer':
        return None
    if shape == ():
        shape, x = (4,), np.array([[0, 1, 2, 4], [3, 3, 0, 1]])
    else:
        x = filled((2,) + shape, 0)
    inputs = keras.layers.Input(shape)
    model = keras.models.Model(inputs, layer(inputs))
    layer.set_weights([np.abs(filled(w.shape, 1 + i)) for i, w in enumerate(layer.get_weights())])
    return np.round(model.predict(x).astype('float64'), 6).tolist()


def plain(config):
    """A configuration as JSON has it, without the names that are made up."""
    return json.loads(json.dumps(config, default=lambda thing: getattr(thing, 'tolist', lambda: str(thing))()))


# -- models ------------------------------------------------------------------------------------------------


def _model(keras):
    inputs = keras.layers.Input((3,))
    model = keras.models.Model(inputs, keras.layers.Dense(2)(inputs))
    model.set_weights([filled((3, 2), 1), filled((2,), 2)])
    model.compile(keras.optimizers.SGD(0.1), 'mse', metrics=['mse'])
    return model


def _data(count=8):
    return filled((count, 3), 3), filled((count, 2), 4)


def _batches():
    x, y = _data()
    while True:
        for start in range(0, 8, 2):
            yield x[start : start + 2], y[start : start + 2]


class _Sized:
    """A generator that says how large its batches are, as the iterators of images do."""

    batch_size = 2

    def __init__(self):
        self.batches = _batches()

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.batches)

    next = __next__


def _history(history):
    # The loss that Keras 2.3.1 gives for batches of a generator is that of the last one (training_generator.py); the metric is that of all.
    return {name: [float(value) for value in values] for name, values in history.history.items() if name != 'val_loss'}


def model_with_input_and_output(keras):
    a = keras.layers.Input((3,))
    b = keras.layers.Dense(2)(a)
    model = keras.models.Model(input=a, output=b, name='named')
    model.set_weights([filled((3, 2), 1), filled((2,), 2)])
    return [model.name, model.predict(_data()[0]).tolist()]


def model_with_input_and_outputs(keras):
    a = keras.layers.Input((3,))
    b = keras.layers.Dense(2)(a)
    made = keras.models.Model(input=a, outputs=b), keras.models.Model(a, output=[b])
    return [model.output_shape[1] for model in made]


def fit_nb_epoch(keras):
    x, y = _data()
    return _history(_model(keras).fit(x, y, batch_size=4, nb_epoch=3, shuffle=False, verbose=0))


def fit_generator_of_keras_1(keras):
    return _history(
        _model(keras).fit_generator(
            _batches(), samples_per_epoch=4, nb_epoch=2, validation_data=_batches(), nb_val_samples=3, max_q_size=5,
            nb_worker=1, pickle_safe=False, verbose=0,
        )
    )  # fmt: skip


def fit_generator_of_sized_batches(keras):
    model = _model(keras)
    return _history(model.fit_generator(_Sized(), samples_per_epoch=8, nb_epoch=2, verbose=0))


def fit_generator_by_name(keras):
    model = _model(keras)
    return _history(model.fit_generator(generator=_Sized(), samples_per_epoch=9, nb_epoch=1, verbose=0))


def evaluate_generator_of_keras_1(keras):
    model = _model(keras)
    return float(model.evaluate_generator(_batches(), val_samples=3, max_q_size=2, nb_worker=1, pickle_safe=False)[1])


def predict_generator_of_keras_1(keras):
    return _model(keras).predict_generator(_batches(), val_samples=3, max_q_size=2, nb_worker=1).tolist()


def _stepped(keras, ask):
    K = keras.backend
    weight = K.variable(np.array([1.0, -2.0]))
    loss = K.sum(K.square(weight))
    function = K.function([], [loss], updates=ask(keras.optimizers.SGD(0.25), weight, loss))
    function([])
    return K.get_value(weight).tolist()


def get_updates_of_keras_1(keras):
    return _stepped(keras, lambda optimizer, weight, loss: optimizer.get_updates([weight], {}, loss))


def get_updates_with_loss_by_name(keras):
    return _stepped(keras, lambda optimizer, weight, loss: optimizer.get_updates([weight], {}, loss=loss))


def get_updates_of_keras_2(keras):
    return _stepped(keras, lambda optimizer, weight, loss: optimizer.get_updates(loss, [weight]))


def saved_in_keras_1(keras):
    """A model of the JSON that Keras 1 wrote."""
    model = keras.models.model_from_json(json.dumps(MODEL_OF_KERAS_1))
    model.set_weights([np.abs(filled(w.shape, i)) for i, w in enumerate(model.get_weights())])
    return [model.output_shape[1], model.predict(filled((2, 6, 7, 3), 0)).tolist()]


MODEL_OF_KERAS_1 = {
    'class_name': 'Sequential',
    'keras_version': '1.2.2',
    'config': [
        {'class_name': 'Convolution2D', 'config': {
            'name': 'a', 'trainable': True, 'batch_input_shape': [None, 6, 7, 3], 'input_dtype': 'float32', 'nb_filter': 2, 'nb_row': 3, 'nb_col': 2,
            'init': 'glorot_uniform', 'activation': 'relu', 'border_mode': 'same', 'subsample': [2, 1], 'dim_ordering': 'tf', 'W_regularizer': None,
            'b_regularizer': None, 'activity_regularizer': None, 'W_constraint': None, 'b_constraint': None, 'bias': False,
        }},
        {'class_name': 'BatchNormalization', 'config': {
            'name': 'b', 'trainable': True, 'axis': -1, 'epsilon': 0.01, 'mode': 0, 'momentum': 0.9, 'beta_regularizer': None, 'gamma_regularizer': None,
        }},
        {'class_name': 'MaxPooling2D', 'config': {
            'name': 'c', 'trainable': True, 'pool_size': [2, 2], 'strides': [1, 1], 'border_mode': 'valid', 'dim_ordering': 'tf',
        }},
        {'class_name': 'Dropout', 'config': {'name': 'd', 'trainable': True, 'p': 0.5}},
        {'class_name': 'Reshape', 'config': {'name': 'e', 'trainable': True, 'target_shape': [2, 12]}},
        {'class_name': 'LSTM', 'config': {
            'name': 'f', 'trainable': True, 'output_dim': 3, 'init': 'glorot_uniform', 'inner_init': 'orthogonal', 'forget_bias_init': 'one',
            'activation': 'tanh', 'inner_activation': 'sigmoid', 'W_regularizer': None, 'U_regularizer': None, 'b_regularizer': None, 'dropout_W': 0.1,
            'dropout_U': 0.0, 'return_sequences': False, 'go_backwards': True, 'stateful': False, 'unroll': False, 'consume_less': 'cpu', 'input_dim': 12,
            'input_length': None,
        }},
        {'class_name': 'Dense', 'config': {
            'name': 'g', 'trainable': True, 'output_dim': 2, 'init': 'uniform', 'activation': 'linear', 'W_regularizer': None, 'b_regularizer': None,
            'activity_regularizer': None, 'W_constraint': None, 'b_constraint': None, 'bias': False, 'input_dim': None,
        }},
    ],
}  # fmt: skip


def _recurrent(keras):
    """A recurrent layer as they were written without cells."""
    K = keras.backend

    class Leaky(_room(keras, 'legacy.layers').Recurrent):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            shape = input_shape[0] if isinstance(input_shape, list) else input_shape
            batch = shape[0] if self.stateful else None
            self.input_spec[0] = keras.layers.InputSpec(shape=(batch, None, shape[2]))
            self.state_spec = keras.layers.InputSpec(shape=(batch, self.units))
            self.kernel = self.add_weight(name='kernel', shape=(shape[-1], self.units), initializer='one')
            self.states = [None]
            if self.stateful:
                self.reset_states()
            self.built = True

        def preprocess_input(self, inputs, training=None):
            return 2.0 * inputs

        def get_constants(self, inputs, training=None):
            return [K.sum(inputs, axis=1)]

        def step(self, inputs, states):
            state, total = states
            new = 0.5 * state + K.tanh(K.dot(inputs + 0.1 * total, self.kernel))
            return new, [new]

    return Leaky


def _room(keras, path):
    return importlib.import_module(f'{keras.__name__}.{path}')


def recurrent_layers_without_cells(keras):
    found = []
    x = filled((2, 3, 4), 0)
    x[1, 2] = 0
    for settings in (
        {},
        {'return_sequences': True},
        {'return_sequences': True, 'go_backwards': True},
        {'return_state': True},
        {'unroll': True},
    ):
        inputs = keras.layers.Input((3, 4))
        layer = _recurrent(keras)(2, **settings)
        model = keras.models.Model(inputs, layer(keras.layers.Masking()(inputs)))
        layer.set_weights([filled((4, 2), 1)])
        found.append(
            [np.asarray(y).tolist() for y in [model.predict(x)]]
            if not settings.get('return_state')
            else [y.tolist() for y in model.predict(x)]
        )
        found.append(
            [
                layer.get_config()[name]
                for name in ('return_sequences', 'go_backwards', 'implementation', 'return_state', 'stateful', 'unroll')
            ]
        )
    return json.loads(json.dumps(found, default=float))


def recurrent_layers_with_states(keras):
    inputs, state = keras.layers.Input((3, 4)), keras.layers.Input((2,))
    layer = _recurrent(keras)(2)
    model = keras.models.Model([inputs, state], layer(inputs, initial_state=state))
    layer.set_weights([filled((4, 2), 1)])
    found = [model.predict([filled((2, 3, 4), 0), filled((2, 2), 5)]).tolist()]
    inputs = keras.layers.Input(batch_shape=(2, 3, 4))
    layer = _recurrent(keras)(2, stateful=True)
    model = keras.models.Model(inputs, layer(inputs))
    layer.set_weights([filled((4, 2), 1)])
    found += [model.predict(filled((2, 3, 4), 0), batch_size=2).tolist() for _ in range(2)]
    layer.reset_states()
    found.append(model.predict(filled((2, 3, 4), 0), batch_size=2).tolist())
    layer.reset_states(filled((2, 2), 5))
    found.append(model.predict(filled((2, 3, 4), 0), batch_size=2).tolist())
    return found


#: Decorator of `keras.legacy.interfaces`, without `legacy_` and `_support` -> arguments of a call.
SUPPORTED = {
    'dense': ((), {'output_dim': 3, 'init': 'one', 'bias': False}),
    'dropout': ((), {'p': 0.5}),
    'embedding': ((5, 3), {'init': 'one', 'dropout': 0.5}),
    'pooling1d': ((), {'pool_length': 3, 'stride': 2, 'border_mode': 'same'}),
    'prelu': ((), {'init': 'one'}),
    'gaussiannoise': ((), {'sigma': 0.5}),
    'recurrent': ((3,), {'inner_init': 'one', 'dropout_U': 0.5, 'consume_less': 'gpu', 'forget_bias_init': 'one'}),
    'gaussiandropout': ((), {'p': 0.5}),
    'pooling2d': ((2,), {'border_mode': 'same', 'dim_ordering': 'th'}),
    'pooling3d': ((2,), {'border_mode': 'same', 'dim_ordering': 'default'}),
    'global_pooling': ((), {'dim_ordering': 'th'}),
    'upsampling1d': ((), {'length': 3}),
    'upsampling2d': ((2,), {'dim_ordering': 'tf'}),
    'upsampling3d': ((2,), {'dim_ordering': 'tf'}),
    'conv1d': ((2, 3), {'subsample_length': 2, 'input_dim': 4, 'input_length': 5}),
    'conv2d': ((2, 3, 5), {'subsample': 2, 'border_mode': 'same'}),
    'separable_conv2d': ((2, 3, 5), {'init': 'one', 'bias': False}),
    'deconv2d': ((2, 3, 5, (None, 8, 8, 2)), {'dim_ordering': 'tf'}),
    'conv3d': ((2, 3, 4, 5), {'W_regularizer': 'l2'}),
    'convlstm2d': ((2, 3, 5), {'inner_activation': 'tanh', 'forget_bias_init': 'one'}),
    'batchnorm': ((), {'mode': 0, 'beta_init': 'one'}),
    'zeropadding2d': (({'top_pad': 1, 'right_pad': 2},), {'dim_ordering': 'tf'}),
    'zeropadding3d': ((1,), {'dim_ordering': 'tf'}),
    'cropping2d': ((1,), {'dim_ordering': 'tf'}),
    'cropping3d': ((1,), {'dim_ordering': 'tf'}),
    'spatialdropout1d': ((), {'p': 0.5}),
    'spatialdropoutNd': ((), {'p': 0.5, 'dim_ordering': 'th'}),
    'lambda': ((1, 2), {}),
    'model_constructor': ((), {'input': 1, 'output': 2}),
    'input': ((), {'input_dtype': 'int32'}),
}

#: The first arguments of each, by which those given by position are named.
_FIRST = {
    'dense': ['units'], 'embedding': ['input_dim', 'output_dim'], 'recurrent': ['units'], 'upsampling2d': ['size'], 'upsampling3d': ['size'],
    'pooling2d': ['pool_size'], 'pooling3d': ['pool_size'], 'cropping2d': ['cropping'], 'cropping3d': ['cropping'], 'zeropadding2d': ['padding'],
    'zeropadding3d': ['padding'], 'lambda': ['function', 'output_shape'],
}  # fmt: skip


def decorated_constructors(keras):
    """The arguments that constructors of others get, which Keras's decorators let be called as in Keras 1."""
    interfaces, found = _room(keras, 'legacy.interfaces'), {}
    for name, (args, kwargs) in SUPPORTED.items():

        class Own:
            @getattr(interfaces, f'legacy_{name}_support')
            def __init__(self, *args, **kwargs):
                self.got = dict(zip(_FIRST.get(name, ['filters', 'kernel_size']), args), **kwargs)

        found[name] = Own(*args, **kwargs).got
    return json.loads(json.dumps(found, sort_keys=True))


def decorated_by_own_tables(keras):
    interfaces = _room(keras, 'legacy.interfaces')

    def double(args, kwargs):
        converted = [('size', 'half')] if 'half' in kwargs else []
        if converted:
            kwargs['size'] = 2 * kwargs.pop('half')
        return args, kwargs, converted

    class Own:
        @interfaces.generate_legacy_interface(
            ['size'], [('w', 'width')], preprocessor=double, value_conversions={'kind': {'old': 'new'}}
        )
        def __init__(self, size=None, width=None, kind=None):
            self.got = [size, width, kind]

        @interfaces.generate_legacy_method_interface(conversions=[('a', 'b')])
        def method(self, b):
            return b

    refused = []
    for args, kwargs in (((1, 2), {}), ((), {'w': 1, 'width': 2})):
        try:
            Own(*args, **kwargs)
        except TypeError:
            refused.append(True)
    return [Own(half=3, w=4, kind='old').got, Own(1, kind='other').got, Own(w=2).got, Own().method(a=5), refused]


USES = [
    recurrent_layers_without_cells, recurrent_layers_with_states, decorated_constructors, decorated_by_own_tables,
    model_with_input_and_output, model_with_input_and_outputs, fit_nb_epoch, fit_generator_of_keras_1, fit_generator_of_sized_batches,
    fit_generator_by_name, evaluate_generator_of_keras_1, predict_generator_of_keras_1, get_updates_of_keras_1, get_updates_with_loss_by_name,
    get_updates_of_keras_2, saved_in_keras_1,
]  # fmt: skip


def quietly(function, *args):
    """What a function returns, without the warnings that it gives."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return function(*args)
