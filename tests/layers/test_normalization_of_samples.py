"""Normalisations of each sample by itself, against NumPy."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Pile, load_model
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import normal

RANDOM = {'gamma_initializer': 'random_uniform', 'beta_initializer': 'random_uniform'}


def along(axes, weight, rank):
    shape = [1] * rank
    for axis, size in zip(axes, weight.shape):
        shape[axis] = size
    return weight.reshape(shape)


def layer_normalized(x, gamma, beta, axes, epsilon=1e-3):
    normed = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return normed * along(axes, gamma, x.ndim) + along(axes, beta, x.ndim)


@pytest.mark.parametrize(
    'shape, axis, axes',
    [((5, 4), -1, (1,)), ((5, 3, 4), -1, (2,)), ((5, 3, 4), 1, (1,)), ((2, 3, 4, 5), [-1, 1], (1, 3)), ((2, 3, 4, 5), (1, 2, 3), (1, 2, 3))],
)  # fmt: skip
def test_layer_normalization(shape, axis, axes):
    layer_test(
        layers.LayerNormalization,
        dict(RANDOM, axis=axis),
        input_data=3 * normal(*shape) + 2,
        expected_output=lambda x, w: layer_normalized(x, w[0], w[1], axes),
    )


@pytest.mark.parametrize('kwargs', [{'center': False}, {'scale': False}, {'center': False, 'scale': False}])
def test_without_shift_or_factor(kwargs):
    x = normal(4, 3, 6)
    expected = layer_normalized(x, np.ones(6), np.zeros(6), (2,))
    layer = layers.LayerNormalization(**kwargs)
    layer(layers.Input((3, 6)))
    assert len(layer.trainable_weights) == len(layer.weights) == 2 - len(kwargs)
    layer_test(layers.LayerNormalization, kwargs, input_data=x, expected_output=expected)
    grouped = layers.GroupNormalization(groups=2, **kwargs)
    grouped(layers.Input((3, 6)))
    assert len(grouped.weights) == 2 - len(kwargs)


def test_rms_scaling_divides_by_the_standard_deviation():
    layer_test(
        layers.LayerNormalization,
        dict(RANDOM, rms_scaling=True),
        input_data=normal(4, 3, 6) + 1,
        expected_output=lambda x, w: x / np.sqrt(x.var(-1, keepdims=True) + 1e-3) * w[0],
    )
    assert 'rms_scaling' not in layers.LayerNormalization().get_config()


@pytest.mark.parametrize('axis, axes', [(-1, (2,)), (1, (1,)), ((1, 2), (1, 2))])
def test_rms_normalization(axis, axes):
    x = 2 * normal(3, 4, 5)
    root = np.sqrt(np.mean(np.square(x), axis=axes, keepdims=True) + 1e-6)
    layer_test(
        layers.RMSNormalization,
        {'axis': axis},
        input_data=x,
        expected_output=lambda x, w: x / root * along(axes, w[0], 3),
    )
    model = Pile([layers.RMSNormalization(axis=axis, input_shape=(4, 5))])
    weight = np.random.RandomState(2).uniform(size=[x.shape[a] for a in axes])
    model.set_weights([weight])
    np.testing.assert_allclose(model.predict(x), x / root * along(axes, weight, 3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('axis', [-1, 1, (1, 2)])
def test_unit_normalization(axis):
    x = normal(3, 4, 5)
    expected = x / np.sqrt(np.sum(np.square(x), axis=axis, keepdims=True))
    layer_test(layers.UnitNormalization, {'axis': axis}, input_data=x, expected_output=expected)


def group_normalized(x, gamma, beta, groups, axis):
    first = np.moveaxis(x, axis, 1)
    parts = first.reshape((len(x), groups, -1))
    parts = (parts - parts.mean(-1, keepdims=True)) / np.sqrt(parts.var(-1, keepdims=True) + 1e-3)
    whole = np.moveaxis(parts.reshape(first.shape), 1, axis)
    return whole * along((axis % x.ndim,), gamma, x.ndim) + along((axis % x.ndim,), beta, x.ndim)


@pytest.mark.parametrize(
    'shape, groups, axis',
    [((3, 6), 2, -1), ((3, 4, 6), 3, -1), ((3, 6, 4), 2, 1), ((2, 3, 4, 6), 1, -1), ((2, 6, 3, 4), 3, 1), ((2, 3, 4, 6), -1, -1)],
)  # fmt: skip
def test_group_normalization(shape, groups, axis):
    layer_test(
        layers.GroupNormalization,
        dict(RANDOM, groups=groups, axis=axis),
        input_data=2 * normal(*shape) + 1,
        expected_output=lambda x, w: group_normalized(x, w[0], w[1], shape[axis] if groups == -1 else groups, axis),
    )


LAYERS = [
    layers.LayerNormalization,
    layers.RMSNormalization,
    layers.UnitNormalization,
    lambda: layers.GroupNormalization(2),
]


@pytest.mark.parametrize('make', LAYERS)
def test_lengths_that_only_the_run_tells_and_masks(make):
    inputs = layers.Input((None, 4))
    layer = make()
    outputs = layer(layers.Masking()(inputs))
    assert layer.get_output_mask_at(0) is not None and K.int_shape(outputs) == (None, None, 4)
    known = make()
    other = layers.Input((3, 4))
    expected = known(other)
    x = normal(2, 3, 4)
    found, wanted = K.function([inputs, other], [outputs, expected])([x, x])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('make', LAYERS)
def test_half_floats_do_not_overflow(make):
    x = np.float16([[300.0, -300.0, 100.0, 0.0]] * 2)
    inputs = layers.Input((4,), dtype='float16')
    found = K.function([inputs], [make()(inputs)])([x])[0]
    assert np.all(np.isfinite(found)) and np.abs(found).max() < 3


@pytest.mark.skipif(not K.supports('gradients'), reason='trains')
@pytest.mark.parametrize('file', ['model.h5', 'model.keras'])
def test_files(file, tmp_path):
    parts = (
        [layers.Daoloth(6, input_shape=(3, 4))] + [make() for make in LAYERS] + [layers.Flatten(), layers.Daoloth(1)]
    )
    model = Pile(parts)
    model.conjure('adam', 'mse')
    x = normal(8, 3, 4)
    model.train_on_batch(x, np.ones((8, 1)))
    model.save(str(tmp_path / file))
    loaded = load_model(str(tmp_path / file))
    np.testing.assert_allclose(loaded.predict(x), model.predict(x), rtol=1e-4, atol=1e-5)
    losses = [each.train_on_batch(x, np.ones((8, 1))) for each in (model, loaded)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_errors():
    for cls in (
        layers.LayerNormalization,
        layers.RMSNormalization,
        layers.UnitNormalization,
        layers.GroupNormalization,
    ):
        for axis in (0, 3, -3):
            with pytest.raises(ValueError, match='without that of the batch'):
                cls(axis=axis)(layers.Input((4, 5)))
    with pytest.raises(ValueError, match='it has weights along `axis`'):
        layers.LayerNormalization(axis=1)(layers.Input((None, 4)))
    with pytest.raises(ValueError, match=r'a multiple of `groups`, 32; inputs of shape \(None, 3, 4\) have 4'):
        layers.GroupNormalization()(layers.Input((3, 4)))
    with pytest.raises(ValueError, match='`groups` is a whole number'):
        layers.GroupNormalization(groups=0)
    with pytest.raises(ValueError, match='`axis` is a whole number, or a tuple of them; got 1.5'):
        layers.LayerNormalization(axis=1.5)
    with pytest.raises(ValueError, match='`epsilon`'):
        layers.LayerNormalization(epsilon=-1)
    with pytest.raises(TypeError, match='Did you mean `center`'):
        layers.LayerNormalization(centre=True)
