"""Keras's older path for layers, nodes and the functions of the graph."""

from cthulhu import backend as K
from cthulhu.engine.base_layer import InputSpec, Layer
from cthulhu.engine.graph import get_source_inputs
from cthulhu.engine.input_layer import Input, InputLayer
from cthulhu.engine.network import Network
from cthulhu.engine.network import Network as Container
from cthulhu.engine.node import Node
from cthulhu.utils.generic_utils import to_list, unpack_singleton

__all__ = ['Container', 'Input', 'InputLayer', 'InputSpec', 'Layer', 'Network', 'Node', 'get_source_inputs']


def _collect_input_shape(input_tensors):
    """The shape of a tensor, or the list of the shapes of several; what own layers of Keras 2 import from here."""
    return unpack_singleton([K.int_shape(x) for x in to_list(input_tensors)])
