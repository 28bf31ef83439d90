"""Weights in safetensors files: each under `layer/weight`, with the order of the layers, and who wrote it, in the metadata. Needs the package safetensors."""

import json
import os
import re

from cthulhu import backend as K
from cthulhu.saving import data_formats, weights
from cthulhu.saving.weights import Origin, SavedLayer
from cthulhu.storage import arrays, budget, texts
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError, explained
from cthulhu.version import KERAS_VERSION, __version__

_NUMBERS = ('F64', 'F32', 'F16', 'I64', 'I32', 'I16', 'I8', 'U64', 'U32', 'U16', 'U8', 'BOOL')


def _require():
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            'Files with the ending .safetensors need the package safetensors: pip install safetensors.'
        ) from None
    return safetensors


def write(model, path):
    """Write the weights of a model."""
    library = _require()
    order, tensors = [], {}
    for layer in model.layers:
        found = weights.weight_names(layer.weights)
        order.append([layer.name, found])
        for name, value in zip(found, K.batch_get_value(layer.weights)):
            tensors[f'{layer.name}/{name}'] = value.copy(order='C')
    metadata = {
        'layers': json.dumps(order),
        'backend': K.backend(),
        'keras_version': KERAS_VERSION,
        'cthulhu_version': __version__,
        'data_format': str(data_formats.of_layers(model.layers)),
    }
    try:
        library.numpy.save_file(tensors, path, metadata)
    except library.SafetensorError as error:
        number = re.search(r'(?:os error|code:) (\d+)', str(error))
        if number is None:
            raise
        code = int(number.group(1))
        raise OSError(code, os.strerror(code), path) from error


def read(path, model, **options):
    """Load weights into a model; options and result are those of `weights.load`."""
    library = _require()
    where = f'"{path}"'
    try:
        file = library.safe_open(os.fspath(path), framework='numpy')
    except library.SafetensorError as error:
        raise DamagedFileError(f'{where} is not a safetensors file: {error}.') from None
    with file:
        metadata = file.metadata() or {}
        data_format = metadata.get('data_format')
        origin = Origin(
            metadata.get('keras_version', KERAS_VERSION),
            metadata.get('backend'),
            None if data_format == 'None' else data_format,
            where,
            metadata.get('cthulhu_version'),
        )
        with explained(where, weights.describe(origin)):
            saved = _saved(file, texts.parse_json(metadata.get('layers', 'null'), where), where)
            # kernels are as the layers have them, whatever the backend
            return weights.load(model.layers, saved, origin._replace(backend=None), **options)


def _saved(file, layers, where):
    if not isinstance(layers, list):
        raise DamagedFileError(
            f'{where} does not say which layers it has: only files that this library wrote are loaded.'
        )
    names, saved = set(file.keys()), []
    for item in layers:
        layer, found = item
        if not all(f'{layer}/{name}' in names for name in found):
            raise DamagedFileError(f'{where} lacks weights of layer "{layer}".')
        entries = [_entry(file, f'{layer}/{name}', name) for name in found]
        saved.append(SavedLayer(layer, entries, {'order': [str(i) for i in range(len(entries))]}))
    return saved


def _entry(file, key, name):
    budget.draw('visits', 1, f'The tensor {key!r}')
    piece = file.get_slice(key)
    if piece.get_dtype() not in _NUMBERS:
        raise UnsafeFileError(f'The tensor {key!r} has the type {piece.get_dtype()}, which is not read.')
    dtype = {'F': 'float', 'I': 'int', 'U': 'uint', 'B': 'bool'}[piece.get_dtype()[0]]
    dtype = dtype if dtype == 'bool' else dtype + piece.get_dtype()[1:]
    return arrays.Entry(name, piece.get_shape(), dtype, lambda: file.get_tensor(key))
