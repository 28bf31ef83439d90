"""From what a user gives a model to a Step and an Adapter for it.

`training`, `evaluation` and `prediction` serve the methods of Lump. A Preparation is made once for a Program, or the Step of a prediction, and for each
stream: it brings data into the order of what is fed.
"""

import contextlib
import inspect

from cthulhu import backend as K
from cthulhu.engine import adapters, data_checks, indices, metric_checks, shared, standardize, stream_adapters
from cthulhu.engine.conjuring import input_feeds
from cthulhu.engine.input_layer import Input
from cthulhu.engine.step import Step
from cthulhu.utils.generic_utils import to_list


class Preparation:
    """Brings data into a list of arrays in the order of some feeds.

    Arguments:
        model: the model.
        feeds: list of Feed.
        streamed: whether the data come batch by batch, for messages.

    Attributes:
        takes_other_ranks: whether targets may have another rank than their output.
    """

    def __init__(self, model, feeds, streamed=False):
        self.model = model
        self._streamed = streamed
        self._batch = next((K.int_shape(x)[0] for x in model.inputs if K.int_shape(x)), None)
        self._inputs = [feed for feed in feeds if feed.kind == 'input']
        self._input_names = [feed.name for feed in self._inputs]
        self._shapes = [K.int_shape(feed.tensor) for feed in self._inputs]
        self._dtypes = [K.dtype(feed.tensor) for feed in self._inputs]
        self._looked_up = indices.looked_up([feed.tensor for feed in self._inputs])
        self._are_looked_up = any(layer is not None for layer in self._looked_up)
        self.takes_other_ranks = standardize.takes_other_ranks(feeds)
        self._specs = [feed.spec for feed in feeds if feed.kind == 'target']
        self._target_names = [spec.name for spec in self._specs]
        self._flat = [len(spec.shape) == 1 for spec in self._specs]
        weighted = [feed.spec for feed in feeds if feed.kind == 'weights']
        self._weighted = [spec.name for spec in weighted]
        self._modes = [spec.mode for spec in weighted]
        self._labels = [f'input "{name}"' for name in self._input_names]
        self._labels += [f'target "{name}"' for name in self._target_names]
        self._labels += [f'weights of "{name}"' for name in self._weighted]

    def arrays(self, x, y=None, sample_weight=None, class_weight=None, same_lengths=True):
        """The list of arrays; None in it stands for weights of one. Tensors of the framework are not fed: for them, give None."""
        inputs = standardize.standardize(
            x, self._input_names, self._shapes, 'input', self.model, streamed=self._streamed
        )
        targets = standardize.standardize(
            y, self._target_names, [None] * len(self._specs), 'target', self.model, one_dimensional=self._flat
        )
        targets = standardize.fitting_targets(targets, self._specs)
        weights = [None] * len(self._weighted)
        if sample_weight is not None or class_weight is not None:
            by_name = dict(zip(self._target_names, targets))
            weights = standardize.sample_weights(
                [by_name.get(name) for name in self._weighted],
                self._weighted,
                sample_weight,
                class_weight,
                self._modes,
                self.model,
            )
        arrays = inputs + targets + weights
        if same_lengths:
            standardize.check_lengths(arrays, self._labels)
        self._look_through(inputs, targets, weights)
        return arrays

    def _look_through(self, inputs, targets, weights):
        """Raise ValueError for what cannot be meant, and warn once of what might not be."""
        of_targets = []
        if targets:
            weight_of = dict(zip(self._weighted, weights))
            of_targets = [weight_of.get(name) for name in self._target_names]
            data_checks.check_labels(targets, of_targets, self._specs, self.model)
            metric_checks.check_metrics(targets, self._specs, self.model)
        if self._are_looked_up:
            indices.check(self.model, self._looked_up, inputs, self._labels, self._dtypes)
        counts = weights[0] if len(weights) == 1 and weights[0] is not None and weights[0].ndim == 1 else None
        counting = [counts] * len(inputs) + of_targets + [None] * len(weights)
        data_checks.warn_of_nan(inputs + targets + weights, self._labels, counting, self.model)
        if weights:
            data_checks.warn_of_weights(weights, self._labels[len(inputs) + len(targets) :], self.model)

    def inputs(self, x, what):
        """The list of arrays of the inputs alone; `what` names them in messages."""
        arrays = standardize.standardize(x, self._input_names, self._shapes, what, self.model)
        standardize.check_lengths(arrays, self._input_names)
        indices.check(self.model, self._looked_up, arrays, self._labels, self._dtypes)
        return arrays

    def batch_size(self, arrays, given):
        """The batch size to use, where `given` was asked for (None: nothing was)."""
        model = self.model
        fixed = self._batch
        if given is None:
            given = fixed or 32
        elif not any(a is not None for a in arrays):
            raise ValueError(
                'Do not give `batch_size` where the data are tensors of the framework: they come in batches.'
            )
        elif fixed is not None and fixed != given:
            raise ValueError(
                f'Model "{model.name}" was made for batches of {fixed} samples (the batch axis of its input), but `batch_size` is {given!r}.'
            )
        self.check_batches(arrays, given)
        return given

    def check_batches(self, arrays, batch_size):
        """Raise ValueError where the samples do not make whole batches and a stateful model needs such."""
        samples = next((a.shape[0] for a in arrays if a is not None), 0)
        if samples % batch_size and self.model.stateful:
            raise ValueError(
                f'A stateful model needs a number of samples that is a multiple of the batch size: got {samples} samples in batches of {batch_size}. Leave out the last {samples % batch_size}, '
                'or choose another batch size.'
            )

    def adapter(self, arrays, batch_size, shuffle=False, steps=None, cycle=False):
        """The Adapter for arrays in the order of the feeds. The last three are as for ArrayAdapter."""
        if not any(a is not None for a in arrays):
            # one step where nothing says how many batches the tensors will give
            return shared.share(adapters.StepsAdapter(1 if steps is None else steps, arrays), self.model)
        return shared.share(adapters.ArrayAdapter(arrays, batch_size, shuffle, steps, cycle), self.model)

    def stream_adapter(self, data, steps, what, streaming, parts, class_weight=None, shuffle=False, cycle=False):
        """The Adapter for data that come batch by batch.

        Arguments:
            data, steps, what, shuffle, cycle: as for `stream_adapters.stream_adapter`.
            streaming: dict of its further arguments.
            parts: function, what the source gives -> (inputs, targets, sample weights).
            class_weight: as for `arrays`.
        """

        def convert(item):
            arrays = self.arrays(*parts(item), class_weight)
            self.batch_size(arrays, None)
            return arrays, next((a.shape[0] for a in arrays if a is not None), 1)

        return shared.share(
            stream_adapters.stream_adapter(data, convert, steps, what, shuffle=shuffle, cycle=cycle, **streaming),
            self.model,
        )


