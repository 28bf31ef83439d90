"""What is in an HDF5 file for other Kerases; `interop.py` has them read it."""

import json
import warnings

import numpy as np
import pytest

import cthulhu as keras
from cthulhu import backend as K
from cthulhu import layers, losses, optimizers
from cthulhu.engine.base_layer import Layer
from cthulhu.models import Pile, load_model

h5py = pytest.importorskip('h5py')

if not K.supports('gradients'):
    pytest.skip('training needs gradients, which this backend does not have', allow_module_level=True)

schedules = optimizers.schedules


def small(optimizer='sgd', loss='mse', dtype=None):
    model = Pile([layers.Dense(3, activation='tanh', input_shape=(4,), dtype=dtype), layers.Dense(2, dtype=dtype)])
    model.conjure(optimizer, loss)
    return model


def attribute(path, name):
    with h5py.File(path, 'r') as file:
        text = file.attrs[name]
    return json.loads(text.decode() if isinstance(text, bytes) else text)


def data():
    random = np.random.RandomState(0)
    return random.rand(8, 4).astype('float32'), random.rand(8, 2).astype('float32')


# -- configuration -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'make, path',
    [
        (lambda: layers.TimeDistributed(layers.Dense(2), input_shape=(5, 3)), ['layer']),
        (lambda: layers.Bidirectional(layers.LSTM(2), input_shape=(5, 3)), ['layer']),
        (lambda: layers.RNN(layers.GRUCell(2), input_shape=(5, 3)), ['cell']),
        (lambda: layers.RNN([layers.GRUCell(2), layers.LSTMCell(2)], input_shape=(5, 3)), ['cell', 'cells', 1]),
        (
            lambda: layers.TimeDistributed(layers.Bidirectional(layers.LSTM(2)), input_shape=(2, 5, 3)),
            ['layer', 'layer'],
        ),
    ],
)
def test_layers_inside_others_say_their_module(tmp_path, make, path):
    model = Pile([make()])
    model.save(str(tmp_path / 'm.h5'))
    found = attribute(str(tmp_path / 'm.h5'), 'model_config')['config']['layers'][1]
    for key in path:
        found = found['config'][key] if isinstance(key, str) else found[key]
    assert (found['module'], found['registered_name']) == ('keras.layers', None)
    x = np.random.RandomState(0).rand(*[n or 3 for n in model.input_shape])
    np.testing.assert_array_equal(load_model(str(tmp_path / 'm.h5'), compile=False).predict(x), model.predict(x))


def test_a_model_inside_a_layer_is_of_the_module_of_models(tmp_path):
    model = Pile([layers.TimeDistributed(Pile([layers.Dense(2, input_shape=(3,))]), input_shape=(5, 3))])
    model.save(str(tmp_path / 'm.h5'))
    inner = attribute(str(tmp_path / 'm.h5'), 'model_config')['config']['layers'][1]['config']['layer']
    assert inner['module'] == 'keras'
    assert [item['class_name'] for item in inner['config']['layers']] == ['InputLayer', 'Dense']


def test_a_layer_of_the_users_own_is_of_no_module(tmp_path):
    class Dense(Layer):  # the name is the library's, too
        def call(self, inputs):
            return inputs * 2.0

    model = Pile([layers.TimeDistributed(Dense(), input_shape=(5, 3))])
    model.save(str(tmp_path / 'm.h5'))
    inner = attribute(str(tmp_path / 'm.h5'), 'model_config')['config']['layers'][1]['config']['layer']
    assert 'module' not in inner


@pytest.mark.parametrize('dtype, expected', [(None, 'float32'), ('float64', 'float64')])
def test_a_pile_begins_with_its_input(tmp_path, dtype, expected):
    model = small(dtype=dtype)
    model.save(str(tmp_path / 'm.h5'))
    first = attribute(str(tmp_path / 'm.h5'), 'model_config')['config']['layers'][0]
    assert first['class_name'] == 'InputLayer'
    assert first['config']['batch_input_shape'] == [None, 4]
    assert first['config']['dtype'] == expected
    again = load_model(str(tmp_path / 'm.h5'))
    assert again.get_config() == model.get_config()
    assert (K.dtype(again.inputs[0]), again.input_names) == (expected, model.input_names)


def test_short_names_of_losses_are_written_out(tmp_path):
    small(loss='mae').save(str(tmp_path / 'm.h5'))
    assert attribute(str(tmp_path / 'm.h5'), 'training_config')['loss'] == 'mean_absolute_error'
    assert losses.get(load_model(str(tmp_path / 'm.h5')).loss) is losses.mean_absolute_error


def test_a_loss_of_the_users_own_keeps_its_name(tmp_path):
    def mse(y_true, y_pred):
        return K.mean(K.abs(y_true - y_pred), axis=-1)

    with keras.utils.CustomObjectScope({'mse': mse}):
        small(loss='mse').save(str(tmp_path / 'm.h5'))
    assert attribute(str(tmp_path / 'm.h5'), 'training_config')['loss'] == 'mse'


# -- optimizers --------------------------------------------------------------------------------------------


