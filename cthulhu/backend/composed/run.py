"""Composed: the state of a backend (learning phase, counts of names), updates, what is known of a tensor."""

import collections
import contextlib
import threading

import numpy as np

from cthulhu.backend import config, meta, shapes


class Run:
    """Learning phase, unique names, updates, shapes as far as they are known.

    Attributes:
        capabilities: tuple of str, what `supports` says yes to.
    """

    capabilities = ()

    def __init__(self):
        self._reset_state()

    def _reset_state(self):
        self._uids = collections.Counter()
        self._counting_uids = threading.Lock()
        self._phase = None

    # Settings that read better as functions of the backend.

    def cast_to_floatx(self, x):
        """`x` with the default float type.

        Arguments:
            x: tensor, array or number.

        Returns:
            Tensor for a tensor, NumPy array for the rest.
        """
        if self.is_tensor(x):
            return self.cast(x, config.floatx())
        return np.asarray(x, dtype=config.floatx())

    def name_scope(self, name=None):
        """A context manager: what is made inside has names that begin with `name`, where there are names."""
        return self.graph_scope(name)

    # Names.

    def get_uid(self, prefix=''):
        """How many times this was asked for `prefix`, this time included: 1, 2, 3 … for names such as 'dense_1'."""
        with self._counting_uids:
            self._uids[prefix] += 1
            return self._uids[prefix]

    def provisional(self):
        """A context manager: the variables that the thread makes inside are taken back if an error leaves it, so that nobody has to initialise them.

        Where variables have their values at once there is nothing to take back.
        """
        return contextlib.suppress()

    def rehearsal(self):
        """A context manager for making a description into layers that are thrown away, before it is done in earnest; None where there is no need.

        There is where what was made cannot be removed, as from a graph of TensorFlow, and what was refused has left much in it already: what is
        made inside is in a graph that goes with it.
        """
        return None

    def reset_uids(self):
        """Start the counts of `get_uid` again from 1."""
        self._uids.clear()

    # The learning phase.

    def learning_phase(self):
        """Whether the model learns (1) or is tested (0).

        Returns:
            The int 0 or 1 if `set_learning_phase` gave one; else a scalar placeholder that is 0 unless it is fed, the
            same one until `clear_session`.
        """
        if self._phase is None:
            self._phase = self.make_learning_phase()
            meta.set_uses_learning_phase(self._phase, True)
        return self._phase

    def set_learning_phase(self, value):
        """Fix the learning phase, for what is made from now on.

        Arguments:
            value: 0 (test) or 1 (train).

        Raises:
            ValueError: anything else.
        """
        if value not in (0, 1):
            raise ValueError(f'value: expected 0 (test) or 1 (train), got {value!r}.')
        self._phase = int(value)

    def in_train_phase(self, x, alt, training=None):
        """`x` in the training phase, `alt` in the test phase.

        Arguments:
            x, alt: tensors of the same shape and dtype, or functions of no arguments that return one; only the one
                that is needed is made, or computed, as far as the framework can.
            training: bool, int or scalar tensor; None for `learning_phase()`.

        Returns:
            Tensor; it is marked as using the learning phase where it depends on the symbolic one.
        """
        if training is None:
            training = self.learning_phase()
        if not self.is_tensor(training):
            chosen = x if training else alt
            return chosen() if callable(chosen) else chosen
        result = self.switch(training, x, alt)
        if meta.uses_learning_phase(training):
            meta.set_uses_learning_phase(result, True)
        return result

    def in_test_phase(self, x, alt, training=None):
        """`x` in the test phase, `alt` in the training phase; arguments and result as for `in_train_phase`."""
        return self.in_train_phase(alt, x, training=training)

    # What is known of a tensor.

    def int_shape(self, x):
        """The static shape of `x`: what the framework knows, and where it does not, what the library recorded.

        Arguments:
            x: tensor or array.

        Returns:
            Tuple of int, with None for a length known only at run time; None where even the rank is unknown.
        """
        known = self.static_shape(x)
        noted = meta.get_shape(x)
        if known is None or noted is None or len(known) != len(noted):
            return noted if known is None else tuple(known)
        return tuple(n if k is None else k for k, n in zip(known, noted))

    def ndim(self, x):
        """The number of dimensions of `x`: int, or None where it is unknown."""
        shape = self.int_shape(x)
        return None if shape is None else len(shape)

    def count_params(self, x):
        """The number of elements of a variable: int.

        Raises:
            ValueError: the shape of `x` is not wholly known.
        """
        shape = self.int_shape(x)
        if shape is None or None in shape:
            raise ValueError(f'x: expected a tensor whose whole shape is known, got shape {shape}.')
        return int(np.prod(shape, dtype='int64'))

    def is_cthulhu_tensor(self, x):
        """Whether `x` came from a layer, `Input()` included.

        Raises:
            ValueError: `x` is not a tensor of the backend at all.
        """
        if not self.is_tensor(x):
            raise ValueError(
                f'x: expected a tensor of the {self.name} backend, got {type(x).__name__}. '
                'Make one with Input() or K.placeholder(), or K.constant() for fixed values.'
            )
        return meta.get_history(x) is not None

    def origin(self, x):
        """The operation that made a tensor.

        Arguments:
            x: tensor.

        Returns:
            (name, dict of its arguments by their names, the first of them first), in the names of TensorFlow's functions without 'tf.', as files
            have them; the name of another operation is told in words. None for what no operation made, and on backends that do not know.
        """
        return None

    def _dims(self, x):
        """The dimensions of `x` as a list: ints where they are known, else scalar tensors."""
        static = self.int_shape(x)
        if static is None:
            raise ValueError('The rank of a tensor must be known here. Give its placeholder a shape or an ndim.')
        if None not in static:
            return list(static)
        dynamic = self.shape(x)
        return [dynamic[i] if n is None else n for i, n in enumerate(static)]

    # Updates, and many values at once.

    def update(self, x, new_x):
        """The update that sets variable `x` to `new_x`: give it to `function(..., updates=[...])`.

        Arguments:
            x: variable.
            new_x: tensor, array or number of the same shape.

        Returns:
            `Update`, which iterates as (x, new_x).

        >>> x = K.variable([1.0, 2.0])
        >>> double = K.function([], [x], updates=[K.update(x, 2 * x)])
        >>> double([])[0].tolist(), K.get_value(x).tolist()
        ([1.0, 2.0], [2.0, 4.0])
        """
        return meta.Update(x, new_x)

    def update_add(self, x, increment):
        """The update that adds `increment` to variable `x`; arguments and result as for `update`."""
        return self._update_by_rule(x, lambda value: value + increment, adds=True)

    def update_sub(self, x, decrement):
        """The update that subtracts `decrement` from variable `x`; arguments and result as for `update`."""
        return self._update_by_rule(x, lambda value: value - decrement, adds=True)

    def moving_average_update(self, x, value, momentum):
        """The update that sets variable `x` to x * momentum + value * (1 - momentum).

        Arguments:
            x: variable.
            value: tensor of the same shape, cast to its dtype.
            momentum: number from 0 to 1.
        """
        if self.is_tensor(value):
            value = self.cast(value, self.dtype(x))
        return self._update_by_rule(x, lambda old: old * momentum + value * (1.0 - momentum))

    def _update_by_rule(self, x, rule, adds=False):
        update = self.update(x, rule(x))
        update.rule, update.adds = rule, adds
        return update

    def chain_updates(self, updates):
        """The updates, with those of one variable made into one where they can follow each other.

        Additions and moving averages can: a layer that is called several times makes several, and each has its effect, in order.

        Arguments:
            updates: list of `Update`s and of what else `function` takes.

        Returns:
            List of the same kinds.
        """
        chained, places = [], {}
        for update in updates:
            # one that has become an operation already, as those of metrics do on TensorFlow, stays what it is
            rule = getattr(update, 'rule', None) if getattr(update, 'operation', None) is None else None
            place = places.get(id(update.variable)) if rule is not None else None
            if place is not None and update is not chained[place]:
                before = chained[place]
                with self.graph_scope():
                    chained[place] = self.update(update.variable, rule(before.value))
                chained[place].rule = lambda value, first=before.rule, then=rule: then(first(value))
                chained[place].adds = before.adds and update.adds
                chained[place].counts_batches = before.counts_batches and update.counts_batches
                continue
            if rule is not None:
                places[id(update.variable)] = len(chained)
            chained.append(update)
        return chained

    def supports(self, capability):
        """Whether the backend can do something that not every backend can.

        Arguments:
            capability: 'gradients', 'float16' and 'bfloat16' (computing in them), 'sparse' (tensors), 'ctc', 'session_arguments' (of `function`), 'native_tensors'
                (a user's own framework operations work on our tensors), 'sessions', 'datasets', 'dilation', 'graph_definition',
                'broadcasting' (of lengths of 1 that are not known before the run), 'unknown_rank' (placeholders whose
                number of dimensions is not given), 'empty_loops' (`scan` of no steps, where only the run tells),
                'saved_model' (`write_saved_model`), 'many_steps' (of `function`), 'recurrent_kernels' (`whole` of `rnn`), 'shared_batches' (between all of `devices()`), 'ranks' (`join_ranks`), 'devices' (`device_scope`), 'flipped_kernels' (Keras with this framework convolved with flipped
                kernels, so that files that name this backend hold them flipped), or one of the backend's own. Unknown
                ones are False.

        Returns:
            bool.
        """
        return capability in self.capabilities

    def call_function(self, function, *args, **kwargs):
        """What a function that a user wrote gives for tensors: of functions of `K` and operators, or of the framework's own functions.

        A framework whose functions refuse symbolic tensors is asked when it computes: then the function is given the framework's arrays.

        Arguments:
            function: function of `args` and `kwargs`, in which there are tensors, that returns a tensor or a list or tuple of tensors.

        Returns:
            What it returns.
        """
        return function(*args, **kwargs)

    def _check_variable(self, x):
        if not self.is_variable(x):
            raise TypeError(f'x: expected a variable, got {x!r}. Use K.eval(x) for the value of another tensor.')

    def _array_for(self, x, value):
        """An array of its own that variable `x` can be set to."""
        self._check_variable(x)
        value, shape = np.array(value, self._numpy_dtype(x)), self.int_shape(x)
        if shape is not None and not shapes.agree(value.shape, shape):
            raise ValueError(
                f'value: variable {x.name!r} has shape {shape}, got an array of shape {value.shape}. Give an array of the shape of '
                'the variable.'
            )
        return value

    def _numpy_dtype(self, x):
        """The dtype of the arrays that hold values of `x`."""
        return np.dtype(self.dtype(x))

    def batch_get_value(self, ops):
        """The present values of a list of variables, as a list of NumPy arrays."""
        return [self.get_value(x) for x in ops]

    def batch_set_value(self, tuples):
        """Set several variables, from a list of pairs (variable, value)."""
        for x, value in tuples:
            self.set_value(x, value)

    def graph_definition(self):
        """The graph of all tensors made so far, as TensorBoard reads it.

        Returns:
            bytes, a serialised `GraphDef`.

        Raises:
            NotImplementedError: the backend does not `supports('graph_definition')`.
        """
        raise NotImplementedError(f'The {self.name} backend has no graph that TensorBoard can show.')

    def write_saved_model(self, path, inputs, call):
        """Write a function and the variables that it reads as a TensorFlow SavedModel, with the signature 'serving_default'.

        Arguments:
            path: str, a folder that is not there yet.
            inputs: dict, name -> tensor, whose shape and dtype that input is to have.
            call: function from a list of new placeholders, one for each of `inputs`, to a dict, name -> tensor; called once, in
                the learning phase 0.

        Raises:
            NotImplementedError: the backend does not `supports('saved_model')`.
            ValueError: the function depends on something that a SavedModel cannot hold.
        """
        raise NotImplementedError(
            f"The {self.name} backend cannot write a SavedModel, TensorFlow's can. Save the model (`model.save('model.h5')`), start "
            "Python where TensorFlow is installed with CTHULHU_BACKEND=tensorflow, load it (`load_model('model.h5')`) and export "
            'it there. `export_onnx` works on every backend.'
        )
