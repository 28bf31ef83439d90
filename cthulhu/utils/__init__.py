"""Helpers for arrays, custom objects, files and pictures."""

from cthulhu import names
from cthulhu.utils.generic_utils import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_cthulhu_object,
    get_custom_objects,
    serialize_cthulhu_object,
)
from cthulhu.utils.np_utils import normalize, to_categorical

__all__ = [
    'CustomObjectScope',
    'custom_object_scope',
    'deserialize_cthulhu_object',
    'get_custom_objects',
    'normalize',
    'serialize_cthulhu_object',
    'to_categorical',
]

names.add_aliases(globals())
