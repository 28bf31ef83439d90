"""From the user's data to batches: checking, naming, weighting, slicing and shuffling.

An adapter is asked for an epoch's worth of batches: `adapter.batches()` yields Batch objects, `adapter.steps` is their number (None where it is
not known) and `adapter.samples` the number of samples. `training_loop` drives functions over them and knows no kind of data.
"""

import collections

import numpy as np

from cthulhu import backend as K
from cthulhu import losses
from cthulhu.utils.generic_utils import to_list

Batch = collections.namedtuple('Batch', ['feeds', 'size', 'start'])
Batch.__doc__ = """The arrays of one step, in the order of the function's inputs; the number of samples; and the index of the first one."""


# -- one shape for what users write ------------------------------------------------------------------------


def as_array(data):
    """An object that has a shape and can be sliced, from a DataFrame, a list of numbers, a sparse matrix or an array."""
    if hasattr(data, 'to_numpy') or type(data).__module__.startswith('pandas'):
        data = data.to_numpy() if hasattr(data, 'to_numpy') else data.values
    if hasattr(data, 'tocsr'):
        return data.tocsr()
    if hasattr(data, 'shape') and hasattr(data, '__getitem__'):
        return data
    return np.asarray(data)


def standardize(data, names, shapes, what, one_dimensional=None):
    """Bring inputs or targets into a list of arrays, one for each name.

    Arguments:
        data: array, list of arrays, dict of arrays by name, or None where nothing is expected.
        names: list of strings.
        shapes: list of tuples (with the batch axis, None where open), or None where any shape will do.
        what: 'input' or 'target', for messages.
        one_dimensional: list of bools: whether data of one dimension stay so (by default where the shape has one).

    Returns:
        List of arrays. One-dimensional data get a second axis of size 1.

    Raises:
        ValueError: if the number, the names or a shape of the arrays are not what the model expects.
    """
    arrays = [as_array(item) for item in _pick(data, names, what)]
    for index, (array, shape) in enumerate(zip(arrays, shapes)):
        if len(array.shape) == 0:
            raise ValueError(
                f'The {what} "{names[index]}" must be an array with a batch axis, but it is a single value: {array!r}.'
            )
        flat = one_dimensional[index] if one_dimensional else shape is not None and len(shape) == 1
        if len(array.shape) == 1 and not flat:
            arrays[index] = array = _with_last_axis(array)
        if getattr(getattr(array, 'dtype', None), 'kind', None) == 'O':
            raise ValueError(
                f'The {what} "{names[index]}" is an array of Python objects (shape {array.shape}), not of numbers; rows of different lengths give such arrays. Pad them to one '
                'length, for example with preprocessing.sequence.pad_sequences.'
            )
        if shape is not None:
            _check_shape(array, shape, names[index], what)
    return arrays


def _pick(data, names, what):
    """The user's object for each name."""
    if not names:
        if data is not None and not (isinstance(data, (list, tuple, dict)) and not data):
            raise ValueError(
                f'The model takes no {what} data (they come from tensors of its own), but some were given.'
            )
        return []
    if data is None:
        raise ValueError(
            'No {} data were given, but the model expects {} array(s): {}.'.format(what, len(names), ', '.join(names))
        )
    if isinstance(data, dict):
        missing = [name for name in names if name not in data]
        unknown = [name for name in data if name not in names]
        if missing or unknown:
            raise ValueError(
                'The dict of {} data does not fit the model: expected the names {}, found {}.{}{}'.format(
                    what, sorted(names), sorted(map(str, data)),
                    ' Missing: {}.'.format(', '.join(missing)) if missing else '',
                    ' Unknown: {}.'.format(', '.join(map(str, unknown))) if unknown else '',
                )
            )  # fmt: skip
        return [data[name] for name in names]
    if isinstance(data, (list, tuple)):
        holds_arrays = any(len(getattr(item, 'shape', ())) > 0 for item in data)
        if len(names) == 1 and not holds_arrays:
            return [np.asarray(data)]  # numbers in nested lists
        if len(data) == len(names):
            return list(data)
        raise ValueError(
            'The list of {} arrays does not fit the model: expected {} array(s) ({}), found {}, of shapes {}.'.format(
                what, len(names), ', '.join(names), len(data), [tuple(np.shape(item)) for item in data[:8]]
            )
        )
    if len(names) > 1:
        raise ValueError(
            'The model expects a list of {} {} arrays ({}), or a dict of them by name, but got one {} of shape {}.'.format(
                len(names), what, ', '.join(names), type(data).__name__, getattr(data, 'shape', '?')
            )
        )
    return [data]


