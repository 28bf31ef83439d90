"""Formulas of operations element by element, computed block by block."""

import collections
import itertools

import numpy as np
import torch

from cthulhu.backend.deferred import Symbol
from cthulhu.backend.torch import together

#: About so many elements of each tensor are computed at a time; for fewer altogether nothing is gained.
SIZE = 1 << 16


class Program:
    """The operations that make new values of some variables of one shape, of their elements at the same place and those of other tensors.

    Arguments:
        changed: list of the Variables.
        values: list of the Symbols of their new values.

    Attributes:
        others: list of the other tensors, Symbols of that shape.
        numbers: list of scalars, Symbols or arrays.
        key: what is equal for programs that do the same to other tensors.
    """

    def __init__(self, backend, changed, values):
        self._backend, self._steps, self._places = backend, [], {}
        self.changed, self.others, self.numbers = changed, [], []
        for number, variable in enumerate(changed):
            self._places[id(variable)] = 'changed', number
        self._results = [self._place(value) for value in values]
        self.key = tuple(self._steps) + tuple(self._results)
        where = self._written()
        self._functions = [self._function(name, where.get(step)) for step, (name, _) in enumerate(self._steps)]

    def _place(self, x):
        """Where the value of an operand is while the program runs."""
        if id(x) not in self._places:
            if isinstance(x, Symbol) and together.is_operation(x):
                name, operands = together.of_several(x)
                places = [self._place(one) for one in operands]
                if name in together.COMMUTE and places[0][0] == 'numbers':
                    places.reverse()
                self._steps.append((name, tuple(places)))
                place = 'made', len(self._steps) - 1
            elif x.shape == ():
                self.numbers.append(x)
                place = 'numbers', len(self.numbers) - 1
            else:
                self.others.append(x)
                place = 'others', len(self.others) - 1
            self._places[id(x)] = place
        return self._places[id(x)]

    def made(self):
        """The ids of the Symbols that the program computes."""
        return [key for key, (kind, _) in self._places.items() if kind == 'made']

    def _written(self):
        """Which steps write to the memory of an operand, so that new values are made where the old ones are: dict, step -> which operand."""
        last = {place: step for step, (_, places) in enumerate(self._steps) for place in places}
        where = {}
        for number, place in enumerate(self._results):
            while place[0] == 'made' and place[1] not in where:
                name, places = self._steps[place[1]]
                free = [
                    which
                    for which, one in enumerate(places[: 2 if name in together.COMMUTE else 1])
                    if (one == ('changed', number) or one[0] == 'made' and one not in self._results)
                    and last[one] == place[1]
                ]
                if not free or name not in together.IN_PLACE:
                    break
                where[place[1]] = free[0]
                place = places[free[0]]
        return where

    def _function(self, name, which):
        """An operation on lists of tensors and on numbers, which may be written to one of them."""
        compute, backend = together.of_lists(name), self._backend
        if which is None:
            return lambda *operands: compute(backend, *operands)

        def write(*operands):
            into, others = operands[which], operands[:which] + operands[which + 1 :]
            together.IN_PLACE[name](into, *others)
            return into

        return write

    def run(self, changed, others, numbers):
        """The pass over lists of tensors; see `in_place.Unit`."""
        for pieces, beside in zip(_pieces(changed), _pieces(others) if others else itertools.repeat(())):
            values = {'changed': pieces, 'others': beside, 'numbers': numbers, 'made': []}
            for function, (_, places) in zip(self._functions, self._steps):
                values['made'].append(function(*[values[kind][number] for kind, number in places]))
            made = [values[kind][number] for kind, number in self._results]
            apart = [(one, new) for one, new in zip(pieces, made) if one is not new]
            if apart:
                into, of = [[one for column in columns for one in column] for columns in zip(*apart)]
                torch._foreach_copy_(into, of)


def _pieces(columns):
    """The lists of tensors, of one shape in all of them at each place, cut alike: iterator over lists of lists, of about `SIZE` elements each."""
    columns = [[part for one in column for part in one.view(-1).split(SIZE)] for column in columns]
    begin, count = 0, 0
    for end, part in enumerate(columns[0], 1):
        count += part.numel()
        if count >= SIZE or end == len(columns[0]):
            yield [column[begin:end] for column in columns]
            begin, count = end, 0


def _together(updates):
    """Lists of the variables whose formulas have a tensor in common."""
    groups = []
    for variable in updates.left():
        parts, waiting = {id(variable)}, [updates.new[id(variable)]]
        while waiting:
            x = waiting.pop()
            if isinstance(x, Symbol) and x.shape != () and id(x) not in parts:
                parts.add(id(x))
                waiting.extend(x.args if together.is_operation(x) else ())
        same = [group for group in groups if not group[1].isdisjoint(parts)]
        groups = [group for group in groups if group[1].isdisjoint(parts)]
        groups.append((sum([group[0] for group in same], []) + [variable], parts.union(*[group[1] for group in same])))
    return [variables for variables, _ in groups]


def programs(updates):
    """The Programs of what is large enough: a list.

    Arguments:
        updates: `in_place._Updates`.
    """
    found = []
    for variables in _together(updates):
        values = [updates.new[id(x)] for x in variables]
        shapes = {x.shape for x in variables} | {x.shape for x in values}
        if len(shapes) == 1 and len({x.dtype for x in values}) == 1 and all(map(together.is_operation, values)):
            found.append(Program(values[0].backend, variables, values))
    sizes = collections.Counter()
    for program in found:
        sizes[program.key] += int(np.prod(program.changed[0].shape))
    return [program for program in found if sizes[program.key] >= SIZE]
