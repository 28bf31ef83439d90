"""The settings of layers: taken, kept, described."""

import inspect

import pytest

from cthulhu import activations, initializers, layers, regularizers
from cthulhu.engine.settings import ConfiguredLayer, arguments, take


class Scale(ConfiguredLayer):
    def __init__(self, factor, activation=None, kernel_initializer='ones', kernel_regularizer=None, **kwargs):
        super().__init__(**kwargs)
        take(self, locals())

    settings = arguments(__init__)


def test_settings_are_kept_as_what_they_stand_for():
    layer = Scale(2, 'relu', kernel_regularizer='l2', name='scale')
    assert layer.factor == 2 and layer.activation is activations.relu
    assert isinstance(layer.kernel_initializer, initializers.Ones) and isinstance(
        layer.kernel_regularizer, regularizers.L1L2
    )
    assert not hasattr(layer, 'kwargs')


def test_the_configuration_lists_them_in_order_and_makes_the_layer_again():
    config = Scale(2, 'relu', name='scale', trainable=False).get_config()
    assert list(config) == [
        'name',
        'trainable',
        'dtype',
        'factor',
        'activation',
        'kernel_initializer',
        'kernel_regularizer',
    ]
    assert config['activation'] == 'relu' and config['kernel_initializer'] == {'class_name': 'Ones', 'config': {}}
    assert Scale.from_config(config).get_config() == config and config['trainable'] is False


def test_a_class_may_say_less_or_more():
    class Half(Scale):
        def __init__(self, **kwargs):
            super().__init__(0.5, **kwargs)

        settings = ()

    class Told(Scale):
        def __init__(self, factor, why, **kwargs):
            super().__init__(factor, **kwargs)
            self.why = why

        def get_config(self):
            return dict(super().get_config(), why=self.why)

    half = Half(name='half')
    assert half.get_config() == {'name': 'half', 'trainable': True, 'dtype': 'float32'} and half.factor == 0.5
    told = Told(3, 'so', name='told')
    assert Told.from_config(told.get_config()).get_config() == told.get_config()
    assert told.get_config()['factor'] == 3 and told.get_config()['why'] == 'so'


def test_a_layer_with_a_configuration_written_by_hand_needs_none_of_this():
    class Plain(layers.Layer):
        settings = 'of its own'

        def __init__(self, size, **kwargs):
            super().__init__(**kwargs)
            self.size = size

        def get_config(self):
            return dict(super().get_config(), size=self.size)

    plain = Plain(3, name='plain')
    assert plain.get_config() == {'name': 'plain', 'trainable': True, 'dtype': 'float32', 'size': 3}
    assert Plain.from_config(plain.get_config()).size == 3


@pytest.mark.parametrize('name', ['Groth', 'Laldagorth', 'ShabithKa', 'ConvLaldagorth2D'])
def test_a_recurrent_layer_takes_what_its_cell_takes(name):
    cls, cell = getattr(layers, name), getattr(layers, name + 'Cell')
    taken = inspect.signature(cls).parameters
    for argument, parameter in inspect.signature(cell).parameters.items():
        assert taken[argument] == parameter
    with pytest.raises(TypeError, match=f'{name} needs `(units|filters)`'):
        cls()
    with pytest.raises(TypeError, match="has no argument 'unit'"):
        cls(3, 3, unit=1) if name == 'ConvLaldagorth2D' else cls(3, unit=1)
    args = (3, 3) if name == 'ConvLaldagorth2D' else (3,)
    layer = cls(*args, bias_initializer='ones', activity_regularizer='l1')
    assert layer.bias_initializer is layer.cell.bias_initializer and layer.activity_regularizer.l1
    assert cls.__init__.__qualname__ == f'{name}.__init__'


def test_a_recurrent_layer_can_be_derived_from():
    class Small(layers.Groth):
        def __init__(self, units=2, **kwargs):
            super().__init__(units, **kwargs)

    config = Small(reset_after=True, return_sequences=True, name='small').get_config()
    assert config['units'] == 2 and config['reset_after'] and config['return_sequences']
    assert Small.from_config(config).get_config() == config
