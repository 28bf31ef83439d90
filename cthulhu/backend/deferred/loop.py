"""`scan`: one operation that runs an inner graph for each step."""

from cthulhu.backend.deferred.plan import Plan
from cthulhu.backend.deferred.record import take
from cthulhu.backend.deferred.symbol import Placeholder, Symbol, dependents, toposort


class Loop:
    """The inner graph of a scan, recorded once by calling `step` on placeholders.

    What the step uses from outside, and does not change from step to step, is computed once before the loop: `captured`.
    """

    def __init__(self, backend, step, sequences, states):
        self.slices = [Placeholder(backend, x.shape and x.shape[1:], x.dtype, 'scan_slice') for x in sequences]
        self.states = [Placeholder(backend, x.shape, x.dtype, 'scan_state') for x in states]
        self.time = Placeholder(backend, (), 'int32', 'scan_time')
        with backend._inside_loop(self.time):
            outputs, new_states = step(list(self.slices), list(self.states), self.time)
        backend._check_states(self.states, new_states)
        self.outputs = [backend.symbol(x) for x in outputs]
        self.new_states = [backend.symbol(x) for x in new_states]
        results = self.outputs + self.new_states
        inner = dependents(results, self.slices + self.states + [self.time])
        order = toposort(results)
        needed = {id(x) for symbol in order if id(symbol) in inner for x in symbol.inputs} | {id(x) for x in results}
        self.captured = [symbol for symbol in order if id(symbol) in needed and id(symbol) not in inner]
        self.plan = Plan(results)

    def run(self, backend, sequences, states, length, captured):
        """(outputs stacked over time, last states), on arrays."""
        count = len(sequences[0]) if sequences else int(length)
        if any(len(sequence) != count for sequence in sequences):
            raise ValueError(f'scan: sequences of different lengths, {[len(s) for s in sequences]}.')
        outside = {id(symbol): value for symbol, value in zip(self.captured, captured)}
        rows = [[] for _ in self.outputs]
        for time in range(count):
            given = dict(outside)
            given[id(self.time)] = backend.convert(time, 'int32')
            given.update((id(symbol), sequence[time]) for symbol, sequence in zip(self.slices, sequences))
            given.update((id(symbol), state) for symbol, state in zip(self.states, states))
            # Inside there are no counts of runs left to read: they are captured.
            results = self.plan.run(given, None)
            for row, value in zip(rows, results):
                row.append(value)
            states = results[len(rows) :]
        stack = type(backend).stack.compute
        return [
            stack(backend, row) if row else backend.zeros_value((0,) + tuple(n or 0 for n in x.shape), x.dtype)
            for row, x in zip(rows, self.outputs)
        ], list(states)


def record_scan(backend, step, sequences, states, length):
    """The Symbols of a scan's results: (outputs, last states)."""
    sequences = [backend.symbol(x) for x in sequences]
    states = [backend.symbol(x) for x in states]
    known = backend._scan_length(sequences, length)
    loop = Loop(backend, step, sequences, states)
    whole = Symbol(
        backend, 'scan', lambda _, *arrays: loop.run(backend, *arrays), (sequences, states, length, loop.captured)
    )
    steps = (known,)

    def item(path, shape, dtype):
        return Symbol(backend, 'scan_item', take, (whole, path), None, shape, dtype)

    outputs = [
        item((0, index), None if x.shape is None else steps + x.shape, x.dtype) for index, x in enumerate(loop.outputs)
    ]
    finals = []
    for index, (old, new) in enumerate(zip(loop.states, loop.new_states)):
        shape = old.shape or new.shape
        if old.shape and new.shape:
            shape = tuple(a if b is None else b if a is None else a for a, b in zip(old.shape, new.shape))
        finals.append(item((1, index), shape, old.dtype))
    return outputs, finals
