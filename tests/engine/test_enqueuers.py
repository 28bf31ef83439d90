"""Batches computed ahead: their order, how far ahead, and what is left of a worker that fails, dies or is broken off."""

import glob
import itertools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from cthulhu.engine import enqueuers, prefetching
from cthulhu.engine.prefetching import LocalWorker, Prefetcher, ProcessWorker, WorkerDied
from cthulhu.utils import GeneratorEnqueuer, OrderedEnqueuer, Sequence

BOTH = pytest.mark.parametrize('processes', [False, True], ids=['threads', 'processes'])


def batch_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith('cthulhu batches')]


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert not multiprocessing.active_children() and not batch_threads()


def prefetcher(compute, workers=2, processes=True, ahead=4):
    return Prefetcher([(ProcessWorker if processes else LocalWorker)(compute) for _ in range(workers)], ahead)


def all_of(made, tasks):
    try:
        return list(made.run(tasks))
    finally:
        made.close()


class Numbers(Sequence):
    """Batch number i is i + 100 * the epoch."""

    def __init__(self, length=7):
        self.length = length
        self.epoch = 0

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        time.sleep(0.002 * (index % 3))
        return index + 100 * self.epoch

    def on_epoch_end(self):
        self.epoch += 1


# -- order, and how far ahead ------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize('workers', [1, 3])
def test_results_come_in_order_once_each(processes, workers):
    def compute(task):
        time.sleep(0.01 * (task % 3 == 0))
        return task, os.getpid(), threading.current_thread().name

    found = all_of(prefetcher(compute, workers, processes), range(20))
    assert [task for task, _, _ in found] == list(range(20))
    used = {place[1] if processes else place[2] for place in found}
    assert 1 <= len(used) <= workers and (os.getpid() not in used)


@pytest.mark.parametrize('workers', [1, 4])
def test_no_more_are_begun_than_the_queue_takes(workers):
    begun = []
    run = prefetcher(begun.append, workers, processes=False, ahead=3).run(range(12))
    most = 0
    for taken, _ in enumerate(run, 1):
        deadline = time.time() + 1
        while len(begun) < min(taken + 3, 12) and time.time() < deadline:
            time.sleep(0.001)  # until all that may be computed ahead were
        time.sleep(0.01)
        most = max(most, len(begun) - taken)
        assert len(begun) == min(taken + 3, 12)
    assert most == 3


def test_large_results_pass_through_the_pipe():
    found = all_of(prefetcher(lambda task: np.full(1000000, task), workers=1), range(3))
    assert [array.shape for array in found] == [(1000000,)] * 3 and [array[-1] for array in found] == [0, 1, 2]


@pytest.mark.parametrize('workers', [1, 3])
def test_draws_in_processes_depend_on_the_seed_and_not_on_the_worker(workers):
    class Draws(Sequence):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return np.random.uniform(), random.random()

    def drawn(workers):
        np.random.seed(5)
        tasks = enqueuers.sequence_order(Draws(), False)
        return all_of(enqueuers.sequence_prefetcher(Draws(), workers, True, 4), tasks)

    first = drawn(2)
    assert drawn(workers) == first and len(set(first)) == 6
    np.random.seed(6)
    assert all_of(enqueuers.sequence_prefetcher(Draws(), 2, True, 4), enqueuers.sequence_order(Draws(), False)) != first


# -- failures ----------------------------------------------------------------------------------------------


class Peculiar(Exception):
    """Cannot be made again from its message alone, as pickle would."""

    def __init__(self, one, two):
        super().__init__(f'{one} and {two}')


def fail(error, at=2):
    def compute(task):
        if task == at:
            raise error
        return task

    return compute


@BOTH
def test_an_exception_arrives_with_type_text_and_place_after_the_results_before_it(processes):
    made = prefetcher(fail(KeyError('no such picture')), processes=processes)
    taken = []
    with pytest.raises(KeyError, match='no such picture') as caught:
        for item in made.run(range(5)):
            taken.append(item)
    made.close()
    assert taken == [0, 1]
    if processes:
        assert 'in compute' in str(caught.value.__cause__) and 'test_enqueuers.py' in str(caught.value.__cause__)
    else:
        assert any(entry.name == 'compute' for entry in caught.traceback)


def test_what_cannot_be_pickled_is_named():
    with pytest.raises(RuntimeError, match='Peculiar: salt and pepper'):
        all_of(prefetcher(fail(Peculiar('salt', 'pepper'))), range(5))
    with pytest.raises(RuntimeError, match='could not send what it computed, generator'):
        all_of(prefetcher(lambda task: (i for i in range(task))), range(5))


