"""From arrays to batches: slicing and shuffling. What comes batch by batch is in `stream_adapters`."""

import zlib

import numpy as np

from cthulhu import backend as K
from cthulhu.callers import warn


def share(size, index, count):
    """Where share number `index` of `count` equal ones of so many samples begins and ends."""
    return size * index // count, size * (index + 1) // count


def see_that_all_have(targets, what):
    """Warn where the targets of some samples, arrays, are others on another rank than on rank 0, whose order of the samples is another one then.

    Inputs may be changed at random by each rank; so nothing is said of them.
    """
    if K.rank_group() is None:  # the shares are somebody's own
        return
    checksum = 0
    for each in targets:
        array = np.ascontiguousarray(each)
        checksum = zlib.crc32(array, checksum) if array.dtype.kind in 'biuf' else checksum
    found = K.rank_group().exchange(checksum, 'the first samples')
    differ = [rank for rank, theirs in enumerate(found) if theirs != found[0]]
    if differ:
        warn(
            f'{what} on rank {differ[0]} than on rank 0. What they see of an order of their own has some samples twice, and others not '
            'at all: have all ranks mix and split with the same seed.'
        )


class Batch:
    """The data of one step.

    Attributes:
        size: number of samples.
        start: number of the first one, counted over the epoch.
        feeds: list of arrays in the order of the step's feeds; None stands for weights of one.
        steps: how many steps it stands for.
        rows: where the data are arrays that stay as they are, which of their samples these are (a slice, or an array of indices); else None.
        own: number of samples that are this process's, where several share a batch; `feeds` has these. A process that has none is fed one nevertheless.
        first: where in the batch they begin.
    """

    __slots__ = ('size', 'start', 'steps', 'rows', 'own', 'first', '_feeds', '_take')

    def __init__(self, size, start, feeds=None, rows=None, take=None, steps=1, own=None, first=0):
        self.size = size
        self.own = size if own is None else own
        self.first = first
        self.steps = steps
        self.start = start
        self.rows = rows
        self._feeds = feeds
        self._take = take

    @property
    def feeds(self):
        if self._feeds is None:
            self._feeds = self._take(self.rows)
        return self._feeds


class Adapter:
    """Where the loop takes its batches from. A subclass sets the attributes and defines `batches`.

    Attributes:
        steps: number of batches an epoch; None where it is not known.
        samples: number of samples an epoch; None where it is not known.
        batch_size: samples a batch; None where it is not known.
        position: the sample of the data with which the next epoch begins.
        rounds: how many epochs there will be, set by whoever runs them; a source that goes on gives no more batches than they need.
        begun: how many epochs have begun, counted by whoever runs them.
        is_stream: whether the data come batch by batch.
        ended: whether the data have come to an end for good.
        arrays: list of the arrays that the batches are taken from, None in it for weights that are all one; None for other sources.
        held: the arrays, and weights of one, where steps are computed, with a method `take(rows)`; or None.
        shard: (index, count): of each batch this adapter gives the share number `index` of `count` equal ones; all of it by default.
        is_share: whether what comes from the source is the share already.
    """

    steps = None
    samples = None
    batch_size = None
    position = 0
    rounds = 1
    ended = False
    is_stream = False
    arrays = None
    begun = 0
    held = None
    shard = (0, 1)
    is_share = False

    def _share(self, size):
        """Where the share of a batch of `size` samples begins and ends."""
        return share(size, *self.shard)

    def _random(self):
        """What mixes: NumPy's generator, where a batch is shared that of rank 0."""
        return np.random if self.shard == (0, 1) else K.random_of_ranks()

    def look_again(self):
        """Called before each epoch of training: set `steps` to what they are now, for a source that changes between epochs."""

    def batches(self):
        """Generator of the Batches of one epoch."""
        raise NotImplementedError(f'{type(self).__name__} must define `batches`.')

    def close(self):
        """End what computes ahead, if anything does."""


