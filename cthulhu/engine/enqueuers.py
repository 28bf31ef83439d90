"""Batches computed ahead of the training, in threads or in processes.

`Prefetcher` runs tasks in order through some workers, a bounded number ahead, and gives the results in order. A worker is a thread, which computes
by itself or has a process do it. What can go wrong in a worker — an exception, a death — arrives where the results are taken. The public
`OrderedEnqueuer` and `GeneratorEnqueuer` are this for a Sequence and for a generator.
"""

import contextlib
import itertools
import multiprocessing
import multiprocessing.connection
import operator
import os
import pickle
import random
import signal
import sys
import threading
import time
import traceback
import warnings

import numpy as np

from cthulhu.utils.sequence import Sequence

# Starting a process copies the open pipes of this one: one at a time, so that each is closed where it does not belong.
_starting = threading.Lock()
_parent_ends = set()

#: How many times a batch is computed again where the process that computed it died.
RETRIES = 2


class WorkerDied(RuntimeError):
    """A process that computes batches ended before it gave its result."""


class LocalWorker:
    """Computes tasks in the calling thread."""

    def __init__(self, compute):
        self._compute = compute

    def request(self, task):
        """The result of a task."""
        return self._compute(task)

    def start(self):
        """Nothing to start, nor to stop."""

    stop = start


class ProcessWorker:
    """Computes tasks in a process of its own, which is a copy of this one as it was when it started.

    Arguments:
        compute: function of a task.
        seed: function, task -> seed for the random generators of the process, or None.
        retries: how often a task is given to a new process when one has died over it; `RETRIES` if None.
    """

    def __init__(self, compute, seed=None, retries=None):
        self._compute = compute
        self._seed = seed
        self._retries = RETRIES if retries is None else retries
        self._lock = threading.Lock()
        self._running = None

    def start(self):
        """The process and the pipe to it, started if there is none."""
        with _uninterrupted(), self._lock:
            if self._running is None:
                self._running = self._started()
            return self._running

    def _started(self):
        sys.stdout.flush()  # what waits to be printed would be printed by the copy, too
        with _starting, warnings.catch_warnings():
            # Python 3.12 warns of a fork with threads about; the child runs nothing but the user's Python code
            warnings.simplefilter('ignore', DeprecationWarning)
            methods = multiprocessing.get_all_start_methods()
            context = multiprocessing.get_context('fork' if 'fork' in methods else methods[0])
            ours, theirs = context.Pipe()
            _parent_ends.add(ours)
            process = context.Process(target=_serve, args=(theirs, self._compute, self._seed), daemon=True)
            process.start()
            theirs.close()
        return process, ours

    def request(self, task):
        """The result of a task.

        Raises:
            WorkerDied: if the process died, and so did those that were started in its place.
            Exception: what the task raised, with the text of its traceback.
        """
        for attempt in itertools.count():
            process, pipe = running = self.start()
            try:
                pipe.send(task)
                multiprocessing.connection.wait([pipe, process.sentinel])
                if not pipe.poll():
                    raise EOFError
                failed, value, text = pipe.recv()
            except (EOFError, OSError):
                if not self._forget(running):
                    raise WorkerDied('The worker was stopped.')
                process.join(1)
                code = process.exitcode
                _end(*running)
                if attempt >= self._retries:
                    raise WorkerDied(
                        'The worker process {} died (exit code {}) while it computed batch {}{}. Look for what kills it: too little memory, or a '
                        'library that does not bear a fork. With use_multiprocessing=False the batches are computed in threads.'.format(
                            process.pid, code, task, ', as did those before it' if attempt else ''
                        )
                    )
                continue
            if failed:
                value.__cause__ = _Remote(text)
                raise value
            return value

    def _forget(self, running):
        """Whether this is still the process at work; it then is no longer."""
        with self._lock:
            if self._running is not running:
                return False
            self._running = None
            return True

    def stop(self):
        """End the process."""
        running = self._running
        if running is not None and self._forget(running):
            _end(*running)