@BOTH
def test_stop_iteration_in_a_sequence_is_an_error_and_not_its_end(processes):
    class Ends(Numbers):
        def __getitem__(self, index):
            return next(iter([])) if index == 2 else index

    made = enqueuers.sequence_prefetcher(Ends(), 2, processes, 4)
    with pytest.raises(RuntimeError, match='Batch 2 of Ends raised StopIteration'):
        all_of(made, enqueuers.sequence_order(Ends(), False))


def test_an_exception_in_the_tasks_arrives():
    def tasks():
        yield 0
        raise ValueError('no more tasks')

    with pytest.raises(ValueError, match='no more tasks'):
        all_of(prefetcher(lambda task: task, processes=False), tasks())


def test_a_batch_whose_process_is_killed_is_computed_by_another(tmp_path):
    killed = str(tmp_path / 'killed')

    def compute(task):
        if task == 3 and not os.path.exists(killed):
            open(killed, 'w').close()
            os.kill(os.getpid(), signal.SIGKILL)
        return task

    assert all_of(prefetcher(compute), range(8)) == list(range(8))
    assert os.path.exists(killed)


def test_a_process_killed_between_batches_is_replaced():
    made = prefetcher(lambda task: os.getpid(), workers=1)
    (first,) = set(made.run(range(3)))
    os.kill(first, signal.SIGKILL)
    (second,) = set(made.run(range(3)))
    made.close()
    assert second != first


@pytest.mark.parametrize('retries', [0, 2])
def test_batches_that_kill_every_process_end_in_an_error_that_names_the_process(monkeypatch, tmp_path, retries):
    monkeypatch.setattr(prefetching, 'RETRIES', retries)
    pids = str(tmp_path / 'pids')

    def compute(task):
        if task == 3:
            with open(pids, 'a') as out:
                out.write(f'{os.getpid()}\n')
            os.kill(os.getpid(), signal.SIGKILL)
        return task

    start = time.time()
    with pytest.raises(WorkerDied, match='exit code -9.* batch 3') as caught:
        all_of(prefetcher(compute), range(8))
    assert time.time() - start < 10
    with open(pids) as lines:
        tried = lines.read().split()
    assert len(tried) == retries + 1 and f'worker process {tried[-1]} died' in str(caught.value)


def test_the_exit_code_of_a_process_that_left_is_told():
    with pytest.raises(WorkerDied, match='exit code 3'):
        all_of(prefetcher(lambda task: os._exit(3)), range(2))


@BOTH
def test_closing_in_the_middle_ends_threads_and_processes(processes):
    made = prefetcher(lambda task: task, 3, processes)
    run = made.run(itertools.count())
    assert [next(run) for _ in range(4)] == [0, 1, 2, 3]
    made.close()
    assert not multiprocessing.active_children() and not batch_threads()
    assert list(run) == []  # who takes from it still does not wait for ever


def test_closing_does_not_wait_for_a_batch_that_takes_long():
    for processes in (True, False):
        busy = threading.Event()
        made = prefetcher(lambda task: busy.wait(60) if task else 0, 2, processes)
        run = made.run(range(4))
        assert next(run) == 0
        start = time.time()
        made.close(patience=5 if processes else 0.2)
        assert time.time() - start < 3
        busy.set()
        for thread in batch_threads():
            thread.join(5)


def test_ctrl_c_while_a_process_starts_is_not_lost(monkeypatch):
    started = []
    start = multiprocessing.process.BaseProcess.start

    def interrupted(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        start(self)
        started.append(self)

    monkeypatch.setattr(multiprocessing.process.BaseProcess, 'start', interrupted)
    made = prefetcher(lambda task: task)
    with pytest.raises(KeyboardInterrupt):
        next(made.run(range(3)))
    made.close()
    assert len(started) == 1 and not started[0].is_alive()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_processes_end_with_their_parent():
    """A parent that is killed, and can clean up nothing."""
    code = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location('prefetching', %r)
prefetching = importlib.util.module_from_spec(spec)
sys.modules['prefetching'] = prefetching
spec.loader.exec_module(prefetching)
import os, time
made = prefetching.Prefetcher([prefetching.ProcessWorker(lambda task: os.getpid()) for _ in range(3)], 3)
run = made.run(range(1000))
print(*sorted({next(run) for _ in range(50)} | {w.start()[0].pid for w in made.workers}), flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, '-c', code % prefetching.__file__], stdout=subprocess.PIPE)
    children = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert len(children) == 3
    deadline = time.time() + 5
    while any(map(is_running, children)) and time.time() < deadline:
        time.sleep(0.02)
    assert not any(map(is_running, children))


