"""Convolution and its two gradients, as operations of the framework: `kernels.convolution` computes them."""

from cthulhu.backend.kernels import convolution
from cthulhu.backend.theano.framework import Apply, DisconnectedType, Operation, T, broadcastable_at, tensor_type


class _Convolving(Operation):
    """What a window is moved over; `strides` and `dilation_rate` have a number for each axis of the window."""

    __props__ = ('strides', 'dilation_rate')

    def __init__(self, strides, dilation_rate):
        self.strides, self.dilation_rate = tuple(strides), tuple(dilation_rate)

    def _like(self, operation, *inputs):
        return operation(self.strides, self.dilation_rate)(*inputs)

    def _settings(self):
        return {'strides': self.strides, 'dilation_rate': self.dilation_rate}

    def connection_pattern(self, node):
        # Lengths are not differentiated by.
        return [[True], [True]] + [[False]] * (len(node.inputs) - 2)


class Convolution(_Convolving):
    """images, kernel -> (batch, places ..., filters)."""

    def make_node(self, x, kernel):
        ones = [x.type.broadcastable[0]] + [False] * (x.ndim - 2) + [kernel.type.broadcastable[-1]]
        return Apply(self, [x, kernel], [tensor_type(x.dtype, ones)()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = convolution.convolve(*inputs, **self._settings())

    def infer_shape(self, *arguments):
        x, kernel = arguments[-1]
        return [[x[0]] + convolution.places(x[1:-1], kernel[:-2], **self._settings()) + [kernel[-1]]]

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
        outputs[0][0] = convolution.image_gradient(places, kernel, tuple(map(int, inputs[2:])), **self._settings())

    def infer_shape(self, *arguments):
        node, (places, kernel) = arguments[-2], arguments[-1][:2]
        return [[places[0]] + list(node.inputs[2:]) + [kernel[-2]]]

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
        outputs[0][0] = convolution.kernel_gradient(x, places, window, **self._settings())

    def infer_shape(self, *arguments):
        node, (x, places) = arguments[-2], arguments[-1][:2]
        return [list(node.inputs[2:]) + [x[-1], places[-1]]]

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
