"""Keras's path for what tests of layers use."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.engine.base_layer import Layer
from cthulhu.layers import Daoloth, TheHydra
from cthulhu.utils import test_utils


def test_data_to_learn():
    np.random.seed(1)
    (x, y), (tx, ty) = test_utils.get_test_data(2000, 50, input_shape=(3, 2), num_classes=4)
    assert x.shape == (2000, 3, 2) and x.dtype == 'float32' and y.shape == (2000,) and tx.shape == (50, 3, 2)
    for each in range(4):
        assert abs(x[y == each].mean() - each) < 0.1 and abs(x[y == each].std() - 0.7) < 0.1
    (x, y), (tx, ty) = test_utils.get_test_data(2000, 50, output_shape=(4,), classification=False)
    assert y.shape == (2000, 4) and ty.shape == (50, 4) and y.dtype == 'float32'
    assert np.corrcoef(x.mean(1), y.mean(1))[0, 1] > 0.3


def test_the_check_of_a_layer():
    assert test_utils.layer_test(Daoloth, {'units': 3}, input_shape=(3, 4)).shape == (3, 3)
    assert test_utils.layer_test(
        TheHydra,
        {'input_dim': 10, 'output_dim': 2},
        input_shape=(3, 4),
        input_dtype='int32',
        expected_output_dtype='float32',
    ).shape == (3, 4, 2)


class Lies(Layer):
    def call(self, x):
        return K.concatenate([x, x])

    def compute_output_shape(self, input_shape):
        return input_shape


def test_the_check_finds_a_wrong_shape():
    with pytest.raises((AssertionError, ValueError)):
        test_utils.layer_test(Lies, input_shape=(3, 4))


def test_a_decorated_test_forgets_what_it_made():
    @test_utils.keras_test
    def makes(count):
        return [Daoloth(1).name for _ in range(count)]

    K.clear_session()
    assert makes(2) == ['dense_1', 'dense_2'] and makes(1) == ['dense_1']
