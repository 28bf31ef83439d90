"""Updates of many variables by one formula, such as an optimizer's: each operation is made of all of them at once.

The framework has such operations of lists of tensors: one call in place of many, and on a GPU few launches in place of many.
"""

import numpy as np
import torch

from cthulhu.backend.deferred import Symbol, toposort
from cthulhu.backend.deferred.record import take
from cthulhu.backend.inference import dtypes
from cthulhu.backend.torch.framework import Tensor, tensor
from cthulhu.backend.torch.math import sign

_LISTS = (list, tuple)  # the framework gives one or the other, by its version


def _numbered(function):
    """Of a list and a list, or a list and a number in either order."""

    def apply(x, y):
        return function(x, y) if isinstance(x, _LISTS) else function(y, x)

    return apply


def _bounded(of_lists, of_number):
    def apply(x, y):
        x, y = (x, y) if isinstance(x, _LISTS) else (y, x)
        return (of_lists if isinstance(y, _LISTS) else of_number)(x, y)

    return apply


def _in_order(function):
    """Of a list, and a list or a number after it; None: there is no such function the other way round."""

    def apply(x, y):
        return function(x, y) if isinstance(x, _LISTS) else None

    return apply


def _sqrt(x):
    return torch._foreach_sqrt(torch._foreach_clamp_min(x, 0.0))


_UNARY = {
    'square': lambda x: torch._foreach_mul(x, x),
    'sqrt': _sqrt,
    'abs': torch._foreach_abs,
    'negative': torch._foreach_neg,
    'sign': lambda x: [sign(one) for one in x],
}
_BINARY = {
    'add': _numbered(torch._foreach_add),
    'multiply': _numbered(torch._foreach_mul),
    'subtract': _in_order(torch._foreach_sub),
    'divide': _in_order(torch._foreach_div),
    'maximum': _bounded(torch._foreach_maximum, torch._foreach_clamp_min),
    'minimum': _bounded(torch._foreach_minimum, torch._foreach_clamp_max),
}
_FUNCTIONS = dict(_UNARY, **_BINARY)

# Of several operations at once: the last operand is a number.
_SEVERAL = {
    'x + y * n': lambda x, y, n: torch._foreach_add(x, y, alpha=n),
    'x - y * n': lambda x, y, n: torch._foreach_add(x, y, alpha=-n),
    'x + y * y * n': lambda x, y, n: torch._foreach_addcmul(x, y, y, value=n),
    'x - n * y / z': lambda x, y, z, n: torch._foreach_addcdiv(x, y, z, value=-n),
}
# The same, and those of one operation, where the scalar is a tensor: it is on the device while a plan is recorded.
_BY_TENSOR = {
    'add': _BINARY['add'],
    'multiply': _BINARY['multiply'],
    'divide': _BINARY['divide'],
    'subtract': _in_order(lambda x, n: torch._foreach_add(x, -n)),
    'x + y * n': lambda x, y, n: torch._foreach_add(x, torch._foreach_mul(y, n)),
    'x - y * n': lambda x, y, n: torch._foreach_sub(x, torch._foreach_mul(y, n)),
    'x + y * y * n': lambda x, y, n: torch._foreach_add(x, torch._foreach_mul(torch._foreach_mul(y, y), n)),
    'x - n * y / z': lambda x, y, z, n: torch._foreach_sub(x, torch._foreach_div(torch._foreach_mul(y, n), z)),
}
_ONE_BY_ONE = {
    'x + y * n': lambda x, y, n: x + y * n,
    'x - y * n': lambda x, y, n: x - y * n,
    'x + y * y * n': lambda x, y, n: x + y * y * n,
    'x - n * y / z': lambda x, y, z, n: x - n * y / z,
}

#: The same of numbers, written to the memory of the first operand, a list: name -> function.
IN_PLACE = {
    'add': torch._foreach_add_,
    'multiply': torch._foreach_mul_,
    'subtract': torch._foreach_sub_,
    'divide': torch._foreach_div_,
    'maximum': _bounded(torch._foreach_maximum_, torch._foreach_clamp_min_),
    'minimum': _bounded(torch._foreach_minimum_, torch._foreach_clamp_max_),
    'x + y * n': lambda x, y, n: torch._foreach_add_(x, y, alpha=n),
    'x - y * n': lambda x, y, n: torch._foreach_add_(x, y, alpha=-n),
    'x + y * y * n': lambda x, y, n: torch._foreach_addcmul_(x, y, y, value=n),
    'x - n * y / z': lambda x, y, z, n: torch._foreach_addcdiv_(x, y, z, value=-n),
}
#: Those whose operands may change places.
COMMUTE = 'add', 'multiply', 'maximum', 'minimum'

#: What makes new memory, under the names of Symbols.
FRESH = frozenset(name + end for name in _FUNCTIONS for end in ('', '_item'))


