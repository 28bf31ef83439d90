"""Composed: activations, reductions and products that are formulas over the primitives."""

import numbers

import numpy as np

from cthulhu.backend import config, shapes
from cthulhu.backend.composed.einsum import Einsum
from cthulhu.backend.composed.methods import held
from cthulhu.backend.inference import dtypes


class Math(Einsum):
    """Clipping, activations, further reductions, batch-wise products."""

    def clip(self, x, min_value, max_value):
        """Elements below `min_value` or above `max_value` set to it.

        Arguments:
            x: tensor.
            min_value, max_value: numbers or tensors; None for no bound. Numbers in the wrong order count as
                `min_value`.

        >>> K.eval(K.clip(K.constant([-3.0, 0.5, 3.0]), 0, 1)).tolist()
        [0.0, 0.5, 1.0]
        """
        if isinstance(min_value, numbers.Number) and isinstance(max_value, numbers.Number):
            max_value = max(min_value, max_value)
        if max_value is not None:
            x = self.minimum(x, max_value)
        if min_value is not None:
            x = self.maximum(x, min_value)
        return x

    def relu(self, x, alpha=0.0, max_value=None, threshold=0.0):
        """The rectified linear unit: `max_value` from there on, x down to `threshold`, then alpha * (x - threshold).

        Arguments:
            x: tensor of floats.
            alpha: number or tensor, the slope below the threshold.
            max_value: number, the greatest value, or None.
            threshold: number; with alpha 0, everything below it is 0.
        """
        is_flat = isinstance(alpha, numbers.Number) and alpha == 0
        below, above = 0.0 if is_flat else alpha * (x - threshold), x
        if max_value is not None:
            above = self.where(self.greater_equal(x, max_value), max_value, x)
            above = self.maximum(above, 0.0) if threshold < 0 else above
        # Chosen, not the greater of two: at a kink the slope is that of the flat side, as most fast kernels have it. NaN is not below.
        return self.where(self.less_equal(x, threshold), below, above)

    def elu(self, x, alpha=1.0):
        """The exponential linear unit: x where it is above 0, else alpha * (exp(x) - 1).

        Arguments:
            x: tensor of floats.
            alpha: number.

        Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2015.
        """
        # exp is kept from overflowing in the branch that is not taken: its gradient would be 0 * inf.
        return self.where(self.greater(x, 0.0), x, alpha * (self.exp(self.minimum(x, 0.0)) - 1.0))

    def hard_sigmoid(self, x):
        """A sigmoid of straight lines: 0 below -2.5, 1 above 2.5, 0.2 * x + 0.5 between."""
        return self.clip(0.2 * x + 0.5, 0.0, 1.0)

    def softsign(self, x):
        """X / (1 + |x|)."""
        return x / (self.abs(x) + 1.0)

    @held
    def mean(self, x, axis=None, keepdims=False):
        """Mean; arguments as for `sum`. Integers and bool are cast to `floatx()` first."""
        x = self._floats(x)
        total, dims = self.sum(x, axis, keepdims), self._dims(x)
        axes = range(len(dims)) if axis is None else axis if isinstance(axis, (list, tuple)) else [axis]
        count = self._product([dims[a] for a in axes])
        # Where the axes are of known length, a constant of the same dtype divides: no cast of a shape at run time.
        return total / (count if self._is_known(count) else self.cast(count, self.dtype(x)))

    @held
    def var(self, x, axis=None, keepdims=False):
        """Variance of the population (divided by N); arguments as for `mean`."""
        x = self._floats(x)
        return self.mean(self.square(x - self.mean(x, axis=axis, keepdims=True)), axis, keepdims)

    def std(self, x, axis=None, keepdims=False):
        """Standard deviation of the population; arguments as for `mean`."""
        return self.sqrt(self.var(x, axis=axis, keepdims=keepdims))

    def logsumexp(self, x, axis=None, keepdims=False):
        """log(sum(exp(x))), without overflow; arguments and result as for `sum`. Floats."""
        top = self.stop_gradient(self.max(x, axis=axis, keepdims=True))
        # Where all is -inf, or something is inf, there is nothing to subtract: inf - inf is nan.
        top = self.where(self.less(self.abs(top), np.inf), top, self.zeros_like(top))
        total = self.sum(self.exp(x - top), axis=axis, keepdims=keepdims)
        return self.log(total) + (top if keepdims else self.sum(top, axis=axis))

    def l2_normalize(self, x, axis=None):
        """`x` divided by its Euclidean length along `axis` (None: all axes); lengths below 1e-6 count as that."""
        return x / self.sqrt(self.maximum(self.sum(self.square(x), axis=axis, keepdims=True), 1e-12))

    def transpose(self, x):
        """`x` with its axes in the opposite order; for a matrix, the transposed matrix."""
        return self.permute_dimensions(x, tuple(range(self._rank(x)))[::-1])

    def size(self, x, name=None):
        """The number of elements of `x`: scalar int32 tensor."""
        return self.identity(self.prod(self.shape(x)), name=name)

    def batch_dot(self, x, y, axes=None):
        """The products of `x[i]` and `y[i]`, each summed over one axis, for every i of the batch.

        Arguments:
            x: tensor (batch, ...), 2 or more dimensions.
            y: tensor (batch, ...), 2 or more dimensions.
            axes: the axis to sum over: an int for both, or a pair of int; negative counts from the end, 0 is the batch
                and not allowed. None: the last of `x` with the second-to-last of `y` (its last, if it has 2
                dimensions).

        Returns:
            Tensor: the batch, the other axes of `x`, the other axes of `y`; (batch, 1) where there are none.

        Raises:
            ValueError: ranks, axes or lengths that do not fit.

        >>> x, y = K.placeholder((None, 3, 4)), K.placeholder((8, 4, 5))
        >>> K.int_shape(K.batch_dot(x, y))
        (8, 3, 5)
        >>> K.eval(K.batch_dot(K.constant([[1, 2], [3, 4]]), K.constant([[1, 1], [10, 10]]), axes=1)).tolist()
        [[3.0], [70.0]]
        """
        x_shape, y_shape = ((None,) * self._rank(t) if self.int_shape(t) is None else self.int_shape(t) for t in (x, y))
        i, j = shapes.batch_dot_axes(x_shape, y_shape, axes)
        x_dims, y_dims = self._dims(x), self._dims(y)
        batch = y_dims[0] if x_shape[0] is None else x_dims[0]
        x_rest, y_rest = x_dims[1:i] + x_dims[i + 1 :], y_dims[1:j] + y_dims[j + 1 :]
        summed = y_dims[j] if x_shape[i] is None else x_dims[i]
        if i != len(x_dims) - 1:
            x = self.permute_dimensions(x, [a for a in range(len(x_dims)) if a != i] + [i])
        if j != 1:
            y = self.permute_dimensions(y, [0, j] + [a for a in range(1, len(y_dims)) if a != j])
        if len(x_rest) != 1:
            x = self.reshape(x, [batch, self._product(x_rest), summed])
        if len(y_rest) != 1:
            y = self.reshape(y, [batch, summed, self._product(y_rest)])
        result = self.matmul(x, y)
        if len(x_rest) == len(y_rest) == 1:
            return result
        return self.reshape(result, [batch] + (x_rest + y_rest or [1]))

    def in_top_k(self, predictions, targets, k):
        """Whether the target's class is among the `k` with the highest predictions; classes level with the k-th count.

        Arguments:
            predictions: tensor of floats (batch, classes).
            targets: int tensor (batch,), classes.
            k: int.

        Returns:
            Bool tensor (batch,); False where the target's own prediction is not finite.

        >>> K.eval(K.in_top_k(K.constant([[0.1, 0.3, 0.6], [0.7, 0.2, 0.1]]), K.constant([1, 2], 'int32'), 2)).tolist()
        [True, False]
        """
        chosen = self.greater(self.one_hot(targets, self._dims(predictions)[1]), 0.5)
        # Not a product with the one-hot vector: 0 * inf is nan.
        own = self.sum(self.where(chosen, predictions, self.zeros_like(predictions)), axis=1, keepdims=True)
        above = self.sum(self.cast(self.greater(predictions, own), 'int32'), axis=1)
        finite = self.less(self.abs(own[:, 0]), np.inf)
        return self.logical_and(self.logical_and(self.less(above, k), finite), self.any(chosen, axis=1))

    def _floats(self, x):
        """`x`, with integers and bool as `floatx()`."""
        dtype = self.dtype(x)
        return x if dtypes.is_float(dtype) or dtype.startswith('complex') else self.cast(x, config.floatx())

    def _numbers(self, x):
        """`x`, with bool as `floatx()`."""
        return self.cast(x, config.floatx()) if self.dtype(x) == 'bool' else x

    def _bools(self, x):
        return x if self.dtype(x) == 'bool' else self.cast(x, 'bool')

    def _rank(self, x):
        rank = self.ndim(x)
        if rank is None:
            raise ValueError('The rank of a tensor must be known here. Give its placeholder a shape or an ndim.')
        return rank

    def _product(self, dims):
        """The product of dimensions: an int where all are ints."""
        known = 1
        unknown = [d for d in dims if not isinstance(d, numbers.Integral)]
        for d in dims:
            if isinstance(d, numbers.Integral):
                known *= int(d)
        for d in unknown:
            known = d * known
        return known
