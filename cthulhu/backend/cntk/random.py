"""Random draws: the reference's, which the programs are fed. The framework's own generators cannot be set to a state."""

import numpy as np

from cthulhu.backend.cntk.framework import C
from cthulhu.backend.cntk.primitive import make, native, reference
from cthulhu.backend.cntk.shape import integers
from cthulhu.backend.cntk.tensors import Clock, Tensor


def _drawn(backend, name, shape, first, second, dtype, seed, keys, place=None):
    """What the reference's `name` draws in a run; `place(standard draws, first, second)` puts it where Tensors say."""
    shape, keys = integers(shape), list(keys)
    clocks = [key for key in keys if isinstance(key, Clock)]
    given = [x for x in (first, second) if isinstance(x, Tensor)]
    if not clocks:
        raise NotImplementedError(f'{name}: a draw that depends on no count of runs.')
    bounds = (0.0, 1.0) if given else (first, second)
    draw = reference(name)

    def at(clock):
        return draw(backend, shape, *bounds, dtype, seed, [k.at(clock) if isinstance(k, Clock) else k for k in keys])

    program = clocks[0].program
    if int(np.prod(shape, dtype='int64')) == 0:
        return np.zeros(shape, dtype)
    drawn = program.draw(shape, dtype, at)
    return make(place, drawn, first, second, dtype=dtype) if given else drawn


def _between(x, low, high):
    return C.plus(low, C.element_times(x, C.minus(high, low)))


def _around(x, mean, stddev):
    return C.plus(mean, C.element_times(stddev, x))


class CNTKRandom:
    @native
    def draw_uniform(self, shape, minval, maxval, dtype, seed, keys):
        if np.dtype(dtype).kind in 'iu':
            minval, maxval = int(minval), int(maxval)
        return _drawn(self, 'draw_uniform', shape, minval, maxval, dtype, seed, keys, _between)

    @native
    def draw_normal(self, shape, mean, stddev, dtype, seed, keys):
        return _drawn(self, 'draw_normal', shape, mean, stddev, dtype, seed, keys, _around)

    @native
    def draw_truncated(self, shape, mean, stddev, dtype, seed, keys):
        return _drawn(self, 'draw_truncated', shape, mean, stddev, dtype, seed, keys, _around)
