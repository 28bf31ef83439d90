"""What users give as data, in one form: a list of arrays for the inputs, targets and sample weights of a model, checked and in order."""

import inspect

import numpy as np

from cthulhu import backend as K
from cthulhu.engine import data_checks
from cthulhu.engine.data_checks import as_numbers
from cthulhu.utils.generic_utils import to_list

# -- one shape for what users write ------------------------------------------------------------------------


def as_array(data):
    """An object that has a shape and can be sliced: from a DataFrame or series of any library, a tensor of another framework, a sparse matrix, an
    array, or a list of numbers.
    """
    if type(data) is np.ndarray:
        return data
    if isinstance(data, (str, bytes)):
        raise ValueError(
            f'Data are arrays, and not the text {data!r}. Files and folders of pictures are read by preprocessing.image.ImageDataGenerator, arrays by np.load.'
        )
    if inspect.isroutine(data):
        raise ValueError(function_message(data))
    if hasattr(data, 'to_numpy'):
        return data_checks.of_table(data)
    if hasattr(data, 'tocsr'):
        return data.tocsr()
    if hasattr(data, 'detach') and hasattr(data, 'cpu'):
        data = data.detach().cpu()  # a tensor of PyTorch; NumPy has no bfloat16
        return (data.float() if str(getattr(data, 'dtype', '')) == 'torch.bfloat16' else data).numpy()
    if hasattr(data, 'addressable_shards'):
        return np.asarray(data)  # an array of JAX
    if hasattr(data, 'shape') and hasattr(data, '__getitem__'):
        return data.numpy() if callable(getattr(data, 'numpy', None)) else data  # an eager tensor of TensorFlow
    return data_checks.of_lists(data)


def function_message(function):
    """What is said of a function in the place of data."""
    name = getattr(function, '__name__', repr(function))
    return f'Data are arrays, or what gives batches, and not the function {name}. If it makes a generator, call it: `{name}()`.'


def is_named(data):
    """Whether data are a dict of arrays by name, and not a sparse matrix by keys, which is a dict too."""
    return isinstance(data, dict) and not hasattr(data, 'tocsr')


def standardize(data, names, shapes, what, owner, one_dimensional=None, streamed=False):
    """Bring inputs or targets into a list of arrays, one for each name.

    Arguments:
        data: array, list of arrays, dict of arrays by name, or None where nothing is expected.
        names: list of strings.
        shapes: list of tuples (with the batch axis, None where open), or None where any shape will do.
        what: 'input' or 'target', for messages.
        owner: the model that warns.
        one_dimensional: list of bools: whether data of one dimension stay so (by default where the shape has one).
        streamed: whether the data are of one of many batches, for messages.

    Returns:
        List of arrays. One-dimensional data get a second axis of size 1.

    Raises:
        ValueError: if the number, the names or a shape of the arrays are not what the model expects.
    """
    arrays = [
        as_numbers(as_array(item), f'{what} "{name}"', owner)
        for item, name in zip(_pick(data, names, what, shapes), names)
    ]
    for index, (array, shape) in enumerate(zip(arrays, shapes)):
        if len(array.shape) == 0:
            raise ValueError(
                f'The {what} "{names[index]}" must be an array with a batch axis, but it is a single value: {array!r}.'
            )
        flat = one_dimensional[index] if one_dimensional else shape is not None and len(shape) == 1
        found = tuple(array.shape)
        if len(found) == 1 and not flat:
            arrays[index] = array = _with_last_axis(array)
        if shape is not None and not _fits(array.shape, shape):
            raise ValueError(_shape_message(found, shape, names[index], what, streamed))
    return arrays


