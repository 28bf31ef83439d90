"""Laldagorth: long short-term memory."""

from cthulhu import backend as K
from cthulhu import regularizers
from cthulhu.layers.recurrent import settings
from cthulhu.layers.recurrent.cell import RecurrentCell, with_open_forget_gate
from cthulhu.layers.recurrent.rnn import RNN


def remember(z, c, activation, recurrent_activation):
    """The new (h, c), of what inputs and state add to the gates, z (batch, 4 * units), and of the old c."""
    i, f, new, o = K.split(z, 4)
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(new)
    return recurrent_activation(o) * activation(c), c


class LaldagorthCell(RecurrentCell):
    """LSTMCell: one step of Laldagorth.

    With the states h and c, the gates i (input), f (forget), o (output), and their weights side by side in the order
    i, f, c, o:

        i, f, o = recurrent_activation(x W + h U + b), each with its own share of the weights
        c = f * c + i * activation(x W + h U + b)
        h = o * activation(c)

    Arguments:
        units: int, the size of each state and of the output.
        activation, recurrent_activation: name or function, of the new content, and of the gates.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: of the weights (input_dim, 4 * units),
            (units, 4 * units), (4 * units,).
        unit_forget_bias: whether the bias of the forget gate begins with 1 instead.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: of the weights.
        dropout: float from 0 to 1, the part of the inputs that is dropped in training, the same at every step.
        recurrent_dropout: float from 0 to 1, the part of h.
        implementation: 1 for a product (and dropout masks) for each gate, 2 for one for all of them.
    """

    settings = (
        'units', 'activation', 'recurrent_activation', 'use_bias', 'kernel_initializer', 'recurrent_initializer',
        'bias_initializer', 'unit_forget_bias', 'kernel_regularizer', 'recurrent_regularizer', 'bias_regularizer',
        'kernel_constraint', 'recurrent_constraint', 'bias_constraint', 'dropout', 'recurrent_dropout',
        'implementation',
    )  # fmt: skip
    gates = ('i', 'f', 'c', 'o')

    def __init__(
        self,
        units,
        activation='tanh',
        recurrent_activation='sigmoid',
        use_bias=True,
        kernel_initializer='glorot_uniform',
        recurrent_initializer='orthogonal',
        bias_initializer='zeros',
        unit_forget_bias=True,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        implementation=2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        settings.take(
            self,
            units=units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            implementation=implementation,
        )
        self._set_dropout(dropout, recurrent_dropout)
        self.state_size = (units, units)
        self.output_size = units

    def _bias_initializer(self):
        if not self.unit_forget_bias:
            return self.bias_initializer
        return with_open_forget_gate(self.bias_initializer, self.units)

    def advance(self, x, states, training=None):
        z = x + self._recur(states[0], training)
        h, c = remember(z, states[1], self.activation, self.recurrent_activation)
        return self._mark(h), [h, c]


@settings.read_from_cell
class Laldagorth(RNN):
    """LSTM: long short-term memory.

    Arguments: those of LaldagorthCell and of RNN, and
        activity_regularizer: regularizer of the output.

    Input (batch, time, input_dim), output (batch, units), or (batch, time, units) with `return_sequences`. The states
    are h and c, both (batch, units).

    Source: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; Gers et al., "Learning to
    forget", 2000; the bias of the forget gate: Jozefowicz et al., ICML 2015.

    Example:
        >>> from cthulhu.layers import Input
        >>> Laldagorth(8, return_sequences=True)(Input((10, 3))).shape.as_list()
        [None, 10, 8]
    """

    cell_class = LaldagorthCell

    def __init__(
        self,
        units,
        activation='tanh',
        recurrent_activation='sigmoid',
        use_bias=True,
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
        dropout=0.0,
        recurrent_dropout=0.0,
        implementation=2,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        **kwargs,
    ):
        cell = LaldagorthCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            implementation=implementation,
            dtype=kwargs.get('dtype'),
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            **kwargs,
        )
        self.activity_regularizer = regularizers.get(activity_regularizer)
