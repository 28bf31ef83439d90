"""`K.function`: what it is given is argued here, once; a framework adds how it runs."""

import collections.abc

import numpy as np
import scipy.sparse

from cthulhu.backend import shapes
from cthulhu.backend.meta import Update


class Function:
    """What `K.function` returns: see there. A framework's own adds two methods.

        prepare(**framework_arguments)   once, when the function is made; what was given stands in the attributes below
        run(values)                      from a list of values, as the feeds make them, to a list: outputs, then after_updates

    Attributes:
        backend: the backend that made it.
        name: str.
        inputs, outputs, after_updates: lists of tensors.
        updates: list of (variable, new value, update): the update as it was given, a pair or an `Update`.
        operations: list of those updates that are the framework's own operations.
    """

    #: About how many seconds a call takes, whatever is in it.
    call_costs = 2e-4

    #: The part of a run that may go into compiling many steps that are large, so that it is not sure to pay.
    stake = 0.05

    #: Whether `begin` comes back before the results are there.
    is_asynchronous = False

    #: What takes the framework's arguments, and their names.
    takes, arguments = None, ()

    def __init__(self, backend, inputs, outputs, updates=None, after_updates=None, name=None, **framework_arguments):
        self.backend = backend
        self.name = name or 'function'
        self._check_arguments(framework_arguments)
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(f'inputs: expected a list of placeholders, got {inputs!r}.')
        self.inputs = list(inputs)
        single = not isinstance(outputs, (list, tuple, collections.abc.ValuesView))
        self.outputs = [self._of_numpy(x) for x in ([outputs] if single else outputs)]
        self.after_updates = list(after_updates or ())
        self._single = single and not self.after_updates
        self._feeds = [self.feed(x, f'input {position}') for position, x in enumerate(self.inputs)]
        self.updates, self.operations = [], []
        self._sort_updates(updates)
        self.prepare(**framework_arguments)

    def _of_numpy(self, x):
        """An output of a type that NumPy has: what has none comes in float32."""
        is_short = self.backend.is_tensor(x) and self.backend.dtype(x) == 'bfloat16'
        return self.backend.cast(x, 'float32') if is_short else x

    def _check_arguments(self, given):
        unknown = ', '.join(repr(name) for name in sorted(set(given) - set(self.arguments)))
        if unknown:
            known = ', '.join(map(repr, self.arguments)) or 'none'
            takes = self.takes or f'the {self.backend.name} backend'
            raise ValueError(f'function: {unknown}: no such argument of {takes}, which takes {known}.')

    def feed(self, tensor, what):
        """The `Feed` of a tensor; `what` says what it is where it is no tensor."""
        return Feed(self, tensor, what)

    # Updates.

    def is_operation(self, update):
        """Whether an update is an operation of the framework, to be run as it is."""
        return False

    def _sort_updates(self, updates):
        seen = {}
        for update in self._flat(updates):
            if self.is_operation(update):
                self.operations.append(update)
                continue
            variable, value = update
            if id(variable) in seen:
                if seen[id(variable)] is value:
                    continue  # the same change once more
                raise ValueError(
                    f'updates: the variable {variable.name!r} is updated twice in one function, and only one new value can be '
                    'kept. Put both changes into one update.'
                )
            seen[id(variable)] = value
            shape, own = self.backend.int_shape(value), self.backend.int_shape(variable)
            if shape is not None and own is not None and not shapes.agree(shape, own):
                raise ValueError(
                    f'updates: the new value of variable {variable.name!r} has shape {shape}; expected {own}.'
                )
            self.updates.append((variable, value, update))

    def _flat(self, updates):
        """Operations and pairs from nested lists and mappings, without None. A pair is a tuple that begins with a variable."""
        if hasattr(updates, 'items'):
            updates = list(updates.items())
        if updates is None:
            return
        if self.is_operation(updates) or self._is_pair(updates):
            yield updates
        elif isinstance(updates, (list, tuple)):
            for one in updates:
                yield from self._flat(one)
        else:
            raise TypeError(
                f'updates: expected K.update(variable, new value) or a pair (variable, new value), got {updates!r}.'
            )

    def _is_pair(self, update):
        is_two = isinstance(update, Update) or isinstance(update, tuple) and len(update) == 2
        return is_two and self.backend.is_variable(update[0])

    # Calls.

    def __call__(self, *inputs):
        results = self.run(self.argued(inputs))
        return results[0] if self._single else results

    def argued(self, inputs):
        """What `run` takes, of what a call was given."""
        if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)):
            inputs = self._in_a_row(inputs[0])
        if len(inputs) == len(self._feeds) - 1 and self.inputs[-1] is self.backend.learning_phase():
            inputs = [*inputs, 0]  # the phase is that of testing where none is given
        if len(inputs) != len(self._feeds):
            names = ', '.join(repr(feed.name) for feed in self._feeds) or 'nothing'
            raise ValueError(
                f'{self.name}: expected {len(self._feeds)} input values, got {len(inputs)}. It is fed {names}.'
            )
        return [feed(value) for feed, value in zip(self._feeds, inputs)]

    def begin(self, inputs):
        """Begin a call of a function whose `is_asynchronous`, given a list of values: the function that waits for what it gives, of outputs in a list."""
        results = self.run(self.argued((inputs,)))
        return lambda: results

    def _in_a_row(self, values):
        """The values one after the other, where they are given in lists of arrays: those of the inputs, the targets, the weights."""
        for each in values:
            if not isinstance(each, (list, tuple)) or not all(isinstance(x, np.ndarray) for x in each):
                return values
        row = [x for each in values for x in each]
        # A list of one array may also be one value, with another axis.
        fits = len(row) == len(self.inputs) and all(self.backend.ndim(t) == x.ndim for t, x in zip(self.inputs, row))
        return row if fits else values

    def run_each(self, feeds, count=None):
        """Call the function many times, one call for each value that is taken from the result.

        Each step sees the variables as the step before left them, and random operations draw what single calls would.

        Arguments:
            feeds: with `count`, a list of one array for each input, each with a first axis of length `count`: its slices are
                what the steps are fed. Without, an iterable of what single calls take; it is asked for the next when that is
                needed.
            count: int, the number of steps, or None.

        Returns:
            Iterator over what the calls return.

        Raises:
            ValueError: arrays that are not `count` long, or not as many as there are inputs.
        """
        if count is not None:
            feeds = self._unstacked(feeds, count)
        return map(self, feeds)

    def run_many(self, feeds, count=None):
        """Call the function many times; arguments and errors as for `run_each`.

        Returns:
            What a call returns, with a new first axis for the steps: an array for each output; a list of the steps' values where
            those differ in shape, or are sparse, or where there are no steps.

        >>> total, x = K.variable(0.0), K.placeholder(())
        >>> add = K.function([x], [total], updates=[K.update_add(total, x)])
        >>> add.run_many([np.array([1.0, 2.0, 3.0])], 3)[0].tolist(), float(K.get_value(total))
        ([0.0, 1.0, 3.0], 6.0)
        >>> add.run_many([[4.0], [5.0]])[0].tolist()
        [6.0, 10.0]
        """
        results = list(self.run_each(feeds, count))
        if self._single:
            return _stacked(results)
        if not results:
            return [[] for _ in self.outputs + self.after_updates]
        return [_stacked(values) for values in zip(*results)]

    def many_steps(self, fixed, length, shapes):
        """Many calls of the function made one, which the framework compiles.

        Arguments:
            fixed: dict, position of an input -> its value, for what is the same in every step.
            length: int, how many steps one call takes at most.
            shapes: list of the shapes of what one step is fed, for each other input, in order.

        Returns:
            Function of (arrays, count): for each other input, in order, an array with a first axis of length `count`. It returns how
            many steps were taken, fewer than `count` where the next one would raise an error, and a list of arrays with a row
            for each: the outputs, then `after_updates`, equal to those of single calls but for rounding. Where `hold` keeps arrays, it has a
            method `by_rows` too: the same of (what `hold` gave, which rows each step is fed: array (count, size), count).

        Raises:
            NotImplementedError: the backend has nothing of the kind, or not for this function; the message says why.
        """
        raise NotImplementedError(f'the {self.backend.name} backend takes steps one by one')

    def hold(self, arrays):
        """Arrays of which steps will be fed rows, kept where the function computes.

        Arguments:
            arrays: list of arrays (samples, ...), for each input that is not fixed; they are not changed while they are held.

        Returns:
            What `by_rows` of `many_steps` takes, with a method `take` (rows, a slice or array of indices) that gives what a call is fed; or None: they
            are there already, or do not fit.
        """
        return None

    def compiling_costs(self):
        """The seconds that `many_steps` is expected to take to compile; infinitely many where the backend has nothing of the kind."""
        return float('inf')

    def _unstacked(self, feeds, count):
        if len(feeds) != len(self._feeds):
            raise ValueError(f'{self.name}: feeds: expected {len(self._feeds)} arrays, got {len(feeds)}.')
        for feed, values in zip(self._feeds, feeds):
            if not np.shape(values) or len(values) != count:
                raise ValueError(
                    f'{feed.what}: feeds: expected an array with a first axis of length {count}, one value for each step, got one '
                    f'of shape {np.shape(values)}.'
                )
        return ([values[step] for values in feeds] for step in range(count))


