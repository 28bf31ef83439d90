"""What is looked for in data before they are learnt from: numbers that are none, class numbers that there are not, labels that a loss does not mean.

Each array is looked through once a call, and what is well is found so by sums, least and greatest values.
"""

import numbers
import warnings

import numpy as np

from cthulhu import losses
from cthulhu.callers import warn_once
from cthulhu.utils.reprs import short

# -- arrays of numbers -------------------------------------------------------------------------------------


def of_lists(data):
    """The array of nested lists; one of Python objects where rows differ in length, of which `as_numbers` says so."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # what older NumPy warns of, newer raises
        try:
            return np.asarray(data)
        except ValueError:
            rows = np.empty(len(data), object)
            rows[:] = list(data)
            return rows


def of_table(table):
    """The array of a DataFrame or series, of pandas or polars.

    Raises:
        ValueError: for columns that hold no numbers, by their names.
    """
    array = table.to_numpy()
    if not hasattr(table, 'columns') or array.dtype.kind in 'fiub':
        return array
    columns = {name: np.asarray(table[name].to_numpy()) for name in table.columns}
    found = {name: _no_number(column) for name, column in columns.items() if _no_number(column) is not None}
    if not found:
        return array
    first = next(iter(found))
    if all(columns[name].dtype.kind in 'Mm' for name in found):
        raise ValueError(
            f'The table has columns of dates: {list(found)!r}. Make numbers of them first, such as days since the first: '
            f'`(df[{first!r}] - df[{first!r}].min()).dt.days`.'
        )
    listed = ', '.join(f'{name!r} (such as {short(item, 40)})' for name, item in found.items())
    raise ValueError(
        f'The table has columns that are not numbers: {listed}. Leave them out, `df.drop(columns={list(found)!r})`; or make numbers of them: a column of 0 '
        f'and 1 for each value, `pd.get_dummies(df, columns=[{first!r}])`, or one index a value, `df[{first!r}].astype("category").cat.codes`.'
    )


def _is_number(item):
    return isinstance(item, (numbers.Real, np.bool_))


def _no_number(column):
    """The first value in a column that neither is a number nor says that one is missing; None where there is none."""
    if column.dtype.kind in 'fiub' or not len(column):
        return None
    if column.dtype.kind != 'O':
        return column[0]
    return next((item for item in column if not _is_number(item) and not _is_missing(item)), None)


def _is_missing(item):
    return item is None or type(item).__name__ in ('NAType', 'NaTType')


def as_numbers(array, label, owner):
    """An array of numbers, from one of Python objects that are numbers, or from a masked one (NaN where it is masked, with a warning).

    Arguments:
        array: what has a shape and a dtype.
        label: what it is called in messages, such as 'input "x"'.
        owner: the model that warns.

    Raises:
        ValueError: for dates, texts, complex numbers, or objects that are no numbers.
    """
    if type(array) is np.ndarray and array.dtype.kind in 'fiub':
        return array
    if isinstance(array, np.ma.MaskedArray):
        if np.ma.is_masked(array):
            warn_once(
                owner,
                ('masked', label),
                f'The {label} is a masked array: its {int(np.ma.getmaskarray(array).sum())} masked values are taken for NaN. To leave steps out of the '
                'computation use a Masking layer; to leave samples out of the loss, `sample_weight`.',
            )
            array = array.astype('float64') if array.dtype.kind != 'f' else array
            return array.filled(np.nan)
        return array.data
    kind = getattr(getattr(array, 'dtype', None), 'kind', 'f')
    if kind == 'O':
        return _of_objects(np.asarray(array), label)
    if kind not in 'fiubV' or kind == 'V' and array.dtype.names:
        what = {'M': 'dates', 'm': 'times', 'U': 'texts', 'S': 'texts', 'c': 'complex numbers'}.get(kind, 'records')
        advice = _ADVICE.get(what, _ADVICE[None])
        if what == 'texts' and array.size:
            advice = _advice_for_texts(np.asarray(array[:100]).flat, label)
        raise ValueError(f'The {label} is an array of {what} (dtype {array.dtype}), not of numbers. {advice}')
    return array


_ADVICE = {
    'texts': 'Number the words that are classes: `classes, y = np.unique(y, return_inverse=True)`; make sequences of numbers of texts: preprocessing.text.Tokenizer.',
    'dates': 'Make numbers of them first, such as days since a date.',
    None: 'Make numbers of them first.',
}


def _advice_for_texts(texts, label):
    try:
        for text in texts:
            float(text)
    except ValueError:
        return _ADVICE['texts']
    name = {'input': 'x', 'target': 'y'}.get(label.split()[0], 'array')
    return f'These texts are of numbers: make such of them, `{name}.astype("float32")`.'


def _of_objects(array, label):
    if not array.shape and not _is_number(array.item()):
        thing = array.item()
        flows = hasattr(thing, 'flow') and hasattr(thing, 'flow_from_directory')
        raise ValueError(
            f'The {label} is {thing!r} ({type(thing).__name__}), not an array of numbers'
            + (': give what its `flow(x, y)` or `flow_from_directory(folder)` returns.' if flows else '.')
        )
    for place, item in np.ndenumerate(array):
        if not _is_number(item):
            if isinstance(item, str):
                found = f'at {_place(place)} there is {item!r}. {_advice_for_texts([item], label)[:-1]}'
            elif isinstance(item, (list, tuple, np.ndarray)):
                found = 'rows of different lengths give such arrays. Pad them to one length, for example with preprocessing.sequence.pad_sequences'
            else:
                found = f'at {_place(place)} there is {item!r} ({type(item).__name__}); fill in what is missing, and make numbers of the rest'
            raise ValueError(
                f'The {label} is an array of Python objects (shape {array.shape}), not of numbers: {found}.'
            )
    whole = all(isinstance(item, (numbers.Integral, np.bool_)) for item in array.flat)
    return array.astype('int64' if whole else 'float64')


# -- NaN and infinite numbers ------------------------------------------------------------------------------


def warn_of_nan(arrays, labels, weights, owner):
    """Warn, once for each of `labels`, where an array has NaN or infinite numbers: of how many, and where the first one is.

    Arguments:
        arrays: list of arrays or None.
        labels: list of strings.
        weights: for each of `arrays` the weights of its samples (or steps), or None; what weighs 0 may be anything.
        owner: the model that warns.
    """
    warned = owner.__dict__.get('_warned', ())
    for array, label, weight in zip(arrays, labels, weights):
        if array is None or warned and ('not finite', label) in warned:
            continue
        values = array.data if type(array) is not np.ndarray and hasattr(array, 'tocsr') else array
        if not isinstance(values, np.ndarray) or values.dtype.kind != 'f' or _is_finite(values):
            continue
        bad = ~np.isfinite(values)
        if weight is not None and values is array:
            counts = weight != 0
            bad &= counts.reshape(counts.shape + (1,) * (bad.ndim - counts.ndim))
            if not bad.any():
                continue
        first = tuple(np.argwhere(bad)[0])
        where = '' if values is not array else f', the first one at {_place(first)}'
        warn_once(
            owner,
            ('not finite', label),
            f'The {label} has {int(bad.sum())} value(s) that are NaN or infinite{where} ({values[first]}). Where neither a mask nor a weight of 0 takes them '
            'out they make the loss NaN, and training loses all weights.',
        )


def _is_finite(values):
    if values.size < 10000:  # of a few values a sum is not found sooner
        return bool(np.logical_and.reduce(np.isfinite(values), axis=None))
    with np.errstate(all='ignore'):
        total = values.sum(dtype='float32' if values.dtype == 'float16' else None)
    return bool(np.isfinite(total)) or bool(np.isfinite(values).all())


def _place(index):
    names = ('row', 'column') if len(index) == 2 else ('row',)
    named = [f'{name} {int(i)}' for name, i in zip(names, index)]
    rest = [int(i) for i in index[len(names) :]]
    return ', '.join(named) + (f', index {tuple(rest)}' if rest else '')


# -- labels ------------------------------------------------------------------------------------------------


def check_labels(targets, weights, specs, owner):
    """Look whether targets are what their losses mean.

    Arguments:
        targets: list of arrays.
        weights: list of arrays or None, for each of `targets`; what weighs 0 may be anything.
        specs: list of OutputSpec; the targets of one that has a mask are looked at where the loss is computed.
        owner: the model that warns.

    Raises:
        ValueError: for class numbers that are not whole or that the output has no class for.
    """
    for target, weight, spec in zip(targets, weights, specs):
        if spec.loss is None or spec.mask is not None or not isinstance(target, np.ndarray) or not target.size:
            continue
        if spec.target_kind == 'sparse':
            classes = spec.shape[-1] if losses.class_axis(spec.loss) in (-1, len(spec.shape) - 1) else None
            problem = not_indices(target, classes)
            if problem:
                counts = np.ones(target.shape, bool)
                if weight is not None:
                    counts[weight == 0] = False
                if getattr(spec.loss, 'ignore_class', None) is not None:
                    counts &= target != spec.loss.ignore_class
                problem = not_indices(target[counts], classes)
            if problem:
                raise ValueError(
                    f'The targets of output "{spec.name}" (loss "{spec.loss.name}") must be class numbers{_range(classes)}, but there is {problem} among them.'
                )
        elif spec.target_kind == 'binary':
            low, high = target.min(), target.max()
            if low < 0 or high > 1:
                warn_once(
                    owner,
                    ('labels', spec.name),
                    f'The targets of output "{spec.name}" (loss "{spec.loss.name}") go from {low} to {high}, and this loss is for values from 0 to 1: outside '
                    'of them it has no least value. Make -1 and 1 to 0 and 1, divide pixels by 255, or use another loss.',
                )


def _range(size):
    return '' if size is None else f' from 0 to {size - 1}'


def not_indices(array, size):
    """The first value in an array that is no index into `size` things (None: any number of them), as a text; None where all are."""
    if not array.size:
        return None
    if array.dtype.kind == 'f':
        whole = np.floor(array) == array
        if not whole.all():
            return repr(array[~whole].flat[0].item())
    low, high = array.min(), array.max()
    if low < 0:
        return repr(low.item())
    return repr(high.item()) if size is not None and high >= size else None


def warn_of_weights(weights, labels, owner):
    """Warn, once for each of `labels`, of weights below 0."""
    for weight, label in zip(weights, labels):
        if weight is not None and weight.size and weight.min() < 0:
            warn_once(
                owner,
                ('negative', label),
                f'The {label} go down to {weight.min()}: what has a negative weight is trained away from its target, and without an end.',
            )