def is_running(pid):
    try:
        with open(f'/proc/{pid}/stat') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] != 'Z'  # nobody may be there to bury it
    except OSError:
        return False


@BOTH
def test_sys_exit_says_who_called_it_and_where(processes):
    def leave(code):
        sys.exit(code)

    class Leaves(Numbers):
        def __getitem__(self, index):
            return leave('no more pictures') if index == 2 else index

    made = enqueuers.sequence_prefetcher(Leaves(), 2, processes, 4)
    who = r'worker process \d+' if processes else "thread 'cthulhu batches .'"
    with pytest.raises(
        WorkerDied,
        match=rf"Batch 2 called sys.exit\('no more pictures'\) at .*test_enqueuers.py:\d+, in leave \({who}\)",
    ) as caught:
        all_of(made, enqueuers.sequence_order(Leaves(), False))
    assert 'no more pictures' in str(caught.value.__cause__)


def test_a_thread_that_hangs_is_waited_for_once(monkeypatch):
    """By who takes the batches and by who closes, together: a second Ctrl-C ends that."""
    asleep = threading.Event()
    patience = 2.0
    monkeypatch.setattr(Prefetcher._stop, '__defaults__', (patience,))
    for interrupts in (1, 2):
        made = prefetcher(lambda task: asleep.wait(60) if task else 0, 1, processes=False)
        timers = [threading.Timer(0.2 + 0.2 * i, os.kill, (os.getpid(), signal.SIGINT)) for i in range(interrupts)]
        run, start = made.run(range(4)), time.time()
        assert next(run) == 0
        for timer in timers:
            timer.start()
        with pytest.raises(KeyboardInterrupt):
            try:
                next(run)
            finally:
                made.close(patience)
        assert (time.time() - start > patience) == (interrupts == 1)
    asleep.set()
    for thread in batch_threads():
        thread.join(5)


def children():
    """The processes that this one has started, alive or dead and not waited for: set. Other tests may have left some."""
    found = set()
    for stat in glob.glob('/proc/[0-9]*/stat'):
        try:
            with open(stat) as file:
                parent = file.read().rpartition(')')[2].split()[1]
        except OSError:  # it has ended meanwhile
            continue
        if int(parent) == os.getpid():
            found.add(stat)
    return found


@pytest.mark.skipif(not os.path.isdir('/proc/self'), reason='of Linux')
def test_forty_interruptions_leave_no_process():
    """Not even one that has ended and was not waited for; wherever Ctrl-C comes, in `on_epoch_end` and between the epochs too."""
    dice, epochs, before, start = random.Random(0), 0, children(), time.time()
    made = enqueuers.sequence_prefetcher(Numbers(2), 2, True, 4)
    list(made.run(enqueuers.sequence_order(Numbers(2), False)))
    made.close()
    epoch = time.time() - start
    for _ in range(40):
        timer = threading.Timer(dice.uniform(0.1, 2) * epoch, os.kill, (os.getpid(), signal.SIGINT))
        sequence = Numbers(2)
        made = enqueuers.sequence_prefetcher(sequence, 2, True, 4)
        with pytest.raises(KeyboardInterrupt):
            try:
                timer.start()
                while True:
                    list(made.run(enqueuers.sequence_order(sequence, False)))
                    enqueuers.end_epoch(sequence, made)
            finally:
                made.close()
        assert children() == before
        timer.join()
        epochs += sequence.epoch
    assert epochs


def test_processes_that_bear_all_that_can_be_borne_end_too():
    def compute(task):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return os.getpid()

    made = prefetcher(compute, workers=1)
    (process,) = set(made.run(range(3)))
    made.close()
    assert not is_running(process)


# -- generators --------------------------------------------------------------------------------------------


def counting(stop=None):
    for number in itertools.count() if stop is None else range(stop):
        yield number, os.getpid()


@BOTH
def test_a_generator_keeps_its_order_and_its_end(processes):
    made = enqueuers.generator_prefetcher(counting(5), 1, processes, 3)
    found = all_of(made, itertools.count())
    assert [number for number, _ in found] == [0, 1, 2, 3, 4]
    assert ({pid for _, pid in found} == {os.getpid()}) != processes


def test_several_threads_take_each_batch_of_a_generator_once():
    made = enqueuers.generator_prefetcher(counting(30), 4, False, 8)
    assert [number for number, _ in all_of(made, itertools.count())] == list(range(30))


