"""Files of models: what is in them, for this library and for the versions of Keras that write others.

- `files`: what `Lump.save`, `load_model`, `save_weights` and their like do: which format, then which reader or writer;
- `hdf5`: the layout of Keras 2.3's HDF5 files; `keras3`: the archives and weight files of Keras 3; `tensors`: safetensors;
- `configuration`: settings of models to JSON and YAML, and to models; `reading`: what holds meanwhile; `dialects`: how other writers spell them;
- `weights`: which array goes to which layer; `converters`: what other versions and backends stored otherwise;
- `pickling`: models in pickles and copies.

The files themselves are in `cthulhu.storage`.
"""

from cthulhu.storage.budget import reading_budget
from cthulhu.storage.errors import DamagedFileError, ModelFileError, UnsafeFileError
from cthulhu.utils.generic_utils import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)

__all__ = [
    'CustomObjectScope',
    'DamagedFileError',
    'ModelFileError',
    'UnsafeFileError',
    'custom_object_scope',
    'get_custom_objects',
    'get_registered_name',
    'get_registered_object',
    'reading_budget',
    'register_keras_serializable',
]
