"""From what a user gives a model to functions, and the arrays to feed them with.

The part of Lump between its public methods and the loop: it builds models that wait for their first data, finds the function for tensors of the
framework, checks and orders arrays, and chooses the adapter.
"""

from cthulhu import backend as K
from cthulhu.engine import adapters, stream_adapters
from cthulhu.engine.conjuring import step_function
from cthulhu.engine.input_layer import Input
from cthulhu.utils.generic_utils import to_list, unpack_singleton


class Preparation:
    """What Lump inherits to prepare data. It uses the model's inputs, outputs and Conjuring."""

    def _streamed(self, data, class_weight, steps, what, shuffle, streaming, cycle=False):
        """The Program and the adapter for data that come batch by batch."""
        if self._settings is None:
            self._conjured()  # says what is missing
        data = self._build_for_stream(data, lambda item: stream_adapters.batch_of(item)[0])
        program = self._conjured().program

        def convert(item):
            x, y, weights = stream_adapters.batch_of(item)
            _, arrays, _ = self._prepare(x, y, weights, class_weight)
            return self._filled(program, arrays), next((a.shape[0] for a in arrays if a is not None), 1)

        return program, stream_adapters.stream_adapter(
            data, convert, steps, what, shuffle=shuffle, cycle=cycle, **streaming
        )

    def _convert_inputs(self, item):
        _, arrays, _ = self._prepare_prediction(stream_adapters.inputs_of(item))
        return arrays, next((a.shape[0] for a in arrays), 1)

    def _build_for_stream(self, data, inputs_of):
        """Build a model that waits for its first data; the stream, with what was taken from it put back."""
        if self.outputs is not None:
            return data
        first, data = stream_adapters.first_of(data)
        self._build_for(inputs_of(first), False)
        return data

    def _prepare(self, x, y, sample_weight=None, class_weight=None, batch_size=None):
        """The Program, and the arrays to feed it with (None for weights of one), and the batch size."""
        if self._settings is None:
            self._conjured()  # says what is missing
        native_x, native_y = adapters.is_native(x), adapters.is_native(y)
        self._build_for(x, native_x)
        conjuring = self._conjured()
        program = conjuring.program
        if native_x or native_y:
            program = conjuring.program_on(
                self._ordered(x, self.input_names) if native_x and not self._made_on(x) else None,
                self._ordered(y, [s.name for s in conjuring.specs if s.loss is not None]) if native_y else None,
            )
        input_names, input_shapes = self._fed_inputs(program.inputs)
        arrays = adapters.standardize(None if native_x else x, input_names, input_shapes, 'input')
        fed = [spec for spec in program.specs if spec.fed]
        targets = adapters.standardize(
            None if native_y else y,
            [spec.name for spec in fed],
            [None] * len(fed),
            'target',
            one_dimensional=[len(spec.shape) == 1 for spec in fed],
        )
        adapters.check_targets(targets, fed)
        weighted = [spec for spec in program.specs if spec.sample_weight is not None]
        by_name = {spec.name: target for spec, target in zip(fed, targets)}
        weights = adapters.sample_weights(
            [by_name.get(spec.name) for spec in weighted],
            [spec.name for spec in weighted],
            sample_weight,
            class_weight,
            [spec.mode for spec in weighted],
        )
        labels = (
            [f'input "{n}"' for n in input_names]
            + [f'target "{s.name}"' for s in fed]
            + [f'weights of "{s.name}"' for s in weighted]
        )
        arrays = arrays + targets + weights
        adapters.check_lengths(arrays, labels)
        return program, arrays, self._checked_batch_size(arrays, batch_size)

    def _prepare_prediction(self, x, batch_size=None):
        native = adapters.is_native(x)
        self._build_for(x, native)
        inputs = self.inputs
        if native and not self._made_on(x):
            inputs = self._ordered(x, self.input_names)
            function = self._predictor_on(inputs)
        else:
            function = self.predict_function
        input_names, input_shapes = self._fed_inputs(inputs)
        arrays = adapters.standardize(None if native else x, input_names, input_shapes, 'input')
        adapters.check_lengths(arrays, input_names)
        return function, arrays, self._checked_batch_size(arrays, batch_size)

    @property
    def predict_function(self):
        """The function behind `predict`: list of arrays -> list of arrays."""
        if self._predictor is None:
            with self._lock:
                if self._predictor is None:
                    self._predictor = self._make_predictor(self.inputs, self.outputs, self.state_updates)
        return self._predictor

    def _make_predictor(self, inputs, outputs, updates):
        feeds = [x for x in inputs if K.is_placeholder(x)]
        arguments = self._settings['kwargs'] if self._settings else {}
        return step_function(feeds, outputs, updates, [], 'predict_function', 0, function_arguments=arguments)

    def _predictor_on(self, inputs):
        """The function of `predict` for tensors of the framework as inputs; made once for the same tensors."""
        with self._lock:
            for known, function in self._native_predictors:
                if len(known) == len(inputs) and all(a is b for a, b in zip(known, inputs)):
                    return function
            outputs, _, record = self._apply(unpack_singleton(inputs), [None] * len(inputs), {})
            updates = [u for layer, u in record.updates if getattr(layer, 'stateful', False)]
            function = self._make_predictor(inputs, to_list(outputs), updates)
            self._native_predictors.append((inputs, function))
            return function

    def _build_for(self, x, native):
        """Build a model that waits for its first data to say what its inputs are."""
        if self.outputs is not None:
            return
        if isinstance(x, dict):
            raise ValueError(
                f'Model "{self.name}" has no named inputs before it is built; give its first data as an array or a list of arrays, not as a dict.'
            )
        if native:
            self._set_inputs([Input(tensor=tensor) for tensor in to_list(x, allow_tuple=True)])
            return
        if x is None:
            raise ValueError(f'Model "{self.name}" is not built yet: give it data, or call `build(input_shape)` first.')
        several = isinstance(x, (list, tuple)) and any(len(getattr(item, 'shape', ())) > 0 for item in x)
        arrays = [adapters.as_array(item) for item in (x if several else [x])]
        self._set_inputs([Input(shape=tuple(a.shape[1:]) or (1,), sparse=hasattr(a, 'tocsr')) for a in arrays])

    def _made_on(self, x):
        """Whether these tensors are the model's own inputs."""
        tensors = list(x.values()) if isinstance(x, dict) else to_list(x, allow_tuple=True)
        return {id(tensor) for tensor in tensors} <= {id(tensor) for tensor in self.inputs}

    def _ordered(self, tensors, labels):
        """A list of tensors in the order of names, from a tensor, a list or a dict by name."""
        if isinstance(tensors, dict):
            if set(tensors) != set(labels):
                raise ValueError(f'The dict of tensors must have the names {sorted(labels)}; got {sorted(tensors)}.')
            return [tensors[label] for label in labels]
        return list(to_list(tensors, allow_tuple=True))

    def _fed_inputs(self, inputs):
        """The names and shapes of the inputs that are fed."""
        fed = [(name, K.int_shape(x)) for name, x in zip(self.input_names, inputs) if K.is_placeholder(x)]
        return [name for name, _ in fed], [shape for _, shape in fed]

    def _checked_batch_size(self, arrays, batch_size):
        fixed = next((K.int_shape(x)[0] for x in self.inputs if K.int_shape(x)), None)
        if batch_size is None:
            batch_size = fixed or 32
        elif not any(a is not None for a in arrays):
            raise ValueError(
                'Do not give `batch_size` where the data are tensors of the framework: they come in batches.'
            )
        elif fixed is not None and fixed != batch_size:
            raise ValueError(
                f'Model "{self.name}" was made for batches of {fixed} samples (the batch axis of its input), but `batch_size` is {batch_size!r}.'
            )
        self._check_batches(arrays, batch_size)
        return batch_size

    def _check_batches(self, arrays, batch_size):
        samples = next((a.shape[0] for a in arrays if a is not None), 0)
        if self.stateful and samples % batch_size:
            raise ValueError(
                f'A stateful model needs a number of samples that is a multiple of the batch size: got {samples} samples in batches of {batch_size}. Leave out the last {samples % batch_size}, '
                'or choose another batch size.'
            )

    def _adapter(self, program, arrays, batch_size, shuffle, steps, cycle=False):
        if not any(a is not None for a in arrays):
            # one step where nothing says how many batches the tensors will give
            return adapters.StepsAdapter(1 if steps is None else steps, self._filled(program, arrays))
        ones = [spec.ones for spec in program.specs if spec.sample_weight is not None] if program else ()
        return adapters.ArrayAdapter(arrays, batch_size, shuffle, ones, steps=steps, cycle=cycle)

    def _filled(self, program, arrays):
        """The arrays, with ones in place of weights that were not given."""
        if program is None:
            return arrays
        weighted = [spec for spec in program.specs if spec.sample_weight is not None]
        head = len(arrays) - len(weighted)
        size = next((a.shape[0] for a in arrays if a is not None), None)
        if size is None:
            size = next((K.int_shape(spec.output)[0] for spec in weighted), None) or 1
        return arrays[:head] + [spec.ones(size) if a is None else a for spec, a in zip(weighted, arrays[head:])]
