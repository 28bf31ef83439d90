"""What an estimator is given: tables of samples and features, and targets. Checked as scikit-learn checks them, in its words."""

import numpy as np


def plain(data):
    """Data without the table around them: a DataFrame or a series as its array."""
    return data.to_numpy() if hasattr(data, 'to_numpy') else data


def _several(data):
    """Whether data are one array for each of several inputs or outputs."""
    if isinstance(data, dict) and not hasattr(data, 'tocsr'):  # a sparse matrix may be a dict
        return True
    return isinstance(data, (list, tuple)) and len(data) > 0 and all(np.ndim(plain(item)) >= 2 for item in data)


def features(x, samples):
    """The attributes that tell of the columns of a table, as a dict.

    Arguments:
        x: the table as it was given.
        samples: what `checked` made of it.
    """
    columns = getattr(x, 'columns', None)
    found = {}
    if columns is not None and all(isinstance(name, str) for name in columns):
        found['feature_names_in_'] = np.asarray(list(columns), dtype=object)
    if len(getattr(samples, 'shape', ())) == 2:
        found['n_features_in_'] = int(samples.shape[1])
    return found


def checked(x, estimator, fitting=True):
    """The samples as a model takes them.

    Arguments:
        x: table, array, or list or dict of arrays.
        estimator: who asks, for messages; and, where it is not `fitting`, what it was fitted on.
        fitting: whether these are samples to be fitted on.

    Raises:
        ValueError: if they are no samples with features, or others than those that the estimator was fitted on.
    """
    who = type(estimator).__name__
    if _several(x):
        return x
    if not fitting and hasattr(estimator, 'feature_names_in_') and hasattr(x, 'columns'):
        named, known = list(x.columns), list(estimator.feature_names_in_)
        if named != known:
            raise ValueError(
                f'The feature names should match those that were passed during fit: {who} was fitted on {known}; got {named}.'
            )
    x = plain(x)
    if hasattr(x, 'tocsr'):
        x = x.tocsr()
        _check_table(x, estimator, fitting)
        return x
    x = np.asarray(x)
    if x.dtype.kind == 'O':
        x = x.astype('float64')
    if x.dtype.kind == 'c':
        raise ValueError(f'Complex data not supported by {who}.')
    if x.dtype.kind in 'US':
        raise ValueError(f'{who} takes numbers as features; got strings ({x.dtype}).')
    if x.ndim < 2:
        raise ValueError(
            f'{who} expects a 2D array of samples and features, got one of shape {x.shape} instead. Reshape your data: '
            'array.reshape(-1, 1) if it has a single feature, array.reshape(1, -1) if it is a single sample.'
        )
    _check_table(x, estimator, fitting)
    return x


def _check_table(x, estimator, fitting):
    who = type(estimator).__name__
    for axis, what in enumerate(('sample(s)', 'feature(s)')):
        if x.shape[axis] == 0:
            raise ValueError(f'Found array with 0 {what} (shape={x.shape}) while a minimum of 1 is required by {who}.')
    count = getattr(estimator, 'n_features_in_', None)
    if not fitting and count is not None and x.ndim == 2 and x.shape[1] != count:
        raise ValueError(f'X has {x.shape[1]} features, but {who} is expecting {count} features as input.')


def checked_targets(y, x, estimator):
    """The targets as an array, or the list or dict of arrays that they are.

    Raises:
        ValueError: if there are none, or there is not one a sample.
    """
    if y is None:
        raise ValueError(
            f'{type(estimator).__name__} requires y to be passed, but the target y is None. (It should be a 1d array, or a table.)'
        )
    if _several(y):
        return y
    if hasattr(y, 'tocsr'):
        raise ValueError(f'{type(estimator).__name__} takes no sparse targets: use y.toarray().')
    y = np.asarray(plain(y))
    if y.dtype.kind == 'O' and not any(isinstance(value, str) for value in y.ravel()):
        y = np.array(y.tolist())
    if y.dtype.kind == 'f' and not np.all(np.isfinite(y)):
        raise ValueError('Input y contains NaN or infinity.')
    if y.dtype.kind == 'c':
        raise ValueError('Complex data not supported as y.')
    samples = None if _several(x) else x.shape[0]
    if samples is not None and (y.ndim == 0 or len(y) != samples):
        raise ValueError(
            f'Found {samples} samples in x, but y has the shape {y.shape}: inconsistent numbers of samples.'
        )
    return y


def checked_weights(sample_weight):
    """The weights of the samples as an array.

    Raises:
        ValueError: if all of them are zero.
    """
    weights = np.asarray(plain(sample_weight))
    if not np.any(weights):
        raise ValueError(
            'The sample weights are all zero, so there is nothing to learn from: at least one must be above zero.'
        )
    return weights


def split(y, widths, output_names):
    """Targets as a list with an array for each output.

    Arguments:
        y: array, or list or dict (by output name) of arrays.
        widths: the size of the last axis of each output.
        output_names: their names.

    Raises:
        ValueError: if they do not go into the outputs.
    """
    if isinstance(y, dict):
        if set(y) != set(output_names):
            raise ValueError(f'`y` has the names {sorted(y)}, but the outputs of the model are {sorted(output_names)}.')
        return [np.asarray(plain(y[name])) for name in output_names]
    if isinstance(y, (list, tuple)):
        y = [np.asarray(plain(part)) for part in y]
    elif len(widths) == 1:
        return [np.asarray(y)]
    elif np.ndim(y) == 2 and y.shape[1] == sum(width or 0 for width in widths):
        y = np.split(y, np.cumsum(widths)[:-1], axis=1)
    elif np.ndim(y) == 2 and y.shape[1] == len(widths):
        y = np.split(y, len(widths), axis=1)
    else:
        raise ValueError(
            f'`y` of shape {np.shape(y)} does not go into the {len(widths)} outputs of the model, which are {widths} wide: give a column for '
            'each, or a list of arrays.'
        )
    if len(y) != len(widths):
        raise ValueError(f'`y` is a list of {len(y)} arrays, but the model has {len(widths)} output(s).')
    return list(y)


def labels(y):
    """The distinct labels in an array, in order.

    Raises:
        ValueError: if it has numbers between the integers, as quantities have and labels do not.
    """
    y = np.ravel(np.asarray(y))
    if y.dtype.kind == 'f' and np.any(y != np.floor(y)):
        raise ValueError(
            'Unknown label type: continuous. A classifier needs labels: integers, strings, or a table of them.'
        )
    return np.unique(y)
