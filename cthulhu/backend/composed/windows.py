"""Composed: what moves a window over tensors without a kernel of the framework, slice by slice."""

import itertools

import numpy as np

from cthulhu.backend import shapes
from cthulhu.backend.inference import dtypes


class Windows:
    """Pooling and the convolution of each channel by itself, for any number of spatial axes."""

    def depthwise_conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        """Convolution over 2 spatial axes of each channel by itself.

        Arguments:
            x: tensor, 4-D.
            kernel: tensor (rows, columns, in_channels, multiplier).
            strides, dilation_rate: pairs of int; strides may differ from each other.
            padding, data_format: as for `conv`.

        Returns:
            Tensor with in_channels * multiplier channels; channel c with multiple m is at c * multiplier + m.
        """
        x = self._to_last(x, data_format)
        window = self.int_shape(kernel)[:-2]
        x = self._room_for(x, window, padding, dilation_rate)
        dims = self._dims(x)
        lengths, paddings = self._placed(dims[1:-1], window, strides, padding, dilation_rate)
        padded = self._pad_spatial(x, paddings)
        total = None
        for offset in itertools.product(*map(range, window)):
            index = (slice(None),) + tuple(
                slice(place * dilation, (length - 1) * stride + (place * dilation + 1), stride)
                for place, dilation, length, stride in zip(offset, dilation_rate, lengths, strides)
            )
            part = self.expand_dims(padded[index], -1) * kernel[offset]
            total = part if total is None else total + part
        channels = self._product(self._dims(kernel)[-2:])
        return self._from_last(self.reshape(total, dims[:1] + lengths + [channels]), data_format)

    def pool(self, x, pool_size, strides, padding, data_format, pool_mode):
        """Pooling over 1, 2 or 3 spatial axes.

        Arguments:
            x: tensor, 3-D to 5-D.
            pool_size, strides: tuples of int.
            padding: 'valid' or 'same'. What 'same' adds is in no maximum and in no average.
            data_format: 'channels_last' or 'channels_first'.
            pool_mode: 'max' or 'avg'.

        Returns:
            Tensor, of the shape that `shapes.pool_shape` gives.
        """
        x = self._to_last(x, data_format)
        if pool_mode == 'avg':
            x = self._floats(x)
        x = self._room_for(x, pool_size, padding)
        dims, dtype = self._dims(x), self.dtype(x)
        lengths, paddings = self._placed(dims[1:-1], pool_size, strides, padding, (1,) * len(pool_size))
        lowest = -np.inf if dtypes.is_float(dtype) else np.iinfo(dtype).min
        result = self._pad_spatial(x, paddings, lowest if pool_mode == 'max' else 0)
        # Windows are products of lines: along the last axis first, so that of equal elements the first in the window wins.
        counts = None
        for axis in reversed(range(1, len(dims) - 1)):
            line = pool_size[axis - 1], strides[axis - 1], lengths[axis - 1]
            result = self._joined(self.maximum if pool_mode == 'max' else self._sum_of_two, result, axis, *line)
            if pool_mode == 'avg':
                count = self._inside(dims[axis], paddings[axis - 1], line, dtype)
                if count is not None:
                    count = self.reshape(count, [1] * axis + [line[-1]] + [1] * (len(dims) - 1 - axis))
                    counts = count if counts is None else counts * count
                else:
                    result = result / float(line[0])
        return self._from_last(result if counts is None else result / counts, data_format)

    def _to_last(self, x, data_format):
        """`x` with its channels last."""
        if data_format != 'channels_first':
            return x
        return self.permute_dimensions(x, (0,) + tuple(range(2, self._rank(x))) + (1,))

    def _from_last(self, x, data_format):
        """`x`, whose channels are last, in a data format."""
        if data_format != 'channels_first':
            return x
        rank = self._rank(x)
        return self.permute_dimensions(x, (0, rank - 1) + tuple(range(1, rank - 1)))

    def _dilated(self, kernel, rates):
        """The kernel with `rate - 1` zeros between its elements along each of its first axes: what dilation means."""
        for axis, rate in enumerate(rates):
            if rate == 1:
                continue
            sizes = list(self.int_shape(kernel))
            if None in sizes:
                raise ValueError(f'kernel: dilation needs a kernel whose shape is known, got {tuple(sizes)}.')
            kernel = self.expand_dims(kernel, axis + 1)
            paddings = [(0, 0)] * (len(sizes) + 1)
            paddings[axis + 1] = (0, rate - 1)
            kernel = self.reshape(self.pad(kernel, paddings), sizes[:axis] + [sizes[axis] * rate] + sizes[axis + 1 :])
            kernel = kernel[(slice(None),) * axis + (slice((sizes[axis] - 1) * rate + 1),)]
        return kernel

    def _room_for(self, x, window, padding, dilation_rate=None):
        """`x`, channels last, into which a window fits: else an error, now or, where lengths are open, when it is computed."""
        if padding != 'valid' or None in window:
            return x
        rates = dilation_rate or (1,) * len(window)
        return self._in_room(x, shapes.spans(window, rates), shapes.window_text(window, rates))

    def _in_room(self, x, spans, what):
        """`x`, channels last, whose spatial axes have lengths of `spans` or more."""
        lengths = self.int_shape(x)[1:-1]
        if any(n is not None and n < span for n, span in zip(lengths, spans)):
            raise ValueError(shapes.no_room(what, lengths))
        is_open = any(n is None and span > 1 for n, span in zip(lengths, spans))
        return self.with_room(x, tuple(spans), what) if is_open else x

    def _placed(self, lengths, window, strides, padding, dilation_rate):
        """(lengths of the output, (before, after) of each spatial axis); scalar tensors where lengths are."""
        if None in window:
            raise ValueError(f'kernel: the size of its window must be known, got {window}.')
        results, paddings = [], []
        for length, size, stride, dilation in zip(lengths, window, strides, dilation_rate):
            if self._is_known(length):
                results.append(shapes.conv_output_length(length, size, padding, stride, dilation))
                paddings.append(shapes.same_padding(length, size, stride, dilation) if padding == 'same' else (0, 0))
                continue
            span = (size - 1) * dilation + 1
            if padding == 'valid':
                results.append((length - span) // stride + 1)
                paddings.append((0, 0))
            else:
                results.append((length + (stride - 1)) // stride)
                total = self.maximum((results[-1] - 1) * stride + span - length, 0)
                paddings.append((total // 2, total - total // 2))
        return results, paddings

    def _is_padded(self, pair):
        """Whether an axis is padded by (before, after), as far as that is known."""
        return any(not self._is_known(n) or n for n in pair)

    def _pad_spatial(self, x, paddings, value=0.0):
        """`x`, channels last, with `value` around its spatial axes."""
        if not any(map(self._is_padded, paddings)):
            return x
        return self.pad(x, [(0, 0)] + list(paddings) + [(0, 0)], value)

    @staticmethod
    def _sum_of_two(x, y):
        return x + y

    @staticmethod
    def _joined(join, x, axis, size, stride, length):
        before = (slice(None),) * axis
        parts = [x[before + (slice(o, (length - 1) * stride + (o + 1), stride),)] for o in range(size)]
        result = parts[0]
        for part in parts[1:]:
            result = join(result, part)
        return result

    def _inside(self, length, pair, line, dtype):
        """How many elements of each window are not padding, along one axis; None where all are."""
        if not self._is_padded(pair):
            return None
        ones = self.pad(self.fill([length], 1, dtype), [pair])
        return self._joined(self._sum_of_two, ones, 0, *line)
