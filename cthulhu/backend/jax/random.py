"""Random draws: functions of the operation's seed and of keys, the number of the run and the steps of loops, which the function is given."""

import jax
import jax.numpy as jnp
import numpy as np

from cthulhu.backend.jax.primitive import array, native
from cthulhu.backend.numpy.primitive import integers


def _key(seed, keys):
    key = jax.random.key(seed % 2**32)
    for one in keys:
        key = jax.random.fold_in(key, jnp.asarray(one).astype('uint32'))
    return key


def _is(value, number):
    return not isinstance(value, jax.Array) and value == number


class JAXRandom:
    @native
    def draw_uniform(self, shape, minval, maxval, dtype, seed, keys):
        key, shape = _key(seed, keys), integers(shape)
        if np.dtype(dtype).kind in 'iu':
            return jax.random.randint(key, shape, minval, maxval, dtype)
        drawn = jax.random.uniform(key, shape, dtype)
        if _is(minval, 0) and _is(maxval, 1):
            return drawn
        low, high = array(minval, dtype), array(maxval, dtype)
        drawn = low + drawn * (high - low)
        # Rounding may reach the upper bound, which is not in the interval.
        return jnp.where(drawn >= high, jnp.nextafter(high, low), drawn)

    @native
    def draw_normal(self, shape, mean, stddev, dtype, seed, keys):
        drawn = jax.random.normal(_key(seed, keys), integers(shape), dtype)
        return array(mean, dtype) + array(stddev, dtype) * drawn

    @native
    def draw_truncated(self, shape, mean, stddev, dtype, seed, keys):
        drawn = jax.random.truncated_normal(_key(seed, keys), -2, 2, integers(shape), dtype)
        return array(mean, dtype) + array(stddev, dtype) * drawn
