"""Primitives of `contract.math`."""

import numpy as np

from cthulhu.backend import config
from cthulhu.backend.inference import dtypes
from cthulhu.backend.theano import tensors
from cthulhu.backend.theano.framework import T, argsort, disconnected_grad, round_half_to_even, sparse
from cthulhu.backend.theano.operations import MatMul


def _unary(operation, floats=False):
    def method(self, x):
        x = self._tensor(x)
        return operation(self._floats(x) if floats else x)

    return method


def _binary(operation):
    def method(self, x, y):
        return operation(*self._pair(x, y))

    return method


def _reduction(operation):
    def method(self, x, axis=None, keepdims=False):
        return operation(self, self._tensor(x), _axes(axis), keepdims)

    return method


def _axes(axis):
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


def _bool(x):
    return x if x.dtype == 'bool' else T.neq(x, 0)


def _number(x):
    return T.cast(x, config.floatx()) if x.dtype == 'bool' else x


def _sum(self, x, axis, keepdims):
    x = _number(x)
    return T.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


def _prod(self, x, axis, keepdims):
    x = _number(x)
    return T.prod(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


def _mean(self, x, axis, keepdims):
    x = self._floats(x)
    # Where the axes are of known length, a constant of the same dtype divides: no cast of a shape at run time.
    shape = self.int_shape(x)
    lengths = [shape[a] for a in (range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,))]
    total = T.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype)
    if None in lengths:
        dims = self._dims(x)
        lengths = [dims[a] for a in (range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,))]
        return total / T.cast(self._product(lengths), x.dtype)
    return total / self._constant(self._product(lengths), x.dtype)


def _var(self, x, axis, keepdims):
    x = self._floats(x)
    centred = x - self.mean(x, axis=axis, keepdims=True)
    return _mean(self, T.sqr(centred), axis, keepdims)


def _any(self, x, axis, keepdims):
    return T.any(_bool(x), axis=axis, keepdims=keepdims)


def _all(self, x, axis, keepdims):
    return T.all(_bool(x), axis=axis, keepdims=keepdims)


class Math:
    """Elementwise functions, comparisons, reductions, products."""

    # What the operators of tensors call.

    add = _binary(T.add)
    subtract = _binary(T.sub)
    multiply = _binary(T.mul)
    floor_divide = _binary(T.int_div)
    mod = _binary(T.mod)
    negative = _unary(T.neg)

    def divide(self, x, y):
        x, y = self._pair(x, y)
        return T.true_div(self._floats(x), self._floats(y))

    # The contract.

    abs = _unary(T.abs_ if hasattr(T, 'abs_') else T.abs)
    exp = _unary(T.exp, floats=True)
    log = _unary(T.log, floats=True)
    square = _unary(T.sqr)
    sign = _unary(T.sgn if hasattr(T, 'sgn') else T.sign)
    round = _unary(round_half_to_even)
    floor = _unary(T.floor, floats=True)
    sin = _unary(T.sin, floats=True)
    cos = _unary(T.cos, floats=True)
    tanh = _unary(T.tanh, floats=True)
    erf = _unary(T.erf, floats=True)

    def sqrt(self, x):
        x = self._floats(self._tensor(x))
        return T.sqrt(T.maximum(x, self._constant(0, x.dtype)))

    def sigmoid(self, x):
        x = self._floats(self._tensor(x))
        y = T.sigmoid(x) if hasattr(T, 'sigmoid') else T.nnet.sigmoid(x)
        y._cthulhu_logits = 'sigmoid', x
        return y

    softplus = _unary(T.softplus if hasattr(T, 'softplus') else T.nnet.softplus, floats=True)

    def _sigmoid_crossentropy(self, target, logits):
        # The composed one takes |logits|, whose derivative is not right where they are 0: behind a row of dead units.
        return target * self.softplus(-logits) + (1.0 - target) * self.softplus(logits)

    def pow(self, x, a):
        return T.pow(*self._pair(x, a))

    maximum = _binary(T.maximum)
    minimum = _binary(T.minimum)
    equal = _binary(T.eq)
    not_equal = _binary(T.neq)
    greater = _binary(T.gt)
    greater_equal = _binary(T.ge)
    less = _binary(T.lt)
    less_equal = _binary(T.le)

    def logical_and(self, x, y):
        return T.and_(_bool(self._tensor(x)), _bool(self._tensor(y)))

    def logical_or(self, x, y):
        return T.or_(_bool(self._tensor(x)), _bool(self._tensor(y)))

    def logical_not(self, x):
        return T.invert(_bool(self._tensor(x)))

    def where(self, condition, x, y):
        return T.switch(_bool(self._tensor(condition)), *self._pair(x, y))

    def _pair(self, x, y):
        """Two operands as tensors of one dtype."""
        dtype = tensors.pair_dtype(x, y, config.floatx())
        return self._tensor(x, dtype), self._tensor(y, dtype)

    def _floats(self, x):
        return x if dtypes.is_float(x.dtype) else self.cast(x, config.floatx())

    sum = _reduction(_sum)
    prod = _reduction(_prod)
    max = _reduction(lambda self, x, axis, keepdims: T.max(_number(x), axis=axis, keepdims=keepdims))
    min = _reduction(lambda self, x, axis, keepdims: T.min(_number(x), axis=axis, keepdims=keepdims))
    mean = _reduction(_mean)
    var = _reduction(_var)
    any = _reduction(_any)
    all = _reduction(_all)

    def argmax(self, x, axis=-1):
        return T.cast(T.argmax(_number(self._tensor(x)), axis=axis), 'int64')

    def argmin(self, x, axis=-1):
        return T.cast(T.argmin(_number(self._tensor(x)), axis=axis), 'int64')

    def cumsum(self, x, axis=0):
        return self._cumulated(T.cumsum, x, axis)

    def cumprod(self, x, axis=0):
        return self._cumulated(T.cumprod, x, axis)

    def _cumulated(self, operation, x, axis):
        x = self._tensor(x)
        # In Python the framework gives wide integers for narrow ones, whatever the type of its result says.
        wide = {'i': 'int64', 'u': 'uint64'}.get(np.dtype(x.dtype).kind, x.dtype)
        return T.cast(operation(T.cast(x, wide), axis=axis % x.ndim), x.dtype)

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
            return _bool(x)
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

    def relu(self, x, alpha=0.0, max_value=None, threshold=0.0):
        if threshold == 0 and max_value is None and isinstance(alpha, (int, float)):
            # At 0 the slope is that below it, as it is where most fast kernels are.
            x = self._tensor(x)
            return self.where(self.greater(x, 0), x, x * float(alpha) if alpha else 0.0)
        return super().relu(x, alpha, max_value, threshold)

    def _logits_of(self, output, activation):
        kind, logits = getattr(output, '_cthulhu_logits', (None, None))
        return logits if kind == activation else None

    def softmax(self, x, axis=-1):
        x = self._floats(self._tensor(x))
        powers = T.exp(x - disconnected_grad(T.max(x, axis=axis, keepdims=True)))
        y = powers / T.sum(powers, axis=axis, keepdims=True, dtype=x.dtype)
        if axis in (-1, x.ndim - 1):
            y._cthulhu_logits = 'softmax', x
        return y

    def log_softmax(self, x, axis=-1):
        x = self._floats(self._tensor(x))
        x = x - disconnected_grad(T.max(x, axis=axis, keepdims=True))
        return x - T.log(T.sum(T.exp(x), axis=axis, keepdims=True, dtype=x.dtype))
