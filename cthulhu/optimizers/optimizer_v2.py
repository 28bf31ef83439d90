"""Optimizers that were written against the `OptimizerV2` of tf.keras 2.0 to 2.10: `_create_slots`, `_resource_apply_dense`, `_set_hyper`, `apply_gradients`.

Such a class makes operations of TensorFlow that change variables, so it works on that backend. A subclass of `Optimizer` that has one of these methods
becomes one as it is defined; one of Adam or another optimizer of the library has that one's rule behind `super()._resource_apply_dense`.
"""

import inspect

import numpy as np

from cthulhu import backend as K
from cthulhu import initializers
from cthulhu.backend import meta
from cthulhu.optimizers import schedules
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.kinds import is_schedule, is_symbolic

#: What the gradient of an embedding has: a function that gives its rows' numbers.
_ROWS = 'cthulhu_rows'

_taken = {}  # class -> it with the protocol


def adopt(cls, optimizer):
    """Put the protocol before each optimizer among the bases of a class; `optimizer` is the base class of them all."""
    cls.__bases__ = tuple(_taken_in(base, optimizer) if issubclass(base, optimizer) else base for base in cls.__bases__)


def _taken_in(cls, optimizer):
    if cls not in _taken:
        bases = (OptimizerV2 if cls is optimizer else Ready, cls)
        _taken[cls] = type(cls.__name__, bases, {'__module__': cls.__module__, '__doc__': bases[0].__doc__})
    return _taken[cls]


def _takes(method, name):
    """Whether a method takes an argument, by its name or among others."""
    parameters = inspect.signature(method).parameters
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


