"""Groups of named arrays and texts, as saved models have them: in HDF5 files, and in dicts (for pickles). Reading is guarded.

A `Tree` is one group. What a file from outside may not do is refused here: links of every kind, data that lie in other files, filters that are loaded as
plug-ins, types that are no numbers or texts, and sizes that the file does not account for.
"""

import os

import numpy as np

from cthulhu.storage import arrays, budget, trust
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError
from cthulhu.storage.file_tree import FREE_BYTES, LARGEST_RATIO, Totals, from_chunks

try:
    import h5py
except ImportError:
    h5py = None

#: HDF5 keeps attributes of up to 64 KB in the header of an object; longer lists of names are cut in pieces.
LONGEST_ATTRIBUTE = 64512

_LONGEST_TEXT = 2**26
_MOST_NAMES = 2**20


def require_h5py(what):
    """Raise an ImportError that says what needs h5py, unless it is there."""
    if h5py is None:
        raise ImportError(f'{what} needs the package h5py, which is not installed: pip install h5py.')


def as_text(value):
    """Text from what h5py gives for one: str, bytes, or a NumPy scalar of them."""
    if isinstance(value, np.ndarray) and value.shape in ((), (1,)):
        value = value.reshape(())[()]
    if isinstance(value, bytes):
        return value.decode('utf-8')
    if isinstance(value, str):
        return str(value)
    raise DamagedFileError(f'A text was expected where the file has {type(value).__name__!r}.')


class DictTree:
    """A group in a dict: attributes and arrays by name, groups as dicts that are marked with '_is_group'."""

    def __init__(self, data, where='the dict'):
        self.data = data
        self.where = where

    def attribute(self, name):
        """The text of that name, or None."""
        value = self.data.get(name)
        return None if value is None else as_text(value)

    def strings(self, name):
        """The list of texts of that name; None if there is none."""
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, (list, tuple, np.ndarray)):
            raise DamagedFileError(f'{self.where}: {name!r} should be a list of names; got {type(value).__name__}.')
        budget.draw('visits', len(value) / 16.0, self.where)
        return [as_text(item) for item in value]

    def group(self, name):
        """The group of that name, or None."""
        value = self.data.get(name)
        budget.draw('visits', 1, self.where)
        if value is None or not isinstance(value, dict):
            return None
        return DictTree(value, f'{self.where}/{name}')

    def groups(self):
        """The names of all groups in this one."""
        return [name for name, value in self.data.items() if isinstance(value, dict)]

    def entry(self, name):
        """The `arrays.Entry` of the array of that name.

        Raises:
            DamagedFileError: if there is none.
        """
        value = self.data.get(name)
        budget.draw('visits', 1, self.where)
        if isinstance(value, bytes) and self.data.get(f'_{name}_pickled'):
            value = self.data[name] = arrays.unpickle(value)  # as Keras 2.3 keeps arrays in such dicts
        if isinstance(value, (list, int, float)) and not isinstance(value, bool):
            value = arrays.of_lists(value, f'{self.where}/{name}')
            budget.draw('bytes', value.nbytes, self.where)
        if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind not in 'fiub':
            raise DamagedFileError(f'{self.where}: there is no array {name!r}.')
        value = np.asarray(value)
        return arrays.Entry(name, value.shape, value.dtype, lambda: value)

    # -- writing -------------------------------------------------------------------------------------------

    def set_attribute(self, name, value):
        self.data[name] = value

    def set_strings(self, name, values):
        self.data[name] = list(values)

    def create_group(self, name):
        return DictTree(self.data.setdefault(name, {'_is_group': True}), f'{self.where}/{name}')

    def set_array(self, name, value):
        self.data[name] = np.array(value)


def size_of(data):
    """About how many bytes are in a dict of a `DictTree`: each object in it once."""
    total, seen, stack = 0, set(), [data]
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        total += getattr(item, 'nbytes', None) or (len(item) if isinstance(item, (str, bytes)) else 8)
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
    return total


