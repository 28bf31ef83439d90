"""Layers of float64 or float16 under a floatx of float32: forward values, and histories of training, against NumPy in those types.

Keras 2.3.1 raises for each of these, the mixed ones when they are built and the others when they are trained.
"""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, optimizers
from cthulhu.engine.base_layer import Layer
from cthulhu.models import Lump, Pile

pytestmark = pytest.mark.skipif(K.floatx() != 'float32', reason='is about other types beside float32')
random = np.random.RandomState(3)
X = random.uniform(size=(4, 3))
KERNEL = random.uniform(-1, 1, size=(3, 2))
TYPES = ['float64', 'float16']
TOLERANCE = {'float64': 1e-6, 'float16': 2e-2}
trains = pytest.mark.skipif(not K.supports('gradients'), reason='trains')


@pytest.mark.parametrize('dtype', TYPES)
@pytest.mark.parametrize('entry', TYPES + ['float32'])
def test_forward(dtype, entry):
    inputs = layers.Input((3,), dtype=entry)
    layer = layers.Daoloth(2, dtype=dtype, use_bias=False, weights=[KERNEL])
    outputs = layer(inputs)
    assert K.dtype(outputs) == K.dtype(layer.kernel) == dtype
    found = Lump(inputs, outputs).predict(X)
    # what enters as float16 has been rounded
    np.testing.assert_allclose(found, X @ KERNEL, rtol=1e-2 if 'float16' in (dtype, entry) else 1e-6)


CASES = {
    'Conv2D': (lambda d: layers.Cthalpa2D(2, 2, dtype=d), (4, 4, 1)),
    'LSTM': (lambda d: layers.Laldagorth(2, dtype=d), (3, 2)),
    'BatchNormalization': (lambda d: layers.BlacknessFromTheStars(dtype=d), (3,)),
    'PReLU': (lambda d: layers.PReLU(dtype=d), (3,)),
    'TimeDistributed': (lambda d: layers.TimeDistributed(layers.Daoloth(2, dtype=d)), (3, 2)),
    'Bidirectional': (lambda d: layers.Bidirectional(layers.Groth(2, dtype=d)), (3, 2)),
    'cells': (lambda d: layers.RNN([layers.GrothCell(2, dtype=d), layers.GrothCell(3, dtype=d)]), (3, 2)),
    'a list': (lambda d: Both(dtype=d), (3,)),
}


class Both(Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name='w', shape=(3,), initializer='ones')

    def call(self, inputs):
        x, y = inputs if isinstance(inputs, list) else (inputs, inputs)
        return x * self.w + y

    def compute_output_shape(self, input_shape):
        return input_shape[0] if isinstance(input_shape, list) else input_shape


@pytest.mark.parametrize('dtype', TYPES)
@pytest.mark.parametrize('case', sorted(CASES))
def test_other_layers(case, dtype):
    make, shape = CASES[case]
    inputs = layers.Input(shape)

    def model_of(dtype):
        layer = make(dtype)
        return Lump(inputs, layer([inputs, inputs]) if case == 'a list' else layer(inputs))

    model, single = model_of(dtype), model_of('float32')
    single.set_weights(model.get_weights())
    assert K.dtype(model.outputs[0]) == dtype
    x = random.uniform(size=(2,) + shape)
    np.testing.assert_allclose(
        model.predict(x), single.predict(x), rtol=1e-2 if dtype == 'float16' else 1e-4, atol=2e-3
    )


@pytest.mark.parametrize('dtype', TYPES)
def test_nested_and_after_each_other(dtype):
    inner = Pile([layers.Daoloth(3, dtype=dtype, input_shape=(3,)), layers.Daoloth(2)])
    inputs = layers.Input((3,))
    model = Lump(inputs, inner(inputs))
    assert [K.dtype(x) for x in (inner.layers[0].output, model.outputs[0])] == [dtype, 'float32']
    w1, b1, w2, b2 = model.get_weights()
    np.testing.assert_allclose(
        model.predict(X), (X @ w1 + b1) @ w2 + b2, rtol=1e-2 if dtype == 'float16' else 1e-5, atol=1e-3
    )


def test_a_layer_that_keeps_weights_of_another_dtype_by_itself():
    class Table(Layer):
        def build(self, input_shape):
            self.table = self.add_weight(name='table', shape=(3,), dtype='float16', initializer='ones')

        def call(self, inputs):
            assert K.dtype(inputs) == 'float32'
            return inputs * K.cast(self.table, 'float32')

    inputs = layers.Input((3,))
    assert K.dtype(Table()(inputs)) == 'float32'


