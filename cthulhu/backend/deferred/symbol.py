"""Symbols: values that will be known when the graph runs, and walks over the graph that they make."""

from cthulhu.backend.inference import operators, symbolic
from cthulhu.backend.inference.symbolic import find_symbols, map_symbols


class Symbol(symbolic.Symbolic):
    """The value that `op(*args, **kwargs)` will have when the graph runs.

    Arguments:
        backend: the backend that recorded the call; the operators ask it.
        compute: function `(backend, *args, **kwargs) -> value` on the framework's own arrays; None for a leaf.
        name: str, by default that of the operation.
        op, args, kwargs, shape, dtype, sparse, value: see `Symbolic`.
    """

    # NumPy then leaves `array + symbol` to `Symbol.__radd__` instead of making an array of objects.
    __array_ufunc__ = None

    def __init__(self, backend, op, compute=None, args=(), kwargs=None, shape=None, dtype=None, name=None, **known):
        super().__init__(op, args, kwargs, shape, dtype, **known)
        self.backend = backend
        self.compute = compute
        self.name = name or op
        self.inputs = find_symbols((self.args, self.kwargs))

    def evaluate(self, values, clock):
        """The value, from those of the inputs; `clock` counts the runs of the backend's functions."""

        def value_of(symbol):
            return values[id(symbol)]

        args, kwargs = map_symbols(value_of, (self.args, self.kwargs))
        return self.compute(self.backend, *args, **kwargs)

    def evaluator(self):
        """`evaluate` as a function (values, clock) -> value that has looked through the arguments already."""
        if type(self).evaluate is not Symbol.evaluate:
            return self.evaluate
        compute, backend, args, kwargs = self.compute, self.backend, self.args, self.kwargs
        plain = [isinstance(x, Symbol) for x in args]
        if not kwargs and all(plain) and len(args) == 1:
            (only,) = map(id, args)
            return lambda values, clock: compute(backend, values[only])
        if not kwargs and all(plain) and len(args) == 2:
            first, second = map(id, args)
            return lambda values, clock: compute(backend, values[first], values[second])
        if plain and plain[0] and not find_symbols((args[1:], kwargs)):
            only, rest = id(args[0]), args[1:]
            return lambda values, clock: compute(backend, values[only], *rest, **kwargs)
        positional, named = _reader(tuple(args)), _reader(kwargs)
        return lambda values, clock: compute(backend, *positional(values), **named(values))

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

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        # PyTorch asks this of whatever it is given in place of a tensor.
        return find_symbols((args, kwargs))[0].backend.record_native(function, args, kwargs or {})

    def __getattr__(self, name):
        backend = None if name.startswith('_') else self.__dict__.get('backend')
        method = backend and backend.native_method(self, name)
        if method is None:
            raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
        return method

    def __array__(self, *args, **kwargs):
        raise TypeError(f'The symbolic tensor {self.name!r} has no value yet: use `K.eval(x)` or `K.function`.')


def _reader(value):
    """The function from values by id to `value` with its Symbols replaced by theirs: what `map_symbols` does, looked through once."""
    if isinstance(value, Symbol):
        key = id(value)
        return lambda values: values[key]
    if not find_symbols(value):
        return lambda values: value
    if isinstance(value, dict):
        items = [(key, _reader(item)) for key, item in value.items()]
        return lambda values: {key: read(values) for key, read in items}
    if isinstance(value, slice):
        start, stop, step = [_reader(item) for item in (value.start, value.stop, value.step)]
        return lambda values: slice(start(values), stop(values), step(values))
    reads, kind = [_reader(item) for item in value], type(value)
    if kind is list:
        return lambda values: [read(values) for read in reads]
    if kind is tuple:
        return lambda values: tuple([read(values) for read in reads])
    return lambda values: kind(*[read(values) for read in reads])


def _apply(x, special, name, operands):
    return getattr(x.backend, name)(*operands)


for _name, _method in list(operators.arithmetic(_apply).items()) + list(operators.logic(_apply).items()):
    setattr(Symbol, _name, _method)


class Constant(Symbol):
    """A value that never changes."""

    def __init__(self, backend, value, shape, dtype, name=None, sparse=False):
        super().__init__(backend, 'constant', shape=shape, dtype=dtype, name=name, sparse=sparse, value=value)

    def evaluate(self, values, clock):
        return self.value


class Variable(Symbol):
    """A value that is kept between runs, and that `set_value` and updates replace."""

    def __init__(self, backend, value, shape, dtype, name=None, constraint=None):
        super().__init__(backend, 'variable', shape=shape, dtype=dtype, name=name, value=value)
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

    def choosing(self, then, otherwise):
        """`evaluate`, of functions (values, clock) -> [value] that compute the sides."""
        condition = id(self.args[0])

        def evaluate(values, clock):
            return self.backend.choose(
                values[condition], lambda: then(values, clock)[0], lambda: otherwise(values, clock)[0]
            )

        return evaluate


def toposort(symbols):
    """Every Symbol that `symbols` depend on, themselves included, each after those it needs."""
    return symbolic.toposort(symbols, lambda symbol: symbol.inputs)


def dependents(symbols, roots):
    """Ids of those among `symbols` and what they need that are, or depend on, one of `roots`."""
    reached = {id(root) for root in roots}
    for symbol in toposort(symbols):
        if any(id(needed) in reached for needed in symbol.inputs):
            reached.add(id(symbol))
    return reached
