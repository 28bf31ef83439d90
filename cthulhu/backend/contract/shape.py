"""Primitives: making tensors of a shape, and moving elements about."""

from abc import ABC, abstractmethod


class Shape(ABC):
    """Constants, reshaping, joining, picking, padding."""

    @abstractmethod
    def reshape(self, x, shape):
        """The same elements in a new shape; one dimension may be -1, to be inferred. `shape`: a shape argument."""

    @abstractmethod
    def permute_dimensions(self, x, pattern):
        """The axes reordered: axis i of the result is axis `pattern[i]` of `x`. `pattern`: tuple or list of int."""

    @abstractmethod
    def concatenate(self, tensors, axis=-1):
        """A list of tensors joined along an axis that they have; all sparse, the result is sparse."""

    @abstractmethod
    def stack(self, x, axis=0):
        """A list of tensors of one shape, joined along a new axis."""

    @abstractmethod
    def tile(self, x, n):
        """`x` repeated end to end.

        Arguments:
            x: tensor.
            n: shape argument, the number of repetitions for each axis; an int is for the only axis.
        """

    @abstractmethod
    def expand_dims(self, x, axis=-1):
        """`x` with a new axis of length 1 at `axis`."""

    @abstractmethod
    def squeeze(self, x, axis):
        """`x` without the axis `axis`, which has length 1."""

    @abstractmethod
    def reverse(self, x, axes):
        """`x` with the order of elements reversed along `axes`: int, or list or tuple of int."""

    @abstractmethod
    def gather(self, reference, indices):
        """Elements of `reference` along its first axis.

        Arguments:
            reference: tensor (n, ...).
            indices: int tensor of any shape.

        Returns:
            Tensor: the shape of `indices`, then the rest of the shape of `reference`.

        >>> K.eval(K.gather(K.constant([[1, 2], [3, 4], [5, 6]]), K.constant([2, 0], dtype='int32'))).tolist()
        [[5.0, 6.0], [1.0, 2.0]]
        """

    @abstractmethod
    def slice(self, x, start, size):
        """A block of `x`.

        Arguments:
            x: tensor.
            start: shape argument, where the block begins along each axis.
            size: shape argument, its length along each axis; -1 for all that remains.
        """

    @abstractmethod
    def arange(self, start, stop=None, step=1, dtype='int32'):
        """Numbers from `start` up to, not including, `stop`: 1-D tensor. `arange(n)` starts at 0.

        Arguments:
            start, stop, step: numbers or scalar tensors.
            dtype: str; where it is the default and one of the numbers is a float, the numbers are float32.
        """

    @abstractmethod
    def zeros_like(self, x, dtype=None, name=None):
        """A tensor of zeros of the shape of `x`, and its dtype unless one is given."""

    @abstractmethod
    def ones_like(self, x, dtype=None, name=None):
        """A tensor of ones of the shape of `x`, and its dtype unless one is given."""

    @abstractmethod
    def fill(self, shape, value, dtype=None):
        """A tensor of one value everywhere.

        Arguments:
            shape: shape argument.
            value: number or scalar tensor.
            dtype: str, by default `floatx()`.
        """

    @abstractmethod
    def pad(self, x, paddings, value=0.0):
        """`x` with `value` around it.

        Arguments:
            x: tensor.
            paddings: a pair (before, after) of int for each axis.
            value: number.
        """
