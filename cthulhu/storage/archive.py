"""Zip and tar archives from outside: read without unpacking more than is announced, unpacked without leaving the folder."""

import os
import posixpath
import shutil
import tarfile
import zipfile
import zlib

from cthulhu.storage import budget, trust
from cthulhu.storage.errors import DamagedFileError, ModelFileError, UnsafeFileError

# What members may become: so many bytes, and so many times what is stored; on the disk more than in memory.
_FREE_BYTES, _LARGEST_RATIO = 2**24, 16
_FREE_ON_DISK, _LARGEST_RATIO_ON_DISK = 2**25, 64
_LONGEST_HEADER = 2**16  # a name, or further headers, of a member of a tar archive
_FREE_HEADERS, _LARGEST_RATIO_OF_HEADERS = 2**20, 4  # all of them together
_LONGEST_COMMON_HEADER = 2**12  # those for all members, with each of which they are gone through again
_DEEP = 8  # folders in a path, to each of which belong questions to the disk
_PACKED_TEXT = 2  # how many times longer than it is packed a text is, at least
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

    def __init__(self, source, where, on_disk=False):
        self.where = where
        self._free, self._ratio = (_FREE_ON_DISK, _LARGEST_RATIO_ON_DISK) if on_disk else (_FREE_BYTES, _LARGEST_RATIO)
        size = _size(source)
        self._times = budget.times()
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
        if stored > size:  # more than one in the same bytes, or a lie
            raise UnsafeFileError(
                f'{where}: its members claim {trust.readable(stored)}, though it has {trust.readable(size)}. It is not read.'
            )
        if declared > self._times * (self._free + self._ratio * stored):
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

    def explains(self, name):
        """The number of characters of a text that is a member by which its values, and what they ask for, are explained: packed ones are soon many."""
        member = self._members.get(name)
        return 0 if member is None else min(member.file_size, _PACKED_TEXT * member.compress_size)

    def room(self, name):
        """The number of bytes that a model may take whose weights are in this member."""
        member = self._members.get(name)
        return 2**24 + (0 if member is None else member.file_size + 3 * min(member.compress_size, member.file_size))

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


def _size(source):
    """The number of bytes of a path, or of a stream that can seek."""
    if isinstance(source, (str, os.PathLike)):
        return os.stat(source).st_size
    place = source.tell()
    size = source.seek(0, 2)
    source.seek(place)
    return size


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
    try:
        if is_tar(path):
            with tarfile.open(path, tarinfo=_Member) as archive:
                return _unpack(path, folder, _tar_members(archive, path))
        if zipfile.is_zipfile(path):
            with Archive(path, f'"{path}"', on_disk=True) as archive:
                return _unpack(path, folder, _zip_members(archive, path))
    except (OSError, ModelFileError):
        raise
    except (
        Exception
    ) as error:  # of tarfile and zipfile, which raise many on what is odd, RecursionError and MemoryError among them
        raise DamagedFileError(f'"{path}" cannot be unpacked: {str(error) or type(error).__name__}.') from None
    return False


def is_tar(path):
    """Whether a file is a tar archive, which may be compressed; one with headers that are not read is."""
    try:
        with tarfile.open(path, tarinfo=_Member):
            return True
    except UnsafeFileError:
        return True
    except OSError:
        raise
    except (tarfile.TarError, zlib.error, EOFError):
        return False
    except Exception:  # numbers and headers that are none: of the error speaks whoever unpacks it
        return True


class _Member(tarfile.TarInfo):
    """A member of a tar archive, whose headers are refused where Python would read them whole into memory, however long they say that they are."""

    _HEADERS = (
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    )

    def _proc_member(self, archive):
        if self.type in self._HEADERS:
            if not 0 <= self.size <= _LONGEST_HEADER:
                raise UnsafeFileError(
                    f'"{archive.name}" has a header of {trust.readable(self.size)} for one member. It is not unpacked.'
                )
            # each is read by a call inside that of the one before it
            archive.headers_in_a_row = getattr(archive, 'headers_in_a_row', 0) + 1
            if archive.headers_in_a_row > 64:
                raise UnsafeFileError(f'"{archive.name}" has headers of headers. It is not unpacked.')
            is_common = self.type == tarfile.XGLTYPE
            archive.headers = getattr(archive, 'headers', 0) + self.size
            archive.common_headers = getattr(archive, 'common_headers', 0) + self.size * is_common
            most = budget.times() * (_FREE_HEADERS + _LARGEST_RATIO_OF_HEADERS * os.stat(archive.name).st_size)
            if archive.headers > most or archive.common_headers > budget.times() * _LONGEST_COMMON_HEADER:
                raise UnsafeFileError(
                    f'"{archive.name}" has longer headers than its size explains. It is not unpacked. {budget.ADVICE}'
                )
        else:
            archive.headers_in_a_row = 0
            if self.type == tarfile.GNUTYPE_SPARSE:
                self._refused()
        return super()._proc_member(archive)

    def _refused(self, *arguments):
        raise UnsafeFileError('The archive has files with holes, which are not read. It is not unpacked.')

    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refused


def _tar_members(archive, path):
    members, total, count, size, times = [], 0, 0, os.stat(path).st_size, budget.times()
    limit, most = times * (_FREE_ON_DISK + _LARGEST_RATIO_ON_DISK * size), times * (2**14 + size / 32.0)
    for member in archive:
        if not (member.isfile() or member.isdir()):
            raise UnsafeFileError(f'"{path}": {member.name!r} is a link or a device. The archive is not unpacked.')
        total += member.size
        count += 1 + member.name.count('/') // _DEEP
        member.pax_headers = {}  # have done what they are for, and may be long
        if total > limit or count > most:
            raise UnsafeFileError(
                f'"{path}" would grow beyond {trust.readable(limit)}, or has more than {int(most)} members, which its size does not explain. It is not unpacked. '
                f'{budget.ADVICE}'
            )
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