def test_processes_have_a_copy_of_a_generator_each_and_take_turns():
    with pytest.warns(UserWarning, match='copied into each'):
        made = enqueuers.generator_prefetcher(counting(4), 2, True, 4)
    found = all_of(made, itertools.count())
    assert [number for number, _ in found] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len({pid for _, pid in found}) == 2


def test_a_generator_is_not_begun_anew_when_its_process_dies():
    def dies():
        yield 0
        os.kill(os.getpid(), signal.SIGKILL)
        yield 1

    with pytest.raises(WorkerDied):
        all_of(enqueuers.generator_prefetcher(dies(), 1, True, 1), range(3))


# -- the public enqueuers ----------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize('workers', [1, 3])
def test_ordered_enqueuer(processes, workers):
    sequence = Numbers()
    enqueuer = OrderedEnqueuer(sequence, use_multiprocessing=processes)
    assert not enqueuer.is_running()
    with pytest.raises(RuntimeError, match='call `start'):
        next(enqueuer.get())
    enqueuer.start(workers=workers, max_queue_size=4)
    assert enqueuer.is_running()
    batches = enqueuer.get()
    assert [next(batches) for _ in range(7)] == list(range(7))
    enqueuer.join_end_of_epoch()
    assert sequence.epoch == 1
    assert [next(batches) for _ in range(7)] == list(range(100, 107))  # the processes know what `on_epoch_end` changed
    next(batches)
    enqueuer.stop()
    assert not enqueuer.is_running() and sequence.epoch == 2
    assert list(batches) == []


def test_ordered_enqueuer_shuffles_each_epoch_anew():
    np.random.seed(1)
    enqueuer = OrderedEnqueuer(Numbers(12), shuffle=True)
    enqueuer.start(workers=2)
    batches = enqueuer.get()
    one, two = ([next(batches) % 100 for _ in range(12)] for _ in range(2))
    enqueuer.stop()
    assert sorted(one) == sorted(two) == list(range(12)) and one != two and one != sorted(one)


def test_an_enqueuer_that_is_stopped_lets_go_of_who_waits():
    class Slow(Numbers):
        def __getitem__(self, index):
            time.sleep(60)

    enqueuer = OrderedEnqueuer(Slow(), use_multiprocessing=True)
    enqueuer.start(workers=2)
    got = []
    waiting = [
        threading.Thread(target=lambda: got.extend(enqueuer.get())),
        threading.Thread(target=enqueuer.join_end_of_epoch),
    ]
    for thread in waiting:
        thread.start()
    time.sleep(0.1)
    enqueuer.stop()
    for thread in waiting:
        thread.join(5)
        assert not thread.is_alive()
    assert got == []


@BOTH
def test_generator_enqueuer(processes):
    enqueuer = GeneratorEnqueuer(counting(), use_multiprocessing=processes)
    enqueuer.start(workers=1, max_queue_size=2)
    batches = enqueuer.get()
    assert [next(batches)[0] for _ in range(5)] == list(range(5))
    enqueuer.stop()
    assert list(batches) == []


def test_generator_enqueuer_seeds_and_waits():
    def draws():
        while True:
            yield np.random.uniform()

    def drawn(seed, **kwargs):
        enqueuer = GeneratorEnqueuer(draws(), use_multiprocessing=True, random_seed=seed, **kwargs)
        enqueuer.start(workers=1, max_queue_size=1)
        start = time.time()
        values = list(itertools.islice(enqueuer.get(), 3))
        enqueuer.stop()
        return values, time.time() - start

    assert drawn(3)[0] == drawn(3)[0] != drawn(4)[0]
    assert drawn(3, wait_time=0.1)[1] > 0.3


LEAVING = """
import time
from cthulhu.utils import OrderedEnqueuer, Sequence

class Slow(Sequence):
    def __len__(self):
        return 1000

    def __getitem__(self, index):
        time.sleep(0.01)
        return [0] * 100000

enqueuer = OrderedEnqueuer(Slow(), use_multiprocessing={})
enqueuer.start(workers=3)
next(enqueuer.get())
print(time.time())
"""


@BOTH
def test_a_program_that_ends_without_a_stop_ends_at_once(processes):
    """Left to the end of Python itself, its threads would be waited for five seconds, in vain."""
    run = subprocess.run([sys.executable, '-c', LEAVING.format(processes)], stdout=subprocess.PIPE, timeout=100)
    assert run.returncode == 0 and time.time() - float(run.stdout.split()[-1]) < 4
