"""What `save`, `load_model`, `save_weights` and `load_weights` do: which format, then which reader or writer.

A place to save to or load from is a path, an open h5py File or Group, a dict (as pickles have it), or a binary stream.
"""

import io
import os
import typing

from cthulhu.saving import hdf5, keras3, tensors
from cthulhu.storage import atomic, budget, file_tree, hdf5_writing, tree
from cthulhu.storage.errors import DamagedFileError, ModelFileError, explained
from cthulhu.utils import hints
from cthulhu.utils.arguments import checked
from cthulhu.utils.io_utils import ask_to_proceed_with_overwrite

try:
    import h5py
except ImportError:
    h5py = None


# Endings of files that other programs read, and would find HDF5 in.
_EXPORTED = ('.onnx', '.pb', '.tflite')


def is_path(thing):
    """Whether something is a path."""
    return isinstance(thing, (str, os.PathLike))


def is_group(thing):
    """Whether something is an open HDF5 file or group."""
    return h5py is not None and isinstance(thing, h5py.Group)


@checked
def save_model(
    model: typing.Any, filepath: hints.Place, overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Save a model: its configuration, its weights and, if it is conjured, how it is trained and the state of the optimizer.

    The file is that of Keras 2.3 (HDF5), which Keras and tf.keras read too; with a name that ends in '.keras' it is an archive of Keras 3.

    Arguments:
        model: a Lump or Pile.
        filepath: path; or an open `h5py.File` or `h5py.Group`, a dict, or a stream with `write` for bytes.
        overwrite: whether a file that is there is replaced; if not, the user is asked.
        include_optimizer: whether to save how the model is trained, too.

    Raises:
        NotImplementedError: for a model made by subclassing; save its weights instead.
        ImportError: if h5py is not installed.
        OSError: if the file cannot be written; a file that was there is left as it was.

    Example:
        >>> save_model(model, 'model.h5')  # doctest: +SKIP
        >>> model = load_model('model.h5')  # doctest: +SKIP
    """
    if is_path(filepath) and os.path.splitext(os.fspath(filepath))[1].lower() in _EXPORTED:
        raise ValueError(
            f'filepath: "{os.fspath(filepath)}" has the ending of a kind of file that is not written by `save`, which writes HDF5 (.h5) and archives of Keras 3 '
            '(.keras). cthulhu.export.export(model, path) writes ONNX, and the folder of a SavedModel.'
        )
    if is_path(filepath) and os.fspath(filepath).endswith('.keras'):
        return _write(filepath, overwrite, lambda path: keras3.archive(model, path, include_optimizer))
    _save(filepath, overwrite, lambda group: hdf5.write_model(group, model, include_optimizer))


def save_weights(model, filepath, overwrite=True):
    """Save the weights of a model; what for is said at `Lump.save_weights`."""
    if is_path(filepath):
        name = os.fspath(filepath)
        if name.endswith('.weights.h5'):
            return _save(filepath, overwrite, lambda group: keras3.write_weights(group, model))
        if name.endswith('.safetensors'):
            return _write(filepath, overwrite, lambda path: tensors.write(model, path))
    _save(filepath, overwrite, lambda group: hdf5.write_weights(group, model.layers))


def _save(place, overwrite, write):
    """Write to a place, by a function of a Tree."""
    if isinstance(place, dict):
        place.clear()
        place['_is_group'] = True
        return write(tree.DictTree(place))
    tree.require_h5py('Saving to HDF5')
    if is_group(place):
        return write(tree.HDF5Tree(place))
    if is_path(place):
        return _write(place, overwrite, lambda path: _into_file(path, write))
    if tree.is_stream(place, 'write'):
        data, _ = tree.image(lambda file: write(tree.HDF5Tree(file)))
        place.write(data)
        return None
    raise ValueError(
        f'`filepath` must be a path, an open h5py File or Group, a dict, or a stream with `write`; got {place!r} ({type(place).__name__}).'
    )


def _into_file(path, write):
    with hdf5_writing.created(path) as file:
        write(tree.HDF5Tree(file))


def _write(path, overwrite, write):
    """Replace a file by what a function of a path writes, if it may be."""
    if not overwrite and os.path.exists(path) and not ask_to_proceed_with_overwrite(path):
        return
    with atomic.replacing(path) as temporary:
        write(temporary)


# -- reading -----------------------------------------------------------------------------------------------


def load_model(filepath, custom_objects, compile, safe_mode):
    """Load a model; what for is said at `cthulhu.models.load_model`."""

    def read(group):
        return hdf5.read_model(group, custom_objects, compile, safe_mode)

    def read_archive(source, where):
        return keras3.load_archive(source, where, custom_objects, compile, safe_mode)

    return _load(filepath, read, read_archive)


def load_weights(model, filepath, by_name=False, skip_mismatch=False, reshape=False):
    """Load weights into a model; what for is said at `Lump.load_weights`."""
    if (skip_mismatch or reshape) and is_path(filepath) and _starts(filepath, b'PK'):
        raise ValueError('Archives of Keras 3 are loaded without `skip_mismatch` and `reshape`.')
    options = {'by_name': by_name, 'skip_mismatch': skip_mismatch, 'reshape': reshape}

    def read(group):
        if keras3.is_weights(group):
            return keras3.read_weights(group, model, **options)
        return hdf5.read_weights(group, model.layers, **options)

    def read_archive(source, where):
        return keras3.load_archive_weights(source, where, model, **options)

    if is_path(filepath) and os.fspath(filepath).endswith('.safetensors'):
        with explained(f'"{filepath}"'), budget.opened(file=os.stat(filepath).st_size):
            return tensors.read(filepath, model, **options)
    return _load(filepath, read, read_archive)


def _starts(path, signature):
    with open(path, 'rb') as file:
        return file.read(len(signature)) == signature


def _load(place, read, read_archive):
    """Read a place, by a function of a Tree or of an archive; errors name the place, and who wrote it."""
    where = f'"{place}"' if is_path(place) else 'the dict' if isinstance(place, dict) else 'the file'
    writer = []

    def reading(group):
        try:
            return read(group)
        except Exception:
            writer.append(hdf5.describe(group))  # now, while the file is open
            raise

    with explained(where, lambda: ''.join(writer)), budget.opened():
        if isinstance(place, dict):
            budget.explain(file=tree.size_of(place))
            return reading(tree.DictTree(place, where))
        if is_group(place):
            budget.explain(file=tree.file_size(place))
            return reading(tree.HDF5Tree(place, where))
        if is_path(place):
            if os.path.isdir(place):
                raise IsADirectoryError(
                    f'{where} is a folder. Models are loaded from files (a SavedModel of TensorFlow is loaded with TensorFlow).'
                )
            budget.explain(file=os.stat(place).st_size)
            if _starts(place, b'PK'):
                return read_archive(place, where)
            if str(place).lower().endswith('.safetensors'):
                raise ModelFileError(
                    f'{where} holds weights only. Build the model, then load them: `model.load_weights(path)`.'
                )
            if not tree.is_hdf5(place):
                raise DamagedFileError(f'{where} is neither an HDF5 file nor an archive of Keras 3.')
            with open(place, 'rb') as file:
                return reading(file_tree.open_stream(file, where))
        if tree.is_stream(place, 'read'):
            data = tree.read_stream(place)
            budget.explain(file=len(data))
            if data[:2] == b'PK':
                return read_archive(io.BytesIO(data), where)
            if not tree.is_hdf5(data):
                raise DamagedFileError('The stream holds neither an HDF5 file nor an archive of Keras 3.')
            return reading(file_tree.open_stream(io.BytesIO(data), where))
    raise ValueError(
        f'`filepath` must be a path, an open h5py File or Group, a dict, or a stream with `read`; got {place!r} ({type(place).__name__}).'
    )