# -- what the methods of Lump ask for ------------------------------------------------------------------------


def on_batch(model, x, y, sample_weight=None, class_weight=None):
    """The Program, and the arrays, for one batch."""
    program, prepared, x, y = _program(model, x, y)
    arrays = prepared.arrays(x, y, sample_weight, class_weight)
    prepared.batch_size(arrays, None)
    return program, arrays


def training(model, x, y, sample_weight, class_weight, batch_size, split, shuffle, steps, streaming):
    """(Program, Adapter, arrays held out for validation or None, batch size) for `summon`, whose arguments these are."""
    if stream_adapters.is_stream(x):
        refuse_with_stream(x, y=y, batch_size=batch_size, sample_weight=sample_weight, validation_split=split or None)
        program, adapter = _streamed(
            model, x, steps, 'steps_per_epoch', streaming, class_weight=class_weight, shuffle=shuffle, cycle=True
        )
        return program, adapter, None, batch_size
    program, prepared, x, y = _program(model, x, y)
    arrays, held_out = prepared.arrays(x, y, sample_weight, class_weight), None
    batch_size = prepared.batch_size(arrays, batch_size)
    if split:
        if not any(a is not None for a in arrays):
            raise ValueError(
                '`validation_split` needs arrays to split; with tensors of the framework as data give `validation_data`.'
            )
        arrays, held_out = adapters.split(arrays, split)
        prepared.check_batches(arrays, batch_size)
    return program, prepared.adapter(arrays, batch_size, shuffle, steps, cycle=True), held_out, batch_size


def evaluation(model, x, y, sample_weight, batch_size, steps, streaming, what='steps'):
    """(Program, Adapter) for `evaluate`, whose arguments these are; `what` names `steps` in messages."""
    if stream_adapters.is_stream(x):
        refuse_with_stream(x, y=y, batch_size=batch_size, sample_weight=sample_weight)
        return _streamed(model, x, steps, what, streaming)
    program, prepared, x, y = _program(model, x, y)
    arrays = prepared.arrays(x, y, sample_weight)
    return program, prepared.adapter(arrays, prepared.batch_size(arrays, batch_size), steps=steps)


def validation(model, data, batch_size, steps, streaming):
    """(Program, Adapter) for `validation_data` of `summon`."""
    if stream_adapters.is_stream(data):
        return evaluation(model, data, None, None, None, steps, streaming, 'validation_steps')
    if inspect.isroutine(data):
        raise ValueError(f'Of `validation_data`: {standardize.function_message(data)}')
    if not isinstance(data, (list, tuple)) or len(data) not in (2, 3):
        found = f'{len(data)} items' if isinstance(data, (list, tuple)) else type(data).__name__
        raise ValueError(
            f'`validation_data` must be a tuple (x, y) or (x, y, sample_weights), a generator, a Sequence, a dataset or another iterable of batches; got {found}.'
        )
    if standardize.is_native(data[0]):
        batch_size = None  # they come in batches of their own
    try:
        return evaluation(model, data[0], data[1], data[2] if len(data) == 3 else None, batch_size, steps, streaming)
    except ValueError as error:
        raise ValueError(f'Of `validation_data`: {error}') from error


