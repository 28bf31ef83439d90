"""Training, evaluation and prediction that several processes share: what each does with its part of a batch, and what they agree on.

A step on a share gives the numbers of the whole batch: every loss is weighted so that the sum over the ranks is that of the batch, and one
exchange adds up the loss, the gradients, and what metrics and layers take from the batch. So weights, states and logs are equal on all ranks.
"""

import logging
import zlib

import numpy as np

from cthulhu import backend as K
from cthulhu import losses
from cthulhu.backend import meta
from cthulhu.callers import warn_once
from cthulhu.engine import adapters
from cthulhu.engine.step import Feed, Step
from cthulhu.optimizers.joint import joining
from cthulhu.utils.generic_utils import unique
from cthulhu.utils.losses_utils import what_counts

_log = logging.getLogger('cthulhu')


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


# -- the step --------------------------------------------------------------------------------------------------


class SharedStep:
    """A step of training or testing, of which each rank computes its share: called as a Step, with the whole batch, or by `on` with a share.

    Arguments:
        program: the Program.
        training: bool.
    """

    goes_ahead = False

    def __init__(self, program, training):
        conjuring = program.conjuring
        if program.native:
            raise NotImplementedError('Tensors of the framework as data are not shared between machines: give arrays.')
        self._is_whole = conjuring.model.stateful
        if self._is_whole:
            warn_once(
                conjuring.model,
                'shares',
                f'Model "{conjuring.model.name}" keeps the states of samples from batch to batch, so that each machine computes every batch as a whole: the numbers are '
                'right, and nothing is gained by having several.',
            )
        self.name, self.feeds = 'train_function' if training else 'test_function', program.feeds
        self._group, self._model, self._has_begun = K.rank_group(), conjuring.model, False
        self._specs = [spec for spec in program.specs if spec.loss is not None]
        layers = conjuring.model.all_layers() if training else ()
        self._synchronized = [layer.name for layer in layers if getattr(layer, 'synchronized', False)]
        # The share of the samples, what a sum over them counts, then for each loss the share of what counts in it.
        self._shares = K.placeholder((2 + len(self._specs),), name='shares')
        made = _Parts(program, self._specs, self._shares, training)
        feeds = [*program.feeds, Feed('shares', 'shares', self._shares)]
        further = conjuring.frozen_layers, conjuring.function_arguments, 1
        self._step = Step(self.name, feeds, [made.loss], made.updates, made.results, int(training), *further)
        counted = [(place, x) for place, spec in enumerate(self._specs, 2) for x in _counted(spec)]
        self._counts, self._places = None, np.array([place for place, _ in counted])
        if counted:
            counts = [K.sum(K.cast(x, K.floatx())) for _, x in counted]
            of_targets = any(getattr(spec.loss, 'ignore_class', None) is not None for spec in self._specs)
            feeds = [feed for feed in program.feeds if of_targets or feed.kind == 'input']
            self._counts = Step('counts_of_masks', feeds, counts, (), (), int(training), *further)

    def __call__(self, arrays):
        """Take the step on a whole batch, which every rank is given; of it each takes its share."""
        size = next(len(a) for a in arrays if a is not None)
        if not self._has_begun:
            self._has_begun = True
            begin(self._model, self.name, {'samples': size})
            if self.name == 'train_function':
                set_alike(_state_of_optimizer(self._model))
        if self._is_whole:
            return self._take(arrays, size, size)
        first, last = adapters.share(size, self._group.rank, self._group.count)
        rows = slice(first, last) if last > first else slice(0, 1)
        return self._take([a if a is None else a[rows] for a in arrays], last - first, size)

    @property
    def is_of_this_run(self):
        """Whether it was made for the processes that train together now."""
        return self._group is K.rank_group()

    def on(self, batch):
        """Take the step on a Batch of which the feeds are this rank's share."""
        return self._take(batch.feeds, batch.own, batch.size)

    def _take(self, arrays, own, size):
        if size < self._group.count and self._synchronized and not self._is_whole:
            raise ValueError(
                f'A batch of {size} samples leaves a rank without one, and layer "{self._synchronized[0]}" normalises what all have. Choose another '
                '`batch_size`, or leave out the last samples.'
            )
        count = self._group.count
        shares = np.full(2 + len(self._specs), 1 / count if self._is_whole else own / size)
        shares[1] = 1 / count if self._is_whole else own > 0  # a rank that has no sample counts none
        with self._group.collective('a step'):
            if self._counts is not None and not self._is_whole:
                counts = np.array(self._counts(arrays[: len(self._counts.feeds)]), 'float64') * (own > 0)
                (sums,) = K.sum_arrays_over_ranks([counts])
                for place in set(self._places):  # a mask, classes that do not count, or both
                    parts = (counts / np.maximum(sums, 1e-30))[self._places == place]
                    shares[place] = parts.prod() * (size / max(own, 1)) ** (len(parts) - 1)
            return self._step([*arrays, shares.astype(K.floatx())])

    def with_ones(self, arrays):
        """A list of arrays with ones in place of weights that are None."""
        return self._step.with_ones(arrays)

    def hold(self, adapter):
        """The arrays stay where they are."""

    def pace(self, adapter, unmeasured):
        """None: between two steps the ranks exchange gradients, and each is a call."""
        _log.debug('%s: steps are taken one by one, as several processes share them', self.name)


