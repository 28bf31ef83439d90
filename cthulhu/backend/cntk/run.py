"""The hooks of `deferred`: plans become programs of the framework."""

import sys
import threading

import scipy.sparse

from cthulhu.backend.cntk.framework import C
from cthulhu.backend.cntk.primitive import make, native, on_host
from cthulhu.backend.cntk.program import Compiled
from cthulhu.backend.cntk.tensors import Tensor
from cthulhu.backend.cntk.variable import Variable
from cthulhu.backend.composed.held_arrays import HeldArrays
from cthulhu.backend.deferred import Deferred, Symbol
from cthulhu.backend.deferred.plan import Plan


def stop_gradient(self, variables):
    return make(C.stop_gradient, variables, passes=False)


_stop_gradient = native(stop_gradient, on_arrays=lambda backend, x: x)
del stop_gradient


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
