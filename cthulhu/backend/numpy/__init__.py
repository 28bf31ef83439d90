"""The NumPy backend: the reference that others are compared with. It computes and never learns.

The same code is written for reading first: each primitive is a few lines of plain NumPy or SciPy.
"""

import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.base import Backend
from cthulhu.backend.deferred import Deferred, Symbol
from cthulhu.backend.inference import dtypes
from cthulhu.backend.numpy.ctc import NumPyCTC
from cthulhu.backend.numpy.math import NumPyMath
from cthulhu.backend.numpy.nn import NumPyNN
from cthulhu.backend.numpy.random import NumPyRandom
from cthulhu.backend.numpy.shape import NumPyShape


class NumPyBackend(NumPyMath, NumPyShape, NumPyNN, NumPyCTC, NumPyRandom, Deferred, Backend):
    """Every primitive with a forward value; models are built, predict and are evaluated, and cannot be trained."""

    name = 'numpy'
    capabilities = 'sparse', 'ctc', 'dilation', 'broadcasting', 'unknown_rank', 'empty_loops'

    def convert(self, value, dtype):
        if isinstance(value, Symbol):
            raise TypeError(f'{value!r} has no value yet. Use K.eval, or a K function in place of a NumPy one.')
        dtype = dtype or dtypes.of(value, config.floatx())
        if scipy.sparse.issparse(value):
            return value.tocsr().astype(dtype)
        return np.asarray(value, dtype)

    def to_numpy(self, value):
        return value.copy() if scipy.sparse.issparse(value) else np.array(value)

    def zeros_value(self, shape, dtype):
        return np.zeros(shape, dtype)

    def is_sparse_value(self, value):
        return scipy.sparse.issparse(value)

    def assign(self, variable, value):
        # A copy: it may be what was fed, or a part of it.
        variable.value = np.array(value)