def _stacked(values):
    values = list(values)
    plain = all(isinstance(value, (np.ndarray, np.generic)) for value in values)
    return np.stack(values) if plain and len({value.shape for value in values}) == 1 else values


class Feed:
    """How the values of one input are made into arrays of its dtype, and checked.

    Attributes:
        tensor, name: what is fed, and its name.
        dtype: that of the arrays, a NumPy one.
        shape: tuple of int and None, or None.
        sparse: bool.
    """

    def __init__(self, function, tensor, what):
        self.backend = function.backend
        if not self.backend.is_tensor(tensor):
            raise TypeError(
                f'{function.name}: {what}: expected a symbolic tensor of the {self.backend.name} backend, got {tensor!r}. Give a '
                'K.placeholder(), an Input() or a result computed from them.'
            )
        self.tensor = tensor
        self.name = getattr(tensor, 'name', None) or str(tensor)
        self.what = f'{function.name}: input {self.name!r}'
        self.dtype = self.backend._numpy_dtype(tensor)
        self.shape = self.backend.int_shape(tensor)
        self.sparse = self.backend.is_sparse(tensor)
        self._agreed = None  # the shape that was fed last

    def __call__(self, value):
        """The array to feed for `value`."""
        if type(value) is not np.ndarray or value.dtype != self.dtype or self.sparse:
            value = self.array(value if type(value) is np.ndarray else self._value(value))
        if value.shape != self._agreed:
            self.check(value.shape)
            self._agreed = value.shape
        return value

    def _value(self, value):
        if value is None:
            raise ValueError(f'{self.what}: expected an array, got None.')
        return self.backend.eval(value) if self.backend.is_tensor(value) else value

    def array(self, value):
        """`value`, an array, list or number, with the dtype; a SciPy matrix where the input is sparse."""
        if self.sparse:
            return scipy.sparse.csr_matrix(value, dtype=self.dtype)
        value = value.toarray() if hasattr(value, 'tocoo') else value
        if np.iscomplexobj(value):
            raise TypeError(f'{self.what} takes an array of {self.dtype}, got complex numbers.')
        try:
            with np.errstate(invalid='ignore'):
                made = np.asarray(value, dtype=self.dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise (ValueError if isinstance(error, OverflowError) else type(error))(
                f'{self.what} takes an array of {self.dtype}: {error}'
            ) from error
        if self.dtype.kind in 'iu' and made is not value and not np.array_equal(made, value):
            lost = np.asarray(value)[made != value].flat[0]
            raise ValueError(
                f'{self.what} takes an array of {self.dtype}, and {lost.item()!r} is none of these numbers.'
            )
        return made

    def check(self, shape):
        """Refuse an array of another shape."""
        if self.shape is not None and not shapes.agree(shape, self.shape):
            raise ValueError(f'{self.what} has shape {self.shape}, got an array of shape {tuple(shape)}.')
