"""Reading and writing data and models: HDF5 matrices as data, dict-like HDF5 groups, HDF5 files in streams, asking before overwriting."""

import builtins
import os
import sys

import numpy as np

from cthulhu.storage import budget, tree
from cthulhu.utils.arguments import checked

try:
    import h5py
except ImportError:
    h5py = None

_INPUT = builtins.input


def ask_to_proceed_with_overwrite(filepath):
    """Ask the user on the terminal whether a file may be replaced.

    Arguments:
        filepath: path of the file.

    Returns:
        Whether the answer was yes.

    Raises:
        FileExistsError: if there is nobody to ask.
    """
    # a notebook has no terminal, but puts an `input` of its own in place
    terminal = builtins.input is not _INPUT or (sys.stdin is not None and sys.stdin.isatty())
    question = f'[WARNING] {filepath} already exists - overwrite? [y/n]'
    while terminal:
        try:
            answer = builtins.input(question).strip().lower()
        except (EOFError, OSError):
            break
        if answer in ('y', 'n'):
            if answer == 'y':
                print('[TIP] Next time specify overwrite=True!')
            return answer == 'y'
        question = 'Enter "y" (overwrite) or "n" (cancel).'
    raise FileExistsError(
        f'"{filepath}" exists already, and there is no terminal to ask whether to overwrite it. Pass overwrite=True, or another path.'
    )


class HDF5Matrix:
    """Rows of a dataset in an HDF5 file, to be used as data in place of an array; read as they are needed.

    Arguments:
        datapath: path of the file.
        dataset: name of the dataset.
        start: first row.
        end: row to stop before; all rows if left out.
        normalizer: function of the rows that were read, that gives what is used instead.

    Raises:
        ImportError: if h5py is not installed.
        KeyError: if the file has no such dataset.
        ValueError: if its values are not in this file (links, external storage, virtual datasets), or are numbers that the file does not account for.

    Example:
        >>> x = HDF5Matrix('data.h5', 'x', start=0, end=600)  # doctest: +SKIP
        >>> model.predict(x)  # doctest: +SKIP
    """

    refs = {}  # path -> open file, for all matrices of one file

    @checked
    def __init__(self, datapath, dataset, start=0, end=None, normalizer=None):
        if h5py is None:
            raise ImportError('HDF5Matrix needs the package h5py, which is not installed: pip install h5py.')
        file = self.refs.get(datapath)
        if not file:
            file = self.refs[datapath] = h5py.File(datapath, 'r')
        with budget.opened():
            self.data = tree.rows(file, dataset, f'"{datapath}"')
        self.start = start
        self.end = self.data.shape[0] if end is None else end
        self.normalizer = normalizer
        first = self.data[0:1] if normalizer is None else normalizer(self.data[0:1])
        self._base_shape = first.shape[1:]
        self._base_dtype = first.dtype

    def __len__(self):
        return self.end - self.start

    def __getitem__(self, key):
        """What an array would give for the key; only the rows that it names are read.

        Rows are named by number, slice (whose end must not lie beyond the last row), list or array of numbers, or array of booleans. In a tuple the
        keys of further axes come after that of the rows, with `None` for a new axis and `...` for all axes between.
        """
        if isinstance(key, tuple) or key is None or key is Ellipsis:
            return self._part(key if isinstance(key, tuple) else (key,))
        rows, place = self._place(key)
        values = self.data[rows][place]
        return values if self.normalizer is None else self.normalizer(values)

    def _part(self, keys):
        """What an array would give for a tuple of keys."""
        axes = sum(1 for key in keys if key is not None and key is not Ellipsis)
        first = next((i for i, key in enumerate(keys) if key is not None), len(keys))
        if first < len(keys) and keys[first] is Ellipsis and axes == len(self.shape):  # it stands for no axis
            keys = keys[:first] + keys[first + 1 :]
            first = next(i for i, key in enumerate(keys) if key is not None)
        if first == len(keys) or keys[first] is Ellipsis:
            rows, place = self._place(slice(None))
            keys = keys[:first] + (place,) + keys[first:]
        else:
            rows, place = self._place(keys[first])
            keys = keys[:first] + (place,) + keys[first + 1 :]
        values = self.data[rows]
        return (values if self.normalizer is None else self.normalizer(values))[keys]

    def _place(self, key):
        """`(rows to read, of the dataset, in the order that HDF5 asks for; key of what is wanted among them)`."""
        if isinstance(key, slice):
            if (key.stop or 0) > len(self):
                raise IndexError(f'{key!r} is outside of the {len(self)} rows of the matrix.')
            wanted = range(*key.indices(len(self)))
            if not wanted:
                return slice(0, 0), slice(None)
            rising = wanted if wanted.step > 0 else wanted[::-1]
            rows = slice(rising[0] + self.start, rising[-1] + self.start + 1, rising.step)
            return rows, slice(None) if rising is wanted else slice(None, None, -1)
        index = np.asarray(key)
        if index.dtype == bool and index.shape == (len(self),):
            index = np.flatnonzero(index)
        elif index.size == 0:
            index = index.astype('int64')
        if index.dtype.kind not in 'iu' or index.ndim > 1:
            raise IndexError(f'Rows are taken by numbers, slices, or lists of numbers; got {key!r}.')
        if index.size and not -len(self) <= index.min() <= index.max() < len(self):
            raise IndexError(f'{key!r} is outside of the {len(self)} rows of the matrix.')
        # HDF5 reads rows in rising order, and each once
        rows, places = np.unique(np.where(index < 0, index + len(self), index) + self.start, return_inverse=True)
        return (rows.tolist() if rows.size else slice(0, 0)), places.reshape(index.shape)[()]

    @property
    def shape(self):
        """The shape, as of an array."""
        return (len(self),) + self._base_shape

    @property
    def dtype(self):
        """The dtype, after `normalizer`."""
        return self._base_dtype

    @property
    def ndim(self):
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self):
        """The number of elements."""
        return int(np.prod(self.shape, dtype='int64'))


