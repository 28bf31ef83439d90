"""Layers as operations of ONNX, a family a file."""

from . import core, merge, recurrent, spatial, wrappers
from .registry import CONVERTERS, convert

__all__ = ['CONVERTERS', 'convert', 'core', 'merge', 'recurrent', 'spatial', 'wrappers']
