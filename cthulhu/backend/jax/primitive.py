"""What every group of this backend's primitives uses.

A primitive is recorded on Symbols, as `deferred` has it. When a function is traced it is called with the values: JAX's arrays, of which it
makes more, and NumPy's, which are known already (shapes, constants) and which the reference computes with at once.
"""

import contextlib
import functools

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.deferred import recorded, recorded_always, recorded_pair
from cthulhu.backend.inference import dtypes
from cthulhu.backend.jax.sparse import Sparse
from cthulhu.backend.numpy import NumPyBackend


def reference(name):
    """The reference's function of values of that name: function (backend, ...) -> array."""
    return getattr(NumPyBackend, name).compute


def is_native(value):
    """Whether there is one of JAX's arrays in nested lists, tuples and dicts."""
    if isinstance(value, (list, tuple)):
        return any(map(is_native, value))
    if isinstance(value, dict):
        return any(map(is_native, value.values()))
    return isinstance(value, (jax.Array, Sparse))


@contextlib.contextmanager
def _explained(name, values):
    """Context of an operation: shapes that do not go together are the ValueError of the other backends."""
    try:
        yield
    except TypeError as error:
        if isinstance(error, jax.errors.JAXTypeError) or 'shape' not in str(error):
            raise  # the former asks for what is not known yet
        found = ', '.join(str(tuple(leaf.shape)) for leaf in jax.tree.leaves(values) if hasattr(leaf, 'shape'))
        raise ValueError(f'{name} of tensors of shapes {found}: {error}') from error


def native(method, record=recorded, on_arrays=None):
    """A method that makes arrays of JAX of such arrays; NumPy's alone are left to the reference."""
    on_arrays = on_arrays or reference(method.__name__)

    @functools.wraps(method)
    def compute(self, *args, **kwargs):
        if is_native(args) or kwargs and is_native(kwargs):
            with _explained(method.__name__, (args, kwargs)):
                return method(self, *args, **kwargs)
        return on_arrays(self, *args, **kwargs)

    return record(compute)


def native_always(method):
    """`native` for what makes tensors, of plain numbers too."""
    return native(method, recorded_always)


def native_pair(method):
    """`native` for two tensors: both reach the method as arrays of one dtype."""
    on_arrays = reference(method.__name__)

    @functools.wraps(method)
    def compute(self, x, y):
        if not is_native((x, y)):
            return on_arrays(self, x, y)
        dtype = dtypes.pair(x, y, config.floatx())
        with _explained(method.__name__, (x, y)):
            return method(self, array(x, dtype), array(y, dtype))

    return recorded_pair(compute)


def array(value, dtype=None):
    """An array of JAX, of its own dtype or the one given; floats that are not arrays yet are of `floatx()`."""
    if not isinstance(value, jax.Array):
        if isinstance(value, Sparse) or scipy.sparse.issparse(value):
            raise TypeError('A sparse tensor came where a dense one is needed. Use `K.to_dense(x)` first.')
        return jnp.asarray(np.asarray(value, dtype or dtypes.of(value, config.floatx())))
    return value if dtype is None or value.dtype == dtype else value.astype(dtype)


def floats(value):
    """`array`, with integers and bool as `floatx()`."""
    value = array(value)
    return value if jnp.issubdtype(value.dtype, jnp.floating) else value.astype(config.floatx())


def axes(axis):
    """An `axis` argument as JAX wants it."""
    return tuple(axis) if isinstance(axis, list) else axis
