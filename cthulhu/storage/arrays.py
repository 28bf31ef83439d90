"""Arrays from outside: what a file says of one, and guarded readers of .npy, .npz and pickled arrays."""

import ast
import io
import os
import pickle
import re
import struct
import zipfile
import zlib

import numpy as np

from cthulhu.storage import budget
from cthulhu.storage.archive import Archive
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError, explained

_DEFLATE, _SHUFFLE, _CHECKSUM = 1, 2, 3  # HDF5's numbers of its filters

# What the members of a compressed archive may take: so many bytes, and so many times what is stored.
_FREE_BYTES = 2**25
_LARGEST_RATIO = 1000


class Entry:
    """An array in a file: its name, shape and dtype, and its values, read when they are asked for.

    Attributes:
        name: string.
        shape: tuple.
        dtype: NumPy dtype.
        size: number of elements.
    """

    def __init__(self, name, shape, dtype, read):
        self.name = name
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self._read = read
        self.size = 1
        for length in self.shape:
            self.size *= length

    @property
    def nbytes(self):
        """Bytes that the values take."""
        return self.size * self.dtype.itemsize

    def value(self):
        """The values, as an array."""
        value = self._read()
        if value.shape != self.shape:
            raise DamagedFileError(
                f'The array {self.name!r} has the shape {value.shape} where {self.shape} was announced.'
            )
        return value


def of_lists(thing, where):
    """The array of a number, or of nested lists of numbers.

    Raises:
        UnsafeFileError: if lists that stand at several places would make it far larger than they are.
    """
    sizes, held = {}, [0]

    def size(item, depth):
        if not isinstance(item, list):
            return 1
        if depth > 32:
            raise DamagedFileError(f'{where} is nested more deeply than an array can be.')
        if id(item) not in sizes:
            held[0] += 1 + len(item)
            sizes[id(item)] = 1 + sum(size(part, depth + 1) for part in item)
        return sizes[id(item)]

    if size(thing, 0) > 2**18 + 2 * held[0]:
        raise UnsafeFileError(f'{where} has lists at so many places that the array would be far larger than they are.')
    return np.asarray(thing)


def unfiltered(data, filters, shape, dtype, where):
    """The array in a chunk of an HDF5 dataset, from its bytes as they are stored.

    Arguments:
        data: bytes.
        filters: numbers of the HDF5 filters that were applied, in that order.
        shape, dtype: of the chunk.
        where: text for errors.
    """
    size = dtype.itemsize
    for length in shape:
        size *= length
    for number in reversed(filters):
        if number == _CHECKSUM:
            data = data[:-4]
        elif number == _DEFLATE:
            data = inflated(data, size + 4, where)
        elif number == _SHUFFLE and dtype.itemsize > 1:
            data = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, -1).T.tobytes()
    if len(data) != size:
        raise DamagedFileError(f'{where}: a chunk has {len(data)} bytes where {size} were announced.')
    return np.frombuffer(data, dtype).reshape(shape)


def inflated(data, limit, where):
    """The decompressed bytes of a zlib stream.

    Raises:
        UnsafeFileError: if they are more than `limit`.
    """
    stream = zlib.decompressobj()
    try:
        result = stream.decompress(data, limit)
    except zlib.error as error:
        raise DamagedFileError(f'{where} cannot be decompressed: {error}.') from None
    if stream.unconsumed_tail:
        raise UnsafeFileError(f'{where} would grow beyond {limit} bytes when it is decompressed. It is not read.')
    return result


