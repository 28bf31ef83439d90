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
        for place, slope in zip(group, _slopes(backend, total, [wanted[place] for place in group])):
            found[place] = slope
    return found


def _slopes(backend, total, at):
    """The derivatives of a scalar Symbol by each of `at`, of which none is computed from another one.

    What takes place `apart`, sums over processes, cuts the way to the scalar into stages. The framework differentiates each by itself, the last one first; of such
    a sum the derivative is the sum of the derivatives.
    """
    changed, stage_of = dependents([total], at), dict.fromkeys(map(id, at), 0)
    order = [x for x in toposort([total]) if id(x) in changed and id(x) not in stage_of]
    sloped = set(stage_of)
    for symbol in order:
        stage_of[id(symbol)] = max(stage_of.get(id(x), 0) for x in symbol.inputs) + (symbol.op in backend.apart)
        if any(id(x) in sloped for x in _differentiable(symbol)):
            sloped.add(id(symbol))
    last = stage_of[id(total)]
    if not last:
        return _of_part(backend, total, at)
    slopes = {}

    def add(x, slope):
        slopes[id(x)] = slopes[id(x)] + slope if id(x) in slopes else slope

    for number in reversed(range(last + 1)):
        here = [x for x in order if stage_of[id(x)] == number]
        own = {id(x): x for x in here if x.op not in backend.apart}
        given = {id(x): x for symbol in own.values() for x in symbol.inputs if id(x) in stage_of and id(x) not in own}
        by = [x for x in given.values() if id(x) in sloped and dtypes.is_float(x.dtype)]
        # Its derivatives are those of the whole: what later stages have found of what they take from here stands in it as a number.
        ends = [(x, slopes[id(x)]) for x in own.values() if id(x) in slopes]
        terms = [total] * (number == last) + [backend.cast(backend.sum(x * slope), total.dtype) for x, slope in ends]
        if by and terms:
            taken = {id(x) for x in by}
            held = [slope for _, slope in ends] + [x for x in given.values() if id(x) not in taken]
            for x, slope in zip(by, _of_part(backend, sum(terms[1:], terms[0]), by, held)):
                add(x, slope)
        for symbol in here:
            if id(symbol) not in own and id(symbol) in slopes:
                (x,) = symbol.inputs
                add(x, Symbol(backend, symbol.op, symbol.compute, (slopes[id(symbol)],), None, x.shape, x.dtype))
    return [slopes[id(x)] for x in at]


def _of_part(backend, total, at, held=()):
    whole = Gradients(backend, total, at, held)
    return [Symbol(backend, 'gradient', take, (whole, (place,)), None, x.shape, x.dtype) for place, x in enumerate(at)]


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

    Arguments:
        total, at: the scalar, and the list of the others.
        held: list of Symbols that count as numbers, whatever they are computed from.
    """

    def __init__(self, backend, total, at, held=()):
        self.total, self.at, self._held = total, list(at), list(held)
        self.inner = Inner([total], at, held)
        super().__init__(backend, 'gradients', None, (self.at, self.inner.captured, total))

    def evaluate(self, values, clock):
        return self.joint([])[1](values, clock)

    def joint(self, beside):
        """(Symbols that it needs, `evaluate`), with the values of `beside`, Symbols that are computed on the way, behind the derivatives."""
        backend, at = self.backend, self.at
        inner = Inner([self.total] + list(beside), at, self._held) if beside else self.inner

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
        return [symbol for symbol in self.inner.changed if id(symbol) not in points]
