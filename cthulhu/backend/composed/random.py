"""Composed: draws made from the three primitive distributions, and variables that begin with drawn values."""

import numpy as np

from cthulhu.backend import config
from cthulhu.backend.composed import draws
from cthulhu.backend.inference.dtypes import is_float


def _generator(seed):
    return np.random.RandomState(np.random.randint(10e6) if seed is None else seed)


class Random:
    """Binomial draws, dropout, variables with random first values."""

    def random_binomial(self, shape, p=0.0, dtype=None, seed=None):
        """Draws of 1 with probability `p`, else 0.

        Arguments:
            shape: shape argument.
            p: number or scalar tensor from 0 to 1.
            dtype: str, by default `floatx()`.
            seed: int or None, as for `random_uniform`.

        Returns:
            Tensor.
        """
        return self.cast(self.less(self.random_uniform(shape, seed=seed), p), dtype or config.floatx())

    def random_uniform_variable(self, shape, low, high, dtype=None, name=None, seed=None):
        """A variable that begins with draws from the uniform distribution on [low, high).

        Arguments:
            shape: tuple of int.
            low, high: numbers.
            dtype: str, by default `floatx()`.
            name: str or None.
            seed: int, or None to draw one from NumPy's global generator.
        """
        dtype = dtype or config.floatx()
        draws.check_uniform('random_uniform_variable', dtype, low, high)
        generator, shape = _generator(seed), tuple(shape)
        drawn = generator.uniform(low, high, shape) if is_float(dtype) else generator.randint(low, high, shape, dtype)
        return self.variable(drawn, dtype=dtype, name=name)

    def random_normal_variable(self, shape, mean, scale, dtype=None, name=None, seed=None):
        """A variable that begins with draws from the normal distribution of mean `mean` and standard deviation `scale`.

        The other arguments are those of `random_uniform_variable`.
        """
        draws.check_bell('random_normal_variable', dtype)
        return self.variable(_generator(seed).normal(mean, scale, tuple(shape)), dtype=dtype, name=name)

    def dropout(self, x, level, noise_shape=None, seed=None):
        """Sets a random part of the elements to 0, and divides the rest by 1 - `level`, which keeps the expected sum.

        Arguments:
            x: tensor of floats.
            level: number from 0 up to, not including, 1 (or a scalar tensor): the part to set to 0.
            noise_shape: tuple that broadcasts to the shape of `x`: an axis of length 1 is kept or dropped as a whole;
                None in it stands for the length in `x`. None: every element by itself.
            seed: int or None, as for `random_uniform`.

        Returns:
            Tensor of the shape and dtype of `x`.

        Raises:
            ValueError: `level` is a number outside [0, 1).

        Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014.
        """
        if not self.is_tensor(level) and not 0 <= level < 1:
            raise ValueError(f'level: expected a number from 0 up to, not including, 1, got {level!r}.')
        if noise_shape is None:
            noise_shape = self._dims(x)
        elif isinstance(noise_shape, (list, tuple)) and None in noise_shape:
            noise_shape = [m if n is None else n for m, n in zip(self._dims(x), noise_shape)]
        dtype = self.dtype(x)
        # What is kept is scaled, not the product with it: that has a gradient, of which one operation is less.
        return x * (self.cast(self._draw_mask(noise_shape, level, dtype, seed), dtype) / (1.0 - level))

    def _draw_mask(self, shape, level, dtype, seed):
        """Bool tensor of a shape, each element True with probability 1 - `level`, for tensors of a dtype."""
        return self.greater_equal(self.random_uniform(shape, dtype=dtype, seed=seed), level)

    def set_framework_seed(self, seed):
        """Seed (int) the framework's own generators, for random operations that the user writes with it.

        The functions of this backend draw by NumPy's generator, and a framework without generators has none to seed.
        """
