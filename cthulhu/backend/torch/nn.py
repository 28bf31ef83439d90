"""Convolution, pooling, softmax, crossentropies, connectionist temporal classification.

The framework's kernels have the channels first; what is given channels last is handed to them as a view, which in memory is their
`channels_last` format, and what they make of it comes back as a view.
"""

import torch
from torch.nn import functional as F

from cthulhu.backend import config, shapes
from cthulhu.backend.deferred import logits_behind, recorded
from cthulhu.backend.inference import rules
from cthulhu.backend.torch.framework import floats, integers, tensor, to_array
from cthulhu.backend.torch.primitive import hosted, native, reference

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def _channels_first(x, data_format):
    return x if data_format == 'channels_first' else x.movedim(-1, 1)


def _as_given(x, data_format):
    return x if data_format == 'channels_first' else x.movedim(1, -1)


def _operands(x, kernel, data_format):
    x = _channels_first(floats(x), data_format)
    return x, tensor(kernel).to(x.dtype)


def _paddings(lengths, window, strides, padding, dilation_rate):
    """(before, after) of each spatial axis."""
    if padding == 'valid':
        return [(0, 0)] * len(lengths)
    return [shapes.same_padding(*each) for each in zip(lengths, window, strides, dilation_rate)]


def _padded(x, paddings, value=0.0):
    pads = [n for pair in reversed(paddings) for n in pair]
    return F.pad(x, pads, value=value) if any(pads) else x


def _lengths(lengths, window, strides, padding, dilation_rate):
    """The lengths of the output's spatial axes."""
    found = tuple(
        shapes.conv_output_length(length, size, padding, stride, dilation)
        for length, size, stride, dilation in zip(lengths, window, strides, dilation_rate)
    )
    if any(length < 1 for length in found):
        raise ValueError(shapes.no_room(shapes.window_text(window, dilation_rate), lengths))
    return found


def _convolved(x, kernel, strides, padding, dilation_rate, groups=1):
    """Of tensors in the framework's order of axes."""
    window, lengths = tuple(kernel.shape[2:]), tuple(x.shape[2:])
    _lengths(lengths, window, strides, padding, dilation_rate)
    pads = _paddings(lengths, window, strides, padding, dilation_rate)
    both = tuple(before for before, _ in pads)
    if any(before != after for before, after in pads):
        x, both = _padded(x, pads), (0,) * len(pads)
    return _CONV[len(window)](x, kernel, None, strides, both, dilation_rate, groups)


