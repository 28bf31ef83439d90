"""Files of models: written so that nothing is lost, read so that nothing in them is trusted.

- `files`: what `Lump.save`, `load_model`, `save_weights` and their like do: which format, then which reader or writer;
- `hdf5`: the layout of Keras 2.3's HDF5 files; `keras3`: the archives and weight files of Keras 3; `tensors`: safetensors;
- `configuration`: settings of models to JSON and YAML and back; `dialects`: how other writers spell them;
- `weights`: which array goes to which layer; `converters`: what other versions and backends stored otherwise;
- `file_tree` (on `hdf5_format`), `tree`, `arrays`, `archive`: the guarded readers of HDF5 files, of what the caller opened, of arrays, of zip and tar archives;
  `trust`: what is allowed meanwhile;
- `atomic`: a file is replaced whole or not at all; `pickling`: models in pickles and copies.
"""

from cthulhu.saving.errors import DamagedFileError, ModelFileError, UnsafeFileError

__all__ = ['DamagedFileError', 'ModelFileError', 'UnsafeFileError']
