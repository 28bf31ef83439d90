"""Primitives of `contract.math`."""

import tensorflow as tf

from cthulhu.backend import config


def _unary(operation):
    def method(self, x):
        return operation(self._tensor(x))

    return method


def _binary(operation):
    def method(self, x, y):
        return operation(*self._pair(x, y))

    return method


def _reduction(operation, prepare=None):
    def method(self, x, axis=None, keepdims=False):
        x = self._tensor(x)
        return operation(x if prepare is None else prepare(x), axis=_axes(axis), keepdims=keepdims)

    return method


def _axes(axis):
    return list(axis) if isinstance(axis, (list, tuple)) else axis


def _number(x):
    return tf.cast(x, config.floatx()) if x.dtype.base_dtype == tf.bool else x


def _float(x):
    return x if x.dtype.is_floating or x.dtype.is_complex else tf.cast(x, config.floatx())


def _bool(x):
    return tf.cast(x, tf.bool)


class Math:
    """Elementwise functions, comparisons, reductions, products."""

    abs = _unary(tf.abs)
    exp = _unary(tf.exp)
    log = _unary(tf.math.log)
    square = _unary(tf.square)
    sign = _unary(tf.sign)
    round = _unary(tf.round)
    floor = _unary(tf.floor)
    sin = _unary(tf.sin)
    cos = _unary(tf.cos)
    tanh = _unary(tf.tanh)
    sigmoid = _unary(tf.sigmoid)
    softplus = _unary(tf.math.softplus)
    erf = _unary(tf.math.erf)

    def sqrt(self, x):
        x = self._tensor(x)
        return tf.sqrt(tf.maximum(x, tf.zeros((), x.dtype.base_dtype)))

    def pow(self, x, a):
        return tf.pow(*self._pair(x, a))

    maximum = _binary(tf.maximum)
    minimum = _binary(tf.minimum)
    equal = _binary(tf.equal)
    not_equal = _binary(tf.not_equal)
    greater = _binary(tf.greater)
    greater_equal = _binary(tf.greater_equal)
    less = _binary(tf.less)
    less_equal = _binary(tf.less_equal)

    def logical_and(self, x, y):
        return tf.logical_and(_bool(self._tensor(x)), _bool(self._tensor(y)))

    def logical_or(self, x, y):
        return tf.logical_or(_bool(self._tensor(x)), _bool(self._tensor(y)))

    def logical_not(self, x):
        return tf.logical_not(_bool(self._tensor(x)))

    def where(self, condition, x, y):
        return tf.where(_bool(self._tensor(condition)), *self._pair(x, y))

    def _pair(self, x, y):
        """Two operands as tensors: data takes the dtype of the other one."""
        if self.is_tensor(x):
            return x, self._tensor(y, like=x)
        if self.is_tensor(y):
            return self._tensor(x, like=y), y
        x, y = self._tensor(x), self._tensor(y)
        if x.dtype != y.dtype:
            common = tf.as_dtype(x.dtype.as_numpy_dtype) if x.dtype.is_floating else y.dtype
            return tf.cast(x, common), tf.cast(y, common)
        return x, y

    sum = _reduction(tf.reduce_sum, _number)
    prod = _reduction(tf.reduce_prod, _number)
    max = _reduction(tf.reduce_max, _number)
    min = _reduction(tf.reduce_min, _number)
    mean = _reduction(tf.reduce_mean, _float)
    any = _reduction(tf.reduce_any, _bool)
    all = _reduction(tf.reduce_all, _bool)
    var = _reduction(tf.math.reduce_variance, _float)

    def argmax(self, x, axis=-1):
        return tf.argmax(self._tensor(x), axis)

    def argmin(self, x, axis=-1):
        return tf.argmin(self._tensor(x), axis)

    def cumsum(self, x, axis=0):
        return tf.cumsum(self._tensor(x), axis)

    def cumprod(self, x, axis=0):
        return tf.math.cumprod(self._tensor(x), axis)

    def dot(self, x, y):
        x, y = self._pair(x, y)
        if isinstance(x, tf.SparseTensor):
            return tf.sparse.sparse_dense_matmul(x, y)
        if isinstance(y, tf.SparseTensor):
            # (x y) = (y' x')'
            return tf.transpose(tf.sparse.sparse_dense_matmul(tf.sparse.transpose(y), x, adjoint_b=True))
        if x.shape.rank == 2 and y.shape.rank == 2:
            return tf.matmul(x, y)
        if x.shape.rank is None or y.shape.rank is None:
            raise ValueError(
                f'dot: the ranks of x and y must be known, got shapes {x.shape} and {y.shape}. Give the placeholders an ndim.'
            )
        return tf.tensordot(x, y, [[x.shape.rank - 1], [max(y.shape.rank - 2, 0)]])

    def matmul(self, x, y):
        return tf.matmul(*self._pair(x, y))

    def cast(self, x, dtype):
        x = self._tensor(x)
        return x if x.dtype == tf.as_dtype(dtype) else tf.cast(x, dtype)

    def in_top_k(self, predictions, targets, k):
        if self.dtype(predictions) != 'float32' or not isinstance(k, int):
            return super().in_top_k(predictions, targets, k)
        targets = self._tensor(targets)
        targets = targets if targets.dtype.base_dtype in (tf.int32, tf.int64) else tf.cast(targets, tf.int64)
        return tf.math.in_top_k(targets, self._tensor(predictions), k)

    def relu(self, x, alpha=0.0, max_value=None, threshold=0.0):
        x = self._tensor(x)
        if threshold == 0 and max_value is None and isinstance(alpha, (int, float)):
            return tf.nn.leaky_relu(x, alpha) if alpha else tf.nn.relu(x)
        if threshold == 0 and max_value == 6 and isinstance(alpha, (int, float)) and not alpha:
            return tf.nn.relu6(x)
        return super().relu(x, alpha, max_value, threshold)

    def elu(self, x, alpha=1.0):
        x = self._tensor(x)
        return tf.nn.elu(x) if isinstance(alpha, (int, float)) and alpha == 1 else super().elu(x, alpha)

    def softsign(self, x):
        return tf.nn.softsign(self._tensor(x))

    def logsumexp(self, x, axis=None, keepdims=False):
        return tf.reduce_logsumexp(self._tensor(x), axis=_axes(axis), keepdims=keepdims)

    def size(self, x, name=None):
        return tf.size(x, name=name)

    def top_k(self, x, k, sorted=True):
        values, indices = tf.math.top_k(self._tensor(x), k, sorted=sorted)
        return values, indices
