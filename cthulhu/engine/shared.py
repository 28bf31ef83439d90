"""Training, evaluation and prediction that several processes share: who has which part of the data, and what they agree on. `shared_step` has the steps."""

import threading
import zlib

import numpy as np

from cthulhu import backend as K
from cthulhu.engine import adapters
from cthulhu.utils.generic_utils import unique

_local = threading.local()


def is_shared():
    """Whether several processes train together."""
    group = K.rank_group()
    return group is not None and group.count > 1


def is_first():
    """Whether this process speaks and writes for all: rank 0, or one that trains alone."""
    return not is_shared() or K.rank_group().rank == 0


def share(adapter, model):
    """Have an Adapter give this process's share of each batch, if several train together; the whole of it where the model keeps the states of samples."""
    if is_shared() and not model.stateful:
        group = K.rank_group()
        adapter.shard = (group.rank, group.count)
        if not isinstance(adapter, adapters.StepsAdapter):
            return adapter
        raise NotImplementedError(
            'Tensors of the framework as data are not shared between machines: give arrays, an HDF5 file, a Sequence, a generator or a dataset.'
        )
    return adapter


def begin(model, what, facts):
    """See that all ranks are about to do the same with the same model, and have rank 0's weights.

    Arguments:
        model: the model.
        what: str, the method.
        facts: dict of what has to be the same on all ranks: texts and numbers by name.

    Raises:
        ValueError: a rank differs; the message names it.
    """
    group = K.rank_group()
    weights = model.weights
    own = dict(facts)
    own['method'], own['backend'], own['float type'] = what, K.backend(), K.floatx()
    layers = [
        layer for layer in model.all_layers() if not hasattr(layer, 'layers') and type(layer).__name__ != 'InputLayer'
    ]
    for number, layer in enumerate(reversed(layers), 1):
        activation = getattr(layer, 'activation', None)
        own[f'layer number {number}'] = f'{type(layer).__name__} {_name_of(activation)}'.strip()
    if what != 'predict':
        for number, spec in enumerate(model.conjuring.specs):
            own[f'the loss of output number {number}'] = f'{spec.loss_weight} * {_name_of(spec.loss)}'
        own['optimizer'] = type(model.optimizer).__name__
    own['weights of the model'] = [[list(K.int_shape(w)), K.dtype(w)] for w in weights]
    values = K.batch_get_value(weights)
    checksum = _checksum(values)
    told = group.exchange([own, checksum], 'the beginning of a call')
    for rank, (theirs, _) in enumerate(told):
        for name, value in told[0][0].items():
            if theirs.get(name) != value:
                raise ValueError(
                    f'Rank {rank} does not run what rank 0 runs: {name} is {_short(theirs.get(name))} there, and {_short(value)} on rank 0.'
                )
    if any(theirs != told[0][1] for _, theirs in told):
        set_alike(weights, values)


def _checksum(values):
    checksum = 0
    for value in values:
        checksum = zlib.crc32(np.ascontiguousarray(value), checksum)
    return checksum


def _name_of(thing):
    """What a function, or an object that has one, is called: str."""
    function = getattr(thing, 'fn', thing)
    return '' if thing is None else getattr(function, '__name__', type(function).__name__)


def _short(value):
    text = repr(value)
    return text if len(text) < 80 else f'another ({len(value)} of them)' if hasattr(value, '__len__') else text[:80]


def set_alike(variables, values=None):
    """Give variables the values that they have on rank 0."""
    if variables:
        values = K.batch_get_value(variables) if values is None else values
        K.batch_set_value(list(zip(variables, from_first(values))))


def from_first(values):
    """The arrays of rank 0, on all ranks, which have such of the same shapes."""
    arrays = [np.asarray(value) for value in values]
    dtypes = [a.dtype for a in arrays]
    wide = [a.astype(_wide(a.dtype)) for a in arrays]
    if K.rank_group().rank:
        wide = [np.zeros_like(a) for a in wide]
    return [a.astype(dtype) for a, dtype in zip(K.sum_arrays_over_ranks(wide), dtypes)]


