"""What optimizers share: gradients and their clipping, the learning rate and its decay, weights, configuration."""

import numbers
import re

import numpy as np

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.callers import warn
from cthulhu.optimizers import schedules
from cthulhu.optimizers.fine_tuning import RateFactors, gradients_of, of_products
from cthulhu.optimizers.joint import joined
from cthulhu.optimizers.over_steps import OverSteps, where
from cthulhu.optimizers.state import State, joint_norm, making
from cthulhu.utils import argument_table
from cthulhu.utils.arguments import checked, is_checked, named_arguments, takes_keras_1, unknown_argument
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.kinds import is_schedule, is_symbolic
from cthulhu.utils.reprs import settings_repr

#: What every optimizer takes beside its own arguments.
_OF_ALL = (
    'clipnorm',
    'clipvalue',
    'weight_decay',
    'use_ema',
    'ema_momentum',
    'ema_overwrite_frequency',
    'gradient_accumulation_steps',
)

# What a class defines that was written against the OptimizerV2 of tf.keras.
_OF_OPTIMIZER_V2 = (
    'apply_gradients',
    '_create_slots',
    '_prepare_local',
    '_resource_apply_dense',
    '_resource_apply_sparse',
)


def _settings(cls):
    """The names of the settings of an optimizer: the arguments that the constructors of the library among its bases check."""
    names = set(_OF_ALL)
    for base in cls.__mro__:
        constructor = base.__dict__.get('__init__')
        if is_checked(constructor):
            names.update(named_arguments(constructor), getattr(base, 'further_arguments', ()))
    return {name for name in names if argument_table.kind_of(cls.__name__, name) is not None}


