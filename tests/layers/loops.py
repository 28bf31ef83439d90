"""Convolutions and poolings as plain loops over channels_last arrays, written from their definitions: what the layers
are checked against. Nothing here is the library's.
"""

import itertools

import numpy as np


def to_last(x, data_format):
    return np.moveaxis(x, 1, -1) if data_format == 'channels_first' else x


def from_last(x, data_format):
    return np.moveaxis(x, -1, 1) if data_format == 'channels_first' else x


def out_length(n, kernel, stride, padding, rate):
    """How many places a window has."""
    if padding == 'valid':
        return len(range(0, n - (kernel - 1) * rate, stride))
    return len(range(0, n, stride))


def before(n, kernel, stride, padding, rate):
    """How many zeros come before an axis of length n."""
    span = (kernel - 1) * rate + 1
    if padding == 'causal':
        return span - 1
    if padding == 'valid':
        return 0
    return max((out_length(n, kernel, stride, 'same', rate) - 1) * stride + span - n, 0) // 2


def visits(lengths, kernel_size, strides, padding, rates):
    """(place of the output, place in the kernel, place of the input) wherever a window meets an element."""
    outs = [out_length(*a) for a in zip(lengths, kernel_size, strides, [padding] * 3, rates)]
    starts = [before(*a) for a in zip(lengths, kernel_size, strides, [padding] * 3, rates)]
    for out in itertools.product(*map(range, outs)):
        for offset in itertools.product(*map(range, kernel_size)):
            at = tuple(o * s + k * d - b for o, s, k, d, b in zip(out, strides, offset, rates, starts))
            if all(0 <= i < n for i, n in zip(at, lengths)):
                yield out, offset, at


def output(x, kernel_size, strides, padding, rates, channels):
    lengths = [out_length(*a) for a in zip(x.shape[1:-1], kernel_size, strides, [padding] * 3, rates)]
    return np.zeros([len(x)] + lengths + [channels])


def everywhere(at):
    return (slice(None),) + at


def convolution(x, kernel, strides, padding, rates):
    size = kernel.shape[:-2]
    y = output(x, size, strides, padding, rates, kernel.shape[-1])
    for out, offset, at in visits(x.shape[1:-1], size, strides, padding, rates):
        y[everywhere(out)] += x[everywhere(at)] @ kernel[offset]
    return y


def depthwise(x, kernel, strides, padding, rates):
    size, (channels, multiplier) = kernel.shape[:-2], kernel.shape[-2:]
    y = output(x, size, strides, padding, rates, channels * multiplier)
    for out, offset, at in visits(x.shape[1:-1], size, strides, padding, rates):
        y[everywhere(out)] += (x[everywhere(at)][:, :, None] * kernel[offset]).reshape(len(x), channels * multiplier)
    return y


def transposed(x, kernel, lengths, strides, padding, rates):
    """What each place of the convolution would have read, it is now added to."""
    size = kernel.shape[:-2]
    y = np.zeros((len(x),) + tuple(lengths) + kernel.shape[-2:-1])
    for out, offset, at in visits(lengths, size, strides, padding, rates):
        y[everywhere(at)] += x[everywhere(out)] @ kernel[offset].T
    return y


def pool(x, pool_size, strides, padding, combine):
    rates = (1,) * len(pool_size)
    seen = {}
    for out, _, at in visits(x.shape[1:-1], pool_size, strides, padding, rates):
        seen.setdefault(out, []).append(x[everywhere(at)])
    y = output(x, pool_size, strides, padding, rates, x.shape[-1])
    for out, elements in seen.items():
        y[everywhere(out)] = combine(elements, axis=0)
    return y