def held_out(model, program, arrays, batch_size, steps):
    """The Adapter for arrays that were split off for validation."""
    return prepared_for(model, program).adapter(arrays, batch_size, steps=steps)


def prediction(model, x, batch_size=None, steps=None, streaming=None):
    """(Step, Adapter) for `predict`, whose arguments these are."""
    if stream_adapters.is_stream(x):
        refuse_with_stream(x, batch_size=batch_size)
        x = _build_for_stream(model, x, stream_adapters.inputs_of)
        step = model.predict_function
        prepared = Preparation(model, step.feeds, streamed=True)
        return step, prepared.stream_adapter(x, steps, 'steps', streaming, lambda item: (stream_adapters.inputs_of(item), None, None))  # fmt: skip
    step, prepared, arrays = _prediction_on_arrays(model, x)
    return step, prepared.adapter(arrays, prepared.batch_size(arrays, batch_size), steps=steps)


def prediction_on_batch(model, x):
    """The Step, and the arrays, for one batch."""
    step, prepared, arrays = _prediction_on_arrays(model, x, same_lengths=False)  # inputs may be broadcast
    prepared.batch_size(arrays, None)
    return step, arrays


def prediction_step(model, inputs, outputs, updates, arguments, steps_a_call):
    """The Step from inputs (those that are placeholders are fed) to outputs."""
    feeds = input_feeds(model, inputs)
    return Step('predict_function', feeds, outputs, updates, arguments=arguments, steps_a_call=steps_a_call)


def probe(model, name, tensors, with_targets):
    """The Step of `Lump.probe`, whose arguments these are."""
    if with_targets:
        conjuring = model.conjuring
        feeds, frozen, arguments = conjuring.program.feeds, conjuring.frozen_layers, conjuring.function_arguments
        return Step(name, feeds, tensors, frozen=frozen, arguments=arguments)
    return Step(name, input_feeds(model, model.inputs), tensors)


def input_arrays(model, data, what):
    """The list of arrays for the inputs that are fed."""
    return Preparation(model, input_feeds(model, model.inputs)).inputs(data, what)


def prepared_for(model, owner):
    """The Preparation for the feeds of a Program or Step of a model: made at the first call, as what is fed never changes."""
    if owner.preparation is None:
        owner.preparation = Preparation(model, owner.feeds)
    return owner.preparation


# -- parts of the above --------------------------------------------------------------------------------------


def _program(model, x, y):
    """(Program, Preparation for it, x, y): the Program for tensors of the framework where there are such, which are None then."""
    native_x, native_y = standardize.is_native(x), standardize.is_native(y)
    model.require_conjured()
    if y is None:
        _refuse_pairs(model, x)
    _build_for(model, x, native_x)
    conjuring = model.conjuring
    program = conjuring.program
    prepared = prepared_for(model, program)
    if native_x or native_y:
        trained = [spec.name for spec in conjuring.specs if spec.loss is not None]
        program = conjuring.program_on(
            _ordered(x, model.input_names) if native_x and not _made_on(model, x) else None,
            _ordered(y, trained) if native_y else None,
        )
    elif prepared.takes_other_ranks:
        program = conjuring.program_for(standardize.other_ranks(y, program.feeds))
    return program, prepared_for(model, program), None if native_x else x, None if native_y else y


def _refuse_pairs(model, x):
    """Raise ValueError where the inputs are a pair of inputs and targets, or a list of such."""
    if not isinstance(x, (list, tuple)) or not x or model.outputs is None:
        return
    if all(isinstance(item, (list, tuple)) and _is_pair(item) for item in x):
        raise ValueError(
            'The inputs are a list of pairs. If these are batches (inputs, targets), give what goes through them, `itertools.cycle(batches)`, with the number of '
            'batches as `steps_per_epoch` (in `evaluate`, `steps`).'
        )
    if len(model.inputs) == 1 and _is_pair(x):
        raise ValueError(
            f'The inputs are a {type(x).__name__} of {len(x)} arrays, the model has one input, and no targets were given. Inputs and targets are two arguments: '
            '`summon(x, y)`, `evaluate(x, y)`.'
        )


def _is_pair(item):
    return len(item) in (2, 3) and all(len(getattr(part, 'shape', ())) > 0 for part in item)


