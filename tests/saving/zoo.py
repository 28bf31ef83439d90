"""Small models of many kinds, written with Keras's names: for the tests, and for the scripts that other Kerases run."""

import numpy as np


def mlp(keras, optimizer='adam'):
    layers = keras.layers
    model = keras.models.Sequential(
        [
            layers.Dense(
                8, activation='tanh', input_shape=(5,), kernel_regularizer=keras.regularizers.l1_l2(0.01, 0.02)
            ),
            layers.Dense(4, kernel_constraint=keras.constraints.MaxNorm(2.0), use_bias=False),
            layers.PReLU(),
            layers.Dense(3, activation='softmax', kernel_initializer='he_normal'),
        ]
    )
    model.compile(optimizer, 'categorical_crossentropy', metrics=['accuracy'])
    return model


def cnn(keras):
    layers = keras.layers
    x = inputs = layers.Input((9, 8, 3), name='picture')
    x = layers.Conv2D(6, (3, 2), padding='same', strides=2)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(max_value=3.0)(x)
    y = layers.SeparableConv2D(4, 3, padding='same', depth_multiplier=2)(x)
    z = layers.DepthwiseConv2D(3, padding='same')(x)
    z = layers.Conv2D(4, 1)(z)
    x = layers.Add()([y, z])
    x = layers.Conv2DTranspose(5, 3, strides=2, padding='same')(x)
    x = layers.ZeroPadding2D(((1, 0), (0, 2)))(x)
    x = layers.Cropping2D(1)(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.MaxPooling2D(3)(x)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.Flatten()(x)
    outputs = layers.Dense(3, activation='softmax')(layers.Dropout(0.3)(x))
    model = keras.models.Model(inputs, outputs)
    model.compile('rmsprop', 'mse', metrics=['mae'])
    return model


def sequences(keras):
    layers = keras.layers
    x = inputs = layers.Input((6,))
    x = layers.Embedding(11, 5, mask_zero=True)(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    x = layers.GRU(5, return_sequences=True, reset_after=False, recurrent_activation='sigmoid')(x)
    x = layers.TimeDistributed(layers.Dense(4, activation='relu'))(x)
    x = layers.SimpleRNN(3)(x)
    outputs = layers.Dense(1, activation='sigmoid')(x)
    model = keras.models.Model(inputs, outputs)
    model.compile('nadam', 'binary_crossentropy')
    return model


def one_dimension(keras):
    layers = keras.layers
    x = inputs = layers.Input((12, 3))
    x = layers.Conv1D(4, 3, padding='causal', dilation_rate=2, activation='elu')(x)
    x = layers.SeparableConv1D(5, 3)(x)
    x = layers.AveragePooling1D(2)(x)
    x = layers.concatenate([layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)])
    outputs = [layers.Dense(2, name='a')(x), layers.Dense(1, name='b')(x)]
    model = keras.models.Model(inputs, outputs)
    model.compile('adagrad', {'a': 'mse', 'b': 'mae'}, metrics={'b': 'mse'}, loss_weights={'a': 0.5, 'b': 2.0})
    return model


def nested(keras, frozen=False):
    layers = keras.layers
    base = keras.models.Sequential(
        [layers.Dense(6, input_shape=(5,)), layers.BatchNormalization(), layers.Dense(6), layers.BatchNormalization()],
        name='base',
    )
    if frozen:
        base.layers[1].trainable = False
        base.layers[2].trainable = False
    tower = keras.models.Sequential([layers.Dense(4, input_shape=(5,), activation='tanh')], name='tower')
    a, b = layers.Input((5,), name='left'), layers.Input((5,), name='right')
    x = layers.dot([tower(a), tower(b)], axes=-1, normalize=True)
    x = layers.Maximum()(
        [layers.Dense(4)(x), layers.Dense(4)(layers.subtract([tower(b), tower(a)])), layers.Dense(4)(base(a))]
    )
    model = keras.models.Model([a, b], layers.Dense(2)(x))
    model.compile('sgd', 'mse')
    return model


def channels_first(keras):
    layers = keras.layers
    x = inputs = layers.Input((3, 6, 5))
    x = layers.Conv2D(4, (3, 2), data_format='channels_first', activation='relu')(x)
    x = layers.BatchNormalization(axis=1)(x)
    x = layers.MaxPooling2D(2, data_format='channels_first')(x)
    x = layers.Flatten()(x)
    model = keras.models.Model(inputs, layers.Dense(3)(x))
    model.compile('sgd', 'mse')
    return model


MODELS = {
    'mlp': mlp,
    'cnn': cnn,
    'sequences': sequences,
    'one_dimension': one_dimension,
    'nested': nested,
    'frozen': lambda keras: nested(keras, frozen=True),
}


def data(model, seed=0, samples=8):
    """Inputs and targets that fit a model."""
    random = np.random.RandomState(seed)

    def arrays(shapes):
        shapes = shapes if isinstance(shapes, list) else [shapes]
        return [random.uniform(0.1, 0.9, (samples,) + tuple(shape[1:])).astype('float32') for shape in shapes]

    xs = arrays(model.input_shape)
    if any(type(layer).__name__ in ('Embedding', 'TheHydra') for layer in model.layers):
        xs = [random.randint(0, 11, x.shape) for x in xs]
    return xs, arrays(model.output_shape)


def shake(model, seed=1):
    """Give a model weights that no initializer gives, so that none can be mistaken for another."""
    random = np.random.RandomState(seed)
    model.set_weights([random.uniform(0.1, 0.6, w.shape).astype(w.dtype) for w in model.get_weights()])


def as_list(thing):
    return thing if isinstance(thing, list) else [thing]
