"""The structures of an HDF5 file that models are kept in, read from their bytes.

The HDF5 library trusts what a file says of itself, and can crash, or loop for ever, on one that lies. So files of strangers are read here: every address and length is
checked against the file, every structure is read once, and what names of it, or of parts of it, would multiply is drawn from the budget of the reading. Read are files as h5py writes them by default (superblocks 0 to 3, groups as symbol tables or compact links,
attributes in object headers, data contiguous, compact, or in chunks under a B-tree); everything else is an error that says so.

Source: HDF5 File Format Specification, version 3.0, The HDF Group.
"""

import collections
import struct

import numpy as np

from cthulhu.storage.errors import UnsafeFileError
from cthulhu.storage.hdf5_source import Fields

_MOST_MESSAGES = 2**16
_MOST_NODES = 2**16
_LONGEST_LIST = 2**24
_OF_A_PART = 128  # bytes that Python takes for a small part of a structure: a message, a link, a place of a chunk

#: Where values lie: `kind` 'contiguous' (address, size), 'compact' (data) or 'chunked' (address of the B-tree, shape of a chunk).
Layout = collections.namedtuple('Layout', 'kind place extent')


# -- objects -----------------------------------------------------------------------------------------------


class Object:
    """An object of the file: its messages, by type, as lists of bytes."""

    def __init__(self, source, address):
        self.source = source
        self.address = address
        self.messages = collections.defaultdict(list)
        self.decoded = {}  # texts of attributes that were asked for
        self._links = self._attributes = None
        start = source.read(address, 16) if source.base + address + 16 <= source.size else source.read(address, 6)
        if start[:4] == b'OHDR':
            self._read_second_version(address)
        elif start[0] == 1:
            self._read_first_version(start)
        else:
            raise source.damaged(f'there is no object at {address}')

    def _read_first_version(self, start):
        blocks, seen, count = [(self.address + 16, struct.unpack('<I', start[8:12])[0])], set(), 0
        while blocks:
            address, size = blocks.pop(0)
            if address in seen:
                raise self.source.damaged('an object header leads back to itself')
            seen.add(address)
            fields = Fields(self.source, self.source.read(address, size))
            while fields.left >= 8:
                kind, length, flags = fields.number(2), fields.number(2), fields.number(1)
                fields.take(3)
                count += 1
                self._keep(kind, flags, fields.take(length), blocks, count)

    def _read_second_version(self, address):
        source = self.source
        flags = source.read(address, 6)[5]
        before = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(source.read(address + before, width), 'little')
        blocks, seen, count = [(address + before + width, size)], set(), 0
        first = True
        while blocks:
            place, length = blocks.pop(0)
            if place in seen:
                raise source.damaged('an object header leads back to itself')
            seen.add(place)
            data = source.read(place, length)
            if not first:
                if data[:4] != b'OCHK' or len(data) < 8:
                    raise source.damaged('an object header does not go on where it should')
                data = data[4:-4]
            first = False
            fields = Fields(source, data)
            head = 6 if flags & 4 else 4
            while fields.left >= head:
                kind, length, marks = fields.number(1), fields.number(2), fields.number(1)
                fields.take(head - 4)
                count += 1
                self._keep(kind, marks, fields.take(length), blocks, count)

    def _keep(self, kind, flags, data, blocks, count):
        self.source.draw(_OF_A_PART + len(data))
        if count > _MOST_MESSAGES:
            raise UnsafeFileError(
                f'{self.source.where} has an object with more than {_MOST_MESSAGES} messages. It is not read.'
            )
        if kind == 0x10:
            fields = Fields(self.source, data)
            blocks.append((fields.address() or 0, fields.number(8)))
        elif kind and flags & 2 and kind in (1, 3, 8, 0x0B, 0x0C, 6):
            raise self.source.newer('messages that objects share')
        elif kind:
            self.messages[kind].append(data)

    # -- groups --------------------------------------------------------------------------------------------

    @property
    def is_group(self):
        return bool(self.messages[0x11] or self.messages[2] or self.messages[6])

    @property
    def is_dataset(self):
        return bool(self.messages[8])

    def links(self):
        """Name -> address, of what the group holds; the address is a text where it is no plain link: what it is instead."""
        if self._links is None:
            self._links = self._read_links()
        return self._links

    def _read_links(self):
        found = {}
        for data in self.messages[0x11]:
            fields = Fields(self.source, data)
            tree, heap = fields.address(), fields.address()
            if tree is not None and heap is not None:
                names, seen = _local_heap(self.source, heap), set()
                for node in _tree_leaves(self.source, tree, 0):
                    if node in seen:
                        raise self.source.damaged('a group lists members twice')
                    seen.add(node)
                    self._symbols(node, names, found)
        for data in self.messages[6]:
            self._link(data, found)
        for data in self.messages[2]:
            fields = Fields(self.source, data)
            fields.take(1)
            if fields.number(1) & 1:
                fields.take(8)
            if fields.address() is not None:
                raise self.source.newer('a group in the newer dense form')
        return found

    def _symbols(self, address, names, found):
        source = self.source
        source.draw(0, visits=1)
        head = source.read(address, 8)
        if head[:4] != b'SNOD':
            raise source.damaged('a group does not list its members')
        count = struct.unpack('<H', head[6:8])[0]
        fields = Fields(source, source.read(address + 8, count * 40))
        for _ in range(count):
            name, target, kind = fields.number(8), fields.address(), fields.number(4)
            fields.take(20)
            end = names.find(b'\0', name)
            if end < 0:
                raise source.damaged('a name in a group has no end')
            source.draw(_OF_A_PART + end - name)
            found[names[name:end]] = 'a soft link' if kind == 2 or target is None else target

    def _link(self, data, found):
        fields = Fields(self.source, data)
        fields.take(1)
        flags = fields.number(1)
        kind = fields.number(1) if flags & 8 else 0
        fields.take(8 if flags & 4 else 0)
        fields.take(1 if flags & 0x10 else 0)
        name = fields.take(fields.number(1 << (flags & 3)))
        kinds = {1: 'a soft link', 64: 'a link to another file'}
        found[name] = fields.address() if kind == 0 else kinds.get(kind, 'a link of an unknown kind')
        if found[name] is None:
            raise self.source.damaged('a link leads nowhere')

    # -- attributes ----------------------------------------------------------------------------------------

    def attributes(self):
        """Name -> (Datatype, shape, data)."""
        if self._attributes is None:
            self._attributes = self._read_attributes()
        return self._attributes

    def _read_attributes(self):
        found = {}
        for data in self.messages[0x15]:
            fields = Fields(self.source, data)
            fields.take(1)
            fields.take(2 if fields.number(1) & 1 else 0)
            if fields.address() is not None:
                raise self.source.newer('attributes in the newer dense form')
        for data in self.messages[0x0C]:
            fields = Fields(self.source, data)
            version, flags = fields.number(1), fields.number(1)
            sizes = [fields.number(2) for _ in range(3)]
            if version not in (1, 2, 3) or (version > 1 and flags & 3):
                raise self.source.newer(f'attributes of version {version}, or with a shared type')
            fields.take(1 if version == 3 else 0)
            parts = []
            for size in sizes:
                parts.append(fields.take(size))
                if version == 1:
                    fields.pad(8)
            kind, shape = Datatype(self.source, parts[1]), dataspace(self.source, parts[2])
            length = kind.size
            for size in shape:
                length *= size
            found[parts[0].split(b'\0')[0]] = kind, shape, fields.take(length)
        return found

    # -- datasets ------------------------------------------------------------------------------------------

    def dataset(self):
        """(Datatype, shape, Layout, list of the numbers of filters).

        Raises:
            UnsafeFileError: if its values are not in this file, or in a form that is not read.
        """
        if not (self.messages[1] and self.messages[3]):
            raise self.source.damaged('a dataset has no type or no shape')
        if self.messages[7]:
            raise UnsafeFileError(
                f'{self.source.where} has a dataset that keeps its values in another file. It is not read.'
            )
        shape = dataspace(self.source, self.messages[1][0])
        kind = Datatype(self.source, self.messages[3][0])
        return kind, shape, self._layout(len(shape)), self._filters()

    def _layout(self, rank):
        fields = Fields(self.source, self.messages[8][0])
        version, kind = fields.number(1), fields.number(1)
        if kind == 3 and version == 4:
            raise UnsafeFileError(
                f'{self.source.where} has a virtual dataset: its values are in other files. It is not read.'
            )
        if version == 3 and kind == 2:
            dimensions = fields.number(1)
            address = fields.address()
            sizes = [fields.number(4) for _ in range(dimensions)]
            if dimensions != rank + 1 or 0 in sizes:
                raise self.source.damaged('the chunks of a dataset do not fit its shape')
            return Layout('chunked', address, sizes)
        if version not in (3, 4) or kind not in (0, 1):
            raise self.source.newer(f'a dataset in a layout (version {version}, class {kind})')
        if kind == 0:
            return Layout('compact', None, fields.take(fields.number(2)))
        return Layout('contiguous', fields.address(), fields.number(8))

    def _filters(self):
        found = []
        for data in self.messages[0x0B]:
            fields = Fields(self.source, data)
            version, count = fields.number(1), fields.number(1)
            fields.take(6 if version == 1 else 0)
            for _ in range(count):
                number = fields.number(2)
                length = fields.number(2) if version == 1 or number >= 256 else 0
                fields.take(2)
                values = fields.number(2)
                fields.take(length + -length % 8 if version == 1 else length)
                fields.take(4 * (values + (values & 1 if version == 1 else 0)))
                found.append(number)
        return found


