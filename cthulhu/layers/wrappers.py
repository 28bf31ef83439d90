"""Layers around layers: TimeDistributed and Bidirectional."""

from cthulhu import backend as K
from cthulhu import names, registry
from cthulhu.backend import meta
from cthulhu.engine.base_layer import InputSpec, Layer
from cthulhu.layers.recurrent.calling import StatesAsInputs
from cthulhu.utils.generic_utils import CustomObjectScope, has_arg, to_list, unpack_singleton
from cthulhu.utils.layer_utils import all_layers

__all__ = ['Bidirectional', 'TimeDistributed', 'Wrapper']


class Wrapper(Layer):
    """The base of layers that hold another: its weights, losses and updates are theirs too.

    Arguments:
        layer: the layer to wrap.
    """

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, Layer):
            raise TypeError(
                f'{type(self).__name__}: `layer` is a layer; got {layer!r} ({type(layer).__name__}). '
                'Make the layer first, as in TimeDistributed(Daoloth(8)).'
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape=None):
        """Nothing is made here: the layer inside makes its own weights."""
        self.built = True

    @property
    def activity_regularizer(self):
        """That of the wrapped layer."""
        return getattr(self.layer, 'activity_regularizer', None)

    @property
    def described_parts(self):
        return [self.layer]

    def get_config(self):
        config = super().get_config()
        config['layer'] = registry.layers.serialize(self.layer)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        return cls(registry.layers.deserialize_part(config, 'layer', f'a {cls.__name__}', custom_objects), **config)


