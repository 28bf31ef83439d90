"""Random draws: each from a generator of its own, seeded with the operation's seed and how often it ran before."""

import numpy as np

from cthulhu.backend.numpy.primitive import integers, primitive


def _generator(seed, keys):
    return np.random.RandomState([seed % 2**32] + [int(key) % 2**32 for key in keys])


class NumPyRandom:
    @primitive
    def draw_uniform(self, shape, minval, maxval, dtype, seed, keys):
        generator, shape = _generator(seed, keys), integers(shape)
        if np.dtype(dtype).kind in 'iu':
            return generator.randint(minval, maxval, shape).astype(dtype)
        drawn = generator.uniform(minval, maxval, shape).astype(dtype)
        # Rounding to fewer digits may reach the upper bound, which is not in the interval.
        below = np.nextafter(np.asarray(maxval, dtype), np.asarray(minval, dtype))
        return np.where(drawn >= np.asarray(maxval, dtype), below, drawn)

    @primitive
    def draw_normal(self, shape, mean, stddev, dtype, seed, keys):
        drawn = _generator(seed, keys).standard_normal(integers(shape))
        return (mean + stddev * drawn).astype(dtype)

    @primitive
    def draw_truncated(self, shape, mean, stddev, dtype, seed, keys):
        generator = _generator(seed, keys)
        drawn = np.asarray(generator.standard_normal(integers(shape)))
        far = np.abs(drawn) > 2
        while far.any():
            drawn[far] = generator.standard_normal(int(far.sum()))
            far = np.abs(drawn) > 2
        return (mean + stddev * drawn).astype(dtype)
