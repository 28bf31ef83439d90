"""Keras's path for the model that trains."""

from cthulhu import names
from cthulhu.engine.lump import Lump

__all__ = ['Lump']

names.add_aliases(globals())