def _with_last_axis(array):
    array = array[:]
    return np.asarray(array).reshape(array.shape + (1,))


def _check_shape(array, shape, name, what):
    found = tuple(array.shape)
    fits = len(found) == len(shape) and all(
        wanted is None or wanted == size for wanted, size in list(zip(shape, found))[1:]
    )
    if not fits:
        raise ValueError(
            f'The {what} "{name}" does not fit: expected an array of shape {tuple(shape)} (None: any size), found one of shape {found}.'
        )


def check_lengths(arrays, labels):
    """Raise ValueError where arrays do not all have the same number of samples."""
    lengths = [array.shape[0] for array in arrays if array is not None]
    if len(set(lengths)) > 1:
        raise ValueError(
            'All inputs, targets and sample weights must have the same number of samples, but found {}.'.format(
                ', '.join(
                    '{}: {}'.format(*pair)
                    for pair in zip([lb for lb, a in zip(labels, arrays) if a is not None], lengths)
                )
            )
        )


# -- weights of samples ------------------------------------------------------------------------------------


def per_output(value, names, what, is_one):
    """A list with the item of `value` for each output name; `value` is None, one item, a list of items, or a dict of them by name.

    Arguments:
        is_one: function that tells whether `value` is one item (for the only output).
    """
    if value is None or (isinstance(value, (list, tuple, dict)) and len(value) == 0):
        return [None] * len(names)
    if is_one(value):
        if len(names) > 1:
            raise ValueError(
                'The model has {} outputs ({}), so `{}` must be a dict by output name or a list with an item for each.'.format(
                    len(names), ', '.join(names), what
                )
            )
        return [value]
    if isinstance(value, dict):
        unknown = [name for name in value if name not in names]
        if unknown:
            raise ValueError(
                '`{}` has an entry for {}, but the outputs of the model are {}.'.format(
                    what, unknown[0], ', '.join(names)
                )
            )
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise ValueError(
                '`{}` has {} item(s), but the model has {} output(s): {}.'.format(
                    what, len(value), len(names), ', '.join(names)
                )
            )
        return list(value)
    raise ValueError(
        f'`{what}` must be a dict by output name or a list with an item for each output; got {type(value).__name__!r}.'
    )


def sample_weights(targets, names, sample_weight, class_weight, modes):
    """The array of weights for each target: what the user gave, times the weight of the class; ones where nothing was given.

    Arguments:
        targets: list of arrays.
        names: list of the outputs' names.
        sample_weight: array, list of arrays, or dict of arrays by output name.
        class_weight: dict, class index -> weight; or a list or dict, by output name, of such dicts.
        modes: list with None or 'temporal' for each output.

    Returns:
        List of arrays of shape (samples,), or (samples, steps) for 'temporal'; None stands for ones.
    """
    given = per_output(
        sample_weight, names, 'sample_weight', lambda v: not isinstance(v, (list, tuple, dict)) or _is_numbers(v)
    )
    classes = per_output(
        class_weight, names, 'class_weight', lambda v: isinstance(v, dict) and not any(key in names for key in v)
    )
    return [_weights(*item) for item in zip(targets, names, given, classes, modes)]


def _is_numbers(value):
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(np.isscalar(item) for item in value)


def _weights(target, name, given, classes, mode):
    if given is not None:
        given = np.asarray(as_array(given))
        wanted = 2 if mode == 'temporal' else 1
        if given.ndim == 2 and given.shape[1] == 1 and wanted == 1:
            given = given[:, 0]
        if given.ndim != wanted:
            advice = (
                'For a weight for each time step, conjure the model with sample_weight_mode="temporal".'
                if wanted == 1
                else 'With sample_weight_mode="temporal" the weights have the shape (samples, steps).'
            )
            raise ValueError(
                f'The sample weights of output "{name}" must have {wanted} dimension(s), but have the shape {given.shape}. {advice}'
            )
        if target is not None and given.shape != tuple(target.shape[: given.ndim]):
            raise ValueError(
                f'The sample weights of output "{name}" have the shape {given.shape}, which does not go with targets of shape {tuple(target.shape)}: expected {tuple(target.shape[: given.ndim])}.'
            )
    if classes:
        weights = _class_weights(target, name, classes, mode)
        return weights if given is None else given * weights
    if given is None and mode == 'temporal' and target is not None:
        # All the steps, as an output need not say how many it has; one number in memory.
        return np.broadcast_to(np.ones((1, 1), K.floatx()), tuple(target.shape[:2]))
    return given


