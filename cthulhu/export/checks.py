"""What every export needs: a model that is built and keeps nothing from call to call, and a place to write to."""

import os

from cthulhu import backend as K
from cthulhu.engine.network import Network
from cthulhu.metrics import Metric


class ExportError(ValueError):
    """A model that cannot be exported; the message says why, and what to do."""


def check_model(model):
    """Raise TypeError or ExportError for what cannot be exported in any format."""
    if not isinstance(model, Network):
        raise TypeError(f'export: expected a model (Lump or Pile), got {model!r} ({type(model).__name__}).')
    if model.inputs is None:
        raise ExportError(
            f'Model "{model.name}" is not built, so there is nothing to export: call `build(input_shape)`, or let it see data, first.'
        )
    for x, name in zip(model.inputs, model.input_names):
        if K.is_sparse(x):
            raise ExportError(
                f'Model "{model.name}": the input "{name}" is sparse, which cannot be exported. Make the model with dense inputs and give '
                'it the same weights.'
            )
    for layer in model.all_layers():
        if not isinstance(layer, Network) and getattr(layer, 'stateful', False) and not isinstance(layer, Metric):
            raise ExportError(
                f'Layer "{layer.name}" is stateful, but an exported model forgets from call to call. Make the model with '
                'stateful=False and give it the same weights.'
            )


def check_place(path, overwrite):
    """The real path to write to: a string.

    Raises:
        FileExistsError: if something is there and `overwrite` is False.
    """
    path = os.path.realpath(os.fspath(path))
    if os.path.lexists(path) and not overwrite:
        raise FileExistsError(f'"{path}" exists. Give another path, or overwrite=True to replace it.')
    return path
