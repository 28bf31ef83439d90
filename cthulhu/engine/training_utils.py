"""Keras's path for what prepares data and losses for training: each function is a door to what does it here."""

import itertools
import types

import numpy as np

from cthulhu import backend as K
from cthulhu import losses, metrics
from cthulhu.engine import standardize
from cthulhu.utils.generic_utils import slice_arrays, to_list
from cthulhu.utils.sequence import Sequence

__all__ = [
    'batch_shuffle',
    'check_array_length_consistency',
    'check_loss_and_target_compatibility',
    'check_num_samples',
    'collect_metrics',
    'get_loss_function',
    'get_metric_name',
    'is_generator_or_sequence',
    'is_sequence',
    'iter_sequence_infinite',
    'make_batches',
    'slice_arrays',
    'standardize_class_weights',
    'standardize_input_data',
    'standardize_sample_weights',
    'standardize_weights',
    'weighted_masked_objective',
]

# -- data --------------------------------------------------------------------------------------------------


def standardize_input_data(data, names, shapes=None, check_batch_axis=True, exception_prefix=''):
    """Bring what a user gave as data into a list of arrays.

    Arguments:
        data: array, list of arrays, dict of arrays by name, or None, which stands for None for each name.
        names: list of strings.
        shapes: list of tuples with the batch axis (None where open), or None where any shape will do; None for any shape at all.
        check_batch_axis: whether the batch axis is held against the shape, too.
        exception_prefix: what the data are called in messages: 'input' or 'target'.

    Returns:
        List with an array for each name. One-dimensional data get a second axis of size 1.

    Raises:
        ValueError: if the number, the names or a shape of the arrays do not fit.
    """
    if data is None:
        return [None for _ in names]
    if standardize.is_native(data) and not isinstance(data, dict):
        return to_list(data, allow_tuple=True)
    what, flat = exception_prefix or 'input', [False] * len(names)
    arrays = standardize.standardize(
        data, names, list(shapes or [None] * len(names)), what, types.SimpleNamespace(), flat
    )
    for name, array, shape in zip(names, arrays, shapes or ()):
        if check_batch_axis and shape is not None and shape[0] not in (None, array.shape[0]):
            raise ValueError(
                f'The {what} "{name}" does not fit: expected {shape[0]} samples, found an array of shape {tuple(array.shape)}.'
            )
    return arrays


def standardize_sample_weights(sample_weight, output_names):
    """A list with the weights of samples for each output, None where there are none.

    Arguments:
        sample_weight: None, array, list of arrays, or dict of arrays by output name.
        output_names: list of strings.
    """
    return standardize.per_output(
        sample_weight, output_names, 'sample_weight', lambda value: not isinstance(value, (list, tuple, dict))
    )


def standardize_class_weights(class_weight, output_names):
    """A list with the weights of classes for each output, None where there are none.

    Arguments:
        class_weight: None, dict from class to weight, or a list or dict, by output name, of such dicts.
        output_names: list of strings.
    """
    return standardize.per_output(
        class_weight,
        output_names,
        'class_weight',
        lambda value: isinstance(value, dict) and not any(key in output_names for key in value),
    )


def standardize_weights(y, sample_weight=None, class_weight=None, sample_weight_mode=None):
    """The array of weights of the samples of an output, those of their classes included; ones where nothing is given.

    Arguments:
        y: array of targets.
        sample_weight: array (samples,), or (samples, steps) for the mode 'temporal'; or None.
        class_weight: dict from class to weight, or None.
        sample_weight_mode: 'temporal' or None.

    Raises:
        ValueError: if the weights do not go with the targets.
    """
    if sample_weight_mode not in (None, 'temporal'):
        raise ValueError(f"`sample_weight_mode` must be None or 'temporal'; got {sample_weight_mode!r}.")
    if sample_weight_mode == 'temporal' and len(y.shape) < 3:
        raise ValueError(
            f"sample_weight_mode='temporal' weights the steps of targets of 3 dimensions or more; these have the shape {tuple(y.shape)}."
        )
    (weights,) = standardize.sample_weights(
        [y], ['output'], sample_weight, class_weight, [sample_weight_mode], types.SimpleNamespace()
    )
    return np.ones(y.shape[: 2 if sample_weight_mode else 1], K.floatx()) if weights is None else weights


def check_array_length_consistency(inputs, targets, weights=None):
    """Raise ValueError unless all inputs, targets and weights have one number of samples; what is None has none.

    Arguments:
        inputs, targets, weights: lists of arrays, or None.
    """
    lengths = [
        [0] if arrays is None else [0 if array is None else int(array.shape[0]) for array in arrays]
        for arrays in (inputs, targets, weights)
    ]
    if len(set(itertools.chain(*lengths))) > 1:
        raise ValueError(
            'All inputs, targets and sample weights must have the same number of samples, but the inputs have {}, the targets {}, the weights {}.'.format(
                *lengths
            )
        )


