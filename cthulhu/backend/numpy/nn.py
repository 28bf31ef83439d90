"""Convolution, pooling, softmax. What has no kernel in `kernels` is a sum over the window's offsets, channels last."""

import itertools

import numpy as np

from cthulhu.backend import shapes
from cthulhu.backend.kernels import convolution
from cthulhu.backend.numpy.primitive import array, floats, primitive


def _channels_last(x, data_format):
    return np.moveaxis(x, 1, -1) if data_format == 'channels_first' else x


def _operands(x, kernel, data_format):
    x = _channels_last(array(x), data_format)
    return x, array(kernel).astype(x.dtype, copy=False)


def _as_given(x, data_format):
    return np.moveaxis(x, -1, 1) if data_format == 'channels_first' else x


def _paddings(lengths, window, strides, padding, dilation_rate):
    """(before, after) of each spatial axis."""
    if padding == 'valid':
        return [(0, 0)] * len(lengths)
    return [shapes.same_padding(*each) for each in zip(lengths, window, strides, dilation_rate)]


def _pad(x, paddings, value=0):
    return np.pad(x, [(0, 0)] + paddings + [(0, 0)], 'constant', constant_values=value)


def _offsets(window, strides, dilation_rate, lengths):
    """For each offset in the window, the index of the elements of x that meet it, for outputs of `lengths`."""
    for offset in itertools.product(*[range(size) for size in window]):
        index = tuple(
            slice(place * dilation, place * dilation + (length - 1) * stride + 1, stride)
            for place, dilation, length, stride in zip(offset, dilation_rate, lengths, strides)
        )
        yield offset, (slice(None),) + index


def _output_lengths(lengths, window, strides, padding, dilation_rate):
    found = tuple(
        shapes.conv_output_length(length, size, padding, stride, dilation)
        for length, size, stride, dilation in zip(lengths, window, strides, dilation_rate)
    )
    if any(length < 1 for length in found):
        raise ValueError(shapes.no_room(shapes.window_text(window, dilation_rate), lengths))
    return found


class NumPyNN:
    @primitive
    def conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = _operands(x, kernel, data_format)
        window, spatial = kernel.shape[:-2], x.shape[1:-1]
        padded = _pad(x, _paddings(spatial, window, strides, padding, dilation_rate))
        return _as_given(convolution.convolve(padded, kernel, strides, dilation_rate), data_format)

    @primitive
    def conv_transpose(self, x, kernel, output_shape, strides, padding, data_format, dilation_rate):
        x, kernel = _operands(x, kernel, data_format)
        window = kernel.shape[:-2]
        whole = shapes.to_channels_last([int(length) for length in output_shape], data_format)
        lengths = _output_lengths(whole[1:-1], window, strides, padding, dilation_rate)
        if lengths != x.shape[1:-1] or whole[-1] != kernel.shape[-2] or whole[0] != x.shape[0]:
            raise ValueError(
                f'conv_transpose: output_shape {tuple(output_shape)} does not go with x, whose shape with its channels last '
                f'is {x.shape}, and a kernel of shape {kernel.shape}: a convolution of such an output would be '
                f'{whole[:1] + lengths + kernel.shape[-1:]}.'
            )
        paddings = _paddings(whole[1:-1], window, strides, padding, dilation_rate)
        padded = [length + before + after for length, (before, after) in zip(whole[1:-1], paddings)]
        result = convolution.image_gradient(x, kernel, padded, strides, dilation_rate)
        inside = tuple(slice(before, before + length) for (before, _), length in zip(paddings, whole[1:-1]))
        return _as_given(result[(slice(None),) + inside], data_format)

    @primitive
    def depthwise_conv(self, x, kernel, strides, padding, data_format, dilation_rate):
        x, kernel = _operands(x, kernel, data_format)
        window, spatial = kernel.shape[:-2], x.shape[1:-1]
        lengths = _output_lengths(spatial, window, strides, padding, dilation_rate)
        padded = _pad(x, _paddings(spatial, window, strides, padding, dilation_rate))
        result = np.zeros(x.shape[:1] + lengths + kernel.shape[-2:], x.dtype)
        for offset, index in _offsets(window, strides, dilation_rate, lengths):
            result += padded[index][..., np.newaxis] * kernel[offset]
        return _as_given(result.reshape(result.shape[:-2] + (-1,)), data_format)

    @primitive
    def pool(self, x, pool_size, strides, padding, data_format, pool_mode):
        x = _channels_last(array(x), data_format)
        spatial, once = x.shape[1:-1], (1,) * len(pool_size)
        lengths = _output_lengths(spatial, pool_size, strides, padding, once)
        paddings = _paddings(spatial, pool_size, strides, padding, once)
        parts = [index for _, index in _offsets(pool_size, strides, once, lengths)]
        if pool_mode == 'max':
            lowest = -np.inf if x.dtype.kind == 'f' else np.iinfo(x.dtype).min
            padded = _pad(x, paddings, lowest)
            result = padded[parts[0]]
            for index in parts[1:]:
                result = np.maximum(result, padded[index])
        elif pool_mode == 'avg':
            padded, inside = _pad(x, paddings), _pad(np.ones_like(x[:1, ..., :1]), paddings)
            result = sum(padded[index] for index in parts) / sum(inside[index] for index in parts)
        else:
            raise ValueError(f"pool_mode: expected 'max' or 'avg', got {pool_mode!r}.")
        return _as_given(result, data_format)

    @primitive
    def with_room(self, x, spans, what):
        lengths = x.shape[1 : len(spans) + 1]
        if any(length < span for length, span in zip(lengths, spans)):
            raise ValueError(shapes.no_room(what, lengths))
        return x

    @primitive
    def softmax(self, x, axis=-1):
        x = floats(x)
        powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
        return powers / np.sum(powers, axis=axis, keepdims=True)

    @primitive
    def log_softmax(self, x, axis=-1):
        x = floats(x)
        x = x - np.max(x, axis=axis, keepdims=True)
        return x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True))
