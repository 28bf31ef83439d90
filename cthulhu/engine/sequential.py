"""Keras's path for the stack of layers."""

from cthulhu import names
from cthulhu.engine.pile import Pile

__all__ = ['Pile']

names.add_aliases(globals())
