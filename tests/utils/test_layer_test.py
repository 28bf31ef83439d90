"""layer_test finds what is wrong with a layer: one fault each."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.layers import Layer
from cthulhu.utils.layer_test import layer_test


class Scale(Layer):
    """A layer without faults: `factor * weight * x`."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.supports_masking = True

    def build(self, input_shape):
        self.weight = self.add_weight(name='weight', shape=input_shape[-1:], initializer='uniform')
        self.built = True

    def call(self, inputs):
        return self.factor * self.weight * inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return dict(super().get_config(), factor=self.factor)


class WrongShape(Scale):
    def compute_output_shape(self, input_shape):
        return input_shape[:-1] + (7,)


class NoShapeForNone(Scale):
    def compute_output_shape(self, input_shape):
        return (3,) + tuple(input_shape[1:])


class Forgets(Scale):
    def get_config(self):
        return Layer.get_config(self)


class Changes(Scale):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(factor + 1.0, **kwargs)


class WrongDtype(Scale):
    def call(self, inputs):
        return K.cast(inputs * self.weight, 'float64')


class NoGradient(Scale):
    def call(self, inputs):
        return K.stop_gradient(inputs) * self.weight


class NoWeightGradient(Scale):
    def call(self, inputs):
        return inputs * K.stop_gradient(self.weight)


class ConstantWeight(Scale):
    """Its weight is not one of the layer's, so that it is not set with them."""

    untracked = ('_weight',)

    def build(self, input_shape):
        self._weight = K.variable(np.random.rand(input_shape[-1]))
        self.built = True

    def call(self, inputs):
        return inputs * self._weight


class Random(Scale):
    def call(self, inputs):
        return inputs * K.random_uniform((1,))


class WrongMask(Scale):
    def compute_mask(self, inputs, mask=None):
        return None if mask is None else K.concatenate([mask, mask], axis=1)


def test_a_sound_layer_passes_and_its_output_is_returned():
    y = layer_test(Scale, {'factor': 3.0}, input_shape=(None, 3, 4), expected_output=lambda x, w: 3.0 * w[0] * x)
    assert y.shape[1:] == (3, 4)
    assert K.floatx() == 'float32'


@pytest.mark.parametrize(
    'cls, message',
    [
        (WrongShape, 'compute_output_shape'),
        (NoShapeForNone, 'compute_output_shape'),
        (Forgets, 'the layer predicts|predicts something else'),
        (Changes, 'the configuration changed'),
        (WrongDtype, 'dtype of the output: expected float32, found float64'),
        (NoGradient, 'gradient with respect to input 0'),
        (NoWeightGradient, 'gradient with respect to weight'),
        (ConstantWeight, 'predicts something else in a model'),
        (Random, 'gradient with respect to input 0'),
        (WrongMask, 'the mask of the output has the shape'),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_a_fault_is_found(cls, message):
    with pytest.raises(AssertionError, match=message):
        layer_test(cls, {'factor': 3.0}, input_shape=(5, 3, 4))


def test_wrong_expectations_are_found():
    x = np.ones((2, 3), dtype='float32')
    for expectation, message in (
        ({'expected_output': 2 * x}, 'not the expected one'),
        ({'expected_output': np.ones((2, 4))}, 'shape of the output: expected'),
        ({'expected_output_dtype': 'float64'}, 'expected float64, found float32'),
    ):
        with pytest.raises(AssertionError, match=message):
            layer_test(layers.Azatoth, {'activation': 'linear'}, input_data=x, **expectation)
    x = np.ones((2, 3, 1), dtype='float32')
    mask = np.array([[True, False, True], [True, True, True]])
    for expected, message in ((~mask, 'mask of the output'), (False, 'no mask of the output was expected')):
        with pytest.raises(AssertionError, match=message):
            layer_test(layers.Azatoth, {'activation': 'linear'}, input_data=x, input_mask=mask, expected_mask=expected)
    with pytest.raises(AssertionError, match='the layer refuses masks'):
        layer_test(layers.Reshape, {'target_shape': (1, 3)}, input_data=x, input_mask=mask, expected_mask=mask)
    with pytest.raises(ValueError, match='`input_shape` or `input_data`'):
        layer_test(layers.Flatten)


def test_floatx_is_restored_when_a_gradient_is_wrong():
    with pytest.raises(AssertionError):
        layer_test(NoGradient, input_shape=(2, 3))
    assert K.floatx() == 'float32'


def test_random_integers_and_fixed_batch():
    y = layer_test(
        layers.TheHydra,
        {'input_dim': 10, 'output_dim': 3},
        input_shape=(2, 4),
        input_dtype='int32',
        fixed_batch_size=True,
    )
    assert y.shape == (2, 4, 3)