def dataspace(source, data):
    """The shape in a dataspace message."""
    fields = Fields(source, data)
    version, rank, _ = fields.number(1), fields.number(1), fields.number(1)
    if version not in (1, 2) or rank > 32:
        raise source.damaged(f'a shape of version {version} with {rank} axes')
    kind = fields.number(1)
    if version == 1:
        fields.take(4)
    elif kind == 2:
        return (0,)
    return tuple(fields.number(8) for _ in range(rank))


class Datatype:
    """The type of values: `dtype` for plain numbers and texts of fixed length, else None; `text` for texts of any length.

    Attributes:
        size: bytes of a value, as it is stored.
    """

    def __init__(self, source, data, depth=0):
        fields = Fields(source, data)
        start = fields.number(1)
        kind, self.version = start & 15, start >> 4
        bits = fields.take(3)
        self.size = fields.number(4)
        self.dtype, self.text = None, False
        order = '>' if bits[0] & 1 else '<'
        if kind == 0 and self.size in (1, 2, 4, 8):
            offset, precision = fields.number(2), fields.number(2)
            if (offset, precision) == (0, 8 * self.size):
                self.dtype = np.dtype('{}{}{}'.format(order, 'i' if bits[0] & 8 else 'u', self.size))
        elif kind == 1 and self.size in (2, 4, 8):
            layout = struct.unpack('<HHBBBBI', fields.take(12))
            if (
                layout
                == {2: (0, 16, 10, 5, 0, 10, 15), 4: (0, 32, 23, 8, 0, 23, 127), 8: (0, 64, 52, 11, 0, 52, 1023)}[
                    self.size
                ]
            ):
                self.dtype = np.dtype(f'{order}f{self.size}')
        elif kind == 3:
            self.dtype = np.dtype(f'S{self.size}') if self.size else None
        elif kind == 8 and depth == 0:
            base = Datatype(source, fields.take(fields.left), 1)
            if base.dtype is not None and base.dtype.kind in 'iu' and base.size == self.size:
                self.dtype = np.dtype(bool) if self.size == 1 else base.dtype
        elif kind == 9 and bits[0] & 15 == 1 and self.size == 16:
            self.text = True


