"""Updates in one pass over the weights, which changes them where they lie.

Nothing changes before everything else that a function computes is there: what may fail has been done then. Where the framework has a kernel for an
optimizer's formula, that is the pass (`kernels`); other formulas are computed block by block, so that what is in between stays in the cache (`blocks`).
"""

import weakref

import numpy as np
import torch

from cthulhu.backend.deferred import Symbol, toposort
from cthulhu.backend.deferred.symbol import Choice
from cthulhu.backend.torch import blocks, kernels, together
from cthulhu.backend.torch.cuda_graphs import PLACES
from cthulhu.backend.torch.framework import tensor


class Unit:
    """Variables that change together, such as a weight and its state.

    Arguments:
        run: function (lists of tensors that change, lists of other tensors, numbers): the pass over those of many units.
        changed: list of Variables.
        others: list of Symbols of their shape.
        numbers: list of scalars, Symbols or arrays.
        condition: scalar Symbol, without which nothing changes; or None.
        kind: what is the same for units of one pass, beside their numbers.
        made: set of the ids of Symbols; where any of them is computed for something else too, there is nothing to gain.
    """

    def __init__(self, run, changed, others, numbers, condition, kind, made):
        self.run, self.changed, self.others, self.condition = run, changed, others, condition
        self.numbers, self.made = numbers, made
        self.kind = (kind, changed[0].dtype, id(condition)) + tuple(map(_same, numbers))


# Operations of which scalars are made, and whose value depends on their operands alone.
_OF_SCALARS = frozenset(together.IN_PLACE) | {'_cast', 'equal', 'not_equal', 'pow', 'sqrt'}


def _same(x):
    """What is equal for scalars of one value."""
    if isinstance(x, np.ndarray):
        return x.dtype, x.tobytes()
    if not isinstance(x, Symbol):
        return x if isinstance(x, (str, int, float)) else id(x)
    if x.op not in _OF_SCALARS or x.shape != ():
        return id(x)
    return (x.op, x.dtype) + tuple(map(_same, list(x.args) + [x.kwargs[key] for key in sorted(x.kwargs)]))


class Pass:
    """Units that change in one pass: in the place of a variable among a plan's updates.

    Attributes:
        value: Symbol, of whose value `finish` makes the step.
    """

    dtype = None

    def __init__(self, backend, units):
        first = units[0]
        self._run, self._changed = first.run, list(zip(*[unit.changed for unit in units]))
        others = [list(column) for column in zip(*[unit.others for unit in units])]
        operands = others, first.numbers, True if first.condition is None else first.condition
        self.value = Symbol(backend, 'pass', self._prepare, operands)

    def _prepare(self, backend, others, numbers, condition):
        """All that may fail, and changes nothing: the arguments of the pass, or None where nothing is to change."""
        if not condition:
            return None
        homes = [[_home(variable) for variable in column] for column in self._changed]
        return homes, [list(map(_apart, column)) for column in others], [float(x) for x in numbers]

    def finish(self, prepared):
        """Take the step."""
        if prepared is None:
            return
        self._run(*prepared)
        for column, homes in zip(self._changed, prepared[0]):
            for variable, home in zip(column, homes):
                if variable.value is not home:
                    variable.value, variable.own_memory = home, weakref.ref(home)


def _home(variable):
    """The memory in which a variable may be changed: its own, or a copy where that may be something else's too."""
    value, own = variable.value, getattr(variable, 'own_memory', None)
    if own and own() is value:
        return value
    home = value.clone(memory_format=torch.contiguous_format)
    PLACES.add(home.untyped_storage().data_ptr())  # what else is computed with it there is copied
    return home


def _apart(value):
    """A dense tensor whose elements lie in a row, and do not change with any variable."""
    value = tensor(value)
    if value.layout is not torch.strided:
        value = value.to_dense()
    if value.untyped_storage().data_ptr() in PLACES:
        value = value.clone()
    return value.contiguous()


class _Updates:
    """The updates of a function: which of them can take place in one pass."""

    def __init__(self, updates, inputs, outputs, after_updates):
        self._updates, self._inputs, self._after = updates, inputs, list(after_updates)
        self._results = list(outputs) + self._after
        self.new, self._conditions, self.taken = {}, {}, set()
        for variable, value in updates:
            condition = None
            if isinstance(value, Choice) and value.args[2] is variable and isinstance(value.args[1], Symbol):
                condition, value, _ = value.args
            if variable.shape and value.dtype in ('float32', 'float64'):
                self.new[id(variable)], self._conditions[id(variable)] = value, condition

    def left(self):
        """The Variables that no pass has taken yet."""
        return [
            variable for variable, _ in self._updates if id(variable) in self.new and id(variable) not in self.taken
        ]

    def unit(self, run, changed, others, numbers, kind, made=()):
        """The `Unit`, or None where its variables do not change under one condition."""
        conditions = [self._conditions[id(x)] for x in changed]
        is_one = all(one is conditions[0] for one in conditions) and len(set(map(id, changed))) == len(changed)
        made = {id(self.new[id(x)]) for x in changed}.union(made)
        return Unit(run, changed, others, numbers, conditions[0], kind, made) if is_one else None

    def take(self, units):
        """Those of the units whose new values nothing else asks for, nor are the old ones fed: they are taken."""
        kept = []
        for unit in filter(None, units):
            ids = set(map(id, unit.changed))
            if self.taken.isdisjoint(ids):
                kept.append(unit)
                self.taken |= ids
        asked = {id(x) for x in self._inputs + toposort(self._after)} if kept else ()
        while kept:
            others = [value for variable, value in self._updates if id(variable) not in self.taken]
            others += [x for unit in kept for x in unit.others + unit.numbers if isinstance(x, Symbol)]
            used = {id(x) for x in toposort(self._results + others)}
            lost = [u for u in kept if not used.isdisjoint(u.made) or any(id(x) in asked for x in u.changed)]
            if not lost:
                break
            kept = [unit for unit in kept if unit not in lost]
            self.taken -= {id(x) for unit in lost for x in unit.changed}
        return kept


def passes(backend, updates, inputs, outputs, after_updates):
    """What can be updated in one pass, and which variables that changes.

    Arguments:
        backend: the backend.
        updates: list of (Variable, Symbol of its new value).
        inputs, outputs, after_updates: lists of Symbols; of the same function.

    Returns:
        (list of `Pass`, set of the ids of the variables).
    """
    found = _Updates(updates, inputs, outputs, after_updates)
    units = []
    for variable in found.left():
        matches = [(rule, rule.match(variable, found.new)) for rule in kernels.RULES]
        units += [found.unit(rule.run, *parts, rule) for rule, parts in matches if parts]
    kept = found.take(units)
    programs = blocks.programs(found)
    kept += found.take([found.unit(x.run, x.changed, x.others, x.numbers, x.key, x.made()) for x in programs])
    groups = {}
    for unit in kept:
        groups.setdefault(unit.kind, []).append(unit)
    return [Pass(backend, group) for group in groups.values()], found.taken
