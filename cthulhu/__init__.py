"""Cthulhu: a Keras-compatible deep learning library with pluggable backends."""

import typing as _typing

# First: the files of `utils` lie below the other rooms, but the package itself is a door that also names things of `engine`.
from cthulhu import utils  # isort: skip

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
)

from cthulhu import layers, mixed_precision, models, preprocessing  # isort: skip
from cthulhu import applications, datasets, distribution  # isort: skip
from cthulhu.engine import Input, Lump, Pile
from cthulhu.names import add_aliases as _add_aliases
from cthulhu.names import add_doors as _add_doors
from cthulhu.version import __version__  # noqa: F401

__all__ = [
    'Input', 'Lump', 'Pile', 'activations', 'applications', 'backend', 'callbacks', 'constraints', 'datasets', 'distribution', 'initializers', 'layers', 'losses', 'metrics',
    'mixed_precision', 'models', 'optimizers', 'preprocessing', 'regularizers', 'utils',
]  # fmt: skip

distribution.join_if_asked()
_add_aliases(globals())
_add_doors(__name__, {'legacy': 'legacy', 'objectives': 'objectives', 'wrappers': 'wrappers'})
if _typing.TYPE_CHECKING:  # what these two make
    from cthulhu import wrappers as wrappers

    Model, Sequential = Lump, Pile
