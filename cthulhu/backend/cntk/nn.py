"""Convolution, pooling, softmax. The framework convolves what lies along its batch axis, channels first."""

import itertools

import numpy as np

from cthulhu.backend import shapes
from cthulhu.backend.cntk.framework import C
from cthulhu.backend.cntk.primitive import along_batch, float_dtype, make, native, on_host, reference
from cthulhu.backend.cntk.shape import reshaped, transposed
from cthulhu.backend.cntk.tensors import Late, Tensor
from cthulhu.backend.kernels import ctc


def _channels_first(x, data_format):
    return x if data_format == 'channels_first' else transposed(x, [0, x.ndim - 1] + list(range(1, x.ndim - 1)))


def _as_given(x, data_format):
    return x if data_format == 'channels_first' else transposed(x, [0] + list(range(2, x.ndim)) + [1])


def _paddings(lengths, window, strides, padding, dilation_rate):
    """(before, after) of each spatial axis."""
    if padding == 'valid':
        return [(0, 0)] * len(lengths)
    return [shapes.same_padding(*each) for each in zip(lengths, window, strides, dilation_rate)]


def _padded(x, pairs, value=0.0):
    """`x`, channels first, with a value around its spatial axes."""
    pairs = [(0, 0), (0, 0)] + list(pairs)
    if not any(map(any, pairs)):
        return x
    if not isinstance(x, Tensor):
        return np.pad(x, pairs, 'constant', constant_values=value)
    return make(lambda node: C.pad(node, pairs, constant_value=float(value)), x)


def _check_room(lengths, window, dilation_rate):
    spans = shapes.spans(window, dilation_rate)
    if any(length < span for length, span in zip(lengths, spans)):
        raise ValueError(shapes.no_room(shapes.window_text(window, dilation_rate), lengths))


def _inflated(kernel, rates):
    """A kernel (window ..., in, out) with zeros between its elements: what dilation means, which the framework has on GPUs only."""
    for axis, rate in enumerate(rates):
        if rate > 1:
            length, before, after = kernel.shape[axis], kernel.shape[:axis], kernel.shape[axis + 1 :]
            flat = reshaped(kernel, (int(np.prod(before, dtype=int)), length, 1, int(np.prod(after, dtype=int))))
            pairs = [(0, 0), (0, 0), (0, rate - 1), (0, 0)]
            if isinstance(flat, Tensor):
                flat = make(lambda node, pairs=pairs: C.pad(node, pairs, constant_value=0.0), flat)
            else:
                flat = np.pad(flat, pairs, 'constant')
            flat = reshaped(flat, (flat.shape[0], length * rate, flat.shape[3]))
            span = (length - 1) * rate + 1
            if isinstance(flat, Tensor):
                flat = make(lambda node, span=span: C.slice(node, [1], [0], [span], [1]), flat)
            else:
                flat = flat[:, :span]
            kernel = reshaped(flat, before + (span,) + after)
    return kernel


def _last_first(kernel):
    """(window ..., in, out) as (out, in, window ...)."""
    n = kernel.ndim
    return transposed(kernel, [n - 1, n - 2] + list(range(n - 2)))


def _convolved(x, kernel, strides, groups=1):
    """Convolution of `x`, channels first, padded, and a kernel (out, in, window ...)."""
    strides = (1,) + tuple(strides)
    no = [False] * len(strides)
    return along_batch(
        lambda image, weights: C.convolution(weights, image, strides=strides, auto_padding=no, groups=groups), x, kernel
    )


