"""A step of training or testing of which each process computes a share.

It gives the numbers of the whole batch: every loss is weighted so that the sum over the ranks is that of the batch, and one exchange adds up the loss, the
gradients, and what metrics and layers take from the batch. So weights, states and logs are equal on all ranks.
"""

import logging

import numpy as np

from cthulhu import backend as K
from cthulhu import losses
from cthulhu.backend import meta
from cthulhu.callers import warn_once
from cthulhu.engine import adapters
from cthulhu.engine.shared import begin, set_alike, state_of_optimizer
from cthulhu.engine.step import Feed, Step
from cthulhu.optimizers.joint import joining
from cthulhu.utils.generic_utils import unique
from cthulhu.utils.losses_utils import what_counts

_log = logging.getLogger('cthulhu')


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
                set_alike(state_of_optimizer(self._model))
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
        count = self._group.count
        shares = np.full(2 + len(self._specs), 1 / count if self._is_whole else own / size)
        shares[1] = 1 / count if self._is_whole else own > 0  # a rank that has no sample counts none
        with self._group.collective('a step'), K.rank_without_samples(not own):
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
