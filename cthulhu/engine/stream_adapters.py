"""Batches from where they are made one by one: Sequences, generators, datasets of the framework, and whatever else can be run through.

Like all adapters these give `Batch` objects from `batches()`; `convert` makes the arrays to feed of what the source gives. What computes ahead is in
`enqueuers`; `close()` ends it.
"""

import itertools
import time

import numpy as np

from cthulhu import backend as K
from cthulhu.callers import warn
from cthulhu.engine import dealing, enqueuers
from cthulhu.engine.adapters import Adapter, Batch, see_that_all_have, take


def is_sequence(data):
    """Whether data are numbered batches: a `Sequence`, or something that looks like one."""
    return hasattr(data, '__getitem__') and hasattr(data, '__len__') and hasattr(data, 'on_epoch_end')


def is_dataset(data):
    """Whether data are batches that can be run through: a dataset of the framework or of another one, a DataLoader, any object with `__iter__` that is
    neither an array nor a collection of arrays.
    """
    if K.is_native_dataset(data):
        return True
    others = ('__next__', '__getitem__', '__array__', 'shape', 'to_numpy')
    return hasattr(type(data), '__iter__') and not any(hasattr(data, name) for name in others)


def is_stream(data):
    """Whether data come batch by batch."""
    return type(data) is not np.ndarray and (is_sequence(data) or hasattr(data, '__next__') or is_dataset(data))


def _run_through(dataset):
    """The batches of a dataset, from the first."""
    if K.is_native_dataset(dataset):
        return K.dataset_batches(dataset)
    if hasattr(dataset, 'as_numpy_iterator'):  # one of TensorFlow, beside another backend
        return iter(dataset.as_numpy_iterator())
    if hasattr(dataset, 'collate_fn'):  # PyTorch's DataLoader makes lists of the tuples of its dataset
        return (tuple(item) if isinstance(item, list) else item for item in dataset)
    return iter(dataset)


def stream_adapter(
    data, convert, steps, what, workers=1, use_multiprocessing=False, max_queue_size=10, shuffle=False, cycle=False
):
    """The adapter for a Sequence, a generator or a dataset.

    Arguments:
        data: the source.
        convert: function, what the source gives -> (list of arrays, number of samples).
        steps: number of batches an epoch; may be None but for a generator.
        what: name of the argument that says `steps`, for the message where it is missing.
        workers, use_multiprocessing, max_queue_size: how batches are computed ahead.
        shuffle: whether the batches of a Sequence are taken in a new order each epoch (if `steps` is None).
        cycle: whether an epoch of `steps` batches of a Sequence or a dataset goes on where the last one ended; or starts at the first batch again.
    """
    if is_sequence(data):
        return SequenceAdapter(data, convert, steps, workers, use_multiprocessing, max_queue_size, shuffle, cycle)
    if is_dataset(data) or isinstance(data, _Begun):
        return DatasetAdapter(data, convert, steps, cycle)
    if steps is None:
        raise ValueError(
            f'The data come from a generator, whose end is not known: say with `{what}` how many batches to take from it.'
        )
    return GeneratorAdapter(data, convert, steps, workers, use_multiprocessing, max_queue_size)


def batch_of(item):
    """The (inputs, targets, sample weights or None) of what a source for training gives.

    Raises:
        ValueError: if it is something else.
    """
    if isinstance(item, (tuple, list)) and len(item) in (2, 3):
        return tuple(item) if len(item) == 3 else tuple(item) + (None,)
    raise ValueError(
        'Data that come batch by batch must be tuples (inputs, targets) or (inputs, targets, sample_weights); found {}{}.'.format(
            type(item).__name__, f' of {len(item)} items' if isinstance(item, (tuple, list)) else ''
        )
    )


def inputs_of(item):
    """The inputs in what a source for predictions gives: all of it, or the first item of a tuple (with targets, say)."""
    if isinstance(item, tuple):
        if not 1 <= len(item) <= 3:
            raise ValueError(
                f'Batches for predictions must be inputs, or tuples that begin with them; found a tuple of {len(item)} items.'
            )
        return item[0]
    return item


