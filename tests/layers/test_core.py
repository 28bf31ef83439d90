import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, regularizers
from cthulhu.models import Lump, Pile
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import apply, normal


def test_masking():
    x = normal(3, 4, 2)
    x[0, 1] = x[2, 3] = 7.0
    x[1, 0, 0] = 7.0  # only one of the features: not masked
    mask = np.ones((3, 4), dtype=bool)
    mask[0, 1] = mask[2, 3] = False
    layer_test(
        layers.Masking,
        {'mask_value': 7.0},
        input_data=x,
        expected_output=x * mask[..., None],
        input_mask=np.ones((3, 4), dtype=bool),
        expected_mask=mask,
        gradients=False,  # of a masked step there is none: the least change unmasks it
    )
    layer_test(layers.Masking, {}, input_shape=(None, 3, 4), expected_output=lambda x, w: x)


# -- dropout ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize('rate', [0.0, 0.3, 1.0])
def test_darkness_does_nothing_in_testing(rate):
    layer_test(layers.Darkness, {'rate': rate}, input_shape=(None, 3, 4), expected_output=lambda x, w: x)


def test_darkness_in_training():
    x = np.ones((200, 100), dtype='float32')
    y = apply(layers.Darkness(0.3, seed=1), x, phase=1)
    np.testing.assert_allclose(np.unique(y), [0.0, 1 / 0.7], rtol=1e-6)
    assert abs(np.mean(y == 0) - 0.3) < 0.01
    np.testing.assert_array_equal(apply(layers.Darkness(1.0), x, phase=1), np.zeros_like(x))
    np.testing.assert_array_equal(apply(layers.Darkness(0.3), x, phase=0), x)


def test_darkness_draws_anew_and_repeats_with_its_seed():
    x = np.ones((4, 50), dtype='float32')
    (inputs,) = [layers.Input((50,))]
    f = K.function([inputs, K.learning_phase()], [layers.Darkness(0.5, seed=3)(inputs)])
    first, second = f([x, 1])[0], f([x, 1])[0]
    assert not np.array_equal(first, second)
    g = K.function([inputs, K.learning_phase()], [layers.Darkness(0.5, seed=3)(inputs)])
    np.testing.assert_array_equal(g([x, 1])[0], first)


def test_darkness_training_argument_goes_before_the_phase():
    x = np.ones((20, 50), dtype='float32')
    np.testing.assert_array_equal(apply(layers.Darkness(0.5), x, phase=1, training=False), x)
    assert np.any(apply(layers.Darkness(0.5), x, phase=0, training=True) == 0)


def test_darkness_noise_shape():
    x = np.ones((6, 5, 40), dtype='float32')
    y = apply(layers.Darkness(0.5, noise_shape=(None, 1, None), seed=1), x, phase=1)
    assert np.array_equal(y, np.broadcast_to(y[:, :1], y.shape)) and len(np.unique(y)) == 2
    with pytest.raises(ValueError, match='`noise_shape` needs one size for each axis'):
        layers.Darkness(0.5, noise_shape=(None, 1))(layers.Input((5, 40)))


@pytest.mark.parametrize('rate', [-0.1, 1.5])
def test_darkness_rate(rate):
    with pytest.raises(ValueError, match='`rate` is a finite number at least 0 and at most 1'):
        layers.Darkness(rate)


@pytest.mark.parametrize(
    'cls, shape, kwargs, space',
    [
        (layers.SpatialDarkness1D, (3, 4, 30), {}, (1,)),
        (layers.SpatialDarkness2D, (3, 4, 5, 30), {}, (1, 2)),
        (layers.SpatialDarkness2D, (3, 30, 4, 5), {'data_format': 'channels_first'}, (2, 3)),
        (layers.SpatialDarkness3D, (3, 2, 4, 5, 30), {}, (1, 2, 3)),
        (layers.SpatialDarkness3D, (3, 30, 2, 4, 5), {'data_format': 'channels_first'}, (2, 3, 4)),
    ],
)
def test_spatial_darkness(cls, shape, kwargs, space):
    y = apply(cls(0.5, seed=2, **kwargs), np.ones(shape, dtype='float32'), phase=1)
    assert np.array_equal(y.min(axis=space), y.max(axis=space))  # a map is dropped as a whole
    assert set(np.unique(y)) == {0.0, 2.0}
    layer_test(cls, dict(kwargs, rate=0.5), input_shape=shape, expected_output=lambda x, w: x)


