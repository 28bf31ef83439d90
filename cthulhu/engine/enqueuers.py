"""Batches computed ahead of the training, in threads or in processes.

`Prefetcher` runs tasks in order through some workers, a bounded number ahead, and gives the results in order. A worker is a thread, which computes
by itself or has a process do it. What can go wrong in a worker — an exception, a death — arrives where the results are taken. The public
`OrderedEnqueuer` and `GeneratorEnqueuer` are this for a Sequence and for a generator.
"""

import itertools
import multiprocessing
import multiprocessing.connection
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings

import numpy as np

# Starting a process copies the open pipes of this one: one at a time, so that each is closed where it does not belong.
_starting = threading.Lock()
_parent_ends = set()

#: How many times a batch is computed again where the process that computed it died.
RETRIES = 2


class WorkerDied(RuntimeError):
    """A process that computes batches ended before it gave its result."""


class LocalWorker(object):
    """Computes tasks in the calling thread."""

    def __init__(self, compute):
        self._compute = compute

    def request(self, task):
        """The result of a task."""
        return self._compute(task)

    def start(self):
        """Nothing to start, nor to stop."""

    stop = start


class ProcessWorker(object):
    """Computes tasks in a process of its own, which is a copy of this one as it was when it started.

    Arguments:
        compute: function of a task.
        seed: function, task -> seed for the random generators of the process, or None.
        retries: how often a task is given to a new process when one has died over it.
    """

    def __init__(self, compute, seed=None, retries=RETRIES):
        self._compute = compute
        self._seed = seed
        self._retries = retries
        self._process = None

    def start(self):
        """Start the process, if it is not running."""
        if self._process is not None:
            return
        sys.stdout.flush()  # what waits to be printed would be printed by the copy, too
        with _starting, warnings.catch_warnings():
            # Python 3.12 warns of a fork with threads about; the child runs nothing but the user's Python code
            warnings.simplefilter('ignore', DeprecationWarning)
            methods = multiprocessing.get_all_start_methods()
            context = multiprocessing.get_context('fork' if 'fork' in methods else methods[0])
            ours, theirs = context.Pipe()
            _parent_ends.add(ours)
            self._process = context.Process(target=_serve, args=(theirs, self._compute, self._seed), daemon=True)
            self._process.start()
            theirs.close()
            self._pipe = ours

    def request(self, task):
        """The result of a task.

        Raises:
            WorkerDied: if the process died, and so did those that were started in its place.
            RuntimeError: if the task raised an exception; from it, with the text of its traceback.
        """
        for attempt in itertools.count():
            self.start()
            try:
                self._pipe.send(task)
                multiprocessing.connection.wait([self._pipe, self._process.sentinel])
                if not self._pipe.poll():
                    raise EOFError
                failed, value, text = self._pipe.recv()
            except (EOFError, OSError):
                process, stopping = self._process, self._process is None
                if stopping:
                    raise WorkerDied('The worker was stopped.')
                process.join(1)
                self.stop()
                if attempt >= self._retries:
                    raise WorkerDied(
                        'The worker process %s died (exit code %s) while it computed batch %s%s. Look for what kills it: too little memory, or a '
                        'library that does not bear a fork. With use_multiprocessing=False the batches are computed in threads.'
                        % (process.pid, process.exitcode, task, ', as did those before it' if attempt else '')
                    )
                continue
            if failed:
                value.__cause__ = _Remote(text)
                raise value
            return value

    def stop(self):
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        _parent_ends.discard(self._pipe)
        process.terminate()
        process.join(1)
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        self._pipe.close()


class _Remote(Exception):
    """The traceback of an exception in another process."""

    def __init__(self, text):
        super(_Remote, self).__init__(text)
        self.text = text

    def __str__(self):
        return '\n\n%s' % self.text


