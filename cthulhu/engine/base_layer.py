"""Layer: weights, and the protocol by which a layer is called."""

import typing

import numpy as np

from cthulhu import backend as K
from cthulhu import constraints, initializers, names, policies, regularizers
from cthulhu.backend import meta
from cthulhu.backend.inference import dtypes
from cthulhu.engine import call_context
from cthulhu.engine.additions import Additions
from cthulhu.engine.input_spec import InputSpec, check_inputs
from cthulhu.engine.node import Node, NodeAccess, mask_of, tensors_in
from cthulhu.engine.own_dtype import called, in_own_dtype
from cthulhu.engine.tracking import Tracking
from cthulhu.storage import budget, trust
from cthulhu.utils import hints
from cthulhu.utils.argument_table import OF_EVERY_LAYER, kind_of
from cthulhu.utils.arguments import checked, named_arguments, takes_keras_1, unknown_argument
from cthulhu.utils.generic_utils import has_arg, in_a_row, is_all_none, to_list, to_snake_case, unique, unpack_singleton

__all__ = ['InputSpec', 'Layer', 'Node']

_WEIGHT_LISTS = ('trainable_weights', 'non_trainable_weights')


class Layer(Additions, Tracking, NodeAccess):
    """The base of all layers: a computation on tensors, with the weights that it uses.

    A layer of your own defines some of

    - `__init__`, which takes its settings and hands `**kwargs` on,
    - `build(input_shape)`, which makes the weights with `add_weight`,
    - `call(inputs)`, which computes output tensors from input tensors,
    - `compute_output_shape(input_shape)`, needed where the framework cannot tell the shape of the result,
    - `get_config()`, which returns the settings, so that the layer can be saved and cloned.

    Arguments:
        name: string, unique in a model; made from the class name if left out.
        dtype: dtype of the weights, or a policy such as 'mixed_float16' (see `cthulhu.mixed_precision`); the global policy, at first `floatx()`, if left out.
        trainable: whether training changes the weights.
        input_shape: tuple without the batch axis, for the first layer of a Pile.
        batch_input_shape: the same with the batch axis.
        batch_size: the batch axis that goes with `input_shape`.
        weights: list of arrays, the initial values of the weights.

    Raises:
        TypeError: for an argument that no layer knows.
    """

    #: For a layer that `takes_indices`: how many there are. Data for an input that it reads are held against this before they are fed.
    indices_below = None

    #: Another object after each change of `trainable`, of whichever layer: who has looked at the layers since need not do so again.
    last_change_of_trainable = object()

    #: The DTypePolicy of a layer that computes in another type than its weights have; else None.
    mixed_policy = None

    #: Whether such a layer computes in the type of its weights all the same, for the sake of its figures, and only its outputs are cast.
    computes_in_dtype_of_weights = False

    #: Whether its inputs are numbers of things, which a shorter type does not hold.
    takes_numbers_as_they_are = False

    untracked = ('_dependent',)

    @checked
    def __init__(self, **kwargs):
        unknown = [argument for argument in kwargs if argument not in OF_EVERY_LAYER]
        if unknown:
            own = [name for name in named_arguments(type(self).__init__) if name not in OF_EVERY_LAYER]
            raise unknown_argument(type(self).__name__, unknown, own + list(OF_EVERY_LAYER))
        Tracking.__init__(self)
        self._losses = []  # those that belong to no call: (layer, loss)
        self._dependent = []  # those of them that were added for some tensors: (kind, tensors, item)
        self._updates = []
        self._metric_results = []
        self._inbound_nodes = []
        self._outbound_nodes = []
        self._trainable = True
        self._frozen_inputs = []
        self.trainable_changed = False
        self.input_spec = None
        self.supports_masking = False
        self.stateful = False
        self._built = False
        name = kwargs.get('name')
        if not name:
            prefix = to_snake_case(names.keras_name(type(self)))
            name = f'{prefix}_{K.get_uid(prefix)}'
        trust.check_name(name)
        self.name = name
        self.trainable = kwargs.get('trainable', True)
        self.trainable_changed = False
        batch_input_shape = kwargs.get('batch_input_shape')
        if batch_input_shape is None and kwargs.get('input_shape') is not None:
            batch_input_shape = (kwargs.get('batch_size'),) + kwargs['input_shape']
        if batch_input_shape is not None:
            self.batch_input_shape = batch_input_shape
        dtype = kwargs.get('dtype')
        if dtype is None and kwargs.get('input_dtype') is not None:  # of Keras 1, where weights are of `floatx()`
            dtype = K.standardize_dtype(kwargs['input_dtype'])
            dtype = dtype if dtypes.is_float(dtype) else None
        self.dtype, policy = policies.read(dtype)
        if policy is not None and not hasattr(type(self), 'is_graph'):
            self.mixed_policy = policy
        self._initial_weights = kwargs.get('weights')
        self._take_in()
        if not self._trainable:
            self.trainable = False
            self.trainable_changed = False

    # -- state -------------------------------------------------------------------------------------------

    @property
    def dtype_policy(self):
        """The DTypePolicy of the layer."""
        return policies.DTypePolicy(self.dtype) if self.mixed_policy is None else self.mixed_policy

    @property
    def compute_dtype(self):
        """The type that floating inputs are cast to, and that outputs have: str."""
        return self.dtype if self.mixed_policy is None else self.mixed_policy.compute_dtype

    @property
    def variable_dtype(self):
        """The type of the weights: str."""
        return self.dtype

    @property
    def built(self):
        """Whether the weights were made."""
        return self._built

    @built.setter
    def built(self, value):
        self._built = value

    @property
    def trainable(self):
        """Whether training changes the weights. Setting it reaches all layers inside; models take it over when they are conjured."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        value = kind_of('Layer', 'trainable').check(type(self).__name__, 'trainable', value)
        if value != self._trainable:
            self.trainable_changed = True
            self.mark_change_of_trainable()
        self._trainable = value
        for layer in self.sublayers:
            layer.trainable = value

    @staticmethod
    def mark_change_of_trainable():
        """Have all who look at what is trained look again."""
        Layer.last_change_of_trainable = object()

    def declared_weights(self, trainable):
        """The weights made as trainable (or not), here and in the layers inside, whatever has been frozen since.

        A class that defines both `trainable_weights` and `non_trainable_weights` says by them which are its weights.
        """
        if all(getattr(type(self), name) is not getattr(Layer, name) for name in _WEIGHT_LISTS):
            return unique(self.trainable_weights if trainable else self.non_trainable_weights)
        weights = list(self._trainable_weights if trainable else self._non_trainable_weights)
        for layer in self.sublayers:
            weights.extend(layer.declared_weights(trainable))
        return unique(weights)

    @property
    def trainable_weights(self):
        """The weights that training changes."""
        if not self.trainable:
            return []
        weights = list(self._trainable_weights)
        for layer in self.sublayers:
            weights.extend(layer.trainable_weights)
        return unique(weights)

    @trainable_weights.setter
    def trainable_weights(self, weights):
        self._trainable_weights = weights

    @property
    def non_trainable_weights(self):
        """The weights that training leaves alone."""
        trained = set(map(id, self.trainable_weights))
        return [w for w in self.weights if id(w) not in trained]

    @non_trainable_weights.setter
    def non_trainable_weights(self, weights):
        self._non_trainable_weights = weights

    @property
    def weights(self):
        """All weights. Their order does not depend on what is frozen, so that files stay readable."""
        return unique(self.declared_weights(True) + self.declared_weights(False))

    def get_weights(self):
        """The values of the weights: a list of NumPy arrays, in the order of `weights`."""
        return K.batch_get_value(self.weights)

    def set_weights(self, weights):
        """Set the weights from a list of arrays, in the order and with the shapes of `get_weights()`.

        Raises:
            ValueError: if the number of arrays or a shape is not right; then nothing is set.
        """
        variables = self.weights
        weights = list(weights)
        if len(weights) != len(variables):
            raise ValueError(
                f'Layer "{self.name}" has {len(variables)} weight array(s), but set_weights was given {len(weights)}. Expected the shapes {[K.int_shape(v) for v in variables]}.'
            )
        for variable, value in zip(variables, weights):
            expected, found = K.int_shape(variable), np.shape(value)
            if tuple(expected) != tuple(found):
                raise ValueError(
                    'Layer "{}", weight "{}": expected an array of shape {}, but set_weights was given one of shape {}.'.format(
                        self.name, getattr(variable, 'name', '?'), tuple(expected), tuple(found)
                    )
                )
        K.batch_set_value(list(zip(variables, weights)))

    def count_params(self):
        """The number of scalars in all the weights.

        Raises:
            RuntimeError: if the layer has no weights yet because it was not built.
        """
        if not self.built:
            raise RuntimeError(
                f'Layer "{self.name}" has no weights to count yet: it is not built. Call it on a tensor, or call `build(input_shape)` first.'
            )
        return int(sum(K.count_params(w) for w in self.weights))

    @takes_keras_1
    def add_weight(
        self, name=None, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True, constraint=None
    ):
        """Make a variable that belongs to the layer.

        Arguments:
            name: string.
            shape: tuple of integers; `()` for a scalar (default).
            dtype: dtype, the layer's own if left out.
            initializer: name, configuration or instance (default: 'glorot_uniform').
            regularizer: name, configuration or instance; its penalty becomes a loss of the layer.
            trainable: whether training changes it.
            constraint: name, configuration or instance, applied after each step of training.

        Returns:
            A variable of the backend.
        """
        shape = tuple(shape) if shape is not None else ()
        if any(size is None for size in shape):
            raise ValueError(
                f'Layer "{self.name}": weight "{name}" would have the shape {shape}. A weight needs a known size on every axis; give the layer inputs '
                'whose last dimensions are known.'
            )
        dtype = self.dtype or K.floatx() if dtype is None else K.standardize_dtype(dtype)
        trust.spend(shape, dtype, f'Weight "{name}" of layer "{self.name}"')
        initializer = initializers.get('glorot_uniform' if initializer is None else initializer)
        later = getattr(initializer, 'later', None) if trust.values_follow() else None
        if later is not None:
            later, value = later(shape, dtype), K.constant(0, shape=shape, dtype=dtype)
        elif has_arg(initializer, 'dtype', accept_all=True):
            value = initializer(shape, dtype=dtype)
        else:
            value = initializer(shape)
        weight = K.variable(value, dtype=dtype, name=name, constraint=constraints.get(constraint))
        if later is not None:
            trust.wait(weight, later)
        regularizer = regularizers.get(regularizer)
        if regularizer is not None:
            with K.name_scope('weight_regularizer'):
                self._losses.append((self, regularizer(weight)))
        (self._trainable_weights if trainable else self._non_trainable_weights).append(weight)
        return weight

    # -- the protocol ------------------------------------------------------------------------------------

    def build(self, input_shape):
        """Make the weights, for inputs of the given shape (a tuple, or a list of tuples). Called once, before the first `call`."""
        self.built = True

    def call(self, inputs, **kwargs):
        """Compute the output tensor or tensors. The base class hands its inputs through."""
        return inputs

    def compute_output_shape(self, input_shape):
        """The shape of the output for inputs of the given shape; tuples (or lists of them) with the batch axis, None where unknown."""
        return input_shape

    def compute_mask(self, inputs, mask=None):
        """The mask of the output: by default that of the input, for layers with `supports_masking`.

        Raises:
            TypeError: if there is a mask, and the layer does not support masking.
        """
        if not self.supports_masking:
            if mask is not None and not is_all_none(mask):
                raise TypeError(
                    f'Layer "{self.name}" ({type(self).__name__}) does not support masking, but its input carries a mask. Put the layer before the one that makes '
                    'the mask (Masking, or an embedding with mask_zero=True), or set `supports_masking = True` in a layer of your own '
                    'that knows what to do.'
                )
            return None
        return mask

    def assert_input_compatibility(self, inputs):
        """Raise ValueError where the inputs are not what `input_spec` asks for."""
        check_inputs(self, inputs)

    def __call__(self, inputs: hints.Data, *further: typing.Any, **kwargs: typing.Any) -> hints.Tensor:
        """Apply the layer to a tensor or a list of tensors; builds it first if it must. Returns the output tensor or tensors."""
        if further:
            raise TypeError(
                f'{type(self).__name__} "{self.name}" is called with one argument, a tensor or a list of tensors, and got {1 + len(further)}. Several tensors go into '
                'a list, layer([first, second]); what else `call` takes is given by name.'
            )
        if isinstance(inputs, tuple):
            inputs = list(inputs)
        with K.name_scope(self.name):
            self._maybe_build(inputs)
            self.assert_input_compatibility(inputs)
            input_masks = [mask_of(x) for x in to_list(inputs)]
            outputs, output_masks, record = self.apply_to(inputs, input_masks, dict(kwargs))
            Node(
                self,
                input_tensors=list(to_list(inputs)),
                output_tensors=list(to_list(outputs)),
                input_masks=input_masks,
                output_masks=output_masks,
                input_shapes=[K.int_shape(x) for x in to_list(inputs)],
                output_shapes=[K.int_shape(x) for x in to_list(outputs)],
                arguments=kwargs,
                record=record,
                on_list=isinstance(inputs, list),
            )
        return outputs

    def apply_to(self, inputs, input_masks, arguments):
        """Run `call` and what belongs to it, without leaving a node: `(outputs, list of their masks, record)`."""
        if not is_all_none(input_masks) and 'mask' not in arguments and has_arg(self.call, 'mask'):
            arguments['mask'] = unpack_singleton(input_masks)
        if budget.present() is not None:
            # frameworks repeat a name for each of their operations
            name = str(self.name)
            budget.draw('calls', 1 + len(name) / 256.0, f'A call of layer "{name[:100]}"')
        inputs = in_own_dtype(self, inputs)
        own = {'inputs': to_list(inputs), 'weights': self.weights} if self.runs_code_of_users else {}
        with call_context.recording(f'{type(self).__name__} "{self.name}"', **own) as record:
            outputs = self._as_new_tensors(called(self, inputs, arguments), inputs)
            self._note_activity(outputs)
        mask = arguments['mask'] if arguments.get('mask') is not None else unpack_singleton(input_masks)
        output_masks = in_a_row(self.compute_mask(inputs, mask))
        made = to_list(outputs)
        output_masks = (output_masks + [None] * len(made))[: len(made)]
        self._infer_shapes([K.int_shape(x) for x in to_list(inputs)], made)
        needed = to_list(inputs) + tensors_in(arguments)
        uses_phase = getattr(self, 'uses_learning_phase', False) or any(map(meta.uses_learning_phase, needed))
        for x in made:
            meta.set_shape(x, K.int_shape(x))
            meta.set_uses_learning_phase(x, uses_phase or meta.uses_learning_phase(x))
        return outputs, output_masks, record

    def _maybe_build(self, inputs):
        if self.built:
            return
        self.assert_input_compatibility(inputs)
        shapes = []
        for x in to_list(inputs):
            shape = K.int_shape(x)
            if shape is None:
                raise ValueError(
                    f'Layer "{self.name}" cannot be built: the rank of its input {x} is not known. Make the tensor with a shape, or give the '
                    'first layer `input_shape` or `batch_input_shape`.'
                )
            shapes.append(tuple(shape))
        self.build_once(shapes if isinstance(inputs, list) and len(shapes) != 1 else unpack_singleton(shapes))

    def build_once(self, input_shape):
        """Call `build`, unless the layer is built, and set the weights that it was given. For layers that hold others."""
        if self.built:
            return
        self.build(input_shape)
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def _as_new_tensors(self, outputs, inputs):
        """`outputs`, with each tensor that is also an input replaced by a copy: a tensor has one history."""
        taken = [id(x) for x in to_list(inputs)]
        copied = [K.identity(x) if id(x) in taken else x for x in to_list(outputs, allow_tuple=True)]
        for x in copied:
            if not K.is_tensor(x):
                raise TypeError(
                    f'The `call` method of layer "{self.name}" ({type(self).__name__}) must return a tensor or a list of tensors, but it returned {outputs!r}.'
                )
        return unpack_singleton(copied)  # a list of one is that one, as in Keras

    def _note_activity(self, outputs):
        """Add the penalty of `activity_regularizer`, if the layer has one, as a loss of this call."""
        regularizer = getattr(self, 'activity_regularizer', None)
        if regularizer is not None:
            with K.name_scope('activity_regularizer'):
                for x in to_list(outputs):
                    penalty = regularizer(x)
                    if K.is_tensor(penalty):
                        meta.set_of_samples(penalty)
                    call_context.note('losses', self, penalty)

    def _infer_shapes(self, input_shapes, outputs):
        """Give the outputs the dimensions that the framework does not know and `compute_output_shape` does."""
        known = [K.int_shape(x) for x in outputs]
        if all(shape is not None and None not in shape[1:] for shape in known) or None in input_shapes:
            return
        overridden = type(self).compute_output_shape is not Layer.compute_output_shape
        if not overridden and None not in known:
            return
        inferred = self.compute_output_shape(unpack_singleton(input_shapes))
        inferred = inferred if isinstance(inferred, list) else [inferred]
        for x, shape, rule in zip(outputs, known, inferred):
            if rule is not None and (shape is None or len(shape) == len(rule)):
                merged = tuple(rule) if shape is None else tuple(r if s is None else s for s, r in zip(shape, rule))
                meta.set_shape(x, merged)

    # -- configuration -----------------------------------------------------------------------------------

    @property
    def runs_code_of_users(self):
        """Whether what the layer computes is said outside of this library."""
        return type(self).__module__.partition('.')[0] != __package__.partition('.')[0]

    @property
    def described_parts(self):
        """The layers that the configuration of this one describes, each as often as it does: list."""
        return list(self.sublayers)

    def get_config(self):
        """The settings of the layer: a dict from which `from_config` makes a layer of the same kind, without the weights."""
        config = {'name': self.name, 'trainable': self.trainable}
        if hasattr(self, 'batch_input_shape'):
            config['batch_input_shape'] = self.batch_input_shape
        config['dtype'] = self.dtype if self.mixed_policy is None else self.mixed_policy.name
        return config

    @classmethod
    def from_config(cls, config):
        """Make a layer from the result of `get_config`."""
        return cls(**config)
