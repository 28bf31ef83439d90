"""Helpers for arrays, custom objects, files and pictures."""

from cthulhu import names
from cthulhu.utils.data_utils import GeneratorEnqueuer, OrderedEnqueuer, Sequence
from cthulhu.utils.generic_utils import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_cthulhu_object,
    get_custom_objects,
    serialize_cthulhu_object,
)
from cthulhu.utils.layer_utils import convert_all_kernels_in_model
from cthulhu.utils.np_utils import normalize, to_categorical
from cthulhu.utils.progbar import Progbar
from cthulhu.utils.random_utils import set_random_seed

__all__ = [
    'CustomObjectScope',
    'GeneratorEnqueuer',
    'OrderedEnqueuer',
    'Progbar',
    'Sequence',
    'convert_all_kernels_in_model',
    'custom_object_scope',
    'deserialize_cthulhu_object',
    'get_custom_objects',
    'normalize',
    'serialize_cthulhu_object',
    'set_random_seed',
    'to_categorical',
]

names.add_aliases(globals())
