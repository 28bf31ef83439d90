"""Primitives of `contract.shape`."""

import numpy as np
import tensorflow as tf

from cthulhu.backend import config
from cthulhu.backend.composed.methods import along
from cthulhu.backend.inference import dtypes
from cthulhu.backend.tensorflow.graph import v1_control_flow

v1 = tf.compat.v1


def shape_argument(shape):
    """A shape of ints and scalar tensors of any integer dtype, or a whole 1-D tensor, as TensorFlow takes it."""
    if isinstance(shape, (tf.Tensor, tf.Variable)):
        return shape if shape.dtype.base_dtype in (tf.int32, tf.int64) else tf.cast(shape, tf.int32)
    if isinstance(shape, (int, np.integer)):
        return [int(shape)]
    sizes = [n.value if isinstance(n, v1.Dimension) else n for n in shape]
    if any(tf.is_tensor(n) for n in sizes):
        return tf.stack([tf.cast(n, tf.int32) for n in sizes])
    return np.asarray(sizes, 'int32') if sizes else np.zeros(0, 'int32')


class Shape:
    """Making, reshaping, joining and picking."""

    def reshape(self, x, shape):
        return tf.reshape(self._tensor(x), shape_argument(shape))

    def permute_dimensions(self, x, pattern):
        return tf.transpose(self._tensor(x), pattern)

    def concatenate(self, tensors, axis=-1):
        tensors = [self._tensor(x) for x in tensors]
        if all(isinstance(x, tf.SparseTensor) for x in tensors):
            rank = tensors[0].shape.rank
            return tf.sparse.concat(axis % rank if rank else axis, tensors)
        return tf.concat([self.to_dense(x) for x in tensors], axis)

    def _split(self, x, count, axis, size):
        return tf.split(self._tensor(x), count, axis)

    def stack(self, x, axis=0):
        return tf.stack([self._tensor(item) for item in x], axis)

    def tile(self, x, n):
        return tf.tile(self._tensor(x), shape_argument(n))

    expand_dims = along(tf.expand_dims, -1)

    def squeeze(self, x, axis):
        return tf.squeeze(self._tensor(x), [axis])

    def reverse(self, x, axes):
        return tf.reverse(self._tensor(x), list(axes) if isinstance(axes, (list, tuple)) else [axes])

    def gather(self, reference, indices):
        return tf.gather(self._tensor(reference), self._tensor(indices))

    def slice(self, x, start, size):
        return tf.slice(self._tensor(x), shape_argument(start), shape_argument(size))

    def one_hot(self, indices, num_classes):
        return tf.one_hot(self._tensor(indices), num_classes, dtype=config.floatx())

    def arange(self, start, stop=None, step=1, dtype='int32'):
        start, stop = (0, start) if stop is None else (start, stop)
        dtype = dtypes.of_range(dtype, start, stop, step)
        if not any(tf.is_tensor(n) for n in (start, stop, step)):
            return tf.constant(np.arange(start, stop, step), dtype)
        return tf.cast(tf.range(start, stop, step), dtype)

    def _filled(self, shape, value, dtype, name):
        filled = self.fill(shape, value, dtype)
        known = filled.shape.is_fully_defined()
        return self.variable(filled, dtype, name) if known else tf.identity(filled, name=name)

    def zeros_like(self, x, dtype=None, name=None):
        return tf.zeros_like(self.to_dense(self._tensor(x)), dtype=dtype, name=name)

    def ones_like(self, x, dtype=None, name=None):
        return tf.ones_like(self.to_dense(self._tensor(x)), dtype=dtype, name=name)

    def fill(self, shape, value, dtype=None):
        return tf.fill(shape_argument(shape), tf.cast(value, dtype or config.floatx()))

    def pad(self, x, paddings, value=0.0):
        x = self._tensor(x)
        return tf.pad(x, paddings, constant_values=tf.cast(value, x.dtype))

    def _choose(self, condition, then_expression, else_expression):
        x, y, condition = then_expression, else_expression, tf.cast(condition, tf.bool)
        if not callable(x) and not callable(y):
            x, y = self._pair(x, y)
        graph = self._graph
        given = [e for e in (x, y) if isinstance(e, tf.Tensor) and e.graph is graph]
        switched = {}
        if len(given) == 1 and v1.get_default_graph() is graph and graph._get_control_flow_context() is None:
            # What the other branch takes too comes to both by one operation. By one for each, the gradient adds up zeros for the branch that is not taken.
            with graph.colocate_with(given[0].op):
                switched[given[0].name] = tf.raw_ops.Switch(data=given[0], pred=condition)

        def made(expression, side):
            context = graph._get_control_flow_context()
            for name, outputs in switched.items():
                context.AddName(name)
                context._external_values[name] = outputs[side]
            # A tensor that is given was made outside; in a function it is made inside, and only run if it is needed.
            return tf.identity(self._tensor(expression() if callable(expression) else expression))

        with v1_control_flow:
            return v1.cond(condition, lambda: made(x, 1), lambda: made(y, 0))
