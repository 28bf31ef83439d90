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


# -- of what Keras 2.3 does not have ---------------------------------------------------------------------------


def later_optimizer(keras, name, only_keras_3=False):
    """An optimizer with a decay of weights; tf.keras does not find Lion in an HDF5 file."""
    if keras.__name__ == 'cthulhu' and name == 'Lion' and not only_keras_3:
        return 'adam'
    return getattr(keras.optimizers, name)(0.002, weight_decay=0.1)


def normalized(keras):
    layers = keras.layers
    x = inputs = layers.Input((6, 4))
    x = layers.Dense(8)(x)
    x = layers.LayerNormalization(epsilon=0.01)(x)
    x = layers.GroupNormalization(2)(x)
    x = layers.LayerNormalization(axis=[1, 2], center=False)(x)
    x = layers.Dense(8)(layers.UnitNormalization()(x))
    x = layers.GroupNormalization(-1, axis=1, scale=False)(x)
    model = keras.models.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))
    rate = keras.optimizers.schedules.CosineDecay(0.0002, 20, 0.1, warmup_target=0.001, warmup_steps=8)
    model.compile(keras.optimizers.Adam(rate), 'mse')
    return model


def attentive(keras):
    layers = keras.layers
    words = layers.Input((6,))
    x = layers.Embedding(11, 8, mask_zero=True)(words)
    y = layers.Attention(use_scale=True)([x, x])
    y = layers.AdditiveAttention()([y, x, x])
    y = layers.Attention(score_mode='concat')([y, x], use_causal_mask=True)
    y = layers.LayerNormalization()(layers.Add()([x, y]))
    # last, as Keras 3 takes the masks from what this layer is called on
    y = layers.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True)
    z = layers.EinsumDense('abc,cd->abd', (None, 8), activation='relu', bias_axes='d')(y)
    z = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(z))
    model = keras.models.Model(words, layers.Dense(1)(z))
    model.compile('adam', 'mse')
    return model


def crossing(keras):
    layers = keras.layers
    a, b, c = layers.Input((5, 6), name='a'), layers.Input((7, 4), name='b'), layers.Input((7, 3), name='c')
    x = layers.MultiHeadAttention(3, 4, value_dim=2, output_shape=5, use_bias=False, name='of_three')(a, b, key=c)
    x = layers.LayerNormalization()(x)
    y, shares = layers.MultiHeadAttention(2, 3, name='of_two')(x, x, return_attention_scores=True)
    y = layers.Reshape((5, 5, 1))(layers.LayerNormalization()(y))
    y = layers.MultiHeadAttention(2, 3, attention_axes=(1, 2), name='of_places')(y, y)
    y = layers.Add()([layers.Reshape((25,))(y), layers.Reshape((25,))(x)])
    z = layers.EinsumDense('...x,xyz->...yz', (2, 3), bias_axes='z')(y)
    model = keras.models.Model([a, b, c], [layers.Flatten()(z), shares])
    model.compile('adam', 'mse')
    return model


def convolved(keras):
    layers = keras.layers
    x = inputs = layers.Input((12, 4))
    x = layers.DepthwiseConv1D(3, depth_multiplier=2, padding='same')(x)
    x = layers.Conv1DTranspose(4, 3, strides=2, padding='same')(layers.LayerNormalization()(x))
    x = layers.Reshape((6, 4, 4))(layers.Identity()(layers.LayerNormalization()(x)))
    x = layers.LayerNormalization()(layers.Conv2D(6, 3, groups=2)(x))
    model = keras.models.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))
    model.compile('adam', 'mse')
    return model


def pictures(keras):
    layers = keras.layers
    x = inputs = layers.Input((9, 8, 3))
    x = layers.Rescaling([1.0, 0.5, 2.0], offset=-0.5)(x)
    x = layers.Normalization(axis=-1)(x)
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.5, 0.6, 0.7])(x)
    x = layers.Resizing(6, 11)(x)
    x = layers.CenterCrop(5, 6)(x)
    x = layers.Resizing(3, 4, interpolation='nearest')(x)
    x = layers.Conv2D(3, 2)(x)
    model = keras.models.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))
    model.compile(later_optimizer(keras, 'Lion'), 'mse')
    return model


