"""A worker that says nothing for long."""

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
