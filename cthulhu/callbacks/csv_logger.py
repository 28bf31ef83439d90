"""CSVLogger: the logs of each epoch as rows of a file."""

import csv
import os

import numpy as np

from cthulhu.callbacks.base import Callback
from cthulhu.utils.arguments import checked


class CSVLogger(Callback):
    """Writes the logs of each epoch as a row of a CSV file, after a row of names.

    The columns are 'epoch' and the names of all values of the run in order; 'NA' stands where an epoch does not have a
    value. Arrays are written as "[a, b]".

    Arguments:
        filename: path of the file.
        separator: what separates the columns.
        append: whether to go on with an existing file and its columns (for continued training), not to begin a new one.
    """

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
        self.csv_file = open(self.filename, 'a+', newline='')
        self._has_begun = False
        if self.append:
            self._go_on()

    def _go_on(self):
        self._has_begun = True
        self.csv_file.seek(0)
        header = next(csv.reader(self.csv_file, delimiter=self.sep), None)
        self.csv_file.seek(0, os.SEEK_END)
        if header:
            self.keys = header[1:]
            self.writer = self._make_writer()

    def _make_writer(self):
        return csv.DictWriter(
            self.csv_file,
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
        row = {name: _cell(value) for name, value in logs.items()}
        self.writer.writerow(dict(row, epoch=epoch))
        self.csv_file.flush()

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


def _cell(value):
    if isinstance(value, (np.ndarray, list, tuple, set)) and np.ndim(value) > 0:
        return '"[{}]"'.format(', '.join(map(str, value)))
    return value
