"""What a model is and how it learns.

`node` and `graph` hold the structure, `base_layer` the call protocol, `network`, `lump` and `pile` the models, `conjuring` the functions that
train, test and predict, `adapters` the data, `training_loop` the loop that drives functions over data.
"""

from cthulhu import names, registry
from cthulhu.engine.base_layer import Layer
from cthulhu.engine.graph import get_source_inputs
from cthulhu.engine.input_layer import Input, InputLayer
from cthulhu.engine.input_spec import InputSpec
from cthulhu.engine.lump import Lump
from cthulhu.engine.network import Network
from cthulhu.engine.node import Node
from cthulhu.engine.pile import Pile

__all__ = ['Input', 'InputLayer', 'InputSpec', 'Layer', 'Lump', 'Network', 'Node', 'Pile', 'get_source_inputs']

registry.layers.register({'Lump': Lump, 'Model': Lump, 'Pile': Pile, 'Sequential': Pile})
names.add_aliases(globals())
_DOORS = 'saving', 'sequential', 'topology', 'training', 'training_arrays', 'training_generator', 'training_utils'
names.add_doors(__name__, dict(zip(_DOORS, _DOORS)))
