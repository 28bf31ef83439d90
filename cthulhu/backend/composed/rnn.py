"""Composed: loops over time, all of them over the primitive `scan`."""

from cthulhu.backend import meta, shapes


class RNN:
    """The recurrent loop, folds and maps."""

    def rnn(
        self,
        step_function,
        inputs,
        initial_states,
        go_backwards=False,
        mask=None,
        constants=None,
        unroll=False,
        input_length=None,
        whole=None,
    ):
        """Runs `step_function` over the time axis of `inputs`.

        Arguments:
            step_function: function (input, states) -> (output, new_states). `input` is (batch, ...), a step of
                `inputs`; `states` is the list of states followed by the constants; `output` is (batch, ...);
                `new_states` is a list of tensors of the shapes of the states.
            inputs: tensor (batch, time, ...).
            initial_states: list of tensors (batch, ...).
            go_backwards: bool, whether time runs from the end; outputs are in the order in which they were computed.
            mask: tensor (batch, time) or (batch, time, 1), or None. Where it is 0, the output is the one before (0 at
                first), and the states stay.
            constants: list of tensors handed to every step, or None.
            unroll: bool, whether to lay the steps out one by one instead of looping: faster for few steps, at the
                price of memory.
            input_length: int, the number of steps, where the static shape of `inputs` does not say.
            whole: function of no arguments that says what the steps compute where frameworks have kernels for all of them at once, or
                None: a dict of `kind` ('lstm', or 'gru' with the reset gate after the product; tanh and sigmoid), `inputs` (before
                they are multiplied by the kernel), `kernel`, `recurrent_kernel`, `bias`, `recurrent_bias` (tensors in the layout
                of the layers, or None) and `recurrent_mask` (what states are multiplied by before the kernel, or None). A backend may use it in place of `step_function`.

        Returns:
            (last_output, outputs, new_states): tensor (batch, ...), tensor (batch, time, ...), list of tensors.

        Raises:
            ValueError: `unroll` with an unknown number of steps, or an `input_length` that is not that of `inputs`.

        >>> def running_sum(x, states):
        ...     total = states[0] + x
        ...     return total, [total]
        >>> inputs = K.constant([[[1.0], [2.0], [3.0]]])
        >>> last, outputs, states = K.rnn(running_sum, inputs, [K.constant([[0.0]])])
        >>> K.eval(outputs).tolist()
        [[[1.0], [3.0], [6.0]]]
        """
        shape = self.int_shape(inputs)
        if shape is None or len(shape) < 2:
            raise ValueError(f'inputs: expected 2 or more dimensions (batch, time, ...), got shape {shape}.')
        length = shape[1]
        if length is None:
            length = input_length
        elif input_length not in (None, length):
            raise ValueError(f'input_length: {input_length} is not the length of inputs, which have shape {shape}.')
        loop = _Loop(self, step_function, list(constants or []))
        states = list(initial_states)
        if mask is not None:
            mask = self.cast(mask, 'bool')
        if not unroll:
            last, outputs, states = loop.symbolic(inputs, states, mask, go_backwards)
        elif length:
            last, outputs, states = loop.unrolled(inputs, states, mask, go_backwards, length)
        else:
            raise ValueError(
                f'unroll: the number of steps must be known and above 0, and inputs have shape {shape}. '
                'Give the length in the input shape, or use unroll=False.'
            )
        self._note_shape(last, shape[:1] + self._tail(last, 1))
        self._note_shape(outputs, (shape[0], length) + self._tail(last, 1))
        if loop.uses_learning_phase:
            for x in (last, outputs):
                meta.set_uses_learning_phase(x, True)
        return last, outputs, states

    def _tail(self, x, start):
        shape = self.int_shape(x)
        return () if shape is None else shape[start:]

    def _note_shape(self, x, shape):
        if self.is_tensor(x) and self.static_shape(x) != shape:
            meta.set_shape(x, shape)

    def _swap_batch_and_time(self, x):
        return self.permute_dimensions(x, [1, 0] + list(range(2, self._rank(x))))

    # What frameworks' own `scan` ask.

    def _scan_length(self, sequences, length):
        """The number of steps of a scan, or None where only the run tells."""
        if not sequences and length is None:
            raise ValueError('scan: with no sequences, `length` must say how many steps to run.')
        found = [None if length is None or self.is_tensor(length) else int(length)]
        found += [(self.int_shape(x) or (None,))[0] for x in sequences]
        known = sorted(set(found) - {None})
        if len(known) > 1:
            raise ValueError(f'scan: sequences of different lengths, {known}. All must have as many steps.')
        return known[0] if known else None

    def _check_states(self, states, new_states):
        """Refuse what a scan's step returned as new states, where it is not like the old."""
        if len(new_states) != len(states):
            raise ValueError(f'scan: step was given {len(states)} states and returned {len(new_states)}.')
        for index, (old, new) in enumerate(zip(states, new_states)):
            one, other = self.int_shape(old), self.int_shape(new)
            fits = one is None or other is None or shapes.agree(one, other)
            if not fits or self.dtype(old) != self.dtype(new):
                raise ValueError(
                    f'scan: state {index} has shape {one} and dtype {self.dtype(old)}; step returned a new state of shape '
                    f'{other} and dtype {self.dtype(new)}. They must be the same.'
                )

    def foldl(self, fn, elems, initializer=None, name=None):
        """Folds a tensor from its first element: fn(fn(fn(initializer, elems[0]), elems[1]), …).

        Arguments:
            fn: function (accumulated, element) -> accumulated, tensors; the shape and dtype do not change.
            elems: tensor (n, ...).
            initializer: tensor, the first accumulated value; None for `elems[0]`, and the fold starts at the next.
            name: str, a name scope, or None.

        Returns:
            Tensor, the last accumulated value.

        >>> float(K.eval(K.foldl(lambda total, x: 10 * total + x, K.constant([1, 2, 3]))))
        123.0
        """
        with self.graph_scope(name):
            if initializer is None:
                initializer, elems = elems[0], elems[1:]
            _, (result,) = self.scan(
                lambda slices, states, time: ([], [fn(states[0], slices[0])]), [elems], [initializer]
            )
            return result

    def foldr(self, fn, elems, initializer=None, name=None):
        """Folds a tensor from its last element; arguments and result as for `foldl`."""
        return self.foldl(fn, self.reverse(elems, 0), initializer=initializer, name=name)

    def map_fn(self, fn, elems, name=None, dtype=None):
        """Applies a function to each element along the first axis.

        Arguments:
            fn: function of an element (of a list of them, where `elems` is a list) that returns a tensor or a list of
                tensors.
            elems: tensor (n, ...), or a list or tuple of tensors of equal length.
            name: str, a name scope, or None.
            dtype: str, to which the result is cast, or a list of them for several results; None to keep what `fn`
                gives.

        Returns:
            Tensor (n, ...), or a list of them where `fn` returns a list or tuple.

        >>> K.eval(K.map_fn(lambda x: x * x, K.constant([1, 2, 3]))).tolist()
        [1.0, 4.0, 9.0]
        """
        several = isinstance(elems, (list, tuple))
        returns_list = []

        def step(slices, states, time):
            result = fn(type(elems)(slices) if several else slices[0])
            returns_list.append(isinstance(result, (list, tuple)))
            return list(result) if returns_list[-1] else [result], []

        with self.graph_scope(name):
            outputs, _ = self.scan(step, list(elems) if several else [elems], [])
            if dtype is not None:
                dtypes = dtype if isinstance(dtype, (list, tuple)) else [dtype] * len(outputs)
                outputs = [x if d is None else self.cast(x, d) for x, d in zip(outputs, dtypes)]
        return outputs if returns_list[0] else outputs[0]


