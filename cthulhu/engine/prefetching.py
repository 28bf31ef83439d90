"""Batches computed ahead of the training, in threads or in processes.

`Prefetcher` runs tasks in order through some workers, a bounded number ahead, and gives the results in order. A worker is a thread, which computes
by itself or has a process do it. What can go wrong in a worker — an exception, a death — arrives where the results are taken.
"""

import atexit
import itertools
import multiprocessing.connection
import os
import pickle
import threading
import time
import weakref

from cthulhu.callers import warn
from cthulhu.engine import pipes
from cthulhu.engine.processes import (
    Remote,
    WorkerDied,
    forget_pipe,
    kill,
    name_of,
    spoken,
    started,
    uninterrupted,
)

#: How many times a batch is computed again where the process that computed it died, or its worker took too long.
RETRIES = 2

#: After how many seconds without a word from the worker of a batch that is waited for this is said, once a batch; None for never.
SILENCE = 60.0

#: The environment variable that says after how many seconds a batch that is waited for is computed again; without it none is.
TIMEOUT = 'CTHULHU_WORKER_TIMEOUT'

# The Prefetchers that have run, and in which process.
_begun = weakref.WeakKeyDictionary()


@atexit.register
def _close_all():
    """Close what nobody closed while its threads can still end: when Python takes itself down, they would stand still, with what they hold."""
    for prefetcher, process in list(_begun.items()):
        if process == os.getpid():
            prefetcher.close()


