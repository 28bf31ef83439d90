"""The hooks of `deferred`: plans become programs of the framework."""

import sys
import threading

import scipy.sparse

from cthulhu.backend.cntk.framework import C
from cthulhu.backend.cntk.primitive import make, native, on_host
from cthulhu.backend.cntk.program import Compiled
from cthulhu.backend.cntk.shape import cut, reshaped
from cthulhu.backend.cntk.tensors import Tensor
from cthulhu.backend.cntk.variable import Variable
from cthulhu.backend.composed.held_arrays import HeldArrays
from cthulhu.backend.deferred import Deferred, Symbol
from cthulhu.backend.deferred.plan import Plan


def stop_gradient(self, variables):
    return make(C.stop_gradient, variables, passes=False)


_stop_gradient = native(stop_gradient, on_arrays=lambda backend, x: x)
del stop_gradient


class _Stacked:
    """The outputs of a loop, by their index: each one laid out when it is asked for, as many are not."""

    def __init__(self, backend, rows):
        self._backend, self._rows = backend, rows

    def __getitem__(self, index):
        return self._backend._one_after_another([row[index] for row in self._rows])


class CNTKRun(HeldArrays, Deferred):
    """Programs, branches, gradients."""

    symbols = Symbol, Tensor

    def __init__(self):
        super().__init__()
        self.lock = threading.RLock()
        # The programs that are being built, the innermost last.
        self.building = []

    def new_variable(self, value, name, constraint):
        return Variable(self, value, name, constraint)

    def get_value(self, x):
        with self.lock:
            return super().get_value(x)

    def set_value(self, x, value):
        value = self._array_for(x, self.to_numpy(value))
        with self.lock:
            x.write(value)

    def assign(self, variable, value):
        with self.lock:
            variable.write(value)

    def compile(self, plan, name):
        return Compiled(self, plan)

    def choose(self, condition, then, otherwise):
        if not isinstance(condition, Tensor):
            return then() if condition else otherwise()
        return type(self).where.compute(self, condition, then(), otherwise())

    def loop(self, step, sequences, states, count):
        # Rows one after the other: a step is cut out of them, and put behind others, without a node for its shape.
        flat = [
            reshaped(x, (count * x.shape[1],) + x.shape[2:]) if isinstance(x, Tensor) and x.ndim > 1 else None
            for x in sequences
        ]

        def at(time, x, rows):
            many = None if rows is None else x.shape[1]
            return x[time] if many is None else cut(rows, [0], [time * many], [(time + 1) * many], [1])

        rows = []
        for time in range(count):
            slices = [at(time, x, each) for x, each in zip(sequences, flat)]
            outputs, states = step(slices, states, self.convert(time, 'int32'))
            rows.append(outputs)
        return _Stacked(self, rows), list(states)

    def differentiate(self, function, values, found):
        return self.building[-1].differentiate(function, values, found)

    def _evaluate(self, x):
        plan = Plan([], [x], [], [])
        outputs, _ = Compiled(self, plan)([v.value for v in plan.variables], [], self.tick())
        # Dense, also where the tensor is sparse.
        return outputs[0].toarray() if scipy.sparse.issparse(outputs[0]) else self.to_numpy(outputs[0])

    def stop_gradient(self, variables):
        if isinstance(variables, (list, tuple)):
            return [self.stop_gradient(one) for one in variables]
        return _stop_gradient(self, variables)

    @native
    def print_tensor(self, x, message=''):
        def say(backend, x):
            return x

        def printed(backend, x):
            print(message, x, file=sys.stderr)
            return x

        return on_host(self, 'print_tensor', say, (x,), {}, lambda upstream, result, x: [upstream], run=printed)
