"""Whether the metrics of an output go with the targets that come, and with its shape: what else they compute means nothing."""

import numpy as np

from cthulhu import backend as K
from cthulhu import losses
from cthulhu.callers import warn_once
from cthulhu.metrics import functions
from cthulhu.metrics.targets import ONE_HOT, SPARSE, function_of, target_kind


def check_metrics(targets, specs, owner):
    """Look whether targets are what the metrics of their outputs mean.

    Arguments:
        targets: list of arrays.
        specs: list of OutputSpec.
        owner: the model that warns, once for each metric.

    Raises:
        ValueError: a metric cannot be computed of targets of that shape.
    """
    for target, spec in zip(targets, specs):
        if len(spec.shape) < 2:
            continue
        for label, metric, _ in spec.metrics:
            _check_shapes(label, metric, tuple(target.shape), spec)
            key = ('metric', label)
            if key in owner.__dict__.get('_warned', ()):
                continue
            doubt = _doubt(metric, tuple(target.shape), spec.shape) or _doubt_of_values(metric, target, spec)
            if doubt:
                told = f'The metric {_named(label, metric)} of output "{spec.name}" says nothing: {doubt}'
                if not _is_computed(metric, tuple(target.shape), spec.shape):
                    raise ValueError(told)
                warn_once(owner, key, told)


def _is_computed(metric, found, shape):
    """Whether the backend computes the metric of such targets at all."""
    by_place = functions.categorical_accuracy, functions.top_k_categorical_accuracy
    return K.supports('broadcasting') or function_of(metric) in by_place or not _is_of_class_numbers(found, shape)


def _named(label, metric):
    function = getattr(function_of(metric), '__name__', label)
    return f'"{label}"' if label.endswith(function) else f'"{label}" ({function})'


def _is_of_class_numbers(found, shape):
    return len(found) == len(shape) and found[-1] == 1 and shape[-1] not in (1, None)


def _check_shapes(label, metric, found, spec):
    kind, shape = target_kind(metric), spec.shape
    if kind == 'sparse' and len(found) == len(shape) and found[-1] != 1:
        problem = 'takes class numbers, in a last axis of 1'
        advice = f'For one-hot classes take "accuracy", which goes by the loss, or "{ONE_HOT[function_of(metric)]}".'
    elif kind == 'equal' and not _may_be_equal(found, shape):
        problem = f'compares each value with one of the output, whose shape is {shape}'
        advice = 'Give targets of the shape of the output.'
        if _is_of_class_numbers(found, shape):
            advice = (
                f'For class numbers take "accuracy"; for this metric make them one-hot, `utils.to_categorical(y, {shape[-1]})`, with the loss '
                '"categorical_crossentropy".'
            )
    else:
        return
    raise ValueError(
        f'The metric {_named(label, metric)} of output "{spec.name}" {problem}, but the targets have the shape {found}. {advice}'
    )


def _may_be_equal(found, shape):
    """Whether there may be as many values a sample in targets and output."""
    if None in shape[1:]:
        return len(found) != len(shape) or all(n in (m, None) for m, n in list(zip(found, shape))[1:])
    return np.prod(found[1:], dtype=int) == np.prod(shape[1:], dtype=int)


def _doubt(metric, found, shape):
    """Why the figure of a metric means nothing beside targets and an output of these shapes; None if it may mean something."""
    kind, function = target_kind(metric), function_of(metric)
    if shape[-1] == 1 and (kind in ('sparse', 'one_hot')):
        return (
            'it looks for the greatest of several units, and the output has one. For a yes or no take "accuracy" or "binary_accuracy" (or '
            '"binary_crossentropy"); for classes, as many units as there are classes.'
        )
    if kind not in ('one_hot', 'same') or not _is_of_class_numbers(found, shape):
        return None
    instead = SPARSE[function] if kind == 'one_hot' else 'accuracy'
    return (
        f'it is for targets of the shape of the output, {shape}, and they have the shape {found}, one value for all {shape[-1]} units. If they are '
        f'class numbers take "{instead}", or make them one-hot, `utils.to_categorical(y, {shape[-1]})`, with the loss "categorical_crossentropy".'
    )


def _doubt_of_values(metric, target, spec):
    """Why an accuracy means nothing of these targets: they are quantities, not classes."""
    function = function_of(metric)
    if function not in (functions.binary_accuracy, functions.categorical_accuracy):
        return None
    if not isinstance(target, np.ndarray) or target.dtype.kind != 'f':
        return None
    target = target[:1000]  # these tell what kind of values there are
    values = target[np.isfinite(target)]
    parts = values[np.floor(values) != values]
    if not parts.size:
        return None
    several = function is functions.categorical_accuracy
    if several and (losses.is_categorical_crossentropy(spec.loss) or _are_shares(target)):
        return None  # classes with some doubt about them, such as smoothed labels
    counts = 'where the greatest value is' if several else 'predictions that are, rounded, equal to the targets'
    return (
        f'it counts {counts}, and there is {parts[0]} among the targets. For quantities take "mae", how far off the predictions are; for a yes or '
        'no the targets are 0 and 1.'
    )


def _are_shares(target):
    """Whether the values of the last axis are shares of one whole."""
    return bool(target.min() >= 0) and np.allclose(target.sum(axis=-1), 1, atol=1e-2)