class LocalWorker:
    """Computes tasks in the calling thread.

    Arguments:
        compute: function of a task.
        repeats: whether a task may be computed again, by another thread, where this one takes too long.
    """

    def __init__(self, compute, repeats=True):
        self._compute = compute
        self.repeats = repeats
        self.since = 0  # several tasks may be under way

    def request(self, task):
        """The result of a task."""
        return self._compute(task)

    def start(self):
        """Nothing to start, nor to stop."""

    stop = start

    def give_up(self, seconds):
        """Whether the task that takes so long was broken off: no thread can be."""
        return False


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
        self._lock = threading.Lock()  # of what follows
        self._running = None
        self._left = []  # the processes whose end was not seen yet
        self._is_stopped = False
        self._given_up = None, None  # the last process that was, and how long it was waited for
        self.since = 0  # when the process at work was given its task
        self._burying = threading.Lock()

    def start(self):
        """The process and the pipe to it, started if there is none."""
        with uninterrupted(), self._lock:
            self._is_stopped = False
            return self._at_work()

    def _at_work(self):
        if self._running is None:
            self._running = started(self._compute, self._seed)
            self._left.append(self._running)
        return self._running

    def request(self, task):
        """The result of a task.

        Raises:
            WorkerDied: if the process died, and so did those that were started in its place; or it was stopped.
            Exception: what the task raised, with the text of its traceback.
        """
        for attempt in itertools.count():
            with uninterrupted(), self._lock:
                if self._is_stopped:
                    raise WorkerDied('The worker was stopped.')
                process, pipe = running = self._at_work()
            self.since = time.time()
            try:
                pipe.send_bytes(pickle.dumps(task))
                multiprocessing.connection.wait([pipe, process.sentinel])
                if not pipe.poll():
                    raise EOFError
                failed, value, text = pipes.receive(pipe)
            except (EOFError, OSError):
                forgotten = self._forget(running)
                self._bury(running, patience=1)
                if not forgotten:
                    raise WorkerDied('The worker was stopped.')
                if attempt >= self._retries:
                    raise WorkerDied(self._obituary(process, task, attempt))
                continue
            if failed:
                value.__cause__ = Remote(text)
                raise value
            return value

    def _obituary(self, process, task, attempt):
        before = ', as did those before it' if attempt else ''
        given_up, seconds = self._given_up
        if given_up is process:
            return (
                f'The worker process {process.pid} did not give batch {name_of(task)} within the {seconds:g} s of {TIMEOUT}{before}. Look for what it waits for, '
                f'with sequence[i] by itself or workers=0, or allow more.'
            )
        return (
            f'The worker process {process.pid} died (exit code {process.exitcode}) while it computed batch {name_of(task)}{before}. Look for what kills it: too '
            'little memory, or a library that does not bear a fork. With use_multiprocessing=False the batches are computed in threads.'
        )

    def give_up(self, seconds):
        """End the process, so that a new one computes what it takes so long for: `request` sees to that, or raises an error. Always True."""
        with self._lock:
            running = self._running
            if running is not None:
                self._given_up = running[0], seconds
                kill(running[0])
        return True

    def _forget(self, running):
        """Whether this is still the process at work; it then is no longer."""
        with self._lock:
            if self._running is not running:
                return False
            self._running = None
            return True

    def stop(self):
        """End the process, and any before it, and wait until they have ended. No other is started until `start`."""
        with uninterrupted():
            self._stop()

    def _stop(self):  # with the last references to what it ends: Ctrl-C would be lost in what Python does at their end
        with self._lock:
            self._is_stopped, self._running = True, None
            left = list(self._left)
        for running in left:
            self._bury(running)

    def _bury(self, running, patience=0):
        """End a process, which gets `patience` seconds to do so by itself, and wait for it.

        Its pipe closes when nobody holds it: a thread may be reading, and another file would get its number.
        """
        process, pipe = running
        with self._burying:  # one thread at a time: only one learns of the end from the system
            if running not in self._left:
                return
            forget_pipe(pipe)
            process.join(patience)
            process.terminate()
            process.join(1)
            if process.is_alive():
                kill(process)
                process.join()
            with self._lock:
                self._left.remove(running)


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
        """Give the results of tasks (an iterable) in their order. Closing the generator, or the Prefetcher, stops the work.

        Raises:
            ValueError: if the environment variable CTHULHU_WORKER_TIMEOUT is no number of seconds.
            WorkerDied: if a process died, or took longer than that, again and again.
            Exception: what a task raised.
        """
        state = self._state = _Run(iter(tasks), _limit())
        _begun[self] = os.getpid()
        try:
            for place, worker in enumerate(self.workers):
                worker.start()
                state.threads.append(None)
                self._start(state, place)
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

    def _start(self, state, place, *again):
        thread = threading.Thread(target=self._work, args=(state, place) + again, name=f'cthulhu batches {place}')
        thread.daemon = True
        state.threads[place] = thread
        thread.start()

    def _await(self, state):
        """Wait for the result that comes next; say so where it does not come, and have it computed again where it takes too long."""
        since, said = time.time(), SILENCE is None
        while state.taken not in state.results and not state.stopped and not state.is_over():
            moments = [] if said else [since + SILENCE]
            late = state.late(self.workers)
            if late is not None:
                moments.append(late)
            self._changed.wait(max(0.01, min(moments) - time.time()) if moments else None)
            if state.taken in state.results or state.stopped:
                return
            if not said and time.time() >= since + SILENCE:
                said = True
                warn(
                    f'Batch {state.named()} has been waited for {time.time() - since:.0f} s, and its worker says nothing: it is slow, stopped, or waits for '
                    f'something itself (a lock, the network, a pool of its own). Try sequence[i] by itself, or workers=0. The environment variable {TIMEOUT} says '
                    'after how many seconds it is computed again. (cthulhu.engine.prefetching.SILENCE is when this is said.)'
                )
            late = state.late(self.workers)
            if late is not None and time.time() >= late:
                self._ask_again(state, state.waited[state.taken])

    def _ask_again(self, state, waited):
        """Have a batch computed again: by another process, or by another thread, as one cannot be broken off."""
        worker, waited.since, waited.times = self.workers[waited.place], time.time(), waited.times + 1
        broken_off = worker.give_up(state.limit)
        if not broken_off and (waited.times > RETRIES or not worker.repeats):
            raise WorkerDied(
                f'The thread that computes batch {state.named()} did not give it within the {state.limit:g} s of {TIMEOUT}, '
                + ('nor did those after it' if worker.repeats else 'and a generator cannot be asked again')
                + '. Look for what it waits for, with workers=0, or allow more.'
            )
        warn(f'Batch {state.named()} took longer than the {state.limit:g} s of {TIMEOUT}, and is computed again.')
        if not broken_off:
            self._start(state, waited.place, state.taken)

    def _stop(self, state, at_once, patience=5):
        """End the threads of a run: `at_once`, with the processes that they wait for; threads at work get `patience` seconds, all together and once a run."""
        with uninterrupted() as signals:
            with self._changed:
                state.stopped = True
                self._changed.notify_all()
            if state.deadline is None:
                state.deadline = time.time() + patience
            if at_once:
                for worker in self.workers:
                    worker.stop()
            for thread in filter(None, state.threads):
                while thread.is_alive() and time.time() < state.deadline:
                    thread.join(0.1)
                    if signals:  # another Ctrl-C
                        state.deadline = 0

    def _work(self, state, place, number=None):
        while True:
            if number is None:
                number = self._begin(state, place)
                if number is None:
                    return
            waited = state.waited.get(number)
            if waited is None:  # what another computes was there before this one began
                number = None
                continue
            task = waited.task
            try:
                result = (False, self.workers[place].request(task))
            except StopIteration:
                with self._changed:
                    state.finished = number if state.finished is None else min(number, state.finished)
                    self._changed.notify_all()
                return
            except BaseException as error:
                result = (True, spoken(error, task, f'thread {threading.current_thread().name!r}'))
            with self._changed:
                if number >= state.taken:  # else another was faster
                    state.results.setdefault(number, result)
                self._changed.notify_all()
                if state.threads[place] is not threading.current_thread():  # another has its place
                    return
            number = None

    def _begin(self, state, place):
        """The number of the task that a worker computes next, when it may; None at the end."""
        with self._changed:
            while not state.stopped and not self._may_begin(state, place):
                self._changed.wait()
            if state.stopped or state.finished is not None:
                return None
            number = state.begun
            try:
                state.waited[number] = _Waited(next(state.tasks), place)
            except StopIteration:
                state.finished = number
            except BaseException as error:
                state.results[number] = (True, error)
                state.finished = number + 1
            else:
                state.begun += 1
            self._changed.notify_all()
            return number if state.finished is None else None

    def _may_begin(self, state, place):
        if state.finished is not None:
            return True
        if self.fixed and state.begun % len(self.workers) != place:
            return False
        return state.begun - state.taken < self.ahead

    def close(self, patience=5):
        """End the workers, and the run that is in progress; `patience` is how many seconds threads at work are waited for."""
        with uninterrupted():
            if self._state is not None:
                self._stop(self._state, True, patience)
            for worker in self.workers:
                worker.stop()


