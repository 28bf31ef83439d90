"""The ends of a model: the tensors that it begins and ends with, and what follows from them."""

from cthulhu import backend as K
from cthulhu.engine.graph import Graph, history_of
from cthulhu.engine.operations import become_layers
from cthulhu.utils.generic_utils import to_list, unpack_singleton


class Ends:
    """The part of Network that says what goes in and comes out. Where a model is a graph, setting `inputs` or `outputs` makes it another one."""

    @property
    def inputs(self):
        """The input tensors: list; None for a model that waits for its first data."""
        return self._inputs

    @inputs.setter
    def inputs(self, tensors):
        self._move_ends(tensors, self._outputs)

    @property
    def outputs(self):
        """The output tensors: list; None for a model that waits for its first data."""
        return self._outputs

    @outputs.setter
    def outputs(self, tensors):
        self._move_ends(self._inputs, tensors)

    def _move_ends(self, inputs, outputs):
        """Become the graph between other tensors. Layers that are not needed any more are not the model's any more.

        Raises:
            ValueError: if the outputs cannot be computed from the inputs, or the model was called on other tensors, where its old graph counts.
        """
        inputs, outputs = (None if x is None else to_list(x, allow_tuple=True) for x in (inputs, outputs))
        if self.is_graph and inputs and outputs:
            if len(self._inbound_nodes) > 1:
                raise ValueError(
                    f'The inputs and outputs of model "{self.name}" cannot be set: it was called on other tensors since it was made, and what they are '
                    'would change. Make another model of the same layers: Lump(inputs, outputs).'
                )
            become_layers(inputs, outputs)
            history_of(inputs, 'inputs')
            history_of(outputs, 'outputs')
            Graph(inputs, outputs)  # raises, before anything is changed, where there is none
            self._set_ends(inputs, outputs)
        else:
            self._inputs, self._outputs = inputs, outputs

    def _set_ends(self, inputs, outputs):
        del self._inbound_nodes[:]
        self._set_graph(inputs, outputs)

    @property
    def input(self):
        """The input tensor, or list of tensors."""
        self._require_graph('input')
        return unpack_singleton(self._inputs)

    @property
    def output(self):
        """The output tensor, or list of tensors."""
        self._require_graph('output')
        return unpack_singleton(self._outputs)

    @property
    def input_shape(self):
        """The shape of the input, or list of shapes."""
        self._require_graph('input_shape')
        return unpack_singleton([K.int_shape(x) for x in self._inputs])

    @property
    def output_shape(self):
        """The shape of the output, or list of shapes."""
        self._require_graph('output_shape')
        return unpack_singleton([K.int_shape(x) for x in self._outputs])

    def _require_graph(self, what):
        if self._inputs is None:
            raise AttributeError(
                f'Model "{self.name}" has no {what} yet: it is made when the model is built, by its first data or by `build(input_shape)`.'
            )

    @property
    def input_spec(self):
        """None for each input: tensors of other lengths are the layers' to take or refuse; arrays are held against the inputs' shapes."""
        specs = [None for _ in (self._inputs if self.is_graph else None) or []]
        return unpack_singleton(specs) if specs else None

    @input_spec.setter
    def input_spec(self, value):
        """Layers set it in their `__init__`; a model leaves it to its layers."""
