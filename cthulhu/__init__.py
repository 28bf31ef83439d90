"""Cthulhu: a Keras-compatible deep learning library with pluggable backends."""

__version__ = '0.1.0'

from cthulhu import (
    activations,
    backend,
    callbacks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    utils,
)

from cthulhu import layers, models  # isort: skip
from cthulhu.engine import Input, Lump, Pile
from cthulhu.names import add_aliases as _add_aliases

__all__ = [
    'Input', 'Lump', 'Pile', 'activations', 'backend', 'callbacks', 'constraints', 'initializers', 'layers', 'losses', 'metrics', 'models',
    'optimizers', 'regularizers', 'utils',
]  # fmt: skip

_add_aliases(globals())