def _wide(dtype):
    """The dtype in which values of another one are added up."""
    if dtype.kind in 'biu':
        return np.dtype('int32' if dtype.itemsize < 4 else 'int64')
    return np.dtype('float64' if dtype == 'float64' else 'float32')


def begin_run(model, told, adapter, validation):
    """Before a training: see that the ranks agree.

    Returns:
        Function that has all ranks agree, after a batch, whether the rest of them shall be left out; where no callback can ask for it, they are not.
    """
    facts = facts_of(adapter)
    facts.update(epochs=told.params['epochs'], validation=None if validation is None else facts_of(validation.adapter))
    begin(model, 'summon', facts)
    if adapter.arrays is not None:
        kinds = [feed.kind for feed in model.conjuring.program.feeds]
        targets = [a for kind, a in zip(kinds, adapter.arrays) if kind == 'target' and a is not None]
        adapters.see_that_all_have([a[:64] for a in targets], 'The data have other targets in their first rows')
    told.first_random_step = K.random_step()
    if not any(K.rank_group().exchange(told.wants_batches, 'the beginning of `summon`')):
        return lambda: False

    def stop():
        told.model.stop_training = any(K.rank_group().exchange(bool(told.model.stop_training), 'the end of a batch'))
        return told.model.stop_training

    return stop


def facts_of(adapter):
    """What has to be the same of the data of all ranks: a dict."""
    if adapter.is_share:
        return {'data': 'a share each'}
    return {'samples': adapter.samples, 'batch_size': adapter.batch_size, 'steps': adapter.steps}


def begin_training(model, told, adapter):
    """After the callbacks have begun, and perhaps taken up an interrupted run on rank 0: have all ranks begin as it does."""
    moved = K.random_step() - told.first_random_step  # by what took up a run
    set_alike(unique(list(model.weights) + state_of_optimizer(model)))
    begun = [told.params.initial_epoch, adapter.position, bool(model.stop_training), moved]
    begun = K.rank_group().first(begun, 'the beginning of `summon`')
    told.params.initial_epoch, adapter.position, model.stop_training, moved = begun
    K.set_random_step(told.first_random_step + moved)


def state_of_optimizer(model):
    """The variables of a model's optimizer, such as its learning rate and moments: list."""
    state = model.conjuring.optimizer_state()
    variables = list(model.optimizer.weights if state is None else state.weights)
    for optimizer in (model.optimizer, getattr(model.optimizer, 'inner_optimizer', None)):
        if optimizer is not None:
            variables += [value for _, value in sorted(vars(optimizer).items()) if K.is_variable(value)]
    return unique(variables)


def end_epoch(model):
    """After an epoch: `stop_training`, set on one rank, counts on all.

    Raises:
        ValueError: the learning rate, or a weight, is not the same on all.
    """
    rate = getattr(model.optimizer, 'learning_rate', None)
    rate = repr(float(K.get_value(rate))) if K.is_variable(rate) else None  # a text: one NaN is like another
    values = K.batch_get_value(model.weights)
    found = K.rank_group().exchange([bool(model.stop_training), rate, _checksum(values)], 'the end of an epoch')
    for rank, (_, theirs, _) in enumerate(found):
        if theirs != found[0][1]:
            raise ValueError(
                f'After the epoch the learning rate is {theirs} on rank {rank}, and {found[0][1]} on rank 0: a callback that changes it has to be there on all.'
            )
    model.stop_training = any(stops for stops, _, _ in found)
    if any(theirs != found[0][2] for _, _, theirs in found):
        _see_what_differs(model, values)


