"""From a model, a loss and an optimizer to the steps that train and test.

An OutputSpec says all there is to say of one output: its loss, the weight of it, its target, its sample weights, its metrics. A Program is
those specs on actual tensors, and the steps that train and test.
"""

from cthulhu import backend as K
from cthulhu import losses, metrics, optimizers
from cthulhu.backend import meta
from cthulhu.callers import warn_once
from cthulhu.engine import call_context, standardize
from cthulhu.engine.node import mask_of
from cthulhu.engine.output_spec import OutputSpec, warn_of_constant_output
from cthulhu.engine.recent import Recent
from cthulhu.engine.shared import is_shared
from cthulhu.engine.shared_step import SharedStep
from cthulhu.engine.step import Feed, Relay, Step
from cthulhu.optimizers.state import one_step
from cthulhu.storage import budget
from cthulhu.utils.arguments import require_call
from cthulhu.utils.generic_utils import DistinctNames, to_list, unpack_singleton

_ACCURACIES = ('accuracy', 'acc')
_CROSSENTROPIES = ('crossentropy', 'ce')
_AS_CALLS = 8  # calls of layers that cost what a metric, or the loss of an output, does


def input_feeds(model, inputs):
    """The Feeds of a model's inputs, for `inputs` in their places; what is no placeholder is not fed."""
    return [Feed('input', name, x) for name, x in zip(model.input_names, inputs) if K.is_placeholder(x)]


class Program:
    """The specs of a conjured model on tensors, and the steps made from them.

    Arguments:
        conjuring: the Conjuring.
        inputs: list of tensors; those that are placeholders are fed.
        specs: list of OutputSpec with their tensors.
        extra_losses: list of tensors that are minimised with the losses of the outputs.
        updates: function of `training`, a bool, that gives the updates of the layers.
        metric_pairs: list of (metric, result) that layers report.
        native: dict, (kind, name) of what is not fed because it is a tensor of the framework -> that tensor.

    Attributes:
        feeds: list of Feed: inputs, targets, weights. All that is fed anywhere is fed in this order.
    """

    preparation = None  # what brings data into that order, where that was asked for

    def __init__(self, conjuring, inputs, specs, extra_losses, updates, metric_pairs, native=None):
        self.conjuring = conjuring
        self.inputs = inputs
        self.specs = specs
        self.layer_updates = updates
        self.metric_results = []
        self.metric_updates = []
        self.native = native or {}
        self._steps, self.extra_losses = {}, extra_losses
        with K.graph_scope('loss'):
            self.total_loss = self._total_loss(extra_losses)
        with K.graph_scope('metrics'):
            self._apply_metrics(metric_pairs)
        self.feeds = input_feeds(conjuring.model, inputs) + [
            Feed('target', s.name, s.target, s) for s in specs if s.fed
        ]
        self.feeds += [Feed('weights', s.name, s.sample_weight, s) for s in specs if s.sample_weight is not None]

    def _total_loss(self, extra_losses):
        total = None
        self.output_losses = {}
        for spec in self.specs:
            if spec.loss is None:
                continue
            value = spec.loss_value()
            self.output_losses[spec.name] = value
            value = value if spec.loss_weight == 1.0 else value * spec.loss_weight
            total = value if total is None else _sum(total, value)
        for extra in extra_losses:
            extra = extra if not K.ndim(extra) else K.mean(extra)
            total = extra if total is None else _sum(total, extra)
        if total is None:
            raise ValueError(
                'The model has no loss to minimise. Give `loss` for at least one output (loss="mse", or a dict or list with one for each), or add '
                'one with `add_loss`.'
            )
        return total

    def _apply_metrics(self, metric_pairs):
        for spec in self.specs:
            if spec.loss_metric is not None:
                size = K.cast(K.shape(spec.sample_weight)[0], K.floatx())
                self._measure(spec.loss_metric, self.output_losses[spec.name], sample_weight=size)
        for spec in self.specs:
            for _, metric, weighted in spec.metrics:
                mask = K.cast(spec.mask, K.floatx()) if spec.mask is not None else None
                self._measure(metric, spec.target, spec.output, sample_weight=spec.weights() if weighted else mask)
        self.metric_results.extend(result for _, result in metric_pairs)
        self.metric_results = [K.cast(r, K.floatx()) if K.dtype(r) != K.floatx() else r for r in self.metric_results]

    def _measure(self, metric, *tensors, **keywords):
        keywords = {key: value for key, value in keywords.items() if value is not None}
        with call_context.recording(f'The metric "{metric.name}"') as record:
            self.metric_results.append(metric(*tensors, **keywords))
        self.metric_updates.extend(update for _, update in record.updates)

    def train(self):
        """The Step that trains on one batch: [loss, metrics...]."""
        return self._step('train', self._make_train)

    def test(self):
        """The Step that measures one batch: [loss, metrics...]."""
        return self._step('test', self._make_test)

    def forget(self, kind):
        """Have the Step 'train' or 'test' made anew."""
        self._steps.pop((kind, is_shared()), None)

    def _step(self, kind, make):
        kind = kind, is_shared()
        if (
            kind[1] and kind in self._steps and not self._steps[kind].is_of_this_run
        ):  # the process left one and joined another
            del self._steps[kind]
        if kind not in self._steps:
            with K.graph_scope():
                if kind not in self._steps:
                    self._steps[kind] = SharedStep(self, kind[0] == 'train') if kind[1] else make()
        return self._steps[kind]

    def _make_train(self):
        conjuring = self.conjuring
        if self.native and conjuring.optimizer.makes_state_with_updates:
            return Relay(conjuring.program.train(), self.feeds, self.native)
        with K.graph_scope('training'):
            updates = K.chain_updates(self.layer_updates(training=True)) + self.metric_updates
            return self._made('train_function', updates + conjuring.optimizer_updates(self.total_loss), 1)

    def _make_test(self):
        updates = K.chain_updates(self.layer_updates(training=False)) + self.metric_updates
        return self._made('test_function', updates, 0)

    def _made(self, name, updates, phase):
        of = self.conjuring
        further = of.frozen_layers, of.function_arguments, of.settings['steps_per_execution']
        return Step(name, self.feeds, [self.total_loss], updates, self.metric_results, phase, *further)