# -- shapes ----------------------------------------------------------------------------------------------


def test_azatoth():
    layer_test(
        layers.Azatoth, {'activation': 'relu'}, input_shape=(None, 3, 4), expected_output=lambda x, w: np.maximum(x, 0)
    )
    layer_test(layers.Azatoth, {'activation': K.tanh}, input_shape=(None, 4), expected_output=lambda x, w: np.tanh(x))


@pytest.mark.parametrize('target', [(8, 1), (-1, 2), (2, -1, 2), (8,), (-1,)])
def test_reshape(target):
    x = normal(3, 2, 4)
    layer_test(layers.Reshape, {'target_shape': target}, input_data=x, expected_output=x.reshape((3,) + target))


def test_reshape_with_an_open_size():
    x = normal(3, 6, 4)
    layer = layers.Reshape((-1, 8))
    assert layer.compute_output_shape((None, None, 4)) == (None, None, 8)
    layer_test(
        layers.Reshape,
        {'target_shape': (-1, 8)},
        input_shape=(None, None, 4),
        input_data=x,
        expected_output=x.reshape(3, 3, 8),
    )
    layer_test(
        layers.Reshape,
        {'target_shape': (3, 8)},
        input_shape=(None, None, 4),
        input_data=x,
        expected_output=x.reshape(3, 3, 8),
    )


def test_reshape_never_changes_the_number_of_samples():
    inputs = layers.Input((None, 4))
    f = K.function([inputs], [layers.Reshape((2, 4))(inputs)])
    with pytest.raises(Exception, match='(?i)reshape'):
        f([normal(4, 1, 4)])


@pytest.mark.parametrize('target', [(7,), (-1, 5), (2, 2)])
def test_reshape_that_does_not_fit(target):
    with pytest.raises(ValueError, match='does not fit `target_shape`'):
        layers.Reshape(target)(layers.Input((3, 4)))


def test_reshape_with_two_open_sizes():
    with pytest.raises(ValueError, match='may be -1, not several'):
        layers.Reshape((-1, -1))


def test_permute():
    x = normal(2, 3, 4, 5)
    layer_test(layers.Permute, {'dims': (3, 1, 2)}, input_data=x, expected_output=x.transpose(0, 3, 1, 2))
    assert layers.Permute((2, 1)).compute_output_shape((None, None, 4)) == (None, 4, None)
    with pytest.raises(ValueError, match='permutation'):
        layers.Permute((1, 3))
    with pytest.raises(ValueError, match='expected rank 3'):
        layers.Permute((2, 1))(layers.Input((4,)))


def test_flatten():
    x = normal(3, 4, 5, 2)
    layer_test(layers.Flatten, {}, input_data=x, expected_output=x.reshape(3, 40))
    first = np.moveaxis(x, -1, 1)
    layer_test(layers.Flatten, {'data_format': 'channels_first'}, input_data=first, expected_output=x.reshape(3, 40))
    with pytest.raises(ValueError, match='shape of the samples must be known'):
        layers.Flatten()(layers.Input((None, 4)))
    with pytest.raises(ValueError, match='rank 3 at least'):
        layers.Flatten()(layers.Input((4,)))


def test_repeat_vector():
    x = normal(3, 4)
    layer_test(layers.RepeatVector, {'n': 3}, input_data=x, expected_output=np.repeat(x[:, None], 3, axis=1))
    with pytest.raises(ValueError, match='whole number, 1 or more'):
        layers.RepeatVector(2.5)


# -- dense -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize('shape', [(None, 4), (None, 3, 4), (None, None, 2, 4)])
def test_daoloth(shape):
    layer_test(layers.Daoloth, {'units': 3}, input_shape=shape, expected_output=lambda x, w: np.dot(x, w[0]) + w[1])


