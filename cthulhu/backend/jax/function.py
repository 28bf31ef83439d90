"""`K.function`: a plan, compiled by JAX for each set of shapes; and many calls of it as one scan."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse

from cthulhu.backend.deferred import plan
from cthulhu.backend.jax import checks, device
from cthulhu.backend.jax.device import alike, exact, run_and_keep, send_for, shared, taking
from cthulhu.backend.jax.many_steps import Held, ManySteps
from cthulhu.backend.jax.parts import SUM, Parts
from cthulhu.backend.jax.primitive import array
from cthulhu.backend.jax.sparse import Sparse, of_scipy

#: What makes results whose shapes depend on values: a function with one of these is not compiled.
_NOT_COMPILED = {'ctc_decode', 'ctc_label_dense_to_sparse'}


#: How many compiled functions are kept for values that are known when a function is traced: the learning phase has two, lengths may have many.
_KEPT = 32


class Function(plan.Function):
    """Computes outputs and new values of variables in one call of a compiled function, whose memory the new values take over."""

    def prepare(self):
        super().prepare()
        own = self.plan
        updated = {id(variable) for variable in own.updated}
        self.kept = [variable for variable in own.variables if id(variable) not in updated]
        # What is known when the function is traced chooses branches then: the learning phase, and whether layers are frozen.
        self.known = [place for place, x in enumerate(own.inputs) if x.shape == () and x.dtype == 'bool']
        self._is_compiled = not any(symbol.op in _NOT_COMPILED for symbol in own.symbols())
        self._prints = any(symbol.op == 'print_tensor' for symbol in own.symbols())
        self._parts = Parts(self) if any(symbol.op == SUM for symbol in own.symbols()) else None
        self._steps, self._compiling = {}, None
        # What the last step found; a step that follows something wrong, begun before that was told, changes nothing.
        self._found = np.zeros(2, 'int64')

    is_asynchronous = True

    @property
    def call_costs(self):
        return 1e-4 if device.is_processor() else 4e-4

    def run(self, values):
        return self._begun(values)()

    def begin(self, inputs):
        return self._begun(self.argued((inputs,)))

    def _begun(self, values):
        try:
            return self._run(values)
        except jax.errors.JAXTypeError:
            # Lengths that are fed: the function is compiled for each of them.
            lengths = [place for place, x in enumerate(self.plan.inputs) if _may_be_lengths(x)]
            if set(lengths) <= set(self.known):
                raise
            self.known = sorted(set(self.known + lengths))
            return self._run(values)

    def _run(self, values):
        backend, own = self.backend, self.plan
        chosen = tuple([_frozen(values[place]) for place in self.known])
        known = chosen in self._steps
        if not known:
            if len(self._steps) >= _KEPT:
                self._steps.pop(next(iter(self._steps)))
            self._steps[chosen] = self._jitted(chosen)
        (*before, compiled), begun = self._steps[chosen], time.perf_counter()

        with exact():
            fed = [
                of_scipy(value) if scipy.sparse.issparse(value) else shared(value)
                for place, value in enumerate(values)
                if place not in self.known
            ]
            clock = np.int64(backend.random_step())
            with taking:
                carried = self._parts.carried(before, fed, clock) if before else ()
                outputs, new_values, found = run_and_keep(
                    compiled, own.updated, self.kept, 1, fed, clock, self._found, *carried
                )
                if not outputs and found is None:
                    # Nothing else tells when the arrays that were fed, which are not copied, have been read.
                    jax.block_until_ready(new_values)
            send_for((outputs, found))
            if found is not None:
                self._found = found
        backend.tick()
        if not known:
            jax.block_until_ready(outputs)
            self._compiling = time.perf_counter() - begun
        if self._prints:
            jax.effects_barrier()

        def finish():
            with exact():
                if found is not None and np.asarray(found)[0]:
                    self._found = np.zeros(2, 'int64')
                    raise checks.error(np.asarray(found))
                return [backend.to_numpy(value) for value in outputs]

        return finish

    def _jitted(self, chosen):
        """What is called one after the other, the function's step last."""
        steps = [] if self._parts is None else self._parts.steps(chosen)
        last = self._step(chosen)
        return [*map(jax.jit, steps), jax.jit(last, donate_argnums=0)] if self._is_compiled else [*steps, last]

    def given(self, chosen, changing, kept, fed):
        """The values of inputs and variables by their ids."""
        own = self.plan
        values = {id(x): value for x, value in zip(own.updated + self.kept, list(changing) + list(kept))}
        rest, known = iter(fed), dict(zip(self.known, map(_thawed, chosen)))
        feeds = [known[place] if place in known else next(rest) for place in range(len(own.inputs))]
        feeds = [one if isinstance(one, Sparse) else _typed(one, x.dtype) for one, x in zip(feeds, own.inputs)]
        return own.given([values[id(x)] for x in own.variables], feeds)

    def _step(self, chosen):
        """A pure function (values of what is updated, of what is only read, of what is fed, clock, finding, and of `carried` if there are `Parts`) ->
        (outputs, new values, finding or None).

        Where something wrong is found the new values are the old ones.
        """
        own, parts = self.plan, self._parts

        def step(changing, kept, fed, clock, before, *carried):
            given = self.given(chosen, changing, kept, fed)
            with checks.finding() as found:
                outputs, new_values = parts.last(given, *carried, clock) if carried else own.run(given, clock)
            wrong = checks.first(found)
            new_values = [array(value, x.dtype) for x, value in zip(own.updated, new_values)]
            if wrong is not None:
                wrong = jnp.where(before[0] != 0, before, wrong)
                new_values = _chosen(wrong[0] != 0, list(changing), new_values)
            new_values = list(map(alike, new_values))
            return outputs, _apart(new_values, list(kept) + list(fed) + list(changing)), wrong

        return step

    def many_steps(self, fixed, length, shapes):
        if not self._is_compiled or self._prints:
            raise NotImplementedError('it makes tensors whose shapes depend on values, or prints them')
        if self._parts is not None:
            raise NotImplementedError('it sums over ranks, which takes place between what is compiled')
        if any(x.sparse for x in self.plan.inputs):
            raise NotImplementedError('it is fed sparse matrices')
        chosen = tuple([_frozen(fixed[place]) for place in self.known if place in fixed])
        if len(chosen) != len(self.known):
            raise NotImplementedError('the learning phase, or a length, may change from step to step')
        return ManySteps(self, self._step(chosen), fixed)

    def hold(self, arrays):
        return Held.of(arrays)

    def compiling_costs(self):
        if self._parts is not None:
            return float('inf')
        # A call of fewer steps, the last of an epoch, is compiled by itself.
        return 1.5 * (self._compiling or 1.0)


def _typed(value, dtype):
    return value if value.dtype == dtype else value.astype(dtype)


def _chosen(condition, then, otherwise):
    """`then` or `otherwise`, two lists of arrays. A branch makes a GPU wait; on a processor a choice among the elements copies what is given away."""
    if device.is_processor():
        return jax.lax.cond(condition, lambda: then, lambda: otherwise)
    return [jnp.where(condition, one, other) for one, other in zip(then, otherwise)]


def _may_be_lengths(x):
    return x.dtype.startswith(('int', 'uint')) and x.shape is not None and len(x.shape) < 2


def _frozen(value):
    """An array, as what a dict can find."""
    value = np.asarray(value)
    if value.dtype == bool and not value.ndim:
        return bool(value)
    return value.tobytes(), value.dtype.str, value.shape


def _thawed(frozen):
    if isinstance(frozen, bool):
        return np.array(frozen)
    data, dtype, shape = frozen
    return np.frombuffer(data, dtype).reshape(shape)


def _apart(values, others):
    """`values`, each an array of its own: variables that had the same memory could not give it away."""
    seen, result = {id(x) for x in others}, []
    for value in values:
        result.append(jnp.copy(value) if id(value) in seen else value)
        seen.add(id(value))
    return result
