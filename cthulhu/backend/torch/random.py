"""Random draws: pure functions of a seed and of counts, by generators of our own: those of the user's program are left alone.

CPUs and GPUs draw other numbers.
"""

import collections
import math
import threading

import numpy as np
import torch

from cthulhu.backend.deferred import recorded
from cthulhu.backend.torch.framework import DEVICE, DTYPES, Tensor, integers

_local = threading.local()
_MASK = 2**64 - 1


def _mixed(number):
    """A 64-bit hash (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014)."""
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _MASK
    return number ^ number >> 31


def _generator(seed, keys):
    generator = getattr(_local, 'generator', None)
    if generator is None:
        generator = _local.generator = torch.Generator(DEVICE)
    state = _mixed(int(seed) + 0x9E3779B97F4A7C15 & _MASK)
    for key in keys:
        state = _mixed((state ^ int(key) & _MASK) + 0x9E3779B97F4A7C15 & _MASK)
    return generator.manual_seed(state & 2**63 - 1)


class Draw(collections.namedtuple('Draw', 'kind shape dtype bounds seed keys')):
    """What a draw is a function of."""

    def moved(self, runs):
        """The same after so many further runs: their number is the first key."""
        return self._replace(keys=(self.keys[0] + runs,) + self.keys[1:] if self.keys else ())


_KINDS = {'uniform': torch.rand, 'normal': torch.randn, 'integer': torch.randint}


def drawn(draw, into=None):
    """The tensor of a `Draw`, new or `into` one."""
    where = {'device': DEVICE} if into is None else {'out': into}
    generator = _generator(draw.seed, draw.keys)
    return _KINDS[draw.kind](*draw.bounds, draw.shape, generator=generator, dtype=draw.dtype, **where)


class by:
    """Context in which `source`, a function of a `Draw`, gives this thread's tensors; what it gives that is None is drawn."""

    def __init__(self, source):
        self._source = source

    def __enter__(self):
        self._before, _local.source = getattr(_local, 'source', None), self._source

    def __exit__(self, *error):
        _local.source = self._before


def _drawn(kind, shape, dtype, seed, keys, *bounds):
    draw = Draw(kind, integers(shape), dtype, bounds, int(seed), tuple([int(key) for key in keys]))
    source = getattr(_local, 'source', None)
    found = source and source(draw)
    return drawn(draw) if found is None else found


def _number(value):
    """A bound or a scale: a number unless it is a tensor."""
    return value if isinstance(value, Tensor) else np.asarray(value).item()


def _wide(dtype):
    """The type that is drawn in: half of the numbers of a bell would round to the same few."""
    return torch.float32 if dtype.itemsize < 4 else dtype


class TorchRandom:
    @recorded
    def draw_uniform(self, shape, minval, maxval, dtype, seed, keys):
        dtype = DTYPES[dtype]
        low, high = _number(minval), _number(maxval)
        if not dtype.is_floating_point:
            return _drawn('integer', shape, dtype, seed, keys, int(low), int(high))
        found = _drawn('uniform', shape, dtype, seed, keys)
        if not isinstance(low, Tensor) and not isinstance(high, Tensor) and (low, high) == (0, 1):
            return found
        low, high = (
            torch.full((), x, dtype=dtype, device=DEVICE) if not isinstance(x, Tensor) else x.to(dtype)
            for x in (low, high)
        )
        # Rounding may reach the upper bound, which is not in the interval.
        return torch.minimum(low + found * (high - low), torch.nextafter(high, low))

    @recorded
    def draw_normal(self, shape, mean, stddev, dtype, seed, keys):
        dtype = DTYPES[dtype]
        found = _drawn('normal', shape, _wide(dtype), seed, keys)
        return (found * _number(stddev) + _number(mean)).to(dtype)

    @recorded
    def draw_truncated(self, shape, mean, stddev, dtype, seed, keys):
        dtype = DTYPES[dtype]
        found = _drawn('uniform', shape, _wide(dtype), seed, keys)
        # From the part of [-1, 1] whose inverse lies within two deviations.
        edge = math.erf(math.sqrt(2.0))
        found = torch.erfinv(found * (2 * edge) - edge) * math.sqrt(2.0)
        return (found.clamp(-2.0, 2.0) * _number(stddev) + _number(mean)).to(dtype)