def first_of(data):
    """The first batch of a source, and the source with that batch still in it."""
    if is_sequence(data):
        _require_batches(data)
        return data[0], data
    stream = _run_through(data) if is_dataset(data) else data
    first = next(stream, _END)
    if first is _END:
        raise ValueError(f'The data ({type(data).__name__}) ended before their first batch.')
    if stream is data:
        return first, itertools.chain([first], data)
    return first, _Begun(first, stream, None if _is_iterator(data) else data)


def _require_batches(sequence):
    if len(sequence) < 1:
        raise ValueError(f'{type(sequence).__name__} has no batches: its length is {len(sequence)}.')


def _is_iterator(dataset):
    """Whether a dataset of the framework is an iterator, which goes on and cannot start again."""
    return hasattr(dataset, '__next__') or hasattr(dataset, 'get_next')


def _length(dataset):
    """The number of batches, where the dataset tells it."""
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return None


class _Begun:
    """The batches of a dataset of which the first was taken already; `dataset` is to be run through after them, None for an iterator."""

    def __init__(self, first, rest, dataset):
        self._batches = itertools.chain([first], rest)
        self.dataset = dataset

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._batches)


class StreamAdapter(Adapter):
    """The base: `samples` and `batch_size` are not known before the data have come."""

    is_stream = True

    def __init__(self, convert, steps):
        self._convert = convert
        self.steps = None if steps is None else int(steps)

    def _batch(self, item, seen):
        return self._part(*self._convert(item), seen)

    def _part(self, feeds, size, seen):
        if self.shard == (0, 1) or self.is_share:
            return Batch(size, seen, feeds=feeds)
        first, last = self._share(size)
        feeds = [take(array, first, last) if last > first else take(array, 0, 1) for array in feeds]
        return Batch(size, seen, feeds=feeds, own=last - first, first=first)


class SequenceAdapter(StreamAdapter):
    """Batches of a Sequence, each once an epoch; in the order of its numbers, or mixed.

    With `steps` and `cycle` an epoch goes on where the last one ended, and around. Where processes share the batches they take turns in computing them, if they
    take longer to compute than to send.
    """

    _in_turn = None  # not known before the first batch

    def __init__(self, sequence, convert, steps, workers, use_multiprocessing, max_queue_size, shuffle, cycle):
        _require_batches(sequence)
        super().__init__(convert, len(sequence) if steps is None else steps)
        self._sequence = sequence
        self._whole = steps is None
        self._shuffle = shuffle and self._whole
        self._cycle = cycle
        self._waiting = []
        self._at_once = max(int(workers), 1)
        self._prefetcher = enqueuers.sequence_prefetcher(sequence, workers, use_multiprocessing, max_queue_size)

    def look_again(self):
        if self._whole:
            self.steps = len(self._sequence)

    def _see_that_all_have(self, item):
        """Warn where the first batch of an epoch has other targets on another rank, which mixes otherwise."""
        targets = item[1] if isinstance(item, (tuple, list)) and len(item) > 1 else None
        if isinstance(targets, dict):
            targets = [value for _, value in sorted(targets.items())]
        targets = targets if isinstance(targets, (list, tuple)) else [targets]
        see_that_all_have(targets, f'The first batch that {type(self._sequence).__name__} gives has other targets')

    def batches(self):
        """The batches of one epoch."""
        self.look_again()
        if self._is_of_ranks():
            dealing.check_steps(self.steps)
        if not self._cycle:
            self._waiting = []
        seen, given = 0, 0
        while given < self.steps:
            if not self._waiting:
                random = self._random() if self._shuffle else np.random
                self._waiting = enqueuers.sequence_order(self._sequence, self._shuffle, random)
            tasks, self._waiting = self._waiting[: self.steps - given], self._waiting[self.steps - given :]
            for feeds, size in self._found(tasks, not given):
                batch = self._part(feeds, size, seen)
                seen, given = seen + batch.size, given + 1
                yield batch
            if not self._waiting or not self._cycle:
                enqueuers.end_epoch(self._sequence, self._prefetcher)

    def _found(self, tasks, is_first):
        """(arrays, number of samples) of each of the `tasks`."""
        if not self._is_of_ranks():
            yield from map(self._convert, self._items(tasks))
            return
        known = [] if self._in_turn is not None else self._tried(tasks[:2])
        # The first one of an epoch is computed by all, by which they see whether all mix alike.
        alike, (rank, count) = max(len(known), int(is_first)), self.shard
        own = tasks[len(known) : alike] + tasks[alike:][rank::count] if self._in_turn else tasks[len(known) :]
        items = itertools.chain(known, self._items(own))
        for number in range(alike if self._in_turn else len(tasks)):
            item = next(items)
            if is_first and not number:
                self._see_that_all_have(item)
            yield self._convert(item)
        for start in range(alike, len(tasks) * self._in_turn, count):
            turn = tasks[start : start + count]
            with dealing.Round(turn[rank][1] if rank < len(turn) else None) as batches:
                batches.own = self._convert(next(items)) if rank < len(turn) else None
            for number, (feeds, (_, index)) in enumerate(zip(batches.all, turn)):
                if feeds is not None:
                    yield feeds, next((len(a) for a in feeds if a is not None), 1)
                else:  # it cannot be sent
                    yield batches.own if number == rank else self._convert(self._sequence[index])
        next(items, None)  # so that what computes ahead ends by itself

    def _is_of_ranks(self):
        """Whether the shares are those of processes that can tell each other; else they are somebody's own."""
        return self.shard != (0, 1) and K.rank_group() is not None

    def _tried(self, tasks):
        """The items of two tasks, by the second of which is seen how long one takes: the first may open files, or fill a cache."""
        found = []
        for _, index in tasks:
            begun = time.perf_counter()
            found.append(self._sequence[index])
            seconds = (time.perf_counter() - begun) / self._at_once
        self._in_turn = len(tasks) > 1 and dealing.pays(self._convert(found[-1])[0], seconds)
        return found

    def _items(self, tasks):
        if self._prefetcher is None:
            return (self._sequence[index] for _, index in tasks)
        return self._prefetcher.run(tasks)

    def close(self):
        if self._prefetcher is not None:
            self._prefetcher.close()


