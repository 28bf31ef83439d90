"""Batches of a Sequence that several processes compute in turn: each gives the others those that it has computed."""

import logging
import time

import numpy as np

from cthulhu import backend as K
from cthulhu.backend.group import RankLost

_log = logging.getLogger('cthulhu')
_ALIGNED = 16  # bytes: where an array may begin


def pays(feeds, seconds):
    """Whether computing some of the batches, and exchanging them, takes less time than that each rank computes all: tried with a batch that all have, and alike on all.

    Arguments:
        feeds: list of arrays, None in places: the batch.
        seconds: how long this rank takes for one.
    """
    group = K.rank_group()
    if not all(group.exchange(_described(feeds) is not None, 'the first batch of a Sequence')):
        return False
    for _ in range(2):  # the first time something may be compiled
        begun = time.perf_counter()
        deal(None if group.rank else feeds)
        moving = time.perf_counter() - begun
    computing, moving = (max(each) for each in zip(*group.exchange([seconds, moving], 'the first batch of a Sequence')))
    found = (group.count - 1) * computing > 1.5 * group.count * moving
    _log.debug(
        'a Sequence: %.1f ms a batch, %.1f ms to give it to the other ranks: each rank computes %s',
        1e3 * computing, 1e3 * moving, 'its part of them' if found else 'all',
    )  # fmt: skip
    return found


def check_steps(steps):
    """Raise ValueError where an epoch of a rank has another number of batches."""
    found = K.rank_group().exchange(steps, 'the beginning of an epoch of a Sequence')
    for rank, theirs in enumerate(found):
        if theirs != found[0]:
            raise ValueError(f'The Sequence has {theirs} batches on rank {rank}, and {found[0]} on rank 0.')


class Round:
    """Context in which this rank computes its batch of a round of them; after it all ranks have all.

    Arguments:
        index: the number of its batch in the Sequence, for messages.

    Attributes:
        own: what it has computed, set in the context: (list of arrays, None in places; number of samples), or None if it had none to compute.
        all: list, by rank: of such lists of arrays. None where there is no batch, or one of what cannot be sent, such as a sparse matrix.

    Raises:
        Exception: what computing the batch raised.
        RuntimeError: another rank's batch could not be computed.
    """

    own = None

    def __init__(self, index):
        self._index = index

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.all = deal(self.own and self.own[0])
        elif isinstance(error, Exception) and not isinstance(error, RankLost):
            deal(None, f'batch {self._index} of the Sequence: {kind.__name__}: {error}')


def deal(feeds, wrong=None):
    """What the ranks have computed of a round of batches, on all of them; or `wrong`, what went wrong on this one. See `Round`."""
    group = K.rank_group()
    told = None if feeds is None else _described(feeds)
    found = group.exchange([told, wrong], 'the next batches of a Sequence')
    if wrong:
        return None
    for rank, (_, theirs) in enumerate(found):
        if theirs:
            raise RuntimeError(f'Rank {rank} could not compute {theirs}')
    told, places, end = [theirs for theirs, _ in found], [], 0
    for each in told:
        places.append([])
        for shape, dtype in (one or (None, None) for one in each or ()):
            places[-1].append(end)
            size = 0 if shape is None else int(np.prod(shape)) * np.dtype(dtype).itemsize
            end += -(-size // _ALIGNED) * _ALIGNED
    words = np.zeros(_rounded(end // 4), 'int32')  # what others have is nothing here, so that the sum is what each has
    data = words.view('uint8')
    if told[group.rank]:
        for array, start in zip(feeds, places[group.rank]):
            if array is not None:
                flat = np.ascontiguousarray(array).reshape(-1).view('uint8')
                data[start : start + len(flat)] = flat
    data = K.sum_arrays_over_ranks([words])[0].view('uint8') if end else data
    return [
        each and [one and _read(data, start, *one) for one, start in zip(each, own)] for each, own in zip(told, places)
    ]


def _described(feeds):
    """(shape, dtype) of each array, None in places; None if not all are dense arrays of numbers."""
    if not all(a is None or type(a) is np.ndarray and a.dtype.kind in 'biuf' for a in feeds):
        return None
    return [a if a is None else (list(a.shape), a.dtype.str) for a in feeds]


def _read(data, start, shape, dtype):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return data[start : start + size].view(dtype).reshape(shape)


def _rounded(size):
    """A little more, so that batches of many lengths make few sizes, for each of which a backend may compile."""
    step = 2 ** max(size.bit_length() - 3, 0)
    return -(-size // step) * step
