"""Custom objects, (de)serialisation by name, and the small helpers."""

import numpy as np
import pytest

from cthulhu import names, utils
from cthulhu.utils import generic_utils as g


class Plain:
    def __init__(self, value=1):
        self.value = value

    def get_config(self):
        return {'value': self.value}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class Nested(Plain):
    @classmethod
    def from_config(cls, config, custom_objects=None):
        made = cls(**config)
        made.seen = custom_objects
        return made


class Ours(Plain):
    pass


Ours.__name__, Ours.__module__ = 'Daoloth', 'cthulhu.layers.core'


def make_plain(value):
    return Plain(value)


def test_round_trip():
    config = g.serialize_cthulhu_object(Plain(7))
    assert config == {'class_name': 'Plain', 'config': {'value': 7}}
    made = g.deserialize_cthulhu_object(config, {'Plain': Plain})
    assert type(made) is Plain and made.value == 7


def test_keras_names_are_written_and_every_spelling_is_read():
    assert g.serialize_cthulhu_object(Ours()) == {'class_name': 'Dense', 'config': {'value': 1}}
    for objects in ({'Daoloth': Ours}, {'Dense': Ours}):
        for name in ('Dense', 'Daoloth'):
            assert type(g.deserialize_cthulhu_object({'class_name': name, 'config': {}}, objects)) is Ours


def test_functions_and_none():
    assert g.serialize_cthulhu_object(None) is None and g.deserialize_cthulhu_object(None) is None
    assert g.serialize_cthulhu_object(make_plain) == 'make_plain'
    assert g.deserialize_cthulhu_object('make_plain', {'make_plain': make_plain}) is make_plain
    made = g.deserialize_cthulhu_object(
        {'class_name': 'make_plain', 'config': {'value': 3}}, {'make_plain': make_plain}
    )
    assert made.value == 3


def test_custom_objects_come_first_and_reach_from_config():
    made = g.deserialize_cthulhu_object({'class_name': 'Plain', 'config': {}}, {'Plain': Plain}, {'Plain': Nested})
    assert type(made) is Nested and made.seen == {'Plain': Nested}


def test_scope_restores_and_nests():
    before = dict(g.get_custom_objects())
    with g.custom_object_scope({'a': 1}, {'b': 2}) as outer:
        with g.CustomObjectScope({'a': 3}):
            assert g.get_custom_objects()['a'] == 3
        g.get_custom_objects()['c'] = 4
        with outer:
            assert g.get_custom_objects()['a'] == 1
        assert g.get_custom_objects()['a'] == 1 and g.get_custom_objects()['c'] == 4
    assert g.get_custom_objects() == before


def test_scope_is_left_on_an_exception():
    with pytest.raises(KeyError):
        with g.CustomObjectScope({'a': 1}):
            raise KeyError
    assert 'a' not in g.get_custom_objects()


def test_global_custom_objects_are_found():
    g.get_custom_objects()['mine'] = make_plain
    try:
        assert g.deserialize_cthulhu_object('mine') is make_plain
    finally:
        del g.get_custom_objects()['mine']


@pytest.mark.parametrize('identifier', ['make_plane', {'class_name': 'make_plane', 'config': {}}])
def test_unknown_name_lists_what_is_close_and_known(identifier):
    with pytest.raises(
        ValueError, match=r"Unknown thing: 'make_plane'. Did you mean 'make_plain'\? Known: Other, make"
    ):
        g.deserialize_cthulhu_object(identifier, {'make_plain': 1, 'Other': 2}, printable_module_name='thing')


def test_nothing_is_imported_by_name():
    for name in ('os.system', 'system', 'builtins.eval', 'eval'):
        with pytest.raises(ValueError, match='Unknown object'):
            g.deserialize_cthulhu_object({'class_name': name, 'config': {}}, {'Plain': Plain})


