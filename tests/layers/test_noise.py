import numpy as np
import pytest

from cthulhu import layers
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import apply

BIG = np.random.RandomState(0).normal(1.0, 2.0, size=(400, 250)).astype('float32')


@pytest.mark.parametrize(
    'cls, kwargs',
    [
        (layers.GaussianNoise, {'stddev': 0.5}),
        (layers.GaussianDarkness, {'rate': 0.5}),
        (layers.GaussianDarkness, {'rate': 0.0}),
        (layers.AlphaDarkness, {'rate': 0.2, 'noise_shape': (None, 1, None), 'seed': 3}),
        (layers.AlphaDarkness, {'rate': 0.0}),
        (layers.StochasticDepth, {'drop_path_rate': 0.3}),
        (layers.StochasticDepth, {'drop_path_rate': 0.0}),
    ],
)
def test_nothing_happens_in_testing(cls, kwargs):
    layer_test(cls, kwargs, input_shape=(None, 3, 4), expected_output=lambda x, w: x)


def test_gaussian_noise():
    noise = apply(layers.GaussianNoise(0.5), BIG, phase=1) - BIG
    assert abs(noise.mean()) < 0.01 and abs(noise.std() - 0.5) < 0.01
    assert np.any(apply(layers.GaussianNoise(0.5), BIG, phase=0, training=True) != BIG)


def test_stochastic_depth_drops_samples():
    x = np.ones((400, 2, 3), 'float32')
    y = apply(layers.StochasticDepth(0.25), x, phase=1)
    assert np.all((y == 0).all(axis=(1, 2)) | (np.abs(y - 1 / 0.75) < 1e-6).all(axis=(1, 2)))
    assert abs((y[:, 0, 0] == 0).mean() - 0.25) < 0.08


def test_gaussian_darkness():
    noise = apply(layers.GaussianDarkness(0.2), np.ones_like(BIG), phase=1)
    assert abs(noise.mean() - 1) < 0.01 and abs(noise.std() - 0.5) < 0.01


def test_alpha_darkness_keeps_mean_and_variance_of_standard_inputs():
    x = ((BIG - BIG.mean()) / BIG.std()).astype('float32')
    y = apply(layers.AlphaDarkness(0.3, seed=1), x, phase=1)
    assert abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02
    # the formula of the paper: dropped elements all have one value, the others are one affine function of x
    floor, keep = -1.7580993408473766, 0.7
    a = (keep + floor**2 * keep * 0.3) ** -0.5
    dropped = np.isclose(y, a * floor - a * floor * 0.3, atol=1e-5)
    assert abs(dropped.mean() - 0.3) < 0.01


def test_alpha_darkness_values():
    rate, x = 0.3, np.full((200, 100), 2.0, dtype='float32')
    y = np.unique(apply(layers.AlphaDarkness(rate, seed=1), x, phase=1))
    floor = -1.7580993408473766
    a = ((1 - rate) * (1 + rate * floor**2)) ** -0.5
    np.testing.assert_allclose(y, [a * floor - a * floor * rate, a * 2 - a * floor * rate], rtol=1e-5)


def test_alpha_darkness_noise_shape_and_seed():
    x = np.zeros((5, 4, 60), dtype='float32')
    y = apply(layers.AlphaDarkness(0.5, noise_shape=(None, 1, None), seed=2), x, phase=1)
    assert np.array_equal(y, np.broadcast_to(y[:, :1], y.shape)) and len(np.unique(y)) == 2
    np.testing.assert_array_equal(y, apply(layers.AlphaDarkness(0.5, noise_shape=(None, 1, None), seed=2), x, phase=1))


def test_errors():
    with pytest.raises(ValueError, match='`stddev` is a finite number at least 0'):
        layers.GaussianNoise(-1)
    for cls in (layers.GaussianDarkness, layers.AlphaDarkness):
        with pytest.raises(ValueError, match='`rate` is a finite number at least 0 and below 1'):
            cls(1.0)
        with pytest.raises(ValueError, match='`rate` is a finite number at least 0 and below 1'):
            cls(-0.5)
