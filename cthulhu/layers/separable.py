"""Convolutions that treat space and channels apart."""

from cthulhu import backend as K
from cthulhu.engine.settings import take
from cthulhu.layers.cthalpa import Cthalpa1D, Cthalpa2D, _Cthalpa
from cthulhu.layers.spatial import with_defaults
from cthulhu.utils.arguments import checked

__all__ = ['DepthwiseConv1D', 'DepthwiseCthalpa2D', 'SeparableCthalpa1D', 'SeparableCthalpa2D']

_SHARED = (
    'kernel_size', 'strides', 'padding', 'data_format', 'dilation_rate', 'activation', 'use_bias', 'bias_initializer',
    'bias_regularizer', 'activity_regularizer', 'bias_constraint', 'depth_multiplier',
)  # fmt: skip


class _SeparableCthalpa(_Cthalpa):
    """A convolution of each channel by itself, then one of length 1 that mixes the channels."""

    settings = ('filters',) + _SHARED + (
        'depthwise_initializer', 'pointwise_initializer', 'depthwise_regularizer', 'pointwise_regularizer',
        'depthwise_constraint', 'pointwise_constraint',
    )  # fmt: skip

    @checked
    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding='valid',
        data_format='channels_last',
        dilation_rate=1,
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer='glorot_uniform',
        pointwise_initializer='glorot_uniform',
        bias_initializer='zeros',
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, bias_constraint=bias_constraint, **kwargs,
        )  # fmt: skip
        take(self, dict(
            depth_multiplier=depth_multiplier, depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer, depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer, depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint,
        ))  # fmt: skip

    def _add_kernels(self, channels):
        between = channels * self.depth_multiplier
        self.depthwise_kernel = self._add_part(
            'depthwise', 'depthwise_kernel', self.kernel_size + (channels, self.depth_multiplier)
        )
        self.pointwise_kernel = self._add_part(
            'pointwise', 'pointwise_kernel', (1,) * self.rank + (between, self.filters)
        )

    def _convolve(self, inputs):
        convolution = (K.separable_conv1d, K.separable_conv2d)[self.rank - 1]
        return convolution(
            inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides, self.padding, self.data_format,
            self.dilation_rate,
        )  # fmt: skip


class SeparableCthalpa1D(_SeparableCthalpa):
    """Separable convolution over one axis. Keras name: SeparableConv1D.

    Arguments:
        filters, kernel_size, strides, padding, data_format, dilation_rate: as for Cthalpa1D.
        depth_multiplier, ..., bias_constraint: as for SeparableCthalpa2D.

    Input (batch, time, channels), output (batch, new_time, filters). Weights: depthwise kernel (kernel_size, channels,
    depth_multiplier), pointwise kernel (1, channels * depth_multiplier, filters), bias (filters,).
    """

    rank = 1
    paddings = ('valid', 'same', 'causal', 'full')


class SeparableCthalpa2D(_SeparableCthalpa):
    """Separable convolution over two axes: each channel by itself, then, pixel by pixel, a mixture of the channels.
    Keras name: SeparableConv2D.

    Arguments:
        filters, kernel_size, strides, padding, data_format, dilation_rate: as for Cthalpa2D.
        depth_multiplier: int, how many channels the first step makes of each.
        activation, use_bias: as for Cthalpa2D.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel of the first step.
        pointwise_initializer, pointwise_regularizer, pointwise_constraint: of the kernel of the second.
        bias_initializer, bias_regularizer, activity_regularizer, bias_constraint: as for Cthalpa2D.

    Input (batch, rows, columns, channels), output (batch, new_rows, new_columns, filters). Weights: depthwise kernel
    (rows, columns, channels, depth_multiplier), pointwise kernel (1, 1, channels * depth_multiplier, filters), bias
    (filters,).

    Example:
        >>> SeparableCthalpa2D(8, 3, depth_multiplier=2).compute_output_shape((None, 9, 8, 3))
        (None, 7, 6, 8)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.
    """

    rank = 2
    __init__ = with_defaults(_SeparableCthalpa.__init__, strides=(1, 1), data_format=None, dilation_rate=(1, 1))


class _Depthwise(_Cthalpa):
    """A convolution of each channel by itself."""

    convolution_kernels = 0  # each filter sees one channel: not the kernel of a plain convolution

    settings = _SHARED + ('depthwise_initializer', 'depthwise_regularizer', 'depthwise_constraint')

    @checked
    def __init__(
        self,
        kernel_size,
        strides=1,
        padding='valid',
        depth_multiplier=1,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        depthwise_initializer='glorot_uniform',
        bias_initializer='zeros',
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(
            1, kernel_size, strides, padding, K.normalize_data_format(data_format), dilation_rate, activation, use_bias,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, bias_constraint=bias_constraint, **kwargs,
        )  # fmt: skip
        self.filters = None  # their number follows from that of the channels
        take(self, dict(
            depth_multiplier=depth_multiplier, depthwise_initializer=depthwise_initializer,
            depthwise_regularizer=depthwise_regularizer, depthwise_constraint=depthwise_constraint,
        ))  # fmt: skip

    def _add_kernels(self, channels):
        self.depthwise_kernel = self._add_part(
            'depthwise', 'depthwise_kernel', self.kernel_size + (channels, self.depth_multiplier)
        )

    def _output_channels(self, channels):
        return None if channels is None else channels * self.depth_multiplier

    def call(self, inputs, training=None):
        # Keras's signature: the layer computes the same in training and in test.
        return super().call(inputs)

    def _convolve(self, inputs):
        convolution = (K.depthwise_conv1d, K.depthwise_conv2d)[self.rank - 1]
        return convolution(
            inputs, self.depthwise_kernel, self.strides, self.padding, self.data_format, self.dilation_rate
        )


class DepthwiseConv1D(_Depthwise, Cthalpa1D):
    """Convolution over one axis of each channel by itself.

    Arguments:
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias: as for Cthalpa1D.
        depth_multiplier, ..., bias_constraint: as for DepthwiseCthalpa2D.

    Input (batch, time, channels), output (batch, new_time, channels * depth_multiplier), the channels made of the first one first; channels before time in
    'channels_first'. Weights: kernel (kernel_size, channels, depth_multiplier), bias (channels * depth_multiplier,).

    Example:
        >>> DepthwiseConv1D(3, depth_multiplier=2).compute_output_shape((None, 9, 3))
        (None, 7, 6)
    """

    convolution_kernels = 0


class DepthwiseCthalpa2D(_Depthwise, Cthalpa2D):
    """Convolution over two axes of each channel by itself. Keras name: DepthwiseConv2D.

    Arguments:
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias: as for Cthalpa2D.
        depth_multiplier: int, how many channels are made of each.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel.
        bias_initializer, bias_regularizer, activity_regularizer, bias_constraint: as for Cthalpa2D.

    Input (batch, rows, columns, channels), output (batch, new_rows, new_columns, channels * depth_multiplier), the
    channels made of the first one first. Weights: kernel (rows, columns, channels, depth_multiplier), bias
    (channels * depth_multiplier,).

    Example:
        >>> DepthwiseCthalpa2D(3, depth_multiplier=2).compute_output_shape((None, 9, 8, 3))
        (None, 7, 6, 6)
    """

    convolution_kernels = 0
    __init__ = with_defaults(_Depthwise.__init__, strides=(1, 1), dilation_rate=(1, 1))
