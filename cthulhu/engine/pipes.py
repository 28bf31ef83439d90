"""What processes send each other: a pickle, and beside it the memory of its arrays, which is neither packed nor unpacked."""

import io
import os
import pickle
from multiprocessing.reduction import ForkingPickler

import numpy as np

# Python 3.8 and later, and no Windows.
_BESIDE = pickle.HIGHEST_PROTOCOL >= 5 and hasattr(os, 'readv')
# Bytes from which the memory of an array is sent beside the pickle.
_LARGE = 2**16


def send(pipe, value):
    """Send a value through a connection of `multiprocessing`, for `receive`.

    Raises:
        Exception: what pickling the value raises, before anything is sent.
    """
    if not _BESIDE:
        pipe.send(value)
        return
    memory = []

    def is_small(buffer):
        raw = buffer.raw()
        if raw.nbytes >= _LARGE:
            memory.append(raw)
        return raw.nbytes < _LARGE

    packed = io.BytesIO()
    ForkingPickler(packed, 5, True, is_small).dump(value)
    pipe.send((packed.getvalue(), [raw.nbytes for raw in memory]))
    for raw in memory:
        while raw.nbytes:
            raw = raw[os.write(pipe.fileno(), raw) :]


def receive(pipe):
    """The value that `send` sends at the other end.

    Raises:
        EOFError: if that end closes before it has sent all.
    """
    if not _BESIDE:
        return pipe.recv()
    packed, sizes = pipe.recv()
    memory = [np.empty(size, 'uint8') for size in sizes]
    for raw in map(memoryview, memory):
        while raw.nbytes:
            count = os.readv(pipe.fileno(), [raw])
            if not count:
                raise EOFError
            raw = raw[count:]
    return pickle.loads(packed, buffers=memory)