class Optimizer(OverSteps, RateFactors):
    """Base class of optimizers.

    A subclass makes its numbers with `hyperparameters`, names the kinds of its state in `slots` and says in `step` what one
    step makes of a variable; or it overrides `get_updates` altogether.

    Arguments:
        clipnorm: float >= 0; gradients are scaled down together where the norm of them all is larger.
        clipvalue: float >= 0; each element of a gradient is clipped to `[-clipvalue, clipvalue]`.
        weight_decay: float >= 0; before each step a variable loses `learning_rate * weight_decay` of itself, whatever its gradient
            (`exclude_from_weight_decay` says which do not).
        global_clipnorm: what Keras 3 calls `clipnorm`.
        use_ema: bool, whether moving averages of the weights are kept, which take the place of the weights when `summon` ends, and where
            `finalize_variable_values` is called.
        ema_momentum: float in [0, 1], how much of an average is kept at each step; 0.99 by default.
        ema_overwrite_frequency: int, after how many steps each time the averages take the place of the weights; None for never in between.
        name: text, what the optimizer is called, as tf.keras and Keras 3 have it: an attribute, which files do not keep.
        gradient_accumulation_steps: int from 2 up, of how many batches each step takes the mean gradient. The steps of schedules are batches, as in Keras 3.

    Raises:
        TypeError: an argument that does not exist.
        ValueError: `clipnorm` and `global_clipnorm` are both given; what is about averages without `use_ema`; a decay of weights, averages or sums for a
            subclass that overrides `get_updates`.
    """

    #: Whether the length of a step is set by the learning rate, and not by how large the gradients are.
    adapts_steps = True

    #: Arguments besides those in a subclass's signature that its constructor takes out of `**kwargs`.
    further_arguments = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if any(hasattr(cls, name) for name in _OF_OPTIMIZER_V2) and not hasattr(cls, 'add_slot'):
            from cthulhu.optimizers import optimizer_v2

            optimizer_v2.adopt(cls, Optimizer)

    @checked
    def __init__(self, **kwargs):
        joint = kwargs.pop('global_clipnorm', None)
        if joint is not None:
            if kwargs.get('clipnorm') is not None:
                raise ValueError(
                    f'{type(self).__name__}: `clipnorm` is the norm of all gradients together, as `global_clipnorm` is: give one of them.'
                )
            kind = argument_table.kind_of('Optimizer', 'clipnorm')
            kwargs['clipnorm'] = kind.check(type(self).__name__, 'global_clipnorm', joint)
        self.__dict__['name'] = (
            kwargs.pop('name', None) or type(self).__name__
        )  # a subclass may have a property of that name
        if hasattr(self, 'update_step'):
            raise TypeError(
                f'{type(self).__name__} defines `update_step`, by which optimizers are written for Keras 3 and tf.keras since 2.11; here the rule is `step`, '
                'a function of tensors without effects; define that, or override `get_updates`.'
            )
        unknown = sorted(set(kwargs) - set(_OF_ALL))
        if unknown:
            accepted = named_arguments(type(self)) + list(self.further_arguments) + list(_OF_ALL)
            raise unknown_argument(type(self).__name__, unknown, accepted)
        averaging = [name for name in ('ema_momentum', 'ema_overwrite_frequency') if kwargs.get(name) is not None]
        if averaging and not kwargs.get('use_ema'):
            raise ValueError(
                f'{type(self).__name__}: `{averaging[0]}` is about the averages of `use_ema=True`; give both, or neither.'
            )
        over_steps = [name for name in ('weight_decay', 'use_ema', 'gradient_accumulation_steps') if kwargs.get(name)]
        if over_steps and self.makes_own_updates:
            raise ValueError(f'{type(self).__name__} makes its updates by itself, and takes no `{over_steps[0]}`.')
        # An option that was not given is not an attribute either, and does not appear in the configuration.
        self.__dict__.update(kwargs)
        self.updates = []
        self.weights = []
        self._state = None
        self._undecayed = ((), ())

    def __repr__(self):
        return settings_repr(self, self.get_config(), always=('learning_rate',))

    def __setattr__(self, name, value):
        held, is_setting = self.__dict__.get(name), name in _settings(type(self))
        if name == 'learning_rate':
            value = self._scheduled(value)
        if is_setting:
            value = argument_table.kind_of(type(self).__name__, name).check(type(self).__name__, name, value)
            is_setting = not isinstance(getattr(type(self), name, None), property)
        if (
            is_setting
            and (held is not None or self.__dict__.get('updates'))
            or name in self.__dict__.get('_numbers', ())
        ):
            self._note_change(name, held, value)
        if not isinstance(value, numbers.Number) or not is_symbolic(held):
            super().__setattr__(name, value)
        elif K.is_variable(held):
            # `optimizer.learning_rate = 0.01` sets the variable that the training function already uses.
            K.set_value(held, value)
        else:
            super().__setattr__(name, K.variable(value, name=name))

    def _note_change(self, name, held, value):
        """Say what the training functions that there are do not follow, or refuse it where it would be lost."""
        is_number, used = isinstance(value, numbers.Number), bool(self.updates) and making.common is None
        if used and is_symbolic(held) and value is not held and not (is_number and K.is_variable(held)):
            raise ValueError(
                f'{type(self).__name__}: `{name}` is part of a training function that is made already, which a tensor put in its place does not reach. '
                'Give a number, such as K.eval(tensor), or make a new optimizer and conjure the model with it.'
            )
        begins = name == 'decay' and not self.initial_decay
        if begins:
            self.initial_decay = value if is_number else float(K.eval(value))
        if used and (held != value if not is_symbolic(held) else begins and self.initial_decay):
            warn(
                f'{type(self).__name__}: `{name}` is now {value!r}, but the training function that is made already goes on without it. Call `conjure` again '
                'for it to count.'
            )

    def __reduce__(self):
        # Variables belong to the graph in which they were made: a copy, or what comes from a pickle, has the settings and begins anew.
        return type(self).from_config, (self.get_config(),)

    @property
    def lr(self):
        """The learning rate's variable (of a schedule: a tensor), under its older name."""
        return self.learning_rate

    @lr.setter
    def lr(self, value):
        self.learning_rate = value

    def hyperparameters(self, **values):
        """Make a variable, and an attribute, of each number; and the counter `iterations`."""
        with K.graph_scope(type(self).__name__):
            self.iterations = K.variable(0, dtype='int64', name='iterations')
            for name, value in values.items():
                setattr(self, name, value if is_schedule(value) else K.variable(value, name=name))
        self._numbers = tuple(values)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Say which variables `weight_decay` leaves alone; to be called before a model is trained. Copies and files do not know of it, as in Keras.

        Arguments:
            var_list: list of variables.
            var_names: list of regular expressions; they are searched for in the names of variables, as 'bias' is in 'dense_1/bias:0'.

        Raises:
            ValueError: the optimizer is part of a training function already.
        """
        if self.updates or self._state is not None:
            raise ValueError(
                f'{type(self).__name__}: `exclude_from_weight_decay` comes before the training; call it on a new optimizer.'
            )
        self._undecayed = tuple(var_list or ()), tuple(var_names or ())

    def _loses_weight(self, p):
        variables, patterns = getattr(self, '_undecayed', ((), ()))
        name = str(getattr(p, 'name', ''))
        return not any(p is each for each in variables) and not any(re.search(each, name) for each in patterns)

    # -- the three verbs: build, gradients, apply ----------------------------------------------------------

    #: Names of the kinds of state: a variable for each trained one.
    slots = ()

    #: What a kind of state has at first, where that is not 0.
    slot_values = {}

    def slot_shape(self, slot, param):
        """The shape of the state of a kind for a variable: that of the variable."""
        return K.int_shape(param)

    def state_of_all(self):
        """The variables of the state that are not kept for each trained variable; the counter is the first."""
        return [self.iterations] if hasattr(self, 'iterations') else []

    @in_graph
    def build(self, params):
        """Make the state for some variables, zeros at first, and take it for the present one.

        Arguments:
            params: list of variables.

        Returns:
            The `State`; `apply` may be given it, where one optimizer trains several models.
        """

        def kind(slot, shape=K.int_shape):
            first = self.slot_values.get(slot, 0.0)
            return [
                K.variable(np.full(shape(p), first), dtype=K.dtype(p), name=f'{slot}_{i}') for i, p in enumerate(params)
            ]

        made = [kind(slot, lambda p, slot=slot: self.slot_shape(slot, p)) for slot in self.slots]
        averages = kind('average') if getattr(self, 'use_ema', False) else []
        sums = kind('gradient_sum') if getattr(self, 'gradient_accumulation_steps', None) else []
        state = State(params, made, averages, sums, self.state_of_all())
        self.use(state)
        return state

    def use(self, state):
        """Take a state that `build` made for the present one: `weights` are its variables."""
        self._state = state
        self.weights = state.weights

    def get_gradients(self, loss, params):
        """The clipped gradients of a loss.

        Arguments:
            loss: scalar tensor.
            params: list of variables.

        Returns:
            List of tensors of the variables' shapes.

        Raises:
            ValueError: the loss does not depend on one of the variables.
        """
        params = list(params)
        gradients = gradients_of(loss, params)
        lost = [getattr(p, 'name', str(p)) for p, g in zip(params, gradients) if g is None]
        if lost:
            raise ValueError(
                f'The loss has no gradient for: {", ".join(lost)}. Either the loss does not depend on these weights (set '
                '`trainable = False` on their layers, or use the layers in the model), or an operation in between cannot '
                'be differentiated, such as K.argmax, K.round or K.eval.'
            )
        gradients = joined(gradients)  # what is clipped is the gradient of the whole batch, or of several
        return gradients if getattr(self, 'gradient_accumulation_steps', None) else self._clipped(gradients)

    @in_graph
    def _clipped(self, gradients):
        clipnorm, clipvalue = getattr(self, 'clipnorm', None), getattr(self, 'clipvalue', None)
        if clipnorm is not None:
            norm = joint_norm(gradients)
            factor = clipnorm / K.maximum(norm, clipnorm) if clipnorm else K.zeros_like(norm)
            gradients = [g * K.cast(factor, K.dtype(g)) for g in gradients]
        if clipvalue is not None:
            gradients = [K.clip(g, -clipvalue, clipvalue) for g in gradients]
        return gradients

    @in_graph
    def apply(self, pairs, state=None):
        """One step along given gradients, as updates for `K.function`.

        Arguments:
            pairs: list of (gradient, variable).
            state: the `State` that `build` made for these variables, in this order; the present one if left out.

        Returns:
            List of `Update`: of the counter, of the state and of the variables.

        Raises:
            ValueError: the state is that of other variables.
        """
        state = self._state if state is None else state
        pairs = list(pairs)
        if state is None or not state.fits([p for _, p in pairs]):
            raise ValueError('The state is not that of these variables: call `build(params)` with them first.')
        common = {} if making.common is None else making.common
        if self not in common:
            common[self] = self._begun()
        done, rate, moves, counting = common[self]
        self.updates = list(counting)
        gradients, summed = [gradient for gradient, _ in pairs], [None] * len(pairs)
        if state.sums:
            summed = [gradient + before for gradient, before in zip(gradients, state.sums)]
            gradients = self._clipped([total / float(self.gradient_accumulation_steps) for total in summed])
        shared, shares = {}, {}
        for i, (gradient, (_, p)) in enumerate(zip(gradients, pairs)):
            dtype, decay = K.dtype(p), self.weight_decay_of(p) if self._loses_weight(p) else None
            kind = dtype, self.learning_rate_factor_of(p)
            if kind not in shared:
                rule = self._with_numbers_of(dtype, rate, kind[1])
                shared[kind] = rule, rule.begin(K.cast(done, dtype))
            rule, begun = shared[kind]
            if (kind, decay) not in shares:
                shares[kind, decay] = rule.kept_share(K.cast(done, dtype), decay)
            share = shares[kind, decay]
            held, start = [kind[i] for kind in state.slots], meta.get_start(p)
            start = p if start is None else start
            new, *news = rule.step(start if share is None else start * share, gradient, begun, *held)
            if moves is not None:
                new, *news = (where(moves, value, old) for value, old in zip([new] + news, [start] + held))
                self.updates.append(K.update(state.sums[i], K.switch(moves, K.zeros_like(summed[i]), summed[i])))
            self.updates += [K.update(variable, value) for variable, value in zip(held, news) if value is not variable]
            if state.averages:
                new = self._averaged(done, state.averages[i], new)
            constraint = meta.get_constraint(p)
            self.updates.append(K.update(p, new if constraint is None else constraint(new)))
        self.updates += of_products(self.updates)
        return self.updates

    def _with_numbers_of(self, dtype, rate=None, factor=1.0):
        """This optimizer as the rule of weights of a dtype: each of its numbers is read once for all of them, and cast. `rate` is that of a schedule, `factor`
        that of the learning rate.
        """
        view = object.__new__(type(self))  # a copy would have variables of its own
        view.__dict__.update(vars(self))
        numbers = view.__dict__.get('_numbers', ())
        for name, value in vars(self).items():
            if name in numbers or name != 'iterations' and K.is_variable(value):
                value = rate if name == 'learning_rate' and rate is not None else value
                value = K.cast(K.identity(value), dtype) if is_symbolic(value) else value
                object.__setattr__(view, name, value * factor if name == 'learning_rate' and factor != 1.0 else value)
        return view

    @takes_keras_1
    def get_updates(self, loss, params):
        """One step of the optimizer, as updates for `K.function`: the three verbs in turn.

        The state is made at the first call, and again where the variables are others than at the last one.

        Arguments:
            loss: scalar tensor.
            params: list of variables.

        Returns:
            List of `Update`: of the counter, of the optimizer's state and of the variables.

        Raises:
            ValueError: the loss does not depend on one of the variables.
        """
        gradients = self.get_gradients(loss, params)
        if self._state is None or not self._state.fits(params):
            self.build(params)
        return self.apply(zip(gradients, params))

    @property
    def makes_own_updates(self):
        """Whether a subclass has a `get_updates` of its own, so that its state is not made by `build`."""
        return type(self).get_updates is not Optimizer.get_updates

    @property
    def makes_state_with_updates(self):
        """Whether each call of `get_updates` makes another state, so that it may be called once for a model."""
        return self.makes_own_updates

    # -- what a subclass says ------------------------------------------------------------------------------

    def begin(self, done):
        """What the steps of all variables have in common, computed once: by default the learning rate.

        Arguments:
            done: scalar float tensor, the number of steps made so far.
        """
        return self.decayed(done) if hasattr(self, 'learning_rate') else None

    def update_all(self, done):
        """The updates of `state_of_all` but the counter's: a list of `Update`."""
        return []

    def step(self, p, g, common, *state):
        """The rule: what a variable and its state become. A function of tensors, without effects.

        Arguments:
            p: the variable.
            g: tensor of its shape, the gradient.
            common: what `begin` returned.
            *state: the variable's state, one tensor for each of `slots`.

        Returns:
            Tuple: the new value of the variable, then of each of `state` (itself where it does not change).
        """
        raise NotImplementedError(f'{type(self).__name__} must define `step` or override `get_updates`.')

    def decayed(self, done):
        """The learning rate after `done` steps of decay."""
        if getattr(self, 'initial_decay', 0) > 0:
            return self.learning_rate * (1.0 / (1.0 + self.decay * done))
        return self.learning_rate

    def weight_decay_of(self, p):
        """The decay of a variable: `weight_decay`, or None."""
        return getattr(self, 'weight_decay', None)

    def kept_share(self, done, decay):
        """What a decay leaves of a variable in the step after `done` ones; None where there is none."""
        return None if not decay else 1.0 - self.decayed(done) * decay

    # -- values --------------------------------------------------------------------------------------------

    def get_weights(self):
        """The optimizer's state as a list of arrays, the counter of steps first; empty before `build`."""
        return K.batch_get_value(self.weights)

    def set_weights(self, weights):
        """Set the optimizer's state.

        Arguments:
            weights: list of arrays, as `get_weights` gives them.

        Raises:
            ValueError: another number of arrays, or an array of another shape.
        """
        if len(weights) != len(self.weights):
            hint = '' if self.weights else ' It gets its weights when a model is first trained or `build` is called.'
            raise ValueError(
                f'{type(self).__name__} has {len(self.weights)} weights; `weights` has {len(weights)} arrays.{hint}'
            )
        pairs = [(variable, np.asarray(value)) for variable, value in zip(self.weights, weights)]
        for i, (variable, value) in enumerate(pairs):
            if tuple(K.int_shape(variable)) != value.shape:
                raise ValueError(
                    f'`weights[{i}]` has shape {value.shape}; the weight {getattr(variable, "name", i)} of '
                    f'{type(self).__name__} has shape {tuple(K.int_shape(variable))}.'
                )
        K.batch_set_value(pairs)

    def values(self, *names):
        """The present values of variables (or tensors), by name of attribute, as a dict of floats; a schedule is described."""
        if self.schedule is not None and 'learning_rate' in names:
            others = self.values(*(name for name in names if name != 'learning_rate'))
            found = dict(others, learning_rate=schedules.serialize(self.schedule))
            return {name: found[name] for name in names}
        held = [getattr(self, name) for name in names]
        read = K.batch_get_value if all(map(K.is_variable, held)) else lambda tensors: [K.eval(x) for x in tensors]
        return dict(zip(names, map(float, read(held))))

    def get_config(self):
        """The arguments of the constructor, with their present values, as a dict."""
        return {name: getattr(self, name) for name in _OF_ALL if hasattr(self, name)}

    @classmethod
    def from_config(cls, config):
        """Make an optimizer of what `get_config` gave; a `name`, which tf.keras writes, is left out, and what is about averages that are not kept."""
        rates = ('learning_rate', 'lr')
        left = ('name',) if config.get('use_ema') else ('name', 'use_ema', 'ema_momentum', 'ema_overwrite_frequency')
        config = {key: value for key, value in config.items() if key not in left}
        return cls(**{key: schedules.deserialize(value) if key in rates else value for key, value in config.items()})


class WithoutCounter:
    """Mixin: `set_weights` also takes the weights that Keras before 2.3 wrote, which lack the counter of steps."""

    def set_weights(self, weights):
        if len(weights) + 1 == len(self.weights):
            weights = [np.array(0)] + list(weights)
        super().set_weights(weights)
