"""The primitives of `contract.run`, `switch` and random draws, for every backend that records its graph here.

`Deferred` is mixed into an eager framework's backend, which adds the `@recorded` primitives, the arithmetic that Symbols'
operators call (`add`, `subtract`, `multiply`, `divide`, `floor_divide`, `mod`, `negative`, `getitem`) and these few hooks:

    convert(value, dtype)       the framework's array of a number, list or array; dtype None keeps the value's own
    to_numpy(value)             a NumPy array (or SciPy matrix) that shares no memory with the framework's array
    zeros_value(shape, dtype)   an array of zeros
    is_sparse_value(value)      whether a value is sparse
    draw_uniform, draw_normal, draw_truncated(shape, low, high or mean, stddev, dtype, seed, keys)
                                recorded draws: pure functions of the seed and the list of integers `keys`

What `K.function` runs is a `Plan`: a pure function (values of variables, feeds, clock) -> (outputs, new values). A framework that
can do more than compute at once says so in these hooks of `Deferred`, whose plain forms serve those that cannot:

    compile(plan, name)         the plan, made faster (JAX: `jit`), or built of the framework's functions when it is called (CNTK); plain: as it
                                is
    assign(variable, value)     keep the plan's new value of a variable, on the framework's side; plain: the value itself
    choose(condition, then, otherwise)
                                what one of two functions of no arguments gives (JAX: `lax.cond`); plain: call that one
    loop(step, sequences, states, count)
                                a loop over a pure step (JAX: `lax.scan`); plain: a loop of Python
    differentiate(function, values, found)
                                the derivatives of a pure scalar function by its arguments, of which `found` is what it gave for the
                                values; there is no plain form: a backend that has it says `supports('gradients')`
    differentiate_once(function, values)
                                in place of it where `forward_once` is set: the function gives (scalar, list of other values), and wanted are
                                (derivatives of the scalar, the other values): what else is needed of a forward pass comes from there (JAX: `grad`)

So JAX compiles a whole step and differentiates inside of it, PyTorch runs it, and CNTK builds it. Each function given to a hook computes
on the framework's arrays, and may be called with what stands for them.
"""

import itertools
import sys

from cthulhu.backend import config, shapes
from cthulhu.backend.composed.counted import Steps
from cthulhu.backend.composed.sessionless import Sessionless
from cthulhu.backend.deferred.evaluation import Evaluation
from cthulhu.backend.deferred.gradient import record_gradients
from cthulhu.backend.deferred.loop import record_scan
from cthulhu.backend.deferred.origin import origin
from cthulhu.backend.deferred.plan import Function
from cthulhu.backend.deferred.record import recorded
from cthulhu.backend.deferred.symbol import Choice, Constant, Count, Placeholder, Symbol, Variable
from cthulhu.backend.inference import dtypes, rules