def _see_what_differs(model, values):
    """Processors of other kinds may round otherwise: then rank 0's weights count. More than that is an error."""
    firsts = from_first(values)
    differ = [
        w.name for w, a, b in zip(model.weights, values, firsts) if not np.allclose(a, b, 1e-3, 1e-4, equal_nan=True)
    ]
    for rank, names in enumerate(K.rank_group().exchange(differ[:3], 'the end of an epoch')):
        if names:
            raise ValueError(
                f'After the epoch rank {rank} has other weights than rank 0 ({", ".join(names)}): what changes them, the learning rate or the optimizer in the '
                'course of an epoch, such as a callback, has to be there on all ranks; and what a layer keeps in integers must not depend on the samples.'
            )
    K.batch_set_value(list(zip(model.weights, firsts)))


def with_others(adapter):
    """The Batches of an Adapter whose source is this rank's own share: with how many samples the others have.

    A rank whose data have ended has none of the batches that the others still have.
    """
    group = K.rank_group()
    seen, kept = 0, None
    own = adapter.batches()
    try:
        while True:
            batch = next(own, None)
            sizes = group.exchange(None if batch is None else int(batch.size), 'the next batch')
            if all(size is None for size in sizes):
                adapter.ended = any(group.exchange(adapter.ended, 'the end of the data'))
                return
            sizes = [size or 0 for size in sizes]
            if batch is not None and batch.size:
                kept = [None if a is None else a[:1] for a in batch.feeds]
            elif kept is None:
                raise ValueError(f'Rank {group.rank} has no data, so that it cannot take part.')
            feeds = batch.feeds if batch is not None and batch.size else kept
            yield adapters.Batch(sum(sizes), seen, feeds=feeds, own=sizes[group.rank], first=sum(sizes[: group.rank]))
            seen += sum(sizes)
    finally:
        own.close()


def together(parts):
    """The arrays of all rows (under `keep_shares` of those of this rank), of what the ranks have: `parts` is a list of (Batch, list of the outputs for this rank's share of it).

    Raises:
        ValueError: an output has not one row for each sample.
    """
    pieces = []
    for batch, values in parts:
        # What an output gives for a share is that of each of its samples.
        values = [np.asarray(value) if np.ndim(value) else np.full(max(batch.own, 1), value) for value in values]
        for value in values:
            if len(value) != max(batch.own, 1):
                raise ValueError(
                    f'An output has {len(value)} rows for {batch.own} samples, so that what the ranks have of it cannot be put together. Predict on one machine.'
                )
        pieces.append((batch.start + batch.first, [value[: batch.own] for value in values]))
    kept = getattr(_local, 'kept', None)
    if kept is not None:
        kept.rows = [row for start, values in pieces for row in range(start, start + len(values[0]))]
        return [np.concatenate(rows) for rows in zip(*[values for _, values in pieces])]
    total = max(batch.start + batch.size for batch, _ in parts)
    whole = [np.zeros((total,) + value.shape[1:], _wide(value.dtype)) for value in pieces[0][1]]
    for start, values in pieces:
        for array, value in zip(whole, values):
            array[start : start + len(value)] = value
    return [a.astype(value.dtype) for a, value in zip(K.sum_arrays_over_ranks(whole), pieces[0][1])]


class keep_shares:
    """Context in which `predict` gives each rank the rows that it computed itself, and sends nothing to the others.

    Attributes:
        rows: after a `predict`, the numbers of the samples that these rows are of: list of int.

    Example:
        >>> with keep_shares() as kept:
        ...     found = model.predict(x)
        >>> np.save(f'part{rank()}.npy', found), np.save(f'rows{rank()}.npy', kept.rows)
    """

    rows = ()

    def __enter__(self):
        self._outer, _local.kept = getattr(_local, 'kept', None), self
        return self

    def __exit__(self, *error):
        _local.kept = self._outer


def writers_on_first(callbacks):
    """The callbacks that this rank has: those that write for the whole run are rank 0's, and the library's others are silent elsewhere."""
    if is_first():
        return callbacks
    for callback in callbacks:
        if type(callback).__module__.startswith('cthulhu.') and getattr(callback, 'verbose', 0):
            callback.verbose = 0
    return [callback for callback in callbacks if not getattr(callback, 'writes', False)]
