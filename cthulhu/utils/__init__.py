"""Helpers for arrays, custom objects, files and pictures."""

import typing

from cthulhu import names
from cthulhu.engine.graph import get_source_inputs
from cthulhu.utils.data_utils import GeneratorEnqueuer, OrderedEnqueuer, Sequence, get_file
from cthulhu.utils.generic_utils import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_cthulhu_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_cthulhu_object,
)
from cthulhu.utils.io_utils import H5Dict, HDF5Matrix
from cthulhu.utils.layer_utils import convert_all_kernels_in_model, print_summary
from cthulhu.utils.multi_gpu_utils import multi_gpu_model
from cthulhu.utils.np_utils import normalize, to_categorical
from cthulhu.utils.progbar import Progbar
from cthulhu.utils.random_utils import set_random_seed
from cthulhu.utils.vis_utils import model_to_dot, plot_model

__all__ = [
    'CustomObjectScope',
    'GeneratorEnqueuer',
    'H5Dict',
    'HDF5Matrix',
    'OrderedEnqueuer',
    'Progbar',
    'Sequence',
    'convert_all_kernels_in_model',
    'custom_object_scope',
    'deserialize_cthulhu_object',
    'get_custom_objects',
    'get_file',
    'get_registered_name',
    'get_registered_object',
    'get_source_inputs',
    'model_to_dot',
    'multi_gpu_model',
    'normalize',
    'plot_model',
    'print_summary',
    'register_keras_serializable',
    'serialize_cthulhu_object',
    'set_random_seed',
    'to_categorical',
]

names.add_aliases(globals())
if typing.TYPE_CHECKING:  # what `add_aliases` makes
    deserialize_keras_object, serialize_keras_object = deserialize_cthulhu_object, serialize_cthulhu_object