def check_num_samples(ins, batch_size=None, steps=None, steps_name='steps'):
    """How many samples there are in the first array; None where the number of steps says how much is to be done.

    Raises:
        ValueError: if both a batch size and steps are given, or tensors without steps.
    """
    if steps is not None:
        if batch_size is not None:
            raise ValueError(f'If `{steps_name}` is set, `batch_size` must be None; got {batch_size!r}.')
        return None
    if not ins or any(K.is_tensor(x) for x in ins):
        raise ValueError(f'Tensors of the framework have no number of samples: give `{steps_name}`.')
    return int(ins[0].shape[0]) if hasattr(ins[0], 'shape') else None


def make_batches(size, batch_size):
    """The (start, stop) of each batch of `size` samples; the last batch may be smaller.

    >>> make_batches(10, 4)
    [(0, 4), (4, 8), (8, 10)]
    """
    return [(start, min(start + batch_size, size)) for start in range(0, size, batch_size)]


def batch_shuffle(index_array, batch_size):
    """Indices in a new order in which those of a whole batch stay together; what is left over for a whole one stays last."""
    whole = len(index_array) // batch_size * batch_size
    batches = np.array(index_array[:whole]).reshape(-1, batch_size)
    np.random.shuffle(batches)
    return np.concatenate([batches.ravel(), index_array[whole:]])


# -- streams -----------------------------------------------------------------------------------------------


def is_sequence(seq):
    """Whether an object is a Sequence, or has all that one has."""
    return isinstance(seq, Sequence) or all(hasattr(seq, name) for name in ('__getitem__', '__len__', 'on_epoch_end'))


def is_generator_or_sequence(x):
    """Whether an object is a generator or a Sequence."""
    return isinstance(x, types.GeneratorType) or is_sequence(x)


def iter_sequence_infinite(seq):
    """The batches of a Sequence, again and again."""
    while True:
        yield from seq


# -- losses and metrics ------------------------------------------------------------------------------------


def get_loss_function(loss):
    """The loss object of a name, a configuration or a function; objects, and None, as they are."""
    found = losses.get(loss)
    if found is None or isinstance(found, losses.Loss) or not hasattr(found, '__name__'):
        return found
    return losses.LossFunctionWrapper(found, name=found.__name__)


# The losses that Keras holds targets against the output for: as objects.
_OF_ONE_SHAPE = losses.mean_squared_error, losses.binary_crossentropy, losses.categorical_crossentropy


def check_loss_and_target_compatibility(targets, loss_fns, output_shapes):
    """Raise ValueError for targets whose shape their loss cannot mean.

    Arguments:
        targets: list of arrays, or None.
        loss_fns: list of losses (objects or functions), or None.
        output_shapes: list of the shapes of the outputs.
    """
    for index, (y, loss, shape) in enumerate(zip(targets, loss_fns, output_shapes)):
        if y is None or loss is None:
            continue
        shown = f'The targets of output {index} have the shape {tuple(y.shape)}'
        if losses.is_categorical_crossentropy(loss) and y.shape[-1] == 1:
            raise ValueError(
                f'{shown}, but the loss "categorical_crossentropy" takes one-hot classes: make them with utils.to_categorical(y), or use '
                '"sparse_categorical_crossentropy".'
            )
        fits = all(wanted in (None, found) for found, wanted in zip(y.shape[1:], shape[1:]))
        if getattr(loss, 'fn', None) in _OF_ONE_SHAPE and not fits:
            raise ValueError(
                f'{shown}, but the loss "{loss.name}" takes those of the shape of the output, {tuple(shape)}.'
            )


def weighted_masked_objective(fn):
    """The function of (targets, predictions, weights, mask=None) that gives the mean of a loss over what is neither masked nor weighs nothing.

    Arguments:
        fn: function of (targets, predictions) that gives the loss of each sample or step; None gives None.
    """
    if fn is None:
        return None

    def weighted(y_true, y_pred, weights, mask=None):
        score = fn(y_true, y_pred)
        if mask is not None:
            mask = K.cast(mask, K.floatx())
            score = K.multiply_no_nan(score, mask) / (K.mean(mask) + K.epsilon())
        if weights is not None:
            inner = list(range(K.ndim(weights), K.ndim(score)))
            score = K.mean(score, axis=inner) if inner else score
            score = K.multiply_no_nan(score, weights) / K.mean(K.cast(K.not_equal(weights, 0), K.floatx()))
        return K.mean(score)

    return weighted


def get_metric_name(metric, weighted=False):
    """The name of a metric: of one given by name that name, whether or not it is weighted."""
    if isinstance(metric, str):
        return metric
    found = metrics.get(metric)
    return found.name if hasattr(found, 'name') else found.__name__


def collect_metrics(metrics, output_names):
    """A list with the list of metrics of each output.

    Arguments:
        metrics: None; list of metrics, which each output gets; or dict by output name, of a metric or a list of them.
        output_names: list of strings.
    """
    if not metrics:
        return [[] for _ in output_names]
    if isinstance(metrics, list):
        return [list(metrics) for _ in output_names]
    if isinstance(metrics, dict):
        return [to_list(metrics.get(name, [])) for name in output_names]
    raise TypeError(f'`metrics` must be a list, or a dict by output name; got {metrics!r}.')
