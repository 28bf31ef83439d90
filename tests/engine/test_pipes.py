"""What processes send each other arrives as it was: arrays of every size and order, and what is wrong with the rest."""

import multiprocessing
import os
import threading

import numpy as np
import pytest

from cthulhu.engine import pipes
from cthulhu.engine.prefetching import ProcessWorker

LARGE = np.arange(2**16, dtype='float64').reshape(2**8, 2**8)


def sent(value):
    """What arrives, sent by another thread: a pipe does not hold it all."""
    receiving, sending = multiprocessing.Pipe()
    thread = threading.Thread(target=pipes.send, args=(sending, value))
    thread.start()
    found = pipes.receive(receiving)
    thread.join()
    return found


@pytest.mark.parametrize('beside', [True, False])
@pytest.mark.parametrize(
    'value',
    [
        LARGE, LARGE[:3, :3], LARGE.T, LARGE[::2, ::3], LARGE.astype('float32'), np.asfortranarray(LARGE), LARGE[:0], np.float32(3), 'text', None,
        np.array(['a', None, (1, 2)] * 9999, dtype=object), np.array(['a', 'bc'] * 40000), np.zeros(9999, [('a', 'i8'), ('b', 'f4')]),
    ],
    ids=lambda value: f'{type(value).__name__}{getattr(value, "shape", "")}',
)  # fmt: skip
def test_values_arrive(value, beside, monkeypatch):
    monkeypatch.setattr(pipes, '_BESIDE', beside and pipes._BESIDE)
    for given in (value, (value, [value, {'name': value}], 3)):
        found = sent(given)
        one = found if given is value else found[1][1]['name']
        assert type(one) is type(value)
        np.testing.assert_array_equal(one, value)
        if isinstance(value, np.ndarray):
            assert one.dtype == value.dtype and one.flags.writeable
            one[...] = one
    if isinstance(value, np.ndarray) and value.size > 2**15:
        # One array twice is one array there.
        assert found[0] is found[1][0]


def test_arrays_that_nobody_may_write_into():
    frozen = LARGE.copy()
    frozen.setflags(write=False)
    np.testing.assert_array_equal(sent(frozen), LARGE)


def test_what_cannot_be_sent_leaves_the_pipe_as_it_was():
    receiving, sending = multiprocessing.Pipe()
    with pytest.raises(Exception, match='pickle|local'):
        pipes.send(sending, (LARGE, lambda: 0))
    assert not receiving.poll()
    pipes.send(sending, 'next')
    assert pipes.receive(receiving) == 'next'


@pytest.mark.skipif(not pipes._BESIDE, reason='arrays are in the pickle')
@pytest.mark.parametrize('arrived', [0, 1000])
def test_an_end_in_the_midst_of_an_array(arrived):
    receiving, sending = multiprocessing.Pipe()
    with pytest.raises(TypeError):
        pipes.send(_Ending(sending, arrived), LARGE)
    sending.close()
    with pytest.raises(EOFError):
        pipes.receive(receiving)


class _Ending:
    """A pipe that breaks off."""

    def __init__(self, pipe, arrives):
        self.pipe, self.arrives, self.send = pipe, arrives, pipe.send

    def fileno(self):
        os.write(self.pipe.fileno(), b'0' * self.arrives)


def test_batches_from_a_process():
    worker = ProcessWorker(lambda number: (LARGE + number, np.arange(number)))
    try:
        for number in (3, 4):
            x, y = worker.request(number)
            np.testing.assert_array_equal(x, LARGE + number)
            np.testing.assert_array_equal(y, np.arange(number))
    finally:
        worker.stop()
