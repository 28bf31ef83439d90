"""Writing that leaves the old file or the new one, whole, whenever it is cut off.

What is being written lies beside its target, in a folder `.NAME.HOST.DIGITS.tmp` whose file `lock` is locked for as long as its process lives. One that is
not locked was left by a process that was killed, and whoever writes the same target next removes it.
"""

import binascii
import contextlib
import errno
import os
import platform
import re
import shutil
import tempfile
import time

from cthulhu.callers import warn

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
try:
    import msvcrt
except ImportError:
    msvcrt = None

# What stands in the way of a renaming, but not of writing to the file itself.
_NO_RENAMING = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)
_DISK = (errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, 'EDQUOT', errno.ENOSPC))
_HOST = f'{binascii.crc32(platform.node().encode("utf-8", "replace")) & 0xFFFFFFFF:08x}'
_HOUR = 3600
_LEFT = 10**9  # the time of a lock whose folder is being removed


@contextlib.contextmanager
def replacing(path):
    """Context that gives the path of a temporary file to write, which then takes the place of `path`.

    The temporary file lies in a folder beside it, so that it is renamed and not copied; it is flushed to the disk before, and the folder after. If the
    body raises, it is removed and `path` is left as it was. A symbolic link stays, and what it points to is replaced.

    A file that cannot be replaced, but written to (it is mounted by itself, or its folder may not be changed), is written in place, with a warning: that can
    be cut off. What it held is put back if writing it fails. Devices and pipes are written to.

    Raises:
        OSError: if it cannot be written; the error names `path`.
    """
    given, path = path, os.path.realpath(os.fspath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), given)
    folder, name = os.path.split(path)
    special = os.path.exists(given) and not os.path.isfile(given)
    with contextlib.ExitStack() as stack:
        with _named(given):
            hindrance = None
            try:
                work = stack.enter_context(working_folder(tempfile.gettempdir() if special else folder, name))
            except OSError as error:
                if not _may_write_into(path, error):
                    raise
                work, hindrance = stack.enter_context(working_folder(tempfile.gettempdir(), name)), error
        new = os.path.join(work, 'new')
        try:
            yield new
        except OSError as error:
            if error.errno in _DISK:
                raise OSError(error.errno, os.strerror(error.errno), os.fspath(given)) from error
            raise
        with _named(given):
            if special:
                with open(new, 'rb') as source, open(given, 'wb') as target:
                    shutil.copyfileobj(source, target)
                return
            if hindrance is None:
                hindrance = _rename(new, path)
            if hindrance is not None:
                warn(
                    f'"{os.fspath(given)}" is written in place, as it cannot be replaced as a whole ({hindrance.strerror}): a program that is killed '
                    'while it writes leaves a damaged file. Have it in a folder that may be written to, or mount its folder.'
                )
                _write_into(new, path, os.path.join(work, 'old'))
                return
    _flush(folder, getattr(os, 'O_DIRECTORY', None))


def _may_write_into(path, error):
    return error.errno in _NO_RENAMING and os.path.isfile(path) and os.access(path, os.W_OK)


def _rename(new, path):
    """Have a file take the place of another one; the error, if there is one that does not stand in the way of writing to it."""
    with contextlib.suppress(OSError):
        os.chmod(new, os.stat(path).st_mode & 0o7777)  # the permissions of the file that it replaces
    _flush(new, os.O_RDWR)
    try:
        os.replace(new, path)
    except OSError as error:
        if _may_write_into(path, error):
            return error
        raise
    return None


def _write_into(new, path, old):
    """Write the bytes of a file into another one, and back what it held if that fails."""
    shutil.copyfile(path, old)
    try:
        _copy_into(new, path)
    except BaseException:
        _copy_into(old, path)
        raise


def _copy_into(source, path):
    # Cut last: as long as it holds more bytes than before, so much of the disk is certain.
    with open(source, 'rb') as new, open(path, 'r+b') as file:
        shutil.copyfileobj(new, file)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


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
    with contextlib.ExitStack() as stack:
        with _named(path):
            work = stack.enter_context(working_folder(parent or os.curdir, name))
        new, old = os.path.join(work, 'new'), os.path.join(work, 'old')
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


# -- folders for what is not yet whole ---------------------------------------------------------------------


@contextlib.contextmanager
def working_folder(folder, name):
    """Context that gives a new folder inside of `folder`, for what is to become `name` there. It is removed at the end.

    Those that killed processes left, of the same name, are removed before.
    """
    start = f'.{os.fsencode(name)[:100].decode("utf-8", "ignore")}.'
    _remove_left(folder, start, name)
    held = False
    while held is False:  # else somebody takes it for a folder that was left
        work = os.path.join(folder, f'{start}{_HOST}.{binascii.hexlify(os.urandom(4)).decode()}.tmp')
        os.mkdir(work, 0o700)
        try:
            lock, held = _locked(work)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        if held and os.fstat(lock).st_mtime == _LEFT:
            held = False
        if held is False:
            os.close(lock)
    try:
        yield work
    finally:
        os.close(lock)
        shutil.rmtree(work, ignore_errors=True)


def _remove_left(folder, start, name):
    """Remove the working folders that nobody holds.

    Locks reach as far as the system: where another computer, or a container with a name of its own, made the folder, it must be an hour old as well.
    """
    pattern = re.compile(re.escape(start) + r'([0-9a-f]{8})\.[0-9a-f]{8}\.tmp')
    with contextlib.suppress(OSError):  # a folder that may be written to, but not listed
        for found in [each for each in os.listdir(folder) if each.startswith(start)]:
            match, work = pattern.fullmatch(found), os.path.join(folder, found)
            if not match or os.path.islink(work) or not os.path.isdir(work):
                continue
            with contextlib.suppress(OSError):
                if match.group(1) != _HOST and time.time() - _last_change(work) < _HOUR:
                    continue
                lock, held = _locked(work)
                try:
                    old, target = os.path.join(work, 'old'), os.path.join(folder, name)
                    if held and os.path.isdir(old) and not os.path.lexists(target):
                        os.rename(old, target)  # a folder that was moved aside, by a process that came no further
                    if held:
                        # For its maker, who may not have come to locking it: Windows removes no file that is open, and a full disk takes no word.
                        os.utime(os.path.join(work, 'lock'), (_LEFT, _LEFT))
                finally:
                    os.close(lock)
                if held:
                    shutil.rmtree(work, ignore_errors=True)


def _last_change(work):
    return max(os.lstat(os.path.join(work, name)).st_mtime for name in ['.'] + os.listdir(work))


def _locked(work):
    """Lock a working folder, until the descriptor is closed or the process ends.

    Returns:
        A descriptor, and whether the lock is ours: False if somebody else has it, or has removed the folder; None where there are no locks.
    """
    path = os.path.join(work, 'lock')
    flags = os.O_CREAT | os.O_RDWR | getattr(os, 'O_NOFOLLOW', 0) | getattr(os, 'O_NONBLOCK', 0)
    try:
        lock = os.open(path, flags, 0o600)
    except FileNotFoundError:
        return os.open(os.devnull, os.O_RDONLY), False
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None:
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            return lock, None
        return lock, os.path.samestat(os.fstat(lock), os.stat(path))
    except FileNotFoundError:
        return lock, False
    except OSError as error:
        return lock, False if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK) else None


@contextlib.contextmanager
def _named(path):
    """Errors of the system name the path that the user gave, not that of the temporary file."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def _flush(path, flags):
    if flags is None:  # a system whose folders cannot be opened
        return
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
