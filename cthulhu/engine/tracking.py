"""Which layers, metrics and variables belong to an object, because they were set as its attributes."""

import numpy as np

from cthulhu import backend as K

# What TensorFlow calls the weights.
_OF_TENSORFLOW = {
    'variables': 'weights',
    'trainable_variables': 'trainable_weights',
    'non_trainable_variables': 'non_trainable_weights',
}


#: What other people's code reads of layers and models of Keras 2, and the library itself does not have: see `legacy.privates`.
PRIVATES = frozenset(
    """
    _collect_input_shape _collected_trainable_weights _compile_metrics _compile_weighted_metrics _feed_input_names _feed_input_shapes _feed_inputs
    _feed_output_names _feed_outputs _feed_sample_weights _feed_targets _function_kwargs _input_layers _is_compiled _is_graph_network _layers
    _layers_by_depth _make_predict_function _make_test_function _make_train_function _nodes_by_depth _output_layers _per_input_losses
    _per_input_updates _standardize_user_data _uses_dynamic_learning_phase input_layers internal_input_shapes internal_output_shapes layers_by_depth
    loss_functions metrics_tensors metrics_updates nodes_by_depth output_layers stateful_metric_functions
    """.split()
)

#: Types of what belongs to nobody and holds nothing.
_PLAIN = frozenset((str, int, float, bool, type(None)))


class Tracking:
    """Remembers layers, metrics and variables that are set as attributes, under any name; layers and metrics in lists, tuples and dicts too, also
    those that are added to a list or dict later.

    Attributes:
        untracked: tuple of names of attributes, of a class and of those that inherit from it, whose values do not belong to the object.
    """

    untracked = (
        '_trainable_weights', '_non_trainable_weights', '_sublayers', '_containers', '_losses', '_updates', '_metrics', '_metric_results',
        '_inbound_nodes', '_outbound_nodes', '_frozen_inputs', '_initial_weights',
    )  # fmt: skip
    _untracked = frozenset(untracked)
    _is_metric = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls._untracked = frozenset(name for base in cls.__mro__ for name in vars(base).get('untracked', ()))

    def __init__(self):
        self._trainable_weights = []
        self._non_trainable_weights = []
        self._sublayers = []
        self._metrics = []
        self._containers = []  # lists and dicts that hold layers, or nothing yet

    @property
    def sublayers(self):
        """The layers that belong to this one: list, in the order in which they came."""
        self._look_again()
        return self._sublayers

    @property
    def own_weights(self):
        """The weights that belong to this very layer: a list of variables."""
        return self._trainable_weights + self._non_trainable_weights

    @property
    def own_metrics(self):
        """The metrics that belong to this very layer: those set as attributes, and those of `add_metric`."""
        self._look_again()
        return self._metrics

    def __getattr__(self, name):
        if '_containers' not in self.__dict__:
            raise AttributeError(
                f'{type(self).__name__} has no {name!r}, as `super().__init__()` was not called in its `__init__`. Call it first there.'
            )
        if hasattr(type(self), name):  # a property, which says itself why it has no value
            return object.__getattribute__(self, name)
        if name in _OF_TENSORFLOW:  # not properties: a layer may have attributes of these names
            return getattr(self, _OF_TENSORFLOW[name])
        if name in PRIVATES:
            from cthulhu.legacy import privates

            return privates.of(self, name)
        raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')

    def __setattr__(self, name, value):
        held = self.__dict__
        old = held.get(name)
        if name in self._untracked or type(value) in _PLAIN and type(old) in _PLAIN:
            object.__setattr__(self, name, value)
            return
        plain = type(value) in _PLAIN or isinstance(getattr(type(self), name, None), property)
        object.__setattr__(self, name, value)
        if not plain and '_containers' in held:
            self._track(value)
        if old is not None and old is not value:
            self._forget(old)

    def _take_in(self):
        """Track what was set before `super().__init__()` was called."""
        for name, value in list(self.__dict__.items()):
            if name not in self._untracked and type(value) not in _PLAIN:
                self._track(value)

    def __delattr__(self, name):
        old = self.__dict__.get(name)
        object.__delattr__(self, name)
        if name not in self._untracked:
            self._forget(old)

    def _track(self, value):
        if isinstance(value, Tracking):
            self._keep(value)
        elif isinstance(value, (list, tuple, dict)):
            self._containers.append(value)
            self._look_again()
        elif not isinstance(value, np.ndarray) and not callable(value) and K.is_variable(value):
            if not any(value is w for w in self._trainable_weights + self._non_trainable_weights):
                kept = self._trainable_weights if getattr(value, 'trainable', True) else self._non_trainable_weights
                kept.append(value)

    def _keep(self, item):
        kept = self._metrics if item._is_metric else self._sublayers
        if item is not self and not any(item is known for known in kept):
            kept.append(item)

    def _look_again(self):
        """Take in what has been added to lists and dicts; those with other things in them than layers are not looked at again."""
        if not self._containers:
            return
        left = []
        for container in self._containers:
            found = _tracked(container)
            for item in found:
                self._keep(item)
            if found or not container:
                left.append(container)
        self._containers[:] = left

    def _forget(self, old):
        """Let go of the layers in what was an attribute, unless another attribute has them."""
        gone = _tracked(old)
        if not gone:
            return
        self._containers[:] = [container for container in self._containers if container is not old]
        held = {
            id(item) for name, value in self.__dict__.items() if name not in self._untracked for item in _tracked(value)
        }
        for kept in (self._sublayers, self._metrics):
            kept[:] = [item for item in kept if id(item) in held or not any(item is one for one in gone)]


def _tracked(value, seen=()):
    """The layers and metrics that `value` is, or holds in lists, tuples and dicts."""
    if isinstance(value, Tracking):
        return [value]
    if not isinstance(value, (list, tuple, dict)) or id(value) in seen:
        return []
    seen = seen + (id(value),)
    items = value.values() if isinstance(value, dict) else value
    return [
        found for item in items if isinstance(item, (Tracking, list, tuple, dict)) for found in _tracked(item, seen)
    ]
