"""Primitives of `contract.nn`: convolution by operations of our own.

Theano 1.0.5 has convolutions of its own, PyTensor none; ours needs no BLAS to link and no compiler,
and is the same on both. Pooling is composed.
"""

import numpy as np

from cthulhu.backend import shapes
from cthulhu.backend.theano import tensors
from cthulhu.backend.theano.convolution import Convolution, ImageGradient
from cthulhu.backend.theano.framework import T, sparse
from cthulhu.backend.theano.operations import CTCCost, CTCDecode, Room


class NN:
    """Convolution, connectionist temporal classification."""

    def conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = self._pair(x, kernel)
        x = self._to_last(x, data_format)
        window = self.int_shape(kernel)[:-2]
        x = self._room_for(x, window, padding, dilation_rate)
        dims, kernel_dims = self._dims(x), self._dims(kernel)
        lengths, paddings = self._placed(dims[1:-1], window, strides, padding, dilation_rate)
        padded = self._pad_spatial(x, paddings)
        if set(window) | set(strides) == {1}:
            flat = T.dot(self.reshape(padded, [-1, kernel_dims[-2]]), self.reshape(kernel, kernel_dims[-2:]))
            made = self.reshape(flat, dims[:1] + lengths + kernel_dims[-1:])
        else:
            made = Convolution(strides, dilation_rate)(padded, kernel)
            made = tensors.note(made, self._known(dims[:1] + lengths + kernel_dims[-1:]))
        return self._from_last(made, data_format)

    def conv_transpose(self, x, kernel, output_shape, strides, padding, data_format, dilation_rate):
        x, kernel = self._pair(x, kernel)
        x = self._to_last(x, data_format)
        whole = list(shapes.to_channels_last(self._sizes(output_shape), data_format))
        window, dims, kernel_dims = self.int_shape(kernel)[:-2], self._dims(x), self._dims(kernel)
        lengths, paddings = self._placed(whole[1:-1], window, strides, padding, dilation_rate)
        if not shapes.agree(self._known(lengths + kernel_dims[-1:]), self._known(dims[1:])):
            raise ValueError(
                f'conv_transpose: output_shape {tuple(output_shape)} does not go with x of shape {self.int_shape(x)} '
                f'(channels last) and a kernel of shape {self.int_shape(kernel)}.'
            )
        padded = [n + (before + after) for n, (before, after) in zip(whole[1:-1], paddings)]
        result = ImageGradient(strides, dilation_rate)(x, kernel, *padded)
        result = tensors.note(result, self._known(whole[:1] + padded + kernel_dims[-2:-1]))
        inside = (slice(None),) + tuple(slice(before, before + n) for (before, _), n in zip(paddings, whole[1:-1]))
        return self._from_last(tensors.note(result[inside]), data_format)

    def with_room(self, x, spans, what):
        x = self._tensor(x)
        return tensors.copy_notes(x, Room(tuple(spans), what)(x))

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