def _counted(spec):
    """What tells, of the loss of an output, over which of its steps it is a mean, where that is not over all: list of tensors."""
    if spec.loss.reduction != losses.Reduction.SUM_OVER_BATCH_SIZE:
        return []
    found = [] if spec.mask is None else [spec.mask]
    if getattr(spec.loss, 'ignore_class', None) is not None:
        # As the loss is given them: without those that a mask or weights leave out.
        found.append(spec.loss.counted(what_counts(spec.target, spec.output, spec.weights(), labels=True)[0]))
    return found


def _as(variable, x):
    """A tensor of a variable's shape, which is known where that of a computation may not be."""
    return x if K.int_shape(x) == K.int_shape(variable) else K.reshape(x, K.int_shape(variable))


class _Parts:
    """What a SharedStep is made of: the loss of the whole batch, the updates, the metrics' results."""

    def __init__(self, program, specs, shares, training):
        conjuring = program.conjuring
        self._shares, self._specs = shares, specs
        self._program = program
        self._updates = K.chain_updates(program.layer_updates(training)) + program.metric_updates
        self._counts = shares[1]
        loss = self._loss()
        by_metric = self._of_metrics()
        of_layers = self._of_layers()
        changes = [_as(variable, change) for _, pairs in by_metric for variable, change in pairs]
        rest = [loss] + changes + [_as(kept, new * K.cast(shares[0], K.dtype(new))) for kept, new in of_layers]
        if training:
            with joining(rest) as joint:
                self.updates = list(conjuring.optimizer_updates(loss))
            sums = joint.sums
            if sums is None and conjuring.trained_weights:
                raise NotImplementedError(
                    f'{type(conjuring.optimizer).__name__} takes its gradients by itself, not by `get_gradients`, so that they cannot be added up over '
                    'machines.'
                )
            sums = K.sum_over_ranks(rest) if sums is None else sums
        else:
            self.updates, sums = [], K.sum_over_ranks(rest)
        sums = iter(sums)
        self.loss = next(sums)
        results = {}
        for metric, pairs in by_metric:
            updates = [K.update(variable, K.identity(variable) + next(sums)) for variable, _ in pairs]
            self.updates += updates
            with K.control_dependencies(updates):
                result = metric.result()
            results[id(metric)] = K.cast(result, K.floatx()) if K.dtype(result) != K.floatx() else result
        self.results = [results[id(metric)] for metric in conjuring.metrics]  # a layer may report one in several calls
        self.updates += [K.update(variable, next(sums)) for variable, _ in of_layers]
        self.updates += self._alike

    def _loss(self):
        """The part of this rank in the loss."""
        total = None
        for place, spec in enumerate(self._specs, 2):
            value = self._program.output_losses[spec.name] * spec.loss_weight * self._share_of(place, spec)
            total = value if total is None else total + value
        for extra in self._program.extra_losses:
            share = self._counts if meta.is_of_samples(extra) else self._shares[0]
            extra = (K.mean(extra) if K.ndim(extra) else extra) * K.cast(share, K.dtype(extra))
            total = extra if total is None else total + extra
        return total

    def _share_of(self, place, spec):
        share = self._counts if spec.loss.reduction == losses.Reduction.SUM else self._shares[place]
        return K.cast(share, K.dtype(self._program.output_losses[spec.name]))

    def _of_metrics(self):
        """List of (metric, list of (variable, what is added to it))."""
        found, by_variable = [], {}
        for update in self._updates:
            if isinstance(update, meta.Update):
                by_variable.setdefault(id(update.variable), []).append(update)
        places = {spec.name: place for place, spec in enumerate(self._specs, 2)}
        losses_of = {id(spec.loss_metric): spec for spec in self._specs if spec.loss_metric is not None}
        for metric in unique(self._program.conjuring.metrics):
            spec = losses_of.get(id(metric))
            if spec is not None:
                value = self._program.output_losses[spec.name]
                share = self._share_of(places[spec.name], spec)
                value = value * share / K.cast(K.maximum(self._shares[0], 1e-20), K.dtype(value))
                updates = metric.update_state(value, sample_weight=K.cast(K.shape(spec.sample_weight)[0], K.floatx()))
            else:
                updates = [update for weight in metric.weights for update in by_variable.get(id(weight), ())]
            added = {}
            for update in updates:
                if not update.adds:
                    raise NotImplementedError(
                        f'The metric "{metric.name}" sets its state by `K.update`, and only what `K.update_add` counts can be added up over machines.'
                    )
                change = update.value - K.identity(update.variable)
                change = change * K.cast(self._shares[0] if update.counts_batches else self._counts, K.dtype(change))
                before = added.get(id(update.variable))
                added[id(update.variable)] = update.variable, change if before is None else before[1] + change
            found.append((metric, list(added.values())))
        return found

    def _of_layers(self):
        """List of (variable, new value) of what layers keep and the samples change, such as averages. What counts in integers is alike on all ranks."""
        of_metrics = {id(weight) for metric in self._program.conjuring.metrics for weight in metric.weights}
        found, self._alike = [], []
        for update in self._updates:
            if not isinstance(update, meta.Update):
                if isinstance(update, (int, float)):
                    continue
                raise NotImplementedError(
                    f'{update!r} is an operation of the framework, and only what `K.update` makes can be joined over machines.'
                )
            if id(update.variable) in of_metrics:
                continue
            is_float = K.dtype(update.variable) in ('float16', 'bfloat16', 'float32', 'float64')
            if is_float:
                if update.adds:
                    warn_once(
                        self._program.conjuring.model,
                        update.variable.name,
                        f'A layer adds to its variable {update.variable.name} by `K.update_add`. Of what the ranks add, the mean counts, weighted by their samples: right '
                        'for a number of batches or a mean, not for a sum over samples, which a metric (`add_metric`) adds up.',
                    )
                found.append((update.variable, update.value))
            else:
                self._alike.append(update)
        return found


