"""What a model is and how it learns.

`node` and `graph` hold the structure, `base_layer` the call protocol, `network`, `lump` and `pile` the models, `conjuring` the functions that
train, test and predict, `adapters` the data, `training_loop` the loop that drives functions over data.
"""

from .base_layer import Layer
from .graph import get_source_inputs
from .input_layer import Input, InputLayer
from .input_spec import InputSpec
from .lump import Lump
from .node import Node
from .pile import Pile

__all__ = ['Input', 'InputLayer', 'InputSpec', 'Layer', 'Lump', 'Node', 'Pile', 'get_source_inputs']
