"""ShabithKa: the simple recurrent layer, whose output is fed back to it."""

from cthulhu.engine.settings import arguments, take
from cthulhu.layers.recurrent.cell import RecurrentCell
from cthulhu.layers.recurrent.rnn import RNN
from cthulhu.layers.recurrent.settings import runs
from cthulhu.utils.arguments import checked


class ShabithKaCell(RecurrentCell):
    """SimpleRNNCell: one step of ShabithKa, `h = activation(x W + h U + b)`.

    Arguments:
        units: int, the size of the state and the output.
        activation: name or function.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: of the weights (input_dim, units), (units, units),
            (units,).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: of the weights.
        dropout: float from 0 to 1, the part of the inputs that is dropped in training, the same at every step.
        recurrent_dropout: float from 0 to 1, the part of the state.
    """

    @checked
    def __init__(
        self,
        units,
        activation='tanh',
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
        **kwargs,
    ):
        super().__init__(**kwargs)
        take(self, locals())
        self._set_dropout(dropout, recurrent_dropout)
        self.state_size = units
        self.output_size = units

    settings = arguments(__init__)

    def advance(self, x, states, training=None):
        h = self._mark(self.activation(x + self._recur(states[0], training)))
        return h, [h]


@runs(ShabithKaCell)
class ShabithKa(RNN):
    """SimpleRNN: a recurrent layer whose output is fed back to it.

    Arguments: those of ShabithKaCell and of RNN, and
        activity_regularizer: regularizer of the output.

    Input (batch, time, input_dim), output (batch, units), or (batch, time, units) with `return_sequences`.

    Source: Elman, "Finding structure in time", Cognitive Science 14, 1990.
    """
