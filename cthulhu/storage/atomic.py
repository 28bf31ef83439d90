"""Writing that leaves the old file or the new one, whole, whenever it is cut off."""

import binascii
import contextlib
import errno
import os
import shutil
import tempfile


@contextlib.contextmanager
def replacing(path):
    """Context that gives the path of a temporary file to write, which then takes the place of `path`.

    The temporary file lies in the same folder, so that it is renamed and not copied; it is flushed to the disk before, and the folder after. If the
    body raises, it is removed and `path` is left as it was. A symbolic link stays, and what it points to is replaced.
    """
    given, path = path, os.path.realpath(os.fspath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), given)
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f'.{name[:100]}.{binascii.hexlify(os.urandom(6)).decode()}.tmp')
    with _named(given):
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    try:
        yield temporary
        with contextlib.suppress(OSError):
            os.chmod(temporary, os.stat(path).st_mode & 0o7777)  # the permissions of the file that it replaces
        _flush(temporary, os.O_RDWR)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise
    _flush(folder, getattr(os, 'O_DIRECTORY', None))


def write(path, data):
    """Write bytes to `path`, in the same manner."""
    with replacing(path) as temporary:
        with open(temporary, 'wb') as file:
            file.write(data)


@contextlib.contextmanager
def replacing_folder(path):
    """Context that gives the path of a folder to make, which then takes the place of the folder `path`.

    One that is there is moved aside before, as a folder cannot take the name of another: for an instant there is none.
    """
    parent, name = os.path.split(path)
    with _named(path):
        work = tempfile.mkdtemp(prefix=f'.{name[:100]}.', suffix='.tmp', dir=parent)
    new, old = os.path.join(work, 'new'), os.path.join(work, 'old')
    try:
        yield new
        for folder, _, files in os.walk(new):
            for file in files:
                _flush(os.path.join(folder, file), os.O_RDWR)
        if os.path.lexists(path):
            os.rename(path, old)
        try:
            os.rename(new, path)
        except OSError:
            if os.path.lexists(old):
                os.rename(old, path)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextlib.contextmanager
def _named(path):
    """Errors of the system name the path that the user gave, not that of the temporary file."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno), os.fspath(path)) from None


def _flush(path, flags):
    if flags is None:  # a system whose folders cannot be opened
        return
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