def read_npy(stream, length, where, lists=False):
    """The array of a .npy stream; never of pickled objects, but for lists of integers where they are asked for.

    Arguments:
        stream: binary stream at its start.
        length: number of bytes that it has.
        where: text for errors.
        lists: whether the array may be of lists of integers, which NumPy pickles; nothing else in a pickle is read, and nothing run.

    Raises:
        UnsafeFileError: for an array of objects, or one that announces more than there is.
    """
    magic = stream.read(8)
    if magic[:6] != b'\x93NUMPY' or len(magic) < 8 or magic[6] not in (1, 2, 3):
        raise DamagedFileError(f'{where} is not an array in the format of NumPy.')
    width, code = (2, '<H') if magic[6] == 1 else (4, '<I')
    try:
        header_length = struct.unpack(code, stream.read(width))[0]
        if header_length > 2**16:
            raise UnsafeFileError(f'{where} has a header of {header_length} bytes. It is not read.')
        # It is read as Python, which takes a hundred times as long as its bytes; the headers that NumPy writes are short.
        budget.draw('bytes', 64 * max(0, header_length - 256), where)
        header = ast.literal_eval(stream.read(header_length).decode('utf-8' if magic[6] == 3 else 'latin1').strip())
        shape, order, dtype = header['shape'], header['fortran_order'], np.dtype(header['descr'])
    except UnsafeFileError:
        raise
    except Exception as error:
        raise DamagedFileError(f'{where} has a header that cannot be read: {error}.') from None
    if lists and dtype == np.dtype(object):
        return _array_of_lists(stream.read(), shape, where)
    if dtype.hasobject or dtype.kind not in 'fiubcSU':
        raise UnsafeFileError(
            '{} holds {}; only arrays of numbers and texts are read, as others could run code.'.format(
                where, 'pickled objects' if dtype.hasobject else dtype
            )
        )
    if (
        not isinstance(shape, tuple)
        or not all(isinstance(size, int) and size >= 0 for size in shape)
        or len(shape) > 32
    ):
        raise DamagedFileError(f'{where} announces the shape {shape!r}.')
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    if size > length:
        raise UnsafeFileError(
            f'{where} announces the shape {shape} ({size} bytes), but has {length} bytes. It is not read.'
        )
    data = stream.read(size)
    if len(data) != size:
        raise DamagedFileError(f'{where} is cut short.')
    return np.frombuffer(data, dtype).reshape(shape, order='F' if order else 'C').copy()


def load_npz(path, lists=False):
    """The arrays of a .npz archive (or the one of a .npy file), without pickles and without more memory than the file accounts for.

    Arguments:
        path: path, or binary stream that can seek.
        lists: whether arrays may be of lists of integers, as `read_npy` reads them.

    Returns:
        Dict, name -> array; a .npy file gives the name 'arr_0'.

    Raises:
        UnsafeFileError: for pickled objects, and for members that would grow beyond reason.
        DamagedFileError: for anything that is no such file.
    """
    where = f'"{path}"' if isinstance(path, (str, os.PathLike)) else 'the stream'
    with explained(where), budget.opened():
        stream = open(path, 'rb') if isinstance(path, (str, os.PathLike)) else path
        try:
            start = stream.read(6)
            length = stream.seek(0, 2)
            budget.explain(file=length)
            stream.seek(0)
            if start == b'\x93NUMPY':
                return {'arr_0': read_npy(stream, length, where, lists)}
            archive = Archive(stream, where)
            return {
                (name[:-4] if name.endswith('.npy') else name): read_npy(
                    io.BytesIO(archive.read(name)), archive.size(name), f'{where}/{name}', lists
                )
                for name in archive.names
            }
        except (zipfile.BadZipFile, struct.error) as error:
            raise DamagedFileError(f'{where} is not an archive of arrays: {error}.') from None
        finally:
            if stream is not path:
                stream.close()


# -- pickled arrays ----------------------------------------------------------------------------------------


def _reconstruct(kind, shape, code):
    if kind is not _NDARRAY or tuple(shape) != (0,):
        raise UnsafeFileError('A pickle makes an array in a way that NumPy does not; it is not read.')
    return _Array()


class _Array:
    """Stands for an array while its pickle is read: checks what the pickle says of it before NumPy makes anything."""

    value = None

    def __setstate__(self, state):
        _, shape, dtype, fortran, data = state
        dtype = dtype.value() if isinstance(dtype, _Dtype) else dtype
        size = dtype.itemsize
        for length in shape:
            size *= int(length)
        if not isinstance(data, bytes) or len(data) != size or any(int(length) < 0 for length in shape):
            raise UnsafeFileError(
                f'A pickled array of the shape {shape} does not come with its {size} bytes. It is not read.'
            )
        budget.draw('bytes', size + 128, 'A pickle')  # one text may be that of many arrays
        self.value = np.frombuffer(data, dtype).reshape(shape, order='F' if fortran else 'C').copy()


