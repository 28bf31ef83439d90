"""Pictures of a batch, read from their files by threads.

What a tiny file costs is Python's work, and threads that take turns at Python with every step spend more on the turns than on the work: so one thread at a
time decodes those of its batch. What a larger one costs is decoding, which lets other threads run: so these are read by as many threads as there are cores,
whatever the number of those that compute batches.
"""

import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from cthulhu.preprocessing.image import pictures

#: Bytes of a file up to which it is tiny.
TINY = 2**12
_MOST_THREADS = 16


class _Shared:
    """What the threads of a process share: `turn`, a lock for tiny files, and `map`, for functions of larger ones."""

    def __init__(self):
        self.process = os.getpid()
        self.turn = threading.Lock()
        self.map = map
        cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
        # A process that computes batches is one of several, which have the cores already.
        if cores > 1 and not multiprocessing.current_process().daemon:
            self.map = ThreadPoolExecutor(min(cores, _MOST_THREADS), 'cthulhu pictures').map


_shared = None


def _of_this_process():
    """What is shared here. The copy of a process has none of its threads, and perhaps a lock that nobody will release."""
    global _shared
    if _shared is None or _shared.process != os.getpid():
        _shared = _Shared()
    return _shared


def prepare():
    """Import what reads pictures: processes that are copies of this one find it there.

    Raises:
        ImportError: with what to install, where there is no Pillow.
    """
    pictures.formats()
    pictures.png_decoder()


def read_pictures(paths, color_mode, size, interpolation, data_format):
    """The arrays of the pictures in files, with an axis of channels.

    Arguments:
        paths: list of file names.
        color_mode, size, interpolation: as for `read_picture`.
        data_format: 'channels_last' or 'channels_first'.
    """

    def read(path, data=None):
        image = pictures.read_picture(path, color_mode, size, interpolation, data, pixels=True)
        return pictures.with_channels(image, data_format)

    shared = _of_this_process()
    tiny = [pictures.bytes_of(path, TINY) for path in paths]
    larger = iter(shared.map(read, [path for path, data in zip(paths, tiny) if data is None]))
    with shared.turn:
        made = [data if data is None else read(path, data) for path, data in zip(paths, tiny)]
    return [next(larger) if picture is None else picture for picture in made]