class GeneratorAdapter(StreamAdapter):
    """So many batches an epoch from a generator, which goes on from epoch to epoch."""

    is_share = True

    def __init__(self, generator, convert, steps, workers, use_multiprocessing, max_queue_size):
        super().__init__(convert, steps)
        self._generator = generator
        self._prefetcher = enqueuers.generator_prefetcher(generator, workers, use_multiprocessing, max_queue_size)
        self._stream = None

    def batches(self):
        """The batches of one epoch; fewer, with a warning, where the generator ends."""
        if self._stream is None:
            self._stream = (
                self._generator if self._prefetcher is None else self._prefetcher.run(range(self.steps * self.rounds))
            )
        seen = 0
        for given in range(self.steps):
            item = next(self._stream, _END)
            if item is _END:
                _warn_of_end(given, self.steps)
                self.ended = True
                return
            batch = self._batch(item, seen)
            seen += batch.size
            yield batch

    def close(self):
        if self._prefetcher is not None:
            self._prefetcher.close()


class DatasetAdapter(StreamAdapter):
    """Batches of a dataset of the framework, of an iterator over one, or of anything else that can be run through.

    Without `steps` an epoch is the whole dataset. With `steps` and `cycle`, and always for an iterator, it goes on where the last one ended.
    """

    is_share = True

    def __init__(self, dataset, convert, steps, cycle):
        super().__init__(convert, steps)
        self._limit = self.steps
        self._begun = isinstance(dataset, _Begun)
        self._stream = dataset if self._begun else None
        self._dataset = dataset.dataset if self._begun else dataset
        self._goes_on = (
            cycle and steps is not None or self._dataset is None or _is_iterator(dataset) and not self._begun
        )
        if self.steps is None:
            self.steps = _length(self._dataset)  # for the progress bar: where the data end is seen when they do

    def batches(self):
        """The batches of one epoch."""
        if not self._begun and (self._stream is None or not self._goes_on):
            self._stream = _run_through(self._dataset)
        self._begun = False
        seen = 0
        for given in itertools.count() if self._limit is None else range(self._limit):
            item = next(self._stream, _END)
            if item is _END:
                if self._limit is not None or not given:
                    _warn_of_end(given, self._limit)
                    self.ended = True
                return
            batch = self._batch(item, seen)
            seen += batch.size
            yield batch


_END = object()


def _warn_of_end(given, steps):
    warn(
        'The data ended after {} of the {} of the epoch, so it ends here. Let the generator or dataset go on for ever (`while True`, '
        '`.repeat()`), or ask for fewer steps.'.format(given, 'batches' if steps is None else f'{steps} batches')
    )
