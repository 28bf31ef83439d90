"""Keras's path for the model that trains."""

from .. import names
from .lump import Lump

__all__ = ['Lump']

names.add_aliases(globals())