class Deferred(Sessionless):
    """Placeholders, variables, functions and loops over recorded graphs.

    Attributes:
        forward_once: bool, whether derivatives come from `differentiate_once`.
        apart: collection of the names of operations that take place outside of what the framework differentiates: sums over processes.
        function_class: what `K.function` makes.
    """

    forward_once, apart = False, ()
    function_class = Function

    def __init__(self):
        super().__init__()
        self._runs_seen = Steps(itertools.count())

    # Helpers that the rest of this package calls.

    def symbol(self, value, dtype=None):
        """`value` as a Symbol: itself, or a constant."""
        if isinstance(value, Symbol):
            return value
        return self._constant_of(self.convert(value, dtype), self._unique('constant'))

    def _constant_of(self, value, name):
        sparse = self.is_sparse_value(value)
        shape, dtype = tuple(value.shape), dtypes.of(value, config.floatx())
        return Constant(self, value, shape, dtype, name, sparse)

    def matching(self, value, variable):
        """A variable's new value, of its dtype."""
        value = self.symbol(value, variable.dtype)
        return value if value.dtype == variable.dtype else self.cast(value, variable.dtype)

    def tick(self):
        """Count a run of this thread, and say how many there were before."""
        self._runs_seen.now += 1
        return self._runs_seen.now - 1

    def random_step(self):
        return self._runs_seen.now

    def set_random_step(self, step):
        self._runs_seen.now = int(step)

    # The hooks.

    def compile(self, plan, name):
        return plan

    def assign(self, variable, value):
        variable.value = value

    def choose(self, condition, then, otherwise):
        return then() if condition else otherwise()

    def loop(self, step, sequences, states, count):
        rows = []
        for time in range(count):
            outputs, states = step([sequence[time] for sequence in sequences], states, self.convert(time, 'int32'))
            rows.append(outputs)
        stack = type(self).stack.compute
        return [stack(self, list(row)) for row in zip(*rows)], list(states)

    def native_method(self, symbol, name):
        """A method that Symbols have beside their own, as the framework's tensors do; None where there is none of that name."""

    def record_native(self, function, args, kwargs):
        """The Symbols of what a function of a framework gives that was called with Symbols."""
        raise TypeError(
            f'{getattr(function, "__name__", function)}: PyTorch was given a symbolic tensor of the {self.name} backend. Use the '
            'functions of `cthulhu.backend`; on the torch backend, PyTorch takes symbolic tensors.'
        )

    # The contract.

    def origin(self, x):
        return origin(self, x)

    def new_placeholder(self, shape, dtype, sparse, name):
        return Placeholder(self, shape, dtype, name, sparse)

    def new_variable(self, value, name, constraint):
        dtype = dtypes.name(value.dtype)
        return Variable(self, self.convert(value, dtype), value.shape, dtype, name, constraint)

    def new_constant(self, value, name):
        return self._constant_of(self.convert(value, dtypes.name(value.dtype)), name)

    def make_learning_phase(self):
        default = self.convert(False, 'bool')
        return Placeholder(self, (), 'bool', self._unique('learning_phase'), default=default)

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
        value = self._array_for(x, self.to_numpy(value))
        x.value = self.convert(value, x.dtype)

    def _value(self, x):
        return self.to_numpy(Evaluation([x]).run({}, self._runs_seen.now)[0])

    def _evaluate(self, x):
        value = self._value(x)
        self.tick()
        return value

    def function(self, inputs, outputs, updates=None, after_updates=None, name=None, **framework_arguments):
        return self.function_class(self, inputs, outputs, updates, after_updates, name, **framework_arguments)

    def gradients(self, loss, variables):
        if not self.supports('gradients'):
            raise self.cannot(
                'gradients',
                'It computes forward values only, so models predict and are evaluated but do not learn. To train, choose another '
                'backend, such as tensorflow, with the environment variable CTHULHU_BACKEND or in cthulhu.json.',
            )
        return record_gradients(self, loss, variables if isinstance(variables, (list, tuple)) else [variables])

    def stop_gradient(self, variables):
        if isinstance(variables, (list, tuple)):
            return [self.stop_gradient(one) for one in variables]
        return self.identity(variables)

    @recorded
    def print_tensor(self, x, message=''):
        print(message, self.to_numpy(x), file=sys.stderr)
        return x

    def identity(self, x, name=None):
        x = self.symbol(x)
        name = self._unique(name or 'identity')
        return Symbol(self, 'identity', _same, (x,), None, x.shape, x.dtype, name, sparse=x.sparse)

    def scan(self, step, sequences, states, length=None):
        return record_scan(self, step, sequences, states, length)

    def _pair(self, x, y):
        """Two operands as Symbols: data takes the dtype of the other one."""
        dtype = dtypes.pair(x, y, config.floatx())
        return [one if isinstance(one, Symbol) else self.symbol(one, dtype) for one in (x, y)]

    def _branch(self, condition, x, y):
        shape = None if None in (x.shape, y.shape) else shapes.common(x.shape, y.shape)
        return Choice(self, condition, x, y, shape, x.dtype)

    def _keys(self):
        return [Count(self, self._runs_seen.now)]


def _same(backend, x):
    return x
