"""CuDNNGroth and CuDNNLaldagorth: the recurrent layers with the weights of NVIDIA's cuDNN, on any device.

They compute what cuDNN computes, from weights in cuDNN's layout, with the backend's ordinary kernels: files that were
written on a machine with a GPU go on working, and so does code that names these layers.
"""

from cthulhu import activations, names
from cthulhu import backend as K
from cthulhu.engine.base_layer import Layer
from cthulhu.engine.settings import arguments, describe, take
from cthulhu.layers.recurrent.cell import with_open_forget_gate
from cthulhu.layers.recurrent.groth import mix
from cthulhu.layers.recurrent.laldagorth import remember
from cthulhu.layers.recurrent.rnn import RNN
from cthulhu.layers.recurrent.settings import with_input_shape
from cthulhu.utils.arguments import checked
from cthulhu.utils.cudnn_weights import cudnn_weights, plain_weights, turned  # noqa: F401  the first two are for users

__all__ = ['CuDNNGroth', 'CuDNNLaldagorth']


_FLOW = ('return_sequences', 'return_state', 'go_backwards', 'stateful')


def _settings(constructor):
    """What the configuration of a layer lists: how the sequence is run through comes first."""
    return _FLOW + tuple(name for name in arguments(constructor) if name not in _FLOW)


class _Sizes:
    """The sizes of the states, where RNN looks for them: the layer itself is the cell."""

    def __init__(self, state_size):
        self.state_size = state_size


class _CuDNNRNN(RNN):
    """What both layers share: weights, two biases for each gate, and the step made of them."""

    gates = 0
    settings = ()

    @checked
    def __init__(self, return_sequences, return_state, stateful, go_backwards=False, **kwargs):
        super(RNN, self).__init__(**with_input_shape(kwargs))
        self._set_flow(return_sequences, return_state, go_backwards, stateful)

    compute_mask = Layer.compute_mask  # refuses a mask, as cuDNN does

    def build(self, input_shape):
        super().build(input_shape)
        input_dim = self.input_spec[0].shape[-1]
        width = self.units * self.gates
        for name, shape, initializer in (
            ('kernel', (input_dim, width), self.kernel_initializer),
            ('recurrent_kernel', (self.units, width), self.recurrent_initializer),
            ('bias', (2 * width,), self._bias_initializer()),
        ):
            kind = name.replace('_kernel', '')
            weight = self.add_weight(
                name=name,
                shape=shape,
                initializer=initializer,
                regularizer=getattr(self, kind + '_regularizer'),
                constraint=getattr(self, kind + '_constraint'),
            )
            setattr(self, '_' + name, weight)

    @property
    def kernel(self):
        """Variable (input_dim, gates * units)."""
        return self._kernel

    @property
    def recurrent_kernel(self):
        """Variable (units, gates * units)."""
        return self._recurrent_kernel

    @property
    def bias(self):
        """Variable (2 * gates * units,): the biases of the inputs, then those of the state."""
        return self._bias

    def _bias_initializer(self):
        return self.bias_initializer

    def call(self, inputs, mask=None, training=None, initial_state=None):
        if any(each is not None for each in (mask if isinstance(mask, list) else [mask])):
            raise ValueError(
                f'Layer "{self.name}" ({type(self).__name__}) does not take masks, as cuDNN does not. Use the plain layer, with the weights that '
                '`plain_weights` gives.'
            )
        return super().call(inputs, training=training, initial_state=initial_state)

    def _plain_weights(self):
        """(kernel, recurrent kernel, [bias of the inputs, bias of the state]), in the layout of the plain layers."""
        kernels = [turned(w, K.int_shape(w), self.gates, K) for w in (self.kernel, self.recurrent_kernel)]
        return kernels + [K.split(self.bias, 2)]

    def _whole(self, inputs, states, training):
        kernel, recurrent_kernel, (bias, recurrent_bias) = self._plain_weights()
        return {
            'kind': {3: 'gru', 4: 'lstm'}[self.gates],
            'inputs': inputs,
            'kernel': kernel,
            'recurrent_kernel': recurrent_kernel,
            'bias': bias,
            'recurrent_bias': recurrent_bias,
            'recurrent_mask': None,
        }

    def _steps(self, inputs, states, constants, training):
        kernel, recurrent_kernel, bias = self._plain_weights()
        sequence = K.dot(inputs, kernel) + bias[0]

        def step(x, states):
            return self._step(x, K.dot(states[0], recurrent_kernel) + bias[1], states)

        return sequence, step

    def get_config(self):
        config = Layer.get_config(self)
        config.update(describe(self, type(self).settings))
        return config

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class CuDNNGroth(_CuDNNRNN):
    """CuDNNGRU: Groth with `reset_after=True`, tanh and sigmoid, and weights in cuDNN's layout.

    Arguments: those of Groth that it has, with the same meaning. The weights are (input_dim, 3 * units), (units,
    3 * units) and (6 * units,), the biases of the inputs and then those of the state.

    Raises:
        ValueError: for an input with a mask.
    """

    gates = 3

    @checked
    def __init__(
        self,
        units,
        kernel_initializer='glorot_uniform',
        recurrent_initializer='orthogonal',
        bias_initializer='zeros',
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        return_sequences=False,
        return_state=False,
        stateful=False,
        **kwargs,
    ):
        super().__init__(return_sequences, return_state, stateful, **kwargs)
        take(self, locals())

    settings = _settings(__init__)

    @property
    def cell(self):
        """An object with the `state_size`."""
        return _Sizes(self.units)

    def _step(self, x, inner, states):
        h = mix(x, inner, states[0], activations.tanh, activations.sigmoid)
        return h, [h]


class CuDNNLaldagorth(_CuDNNRNN):
    """CuDNNLSTM: Laldagorth with tanh and sigmoid, and weights in cuDNN's layout.

    Arguments: those of Laldagorth that it has, with the same meaning. The weights are (input_dim, 4 * units),
    (units, 4 * units) and (8 * units,), the biases of the inputs and then those of the state.

    Raises:
        ValueError: for an input with a mask.
    """

    gates = 4

    @checked
    def __init__(
        self,
        units,
        kernel_initializer='glorot_uniform',
        recurrent_initializer='orthogonal',
        bias_initializer='zeros',
        unit_forget_bias=True,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        return_sequences=False,
        return_state=False,
        stateful=False,
        **kwargs,
    ):
        super().__init__(return_sequences, return_state, stateful, **kwargs)
        take(self, locals())

    settings = _settings(__init__)

    @property
    def cell(self):
        """An object with the `state_size`."""
        return _Sizes((self.units, self.units))

    def _bias_initializer(self):
        if not self.unit_forget_bias:
            return self.bias_initializer
        return with_open_forget_gate(self.bias_initializer, self.units, before=4)

    def _step(self, x, inner, states):
        h, c = remember(x + inner, states[1], activations.tanh, activations.sigmoid)
        return h, [h, c]


names.add_aliases(globals())