class HDF5Tree:
    """A group of an HDF5 file that is open: to write, or to read what the caller opened.

    Arguments:
        group: h5py.Group or h5py.File.
        where: text for errors.
    """

    def __init__(self, group, where=None, guard=None):
        self.handle = group
        self.where = where or 'the HDF5 file'
        self.guard = guard or Guard(group)

    def attribute(self, name):
        """The text of the attribute of that name, or None."""
        value = self._attribute(name)
        return None if value is None else as_text(value)

    def strings(self, name):
        """The list of texts of the attribute, which may be in pieces (name0, name1, ...); None if there is none."""
        value = self._attribute(name)
        if value is not None:
            return [as_text(item) for item in np.ravel(value)]
        found, piece = None, 0
        while True:
            value = self._attribute(f'{name}{piece}')
            if value is None:
                return found
            found = (found or []) + [as_text(item) for item in np.ravel(value)]
            piece += 1

    def _attribute(self, name):
        encoded = name.encode('utf-8')
        budget.draw('visits', 0.25, self.where)
        if not h5py.h5a.exists(self.handle.id, encoded):
            return None
        attribute = h5py.h5a.open(self.handle.id, encoded)
        kind = attribute.get_type()
        count = int(np.prod(attribute.shape, dtype='float64'))
        text = isinstance(kind, h5py.h5t.TypeStringID)
        numbers = isinstance(kind, (h5py.h5t.TypeFloatID, h5py.h5t.TypeIntegerID))
        size = kind.get_size() * count
        if not (text or numbers) or size > _LONGEST_TEXT or count > _MOST_NAMES:
            raise UnsafeFileError(
                f'{self.where}: the attribute {name!r} is neither text nor numbers, or takes {trust.readable(size)}.'
            )
        if numbers and count:
            raise DamagedFileError(f'{self.where}: the attribute {name!r} should be text.')
        budget.draw('bytes', size + 64 * count, self.where)
        return self.handle.attrs[name] if count else np.zeros((0,))

    def group(self, name):
        """The group of that name, or None."""
        found = self.guard.open(self.handle, name, self.where)
        if found is None:
            return None
        if not isinstance(found, h5py.h5g.GroupID):
            raise DamagedFileError(f'{self.where}: {name!r} should be a group.')
        return HDF5Tree(h5py.Group(found), f'{self.where}/{name}', self.guard)

    def groups(self):
        """The names of everything in this group."""
        if self.handle.id.get_num_objs() > _MOST_NAMES:
            raise UnsafeFileError(f'{self.where} has more entries than a model can have.')
        return list(self.handle)

    def is_group(self, name):
        """Whether there is a group of that name."""
        return isinstance(self.guard.open(self.handle, name, self.where), h5py.h5g.GroupID)

    def entry(self, name):
        """The `arrays.Entry` of the dataset of that name: its shape and type, checked, and its values when asked for.

        Raises:
            DamagedFileError: if there is none.
            UnsafeFileError: if its values are not in this file, or are more than the file accounts for.
        """
        found = self.guard.open(self.handle, name, self.where)
        if not isinstance(found, h5py.h5d.DatasetID):
            raise DamagedFileError(f'{self.where}: there is no dataset {name!r}.')
        return self.guard.dataset(found, name, self.where)

    # -- writing -------------------------------------------------------------------------------------------

    def set_attribute(self, name, value):
        self.handle.attrs[name] = value.encode('utf-8')

    def set_strings(self, name, values):
        for key, piece in pieces(name, values):
            self.handle.attrs[key] = piece

    def create_group(self, name):
        # As bytes: h5py would say that a text is UTF-8, and HDF5 then writes a form of groups that not every reader has.
        return HDF5Tree(self.handle.require_group(name.encode('utf-8')), f'{self.where}/{name}', self.guard)

    def set_array(self, name, value):
        value = np.asarray(value)
        self.handle.create_dataset(name.encode('utf-8'), data=value, shape=value.shape, dtype=value.dtype)


