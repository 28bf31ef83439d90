"""Classes and functions under names of a package of their own, as TensorFlow's Keras registers them."""

import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, saving, utils
from cthulhu.engine.base_layer import Layer
from cthulhu.layers import Daoloth, Input
from cthulhu.models import Lump, Pile, load_model, model_from_json
from cthulhu.names import written_name
from cthulhu.utils import get_custom_objects


@pytest.fixture(autouse=True)
def forget():
    before = dict(get_custom_objects())
    yield
    get_custom_objects().clear()
    get_custom_objects().update(before)


def make():
    @utils.register_keras_serializable(package='Cult')
    class Twice(Layer):
        def call(self, x):
            return 2 * x

    return Twice


@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_a_file_names_the_package(ending, tmp_path):
    kind, path = make(), str(tmp_path / ('model' + ending))
    model = Pile([Daoloth(2, input_shape=(3,)), kind()])
    assert json.loads(model.to_json())['config']['layers'][1]['class_name'] == 'Cult>Twice'
    assert model.layers[1].name.startswith('twice_')
    model.save(path)
    again = load_model(path, compile=False)
    assert type(again.layers[1]) is kind
    np.testing.assert_array_equal(again.predict(np.ones((2, 3))), model.predict(np.ones((2, 3))))


def test_one_that_is_not_registered_any_more_is_named():
    text = Pile([Daoloth(2, input_shape=(3,)), make()()]).to_json()
    get_custom_objects().clear()
    with pytest.raises(ValueError, match='Cult>Twice'):
        model_from_json(text)
    kind = make()
    get_custom_objects().clear()
    assert type(model_from_json(text, custom_objects={'Cult>Twice': kind}).layers[1]) is kind


def test_functions_and_names_of_their_own():
    @saving.register_keras_serializable('Cult', name='chant')
    def sing(x):
        return K.relu(x)

    assert utils.get_registered_name(sing) == 'Cult>chant' and utils.get_registered_name(Layer) == 'Layer'
    assert utils.get_registered_object('Cult>chant') is sing and utils.get_registered_object('chant') is None
    assert (
        utils.get_registered_object('own', {'own': 1}) == 1
        and utils.get_registered_object('other', {}, {'other': 2}) == 2
    )
    assert (
        json.loads(Pile([Daoloth(2, activation=sing, input_shape=(3,))]).to_json())['config']['layers'][0]['config'][
            'activation'
        ]
        == 'Cult>chant'
    )


def test_a_package_may_be_left_out_and_a_configuration_may_not():
    @utils.register_keras_serializable()
    class Thrice(Layer):
        pass

    assert utils.get_registered_name(Thrice) == 'Custom>Thrice'
    assert type(model_from_json(Pile([Thrice(input_shape=(2,))]).to_json()).layers[0]) is Thrice
    with pytest.raises(ValueError, match='Bare has no `get_config`'):

        @utils.register_keras_serializable()
        class Bare:
            pass


class Own(Layer):
    """A layer of a user's, with settings that layers of the library have in another sense."""

    def __init__(self, axis=(1,), units=2, activation='hard_sigmoid', value=None, batch_shape=None, **kwargs):
        super().__init__(**kwargs)
        self.settings = dict(axis=list(axis), units=units, activation=activation, value=value, batch_shape=batch_shape)

    def call(self, inputs):
        return inputs[0] + self.settings['units'] * inputs[1]

    def compute_output_shape(self, shapes):
        return shapes[0]

    def get_config(self):
        return dict(super().get_config(), **self.settings)


def named(name):
    """A model with a layer of a user's class of that name, and that class."""
    kind = type(name, (Own,), {})
    inputs = [Input((3,)), Input((3,))]
    return Lump(inputs, kind(units=5, value=[1, 2], name='own')(inputs)), kind


LIBRARY = {written_name(kind) for kind in vars(layers).values() if isinstance(kind, type) and issubclass(kind, Layer)}


@pytest.mark.parametrize('name', sorted(LIBRARY - {'InputLayer'}))
def test_a_class_of_a_users_may_have_the_name_of_one_of_the_librarys(name):
    model, kind = named(name)
    again = model_from_json(model.to_json(), custom_objects={name: kind}).get_layer('own')
    assert type(again) is kind and again.settings == model.get_layer('own').settings


@pytest.mark.parametrize('ending', ['.h5', '.keras'])
@pytest.mark.parametrize('name', ['Attention', 'Bidirectional', 'GRU', 'MultiHeadAttention', 'Normalization'])
def test_so_may_one_in_a_file(name, ending, tmp_path):
    model, kind = named(name)
    path = str(tmp_path / ('model' + ending))
    model.save(path)
    again = load_model(path, custom_objects={name: kind}, compile=False)
    assert again.get_layer('own').settings == model.get_layer('own').settings
    x = [np.ones((2, 3)), np.full((2, 3), 2.0)]
    np.testing.assert_array_equal(again.predict(x), np.full((2, 3), 11.0))