def _serve(pipe, compute, seed):
    """What a worker process does: receive tasks, send results, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that trains; it ends this one
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for end in list(_parent_ends):
        end.close()  # else this process would keep the pipes of others open, and none would notice that its parent has died
    try:
        while True:
            task = pipe.recv()
            try:
                if seed is not None:
                    value = seed(task)
                    np.random.seed(value)
                    random.seed(value)
                answer = (False, compute(task), None)
            except BaseException as error:
                answer = (True, error, traceback.format_exc())
            try:
                sys.stdout.flush()
                pipe.send(answer)
            except (BrokenPipeError, OSError):
                return
            except Exception:  # the result, or the exception, cannot be pickled
                text = answer[2] or traceback.format_exc()
                pipe.send((True, RuntimeError('A worker process could not send what it computed: %s' % text.strip().split('\n')[-1]), text))
    except (EOFError, KeyboardInterrupt):
        return
    finally:
        os._exit(0)  # without the exit handlers of the frameworks, which belong to the parent


class Prefetcher(object):
    """Runs tasks through workers, ahead of their use.

    Arguments:
        workers: list of LocalWorker or ProcessWorker.
        ahead: how many tasks may be computed or waiting at most.
        fixed: whether task number i goes to worker i modulo their number (for workers that have a state), or to the first that is free.
    """

    def __init__(self, workers, ahead, fixed=False):
        self.workers = workers
        self.ahead = max(1, int(ahead), len(workers))
        self.fixed = fixed
        self._changed = threading.Condition()
        self._threads = []
        self._stopped = False

    def run(self, tasks):
        """Give the results of tasks (an iterable) in their order. Closing the generator stops the work."""
        state = _Run(iter(tasks))
        for worker in self.workers:
            worker.start()
        threads = [threading.Thread(target=self._work, args=(state, i, worker)) for i, worker in enumerate(self.workers)]
        for thread in threads:
            thread.daemon = True
            thread.start()
        self._threads = threads
        try:
            while True:
                with self._changed:
                    while state.taken not in state.results and not (state.finished is not None and state.taken >= state.finished):
                        self._changed.wait()
                    if state.taken not in state.results:
                        return
                    failed, value = state.results.pop(state.taken)
                    state.taken += 1
                    self._changed.notify_all()
                if failed:
                    raise value
                yield value
        finally:
            with self._changed:
                state.stopped = True
                self._changed.notify_all()
            for worker, thread in zip(self.workers, threads):
                if isinstance(worker, ProcessWorker) and thread.is_alive() and state.finished is None:
                    worker.stop()
                thread.join(5)

    def _work(self, state, place, worker):
        while True:
            with self._changed:
                while not state.stopped and not self._may_begin(state, place):
                    self._changed.wait()
                if state.stopped or state.finished is not None:
                    return
                number = state.begun
                try:
                    task = next(state.tasks)
                except StopIteration:
                    state.finished = number
                    self._changed.notify_all()
                    return
                except BaseException as error:
                    state.results[number] = (True, error)
                    state.finished = number + 1
                    self._changed.notify_all()
                    return
                state.begun += 1
                self._changed.notify_all()
            try:
                result = (False, worker.request(task))
            except StopIteration:
                with self._changed:
                    state.finished = number if state.finished is None else min(number, state.finished)
                    self._changed.notify_all()
                return
            except BaseException as error:
                result = (True, error)
            with self._changed:
                state.results[number] = result
                self._changed.notify_all()

    def _may_begin(self, state, place):
        if state.finished is not None:
            return True
        if self.fixed and state.begun % len(self.workers) != place:
            return False
        return state.begun - state.taken < self.ahead

    def close(self):
        """End the workers."""
        for worker in self.workers:
            worker.stop()


class _Run(object):
    """The state of one run: how many tasks were begun and taken, the results that wait, and where the tasks end."""

    __slots__ = ('tasks', 'begun', 'taken', 'results', 'finished', 'stopped')

    def __init__(self, tasks):
        self.tasks = tasks
        self.begun = self.taken = 0
        self.results = {}
        self.finished = None
        self.stopped = False


def sequence_prefetcher(sequence, workers, use_multiprocessing, max_queue_size):
    """A Prefetcher whose tasks are (seed, index) pairs of a Sequence; None for `workers=0`, which computes where it is asked."""
    if not workers:
        return None
    if use_multiprocessing:
        made = [ProcessWorker(lambda task: sequence[task[1]], seed=lambda task: task[0]) for _ in range(workers)]
    else:
        made = [LocalWorker(lambda task: sequence[task[1]]) for _ in range(workers)]
    return Prefetcher(made, max_queue_size)


def generator_prefetcher(generator, workers, use_multiprocessing, max_queue_size, random_seed=None, wait_time=None):
    """A Prefetcher for a generator, whose tasks are numbers; None for `workers=0`.

    In threads the generator is asked by one at a time, so its order is kept. In processes each has a copy of it, and they are asked in turn.
    """
    if not workers:
        return None
    if not use_multiprocessing:
        return Prefetcher([LocalWorker(lambda task: next(generator))], max_queue_size)
    if workers > 1:
        warnings.warn(
            'A generator with use_multiprocessing=True and %d workers is copied into each, so each batch is made %d times. Use a Sequence, whose '
            'batches are made once.' % (workers, workers),
            stacklevel=4,
        )
    seeds = int(np.random.randint(0, 2**31 - 1 - workers)) if random_seed is None else random_seed

    def worker(number):
        first = []

        def compute(task):
            if not first:
                first.append(True)
                np.random.seed(seeds + number)
                random.seed(seeds + number)
            if wait_time:
                time.sleep(wait_time)
            return next(generator)

        return ProcessWorker(compute, retries=0)  # what a generator had come to died with its process

    return Prefetcher([worker(i) for i in range(workers)], max_queue_size, fixed=True)


class SequenceEnqueuer(object):
    """The base of the enqueuers: `start`, take batches from `get()`, `stop`.

    Arguments:
        sequence: a Sequence or a generator.
        use_multiprocessing: whether batches are computed in processes or in threads.
    """

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
        results, prefetcher = self._results, self._prefetcher
        self._results = self._prefetcher = None
        if results is not None:
            results.close()
        if prefetcher is not None:
            prefetcher.close()
            for thread in prefetcher._threads:
                thread.join(timeout)

    def get(self):
        """A generator of the batches, in order.

        Raises:
            RuntimeError: if the enqueuer was not started.
        """
        if self._results is None:
            raise RuntimeError('The enqueuer is not running: call `start()` first.')
        while self._results is not None:
            try:
                yield next(self._results)
            except StopIteration:
                return


class OrderedEnqueuer(SequenceEnqueuer):
    """Batches of a Sequence in order, epoch after epoch, each used once an epoch.

    Arguments:
        sequence: a `Sequence`.
        use_multiprocessing: whether batches are computed in processes or in threads.
        shuffle: whether the order of the batches is mixed anew in each epoch.
    """

    def __init__(self, sequence, use_multiprocessing=False, shuffle=False):
        super(OrderedEnqueuer, self).__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle
        self._epoch_ended = threading.Event()

    def _make(self, workers, max_queue_size):
        return sequence_prefetcher(self.sequence, workers, self.use_multiprocessing, max_queue_size)

    def _run(self):
        while True:
            self._epoch_ended.clear()
            for batch in self._prefetcher.run(sequence_order(self.sequence, self.shuffle)):
                yield batch
            end_epoch(self.sequence, self._prefetcher)
            self._epoch_ended.set()

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

    def __init__(self, sequence, use_multiprocessing=False, wait_time=None, random_seed=None):
        super(GeneratorEnqueuer, self).__init__(sequence, use_multiprocessing)
        self.wait_time = wait_time
        self.random_seed = random_seed

    def _make(self, workers, max_queue_size):
        return generator_prefetcher(self.sequence, workers, self.use_multiprocessing, max_queue_size, self.random_seed, self.wait_time)

    def _run(self):
        return self._prefetcher.run(itertools.count())


def sequence_order(sequence, shuffle):
    """The tasks of one epoch: (seed, index) for each batch of a Sequence, with the indices mixed if `shuffle`."""
    order = list(range(len(sequence)))
    if shuffle:
        np.random.shuffle(order)
    first = int(np.random.randint(0, 2**31 - 1))
    return [((first + index) % (2**32), index) for index in order]


def end_epoch(sequence, prefetcher):
    """Tell a Sequence that its epoch has ended; processes that hold copies of it are started anew if that may have changed it."""
    from ..utils.data_utils import Sequence

    hook = getattr(sequence, 'on_epoch_end', None)
    if hook is None:
        return
    hook()
    if prefetcher is not None and getattr(type(sequence), 'on_epoch_end', None) is not Sequence.on_epoch_end:
        for worker in prefetcher.workers:
            worker.stop()