def texts(source, kind, shape, data):
    """The list of texts (bytes) in the data of an attribute; None if it holds none.

    Raises:
        UnsafeFileError: if they are longer than names can be.
    """
    count = 1
    for size in shape:
        count *= size
    if kind.dtype is not None and kind.dtype.kind == 'S':
        source.draw(_OF_A_PART * count + len(data))
        return [data[i * kind.size : (i + 1) * kind.size].rstrip(b'\0') for i in range(count)]
    if not kind.text:
        return None
    found, total = [], 0
    for i in range(count):
        length, address, index = struct.unpack('<IQI', data[16 * i : 16 * i + 16])
        total += length
        source.draw(_OF_A_PART + length)
        if total > _LONGEST_LIST and count > 1:
            raise UnsafeFileError(
                f'{source.where} has a list of names that are longer than {_LONGEST_LIST} bytes. It is not read.'
            )
        found.append(_from_global_heap(source, address, index, length) if length else b'')
    return found


# -- heaps and trees ---------------------------------------------------------------------------------------


def _local_heap(source, address):
    fields = Fields(source, source.read(address, 32))
    if fields.take(4) != b'HEAP':
        raise source.damaged('the names of a group are missing')
    fields.take(4)
    size = fields.number(8)
    fields.take(8)
    place = fields.address()
    return source.read(place if place is not None else -1, size)


