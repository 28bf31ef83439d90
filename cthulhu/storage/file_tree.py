"""Groups of arrays and texts in HDF5 files from outside, read without the HDF5 library; and what any HDF5 file may claim.

See `hdf5_format` for the structures, `tree` for groups in files that the caller opened, and in dicts.
"""

import numpy as np

from cthulhu.storage import arrays, budget, hdf5_format, trust
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError
from cthulhu.storage.hdf5_source import Source, root_address

# What compressed or unwritten data may take more than their share of the file: so many bytes, and so many times.
FREE_BYTES = 2**25
LARGEST_RATIO = 16

_DEFLATE, _SHUFFLE, _CHECKSUM = 1, 2, 3  # HDF5's numbers of its filters


class FileTree:
    """A group of an HDF5 file that is read from its bytes: for files from outside. See `hdf5_format`."""

    def __init__(self, source, item, where, totals):
        self.source = source
        self.item = item
        self.where = where
        self.totals = totals

    def attribute(self, name):
        """The text of the attribute of that name, or None."""
        found = self._texts(name)
        if found is None:
            return None
        if len(found) != 1:
            raise DamagedFileError(f'{self.where}: the attribute {name!r} should be one text.')
        return self._decoded(found[0], name)

    def strings(self, name):
        """The list of texts of the attribute, which may be in pieces (name0, name1, ...); None if there is none."""
        found = self._texts(name)
        piece = 0
        while found is None or piece:
            more = self._texts(f'{name}{piece}')
            if more is None:
                break
            found, piece = (found or []) + more, piece + 1
        return None if found is None else [self._decoded(item, name) for item in found]

    def _texts(self, name):
        attributes, decoded = self.item.attributes(), self.item.decoded
        if name.encode('utf-8') not in attributes:
            return None
        if name not in decoded:
            kind, shape, data = attributes[name.encode('utf-8')]
            decoded[name] = [] if 0 in shape else hdf5_format.texts(self.source, kind, shape, data)
        if decoded[name] is None:
            raise DamagedFileError(f'{self.where}: the attribute {name!r} should be text.')
        return decoded[name]

    def _decoded(self, data, name):
        try:
            return data.decode('utf-8')
        except UnicodeDecodeError:
            raise DamagedFileError(f'{self.where}: the attribute {name!r} is not text.') from None

    def _find(self, name):
        """The object of that name, or None; only through plain links."""
        item = self.item
        if name.startswith('/'):
            item = self.source.once(hdf5_format.Object, root_address(self.source))
        for part in name.split('/'):
            if part in ('', '.'):
                continue
            links = item.links() if item is self.item or item.is_group else {}
            address = links.get(part.encode('utf-8'))
            if address is None:
                return None
            if isinstance(address, str):
                raise UnsafeFileError(f'{self.where}: {name!r} is {address}. Files with links are not read.')
            item = self.source.once(hdf5_format.Object, address)
        return item

    def group(self, name):
        """The group of that name, or None."""
        item = self._find(name)
        if item is None:
            return None
        if not item.is_group:
            raise DamagedFileError(f'{self.where}: {name!r} should be a group.')
        return FileTree(self.source, item, f'{self.where}/{name}', self.totals)

    def groups(self):
        """The names of everything in this group."""
        return [name.decode('utf-8', 'replace') for name in self.item.links()]

    def entry(self, name):
        """The `arrays.Entry` of the dataset of that name: its shape and type, checked, and its values when asked for.

        Raises:
            DamagedFileError: if there is none.
            UnsafeFileError: if its values are not in this file, or are more than the file accounts for.
        """
        item = self._find(name)
        where = f'{self.where}/{name}'
        if item is None or not item.is_dataset:
            raise DamagedFileError(f'{self.where}: there is no dataset {name!r}.')
        kind, shape, layout, filters = item.dataset()
        if kind.dtype is None or kind.dtype.kind == 'S':
            raise UnsafeFileError(f'{where} does not hold plain numbers. It is not read.')
        size = kind.dtype.itemsize
        for length in shape:
            size *= length
        pieces_ = self._pieces(layout, shape, kind.dtype, size, filters, where)
        unpacked = size
        if layout.kind == 'chunked':  # whole chunks, which may be far larger than the array, are unpacked
            unpacked = len(pieces_) * kind.dtype.itemsize
            for length in layout.extent[:-1]:
                unpacked *= length
        self.totals.add(sum(piece[1] for piece in pieces_), max(size, unpacked), shape, where)
        return arrays.Entry(
            name, shape, kind.dtype, lambda: self._values(layout, pieces_, shape, kind.dtype, filters, where)
        )

    def _pieces(self, layout, shape, dtype, size, filters, where):
        """(place in the array, size in the file, mask, address or data) of the parts of a dataset; what they say of themselves is checked."""
        if layout.kind == 'chunked':
            rank = len(shape)
            if layout.extent[-1] != dtype.itemsize:
                raise DamagedFileError(f'{where}: the chunks have elements of {layout.extent[-1]} bytes.')
            if layout.place is None and size:
                raise DamagedFileError(f'{where} has no values.')
            found = list(hdf5_format.chunks(self.source, layout.place, rank)) if layout.place is not None else []
            needed, taken = 1, set()
            for length, chunk in zip(shape, layout.extent):
                needed *= -(-length // chunk)
            for offset, _, _, _ in found:
                if offset in taken or any(o % c or o >= n for o, c, n in zip(offset, layout.extent, shape)):
                    raise DamagedFileError(f'{where}: a chunk is not where it should be.')
                taken.add(offset)
            if len(found) != needed:
                raise UnsafeFileError(
                    f'{where} announces {needed} chunks of values, but has {len(found)}. It is not read.'
                )
            return found
        if layout.kind == 'compact':
            data = layout.extent
            stored = len(data)
        else:
            data, stored = layout.place, layout.extent
            if data is None and size:
                raise UnsafeFileError(f'{where} announces the shape {shape}, but has no values. It is not read.')
        if filters or stored != size:
            raise DamagedFileError(f'{where} should take {trust.readable(size)} but takes {trust.readable(stored)}.')
        return [((0,) * len(shape), stored, 0, data)] if size else []

    def _values(self, layout, found, shape, dtype, filters, where):
        if not found:
            return np.zeros(shape, dtype)
        if layout.kind != 'chunked':
            _, size, _, data = found[0]
            data = data if layout.kind == 'compact' else self.source.values(data, size)
            return np.frombuffer(data, dtype).reshape(shape)
        chunk = tuple(layout.extent[:-1])
        parts = [(offset, mask, self.source.values(address, size)) for offset, size, mask, address in found]
        return from_chunks(parts, shape, chunk, dtype, filters, where)


class Totals:
    """What has been announced of a file so far, against what it has."""

    def __init__(self, file_size):
        self.file_size = file_size
        self.stored = 0
        self.declared = 0
        self.times = budget.times()

    def add(self, stored, declared, shape, where):
        """Note a dataset of `declared` bytes that takes `stored` bytes of the file; two names for one count twice, as each becomes an array of its own.

        Raises:
            UnsafeFileError: if the file cannot account for it.
        """
        self.stored += stored
        self.declared += declared
        if self.stored > self.file_size:
            raise UnsafeFileError(
                f'{where}: the datasets claim more bytes than the file has ({trust.readable(self.file_size)}).'
            )
        if self.declared > self.times * (FREE_BYTES + LARGEST_RATIO * self.stored):
            raise UnsafeFileError(
                f'{where} has the shape {shape}; up to here the file would become {trust.readable(self.declared)} of numbers, though it holds {trust.readable(self.stored)} of them. It is not read.'
            )


def open_stream(stream, where):
    """The FileTree of an HDF5 file, from a binary stream that can seek."""
    source = Source(stream, where)
    root = source.once(hdf5_format.Object, root_address(source))
    if not root.is_group:
        raise DamagedFileError(f'{where} is damaged: it has no groups.')
    return FileTree(source, root, where, Totals(source.size))


def from_chunks(parts, shape, chunk, dtype, filters, where):
    """The array of the chunks of a dataset, unpacked so that none can grow beyond its size.

    Arguments:
        parts: list of (offset, mask of the filters that were left out, bytes).
        shape, chunk: shapes of the array and of a chunk.
        dtype: NumPy dtype.
        filters: numbers of HDF5 filters.
        where: text for errors.
    """
    if not set(filters) <= {_DEFLATE, _SHUFFLE, _CHECKSUM} or len(set(filters)) != len(filters):
        raise UnsafeFileError(
            f'{where} is compressed in a way that is not read (filters {filters[:8]}); rewrite the file with gzip or without compression.'
        )
    size = dtype.itemsize
    for length in chunk:
        size *= length
    if size > FREE_BYTES and size > LARGEST_RATIO * sum(len(data) for _, _, data in parts):
        raise UnsafeFileError(f'{where} has chunks of {trust.readable(size)}. It is not read.')
    result = np.zeros(shape, dtype)
    for offset, mask, data in parts:
        used = [number for i, number in enumerate(filters) if not mask >> i & 1]
        values = arrays.unfiltered(data, used, chunk, dtype, where)
        target = tuple(slice(start, min(start + length, end)) for start, length, end in zip(offset, chunk, shape))
        result[target] = values[tuple(slice(0, place.stop - place.start) for place in target)]
    return result
