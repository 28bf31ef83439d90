"""Pile: layers stacked one on another."""

import copy
import typing

import numpy as np

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.backend import meta
from cthulhu.callers import warn_once
from cthulhu.engine.base_layer import Layer
from cthulhu.engine.input_layer import Input, InputLayer
from cthulhu.engine.layer_list import LayerList
from cthulhu.engine.lump import Lump
from cthulhu.saving import reading
from cthulhu.utils import hints
from cthulhu.utils.arguments import checked
from cthulhu.utils.foreign import described
from cthulhu.utils.generic_utils import to_list


class Pile(Lump):
    """A linear stack of layers.

    Where the first layer says its `input_shape` (or is an input, or a model), the weights are made as layers are added; otherwise when
    the model first sees data, or at `build(input_shape)`.

    Arguments:
        layers: list of layers to add.
        name: string.

    Example:
        >>> model = Pile([Daoloth(32, activation='relu', input_shape=(64,)), Daoloth(10, activation='softmax')])
    """

    untracked = ('_stack', '_tensors', '_entrance')
    config_types = dict, list, tuple  # what a description of one may be

    @checked
    def __init__(
        self, layers: typing.Optional[typing.Iterable[Layer]] = None, name: typing.Optional[str] = None
    ) -> None:
        super().__init__(name=name)
        self._stack = []  # the layers added, without the input layer
        self._tensors = []  # the output of each, once there is an input
        self._entrance = None  # the input tensor, once there is one
        self._build_shape = None
        if isinstance(layers, Layer) or not hasattr(layers or (), '__iter__'):
            raise TypeError(
                f'Pile: `layers` is a list of layers; got {layers!r}. Write Pile([layer]), or add it with `pile.add(layer)`.'
            )
        self._add_all(layers or ())

    @property
    def layers(self) -> typing.List[Layer]:
        """The layers, without the one that stands for the input: a list, off which the top one can be taken."""
        return LayerList(self, self._stack)

    def take_off(self, layer):
        if not self._stack or layer is not self._stack[-1]:
            raise TypeError(
                f'Only the top layer can be taken off the Pile "{self.name}", and "{layer.name}" is not. Make another one of the layers that are left: Pile([...]).'
            )
        self.pop()
        warn_once(
            self,
            'taken off',
            f'The layer "{layer.name}" was taken off the Pile "{self.name}", as `pile.pop()` does it; Keras 2.3 leaves a Sequential as it was then.',
        )

    def _set_ends(self, inputs, outputs):
        if inputs[0] is not self._entrance or len(outputs) != 1 or not any(outputs[0] is x for x in self._tensors):
            raise ValueError(
                f'The Pile "{self.name}" can end at the output of one of its layers only: `pile.outputs = [pile.layers[1].output]`. Make another model: '
                'Lump(inputs, outputs).'
            )
        while outputs[0] is not self._tensors[-1]:
            self.pop()

    @property
    def described_parts(self):
        return list(self._stack)

    @property
    def model(self):
        """The model itself (older code reads `pile.model`)."""
        return self

    def add(self, layer: typing.Union[Layer, hints.Tensor]) -> None:
        """Put a layer on top.

        Arguments:
            layer: a layer, or a model.

        Raises:
            TypeError: for something else.
            ValueError: if the layer has several outputs, or the first one is an input layer that was used before.
        """
        self._add_all([layer])

    def _add_all(self, layers):
        """Put layers on top, one on another; the graph is found once, for all of them."""
        for layer in layers:
            self._put(layer)
        if self._entrance is None:
            self._sublayers = list(self._stack)
        elif self._tensors:
            self._become(self._tensors[-1])

    def _put(self, layer):
        if K.is_tensor(layer) and meta.get_history(layer) is not None:
            source = meta.get_history(layer)[0]
            layer = source if isinstance(source, InputLayer) else layer
        if not isinstance(layer, Layer):
            raise TypeError(
                f'Pile.add takes a layer or a model, but got {described(layer, "layers", registry.layers)}.{_advice(layer)}'
            )
        self.built = False
        if isinstance(layer, InputLayer):
            if self._stack or self._entrance is not None:
                raise ValueError(
                    f'An input layer can only be the first layer of a Pile; "{layer.name}" came after others.'
                )
            self._entrance = layer.get_output_at(0)
            self._inputs, self._outputs = [self._entrance], [self._entrance]
            self._sublayers = [layer]
            return
        if not self._stack and self._entrance is None:
            shape, dtype = _declared_input(layer)
            if shape is not None:
                self._entrance = Input(batch_shape=shape, dtype=dtype, name=layer.name + '_input')
        self._stack.append(layer)
        if self._entrance is None:
            return
        below = self._tensors[-1] if self._tensors else self._entrance
        output = layer(below)
        if isinstance(output, (list, tuple)):
            self._stack.pop()
            raise ValueError(
                f'Every layer of a Pile must have one output, but "{layer.name}" has {len(output)}. Use the functional API: Lump(inputs, outputs).'
            )
        self._tensors.append(output)

    def _become(self, output):
        del self._inbound_nodes[:]
        self._set_graph([self._entrance], [output])

    def pop(self) -> None:
        """Take the top layer off.

        Raises:
            TypeError: if there is none.
        """
        if not self._stack:
            raise TypeError('There are no layers in the Pile to pop.')
        top = self._stack.pop()
        if self._entrance is None or not self.is_graph:
            self._sublayers = list(self._stack)
            return
        self._tensors.pop()
        top._inbound_nodes = [
            node for node in top._inbound_nodes if not any(x is self.outputs[0] for x in node.output_tensors)
        ]
        for layer in self._stack[-1:]:
            layer._outbound_nodes = [node for node in layer._outbound_nodes if node.outbound_layer is not top]
        if self._stack:
            self._become(self._tensors[-1])
        else:
            self._clear_graph()
            self._inbound_nodes = []
            self._sublayers = []
            self._entrance = None

    def build(self, input_shape: typing.Optional[hints.Shape] = None) -> None:
        """Make the weights.

        Arguments:
            input_shape: tuple with the batch axis, for a Pile whose first layer did not say it.
        """
        if self.is_graph:
            self.built = True
            return
        if input_shape is None:
            if self._build_shape is None:
                raise ValueError(
                    f'Pile "{self.name}" cannot be built without a shape: give its first layer `input_shape`, or call build(input_shape=(None, ...)).'
                )
            input_shape = self._build_shape
        if not self._stack:
            raise ValueError(f'Pile "{self.name}" has no layers yet. Add some first.')
        self._build_shape = tuple(input_shape)
        first = self._stack[0]
        self._entrance = Input(batch_shape=self._build_shape, dtype=_input_dtype(first), name=first.name + '_input')
        self._stack_on_entrance()

    def _stack_on_entrance(self):
        x, self._tensors = self._entrance, []
        for layer in self._stack:
            x = layer(x)
            self._tensors.append(x)
        self._become(x)

    def _maybe_build(self, inputs):
        if not self.is_graph:
            shape = K.int_shape(to_list(inputs)[0])
            self.build(tuple(shape) if shape is not None else None)

    def build_on(self, inputs):
        """Build on the shape of these input tensors."""
        if len(inputs) != 1:
            raise ValueError(f'A Pile has one input, but was given {len(inputs)}.')
        self.build(K.int_shape(inputs[0]))

    def predict_proba(
        self, x: hints.Data, batch_size: typing.Optional[int] = 32, verbose: int = 0
    ) -> hints.Predictions:
        """The predictions for `x`: probabilities, if the last layer gives them. Returns a NumPy array."""
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self, x: hints.Data, batch_size: typing.Optional[int] = 32, verbose: int = 0) -> np.ndarray:
        """The class predicted for each sample of `x`: the largest output, or, for a single output, whether it is above 0.5.

        Returns:
            NumPy array of integers.
        """
        probabilities = self.predict(x, batch_size=batch_size, verbose=verbose)
        if probabilities.shape[-1] > 1:
            return np.argmax(probabilities, axis=-1)
        return (probabilities > 0.5).astype('int32')

    @property
    def build_input_shape(self):
        """The shape that a copy is to be built on, where no layer says it; None if there is none.

        A Pile that is not built may have layers with weights, which another model has called: the copy must have a place for them.
        """
        if self._build_shape is None and self._entrance is None and self._stack and self._stack[0].inbound_nodes:
            return K.int_shape(to_list(self._stack[0].get_input_at(0))[0])
        return self._build_shape

    def get_config(self):
        """The settings of the layers, from the bottom up."""
        with registry.layers.writing(self):
            layers = [registry.layers.serialize(layer) for layer in self._stack]
        first = layers[0]['config'] if layers else {}
        config = {'name': self.name, 'layers': layers}
        if self.build_input_shape is not None:
            config['build_input_shape'] = self.build_input_shape
        elif self._entrance is not None and 'batch_input_shape' not in first and not isinstance(self._stack[0], Lump):
            # an explicit input layer: the first layer carries its shape, which all readers understand
            layers[0]['config'] = dict(first, batch_input_shape=K.int_shape(self._entrance))
        return copy.deepcopy(config)

    @classmethod
    def _stacked(cls, config, custom_objects):
        if not isinstance(config, dict):
            config = {'layers': config}
        name, shape = config.get('name'), config.get('build_input_shape')
        pile = cls(name=name)
        with registry.layers.reading():
            pile._add_all(registry.layers.deserialize_all(config, 'layers', f'model {name!r}', custom_objects))
            if not pile.is_graph and shape is not None and pile._stack:
                pile.build(tuple(shape))
        return pile

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make a Pile from the result of `get_config`, or from a bare list of layer configurations as early files have it."""
        if not isinstance(config, cls.config_types):
            raise TypeError(
                f'config: expected the dict that `get_config()` gives, or a list of those of layers; got {config!r}.'
            )
        pile = reading.configuration(lambda config: cls._stacked(config, custom_objects), config)
        first = pile._stack[0] if pile._stack else None
        if (
            pile._build_shape is None
            and pile.is_graph
            and not isinstance(first, (Lump, type(None)))
            and not hasattr(first, 'batch_input_shape')
        ):
            # An input layer says the shape in files of Keras 3; in those of Keras 2 it is the first layer, with which another Pile may begin.
            first.batch_input_shape = K.int_shape(pile._entrance)
        return pile


def _declared_input(layer):
    """The (batch shape, dtype) that a first layer declares, looking into models; (None, None) if it does not."""
    while isinstance(layer, Lump):
        if layer.is_graph:
            return K.int_shape(layer.inputs[0]), K.dtype(layer.inputs[0])
        if not layer.layers:
            return None, None
        layer = layer.layers[0]
    shape = getattr(layer, 'batch_input_shape', None)
    return shape, getattr(layer, 'data_dtype', layer.dtype)


def _input_dtype(layer):
    while isinstance(layer, Lump) and layer.layers:
        layer = layer.layers[0]
    return getattr(layer, 'data_dtype', layer.dtype)


def _advice(thing):
    """What to add in place of something that is no layer."""
    if isinstance(thing, type) and issubclass(thing, Layer):
        return f' Make one of it: {thing.__name__}(...).'
    if isinstance(thing, str) and thing in registry.activations:
        return f' As a layer of its own an activation is Azatoth({thing!r}).'
    return ''