class _Dtype:
    """Stands for a dtype of numbers."""

    def __init__(self, text, *_):
        text = text.decode('ascii') if isinstance(text, bytes) else text
        if not isinstance(text, str) or text[:1] not in 'fiubcSU' or len(text) > 6 or not text[1:].isdigit():
            raise UnsafeFileError(f'A pickle has arrays of the type {text!r}; only plain numbers and texts are read.')
        self.text, self.order = text, '='

    def __setstate__(self, state):
        order = state[1].decode('latin1') if isinstance(state[1], bytes) else state[1]
        self.order = order if order in ('<', '>', '|', '=') else '='

    def value(self):
        return np.dtype(self.text).newbyteorder(self.order if self.order != '|' else '=')


def _scalar(dtype, data):
    dtype = dtype.value()
    if len(data) != dtype.itemsize:
        raise UnsafeFileError('A pickled number does not come with its bytes. It is not read.')
    return np.frombuffer(data, dtype)[0]


def _encode(text, encoding):
    if encoding not in ('latin1', 'latin-1'):
        raise UnsafeFileError(f'A pickle asks for the encoding {encoding!r}; it is not read.')
    budget.draw('bytes', len(text), 'A pickle')
    return text.encode('latin1')


_MODULES = (
    'numpy',
    'numpy.core.multiarray',
    'numpy._core.multiarray',
    'numpy.core.numeric',
    'numpy._core.numeric',
    '_codecs',
)
_NDARRAY = object()  # what a pickle gets for `numpy.ndarray`: something that cannot be called
_ALLOWED = {'_reconstruct': _reconstruct, 'ndarray': _NDARRAY, 'dtype': _Dtype, 'scalar': _scalar, 'encode': _encode}


def _draw_container():
    """Draw what a list, tuple or dict takes, which is one byte in a pickle."""
    budget.draw('bytes', 128, 'A pickle')


def _drawn(load):
    def load_container(self):
        load(self)
        _draw_container()

    return load_container


class _ArrayUnpickler(pickle._Unpickler):
    """The unpickler in Python (that in C takes the sizes in a pickle at their word), for arrays and plain values only."""

    dispatch = {
        code: method
        for code, method in pickle._Unpickler.dispatch.items()
        if code
        not in {
            getattr(pickle, name, b'\0')[0]
            for name in ('BYTEARRAY8', 'NEXT_BUFFER', 'EXT1', 'EXT2', 'EXT4', 'PERSID', 'BINPERSID')
        }
    }

    def find_class(self, module, name):
        if module not in _MODULES or name not in _ALLOWED:
            raise UnsafeFileError(
                f'A pickle asks for {module}.{name}; only arrays, numbers and texts are read from pickles. It is not read.'
            )
        return _ALLOWED[name]

    def load_build(self):
        state = self.stack.pop()
        if not isinstance(self.stack[-1], (_Array, _Dtype)):
            raise UnsafeFileError('A pickle sets attributes of something else than an array. It is not read.')
        self.stack[-1].__setstate__(state)

    def load_number(self):
        text = self.readline()[:-1]
        if len(text) > 400:  # making a number of a long text takes the square of its length
            raise UnsafeFileError('A pickle has a number of more than 400 digits. It is not read.')
        known = {b'00': False, b'01': True}
        self.append(known[text] if text in known else int(text.rstrip(b'L'), 0))

    def load_dict(self):
        items = self.pop_mark()
        self.append({})
        self._set(items)

    def load_setitem(self):
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def load_setitems(self):
        self._set(self.pop_mark())

    def _set(self, items):
        target = self.stack[-1]
        # the hash of other keys, such as nested tuples, can take forever
        if not isinstance(target, dict) or not all(isinstance(key, (str, bytes, int)) for key in items[::2]):
            raise UnsafeFileError('A pickle has a dict whose keys are neither texts nor numbers. It is not read.')
        for key, value in zip(items[::2], items[1::2]):
            target[key] = value

    def load_mark(self):
        super().load_mark()
        _draw_container()

    dispatch[pickle.MARK[0]] = load_mark
    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.INT[0]] = dispatch[pickle.LONG[0]] = load_number
    dispatch[pickle.DICT[0]] = load_dict
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    for _code in ('EMPTY_SET', 'ADDITEMS', 'FROZENSET'):
        dispatch.pop(getattr(pickle, _code)[0], None)
    for _code in ('EMPTY_LIST', 'EMPTY_DICT', 'TUPLE1', 'TUPLE2', 'TUPLE3'):
        dispatch[getattr(pickle, _code)[0]] = _drawn(dispatch[getattr(pickle, _code)[0]])


