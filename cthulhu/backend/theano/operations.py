"""Operations that one of the frameworks lacks, or links a BLAS for: in NumPy or by `kernels`, with their gradients."""

import numpy as np

from cthulhu.backend import ranges, shapes
from cthulhu.backend.kernels import ctc
from cthulhu.backend.theano.framework import Apply, DisconnectedType, Operation, T, tensor_type


class MatMul(Operation):
    """Products of batches of matrices of equal rank; batch axes known to have length 1 broadcast."""

    def make_node(self, x, y):
        ones = [a and b for a, b in zip(x.type.broadcastable[:-2], y.type.broadcastable[:-2])]
        ones += [x.type.broadcastable[-2], y.type.broadcastable[-1]]
        return Apply(self, [x, y], [tensor_type(x.dtype, ones)()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = np.matmul(*inputs)

    def infer_shape(self, *arguments):
        node, (x, y) = arguments[-2:]
        sides = zip(x[:-2], y[:-2], node.inputs[0].type.broadcastable)
        return [[b if one else a for a, b, one in sides] + [x[-2], y[-1]]]

    def grad(self, inputs, gradients):
        x, y = inputs
        (g,) = gradients
        return [_summed(self(g, _turned(y)), x), _summed(self(_turned(x), g), y)]


class Room(Operation):
    """What it is given, whose first axes after the batch must be as long as `spans` say; `what` needs that."""

    __props__ = ('spans', 'what')
    view_map = {0: [0]}

    def __init__(self, spans, what):
        self.spans, self.what = spans, what

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        (x,) = inputs
        lengths = x.shape[1 : len(self.spans) + 1]
        if any(length < span for length, span in zip(lengths, self.spans)):
            raise ValueError(shapes.no_room(self.what, lengths))
        outputs[0][0] = x

    def infer_shape(self, *arguments):
        return arguments[-1]

    def grad(self, inputs, gradients):
        return gradients


def _turned(x):
    axes = list(range(x.ndim))
    return x.dimshuffle(*(axes[:-2] + [axes[-1], axes[-2]]))


def _summed(gradient, x):
    axes = [a for a in range(x.ndim) if x.type.broadcastable[a] and not gradient.type.broadcastable[a]]
    return T.sum(gradient, axis=axes, keepdims=True, dtype=gradient.dtype) if axes else gradient


class InRange(Operation):
    """(indices, size) -> indices, once it was seen that all are from 0 to `size - 1`."""

    __props__ = ('what',)
    view_map = {0: [0]}

    def __init__(self, what):
        self.what = what

    def make_node(self, indices, size):
        return Apply(self, [indices, size], [indices.type()])

    def perform(self, node, inputs, outputs):
        indices, size = inputs
        ranges.check(indices, size, self.what)
        outputs[0][0] = indices

    def infer_shape(self, *arguments):
        return [arguments[-1][0]]

    def connection_pattern(self, node):
        return [[False], [False]]

    def grad(self, inputs, gradients):
        return [DisconnectedType()(), DisconnectedType()()]


class CTCCost(Operation):
    """(y_pred, y_true, input_length, label_length) -> costs, a vector."""

    def make_node(self, *inputs):
        return Apply(self, list(inputs), [tensor_type(inputs[0].dtype, [False])()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = np.array([cost for cost, _ in ctc.costs(*inputs)]).reshape(-1).astype(inputs[0].dtype)

    def infer_shape(self, *arguments):
        return [(arguments[-1][0][0],)]

    def grad(self, inputs, gradients):
        return [CTCGradient()(gradients[0], *inputs)] + [DisconnectedType()() for _ in inputs[1:]]

    def connection_pattern(self, node):
        return [[True], [False], [False], [False]]


class CTCGradient(Operation):
    """The gradient of the costs, weighted, by y_pred: forward and backward probabilities of each place at each step."""

    def make_node(self, *inputs):
        return Apply(self, list(inputs), [tensor_type(inputs[1].dtype, [False] * 3)()])

    def perform(self, node, inputs, outputs):
        weights, y_pred = inputs[:2]
        found = np.zeros(y_pred.shape, 'float64')
        for row, (_, gradient), weight in zip(found, ctc.costs(*inputs[1:], gradient=True), weights):
            row[: len(gradient)] = gradient * weight
        outputs[0][0] = found.astype(y_pred.dtype)

    def infer_shape(self, *arguments):
        return [arguments[-1][1]]


class CTCDecode(Operation):
    """(y_pred, input_length) -> labels of each path, scores."""

    __props__ = ('greedy', 'beam_width', 'top_paths', 'merge_repeated')

    def __init__(self, greedy, beam_width, top_paths, merge_repeated):
        self.greedy, self.beam_width, self.top_paths = greedy, beam_width, top_paths
        self.merge_repeated = merge_repeated

    def make_node(self, y_pred, input_length):
        paths = 1 if self.greedy else self.top_paths
        made = [tensor_type('int64', [False] * 2)() for _ in range(paths)]
        return Apply(self, [y_pred, input_length], made + [tensor_type(y_pred.dtype, [False, paths == 1])()])

    def perform(self, node, inputs, outputs):
        options = {key: getattr(self, key) for key in self.__props__}
        paths, scores = ctc.decode(*inputs, **options)
        for cell, value in zip(outputs, list(paths) + [scores]):
            cell[0] = value