def _class_weights(target, name, classes, mode):
    if not isinstance(classes, dict):
        raise ValueError(
            f'`class_weight` must be a dict, class index -> weight, but for output "{name}" it is {classes!r}.'
        )
    if target is None:
        raise ValueError(
            f'`class_weight` needs the targets of output "{name}" as an array, but they are tensors of the framework. Use `sample_weight`.'
        )
    labels = np.asarray(target[:])
    steps = labels.ndim - 1
    if labels.shape[-1] > 1:
        labels = labels.argmax(axis=-1)
    else:
        labels = labels.reshape(labels.shape[:-1])
    if steps > 1 and mode != 'temporal':
        raise ValueError(
            f'class_weight for output "{name}", whose targets have the shape {tuple(target.shape)}, weights each time step: conjure the model with '
            'sample_weight_mode="temporal", or pass `sample_weight` instead.'
        )
    keys = np.array(sorted(classes))
    missing = sorted(set(np.unique(labels)) - set(keys.tolist()))
    if missing:
        raise ValueError(
            f'`class_weight` must have a weight for every class in the data. Output "{name}" has the classes {[int(m) if float(m).is_integer() else m for m in missing[:10]]} without one; given were weights for {keys.tolist()}.'
        )
    values = np.array([classes[key] for key in keys.tolist()], dtype=K.floatx())
    return values[np.searchsorted(keys, labels)]


def check_targets(targets, specs):
    """Raise ValueError where the targets cannot go with an output and its loss, before a framework says so in its own words."""
    for target, spec in zip(targets, specs):
        shape, loss = spec.shape, spec.loss
        if loss is None or shape is None or not losses.checks_target_shape(loss):
            continue
        if len(target.shape) != len(shape):
            raise ValueError(_target_message(target, spec, f'{len(shape)} dimensions'))
        pairs = list(zip(target.shape, shape))[1:]
        if losses.is_sparse(loss):
            pairs = pairs[:-1] + [(target.shape[-1], 1)]
        if any(wanted is not None and found != wanted for found, wanted in pairs):
            expected = tuple([None] + [wanted for _, wanted in pairs])
            advice = ''
            if not losses.is_sparse(loss) and target.shape[-1] == 1 and shape[-1] not in (1, None):
                advice = (
                    ' Integer classes go with the loss "sparse_categorical_crossentropy"; for "categorical_crossentropy" make them one-hot with '
                    'utils.to_categorical(y).'
                )
            raise ValueError(_target_message(target, spec, f'the shape {expected}') + advice)


def _target_message(target, spec, expected):
    return f'The targets of output "{spec.name}" (loss "{spec.loss.name}") must have {expected}, as the output has; found an array of shape {tuple(target.shape)}.'  # fmt: skip


# -- splitting -----------------------------------------------------------------------------------------------


def take(array, start, stop):
    """Samples `start` to `stop` of an array, an HDF5 dataset or None."""
    return None if array is None else array[start:stop]


def split(arrays, fraction):
    """Split arrays into the first `1 - fraction` of the samples and the rest.

    Raises:
        ValueError: if a part would have no samples, or `fraction` is not between 0 and 1.
    """
    if not 0.0 <= fraction < 1.0:
        raise ValueError(f'`validation_split` must be at least 0 and below 1; got {fraction!r}.')
    samples = arrays[0].shape[0]
    at = int(samples * (1.0 - fraction))
    if at == 0 or at == samples:
        raise ValueError(
            '`validation_split={}` of {} samples leaves no samples for {}. Give more data, or pass `validation_data`.'.format(
                fraction, samples, 'training' if at == 0 else 'validation'
            )
        )
    return [take(a, 0, at) for a in arrays], [take(a, at, samples) for a in arrays]


# -- adapters ------------------------------------------------------------------------------------------------


