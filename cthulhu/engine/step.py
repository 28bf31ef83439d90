"""Step: what is done with one batch, as one value that the backend makes a function of.

This is the only place that knows what a step is fed beside the user's data: the learning phase, which layers are frozen, and ones
where samples were given no weights.
"""

import collections
import numbers

import numpy as np

from cthulhu import backend as K
from cthulhu.engine.pace import Pace

Feed = collections.namedtuple('Feed', ['kind', 'name', 'tensor', 'spec'])
Feed.__new__.__defaults__ = (None,)
Feed.__doc__ = """One of the things that a step is fed: its kind ('input', 'target' or 'weights'), the name of the input or output that it belongs to, the
placeholder, and the OutputSpec for targets and weights."""


#: For how many shapes of batches a Step remembers what was found to be faster.
_PACES = 8


class Step:
    """A function of the arrays of one batch.

    Arguments:
        name: string, for messages.
        feeds: list of Feed; a list of arrays in this order is what the step is called with.
        outputs: list of tensors.
        updates: list of updates that are made together; numbers among them change nothing.
        after_updates: list of tensors whose values are computed after the updates.
        phase: the learning phase, 1 in training and 0 otherwise.
        frozen: list of layers that are told that they are frozen.
        arguments: dict of keyword arguments for the backend's function.
        steps_a_call: how many steps one call of the framework takes where it may take several: an int, or None for what is found to be faster.

    Attributes:
        preparation: what brings data into the order of `feeds`, where that was asked for.
    """

    preparation = None

    def __init__(
        self, name, feeds, outputs, updates=(), after_updates=(), phase=0, frozen=(), arguments=None, steps_a_call=None
    ):
        self.name = name
        self._steps_a_call = steps_a_call
        self._paces = {}
        updates = [update for update in updates if not isinstance(update, numbers.Number)]
        self.feeds = list(feeds)
        self._weights = [i for i, feed in enumerate(self.feeds) if feed.kind == 'weights']
        self._targets = {feed.name: i for i, feed in enumerate(self.feeds) if feed.kind == 'target'}
        self._ones = {}
        placeholders = [feed.tensor for feed in self.feeds]
        self._phase = phase
        constants = [(tensor, 1) for layer in frozen for tensor in layer._frozen_inputs]
        if not isinstance(K.learning_phase(), int):
            constants.append((K.learning_phase(), phase))
        self._constants = [np.asarray(value, dtype=K.dtype(tensor)) for tensor, value in constants]
        placeholders.extend(tensor for tensor, _ in constants)
        self._function = K.function(
            placeholders, outputs, updates=updates, after_updates=after_updates, name=name, **(arguments or {})
        )

    def __call__(self, arrays):
        """The values of `outputs` and `after_updates` for a list of arrays; None in place of weights stands for ones.

        The phase may follow, as functions of Keras are given it.
        """
        if len(arrays) == len(self.feeds) + 1 and np.ndim(arrays[-1]) == 0:
            if arrays[-1] is None or int(arrays[-1]) != self._phase:
                raise ValueError(
                    f'{self.name}: it is made for the learning phase {self._phase}; got {arrays[-1]!r}. Leave it out; for outputs in another phase take '
                    'K.function(model.inputs + [K.learning_phase()], model.outputs).'
                )
            arrays = arrays[:-1]
        return self._function(self._fed(arrays))

    def on(self, batch):
        """Take the step on a Batch."""
        if batch.own:
            return self(batch.feeds)
        with K.rank_without_samples():  # it is fed one that stands for none
            return self(batch.feeds)

    @property
    def goes_ahead(self):
        """Whether `begin` comes back before the step was taken."""
        return self._function.is_asynchronous

    def begin(self, batch):
        """Begin a step on a Batch: the function that waits for the values."""
        with K.rank_without_samples(not batch.own):
            return self._function.begin(self._fed(batch.feeds))

    def pace(self, adapter, unmeasured):
        """The Pace for the batches of an adapter, which is found by measuring unless `unmeasured`; None where each is a call."""
        arrays = adapter.arrays
        if self._steps_a_call == 1 or unmeasured and self._steps_a_call is None:
            return None
        if arrays is None or adapter.steps < 2 or adapter.shard != (0, 1):
            return None
        if not all(a is None or isinstance(a, np.ndarray) for a in arrays):
            return None
        key = (adapter.batch_size, *(a if a is None else a.shape[1:] for a in arrays))
        if key not in self._paces:
            if len(self._paces) >= _PACES:
                self._paces.pop(next(iter(self._paces)), None)
            self._paces[key] = Pace(self, arrays, adapter.batch_size, self._steps_a_call)
        return self._paces.get(key)

    def shapes(self, arrays, size):
        """The shapes of what a step is fed for `size` samples of a list of arrays."""
        return [np.shape(x) for x in self.with_ones([a if a is None else a[:size] for a in arrays])]

    def many_steps(self, length, shapes):
        """Function of an adapter and up to `length` of its batches that takes the steps on them in one call: see `many_steps` of the
        backend's functions, which say what it returns and raises.
        """
        first = len(self.feeds)
        call = self._function.many_steps({first + i: value for i, value in enumerate(self._constants)}, length, shapes)

        def take(adapter, batches):
            count = len(batches)
            if adapter.held is not None:
                return call.by_rows(adapter.held, adapter.places(batches), count)
            stacks = adapter.stacked(batches)
            one = self.with_ones([a if a is None else a[0] for a in stacks])
            whole = [np.broadcast_to(x, (count,) + np.shape(x)) if a is None else a for a, x in zip(stacks, one)]
            return call(whole, count)

        return take

    def hold(self, adapter):
        """Have the arrays of an adapter stay where the steps are computed, if they fit: for as long as it is used they must not change."""
        arrays = adapter.arrays
        if arrays is None or not all(a is None or isinstance(a, np.ndarray) for a in arrays):
            return
        samples = next(len(a) for a in arrays if a is not None)
        one = self.with_ones([a if a is None else a[:1] for a in arrays])
        ones = [np.broadcast_to(x, (samples,) + np.shape(x)[1:]) for x in one]
        adapter.held = self._function.hold([x if a is None else a for a, x in zip(arrays, ones)])

    def bytes_of_outputs(self, size):
        """About how many bytes the outputs of a step on `size` samples have."""
        shapes = [K.int_shape(x) or () for x in self._function.outputs]
        return sum(4 * int(np.prod([size if n is None else n for n in shape])) for shape in shapes)

    def compiling_costs(self):
        """The seconds that `many_steps` may take before the first one is done."""
        return self._function.compiling_costs()

    def call_costs(self):
        """The seconds that a call takes, whatever is in it."""
        return self._function.call_costs

    def stake(self):
        """The part of a run that may go into compiling many steps that are large."""
        return self._function.stake

    def _fed(self, arrays):
        return self.with_ones(arrays) + self._constants

    def with_ones(self, arrays):
        """A list of arrays with ones in place of weights that are None."""
        fed = list(arrays)
        for i in self._weights:
            if fed[i] is None:
                fed[i] = self._ones_for(i, arrays)
        return fed

    def _ones_for(self, position, arrays):
        spec = self.feeds[position].spec
        size = next((a.shape[0] for a in arrays if a is not None), None)
        if size is None:  # all that is fed are weights: the data are tensors of the framework
            size = K.int_shape(spec.output)[0] or 1
        shape = (size,)
        if spec.mode == 'temporal':
            target = arrays[self._targets[spec.name]] if spec.name in self._targets else None
            shape += (target.shape[1] if target is not None else spec.shape[1] or 1,)
        ones = self._ones.get(position)
        if ones is None or len(ones) < size or ones.shape[1:] != shape[1:]:
            ones = self._ones[position] = np.ones(shape, dtype=K.floatx())
        return ones if len(ones) == size else ones[:size]


class Relay:
    """A step of one program as the step of another, whose data are tensors of the framework: their values are computed and fed.

    For an optimizer whose state cannot be shared by two functions, because it makes the state together with its updates.

    Arguments:
        step: the Step to be made.
        feeds: list of Feed, what this step is called with.
        tensors: dict, (kind, name) of a feed of `step` -> the tensor that is the data.
    """

    def __init__(self, step, feeds, tensors):
        self.name = step.name
        self.feeds = list(feeds)
        self._step = step
        self._here = {(feed.kind, feed.name): i for i, feed in enumerate(self.feeds)}
        self._native = list(tensors)
        self._values = K.function([], [tensors[key] for key in self._native], name=step.name + '_data')

    def __call__(self, arrays):
        values = dict(zip(self._native, self._values([])))
        values.update((key, arrays[i]) for key, i in self._here.items())
        return self._step([values[feed.kind, feed.name] for feed in self._step.feeds])

    on = Step.on
    goes_ahead = False

    def hold(self, adapter):
        """The arrays stay where they are."""

    def pace(self, adapter, unmeasured):
        """None: each batch is a call."""
