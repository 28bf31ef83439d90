"""Convolutions and their transposes."""

from cthulhu import backend as K
from cthulhu.backend import shapes
from cthulhu.engine.settings import take
from cthulhu.layers.spatial import KernelLayer, with_defaults
from cthulhu.utils.arguments import checked

__all__ = ['Conv1DTranspose', 'Cthalpa1D', 'Cthalpa2D', 'Cthalpa2DTranspose', 'Cthalpa3D', 'Cthalpa3DTranspose']

_SETTINGS = (
    'filters', 'kernel_size', 'strides', 'padding', 'data_format', 'dilation_rate', 'activation', 'use_bias',
    'kernel_initializer', 'bias_initializer', 'kernel_regularizer', 'bias_regularizer', 'activity_regularizer',
    'kernel_constraint', 'bias_constraint',
)  # fmt: skip


class _Cthalpa(KernelLayer):
    """A convolution of any rank, and the base of those that have other kernels."""

    settings = _SETTINGS

    @checked
    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding='valid',
        data_format='channels_last',
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer='glorot_uniform',
        bias_initializer='zeros',
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        groups=1,
        **kwargs,
    ):
        super().__init__(data_format, **kwargs)
        self._keep_geometry(kernel_size, strides, padding, dilation_rate)
        if self.padding == 'causal' and self.data_format != 'channels_last':
            raise ValueError(
                f"data_format: padding='causal' expects 'channels_last', (batch, time, channels), got {data_format!r}."
            )
        if groups != 1 and (type(self)._convolve is not _Cthalpa._convolve or filters % groups):
            what = f'divides `filters`, {filters}' if type(self)._convolve is _Cthalpa._convolve else 'is 1 here'
            raise ValueError(f'{type(self).__name__}: `groups` {what}; got {groups}.')
        take(self, dict(
            groups=groups, filters=filters, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        ))  # fmt: skip

    def get_config(self):
        config = super().get_config()
        if self.groups != 1:  # which Keras 2.3 does not know
            config['groups'] = self.groups
        return config

    def build(self, input_shape):
        channels = self._input_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f'{type(self).__name__} "{self.name}": `groups`, {self.groups}, divides the number of channels; inputs of shape {tuple(input_shape)} have '
                f'{channels}.'
            )
        self._add_kernels(channels)
        self._add_bias((self._output_channels(channels),))
        self.built = True

    def _add_kernels(self, channels):
        self.kernel = self._add_part('kernel', 'kernel', self.kernel_size + (channels // self.groups, self.filters))

    def _output_channels(self, channels):
        return self.filters

    def _convolve(self, inputs):
        convolution = (K.conv1d, K.conv2d, K.conv3d)[self.rank - 1]
        return convolution(
            inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate, self.groups
        )

    def _compute(self, inputs):
        outputs = self._convolve(inputs)
        if self.use_bias:
            outputs = K.bias_add(outputs, self.bias, data_format=self.data_format)
        return self._activated(outputs)


class Cthalpa1D(_Cthalpa):
    """Convolution over one axis, such as time. Keras name: Conv1D.

    Arguments:
        filters: int, the channels of the output.
        kernel_size: int or tuple of one int, the length of the window.
        strides: int or tuple of one int, how far the window moves.
        padding: 'valid', 'same', 'full' or 'causal'; causal output at time t depends on no input after t.
        data_format: 'channels_last' or 'channels_first' ('causal' takes the first only).
        dilation_rate: int or tuple of one int, the distance between the elements of the window. Not with strides.
        activation, use_bias, ..., groups: as for Cthalpa2D.

    Input (batch, time, channels), output (batch, new_time, filters); channels before time in 'channels_first'.
    Weights: kernel (kernel_size, channels / groups, filters), bias (filters,).

    Raises:
        ValueError: for an argument that is not one of these.

    Example:
        >>> Cthalpa1D(8, 3, padding='causal').compute_output_shape((None, 10, 4))
        (None, 10, 8)

    Source: of causal, dilated convolution, van den Oord et al., "WaveNet: a generative model for raw audio", 2016.
    """

    convolution_kernels = 1

    rank = 1
    paddings = ('valid', 'same', 'causal', 'full')


class Cthalpa2D(_Cthalpa):
    """Convolution over two axes, such as those of images. Keras name: Conv2D.

    Arguments:
        filters: int, the channels of the output.
        kernel_size: int or pair of int, rows and columns of the window.
        strides: int or pair of int, how far the window moves.
        padding: 'valid'; 'same': zeros around, so that the output has ceil(length / stride) rows and columns; or 'full': zeros
            around, so that each pixel meets the whole window, and it has ceil((length + window - 1) / stride).
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.
        dilation_rate: int or pair of int, the distance between the elements of the window. Not with strides.
        activation: name of a function of `cthulhu.activations`, or a function of a tensor; None for none.
        use_bias: whether a bias for each filter is added.
        kernel_initializer, bias_initializer: name, configuration or instance.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalty of the kernel, the bias, the output.
        kernel_constraint, bias_constraint: applied to the weights after each step of training.
        groups: int, into how many groups the channels of input and output are cut, each group of the output made of one of the input.

    Input (batch, rows, columns, channels), output (batch, new_rows, new_columns, filters); channels before rows in
    'channels_first'. Weights, in either format: kernel (rows, columns, channels / groups, filters), bias (filters,).

    Raises:
        ValueError: for an argument that is not one of these.

    Example:
        >>> Cthalpa2D(8, (3, 2), strides=2, padding='same').compute_output_shape((None, 9, 8, 3))
        (None, 5, 4, 8)
    """

    convolution_kernels = 1

    rank = 2
    __init__ = with_defaults(_Cthalpa.__init__, strides=(1, 1), data_format=None, dilation_rate=(1, 1))


class Cthalpa3D(_Cthalpa):
    """Convolution over three axes, such as those of volumes. Keras name: Conv3D.

    Arguments:
        filters, ..., groups: as for Cthalpa2D, with one spatial axis more.

    Input (batch, x, y, z, channels), output (batch, new_x, new_y, new_z, filters); channels after batch in
    'channels_first'. Weights: kernel (x, y, z, channels / groups, filters), bias (filters,).

    Example:
        >>> Cthalpa3D(8, 3).compute_output_shape((None, 9, 8, 7, 3))
        (None, 7, 6, 5, 8)
    """

    convolution_kernels = 1

    rank = 3
    __init__ = with_defaults(_Cthalpa.__init__, strides=(1, 1, 1), data_format=None, dilation_rate=(1, 1, 1))


class _Transposed(_Cthalpa):
    """What makes a convolution its transpose; to be inherited together with the convolution."""

    def _keep_output_padding(self, output_padding):
        self.output_padding = output_padding
        if output_padding is None:
            return
        self.output_padding = shapes.normalize_tuple(output_padding, self.rank, 'output_padding')
        for more, stride, kernel, rate in zip(self.output_padding, self.strides, self.kernel_size, self.dilation_rate):
            if more >= stride:
                raise ValueError(
                    f'output_padding: expected less than strides, {self.strides}, got {self.output_padding}.'
                )
            if self.padding == 'same' and not more and (kernel - 1) * rate % 2:
                raise ValueError(
                    f"output_padding: with padding='same' and the even kernel_size {self.kernel_size}, no convolution "
                    f'has outputs of that size, got {self.output_padding}. Leave it out, or use 1 or more.'
                )

    def _add_kernels(self, channels):
        self.kernel = self._add_part('kernel', 'kernel', self.kernel_size + (self.filters, channels))

    def output_length(self, length, axis):
        more = None if self.output_padding is None else self.output_padding[axis]
        return shapes.deconv_length(
            length, self.strides[axis], self.kernel_size[axis], self.padding, more, self.dilation_rate[axis]
        )

    def _convolve(self, inputs):
        static, dynamic = K.int_shape(inputs), K.shape(inputs)
        sizes = [dynamic[axis] if size is None else size for axis, size in enumerate(static)]
        sizes = shapes.to_channels_last(sizes, self.data_format)
        lengths = tuple(self.output_length(length, axis) for axis, length in enumerate(sizes[1:-1]))
        output_shape = shapes.from_channels_last(sizes[:1] + lengths + (self.filters,), self.data_format)
        transposed = (K.conv1d_transpose, K.conv2d_transpose, K.conv3d_transpose)[self.rank - 1]
        arguments = inputs, self.kernel, output_shape, self.strides, self.padding, self.data_format
        # the one over three axes takes no dilation
        return transposed(*arguments) if self.rank == 3 else transposed(*arguments, self.dilation_rate)


class Conv1DTranspose(_Transposed, Cthalpa1D):
    """Transposed convolution ("deconvolution") over one axis; as Cthalpa2DTranspose, with one spatial axis.

    Arguments:
        output_padding: int or tuple of one int, as for Cthalpa2DTranspose.
        filters, ..., bias_constraint: as for Cthalpa1D, without 'causal' padding and groups.

    Input (batch, time, channels), output (batch, new_time, filters); channels before time in 'channels_first'.
    Weights: kernel (kernel_size, filters, channels), bias (filters,).

    Example:
        >>> Conv1DTranspose(8, 3, strides=2, padding='same').compute_output_shape((None, 5, 4))
        (None, 10, 8)
    """

    paddings = ('valid', 'same', 'full')
    settings = _SETTINGS + ('output_padding',)

    @checked
    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding='valid',
        output_padding=None,
        data_format=None,
        dilation_rate=1,
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
        super().__init__(
            filters, kernel_size, strides, padding, K.normalize_data_format(data_format), dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
        self._keep_output_padding(output_padding)


class Cthalpa2DTranspose(_Transposed, Cthalpa2D):
    """Transposed convolution ("deconvolution") over two axes: what leads from the outputs of a convolution to tensors
    of the shape of its inputs. Keras name: Conv2DTranspose.

    Arguments:
        output_padding: int or pair of int, below the strides, how much longer than the shortest possible the output
            is; None for the shape that the input of a convolution with these arguments had.
        filters, ..., bias_constraint: as for Cthalpa2D.

    Input (batch, rows, columns, channels), output (batch, new_rows, new_columns, filters), with
    new = (old - 1) * stride + kernel - 2 * pad + output_padding where `output_padding` is given; pad is 0 for 'valid',
    kernel // 2 for 'same' and kernel - 1 for 'full'. Weights: kernel (rows, columns, filters, channels), bias (filters,).

    Raises:
        ValueError: for an argument that is not one of these.

    Example:
        >>> Cthalpa2DTranspose(8, 3, strides=2, padding='same').compute_output_shape((None, 5, 4, 3))
        (None, 10, 8, 8)

    Source: Zeiler et al., "Deconvolutional networks", 2010.
    """

    settings = _SETTINGS + ('output_padding',)

    @checked
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding='valid',
        output_padding=None,
        data_format=None,
        dilation_rate=(1, 1),
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
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
        self._keep_output_padding(output_padding)


class Cthalpa3DTranspose(_Transposed, Cthalpa3D):
    """Transposed convolution over three axes; as Cthalpa2DTranspose, without dilation. Keras name: Conv3DTranspose.

    Arguments:
        filters, ..., bias_constraint: as for Cthalpa2DTranspose, with one spatial axis more.
        dilation_rate: 1, as files of Keras 3 have it.

    Input (batch, x, y, z, channels), output (batch, new_x, new_y, new_z, filters).
    Weights: kernel (x, y, z, filters, channels), bias (filters,).
    """

    further_arguments = ('dilation_rate',)
    settings = tuple(name for name in _SETTINGS if name != 'dilation_rate') + ('output_padding',)

    @checked
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1, 1),
        padding='valid',
        output_padding=None,
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
        dilation_rate = kwargs.pop('dilation_rate', 1)
        if any(rate != 1 for rate in shapes.normalize_tuple(dilation_rate, 3, 'dilation_rate')):
            raise ValueError(
                f'Conv3DTranspose: `dilation_rate` is 1, as no backend has another; got {dilation_rate!r}.'
            )
        super().__init__(
            filters, kernel_size, strides, padding, data_format, 1, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, **kwargs,
        )  # fmt: skip
        self._keep_output_padding(output_padding)
