"""A plan cut into stages: what is computed before, between and after operations that take place outside of the framework's programs."""

from cthulhu.backend.deferred.evaluation import Evaluation
from cthulhu.backend.inference import symbolic


class Stages:
    """A plan's `targets`, computed in a row of stages between which the operations of one kind take place, each of which takes one Symbol.

    An operation takes place as late as it can, and with it what only it needs: so those that do not need each other meet in few places, and what
    derivatives and results have in common stays together.

    Arguments:
        plan: the Plan.
        op: str, the kind of the operations.
        early: collection of names of operations that are not left to the last stage where an earlier one can have them.

    Attributes:
        stages: list of `Stage`s, one more than there are places between them.
    """

    def __init__(self, plan, op, early=()):
        self._given = {id(x) for x in plan.inputs + plan.variables}
        self._op, self._early = op, early
        order = symbolic.toposort(plan.targets, self._needs)
        self._places(order)
        at = self._stage_of(order)
        # What has no inputs, such as a constant, each stage has for itself.
        carried = self._carried(plan.targets, [x for x in order if x.inputs and id(x) not in self._given], at)
        self.stages, known = [], []
        for number in range(self._last + 1):
            known = known + [x for x in order if self._place.get(id(x)) == number]
            gives = [x for x in carried if at[id(x)] == number]
            between = [x for x in order if self._place.get(id(x)) == number + 1]
            targets = plan.targets if number == self._last else gives
            self.stages.append(Stage(plan, known, targets, between))
            known = known + gives

    def _needs(self, symbol):
        return () if id(symbol) in self._given else symbol.inputs

    def _is_between(self, symbol):
        return symbol.op == self._op and id(symbol) not in self._given

    def _places(self, order):
        """Note in `_place` before which stage each operation takes place: id -> number; and in `_last` the number of the last stage."""
        after = dict.fromkeys(map(id, order), 0)  # how many more take place one after the other
        for symbol in reversed(order):
            for x in self._needs(symbol):
                after[id(x)] = max(after[id(x)], after[id(symbol)] + self._is_between(symbol))
        self._last = max(after.values()) if after else 0
        self._place = {id(x): self._last - after[id(x)] for x in order if self._is_between(x)}

    def _stage_of(self, order):
        """Which stage computes each Symbol: dict, id -> number."""
        first = {}
        for symbol in order:
            first[id(symbol)] = max([self._place.get(id(x), first[id(x)]) for x in self._needs(symbol)] or [0])
        at = dict.fromkeys(map(id, order), self._last)
        for symbol in reversed(order):
            if symbol.op in self._early:
                at[id(symbol)] = min(at[id(symbol)], max(first[id(symbol)], self._last - 1))
            for x in self._needs(symbol):
                at[id(x)] = min(at[id(x)], self._use(symbol, at))
        for symbol in order:
            inputs = self._needs(symbol)
            if len(inputs) == 1 and inputs[0].dtype is None:  # of several results one is kept, not all
                at[id(symbol)] = at[id(inputs[0])]
        return at

    def _use(self, symbol, at):
        """In which stage a Symbol's inputs are needed."""
        return self._place[id(symbol)] - 1 if id(symbol) in self._place else at[id(symbol)]

    def _carried(self, targets, computed, at):
        """Those that a later stage than their own needs, or gives."""
        used = {id(x): self._last for x in targets}
        for symbol in computed:
            for x in symbol.inputs:
                used[id(x)] = max(used.get(id(x), 0), self._use(symbol, at))
        return [x for x in computed if id(x) not in self._place and used[id(x)] > at[id(x)]]


class Stage:
    """What is computed at once.

    Attributes:
        needs: list of Symbols whose values come from before: of earlier stages, or of operations between them.
        gives: list of the Symbols whose values it gives: what later stages need, or in the last one the plan's targets.
        between: list of the operations that take place after it; it gives what they take too.
    """

    def __init__(self, plan, known, gives, between):
        self.gives, self.between = gives, between
        self._evaluation = Evaluation(
            list(gives) + [x.inputs[0] for x in between], plan.inputs + plan.variables + known
        )
        read = {id(x) for x in self._evaluation.symbols}
        self.needs = [x for x in known if id(x) in read]

    def run(self, given, clock):
        """Two lists: the values of `gives`, and what the operations `between` take.

        Arguments:
            given: dict from the ids of inputs, variables and `needs` to their values.
            clock: how many runs there were before.
        """
        results = self._evaluation.run(given, clock)
        return results[: len(self.gives)], results[len(self.gives) :]
