"""Keras's older path for layers, nodes and the functions of the graph."""

from .base_layer import InputSpec, Layer
from .graph import get_source_inputs
from .input_layer import Input, InputLayer
from .network import Network
from .network import Network as Container
from .node import Node

__all__ = ['Container', 'Input', 'InputLayer', 'InputSpec', 'Layer', 'Network', 'Node', 'get_source_inputs']
