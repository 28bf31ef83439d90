"""Primitives of `contract.nn`, and those composed functions for which TensorFlow has a kernel.

TensorFlow convolves and pools channels_last on every device; channels_first is transposed on the way in and out.
"""

import numpy as np
import tensorflow as tf

from cthulhu.backend import config, shapes
from cthulhu.backend.composed.methods import along
from cthulhu.backend.tensorflow.function import NO_ROOM

v1 = tf.compat.v1


def _crop_same(x, window, strides):
    """Volumes without the end that 'same' with strides above the window skips.

    TensorFlow's 3-D kernels would skip half of it at the beginning (2.6 to 2.21, on the CPU), and its 2-D kernels do not.
    """
    slices = [slice(None)]
    for axis, (span, stride) in enumerate(zip(window, strides), 1):
        length = x.shape.as_list()[axis]
        length = tf.shape(x)[axis] if length is None else length
        slices.append(slice((-(-length // stride) - 1) * stride + span) if stride > span else slice(None))
    return x[tuple(slices)]


@tf.RegisterGradient('CthulhuBiasAdd')
def _bias_add_gradient(op, gradient):
    """That of BiasAdd, of rows: oneDNN would join it with the gradient of a convolution's kernel, and both together take twice as long then."""
    rows = tf.reshape(gradient, tf.stack([-1, tf.shape(gradient)[-1]]))
    return gradient, tf.raw_ops.BiasAddGrad(out_backprop=rows)


class NN:
    """Convolution, pooling, softmax, normalisation, crossentropies."""

    def conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = self._pair(x, kernel)
        x = self._to_last(x, data_format)
        window = kernel.shape.as_list()[: len(strides)]
        x = self._room_for(x, window, padding, dilation_rate)
        if len(strides) == 3 and padding == 'same':
            x = _crop_same(x, window, strides)
        y = tf.nn.convolution(x, kernel, strides=strides, padding=padding.upper(), dilations=dilation_rate)
        return self._from_last(y, data_format)

    def conv_transpose(self, x, kernel, output_shape, strides, padding, data_format, dilation_rate):
        x, kernel = self._pair(x, kernel)
        x = self._to_last(x, data_format)
        kernel = self._dilated(kernel, dilation_rate)
        sizes = shapes.to_channels_last(output_shape, data_format)
        y = tf.nn.conv_transpose(x, kernel, tf.stack(sizes), list(strides), padding.upper())
        y.set_shape([x.shape[0] if n is None and not axis else n for axis, n in enumerate(self._known(sizes))])
        return self._from_last(y, data_format)

    def depthwise_conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = self._pair(x, kernel)
        x = self._to_last(x, data_format)
        x = self._room_for(x, kernel.shape.as_list()[:2], padding, dilation_rate)
        rows, columns = strides
        if rows != columns:
            # The kernel of TensorFlow moves as far down as across: move by 1, and keep what is wanted.
            if padding == 'same':
                _, paddings = self._placed(self._dims(x)[1:-1], kernel.shape.as_list()[:2], strides, padding, (1, 1))
                x, padding = self._pad_spatial(x, paddings), 'valid'
            y = tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), padding.upper(), dilations=dilation_rate)
            return self._from_last(y[:, ::rows, ::columns], data_format)
        y = tf.nn.depthwise_conv2d(x, kernel, (1, rows, columns, 1), padding.upper(), dilations=dilation_rate)
        return self._from_last(y, data_format)

    def pool(self, x, pool_size, strides, padding, data_format, pool_mode):
        x = self._tensor(x)
        if len(pool_size) == 3 and x.dtype.base_dtype == tf.float64:
            # TensorFlow's kernels have no float64 for volumes.
            return super().pool(x, pool_size, strides, padding, data_format, pool_mode)
        x = self._room_for(self._to_last(x, data_format), pool_size, padding)
        if len(pool_size) == 3 and padding == 'same':
            x = _crop_same(x, pool_size, strides)
        operation = {'max': tf.nn.max_pool, 'avg': tf.nn.avg_pool}[pool_mode]
        return self._from_last(operation(x, pool_size, strides, padding.upper()), data_format)

    def with_room(self, x, spans, what):
        x = self._tensor(x)
        lengths = tf.shape(x)[1 : len(spans) + 1]
        check = v1.Assert(tf.reduce_all(lengths >= list(spans)), [NO_ROOM + what, lengths])
        with tf.control_dependencies([check]):
            return tf.identity(x)

    softmax = along(tf.nn.softmax, -1)
    log_softmax = along(tf.nn.log_softmax, -1)

    def bias_add(self, x, bias, data_format=None):
        x, bias = self._pair(x, bias)
        last = config.normalize_data_format(data_format) == 'channels_last' or x.shape.rank == 2
        if last and bias.shape.rank == 1 and (x.shape.rank or 0) > 1:
            if x.shape.rank < 4:
                return tf.nn.bias_add(x, bias)
            with x.graph.gradient_override_map({'BiasAdd': 'CthulhuBiasAdd'}):
                return tf.nn.bias_add(x, bias)
        return super().bias_add(x, bias, data_format)

    def normalize_batch_in_training(self, x, gamma, beta, reduction_axes, epsilon=1e-3):
        is_image = x.shape.rank == 4 and sorted(a % 4 for a in reduction_axes) == [0, 1, 2]
        if not is_image or x.dtype.base_dtype != tf.float32 or x.shape[-1] is None:
            return super().normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon)
        channels = [x.shape[-1]]
        scale = tf.ones(channels) if gamma is None else tf.reshape(gamma, channels)
        offset = tf.zeros(channels) if beta is None else tf.reshape(beta, channels)
        normed, mean, var = v1.nn.fused_batch_norm(x, scale, offset, epsilon=epsilon, is_training=True)
        # The kernel gives the variance of the sample, N / (N - 1) times that of the population.
        count = tf.cast(tf.size(x), x.dtype) / float(channels[0])
        return normed, mean, var * (tf.maximum(count - 1.0, 1.0) / count)

    def resize_images(self, x, height_factor, width_factor, data_format, interpolation='nearest'):
        x = self._tensor(x)
        operation = dict(nearest=v1.image.resize_nearest_neighbor, bilinear=v1.image.resize_bilinear).get(interpolation)
        factors = height_factor, width_factor
        is_plain = x.shape.rank == 4 and all(isinstance(n, int) and n > 0 for n in factors)
        if operation is None or not is_plain or x.dtype.base_dtype != tf.float32:
            return super().resize_images(x, height_factor, width_factor, data_format, interpolation)
        data_format = config.normalize_data_format(data_format)
        x = self._to_last(x, data_format)
        static = x.shape.as_list()
        sizes = [n and n * factor for n, factor in zip(static[1:3], factors)]
        y = operation(x, tf.shape(x)[1:3] * np.asarray(factors, 'int32') if None in sizes else sizes)
        y.set_shape(static[:1] + sizes + static[3:])
        return self._from_last(y, data_format)

    def _logits_of(self, output, activation):  # of a crossentropy: loss and gradient in one kernel
        op = getattr(output, 'op', None)
        wanted = {'softmax': 'Softmax', 'sigmoid': 'Sigmoid'}[activation]
        return op.inputs[0] if op is not None and op.type == wanted else None

    def _softmax_crossentropy(self, target, logits, axis):
        target, logits = self._pair(target, logits)
        is_matrix = logits.shape.rank == 2 and axis in (-1, 1) and logits.dtype != tf.float16
        if is_matrix:  # else TensorFlow reshapes, and casts
            return tf.raw_ops.SoftmaxCrossEntropyWithLogits(features=logits, labels=target)[0]
        return tf.nn.softmax_cross_entropy_with_logits(target, logits, axis=axis)

    _sparse_softmax_crossentropy = staticmethod(tf.nn.sparse_softmax_cross_entropy_with_logits)

    def _sigmoid_crossentropy(self, target, logits):
        return tf.nn.sigmoid_cross_entropy_with_logits(*self._pair(target, logits))