def augmented(keras):
    layers = keras.layers
    x = inputs = layers.Input((6, 5, 3))
    x = layers.RandomRotation(0.1, fill_mode='wrap')(layers.RandomFlip('horizontal')(x))
    x = layers.RandomZoom((-0.1, 0.2))(layers.RandomTranslation(0.1, (0.1, 0.2))(x))
    x = layers.Flatten()(layers.RandomBrightness(0.1)(layers.RandomContrast((0.1, 0.2))(x)))
    model = keras.models.Model(inputs, layers.Dense(2)(x))
    model.compile('adam', 'mse')
    return model


def activated(keras, names=('gelu', 'swish', 'mish')):
    layers = keras.layers
    x = inputs = layers.Input((6,))
    for name in names:
        x = layers.LayerNormalization()(layers.Dense(6)(x))
        x = layers.Activation(name)(x)
    model = keras.models.Model(inputs, layers.Dense(2, activation=names[0])(x))
    model.compile(later_optimizer(keras, 'AdamW'), 'mse')
    return model


def activated_by_keras_3(keras):
    names = 'log_softmax squareplus soft_shrink hard_shrink tanh_shrink hard_tanh sparse_plus sparse_sigmoid celu hard_silu leaky_relu relu6 log_sigmoid silu'
    model = activated(keras, names.split())
    model.compile(later_optimizer(keras, 'AdamW', True), 'mse')
    return model


def grouped(keras):
    layers = keras.layers
    a, b = layers.Input((5, 8), name='a'), layers.Input((7, 8), name='b')
    x = layers.GroupQueryAttention(4, 6, 2, name='of_groups')(a, b)
    x = layers.LayerNormalization()(layers.Add()([x, a]))
    x = layers.GroupQueryAttention(4, 2, 1, use_gate=True, name='gated')(x, x, use_causal_mask=True)
    x = layers.RMSNormalization()(x)
    x = layers.MultiHeadAttention(2, 3, use_gate=True, sliding_window=2, name='of_neighbours')(x, x)
    x = layers.UnitNormalization()(layers.Flatten()(x))
    model = keras.models.Model([a, b], layers.Dense(2)(x))
    model.compile(later_optimizer(keras, 'Lion', True), 'mse')
    return model


def judged(keras):
    """An output for each loss, as an object, and a metric beside it; Keras 3 does not write `delta`, nor an `axis`."""
    layers, losses, metrics = keras.layers, keras.losses, keras.metrics
    pairs = [
        (losses.MeanSquaredError(reduction='sum'), metrics.RootMeanSquaredError(), 'linear'),
        (losses.MeanAbsoluteError(), metrics.MeanAbsoluteError(), 'linear'),
        (losses.MeanAbsolutePercentageError(), metrics.MeanSquaredLogarithmicError(), 'sigmoid'),
        (losses.MeanSquaredLogarithmicError(), metrics.CosineSimilarity(axis=-1), 'sigmoid'),
        (losses.BinaryCrossentropy(label_smoothing=0.1), metrics.AUC(multi_label=True, num_labels=3), 'sigmoid'),
        (losses.BinaryCrossentropy(from_logits=True), metrics.AUC(curve='PR', from_logits=True), 'linear'),
        (losses.BinaryFocalCrossentropy(gamma=1.5), metrics.BinaryAccuracy(threshold=0.4), 'sigmoid'),
        (losses.CategoricalCrossentropy(label_smoothing=0.1), metrics.CategoricalCrossentropy(), 'softmax'),
        (losses.CategoricalCrossentropy(from_logits=True), metrics.TopKCategoricalAccuracy(k=2), 'linear'),
        (losses.CategoricalFocalCrossentropy(alpha=0.3), metrics.Precision(top_k=2, class_id=1), 'softmax'),
        (losses.KLDivergence(), metrics.KLDivergence(), 'softmax'),
        (losses.Poisson(), metrics.Poisson(), 'sigmoid'),
        (losses.Hinge(), metrics.Hinge(), 'tanh'),
        (losses.SquaredHinge(), metrics.PrecisionAtRecall(0.5, class_id=1), 'sigmoid'),
        (losses.CategoricalHinge(), metrics.RecallAtPrecision(0.5), 'softmax'),
        (losses.Huber(), metrics.LogCoshError(), 'linear'),
        (losses.LogCosh(), metrics.F1Score(average='macro', threshold=0.5), 'sigmoid'),
        (losses.CosineSimilarity(), metrics.R2Score(), 'linear'),
    ]
    x = inputs = layers.Input((5,))
    x = layers.Dense(4, activation='tanh')(x)
    model = keras.models.Model(inputs, [layers.Dense(3, activation=name)(x) for _, _, name in pairs])
    model.compile('sgd', [loss for loss, _, _ in pairs], metrics=[[metric] for _, metric, _ in pairs])
    return model


