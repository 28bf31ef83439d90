"""Layers trained by their names, at rates of their own, and by factors of low rank."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, optimizers
from cthulhu.models import Lump, Pile, load_model
from cthulhu.optimizers import SGD, Adam, LossScaleOptimizer

needs_gradients = pytest.mark.skipif(not K.supports('gradients'), reason='no gradients')
RANDOM = np.random.RandomState(0)
X, Y = RANDOM.normal(size=(8, 5)), RANDOM.normal(size=(8, 3))


def pile():
    return Pile([layers.Daoloth(4, name='below', input_shape=(5,)), layers.Daoloth(3, name='above')])


# -- names -----------------------------------------------------------------------------------------------------


def test_layers_by_their_names():
    inner = pile()
    entry = layers.Input((5,))
    model = Lump(entry, layers.Daoloth(2, name='last')(inner(entry)))
    assert model.set_trainable(False, ['^below$', '^above$']) == ['below', 'above']
    assert [w.name.split('/')[0] for w in model.trainable_weights] == ['last', 'last']
    assert sorted(model.set_trainable(True, 'o')) == ['above', 'below']
    assert len(model.trainable_weights) == 6
    with pytest.raises(ValueError, match='no layer has .conv. in its name'):
        model.set_trainable(False, 'conv')


@needs_gradients
@pytest.mark.parametrize(
    'make', [lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.1), lambda: LossScaleOptimizer(SGD(0.1), 4.0)]
)
def test_rates_by_names(make):
    found = {}
    for factors in ({}, {'^below': 0.25, 'below/kernel': 9.0, 'above.*bias': 0}):
        np.random.seed(3)
        model, optimizer = pile(), make()
        model.set_weights([np.random.RandomState(i).normal(size=w.shape) for i, w in enumerate(model.get_weights())])
        optimizer.set_learning_rate_factors(factors)
        model.conjure(optimizer, 'mse')
        before = model.get_weights()
        model.train_on_batch(X, Y)
        found[bool(factors)] = [b - a for a, b in zip(before, model.get_weights())]
    for plain, moved, factor in zip(found[False], found[True], (0.25, 0.25, 1.0, 0.0)):
        np.testing.assert_allclose(moved, plain * factor, rtol=1e-3, atol=1e-6)
    with pytest.raises(ValueError, match='comes before the training'):
        optimizer.set_learning_rate_factors({})


@needs_gradients
def test_decay_of_weights_goes_by_the_factor_too():
    model = Pile([layers.Daoloth(1, use_bias=False, kernel_initializer='ones', input_shape=(1,))])
    optimizer = SGD(0.1, weight_decay=0.5)
    optimizer.set_learning_rate_factors({'kernel': 0.5})
    model.conjure(optimizer, 'mse')
    model.train_on_batch(np.zeros((1, 1)), np.zeros((1, 1)))
    np.testing.assert_allclose(model.get_weights()[0], [[1 - 0.1 * 0.5 * 0.5]], rtol=1e-6)


@pytest.mark.parametrize('factors', [{'a': -1}, {'a': 'b'}, [('a', 1)], {1: 1}])
def test_factors_that_are_none(factors):
    with pytest.raises(ValueError, match='`factors` is a dict of numbers'):
        optimizers.Adam().set_learning_rate_factors(factors)


# -- LoRA ------------------------------------------------------------------------------------------------------


@needs_gradients
@pytest.mark.parametrize('alpha, scale', [(None, 1.0), (4.0, 2.0)])
def test_lora_against_numpy(alpha, scale):
    model = Pile([layers.Daoloth(3, input_shape=(5,))])
    layer = model.layers[0]
    before = model.predict(X)
    layer.enable_lora(2, lora_alpha=alpha)
    assert layer.lora_enabled and len(layer.weights) == 2 and len(model.trainable_weights) == 3
    np.testing.assert_array_equal(model.predict(X), before)
    kernel, bias = (w.astype('float64') for w in model.get_weights())
    a, b = (K.get_value(w).astype('float64') for w in model.trainable_weights[1:3])
    assert not b.any() and a.shape == (5, 2)
    model.conjure(SGD(0.1), 'mse')
    for _ in range(3):
        off = X @ (kernel + scale * a @ b) + bias - Y
        np.testing.assert_allclose(model.train_on_batch(X, Y), np.mean(off**2), rtol=1e-5)
        of_whole = X.T @ off * 2 / off.size
        a, b = a - 0.1 * scale * of_whole @ b.T, b - 0.1 * scale * a.T @ of_whole
        bias = bias - 0.1 * (off * 2 / off.size).sum(0)
    np.testing.assert_allclose(model.get_weights()[0], kernel + scale * a @ b, atol=1e-5)
    np.testing.assert_allclose(model.predict(X), X @ (kernel + scale * a @ b) + bias, atol=1e-5)


@needs_gradients
@pytest.mark.parametrize('kind', ['h5', 'keras'])
def test_files_have_it_merged(kind, tmp_path):
    model = Pile([layers.TheHydra(6, 4, input_shape=(2,)), layers.Flatten(), layers.Daoloth(1)])
    for layer in (model.layers[0], model.layers[2]):
        layer.enable_lora(2)
    model.conjure('adam', 'mse')
    x, first = np.array([[0, 5], [2, 2]]), model.get_weights()
    for _ in range(3):
        model.train_on_batch(x, np.ones((2, 1)))
    change = model.get_weights()[0] - first[0]
    assert np.linalg.matrix_rank(change, tol=1e-5) <= 2 and np.abs(change).max() > 1e-4
    path = str(tmp_path / f'model.{kind}')
    model.save(path)
    again = load_model(path)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert len(again.trainable_weights) == 3 and not again.layers[0].lora_enabled
    assert np.isfinite(again.train_on_batch(x, np.ones((2, 1))))


@needs_gradients
@pytest.mark.parametrize('settings', [{'gradient_accumulation_steps': 2}, {'use_ema': True}, {'clipnorm': 0.01}])
def test_lora_with_other_settings(settings):
    model = pile()
    model.layers[0].enable_lora(1)
    first = model.get_weights()
    model.conjure(SGD(0.1, **settings), 'mse')
    model.summon(X, Y, batch_size=4, epochs=2, verbose=0)
    change = [np.abs(b - a).max() for a, b in zip(first, model.get_weights())]
    assert min(change[1:]) > 1e-5 and change[0] > 1e-7
    assert np.linalg.matrix_rank(model.get_weights()[0] - first[0], tol=1e-5) <= 1
    if 'use_ema' in settings:
        a, b = (K.get_value(w) for w in model.trainable_weights[1:3])
        np.testing.assert_allclose(model.get_weights()[0], first[0] + a @ b, atol=1e-6)
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 2


def test_lora_errors():
    with pytest.raises(ValueError, match='build it, first'):
        layers.Daoloth(2).enable_lora(2)
    for kwargs, message in (
        ({'kernel_constraint': 'non_neg'}, 'constraint'),
        ({'kernel_regularizer': 'l2'}, 'regularizer'),
    ):
        layer = layers.Daoloth(2, **kwargs)
        layer(layers.Input((3,)))
        with pytest.raises(ValueError, match=message):
            layer.enable_lora(2)
    layer = layers.Daoloth(2)
    layer(layers.Input((3,)))
    with pytest.raises(ValueError, match='`rank` is a whole number'):
        layer.enable_lora(0)
    layer.enable_lora(1)
    with pytest.raises(ValueError, match='was called already'):
        layer.enable_lora(1)