def of_lists(name):
    """The operation on lists of as many tensors and on what is the same for all of them: function (backend, *operands) -> list."""
    function, by_tensor = _SEVERAL.get(name) or _FUNCTIONS[name], _BY_TENSOR.get(name)

    def compute(backend, *operands):
        plain = [x if isinstance(x, _LISTS) else _number(x) for x in operands]
        of = by_tensor if any(isinstance(x, Tensor) for x in plain) else function
        try:
            found = of and of(*plain)
        except TypeError:  # there is an array among the tensors
            found = None
        if found is not None:
            return found
        if name in _SEVERAL:
            plain = [[tensor(one) for one in x] if isinstance(x, _LISTS) else tensor(x) for x in operands]
            return [_ONE_BY_ONE[name](*each, plain[-1]) for each in zip(*plain[:-1])]
        one_by_one = getattr(type(backend), name).compute
        count = next(len(x) for x in operands if isinstance(x, _LISTS))
        return [
            one_by_one(backend, *[x[index] if isinstance(x, _LISTS) else x for x in operands]) for index in range(count)
        ]

    return compute


def _number(value):
    """A number that is held on the host; a tensor stays."""
    return value if isinstance(value, Tensor) or not hasattr(value, 'item') else value.item()


def _is_scalar(x):
    return x.shape == ()


def is_operation(symbol):
    """Whether a Symbol is made by an operation that there is of lists, of tensors of its own shape and type and of scalars of its type."""
    is_known = symbol.op in _FUNCTIONS and not symbol.kwargs and symbol.shape and None not in symbol.shape
    return bool(is_known) and dtypes.is_float(symbol.dtype) and all(_fits(x, symbol) for x in symbol.args)


def _fits(x, symbol):
    if isinstance(x, Symbol):
        return x.dtype == symbol.dtype and x.shape in ((), symbol.shape) and not x.sparse
    return isinstance(x, np.ndarray) and x.shape == () and x.dtype == symbol.dtype


def _scaled(x):
    """(the tensor, the scalar) of which a Symbol is the product, or None."""
    if not isinstance(x, Symbol) or x.op != 'multiply' or not is_operation(x):
        return None
    first, second = x.args
    if _is_scalar(first) == _is_scalar(second):
        return None
    return (second, first) if _is_scalar(first) else (first, second)


def of_several(symbol):
    """(name in `_SEVERAL`, operands) of what a Symbol and those that it is made of can be computed as; else its own operation."""
    if symbol.op in ('add', 'subtract'):
        x, y = symbol.args
        product = _scaled(y)
        if product and not _is_scalar(x):
            y, n = product
            if symbol.op == 'add' and y.op == 'square' and is_operation(y):
                return 'x + y * y * n', (x, y.args[0], n)
            return f'x {"+" if symbol.op == "add" else "-"} y * n', (x, y, n)
        is_quotient = symbol.op == 'subtract' and isinstance(y, Symbol) and y.op == 'divide' and is_operation(y)
        if is_quotient and not _is_scalar(x) and not _is_scalar(y.args[1]):
            product = _scaled(y.args[0])
            if product:
                return 'x - n * y / z', (x, product[0], y.args[1], product[1])
    return symbol.op, symbol.args


def _kinds(symbols):
    """Id of each Symbol -> a number: equal for those that one formula makes of other tensors, and for scalars of one value."""
    kinds, numbers = {}, {}

    def kind(x):
        if isinstance(x, np.ndarray) and x.shape == ():
            return x.dtype, x.item()
        return kinds.get(id(x))

    for symbol in symbols:
        parts = (symbol.op, symbol.dtype) + tuple(map(kind, symbol.args))
        if is_operation(symbol):
            key = parts
        elif not _is_scalar(symbol):
            key = 'tensor', symbol.dtype
        elif symbol.op in _FUNCTIONS and not symbol.kwargs and None not in parts:
            key = ('scalar',) + parts
        else:
            key = 'other', id(symbol)
        kinds[id(symbol)] = numbers.setdefault(key, len(numbers))
    return kinds


def _groups(values, order, kinds):
    """Id of the first Symbol of each kind that is made more than once by operations alone -> the list of them, in order."""
    reached, waiting = set(), list(values)
    while waiting:
        symbol = waiting.pop()
        if id(symbol) not in reached and is_operation(symbol):
            reached.add(id(symbol))
            waiting.extend(x for x in symbol.args if isinstance(x, Symbol))
    members = {}
    for symbol in order:
        if id(symbol) in reached:
            members.setdefault(kinds[id(symbol)], []).append(symbol)
    return {id(group[0]): group for group in members.values() if len(group) > 1}


def joined(backend, values):
    """The Symbols `values`, new ones of variables, made of operations on many of them at once where their formulas are the same.

    Arguments:
        backend: the backend.
        values: list of Symbols.

    Returns:
        List of Symbols of the same values.
    """
    order = toposort(values)
    groups = _groups(values, order, _kinds(order))
    made, wholes = {}, {}

    def operand(column):
        if _is_scalar(column[0]):
            return column[0]  # that of each of them has the same value
        whole = wholes.get(tuple(map(id, column)))
        return [made.get(id(one), one) for one in column] if whole is None else whole

    for symbol in order:
        group = groups.get(id(symbol))
        if group:
            name = of_several(symbol)[0]
            operands = tuple([operand(column) for column in zip(*[of_several(one)[1] for one in group])])
            whole = wholes[tuple(map(id, group))] = Symbol(backend, 'together: ' + name, of_lists(name), operands)
            for index, one in enumerate(group):
                made[id(one)] = Symbol(backend, one.op + '_item', take, (whole, (index,)), None, one.shape, one.dtype)
    return [made.get(id(value), value) for value in values]
