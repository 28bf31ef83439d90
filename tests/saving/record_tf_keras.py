"""Writes tests/fixtures/tf-keras-2.6: models as tf.keras 2.6 saves them, with inputs, predictions and losses of further training.

python tests/saving/record_tf_keras.py    with TensorFlow 2.6 on Python 3.6
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zoo  # noqa: E402

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'tf-keras-2.6')


def normalized(keras):
    layers = keras.layers
    x = inputs = layers.Input((6, 4))
    x = layers.LayerNormalization(epsilon=0.01)(layers.Dense(8)(x))
    x = layers.LayerNormalization(axis=[1, 2], center=False)(x)
    x = layers.BatchNormalization()(layers.Dense(3, activation='swish')(x))
    model = keras.models.Model(inputs, layers.Dense(2, activation='gelu')(layers.Flatten()(x)))
    rate = keras.optimizers.schedules.PolynomialDecay(0.01, 20, 0.001)
    model.compile(keras.optimizers.Adam(rate), 'mse')
    return model


def attentive(keras):
    layers = keras.layers
    words = layers.Input((6,))
    x = layers.Embedding(11, 8)(words)
    y = layers.Attention(use_scale=True, causal=True)([x, x])
    y = layers.LayerNormalization()(layers.AdditiveAttention()([y, x, x]))
    y = layers.MultiHeadAttention(2, 4, value_dim=3)(y, x)
    model = keras.models.Model(words, layers.Dense(1)(layers.GlobalAveragePooling1D()(y)))
    model.compile('adam', keras.losses.Huber(0.5))
    return model


def pictures(keras):
    layers = keras.layers
    x = inputs = layers.Input((9, 8, 3))
    x = layers.Rescaling(0.5, offset=-0.5)(x)
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.5, 0.6, 0.7])(x)
    x = layers.CenterCrop(5, 6)(layers.Resizing(6, 11)(x))
    x = layers.Conv2D(6, 2, dilation_rate=(1, 2))(x)
    x = layers.Conv1DTranspose(2, 3, strides=2, activation='tanh')(layers.Reshape((4, 24))(x))
    model = keras.models.Model(inputs, layers.Dense(2, activation='softmax')(layers.Flatten()(x)))
    model.compile(
        keras.optimizers.RMSprop(0.002, momentum=0.0), keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    )
    return model


def recurrent(keras):
    layers = keras.layers
    x = inputs = layers.Input((5, 3))
    x = layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode='sum')(layers.Masking(0.2)(x))
    x = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2, reset_after=False)], return_sequences=True)(x)
    x = layers.LSTM(3, time_major=False, unroll=True)(layers.TimeDistributed(layers.Dense(4))(x))
    model = keras.models.Model(inputs, layers.Dense(1, activation='sigmoid')(x))
    model.compile(keras.optimizers.Nadam(0.01), keras.losses.BinaryCrossentropy(), metrics=[keras.metrics.AUC()])
    return model


def adapted(keras):
    layers = keras.layers
    inputs = layers.Input((4,))
    whole = layers.IntegerLookup(vocabulary=[3, 0, 2], num_oov_indices=2, mask_token=None)(
        layers.Discretization([0.2, 0.4, 0.7])(inputs)
    )
    x = layers.Concatenate()(
        [layers.CategoryEncoding(5, 'multi_hot')(whole), layers.CategoryEncoding(5, 'count')(whole)]
    )
    model = keras.models.Model(inputs, layers.Dense(2)(x))
    model.compile(keras.optimizers.Adagrad(0.01), [keras.losses.LogCosh()])
    return model


MODELS = dict(
    zoo.MODELS,
    operated=zoo.operated,
    normalized=normalized,
    attentive=attentive,
    pictures=pictures,
    recurrent=recurrent,
    adapted=adapted,
)
#: Where targets of no sum but 1 mean something: TensorFlow takes that for granted in its gradient.
OF_SHARES = ('mlp', 'pictures')
#: With draws in training.
DRAWS = ('cnn',)


def main():
    from tensorflow import keras

    os.makedirs(FOLDER, exist_ok=True)
    for name, make in sorted(MODELS.items()):
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        keras.backend.clear_session()
        model = make(keras)
        zoo.shake(model)
        xs, ys = zoo.data(model)
        ys = [y / y.sum(-1, keepdims=True) for y in ys] if name in OF_SHARES else ys
        x, y = (items[0] if len(items) == 1 else items for items in (xs, ys))
        for _ in range(5):
            model.train_on_batch(x, y)
        path = os.path.join(FOLDER, name)
        model.save(path + '.h5')
        predicted = zoo.as_list(model.predict(x))
        found = {
            f'{key}{i}': one for key, all_of in (('x', xs), ('y', ys), ('p', predicted)) for i, one in enumerate(all_of)
        }
        model.reset_metrics()
        found['losses'] = [np.ravel(model.train_on_batch(x, y))[0] for _ in range(3)]
        np.savez_compressed(path + '.npz', **found)
        print(name, os.path.getsize(path + '.h5'), found['losses'])


if __name__ == '__main__':
    main()