def _streamed(model, data, steps, what, streaming, **further):
    model.require_conjured()
    data = _build_for_stream(model, data, lambda item: stream_adapters.batch_of(item)[0])
    program = model.conjuring.program
    if standardize.takes_other_ranks(program.feeds):
        first, data = stream_adapters.first_of(data)
        program = model.conjuring.program_for(
            standardize.other_ranks(stream_adapters.batch_of(first)[1], program.feeds)
        )
    prepared = Preparation(model, program.feeds, streamed=True)
    return program, prepared.stream_adapter(data, steps, what, streaming, stream_adapters.batch_of, **further)


def _prediction_on_arrays(model, x, same_lengths=True):
    native = standardize.is_native(x)
    _build_for(model, x, native)
    if native and not _made_on(model, x):
        step = model.predictor_on(_ordered(x, model.input_names))
    else:
        step = model.predict_function
    prepared = prepared_for(model, step)
    return step, prepared, prepared.arrays(None if native else x, same_lengths=same_lengths)


def _build_for_stream(model, data, inputs_of):
    """Build a model that waits for its first data; the stream, with what was taken from it put back."""
    if model.outputs is not None:
        return data
    first, data = stream_adapters.first_of(data)
    _build_for(model, inputs_of(first), False)
    return data


def _build_for(model, x, native):
    """Build a model that waits for its first data to say what its inputs are."""
    if model.outputs is not None:
        if not native and not model.is_graph:
            _make_room(model, x)
        return
    if standardize.is_named(x):
        raise ValueError(
            f'Model "{model.name}" has no named inputs before it is built; give its first data as an array or a list of arrays, not as a dict.'
        )
    if native:
        model.build_on([Input(tensor=tensor) for tensor in to_list(x, allow_tuple=True)])
        return
    if x is None:
        raise ValueError(f'Model "{model.name}" is not built yet: give it data, or call `build(input_shape)` first.')
    arrays = _listed(x)
    model.build_on([Input(shape=tuple(a.shape[1:]) or (1,), sparse=hasattr(a, 'tocsr')) for a in arrays])


def _listed(x):
    several = isinstance(x, (list, tuple)) and any(len(getattr(item, 'shape', ())) > 0 for item in x)
    return [standardize.as_array(item) for item in (x if several else [x])]


def _make_room(model, x):
    """Build a model whose `call` is a subclass's anew, where data are longer or shorter than the first ones: the axes that differ are open then.

    A layer that needs to know such an axis refuses, and the data are told not to fit.
    """
    known = [tuple(K.int_shape(tensor)) for tensor in model.inputs]
    arrays = [x.get(name) for name in model.input_names] if isinstance(x, dict) else _listed(x)
    found = [tuple(getattr(a, 'shape', ())) for a in arrays]
    if len(found) != len(known) or any(len(f) != len(k) for f, k in zip(found, known)):
        return
    shapes = [k[:1] + tuple(n if n == m else None for n, m in zip(k[1:], f[1:])) for f, k in zip(found, known)]
    if shapes != known:
        with contextlib.suppress(ValueError, TypeError):
            model.build_on(
                [Input(batch_shape=s, dtype=K.dtype(t), sparse=K.is_sparse(t)) for s, t in zip(shapes, model.inputs)]
            )


def _made_on(model, x):
    """Whether these tensors are the model's own inputs."""
    tensors = list(x.values()) if isinstance(x, dict) else to_list(x, allow_tuple=True)
    return {id(tensor) for tensor in tensors} <= {id(tensor) for tensor in model.inputs}


def _ordered(tensors, labels):
    """A list of tensors in the order of names, from a tensor, a list or a dict by name."""
    if isinstance(tensors, dict):
        if set(tensors) != set(labels):
            raise ValueError(f'The dict of tensors must have the names {sorted(labels)}; got {sorted(tensors)}.')
        return [tensors[label] for label in labels]
    return list(to_list(tensors, allow_tuple=True))


_WITH_STREAM = {
    'y': 'it gives targets with its inputs, as tuples (inputs, targets)',
    'sample_weight': 'it gives weights as the third item, (inputs, targets, sample_weights)',
    'batch_size': 'it makes the batches',
    'validation_split': 'nothing is known of its end; give `validation_data`',
}


def need_stream(data, method):
    """Raise ValueError where the data of a `..._generator` method do not come batch by batch."""
    if not stream_adapters.is_stream(data):
        kind, other = type(data).__name__, method.replace('_generator', '')
        raise ValueError(
            f'{method} takes a generator, a Sequence, a dataset or another iterable of batches; got {kind}. Arrays go to `{other}`.'
        )


def refuse_with_stream(x, **arguments):
    """Raise ValueError for an argument that data which come batch by batch leave no room for."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f'`{name}` cannot be given where the data come batch by batch, from a {type(x).__name__}: {_WITH_STREAM[name]}.'
            )