class ArrayAdapter(Adapter):
    """Batches of arrays that all have the same number of samples.

    Arguments:
        arrays: list of arrays, or None in places: weights that are all one.
        batch_size: samples a batch; the last batch may be smaller.
        shuffle: False, True (a new order for each epoch) or 'batch' (the order of whole batches changes, samples stay together).
        steps: number of batches an epoch, in the order of the data; all of them if None.
        cycle: whether an epoch of `steps` batches goes on where the last one ended, and around; or starts at the first batch again.
    """

    def __init__(self, arrays, batch_size, shuffle=False, steps=None, cycle=False):
        self.arrays = arrays
        self.batch_size = batch_size
        if shuffle not in (True, False, 'batch'):
            raise ValueError(f"`shuffle` must be True, False or 'batch'; got {shuffle!r}.")
        total = int(next(a for a in arrays if a is not None).shape[0])
        in_all = -(-total // self.batch_size)
        self.shuffle = shuffle if steps is None else False
        self.cycle = cycle and steps is not None
        self.steps = in_all if steps is None else steps if cycle else min(steps, in_all)
        self.samples = total if steps is None else None if cycle else min(total, self.steps * self.batch_size)
        self._total = total
        self._take_rows = [_how_to_take(a) for a in arrays]

    def batches(self):
        """The batches of one epoch."""
        order = self._order()
        start = self.position
        for _ in range(self.steps):
            stop = min(start + self.batch_size, self._total)
            first, last = self._share(stop - start)
            rows = slice(start + first, start + last) if last > first else slice(start, start + 1)
            rows = rows if order is None else order[rows]
            yield Batch(stop - start, start, rows=rows, take=self._take, own=last - first, first=first)
            start = stop if stop < self._total or not self.cycle else 0
            if self.cycle:
                self.position = start

    def places(self, batches):
        """Which samples several batches of one size have: an array (batches, size)."""
        rows = [batch.rows for batch in batches]
        if isinstance(rows[0], slice):
            rows = [np.arange(each.start, each.stop) for each in rows]
        return np.stack(rows).astype('int32' if self._total < 2**31 else 'int64')

    def stacked(self, batches):
        """The feeds of several batches of one size, with a first axis for the batches; None in place of weights that are all one."""
        count, size = len(batches), batches[0].size
        rows = [batch.rows for batch in batches]
        if not isinstance(rows[0], slice):
            rows = np.concatenate(rows)
        elif all(a.stop == b.start for a, b in zip(rows, rows[1:])):
            rows = slice(rows[0].start, rows[-1].stop)
        else:
            rows = np.concatenate([np.arange(each.start, each.stop) for each in rows])
        return [None if a is None else a.reshape((count, size) + a.shape[1:]) for a in self._take(rows)]

    def _take(self, rows):
        if self.held is not None:
            return self.held.take(rows)
        if isinstance(rows, slice):
            return [None if a is None else a[rows] for a in self.arrays]
        return [None if a is None else take(a, rows) for a, take in zip(self.arrays, self._take_rows)]

    def _order(self):
        if not self.shuffle:
            return None
        order = np.arange(self._total)
        if self.shuffle == 'batch':
            whole = self._total // self.batch_size * self.batch_size
            chunks = order[:whole].reshape((-1, self.batch_size))
            self._random().shuffle(chunks)
            return np.concatenate([chunks.ravel(), order[whole:]])
        self._random().shuffle(order)
        return order


def _how_to_take(array):
    # NumPy and SciPy take any rows at once; HDF5 does not.
    if isinstance(array, np.ndarray):
        return _rows_of_array
    return _rows_of_matrix if hasattr(array, 'tocsr') else _rows_of_file


def _rows_of_array(array, index):
    return array.take(index, axis=0)  # in a third of the time of array[index]


def _rows_of_matrix(matrix, index):
    return matrix[index]


def _rows_of_file(array, index):
    """The samples at `index` of an HDF5 dataset, which takes slices, or increasing indices only."""
    first, last = int(index[0]), int(index[-1])
    if last - first == len(index) - 1 and np.all(np.diff(index) == 1):
        return array[first : last + 1]
    order = np.argsort(index)
    rows = np.asarray(array[index[order].tolist()])
    return rows[np.argsort(order)]


class StepsAdapter(Adapter):
    """A number of steps that feed nothing, or the same arrays each time: for models whose data come from tensors of the framework.

    Arguments:
        steps: number of steps an epoch.
        feeds: list of arrays to feed at every step.
    """

    def __init__(self, steps, feeds=()):
        if steps is None:
            raise ValueError('The data come from tensors of the framework, so the number of steps must be given.')
        self.steps = steps
        self._feeds = list(feeds)

    def batches(self):
        """The batches of one epoch."""
        for step in range(self.steps):
            yield Batch(1, step, feeds=self._feeds)


# -- splitting -----------------------------------------------------------------------------------------------


def take(array, start, stop):
    """Samples `start` to `stop` of an array, an HDF5 dataset or None."""
    return None if array is None else array[start:stop]


def split(arrays, fraction):
    """Split arrays into the first `1 - fraction` of the samples and the rest.

    Raises:
        ValueError: if a part would have no samples, or `fraction` is not between 0 and 1.
    """
    if not 0.0 <= fraction < 1.0:
        raise ValueError(f'`validation_split` must be at least 0 and below 1; got {fraction!r}.')
    samples = arrays[0].shape[0]
    at = int(samples * (1.0 - fraction))
    if at == 0 or at == samples:
        raise ValueError(
            '`validation_split={}` of {} samples leaves no samples for {}. Give more data, or pass `validation_data`.'.format(
                fraction, samples, 'training' if at == 0 else 'validation'
            )
        )
    return [take(a, 0, at) for a in arrays], [take(a, at, samples) for a in arrays]
