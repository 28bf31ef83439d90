"""`gradients`: one operation that has the framework differentiate a part of the graph."""

from cthulhu.backend.deferred.evaluation import Inner
from cthulhu.backend.deferred.record import take
from cthulhu.backend.deferred.symbol import Symbol, dependents, toposort
from cthulhu.backend.inference import dtypes, symbolic


def record_gradients(backend, loss, wanted):
    """The Symbols of the derivatives of `loss` by each of the Symbols `wanted`; None where it does not depend on one."""
    losses = loss if isinstance(loss, (list, tuple)) else [loss]
    total, *others = [backend.sum(backend.symbol(one)) for one in losses]
    for other in others:
        total = total + other
    reached = {id(symbol) for symbol in symbolic.toposort([total], _differentiable if backend.forward_once else _all)}
    wanted = list(wanted)
    found = [None] * len(wanted)
    places = [place for place, x in enumerate(wanted) if id(x) in reached]
    # What is computed from another one of them is differentiated by itself: all at once, that other would not reach through it.
    leaves = [place for place in places if not wanted[place].inputs]
    for group in [leaves] * bool(leaves) + [[place] for place in places if wanted[place].inputs]:
        at = [wanted[place] for place in group]
        whole = Gradients(backend, total, at)
        for index, (place, x) in enumerate(zip(group, at)):
            found[place] = Symbol(backend, 'gradient', take, (whole, (index,)), None, x.shape, x.dtype)
    return found


# What has no derivative, in any of its arguments.
_FLAT = frozenset('floor floor_divide ones_like round stop_gradient zeros_like'.split())


def _all(symbol):
    return symbol.inputs


def _differentiable(symbol):
    """The Symbols by which one can be differentiated: numbers that are not whole, where there is a slope."""
    if symbol.op in _FLAT:
        return ()
    return [x for x in symbol.inputs if x.dtype is None or dtypes.is_float(x.dtype)]


class Gradients(Symbol):
    """A list of the derivatives of a scalar Symbol by each of some others.

    Where the backend computes them `forward_once`, an `Evaluation` has it also give what else is needed of the forward pass: values behind the
    derivatives in the list.
    """

    def __init__(self, backend, total, at):
        self.total, self.at = total, list(at)
        self.inner = Inner([total], at)
        super().__init__(backend, 'gradients', None, (self.at, self.inner.captured, total))

    def evaluate(self, values, clock):
        return self.joint([])[1](values, clock)

    def joint(self, beside):
        """(Symbols that it needs, `evaluate`), with the values of `beside`, Symbols that are computed on the way, behind the derivatives."""
        backend, at = self.backend, self.at
        inner = Inner([self.total] + list(beside), at) if beside else self.inner

        def evaluate(values, clock):
            captured = [values[id(symbol)] for symbol in inner.captured]
            points = [values[id(symbol)] for symbol in at]

            def forward(*points):
                found = inner(points, captured)
                return found[0], found[1:]

            if not backend.forward_once:
                found = values[id(self.total)]
                return backend.differentiate(lambda *points: forward(*points)[0], points, found)
            gradients, further = backend.differentiate_once(forward, points)
            return list(gradients) + list(further)

        return at + inner.captured + ([] if backend.forward_once else [self.total]), evaluate

    def forward(self):
        """The Symbols between those that it differentiates by and the scalar, which included."""
        points = {id(symbol) for symbol in self.at}
        changed = dependents([self.total], self.at)
        return [symbol for symbol in toposort([self.total]) if id(symbol) in changed and id(symbol) not in points]
