import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Pile, model_from_json
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


KERAS_1 = {
    'name': 'e', 'trainable': True, 'batch_input_shape': [None, 3], 'input_dtype': 'int32', 'input_dim': 5, 'output_dim': 4, 'init': 'uniform',
    'input_length': 3, 'mask_zero': False, 'activity_regularizer': None, 'W_regularizer': None, 'W_constraint': None, 'dropout': 0.0,
}  # fmt: skip
KERAS_2_0 = {
    'name': 'e', 'trainable': True, 'batch_input_shape': [None, 3], 'dtype': 'int32', 'input_dim': 5, 'output_dim': 4, 'input_length': 3,
    'embeddings_initializer': {'class_name': 'RandomUniform', 'config': {'minval': -0.05, 'maxval': 0.05, 'seed': None}},
    'embeddings_regularizer': None, 'activity_regularizer': None, 'embeddings_constraint': None, 'mask_zero': False,
}  # fmt: skip


@pytest.mark.parametrize('settings, version', [(KERAS_1, '1.2.2'), (KERAS_2_0, '2.0.2')], ids=['1', '2.0'])
def test_the_dtype_of_early_files_is_that_of_the_indices(settings, version):
    """The weights of their Embedding were of `floatx()` all the same."""
    text = {
        'class_name': 'Sequential',
        'keras_version': version,
        'config': [{'class_name': 'Embedding', 'config': settings}],
    }
    model = model_from_json(json.dumps(text))
    weights = np.random.RandomState(0).normal(size=(5, 4)).astype(K.floatx())
    for model in (model, Pile.from_config(model.get_config())):
        assert model.layers[0].dtype == K.floatx()
        model.set_weights([weights])
        np.testing.assert_array_equal(model.predict(np.array([[0, 4, 2]])), weights[np.array([[0, 4, 2]])])


def test_a_whole_dtype_is_that_of_the_indices():
    for written in ({'dtype': 'int32'}, {'dtype': np.int64}, {'input_dtype': 'int32'}):
        model = Pile([layers.Embedding(5, 4, input_length=3, embeddings_initializer='ones', **written)])
        model.set_weights([np.full((5, 4), 0.25)])
        np.testing.assert_array_equal(model.predict(np.zeros((1, 3))), np.full((1, 3, 4), 0.25))
    assert layers.Embedding(5, 4, dtype='float64').dtype == 'float64'
    assert layers.Daoloth(2, input_dtype='int32').dtype == K.floatx()
    assert layers.Daoloth(2, input_dtype='float64').dtype == 'float64'


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
