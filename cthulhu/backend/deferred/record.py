"""The decorators that record calls on Symbols instead of computing them.

An eager framework's backend marks its primitives `@recorded`. Called with arrays, a primitive computes at once; called with a
`Symbol` anywhere among its arguments, it gives a new `Symbol` that remembers the call.
"""

import functools
import inspect

import numpy as np

from cthulhu.backend import config
from cthulhu.backend.deferred.symbol import Symbol
from cthulhu.backend.inference import dtypes, rules
from cthulhu.backend.inference import shape_rules as _  # noqa: F401  (registers the rules)
from cthulhu.backend.inference.symbolic import find_symbols


def take(backend, values, path):
    """One value out of the nested lists that an operation with several results gave."""
    for index in path:
        values = values[index]
    return values


def record(backend, op, compute, args, kwargs):
    """The Symbol of a call, or the nested tuples and lists of Symbols where the call has several results."""
    spec = rules.infer(backend, op, compute, args, kwargs)
    if isinstance(spec, rules.Spec):
        return Symbol(backend, op, compute, args, kwargs, spec.shape, spec.dtype, sparse=spec.sparse)
    whole = Symbol(backend, op, compute, args, kwargs)

    def unpack(part, path):
        if isinstance(part, rules.Spec):
            return Symbol(backend, op + '_item', take, (whole, path), None, part.shape, part.dtype, sparse=part.sparse)
        return type(part)([unpack(item, path + (index,)) for index, item in enumerate(part)])

    return unpack(spec, ())


def recorded(method):
    """Make a backend's eager method record itself when an argument is a Symbol, and compute at once otherwise.

    The operation is named after the method; its static shape and dtype come from the rule of that name in `rules.py`. The
    method as it was stays in the attribute `compute`: one primitive calls another by it, on values.
    """

    @functools.wraps(method)
    def call(self, *args, **kwargs):
        symbols = find_symbols((args, kwargs))
        floats = [symbol for symbol in symbols if dtypes.is_float(symbol.dtype)]
        if floats or not symbols:
            args, kwargs = _with_floats_as(rules.promoted(*floats) if floats else config.floatx(), (args, kwargs))
        if symbols:
            return record(self, method.__name__, method, args, kwargs)
        return method(self, *args, **kwargs)

    call.compute = method
    return call


def _with_floats_as(dtype, value):
    """NumPy's arrays of floats, mostly float64 by accident, take the dtype of the Symbols beside them, or `floatx()`."""
    if isinstance(value, (list, tuple)):
        return type(value)([_with_floats_as(dtype, one) for one in value])
    if isinstance(value, dict):
        return {key: _with_floats_as(dtype, one) for key, one in value.items()}
    return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype == 'float64' else value


def recorded_pair(method):
    """`recorded` for methods of two tensors `(x, y)`: a number, list or array takes the dtype of the Symbol beside it."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def call(self, *args, **kwargs):
        if kwargs or len(args) != 2:
            args = signature.bind(self, *args, **kwargs).args[1:]
        x, y = args
        if x is None or y is None:
            raise TypeError(f'{method.__name__}: an operand is None; a tensor, an array or a number is needed.')
        if isinstance(x, Symbol) or isinstance(y, Symbol):
            x, y = (
                value if isinstance(value, Symbol) else self.convert(value, dtypes.weak(value, other, config.floatx()))
                for value, other in ((x, y), (y, x))
            )
            return record(self, method.__name__, method, (x, y), {})
        x, y = _with_floats_as(config.floatx(), (x, y))
        return method(self, x, y)

    call.compute = method
    return call


def recorded_always(method):
    """`recorded` for what makes tensors of plain numbers and arrays: computed at once, the result is a constant Symbol."""
    record_symbols = recorded(method)

    @functools.wraps(method)
    def call(self, *args, **kwargs):
        if find_symbols((args, kwargs)):
            return record_symbols(self, *args, **kwargs)
        return self.symbol(method(self, *args, **kwargs))

    call.compute = method
    return call


def logits_behind(output, activation):
    """`_logits_of` of a backend that records its graph: the Symbol of which another one is the softmax, over the last axis, or the sigmoid; or None."""
    if not isinstance(output, Symbol) or output.op != activation:
        return None
    axis = output.kwargs.get('axis', output.args[1] if len(output.args) > 1 else -1)
    is_last = output.shape is not None and isinstance(axis, int) and axis in (-1, len(output.shape) - 1)
    x = output.args[0] if output.args else output.kwargs.get('x')
    is_same = isinstance(x, Symbol) and x.dtype == output.dtype
    return x if is_same and (activation == 'sigmoid' or is_last) else None
