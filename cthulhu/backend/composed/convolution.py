"""Composed: the convolutions and poolings that Keras names, over the primitives for any number of spatial axes."""

import itertools

from cthulhu.backend import config, shapes
from cthulhu.backend.composed.windows import Windows


class Convolution(Windows):
    """Convolutions, transposed, separable and local; pooling."""

    def conv1d(self, x, kernel, strides=1, padding='valid', data_format=None, dilation_rate=1, groups=1):
        """Convolution over one axis.

        Arguments:
            x: tensor, 3-D: (batch, time, channels), or (batch, channels, time) in 'channels_first'.
            kernel: tensor (length, in_channels, out_channels).
            strides, dilation_rate: int; not both above 1.
            padding: 'valid', 'same', 'causal' (zeros before, so that no step sees later ones), or 'full': zeros around, so that
                each element that is not a zero meets the whole window.
            data_format: 'channels_last' or 'channels_first', by default `image_data_format()`.
            groups: int, into how many groups the channels of `x` and of the result are cut: each of the latter is made of one of the former, and
                in_channels of the kernel are those of a group.

        Returns:
            Tensor, 3-D.

        Raises:
            ValueError: an argument that is not one of these.
        """
        data_format = config.normalize_data_format(data_format)
        strides, dilation_rate = self._steps(strides, dilation_rate, 1)
        padding = shapes.normalize_padding(padding, shapes.PADDINGS)
        x, padding = self._padded(x, kernel, padding, data_format, dilation_rate)
        return self._conv_of_groups(x, kernel, strides, padding, data_format, dilation_rate, groups)

    def conv2d(self, x, kernel, strides=(1, 1), padding='valid', data_format=None, dilation_rate=(1, 1), groups=1):
        """Convolution over two axes.

        Arguments:
            x: tensor, 4-D: (batch, rows, columns, channels), or (batch, channels, rows, columns) in 'channels_first'.
            kernel: tensor (rows, columns, in_channels, out_channels), in either data format.
            strides, dilation_rate: int or pair of int; not both above 1.
            padding: 'valid', 'same' or 'full', as for `conv1d`.
            data_format: 'channels_last' or 'channels_first', by default `image_data_format()`.
            groups: int, as for `conv1d`.

        Returns:
            Tensor, 4-D.

        Raises:
            ValueError: an argument that is not one of these.
        """
        return self._plain_conv(x, kernel, strides, padding, data_format, dilation_rate, groups, 2)

    def conv3d(
        self, x, kernel, strides=(1, 1, 1), padding='valid', data_format=None, dilation_rate=(1, 1, 1), groups=1
    ):
        """Convolution over three axes; as `conv2d`, with one spatial axis more."""
        return self._plain_conv(x, kernel, strides, padding, data_format, dilation_rate, groups, 3)

    def _plain_conv(self, x, kernel, strides, padding, data_format, dilation_rate, groups, n):
        data_format = config.normalize_data_format(data_format)
        padding = shapes.normalize_padding(padding, ('valid', 'same', 'full'))
        strides, dilation_rate = self._steps(strides, dilation_rate, n)
        x, padding = self._padded(x, kernel, padding, data_format, dilation_rate)
        return self._conv_of_groups(x, kernel, strides, padding, data_format, dilation_rate, groups)

    def _conv_of_groups(self, x, kernel, strides, padding, data_format, dilation_rate, groups):
        if groups == 1:
            return self.conv(x, kernel, strides, padding, data_format, dilation_rate)
        axis = 1 if data_format == 'channels_first' else self._rank(x) - 1
        channels, (inside, filters) = self.int_shape(x)[axis], self.int_shape(kernel)[-2:]
        if groups < 1 or None in (channels, filters) or channels != inside * groups or filters % groups:
            raise ValueError(
                f'groups: expected a number that divides the channels of x, whose shape is {self.int_shape(x)}, and those of the result, and a kernel for the '
                f'channels of a group; got {groups} and a kernel of shape {self.int_shape(kernel)}.'
            )
        return self._grouped_conv(x, kernel, strides, padding, data_format, dilation_rate, groups)

    def _grouped_conv(self, x, kernel, strides, padding, data_format, dilation_rate, groups):
        *window, inside, filters = self.int_shape(kernel)
        if inside == 1 and len(window) == 2 and None not in window:  # of each channel by itself
            kernel = self.reshape(kernel, tuple(window) + (groups, filters // groups))
            return self.depthwise_conv(x, kernel, strides, padding, data_format, dilation_rate)
        axis = 1 if data_format == 'channels_first' else -1
        parts = zip(self.split(x, groups, axis), self.split(kernel, groups, -1))
        made = [self.conv(one, part, strides, padding, data_format, dilation_rate) for one, part in parts]
        return self.concatenate(made, axis=axis)

    def _steps(self, strides, dilation_rate, n):
        strides = shapes.normalize_tuple(strides, n, 'strides')
        dilation_rate = shapes.normalize_tuple(dilation_rate, n, 'dilation_rate')
        if min(strides + dilation_rate) < 1:
            raise ValueError(f'strides and dilation_rate: expected 1 or more, got {strides} and {dilation_rate}.')
        if max(strides) > 1 and max(dilation_rate) > 1:
            raise ValueError(f'strides and dilation_rate cannot both be above 1, got {strides} and {dilation_rate}.')
        return strides, dilation_rate

    def _padded(self, x, kernel, padding, data_format, dilation_rate):
        """`x` and the padding that is left to do: that of 'causal' and 'full' does not depend on lengths, and is done."""
        if padding not in ('causal', 'full'):
            return x, padding
        margins = self._margins(kernel, dilation_rate)
        pads = ((0, 0),) + tuple((m, m if padding == 'full' else 0) for m in margins) + ((0, 0),)
        return self.pad(x, shapes.from_channels_last(pads, data_format)), 'valid'

    def _margins(self, kernel, dilation_rate):
        """How far the window of a kernel reaches beyond its first element, along each axis."""
        window = self.int_shape(kernel)[: len(dilation_rate)]
        if None in window:
            raise ValueError(f'kernel: the size of its window must be known for this padding, got {window}.')
        return [span - 1 for span in shapes.spans(window, dilation_rate)]

    def conv1d_transpose(self, x, kernel, output_shape, strides=1, padding='valid', data_format=None, dilation_rate=1):
        """Transposed convolution over one axis: the gradient of `conv1d` with respect to its input.

        Arguments:
            x: tensor, 3-D.
            kernel: tensor (length, out_channels, in_channels), in either data format.
            output_shape, strides, padding, data_format, dilation_rate: as for `conv2d_transpose`, with one spatial axis.

        Returns:
            Tensor of shape `output_shape`.
        """
        data_format = config.normalize_data_format(data_format)
        strides, dilation_rate = self._steps(strides, dilation_rate, 1)
        dims = list(output_shape) if isinstance(output_shape, (list, tuple)) else [output_shape[i] for i in range(3)]
        axis = 1 if data_format == 'channels_last' else 2
        # One row of an image, along which a window of one row moves by one.
        y = self.conv2d_transpose(
            self.expand_dims(x, axis),
            self.expand_dims(kernel, 0),
            tuple(dims[:axis] + [1] + dims[axis:]),
            (1,) + strides,
            padding,
            data_format,
            (1,) + dilation_rate,
        )
        return self.squeeze(y, axis)

    def conv2d_transpose(
        self, x, kernel, output_shape, strides=(1, 1), padding='valid', data_format=None, dilation_rate=(1, 1)
    ):
        """Transposed convolution ("deconvolution") over two axes: the gradient of `conv2d` with respect to its input.

        Arguments:
            x: tensor, 4-D.
            kernel: tensor (rows, columns, out_channels, in_channels), in either data format.
            output_shape: the whole shape of the result: tuple of int or scalar tensors (None for the batch of `x`), or
                1-D tensor.
            strides, padding, data_format, dilation_rate: as for `conv2d`.

        Returns:
            Tensor of shape `output_shape`.

        Raises:
            ValueError: an argument that is not one of these.
        """
        return self._plain_transpose(x, kernel, output_shape, strides, padding, data_format, dilation_rate, 2)

    def conv3d_transpose(self, x, kernel, output_shape, strides=(1, 1, 1), padding='valid', data_format=None):
        """Transposed convolution over three axes; as `conv2d_transpose`, with one spatial axis more and no dilation."""
        return self._plain_transpose(x, kernel, output_shape, strides, padding, data_format, 1, 3)

    def _plain_transpose(self, x, kernel, output_shape, strides, padding, data_format, dilation_rate, n):
        data_format = config.normalize_data_format(data_format)
        padding = shapes.normalize_padding(padding, ('valid', 'same', 'full'))
        strides, dilation_rate = self._steps(strides, dilation_rate, n)
        dims = (
            list(output_shape) if isinstance(output_shape, (list, tuple)) else [output_shape[i] for i in range(n + 2)]
        )
        if len(dims) != n + 2 or any(d is None for d in dims[1:]):
            raise ValueError(f'output_shape: expected {n + 2} dimensions, None only for the first, got {output_shape}.')
        if dims[0] is None or self._is_known(dims[0]) and dims[0] < 0:
            dims[0] = self._dims(x)[0]
        if padding == 'full':
            return self._full_transpose(x, kernel, dims, strides, data_format, dilation_rate)
        return self.conv_transpose(x, kernel, tuple(dims), strides, padding, data_format, dilation_rate)

    def _full_transpose(self, x, kernel, dims, strides, data_format, dilation_rate):
        """The transpose of a padding by zeros and a convolution: a transposed convolution, of which the margins are cut off."""
        margins = self._margins(kernel, dilation_rate)
        dims = shapes.to_channels_last(dims, data_format)
        around = dims[:1] + tuple(n + 2 * m for n, m in zip(dims[1:-1], margins)) + dims[-1:]
        x = self._to_last(x, data_format)
        y = self.conv_transpose(x, kernel, around, strides, 'valid', 'channels_last', dilation_rate)
        y = self._in_room(y, [2 * m + 1 for m in margins], "What padding='full' cuts off a transposed convolution")
        inside = tuple(slice(m, -m if m else None) for m in margins)
        return self._from_last(y[(slice(None),) + inside], data_format)

    def depthwise_conv1d(self, x, depthwise_kernel, strides=1, padding='valid', data_format=None, dilation_rate=1):
        """Convolution over one axis of each channel by itself.

        Arguments:
            x: tensor, 3-D.
            depthwise_kernel: tensor (length, in_channels, multiplier).
            strides, padding, data_format, dilation_rate: as for `conv1d`.

        Returns:
            Tensor with in_channels * multiplier channels, those of the first input channel first.
        """
        data_format = config.normalize_data_format(data_format)
        strides, dilation_rate = self._steps(strides, dilation_rate, 1)
        padding = shapes.normalize_padding(padding, shapes.PADDINGS)
        x, padding = self._padded(x, depthwise_kernel, padding, data_format, dilation_rate)
        axis = 1 if data_format == 'channels_last' else 2
        # One row of an image. Both strides are equal because some kernels want that; the row stays one row.
        x = self.depthwise_conv(
            self.expand_dims(x, axis),
            self.expand_dims(depthwise_kernel, 0),
            strides * 2,
            padding,
            data_format,
            (1,) + dilation_rate,
        )
        return self.squeeze(x, axis)

    def depthwise_conv2d(
        self, x, depthwise_kernel, strides=(1, 1), padding='valid', data_format=None, dilation_rate=(1, 1)
    ):
        """Convolution over two axes of each channel by itself.

        Arguments:
            x: tensor, 4-D.
            depthwise_kernel: tensor (rows, columns, in_channels, multiplier).
            strides, padding, data_format, dilation_rate: as for `conv2d`.

        Returns:
            Tensor with in_channels * multiplier channels, those of the first input channel first.

        Raises:
            ValueError: an argument that is not one of these.
        """
        data_format = config.normalize_data_format(data_format)
        padding = shapes.normalize_padding(padding, ('valid', 'same', 'full'))
        strides, dilation_rate = self._steps(strides, dilation_rate, 2)
        x, padding = self._padded(x, depthwise_kernel, padding, data_format, dilation_rate)
        return self.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)

    def separable_conv2d(
        self,
        x,
        depthwise_kernel,
        pointwise_kernel,
        strides=(1, 1),
        padding='valid',
        data_format=None,
        dilation_rate=(1, 1),
    ):
        """`depthwise_conv2d`, then a convolution of 1 by 1 that mixes the channels.

        Arguments:
            x: tensor, 4-D.
            depthwise_kernel: tensor (rows, columns, in_channels, multiplier).
            pointwise_kernel: tensor (1, 1, in_channels * multiplier, out_channels).
            strides, padding, data_format, dilation_rate: as for `conv2d`.

        Returns:
            Tensor, 4-D.

        Raises:
            ValueError: an argument that is not one of these.

        Source: Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.
        """
        x = self.depthwise_conv2d(x, depthwise_kernel, strides, padding, data_format, dilation_rate)
        return self.conv2d(x, pointwise_kernel, data_format=data_format)

    def separable_conv1d(
        self, x, depthwise_kernel, pointwise_kernel, strides=1, padding='valid', data_format=None, dilation_rate=1
    ):
        """Convolution over one axis of each channel by itself, then one of length 1 that mixes the channels.

        Arguments:
            x: tensor, 3-D.
            depthwise_kernel: tensor (length, in_channels, multiplier).
            pointwise_kernel: tensor (1, in_channels * multiplier, out_channels).
            strides, padding, data_format, dilation_rate: as for `conv1d`.

        Returns:
            Tensor, 3-D.

        Raises:
            ValueError: an argument that is not one of these.
        """
        x = self.depthwise_conv1d(x, depthwise_kernel, strides, padding, data_format, dilation_rate)
        return self.conv1d(x, pointwise_kernel, data_format=data_format)

    def local_conv1d(self, inputs, kernel, kernel_size, strides, data_format=None):
        """Convolution over one axis with a kernel of its own at each place.

        Arguments:
            inputs: tensor, 3-D: (batch, time, channels), or (batch, channels, time) in 'channels_first'.
            kernel: tensor (output_length, kernel_size * in_channels, out_channels).
            kernel_size, strides: int or tuple of one int.
            data_format: 'channels_last' or 'channels_first', by default `image_data_format()`.

        Returns:
            Tensor, 3-D, of time `output_length`.
        """
        kernel_size = shapes.normalize_tuple(kernel_size, 1, 'kernel_size')
        strides = shapes.normalize_tuple(strides, 1, 'strides')
        output_shape = self.int_shape(kernel)[:1]
        if config.normalize_data_format(data_format) == 'channels_last':
            return self._local_conv(inputs, kernel, kernel_size, strides, output_shape, channels_inside=True)
        x = self.permute_dimensions(inputs, (0, 2, 1))
        y = self._local_conv(x, kernel, kernel_size, strides, output_shape, channels_inside=True)
        return self.permute_dimensions(y, (0, 2, 1))

    def local_conv2d(self, inputs, kernel, kernel_size, strides, output_shape, data_format=None):
        """Convolution over two axes with a kernel of its own at each place.

        Arguments:
            inputs: tensor, 4-D.
            kernel: tensor (output_rows * output_columns, features, out_channels); the features are kernel rows, kernel
                columns, channels, in this order ('channels_last'), or with the channels first.
            kernel_size, strides: int or pair of int.
            output_shape: pair of int, (output_rows, output_columns).
            data_format: 'channels_last' or 'channels_first', by default `image_data_format()`.

        Returns:
            Tensor, 4-D.
        """
        kernel_size = shapes.normalize_tuple(kernel_size, 2, 'kernel_size')
        strides = shapes.normalize_tuple(strides, 2, 'strides')
        output_shape = shapes.normalize_tuple(output_shape, 2, 'output_shape')
        if config.normalize_data_format(data_format) == 'channels_last':
            return self._local_conv(inputs, kernel, kernel_size, strides, output_shape, channels_inside=True)
        x = self.permute_dimensions(inputs, (0, 2, 3, 1))
        y = self._local_conv(x, kernel, kernel_size, strides, output_shape, channels_inside=False)
        return self.permute_dimensions(y, (0, 3, 1, 2))

    def _local_conv(self, x, kernel, kernel_size, strides, output_shape, channels_inside):
        """`x` and the result are channels last; `channels_inside`: whether they come last in the features."""
        # A slice for each element of the kernel (few), not one for each place of the output (many).
        slices = [
            x[
                (slice(None),)
                + tuple(slice(o, o + s * (n - 1) + 1, s) for o, s, n in zip(offset, strides, output_shape))
            ]
            for offset in itertools.product(*map(range, kernel_size))
        ]
        places, features, filters = self.int_shape(kernel)
        batch = self._dims(x)[0]
        rank = len(kernel_size)
        patches = self.stack(slices, axis=rank + 1 if channels_inside else rank + 2)
        patches = self.permute_dimensions(self.reshape(patches, [batch, places, features]), (1, 0, 2))
        result = self.permute_dimensions(self.matmul(patches, kernel), (1, 0, 2))
        return self.reshape(result, [batch] + list(output_shape) + [filters])

    def pool2d(self, x, pool_size, strides=(1, 1), padding='valid', data_format=None, pool_mode='max'):
        """The greatest element, or the mean, of each window over two axes.

        Arguments:
            x: tensor, 4-D.
            pool_size, strides: int or pair of int.
            padding: 'valid' or 'same'; what 'same' adds counts in no maximum and no mean.
            data_format: 'channels_last' or 'channels_first', by default `image_data_format()`.
            pool_mode: 'max' or 'avg'.

        Returns:
            Tensor, 4-D.

        Raises:
            ValueError: an argument that is not one of these.
        """
        return self._plain_pool(x, pool_size, strides, padding, data_format, pool_mode, 2)

    def pool3d(self, x, pool_size, strides=(1, 1, 1), padding='valid', data_format=None, pool_mode='max'):
        """The greatest element, or the mean, of each window; as `pool2d`, with one spatial axis more."""
        return self._plain_pool(x, pool_size, strides, padding, data_format, pool_mode, 3)

    def _plain_pool(self, x, pool_size, strides, padding, data_format, pool_mode, n):
        data_format = config.normalize_data_format(data_format)
        padding = shapes.normalize_padding(padding, ('valid', 'same'))
        pool_size = shapes.normalize_tuple(pool_size, n, 'pool_size')
        strides = shapes.normalize_tuple(strides, n, 'strides')
        if pool_mode not in ('max', 'avg'):
            raise ValueError(f"pool_mode: expected 'max' or 'avg', got {pool_mode!r}.")
        return self.pool(x, pool_size, strides, padding, data_format, pool_mode)
