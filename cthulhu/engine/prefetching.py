"""Batches computed ahead of the training, in threads or in processes.

`Prefetcher` runs tasks in order through some workers, a bounded number ahead, and gives the results in order. A worker is a thread, which computes
by itself or has a process do it. What can go wrong in a worker — an exception, a death — arrives where the results are taken.
"""

import atexit
import contextlib
import itertools
import multiprocessing
import multiprocessing.connection
import os
import pickle
import random
import signal
import sys
import threading
import time
import traceback
import warnings
import weakref

import numpy as np

from cthulhu.callers import warn
from cthulhu.engine import pipes

# Starting a process copies the open pipes of this one: one at a time, so that each is closed where it does not belong.
_starting = threading.Lock()
_parent_ends = set()

#: How many times a batch is computed again where the process that computed it died.
RETRIES = 2


#: After how many seconds without a word from the worker of a batch that is waited for this is said, once a batch; None for never.
SILENCE = 60.0


# The Prefetchers that have run, and in which process.
_begun = weakref.WeakKeyDictionary()


@atexit.register
def _close_all():
    """Close what nobody closed while its threads can still end: when Python takes itself down, they would stand still, with what they hold."""
    for prefetcher, process in list(_begun.items()):
        if process == os.getpid():
            prefetcher.close()


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
            # Python 3.12 warns of a fork with threads about, and so does JAX; the child runs nothing but the user's Python code
            warnings.simplefilter('ignore', DeprecationWarning)
            warnings.filterwarnings('ignore', message=r'os\.fork\(\) was called')
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
                failed, value, text = pipes.receive(pipe)
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
                    set_seed(seed(task))
                answer = (False, compute(task), None)
            except BaseException as error:
                answer = (True, _portable(error), traceback.format_exc())
            try:
                sys.stdout.flush()
                pipes.send(pipe, answer)
            except (BrokenPipeError, OSError):
                return
            except Exception as error:  # the result cannot be pickled
                text = f'A worker process could not send what it computed, {type(answer[1]).__name__}: {error}'
                pipes.send(pipe, (True, RuntimeError(text), traceback.format_exc()))
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
        _begun[self] = os.getpid()
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
                    self._await(state)
                    if state.stopped or state.taken not in state.results:
                        return
                    failed, value = state.results.pop(state.taken)
                    state.waited.pop(state.taken, None)
                    state.taken += 1
                    self._changed.notify_all()
                if failed:
                    raise value
                yield value
        finally:
            self._stop(state, at_once=not state.is_over())

    def _await(self, state):
        """Wait for the result that comes next; say so where it does not come."""
        since, said = time.time(), SILENCE is None
        while state.taken not in state.results and not state.stopped and not state.is_over():
            self._changed.wait(None if said else max(0.01, since + SILENCE - time.time()))
            if not said and state.taken not in state.results and time.time() >= since + SILENCE:
                said = True
                warn(
                    f'Batch {state.named()} has been waited for {time.time() - since:.0f} s, and its worker says nothing: it is slow, or waits for something '
                    'itself (a lock, the network, a pool of its own). Try sequence[i] by itself, or workers=0. (cthulhu.engine.prefetching.SILENCE is when '
                    'this is said.)'
                )

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
                state.waited[number] = task
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
    """The state of one run: how many tasks were begun and taken, which those are that were begun and not taken, the results that wait, where the tasks
    end, and the threads.
    """

    __slots__ = ('tasks', 'begun', 'taken', 'waited', 'results', 'finished', 'stopped', 'threads')

    def __init__(self, tasks):
        self.tasks = tasks
        self.begun = self.taken = 0
        self.waited = {}
        self.results = {}
        self.finished = None
        self.stopped = False
        self.threads = []

    def named(self):
        """The number of the batch that comes next: its index in a Sequence, whose tasks are (seed, index)."""
        task = self.waited.get(self.taken, self.taken)
        return task[1] if isinstance(task, tuple) else task

    def is_over(self):
        """Whether all results were taken."""
        return self.finished is not None and self.taken >= self.finished


def set_seed(seed):
    """Seed the random generators of NumPy and of Python."""
    np.random.seed(seed)
    random.seed(seed)
