"""A worker that says nothing for long."""

import os
import signal
import threading
import time
import warnings

import pytest

from cthulhu.engine import prefetching
from cthulhu.engine.enqueuers import generator_prefetcher, sequence_order, sequence_prefetcher
from cthulhu.utils import Sequence


class Slow(Sequence):
    def __init__(self, slow=(), seconds=0.5):
        self.slow = slow
        self.seconds = seconds

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index in self.slow:
            time.sleep(self.seconds)
        return index


def taken(sequence, use_multiprocessing, workers=1):
    prefetcher = sequence_prefetcher(sequence, workers, use_multiprocessing, 2)
    try:
        return list(prefetcher.run(sequence_order(sequence, False)))
    finally:
        prefetcher.close()


@pytest.mark.parametrize('use_multiprocessing', [False, True])
def test_the_batch_that_is_waited_for_is_named_once(use_multiprocessing, monkeypatch):
    monkeypatch.setattr(prefetching, 'SILENCE', 0.15)
    with pytest.warns(UserWarning) as caught:
        assert taken(Slow({1, 3}, 0.6), use_multiprocessing) == [0, 1, 2, 3]
    said = [str(each.message) for each in caught if 'waited for' in str(each.message)]
    assert [text.split(' has been')[0] for text in said if 'Batch 0' not in text] == ['Batch 1', 'Batch 3']


def test_a_generator_is_named_by_number(monkeypatch):
    monkeypatch.setattr(prefetching, 'SILENCE', 0.1)
    release = threading.Event()

    def batches():
        yield 'a'
        release.wait(5)
        yield 'b'

    prefetcher = generator_prefetcher(batches(), 1, False, 2)
    threading.Timer(0.4, release.set).start()
    with pytest.warns(UserWarning, match='Batch 1 has been waited for 0 s'):
        assert list(prefetcher.run(range(9))) == ['a', 'b']
    prefetcher.close()


@pytest.mark.parametrize('silence', [60.0, None])
def test_nothing_is_said_in_time(silence, monkeypatch):
    assert prefetching.SILENCE == 60.0
    monkeypatch.setattr(prefetching, 'SILENCE', silence)
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        assert taken(Slow({1}, 0.2), False, workers=2) == [0, 1, 2, 3]


# -- how long a batch may take -----------------------------------------------------------------------------


class Once(Sequence):
    """Batch 2 does something the first time that it is asked for, in whichever process."""

    def __init__(self, folder, what, times=1):
        self.folder, self.what, self.times = str(folder), what, times

    def __len__(self):
        return 6

    def __getitem__(self, index):
        done = len(os.listdir(self.folder))
        if index == 2 and done < self.times:
            open(os.path.join(self.folder, str(done)), 'w').close()
            self.what()
        return index


def stop_itself():
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.fixture
def limit(monkeypatch):
    monkeypatch.setenv(prefetching.TIMEOUT, '0.6')


@pytest.mark.parametrize('workers', [1, 3])
@pytest.mark.parametrize('use_multiprocessing', [False, True])
def test_a_batch_that_takes_too_long_is_computed_again(use_multiprocessing, workers, limit, tmp_path):
    asleep = threading.Event()
    start = time.time()
    with pytest.warns(
        UserWarning, match='Batch 2 took longer than the 0.6 s of CTHULHU_WORKER_TIMEOUT, and is computed again'
    ):
        assert taken(Once(tmp_path, lambda: asleep.wait(60)), use_multiprocessing, workers) == list(range(6))
    assert time.time() - start < 5
    asleep.set()


@pytest.mark.skipif(not hasattr(signal, 'SIGSTOP'), reason='signals of POSIX')
def test_a_process_that_is_stopped(limit, tmp_path):
    with pytest.warns(UserWarning, match='Batch 2 took longer'):
        assert taken(Once(tmp_path, stop_itself), True) == list(range(6))


def test_a_result_that_comes_late_is_not_used_twice(limit, tmp_path):
    with pytest.warns(UserWarning, match='Batch 2 took longer'):
        assert taken(Once(tmp_path, lambda: time.sleep(0.9)), False) == list(range(6))


@pytest.mark.parametrize('use_multiprocessing', [False, True])
def test_again_and_again_is_an_error_that_names_the_batch(use_multiprocessing, limit, tmp_path):
    asleep = threading.Event()
    threading.Timer(2.2, asleep.set).start()  # when all have been given up: the last thread is waited for
    error = (
        'process .* batch 2 within the 0.6 s'
        if use_multiprocessing
        else 'thread .* batch 2 did not|batch 2 did not give it within the 0.6 s'
    )
    with pytest.warns(UserWarning, match='Batch 2 took longer') as caught, pytest.raises(
        prefetching.WorkerDied, match=error
    ):
        taken(Once(tmp_path, lambda: asleep.wait(60), times=9), use_multiprocessing)
    assert len(caught) == prefetching.RETRIES + use_multiprocessing


@pytest.mark.parametrize('use_multiprocessing', [False, True])
@pytest.mark.filterwarnings('ignore:Batch 1 took longer')
def test_a_generator_is_not_asked_again(use_multiprocessing, limit):
    asleep = threading.Event()
    threading.Timer(1, asleep.set).start()

    def batches():
        yield 0
        asleep.wait(60)
        yield 1

    prefetcher = generator_prefetcher(batches(), 1, use_multiprocessing, 2)
    with pytest.raises(prefetching.WorkerDied, match='batch 1'):
        list(prefetcher.run(range(9)))
    prefetcher.close()


@pytest.mark.parametrize('given', ['never', '0', '-3', 'nan', 'inf'])
def test_a_limit_that_is_none_is_named(given, monkeypatch):
    monkeypatch.setenv(prefetching.TIMEOUT, given)
    with pytest.raises(
        ValueError, match=f"CTHULHU_WORKER_TIMEOUT is a number of seconds above 0, such as 300; got '{given}'"
    ):
        taken(Slow(), False)


def test_one_that_is_slow_but_in_time(monkeypatch):
    monkeypatch.setenv(prefetching.TIMEOUT, '30')
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        assert taken(Slow({1}, 0.3), True, workers=2) == [0, 1, 2, 3]
