"""Classes and functions under names of a package of their own, as TensorFlow's Keras registers them."""

import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import saving, utils
from cthulhu.engine.base_layer import Layer
from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model, model_from_json
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