def history(dtype, rate, steps, penalty=0.0):
    """Losses, and the last kernel, of gradient descent on the mean squared error, in NumPy."""
    x, w, y = X.astype(dtype), KERNEL.astype(dtype), np.ones((4, 2), dtype)
    losses = []
    for _ in range(steps):
        error = x @ w - y
        losses.append(np.mean(error**2) + penalty * np.sum(w**2))
        w = (w - rate * (2 * x.T @ error / error.size + 2 * penalty * w)).astype(dtype)
    return losses, w


@trains
@pytest.mark.parametrize('dtype', TYPES)
@pytest.mark.parametrize('entry', ['float32', 'its own'])
@pytest.mark.parametrize('penalty', [0.0, 0.1])
def test_history(dtype, entry, penalty):
    inputs = layers.Input((3,), dtype=dtype if entry == 'its own' else 'float32')
    regularizer = (lambda w: penalty * K.sum(K.square(w))) if penalty else None
    layer = layers.Daoloth(2, dtype=dtype, use_bias=False, weights=[KERNEL], kernel_regularizer=regularizer)
    model = Lump(inputs, layer(inputs))
    model.conjure(optimizers.SGD(0.1), 'mse', metrics=['mae'])
    found = model.summon(X, np.ones((4, 2)), epochs=3, shuffle=False, verbose=0).history
    losses, kernel = history(dtype, 0.1, 3, penalty)
    np.testing.assert_allclose(found['loss'], losses, rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(
        layer.get_weights()[0], kernel, rtol=TOLERANCE[dtype], atol=1e-3 if dtype == 'float16' else 0
    )


@trains
@pytest.mark.parametrize('dtype', TYPES)
def test_two_outputs_of_two_types_and_a_clipped_gradient(dtype):
    inputs = layers.Input((3,))
    hidden = layers.Daoloth(2, dtype=dtype, use_bias=False, weights=[KERNEL], name='a')(inputs)
    other = layers.Daoloth(2, use_bias=False, weights=[KERNEL], name='b')(inputs)
    model = Lump(inputs, [hidden, other])
    model.conjure(optimizers.SGD(0.1, clipnorm=100.0), 'mse')
    y = np.ones((4, 2))
    found = model.summon(X, [y, y], epochs=3, shuffle=False, verbose=0).history
    for name, kind in (('a', dtype), ('b', 'float32')):
        np.testing.assert_allclose(found[f'{name}_loss'], history(kind, 0.1, 3)[0], rtol=max(TOLERANCE[dtype], 1e-5))
    np.testing.assert_allclose(
        found['loss'], np.add(found['a_loss'], found['b_loss']), rtol=1e-2 if dtype == 'float16' else 1e-5
    )


@trains
@pytest.mark.parametrize('dtype', TYPES)
@pytest.mark.parametrize('optimizer', ['adam', 'rmsprop', 'nadam'])
def test_between_layers_of_float32(dtype, optimizer):
    model = Pile(
        [
            layers.Daoloth(4, input_shape=(3,)),
            layers.Daoloth(3, dtype=dtype, activation='tanh'),
            layers.BlacknessFromTheStars(),
            layers.Daoloth(2, activation='softmax'),
        ]
    )
    model.conjure(optimizer, 'categorical_crossentropy', metrics=['accuracy'])
    before = model.get_weights()
    losses = model.summon(X, np.eye(2)[[0, 1, 1, 0]], epochs=5, verbose=0).history['loss']
    assert np.all(np.isfinite(losses))
    for w, old, new in zip(model.weights, before, model.get_weights()):
        assert np.all(np.isfinite(new)) and not np.array_equal(old, new), w.name


@trains
@pytest.mark.parametrize('dtype', TYPES)
def test_a_rate_that_is_set_later_reaches_weights_of_every_type(dtype):
    model = Pile([layers.Daoloth(2, dtype=dtype, input_shape=(3,), weights=[KERNEL, np.zeros(2)]), layers.Daoloth(1)])
    model.conjure(optimizers.SGD(0.1), 'mse')
    model.train_on_batch(X, np.ones((4, 1)))
    before = model.get_weights()
    assert np.abs(before[0] - KERNEL).max() > 1e-3
    model.optimizer.lr = 0.0
    model.train_on_batch(X, np.ones((4, 1)))
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