def _sum(x, y):
    """The sum of two losses; in `floatx()` where they are of two float types."""
    if K.dtype(x) == K.dtype(y):
        return x + y
    return K.cast(x, K.floatx()) + K.cast(y, K.floatx())


# What Keras 3 and tf.keras call in training, and a program for them may define.
_STEPS = ('train_step', 'test_step', 'predict_step', 'compute_loss', 'compute_metrics')


def _warn_of_steps(model):
    """Say, once, which methods of the model and its layers will not be called."""
    for layer in model.all_layers():
        found = [name for name in _STEPS if callable(getattr(type(layer), name, None))]
        if found:
            warn_once(
                layer,
                'steps',
                f'{type(layer).__name__} defines {", ".join(found)}, which Keras 3 calls and this library does not: training is what '
                '`conjure` was told. Use `add_loss` and `add_metric` for losses and metrics of your own, or a loop with `train_on_batch`.',
            )


class Conjuring:
    """What `conjure` was told, resolved for a model whose inputs and outputs are known.

    Arguments:
        model: the model.
        settings: dict of the arguments of `conjure`.
        before: the Conjuring of the same model before it was built anew, with whose state of the optimizer training goes on; or None.

    Attributes:
        optimizer: an Optimizer.
        specs: list of OutputSpec, one an output.
        program: the Program on the model's own inputs.
        trained_weights: the weights that training changes, as they were when the model was conjured.
        trainable_as_of: the last change of `trainable`, of whichever layer, that was looked at since.
        metrics_names: the labels of the values that training and testing report.
        function_arguments: keyword arguments for the backend's functions.
    """

    def __init__(self, model, settings, before=None):
        self.model = model
        _warn_of_steps(model)
        self.settings = settings
        self.optimizer = settings['optimizer']
        self.function_arguments = settings['kwargs']
        self.trained_weights = list(model.trainable_weights)
        self.frozen_layers = [layer for layer in model.all_layers() if layer._frozen_inputs and not layer.trainable]
        names = model.output_names
        found_losses = _losses(settings['loss'], names)
        loss_weights = _loss_weights(settings['loss_weights'], names)
        modes = _modes(settings['sample_weight_mode'], names)
        self.specs = []
        for index, (x, mask) in enumerate(zip(model.outputs, [mask_of(x) for x in model.outputs])):
            budget.draw('calls', _AS_CALLS, 'A loss')
            spec = OutputSpec(names[index], x, mask, found_losses[index], loss_weights[index], modes[index])
            if spec.mode == 'temporal' and len(spec.shape) < 3:
                raise ValueError(
                    f'sample_weight_mode="temporal" needs an output with time steps, of shape (batch, steps, ...), but output "{spec.name}" has the shape {spec.shape}.'
                )
            self.specs.append(spec)
            warn_of_constant_output(spec, model)
        self._own_metrics = []
        targets = _targets(settings['target_tensors'], self.specs)
        self._collect_metrics(settings['metrics'], settings['weighted_metrics'], targets)
        with K.graph_scope('targets'):
            for spec, target in zip(self.specs, targets):
                spec.make_target(target)
                if spec.loss is not None:
                    spec.make_sample_weight()
        pairs = model.metric_pairs()
        self.added_metrics = [metric for metric, _ in pairs]
        for metric in self.added_metrics:  # two layers may report under one name
            self.metrics_names.add(metric.name, _is_taken)
        self.metrics_names = list(self.metrics_names)
        # As they are now: what is frozen afterwards, for another model, still learns in this one.
        self._made_updates = {False: list(model.state_updates), True: list(model.updates)}
        self.program = Program(self, model.inputs, self.specs, model.losses, self._layer_updates, pairs)
        self._programs = Recent()
        self._by_rank = {}
        self._state = getattr(before, '_state', None)
        if self._state is not None and not self._state.fits(self.trained_weights):
            self._state = None
        for layer in model.all_layers():
            layer.trainable_changed = False
        self.trainable_as_of = None

    def _layer_updates(self, training):
        reported = self.model.metric_updates()
        made = self._made_updates[training]
        return reported + [update for update in made if not any(update is known for known in reported)]

    # -- metrics -------------------------------------------------------------------------------------------

    def _collect_metrics(self, plain, weighted, targets):
        several = len(self.specs) > 1
        taken = DistinctNames(['loss'])
        if several:
            for spec in self.specs:
                if spec.loss is not None:
                    spec.loss_metric = metrics.Mean(name=spec.name + '_loss')
                    self._own_metrics.append(spec.loss_metric)
                    taken.append(spec.name + '_loss')
        lists = [
            _per_output_metrics(plain, self.specs, 'metrics'),
            _per_output_metrics(weighted, self.specs, 'weighted_metrics'),
        ]
        used = []
        for index, spec in enumerate(self.specs):
            for wanted, is_weighted in zip(lists, (False, True)):
                for metric in wanted[index]:
                    if spec.loss is None and targets[index] is None:  # nothing to measure it against
                        continue
                    label, metric = _metric(metric, spec, used)
                    label = f'{spec.name}_{label}' if several else label
                    spec.metrics.append((taken.add(label, _is_taken), metric, is_weighted))
                    self._own_metrics.append(metric)
        self.metrics_names = taken

    @property
    def metrics(self):
        """All Metric objects, in the order of `metrics_names` (after 'loss')."""
        return self._own_metrics + self.added_metrics

    # -- tensors of the framework as data --------------------------------------------------------------------

    def program_on(self, inputs, targets):
        """The Program for tensors of the framework as inputs (None: the model's own), and as targets (None: fed)."""
        key = [*(inputs or ()), None, *(targets or ())]
        with K.graph_scope():
            return self._programs.get(key, lambda: self._make_program(inputs, targets))

    def program_for(self, ranks):
        """The Program whose targets have other ranks than the outputs: `ranks` is a dict of these by output name; empty for the usual one."""
        if not ranks:
            return self.program
        with K.graph_scope():
            key = tuple(sorted(ranks.items()))
            if key not in self._by_rank:
                specs = [spec.on(spec.output, spec.mask) for spec in self.specs]
                for spec, own in zip(specs, self.specs):
                    if spec.loss is not None:
                        spec.make_target(None if own.fed else own.target, ranks.get(spec.name))
                        spec.make_sample_weight()
                model = self.model
                self._by_rank[key] = Program(
                    self, model.inputs, specs, model.losses, self._layer_updates, model.metric_pairs()
                )
            return self._by_rank[key]

    def _make_program(self, inputs, targets):
        model = self.model
        fed = [spec.name for spec in self.specs if spec.loss is not None]
        if targets is not None and len(targets) != len(fed):
            raise ValueError(
                f'The model has {len(fed)} output(s) with a loss, but was given {len(targets)} target tensor(s).'
            )
        targets = dict(zip(fed, targets or ()))
        native = {('target', name): target for name, target in targets.items()}
        if inputs is None:
            outputs, masks = model.outputs, [mask_of(x) for x in model.outputs]
        else:
            if len(inputs) != len(model.inputs):
                raise ValueError(f'The model expects {len(model.inputs)} input tensor(s), but was given {len(inputs)}.')
            native.update((('input', name), x) for name, x in zip(model.input_names, inputs))
            outputs, masks, record = model.apply_to(unpack_singleton(inputs), [None] * len(inputs), {})
        specs = [spec.on(x, mask) for spec, x, mask in zip(self.specs, to_list(outputs), masks)]
        for spec in specs:
            if spec.loss is not None:
                spec.make_target(targets.get(spec.name))
                spec.make_sample_weight()
        if inputs is None:
            return Program(self, model.inputs, specs, model.losses, self._layer_updates, model.metric_pairs(), native)

        def updates(training):
            made = [
                update
                for layer, update in record.updates
                if layer.stateful or layer.trainable and (training or layer._is_metric)
            ]
            return (model.get_updates_for(None) if training else []) + made

        losses = model.get_losses_for(None) + [loss for _, loss in record.losses]
        return Program(self, inputs, specs, losses, updates, [(m, r) for _, m, r in record.metrics], native)

    # -- the optimizer -----------------------------------------------------------------------------------------

    def optimizer_updates(self, loss):
        """The updates that make one step of the optimizer down a loss; its state is the same for all programs."""
        params = self.trained_weights
        if not params:
            return []
        if self.optimizer.makes_own_updates:
            with one_step():
                return self.optimizer.get_updates(loss=loss, params=params)
        return self.optimizer.apply(zip(self.optimizer.get_gradients(loss, params), params), self.optimizer_state())

    def optimizer_state(self):
        """Make the optimizer's state for this model, unless it is there; the optimizer's `weights` are its variables then."""
        with K.graph_scope():
            if self.optimizer.makes_own_updates:
                self.program.train()
                return None
            if self._state is None:
                self._state = self.optimizer.build(self.trained_weights)
            self.optimizer.use(self._state)
            return self._state

    @property
    def optimizer_weights(self):
        """The variables of the optimizer's state for this model: a list, empty where there is none that belongs to `weights`."""
        if self.optimizer.makes_own_updates:
            return list(self.optimizer.weights)
        is_of_factors = self._state is not None and any(map(meta.get_product, self._state.params))
        return [] if self._state is None or is_of_factors else list(self._state.weights)


