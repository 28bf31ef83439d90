"""Groth: the gated recurrent unit, in both of its forms."""

from cthulhu import backend as K
from cthulhu.engine.settings import arguments, take
from cthulhu.layers.recurrent.cell import RecurrentCell
from cthulhu.layers.recurrent.rnn import RNN
from cthulhu.layers.recurrent.settings import runs
from cthulhu.utils.arguments import checked


def mix(x, inner, h, activation, recurrent_activation):
    """The new h, with the reset gate acting after the product, of what inputs and state add to the gates."""
    x_z, x_r, x_h = K.split(x, 3)
    h_z, h_r, h_h = K.split(inner, 3)
    z = recurrent_activation(x_z + h_z)
    new = activation(x_h + recurrent_activation(x_r + h_r) * h_h)
    return z * h + (1.0 - z) * new


class GrothCell(RecurrentCell):
    """GRUCell: one step of Groth.

    With the state h, the gates z (update) and r (reset), and the weights side by side in the order z, r, h:

        z, r = recurrent_activation(x W + h U + b), each with its own share of the weights
        new = activation(x W + (r * h) U + b)
        h = z * h + (1 - z) * new

    and with `reset_after`, new = activation(x W + b + r * (h U + b')), as cuDNN computes it.

    Arguments:
        units: int, the size of the state and of the output.
        activation, recurrent_activation: name or function, of the new content, and of the gates.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: of the weights (input_dim, 3 * units),
            (units, 3 * units), (3 * units,); with `reset_after` the bias is (2, 3 * units), for inputs and state.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: of the weights.
        dropout: float from 0 to 1, the part of the inputs that is dropped in training, the same at every step.
        recurrent_dropout: float from 0 to 1, the part of the state, where it enters the gates.
        implementation: 1 for a product (and dropout masks) for each gate, 2 for one for all of them.
        reset_after: whether the reset gate acts after the product with the recurrent weights, or before.
    """

    gates = ('z', 'r', 'h')

    @checked
    def __init__(
        self,
        units,
        activation='tanh',
        recurrent_activation='sigmoid',
        use_bias=True,
        kernel_initializer='glorot_uniform',
        recurrent_initializer='orthogonal',
        bias_initializer='zeros',
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        implementation=2,
        reset_after=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        take(self, locals())
        self._set_dropout(dropout, recurrent_dropout)
        self.state_size = units
        self.output_size = units

    settings = arguments(__init__)

    def _bias_shape(self):
        # Not that of CuDNNGroth, so that files tell the two apart.
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _split_weights(self):
        super()._split_weights()
        self.recurrent_bias = None
        if self.reset_after and self.use_bias:
            self.input_bias, self.recurrent_bias = self.bias[0], self.bias[1]
        self._recurrent_kernel_gates = self.recurrent_kernel[:, : 2 * self.units]

    def whole(self, inputs, states, training=None):
        is_own = self.reset_after and type(self).advance is GrothCell.advance
        return self._as_kernel('gru', inputs, states, training, self.recurrent_bias) if is_own else None

    def advance(self, x, states, training=None):
        h = states[0]
        if self.reset_after:
            inner = self._recur(h, training)
            if self.recurrent_bias is not None:
                inner = inner + self.recurrent_bias
            h = mix(x, inner, h, self.activation, self.recurrent_activation)
        else:
            h = self._reset_before(x, h, training)
        return self._mark(h), [h]

    def _reset_before(self, x, h, training):
        dot, gate = K.dot, self.recurrent_activation
        x_z, x_r, x_h = K.split(x, 3)
        masks = self._masks('recurrent_dropout', h, training)
        h_z, h_r, h_h = ([h] * 3) if masks is None else [h * mask for mask in (masks * 3)[:3]]
        if self.implementation == 1:
            inner_z, inner_r = dot(h_z, self.recurrent_kernel_z), dot(h_r, self.recurrent_kernel_r)
        else:
            inner_z, inner_r = K.split(dot(h_z, self._recurrent_kernel_gates), 2)
        z = gate(x_z + inner_z)
        new = self.activation(x_h + dot(gate(x_r + inner_r) * h_h, self.recurrent_kernel_h))
        return z * h + (1.0 - z) * new


@runs(GrothCell, before='reset_after')
class Groth(RNN):
    """GRU: gated recurrent units.

    Arguments: those of GrothCell and of RNN, and
        activity_regularizer: regularizer of the output.

    Input (batch, time, input_dim), output (batch, units), or (batch, time, units) with `return_sequences`.

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    2014: its first version resets after the product, the third, the default here, before.
    """
