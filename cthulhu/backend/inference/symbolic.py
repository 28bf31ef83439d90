"""A tensor as the rules see it, and walks over nested arguments that hold some."""


class Symbolic:
    """What is known of the value that `op(*args, **kwargs)` will have.

    Arguments:
        op: name of the operation.
        args, kwargs: of the call; Symbolics may sit in nested lists, tuples, dicts and slices.
        shape: tuple of lengths and None, or None where not even the rank is known.
        dtype: name of the dtype.
        sparse: bool, whether the value is sparse.
        value: of a constant (`op` is 'constant'), what it is.
    """

    def __init__(self, op, args=(), kwargs=None, shape=None, dtype=None, sparse=False, value=None):
        self.op = op
        self.args = args
        self.kwargs = kwargs or {}
        self.shape = None if shape is None else tuple(shape)
        self.dtype = dtype
        self.sparse = sparse
        self.value = value

    @property
    def ndim(self):
        return None if self.shape is None else len(self.shape)


def map_symbols(function, value, kind=Symbolic):
    """`value` with every `kind` in its nested lists, tuples (named ones too), dicts and slices replaced by what `function` makes of it."""
    if isinstance(value, kind):
        return function(value)
    if type(value) in (list, tuple):
        return type(value)([map_symbols(function, item, kind) for item in value])
    if isinstance(value, tuple) and hasattr(value, '_fields'):
        return type(value)(*[map_symbols(function, item, kind) for item in value])
    if type(value) is dict:
        return {key: map_symbols(function, item, kind) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*[map_symbols(function, item, kind) for item in (value.start, value.stop, value.step)])
    return value


def find_symbols(value, kind=Symbolic):
    """Every `kind` in nested lists, tuples, dicts and slices, once each, in the order they are met."""
    found = {}
    _find(value, kind, found)
    return tuple(found.values())


def _find(value, kind, found):
    # As `map_symbols` looks, without making anything: most of what a graph is made of passes here.
    if isinstance(value, kind):
        found[id(value)] = value
    elif isinstance(value, (list, tuple)):
        if type(value) in (list, tuple) or hasattr(value, '_fields'):
            for item in value:
                _find(item, kind, found)
    elif type(value) is dict:
        for item in value.values():
            _find(item, kind, found)
    elif isinstance(value, slice):
        _find((value.start, value.stop, value.step), kind, found)


def toposort(targets, needs, key=id):
    """Everything that `targets` depend on, themselves included, each after what it needs. No recursion.

    Arguments:
        targets: list of nodes.
        needs: function from a node to the list of those it needs.
        key: function from a node to what tells it from others.
    """
    order, seen, stack = [], set(), [(node, False) for node in reversed(list(targets))]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif key(node) not in seen:
            seen.add(key(node))
            stack.append((node, True))
            stack.extend((other, False) for other in reversed(needs(node)) if key(other) not in seen)
    return order
