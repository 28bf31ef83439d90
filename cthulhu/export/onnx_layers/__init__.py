"""Layers as operations of ONNX, a family a file."""

from cthulhu.export.onnx_layers import core, merge, recurrent, spatial, wrappers
from cthulhu.export.onnx_layers.registry import CONVERTERS, convert

__all__ = ['CONVERTERS', 'convert', 'core', 'merge', 'recurrent', 'spatial', 'wrappers']
