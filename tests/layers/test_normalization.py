import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump, Pile
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import normal

EPSILON = 1e-3


def normalized(x, mean, variance, gamma, beta, axis=-1):
    shape = [1] * x.ndim
    shape[axis] = -1
    mean, variance, gamma, beta = (v.reshape(shape) for v in (mean, variance, gamma, beta))
    return gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta


RANDOM = {
    'gamma_initializer': 'random_uniform',
    'beta_initializer': 'random_uniform',
    'moving_mean_initializer': 'random_normal',
}


@pytest.mark.parametrize(
    'shape, axis', [((5, 4), -1), ((5, 3, 4), -1), ((5, 3, 4), 1), ((2, 3, 4, 5), 1), ((2, 3, 4, 5), 3)]
)
def test_in_testing_the_moving_statistics_count(shape, axis):
    layer_test(
        layers.BlacknessFromTheStars,
        dict(RANDOM, axis=axis),
        input_data=normal(*shape),
        expected_output=lambda x, w: normalized(x, w[2], w[3], w[0], w[1], axis),
    )


@pytest.mark.parametrize('kwargs', [{'center': False}, {'scale': False}, {'center': False, 'scale': False}])
def test_without_shift_or_factor(kwargs):
    x = normal(4, 3)
    layer_test(layers.BlacknessFromTheStars, kwargs, input_data=x, expected_output=x / np.sqrt(1 + EPSILON))
    layer = layers.BlacknessFromTheStars(**kwargs)
    layer(layers.Input((3,)))
    assert len(layer.trainable_weights) == 2 - len(kwargs) and len(layer.weights) == 4 - len(kwargs)


def expected_moving(x, axes, mean, variance, momentum=0.99):
    size = np.prod([x.shape[a] for a in axes])
    batch_mean, batch_variance = x.mean(axis=axes), x.var(axis=axes) * size / (size - (1 + EPSILON))
    return (
        mean * momentum + batch_mean * (1 - momentum),
        variance * momentum + batch_variance * (1 - momentum),
    )


@pytest.mark.parametrize('shape, axis', [((6, 4), -1), ((5, 3, 4), 1), ((4, 3, 2, 5), -1)])
def test_in_training_the_batch_counts_and_the_moving_statistics_follow(shape, axis):
    x = 3 * normal(*shape) + 2
    inputs = layers.Input(shape[1:])
    layer = layers.BlacknessFromTheStars(axis=axis, momentum=0.8)
    f_output = layer(inputs)
    f = K.function([inputs, K.learning_phase()], [f_output], updates=layer.updates)
    axes = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    size = shape[axis]
    expected = normalized(x, x.mean(axis=axes), x.var(axis=axes), np.ones(size), np.zeros(size), axis)
    np.testing.assert_allclose(f([x, 1])[0], expected, rtol=1e-4, atol=1e-4)
    moving = expected_moving(x, axes, np.zeros(size), np.ones(size), 0.8)
    for found, want in zip(layer.get_weights()[2:], moving):
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


def test_the_training_argument():
    x = 3 * normal(6, 4) + 2
    inputs = layers.Input((4,))
    layer = layers.BlacknessFromTheStars()
    always, never = layer(inputs, training=True), layer(inputs, training=False)
    f = K.function([inputs], [always, never])
    batch, moving = f([x])
    np.testing.assert_allclose(batch.mean(axis=0), np.zeros(4), atol=1e-5)
    np.testing.assert_allclose(moving, x / np.sqrt(1 + EPSILON), rtol=1e-5)
    assert layer.get_updates_for(inputs) or layer.updates


def test_learning_moves_the_statistics_and_nothing_else_does():
    x, y = 3 * normal(32, 4) + 2, normal(32, 1)
    model = Pile([layers.BlacknessFromTheStars(input_shape=(4,)), layers.Daoloth(1)])
    model.conjure('sgd', 'mse')
    moving = expected_moving(x, (0,), np.zeros(4), np.ones(4))
    model.train_on_batch(x, y)
    np.testing.assert_allclose(model.layers[0].get_weights()[2], moving[0], rtol=1e-4)
    np.testing.assert_allclose(model.layers[0].get_weights()[3], moving[1], rtol=1e-4)
    before = model.get_weights()
    model.test_on_batch(x, y)
    model.predict(x)
    for found, want in zip(model.get_weights(), before):
        np.testing.assert_array_equal(found, want)