def rate():
    return schedules.ExponentialDecay(0.05, 3, 0.5)


OURS = {'Adam': lambda: optimizers.Adam(rate()), 'SGD': lambda: optimizers.SGD(rate(), momentum=0.9)}
SLOTS = {'Ftrl': lambda: optimizers.Ftrl(0.1), 'SGD': lambda: optimizers.SGD(rate())}
NEWER = {
    'AdamW': lambda: optimizers.AdamW(0.01, weight_decay=0.1, amsgrad=True, clipnorm=0.5),
    'decay': lambda: optimizers.AdamW(0.01, weight_decay=0.1, decay=0.5),
    'averages': lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2),
    'SGD': lambda: optimizers.SGD(0.05, weight_decay=0.1, momentum=0.9),
    'RMSprop': lambda: optimizers.RMSprop(rate(), weight_decay=0.1),
    'Adagrad': lambda: optimizers.Adagrad(rate()),
}
WARNED = {
    'Lion': (lambda: optimizers.Lion(0.01), 'reads no Lion'),
    'Muon': (lambda: optimizers.Muon(0.01), 'reads no Muon'),
    'accumulating': (lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2), 'no gradient_accumulation_steps'),
    'Nadam': (lambda: optimizers.Nadam(0.01, weight_decay=0.1), 'what Nadam multiplies'),
    'scaled': (lambda: optimizers.LossScaleOptimizer(optimizers.AdamW(0.01)), 'no loss scale around this AdamW'),
}


def saved(path, optimizer):
    """A model that was trained and saved, with the names of its optimizer's arrays."""
    model = small(optimizer)
    for _ in range(3):
        model.train_on_batch(*data())
    model.save(path)
    with h5py.File(path, 'r') as file:
        group = file['optimizer_weights']
        found = [name.decode() if isinstance(name, bytes) else name for name in group.attrs['weight_names']]
        return model, found, [group[name][()] for name in found]


def assert_goes_on(path, model):
    again = load_model(path)
    kept = 1 if model.optimizer.get_config().get('momentum') == 0.0 else None  # what is of no use is not kept
    for a, b in list(zip(model.optimizer.get_weights(), again.optimizer.get_weights()))[:kept]:
        np.testing.assert_allclose(a, b, rtol=1e-6)
    for _ in range(3):
        np.testing.assert_allclose(model.train_on_batch(*data()), again.train_on_batch(*data()), rtol=1e-5)


@pytest.mark.parametrize('name', sorted(OURS))
def test_what_keras_2_has_is_written_as_it_does(tmp_path, name):
    path = str(tmp_path / 'm.h5')
    model, found, _ = saved(path, OURS[name]())
    assert found[0].split('/')[-1].startswith('iterations') and len(found) == len(model.optimizer.weights)
    assert_goes_on(path, model)


@pytest.mark.parametrize('name', sorted(SLOTS))
def test_what_tf_keras_keeps_otherwise_is_in_its_order(tmp_path, name):
    """tf.keras keeps both arrays of a weight together in Ftrl, and none in SGD without momentum."""
    path = str(tmp_path / 'm.h5')
    model, found, values = saved(path, SLOTS[name]())
    assert found[0] == 'iter:0'
    held, count = model.optimizer.get_weights(), 4
    expected = [held[0]] + (
        [] if name == 'SGD' else [held[1 + i + kind * count] for i in range(count) for kind in (0, 1)]
    )
    assert [x.tolist() for x in values] == [x.tolist() for x in expected]
    assert_goes_on(path, model)


@pytest.mark.parametrize('name', sorted(NEWER))
def test_later_settings_are_in_the_words_of_tf_keras(tmp_path, name):
    path = str(tmp_path / 'm.h5')
    model, found, _ = saved(path, NEWER[name]())
    assert found[0] == 'iteration:0'
    settings = attribute(path, 'training_config')['optimizer_config']['config']
    assert settings['is_legacy_optimizer'] is False
    assert not {'clipnorm', 'decay'} & set(settings)  # which tf.keras refuses, or takes for something else
    assert load_model(path).optimizer.get_config() == model.optimizer.get_config()
    assert_goes_on(path, model)


@pytest.mark.parametrize('name', sorted(WARNED))
def test_what_tf_keras_does_not_go_on_with_is_said_once(tmp_path, name):
    path = str(tmp_path / 'm.h5')
    make, text = WARNED[name]
    with pytest.warns(UserWarning, match=text):
        model, _, _ = saved(path, make())
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        model.save(path)
    assert_goes_on(path, model)


def test_a_loss_scale_is_beside_the_state_of_what_it_is_around(tmp_path):
    """tf.keras reads the state of the optimizer inside, and no scale."""
    path = str(tmp_path / 'm.h5')
    scaled = optimizers.LossScaleOptimizer(optimizers.Adam(0.01), initial_scale=64.0, dynamic_growth_steps=2)
    model, found, _ = saved(path, scaled)
    assert len(found) == len(model.optimizer.weights) - 2
    assert K.get_value(load_model(path).optimizer.dynamic_scale) == 128.0
    assert_goes_on(path, model)
