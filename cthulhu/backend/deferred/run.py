"""The primitives of `contract.run`, `switch` and random draws, for every backend that records its graph here.

`Deferred` is mixed into an eager framework's backend, which adds the `@recorded` primitives, the arithmetic that Symbols'
operators call (`add`, `subtract`, `multiply`, `divide`, `floor_divide`, `mod`, `negative`, `getitem`) and these few hooks:

    convert(value, dtype)       the framework's array of a number, list or array; dtype None keeps the value's own
    to_numpy(value)             a NumPy array (or SciPy matrix) that shares no memory with the framework's array
    zeros_value(shape, dtype)   an array of zeros
    is_sparse_value(value)      whether a value is sparse
    draw_uniform, draw_normal, draw_truncated(shape, low, high or mean, stddev, dtype, seed, keys)
                                recorded draws: pure functions of the seed and the list of integers `keys`
"""

import contextlib
import sys

import numpy as np

from cthulhu.backend import config
from cthulhu.backend.deferred.loop import record_scan
from cthulhu.backend.deferred.plan import Function, Plan
from cthulhu.backend.deferred.record import recorded
from cthulhu.backend.deferred.symbol import Choice, Constant, Count, Placeholder, Symbol, Variable
from cthulhu.backend.inference import dtypes, rules
from cthulhu.backend.meta import Update