class TorchNN:
    @native
    def conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = _operands(x, kernel, data_format)
        n = kernel.dim() - 2
        kernel = kernel.permute((n + 1, n) + tuple(range(n)))
        return _as_given(_convolved(x, kernel, strides, padding, dilation_rate), data_format)

    @recorded
    def _grouped_conv(self, x, kernel, strides, padding, data_format, dilation_rate, groups):
        x, kernel = _operands(x, kernel, data_format)
        n = kernel.dim() - 2
        kernel = kernel.permute((n + 1, n) + tuple(range(n)))
        return _as_given(_convolved(x, kernel, strides, padding, dilation_rate, groups), data_format)

    @native
    def conv_transpose(self, x, kernel, output_shape, strides, padding, data_format, dilation_rate):
        x, kernel = _operands(x, kernel, data_format)
        n = kernel.dim() - 2
        window, spatial = tuple(kernel.shape[:n]), tuple(x.shape[2:])
        whole = shapes.to_channels_last(integers(output_shape), data_format)
        lengths = _lengths(whole[1:-1], window, strides, padding, dilation_rate)
        if lengths != spatial or whole[-1] != kernel.shape[-2] or whole[0] != x.shape[0]:
            raise ValueError(
                f'conv_transpose: output_shape {tuple(output_shape)} does not go with x, whose shape with its channels last '
                f'is {whole[:1] + spatial + (x.shape[1],)}, and a kernel of shape {tuple(kernel.shape)}: a convolution of such an '
                f'output would be {whole[:1] + lengths + tuple(kernel.shape[-1:])}.'
            )
        pads = _paddings(whole[1:-1], window, strides, padding, dilation_rate)
        # What the strides leave over at the end gets no contributions.
        rest = [
            length + before + after - (count - 1) * stride - span
            for length, (before, after), count, stride, span in zip(
                whole[1:-1], pads, spatial, strides, shapes.spans(window, dilation_rate)
            )
        ]
        kernel = kernel.permute((n + 1, n) + tuple(range(n)))
        y = _TRANSPOSED[n](
            x, kernel, None, strides, 0, tuple(min(r, s - 1) for r, s in zip(rest, strides)), 1, dilation_rate
        )
        y = _padded(y, [(0, max(r - s + 1, 0)) for r, s in zip(rest, strides)])
        inside = tuple(slice(before, before + length) for (before, _), length in zip(pads, whole[1:-1]))
        return _as_given(y[(slice(None), slice(None)) + inside], data_format)

    @native
    def depthwise_conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = _operands(x, kernel, data_format)
        rows, columns, channels, many = kernel.shape
        kernel = kernel.permute(2, 3, 0, 1).reshape(channels * many, 1, rows, columns)
        return _as_given(_convolved(x, kernel, strides, padding, dilation_rate, channels), data_format)

    @native
    def pool(self, x, pool_size, strides, padding, data_format, pool_mode):
        x = _channels_first(tensor(x), data_format)
        n, lengths = len(pool_size), tuple(x.shape[2:])
        once = (1,) * n
        _lengths(lengths, pool_size, strides, padding, once)
        pads = _paddings(lengths, pool_size, strides, padding, once)
        # The framework pads both sides alike, and by no more than half of the window.
        is_plain = all(before == after and before <= size // 2 for (before, after), size in zip(pads, pool_size))
        both = tuple(before for before, _ in pads) if is_plain else (0,) * n
        if pool_mode == 'max':
            whole = x.dtype
            if not whole.is_floating_point:
                x = x.to(torch.float64)
            x = x if is_plain else _padded(x, pads, float('-inf'))
            return _as_given(_MAX[n](x, pool_size, strides, both).to(whole), data_format)
        x = floats(x)
        if is_plain:
            y = _AVERAGE[n](x, pool_size, strides, both, count_include_pad=False)
        else:
            inside = _padded(torch.ones((1, 1) + lengths, dtype=x.dtype, device=x.device), pads)
            y = _AVERAGE[n](_padded(x, pads), pool_size, strides) / _AVERAGE[n](inside, pool_size, strides)
        return _as_given(y, data_format)

    @native
    def with_room(self, x, spans, what):
        lengths = tuple(x.shape[1 : len(spans) + 1])
        if any(length < span for length, span in zip(lengths, spans)):
            raise ValueError(shapes.no_room(what, lengths))
        return x

    @native
    def softmax(self, x, axis=-1):
        return torch.softmax(floats(x), int(axis))

    @native
    def log_softmax(self, x, axis=-1):
        return torch.log_softmax(floats(x), int(axis))

    def _logits_of(self, output, activation):
        return logits_behind(output, activation)

    @recorded
    def _sigmoid_crossentropy(self, target, logits):
        target, logits = tensor(target), tensor(logits)
        return F.binary_cross_entropy_with_logits(logits, target.expand_as(logits), reduction='none')

    @recorded
    def _sparse_softmax_crossentropy(self, target, logits):
        target, logits = tensor(target).long(), tensor(logits)
        if logits.dim() == 2 and logits.dtype in (torch.float32, torch.float64):
            return F.cross_entropy(logits, target, reduction='none')
        return -torch.log_softmax(logits, -1).gather(-1, target.unsqueeze(-1)).squeeze(-1)

    # Connectionist temporal classification.

    @native
    def ctc_batch_cost(self, y_true, y_pred, input_length, label_length):
        y_pred = floats(y_pred)
        wide = y_pred if y_pred.dtype is torch.float64 else y_pred.float()
        logs = torch.log_softmax(torch.log(wide + config.epsilon()), -1).transpose(0, 1)
        steps, many = tensor(input_length).reshape(-1).long(), tensor(label_length).reshape(-1).long()
        costs = F.ctc_loss(logs, tensor(y_true).long(), steps, many, blank=logs.shape[-1] - 1, reduction='none')
        return costs.reshape(-1, 1).to(y_pred.dtype)

    ctc_decode = hosted('ctc_decode')

    def ctc_label_dense_to_sparse(self, labels, label_lengths):
        return tensor(reference('ctc_label_dense_to_sparse')(self, to_array(labels), to_array(label_lengths)))

    ctc_label_dense_to_sparse = recorded(ctc_label_dense_to_sparse)


@rules.rule('_sigmoid_crossentropy', dtype=lambda target, logits: rules.dtype_of(logits))
def _like_logits(target, logits):
    return rules.broadcast(target, logits)


@rules.rule('_sparse_softmax_crossentropy', dtype=lambda target, logits: rules.dtype_of(logits))
def _like_targets(target, logits):
    return rules.shape_of(target)
