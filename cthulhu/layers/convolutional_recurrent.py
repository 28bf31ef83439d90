"""ConvLaldagorth2D: long short-term memory whose products are convolutions."""

from cthulhu import backend as K
from cthulhu import names
from cthulhu.backend import shapes
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import arguments, take
from cthulhu.layers.recurrent.cell import Cell, with_open_forget_gate
from cthulhu.layers.recurrent.rnn import RNN
from cthulhu.layers.recurrent.settings import runs
from cthulhu.layers.recurrent.stacked import state_sizes
from cthulhu.utils.arguments import checked

__all__ = ['ConvLaldagorth2D', 'ConvLaldagorth2DCell', 'ConvRNN2D']


class ConvRNN2D(RNN):
    """Runs a convolutional cell over sequences of images.

    Arguments:
        cell: a cell as for RNN, with `filters`, `kernel_size`, `strides`, `padding`, `data_format` and
            `dilation_rate`, whose states are images with as many rows and columns as its output.
        return_sequences, return_state, go_backwards, stateful: as for RNN.

    Input (batch, time, rows, columns, channels), or (batch, time, channels, rows, columns) for 'channels_first'.

    Raises:
        TypeError: for a list of cells, or `unroll=True`.
    """

    @checked
    def __init__(
        self,
        cell,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        **kwargs,
    ):
        if unroll:
            raise TypeError(f'{type(self).__name__} cannot be unrolled; leave out `unroll`.')
        if isinstance(cell, (list, tuple)):
            raise TypeError(
                f'{type(self).__name__} takes one cell; convolutional cells cannot be stacked in one layer.'
            )
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)
        self.input_spec = [InputSpec(ndim=5)]

    def _step_shape(self, input_shape, filters):
        """The shape of an image of `filters` channels that a step makes, for inputs of shape (batch, time, ...)."""
        c = self.cell
        step_shape = tuple(input_shape[:1]) + tuple(input_shape[2:])
        return tuple(
            shapes.conv_shape(step_shape, filters, c.kernel_size, c.padding, c.strides, c.dilation_rate, c.data_format)
        )

    def _state_shapes(self, input_shape):
        return [self._step_shape(input_shape, filters) for filters in state_sizes(self.cell)]

    def compute_output_shape(self, input_shape):
        input_shape = tuple(input_shape[0] if isinstance(input_shape, list) else input_shape)
        output = self._step_shape(input_shape, self.cell.filters)
        if self.return_sequences:
            output = output[:1] + input_shape[1:2] + output[1:]
        return [output] + self._state_shapes(input_shape) if self.return_state else output

    def get_initial_state(self, inputs):
        if all(None not in shape[1:] for shape in self._state_shapes(K.int_shape(inputs))):
            return super().get_initial_state(inputs)
        # Rows or columns are known only at run time: a convolution finds out how many its output has.
        cell = self.cell
        made = cell.input_conv(inputs[:, 0], cell.kernel[..., : cell.filters], padding=cell.padding)
        return [K.zeros_like(made) for _ in state_sizes(cell)]


