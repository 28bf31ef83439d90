"""Running the graph: plans, and the callables that `K.function` returns."""

from cthulhu.backend.composed import function
from cthulhu.backend.deferred.symbol import dependents, toposort


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


class Function(function.Function):
    """A plan for outputs and new values, and one for what reads those."""

    def prepare(self):
        backend = self.backend
        self.outputs = [backend.symbol(x) for x in self.outputs]
        self.after_updates = [backend.symbol(x) for x in self.after_updates]
        self.variables = [variable for variable, _, _ in self.updates]
        changed = dependents(self.after_updates, self.variables)
        # What after_updates need and no update touches is computed once, with the outputs.
        order = toposort(self.after_updates)
        needed = {id(x) for symbol in order if id(symbol) in changed for x in symbol.inputs}
        needed.update(id(x) for x in self.after_updates)
        self._shared = [x for x in order if id(x) in needed and id(x) not in changed]
        new_values = [backend.matching(value, variable) for variable, value, _ in self.updates]
        self._plan = Plan(self.outputs + new_values + self._shared)
        self._after = Plan(self.after_updates)

    def feed(self, tensor, what):
        return _Feed(self, tensor, what)

    def run(self, values):
        backend = self.backend
        given = {id(symbol): value for symbol, value in zip(self.inputs, values)}
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
        return outputs


class _Feed(function.Feed):
    """Values become the framework's arrays; a sparse matrix is fed where one is expected, and nowhere else."""

    def array(self, value):
        sparse = self.backend.is_sparse_value(value)
        if sparse != self.sparse:
            kinds = 'a sparse matrix', 'a dense array'
            raise ValueError(f'{self.what} takes {kinds[not self.sparse]}, and was given {kinds[not sparse]}.')
        return self.backend.convert(value, self.tensor.dtype)
