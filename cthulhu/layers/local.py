"""Convolutions with a kernel of its own at each place."""

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.backend import shapes
from cthulhu.engine.settings import take
from cthulhu.layers.spatial import KernelLayer, with_defaults
from cthulhu.storage import budget
from cthulhu.utils.arguments import checked

__all__ = ['LuKthu1D', 'LuKthu2D']


class _LocallyConnected(KernelLayer):
    """A convolution of one or two axes whose kernels are not shared between places."""

    settings = (
        'filters', 'kernel_size', 'strides', 'padding', 'data_format', 'activation', 'use_bias', 'kernel_initializer',
        'bias_initializer', 'kernel_regularizer', 'bias_regularizer', 'activity_regularizer', 'kernel_constraint',
        'bias_constraint',
    )  # fmt: skip
    paddings = ('valid',)

    @checked
    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding='valid',
        data_format=None,
        activation=None,
        use_bias=True,
        kernel_initializer='glorot_uniform',
        bias_initializer='zeros',
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        if self.rank == 1 and data_format is None:
            # As other layers over time: Keras computes so, whatever the setting for images is.
            data_format = 'channels_last'
        super().__init__(data_format, **kwargs)
        self._keep_geometry(kernel_size, strides, padding)
        take(self, dict(
            filters=filters, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        ))  # fmt: skip

    def build(self, input_shape):
        channels = self._input_channels(input_shape)
        lengths = shapes.to_channels_last(self.compute_output_shape(input_shape), self.data_format)[1:-1]
        if None in lengths:
            raise ValueError(
                f'{type(self).__name__} "{self.name}" has weights for each place, so it needs inputs whose spatial axes '
                f'are known; got the shape {tuple(input_shape)}. Give `input_shape` in full.'
            )
        places, elements = 1, channels
        for length, kernel in zip(lengths, self.kernel_size):
            places, elements = places * length, elements * kernel
        self._lengths = lengths
        self.kernel_shape = (places, elements, self.filters)
        self.kernel = self._add_part('kernel', 'kernel', self.kernel_shape)
        self._add_bias(lengths + (self.filters,))
        self.built = True

    def _output_channels(self, channels):
        return self.filters

    def _compute(self, inputs):
        elements = int(np.prod(self.kernel_size, dtype='float64'))
        budget.draw('calls', elements, f'Each of the {elements} elements of the kernel of the layer "{self.name}"')
        if self.rank == 1:
            outputs = K.local_conv1d(inputs, self.kernel, self.kernel_size, self.strides, self.data_format)
        else:
            outputs = K.local_conv2d(
                inputs, self.kernel, self.kernel_size, self.strides, self._lengths, self.data_format
            )
        if self.use_bias:
            # Reshaped and not transposed in 'channels_first', since so Keras's files have it.
            shape = shapes.from_channels_last((1,) + self._lengths + (self.filters,), self.data_format)
            outputs = outputs + K.reshape(self.bias, shape)
        return self._activated(outputs)


class LuKthu1D(_LocallyConnected):
    """Locally connected layer over one axis: a convolution with other weights at each step. Keras name:
    LocallyConnected1D.

    Arguments:
        filters, kernel_size, strides: as for Cthalpa1D.
        padding: 'valid'.
        data_format: 'channels_last' (also if left out) or 'channels_first'.
        activation, use_bias, ..., bias_constraint: as for Cthalpa2D.

    Input (batch, time, channels), its time known; output (batch, new_time, filters). Weights: kernel (new_time,
    kernel_size * channels, filters), bias (new_time, filters).

    Raises:
        ValueError: for an argument that is not one of these, or inputs whose length is not known.

    Example:
        >>> LuKthu1D(8, 3).compute_output_shape((None, 10, 4))
        (None, 8, 8)
    """

    rank = 1

    def get_config(self):
        config = super().get_config()
        # Keras forgets it; a layer with the usual format has Keras's configuration.
        if self.data_format == 'channels_last':
            del config['data_format']
        return config


class LuKthu2D(_LocallyConnected):
    """Locally connected layer over two axes: a convolution with other weights at each place. Keras name:
    LocallyConnected2D.

    Arguments:
        filters, kernel_size, strides: as for Cthalpa2D.
        padding: 'valid'.
        data_format, activation, use_bias, ..., bias_constraint: as for Cthalpa2D.

    Input (batch, rows, columns, channels), its rows and columns known; output (batch, new_rows, new_columns, filters);
    channels before rows in 'channels_first'. Weights: kernel (new_rows * new_columns, features, filters), the features
    being the rows, columns and channels of a window in this order, or channels, rows and columns in 'channels_first';
    bias (new_rows, new_columns, filters), in 'channels_first' read as (filters, new_rows, new_columns).

    Raises:
        ValueError: for an argument that is not one of these, or inputs whose rows or columns are not known.

    Example:
        >>> LuKthu2D(8, 3).compute_output_shape((None, 9, 8, 3))
        (None, 7, 6, 8)
    """

    rank = 2
    __init__ = with_defaults(_LocallyConnected.__init__, strides=(1, 1))


names.add_aliases(globals())
