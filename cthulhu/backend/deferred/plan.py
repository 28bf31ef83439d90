"""What `K.function` runs: a pure function, between the reading and the assigning of variables."""

import numpy as np

from cthulhu.backend.composed import function
from cthulhu.backend.deferred.evaluation import Evaluation, Inner
from cthulhu.backend.deferred.symbol import Variable, toposort


class Plan:
    """A pure function (values of variables, feeds, clock) -> (outputs, new values): it reads and changes nothing else.

    Outputs and new values are computed from the old values, then `after_updates` from the new ones.

    Attributes:
        variables: list of the variables whose values it takes.
        updated: list of the variables whose new values it gives.
        targets: list of the Symbols of whose values `finish` makes its results.

    Arguments:
        inputs, outputs, after_updates: lists of Symbols.
        updates: list of pairs (Variable, Symbol).
    """

    def __init__(self, inputs, outputs, updates, after_updates):
        self.inputs = list(inputs)
        self.updated = [variable for variable, _ in updates]
        new_values = [value for _, value in updates]
        fed = {id(symbol) for symbol in self.inputs}
        read = self._symbols = toposort(list(outputs) + new_values + list(after_updates))
        self.variables = [x for x in read if isinstance(x, Variable) and id(x) not in fed]
        # What after_updates need and no update touches is computed once, with the outputs.
        self._after = Inner(after_updates, self.updated)
        self._counts = len(outputs), len(outputs) + len(updates)
        self.targets = list(outputs) + new_values + self._after.captured
        self._evaluation = Evaluation(self.targets, self.inputs + self.variables)

    def symbols(self):
        """Every Symbol that the function is made of, those inside of loops left out."""
        return self._symbols

    def __call__(self, variables, feeds, clock):
        return self.run(self.given(variables, feeds), clock)

    def run(self, given, clock):
        """`__call__`, of what `given` makes."""
        return self.finish(self._evaluation.run(given, clock))

    def given(self, variables, feeds):
        """Values by the ids of their Symbols."""
        return {id(symbol): value for symbol, value in zip(self.inputs + self.variables, list(feeds) + list(variables))}

    def finish(self, results):
        first, second = self._counts
        outputs, new_values, captured = results[:first], results[first:second], results[second:]
        return outputs + self._after(new_values, captured), new_values


class Function(function.Function):
    """Reads the variables, runs the compiled plan, assigns the new values."""

    def prepare(self):
        backend = self.backend
        self.outputs = [backend.symbol(x) for x in self.outputs]
        self.after_updates = [backend.symbol(x) for x in self.after_updates]
        updates = [(variable, backend.matching(value, variable)) for variable, value, _ in self.updates]
        self.plan = Plan(self.inputs, self.outputs, updates, self.after_updates)
        self._compiled = backend.compile(self.plan, self.name)

    def feed(self, tensor, what):
        return _Feed(self, tensor, what)

    def run(self, values):
        backend = self.backend
        variables = [variable.value for variable in self.plan.variables]
        outputs, new_values = self._compiled(variables, values, backend.tick())
        # Outputs are read before variables change, in case one is the variable's own array.
        outputs = [backend.to_numpy(value) for value in outputs]
        for variable, value in zip(self.plan.updated, new_values):
            backend.assign(variable, value)
        return outputs


class _Feed(function.Feed):
    """Values become the framework's arrays; a sparse matrix, where a dense array is expected, is made one."""

    def array(self, value):
        sparse = self.backend.is_sparse_value(value)
        if sparse and not self.sparse and hasattr(value, 'toarray'):
            value, sparse = value.toarray(), False
        if sparse != self.sparse:
            kinds = 'a sparse matrix', 'a dense array'
            raise ValueError(f'{self.what} takes {kinds[not self.sparse]}, and was given {kinds[not sparse]}.')
        if not sparse and isinstance(value, (np.ndarray, np.generic, list, tuple, int, float, complex)):
            value = super().array(value)
        return self.backend.convert(value, self.tensor.dtype)
