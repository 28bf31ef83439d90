"""Composed: the values of a backend whose variables and constants are NumPy's arrays and SciPy's matrices."""

import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.inference import dtypes


class HeldArrays:
    """What `deferred` asks of values. `symbols` are the classes of what has no value yet."""

    symbols = ()

    def convert(self, value, dtype):
        if isinstance(value, self.symbols):
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
