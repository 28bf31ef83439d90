"""`gradients`: one operation that has the framework differentiate a part of the graph."""

from cthulhu.backend.deferred.evaluation import Inner
from cthulhu.backend.deferred.record import take
from cthulhu.backend.deferred.symbol import Symbol, toposort


def record_gradients(backend, loss, wanted):
    """The Symbols of the derivatives of `loss` by each of the Symbols `wanted`; None where it does not depend on one."""
    total = backend.sum(backend.symbol(loss))
    reached = {id(symbol) for symbol in toposort([total])}
    wanted = list(wanted)
    found = [None] * len(wanted)
    places = [place for place, x in enumerate(wanted) if id(x) in reached]
    # What is computed from another one of them is differentiated by itself: all at once, that other would not reach through it.
    leaves = [place for place in places if not wanted[place].inputs]
    for group in [leaves] * bool(leaves) + [[place] for place in places if wanted[place].inputs]:
        at = [wanted[place] for place in group]
        whole = _differentiated(backend, total, at)
        for index, (place, x) in enumerate(zip(group, at)):
            found[place] = Symbol(backend, 'gradient', take, (whole, (index,)), None, x.shape, x.dtype)
    return found


def _differentiated(backend, total, at):
    inner = Inner([total], at)

    def compute(_, values, captured, found):
        return backend.differentiate(lambda *arguments: inner(arguments, captured)[0], values, found)

    return Symbol(backend, 'gradients', compute, (at, inner.captured, total))
