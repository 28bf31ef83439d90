import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Pile
from cthulhu.utils.layer_test import layer_test


def look_up(x, weights):
    return weights[0][x.astype(int)]


@pytest.mark.parametrize('dtype', ['int32', 'int64', 'float32'])
def test_values(dtype):
    x = np.random.RandomState(0).randint(0, 10, (3, 5)).astype(dtype)
    layer_test(
        layers.TheHydra, {'input_dim': 10, 'output_dim': 4}, input_data=x, expected_output=look_up, expected_output_dtype='float32', gradients=dtype != 'float32'
    )  # fmt: skip


def test_mask_zero():
    x = np.array([[1, 0, 3], [0, 2, 1]], dtype='int32')
    kwargs = {'input_dim': 4, 'output_dim': 2, 'mask_zero': True}
    layer_test(layers.TheHydra, kwargs, input_data=x, input_mask=np.ones((2, 3), bool), expected_mask=x != 0)
    kwargs['mask_zero'] = False
    layer_test(layers.TheHydra, kwargs, input_data=x, input_mask=np.ones((2, 3), bool), expected_mask=False)


def test_open_lengths_and_higher_ranks():
    kwargs = {'input_dim': 10, 'output_dim': 4}
    layer_test(layers.TheHydra, kwargs, input_shape=(None, None), input_dtype='int32', expected_output=look_up)
    kwargs['input_length'] = (3, 2)
    layer_test(layers.TheHydra, kwargs, input_shape=(None, 3, 2), input_dtype='int32', expected_output=look_up)
    compute = layers.TheHydra(3, 4, input_length=(2, None)).compute_output_shape
    assert compute((None, None, 5)) == (None, 2, 5, 4)
    assert layers.TheHydra(3, 4, input_length=2).compute_output_shape((None, None)) == (None, 2, 4)


def test_input_length():
    layer = layers.Embedding(3, 4, input_length=2)
    assert layer.batch_input_shape == (None, 2)
    assert layers.Embedding(3, 4).batch_input_shape == (None, None)
    model = Pile([layer, layers.Flatten(), layers.Daoloth(1)])
    assert model.predict(np.array([[0, 1], [2, 2]])).shape == (2, 1)
    for shape in ((3,), (2, 2)):
        with pytest.raises(ValueError, match='`input_length` is 2, but the input has the shape'):
            layers.Embedding(3, 4, input_length=2)(layers.Input(shape))


def test_training_moves_only_the_rows_in_use():
    model = Pile([layers.TheHydra(5, 3, input_length=2), layers.Flatten(), layers.Daoloth(1)])
    model.conjure('sgd', 'mse')
    before = model.get_weights()[0]
    model.train_on_batch(np.array([[0, 3], [3, 3]]), np.ones((2, 1)))
    changed = np.any(model.get_weights()[0] != before, axis=1)
    np.testing.assert_array_equal(changed, [True, False, False, True, False])


def test_masked_steps_reach_the_layers_above():
    inputs = layers.Input((3,), dtype='int32')
    y = layers.Azatoth('tanh')(layers.TheHydra(4, 2, mask_zero=True)(inputs))
    mask = y._keras_history[0].output_mask
    found = K.function([inputs], [mask])([np.array([[1, 0, 3]])])[0]
    np.testing.assert_array_equal(found, [[True, False, True]])
