"""The table of names and the aliases made from it."""

import importlib
import inspect
import sys
import types

import pytest

from cthulhu import names


def test_every_spelling_is_unique_and_leads_back():
    seen = {}
    for keras, own in names.NAMES.items():
        for spelling in (keras,) + own:
            assert seen.setdefault(spelling, keras) == keras
            assert names.keras_name(spelling) == keras
            assert names.cthulhu_name(spelling) == own[0]


@pytest.mark.parametrize(
    'keras, cthulhu',
    [('Dense', 'Daoloth'), ('Model', 'Lump'), ('Sequential', 'Pile'), ('LSTM', 'Laldagorth'), ('Conv2D', 'Cthalpa2D')],
)
def test_translation(keras, cthulhu):
    assert names.cthulhu_name(keras) == cthulhu
    assert names.keras_name(cthulhu) == keras


def test_unknown_names_are_kept():
    assert names.keras_name('MyLayer') == names.cthulhu_name('MyLayer') == 'MyLayer'
    assert names.spellings('MyLayer') == ('MyLayer',)


def test_a_users_class_keeps_its_name():
    class Darkness:
        pass

    assert names.keras_name(Darkness) == 'Darkness'
    Darkness.__module__ = 'cthulhu.layers.core'
    assert names.keras_name(Darkness) == 'Dropout'


def test_add_aliases():
    thing, other = object(), object()
    namespace = {'ConvLaldagorth2D': thing, 'Lump': other, 'helper': 1, '__all__': ['ConvLaldagorth2D']}
    assert names.add_aliases(namespace) is namespace
    assert namespace['ConvLSTM2D'] is thing and namespace['Cxaxukluth'] is thing and namespace['Model'] is other
    assert namespace['__all__'] == ['ConvLaldagorth2D', 'ConvLSTM2D', 'Cxaxukluth']
    assert 'Dense' not in namespace


def test_add_aliases_keeps_what_is_there():
    namespace = names.add_aliases({'Lump': 1, 'Model': 2})
    assert namespace['Model'] == 2


@names.method_aliases
class Cult:
    def summon(self, x=None, *, epochs=1):
        """Call the old ones."""
        return 'base', x, epochs

    def conjure(self, optimizer):
        return optimizer

    def compile(self):
        return 'own'


class Sect(Cult):
    def summon(self, x=None, *, epochs=1):
        return ('override',) + super().summon(x, epochs=epochs)


def test_method_aliases_dispatch_to_overrides():
    assert Cult().fit(3, epochs=2) == ('base', 3, 2)
    assert Sect().fit(3) == ('override', 'base', 3, 1)


def test_method_aliases_keep_signature_name_and_own_definitions():
    assert inspect.signature(Cult.fit) == inspect.signature(Cult.summon)
    assert Cult.fit.__name__ == 'fit' and 'Call the old ones.' in Cult.fit.__doc__
    assert Cult().compile() == 'own'
    assert not hasattr(Cult, 'fit_generator')


@pytest.mark.parametrize('name, home', [('pantheon', 'models'), ('deities', 'layers')])
def test_doors_with_names_of_their_own_hold_the_same_things(name, home):
    door, room = importlib.import_module(f'cthulhu.{name}'), importlib.import_module(f'cthulhu.{home}')
    for each in room.__all__:
        assert getattr(door, each) is getattr(room, each)


def test_speaking_keras_changes_what_is_in_the_table_and_ours():
    def made(module):
        return type('Lump', (), {'__module__': module, '__qualname__': 'Lump'})

    ours, theirs = made('cthulhu.engine.lump'), made('users.models')
    names.speak_keras({'Lump': ours, 'Daoloth': 3})
    names.speak_keras({'Lump': theirs})
    assert (ours.__name__, ours.__qualname__, theirs.__name__) == ('Model', 'Lump', 'Lump')
    assert names.keras_name(ours) == 'Model' and names.cthulhu_name(ours) == 'Lump'


def test_names_under_which_users_register():
    thing = type('Chant', (), {})
    assert names.written_name(thing) == 'Chant'
    names.register(thing, 'cult>Chant')
    assert names.written_name(thing) == 'cult>Chant' and names.keras_name(thing) == 'Chant'


def test_doors_of_a_package_are_imported_when_asked_for():
    package = types.ModuleType('cult')
    sys.modules['cult'], sys.modules['cult.room'] = package, types.ModuleType('cult.room')
    sys.modules['cult.room'].thing = 7
    try:
        names.add_doors('cult', {'room': 'room', 'thing': 'room'})
        assert package.room is sys.modules['cult.room'] and package.thing == 7
        with pytest.raises(AttributeError, match="module 'cult' has no attribute 'hall'"):
            package.hall
    finally:
        del sys.modules['cult'], sys.modules['cult.room']
