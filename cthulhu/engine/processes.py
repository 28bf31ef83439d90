"""The processes that compute batches: how they start, what they do, how what goes wrong in them is told, and what Ctrl-C may not break off."""

import contextlib
import multiprocessing
import os
import pickle
import random
import signal
import sys
import threading
import traceback
import warnings

import numpy as np

from cthulhu.engine import pipes

# Starting a process copies the open pipes of this one: one at a time, so that each is closed where it does not belong.
_starting = threading.Lock()
_parent_ends = set()

# What a process that starts must not hear before it has said what to do about it.
_SIGNALS = {signal.SIGINT, signal.SIGTERM}


class WorkerDied(RuntimeError):
    """Who computes batches ended, or was given up, before there was a result."""


def started(compute, seed):
    """A process that serves, and the pipe to it."""
    sys.stdout.flush()  # what waits to be printed would be printed by the copy, too
    with _starting, warnings.catch_warnings(), _unheard():
        # Python 3.12 warns of a fork with threads about, and so does JAX; the child runs nothing but the user's Python code
        warnings.simplefilter('ignore', DeprecationWarning)
        warnings.filterwarnings('ignore', message=r'os\.fork\(\) was called')
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context('fork' if 'fork' in methods else methods[0])
        ours, theirs = context.Pipe()
        _parent_ends.add(ours)
        process = context.Process(target=_serve, args=(theirs, compute, seed), daemon=True)
        process.start()
        theirs.close()
    return process, ours


@contextlib.contextmanager
def uninterrupted():
    """Puts Ctrl-C off to the end, and gives the list of those that came: in a fork it would be lost, and what ends processes would leave some."""
    handler, signals = signal.getsignal(signal.SIGINT), []
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield signals
        return
    signal.signal(signal.SIGINT, lambda *arguments: signals.append(arguments))
    try:
        yield signals
    finally:
        signal.signal(signal.SIGINT, handler)
    if signals:
        handler(*signals[0])


@contextlib.contextmanager
def _unheard():
    """Has signals wait, here and in the process that is started meanwhile: Ctrl-C in a terminal is for all of them, and would break it off."""
    if not hasattr(signal, 'pthread_sigmask'):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def forget_pipe(pipe):
    """Let go of the pipe to a process that is to end."""
    _parent_ends.discard(pipe)


def kill(process):
    """End a process at once, unless it has ended."""
    try:
        os.kill(process.pid, getattr(signal, 'SIGKILL', signal.SIGTERM))
    except ProcessLookupError:  # it was learnt of already that it has ended
        pass


def name_of(task):
    """The number of a batch: its index in a Sequence, whose tasks are (seed, index)."""
    return task[1] if isinstance(task, tuple) else task


def spoken(error, task, who):
    """The error of a task; in place of SystemExit, which would end the program without a word, one that says where `who` called `sys.exit`."""
    if not isinstance(error, SystemExit):
        return error
    places = [
        place
        for place in traceback.extract_tb(error.__traceback__)
        if place.name != '__call__' or 'builtins' not in place.filename
    ]
    made = WorkerDied(
        f'Batch {name_of(task)} called sys.exit({"" if error.code is None else repr(error.code)}) at {places[-1].filename}:{places[-1].lineno}, in '
        f'{places[-1].name} ({who}). Raise an error that says what is wrong with the batch.'
    )
    made.__cause__ = error
    return made


class Remote(Exception):
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
    if hasattr(signal, 'pthread_sigmask'):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    for end in list(_parent_ends):
        end.close()  # else this process would keep the pipes of others open, and none would notice that its parent has died
    try:
        while True:
            task = pickle.loads(pipe.recv_bytes())
            try:
                if seed is not None:
                    set_seed(seed(task))
                answer = (False, compute(task), None)
            except BaseException as error:
                answer = (True, _portable(spoken(error, task, f'worker process {os.getpid()}')), traceback.format_exc())
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


def set_seed(seed):
    """Seed the random generators of NumPy and of Python."""
    np.random.seed(seed)
    random.seed(seed)