def unpickle(data, encoding='ASCII'):
    """What a pickle of arrays, numbers, texts, lists, tuples and dicts holds; nothing in it is run.

    Arguments:
        data: bytes.
        encoding: how texts of Python 2 are read; 'bytes' leaves them as bytes.

    Raises:
        UnsafeFileError: if it asks for anything else.
        DamagedFileError: if it is no pickle.
    """
    with budget.opened(file=len(data)):
        return _finished(_unpickled(_ArrayUnpickler(io.BytesIO(data), encoding=encoding)), {}, 0)


def _unpickled(unpickler):
    try:
        return unpickler.load()
    except UnsafeFileError:
        raise
    except MemoryError:
        raise UnsafeFileError('A pickle needs more memory than there is. It is not read.') from None
    except Exception as error:
        raise DamagedFileError(f'A pickle cannot be read: {str(error) or type(error).__name__}.') from None


class _ListsDtype(_Dtype):
    """Stands for the dtype of an array of lists."""

    def __init__(self, text, *_):
        if text not in ('O', 'O4', 'O8', b'O', b'O4', b'O8'):
            raise UnsafeFileError(f'A pickle has an array of the type {text!r} where lists of integers were expected.')
        self.order = '='

    def value(self):
        return np.dtype(object)


class _ArrayOfLists(_Array):
    """Stands for an array of lists of integers."""

    def __setstate__(self, state):
        _, shape, dtype, _, items = state
        if not isinstance(dtype, _ListsDtype) or not isinstance(items, list) or tuple(shape) != (len(items),):
            raise UnsafeFileError(f'A pickle has an array of the shape {shape} without so many lists. It is not read.')
        # One list that stands in many places would grow when they are changed.
        if len(set(map(id, items))) != len(items) or not all(map(_is_list_of_integers, items)):
            raise UnsafeFileError('A pickle has an array of something else than lists of integers. It is not read.')
        self.value = np.empty(len(items), object)
        self.value[:] = items


def _is_list_of_integers(thing):
    return type(thing) is list and set(map(type, thing)) <= {int}


# A run of small integers in a pickle: each a code, and one, two or four bytes.
_INTEGERS = re.compile(b'(?:K.|M..|J....){2,1000}', re.DOTALL)


class _ListsUnpickler(_ArrayUnpickler):
    """The same for an array of lists of integers, which it reads by runs: with a call for each number it would take a minute for a data set of texts."""

    dispatch = dict(_ArrayUnpickler.dispatch)

    def __init__(self, stream, **settings):
        super().__init__(stream, **settings)
        self._stream = stream

    def find_class(self, module, name):
        found = super().find_class(module, name)
        return _ListsDtype if found is _Dtype else _reconstruct_lists if found is _reconstruct else found

    def load_mark(self):
        super().load_mark()
        stream = self._unframer.current_frame or self._stream
        run = _INTEGERS.match(stream.getbuffer(), stream.tell())
        if run:
            stream.seek(run.end())
            self.stack.extend(pickle.loads(b'(' + run.group() + b'l.'))  # numbers and nothing else

    dispatch[pickle.MARK[0]] = load_mark


def _reconstruct_lists(kind, shape, code):
    _reconstruct(kind, shape, code)
    return _ArrayOfLists()


def _array_of_lists(data, shape, where):
    with explained(where):
        found = _unpickled(_ListsUnpickler(io.BytesIO(data), encoding='latin1'))
        if not isinstance(found, _ArrayOfLists) or found.value is None or found.value.shape != shape:
            raise DamagedFileError(f'{where} holds something else than the array of lists that it announces.')
        return found.value


def _finished(thing, done, depth):
    """`thing` with the stand-ins replaced by arrays; what occurs twice is made once."""
    if depth > 100:
        raise UnsafeFileError('A pickle is nested too deeply. It is not read.')
    if not isinstance(thing, (_Array, _Dtype, dict, list, tuple)):
        return thing
    if id(thing) in done:
        return done[id(thing)][0]
    if isinstance(thing, _Array):
        if thing.value is None:
            raise DamagedFileError('A pickle holds an array without its values.')
        result = thing.value
    elif isinstance(thing, dict):
        result = {key: _finished(value, done, depth + 1) for key, value in thing.items()}
    elif isinstance(thing, (list, tuple)):
        result = type(thing)(_finished(item, done, depth + 1) for item in thing)
    else:
        result = thing.value()
    done[id(thing)] = (result, thing)
    return result
