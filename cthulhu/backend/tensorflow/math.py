"""Primitives of `contract.math`."""

import tensorflow as tf

from cthulhu.backend import config
from cthulhu.backend.composed.methods import along, binary, held, logical, reduction, unary
from cthulhu.backend.inference import dtypes

try:
    from tensorflow.python.util import _pywrap_util_port as util_port
except ImportError:  # it is not public
    util_port = None


class Math:
    """Elementwise functions, comparisons, reductions, products."""

    abs = unary(tf.abs)
    exp = unary(tf.exp)
    log = unary(tf.math.log)
    square = unary(tf.square)
    sign = unary(tf.sign)
    round = unary(tf.round)
    floor = unary(tf.floor)
    sin = unary(tf.sin)
    cos = unary(tf.cos)
    tanh = unary(tf.tanh)
    sigmoid = unary(tf.sigmoid)
    softplus = unary(tf.math.softplus)
    softsign = unary(tf.nn.softsign)
    erf = unary(tf.math.erf)

    sqrt = unary(lambda x: tf.sqrt(tf.maximum(x, 0)))

    def pow(self, x, a):
        return tf.pow(*self._pair(x, a))

    multiply_no_nan = binary(tf.math.multiply_no_nan)
    _kept_by_product = True  # a select that broadcasts takes twice as long
    maximum = binary(tf.maximum)
    minimum = binary(tf.minimum)
    equal = binary(tf.equal)
    not_equal = binary(tf.not_equal)
    greater = binary(tf.greater)
    greater_equal = binary(tf.greater_equal)
    less = binary(tf.less)
    less_equal = binary(tf.less_equal)

    logical_and = logical(tf.logical_and)
    logical_or = logical(tf.logical_or)
    logical_not = unary(tf.logical_not, 'bools')

    def where(self, condition, x, y):
        return tf.where(self._bools(self._tensor(condition)), *self._pair(x, y))

    def _pair(self, x, y):
        """Two operands as tensors: data takes the dtype of the other one, unless that would cut off fractions."""
        if self.is_tensor(x) and not self.is_tensor(y):
            x = self._with_room_for(y, x)
            return x, self._tensor(y, like=x)
        if self.is_tensor(y) and not self.is_tensor(x):
            y = self._with_room_for(x, y)
            return self._tensor(x, like=y), y
        if self.is_tensor(x):
            return x, y
        x, y = self._tensor(x), self._tensor(y)
        if x.dtype != y.dtype:
            common = tf.as_dtype(x.dtype.as_numpy_dtype) if x.dtype.is_floating else y.dtype
            return tf.cast(x, common), tf.cast(y, common)
        return x, y

    def _with_room_for(self, data, x):
        """A tensor as floats where it is of whole numbers, and what it meets is not."""
        found = dtypes.weak(data, x, config.floatx())
        return self.cast(x, found) if dtypes.is_float(found) and not x.dtype.is_floating else x

    sum = reduction(tf.reduce_sum, 'numbers')
    prod = reduction(tf.reduce_prod, 'numbers')
    max = reduction(tf.reduce_max, 'numbers')
    min = reduction(tf.reduce_min, 'numbers')
    mean = held(reduction(tf.reduce_mean, 'floats'))
    any = reduction(tf.reduce_any, 'bools')
    all = reduction(tf.reduce_all, 'bools')
    var = held(reduction(tf.math.reduce_variance, 'floats'))

    def size(self, x, name=None):
        return tf.size(self._tensor(x), name=name)

    argmax = along(tf.argmax, -1)
    argmin = along(tf.argmin, -1)
    cumsum = along(tf.cumsum, 0)
    cumprod = along(tf.math.cumprod, 0)

    def dot(self, x, y):
        x, y = self._pair(x, y)
        if isinstance(x, tf.SparseTensor):
            return tf.sparse.sparse_dense_matmul(x, y)
        if isinstance(y, tf.SparseTensor):
            # (x y) = (y' x')'
            return tf.transpose(tf.sparse.sparse_dense_matmul(tf.sparse.transpose(y), x, adjoint_b=True))
        if x.shape.rank == 2 and y.shape.rank == 2:
            return tf.matmul(x, y)
        return tf.tensordot(x, y, [[self._rank(x) - 1], [max(self._rank(y) - 2, 0)]])

    matmul = binary(tf.matmul)

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
            return tf.nn.leaky_relu(x, alpha) if alpha else _relu(x)
        if threshold == 0 and max_value == 6 and isinstance(alpha, (int, float)) and not alpha:
            return _relu(x, 6)
        return super().relu(x, alpha, max_value, threshold)

    def elu(self, x, alpha=1.0):
        x = self._tensor(x)
        return tf.nn.elu(x) if isinstance(alpha, (int, float)) and alpha == 1 else super().elu(x, alpha)

    logsumexp = reduction(tf.reduce_logsumexp)

    def top_k(self, x, k, sorted=True):
        return tuple(tf.math.top_k(self._tensor(x), k, sorted=sorted))


# -- relu and NaN ------------------------------------------------------------------------------------------


def _relu_hides_nan():
    """Whether the graph optimiser makes kernels that give 0 for the relu of NaN: those of oneDNN do, on processors that TensorFlow uses it on.

    It joins a product, a bias and a relu to one kernel, and the loss would look well while every weight of the layers below is lost. Trying it out would take a
    session, and the first one of a process settles how many threads all have.
    """
    return util_port is None or util_port.IsMklEnabled()


@tf.RegisterGradient('CthulhuRelu')
def _relu_gradient(op, gradient):
    return tf.raw_ops.ReluGrad(gradients=gradient, features=op.outputs[0]), None


@tf.RegisterGradient('CthulhuRelu6')
def _relu6_gradient(op, gradient):
    return tf.raw_ops.Relu6Grad(gradients=gradient, features=op.outputs[0]), None, None


def _relu(x, max_value=None):
    """The relu, or relu6; where it would hide NaN, in operations that the graph optimiser leaves alone, with the gradient of the relu.

    A convolution of images stays one kernel with its relu: apart they take 2 to 5 % longer.
    """
    of_images = x.op.type == 'BiasAdd' and x.op.inputs[0].op.type == 'Conv2D'
    if of_images and not max_value or not _relu_hides_nan():
        return tf.nn.relu6(x) if max_value else tf.nn.relu(x)
    zero = tf.zeros((), x.dtype)
    if max_value:
        with x.graph.gradient_override_map({'ClipByValue': 'CthulhuRelu6'}):
            return tf.raw_ops.ClipByValue(t=x, clip_value_min=zero, clip_value_max=zero + max_value)
    with x.graph.gradient_override_map({'Maximum': 'CthulhuRelu'}):
        return tf.raw_ops.Maximum(x=x, y=zero)