def pieces(name, values):
    """`(attribute name, list of bytes)` of a list of texts, cut so that each attribute fits into the header of its object.

    Raises:
        RuntimeError: if one text alone is too long.
    """
    encoded = [value if isinstance(value, bytes) else value.encode('utf-8') for value in values]
    longest = max([len(value) for value in encoded] or [0])
    if longest > LONGEST_ATTRIBUTE:
        raise RuntimeError(
            f'HDF5 holds names of up to {LONGEST_ATTRIBUTE} bytes, but one has {longest}: {encoded[0][:80]!r}... Use shorter names.'
        )
    if longest * len(encoded) <= LONGEST_ATTRIBUTE:
        return [(name, np.asarray(encoded))]
    size = LONGEST_ATTRIBUTE // longest
    return [
        (f'{name}{i}', np.asarray(encoded[start : start + size]))
        for i, start in enumerate(range(0, len(encoded), size))
    ]


def file_size(group):
    """The bytes of the file of an open h5py.Group."""
    return h5py.h5i.get_file_id(group.id).get_filesize()


class Guard:
    """What may be read of an HDF5 file that the caller opened."""

    def __init__(self, group):
        self.totals = Totals(file_size(group))

    def open(self, group, name, where):
        """The object of that name in the group, or None; only through plain links inside the file.

        Raises:
            UnsafeFileError: for a link of another kind.
        """
        current = group.id
        budget.draw('visits', 1 + name.count('/'), where)
        if name.startswith('/'):
            current = h5py.h5o.open(h5py.h5i.get_file_id(current), b'/')
        for part in name.split('/'):
            if part in ('', '.'):
                continue
            encoded = part.encode('utf-8')
            if not isinstance(current, h5py.h5g.GroupID) or not current.links.exists(encoded):
                return None
            kind = current.links.get_info(encoded).type
            if kind != h5py.h5l.TYPE_HARD:
                names = {h5py.h5l.TYPE_SOFT: 'a soft link', h5py.h5l.TYPE_EXTERNAL: 'a link to another file'}
                raise UnsafeFileError(
                    '{}: {!r} is {}. Files with links are not read.'.format(
                        where, name, names.get(kind, 'a link of an unknown kind')
                    )
                )
            current = h5py.h5o.open(current, encoded)
        return current

    def check_place(self, dataset, where):
        """Refuse a DatasetID whose values are in other files; what it was created with."""
        plan = dataset.get_create_plist()
        if plan.get_layout() == getattr(h5py.h5d, 'VIRTUAL', 3):
            raise UnsafeFileError(f'{where} is a virtual dataset: its values are in other files. It is not read.')
        if plan.get_external_count():
            raise UnsafeFileError(f'{where} keeps its values in another file. It is not read.')
        return plan

    def dataset(self, dataset, name, where):
        """Check a DatasetID and account for it; its `arrays.Entry`."""
        where = f'{where}/{name}'
        plan = self.check_place(dataset, where)
        kind = dataset.get_type()
        numbers = (h5py.h5t.TypeFloatID, h5py.h5t.TypeIntegerID, h5py.h5t.TypeEnumID)
        if not isinstance(kind, numbers) or kind.get_size() > 16:
            raise UnsafeFileError(f'{where} does not hold plain numbers. It is not read.')
        dtype = np.dtype(dataset.dtype)
        shape = tuple(int(length) for length in dataset.shape)
        size = dtype.itemsize
        for length in shape:
            size *= length
        stored = int(dataset.get_storage_size())
        filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        if size and not stored:
            raise UnsafeFileError(f'{where} announces the shape {shape}, but has no values. It is not read.')
        if not filters and stored < size:
            raise DamagedFileError(f'{where} should take {trust.readable(size)} but takes {trust.readable(stored)}.')
        unpacked = size
        if filters and hasattr(
            dataset, 'get_num_chunks'
        ):  # whole chunks, which may be far larger than the array, are unpacked
            unpacked = dataset.get_num_chunks() * dtype.itemsize
            for length in plan.get_chunk():
                unpacked *= length
        self.totals.add(stored, max(size, unpacked), shape, where)
        if not filters:
            return arrays.Entry(name, shape, dtype, lambda: np.asarray(h5py.Dataset(dataset)[()]))
        if not hasattr(dataset, 'get_chunk_info'):
            raise UnsafeFileError(f'{where} is compressed, which is not read with this version of h5py.')

        def unpacked():
            chunk = plan.get_chunk()
            infos = [dataset.get_chunk_info(i) for i in range(dataset.get_num_chunks())]
            parts = [
                (info.chunk_offset, info.filter_mask, dataset.read_direct_chunk(info.chunk_offset)[1]) for info in infos
            ]
            return from_chunks(parts, shape, chunk, dtype, filters, where)

        return arrays.Entry(name, shape, dtype, unpacked)


