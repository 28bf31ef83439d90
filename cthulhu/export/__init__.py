"""A way out: models as files that run without this library.

- `export_saved_model`: a folder for TensorFlow and TensorFlow Serving; written by the TensorFlow backend, of any model;
- `export_onnx`: a file for ONNX runtimes; written on every backend, of the layers that `export.onnx_layers` knows;
- `export`: either, by the name of the path.

What is exported is what `predict` computes.
"""

import os

from cthulhu.export.onnx_file import export_onnx
from cthulhu.export.saved_model import export_saved_model
from cthulhu.utils.arguments import checked

__all__ = ['export', 'export_onnx', 'export_saved_model']


@checked
def export(model, path, format=None, overwrite=False):
    """Write what a model predicts to a file or folder that runs without this library.

    Arguments:
        model: a built model.
        path: where to.
        format: 'onnx' or 'saved_model'; if left out, 'onnx' for a path with '.onnx' at its end, else 'saved_model'.
        overwrite: whether to replace what is there.

    Raises:
        ValueError: for another format, or a model that cannot be exported.
        FileExistsError: if something is there and `overwrite` is False.

    Example:
        >>> export(model, 'digits.onnx')
    """
    name = os.fspath(path)
    if format is None and name.lower().endswith(('.h5', '.hdf5', '.keras', '.safetensors')):
        raise ValueError(
            f'path: {name!r} is the name of a file from which this library and Keras load a model: write it with model.save(path). What is exported '
            "is a SavedModel, a folder, or a file with '.onnx' at its end; give `format` if that is what it is to be called."
        )
    if format is None and name.lower().endswith(('.pb', '.tflite', '.pt', '.pth', '.mlmodel', '.json')):
        raise ValueError(
            f"path: {name!r} is the name of a file of a kind that is not written. What is exported is a SavedModel, a folder, or a file with '.onnx' at its end, "
            'of which other tools make what they need; give `format` if that is what it is to be called.'
        )
    if format is None:
        format = 'onnx' if os.fspath(path).lower().endswith('.onnx') else 'saved_model'
    if format not in ('onnx', 'saved_model'):
        raise ValueError(f"format: expected 'onnx' or 'saved_model', got {format!r}.")
    (export_onnx if format == 'onnx' else export_saved_model)(model, path, overwrite=overwrite)