def frozen_model(when):
    """A model whose normalisation is frozen before it is called, after, or through the model around it."""
    layer = layers.BlacknessFromTheStars(input_shape=(4,), trainable=when != 'before')
    model = Pile([layer, layers.Daoloth(1, kernel_initializer='ones', trainable=False)])
    if when == 'after':
        layer.trainable = False
    if when == 'around':
        outer = Pile([model])
        model.trainable = False
        return outer, layer
    return model, layer


@pytest.mark.parametrize('when', ['before', 'after', 'around'])
def test_frozen_it_keeps_its_statistics_and_normalises_with_them(when):
    x = 3 * normal(8, 4) + 2
    model, layer = frozen_model(when)
    layer.set_weights([np.full(4, v, dtype='float32') for v in (2.0, 0.5, 1.0, 4.0)])
    model.conjure('sgd', 'mse')
    before = layer.get_weights()
    expected = normalized(x, before[2], before[3], before[0], before[1]).sum(axis=1, keepdims=True)
    # the loss of a step of training is measured on the output in the training phase
    with pytest.warns(UserWarning, match='has nothing to train'):
        loss = model.train_on_batch(x, np.zeros((8, 1)))
    np.testing.assert_allclose(loss, np.mean(np.square(expected)), rtol=1e-4)
    for found, want in zip(layer.get_weights(), before):
        np.testing.assert_array_equal(found, want)


def test_frozen_in_one_model_and_learning_in_another():
    """What a model was conjured with holds for it, whatever is frozen later for another: the pattern of a GAN."""
    x = 3 * normal(8, 4) + 2
    inner = Pile([layers.BlacknessFromTheStars(input_shape=(4,)), layers.Daoloth(1)])
    inner.conjure('sgd', 'mse')
    inner.trainable = False
    entry = layers.Input((4,))
    outer = Lump(entry, inner(layers.Daoloth(4)(entry)))
    outer.conjure('sgd', 'mse')
    before = inner.get_weights()
    outer.train_on_batch(x, np.ones((8, 1)))
    for found, want in zip(inner.get_weights(), before):
        np.testing.assert_array_equal(found, want)
    inner.train_on_batch(x, np.ones((8, 1)))
    moving = expected_moving(x, (0,), np.zeros(4), np.ones(4))
    np.testing.assert_allclose(inner.layers[0].get_weights()[2], moving[0], rtol=1e-4)


def test_unfrozen_it_learns_again():
    x = 3 * normal(8, 4) + 2
    model, layer = frozen_model('after')
    model.conjure('sgd', 'mse')
    layer.trainable = True
    model.conjure('sgd', 'mse')
    model.train_on_batch(x, np.zeros((8, 1)))
    np.testing.assert_allclose(layer.get_weights()[2], expected_moving(x, (0,), np.zeros(4), np.ones(4))[0], rtol=1e-4)


def test_errors():
    with pytest.raises(ValueError, match='`axis` is the axis of the channels'):
        layers.BlacknessFromTheStars()(layers.Input((None,)))
    for axis in (0, 5):
        with pytest.raises(ValueError, match=f'axis {axis} of inputs of shape'):
            layers.BlacknessFromTheStars(axis=axis)(layers.Input((3, 4)))


def test_inside_time_distributed_it_learns():
    x = 3 * normal(8, 5, 4) + 2
    inner = layers.BlacknessFromTheStars()
    model = Pile([layers.TimeDistributed(inner, input_shape=(5, 4)), layers.Flatten(), layers.Daoloth(1)])
    model.conjure('sgd', 'mse')
    model.train_on_batch(x, np.ones((8, 1)))
    moving = expected_moving(x, (0, 1), np.zeros(4), np.ones(4))
    np.testing.assert_allclose(inner.get_weights()[2], moving[0], rtol=1e-4)
    np.testing.assert_allclose(inner.get_weights()[3], moving[1], rtol=1e-4)
    model.layers[0].trainable = False
    model.conjure('sgd', 'mse')
    before = inner.get_weights()
    model.train_on_batch(x, np.ones((8, 1)))
    for found, want in zip(inner.get_weights(), before):
        np.testing.assert_array_equal(found, want)