@pytest.mark.parametrize('identifier', [{'class_name': 'Plain'}, {'config': {}}, 3, ['Plain']])
def test_malformed(identifier):
    with pytest.raises(ValueError, match="'class_name' and 'config'"):
        g.deserialize_cthulhu_object(identifier, {'Plain': Plain})


def test_unserialisable():
    with pytest.raises(ValueError, match='Cannot serialize .*get_config'):
        g.serialize_cthulhu_object(object())


def test_keras_aliases():
    assert utils.serialize_keras_object is g.serialize_keras_object is g.serialize_cthulhu_object
    assert utils.deserialize_keras_object is g.deserialize_keras_object is g.deserialize_cthulhu_object


def test_func_dump_and_load():
    offset = 10

    def add(x, y=2):
        return x + y + offset

    for packed in (g.func_dump(add), list(g.func_dump(add))):
        assert g.func_load(packed)(1) == 13
    code, defaults, closure = g.func_dump(add)
    assert isinstance(code, str) and defaults == (2,) and closure == (10,)
    assert g.func_load(code, defaults=[5], closure=(20,))(1) == 26
    assert g.func_load(g.func_dump(lambda: np.pi), globs={'np': np})() == np.pi


def test_has_arg():
    def f(a, *args, b=1, **kwargs):
        pass

    assert g.has_arg(f, 'a') and g.has_arg(f, 'b')
    assert not g.has_arg(f, 'c') and g.has_arg(f, 'c', accept_all=True)
    assert not g.has_arg(f, 'args') and not g.has_arg(lambda x: x, 'c', accept_all=True)


def test_lists():
    assert g.to_list([1]) == [1] and g.to_list((1, 2)) == [(1, 2)] and g.to_list((1, 2), allow_tuple=True) == [1, 2]
    assert g.unpack_singleton([1]) == 1 and g.unpack_singleton([1, 2]) == [1, 2]
    assert g.is_all_none([None, None]) and g.is_all_none(None) and not g.is_all_none((None, 0))
    a, b = object(), object()
    assert g.object_list_uid([a, b]) == f'{id(a)}, {id(b)}' and g.object_list_uid(a) == str(id(a))


def test_slice_arrays():
    x = np.arange(10)
    assert g.slice_arrays(None) == [None]
    np.testing.assert_array_equal(g.slice_arrays(x, 2, 4), [2, 3])
    np.testing.assert_array_equal(g.slice_arrays(x, np.array([5, 1])), [5, 1])
    taken = g.slice_arrays([x, None, x * 2], [0, 3])
    np.testing.assert_array_equal(taken[0], [0, 3])
    assert taken[1] is None
    np.testing.assert_array_equal(taken[2], [0, 6])
    np.testing.assert_array_equal(g.slice_arrays([x], 8)[0], [8, 9])


def test_transpose_shape():
    assert g.transpose_shape([16, 8, 9, 3], 'channels_first', (1, 2)) == [16, 3, 8, 9]
    assert g.transpose_shape((8, 9, 3), 'channels_first', (0, 1)) == (3, 8, 9)
    assert g.transpose_shape((8, 9, 3), 'channels_last', (0, 1)) == (8, 9, 3)
    with pytest.raises(ValueError, match='`target_format`'):
        g.transpose_shape((8, 9, 3), 'middle', (0, 1))


def test_check_for_unexpected_keys():
    g.check_for_unexpected_keys('loss', {'a': 1}, ['a', 'b'])
    with pytest.raises(ValueError, match=r"`loss`: \['c'\].*\['a', 'b'\]"):
        g.check_for_unexpected_keys('loss', {'a': 1, 'c': 2}, ['a', 'b'])


@pytest.mark.parametrize(
    'name, snake',
    [('Dense', 'dense'), ('Conv2DTranspose', 'conv2d_transpose'), ('SimpleRNN', 'simple_rnn'), ('ReLU', 're_lu')],
)
def test_to_snake_case(name, snake):
    assert g.to_snake_case(name) == snake


def test_layer_names_are_keras_names():
    assert g.to_snake_case(names.keras_name('Daoloth')) == 'dense'
