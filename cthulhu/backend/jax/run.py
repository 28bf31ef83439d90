"""The hooks of `deferred`: plans become programs that JAX compiles."""

import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.deferred import Deferred, Symbol, Variable, find_symbols, toposort
from cthulhu.backend.deferred.evaluation import Evaluation
from cthulhu.backend.inference import dtypes
from cthulhu.backend.jax import checks, device, functions
from cthulhu.backend.jax.device import exact, taking
from cthulhu.backend.jax.function import Function
from cthulhu.backend.jax.primitive import array, is_native, native
from cthulhu.backend.jax.sparse import Sparse, to_scipy


def stop_gradient(self, x):
    return jax.lax.stop_gradient(x)


_stop_gradient = native(stop_gradient, on_arrays=lambda backend, x: x)
del stop_gradient


class JAXRun(Deferred):
    """Values, compiled functions, branches, loops, gradients."""

    forward_once = True
    function_class = Function

    def __init__(self):
        super().__init__()
        if os.environ.get('CTHULHU_DEVICE'):
            device.used()  # one that is not there is told of now

    # Values.

    def convert(self, value, dtype):
        if isinstance(value, Symbol):
            raise TypeError(f'{value!r} has no value yet. Use K.eval, or a K function in place of a NumPy one.')
        dtype = dtype or dtypes.of(value, config.floatx())
        if isinstance(value, jax.Array):
            if value.dtype == dtype:
                return value
            with exact():
                return value.astype(dtype)
        if scipy.sparse.issparse(value):
            return value.tocsr().astype(dtype)
        return np.asarray(value, dtype)

    def to_numpy(self, value):
        if isinstance(value, Sparse):
            return to_scipy(jax.device_get(value))
        return value.copy() if scipy.sparse.issparse(value) else np.array(value)

    def zeros_value(self, shape, dtype):
        return np.zeros(shape, dtype)

    def is_sparse_value(self, value):
        return isinstance(value, Sparse) or scipy.sparse.issparse(value)

    def _held(self, value):
        """An array of NumPy, which nobody else has, on the device."""
        device.check_process()
        with exact():
            return jax.device_put(value, device.everywhere())

    def new_variable(self, value, name, constraint):
        variable = super().new_variable(value, name, constraint)
        variable.value = self._held(variable.value)
        return variable

    def set_value(self, x, value):
        value = self._held(self._array_for(x, self.to_numpy(value)))
        with taking:
            x.value = value

    def get_value(self, x):
        with taking:
            return super().get_value(x)

    def devices(self):
        return [device.name(one) for one in device.used()]

    # Runs. `K.eval` is the reference's, on arrays: to compile what is asked for once would take longer than it saves.

    def _value(self, x):
        variables = [symbol for symbol in toposort([x]) if isinstance(symbol, Variable)]
        given = {id(variable): self.get_value(variable) for variable in variables}
        with exact():
            return self.to_numpy(Evaluation([x], variables).run(given, self._runs_seen.now)[0])

    def choose(self, condition, then, otherwise):
        if not isinstance(condition, jax.Array):
            return then() if condition else otherwise()

        def side(compute):
            def run():
                with checks.finding() as found:
                    value = array(compute())
                wrong = checks.first(found)
                return value, checks.nothing() if wrong is None else wrong

            return run

        value, found = jax.lax.cond(condition.reshape(()).astype(bool), side(then), side(otherwise))
        checks.hand_on(found)
        return value

    def loop(self, step, sequences, states, count):
        if not is_native(sequences) and not is_native(states):
            return super().loop(step, sequences, states, count)

        def body(states, at):
            time, slices = at
            with checks.finding() as found:
                outputs, new_states = step(list(slices), list(states), time)
            new_states = [array(new, old.dtype) for new, old in zip(new_states, states)]
            return new_states, ([array(x) for x in outputs], checks.first(found))

        times = jnp.arange(count, dtype='int32')
        sequences, states = [array(x) for x in sequences], [array(x) for x in states]
        states, (outputs, found) = jax.lax.scan(body, states, (times, sequences))
        checks.hand_on(found)
        return outputs, states

    def differentiate_once(self, function, values):
        known = []

        def scalar(*values):
            with checks.finding() as found:
                total, beside = function(*values)
            leaves, form = jax.tree.flatten(beside)
            # What is known already, such as shapes, must stay known.
            known[:] = [None if isinstance(x, jax.Array) else (x,) for x in leaves], form
            return array(total), ([x for x in leaves if isinstance(x, jax.Array)], checks.first(found))

        values = [array(x) for x in values]
        gradients, (leaves, found) = jax.grad(scalar, range(len(values)), has_aux=True)(*values)
        checks.hand_on(found)
        leaves, (own, form) = iter(leaves), known
        return gradients, jax.tree.unflatten(form, [next(leaves) if one is None else one[0] for one in own])

    def call_function(self, function, *args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError) as error:
            if not find_symbols((args, kwargs)):
                raise
            return functions.record(self, function, args, kwargs, error)

    def stop_gradient(self, variables):
        if isinstance(variables, (list, tuple)):
            return [self.stop_gradient(one) for one in variables]
        return _stop_gradient(self, variables)

    @native
    def print_tensor(self, x, message=''):
        jax.debug.callback(lambda value: print(message, np.asarray(value), file=sys.stderr), x)
        return x
