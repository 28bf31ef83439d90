"""Many calls of a function as one: a scan over its steps."""

import jax
import jax.numpy as jnp
import numpy as np

from cthulhu.backend.jax import checks
from cthulhu.backend.jax.device import exact, patiently, run_and_keep, send_for
from cthulhu.backend.jax.primitive import array

#: The share of a device's memory that data sets may take which stay on it.
HELD = 0.25


class ManySteps:
    """What `many_steps` of a function gives: see there.

    Arguments:
        function: the Function.
        step: its pure function, see `Function._step`.
        fixed: dict, position of an input -> its value in every step.
    """

    def __init__(self, function, step, fixed):
        own = function.plan
        self._backend, self._changing, self._kept = function.backend, own.updated, function.kept
        same = [place for place in range(len(own.inputs)) if place in fixed and place not in function.known]
        each = [place for place in range(len(own.inputs)) if place not in fixed]
        self._fixed = [np.asarray(fixed[place]) for place in same]

        def steps(changing, kept, fixed, clock, over, feeds_of):
            def one(state, at):
                changing, wrong = state
                number, over = at
                values = dict(zip(same + each, list(fixed) + feeds_of(over)))
                outputs, new_values, found = step(changing, kept, [values[at] for at in sorted(values)], clock + number)
                if found is not None:
                    # Once something is wrong, nothing changes any more.
                    found = jnp.where(wrong[0] != 0, wrong, found)
                    new_values = [jnp.where(found[0] != 0, old, new) for old, new in zip(changing, new_values)]
                    wrong = found
                return (new_values, wrong), ([array(x) for x in outputs], wrong[0])

            count = len(jax.tree.leaves(over)[0])
            begin = list(changing), checks.nothing()
            (changing, _), (outputs, numbers) = jax.lax.scan(one, begin, (jnp.arange(count), over))
            return outputs, changing, numbers

        def on_arrays(changing, kept, fixed, clock, arrays):
            return steps(changing, kept, fixed, clock, arrays, list)

        def on_rows(changing, kept, fixed, clock, whole, rows):
            def taken(rows):
                return [jnp.take(one, rows, axis=0, mode='clip') for one in whole]

            return steps(changing, kept, fixed, clock, rows, taken)

        self._on_arrays, self._on_rows = (jax.jit(run, donate_argnums=0) for run in (on_arrays, on_rows))

    def __call__(self, arrays, count):
        return self._run(self._on_arrays, list(arrays))

    def by_rows(self, held, rows, count):
        return self._run(self._on_rows, held, rows)

    def _run(self, compiled, *data):
        backend = self._backend
        begun = backend.random_step()

        def run():
            changing, kept = [x.value for x in self._changing], [x.value for x in self._kept]
            return run_and_keep(compiled, self._changing, 1, changing, kept, self._fixed, np.int64(begun), *data)

        with exact():
            outputs, _, numbers = patiently(run)
            send_for((outputs, numbers))
            outputs, numbers = [np.asarray(value) for value in outputs], np.asarray(numbers)
        taken = int(np.sum(numbers == 0))
        backend.set_random_step(begun + taken)
        return taken, [value[:taken] for value in outputs]


def hold(arrays):
    """Arrays on the device, if it is not the processor that has them already, and they take no more of its memory than `HELD`; else False."""
    device = jax.devices()[0]
    if device.platform == 'cpu':
        return False
    limit = (device.memory_stats() or {}).get('bytes_limit', 0)
    if sum(one.nbytes for one in arrays) > HELD * limit:
        return False
    with exact():
        return [jax.device_put(np.ascontiguousarray(one)) for one in arrays]