class OptimizerV2:
    """Mixin: the base class of optimizers that change variables themselves, by operations of TensorFlow.

    A subclass defines `_resource_apply_dense(grad, var[, apply_state])`, which returns an operation; and, as it needs them, `_create_slots(var_list)`,
    `_resource_apply_sparse(grad, var, indices[, apply_state])` for the rows of an embedding, `_prepare_local(device, dtype, apply_state)`, `get_config`.

    Arguments:
        name: text, the optimizer's name.
        clipnorm: float >= 0; each gradient is scaled down by itself where its norm is larger, as in tf.keras.
        global_clipnorm: float >= 0; all are scaled down together.
        clipvalue: float >= 0; each element is clipped to `[-clipvalue, clipvalue]`.
        decay: float >= 0; `_decayed_lr` divides the learning rate by `1 + decay * steps`.
        lr: float, for the subclass, which sets its learning rate.

    Raises:
        NotImplementedError: the backend is not TensorFlow.
        TypeError: an argument that does not exist.
    """

    #: A variable has one state, however often updates are asked for.
    makes_state_with_updates = False

    _use_locking = True

    def __init__(self, name=None, **kwargs):
        joint = kwargs.pop('global_clipnorm', None)
        self._begin(name, kwargs)
        self._initial_decay = kwargs.pop('decay', 0.0)
        kwargs.pop('lr', None)
        super().__init__(name=name, **kwargs)
        self.hyperparameters()
        self._clip_by(joint)

    def _begin(self, name, kwargs):
        if not K.supports('sessions'):
            raise NotImplementedError(
                f'{type(self).__name__} is written in operations of TensorFlow, and the backend is {K.backend()}. Set CTHULHU_BACKEND=tensorflow, or write '
                'it by `slots` and `step`, as optimizers are written for every backend.'
            )
        further = [
            each for each in ('gradient_aggregator', 'gradient_transformers') if kwargs.pop(each, None) is not None
        ]
        if further:
            raise TypeError(
                f'{type(self).__name__}: `{further[0]}` is for several devices of tf.keras; override `get_gradients` here.'
            )
        self._name = name or type(self).__name__
        self._hyper, self._slots = {}, {}

    def _clip_by(self, joint):
        """Take `global_clipnorm` as it is: `clipnorm` is of each gradient here."""
        if joint is None:
            return
        if getattr(self, 'clipnorm', None) is not None:
            raise ValueError(f'{type(self).__name__}: give `clipnorm` or `global_clipnorm`, not both.')
        self.__dict__['global_clipnorm'] = float(joint)

    # -- numbers -------------------------------------------------------------------------------------------

    def _set_hyper(self, name, value):
        """Make a variable, and an attribute, of a number; or set it. A schedule or a function is kept as it is."""
        if name in self._hyper and is_symbolic(self._hyper[name]):
            K.set_value(self._hyper[name], value)
            return
        if not callable(value) and not is_symbolic(value):
            with K.graph_scope(type(self).__name__):
                value = K.variable(value, name=name)
        self._hyper[name] = self.__dict__[name] = value

    def __setattr__(self, name, value):
        name = 'learning_rate' if name == 'lr' else name
        if name in self.__dict__.get('_hyper', ()):
            self._set_hyper(name, value)
        else:
            super().__setattr__(name, value)

    def _get_hyper(self, name, dtype=None):
        """A number as a tensor, perhaps of another dtype; a schedule is returned as it is."""
        value = self._hyper[name] if name in self._hyper else getattr(self, name)
        if is_schedule(value):
            return value
        value = value() if callable(value) and not is_symbolic(value) else value
        return value if dtype is None else self._as(value, dtype)

    @staticmethod
    def _as(value, dtype):
        with K.graph_scope():
            return K.cast(value if is_symbolic(value) else K.constant(value), dtype)

    def _serialize_hyperparameter(self, name):
        """The present value of a number as a number; of a schedule, its description."""
        value = self._hyper[name] if name in self._hyper else getattr(self, name)
        if is_schedule(value):
            return schedules.serialize(value)
        value = value() if callable(value) and not is_symbolic(value) else value
        return K.eval(value).item() if is_symbolic(value) else value

    def _decayed_lr(self, var_dtype):
        """The learning rate of this step: of its schedule, or after the decay."""
        with K.graph_scope():
            rate = self._get_hyper('learning_rate', var_dtype)
            if is_schedule(rate):
                rate = self._as(rate(self._in_steps(self.iterations)), var_dtype)
            if self._initial_decay > 0:
                decay = self._get_hyper('decay', var_dtype) if 'decay' in self._hyper else self._initial_decay
                rate = rate / (1.0 + decay * K.cast(self.iterations, var_dtype))
            return rate

    # -- state ---------------------------------------------------------------------------------------------

    def _create_hypers(self):
        """Numbers are variables from the first, so that nothing is left to be made."""

    def _create_slots(self, var_list):
        """Make the state of variables: none, unless a subclass does."""

    def add_slot(self, var, slot_name, initializer='zeros', shape=None):
        """Make a variable of state, or find it.

        Arguments:
            var: the trained variable that it is kept for.
            slot_name: text, its kind.
            initializer: the name of an initializer, a function of shape and dtype, or a value.
            shape: its shape; that of `var` if left out.
        """
        kinds = self._slots.setdefault(id(var), (var, {}))[1]  # with the variable, whose number stays its own by that
        if slot_name not in kinds:
            shape, dtype = tuple(K.int_shape(var) if shape is None else shape), K.dtype(var)
            with K.graph_scope(), K.control_dependencies(None):
                if isinstance(initializer, str):
                    initializer = initializers.get(initializer)
                value = initializer(shape, dtype=dtype) if callable(initializer) else initializer
                made = K.variable(value, dtype=dtype, name=f'{var.op.name}/{slot_name}')
            kinds[slot_name] = made
            self.weights.append(made)
        return kinds[slot_name]

    def get_slot(self, var, slot_name):
        """The variable of state that `add_slot` made.

        Raises:
            KeyError: it did not.
        """
        kinds = self._slots.get(id(var), (None, {}))[1]
        if slot_name not in kinds:
            raise KeyError(
                f'{type(self).__name__} has no "{slot_name}" for the variable {var.name}: `_create_slots` is to make it, by add_slot.'
            )
        return kinds[slot_name]

    def get_slot_names(self):
        """The kinds of state that there are, a list."""
        return sorted({name for _, kinds in self._slots.values() for name in kinds})

    def variables(self):
        """All variables of the state, the counter of steps first: a list."""
        return list(self.weights)

    # -- one step ------------------------------------------------------------------------------------------

    def _prepare(self, var_list):
        """What the steps of variables have in common, by device and dtype."""
        state = {}
        for place in {(var.device, var.dtype.base_dtype): None for var in var_list}:
            state[place] = {}
            self._prepare_local(place[0], place[1], state)
        return state

    def _prepare_local(self, var_device, var_dtype, apply_state):
        """Add to `apply_state[var_device, var_dtype]`: the learning rate, as 'lr_t'."""
        if 'learning_rate' in self._hyper or hasattr(self, 'learning_rate'):
            apply_state[var_device, var_dtype]['lr_t'] = K.identity(self._decayed_lr(var_dtype))

    def _fallback_apply_state(self, var_device, var_dtype):
        state = {(var_device, var_dtype): {}}
        self._prepare_local(var_device, var_dtype, state)
        return state[var_device, var_dtype]

    def _resource_apply_dense(self, grad, handle, apply_state=None):
        raise NotImplementedError(f'{type(self).__name__} must define `_resource_apply_dense`.')

    def _resource_apply_sparse(self, grad, handle, indices, apply_state=None):
        raise NotImplementedError(
            f'{type(self).__name__} must define `_resource_apply_sparse` to train the rows of an embedding.'
        )

    def _resource_apply_sparse_duplicate_indices(self, grad, handle, indices, **kwargs):
        return self._resource_apply_sparse(grad, handle, indices, **kwargs)

    def _resource_scatter_add(self, x, i, v):
        """Add to rows of a variable; what it is then."""
        with K.control_dependencies([x.add_rows(i, v)]):
            return x.value()

    def _resource_scatter_update(self, x, i, v):
        """Set rows of a variable; what it is then."""
        with K.control_dependencies([x.set_rows(i, v)]):
            return x.value()

    def _moved(self, gradient, var, apply_state):
        """The operation that moves a variable along its gradient and keeps its constraint."""
        rows = getattr(gradient, _ROWS, None)
        own = type(self)._resource_apply_sparse is not OptimizerV2._resource_apply_sparse
        if rows is not None and own:
            indices = rows()
            method, given = self._resource_apply_sparse_duplicate_indices, (K.gather(gradient, indices), var, indices)
            takes = _takes(self._resource_apply_sparse, 'apply_state')
        else:
            method, given = self._resource_apply_dense, (gradient, var)
            takes = _takes(method, 'apply_state')
        done = method(*given, **({'apply_state': apply_state} if takes else {}))
        constraint = meta.get_constraint(var)
        if constraint is None:
            return done
        with K.control_dependencies([done]):
            return var.assign(constraint(var.read_value()), read_value=False)

    @in_graph
    def apply_gradients(self, grads_and_vars, name=None, **kwargs):
        """One step along gradients.

        Arguments:
            grads_and_vars: pairs of a gradient, or None, and its variable.
            name: text, the name of what is made in the graph.
            **kwargs: how gradients of several devices are joined in tf.keras: there is one device here.

        Returns:
            The operation that makes the step.
        """
        unknown = set(kwargs) - {
            'experimental_aggregate_gradients',
            'skip_gradients_aggregation',
            'all_reduce_sum_gradients',
        }
        if unknown:
            raise TypeError(f'{type(self).__name__}.apply_gradients does not know: {sorted(unknown)}.')
        pairs = [(gradient, var) for gradient, var in grads_and_vars if gradient is not None]
        if not pairs:
            raise ValueError(f'{type(self).__name__}: there is a gradient for none of the variables.')
        with K.graph_scope(name or self._name):
            variables = [var for _, var in pairs]
            with K.control_dependencies(None):
                self._create_hypers()
                self._create_slots(variables)
            # Nothing moves before all gradients are there; through operations of their own, as TensorFlow warns of a wait for what has run before.
            with K.control_dependencies([K.identity(gradient) for gradient, _ in pairs]):
                state = self._prepare(variables)
                done = [self._moved(gradient, var, state) for gradient, var in pairs]
            with K.control_dependencies(done):
                return self.iterations.assign_add(1, read_value=False)

    def minimize(self, loss, var_list, grad_loss=None, name=None):
        """The operation that makes one step down a loss, which is a scalar tensor or a function that makes one."""
        if grad_loss is not None:
            raise NotImplementedError(f'{type(self).__name__}.minimize: `grad_loss` is not taken; multiply the loss.')
        with K.graph_scope():
            loss = loss if is_symbolic(loss) else loss()
            variables = list(var_list() if callable(var_list) else var_list)
        return self.apply_gradients(zip(self.get_gradients(loss, variables), variables), name=name)

    @in_graph
    def get_updates(self, loss, params):
        params = list(params)
        self.updates = [self.apply_gradients(zip(self.get_gradients(loss, params), params))]
        return self.updates

    @in_graph
    def _clipped(self, gradients):
        each, joint = getattr(self, 'clipnorm', None), self.__dict__.get('global_clipnorm')
        given = gradients
        if each is not None:
            gradients = [g * (each / K.maximum(K.sqrt(K.sum(K.square(g))), each)) for g in gradients]
        if joint is not None:
            norm = K.sqrt(sum(K.sum(K.square(g)) for g in gradients))
            gradients = [g * (joint / K.maximum(norm, joint)) for g in gradients]
        if getattr(self, 'clipvalue', None) is not None:
            gradients = [K.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        for old, new in zip(given, gradients):
            if hasattr(old, _ROWS):
                setattr(new, _ROWS, getattr(old, _ROWS))
        return gradients

    # -- settings ------------------------------------------------------------------------------------------

    def hyperparameters(self, **values):
        super().hyperparameters(**values)
        self.weights = [self.iterations]

    def get_config(self):
        """The name, and how gradients are clipped: a dict; a subclass adds its own arguments."""
        clipping = ('clipnorm', 'clipvalue', 'global_clipnorm')
        return dict({'name': self._name}, **{key: self.__dict__[key] for key in clipping if key in self.__dict__})

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make an optimizer of what `get_config` gave."""
        config = dict(config)
        if 'lr' in config:
            config['learning_rate'] = config.pop('lr')
        if isinstance(config.get('learning_rate'), dict):
            config['learning_rate'] = schedules.deserialize(config['learning_rate'])
        return cls(**config)


class Ready(OptimizerV2):
    """The protocol over an optimizer of the library, whose slots and rule it has."""

    def __init__(self, *args, **kwargs):
        joint = kwargs.pop('global_clipnorm', None)
        self._begin(kwargs.get('name'), kwargs)
        super(OptimizerV2, self).__init__(*args, **kwargs)
        if len(self.state_of_all()) > 1:
            raise NotImplementedError(
                f'{type(self).__name__}: the rule behind it has state for all weights together, which OptimizerV2 has no place for. Override `step`.'
            )
        self._initial_decay = getattr(self, 'initial_decay', 0.0)
        self._clip_by(joint)

    @property
    def _kept(self):
        """The kinds of state that are more than places in a file."""
        return [slot for slot in self.slots if slot != 'vhat' or self.amsgrad]

    def _create_slots(self, var_list):
        for slot in self._kept:
            for var in var_list:
                shape = self.slot_shape(slot, var)
                self.add_slot(var, slot, np.full(shape, self.slot_values.get(slot, 0.0)), shape)

    def _decayed_lr(self, var_dtype):
        with K.graph_scope():
            return self._as(self.decayed(K.cast(self.iterations, var_dtype)), var_dtype)

    def _resource_apply_dense(self, grad, handle, apply_state=None):
        dtype = K.dtype(handle)
        held = {slot: self.get_slot(handle, slot) for slot in self._kept}
        rule = self._with_numbers_of(dtype)
        begun = rule.begin(K.cast(self.iterations.read_value(), dtype))
        state = [held[slot].read_value() if slot in held else K.zeros_like(grad) for slot in self.slots]
        new, *news = rule.step(handle.read_value(), grad, begun, *state)
        pairs = [(handle, new)] + [(held[slot], value) for slot, value in zip(self.slots, news) if slot in held]
        with K.control_dependencies([value for _, value in pairs]):
            moved = [variable.assign(value, read_value=False) for variable, value in pairs]
        with K.control_dependencies(moved):
            return handle.read_value().op

    def _resource_apply_sparse(self, grad, handle, indices, apply_state=None):
        return Ready._resource_apply_dense(self, handle.of_rows(indices, grad), handle, apply_state)

    def get_config(self):
        rule = super(OptimizerV2, self).get_config()
        return dict(super().get_config(), **{key: value for key, value in rule.items() if key not in self._hyper})