# -- what the ranks agree on -----------------------------------------------------------------------------------


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
        Function that says, after a batch, whether the rest of them shall be left out; None where no callback can ask for it.
    """
    facts = facts_of(adapter)
    facts.update(epochs=told.params['epochs'], validation=None if validation is None else facts_of(validation.adapter))
    begin(model, 'summon', facts)
    told.first_random_step = K.random_step()
    if not any(K.rank_group().exchange(told.wants_batches, 'the beginning of `summon`')):
        return None

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
    set_alike(unique(list(model.weights) + _state_of_optimizer(model)))
    begun = [told.params.initial_epoch, adapter.position, bool(model.stop_training), moved]
    begun = K.rank_group().first(begun, 'the beginning of `summon`')
    told.params.initial_epoch, adapter.position, model.stop_training, moved = begun
    K.set_random_step(told.first_random_step + moved)


def _state_of_optimizer(model):
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
    rate = float(K.get_value(rate)) if K.is_variable(rate) else None
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
    """The arrays of all rows, of what the ranks have: `parts` is a list of (Batch, list of the outputs for this rank's share of it).

    Raises:
        ValueError: an output has not one row for each sample.
    """
    whole, total = None, max(batch.start + batch.size for batch, _ in parts)
    for batch, values in parts:
        # What an output gives for a share is that of each of its samples.
        values = [np.asarray(value) if np.ndim(value) else np.full(max(batch.own, 1), value) for value in values]
        for value in values:
            if len(value) != max(batch.own, 1):
                raise ValueError(
                    f'An output has {len(value)} rows for {batch.own} samples, so that what the ranks have of it cannot be put together. Predict on one machine.'
                )
        if whole is None:
            whole = [np.zeros((total,) + value.shape[1:], _wide(value.dtype)) for value in values]
            dtypes = [value.dtype for value in values]
        start = batch.start + batch.first
        for array, value in zip(whole, values):
            array[start : start + batch.own] = value[: batch.own]
    return [a.astype(dtype) for a, dtype in zip(K.sum_arrays_over_ranks(whole), dtypes)]


def writers_on_first(callbacks):
    """The callbacks that this rank has: those that write for the whole run are rank 0's."""
    if is_first():
        return callbacks
    return [callback for callback in callbacks if not getattr(callback, 'writes', False)]
