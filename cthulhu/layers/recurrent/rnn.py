"""RNN: runs a cell over the time axis. All recurrent layers are this one with a cell of their own."""

import numpy as np

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.backend import meta
from cthulhu.engine.base_layer import InputSpec, Layer
from cthulhu.engine.input_spec import check_inputs
from cthulhu.engine.settings import describe
from cthulhu.layers.recurrent.calling import StatesAsInputs
from cthulhu.layers.recurrent.cell import Cell, RecurrentCell
from cthulhu.layers.recurrent.settings import with_input_shape
from cthulhu.layers.recurrent.stacked import StackedRNNCells, check_cell, output_size, state_sizes
from cthulhu.storage import budget, trust
from cthulhu.utils.arguments import checked
from cthulhu.utils.generic_utils import has_arg, to_list
from cthulhu.utils.layer_utils import all_layers


class RNN(StatesAsInputs, Layer):
    """Runs a cell over the steps of sequences.

    Arguments:
        cell: an object, usually a Layer, with a method `call(inputs, states)` that makes (output, new states) of the
            inputs (batch, input_dim) and states of one step, and an attribute `state_size`, the size of its state or a
            list of sizes. `call` may also take `training` and `constants`. A list of cells is stacked.
        return_sequences: whether the output has all steps, and not the last one only.
        return_state: whether the last states come after the output.
        go_backwards: whether time runs from the end; the output, too, is then in reverse.
        stateful: whether sample i of a batch goes on from the last state of sample i of the batch before. Needs a fixed
            batch size (`batch_input_shape`) and `shuffle=False`; `reset_states` begins anew.
        unroll: whether the steps are laid out one by one instead of looped over: for few steps of a known number.
        input_dim, input_length: instead of `input_shape`, the number of features and of steps.

    Call arguments:
        inputs: tensor (batch, time, input_dim). Steps that its mask, (batch, time), takes out change nothing.
        initial_state: tensor or list of tensors (batch, size), one for each state; zeros if left out.
        constants: tensor or list of tensors that every step of the cell gets.

    Output: tensor (batch, size), or (batch, time, size) with `return_sequences`; with `return_state` a list of it and
    the states.

    Raises:
        ValueError: for what is not a cell; for `unroll` without a known number of steps; for initial states that do not
            fit; for constants with a cell that takes none.

    Example:
        >>> from cthulhu.layers import Input, LaldagorthCell
        >>> RNN([LaldagorthCell(8), LaldagorthCell(4)])(Input((10, 3))).shape.as_list()
        [None, 4]
    """

    untracked = ('_states', 'states')
    cell_class = None  # of a layer whose settings are those of its cell

    @checked
    def __init__(
        self,
        cell,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        **kwargs,
    ):
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        check_cell(cell, type(self).__name__)
        super().__init__(**with_input_shape(kwargs))
        self.cell = cell
        # the states are those of the cells, and have the type that these compute in
        self.mixed_policy = next(
            (each.mixed_policy for each in all_layers(cell) if getattr(each, 'mixed_policy', None)), None
        )
        self._set_flow(return_sequences, return_state, go_backwards, stateful, unroll)
        self.supports_masking = True

    def _set_flow(self, return_sequences, return_state, go_backwards, stateful, unroll=False):
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.input_spec = [InputSpec(ndim=3)]
        self.state_spec = None
        self.constants_spec = None
        self._states = None

    # -- states ------------------------------------------------------------------------------------------

    def _state_shapes(self, input_shape):
        """The shape of each state, for inputs of this shape."""
        return [(input_shape[0], size) for size in state_sizes(self.cell)]

    @property
    def states(self):
        """The variables that hold the states of a stateful layer; None for each where there are none yet."""
        if self._states is None:
            return [None] * len(state_sizes(self.cell))
        return self._states

    @states.setter
    def states(self, states):
        self._states = states

    def get_initial_state(self, inputs):
        """The states to begin with, for `inputs` (batch, time, ...): a list of tensors of zeros."""
        shape = K.int_shape(inputs)
        batch = K.shape(inputs)[0] if shape[0] is None else shape[0]
        return [K.fill(sizes, 0.0, dtype=K.dtype(inputs)) for sizes in self._state_shapes((batch,) + shape[1:])]

    def reset_states(self, states=None):
        """Set the states of a stateful layer.

        Arguments:
            states: array, or list of arrays, one for each state; zeros if left out.

        Raises:
            AttributeError: if the layer is not stateful.
            ValueError: if the batch size is not known, or the states do not fit.
        """
        if not self.stateful:
            raise AttributeError(f'Layer "{self.name}" has no states to reset: it was made without `stateful=True`.')
        input_shape = self.input_spec[0].shape
        shapes = self._state_shapes(input_shape) if input_shape else [(None,)]
        if any(None in shape for shape in shapes):
            raise ValueError(
                f'Layer "{self.name}" is stateful, so it must know the batch size, and all sizes of its states. Give the first '
                'layer of a Pile `batch_input_shape=(batch, ...)`, or `batch_shape` to Input.'
            )
        for shape in shapes:
            trust.spend(shape, self.dtype, f'A state of layer "{self.name}"')
        values = [np.zeros(shape) for shape in shapes] if states is None else to_list(states, allow_tuple=True)
        if [np.shape(value) for value in values] != shapes:
            raise ValueError(
                f'Layer "{self.name}" has {len(shapes)} state(s) of the shapes {shapes}, but reset_states was given arrays of the shapes {[np.shape(value) for value in values]}.'
            )
        if self._states is None:
            self._states = [K.variable(value, dtype=self.dtype) for value in values]
        else:
            K.batch_set_value(list(zip(self._states, values)))

    # -- shapes and masks --------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape):
        input_shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        steps = (input_shape[1],) if self.return_sequences else ()
        output = (input_shape[0],) + steps + (output_size(self.cell),)
        return [output] + self._state_shapes(input_shape) if self.return_state else output

    def compute_mask(self, inputs, mask=None):
        mask = mask[0] if isinstance(mask, list) else mask
        mask = mask if self.return_sequences else None
        return [mask] + [None] * len(state_sizes(self.cell)) if self.return_state else mask

    # -- building ----------------------------------------------------------------------------------------

    def build(self, input_shape):
        input_shape = tuple(input_shape[0] if isinstance(input_shape, list) else input_shape)
        self.input_spec = [InputSpec(shape=self._accepted_shape(input_shape))]
        if isinstance(self.cell, Layer):
            constants = [spec.shape for spec in self.constants_spec or ()]
            step_shape = (input_shape[0],) + input_shape[2:]
            self.cell.build_once([step_shape] + constants if constants else step_shape)
        self.state_spec = [InputSpec(shape=(None,) + shape[1:]) for shape in self._state_shapes(input_shape)]
        if self.stateful:
            self.reset_states()
        self.built = True

    def _accepted_shape(self, input_shape):
        """The shape of the inputs that the layer takes once it is built: any number of steps."""
        return (input_shape[0] if self.stateful else None, None) + input_shape[2:]

    # -- calling -----------------------------------------------------------------------------------------

    def _expect_constants(self, constants):
        if not has_arg(self.cell.call, 'constants'):
            raise ValueError(
                f'Layer "{self.name}" was given constants, but its cell ({type(self.cell).__name__}) takes none: its `call` needs a `constants` argument.'
            )
        super()._expect_constants(constants)
        self.constants_spec = [InputSpec(shape=K.int_shape(x)) for x in constants]

    def assert_input_compatibility(self, inputs):
        """Raise ValueError where the inputs or initial states are not what the layer takes."""
        inputs, states, _ = self._separate(inputs)
        check_inputs(self, inputs)
        if states is not None and self.built:
            self._check_states(states)

    def _check_states(self, states):
        specs = self.state_spec
        if len(states) != len(specs) or any(spec.mismatch(x) for spec, x in zip(specs, states)):
            raise ValueError(
                f'Layer "{self.name}": expected {len(specs)} initial state(s) of the shape(s) {[spec.shape for spec in specs]}, got {[K.int_shape(x) for x in states]}.'
            )

    def call(self, inputs, mask=None, training=None, initial_state=None, constants=None):
        inputs, initial_state, constants = self._separate(inputs, initial_state, constants)
        mask = mask[0] if isinstance(mask, list) else mask
        if self.stateful and self._states is None:  # made stateful after it was built
            self.input_spec = [InputSpec(shape=self._accepted_shape(K.int_shape(inputs)))]
            self.reset_states()
        if initial_state is not None:
            self._check_states(initial_state)
        else:
            initial_state = self.states if self.stateful else self.get_initial_state(inputs)
        if self.mixed_policy is not None:
            initial_state = [K.cast(state, self.compute_dtype) for state in initial_state]
        steps = K.int_shape(inputs)[1]
        if self.unroll and steps is not None:
            budget.draw('calls', 2 * steps, f'The {steps} steps of the unrolled layer "{self.name}"')
        if self.unroll and steps is None:
            raise ValueError(
                f'Layer "{self.name}" cannot be unrolled: the number of steps is not known. Give it in the `input_shape` (or '
                '`shape` of the Input), or `input_length` of an embedding, or use `unroll=False`.'
            )
        if mask is not None:  # a masked step may hold anything, also what would make a gradient of 0 no number
            there = K.cast(mask, 'bool')
            for _ in range(K.ndim(inputs) - K.ndim(there)):
                there = K.expand_dims(there, -1)
            inputs = K.only_where(there, inputs)
        sequence, step = self._steps(inputs, initial_state, constants or [], training)
        last, outputs, states = K.rnn(
            step,
            sequence,
            list(initial_state),
            constants=constants,
            go_backwards=self.go_backwards,
            mask=mask,
            unroll=self.unroll,
            input_length=steps,
            **self._kernels(inputs, initial_state, constants, training),
        )
        if self.stateful:
            self.add_update([K.update(old, K.cast(new, K.dtype(old))) for old, new in zip(self.states, states)])
        output = outputs if self.return_sequences else last
        if not self.return_state:
            return output
        if meta.uses_learning_phase(last):
            for state in states:
                meta.set_uses_learning_phase(state, True)
        return [output] + list(states)

    def _kernels(self, inputs, states, constants, training):
        """The argument by which `K.rnn` is told what all steps compute, on a backend that has kernels for that."""
        if constants or not K.supports('recurrent_kernels'):
            return {}
        return {'whole': lambda: self._whole(inputs, states, training)}

    def _whole(self, inputs, states, training):
        """What all steps compute: see `K.rnn`; or None."""
        is_known = isinstance(self.cell, RecurrentCell) and self.cell.projects
        return self.cell.whole(inputs, states, training) if is_known else None

    def _steps(self, inputs, states, constants, training):
        """What is run over, and the function of a slice of it and the states (and constants) that makes a step."""
        cell, count = self.cell, len(constants)
        dropping = [each for each in all_layers(cell) if isinstance(each, Cell) and each.drops]
        for each in dropping:
            each.forget_dropout()
        arguments = {}
        if isinstance(cell, StackedRNNCells) or has_arg(cell.call, 'training'):
            arguments['training'] = training
        sequence = inputs
        if isinstance(cell, RecurrentCell) and cell.projects:
            # One product for all steps instead of one a step.
            sequence = cell.project(inputs, training)

            def step(x, states):
                return cell.advance(x, states, training)

        else:

            def step(x, states):
                if not count:
                    return cell.call(x, list(states), **arguments)
                return cell.call(x, list(states[:-count]), constants=list(states[-count:]), **arguments)

        if dropping:
            # Made here, and not in the loop, the masks are one draw for all steps. Nothing else of
            # this step is ever run.
            step(sequence[:, 0], list(states) + list(constants))
        return sequence, step

    # -- configuration -----------------------------------------------------------------------------------

    def get_config(self):
        config = super().get_config()
        config.update(
            return_sequences=self.return_sequences,
            return_state=self.return_state,
            go_backwards=self.go_backwards,
            stateful=self.stateful,
            unroll=self.unroll,
        )
        if self._num_constants is not None:
            config['num_constants'] = self._num_constants
        if self.cell_class is not None:
            config.update(describe(self, type(self).settings))
        else:
            config['cell'] = registry.layers.serialize(self.cell)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        count = config.pop('num_constants', None)
        if cls.cell_class is not None:
            if config.get('implementation') == 0:  # of Keras 1: 1 computes the same
                config['implementation'] = 1
            layer = cls(**config)
        else:
            layer = cls(registry.layers.deserialize_part(config, 'cell', 'an RNN', custom_objects), **config)
        layer._num_constants = count
        return layer
