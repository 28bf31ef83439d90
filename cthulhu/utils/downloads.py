"""get_file: files from the network, checked, kept, and unpacked."""

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from cthulhu.backend import config
from cthulhu.callers import warn
from cthulhu.storage import archive, atomic, budget, trust
from cthulhu.storage.errors import ModelFileError, UnsafeFileError
from cthulhu.utils.arguments import checked
from cthulhu.utils.progbar import Progbar

_PIECE = 2**16
_SECONDS = 60  # without a byte, after which a server counts as gone
_MOST_BYTES = 2**32  # of a download whose length the server does not say
_KINDS = {'tar': archive.is_tar, 'zip': zipfile.is_zipfile}


@checked
def get_file(
    fname,
    origin,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir='datasets',
    hash_algorithm='auto',
    extract=False,
    archive_format='auto',
    cache_dir=None,
):
    """Download a file, unless it is in the cache already.

    What was downloaded is checked before it gets its name: a file in the cache is whole, and is the one with the given hash. A file that was in
    the cache with another hash is removed and downloaded anew.

    Arguments:
        fname: name of the file in the cache; with an absolute path the file lies there.
        origin: URL.
        untar: whether the file is a tar archive, to be kept as `fname` + '.tar.gz' and unpacked; the result is then the path that `fname` has
            among what was in it, also where there is no such thing (with a warning). It is not unpacked again while that is there.
        md5_hash: MD5 hash, of older code; `file_hash` with `hash_algorithm='md5'`.
        file_hash: SHA-256 or MD5 hash that the file must have, in hexadecimal digits. Without one, whoever controls the server or the way to it
            chooses what you get.
        cache_subdir: folder in the cache; with an absolute path the folder itself.
        hash_algorithm: 'sha256', 'md5', or 'auto': by the length of the hash.
        extract: whether to unpack the file, each time, beside it. Members that are links, or would lie outside of the folder, are an error.
        archive_format: 'tar', 'zip', a list of them, 'auto' for both, or None for neither.
        cache_dir: the cache; the folder of settings (`~/.cthulhu`, or CTHULHU_HOME) if left out; where that cannot be written to, a folder for
            temporary files.

    Returns:
        Path of the file, or of what was unpacked (`untar`).

    Raises:
        OSError: if the download fails; the message has the URL and the code of the server.
        ValueError: if what was downloaded has not the hash (it is removed), or the archive is not to be trusted.

    Example:
        >>> path = get_file('boston.npz', 'https://example.org/boston.npz', file_hash='f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5')
    """
    folder = os.path.join(_cache(cache_dir), cache_subdir)
    os.makedirs(folder, exist_ok=True)
    unpacked = os.path.join(folder, fname)
    path = unpacked + '.tar.gz' if untar else unpacked
    hashes = [(value, kind) for value, kind in ((file_hash, hash_algorithm), (md5_hash, 'md5')) if value is not None]
    for value, kind in hashes:
        _algorithm(value, kind)  # an unknown one is an error before anything is downloaded
    if os.path.exists(path) and not all(validate_file(path, *pair) for pair in hashes):
        sys.stderr.write(
            '"{}" has another hash than {}: it is incomplete or outdated, and is downloaded anew.\n'.format(
                path, ' and '.join(value for value, _ in hashes)
            )
        )
        os.remove(path)
    if not os.path.exists(path):
        with atomic.replacing(path) as temporary:
            _download(origin, temporary)
            for value, kind in hashes:
                _require_hash(temporary, value, kind, origin)
    if untar:
        if not os.path.exists(unpacked):
            if not _unpack(path, folder, 'tar'):
                raise ValueError(f'untar: "{path}", from {origin}, is not a tar archive.')
            if not os.path.exists(unpacked):
                warn(
                    f'untar: the archive was unpacked into "{folder}", but had no {fname!r} in it, so "{unpacked}" is only where that would be.'
                    ' To have it unpacked once only, give the name of its folder as `fname`.'
                )
        return unpacked
    if extract and archive_format is not None and not _unpack(path, folder, archive_format):
        warn(f'extract: "{path}" was not unpacked, as it is no archive of the format {archive_format!r}.')
    return path


@checked
def validate_file(fpath, file_hash, algorithm='auto', chunk_size=65535):
    """Whether a file has a hash.

    Arguments:
        fpath: path of the file.
        file_hash: the hash, in hexadecimal digits of either case.
        algorithm: 'sha256', 'md5', or 'auto': by the length of the hash.
        chunk_size: int, bytes to read at a time.

    Returns:
        bool.

    Raises:
        ValueError: for another algorithm.
    """
    found = _hash_file(fpath, _algorithm(file_hash, algorithm), chunk_size)
    return found == str(file_hash).strip().lower()


def _hash_file(fpath, algorithm='sha256', chunk_size=65535):
    """The hash of a file by 'sha256' or 'md5' ('auto': the former), in hexadecimal digits."""
    hasher = hashlib.md5() if algorithm == 'md5' else hashlib.sha256()
    with open(fpath, 'rb') as file:
        for piece in iter(lambda: file.read(chunk_size), b''):
            hasher.update(piece)
    return hasher.hexdigest()