def _pick(data, names, what, shapes=(None,)):
    """The user's object for each name."""
    if type(data) is np.ndarray and len(names) == 1:
        return [data]
    if not names:
        if data is not None and not (isinstance(data, (list, tuple, dict)) and not len(data)):
            raise ValueError(
                f'The model takes no {what} data (they come from tensors of its own), but some were given.'
            )
        return []
    if data is None:
        raise ValueError(
            'No {} data were given, but the model expects {} array(s): {}.'.format(what, len(names), ', '.join(names))
        )
    if is_named(data):
        missing = [name for name in names if name not in data]
        unknown = [name for name in data if name not in names]
        if missing:
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
            return [data_checks.of_lists(data)]  # numbers in nested lists
        if len(data) == len(names):
            return list(data)
        found = [tuple(np.shape(item)) for item in data[:8]]
        advice = ''
        if len(names) == 1 and len(set(found)) == 1 and _may_be_samples((len(data),) + found[0], shapes[0]):
            name = {'input': 'x', 'target': 'y'}.get(what, 'data')
            advice = f' If these are samples, make one array of them: `np.array({name})`.'
        raise ValueError(
            'The list of {} arrays does not fit the model: expected {} array(s) ({}), found {}, of shapes {}{}.{}'.format(
                what, len(names), ', '.join(names), len(data), found, ' and so on' if len(data) > 8 else '', advice
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


def _fits(found, shape):
    if found[1:] == shape[1:]:
        return True
    return len(found) == len(shape) and all(
        wanted is None or wanted == size for wanted, size in list(zip(shape, found))[1:]
    )


def _may_be_samples(stacked, shape):
    """Whether a list of arrays, stacked to this shape, is one array for an input of that shape (None: of any)."""
    return len(stacked) == 2 if shape is None else _fits(stacked, shape)


def _shape_message(found, shape, name, what, streamed):
    advice = ''
    if _fits((1,) + found, shape) and streamed:
        advice = (
            ' It is one sample, and what gives data bit by bit must give batches of them: `dataset.batch(32)`; in place of `zip(x, y)` the arrays, '
            '`summon(x, y)`.'
        )
    elif _fits((1,) + found, shape):
        advice = f' One sample alone is a batch of one: `x[None]` has the shape {(1,) + found}.'
        if what == 'input' and len(found) > 1:
            samples = f' If these are {found[0]} samples, leave their number out of the shape that the model is made with: `input_shape={found[1:]}`.'
            # Rows of a table are samples, most often; a picture is one.
            advice = samples + advice if len(found) == 2 else advice + samples
    elif _fits(found + (1,), shape):
        advice = f' What is missing is an axis of size 1 at the end: `x[..., None]` has the shape {found + (1,)}.'
    elif len(found) == 4 and _fits((found[0],) + found[2:] + found[1:2], shape):
        advice = ' Its channels come first, and the model wants them last: `np.moveaxis(x, 1, -1)`.'
    elif len(found) == 4 and _fits((found[0], found[3]) + found[1:3], shape):
        advice = ' Its channels come last, and the model wants them first: `np.moveaxis(x, -1, 1)`.'
    return f'The {what} "{name}" does not fit: expected an array of shape {tuple(shape)} (None: any size), found one of shape {found}.{advice}'  # fmt: skip


def check_lengths(arrays, labels):
    """Raise ValueError where arrays do not all have the same number of samples."""
    lengths = [array.shape[0] for array in arrays if array is not None]
    if lengths.count(lengths[0] if lengths else 0) < len(lengths):
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


def sample_weights(targets, names, sample_weight, class_weight, modes, owner):
    """The array of weights for each target: what the user gave, times the weight of the class; ones where nothing was given.

    Arguments:
        targets: list of arrays.
        names: list of the outputs' names.
        sample_weight: array, list of arrays, or dict of arrays by output name.
        class_weight: dict, class index -> weight; or a list or dict, by output name, of such dicts.
        modes: list with None or 'temporal' for each output.
        owner: the model that warns.

    Returns:
        List of arrays of shape (samples,), or (samples, steps) for 'temporal'; None stands for ones.
    """
    given = per_output(
        sample_weight, names, 'sample_weight', lambda v: not isinstance(v, (list, tuple, dict)) or _is_numbers(v)
    )
    if class_weight is not None and (not isinstance(class_weight, (dict, list, tuple)) or _is_numbers(class_weight)):
        numbers = not isinstance(class_weight, str) and np.ndim(class_weight) == 1
        advice = 'dict(enumerate(class_weight))' if numbers else _BALANCED
        raise ValueError(
            f'`class_weight` is a dict from class to weight, such as {{0: 1.0, 1: 5.0}}; got {class_weight!r}. Write {advice}.'
        )
    classes = per_output(
        class_weight, names, 'class_weight', lambda v: isinstance(v, dict) and not any(key in names for key in v)
    )
    return [_weights(*item, owner) for item in zip(targets, names, given, classes, modes)]


_BALANCED = (
    "for weights that balance the classes dict(enumerate(sklearn.utils.class_weight.compute_class_weight('balanced', "
    'classes=np.unique(y), y=y)))'
)


def _is_numbers(value):
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(np.isscalar(item) for item in value)


def _weights(target, name, given, classes, mode, owner):
    if isinstance(given, str):
        raise ValueError(
            f'`sample_weight` of output "{name}" is an array with a weight for each sample; got {given!r}. Weights that balance the classes: '
            "sklearn.utils.class_weight.compute_sample_weight('balanced', y)."
        )
    if given is not None:
        given = np.asarray(as_numbers(as_array(given), f'weights of "{name}"', owner))
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
    return given


def _class_weights(target, name, classes, mode):
    if not isinstance(classes, dict):
        raise ValueError(
            f'`class_weight` must be a dict, class index -> weight, but for output "{name}" it is {classes!r}.'
        )
    wrong = next((item for item in classes.items() if not _is_weight(item[1])), None)
    if wrong:
        raise ValueError(
            f'`class_weight` is a dict from class to weight, a number; for class {wrong[0]!r} of output "{name}" it has {wrong[1]!r}. Write for example {{0: 1.0, 1: 5.0}}.'
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
            f'`class_weight` must have a weight for every class in the data. Output "{name}" has the classes {[int(m) if float(m).is_integer() else float(m) for m in missing[:10]]} without one; given were weights for {keys.tolist()}.'
        )
    values = np.array([classes[key] for key in keys.tolist()], dtype=K.floatx())
    return values[np.searchsorted(keys, labels)]


def _is_weight(value):
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in 'fiub'


def fitting_targets(targets, specs):
    """The targets; those of class numbers without a last axis get it.

    Raises:
        ValueError: they cannot go with an output and its loss, which a framework would say in its own words.
    """
    targets = list(targets)
    for index, (target, spec) in enumerate(zip(targets, specs)):
        shape, is_sparse = spec.shape, spec.target_kind == 'sparse'
        if shape is None or spec.target_kind is None:
            continue
        wanted = shape[1:-1] + (1,) if is_sparse else shape[1:]
        if len(target.shape) == len(shape) and target.shape[1:] == wanted:
            continue
        if is_sparse and len(target.shape) == len(shape) - 1 > 1:
            targets[index] = target = _with_last_axis(target)
        if len(target.shape) != len(shape):
            raise ValueError(_target_message(target, spec, f'{len(shape)} dimensions'))
        pairs = list(zip(target.shape, shape))[1:]
        if is_sparse:
            pairs = pairs[:-1] + [(target.shape[-1], 1)]
        if any(wanted is not None and found != wanted for found, wanted in pairs):
            expected = tuple([None] + [wanted for _, wanted in pairs])
            advice = ''
            if is_sparse and tuple(target.shape[1:]) == tuple(shape[1:]):
                advice = ' One-hot classes go with the loss "categorical_crossentropy".'
            if not is_sparse and target.shape[-1] == 1 and shape[-1] not in (1, None):
                advice = (
                    ' Integer classes go with the loss "sparse_categorical_crossentropy"; for "categorical_crossentropy" make them one-hot with '
                    'utils.to_categorical(y).'
                )
            raise ValueError(_target_message(target, spec, f'the shape {expected}') + advice)
    return targets


def takes_other_ranks(feeds):
    """Whether targets may have another rank than their output: for a loss of the user's own."""
    return any(feed.kind == 'target' and feed.spec.target_kind is None for feed in feeds)


def other_ranks(data, feeds):
    """Output name -> rank of its targets, where that is not the rank of the output and the loss is one of the user's own, which may like it so.

    Arguments:
        data: the targets as they were given.
        feeds: list of Feed.
    """
    if data is None or not takes_other_ranks(feeds):
        return {}
    specs = [feed.spec for feed in feeds if feed.kind == 'target']
    ranks = {}
    for spec, item in zip(specs, _pick(data, [spec.name for spec in specs], 'target')):
        rank = len(as_array(item).shape)
        rank = 2 if rank == 1 and len(spec.shape) > 1 else rank
        if rank and rank != len(spec.shape) and spec.target_kind is None:
            ranks[spec.name] = rank
    return ranks


def _target_message(target, spec, expected):
    return f'The targets of output "{spec.name}" (loss "{spec.loss.name}") must have {expected}, as the output has; found an array of shape {tuple(target.shape)}.'  # fmt: skip


# -- tensors of the framework ---------------------------------------------------------------------------


def is_native(data):
    """Whether data, or all of the items in a list or dict of them, are tensors of the backend. Raises ValueError for a mixture."""
    if data is None or type(data) is np.ndarray:
        return False
    if is_named(data):
        data = list(data.values())
    items = to_list(data, allow_tuple=True)
    if not items or _is_numbers(items):
        return False
    native = [K.is_tensor(item) and not isinstance(item, np.ndarray) for item in items]
    if any(native) and not all(native):
        raise ValueError(
            'Do not mix tensors of the framework and arrays in one argument; got %s.'
            % [type(item).__name__ for item in items]
        )
    return all(native)
