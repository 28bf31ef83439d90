"""Symbols: values that will be known when the graph runs, and walks over the graph that they make."""


class Symbol:
    """The value that `op(*args, **kwargs)` will have when the graph runs.

    Arguments:
        backend: the backend that recorded the call; the operators below ask it.
        op: name of the operation.
        compute: function `(backend, *args, **kwargs) -> value` on the framework's own arrays; None for a leaf.
        args, kwargs: of the call; Symbols may sit in nested lists, tuples, dicts and slices.
        shape: tuple of lengths and None, or None where not even the rank is known.
        dtype: name of the dtype.
    """

    # NumPy then leaves `array + symbol` to `Symbol.__radd__` instead of making an array of objects.
    __array_ufunc__ = None

    def __init__(
        self, backend, op, compute=None, args=(), kwargs=None, shape=None, dtype=None, sparse=False, name=None
    ):
        self.backend = backend
        self.op = op
        self.compute = compute
        self.args = args
        self.kwargs = kwargs or {}
        self.shape = None if shape is None else tuple(shape)
        self.dtype = dtype
        self.sparse = sparse
        self.name = name or op
        self.inputs = find_symbols((self.args, self.kwargs))

    @property
    def ndim(self):
        return None if self.shape is None else len(self.shape)

    def pending(self, values):
        """The inputs that are still to be computed before this one can be; `values` maps id to value."""
        return [needed for needed in self.inputs if id(needed) not in values]

    def evaluate(self, values, clock):
        """The value, from those of the inputs; `clock` counts the runs of the backend's functions."""

        def value_of(symbol):
            return values[id(symbol)]

        args, kwargs = map_symbols(value_of, (self.args, self.kwargs))
        return self.compute(self.backend, *args, **kwargs)

    def __repr__(self):
        return f'<Symbol {self.name!r} shape={self.shape} dtype={self.dtype}>'

    def __bool__(self):
        raise TypeError(
            f'The symbolic tensor {self.name!r} has no truth value while the graph is being built. '
            f'Use `K.switch(condition, a, b)` in place of `if`, or `K.eval(x)` for the value now.'
        )

    def __len__(self):
        if self.shape and self.shape[0] is not None:
            return self.shape[0]
        raise TypeError(f'The symbolic tensor {self.name!r} of shape {self.shape} has no known length; see `K.shape`.')

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __array__(self, *args, **kwargs):
        raise TypeError(f'The symbolic tensor {self.name!r} has no value yet: use `K.eval(x)` or `K.function`.')

    def __getitem__(self, key):
        return self.backend.getitem(self, key)

    def __add__(self, other):
        return self.backend.add(self, other)

    def __radd__(self, other):
        return self.backend.add(other, self)

    def __sub__(self, other):
        return self.backend.subtract(self, other)

    def __rsub__(self, other):
        return self.backend.subtract(other, self)

    def __mul__(self, other):
        return self.backend.multiply(self, other)

    def __rmul__(self, other):
        return self.backend.multiply(other, self)

    def __truediv__(self, other):
        return self.backend.divide(self, other)

    def __rtruediv__(self, other):
        return self.backend.divide(other, self)

    def __floordiv__(self, other):
        return self.backend.floor_divide(self, other)

    def __rfloordiv__(self, other):
        return self.backend.floor_divide(other, self)

    def __mod__(self, other):
        return self.backend.mod(self, other)

    def __rmod__(self, other):
        return self.backend.mod(other, self)

    def __pow__(self, other):
        return self.backend.pow(self, other)

    def __rpow__(self, other):
        return self.backend.pow(other, self)

    def __matmul__(self, other):
        return self.backend.matmul(self, other)

    def __rmatmul__(self, other):
        return self.backend.matmul(other, self)

    def __neg__(self):
        return self.backend.negative(self)

    def __abs__(self):
        return self.backend.abs(self)

    def __invert__(self):
        return self.backend.logical_not(self)

    def __and__(self, other):
        return self.backend.logical_and(self, other)

    def __rand__(self, other):
        return self.backend.logical_and(other, self)

    def __or__(self, other):
        return self.backend.logical_or(self, other)

    def __ror__(self, other):
        return self.backend.logical_or(other, self)

    def __lt__(self, other):
        return self.backend.less(self, other)

    def __le__(self, other):
        return self.backend.less_equal(self, other)

    def __gt__(self, other):
        return self.backend.greater(self, other)

    def __ge__(self, other):
        return self.backend.greater_equal(self, other)