class _Loop:
    """One recurrent loop: the step, its constants, and what was seen of the step while it was laid out."""

    def __init__(self, backend, step_function, constants):
        self.backend = backend
        self.step_function = step_function
        self.constants = constants
        self.uses_learning_phase = False
        self.output_state = None

    def step(self, x, states):
        output, new_states = self.step_function(x, states + self.constants)
        self.uses_learning_phase = self.uses_learning_phase or meta.uses_learning_phase(output)
        # Most cells return one of the new states as their output; then the last output need not be cut from the
        # outputs.
        self.output_state = next((i for i, s in enumerate(new_states) if s is output), None)
        return output, list(new_states)

    def masked_step(self, x, mask, previous, states):
        output, new_states = self.step(x, states)
        if previous is None:
            previous = self.backend.zeros_like(output)
        return self.choose(mask, output, previous), [self.choose(mask, n, s) for n, s in zip(new_states, states)]

    def choose(self, mask, new, old):
        """`new` where the mask of the step, (batch,) or (batch, 1), is true; else `old`."""
        for _ in range(self.backend._rank(new) - self.backend._rank(mask)):
            mask = self.backend.expand_dims(mask, -1)
        return self.backend.where(mask, new, old)

    def symbolic(self, inputs, states, mask, go_backwards):
        K = self.backend
        sequences = [K._swap_batch_and_time(x) for x in ([inputs] if mask is None else [inputs, mask])]
        if go_backwards:
            sequences = [K.reverse(x, 0) for x in sequences]
        if mask is None:

            def step(slices, states, time):
                output, new_states = self.step(slices[0], states)
                return [output], new_states

            (outputs,), states = K.scan(step, sequences, states)
            last = outputs[-1] if self.output_state is None else states[self.output_state]
        else:

            def step(slices, states, time):
                output, new_states = self.masked_step(slices[0], slices[1], states[0], states[1:])
                return [output], [output] + new_states

            # The shape of the outputs is not known before one is made.
            first, _ = self.step(sequences[0][0], states)
            (outputs,), (last, *states) = K.scan(step, sequences, [K.zeros_like(first)] + states)
        return last, K._swap_batch_and_time(outputs), states

    def unrolled(self, inputs, states, mask, go_backwards, length):
        K = self.backend
        outputs = []
        for t in reversed(range(length)) if go_backwards else range(length):
            if mask is None:
                output, states = self.step(inputs[:, t], states)
            else:
                previous = outputs[-1] if outputs else None
                output, states = self.masked_step(inputs[:, t], mask[:, t], previous, states)
            outputs.append(output)
        return outputs[-1], K.stack(outputs, axis=1), states
