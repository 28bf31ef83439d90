"""HDF5 files on disks that may be full: the library of HDF5 bears no failed writing, and ends the process when it closes the file."""

import contextlib

from cthulhu.storage import tree


@contextlib.contextmanager
def created(path):
    """Context that gives a new h5py.File at a path.

    Raises:
        OSError: when it ends, if the file could not be written as a whole.
    """
    tree.require_h5py('Writing an HDF5 file')
    with open(path, 'w+b', buffering=0) as raw:
        patient = _Patient(raw)
        try:
            with tree.h5py.File(patient, 'w') as file:
                yield file
        except Exception:
            if patient.error is None:
                raise  # else it is what follows from that
        if patient.error is not None:
            raise patient.error


class _Patient:
    """A file that seems to take what it is given: the first error of writing waits in `error`, and nothing is written after it."""

    def __init__(self, raw):
        self._raw = raw
        self.error = None
        self.seek, self.tell, self.read, self.readinto = raw.seek, raw.tell, raw.read, raw.readinto

    def write(self, data):
        """Write all of some bytes."""
        rest = memoryview(data)
        while rest and self.error is None:
            rest = rest[self._tried(self._raw.write, rest) :]
        return len(data)

    def truncate(self, size=None):
        """Cut the file, or make it longer."""
        self._tried(self._raw.truncate, size)

    def flush(self):
        """Nothing waits here."""

    def _tried(self, function, argument):
        try:
            return function(argument) if self.error is None else 0
        except OSError as error:
            self.error = error
            return 0
