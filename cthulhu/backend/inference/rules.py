"""Static shapes and dtypes of operations: one rule an operation, in the operation's own signature.

A rule is given the call's arguments, tensors as `Symbolic`, and returns the shape: a tuple of lengths and None.
It may raise `UnknownRank`. An operation that has no rule is run twice, on zeros of two sizes, and the two compared.
"""

import collections
import functools
import inspect

import numpy as np

from cthulhu.backend import config, shapes
from cthulhu.backend.inference import dtypes
from cthulhu.backend.inference.symbolic import Symbolic, map_symbols

Spec = collections.namedtuple('Spec', ['shape', 'dtype', 'sparse'])
Spec.__new__.__defaults__ = (False,)

RULES = {}
# The lengths given to unknown dimensions when an operation without a rule is tried out.
TRIAL_LENGTHS = (12, 24)


class UnknownRank(Exception):
    """Not even the number of dimensions can be told."""


class Rule:
    def __init__(self, shape, dtype):
        self.shape = shape
        self.dtype = dtype


def rule(*names, **options):
    """Register a shape rule. `dtype`: a function of the call's arguments, a name, or None for the first tensor's."""

    def register(shape):
        for name in names:
            RULES[name] = Rule(shape, options.get('dtype'))
        return shape

    return register


def shape_of(value):
    """The static shape of a tensor, array, number or list."""
    shape = value.shape if hasattr(value, 'shape') else np.shape(value)
    if shape is None:
        raise UnknownRank()
    return tuple(shape)


def dtype_of(value):
    """The name of the dtype of a tensor, array, number or list."""
    return value.dtype if isinstance(value, Symbolic) else dtypes.of(value, config.floatx())


def promoted(*values):
    """The dtype that tensors of several dtypes meet in; numbers and lists follow the tensors."""
    dtype = None
    tensors = [value for value in values if dtypes.is_array(value)]
    for value in tensors or values:
        dtype = dtypes.promote(dtype, dtype_of(value), config.floatx())
    follows = [dtype_of(value) for value in values if not dtypes.is_array(value)]
    return config.floatx() if any(map(dtypes.is_float, follows)) and not dtypes.is_float(dtype) else dtype


def broadcast(*values):
    """The static shape that tensors broadcast to."""
    shape = ()
    for value in values:
        shape = shapes.broadcast_shapes(shape, shape_of(value))
    return tuple(shape)


# Reading a signature costs more than the rest of recording a call.
_signature = functools.lru_cache(maxsize=None)(inspect.signature)


def infer(backend, op, compute, args, kwargs):
    """The Spec of a call, or nested tuples and lists of Specs where it has several results."""
    known = RULES.get(op)
    if known is None:
        return try_out(backend, compute, args, kwargs)
    signature, values = _signature(compute), args
    if kwargs or len(args) + 1 != len(signature.parameters):
        arguments = signature.bind(backend, *args, **kwargs)
        arguments.apply_defaults()
        values = arguments.args[1:]
    try:
        shape = known.shape(*values)
    except UnknownRank:
        shape = None
    except ValueError as error:
        raise ValueError(f'{op}: {error}')
    if known.dtype == 'each':
        if shape is None:
            raise ValueError(
                f'{op}: the number of dimensions of its argument must be known. Give the placeholder a shape.'
            )
        return shape
    dtype = known.dtype
    if dtype is None:
        dtype = dtype_of(values[0])
    elif callable(dtype):
        dtype = dtype(*values)
    sparse = op in ('concatenate', 'identity') and all(getattr(value, 'sparse', False) for value in listed(values[0]))
    return Spec(shape, dtype, sparse)


def listed(value):
    return value if isinstance(value, (list, tuple)) else [value]


def try_out(backend, compute, args, kwargs):
    """The Spec of an operation without a rule, from what it does to zeros of two sizes."""
    results = []
    for length in TRIAL_LENGTHS:

        def zeros(symbol):
            if symbol.shape is None:
                raise UnknownRank()
            return backend.convert(np.zeros([length if n is None else n for n in symbol.shape], symbol.dtype), None)

        try:
            results.append(compute(backend, *map_symbols(zeros, args), **map_symbols(zeros, kwargs)))
        except UnknownRank:
            return Spec(None, None)
    first, second = [tuple(result.shape) for result in results]
    dtype = dtypes.name(results[0].dtype)
    if len(first) != len(second):
        return Spec(None, dtype)
    return Spec(tuple(a if a == b else None for a, b in zip(first, second)), dtype)


# What is known of integers, such as the entries of a shape, before the graph runs. Unknown ones are NaN, which
# arithmetic carries along by itself.


def _fold_getitem(x, key):
    return x[key]


FOLDED = {
    'add': np.add,
    'subtract': np.subtract,
    'multiply': np.multiply,
    'floor_divide': np.floor_divide,
    'mod': np.mod,
    'maximum': np.maximum,
    'minimum': np.minimum,
    'negative': np.negative,
    'prod': lambda x, axis=None, keepdims=False: np.prod(x, axis=axis, keepdims=keepdims),
    'sum': lambda x, axis=None, keepdims=False: np.sum(x, axis=axis, keepdims=keepdims),
    'stack': lambda x, axis=0: np.stack(x, axis),
    'concatenate': lambda tensors, axis=-1: np.concatenate(tensors, axis),
    '_cast': lambda x, dtype: x,
    'identity': lambda x, name=None: x,
    'reshape': lambda x, shape: np.reshape(x, np.asarray(shape, int)),
    'expand_dims': lambda x, axis=-1: np.expand_dims(x, axis),
    'squeeze': lambda x, axis: np.squeeze(x, axis),
    'gather': lambda reference, indices: reference[np.asarray(indices, int)],
    'slice': lambda x, start, size: x[int(start[0]) : int(start[0] + size[0])],
    'getitem': _fold_getitem,
}


def fold(value):
    """A float array of the integers in `value` that are known already, and NaN for the others."""
    if not isinstance(value, Symbolic):
        if isinstance(value, (list, tuple)):
            return np.array([fold(item) for item in value], 'float64')
        return np.asarray(value, 'float64')
    if value.op == 'constant' and value.shape is not None and len(value.shape) < 2:
        return np.asarray(value.value, 'float64')
    if value.op == 'shape':
        shape = (value.args + tuple(value.kwargs.values()))[0].shape
        if shape is not None:
            return np.array([np.nan if length is None else length for length in shape])
    elif value.op in FOLDED and value.shape is not None and len(value.shape) < 2:
        try:
            with np.errstate(all='ignore'):  # on some processors NumPy warns of NaN, which stands for what is not known
                return np.asarray(FOLDED[value.op](*map_symbols(fold, value.args), **map_symbols(fold, value.kwargs)))
        except (ValueError, IndexError):
            pass
    if value.shape is None or None in value.shape:
        raise UnknownRank()
    return np.full(value.shape, np.nan)


def integers(value):
    """A tuple of int, with None for what only the run will tell, from numbers, a list with tensors in it, or a tensor.

    Raises UnknownRank where not even their number is known.
    """
    return tuple(None if np.isnan(number) else int(number) for number in np.atleast_1d(fold(value)))
