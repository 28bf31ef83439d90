"""Many calls of a function as one: a scan over its steps."""

import jax
import jax.numpy as jnp
import numpy as np

from cthulhu.backend.jax import checks, device
from cthulhu.backend.jax.device import exact, run_and_keep, send_for
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
        self._feeds = [function._feeds[place] for place in each]
        self._fixed = [np.asarray(fixed[place]) for place in same]

        def steps(changing, kept, fixed, clock, over, feeds_of):
            def one(state, at):
                changing, wrong = state
                number, over = at
                values = dict(zip(same + each, list(fixed) + feeds_of(over)))
                fed = [values[at] for at in sorted(values)]
                outputs, new_values, found = step(changing, kept, fed, clock + number, wrong)
                wrong = wrong if found is None else found
                return (new_values, wrong), ([array(x) for x in outputs], wrong[0])

            count = len(jax.tree.leaves(over)[0])
            begin = list(changing), checks.nothing()
            (changing, _), (outputs, numbers) = jax.lax.scan(one, begin, (jnp.arange(count), over))
            return outputs, changing, numbers

        def on_arrays(changing, kept, fixed, clock, arrays):
            return steps(changing, kept, fixed, clock, arrays, list)

        def on_rows(changing, kept, fixed, clock, whole, rows):
            return steps(changing, kept, fixed, clock, rows, lambda rows: _taken(whole, rows))

        self._on_arrays, self._on_rows = (jax.jit(run, donate_argnums=0) for run in (on_arrays, on_rows))

    def __call__(self, arrays, count):
        with exact():
            arrays = [device.shared(feed.array(one), 1) for feed, one in zip(self._feeds, arrays)]
        return self._run(self._on_arrays, arrays)

    def by_rows(self, held, rows, count):
        return self._run(self._on_rows, held.arrays, rows)

    def _run(self, compiled, *data):
        backend = self._backend
        begun = backend.random_step()

        with exact():
            clock = np.int64(begun)
            outputs, _, numbers = run_and_keep(compiled, self._changing, self._kept, 1, self._fixed, clock, *data)
            send_for((outputs, numbers))
            outputs, numbers = [np.asarray(value) for value in outputs], np.asarray(numbers)
        taken = int(np.sum(numbers == 0))
        backend.set_random_step(begun + taken)
        return taken, [value[:taken] for value in outputs]


class Held:
    """A data set on the device.

    Attributes:
        arrays: list of arrays (samples, ...).
    """

    def __init__(self, arrays):
        with exact():
            self.arrays = [jax.device_put(np.ascontiguousarray(one), device.everywhere()) for one in arrays]

    @classmethod
    def of(cls, arrays):
        """The data set, if the device is not the processor, which has them already, and they take no more of its memory than `HELD`; or None."""
        limit = 0 if device.is_processor() else (device.used()[0].memory_stats() or {}).get('bytes_limit', 0)
        return cls(arrays) if sum(one.nbytes for one in arrays) <= HELD * limit else None

    def take(self, rows):
        """A batch of each: rows of a slice or an array of indices."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self.arrays[0])))
        with exact():
            return _taken(self.arrays, rows.astype('int32'))


@jax.jit
def _taken(arrays, rows):
    return [jnp.take(one, rows, axis=0, mode='clip') for one in arrays]