def _from_global_heap(source, address, index, length):
    if address not in source.collections:
        head = Fields(source, source.read(address, 16))
        if head.take(4) != b'GCOL':
            raise source.damaged('a text is not where it should be')
        head.take(4)
        size = head.number(8)
        fields, found = Fields(source, source.read(address + 16, size - 16)), {}
        while fields.left >= 16:
            number, _, _, extent = fields.number(2), fields.number(2), fields.number(4), fields.number(8)
            if number == 0:
                break
            found[number] = fields.take(extent)
            fields.pad(8)
        source.collections[address] = found
    data = source.collections[address].get(index)
    if data is None or len(data) < length:
        raise source.damaged('a text is missing, or shorter than it says')
    return data[:length]


def _tree_nodes(source, address, kind, key_size):
    """(key, child address) pairs of all leaves of a B-tree of version 1."""
    stack, seen = [(address, None)], set()
    while stack:
        place, above = stack.pop()
        if place in seen or len(seen) > _MOST_NODES:
            raise source.damaged('a tree leads back to itself, or is too large')
        seen.add(place)
        source.draw(0, visits=1)
        fields = Fields(source, source.read(place, 24))
        if fields.take(4) != b'TREE' or fields.number(1) != kind:
            raise source.damaged('a tree is not what it should be')
        level, count = fields.number(1), fields.number(2)
        if above is not None and level != above - 1:
            raise source.damaged('the levels of a tree do not follow each other')
        fields = Fields(source, source.read(place + 24, count * (key_size + 8) + key_size))
        inner = []
        for _ in range(count):
            key, child = fields.take(key_size), fields.address()
            if child is None:
                raise source.damaged('a tree leads nowhere')
            if level == 0:
                yield key, child
            else:
                inner.append((child, level))
        stack.extend(reversed(inner))


def _tree_leaves(source, address, kind):
    return [child for _, child in _tree_nodes(source, address, kind, 8)]


def chunks(source, address, rank):
    """(offset, size in the file, mask of filters left out, address) of each chunk of a dataset."""
    for key, child in _tree_nodes(source, address, 1, 8 + 8 * (rank + 1)):
        source.draw(2 * _OF_A_PART)
        size, mask = struct.unpack('<II', key[:8])
        yield struct.unpack(f'<{rank}Q', key[8 : 8 + 8 * rank]), size, mask, child
