"""Primitives of `contract.random`: draws that are counted, and the same on Theano and PyTensor.

Each number is a hash of its place, the operation's seed, how many calls that draw came since the operation was made, and
the time in a loop, mixed as in SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014)
by elementwise operations, which the compiler makes one loop of. No generator's state goes from call to call but the count
of calls, so a run repeats bit for bit, and a draw inside a loop needs no updates of its own.
"""

import numpy as np

from cthulhu.backend.inference import dtypes
from cthulhu.backend.theano import tensors
from cthulhu.backend.theano.framework import T, broadcastable_at, constant

# Odd, and below 2^53: the frameworks' rewriting carries factors as float64. So there is a round more than in SplitMix64.
_GOLDEN, _FIRST, _SECOND, _THIRD = 0x1E3779B97F4A7D, 0x1F58476D1CE4E5, 0x14D049BB133111, 0x1B9F4A7C15E37B
# How many bits of the 64 make a number of each type exactly.
_BITS = {'float16': 11, 'float32': 24, 'float64': 53}


def _uint(value):
    return constant(np.array([value % 2**64], 'uint64'))


def _mixed(z):
    z = _xor(z, T.int_div(z, _uint(2**30))) * _uint(_FIRST)
    z = _xor(z, T.int_div(z, _uint(2**27))) * _uint(_SECOND)
    z = _xor(z, T.int_div(z, _uint(2**29))) * _uint(_THIRD)
    return _xor(z, T.int_div(z, _uint(2**31)))


def _xor(x, y):
    return T.xor(x, y) if hasattr(T, 'xor') else T.bitwise_xor(x, y)


class Random:
    """Uniform draws; the others are made of them."""

    def draw_uniform(self, shape, minval, maxval, dtype, seed, keys):
        low, high = self._tensor(minval, dtype), self._tensor(maxval, dtype)
        if not dtypes.is_float(dtype):
            bits, sizes = self._bits(shape, seed, keys, 0)
            span = T.cast(high, 'int64') - T.cast(low, 'int64')
            drawn = T.cast(T.mod(T.int_div(bits, _uint(2**11)), T.cast(span, 'uint64')), 'int64')
            return self.reshape(T.cast(drawn + T.cast(low, 'int64'), dtype), sizes)
        drawn = self.unit_uniform(shape, seed, keys, 0, dtype)
        if not self.is_tensor(minval) and not self.is_tensor(maxval) and (minval, maxval) == (0, 1):
            return drawn
        return drawn * (high - low) + low

    def unit_uniform(self, shape, seed, keys, salt, dtype, open_at_zero=False):
        """Numbers in [0, 1), or in (0, 1], of as many bits as the type holds."""
        bits, sizes = self._bits(shape, seed, keys, salt)
        count = _BITS[dtype]
        drawn = tensors.note(T.cast(T.int_div(bits, _uint(2 ** (64 - count))), dtype))
        if open_at_zero:
            drawn = drawn + 1.0
        return self.reshape(drawn * 2.0**-count, sizes)

    def _bits(self, shape, seed, keys, salt):
        """(vector of 64 random bits for each element, the shape as a list of dimensions)."""
        sizes = self._sizes(shape)
        count = self._product(sizes) if sizes else 1
        # Vectors of one element, not scalars: NumPy warns of what overflows in those, as it is meant to here.
        step = self._step - _uint(self.random_step())
        key = _mixed(step * _uint(_SECOND) + _uint((seed * 4 + salt) * _GOLDEN % 2**53))
        for time in keys:
            time = self.reshape(T.cast(self._tensor(time), 'uint64'), [1])
            key = _mixed(key + T.add(time, _uint(1)) * _uint(_FIRST))
        key = broadcastable_at(key, [0])
        place = T.cast(T.arange(count, dtype='int64'), 'uint64')
        return _mixed(place * _uint(_GOLDEN) + key), sizes
