"""`scan`: one operation that runs an inner graph for each step."""

from cthulhu.backend.deferred.evaluation import Inner
from cthulhu.backend.deferred.record import take
from cthulhu.backend.deferred.symbol import Placeholder, Symbol


class Loop:
    """The inner graph of a scan, recorded once by calling `step` on placeholders."""

    def __init__(self, backend, step, sequences, states):
        self.slices = [Placeholder(backend, x.shape and x.shape[1:], x.dtype, 'scan_slice') for x in sequences]
        self.states = [Placeholder(backend, x.shape, x.dtype, 'scan_state') for x in states]
        self.time = Placeholder(backend, (), 'int32', 'scan_time')
        with backend.inside_loop(self.time):
            outputs, new_states = step(list(self.slices), list(self.states), self.time)
        backend._check_states(self.states, new_states)
        self.outputs = [backend.symbol(x) for x in outputs]
        self.new_states = [backend.symbol(x) for x in new_states]
        self.inner = Inner(self.outputs + self.new_states, self.slices + self.states + [self.time])

    def run(self, backend, sequences, states, length, captured):
        """(outputs stacked over time, last states), on arrays."""
        count = len(sequences[0]) if sequences else int(length)
        if any(len(sequence) != count for sequence in sequences):
            raise ValueError(f'scan: sequences of different lengths, {[len(s) for s in sequences]}.')
        if not count:
            return [backend.zeros_value((0,) + tuple(n or 0 for n in x.shape), x.dtype) for x in self.outputs], states

        def step(slices, states, time):
            results = self.inner(list(slices) + list(states) + [time], captured)
            return results[: len(self.outputs)], results[len(self.outputs) :]

        return backend.loop(step, sequences, states, count)


def record_scan(backend, step, sequences, states, length):
    """The Symbols of a scan's results: (outputs, last states)."""
    sequences = [backend.symbol(x) for x in sequences]
    states = [backend.symbol(x) for x in states]
    known = backend._scan_length(sequences, length)
    loop = Loop(backend, step, sequences, states)
    whole = Symbol(
        backend, 'scan', lambda _, *arrays: loop.run(backend, *arrays), (sequences, states, length, loop.inner.captured)
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