class ArrayAdapter:
    """Batches of arrays that all have the same number of samples.

    Arguments:
        arrays: list of arrays. The last ones may be None: weights that are all one.
        batch_size: samples a batch; the last batch may be smaller.
        shuffle: False, True (a new order for each epoch) or 'batch' (the order of whole batches changes, samples stay together).
        ones: list of functions, one for each of the last arrays: number of samples -> the weights that stand for None.
        steps: number of batches an epoch, in the order of the data; all of them if None.
        cycle: whether an epoch of `steps` batches goes on where the last one ended, and around; or starts at the first batch again.

    Attributes:
        position: the sample with which the next epoch begins.
    """

    def __init__(self, arrays, batch_size, shuffle=False, ones=(), steps=None, cycle=False):
        self.arrays = arrays
        self.batch_size = int(batch_size)
        if self.batch_size < 1:
            raise ValueError(f'`batch_size` must be a positive integer; got {batch_size!r}.')
        if shuffle not in (True, False, 'batch'):
            raise ValueError(f"`shuffle` must be True, False or 'batch'; got {shuffle!r}.")
        total = int(next(a for a in arrays if a is not None).shape[0])
        in_all = -(-total // self.batch_size)
        if steps is not None and int(steps) < 1:
            raise ValueError(f'The number of steps must be a positive integer; got {steps!r}.')
        self.shuffle = shuffle if steps is None else False
        self.cycle = cycle and steps is not None
        self.steps = in_all if steps is None else int(steps) if cycle else min(int(steps), in_all)
        self.samples = total if steps is None else None if cycle else min(total, self.steps * self.batch_size)
        self._total = total
        self.position = 0
        size = min(self.batch_size, total)
        head = len(arrays) - len(ones)
        self._ones = [None] * head + [make(size) if a is None else None for a, make in zip(arrays[head:], ones)]
        self._plain = [a is None or isinstance(a, np.ndarray) for a in arrays]

    def batches(self):
        """The batches of one epoch."""
        order = self._order()
        start = self.position
        for _ in range(self.steps):
            stop = min(start + self.batch_size, self._total)
            yield Batch(self._feeds(start, stop, order), stop - start, start)
            start = stop if stop < self._total or not self.cycle else 0
            if self.cycle:
                self.position = start

    def _feeds(self, start, stop, order):
        if order is None:
            return [ones[: stop - start] if a is None else a[start:stop] for a, ones in zip(self.arrays, self._ones)]
        index = order[start:stop]
        return [
            ones[: stop - start] if a is None else a[index] if plain else _rows(a, index)
            for a, ones, plain in zip(self.arrays, self._ones, self._plain)
        ]

    def _order(self):
        if not self.shuffle:
            return None
        order = np.arange(self._total)
        if self.shuffle == 'batch':
            whole = self._total // self.batch_size * self.batch_size
            chunks = order[:whole].reshape((-1, self.batch_size))
            np.random.shuffle(chunks)
            return np.concatenate([chunks.ravel(), order[whole:]])
        np.random.shuffle(order)
        return order


def _rows(array, index):
    """The samples at `index` of an HDF5 dataset (which takes slices, or increasing indices only) or a sparse matrix."""
    if hasattr(array, 'tocsr'):
        return array[index]
    first, last = int(index[0]), int(index[-1])
    if last - first == len(index) - 1 and np.all(np.diff(index) == 1):
        return array[first : last + 1]
    order = np.argsort(index)
    rows = np.asarray(array[index[order].tolist()])
    return rows[np.argsort(order)]


class StepsAdapter:
    """A number of steps that feed nothing, or the same arrays each time: for models whose data come from tensors of the framework.

    Arguments:
        steps: number of steps an epoch.
        feeds: list of arrays to feed at every step.
    """

    batch_size = None
    samples = None

    def __init__(self, steps, feeds=()):
        if steps is None or int(steps) < 1:
            raise ValueError(
                f'The data come from tensors of the framework, so the number of steps must be given as a positive integer; got {steps!r}.'
            )
        self.steps = int(steps)
        self._feeds = list(feeds)

    def batches(self):
        """The batches of one epoch."""
        for step in range(self.steps):
            yield Batch(self._feeds, 1, step)


def is_native(data):
    """Whether data, or all of the items in a list or dict of them, are tensors of the backend. Raises ValueError for a mixture."""
    if isinstance(data, dict):
        data = list(data.values())
    items = to_list(data, allow_tuple=True)
    if data is None or not items or _is_numbers(items):
        return False
    native = [K.is_tensor(item) and not isinstance(item, np.ndarray) for item in items]
    if any(native) and not all(native):
        raise ValueError(
            'Do not mix tensors of the framework and arrays in one argument; got %s.'
            % [type(item).__name__ for item in items]
        )
    return all(native)
