"""Keras's path for the stack of layers."""

from .. import names
from .pile import Pile

__all__ = ['Pile']

names.add_aliases(globals())