def _algorithm(file_hash, algorithm):
    if algorithm not in ('auto', 'sha256', 'md5'):
        raise ValueError(f"hash_algorithm: expected 'sha256', 'md5' or 'auto', got {algorithm!r}.")
    if algorithm == 'auto':
        return 'sha256' if len(str(file_hash).strip()) == 64 else 'md5'
    return algorithm


def _require_hash(path, file_hash, algorithm, origin):
    if not validate_file(path, file_hash, algorithm):
        algorithm = _algorithm(file_hash, algorithm)
        raise ValueError(
            f'What was downloaded from {origin} has the {algorithm} hash {_hash_file(path, algorithm)}, but {file_hash} was expected. It is incomplete, or not the file that you '
            'want, and was removed.'
        )


def _cache(cache_dir):
    if cache_dir is not None:
        return os.path.expanduser(os.fspath(cache_dir))
    folder = os.path.dirname(config.config_path())
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        pass
    if os.access(folder, os.W_OK):
        return folder
    # A name that others know beforehand, in a folder that they can write to: it must be ours.
    user = os.getuid() if hasattr(os, 'getuid') else 'user'
    folder = os.path.join(tempfile.gettempdir(), f'.cthulhu-{user}')
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.path.islink(folder) or hasattr(os, 'getuid') and os.stat(folder).st_uid != user:
        raise OSError(f'"{folder}" belongs to somebody else. Give a `cache_dir` that you can write to.')
    return folder


def _download(origin, path):
    """Write what is at a URL to a file, with a progress bar."""
    sys.stderr.write(f'Downloading data from {origin}\n')
    try:
        with urlopen(origin, timeout=_SECONDS) as response, open(path, 'wb') as file:
            announced = response.headers.get('Content-Length')
            size = int(announced) if announced and announced.strip().isdigit() else None
            most = _room(path, size, origin)
            bar, received = Progbar(size or None, unit_name='byte'), 0
            try:
                for piece in iter(lambda: response.read(_PIECE), b''):
                    received += len(piece)
                    if received > most:
                        raise UnsafeFileError(
                            f'{origin}: the server sends more than {trust.readable(most)}'
                            + (
                                ', which it announced.'
                                if size is not None
                                else f' without saying how much there is. {budget.ADVICE}'
                            )
                        )
                    file.write(piece)
                    bar.update(received)
            finally:
                bar.close()
    except ModelFileError:
        raise
    except HTTPError as error:
        raise OSError(f'URL fetch failure on {origin}: {error.code} -- {error.reason}') from error
    except URLError as error:
        raise OSError(f'URL fetch failure on {origin}: {error.reason}') from error
    except ValueError as error:
        raise ValueError(f'origin: {origin!r} is not a URL: {error}.') from None
    except (OSError, HTTPException) as error:
        raise OSError(f'URL fetch failure on {origin}: {error}') from error
    if size is not None and received != size and not response.headers.get('Content-Encoding'):
        raise OSError(
            f'URL fetch failure on {origin}: the connection ended after {received} of {size} bytes. Try again.'
        )


def _room(path, size, origin):
    """How many bytes a download may have: what the server announces, if the disk has room for it; else a fixed number, and less than the disk has."""
    free = shutil.disk_usage(os.path.dirname(path)).free
    if size is None:
        return min(_MOST_BYTES * budget.times(), free * 0.9)
    if size > free:
        raise OSError(
            errno.ENOSPC,
            f'{origin} announces {trust.readable(size)}, but the disk has room for {trust.readable(free)}',
            path,
        )
    return size


def _unpack(path, folder, archive_format):
    """Unpack an archive into a folder; False if it is none of the formats."""
    formats = ['tar', 'zip'] if archive_format == 'auto' else archive_format
    formats = [formats] if isinstance(formats, str) else list(formats)
    unknown = [name for name in formats if name not in _KINDS]
    if unknown:
        raise ValueError(f"archive_format: expected 'tar', 'zip', 'auto' or None, got {archive_format!r}.")
    if not any(_KINDS[name](path) for name in formats):
        return False
    # First beside its place, so that an archive that is damaged in the middle, or a full disk, leaves nothing half.
    with atomic.working_folder(folder, os.path.basename(path) + '.unpacked') as work:
        content = os.path.join(work, 'new')
        os.mkdir(content)
        archive.extract(path, content)
        _move(content, os.path.realpath(folder))
    return True


def _move(source, target):
    """Move what is in one folder into another: what is new by one renaming, what is there file by file."""
    for name in sorted(os.listdir(source)):
        old, new = os.path.join(source, name), os.path.join(target, name)
        if os.path.isdir(old) and os.path.isdir(new) and not os.path.islink(new):
            _move(old, new)
        elif os.path.isdir(old) != os.path.isdir(new) and os.path.lexists(new) or os.path.islink(new):
            raise ModelFileError(f'"{new}" is in the way of what is to be unpacked there. Move it elsewhere.')
        else:
            os.replace(old, new)
