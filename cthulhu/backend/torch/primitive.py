"""What every group of this backend's primitives uses.

A primitive is recorded on Symbols, as `deferred` has it. When a plan runs it is called with values: tensors on the device, and
arrays on the host, which are shapes, counts and scalars. Of arrays alone the reference computes an array: what is known on the host
stays there, and no device is waited for.
"""

import functools

import numpy as np

from cthulhu.backend import config
from cthulhu.backend.deferred import recorded, recorded_always, recorded_pair
from cthulhu.backend.inference import dtypes
from cthulhu.backend.numpy import NumPyBackend
from cthulhu.backend.torch.framework import DTYPES, NAMES, Tensor, dtype_name, tensor, to_array


def reference(name):
    """The reference's function of values of that name: function (backend, ...) -> array."""
    return getattr(NumPyBackend, name).compute


def holds_tensor(value):
    """Whether there is a tensor in nested lists, tuples, dicts and slices."""
    if isinstance(value, Tensor):
        return True
    if isinstance(value, (list, tuple)):
        return any(map(holds_tensor, value))
    if isinstance(value, dict):
        return any(map(holds_tensor, value.values()))
    return isinstance(value, slice) and holds_tensor((value.start, value.stop, value.step))


def replaced(value, function):
    """`value` with every tensor in nested lists, tuples and dicts replaced by what `function` makes of it."""
    if isinstance(value, Tensor):
        return function(value)
    if type(value) in (list, tuple):
        return type(value)([replaced(one, function) for one in value])
    if isinstance(value, tuple):
        parts = [replaced(one, function) for one in value]
        return type(value)(*parts) if hasattr(value, '_fields') else type(value)(parts)
    if isinstance(value, dict):
        return {key: replaced(one, function) for key, one in value.items()}
    return value


def explained(name, values, error):
    """The error to raise for one of the framework's in a primitive: which it is, and what it was given."""
    if type(error) is not RuntimeError:
        return error  # no memory left, say
    shapes = []
    replaced(values, lambda x: shapes.append(str(tuple(x.shape))))
    return ValueError(f'{name} of tensors of shapes {", ".join(shapes)}: {error}')


def native(method, record=recorded):
    """A method that computes on tensors; arrays alone are left to the reference."""
    on_arrays = reference(method.__name__)

    @functools.wraps(method)
    def compute(self, *args, **kwargs):
        if args and isinstance(args[0], Tensor) or holds_tensor(args) or holds_tensor(kwargs):
            try:
                return method(self, *args, **kwargs)
            except RuntimeError as error:
                raise explained(method.__name__, (args, kwargs), error) from error
        return on_arrays(self, *args, **kwargs)

    return record(compute)


def unary(name, function, prepare=None):
    """The primitive (x) of a function of a tensor, which `prepare` makes fit for it."""
    on_arrays = reference(name)

    @functools.wraps(on_arrays)
    def compute(self, x):
        if not isinstance(x, Tensor):
            return on_arrays(self, x)
        try:
            return function(prepare(x) if prepare else x)
        except RuntimeError as error:
            raise explained(name, (x,), error) from error

    return recorded(compute)


def binary(name, function, on_scalars=None):
    """The primitive (x, y) of a function of two operands of one dtype, one of which may be a number: see `met`.

    Arguments:
        on_scalars: NumPy's function of the reference, where that does nothing else for two arrays of one dtype.
    """
    on_arrays = reference(name)

    @functools.wraps(on_arrays)
    def compute(self, x, y):
        try:
            if isinstance(x, Tensor):
                if isinstance(y, Tensor) and x.dtype is y.dtype:
                    return function(x, y)
                return function(*met(x, y))
            if isinstance(y, Tensor):
                return function(*met(x, y))
        except RuntimeError as error:
            raise explained(name, (x, y), error) from error
        if on_scalars and type(x) is type(y) is np.ndarray and x.dtype is y.dtype:
            return np.asarray(on_scalars(x, y))
        return on_arrays(self, x, y)

    return recorded_pair(compute)


@functools.lru_cache(maxsize=None)
def _promoted(first, second, floatx):
    return DTYPES[dtypes.promote(first, second, floatx)]


@functools.lru_cache(maxsize=None)
def _weak(first, second, floatx):
    is_cut = dtypes.is_float(second) and not dtypes.is_float(first)
    return DTYPES[floatx if is_cut else first]


# NumPy's dtype of what is held on the host -> the same one of tensors.
_HELD = {np.dtype(name): dtype for name, dtype in DTYPES.items() if name != 'bfloat16'}
_KINDS = {'b': bool, 'i': int, 'u': int, 'f': float}


def met(x, y):
    """Two operands, at least one a tensor, in the dtype that they meet in. What has no dimensions and is on the host becomes a number."""
    if isinstance(x, Tensor):
        if not isinstance(y, Tensor):
            return _beside(x, y)
        if x.dtype is not y.dtype:
            common = _promoted(NAMES[x.dtype], NAMES[y.dtype], config.floatx())
            x, y = x.to(common), y.to(common)
        return x, y
    return _beside(y, x)[::-1]


def _beside(x, y):
    """A tensor and what is none, in one dtype."""
    if type(y) is np.ndarray and not y.shape and _HELD.get(y.dtype) is x.dtype:
        return x, y.item()
    join = _promoted if dtypes.is_array(y) else _weak
    dtype = join(NAMES[x.dtype], dtypes.of(y, config.floatx()), config.floatx())
    if x.dtype is not dtype:
        x = x.to(dtype)
    if isinstance(y, (int, float)) or np.ndim(y) == 0:
        kind = 'f' if dtype.is_floating_point else 'b' if dtype is DTYPES['bool'] else 'i'
        return x, _KINDS[kind](y)
    return x, tensor(np.asarray(y, 'float32' if NAMES[dtype] == 'bfloat16' else NAMES[dtype])).to(dtype)


def as_tensors(values):
    """Tensors of one dtype, of a list of tensors, arrays and numbers."""
    first = values[0]
    if all(isinstance(one, Tensor) and one.dtype is first.dtype for one in values):
        return list(values)
    tensors = [one for one in values if dtypes.is_array(one)] or values
    dtype = None
    for one in tensors:
        dtype = dtypes.promote(dtype, dtype_name(one), config.floatx())
    if not dtypes.is_float(dtype) and any(
        dtypes.is_float(dtype_name(one)) for one in values if not dtypes.is_array(one)
    ):
        dtype = config.floatx()
    return [tensor(one, dtype) for one in values]


def hosted(name):
    """A primitive that is computed by the reference, on the host."""
    on_arrays = reference(name)

    @functools.wraps(on_arrays)
    def compute(self, *args, **kwargs):
        return on_arrays(self, *replaced(args, to_array), **replaced(kwargs, to_array))

    return recorded(compute)


__all__ = [
    'as_tensors', 'binary', 'holds_tensor', 'hosted', 'met', 'native', 'recorded', 'recorded_always', 'reference', 'replaced', 'unary',
]  # fmt: skip
