"""DataFrameIterator: batches of the pictures whose names, with their targets, are the columns of a table."""

import numbers
import os

import numpy as np

from cthulhu.callers import warn
from cthulhu.preprocessing.image.file_iterator import FileIterator, part_of
from cthulhu.utils.arguments import checked

_BY_CLASS = ('categorical', 'binary', 'sparse')


class DataFrameIterator(FileIterator):
    """Batches of the pictures that a table names; see `ImageDataGenerator.flow_from_dataframe`.

    Attributes:
        class_indices: dict, name of a class -> its number; where the targets are classes.
        classes: list of the numbers of the classes of all pictures; of lists of numbers where a picture has several.
        labels: `classes`, or the targets of the pictures for 'raw' and 'multi_output'.
        filenames: list of the names as they are in the table.
    """

    allowed_class_modes = ('categorical', 'binary', 'sparse', 'input', 'multi_output', 'raw', None)

    @checked
    def __init__(
        self,
        dataframe,
        directory=None,
        image_data_generator=None,
        x_col='filename',
        y_col='class',
        weight_col=None,
        target_size=(256, 256),
        color_mode='rgb',
        classes=None,
        class_mode='categorical',
        batch_size=32,
        shuffle=True,
        seed=None,
        data_format='channels_last',
        save_to_dir=None,
        save_prefix='',
        save_format='png',
        subset=None,
        interpolation='nearest',
        dtype='float32',
        validate_filenames=True,
    ):
        super().__init__(
            image_data_generator, target_size, color_mode, data_format, subset, interpolation, dtype, class_mode
        )
        self.directory = '' if directory is None else os.fspath(directory)
        filenames = _names(dataframe, x_col)
        rows = list(range(len(filenames)))
        if validate_filenames:
            rows = self._valid(filenames, x_col)
        self._sample_weight = None
        if weight_col is not None:
            weights = np.asarray(_column(dataframe, weight_col, 'weight_col'))
            if weights.dtype.kind not in 'biuf':
                raise TypeError(
                    f'The column {weight_col!r} (`weight_col`) must hold numbers; it holds {weights.dtype}.'
                )
        found = None
        if class_mode in _BY_CLASS:
            found = self._labels(dataframe, y_col)
            rows = self._choose_classes(found, rows, classes)
        if not rows:
            raise ValueError(
                f'None of the {len(filenames)} rows of the table can be used: no picture of a name in {x_col!r} was found in {self.directory or os.getcwd()!r}{", of these classes" if classes else ""}. Names must be paths from `directory` on, with their endings ({", ".join(self.white_list_formats)}).'
            )
        rows = part_of(rows, self.split)
        if not rows:
            raise ValueError(f'The table has too few rows to have some in the subset {subset!r}.')
        if found is not None:
            numbered = [_numbers(found[row], self.class_indices) for row in rows]
            self.classes = numbered
        elif class_mode == 'raw':
            self._values = self._raw(dataframe, y_col, rows)
        elif class_mode == 'multi_output':
            if not isinstance(y_col, (list, tuple)):
                raise TypeError(f"With class_mode='multi_output', `y_col` must be a list of columns; got {y_col!r}.")
            self._values = [_stacked(_column(dataframe, name, 'y_col'), rows) for name in y_col]
        if weight_col is not None:
            self._sample_weight = weights[rows]
        filenames = [filenames[row] for row in rows]
        print(
            f'Found {len(filenames)} {"" if validate_filenames else "non-"}validated image filenames'
            + (f' belonging to {len(self.class_indices)} classes.' if found is not None else '.')
        )
        paths = [os.path.join(self.directory, name) for name in filenames]
        self._begin(filenames, paths, batch_size, shuffle, seed, save_to_dir, save_prefix, save_format)

    @property
    def labels(self):
        if self.class_mode in _BY_CLASS:
            return self.classes
        return self._values if self.class_mode in ('raw', 'multi_output') else None

    @property
    def sample_weight(self):
        return self._sample_weight

    def _targets(self, batch, index_array):
        if self.class_mode == 'raw':
            return self._values[index_array]
        if self.class_mode == 'multi_output':
            return [values[index_array] for values in self._values]
        return super()._targets(batch, index_array)

    def _valid(self, filenames, x_col):
        """The rows whose file is there; warns of the others."""
        endings = tuple(f'.{ending}' for ending in self.white_list_formats)
        rows, others = [], []
        for row, name in enumerate(filenames):
            good = name.lower().endswith(endings) and os.path.isfile(os.path.join(self.directory, name))
            (rows if good else others).append(row)
        if others:
            some = ', '.join(repr(filenames[row]) for row in others[:5])
            warn(
                f'{len(others)} of the {len(filenames)} names in the column {x_col!r} are left out, as there is no such picture: {some}{", ..." if len(others) > 5 else ""}.'
            )
        return rows

    def _labels(self, dataframe, y_col):
        """The classes of all rows: texts, or lists of texts for 'categorical'."""
        labels = list(_column(dataframe, y_col, 'y_col'))
        several = (list, tuple, np.ndarray) if self.class_mode == 'categorical' else ()
        for row, label in enumerate(labels):
            if isinstance(label, several):
                good = all(isinstance(item, str) for item in label)
            else:
                good = isinstance(label, str)
            if not good:
                more = ', or lists of texts' if several else ''
                advice = (
                    f"Make texts of numbers, dataframe[{y_col!r}].astype(str), or take them as they are with class_mode='raw'."
                    if isinstance(label, numbers.Number) and label == label
                    else 'Leave out the rows without a class.'
                )
                raise TypeError(
                    f'With class_mode={self.class_mode!r} the column {y_col!r} (`y_col`) must hold texts{more}; row {row} has {label!r}. {advice}'
                )
        return labels

    def _choose_classes(self, labels, rows, classes):
        """The rows that have one of the classes; the classes of the others are taken from them. Numbers the classes, in their order."""
        if isinstance(classes, str):
            raise TypeError(f'`classes` must be a list of texts; got {classes!r}.')
        present = {item for row in rows for item in _each(labels[row])}
        wanted = set(present if not classes else classes)
        if classes and not all(isinstance(name, str) for name in classes):
            raise TypeError(f'`classes` must be a list of texts; got {classes!r}.')
        if wanted - present:
            warn(f'No row has the class {sorted(wanted - present)[0]!r} of `classes`.')
        self.class_indices = {name: number for number, name in enumerate(sorted(wanted))}
        if self.class_mode == 'binary' and rows and len(wanted) != 2:
            raise ValueError(f"class_mode='binary' is for two classes; there are {len(wanted)}: {sorted(wanted)[:5]}.")
        if not classes and present:
            return rows  # an empty list is a picture that has none of the classes
        return [row for row in rows if wanted.intersection(_each(labels[row]))]

    def _raw(self, dataframe, y_col, rows):
        if isinstance(y_col, (list, tuple)):
            return np.stack([_stacked(_column(dataframe, name, 'y_col'), rows) for name in y_col], axis=1)
        return _stacked(_column(dataframe, y_col, 'y_col'), rows)


