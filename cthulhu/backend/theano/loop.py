"""`scan`: the framework's loop, whose states keep their dtypes and ranks."""

from cthulhu.backend import shapes
from cthulhu.backend.theano import framework, tensors
from cthulhu.backend.theano.framework import T


class Loop:
    """The loop over time of the backend."""

    def scan(self, step, sequences, states, length=None):
        sequences = [self._tensor(x) for x in sequences]
        states = [self._tensor(x) for x in states]
        known = self._scan_length(sequences, length)
        count = known
        if known is None:
            count = sequences[0].shape[0] if length is None else T.cast(length, 'int64')
        # The step is made once outside of the loop, and never run, to learn how many outputs it has, and their shapes.
        outputs, after = step([x[0] for x in sequences], states, self._constant(0, 'int32'))
        after = [self.cast(x, state.dtype) for x, state in zip(after, states)] + list(after[len(states) :])
        self._check_states(states, after)
        outputs = [self._tensor(x) for x in outputs]
        like = [shapes.common(tensors.shape_of(a), tensors.shape_of(b)) for a, b in zip(states, after)]

        def body(time, *rest):
            slices = [
                tensors.note(x, tensors.shape_of(whole)[1:]) for x, whole in zip(rest[: len(sequences)], sequences)
            ]
            now = [
                tensors.note(x, shape) for x, shape in zip(rest[len(sequences) : len(sequences) + len(states)], like)
            ]
            time = tensors.note(time, ())
            with self.inside_loop(time):
                made, new = step(slices, now, time)
            new = [framework.unbroadcast(self.cast(x, s.dtype)) for x, s in zip(new, states)]
            return new + [self._tensor(x) for x in made]

        if known == 0:
            return [self.zeros_like(x)[None][:0] for x in outputs], states
        times = T.arange(count, dtype='int32')
        results = framework.scan(
            body,
            [times] + sequences,
            [framework.unbroadcast(x) for x in states],
            count,
            len(outputs),
            self._scan_mode(),
        )
        if known is None:
            # No step at all gives nothing to see shapes by.
            results = results[: len(states)] + [
                self.reshape(x, [count] + list(tensors.shape_of(o)))
                if o.ndim and None not in tensors.shape_of(o)
                else x
                for x, o in zip(results[len(states) :], outputs)
            ]
        stacked = [tensors.note(x, (known,) + tensors.shape_of(o)) for x, o in zip(results[len(states) :], outputs)]
        finals = [tensors.note(x[-1], shape) for x, shape in zip(results[: len(states)], like)]
        if known is None:
            some = tensors.note(T.gt(count, 0), ())
            finals = [self._branch(some, x, self.cast(first, x.dtype)) for x, first in zip(finals, states)]
        return stacked, finals
