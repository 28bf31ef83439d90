"""Composed: random draws that are counted: functions of a seed, of the runs since they were made, and of the steps of loops around them."""

import contextlib
import threading

import numpy as np

from cthulhu.backend import config
from cthulhu.backend.composed import draws
from cthulhu.backend.inference import dtypes


class Stack(threading.local):
    """What the calls in progress have entered, outermost first. Each thread has its own."""

    def __init__(self):
        self.items = []

    @contextlib.contextmanager
    def holding(self, item):
        self.items.append(item)
        try:
            yield
        finally:
            self.items.pop()


class Steps(threading.local):
    """How many runs the draws of a thread have seen, `now`: what other threads run at the same time changes none of them.

    The first thread begins at 0, and others far from each other, below 2^31: where several run one model they do not draw the same.

    Arguments:
        threads: `itertools.count()`, which each thread takes its number from.
    """

    def __init__(self, threads):
        self.now = next(threads) * FAR % 2**31


# An odd number, of which the multiples lie evenly among all.
FAR = 2654435769


class CountedDraws:
    """The three distributions of the contract, for a backend whose draws are functions of keys.

    The backend adds `draw_uniform`, `draw_normal` and `draw_truncated` (shape, low, high or mean, stddev, dtype, seed, keys): pure
    functions of the seed and the list `keys`, scalar tensors. Where the framework cannot draw from bells it adds `unit_uniform`
    (shape, seed, keys, salt, dtype, open_at_zero=False) instead of the last two: numbers in [0, 1), or in (0, 1], of which each
    `salt`, a small int, gives others.
    """

    def __init__(self):
        super().__init__()
        self._loop_times = Stack()

    def inside_loop(self, time):
        """A context manager: random operations made inside depend on `time`, the loop's step."""
        return self._loop_times.holding(time)

    def random_uniform(self, shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        draws.check_uniform('random_uniform', dtype or config.floatx(), minval, maxval)
        return self.draw_uniform(shape, minval, maxval, *self._drawing(dtype, seed))

    def random_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        draws.check_bell('random_normal', dtype)
        return self.draw_normal(shape, mean, stddev, *self._drawing(dtype, seed))

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        draws.check_bell('truncated_normal', dtype)
        return self.draw_truncated(shape, mean, stddev, *self._drawing(dtype, seed))

    def _drawing(self, dtype, seed):
        seed = int(np.random.randint(10e6) if seed is None else seed)
        return dtypes.name(dtype or config.floatx()), seed, self._keys() + self._loop_times.items

    def _keys(self):
        """What beside the seed and the loops' steps draws depend on: list of scalar tensors."""
        return []

    def draw_normal(self, shape, mean, stddev, dtype, seed, keys):
        # Box and Muller, "A note on the generation of random normal deviates", 1958.
        wide = 'float32' if dtype == 'float16' else dtype
        first = self.unit_uniform(shape, seed, keys, 1, wide, open_at_zero=True)
        second = self.unit_uniform(shape, seed, keys, 2, wide)
        drawn = self.sqrt(self.log(first) * -2.0) * self.cos(second * (2 * np.pi))
        return self._bell(drawn, mean, stddev, wide, dtype)

    def draw_truncated(self, shape, mean, stddev, dtype, seed, keys):
        wide = 'float32' if dtype == 'float16' else dtype
        # From the part of [-1, 1] whose inverse lies within two deviations.
        x = self.unit_uniform(shape, seed, keys, 3, wide) * (2 - 4 * _EDGE) - (1 - 2 * _EDGE)
        w = -self.log((1.0 - x) * (1.0 + x)) - 2.5
        polynomial = _INVERSE[0]
        for coefficient in _INVERSE[1:]:
            polynomial = w * polynomial + coefficient
        drawn = self.clip(x * polynomial * np.sqrt(2), -2.0, 2.0)
        return self._bell(drawn, mean, stddev, wide, dtype)

    def _bell(self, drawn, mean, stddev, wide, dtype):
        return self.cast(drawn * self.constant(stddev, wide) + self.constant(mean, wide), dtype)


_EDGE = 0.022750131948179195  # the normal distribution below -2

# Giles, "Approximating the erfinv function", 2012: the central part, which reaches further than two deviations.
_INVERSE = (
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
)
