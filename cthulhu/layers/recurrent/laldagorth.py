"""Laldagorth: long short-term memory."""

from cthulhu import backend as K
from cthulhu.engine.settings import arguments, take
from cthulhu.layers.recurrent.cell import RecurrentCell, with_open_forget_gate
from cthulhu.layers.recurrent.rnn import RNN
from cthulhu.layers.recurrent.settings import runs
from cthulhu.utils.arguments import checked


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

    gates = ('i', 'f', 'c', 'o')

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
        take(self, locals())
        self._set_dropout(dropout, recurrent_dropout)
        self.state_size = (units, units)
        self.output_size = units

    settings = arguments(__init__)

    def _bias_initializer(self):
        if not self.unit_forget_bias:
            return self.bias_initializer
        return with_open_forget_gate(self.bias_initializer, self.units)

    def whole(self, inputs, states, training=None):
        is_own = type(self).advance is LaldagorthCell.advance
        return self._as_kernel('lstm', inputs, states, training) if is_own else None

    def advance(self, x, states, training=None):
        z = x + self._recur(states[0], training)
        h, c = remember(z, states[1], self.activation, self.recurrent_activation)
        return self._mark(h), [h, c]


@runs(LaldagorthCell)
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