class H5Dict:
    """A group of an HDF5 file as a dict: arrays are datasets, texts and lists of texts are attributes, and a name that is new is a new group.

    In a file lists of texts come back as lists of bytes, as from that of Keras; a text comes back as it was set.

    Arguments:
        path: path of a file, an open h5py File or Group, or a dict to use in place of a file.
        mode: 'r' to read, 'w' to begin anew, 'a' to change.

    Raises:
        TypeError: for another kind of `path`.
        ValueError: for a change to what was opened with 'r'.

    Example:
        >>> entries = H5Dict({})
        >>> entries['group']['x'] = np.zeros(3)
        >>> entries['group']['x'].shape
        (3,)
    """

    def __init__(self, path, mode='a'):
        self._is_file = False
        if isinstance(path, dict):
            if mode == 'w':
                path.clear()
            path['_is_group'] = True
            self.data = path
            self._tree = tree.DictTree(path)
        else:
            if not self.is_supported_type(path):
                raise TypeError(
                    f'H5Dict takes a path, an h5py File or Group, or a dict; got {path!r} ({type(path).__name__}).'
                )
            tree.require_h5py('H5Dict')
            self._is_file = not isinstance(path, h5py.Group)
            self.data = h5py.File(os.fspath(path), mode) if self._is_file else path
            self._tree = tree.HDF5Tree(self.data)
        self.read_only = mode == 'r'

    @staticmethod
    def is_supported_type(path):
        """Whether an H5Dict can be made of `path`."""
        return isinstance(path, (dict, str, os.PathLike)) or (h5py is not None and isinstance(path, h5py.Group))

    def _check_writing(self):
        if self.read_only:
            raise ValueError('The entries were opened to be read only.')

    def __setitem__(self, attr, val):
        self._check_writing()
        attr = attr.decode('utf-8') if isinstance(attr, bytes) else attr
        if isinstance(self.data, dict):
            self.data[attr] = val
        elif attr in self.data:
            raise KeyError(f'There is a group or dataset {attr!r} already.')
        elif isinstance(val, (np.ndarray, np.generic)):
            self._tree.set_array(attr, val)
        elif isinstance(val, (list, tuple)) and all(isinstance(item, (str, bytes)) for item in val):
            self._tree.set_strings(attr, val)
        else:
            self.data.attrs[attr] = val

    def __getitem__(self, attr):
        attr = attr.decode('utf-8') if isinstance(attr, bytes) else attr
        if isinstance(self.data, dict):
            if attr in self.data:
                value = self.data[attr]
                if isinstance(value, dict) and value.get('_is_group'):
                    return self._inside(value)
                return self._tree.entry(attr).value() if self.data.get(f'_{attr}_pickled') else value
            self._check_writing()
            return self._inside(self.data.setdefault(attr, {'_is_group': True}))
        if attr in self.data.attrs:
            value = self.data.attrs[attr]
            if isinstance(value, np.ndarray) and value.dtype.kind == 'S':
                return value.tolist()
            if isinstance(value, str):  # h5py gives text for both; what was set as bytes is marked as ASCII
                kind = h5py.check_string_dtype(self.data.attrs.get_id(attr).dtype)
                if kind is not None and kind.encoding == 'ascii':
                    return value.encode('utf-8', 'surrogateescape')
            return value
        if attr in self.data:
            group = self.data.get(attr, getclass=True) is h5py.Group
            return self._inside(self._tree.group(attr).handle) if group else self._tree.entry(attr).value()
        if attr + '0' in self.data.attrs:
            return [name.encode('utf-8') for name in self._tree.strings(attr)]
        self._check_writing()
        return self._inside(self.data.create_group(attr))

    def _inside(self, group):
        return H5Dict(group, 'r' if self.read_only else 'a')

    def __contains__(self, key):
        return key in self.data or (not isinstance(self.data, dict) and key in self.data.attrs)

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        return iter(self.data)

    def iter(self):
        """The names of the entries."""
        return iter(self.data)

    def get(self, key, default=None):
        """The entry of that name, or `default`."""
        return self[key] if key in self else default

    def update(self, *args):
        """Set entries from a dict."""
        self._check_writing()
        for key, value in dict(*args).items():
            self[key] = value

    def __getattr__(self, name):
        if name == 'data':
            raise AttributeError(name)
        return getattr(self.data, name)

    def close(self):
        """Flush the file, and close it if it was opened here."""
        if not isinstance(self.data, dict):
            self.data.file.flush()
            if self._is_file:
                self.data.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


h5dict = H5Dict


def save_to_binary_h5py(save_function, stream):
    """Write an HDF5 file that is made in memory to a stream.

    Arguments:
        save_function: function of an open h5py.File, that writes to it.
        stream: something with a `write` method that takes bytes.

    Returns:
        What `save_function` returned.
    """
    data, result = tree.image(save_function)
    stream.write(data)
    return result


def load_from_binary_h5py(load_function, stream):
    """Read an HDF5 file from a stream, in memory.

    Arguments:
        load_function: function of an open h5py.File, that reads from it.
        stream: something with a `read` method that gives bytes.

    Returns:
        What `load_function` returned.
    """
    with tree.open_bytes(tree.read_stream(stream)) as file:
        return load_function(file)