def pooled(keras):
    layers = keras.layers
    x = inputs = layers.Input((6, 5, 3))
    x = layers.Multiply()([x, layers.GlobalAveragePooling2D(keepdims=True)(x)])
    y = layers.GlobalMaxPooling1D(keepdims=True)(layers.Reshape((30, 3))(x))
    z = layers.GlobalAveragePooling3D(keepdims=True)(layers.Reshape((3, 2, 5, 3))(x))
    x = layers.Concatenate()([layers.Flatten()(y), layers.Flatten()(z), layers.GlobalMaxPooling2D()(x)])
    model = keras.models.Model(inputs, layers.Dense(2)(x))
    model.compile('adam', 'mse')
    return model


def counted(keras):
    layers = keras.layers
    numbers = layers.Input((4,))
    whole = layers.IntegerLookup(vocabulary=[3, 0, 2], num_oov_indices=2)(
        layers.Discretization([0.2, 0.4, 0.7])(numbers)
    )
    many = layers.CategoryEncoding(5, 'multi_hot')(whole)
    counts = layers.CategoryEncoding(5, 'count')(whole)
    one = layers.Embedding(6, 3)(whole)
    x = layers.Concatenate()([many, counts, layers.Flatten()(one)])
    model = keras.models.Model(numbers, layers.Dense(2)(x))
    model.compile('sgd', 'mse')  # rows without a gradient stay in Keras 3's Adam on TensorFlow
    return model


def operated(keras):
    layers = keras.layers
    a, b = layers.Input((4, 6), name='a'), layers.Input((4, 6), name='b')
    x = (layers.Dense(6)(a) * 2.0 + 1.0 - b) / (1.0 + b**2)
    x = -x[:, 1:, ::2] @ layers.Dense(3)(a)[:, :3, :]
    model = keras.models.Model([a, b], layers.Dense(2)(layers.Flatten()(abs(x))))
    model.compile('adam', 'mse')
    return model


MODELS = {
    'mlp': mlp,
    'cnn': cnn,
    'sequences': sequences,
    'one_dimension': one_dimension,
    'nested': nested,
    'frozen': lambda keras: nested(keras, frozen=True),
}


#: Models that Keras 2.3 cannot read, and those that only Keras 3 can.
LATER = {
    'normalized': normalized,
    'attentive': attentive,
    'crossing': crossing,
    'convolved': convolved,
    'pictures': pictures,
    'activated': activated,
    'augmented': augmented,
    'judged': judged,
    'pooled': pooled,
    'counted': counted,
    'operated': operated,
}
LATEST = {'grouped': grouped, 'activated_by_keras_3': activated_by_keras_3}


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
    for layer in model.layers:  # Keras 3 computes with copies of some weights
        getattr(layer, 'finalize_state', int)()


def as_list(thing):
    return thing if isinstance(thing, list) else [thing]
