"""The NumPy backend: the reference that others are compared with. It computes and never learns.

The same code is written for reading first: each primitive is a few lines of plain NumPy or SciPy.
"""

import numpy as np

from cthulhu.backend.base import Backend
from cthulhu.backend.composed.held_arrays import HeldArrays
from cthulhu.backend.deferred import Deferred, Symbol
from cthulhu.backend.numpy.ctc import NumPyCTC
from cthulhu.backend.numpy.math import NumPyMath
from cthulhu.backend.numpy.nn import NumPyNN
from cthulhu.backend.numpy.random import NumPyRandom
from cthulhu.backend.numpy.shape import NumPyShape


class NumPyBackend(NumPyMath, NumPyShape, NumPyNN, NumPyCTC, NumPyRandom, HeldArrays, Deferred, Backend):
    """Every primitive with a forward value; models are built, predict and are evaluated, and cannot be trained."""

    name = 'numpy'
    capabilities = 'float16', 'sparse', 'ctc', 'dilation', 'broadcasting', 'unknown_rank', 'empty_loops'
    symbols = (Symbol,)

    def assign(self, variable, value):
        # A copy: it may be what was fed, or a part of it.
        variable.value = np.array(value)