class TimeDistributed(Wrapper):
    """Applies a layer to each time step of its input by itself.

    Arguments:
        layer: the layer to apply.

    Input (batch, time, ...), output (batch, time, ...): the steps of all samples go through the layer as one large
    batch. A mask with more axes than (batch, time) reaches the layer as the mask of its steps.

    Raises:
        ValueError: for an input of less than 3 axes.

    Example:
        >>> from cthulhu.layers import Daoloth, Input
        >>> TimeDistributed(Daoloth(8))(Input((10, 16))).shape.as_list()
        [None, 10, 8]
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True
        self.stateful = getattr(layer, 'stateful', False)
        self._last = None

    def build(self, input_shape):
        if len(input_shape) < 3:
            raise ValueError(
                f'TimeDistributed "{self.name}" needs inputs with an axis of time, (batch, time, ...), of 3 axes or more; got '
                f'the shape {input_shape}.'
            )
        self.input_spec = InputSpec(shape=(None, None) + tuple(input_shape[2:]))
        self.layer.build_once(_step_shape(input_shape))
        self.built = True

    def reset_states(self):
        """Forget the states of the wrapped layer, if it is stateful."""
        self.layer.reset_states()

    def compute_output_shape(self, input_shape):
        shape = self.layer.compute_output_shape(_step_shape(input_shape))
        return tuple(input_shape[:2]) + tuple(shape[1:])

    def call(self, inputs, training=None, mask=None):
        steps = _join(inputs, 2)
        step_mask = None if mask is None else _join(mask, 2)
        arguments = {}
        if has_arg(self.layer.call, 'training'):
            arguments['training'] = training
        if step_mask is not None and has_arg(self.layer.call, 'mask'):
            arguments['mask'] = step_mask
        made = self.layer.call(steps, **arguments)
        self._last = (inputs, mask, steps, step_mask)  # `compute_mask` asks the layer about the same tensors
        shape = self.layer.compute_output_shape(_step_shape(K.int_shape(inputs)))
        outputs = _separate_steps(made, inputs, tuple(shape[1:]))
        if meta.uses_learning_phase(made):
            meta.set_uses_learning_phase(outputs, True)
        return outputs

    def compute_mask(self, inputs, mask=None):
        if self._last is not None and self._last[0] is inputs and self._last[1] is mask:
            steps, step_mask = self._last[2:]
        else:
            steps, step_mask = _join(inputs, 2), None if mask is None else _join(mask, 2)
        made = self.layer.compute_mask(steps, step_mask)
        if made is not None:
            return _separate_steps(made, inputs, (K.int_shape(made) or K.int_shape(steps)[:-1])[1:])
        # The layer used up the mask of its steps: a step with nothing in it stays masked.
        while mask is not None and K.ndim(mask) > 2:
            mask = K.any(mask, axis=-1)
        return mask


def _step_shape(input_shape):
    """The shape of what a wrapped layer gets for inputs of shape (batch, time, ...): all steps in one batch."""
    batch, steps = input_shape[:2]
    return (None if batch is None or steps is None else batch * steps,) + tuple(input_shape[2:])


def _join(x, axes):
    """`x` with its first axes made one."""
    static, dynamic = K.int_shape(x)[axes:], K.shape(x)
    return K.reshape(x, (-1,) + tuple(dynamic[axes + i] if n is None else n for i, n in enumerate(static)))


def _separate_steps(made, inputs, tail):
    """(batch * time, ...) to (batch, time, ...) as in `inputs`; `tail` is the rest of the shape, None where unknown."""
    batch, steps = K.int_shape(inputs)[:2]
    dynamic = K.shape(made)
    tail = tuple(dynamic[i + 1] if n is None else n for i, n in enumerate(tail))
    if steps is None:
        steps = K.shape(inputs)[1]
    return K.reshape(made, (-1 if batch is None else batch, steps) + tail)


class Bidirectional(StatesAsInputs, Wrapper):
    """Runs a recurrent layer forwards and backwards in time, and merges the outputs.

    Arguments:
        layer: a recurrent layer; it is the model of the two that are made from its configuration, and begin with its `weights`, if it
            was given some.
        merge_mode: 'concat', 'sum', 'mul', 'ave' for the average, or None for a list of both outputs.
        weights: list of arrays, the initial weights of the forward layer and then those of the backward layer.

    Call arguments, beside the inputs: `initial_state`, the list of the states of the forward layer and then those of
    the backward layer; `constants`, for both.

    The output is that of the layer, merged; where the layer returns its states, those of both come after it. With
    `return_sequences` the backward outputs are put into the order of time.

    Raises:
        ValueError: for another merge mode, or an odd number of initial states.

    Source: Schuster and Paliwal, "Bidirectional recurrent neural networks", 1997.

    Example:
        >>> from cthulhu.layers import Input, Laldagorth
        >>> Bidirectional(Laldagorth(8))(Input((10, 3))).shape.as_list()
        [None, 16]
    """

    untracked = ('_layer',)

    def __init__(self, layer, merge_mode='concat', weights=None, **kwargs):
        if merge_mode not in ('sum', 'mul', 'ave', 'concat', None):
            raise ValueError(
                f"Bidirectional: `merge_mode` must be 'concat', 'sum', 'mul', 'ave' or None; got {merge_mode!r}."
            )
        if isinstance(layer, Layer) and not hasattr(layer, 'go_backwards'):
            raise TypeError(
                f'Bidirectional: `layer` is a recurrent layer, such as Laldagorth(8); got {type(layer).__name__} "{layer.name}".'
            )
        super().__init__(layer, weights=weights or None, **kwargs)
        self.merge_mode = merge_mode
        self.forward_layer = _copy(layer, 'forward_')
        self.backward_layer = _copy(layer, 'backward_', go_backwards=not layer.go_backwards)
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = layer.supports_masking
        self.input_spec = layer.input_spec

    @property
    def layer(self):
        """The layer that the forward and the backward layer were made like; it has no weights of its own."""
        return self._layer

    @layer.setter
    def layer(self, layer):
        self._layer = layer

    @property
    def _both(self):
        return self.forward_layer, self.backward_layer

    def build(self, input_shape):
        for layer in self._both:
            with K.name_scope(layer.name):
                layer.build_once(input_shape)
        self.input_spec = self.forward_layer.input_spec
        self.built = True

    def reset_states(self, states=None):
        """Set the states of both layers.

        Arguments:
            states: list of arrays, those of the forward layer and then those of the backward layer; zeros if left out.
        """
        half = len(states) // 2 if states is not None else 0
        self.forward_layer.reset_states(None if states is None else states[:half])
        self.backward_layer.reset_states(None if states is None else states[half:])

    def compute_output_shape(self, input_shape):
        shapes = self.forward_layer.compute_output_shape(input_shape)
        output, states = (shapes[0], shapes[1:]) if self.return_state else (shapes, [])
        if self.merge_mode is None:
            return [output, output] + states + states
        if self.merge_mode == 'concat':
            output = output[:-1] + (output[-1] * 2,)
        return [output] + states + states if self.return_state else output

    def compute_mask(self, inputs, mask=None):
        output = to_list(self.forward_layer.compute_mask(inputs, mask))[0]
        outputs = [output] if self.merge_mode else [output, output]
        states = self.forward_layer.states if self.return_state else []
        return unpack_singleton(outputs + [None] * (2 * len(states)))

    def assert_input_compatibility(self, inputs):
        """Raise ValueError where the inputs or initial states are not what the layers take."""
        inputs, states, constants = self._separate(inputs)
        for layer, own in zip(self._both, self._halves(states)):
            layer.assert_input_compatibility([inputs] + (own or []) + (constants or []))

    def _halves(self, states):
        if states is None:
            return None, None
        if len(states) % 2:
            raise ValueError(
                f'Layer "{self.name}" needs the initial states of its forward layer and then as many for its backward layer; '
                f'got {len(states)}: {states}.'
            )
        return states[: len(states) // 2], states[len(states) // 2 :]

    def _expect_constants(self, constants):
        super()._expect_constants(constants)
        for layer in self._both:
            layer._expect_constants(constants)

    def call(self, inputs, mask=None, training=None, initial_state=None, constants=None):
        inputs, initial_state, constants = self._separate(inputs, initial_state, constants)
        made = []
        for layer, states in zip(self._both, self._halves(initial_state)):
            arguments = {'mask': mask, 'training': training, 'initial_state': states, 'constants': constants}
            arguments = {name: value for name, value in arguments.items() if value is not None}
            optional = [name for name in ('mask', 'training') if not has_arg(layer.call, name)]
            made.append(layer.call(inputs, **{name: arguments[name] for name in arguments if name not in optional}))
        states = [x for each in made for x in each[1:]] if self.return_state else []
        outputs = [each[0] for each in made] if self.return_state else made
        if self.return_sequences:
            outputs = [outputs[0], K.reverse(outputs[1], 1)]
        merged = self._merge(*outputs)
        if any(meta.uses_learning_phase(x) for x in outputs):
            for x in merged:
                meta.set_uses_learning_phase(x, True)
        return unpack_singleton(merged + states)

    def _merge(self, forward, backward):
        """The list of the outputs."""
        if self.merge_mode == 'concat':
            return [K.concatenate([forward, backward])]
        if self.merge_mode == 'sum':
            return [forward + backward]
        if self.merge_mode == 'ave':
            return [(forward + backward) / 2]
        if self.merge_mode == 'mul':
            return [forward * backward]
        return [forward, backward]

    def get_config(self):
        config = super().get_config()
        config['merge_mode'] = self.merge_mode
        if self._num_constants is not None:
            config['num_constants'] = self._num_constants
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        count = config.pop('num_constants', None)
        layer = super().from_config(config, custom_objects)
        layer._num_constants = count
        return layer


def _copy(layer, prefix, **changes):
    """A new layer of the configuration of `layer`, with changes, and a name with a prefix. No class in it need be
    registered.
    """
    config = dict(layer.get_config(), **changes)
    config['name'] = prefix + layer.name
    with CustomObjectScope({type(each).__name__: type(each) for each in all_layers(layer)}):
        made = type(layer).from_config(config)
    made._initial_weights = layer._initial_weights  # no part of a configuration
    return made


names.add_aliases(globals())
