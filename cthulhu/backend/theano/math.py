"""Primitives of `contract.math`."""

import numpy as np

from cthulhu.backend import config
from cthulhu.backend.composed.methods import along, binary, logical, reduction, unary
from cthulhu.backend.inference import dtypes
from cthulhu.backend.theano import tensors
from cthulhu.backend.theano.framework import T, argsort, round_half_to_even, sparse
from cthulhu.backend.theano.operations import MatMul


def _cumulated(operation):
    def of_own_dtype(x, axis):
        # In Python the framework gives wide integers for narrow ones, whatever the type of its result says.
        wide = {'i': 'int64', 'u': 'uint64'}.get(np.dtype(x.dtype).kind, x.dtype)
        return T.cast(operation(T.cast(x, wide), axis % x.ndim), x.dtype)

    return of_own_dtype


class Math:
    """Elementwise functions, comparisons, reductions, products."""

    # What the operators of tensors call.

    add = binary(T.add)
    subtract = binary(T.sub)
    multiply = binary(T.mul)
    floor_divide = binary(T.int_div)
    mod = binary(T.mod)
    negative = unary(T.neg)

    def divide(self, x, y):
        x, y = self._pair(x, y)
        return T.true_div(self._floats(x), self._floats(y))

    # The contract.

    abs = unary(T.abs_ if hasattr(T, 'abs_') else T.abs)
    exp = unary(T.exp, 'floats')
    log = unary(T.log, 'floats')
    square = unary(T.sqr)
    sign = unary(T.sgn if hasattr(T, 'sgn') else T.sign)
    round = unary(round_half_to_even)
    floor = unary(T.floor, 'floats')
    sin = unary(T.sin, 'floats')
    cos = unary(T.cos, 'floats')
    tanh = unary(T.tanh, 'floats')
    erf = unary(T.erf, 'floats')

    def sqrt(self, x):
        x = self._floats(self._tensor(x))
        return T.sqrt(T.maximum(x, self._constant(0, x.dtype)))

    def sigmoid(self, x):
        x = self._floats(self._tensor(x))
        y = T.sigmoid(x) if hasattr(T, 'sigmoid') else T.nnet.sigmoid(x)
        y._cthulhu_logits = 'sigmoid', x
        return y

    softplus = unary(T.softplus if hasattr(T, 'softplus') else T.nnet.softplus, 'floats')

    def pow(self, x, a):
        return T.pow(*self._pair(x, a))

    maximum = binary(T.maximum)
    minimum = binary(T.minimum)
    equal = binary(T.eq)
    not_equal = binary(T.neq)
    greater = binary(T.gt)
    greater_equal = binary(T.ge)
    less = binary(T.lt)
    less_equal = binary(T.le)

    logical_and = logical(T.and_)
    logical_or = logical(T.or_)
    logical_not = unary(T.invert, 'bools')

    def where(self, condition, x, y):
        return T.switch(self._bools(self._tensor(condition)), *self._pair(x, y))

    def _pair(self, x, y):
        """Two operands as tensors of one dtype."""
        dtype = tensors.pair_dtype(x, y, config.floatx())
        return self._tensor(x, dtype), self._tensor(y, dtype)

    # Of narrow integers the framework's own would be wide.
    sum = reduction(lambda x, **options: T.sum(x, dtype=x.dtype, **options), 'numbers')
    prod = reduction(lambda x, **options: T.prod(x, dtype=x.dtype, **options), 'numbers')
    max = reduction(T.max, 'numbers')
    min = reduction(T.min, 'numbers')
    any = reduction(T.any, 'bools')
    all = reduction(T.all, 'bools')

    argmax = along(lambda x, axis: T.cast(T.argmax(x, axis), 'int64'), -1, 'numbers')
    argmin = along(lambda x, axis: T.cast(T.argmin(x, axis), 'int64'), -1, 'numbers')
    cumsum = along(_cumulated(T.cumsum), 0)
    cumprod = along(_cumulated(T.cumprod), 0)

    def dot(self, x, y):
        x, y = self._pair(x, y)
        if tensors.is_sparse(x) or tensors.is_sparse(y):
            return sparse.dot(x, y)
        if x.ndim <= 2 and y.ndim <= 2 or not x.ndim or not y.ndim:
            return T.dot(x, y)
        if y.ndim == 2:
            dims = self._dims(x)
            flat = T.dot(self.reshape(x, [-1, dims[-1]]), y)
            return self.reshape(flat, dims[:-1] + self._dims(y)[1:])
        return T.tensordot(x, y, axes=[[x.ndim - 1], [max(y.ndim - 2, 0)]])

    def matmul(self, x, y):
        x, y = self._pair(x, y)
        if x.ndim < 2 or y.ndim < 2 or x.ndim == y.ndim == 2:
            return self.dot(x, y)
        rank = max(x.ndim, y.ndim)
        x, y = (tensors.note(T.shape_padleft(one, rank - one.ndim)) if one.ndim < rank else one for one in (x, y))
        return MatMul()(x, y)

    def cast(self, x, dtype):
        dtype = dtypes.name(dtype)
        return x if self.is_tensor(x) and x.dtype == dtype else self._cast(x, dtype)

    def _cast(self, x, dtype):
        x = self._tensor(x)
        if tensors.is_sparse(x):
            return sparse.cast(x, dtype)
        if dtype == 'bool':
            return T.neq(x, 0)
        if x.dtype == dtype:
            return self.identity(x)
        return T.cast(x, dtype)

    def top_k(self, x, k, sorted=True):
        x = self._tensor(x)
        signed = self.cast(x, 'int64') if not dtypes.is_float(x.dtype) else x
        order = argsort(-signed, axis=-1)[..., :k]
        flat = self.reshape(x, [-1, self._dims(x)[-1]])
        chosen = self.reshape(order, [-1, k])
        rows = T.arange(flat.shape[0]).dimshuffle(0, 'x')
        values = self.reshape(flat[rows, chosen], self._dims(x)[:-1] + [k])
        return values, T.cast(order, 'int32')

    def _logits_of(self, output, activation):
        kind, logits = getattr(output, '_cthulhu_logits', (None, None))
        return logits if kind == activation else None

    def softmax(self, x, axis=-1):
        x = self._floats(self._tensor(x))
        y = super().softmax(x, axis)
        if axis in (-1, x.ndim - 1):
            y._cthulhu_logits = 'softmax', x
        return y