class CNTKNN:
    @native
    def conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, window = _channels_first(x, data_format), kernel.shape[:-2]
        x = _padded(x, _paddings(x.shape[2:], window, strides, padding, dilation_rate))
        _check_room(x.shape[2:], window, dilation_rate)
        kernel = _last_first(_inflated(kernel, dilation_rate))
        return _as_given(_convolved(x, kernel, strides), data_format)

    @native
    def conv_transpose(self, x, kernel, output_shape, strides, padding, data_format, dilation_rate):
        x, window = _channels_first(x, data_format), kernel.shape[:-2]
        whole = shapes.to_channels_last([int(length) for length in output_shape], data_format)
        lengths = tuple(
            shapes.conv_output_length(*each)
            for each in zip(whole[1:-1], window, itertools.repeat(padding), strides, dilation_rate)
        )
        if lengths != x.shape[2:] or whole[-1] != kernel.shape[-2] or whole[0] != x.shape[0]:
            raise ValueError(
                f'conv_transpose: output_shape {tuple(output_shape)} does not go with x, whose shape with its channels first is '
                f'{x.shape}, and a kernel of shape {kernel.shape}: a convolution of such an output would be '
                f'{whole[:1] + lengths + kernel.shape[-1:]}.'
            )
        pairs = _paddings(whole[1:-1], window, strides, padding, dilation_rate)
        kernel = _last_first(_inflated(kernel, dilation_rate))
        around = tuple(n + before + after for n, (before, after) in zip(whole[1:-1], pairs))
        # What the strides reach; beyond, where no window ended, there is nothing.
        reach = tuple((n - 1) * s + k for n, s, k in zip(lengths, strides, kernel.shape[2:]))
        steps, no = (1,) + tuple(strides), [False] * (len(strides) + 1)
        result = along_batch(
            lambda image, weights: C.convolution_transpose(
                weights, image, strides=steps, auto_padding=no, output_shape=(whole[-1],) + reach
            ),
            x,
            kernel,
        )
        result = _padded(result, [(0, max(n - m, 0)) for n, m in zip(around, reach)])
        inside = tuple(slice(before, before + n) for n, (before, _) in zip(whole[1:-1], pairs))
        return _as_given(self._part(result, (slice(None), slice(None)) + inside), data_format)

    @native
    def depthwise_conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, window = _channels_first(x, data_format), kernel.shape[:-2]
        x = _padded(x, _paddings(x.shape[2:], window, strides, padding, dilation_rate))
        _check_room(x.shape[2:], window, dilation_rate)
        kernel = _inflated(kernel, dilation_rate)
        n, channels, many = kernel.ndim, kernel.shape[-2], kernel.shape[-1]
        # (window ..., channels, many) as (channels * many, 1, window ...): the filters of a channel side by side.
        kernel = transposed(kernel, [n - 2, n - 1] + list(range(n - 2)))
        kernel = reshaped(kernel, (channels * many, 1) + kernel.shape[2:])
        return _as_given(_convolved(x, kernel, strides, channels), data_format)

    @native
    def pool(self, x, pool_size, strides, padding, data_format, pool_mode):
        if pool_mode not in ('max', 'avg'):
            raise ValueError(f"pool_mode: expected 'max' or 'avg', got {pool_mode!r}.")
        x, once = _channels_first(x, data_format), (1,) * len(pool_size)
        pairs = _paddings(x.shape[2:], pool_size, strides, padding, once)
        counts = None
        if pool_mode == 'avg' and any(map(any, pairs)):
            inside = np.pad(np.ones((1, 1) + x.shape[2:]), [(0, 0), (0, 0)] + list(pairs), 'constant')
            counts = reference('pool')(self, inside, pool_size, strides, 'valid', 'channels_first', 'avg')
        x = _padded(x, pairs, -np.inf if pool_mode == 'max' else 0.0)
        _check_room(x.shape[2:], pool_size, once)
        kind = C.MAX_POOLING if pool_mode == 'max' else C.AVG_POOLING
        no = [False] * len(pool_size)
        result = along_batch(lambda node: C.pooling(node, kind, tuple(pool_size), tuple(strides), no), x)
        if counts is not None:
            # The mean of a window with zeros in it, by the part of it that is not padding.
            result = make(C.element_times, result, 1 / counts)
        return _as_given(result, data_format)

    @native
    def with_room(self, x, spans, what):
        lengths = x.shape[1 : len(spans) + 1]
        if any(length < span for length, span in zip(lengths, spans)):
            raise ValueError(shapes.no_room(what, lengths))
        return x

    @native
    def softmax(self, x, axis=-1):
        return make(lambda node: C.softmax(node, axis=axis % x.ndim), x, dtype=float_dtype(x))

    @native
    def log_softmax(self, x, axis=-1):
        return make(lambda node: C.log_softmax(node, axis=axis % x.ndim), x, dtype=float_dtype(x))

    @native
    def ctc_batch_cost(self, y_true, y_pred, input_length, label_length):
        return on_host(
            self,
            'ctc_batch_cost',
            reference('ctc_batch_cost'),
            (y_true, y_pred, input_length, label_length),
            {},
            _ctc_gradient,
            like=np.zeros((len(y_pred), 1), y_pred.dtype),
        )

    @native
    def ctc_decode(self, y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False):
        options = {
            'greedy': greedy,
            'beam_width': beam_width,
            'top_paths': top_paths,
            'merge_repeated': merge_repeated,
        }
        tensors = [x for x in (y_pred, input_length) if isinstance(x, Tensor)]
        whole = reference('ctc_decode')

        def part(pick):
            def decoded(*arrays):
                left = list(arrays)
                given = [left.pop(0) if isinstance(x, Tensor) else x for x in (y_pred, input_length)]
                return pick(whole(self, *given, **options))

            return Late(tensors[0].program, 'ctc_decode', tensors, decoded)

        count = 1 if greedy else top_paths
        return [part(lambda both, n=n: both[0][n]) for n in range(count)], part(lambda both: both[1])

    @native
    def ctc_label_dense_to_sparse(self, labels, label_lengths):
        marked = reference('ctc_label_dense_to_sparse')
        return on_host(
            self,
            'ctc_label_dense_to_sparse',
            lambda *arguments: marked(*arguments).toarray(),
            (labels, label_lengths),
            {},
            like=np.zeros(labels.shape, labels.dtype),
        )


def _ctc_gradient(upstream, result, y_true, y_pred, input_length, label_length):
    found = np.zeros(y_pred.shape)
    costs = ctc.costs(y_pred, y_true, input_length, label_length, gradient=True)
    for row, (_, gradient), weight in zip(found, costs, np.ravel(upstream)):
        row[: len(gradient)] = gradient * weight
    return [None, found]