class Constant(Symbol):
    """A value that never changes."""

    def __init__(self, backend, value, shape, dtype, name=None, sparse=False):
        super().__init__(backend, 'constant', shape=shape, dtype=dtype, name=name, sparse=sparse)
        self.value = value

    def evaluate(self, values, clock):
        return self.value


class Variable(Symbol):
    """A value that is kept between runs, and that `set_value` and updates replace."""

    def __init__(self, backend, value, shape, dtype, name=None, constraint=None):
        super().__init__(backend, 'variable', shape=shape, dtype=dtype, name=name)
        self.value = value
        self.constraint = constraint

    def evaluate(self, values, clock):
        return self.value


class Placeholder(Symbol):
    """A value that is given when the graph runs; `default`, where there is one, stands in for it."""

    def __init__(self, backend, shape, dtype, name=None, sparse=False, default=None):
        super().__init__(backend, 'placeholder', shape=shape, dtype=dtype, name=name, sparse=sparse)
        self.default = default

    def evaluate(self, values, clock):
        if self.default is None:
            raise ValueError(
                f'The placeholder {self.name!r} of shape {self.shape} was given no value. '
                f'Make a function of it: `K.function([placeholder], outputs)`.'
            )
        return self.default


class Count(Symbol):
    """How many times a function or `eval` was run since this was made: what a random operation's draw depends on."""

    def __init__(self, backend, clock):
        super().__init__(backend, 'count', shape=(), dtype='int64')
        self.made_at = clock

    def evaluate(self, values, clock):
        return clock - self.made_at


class Choice(Symbol):
    """One of two Symbols, by a scalar condition. Only what the chosen one needs is computed."""

    def __init__(self, backend, condition, then, otherwise, shape, dtype):
        super().__init__(backend, 'switch', None, (condition, then, otherwise), None, shape, dtype)

    def _chosen(self, values):
        condition, then, otherwise = self.args
        return then if values[id(condition)] else otherwise

    def pending(self, values):
        condition = self.args[0]
        needed = condition if id(condition) not in values else self._chosen(values)
        return [] if id(needed) in values else [needed]

    def evaluate(self, values, clock):
        return values[id(self._chosen(values))]


def map_symbols(function, value):
    """`value` with every Symbol in its nested lists, tuples, dicts and slices replaced by `function(symbol)`."""
    if isinstance(value, Symbol):
        return function(value)
    kind = type(value)
    if kind in (list, tuple):
        return kind([map_symbols(function, item) for item in value])
    if kind is dict:
        return {key: map_symbols(function, item) for key, item in value.items()}
    if kind is slice:
        return slice(*[map_symbols(function, item) for item in (value.start, value.stop, value.step)])
    return value


def find_symbols(value):
    """The Symbols in nested lists, tuples, dicts and slices, once each, in the order they are met."""
    found = {}

    def remember(symbol):
        found[id(symbol)] = symbol
        return symbol

    map_symbols(remember, value)
    return tuple(found.values())


def toposort(symbols):
    """Every Symbol that `symbols` depend on, themselves included, each after those it needs. No recursion."""
    order, seen, stack = [], set(), [(symbol, False) for symbol in reversed(list(symbols))]
    while stack:
        symbol, ready = stack.pop()
        if ready:
            order.append(symbol)
        elif id(symbol) not in seen:
            seen.add(id(symbol))
            stack.append((symbol, True))
            stack.extend((needed, False) for needed in reversed(symbol.inputs) if id(needed) not in seen)
    return order


def dependents(symbols, roots):
    """Ids of those among `symbols` and what they need that are, or depend on, one of `roots`."""
    reached = {id(root) for root in roots}
    for symbol in toposort(symbols):
        if any(id(needed) in reached for needed in symbol.inputs):
            reached.add(id(symbol))
    return reached
