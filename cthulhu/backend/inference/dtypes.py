"""Arithmetic on the names of dtypes. Nothing here becomes float64 unless it was asked for."""

import difflib
import functools

import numpy as np

INTEGERS = ('int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64')
FLOATS = ('float16', 'bfloat16', 'float32', 'float64')
NAMES = ('bool', *INTEGERS, *FLOATS, 'complex64', 'complex128')

# What TensorFlow, for which scripts were written, takes these for. NumPy's 'float' is float64.
_SPOKEN = {'float': 'float32', float: 'float32', 'half': 'float16', 'double': 'float64'}


def name(dtype):
    """'float32' from 'float32', np.float32, np.dtype('float32'), or a framework's dtype such as `torch.float32`."""
    if isinstance(dtype, str):
        return dtype
    if isinstance(dtype, np.dtype):
        return _name(dtype)
    try:
        return np.dtype(dtype).name
    except TypeError:
        return str(getattr(dtype, 'name', dtype)).split('.')[-1]


def asked(dtype, known=NAMES, what='dtype'):
    """The name of the dtype that somebody asks for by its name, another name of it, a type of Python's or NumPy's, or a framework's dtype.

    Arguments:
        dtype: what was given.
        known: the names of the dtypes that there are.
        what: what it is called in the error.

    Raises:
        ValueError: there is no such dtype.
    """
    if isinstance(dtype, str) and dtype in known:
        return str(dtype)
    found = _SPOKEN.get(dtype) if isinstance(dtype, (str, type)) else None
    if found is None and isinstance(dtype, str):
        try:
            found = np.dtype(dtype).name  # 'int', 'f4'
        except TypeError:
            found = dtype
    found = found or (str(dtype) if dtype is None or isinstance(dtype, (dict, list)) else name(dtype))
    found = found[:-4] if found.endswith('_ref') else found  # of a variable of TensorFlow 1
    if 'string' in known and found.startswith(('object', 'str', 'bytes')):
        found = 'string'
    if found not in known:
        near = difflib.get_close_matches(found, known, 1) if isinstance(dtype, str) else ()
        meant = f' Did you mean {near[0]!r}?' if near else ''
        raise ValueError(f'{what}: expected one of {", ".join(map(repr, known))}, got {dtype!r:.100}.{meant}')
    return found


@functools.lru_cache(maxsize=None)
def _name(dtype):
    # NumPy makes the name anew, for longer than it adds two numbers.
    return dtype.name


def is_float(dtype):
    return dtype in FLOATS


def is_array(value):
    """Whether `value` has a dtype that counts: numbers and lists take that of the tensor beside them."""
    return hasattr(value, 'dtype') and not isinstance(value, np.generic)


def of(value, floatx):
    """Name of the dtype of an array, or that a Python number or a list of numbers is given: floats are of `floatx`."""
    if hasattr(value, 'dtype'):
        return name(value.dtype)
    kind = np.asarray(value).dtype
    return floatx if kind.kind == 'f' else 'int32' if kind.kind == 'i' else kind.name


def promote(first, second, floatx):
    """The dtype of a result of two dtypes: the wider float if there is one, else the wider integer."""
    if first == second or second is None:
        return first
    if first is None:
        return second
    floats = [dtype for dtype in (first, second) if is_float(dtype)]
    if floats == ['float16', 'bfloat16'] or floats == ['bfloat16', 'float16']:
        return 'float32'
    if floats:
        return max(floats, key=FLOATS.index)
    common = np.promote_types(first, second)
    return floatx if common.kind == 'f' else common.name


def of_range(dtype, *numbers):
    """The dtype of a range between `numbers` of which `dtype` was asked: the default, int32, leaves floats what they are."""
    floats = ('float' in str(getattr(n, 'dtype', type(n).__name__)) for n in numbers)
    return 'float32' if dtype == 'int32' and any(floats) else dtype


def weak(value, other, floatx):
    """The dtype that a number, list or array takes beside the tensor `other`: the tensor's own, unless it would cut
    off a fraction.
    """
    dtype = of(value, floatx)
    theirs = of(other, floatx)
    if is_float(dtype) and not is_float(theirs):
        return floatx
    return theirs


def pair(x, y, floatx, is_tensor=is_array):
    """The dtype that both of two arrays, numbers or lists are brought to before a binary operation."""
    if is_tensor(y) and not is_tensor(x):
        return weak(x, y, floatx)
    if is_tensor(x) and not is_tensor(y):
        return weak(y, x, floatx)
    return promote(of(x, floatx), of(y, floatx), floatx)
