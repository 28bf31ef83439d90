"""Computing the values of Symbols: in which order, what only a branch needs, what is needed no more."""

from cthulhu.backend.deferred.symbol import Choice
from cthulhu.backend.inference.symbolic import toposort


class Evaluation:
    """How to compute some Symbols: made once, run often.

    Each Symbol is computed once, and dropped after its last use. What only one side of a `Choice` needs is computed when that side
    is chosen; what is needed elsewhere too, before. Where derivatives are computed from a forward pass of their own, what is always needed of it is
    taken from there.

    Arguments:
        targets: list of Symbols.
        known: list of Symbols whose values will be given.
    """

    def __init__(self, targets, known=()):
        given = {id(symbol) for symbol in known}
        forward = _Forward(targets, given)
        # Holding every Symbol also keeps their ids from being used again.
        self.symbols = forward.order
        forward.share(self.symbols)
        self._known = list(known)
        scopes = _scopes(self.symbols, targets, given, forward)
        inside = {}
        for symbol in self.symbols:
            if id(symbol) not in given:
                inside.setdefault(scopes[id(symbol)], []).append(symbol)
        self._part = _Part(targets, inside, (), forward)

    def run(self, given, clock):
        """The targets' values: list.

        Arguments:
            given: dict from the ids of the known Symbols to their values.
            clock: how many runs there were before.
        """
        return self._part.run(dict(given), clock)


class _Forward:
    """Which Symbols are computed on the way to derivatives, and so are not computed by themselves.

    Attributes:
        order: list of the Symbols that are computed, each after those it needs.
        steps: dict, id of such a Symbol, or of a `Gradients` that has some -> ([Symbols that it needs], its `evaluate`).
    """

    def __init__(self, targets, given):
        self._given, self._owner, self._beside, self.steps = given, {}, {}, {}
        self.order = toposort(targets, self._plain)
        found = [x for x in self.order if x.op == 'gradients' and id(x) not in given and x.backend.forward_once]
        if not found:
            return
        scopes = _scopes(self.order, targets, given, None)
        # The last first: those inside of what another one differentiates are that one's own.
        for whole in reversed(found):
            own = [symbol for symbol in whole.forward() if scopes.get(id(symbol)) == () and id(symbol) not in given]
            if id(whole) in self._owner or scopes[id(whole)] != () or any(id(symbol) in self._owner for symbol in own):
                continue
            self._beside[id(whole)] = whole, []
            self._owner.update((id(symbol), whole) for symbol in own)
        self.order = toposort(targets, self.inputs)

    def _plain(self, symbol):
        return () if id(symbol) in self._given else symbol.inputs

    def inputs(self, symbol):
        """The Symbols that have to be computed before one."""
        if id(symbol) in self._given:
            return ()
        if id(symbol) in self._owner:
            return (self._owner[id(symbol)],)
        return symbol.at + symbol.inner.captured if id(symbol) in self._beside else symbol.inputs

    def share(self, symbols):
        """Note which of `symbols`, all that are computed, come from derivatives."""
        for symbol in symbols:
            if id(symbol) in self._owner:
                self._beside[id(self._owner[id(symbol)])][1].append(symbol)
        for whole, beside in self._beside.values():
            self.steps[id(whole)] = whole.joint(beside)
            for place, symbol in enumerate(beside, len(whole.at)):
                self.steps[id(symbol)] = [whole], _item(id(whole), place)


def _item(key, place):
    return lambda values, clock: values[key][place]


def _scopes(symbols, targets, given, forward):
    """Id of a Symbol -> the branches that alone need it, from the outermost: tuple of (id of a Choice, which side)."""
    if not any(isinstance(symbol, Choice) for symbol in symbols):
        return dict.fromkeys(map(id, symbols), ())
    scopes = {id(symbol): () for symbol in targets}
    for symbol in reversed(symbols):
        scope = scopes[id(symbol)]
        if id(symbol) in given:
            continue
        if forward is not None and id(symbol) in forward.steps:
            uses = [(needed, scope) for needed in forward.steps[id(symbol)][0]]
        elif isinstance(symbol, Choice):
            uses = [(symbol.args[0], scope)]
            uses += [(side, scope + ((id(symbol), which),)) for which, side in enumerate(symbol.args[1:])]
        else:
            uses = [(needed, scope) for needed in symbol.inputs]
        for needed, use in uses:
            before = scopes.get(id(needed), use)
            shared = next((i for i, (a, b) in enumerate(zip(before, use)) if a != b), min(len(before), len(use)))
            scopes[id(needed)] = use[:shared]
    return scopes


class _Part:
    """The Symbols of one scope, in order, with the parts of the branches among them."""

    def __init__(self, targets, inside, scope, forward):
        self.targets = [id(target) for target in targets]
        kept, last, own, steps = set(self.targets), {}, set(), []
        self.outside = set(self.targets)
        for place, symbol in enumerate(inside.get(scope, ())):
            needed, compute = symbol.inputs, symbol.evaluator()
            if id(symbol) in forward.steps:
                needed, compute = forward.steps[id(symbol)]
            needed = {id(x) for x in needed}
            if isinstance(symbol, Choice) and id(symbol) not in forward.steps:
                branches = [scope + ((id(symbol), which),) for which in range(2)]
                sides = [_Part([side], inside, at, forward) for side, at in zip(symbol.args[1:], branches)]
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

    Arguments:
        results: list of Symbols.
        arguments: list of Symbols.
        held: list of Symbols that do not count as depending on the arguments.

    Attributes:
        captured: list of Symbols, what it uses that does not depend on its arguments: computed once, outside.
        changed: list of the Symbols that do, the arguments among them.
    """

    def __init__(self, results, arguments, held=()):
        self.arguments = list(arguments)
        ends = {id(x) for x in self.arguments} | {id(x) for x in held}
        order = toposort(results, lambda symbol: () if id(symbol) in ends else symbol.inputs)
        changed = {id(x) for x in self.arguments}
        for symbol in order:
            if id(symbol) not in ends and any(id(x) in changed for x in symbol.inputs):
                changed.add(id(symbol))
        self.changed = [x for x in order if id(x) in changed]
        needed = {id(x) for one in self.changed if id(one) not in ends for x in one.inputs} | {id(x) for x in results}
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