class ConvLaldagorth2DCell(Cell):
    """ConvLSTM2DCell: one step of ConvLaldagorth2D, that of LaldagorthCell with convolutions for products.

    Arguments:
        filters: int, the number of channels of the output and of each state.
        kernel_size: int or (rows, columns), of both convolutions.
        strides: int or pair, of the convolution of the inputs.
        padding: 'valid', 'same' or 'full', of the convolution of the inputs; that of the state keeps its size.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.
        dilation_rate: int or pair, of the convolution of the inputs.
        activation, recurrent_activation: name or function, of the new content, and of the gates.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: of the weights (rows, columns, channels,
            4 * filters), (rows, columns, filters, 4 * filters), (4 * filters,).
        unit_forget_bias: whether the bias of the forget gate begins with 1 instead.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: of the weights.
        dropout, recurrent_dropout: float from 0 to 1, the part of the inputs and of the state that is dropped in
            training, the same at every step.
    """

    gates = ('i', 'f', 'c', 'o')
    rank = 2
    implementation = 1  # each gate has a dropout mask of its own

    @checked
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding='valid',
        data_format=None,
        dilation_rate=(1, 1),
        activation='tanh',
        recurrent_activation='hard_sigmoid',
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
        **kwargs,
    ):
        super().__init__(**kwargs)
        kernel_size = shapes.normalize_tuple(kernel_size, 2, 'kernel_size')
        strides = shapes.normalize_tuple(strides, 2, 'strides')
        padding = shapes.normalize_padding(padding, ('valid', 'same', 'full'))
        data_format = K.normalize_data_format(data_format)
        dilation_rate = shapes.normalize_tuple(dilation_rate, 2, 'dilation_rate')
        take(self, locals())
        self._set_dropout(dropout, recurrent_dropout)
        self.state_size = (filters, filters)

    settings = arguments(__init__)

    def build(self, input_shape):
        channels = shapes.to_channels_last(input_shape, self.data_format)[-1]
        self.kernel_shape = self.kernel_size + (channels, 4 * self.filters)
        self.kernel = self._weight('kernel', self.kernel_shape, self.kernel_initializer)
        self.recurrent_kernel = self._weight(
            'recurrent_kernel', self.kernel_size + (self.filters, 4 * self.filters), self.recurrent_initializer
        )
        initializer = self.bias_initializer
        if self.unit_forget_bias:
            initializer = with_open_forget_gate(initializer, self.filters)
        self.bias = self._weight('bias', (4 * self.filters,), initializer) if self.use_bias else None
        for name in ('kernel', 'recurrent_kernel', 'bias'):
            weight = getattr(self, name)
            for gate, share in zip(self.gates, [None] * 4 if weight is None else K.split(weight, 4)):
                setattr(self, f'{name}_{gate}', share)
        self.built = True

    def input_conv(self, x, w, b=None, padding='valid'):
        """The convolution of the inputs."""
        x = K.conv2d(
            x,
            w,
            strides=self.strides,
            padding=padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return x if b is None else K.bias_add(x, b, data_format=self.data_format)

    def recurrent_conv(self, x, w):
        """The convolution of the state."""
        return K.conv2d(x, w, strides=(1, 1), padding='same', data_format=self.data_format)

    def _shares(self, kind, convolve, x, name, training):
        """What `x` adds to each gate: one convolution, or with dropout one a gate, each with a mask of its own."""
        masks = self._masks(kind, x, training)
        if masks is None:
            return K.split(convolve(x, getattr(self, name)), 4, axis=1 if self.data_format == 'channels_first' else -1)
        return [convolve(x * mask, getattr(self, f'{name}_{gate}')) for mask, gate in zip(masks, self.gates)]

    def call(self, inputs, states, training=None):
        """One step: inputs (batch, rows, columns, channels) and the states [h, c] to (output, new states)."""
        h, c = states
        activation, recurrent_activation = self.activation, self.recurrent_activation

        def of_inputs(x, w):
            return self.input_conv(x, w, padding=self.padding)

        from_inputs = self._shares('dropout', of_inputs, inputs, 'kernel', training)
        from_state = self._shares('recurrent_dropout', self.recurrent_conv, h, 'recurrent_kernel', training)
        sums = [a + b for a, b in zip(from_inputs, from_state)]
        if self.use_bias:
            biases = [getattr(self, 'bias_' + gate) for gate in self.gates]
            sums = [K.bias_add(x, b, data_format=self.data_format) for x, b in zip(sums, biases)]
        i, f, new, o = sums
        c = recurrent_activation(f) * c + recurrent_activation(i) * activation(new)
        h = self._mark(recurrent_activation(o) * activation(c))
        return h, [h, c]


@runs(ConvLaldagorth2DCell, flow=('return_sequences', 'go_backwards', 'stateful'), before='dropout')
class ConvLaldagorth2D(ConvRNN2D):
    """ConvLSTM2D: long short-term memory over sequences of images, with convolutions for products.

    Arguments: those of ConvLaldagorth2DCell and of ConvRNN2D, and
        activity_regularizer: regularizer of the output.

    Input (batch, time, rows, columns, channels), output (batch, new rows, new columns, filters), or with a time axis
    with `return_sequences`; the channels come before the rows for 'channels_first'.

    Source: Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting", 2015;
    without its peepholes.

    Example:
        >>> from cthulhu.layers import Input
        >>> ConvLaldagorth2D(8, 3, padding='same')(Input((10, 32, 32, 3))).shape.as_list()
        [None, 32, 32, 8]
    """

    convolution_kernels = 2  # of the inputs, and of the state


names.add_aliases(globals())
