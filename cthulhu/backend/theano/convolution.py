"""Convolution and its two gradients, in NumPy: of a few images at a time, what each window holds is written out and multiplied.

So few at a time that what is written out stays in the cache, as in Chellapilla, Puri and Simard, "High performance convolutional
neural networks for document processing", 2006. Each of the three is linear in each of its arguments, and the other two are
its gradients. Tensors have channels last, kernels are (window ..., channels, filters), and nothing is padded.
"""

import numpy as np

from cthulhu.backend.theano.framework import Apply, DisconnectedType, T, broadcastable_at, tensor_type
from cthulhu.backend.theano.operations import Operation

# So many bytes are written out at a time: about what a core's own cache holds.
_BLOCK = 3 << 19


class _Convolving(Operation):
    """What a window is moved over; `strides` and `dilation_rate` have a number for each axis of the window."""

    __props__ = ('strides', 'dilation_rate')

    def __init__(self, strides, dilation_rate):
        self.strides, self.dilation_rate = tuple(strides), tuple(dilation_rate)

    def _like(self, operation, *inputs):
        return operation(self.strides, self.dilation_rate)(*inputs)

    def _spans(self, window):
        return [(size - 1) * dilation + 1 for size, dilation in zip(window, self.dilation_rate)]

    def _places(self, lengths, window):
        return [(n - span) // stride + 1 for n, span, stride in zip(lengths, self._spans(window), self.strides)]


class Convolution(_Convolving):
    """images, kernel -> (batch, places ..., filters)."""

    def make_node(self, x, kernel):
        ones = [x.type.broadcastable[0]] + [False] * (x.ndim - 2) + [kernel.type.broadcastable[-1]]
        return Apply(self, [x, kernel], [tensor_type(x.dtype, ones)()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = _convolved(*inputs, strides=self.strides, dilation_rate=self.dilation_rate)

    def infer_shape(self, *arguments):
        x, kernel = arguments[-1]
        return [[x[0]] + self._places(x[1:-1], kernel[:-2]) + [kernel[-1]]]

    def grad(self, inputs, gradients):
        (x, kernel), (g,) = inputs, gradients
        return [
            _of_type(self._like(ImageGradient, g, kernel, *_middle(x)), x),
            _of_type(self._like(KernelGradient, x, g, *_window(kernel)), kernel),
        ]


class ImageGradient(_Convolving):
    """places, kernel, lengths of the images -> (batch, lengths ..., channels): the transposed convolution."""

    def make_node(self, places, kernel, *lengths):
        ones = [places.type.broadcastable[0]] + [False] * len(lengths) + [kernel.type.broadcastable[-2]]
        return Apply(self, [places, kernel] + _integers(lengths), [tensor_type(places.dtype, ones)()])

    def perform(self, node, inputs, outputs):
        places, kernel = inputs[:2]
        window, (channels, filters) = kernel.shape[:-2], kernel.shape[-2:]
        lengths, rank = tuple(map(int, inputs[2:])), len(window)
        if tuple(self._places(lengths, window)) != places.shape[1:-1]:
            raise ValueError(
                f'conv_transpose: images of {lengths} have {self._places(lengths, window)} places for a window of {window}, '
                f'not {places.shape[1:-1]}. Give an output_shape that goes with the input.'
            )
        if set(self.strides) == {1}:
            # The places, with a margin, under the kernel turned around.
            margins = [(span - 1, span - 1) for span in self._spans(window)]
            turned = kernel[(slice(None, None, -1),) * rank].swapaxes(-1, -2)
            padded = np.pad(places, [(0, 0)] + margins + [(0, 0)], 'constant')
            outputs[0][0] = _convolved(padded, turned, self.strides, self.dilation_rate)
            return
        result = np.zeros(places.shape[:1] + lengths + (channels,), places.dtype)
        views = _views(result, window, self.strides, self.dilation_rate)
        flat = np.ascontiguousarray(kernel.reshape(-1, filters).T)
        for index in _blocks(views):
            held = np.dot(places[index].reshape(-1, filters), flat).reshape(views[index].shape)
            for offset in np.ndindex(*window):
                one = (slice(None),) * (rank + 1) + offset
                # Places of one offset do not overlap, those of different offsets do.
                views[index][one] += held[one]
        outputs[0][0] = result

    def infer_shape(self, *arguments):
        node, (places, kernel) = arguments[-2], arguments[-1][:2]
        return [[places[0]] + list(node.inputs[2:]) + [kernel[-2]]]

    def connection_pattern(self, node):
        return [[True], [True]] + [[False]] * len(self.strides)

    def grad(self, inputs, gradients):
        (places, kernel), (g,) = inputs[:2], gradients
        return [
            _of_type(self._like(Convolution, g, kernel), places),
            _of_type(self._like(KernelGradient, g, places, *_window(kernel)), kernel),
        ] + [DisconnectedType()() for _ in self.strides]


class KernelGradient(_Convolving):
    """images, places, lengths of the window -> (window ..., channels, filters)."""

    def make_node(self, x, places, *window):
        ones = [False] * len(window) + [x.type.broadcastable[-1], places.type.broadcastable[-1]]
        return Apply(self, [x, places] + _integers(window), [tensor_type(x.dtype, ones)()])

    def perform(self, node, inputs, outputs):
        (x, places), window = inputs[:2], tuple(map(int, inputs[2:]))
        views = _views(x, window, self.strides, self.dilation_rate)
        total = np.zeros((int(np.prod(window)) * x.shape[-1], places.shape[-1]), x.dtype)
        for index in _blocks(views):
            total += np.dot(views[index].reshape(-1, len(total)).T, places[index].reshape(-1, places.shape[-1]))
        outputs[0][0] = total.reshape(window + (x.shape[-1], places.shape[-1]))

    def infer_shape(self, *arguments):
        node, (x, places) = arguments[-2], arguments[-1][:2]
        return [list(node.inputs[2:]) + [x[-1], places[-1]]]

    def connection_pattern(self, node):
        return [[True], [True]] + [[False]] * len(self.strides)

    def grad(self, inputs, gradients):
        (x, places), (g,) = inputs[:2], gradients
        return [
            _of_type(self._like(ImageGradient, places, g, *_middle(x)), x),
            _of_type(self._like(Convolution, x, g), places),
        ] + [DisconnectedType()() for _ in self.strides]


def _middle(x):
    return [x.shape[axis] for axis in range(1, x.ndim - 1)]


def _window(kernel):
    return [kernel.shape[axis] for axis in range(kernel.ndim - 2)]


def _integers(lengths):
    return [T.cast(T.as_tensor_variable(n), 'int64') for n in lengths]


def _of_type(gradient, x):
    return broadcastable_at(gradient, [axis for axis, one in enumerate(x.type.broadcastable) if one])


def _views(x, window, strides, dilation_rate):
    """`x` as (batch, places ..., window ..., channels), without a copy."""
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(window, dilation_rate)]
    places = [(n - span) // stride + 1 for n, span, stride in zip(x.shape[1:-1], spans, strides)]
    if min(places) < 1:
        raise ValueError(
            f'A window of {window} with dilation {dilation_rate} does not fit into images of {x.shape[1:]}.'
        )
    between = [a * b for a, b in zip(x.strides[1:-1], strides)]
    inside = [a * b for a, b in zip(x.strides[1:-1], dilation_rate)]
    return np.lib.stride_tricks.as_strided(
        x,
        x.shape[:1] + tuple(places) + tuple(window) + x.shape[-1:],
        x.strides[:1] + tuple(between) + tuple(inside) + x.strides[-1:],
    )


def _blocks(views):
    """Indices of parts that follow each other in memory: some images each, or some rows of one image."""
    images, rows = views.shape[:2]
    line = int(np.prod(views.shape[2:])) * views.itemsize
    if line * rows <= _BLOCK:
        step = _BLOCK // (line * rows)
        return [(slice(i, i + step),) for i in range(0, images, step)]
    step = max(1, _BLOCK // line)
    return [(slice(i, i + 1), slice(row, row + step)) for i in range(images) for row in range(0, rows, step)]


def _convolved(x, kernel, strides, dilation_rate):
    window, filters = kernel.shape[:-2], kernel.shape[-1]
    views = _views(x, window, strides, dilation_rate)
    result = np.empty(views.shape[: len(window) + 1] + (filters,), x.dtype)
    flat = np.ascontiguousarray(kernel.reshape(-1, filters))
    for index in _blocks(views):
        held = views[index].reshape(-1, len(flat))
        np.dot(held, flat, out=result[index].reshape(-1, filters))
    return result
