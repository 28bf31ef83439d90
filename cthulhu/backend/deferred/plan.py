"""Running the graph: plans, and the callables that `K.function` returns."""

from cthulhu.backend.deferred.symbol import Symbol, Variable, dependents, toposort


class Plan:
    """How to compute some Symbols: made once, run often.

    Values are computed on demand, so that of a `Choice` only the chosen side runs, each once, and are dropped after
    their last use.
    """

    def __init__(self, targets):
        self.targets = list(targets)
        self._kept = {id(target) for target in self.targets}
        self._uses = {}
        # Holding every Symbol also keeps their ids from being used again.
        self.symbols = toposort(self.targets)
        for symbol in self.symbols:
            for needed in symbol.inputs:
                self._uses[id(needed)] = self._uses.get(id(needed), 0) + 1

    def run(self, given, clock):
        """The targets' values.

        Arguments:
            given: dict from the id of a Symbol to its value, for placeholders or anything else.
            clock: how many runs there were before.
        """
        values, uses = dict(given), dict(self._uses)
        stack = self.targets[::-1]
        while stack:
            symbol = stack[-1]
            if id(symbol) in values:
                stack.pop()
                continue
            pending = symbol.pending(values)
            if pending:
                stack.extend(pending)
                continue
            stack.pop()
            values[id(symbol)] = symbol.evaluate(values, clock)
            for needed in symbol.inputs:
                uses[id(needed)] -= 1
                if not uses[id(needed)] and id(needed) not in self._kept:
                    values.pop(id(needed), None)
        return [values[id(target)] for target in self.targets]


class Function:
    """What `K.function` returns: see there."""

    def __init__(self, backend, inputs, outputs, updates, after_updates, name):
        self.backend = backend
        self.name = name or 'function'
        self.inputs = list(inputs)
        for position, symbol in enumerate(self.inputs):
            if not isinstance(symbol, Symbol):
                raise TypeError(f'inputs[{position}]: expected a symbolic tensor, got {symbol!r}.')
        self._one = not isinstance(outputs, (list, tuple)) and not after_updates
        self.outputs = [backend.symbol(x) for x in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
        pairs = list(_pairs(updates or []))
        self.variables = [variable for variable, _ in pairs]
        names = [variable.name for variable in self.variables]
        if len({id(variable) for variable in self.variables}) < len(pairs):
            twice = sorted({one for one in names if names.count(one) > 1})
            raise ValueError(f'updates: {twice} updated twice in one function. Join the two values into one update.')
        self.after_updates = [backend.symbol(x) for x in after_updates or []]
        changed = dependents(self.after_updates, self.variables)
        # What after_updates need and no update touches is computed once, with the outputs.
        order = toposort(self.after_updates)
        needed = {id(x) for symbol in order if id(symbol) in changed for x in symbol.inputs}
        needed.update(id(x) for x in self.after_updates)
        self._shared = [x for x in order if id(x) in needed and id(x) not in changed]
        new_values = [backend.symbol(backend.matching(value, variable)) for variable, value in pairs]
        self._plan = Plan(self.outputs + new_values + self._shared)
        self._after = Plan(self.after_updates)

    def __call__(self, *values):
        if len(values) == 1 and isinstance(values[0], (list, tuple)):
            values = values[0]
        if len(values) != len(self.inputs):
            raise ValueError(f'{self.name}: expected {len(self.inputs)} input values, got {len(values)}.')
        backend = self.backend
        given = {id(symbol): backend.feed(symbol, value) for symbol, value in zip(self.inputs, values)}
        clock = backend.tick()
        results = self._plan.run(given, clock)
        outputs, results = results[: len(self.outputs)], results[len(self.outputs) :]
        # Outputs are read before variables change, in case one is the variable's own array.
        outputs = [backend.to_numpy(value) for value in outputs]
        for variable, value in zip(self.variables, results):
            backend.set_value(variable, value)
        if self.after_updates:
            given.update((id(s), value) for s, value in zip(self._shared, results[len(self.variables) :]))
            outputs += [backend.to_numpy(value) for value in self._after.run(given, clock)]
        return outputs[0] if self._one else outputs


def _pairs(updates):
    """(variable, value) pairs from Updates, pairs, None and nested lists of them."""
    for update in updates if isinstance(updates, list) else [updates]:
        if update is None:
            continue
        if isinstance(update, list):
            yield from _pairs(update)
            continue
        try:
            variable, value = update
        except (TypeError, ValueError):
            variable = None
        if not isinstance(variable, Variable):
            raise TypeError(
                f'updates: expected `K.update(variable, value)` or a pair (variable, value), got {update!r}.'
            )
        yield variable, value
