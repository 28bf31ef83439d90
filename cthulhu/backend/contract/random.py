"""Primitives: the three distributions that every other draw is made from.

`seed`: int, or None to draw one from NumPy's global generator when the operation is made, so that `numpy.random.seed`
repeats a whole program. What an operation draws is a function of its seed and of how many times it was run before,
where the framework allows it.
"""

from abc import ABC, abstractmethod


class Random(ABC):
    """Uniform, normal and truncated normal draws."""

    @abstractmethod
    def random_uniform(self, shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        """Draws from the uniform distribution on [minval, maxval).

        Arguments:
            shape: shape argument.
            minval, maxval: numbers or scalar tensors.
            dtype: str, by default `floatx()`; for an integer type the bounds are integers.
            seed: int or None.

        Returns:
            Tensor.
        """

    @abstractmethod
    def random_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        """Draws from a normal distribution; arguments and result as for `random_uniform`."""

    @abstractmethod
    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        """Draws from a normal distribution of which only what lies within two `stddev` of `mean` is kept."""

    @abstractmethod
    def random_step(self):
        """How many runs the counted draws of this thread have seen so far: what an operation draws depends on this minus its value when
        the operation was made.

        Returns:
            int.
        """

    @abstractmethod
    def set_random_step(self, step):
        """Go on as if `step` runs (int >= 0) had been made: how a resumed program repeats the draws of an uninterrupted one."""