class _Run:
    """The state of one run: how many tasks were begun and taken, those that were begun and not taken, the results that wait, where the tasks end, the
    threads, how long a task may take, and until when threads are waited for.
    """

    __slots__ = ('tasks', 'begun', 'taken', 'waited', 'results', 'finished', 'stopped', 'threads', 'limit', 'deadline')

    def __init__(self, tasks, limit):
        self.tasks = tasks
        self.begun = self.taken = 0
        self.waited = {}
        self.results = {}
        self.finished = None
        self.stopped = False
        self.threads = []
        self.limit = limit
        self.deadline = None

    def named(self):
        """The number of the batch that comes next."""
        waited = self.waited.get(self.taken)
        return self.taken if waited is None else name_of(waited.task)

    def late(self, workers):
        """When the batch that comes next is late; None if it has not begun, or there is no limit."""
        waited = self.waited.get(self.taken)
        if waited is None or self.limit is None:
            return None
        return max(waited.since, workers[waited.place].since) + self.limit

    def is_over(self):
        """Whether all results were taken."""
        return self.finished is not None and self.taken >= self.finished


class _Waited:
    """A task that was begun: which worker computes it, since when, and how many times it was given up."""

    __slots__ = ('task', 'place', 'since', 'times')

    def __init__(self, task, place):
        self.task, self.place, self.since, self.times = task, place, time.time(), 0


def _limit():
    """The seconds that a batch may take, by the environment; None without a limit."""
    text = os.environ.get(TIMEOUT)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float('inf'):
        raise ValueError(
            f'The environment variable {TIMEOUT} is a number of seconds above 0, such as 300; got {text!r}.'
        )
    return seconds
