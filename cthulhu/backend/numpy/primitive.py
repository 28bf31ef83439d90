"""What every group of this backend's primitives uses."""

import functools

import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.deferred import recorded, recorded_always, recorded_pair
from cthulhu.backend.inference import dtypes


def array(value):
    """A dense array; floats that are not arrays yet are of `floatx()`."""
    if type(value) is np.ndarray:
        return value
    if scipy.sparse.issparse(value):
        raise TypeError('A sparse tensor came where a dense one is needed. Use `K.to_dense(x)` first.')
    return np.asarray(value, dtypes.of(value, config.floatx()))


def floats(value):
    """`array`, with integers and bool as `floatx()`."""
    value = array(value)
    return value if value.dtype.kind == 'f' else value.astype(config.floatx())


def arrays(value):
    """NumPy makes scalars of results without dimensions: keep them arrays, in nested lists and tuples too."""
    if isinstance(value, (list, tuple)):
        return type(value)([arrays(one) for one in value])
    return value if scipy.sparse.issparse(value) else np.asarray(value)


def primitive(method, record=recorded):
    """A method that takes and returns arrays, recorded on Symbols."""

    @functools.wraps(method)
    def compute(self, *args, **kwargs):
        return arrays(method(self, *args, **kwargs))

    return record(compute)


def always(method):
    """`primitive` for what makes tensors, of plain arrays too."""
    return primitive(method, recorded_always)


def pair(method):
    """`primitive` for two tensors: both reach the method as arrays of one dtype."""

    @functools.wraps(method)
    def compute(self, x, y):
        if type(x) is type(y) is np.ndarray and x.dtype is y.dtype:
            return np.asarray(method(self, x, y))
        dtype = dtypes.pair(x, y, config.floatx())
        # `array` first: it refuses sparse values, of which `asarray` would make an array of objects.
        return np.asarray(method(self, array(x).astype(dtype, copy=False), array(y).astype(dtype, copy=False)))

    return recorded_pair(compute)


def axes(axis):
    """An `axis` argument as NumPy wants it."""
    return tuple(axis) if isinstance(axis, list) else axis


def integers(shape):
    """A shape argument, whose parts may be arrays without dimensions, as a tuple of int."""
    if isinstance(shape, (list, tuple)):
        return tuple([int(length) for length in shape])
    return tuple(np.asarray(shape, 'int64').reshape(-1).tolist())
