"""Primitives: arithmetic, comparison, reduction, products.

Elementwise functions keep shape and dtype unless they say otherwise. Those of two arguments broadcast as NumPy does;
either argument may be a number, which takes the other's dtype.
"""

from abc import ABC, abstractmethod


class Math(ABC):
    """Elementwise functions, comparisons, reductions, products of matrices."""

    @abstractmethod
    def abs(self, x):
        """Absolute value."""

    @abstractmethod
    def exp(self, x):
        """Exponential. Floats."""

    @abstractmethod
    def log(self, x):
        """Natural logarithm. Floats; -inf at 0, nan below."""

    @abstractmethod
    def sqrt(self, x):
        """Square root. Floats; a negative element counts as 0."""

    @abstractmethod
    def square(self, x):
        """Square."""

    @abstractmethod
    def sign(self, x):
        """-1, 0 or 1 by the element's sign."""

    @abstractmethod
    def round(self, x):
        """The nearest integer, the even one of two: 0.5 gives 0, 1.5 gives 2."""

    @abstractmethod
    def floor(self, x):
        """The greatest integer that is not greater. Floats, and stays float."""

    @abstractmethod
    def sin(self, x):
        """Sine of radians."""

    @abstractmethod
    def cos(self, x):
        """Cosine of radians."""

    @abstractmethod
    def tanh(self, x):
        """Hyperbolic tangent."""

    @abstractmethod
    def sigmoid(self, x):
        """The logistic function, 1 / (1 + exp(-x)), without overflow."""

    @abstractmethod
    def softplus(self, x):
        """log(1 + exp(x)), without overflow."""

    @abstractmethod
    def erf(self, x):
        """The Gauss error function. Floats."""

    @abstractmethod
    def pow(self, x, a):
        """`x` to the power `a`: tensors or numbers."""

    @abstractmethod
    def maximum(self, x, y):
        """The greater of each pair."""

    @abstractmethod
    def minimum(self, x, y):
        """The lesser of each pair."""

    @abstractmethod
    def equal(self, x, y):
        """Whether each pair is equal: bool tensor."""

    @abstractmethod
    def not_equal(self, x, y):
        """Whether each pair differs: bool tensor."""

    @abstractmethod
    def greater(self, x, y):
        """Whether x > y: bool tensor."""

    @abstractmethod
    def greater_equal(self, x, y):
        """Whether x >= y: bool tensor."""

    @abstractmethod
    def less(self, x, y):
        """Whether x < y: bool tensor."""

    @abstractmethod
    def less_equal(self, x, y):
        """Whether x <= y: bool tensor."""

    @abstractmethod
    def logical_and(self, x, y):
        """Whether both are true: bool tensors."""

    @abstractmethod
    def logical_or(self, x, y):
        """Whether either is true: bool tensors."""

    @abstractmethod
    def logical_not(self, x):
        """Whether it is false: bool tensor."""

    @abstractmethod
    def where(self, condition, x, y):
        """`x` where `condition`, a bool tensor, is true, else `y`; all three broadcast as NumPy does.

        Both are computed, and a gradient through the one not taken is 0 times its own: keep both finite.
        """

    @abstractmethod
    def sum(self, x, axis=None, keepdims=False):
        """Sum.

        Arguments:
            x: tensor; bool counts as 0 and 1 of dtype `floatx()`.
            axis: int, list or tuple of int, or None for all; negative counts from the end. So for every reduction.
            keepdims: bool, whether the axes stay, with length 1. So for every reduction.

        Returns:
            Tensor of the dtype of `x`.
        """

    @abstractmethod
    def prod(self, x, axis=None, keepdims=False):
        """Product; arguments and result as for `sum`."""

    @abstractmethod
    def max(self, x, axis=None, keepdims=False):
        """Greatest element; arguments and result as for `sum`."""

    @abstractmethod
    def min(self, x, axis=None, keepdims=False):
        """Least element; arguments and result as for `sum`."""

    @abstractmethod
    def any(self, x, axis=None, keepdims=False):
        """Whether any element is not 0: bool tensor; arguments as for `sum`."""

    @abstractmethod
    def all(self, x, axis=None, keepdims=False):
        """Whether no element is 0: bool tensor; arguments as for `sum`."""

    @abstractmethod
    def argmax(self, x, axis=-1):
        """Index of the greatest element along `axis`, the first of equals: int64 tensor without that axis."""

    @abstractmethod
    def argmin(self, x, axis=-1):
        """Index of the least element along `axis`, the first of equals: int64 tensor without that axis."""

    @abstractmethod
    def cumsum(self, x, axis=0):
        """Running sum along `axis`, of the shape of `x`."""

    @abstractmethod
    def cumprod(self, x, axis=0):
        """Running product along `axis`, of the shape of `x`."""

    @abstractmethod
    def dot(self, x, y):
        """Product over the last axis of `x` and the second-to-last of `y` (its only one, if it has one).

        Arguments:
            x: tensor (..., k); may be sparse, with 2 dimensions, where the backend supports that (result dense).
            y: tensor (..., k, n) or (k,).

        Returns:
            Tensor: the other dimensions of `x`, then those of `y`.

        >>> K.int_shape(K.dot(K.placeholder((2, 3, 4)), K.placeholder((5, 4, 6))))
        (2, 3, 5, 6)
        """

    @abstractmethod
    def matmul(self, x, y):
        """Product of matrices; the leading axes are a batch and broadcast, as in `numpy.matmul`.

        Arguments:
            x: tensor (..., m, k).
            y: tensor (..., k, n).

        Returns:
            Tensor (..., m, n).
        """

    @abstractmethod
    def cast(self, x, dtype):
        """`x` with dtype `dtype`, a string; floats to integers truncate, not 0 to bool is True.

        A NumPy array may be given, and becomes a tensor. A tensor of that dtype is returned as it is.
        """

    @abstractmethod
    def top_k(self, x, k, sorted=True):
        """The `k` greatest elements along the last axis.

        Arguments:
            x: tensor (..., n).
            k: int, at most n.
            sorted: bool; False lets the order be any.

        Returns:
            (values, indices): tensors (..., k), of the dtype of `x` and int32. Of equal elements the first come first.

        >>> values, indices = K.top_k(K.constant([3, 1, 2]), 2)
        >>> K.eval(values).tolist(), K.eval(indices).tolist()
        ([3.0, 2.0], [0, 2])
        """
