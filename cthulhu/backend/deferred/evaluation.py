"""Computing the values of Symbols: in which order, what only a branch needs, what is needed no more."""

from cthulhu.backend.deferred.symbol import Choice, dependents
from cthulhu.backend.inference.symbolic import toposort


class Evaluation:
    """How to compute some Symbols: made once, run often.

    Each Symbol is computed once, and dropped after its last use. What only one side of a `Choice` needs is computed when that side
    is chosen; what is needed elsewhere too, before.

    Arguments:
        targets: list of Symbols.
        known: list of Symbols whose values will be given.
    """

    def __init__(self, targets, known=()):
        given = {id(symbol) for symbol in known}
        # Holding every Symbol also keeps their ids from being used again.
        self.symbols = toposort(targets, lambda symbol: () if id(symbol) in given else symbol.inputs)
        self._known = list(known)
        scopes = _scopes(self.symbols, targets, given)
        inside = {}
        for symbol in self.symbols:
            if id(symbol) not in given:
                inside.setdefault(scopes[id(symbol)], []).append(symbol)
        self._part = _Part(targets, inside, ())

    def run(self, given, clock):
        """The targets' values: list.

        Arguments:
            given: dict from the ids of the known Symbols to their values.
            clock: how many runs there were before.
        """
        return self._part.run(dict(given), clock)


def _scopes(symbols, targets, given):
    """Id of a Symbol -> the branches that alone need it, from the outermost: tuple of (id of a Choice, which side)."""
    scopes = {id(symbol): () for symbol in targets}
    for symbol in reversed(symbols):
        scope = scopes[id(symbol)]
        if id(symbol) in given:
            continue
        sides = symbol.args[1:] if isinstance(symbol, Choice) else ()
        uses = [(needed, scope) for needed in (symbol.args[:1] if sides else symbol.inputs)]
        uses += [(side, scope + ((id(symbol), which),)) for which, side in enumerate(sides)]
        for needed, use in uses:
            before = scopes.get(id(needed), use)
            shared = next((i for i, (a, b) in enumerate(zip(before, use)) if a != b), min(len(before), len(use)))
            scopes[id(needed)] = use[:shared]
    return scopes


class _Part:
    """The Symbols of one scope, in order, with the parts of the branches among them."""

    def __init__(self, targets, inside, scope):
        self.targets = [id(target) for target in targets]
        kept, last, own, steps = set(self.targets), {}, set(), []
        self.outside = set(self.targets)
        for place, symbol in enumerate(inside.get(scope, ())):
            needed, compute = {id(x) for x in symbol.inputs}, symbol.evaluator()
            if isinstance(symbol, Choice):
                sides = [_Part([side], inside, scope + ((id(symbol), i),)) for i, side in enumerate(symbol.args[1:])]
                needed = {id(symbol.args[0])}.union(*[side.outside for side in sides])
                compute = symbol.choosing(*[side.run for side in sides])
            own.add(id(symbol))
            self.outside |= needed
            last.update((key, place) for key in needed)
            steps.append((id(symbol), compute))
        self.outside -= own
        self._results = [key for key in own if key in kept]
        spent = [[] for _ in steps]
        for key, place in last.items():
            if key in own and key not in kept:
                spent[place].append(key)
        self._steps = [(key, compute, unused) for (key, compute), unused in zip(steps, spent)]

    def run(self, values, clock):
        """The targets' values, from those of what is outside, to which nothing is added."""
        for key, compute, spent in self._steps:
            values[key] = compute(values, clock)
            for one in spent:
                del values[one]
        results = [values[target] for target in self.targets]
        for key in self._results:
            del values[key]
        return results


class Inner:
    """A part of the graph as a function of some of its Symbols: the body of a loop, what a loss is made of its variables.

    Attributes:
        captured: list of Symbols, what it uses that does not depend on its arguments: computed once, outside.
    """

    def __init__(self, results, arguments):
        self.arguments = list(arguments)
        changed = dependents(results, arguments)
        order = toposort(results, lambda symbol: symbol.inputs)
        needed = {id(x) for symbol in order if id(symbol) in changed for x in symbol.inputs} | {id(x) for x in results}
        self.captured = [symbol for symbol in order if id(symbol) in needed and id(symbol) not in changed]
        self._known = self.arguments + self.captured
        self._evaluation = Evaluation(results, self._known)

    @property
    def symbols(self):
        return self._evaluation.symbols

    def __call__(self, arguments, captured):
        """The results' values: list. Counts of runs are among what is captured."""
        given = {id(symbol): value for symbol, value in zip(self._known, list(arguments) + list(captured))}
        return self._evaluation.run(given, None)
