"""The bases of recurrent layers that Keras had before there were cells; layers of others are built on them."""

import numpy as np

from cthulhu import backend as K
from cthulhu.backend import meta, shapes
from cthulhu.engine.base_layer import InputSpec, Layer
from cthulhu.engine.input_spec import check_inputs
from cthulhu.layers.recurrent.calling import StatesAsInputs
from cthulhu.layers.recurrent.settings import with_input_shape
from cthulhu.utils.arguments import checked
from cthulhu.utils.generic_utils import to_list

__all__ = ['ConvRecurrent2D', 'Recurrent']

_FLOW = ('return_sequences', 'return_state', 'go_backwards', 'stateful', 'unroll', 'implementation')


class Recurrent(StatesAsInputs, Layer):
    """The base of recurrent layers that say themselves what a step is. Newer ones are an RNN with a cell.

    A subclass has an attribute `units`, the size of its states, and defines

    - `build(input_shape)`, which makes the weights and sets `states`, a list with None for each state,
    - `step(inputs, states)`, which makes (output, list of the new states) of a step (batch, features) and the states, with the constants after them,

    and may define `preprocess_input(inputs)`, what is run over, `get_constants(inputs)`, what every step gets, and `get_initial_state(inputs)`.

    Arguments:
        return_sequences, return_state, go_backwards, stateful, unroll: as for RNN.
        implementation: int, for the subclass.
        input_dim, input_length: instead of `input_shape`, the number of features and of steps.

    Input (batch, time, features), output (batch, units), or (batch, time, units) with `return_sequences`; with `return_state` a list of it and the states.

    Raises:
        ValueError: for states that are not as many as the layer has, or for `unroll` without a known number of steps.
    """

    untracked = ('states',)

    @checked
    def __init__(
        self,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        implementation=0,
        **kwargs,
    ):
        super().__init__(**with_input_shape(kwargs))
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.implementation = implementation
        self.supports_masking = True
        self.input_spec = [InputSpec(ndim=3)]
        self.state_spec = None
        self.dropout = 0
        self.recurrent_dropout = 0

    def _state_shape(self, input_shape):
        return (input_shape[0], self.units)

    def compute_output_shape(self, input_shape):
        input_shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        state = self._state_shape(input_shape)
        output = input_shape[:2] + state[1:] if self.return_sequences else state
        return [output] + [state for _ in self.states] if self.return_state else output

    def compute_mask(self, inputs, mask=None):
        mask = mask[0] if isinstance(mask, list) else mask
        mask = mask if self.return_sequences else None
        return [mask] + [None for _ in self.states] if self.return_state else mask

    def step(self, inputs, states):
        raise NotImplementedError(f'{type(self).__name__} must define `step(inputs, states)`.')

    def get_constants(self, inputs, training=None):
        return []

    def get_initial_state(self, inputs):
        zeros = K.expand_dims(K.sum(K.zeros_like(inputs), axis=(1, 2)))
        return [K.tile(zeros, [1, self.units]) for _ in self.states]

    def preprocess_input(self, inputs, training=None):
        return inputs

    def assert_input_compatibility(self, inputs):
        """Raise ValueError where the inputs are not what `input_spec` asks for; initial states are looked at in `call`."""
        check_inputs(self, self._separate(inputs)[0])

    def call(self, inputs, mask=None, training=None, initial_state=None):
        inputs, initial_state, _ = self._separate(inputs, initial_state)
        mask = mask[0] if isinstance(mask, list) else mask
        if initial_state is None:
            initial_state = self.states if self.stateful else self.get_initial_state(inputs)
        if len(initial_state) != len(self.states):
            raise ValueError(
                f'Layer "{self.name}" has {len(self.states)} state(s), but was given {len(initial_state)} initial state(s).'
            )
        steps = K.int_shape(inputs)[1]
        if self.unroll and steps is None:
            raise ValueError(
                f'Layer "{self.name}" cannot be unrolled: the number of steps is not known. Give it in the `input_shape`, or use `unroll=False`.'
            )
        last, outputs, states = K.rnn(
            self.step,
            self.preprocess_input(inputs, training=None),
            list(initial_state),
            go_backwards=self.go_backwards,
            mask=mask,
            constants=self.get_constants(inputs, training=None),
            unroll=self.unroll,
            input_length=steps,
        )
        if self.stateful:
            self.add_update([K.update(old, new) for old, new in zip(self.states, states)], inputs)
        if self.dropout + self.recurrent_dropout > 0:
            for x in (last, outputs):
                meta.set_uses_learning_phase(x, True)
        output = outputs if self.return_sequences else last
        return [output] + list(states) if self.return_state else output

    def reset_states(self, states=None):
        """Set the states of a stateful layer.

        Arguments:
            states: array, or list of arrays (batch, units), one for each state; zeros if left out.

        Raises:
            AttributeError: if the layer is not stateful.
            ValueError: if the batch size is not known, or the states do not fit.
        """
        if not self.stateful:
            raise AttributeError(f'Layer "{self.name}" has no states to reset: it was made without `stateful=True`.')
        input_shape = to_list(self.input_spec)[0].shape or (None,)
        shape = self._state_shape(input_shape)
        if None in shape:
            raise ValueError(
                f'Layer "{self.name}" is stateful, so it must know the batch size. Give the first layer of a Pile `batch_input_shape=(batch, ...)`, or '
                '`batch_shape` to Input.'
            )
        values = to_list(states, allow_tuple=True) if states is not None else [np.zeros(shape) for _ in self.states]
        if [np.shape(value) for value in values] != [shape for _ in self.states]:
            raise ValueError(
                f'Layer "{self.name}" has {len(self.states)} state(s) of the shape {shape}; got arrays of the shapes {[np.shape(value) for value in values]}.'
            )
        if self.states[0] is None:
            self.states = [K.variable(value) for value in values]
        else:
            K.batch_set_value(list(zip(self.states, values)))

    def get_config(self):
        return dict(super().get_config(), **{name: getattr(self, name) for name in _FLOW})