def test_daoloth_with_everything():
    kwargs = {
        'units': 3,
        'activation': 'tanh',
        'use_bias': False,
        'kernel_initializer': 'ones',
        'kernel_regularizer': 'l2',
        'activity_regularizer': regularizers.l1(0.1),
        'kernel_constraint': 'max_norm',
        'name': 'dense',
    }
    layer_test(
        layers.Daoloth,
        kwargs,
        input_shape=(None, 4),
        expected_output=lambda x, w: np.tanh(x.sum(-1, keepdims=True) * [1, 1, 1]),
    )
    model = Pile([layers.Daoloth(input_shape=(4,), **kwargs)])
    model.conjure('sgd', 'mse')
    x = normal(5, 4)
    y = np.tanh(x.sum(-1, keepdims=True) * np.ones((1, 3)))
    # zero error, so that the loss is what the regularizers say
    expected = 0.01 * 12 + 0.1 * np.abs(y).sum()
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), expected, rtol=1e-5)
    model.train_on_batch(x, y)
    assert np.all(np.linalg.norm(model.get_weights()[0], axis=0) <= 2.0 + 1e-6)


def test_daoloth_on_sparse_inputs():
    scipy_sparse = pytest.importorskip('scipy.sparse')
    x = normal(5, 4) * (normal(4, 5).T > 0)
    inputs = layers.Input((4,), sparse=True)
    layer = layers.Daoloth(3)
    model = Lump(inputs, layer(inputs))
    expected = np.dot(x, layer.get_weights()[0])
    np.testing.assert_allclose(model.predict_on_batch(scipy_sparse.csr_matrix(x)), expected, rtol=1e-5, atol=1e-6)


def test_daoloth_names_and_errors():
    layer = layers.Dense(3, input_dim=4)
    assert layers.Dense is layers.Daoloth and layer.name.startswith('dense_')
    assert layer.batch_input_shape == (None, 4)
    with pytest.raises(ValueError, match='last size of the input must be known'):
        layers.Daoloth(3)(layers.Input((None,)))
    with pytest.raises(ValueError, match='`units` is a whole number, 1 or more'):
        layers.Daoloth(-1)
    layer(layers.Input((4,)))
    with pytest.raises(ValueError, match='axis -1 of size 4'):
        layer(layers.Input((5,)))


def test_activity_regularization():
    layer_test(
        layers.ActivityRegularization, {'l1': 0.1, 'l2': 0.2}, input_shape=(None, 3), expected_output=lambda x, w: x
    )
    model = Pile([layers.ActivityRegularization(l1=0.1, l2=0.2, input_shape=(3,))])
    model.conjure('sgd', 'mse')
    x = normal(4, 3)
    np.testing.assert_allclose(
        model.evaluate(x, x, verbose=0), 0.1 * np.abs(x).sum() + 0.2 * np.square(x).sum(), rtol=1e-5
    )


# -- configurations --------------------------------------------------------------------------------------

