"""What a configuration may name."""

import pytest

from cthulhu import layers, metrics, models, registry
from cthulhu.registry import Registry
from cthulhu.utils import CustomObjectScope


class Mine(layers.Layer):
    pass


def test_an_entry_is_found_under_every_spelling():
    for name in ('Dense', 'Daoloth'):
        assert registry.layers[name] is registry.layers.get(name) is layers.Daoloth
    assert registry.layers['Model'] is registry.layers['Lump'] is models.Lump
    assert registry.layers['Sequential'] is models.Pile
    assert registry.metrics['Mean'] is metrics.Mean


def test_what_is_not_there():
    with pytest.raises(KeyError):
        registry.layers['Adam']
    assert registry.layers.get('Adam') is None
    with pytest.raises(ValueError, match="Unknown layer: 'Daolth'.*'Daoloth'.*custom_objects"):
        registry.layers.deserialize({'class_name': 'Daolth', 'config': {}})


def test_the_users_own_are_known_while_they_are_registered():
    config = registry.layers.serialize(Mine(name='mine'))
    assert config['class_name'] == 'Mine' and 'Mine' not in registry.layers.known()
    with pytest.raises(ValueError, match='Unknown layer'):
        registry.layers.deserialize(config)
    assert registry.layers.known({'Mine': Mine})['Mine'] is Mine
    made = registry.layers.deserialize(config, {'Mine': Mine})
    assert type(made) is Mine and made.name == 'mine'
    with CustomObjectScope({'Mine': Mine}):
        assert registry.layers.known()['Mine'] is Mine
        assert type(registry.layers.deserialize(config)) is Mine
    assert registry.layers.get('Mine') is None  # entries are the library's own


def test_the_caller_comes_before_the_library():
    class Daoloth(Mine):
        pass

    made = registry.layers.deserialize({'class_name': 'Daoloth', 'config': {'name': 'x'}}, {'Daoloth': Daoloth})
    assert type(made) is Daoloth


def test_a_registry_of_its_own():
    shapes = Registry('shape')
    shapes.register({'square': lambda: 4, 'Line': Mine})
    assert sorted(shapes) == ['Line', 'square']
    assert shapes.make('square') == 4 and isinstance(shapes.make('Line'), Mine)
    with pytest.raises(ValueError, match='Could not interpret shape identifier'):
        shapes.make(3)
