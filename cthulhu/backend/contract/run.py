"""Primitives: making tensors, reading and running them."""

from abc import ABC, abstractmethod


class Run(ABC):
    """Placeholders, variables, functions, gradients, loops."""

    @abstractmethod
    def placeholder(self, shape=None, ndim=None, dtype=None, sparse=False, name=None):
        """A tensor whose value is given when a function is called.

        Arguments:
            shape: tuple of int or None, with None for a length that may change; None for an unknown shape.
            ndim: int, the rank, where `shape` is not given.
            dtype: str, by default `floatx()`.
            sparse: bool, whether values are SciPy sparse matrices. Where the backend `supports('sparse')`.
            name: str or None.

        Returns:
            A symbolic tensor.

        Raises:
            ValueError: sparse, on a backend without sparse tensors.
        """

    @abstractmethod
    def variable(self, value, dtype=None, name=None, constraint=None):
        """A tensor that keeps its value between calls, and can be updated.

        Arguments:
            value: the first value: number, array, SciPy sparse matrix, or tensor.
            dtype: str, by default `floatx()`; the array's or tensor's own dtype is not kept.
            name: str or None.
            constraint: function from the new value (a tensor) to the value to keep, applied by optimizers, or None.

        Returns:
            A variable; `meta.get_constraint` reads its constraint. Sparse values give a sparse constant, not a
            variable.
        """

    @abstractmethod
    def constant(self, value, dtype=None, shape=None, name=None):
        """A tensor that never changes.

        Arguments:
            value: number or array.
            dtype: str, by default `floatx()`.
            shape: tuple of int to which the value is repeated or reshaped, or None to keep its own.
            name: str or None.

        Returns:
            A tensor.
        """

    @abstractmethod
    def is_tensor(self, x):
        """Whether `x` is a tensor of this framework: placeholder, variable, constant or result, dense or sparse.

        NumPy arrays and Python numbers are data: False for them on every backend.
        """

    @abstractmethod
    def is_placeholder(self, x):
        """Whether `x` was made by `placeholder` (the symbolic learning phase included)."""

    @abstractmethod
    def is_variable(self, x):
        """Whether `x` is a variable."""

    @abstractmethod
    def is_sparse(self, tensor):
        """Whether `tensor` is a sparse tensor."""

    @abstractmethod
    def to_dense(self, tensor):
        """The dense tensor of the same values; a dense one is returned as it is."""

    @abstractmethod
    def shape(self, x):
        """The shape of `x` at run time.

        Returns:
            1-D int32 tensor of length ndim. On an eager value it may be a NumPy array.
        """

    @abstractmethod
    def dtype(self, x):
        """The dtype of `x` as a string, such as 'float32'."""

    @abstractmethod
    def static_shape(self, x):
        """What the framework itself knows of the shape of `x`.

        Returns:
            Tuple of int or None, or None where even the rank is unknown. `int_shape` adds what the library recorded.
        """

    @abstractmethod
    def get_value(self, x):
        """The present value of a variable, as a NumPy array; of another tensor, what `eval` gives."""

    @abstractmethod
    def set_value(self, x, value):
        """Set a variable.

        Arguments:
            x: variable.
            value: number or array of the variable's shape; cast to its dtype.
        """

    @abstractmethod
    def eval(self, x):
        """The value of a tensor that needs no placeholder's value; of an `Update`, which is carried out, the new value.

        Returns:
            NumPy array or scalar; a dense array for a sparse tensor.
        """

    @abstractmethod
    def function(self, inputs, outputs, updates=None, after_updates=None, name=None, **framework_arguments):
        """A callable that computes outputs from inputs and updates variables.

        Every output and every new value is computed from the variables' values before the call; then all updates happen
        together; then `after_updates` are computed, from the new values.

        Arguments:
            inputs: list of placeholders (any tensor may be fed where the framework allows it).
            outputs: list of tensors, or one tensor (the call then returns one value).
            updates: list of `Update`, of pairs (variable, new value), of the framework's own operations, or of None
                (skipped); nested lists are flattened.
            after_updates: list of tensors.
            name: str or None.
            framework_arguments: what the framework's own function or session takes (on TensorFlow `feed_dict`,
                `fetches`, `options`, `run_metadata`).

        Returns:
            A `composed.function.Function`, of which the framework writes a subclass: callable with one list of values (or with the
            values as arguments), to a list of NumPy values: outputs, then `after_updates`. Its methods `run_each` and
            `run_many` make many such calls.

        Raises:
            ValueError: two updates of one variable, or a framework argument that does not exist.
            TypeError: `inputs` is not a list or tuple.

        >>> x = K.placeholder((None,))
        >>> K.function([x], [K.sum(x), 2 * x])([[1.0, 2.0]])[1].tolist()
        [2.0, 4.0]
        """

    @abstractmethod
    def gradients(self, loss, variables):
        """The derivatives of `loss` by each of `variables`.

        Arguments:
            loss: scalar tensor; a tensor of any shape stands for the sum of its elements.
            variables: list of variables or other tensors that `loss` was computed from, or one of them.

        Returns:
            List of tensors of the variables' shapes, None where `loss` does not depend on one.

        Raises:
            NotImplementedError: the backend does not `supports('gradients')`.
        """

    @abstractmethod
    def stop_gradient(self, variables):
        """The same values, as constants for `gradients`.

        Arguments:
            variables: tensor, or list or tuple of tensors.

        Returns:
            Tensor or list of tensors.
        """

    @abstractmethod
    def control_dependencies(self, control_inputs):
        """A context manager: operations made inside run after `control_inputs`, where the framework orders by
        dependencies.

        Arguments:
            control_inputs: list of tensors, operations and `Update`s, which are then carried out (None: no
                dependencies).
        """

    @abstractmethod
    def print_tensor(self, x, message=''):
        """`x`, printed with `message` each time it is computed.

        Returns:
            Tensor: use it in place of `x`, or nothing is printed.
        """

    @abstractmethod
    def identity(self, x, name=None):
        """A new tensor with the value of `x`."""

    @abstractmethod
    def clear_session(self):
        """Forget every tensor made so far and start afresh: free the memory that they hold, restart the names' counts.

        An implementation calls `super().clear_session()`, which resets the learning phase and the counts of `get_uid`.
        """
        self._reset_state()

    @abstractmethod
    def get_session(self):
        """The framework's session, with every variable initialised.

        Raises:
            NotImplementedError: the framework has no sessions.
        """

    @abstractmethod
    def set_session(self, session):
        """Use a session of the user's own from now on.

        Raises:
            NotImplementedError: the framework has no sessions.
        """

    @abstractmethod
    def manual_variable_initialization(self, value):
        """Whether the user initialises variables (True), or they are as soon as they are needed (False, the default).

        Raises:
            NotImplementedError: True, on a framework whose variables are initialised when they are made.
        """

    @abstractmethod
    def scan(self, step, sequences, states, length=None):
        """Run `step` along the first axis. Differentiable where the backend has gradients.

        Arguments:
            step: function (slices, states, time) -> (outputs, new_states), all but `time` lists of tensors: a slice of
                each sequence, the states; `time` is a scalar int32 tensor, or an int. The new states have the shapes
                and dtypes of the old.
            sequences: list of tensors (time, ...) of equal length; may be empty.
            states: list of tensors, the first states; may be empty.
            length: int or scalar int32 tensor, the number of steps; needed where `sequences` is empty.

        Returns:
            (list of the outputs, each stacked to (time, ...), list of the last states), with static shapes as far as
            they are known.

        >>> def step(slices, states, time):
        ...     total = slices[0] + states[0]
        ...     return [total], [total]
        >>> outputs, states = K.scan(step, [K.constant([1, 2, 3])], [K.constant(0)])
        >>> K.eval(outputs[0]).tolist(), float(K.eval(states[0]))
        ([1.0, 3.0, 6.0], 6.0)
        """

    @abstractmethod
    def make_learning_phase(self):
        """A scalar placeholder for the learning phase, 0 (test) unless it is fed. `switch` takes it as a condition."""

    @abstractmethod
    def graph_scope(self, name=None):
        """A context manager: what is made inside belongs to the backend's graph and, with `name`, that name scope. One thread at a time is inside."""

    def devices(self):
        """The names of what the framework can compute on: a list such as ['/cpu:0', '/gpu:0', '/gpu:1']."""
        return ['/cpu:0']

    def device_scope(self, name):
        """A context manager: operations made inside are computed on a device. Where the backend `supports('devices')`.

        Arguments:
            name: one of `devices()`.

        Raises:
            NotImplementedError: the framework, or this library with it, does not place operations.
        """
        raise NotImplementedError(f'The {self.name} backend does not place operations on devices.')

    def is_native_dataset(self, x):
        """Whether `x` is a dataset of the framework, or an iterator over one, such as a `tf.data.Dataset`."""
        return False

    def dataset_batches(self, dataset):
        """The batches of a dataset of the framework.

        Arguments:
            dataset: something for which `is_native_dataset` is true.

        Returns:
            Iterator over batches: NumPy arrays, in the tuples, lists and dicts that the dataset has them in. A dataset starts
            from its first batch, an iterator goes on where it is.

        Raises:
            NotImplementedError: the framework has no datasets.
        """
        raise NotImplementedError(
            f'The {self.name} backend has no datasets of its own. Give arrays, a generator or a Sequence.'
        )
