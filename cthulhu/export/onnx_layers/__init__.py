"""Layers as operations of ONNX, a family a file."""

from cthulhu.export.onnx_layers import attention, core, data, merge, operations, recurrent, spatial, wrappers
from cthulhu.export.onnx_layers.registry import CONVERTERS, WITH_ARGUMENTS, convert

__all__ = [
    'CONVERTERS',
    'WITH_ARGUMENTS',
    'attention',
    'convert',
    'core',
    'data',
    'merge',
    'operations',
    'recurrent',
    'spatial',
    'wrappers',
]