class Deferred:
    """Placeholders, variables, functions and loops over recorded graphs."""

    def __init__(self):
        super().__init__()
        self._clock = 0
        self._scopes = []
        self._loop_times = []
        self._names = {}

    # Helpers that the rest of this package calls.

    def cannot(self, operation, advice):
        """The error for what this backend does not do."""
        return NotImplementedError(f'{operation} is not available on the {self.name} backend. {advice}')

    def symbol(self, value, dtype=None):
        """`value` as a Symbol: itself, or a constant."""
        if isinstance(value, Symbol):
            return value
        return self._constant_of(self.convert(value, dtype), None)

    def _constant_of(self, value, name):
        sparse = self.is_sparse_value(value)
        shape, dtype = tuple(value.shape), dtypes.of(value, config.floatx())
        return Constant(self, value, shape, dtype, self._unique(name or 'constant'), sparse)

    def matching(self, value, variable):
        """A variable's new value, of its dtype."""
        value = self.symbol(value, variable.dtype)
        return value if value.dtype == variable.dtype else self.cast(value, variable.dtype)

    def tick(self):
        """Count a run, and say how many there were before."""
        self._clock += 1
        return self._clock - 1

    def random_step(self):
        return self._clock

    def set_random_step(self, step):
        self._clock = int(step)

    @contextlib.contextmanager
    def inside_loop(self, time):
        """Random operations made inside depend on `time`, the loop's step."""
        self._loop_times.append(time)
        try:
            yield
        finally:
            self._loop_times.pop()

    def _unique(self, name):
        name = '/'.join(self._scopes + [name])
        count = self._names[name] = self._names.get(name, -1) + 1
        return f'{name}_{count}' if count else name

    # The contract.

    def placeholder(self, shape=None, ndim=None, dtype=None, sparse=False, name=None):
        if sparse and not self.supports('sparse'):
            raise ValueError(f'sparse=True: the {self.name} backend has no sparse tensors. Use a dense placeholder.')
        if shape is None and ndim is not None:
            shape = (None,) * ndim
        dtype = dtypes.name(dtype or config.floatx())
        return Placeholder(self, shape, dtype, self._unique(name or 'placeholder'), sparse)

    def make_learning_phase(self):
        default = self.convert(False, 'bool')
        return Placeholder(self, (), 'bool', self._unique('learning_phase'), default=default)

    def variable(self, value, dtype=None, name=None, constraint=None):
        dtype = dtypes.name(dtype or config.floatx())
        if isinstance(value, Symbol):
            # Not a run that is counted: making variables does not change what random operations draw later.
            value = Plan([value]).run({}, self._clock)[0]
        if self.is_sparse_value(value):
            return self._constant_of(self.convert(value, dtype), name)
        value = self.convert(self.to_numpy(value), dtype)
        # Weights carry TensorFlow's ':0' in the files that Keras writes, so they do here.
        return Variable(self, value, tuple(value.shape), dtype, self._unique(name or 'variable') + ':0', constraint)

    def constant(self, value, dtype=None, shape=None, name=None):
        value = np.asarray(value, dtype or config.floatx())
        if shape is not None:
            shape = tuple(shape)
            value = (
                value.reshape(shape) if value.size == int(np.prod(shape, dtype=int)) else np.broadcast_to(value, shape)
            )
        return self._constant_of(self.convert(np.array(value), dtypes.name(value.dtype)), name)

    def is_tensor(self, x):
        return isinstance(x, Symbol)

    def is_placeholder(self, x):
        return isinstance(x, Placeholder)

    def is_variable(self, x):
        return isinstance(x, Variable)

    def is_sparse(self, tensor):
        return tensor.sparse if isinstance(tensor, Symbol) else self.is_sparse_value(tensor)

    def dtype(self, x):
        return rules.dtype_of(x)

    def static_shape(self, x):
        return x.shape if isinstance(x, Symbol) else rules.shape_of(x)

    def get_value(self, x):
        return self.to_numpy(x.value) if isinstance(x, Variable) else self.eval(x)

    def set_value(self, x, value):
        if not isinstance(x, Variable):
            raise TypeError(f'x: expected a variable, got {x!r}.')
        value = self.convert(self.to_numpy(value), x.dtype)
        if tuple(value.shape) != x.shape:
            raise ValueError(
                f'value: variable {x.name!r} has shape {x.shape}; got a value of shape {tuple(value.shape)}.'
            )
        x.value = value

    def eval(self, x):
        if isinstance(x, Update):
            self.function([], [], updates=[x])([])
            x = x.variable
        if not isinstance(x, Symbol):
            return self.to_numpy(x)
        return self.to_numpy(Plan([x]).run({}, self.tick())[0])

    def function(self, inputs, outputs, updates=None, after_updates=None, name=None, **framework_arguments):
        return Function(self, inputs, outputs, updates, after_updates, name, **framework_arguments)

    def stop_gradient(self, variables):
        if isinstance(variables, (list, tuple)):
            return [self.stop_gradient(one) for one in variables]
        return self.identity(variables)

    def control_dependencies(self, control_inputs):
        # Functions order their updates themselves: see `Function`.
        return _nothing()

    @recorded
    def print_tensor(self, x, message=''):
        print(message, self.to_numpy(x), file=sys.stderr)
        return x

    def identity(self, x, name=None):
        x = self.symbol(x)
        name = self._unique(name or 'identity')
        return Symbol(self, 'identity', _same, (x,), None, x.shape, x.dtype, name, sparse=x.sparse)

    def clear_session(self):
        super().clear_session()
        self._names.clear()

    def get_session(self):
        raise self.cannot('get_session', 'It has no sessions: use `K.function` and `K.eval`.')

    def set_session(self, session):
        raise self.cannot('set_session', 'It has no sessions; leave the call out.')

    def manual_variable_initialization(self, value):
        if value:
            raise self.cannot(
                'manual_variable_initialization(True)', 'Variables have their value from the start: use `K.set_value`.'
            )

    @contextlib.contextmanager
    def graph_scope(self, name=None):
        if name is None:
            yield
            return
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def scan(self, step, sequences, states, length=None):
        return record_scan(self, step, sequences, states, length)

    def switch(self, condition, then_expression, else_expression):
        rank = len(rules.shape_of(condition))
        if not rank and not isinstance(condition, Symbol):
            chosen = then_expression if condition else else_expression
            return chosen() if callable(chosen) else chosen
        then, otherwise = (x() if callable(x) else x for x in (then_expression, else_expression))
        if not isinstance(then, Symbol) or not isinstance(otherwise, Symbol):
            dtype = dtypes.pair(then, otherwise, config.floatx())
            then, otherwise = (x if isinstance(x, Symbol) else self.symbol(x, dtype) for x in (then, otherwise))
        shapes = then.shape, otherwise.shape
        shape = None
        if None not in shapes:
            if len(shapes[0]) != len(shapes[1]):
                raise ValueError(
                    f'switch: the branches have shapes {shapes[0]} and {shapes[1]}; they must be the same.'
                )
            shape = tuple(a if a == b else None for a, b in zip(*shapes))
        if then.dtype != otherwise.dtype:
            raise ValueError(f'switch: the branches have dtypes {then.dtype} and {otherwise.dtype}; cast one of them.')
        if not rank:
            return Choice(self, condition, then, otherwise, shape, then.dtype)
        if shape is not None:
            condition = _spread(self, condition, shape)
        return self.where(self.cast(condition, 'bool'), then, otherwise)

    # Random draws are counted: functions of the seed, of the runs since the operation was made, and of a loop's step.

    def _keys(self):
        return [Count(self, self._clock)] + self._loop_times

    def random_uniform(self, shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return self.draw_uniform(shape, minval, maxval, _drawn(dtype), _seed(seed), self._keys())

    def random_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return self.draw_normal(shape, mean, stddev, _drawn(dtype), _seed(seed), self._keys())

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        return self.draw_truncated(shape, mean, stddev, _drawn(dtype), _seed(seed), self._keys())


def _drawn(dtype):
    return dtypes.name(dtype or config.floatx())


def _seed(seed):
    return int(np.random.randint(10e6) if seed is None else seed)


def _same(backend, x):
    return x


@contextlib.contextmanager
def _nothing():
    yield


def _spread(backend, condition, shape):
    """`condition`, whose shape begins like `shape`, with axes of length 1 up to its rank."""
    own = rules.shape_of(condition)
    fits = len(own) <= len(shape) and all(m == n or None in (m, n) or m == 1 for m, n in zip(own, shape))
    if not fits:
        raise ValueError(
            f'switch: the condition has shape {own}, which is not how the shape of the branches begins, {shape}.'
        )
    for _ in range(len(shape) - len(own)):
        condition = backend.expand_dims(condition, -1)
    return condition
