"""SpectralNormalization, against NumPy and tf-keras 2.21."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Pile, load_model
from cthulhu.optimizers import SGD
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import normal

needs_gradients = pytest.mark.skipif(not K.supports('gradients'), reason='no gradients')


class Normalized(layers.SpectralNormalization):
    """That of one layer, made of no arguments."""

    def __init__(self, **kwargs):
        super().__init__(layers.Daoloth(3), **kwargs)

    def get_config(self):
        return {key: value for key, value in super().get_config().items() if key not in ('layer', 'power_iterations')}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@pytest.mark.parametrize('shape', [(4, 5), (4, 2, 5)])
def test_what_every_layer_does(shape):
    layer_test(
        Normalized,
        input_data=normal(*shape),
        expected_output=lambda x, w: x @ w[0] + w[1],
        custom_objects={'Normalized': Normalized},
        train=K.supports('gradients'),
        gradients=K.supports('gradients'),
    )


@needs_gradients
def test_convolutions():
    model = Pile(
        [layers.SpectralNormalization(layers.Conv2D(3, 2, use_bias=False), input_shape=(4, 4, 2)), layers.Flatten()]
    )
    model.conjure(SGD(0.0), 'mse')
    kernel, u = model.get_weights()
    model.train_on_batch(normal(2, 4, 4, 2), np.zeros((2, 27)))
    for found, wanted in zip(model.get_weights(), iterated(kernel, u, 1)[::-1]):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def iterated(kernel, u, count):
    rows = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(count):
        v = u @ rows.T
        v = v / np.sqrt((v * v).sum())
        u = v @ rows
        u = u / np.sqrt((u * u).sum())
    return u, kernel / (v @ rows @ u.T).item()


@needs_gradients
@pytest.mark.parametrize('count', [1, 3])
def test_training_against_numpy(count):
    x, y = normal(6, 4).astype('float64'), normal(6, 3).astype('float64')
    layer = layers.SpectralNormalization(layers.Daoloth(3, use_bias=False), power_iterations=count, input_shape=(4,))
    model = Pile([layer])
    kernel, u = (w.astype('float64') for w in model.get_weights())
    model.conjure(SGD(0.1), 'mse')
    assert len(model.trainable_weights) == 1
    for _ in range(3):
        np.testing.assert_allclose(model.predict(x), x @ kernel, atol=1e-5)  # as it is
        u, kernel = iterated(kernel, u, count)
        off = x @ kernel - y
        np.testing.assert_allclose(model.train_on_batch(x, y), np.mean(off**2), rtol=1e-5)
        kernel = kernel - 0.1 * x.T @ off * 2 / off.size
        for found, wanted in zip(model.get_weights(), (kernel, u)):
            np.testing.assert_allclose(found, wanted, atol=1e-5)


@needs_gradients
def test_a_kernel_of_zeros_stays():
    model = Pile([layers.SpectralNormalization(layers.Daoloth(2, kernel_initializer='zeros'), input_shape=(3,))])
    model.conjure('sgd', 'mse')
    before = model.get_weights()
    assert model.train_on_batch(np.ones((2, 3)), np.zeros((2, 2))) == 0
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


@needs_gradients
@pytest.mark.parametrize('kind', ['h5', 'keras'])
def test_files(kind, tmp_path):
    x = np.array([[0, 2], [1, 1]])
    model = Pile(
        [
            layers.SpectralNormalization(layers.TheHydra(3, 4), power_iterations=2, input_shape=(2,)),
            layers.Flatten(),
            layers.Daoloth(1),
        ]
    )
    model.conjure('adam', 'mse')
    model.train_on_batch(x, np.ones((2, 1)))
    path = str(tmp_path / f'model.{kind}')
    model.save(path)
    again = load_model(path)
    assert again.layers[0].power_iterations == 2
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.train_on_batch(x, np.ones((2, 1))) == model.train_on_batch(x, np.ones((2, 1)))


def test_errors():
    with pytest.raises(ValueError, match='neither `kernel` nor `embeddings`'):
        layers.SpectralNormalization(layers.Flatten())(layers.Input((2, 3)))
    with pytest.raises(ValueError, match='power_iterations'):
        layers.SpectralNormalization(layers.Daoloth(2), power_iterations=0)
