"""Names of layers that a graph of the framework would not take: people's own, in files and configurations as they are given."""

import json

import h5py
import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, layers
from cthulhu.models import Lump, Pile, clone_model, load_model

NAMES = ['a layer', 'conv:1', 'Слой 1', '层', '输入', '_hidden', '-', 'ß?*{}[]', 'a/b', 'tab\there']


def chain():
    inputs = layers.Input((3,), name='the input: x')
    x = inputs
    for name in NAMES:
        x = layers.Daoloth(3, name=name)(x)
    inner = Pile([layers.BlacknessFromTheStars(input_shape=(3,), name='норма')], name='внутри (1)')
    return Lump(inputs, inner(x), name='моя модель')


@pytest.fixture
def model():
    return chain()


def test_predict_and_clone(model):
    x = np.random.RandomState(0).normal(size=(4, 3))
    assert [layer.name for layer in model.layers[1:-1]] == NAMES
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(clone.predict({'the input: x': x}), model.predict(x), rtol=1e-5)


@pytest.mark.parametrize('file', ['model.h5', 'model.keras'])
def test_save_and_load(model, file, tmp_path):
    x = np.random.RandomState(0).normal(size=(4, 3))
    model.save(str(tmp_path / file))
    loaded = load_model(str(tmp_path / file), compile=False)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    np.testing.assert_allclose(loaded.predict(x), model.predict(x), rtol=1e-5)


def test_names_in_files(model, tmp_path):
    path = str(tmp_path / 'weights.h5')
    model.save_weights(path)
    with h5py.File(path, 'r') as file:
        found = [name.decode('utf8') for name in file.attrs['layer_names']]
    assert found == [layer.name for layer in model.layers]
    assert [item['name'] for item in json.loads(model.to_json())['config']['layers']] == found
    other = chain()
    loaded, missing = other.load_weights(path, by_name=True)
    assert set(NAMES) <= set(loaded) and not missing
    for a, b in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(not K.supports('gradients'), reason='trains')
def test_train_with_tensorboard(tmp_path):
    model = Pile([layers.Daoloth(3, name=name, input_shape=(3,)) for name in NAMES], name='моя модель')
    x = np.random.RandomState(0).normal(size=(8, 3))
    model.conjure('adam', 'mse', metrics=['mae'])
    before = model.get_weights()
    board = callbacks.TensorBoard(str(tmp_path), histogram_freq=1)
    history = model.summon(x, x, epochs=2, validation_data=(x, x), callbacks=[board], verbose=0)
    assert np.all(np.isfinite(history.history['loss'])) and list(tmp_path.iterdir())
    assert not np.allclose(before[0], model.get_weights()[0])


def test_names_of_tensors_and_variables():
    with K.name_scope('область'):
        x = K.placeholder((2,), name='вход 1')
        v = K.variable(np.ones(2), 'float32', 'вес: a')
        y = K.identity(x, name='имя ?') + v
    f = K.function([x], [y], name='функция 1')
    np.testing.assert_allclose(f([np.ones(2)])[0], [2, 2])
