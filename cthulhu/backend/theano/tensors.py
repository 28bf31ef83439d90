"""What the library adds to the framework's variables: operators that keep dtypes, and static shapes.

Theano makes float64 of float32 times 0.1, and forgets all lengths but 1. So every result of our functions is *adopted*:
its class becomes a subclass of its own, whose operators are those of the backend, and it notes what the rules of
`inference.shape_rules` say of its shape. Tensors stay the framework's own, and its global flags what they are.
"""

import functools
import numbers

import numpy as np

from cthulhu.backend.base import with_known_dtype
from cthulhu.backend.inference import dtypes, operators, rules, shape_rules
from cthulhu.backend.inference.symbolic import Symbolic, map_symbols
from cthulhu.backend.theano.framework import Constant, SharedVariable, Variable, broadcastable_at, static

assert shape_rules  # importing it registers the rules

_SHAPE, _KNOWN = '_cthulhu_shape', '_cthulhu_integers'

_backend = None


def operators_of(backend):
    """Let operators on adopted tensors call `backend`."""
    global _backend
    _backend = backend


def _apply(x, special, name, operands):
    other = operands[-1] if operands[0] is x else operands[0]
    if special == '__getitem__' and not _is_plain(other) or isinstance(other, (list, tuple)) and _holds_tensor(other):
        # The framework takes more indices than the contract knows, and its own rewriting adds tensors to lists of them.
        return note(native(x, special, other))
    return getattr(_backend, name)(*operands)


def _holds_tensor(values):
    return any(isinstance(one, Variable) for one in values)


_OPERATORS = operators.arithmetic(_apply)
_KINDS = {}


def is_sparse(x):
    return isinstance(x, Variable) and hasattr(x.type, 'format')


def native(x, operation, *args):
    """The framework's own operator, which ours replace."""
    kind = type(x)
    return getattr(kind.__mro__[1] if getattr(kind, '_is_adopted', False) else kind, operation)(x, *args)


def adopt(x):
    """`x`, now with our operators."""
    kind = type(x)
    made = _KINDS.get(kind)
    if made is None:
        # One base, and no slots: an object can only become of a class that is laid out as its own.
        # Sparse ones keep their operators: few of ours take them.
        methods = {} if is_sparse(x) else dict(_OPERATORS)
        made = type(kind.__name__, (kind,), dict(methods, _is_adopted=True))
        _KINDS[kind] = _KINDS[made] = made
    if made is not kind:
        x.__class__ = made
    return x


def shape_of(x):
    """What is known of the shape of a variable: tuple of int and None."""
    noted = getattr(x, _SHAPE, None)
    if noted is not None:
        return noted
    if isinstance(x, Constant):
        return tuple(x.data.shape)
    if isinstance(x, SharedVariable):
        return tuple(x.get_value(borrow=True).shape)
    return static(x)


def note(x, shape=None, known=None):
    """Adopt `x`, with what is known of its shape, and of its elements where they are integers (unknown ones: NaN)."""
    if not isinstance(x, Variable):
        return x
    own = static(x) if not isinstance(x, (Constant, SharedVariable)) else shape_of(x)
    noted = getattr(x, _SHAPE, None)
    for other in (shape, noted):
        if other is not None and len(other) == len(own):
            own = tuple(n if k is None else k for k, n in zip(own, other))
    if hasattr(x.type, 'broadcastable') and not is_sparse(x):
        x = broadcastable_at(x, [axis for axis, n in enumerate(own) if n == 1])
    setattr(x, _SHAPE, own)
    if known is not None:
        setattr(x, _KNOWN, known)
    return adopt(x)


def copy_notes(source, target):
    """`target`, which has the value of `source`, with what is known of that."""
    return note(target, shape_of(source), getattr(source, _KNOWN, None))


def _described(x):
    """`x` as the rules of shapes take it."""
    shape = shape_of(x)
    known = getattr(x, _KNOWN, None)
    if known is None and isinstance(x, Constant) and len(shape) < 2 and x.type.dtype in dtypes.INTEGERS:
        known = np.asarray(x.data, 'float64')
    if known is not None and len(shape) < 2:
        return Symbolic('constant', shape=shape, dtype=x.dtype, value=known)
    return Symbolic('tensor', shape=shape, dtype=x.dtype, sparse=is_sparse(x))


def _noted(name, method):
    """`method`, whose results note what the rule `name` says; the rule refuses shapes that do not fit."""

    @functools.wraps(method)
    def call(self, *args, **kwargs):
        described, keywords = map_symbols(_described, (args, kwargs), Variable)
        spec = rules.infer(self, name, method, described, keywords)
        result = method(self, *args, **kwargs)
        if not isinstance(spec, rules.Spec):
            return _each(result, spec)
        result = note(result, spec.shape)
        if result.ndim < 2 and name in _FOLDED and getattr(result, 'dtype', None) in dtypes.INTEGERS:
            found = _fold(Symbolic(name, described, keywords, shape_of(result), result.dtype))
            if found is not None:
                setattr(result, _KNOWN, found)
        return result

    return call


def _is_plain(key):
    """Whether an index is one of those that the contract knows; the framework takes others too."""
    parts = key if isinstance(key, tuple) else (key,)
    kinds = numbers.Integral, slice, type(None), type(Ellipsis)
    return all(isinstance(p, kinds) and not isinstance(p, bool) or getattr(p, 'ndim', None) == 0 for p in parts)


def _each(results, specs):
    if isinstance(specs, rules.Spec):
        return note(results, specs.shape)
    return type(results)([_each(one, spec) for one, spec in zip(results, specs)])


_FOLDED = set(rules.FOLDED) | {'shape'}


def _fold(described):
    try:
        found = rules.fold(described)
    except (rules.UnknownRank, TypeError):
        return None
    return None if found.shape != described.shape or np.isnan(found).all() else found


def note_all(backend_class):
    """Wrap each method of the class that a rule is known for."""
    for name in rules.RULES:
        for base in backend_class.__mro__:
            if name in vars(base):
                method = vars(base)[name]
                if hasattr(method, 'gets_known_dtype'):  # rules are given what it gets
                    setattr(backend_class, name, with_known_dtype(_noted(name, method.__wrapped__)))
                elif name != 'stop_gradient':  # which takes lists
                    setattr(backend_class, name, _noted(name, method))
                break


def pair_dtype(x, y, floatx):
    """The dtype in which two operands meet: data takes that of the tensor beside it, unless it would lose a fraction."""
    if isinstance(x, Variable) or isinstance(y, Variable):
        return dtypes.pair(x, y, floatx, lambda one: isinstance(one, Variable))
    return dtypes.promote(data_dtype(x, floatx), data_dtype(y, floatx), floatx)


def data_dtype(x, floatx):
    """The dtype that data has as a tensor of its own."""
    dtype = dtypes.of(x, floatx)
    return floatx if dtypes.is_float(dtype) else dtype
