"""Zip and tar archives from outside: read without unpacking more than is announced, unpacked without leaving the folder."""

import os
import posixpath
import shutil
import tarfile
import zipfile
import zlib

from cthulhu.storage import trust
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError

_FREE_BYTES = 2**25
_LARGEST_RATIO = 1100  # deflate reaches 1032
_MOST_MEMBERS = 2**18
_PIECE = 2**20


class Archive:
    """A zip archive whose members are read in memory.

    Arguments:
        source: path or binary stream that can seek.
        where: text for errors.

    Raises:
        DamagedFileError: if it is no zip archive.
        UnsafeFileError: if its members announce more than it can account for.
    """

    def __init__(self, source, where):
        self.where = where
        try:
            self._zip = zipfile.ZipFile(source)
        except (
            zipfile.BadZipFile,
            ValueError,
            NotImplementedError,
            OSError,
            IndexError,
            OverflowError,
            UnicodeDecodeError,
        ) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise DamagedFileError(f'{where} is not a whole zip archive: {error}.') from None
        members = self._zip.infolist()
        stored = sum(member.compress_size for member in members)
        declared = sum(member.file_size for member in members)
        if len(members) > _MOST_MEMBERS or declared > _FREE_BYTES + 64 * stored:
            raise UnsafeFileError(
                f'{where}: its {len(members)} members would become {trust.readable(declared)}, though it has {trust.readable(stored)}. It is not read.'
            )
        self._members = {member.filename: member for member in members}
        if len(self._members) != len(members):
            raise UnsafeFileError(f'{where} holds several members of one name. It is not read.')

    @property
    def names(self):
        """The names of the members."""
        return list(self._members)

    def size(self, name):
        """The number of bytes of a member."""
        return self._members[name].file_size

    def read(self, name):
        """The bytes of a member.

        Raises:
            DamagedFileError: if there is none, or it is not what was announced.
        """
        if name not in self._members:
            raise DamagedFileError(
                '{} has no member {!r}; it has {}.'.format(self.where, name, ', '.join(sorted(self._members)[:20]))
            )
        member = self._members[name]
        pieces, left = [], member.file_size
        try:
            with self._zip.open(member) as stream:
                while True:
                    piece = stream.read(min(_PIECE, left + 1))
                    if not piece:
                        break
                    left -= len(piece)
                    if left < 0:
                        raise UnsafeFileError(f'{self.where}: {name!r} is larger than it says. It is not read.')
                    pieces.append(piece)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
            ValueError,
        ) as error:
            if isinstance(error, UnsafeFileError):
                raise
            raise DamagedFileError(f'{self.where}: {name!r} cannot be read: {error}.') from None
        if left:
            raise DamagedFileError(f'{self.where}: {name!r} is cut short.')
        return b''.join(pieces)

    def close(self):
        self._zip.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def extract(path, folder):
    """Unpack a tar or zip archive into a folder: files and folders only, and none outside of it.

    Arguments:
        path: path of the archive.
        folder: path of an existing folder.

    Returns:
        False if the file is neither (nothing is done), else True.

    Raises:
        UnsafeFileError: for a member that is a link or a device, that would lie outside of the folder or on top of another kind of thing, or for an archive that
            would grow beyond reason. Nothing has been unpacked then.
    """
    if tarfile.is_tarfile(path):
        try:
            with tarfile.open(path) as archive:
                return _unpack(path, folder, _tar_members(archive, path))
        except (tarfile.TarError, zlib.error, EOFError, ValueError) as error:
            if isinstance(error, UnsafeFileError):
                raise
            raise DamagedFileError(f'"{path}" is not a whole tar archive: {error}.') from None
    if zipfile.is_zipfile(path):
        with Archive(path, f'"{path}"') as archive:
            return _unpack(path, folder, _zip_members(archive, path))
    return False


def _tar_members(archive, path):
    members, total, limit = [], 0, _FREE_BYTES + _LARGEST_RATIO * os.path.getsize(path)
    for member in archive:
        if not (member.isfile() or member.isdir()):
            raise UnsafeFileError(f'"{path}": {member.name!r} is a link or a device. The archive is not unpacked.')
        total += member.size
        if total > limit or len(members) > _MOST_MEMBERS:
            raise UnsafeFileError(f'"{path}" would grow beyond {trust.readable(limit)}. It is not unpacked.')
        members.append((member.name, member.isdir(), (lambda m: lambda: archive.extractfile(m))(member)))
    return members


def _zip_members(archive, path):
    members = []
    for name in archive.names:
        member = archive._members[name]
        kind = member.external_attr >> 28  # the file type that Unix keeps there: 0 unknown, 4 folder, 8 file
        if kind not in (0, 4, 8):
            raise UnsafeFileError(f'"{path}": {name!r} is a link or a device. The archive is not unpacked.')
        members.append((name, name.endswith('/'), (lambda m: lambda: archive._zip.open(m))(member)))
    return members


def _unpack(path, folder, members):
    """Check all members, then write them."""
    root = os.path.realpath(folder)
    targets, kinds = [], {}
    for name, is_folder, opened in members:
        inside = posixpath.normpath(name.replace('\\', '/'))
        if name.startswith(('/', '\\')) or inside.split('/')[0] == '..' or ':' in inside.split('/')[0] or '\0' in name:
            raise UnsafeFileError(f'"{path}": {name!r} would lie outside of the folder. The archive is not unpacked.')
        target = os.path.join(root, *inside.split('/'))
        # links that were in the folder before must not lead out of it either
        if os.path.realpath(target) != target or kinds.get(target, is_folder) != is_folder:
            raise UnsafeFileError(
                f'"{path}": {name!r} would be written through a link, or over something else. The archive is not unpacked.'
            )
        kinds[target] = is_folder
        targets.append((target, is_folder, opened))
    for target, is_folder, opened in targets:
        if is_folder:
            os.makedirs(target, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with opened() as source, open(target, 'wb') as file:
            shutil.copyfileobj(source, file, _PIECE)
    return True
