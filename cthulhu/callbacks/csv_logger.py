"""CSVLogger: the logs of each epoch as rows of a file."""

import csv
import os

import numpy as np

from cthulhu.callbacks.base import Callback
from cthulhu.callbacks.monitor import spelled
from cthulhu.callers import warn
from cthulhu.utils.arguments import checked


class CSVLogger(Callback):
    """Writes the logs of each epoch as a row of a CSV file, after a row of names.

    The columns are 'epoch' and the names of all values of the run in order; 'NA' stands where an epoch does not have a
    value. Arrays are written as "[a, b]".

    Arguments:
        filename: path of the file.
        separator: what separates the columns.
        append: whether to go on with an existing file and its columns (for continued training), not to begin a new one.
            Values that the file has no column for are not written, with a warning.

    Raises:
        OSError: if the file cannot be written, on a full disk for example. A row is in it as a whole, or not at all.
    """

    writes = True

    @checked
    def __init__(self, filename, separator=',', append=False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.csv_file = None
        self.writer = None
        self.keys = None
        self._has_begun = False

    def on_train_begin(self, logs=None):
        self.close()
        self.writer = self.keys = None
        # Opened now, so that a path that cannot be written is told now; emptied at the first row, because a run that
        # resumes an interrupted one goes on with its rows.
        is_pipe = os.path.exists(self.filename) and not os.path.isfile(self.filename)  # or a device
        self.csv_file = open(self.filename, 'a' if is_pipe else 'a+', newline='')
        self._has_begun, self._has_warned = is_pipe, False
        if self.append and not is_pipe:
            self._go_on()

    def _go_on(self):
        self._has_begun = True
        self.csv_file.seek(0)
        header = next(csv.reader(self.csv_file, delimiter=self.sep), None)
        self.csv_file.seek(0, os.SEEK_END)
        self._end_last_row()
        if header:
            self.keys = header[1:]
            self.writer = self._make_writer()

    def _end_last_row(self):
        """A row begins on a line of its own, also where an editor has left the last line without an end."""
        with open(self.filename, 'rb') as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read() not in (b'\n', b'\r'):
                    _Whole(self.csv_file).write('\r\n')

    def _make_writer(self):
        return csv.DictWriter(
            _Whole(self.csv_file),
            ['epoch'] + self.keys,
            restval='NA',
            extrasaction='ignore',
            delimiter=self.sep,
            lineterminator='\r\n',
        )

    def _begin(self):
        if not self._has_begun:
            self._has_begun = True
            self.csv_file.seek(0)
            self.csv_file.truncate()

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        self._begin()
        if self.writer is None:
            # Values of the validation may come only every few epochs.
            self.keys = sorted(set(logs) | set((self.params or {}).get('metrics') or ()))
            self.writer = self._make_writer()
            self.writer.writeheader()
        found = {key: spelled(key, logs) for key in self.keys}
        row = {key: _cell(logs[name]) for key, name in found.items() if name is not None}
        self.writer.writerow(dict(row, epoch=epoch))
        self._warn_of_lost(sorted(set(logs) - set(found.values()) - {'epoch'}))

    def _warn_of_lost(self, lost):
        if lost and not self._has_warned:
            self._has_warned = True
            warn(
                f'CSVLogger: the file {self.filename!r} has no column for {", ".join(lost)}, so they are not written; its columns are '
                f'{", ".join(["epoch"] + self.keys)}. Give another file, the `separator` that it was written with, or append=False.'
            )

    def on_train_end(self, logs=None):
        if self.csv_file is not None and not self.csv_file.closed:
            self._begin()
        self.close()

    def close(self):
        """Close the file."""
        if self.csv_file is not None:
            self.csv_file.close()
        self.writer = None

    def get_state(self):
        """The size of the file: what comes after it was not part of the run that is resumed."""
        return {'size': os.path.getsize(self.filename)}

    def set_state(self, state):
        if os.path.getsize(self.filename) >= state['size'] > 0:
            self.csv_file.truncate(state['size'])
            self._go_on()


class _Whole:
    """Writes texts to the end of an open file: each as a whole, or, where that is an error, nothing of it."""

    def __init__(self, file):
        self._file = file

    def write(self, text):
        """Write one text."""
        self._file.flush()
        raw, data = self._file.buffer.raw, memoryview(text.encode(self._file.encoding))
        size = os.fstat(raw.fileno()).st_size
        try:
            while data:
                data = data[raw.write(data) :]
        except BaseException:
            if os.path.isfile(self._file.name):
                raw.truncate(size)
            raise


def _cell(value):
    if isinstance(value, (np.ndarray, list, tuple, set)) and np.ndim(value) > 0:
        return '"[{}]"'.format(', '.join(map(str, value)))
    return value