def _losses(loss, names):
    if isinstance(loss, str) or callable(loss) or (isinstance(loss, dict) and 'class_name' in loss):
        loss = [loss] * len(names)
    found = standardize.per_output(loss, names, 'loss', lambda v: False)
    result = []
    for item in found:
        item = losses.get(item)
        if item is not None and not isinstance(item, losses.Loss):
            item = losses.LossFunctionWrapper(item, name=getattr(item, '__name__', type(item).__name__))
        result.append(item)
    return result


def _loss_weights(loss_weights, names):
    found = standardize.per_output(loss_weights, names, 'loss_weights', lambda v: isinstance(v, (int, float)))
    return [1.0 if weight is None else float(weight) for weight in found]


def _modes(modes, names):
    if modes is None or isinstance(modes, str):
        modes = [modes] * len(names)
    found = standardize.per_output(modes, names, 'sample_weight_mode', lambda v: False)
    for mode in found:
        if mode not in (None, 'temporal', 'samplewise'):
            raise ValueError(
                f"`sample_weight_mode` must be None or 'temporal' (or a dict or list of them); got {mode!r}."
            )
    return [None if mode == 'samplewise' else mode for mode in found]


def _targets(given, specs):
    """The target tensor given for each output, or None."""
    if given is None:
        return [None] * len(specs)
    trained = [spec for spec in specs if spec.loss is not None]
    wanted = specs if isinstance(given, dict) or len(to_list(given)) == len(specs) else trained
    found = standardize.per_output(given, [spec.name for spec in wanted], 'target_tensors', K.is_tensor)
    for tensor in found:
        if tensor is not None and not K.is_tensor(tensor):
            raise ValueError(
                f'`target_tensors` takes tensors of the backend; got {tensor!r} ({type(tensor).__name__}).'
            )
    by_name = {spec.name: tensor for spec, tensor in zip(wanted, found)}
    return [by_name.get(spec.name) for spec in specs]