def _column(dataframe, name, argument):
    # Whatever has named columns will do: pandas, polars, a dict of lists.
    if isinstance(name, (list, tuple)):
        raise TypeError(
            f"`{argument}` must be the name of one column; got {name!r}. Several are for class_mode='raw' and 'multi_output'."
        )
    if name not in dataframe:
        columns = ', '.join(repr(column) for column in getattr(dataframe, 'columns', dataframe))
        raise KeyError(f'The table has no column {name!r} (`{argument}`); it has {columns}.')
    return dataframe[name]


def _names(dataframe, x_col):
    names = list(_column(dataframe, x_col, 'x_col'))
    for row, name in enumerate(names):
        if not isinstance(name, (str, os.PathLike)):
            raise TypeError(f'The column {x_col!r} (`x_col`) must hold names of files; row {row} has {name!r}.')
    return [os.fspath(name) for name in names]


def _each(label):
    return (label,) if isinstance(label, str) else label


def _numbers(label, class_indices):
    if isinstance(label, str):
        return class_indices[label]
    return [class_indices[item] for item in label if item in class_indices]


def _stacked(column, rows):
    """The values of these rows as an array; rows that hold arrays or lists of one length become its further axes."""
    values = np.asarray(column)[rows]
    if values.dtype == object and len({np.shape(value) for value in values}) == 1 and np.shape(values[0]):
        return np.stack(values)
    return values