def rows(file, name, where):
    """The h5py.Dataset of a name in an open file, whose rows may be read one by one: in this file, and none larger than the file accounts for.

    Raises:
        KeyError: if there is none.
        UnsafeFileError: if its values are elsewhere, or are not what the file has.
    """
    guard = Guard(file)
    found = guard.open(file, name, where)
    if not isinstance(found, h5py.h5d.DatasetID):
        raise KeyError(f'{where} has no dataset {name!r}.')
    plan = guard.check_place(found, f'{where}/{name}')
    data = h5py.Dataset(found)
    if data.dtype.hasobject:  # references and texts of any length, whose values lie in heaps
        raise UnsafeFileError(f'{where}/{name} does not hold plain values. It is not read.')
    if data.ndim == 0:
        raise DamagedFileError(f'{where}/{name} has no rows: it is a single value.')
    row = chunk = data.dtype.itemsize
    for length in data.shape[1:]:
        row *= length
    for length in plan.get_chunk() if data.chunks else ():
        chunk *= length
    stored = int(found.get_storage_size())
    if max(row, chunk) > budget.times() * (FREE_BYTES + LARGEST_RATIO * stored) or row and data.shape[0] and not stored:
        raise UnsafeFileError(
            f'{where}/{name} of the shape {data.shape} is read {trust.readable(max(row, chunk))} at a time, though it has {trust.readable(stored)}. It is not read. '
            f'{budget.ADVICE}'
        )
    return data


def is_hdf5(source):
    """Whether a path or bytes begin like an HDF5 file."""
    if isinstance(source, bytes):
        return source[:8] == b'\x89HDF\r\n\x1a\n'
    with open(source, 'rb') as file:
        start = file.read(8)
        place = 512
        while start != b'\x89HDF\r\n\x1a\n':  # the signature may follow a block of the user's, at 512, 1024, 2048, ...
            if place > 2**20 or place > os.stat(source).st_size:
                return False
            file.seek(place)
            start = file.read(8)
            place *= 2
    return True


def open_bytes(data):
    """An h5py.File that reads from bytes in memory."""
    require_h5py('Reading an HDF5 file')
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(backing_store=False)
    access.set_file_image(data)
    try:
        return h5py.File(h5py.h5f.open(b'in memory', h5py.h5f.ACC_RDONLY, fapl=access))
    except (OSError, RuntimeError, ValueError) as error:
        raise DamagedFileError(f'The data are not a whole HDF5 file: {error}.') from None


def image(write):
    """The bytes of an HDF5 file that is made in memory by `write`, a function of the open h5py.File."""
    require_h5py('Writing an HDF5 file')
    name = f'in memory {id(write)}'
    with h5py.File(name, 'w', driver='core', backing_store=False) as file:
        result = write(file)
        file.flush()
        return file.id.get_file_image(), result


def read_stream(stream):
    """The bytes of a binary stream, from where it stands."""
    data = stream.read()
    if not isinstance(data, (bytes, bytearray)):
        raise TypeError(
            f'A stream to read a model from must give bytes (open it with "rb"); got {type(data).__name__}.'
        )
    return bytes(data)


def is_stream(thing, method):
    """Whether something can be read from (or written to) as a stream: `method` is 'read' or 'write'."""
    return not isinstance(thing, (str, bytes)) and callable(getattr(thing, method, None))
