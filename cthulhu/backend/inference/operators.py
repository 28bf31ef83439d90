"""Python's operators as functions of a backend: one table for every kind of tensor that is given them."""

_BINARY = (
    ('add', 'add'),
    ('sub', 'subtract'),
    ('mul', 'multiply'),
    ('truediv', 'divide'),
    ('floordiv', 'floor_divide'),
    ('mod', 'mod'),
    ('pow', 'pow'),
    ('matmul', 'matmul'),
)
_UNARY = ('neg', 'negative'), ('abs', 'abs')
_LOGIC = ('and', 'logical_and'), ('or', 'logical_or')
_COMPARISON = ('lt', 'less'), ('le', 'less_equal'), ('gt', 'greater'), ('ge', 'greater_equal')


def arithmetic(apply):
    """The special methods of arithmetic and of indexing.

    Arguments:
        apply: function (tensor, special method's name, name of the backend's function, operands) -> result.

    Returns:
        Dict from the names of special methods to functions.
    """
    methods = {f'__{symbol}__': _method(apply, f'__{symbol}__', name) for symbol, name in _UNARY + _BINARY}
    methods.update({f'__r{symbol}__': _reflected(apply, f'__r{symbol}__', name) for symbol, name in _BINARY})
    methods['__getitem__'] = _method(apply, '__getitem__', 'getitem')
    return methods


def logic(apply):
    """The special methods of comparison and of Boolean algebra; arguments and result as for `arithmetic`."""
    methods = {f'__{symbol}__': _method(apply, f'__{symbol}__', name) for symbol, name in _LOGIC + _COMPARISON}
    methods.update({f'__r{symbol}__': _reflected(apply, f'__r{symbol}__', name) for symbol, name in _LOGIC})
    methods['__invert__'] = _method(apply, '__invert__', 'logical_not')
    return methods


def _method(apply, special, name):
    return lambda x, *others: apply(x, special, name, (x,) + others)


def _reflected(apply, special, name):
    return lambda x, other: apply(x, special, name, (other, x))