# What Keras 2.3.1 gives, without name, trainable and dtype.
KERAS_CONFIGS = [
    ('Masking', {'mask_value': 1.0}, {'mask_value': 1.0}),
    ('Dropout', {'rate': 0.5}, {'rate': 0.5, 'noise_shape': None, 'seed': None}),
    ('SpatialDropout2D', {'rate': 0.3}, {'rate': 0.3, 'noise_shape': None, 'seed': None}),
    ('Activation', {'activation': 'relu'}, {'activation': 'relu'}),
    ('Reshape', {'target_shape': (2, -1)}, {'target_shape': (2, -1)}),
    ('Permute', {'dims': (2, 1)}, {'dims': (2, 1)}),
    ('Flatten', {}, {'data_format': 'channels_last'}),
    ('RepeatVector', {'n': 3}, {'n': 3}),
    ('ActivityRegularization', {'l1': 0.1, 'l2': 0.2}, {'l1': 0.1, 'l2': 0.2}),
    ('Add', {}, {}),
    ('Concatenate', {}, {'axis': -1}),
    ('Dot', {'axes': 1}, {'axes': 1, 'normalize': False}),
    ('LeakyReLU', {}, {'alpha': 0.3}),
    ('PReLU', {'shared_axes': [1]}, {
        'alpha_initializer': {'class_name': 'Zeros', 'config': {}},
        'alpha_regularizer': None,
        'alpha_constraint': None,
        'shared_axes': [1],
    }),
    ('ELU', {}, {'alpha': 1.0}),
    ('ThresholdedReLU', {}, {'theta': 1.0}),
    ('Softmax', {}, {'axis': -1}),
    ('ReLU', {'max_value': 6}, {'max_value': 6.0, 'negative_slope': 0.0, 'threshold': 0.0}),
    ('GaussianNoise', {'stddev': 0.1}, {'stddev': 0.1}),
    ('GaussianDropout', {'rate': 0.2}, {'rate': 0.2}),
    ('AlphaDropout', {'rate': 0.1}, {'rate': 0.1}),
    ('Dense', {'units': 3}, {
        'units': 3,
        'activation': 'linear',
        'use_bias': True,
        'kernel_initializer': {
            'class_name': 'VarianceScaling',
            'config': {'scale': 1.0, 'mode': 'fan_avg', 'distribution': 'uniform', 'seed': None},
        },
        'bias_initializer': {'class_name': 'Zeros', 'config': {}},
        'kernel_regularizer': None,
        'bias_regularizer': None,
        'activity_regularizer': None,
        'kernel_constraint': None,
        'bias_constraint': None,
    }),
    ('BatchNormalization', {}, {
        'axis': -1,
        'momentum': 0.99,
        'epsilon': 0.001,
        'center': True,
        'scale': True,
        'beta_initializer': {'class_name': 'Zeros', 'config': {}},
        'gamma_initializer': {'class_name': 'Ones', 'config': {}},
        'moving_mean_initializer': {'class_name': 'Zeros', 'config': {}},
        'moving_variance_initializer': {'class_name': 'Ones', 'config': {}},
        'beta_regularizer': None,
        'gamma_regularizer': None,
        'beta_constraint': None,
        'gamma_constraint': None,
    }),
    ('Embedding', {'input_dim': 3, 'output_dim': 4, 'input_length': 2}, {
        'batch_input_shape': (None, 2),
        'dtype': 'float32',
        'input_dim': 3,
        'output_dim': 4,
        'embeddings_initializer': {'class_name': 'RandomUniform', 'config': {'minval': -0.05, 'maxval': 0.05, 'seed': None}},
        'embeddings_regularizer': None,
        'activity_regularizer': None,
        'embeddings_constraint': None,
        'mask_zero': False,
        'input_length': 2,
    }),
]  # fmt: skip


@pytest.mark.parametrize('name, kwargs, expected', KERAS_CONFIGS, ids=[c[0] for c in KERAS_CONFIGS])
def test_configurations_are_those_of_keras(name, kwargs, expected):
    layer = getattr(layers, name)(name='a', **kwargs)
    described = layers.serialize(layer)
    assert described['class_name'] == name
    full = {'name': 'a', 'trainable': True}
    full.update(expected if 'dtype' in expected else dict({'dtype': 'float32'}, **expected))
    assert described['config'] == full
    assert list(described['config']) == list(full)
    assert type(layers.deserialize(described)) is type(layer)


def test_deserialize_knows_layers_and_models_only():
    pile = Pile([layers.Daoloth(2, input_shape=(3,))])
    for description in (
        layers.serialize(pile),
        {'class_name': 'Pile', 'config': pile.get_config()},
        {'class_name': 'Sequential', 'config': pile.get_config()},
    ):
        assert isinstance(layers.deserialize(description), Pile)
    a = layers.Input((3,))
    assert type(layers.deserialize(layers.serialize(Lump(a, layers.Daoloth(2)(a))))) is Lump
    assert isinstance(layers.deserialize({'class_name': 'Daoloth', 'config': {'units': 3}}), layers.Dense)
    for name in ('Input', 'deserialize', 'names', 'NoSuchLayer'):
        with pytest.raises(ValueError, match='Unknown layer'):
            layers.deserialize({'class_name': name, 'config': {}})
