"""Primitives of `contract.nn`: convolution by operations of our own, pooling window by window.

Theano 1.0.5 has convolutions of its own, PyTensor none; ours needs no BLAS to link and no compiler,
and is the same on both.
"""

import itertools

import numpy as np

from cthulhu.backend import shapes
from cthulhu.backend.theano import tensors
from cthulhu.backend.theano.convolution import Convolution, ImageGradient
from cthulhu.backend.theano.framework import T, Variable, sparse
from cthulhu.backend.theano.operations import CTCCost, CTCDecode


class NN:
    """Convolution, pooling, connectionist temporal classification."""

    def _to_last(self, x, data_format):
        if data_format != 'channels_first':
            return x
        return self.permute_dimensions(x, (0,) + tuple(range(2, x.ndim)) + (1,))

    def _from_last(self, x, data_format):
        if data_format != 'channels_first':
            return x
        return self.permute_dimensions(x, (0, x.ndim - 1) + tuple(range(1, x.ndim - 1)))

    def _window(self, kernel):
        window = self.int_shape(kernel)[:-2]
        if None in window:
            raise ValueError(f'kernel: the size of its window must be known, got shape {self.int_shape(kernel)}.')
        return window

    def _placed(self, lengths, window, strides, padding, dilation_rate):
        """(lengths of the output, (before, after) of each spatial axis); scalars where lengths are."""
        results, paddings = [], []
        for length, size, stride, dilation in zip(lengths, window, strides, dilation_rate):
            if not isinstance(length, Variable):
                results.append(shapes.conv_output_length(length, size, padding, stride, dilation))
                paddings.append(shapes.same_padding(length, size, stride, dilation) if padding == 'same' else (0, 0))
                if results[-1] < 1:
                    raise ValueError(f'A window of {window} with dilation {dilation_rate} does not fit into {lengths}.')
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

    def _parts(self, window, strides, dilation_rate, lengths):
        """For each offset in the window, (offset, the index of the elements that meet it)."""
        for offset in itertools.product(*map(range, window)):
            yield (
                offset,
                (slice(None),)
                + tuple(
                    slice(place * dilation, (length - 1) * stride + (place * dilation + 1), stride)
                    for place, dilation, length, stride in zip(offset, dilation_rate, lengths, strides)
                ),
            )

    def conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = self._pair(x, kernel)
        x = self._to_last(x, data_format)
        window, dims, kernel_dims = self._window(kernel), self._dims(x), self._dims(kernel)
        lengths, paddings = self._placed(dims[1:-1], window, strides, padding, dilation_rate)
        padded = self._padded(x, [(0, 0)] + paddings + [(0, 0)])
        if set(window) | set(strides) == {1}:
            flat = T.dot(self.reshape(padded, [-1, kernel_dims[-2]]), self.reshape(kernel, kernel_dims[-2:]))
            made = self.reshape(flat, dims[:1] + lengths + kernel_dims[-1:])
        else:
            made = self._shaped(
                Convolution(strides, dilation_rate)(padded, kernel), dims[:1] + lengths + kernel_dims[-1:]
            )
        return self._from_last(made, data_format)

    def _shaped(self, x, dims):
        """`x`, of which it is noted how long its axes are."""
        return tensors.note(x, tuple(None if isinstance(n, Variable) else n for n in dims))

    def conv_transpose(self, x, kernel, output_shape, strides, padding, data_format, dilation_rate):
        x, kernel = self._pair(x, kernel)
        x = self._to_last(x, data_format)
        whole = list(shapes.to_channels_last(self._sizes(output_shape), data_format))
        window, dims, kernel_dims = self._window(kernel), self._dims(x), self._dims(kernel)
        lengths, paddings = self._placed(whole[1:-1], window, strides, padding, dilation_rate)
        wanted = lengths + kernel_dims[-1:]
        if any(
            not isinstance(a, Variable) and not isinstance(b, Variable) and a != b for a, b in zip(wanted, dims[1:])
        ):
            raise ValueError(
                f'conv_transpose: output_shape {tuple(output_shape)} does not go with x of shape {self.int_shape(x)} '
                f'(channels last) and a kernel of shape {self.int_shape(kernel)}.'
            )
        padded = [n + (before + after) for n, (before, after) in zip(whole[1:-1], paddings)]
        result = ImageGradient(strides, dilation_rate)(x, kernel, *padded)
        result = self._shaped(result, whole[:1] + padded + kernel_dims[-2:-1])
        inside = (slice(None),) + tuple(slice(before, before + n) for (before, _), n in zip(paddings, whole[1:-1]))
        return self._from_last(tensors.note(result[inside]), data_format)

    def depthwise_conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = self._pair(x, kernel)
        x = self._to_last(x, data_format)
        window, dims, kernel_dims = self._window(kernel), self._dims(x), self._dims(kernel)
        lengths, paddings = self._placed(dims[1:-1], window, strides, padding, dilation_rate)
        padded = self._padded(x, [(0, 0)] + paddings + [(0, 0)])
        total = None
        for offset, index in self._parts(window, strides, dilation_rate, lengths):
            part = self.expand_dims(padded[index], -1) * kernel[offset]
            total = part if total is None else total + part
        channels = kernel_dims[-2] * kernel_dims[-1]
        return self._from_last(self.reshape(total, dims[:1] + lengths + [channels]), data_format)

    def pool(self, x, pool_size, strides, padding, data_format, pool_mode):
        x = self._to_last(self._tensor(x), data_format)
        if pool_mode == 'avg':
            x = self._floats(x)
        dims, once = self._dims(x), (1,) * len(pool_size)
        lengths, paddings = self._placed(dims[1:-1], pool_size, strides, padding, once)
        lowest = -np.inf if x.dtype.startswith('float') else np.iinfo(x.dtype).min
        result = self._padded(x, [(0, 0)] + paddings + [(0, 0)], lowest if pool_mode == 'max' else 0)
        join = self.maximum if pool_mode == 'max' else self.add
        # Windows are products of lines: along the last axis first, so that of equal elements the first in the window wins.
        counts = None
        for axis in reversed(range(1, len(dims) - 1)):
            size, stride, length = pool_size[axis - 1], strides[axis - 1], lengths[axis - 1]
            pair = paddings[axis - 1]
            result = self._joined(join, result, axis, size, stride, length)
            if pool_mode == 'avg':
                count = self._inside(dims[axis], pair, size, stride, length, x.dtype)
                if count is not None:
                    count = self.reshape(count, [1] * axis + [length] + [1] * (len(dims) - 1 - axis))
                    counts = count if counts is None else counts * count
                else:
                    result = result / float(size)
        return self._from_last(result if counts is None else result / counts, data_format)

    def _joined(self, join, x, axis, size, stride, length):
        before = (slice(None),) * axis
        parts = [x[before + (slice(o, (length - 1) * stride + (o + 1), stride),)] for o in range(size)]
        result = parts[0]
        for part in parts[1:]:
            result = join(result, part)
        return result

    def _inside(self, length, pair, size, stride, steps, dtype):
        """How many elements of each window are not padding, along one axis; None where all are."""
        if not any(isinstance(n, Variable) or n for n in pair):
            return None
        ones = self._padded(self.fill([length], 1, dtype), [pair])
        return self._joined(self.add, ones, 0, size, stride, steps)

    def ctc_batch_cost(self, y_true, y_pred, input_length, label_length):
        lengths = [self.reshape(self.cast(self._tensor(n), 'int64'), [-1]) for n in (input_length, label_length)]
        labels = self.cast(self._tensor(y_true), 'int64')
        return self.expand_dims(tensors.note(CTCCost()(self._tensor(y_pred), labels, *lengths)), 1)

    def ctc_decode(self, y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False):
        steps = self.reshape(self.cast(self._tensor(input_length), 'int64'), [-1])
        options = bool(greedy), int(beam_width), int(top_paths), bool(merge_repeated)
        results = CTCDecode(*options)(self._tensor(y_pred), steps, return_list=True)
        return list(results[:-1]), results[-1]

    def ctc_label_dense_to_sparse(self, labels, label_lengths):
        labels = self._tensor(labels)
        lengths = self.reshape(self.cast(self._tensor(label_lengths), 'int64'), [-1])
        rows, columns = labels.shape[0], labels.shape[1]
        places = T.arange(columns)
        inside = T.lt(places.dimshuffle('x', 0), lengths.dimshuffle(0, 'x')).nonzero()
        # Label 0 stays as a stored element: the values are given with their places.
        starts = T.concatenate([self._constant(np.zeros(1), 'int64'), T.cumsum(T.minimum(lengths, columns))])
        return sparse.CSR(
            tensors.native(labels, '__getitem__', inside),
            T.cast(inside[1], 'int32'),
            T.cast(starts, 'int32'),
            T.stack([T.cast(rows, 'int32'), T.cast(columns, 'int32')]),
        )
