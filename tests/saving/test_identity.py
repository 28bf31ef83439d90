"""One layer at several places of a model stays one: cloned, in every kind of file, in JSON, YAML and pickles."""

import copy
import json
import pickle

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import models
from cthulhu.layers import (
    RNN,
    Activation,
    Daoloth,
    Flatten,
    Input,
    LaldagorthCell,
    Reshape,
    StackedRNNCells,
    TimeDistributed,
    add,
    concatenate,
)
from cthulhu.models import Lump, Pile, clone_model, load_model

X = np.random.RandomState(3).normal(size=(5, 3)).astype('float32')


def beside():
    """A layer in a nested model, and called on its output; the example of the kind."""
    shared, i, x = Daoloth(3, name='shared'), Input((3,)), Input((3,))
    inner = Lump(i, Activation('tanh')(shared(i)), name='inner')
    return Lump(x, shared(inner(x)))


def before():
    """The layer is called in the outer model first, and twice, and is among the layers there before the nested model is."""
    shared, x, i = Daoloth(3, name='shared'), Input((3,)), Input((3,))
    y = Activation('tanh')(shared(shared(x)))
    inner = Lump(i, shared(Daoloth(3)(i)))
    return Lump(x, add([inner(y), y]))


def two_models():
    """In two models, and in none beside them."""
    shared, x = Daoloth(3, input_shape=(3,)), Input((3,))
    first, second = Pile([shared, Activation('tanh')]), Pile([Daoloth(3, input_shape=(3,)), shared])
    return Lump(x, concatenate([first(x), second(first(x))]))


def model_itself():
    """A whole model, in another model and beside it."""
    inner, x, i = Pile([Daoloth(3, input_shape=(3,)), Activation('tanh')], name='inner'), Input((3,)), Input((3,))
    outer = Lump(i, Daoloth(3)(inner(i)), name='outer')
    return Lump(x, inner(outer(inner(x))))


def deep():
    """Two models further in."""
    shared = Daoloth(3, name='shared')
    inmost = Pile([Daoloth(3, input_shape=(3,)), shared])
    return Pile([Pile([inmost, Activation('tanh')]), shared, Daoloth(2)])


def twice_in_a_pile():
    shared = Daoloth(3)
    return Pile([Daoloth(3, input_shape=(3,)), shared, Activation('tanh'), shared])


def in_a_wrapper():
    """In a wrapper, and bare."""
    shared = Daoloth(3, name='shared')
    return Pile([shared, Reshape((1, 3)), TimeDistributed(shared), Flatten(), Daoloth(1)])


def in_cells():

    cell = LaldagorthCell(3)
    return Pile([Reshape((1, 3), input_shape=(3,)), RNN(StackedRNNCells([cell, cell]))])


MODELS = [beside, before, two_models, model_itself, deep, twice_in_a_pile, in_a_wrapper, in_cells]


def made(how):
    K.clear_session()
    model = how()
    if not model.built:
        model.build((None, 3))
    random = np.random.RandomState(1)
    model.set_weights([0.3 * random.normal(size=w.shape) for w in model.get_weights()])
    return model


def saved(ending):
    def again(model, folder):
        model.save(str(folder / ('model' + ending)))
        return load_model(str(folder / ('model' + ending)), compile=model.optimizer is not None)

    again.__name__ = ending
    return again


def pickled(model, folder):
    return pickle.loads(pickle.dumps(model))


def copied(model, folder):
    return copy.deepcopy(model)


WITH_WEIGHTS = [saved('.h5'), saved('.keras'), pickled, copied]


def check(again, model):
    assert [w.shape for w in again.get_weights()] == [w.shape for w in model.get_weights()]
    again.set_weights([w + 0.1 for w in model.get_weights()])
    expected = model.predict(X)
    model.set_weights(again.get_weights())
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-5)
    assert not np.allclose(expected, model.predict(X))


@pytest.mark.parametrize('how', MODELS, ids=lambda f: f.__name__)
@pytest.mark.parametrize('way', WITH_WEIGHTS, ids=lambda f: f.__name__)
def test_loaded_it_is_one_layer_with_its_weights(how, way, tmp_path):
    model = made(how)
    again = way(model, tmp_path)
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-5)
    check(again, model)
    # and what was loaded is saved alike
    assert again.to_json().count('shared_object_id') == model.to_json().count('shared_object_id') > 0


@pytest.mark.parametrize('how', MODELS, ids=lambda f: f.__name__)
def test_cloned_or_from_a_configuration_it_is_one_layer(how):
    model = made(how)
    for again in (
        clone_model(model),
        models.model_from_json(model.to_json()),
        models.model_from_yaml(model.to_yaml()),
        type(model).from_config(model.get_config()),
    ):
        check(again, model)


@pytest.mark.skipif(not K.supports('gradients'), reason='this backend does not train')
@pytest.mark.parametrize('way', WITH_WEIGHTS, ids=lambda f: f.__name__)
def test_it_learns_as_one(way, tmp_path):
    model = made(beside)
    model.conjure('adam', 'mse')
    model.train_on_batch(X, X)
    again = way(model, tmp_path)
    for _ in range(2):
        np.testing.assert_allclose(again.train_on_batch(X, X), model.train_on_batch(X, X), rtol=1e-5)
    for found, expected in zip(again.get_weights(), model.get_weights()):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_layers_at_one_place_are_written_as_before():
    model = made(lambda: Pile([Daoloth(3, input_shape=(3,)), Pile([Daoloth(2, input_shape=(3,))])]))
    assert 'shared_object_id' not in model.to_json()


def test_configurations_without_numbers_are_read_as_keras_reads_them():
    model = made(beside)

    def without(value):
        if isinstance(value, dict):
            return {key: without(item) for key, item in value.items() if key != 'shared_object_id'}
        return [without(item) for item in value] if isinstance(value, list) else value

    again = models.model_from_json(json.dumps(without(json.loads(model.to_json()))))
    assert len(model.weights) == 2 and len(again.weights) == 4


def test_numbers_on_every_layer_are_read_as_tf_keras_means_them():
    model = made(beside)
    config = json.loads(model.to_json())
    inner = next(item for item in config['config']['layers'] if item['name'] == 'inner')
    for number, item in enumerate(config['config']['layers'] + inner['config']['layers'], 7):
        if item['name'] != 'shared':
            item['shared_object_id'] = number
    again = models.model_from_json(json.dumps(config))
    check(again, model)


def test_one_number_for_two_classes_is_not_believed():
    model = made(lambda: Pile([Daoloth(3, input_shape=(3,)), Activation('tanh')]))
    config = json.loads(model.to_json())
    for item in config['config']['layers']:
        item['shared_object_id'] = 0
    again = models.model_from_json(json.dumps(config))
    assert [type(layer).__name__ for layer in again.layers] == ['Daoloth', 'Azatoth']