class ConvRecurrent2D(Recurrent):
    """The base of recurrent layers over two spatial axes that say themselves what a step is: `Recurrent` with the settings of a convolution.

    Arguments:
        filters, kernel_size, strides, padding, data_format, dilation_rate: as for Cthalpa2D.
        return_sequences, go_backwards, stateful: as for RNN.

    Input (batch, time, rows, columns, channels), or with the channels after time.
    """

    rank = 2

    @checked
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding='valid',
        data_format=None,
        dilation_rate=(1, 1),
        return_sequences=False,
        go_backwards=False,
        stateful=False,
        **kwargs,
    ):
        super().__init__(return_sequences=return_sequences, go_backwards=go_backwards, stateful=stateful, **kwargs)
        self.filters = filters
        self.kernel_size = shapes.normalize_tuple(kernel_size, 2, 'kernel_size')
        self.strides = shapes.normalize_tuple(strides, 2, 'strides')
        self.padding = shapes.normalize_padding(padding, ('valid', 'same'))
        self.data_format = K.normalize_data_format(data_format)
        self.dilation_rate = shapes.normalize_tuple(dilation_rate, 2, 'dilation_rate')
        self.input_spec = [InputSpec(ndim=5)]

    def _state_shape(self, input_shape):
        sizes = shapes.to_channels_last((input_shape[0],) + tuple(input_shape[2:]), self.data_format)[1:-1]
        lengths = [
            shapes.conv_output_length(size, kernel, self.padding, stride, dilation)
            for size, kernel, stride, dilation in zip(sizes, self.kernel_size, self.strides, self.dilation_rate)
        ]
        return shapes.from_channels_last((input_shape[0], *lengths, self.filters), self.data_format)

    def get_config(self):
        settings = 'filters', 'kernel_size', 'strides', 'padding', 'data_format', 'dilation_rate'
        return dict(super().get_config(), **{name: getattr(self, name) for name in settings})
