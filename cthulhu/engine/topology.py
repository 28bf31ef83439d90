"""Keras's older path for layers, nodes and the functions of the graph."""

from cthulhu.engine.base_layer import InputSpec, Layer
from cthulhu.engine.graph import get_source_inputs
from cthulhu.engine.input_layer import Input, InputLayer
from cthulhu.engine.network import Network
from cthulhu.engine.network import Network as Container
from cthulhu.engine.node import Node

__all__ = ['Container', 'Input', 'InputLayer', 'InputSpec', 'Layer', 'Network', 'Node', 'get_source_inputs']