def _per_output_metrics(wanted, specs, what):
    """A list of metrics for each output, from any of the forms that `metrics` may have."""
    names = [spec.name for spec in specs]
    if wanted is None or (isinstance(wanted, (list, tuple)) and not wanted):
        return [[] for _ in specs]
    if isinstance(wanted, dict) or (
        isinstance(wanted, (list, tuple)) and any(isinstance(m, (list, tuple)) for m in wanted)
    ):
        return [_listed(found) for found in standardize.per_output(wanted, names, what, lambda v: False)]
    if isinstance(wanted, (list, tuple)):
        trained = [spec.loss is not None for spec in specs]
        return [list(wanted) if has_loss else [] for has_loss in trained]
    if isinstance(wanted, str) or callable(wanted):
        raise TypeError(
            f'`{what}` must be a list, or a dict by output name; got {wanted!r}. Write {what}=[{wanted!r}].'
        )
    raise TypeError(f'`{what}` must be a list, or a dict by output name; got {type(wanted).__name__}.')


def _listed(item):
    return [] if item is None else list(item) if isinstance(item, (list, tuple)) else [item]


def _metric(metric, spec, used):
    """The label and the Metric object for what a user wrote for a metric."""
    budget.draw('calls', _AS_CALLS, 'A metric')
    if isinstance(metric, metrics.Metric):
        if any(metric is known for known in used):  # each output counts for itself
            metric = metrics.clone_metric(metric)
        used.append(metric)
        return metric.name, metric
    label = metric if isinstance(metric, str) else None
    if metric in _ACCURACIES:
        metric, _ = metrics.accuracy_for(spec.loss, spec.shape)
    elif metric in _CROSSENTROPIES:
        metric, _ = metrics.crossentropy_for(spec.loss, spec.shape)
    else:
        metric = metrics.get(metric)
    if isinstance(metric, metrics.Metric):
        return label or metric.name, metric
    label = label or getattr(metric, '__name__', type(metric).__name__)
    require_call(metric, ['y_true', 'y_pred'], f'The metric "{label}"')
    return label, metrics.MeanMetricWrapper(metric, name=label)


def _is_taken(name, names):
    return name in names or name.startswith('val_') and name[len('val_') :] in names


def check_settings(optimizer, loss):
    """The optimizer, once it and the names of losses are known to exist, so that a wrong one is told at once.

    Raises:
        ValueError: for an optimizer or a loss that does not exist.
    """
    for item in (
        loss.values()
        if isinstance(loss, dict) and 'class_name' not in loss
        else loss
        if isinstance(loss, (list, tuple))
        else [loss]
    ):
        losses.get(item)
    return optimizers.get(optimizer)
