"""Arithmetic, comparison, reduction, products."""

import numpy as np
import scipy.sparse
import scipy.special

from cthulhu.backend import config
from cthulhu.backend.deferred import Symbol
from cthulhu.backend.inference import dtypes
from cthulhu.backend.numpy.primitive import always, array, axes, floats, pair, primitive


def _numbers(x):
    """Bool counts as 0 and 1."""
    x = array(x)
    return x.astype(config.floatx()) if x.dtype == bool else x


class NumPyMath:
    # What the operators of Symbols call.

    @pair
    def add(self, x, y):
        return np.add(x, y)

    @pair
    def subtract(self, x, y):
        return np.subtract(x, y)

    @pair
    def multiply(self, x, y):
        return np.multiply(x, y)

    @pair
    def divide(self, x, y):
        with np.errstate(divide='ignore', invalid='ignore'):
            return np.divide(floats(x), floats(y))

    @pair
    def floor_divide(self, x, y):
        with np.errstate(divide='ignore', invalid='ignore'):
            return np.floor_divide(x, y)

    @pair
    def mod(self, x, y):
        with np.errstate(divide='ignore', invalid='ignore'):
            return np.mod(x, y)

    @primitive
    def negative(self, x):
        return np.negative(array(x))

    # The contract.

    @primitive
    def abs(self, x):
        return np.abs(array(x))

    @primitive
    def exp(self, x):
        with np.errstate(over='ignore'):
            return np.exp(floats(x))

    @primitive
    def log(self, x):
        with np.errstate(divide='ignore', invalid='ignore'):
            return np.log(floats(x))

    @primitive
    def sqrt(self, x):
        x = floats(x)
        # Older NumPy makes float64 of a float32 without dimensions beside a Python number, so the zero is an array.
        return np.sqrt(np.maximum(x, np.zeros_like(x)))

    @primitive
    def square(self, x):
        return np.square(array(x))

    @primitive
    def sign(self, x):
        return np.sign(array(x))

    @primitive
    def round(self, x):
        return np.round(array(x))

    @primitive
    def floor(self, x):
        return np.floor(floats(x))

    @primitive
    def sin(self, x):
        return np.sin(floats(x))

    @primitive
    def cos(self, x):
        return np.cos(floats(x))

    @primitive
    def tanh(self, x):
        return np.tanh(floats(x))

    @primitive
    def sigmoid(self, x):
        x = floats(x)
        return scipy.special.expit(x).astype(x.dtype)

    @primitive
    def softplus(self, x):
        x = floats(x)
        return np.logaddexp(x, np.zeros_like(x))

    @primitive
    def erf(self, x):
        x = floats(x)
        return scipy.special.erf(x).astype(x.dtype)

    @pair
    def pow(self, x, a):
        with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
            return np.power(x, a)

    @pair
    def maximum(self, x, y):
        return np.maximum(x, y)

    @pair
    def minimum(self, x, y):
        return np.minimum(x, y)

    @pair
    def equal(self, x, y):
        return np.equal(x, y)

    @pair
    def not_equal(self, x, y):
        return np.not_equal(x, y)

    @pair
    def greater(self, x, y):
        return np.greater(x, y)

    @pair
    def greater_equal(self, x, y):
        return np.greater_equal(x, y)

    @pair
    def less(self, x, y):
        return np.less(x, y)

    @pair
    def less_equal(self, x, y):
        return np.less_equal(x, y)

    @pair
    def logical_and(self, x, y):
        return np.logical_and(x, y)

    @pair
    def logical_or(self, x, y):
        return np.logical_or(x, y)

    @primitive
    def logical_not(self, x):
        return np.logical_not(array(x))

    @primitive
    def where(self, condition, x, y):
        dtype = dtypes.pair(x, y, config.floatx())
        return np.where(array(condition), array(x).astype(dtype, copy=False), array(y).astype(dtype, copy=False))

    @primitive
    def sum(self, x, axis=None, keepdims=False):
        x = _numbers(x)
        return np.sum(x, axis=axes(axis), keepdims=keepdims, dtype=x.dtype)

    @primitive
    def prod(self, x, axis=None, keepdims=False):
        x = _numbers(x)
        return np.prod(x, axis=axes(axis), keepdims=keepdims, dtype=x.dtype)

    @primitive
    def max(self, x, axis=None, keepdims=False):
        return np.max(_numbers(x), axis=axes(axis), keepdims=keepdims)

    @primitive
    def min(self, x, axis=None, keepdims=False):
        return np.min(_numbers(x), axis=axes(axis), keepdims=keepdims)

    @primitive
    def mean(self, x, axis=None, keepdims=False):
        return np.mean(floats(x), axis=axes(axis), keepdims=keepdims)

    @primitive
    def var(self, x, axis=None, keepdims=False):
        return np.var(floats(x), axis=axes(axis), keepdims=keepdims)

    @primitive
    def any(self, x, axis=None, keepdims=False):
        return np.any(array(x) != 0, axis=axes(axis), keepdims=keepdims)

    @primitive
    def all(self, x, axis=None, keepdims=False):
        return np.all(array(x) != 0, axis=axes(axis), keepdims=keepdims)

    @primitive
    def argmax(self, x, axis=-1):
        return np.argmax(array(x), axis=axis).astype('int64')

    @primitive
    def argmin(self, x, axis=-1):
        return np.argmin(array(x), axis=axis).astype('int64')

    @primitive
    def cumsum(self, x, axis=0):
        x = array(x)
        return np.cumsum(x, axis=axis, dtype=x.dtype)

    @primitive
    def cumprod(self, x, axis=0):
        x = array(x)
        return np.cumprod(x, axis=axis, dtype=x.dtype)

    @primitive
    def dot(self, x, y):
        if scipy.sparse.issparse(x):
            return np.asarray(x.dot(array(y)))
        if scipy.sparse.issparse(y):
            return np.asarray(y.T.dot(array(x).T).T)
        return np.dot(array(x), array(y))

    @pair
    def matmul(self, x, y):
        return np.matmul(x, y)

    def cast(self, x, dtype):
        return x if isinstance(x, Symbol) and x.dtype == dtypes.name(dtype) else self._cast(x, dtype)

    @always
    def _cast(self, x, dtype):
        return x.astype(dtype) if scipy.sparse.issparse(x) else array(x).astype(dtype, copy=False)

    @primitive
    def top_k(self, x, k, sorted=True):
        x = array(x)
        # Sorting backwards puts the first of equals last, so that it comes first when the order is turned round.
        order = np.argsort(x[..., ::-1], axis=-1, kind='mergesort')[..., ::-1]
        indices = x.shape[-1] - 1 - order[..., : int(k)]
        return np.take_along_axis(x, indices, axis=-1), indices.astype('int32')
