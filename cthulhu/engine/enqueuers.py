"""Sequences and generators whose batches are computed ahead, by a Prefetcher; and Keras's public names for that."""

import itertools
import operator
import threading
import time

import numpy as np

from cthulhu.callers import warn
from cthulhu.engine.prefetching import LocalWorker, Prefetcher, ProcessWorker
from cthulhu.engine.processes import set_seed
from cthulhu.utils.arguments import checked
from cthulhu.utils.sequence import Sequence


class _Item:
    """Computes the tasks of a Sequence, (seed, index) pairs."""

    def __init__(self, sequence):
        self._sequence = sequence

    def __call__(self, task):
        try:
            return self._sequence[task[1]]
        except StopIteration as error:  # of a generator in the Sequence: it is not the end of the Sequence
            raise RuntimeError(f'Batch {task[1]} of {type(self._sequence).__name__} raised StopIteration.') from error


class _Next:
    """Computes the tasks of a generator, which are numbers.

    Arguments:
        generator: the generator.
        seed: integer for the random generators before the first task, or None to leave them alone.
        wait_time: seconds to wait before each.
    """

    def __init__(self, generator, seed=None, wait_time=None):
        self._generator = generator
        self._seed = seed
        self._wait_time = wait_time

    def __call__(self, task):
        if self._seed is not None:
            set_seed(self._seed)
            self._seed = None
        if self._wait_time:
            time.sleep(self._wait_time)
        return next(self._generator)


def sequence_prefetcher(sequence, workers, use_multiprocessing, max_queue_size):
    """A Prefetcher whose tasks are (seed, index) pairs of a Sequence; None for `workers=0`, which computes where it is asked."""
    if not workers:
        return None
    item = _Item(sequence)
    if use_multiprocessing:
        return Prefetcher([ProcessWorker(item, seed=operator.itemgetter(0)) for _ in range(workers)], max_queue_size)
    return Prefetcher([LocalWorker(item) for _ in range(workers)], max_queue_size)


def generator_prefetcher(generator, workers, use_multiprocessing, max_queue_size, random_seed=None, wait_time=None):
    """A Prefetcher for a generator, whose tasks are numbers; None for `workers=0`.

    In a thread the generator is asked by one at a time, so its order is kept. In processes each has a copy of it, and they are asked in turn.
    """
    if not workers:
        return None
    if not use_multiprocessing:
        return Prefetcher([LocalWorker(_Next(generator, wait_time=wait_time), repeats=False)], max_queue_size)
    if workers > 1:
        warn(
            f'A generator with use_multiprocessing=True and {workers} workers is copied into each, so each batch is made {workers} times. Use a Sequence, whose '
            'batches are made once.'
        )
    seed = int(np.random.randint(0, 2**31 - 1 - workers)) if random_seed is None else random_seed
    # No retries: what a generator had come to dies with its process.
    made = [ProcessWorker(_Next(generator, seed + i, wait_time), retries=0) for i in range(workers)]
    return Prefetcher(made, max_queue_size, fixed=True)


_END = object()


class SequenceEnqueuer:
    """The base of the enqueuers: `start`, take batches from `get()`, `stop`.

    Arguments:
        sequence: a Sequence or a generator.
        use_multiprocessing: whether batches are computed in processes or in threads.
    """

    @checked
    def __init__(self, sequence, use_multiprocessing=False):
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self._prefetcher = None
        self._results = None

    def start(self, workers=1, max_queue_size=10):
        """Start the workers.

        Arguments:
            workers: how many threads or processes.
            max_queue_size: how many batches are computed ahead at most.
        """
        self.stop()
        self._prefetcher = self._make(max(1, workers), max_queue_size)
        self._results = self._run()

    def is_running(self):
        """Whether it was started and not stopped."""
        return self._prefetcher is not None

    def stop(self, timeout=None):
        """Stop the workers; `timeout` (seconds) is how long to wait for threads that are at work."""
        prefetcher, self._results, self._prefetcher = self._prefetcher, None, None
        if prefetcher is not None:
            prefetcher.close(5 if timeout is None else timeout)

    def get(self):
        """A generator of the batches, in order.

        Raises:
            RuntimeError: if the enqueuer was not started.
        """
        if self._results is None:
            raise RuntimeError('The enqueuer is not running: call `start()` first.')
        results = self._results
        while self._results is results:
            batch = next(results, _END)
            if batch is _END:
                return
            if batch is not None:
                yield batch


class OrderedEnqueuer(SequenceEnqueuer):
    """Batches of a Sequence in order, epoch after epoch, each used once an epoch.

    Arguments:
        sequence: a `Sequence`.
        use_multiprocessing: whether batches are computed in processes or in threads.
        shuffle: whether the order of the batches is mixed anew in each epoch.
    """

    @checked
    def __init__(self, sequence, use_multiprocessing=False, shuffle=False):
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle
        self._epoch_ended = threading.Event()

    def _make(self, workers, max_queue_size):
        self._epoch_ended.clear()
        return sequence_prefetcher(self.sequence, workers, self.use_multiprocessing, max_queue_size)

    def stop(self, timeout=None):
        super().stop(timeout)
        self._epoch_ended.set()  # nobody need wait any longer

    def _run(self):
        prefetcher = self._prefetcher
        while self._prefetcher is prefetcher and len(self.sequence):
            self._epoch_ended.clear()
            left = len(self.sequence)
            for batch in prefetcher.run(sequence_order(self.sequence, self.shuffle)):
                left -= 1
                if not left:
                    end_epoch(self.sequence, prefetcher)
                    self._epoch_ended.set()
                yield batch

    def join_end_of_epoch(self):
        """Wait until all batches of the epoch were taken."""
        self._epoch_ended.wait()


class GeneratorEnqueuer(SequenceEnqueuer):
    """Batches of a generator.

    Arguments:
        sequence: a generator.
        use_multiprocessing: whether the generator runs in processes, each with a copy of it, or in a thread.
        wait_time: seconds to wait before each batch, in processes.
        random_seed: integer; process i begins with the random generators seeded with `random_seed + i`.
    """

    @checked
    def __init__(self, sequence, use_multiprocessing=False, wait_time=None, random_seed=None):
        super().__init__(sequence, use_multiprocessing)
        self.wait_time = wait_time
        self.random_seed = random_seed

    def _make(self, workers, max_queue_size):
        return generator_prefetcher(
            self.sequence, workers, self.use_multiprocessing, max_queue_size, self.random_seed, self.wait_time
        )

    def _run(self):
        return self._prefetcher.run(itertools.count())


def sequence_order(sequence, shuffle, random=np.random):
    """The tasks of one epoch: (seed, index) for each batch of a Sequence, with the indices mixed by `random` if `shuffle`."""
    order = list(range(len(sequence)))
    if shuffle:
        random.shuffle(order)
    first = int(np.random.randint(0, 2**31 - 1))
    return [((first + index) % (2**32), index) for index in order]


def end_epoch(sequence, prefetcher):
    """Tell a Sequence that its epoch has ended; processes that hold copies of it are started anew if that may have changed it."""
    hook = getattr(sequence, 'on_epoch_end', None)
    if hook is None:
        return
    hook()
    if prefetcher is not None and getattr(type(sequence), 'on_epoch_end', None) is not Sequence.on_epoch_end:
        for worker in prefetcher.workers:
            worker.stop()