@contextlib.contextmanager
def _uninterrupted():
    """Puts Ctrl-C off to the end: in a fork it would be lost, or leave a process that nobody knows of."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    signals = []
    signal.signal(signal.SIGINT, lambda *arguments: signals.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if signals:
        handler(*signals[0])


def _end(process, pipe):
    """End a process. Its pipe closes when nobody holds it: a thread may be reading, and another file would get its number."""
    _parent_ends.discard(pipe)
    process.terminate()
    process.join(1)
    if process.is_alive():
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:  # another thread was the one to learn of its end
            return
        process.join()


class _Remote(Exception):
    """The traceback of an exception in another process."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    def __str__(self):
        return f'\n\n{self.text}'


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
                    _set_seed(seed(task))
                answer = (False, compute(task), None)
            except BaseException as error:
                answer = (True, _portable(error), traceback.format_exc())
            try:
                sys.stdout.flush()
                pipe.send(answer)
            except (BrokenPipeError, OSError):
                return
            except Exception as error:  # the result cannot be pickled
                text = f'A worker process could not send what it computed, {type(answer[1]).__name__}: {error}'
                pipe.send((True, RuntimeError(text), traceback.format_exc()))
    except (EOFError, KeyboardInterrupt):
        return
    finally:
        os._exit(0)  # without the exit handlers of the frameworks, which belong to the parent


def _portable(error):
    """The exception, or a RuntimeError that names it if it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError(f'{type(error).__name__}: {error}')


class Prefetcher:
    """Runs tasks through workers, ahead of their use.

    Arguments:
        workers: list of LocalWorker or ProcessWorker.
        ahead: how many tasks may be computed or waiting at most.
        fixed: whether task number i goes to worker i modulo their number (for workers that have a state), or to the first that is free.
    """

    def __init__(self, workers, ahead, fixed=False):
        self.workers = workers
        self.ahead = max(1, int(ahead))
        self.fixed = fixed
        self._changed = threading.Condition()
        self._state = None

    def run(self, tasks):
        """Give the results of tasks (an iterable) in their order. Closing the generator, or the Prefetcher, stops the work."""
        state = self._state = _Run(iter(tasks))
        try:
            for place, worker in enumerate(self.workers):
                worker.start()
                thread = threading.Thread(
                    target=self._work, args=(state, place, worker), name=f'cthulhu batches {place}'
                )
                thread.daemon = True
                thread.start()
                state.threads.append(thread)
            while True:
                with self._changed:
                    while state.taken not in state.results and not state.stopped and not state.is_over():
                        self._changed.wait()
                    if state.stopped or state.taken not in state.results:
                        return
                    failed, value = state.results.pop(state.taken)
                    state.taken += 1
                    self._changed.notify_all()
                if failed:
                    raise value
                yield value
        finally:
            self._stop(state, at_once=not state.is_over())

    def _stop(self, state, at_once, patience=5):
        """End the threads of a run: `at_once`, with the processes that they wait for; a thread at work gets `patience` seconds."""
        with self._changed:
            state.stopped = True
            self._changed.notify_all()
        deadline = time.time() + patience
        for worker, thread in zip(self.workers, state.threads):
            while thread.is_alive() and time.time() < deadline:
                if at_once:  # again and again: a thread that was about to ask starts a new process
                    worker.stop()
                thread.join(0.1 if at_once else patience)

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

    def close(self, patience=5):
        """End the workers, and the run that is in progress; `patience` is how many seconds a thread at work is waited for."""
        if self._state is not None:
            self._stop(self._state, True, patience)
        for worker in self.workers:
            worker.stop()


class _Run:
    """The state of one run: how many tasks were begun and taken, the results that wait, where the tasks end, and the threads."""

    __slots__ = ('tasks', 'begun', 'taken', 'results', 'finished', 'stopped', 'threads')

    def __init__(self, tasks):
        self.tasks = tasks
        self.begun = self.taken = 0
        self.results = {}
        self.finished = None
        self.stopped = False
        self.threads = []

    def is_over(self):
        """Whether all results were taken."""
        return self.finished is not None and self.taken >= self.finished


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
            _set_seed(self._seed)
            self._seed = None
        if self._wait_time:
            time.sleep(self._wait_time)
        return next(self._generator)


def _set_seed(seed):
    np.random.seed(seed)
    random.seed(seed)


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
        return Prefetcher([LocalWorker(_Next(generator, wait_time=wait_time))], max_queue_size)
    if workers > 1:
        warnings.warn(
            f'A generator with use_multiprocessing=True and {workers} workers is copied into each, so each batch is made {workers} times. Use a Sequence, whose '
            'batches are made once.',
            stacklevel=4,
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


def sequence_order(sequence, shuffle):
    """The tasks of one epoch: (seed, index) for each batch of a Sequence, with the indices mixed if `shuffle`."""
    order = list(range(len(sequence)))
    if shuffle:
        np.random.shuffle(order)
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
