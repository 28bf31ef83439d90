"""What optimizers share: gradients and their clipping, the learning rate and its decay, weights, configuration."""

import inspect
import numbers

import numpy as np

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.utils.graph_utils import in_graph


class Optimizer:
    """Base class of optimizers.

    A subclass makes its numbers with `hyperparameters`, and its state and its updates in `rules`; or it overrides
    `get_updates` altogether.

    Arguments:
        clipnorm: float >= 0; gradients are scaled down together where the norm of them all is larger.
        clipvalue: float >= 0; each element of a gradient is clipped to `[-clipvalue, clipvalue]`.

    Raises:
        TypeError: an argument that does not exist.
    """

    #: Arguments besides those in a subclass's signature that its constructor takes out of `**kwargs`.
    further_arguments = ()

    def __init__(self, **kwargs):
        unknown = sorted(set(kwargs) - {'clipnorm', 'clipvalue'})
        if unknown:
            named = [
                each.name
                for each in inspect.signature(type(self)).parameters.values()
                if each.kind == each.POSITIONAL_OR_KEYWORD
            ]
            accepted = named + list(self.further_arguments) + ['clipnorm', 'clipvalue']
            raise TypeError(
                f'{type(self).__name__} has no argument {", ".join(map(repr, unknown))}; it takes {", ".join(accepted)}.'
            )
        # An option that was not given is not an attribute either, and does not appear in the configuration.
        self.__dict__.update(kwargs)
        self.updates = []
        self.weights = []

    def __setattr__(self, name, value):
        # `optimizer.learning_rate = 0.01` sets the variable that the training function already uses.
        held = self.__dict__.get(name)
        if isinstance(value, numbers.Number) and held is not None and K.is_variable(held):
            K.set_value(held, value)
        else:
            super().__setattr__(name, value)

    @property
    def lr(self):
        """The learning rate's variable, under its older name."""
        return self.learning_rate

    @lr.setter
    def lr(self, value):
        self.learning_rate = value

    def hyperparameters(self, **values):
        """Make a variable, and an attribute, of each number; and the counter `iterations`."""
        with K.graph_scope(type(self).__name__):
            self.iterations = K.variable(0, dtype='int64', name='iterations')
            for name, value in values.items():
                setattr(self, name, K.variable(value, name=name))

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
        gradients = K.gradients(loss, params)
        lost = [getattr(p, 'name', str(p)) for p, g in zip(params, gradients) if g is None]
        if lost:
            raise ValueError(
                f'The loss has no gradient for: {", ".join(lost)}. Either the loss does not depend on these weights (set '
                '`trainable = False` on their layers, or use the layers in the model), or an operation in between cannot '
                'be differentiated, such as K.argmax, K.round or K.eval.'
            )
        if getattr(self, 'clipnorm', None) and self.clipnorm > 0:
            norm = self._joint_norm(gradients)
            gradients = [self._scaled(g, norm) for g in gradients]
        if getattr(self, 'clipvalue', None) and self.clipvalue > 0:
            gradients = [K.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        return gradients

    @in_graph
    def _joint_norm(self, gradients):
        return K.sqrt(sum(K.sum(K.square(g)) for g in gradients))

    @in_graph
    def _scaled(self, gradient, norm):
        return gradient * (self.clipnorm / K.maximum(norm, self.clipnorm))

    @in_graph
    def get_updates(self, loss, params):
        """One step of the optimizer, as updates for `K.function`.

        Arguments:
            loss: scalar tensor.
            params: list of variables.

        Returns:
            List of `Update`: of the counter, of the optimizer's state and of the variables.

        Raises:
            ValueError: the loss does not depend on one of the variables.
        """
        gradients = self.get_gradients(loss, params)
        # Every update reads this one value of the counter, whatever the order in which they are carried out.
        done = K.identity(self.iterations)
        self.updates = [K.update(self.iterations, done + 1)]
        self.weights = [self.iterations]
        self.rules(params, gradients, K.cast(done, K.floatx()))
        return self.updates

    def rules(self, params, gradients, done):
        """Append the updates of state and variables to `self.updates`, and the state to `self.weights`.

        Arguments:
            params: list of variables.
            gradients: list of tensors.
            done: scalar float tensor, the number of steps made so far.
        """
        raise NotImplementedError(f'{type(self).__name__} must define `rules` or override `get_updates`.')

    def decayed(self, done):
        """The learning rate after `done` steps of decay."""
        if self.initial_decay > 0:
            return self.learning_rate * (1.0 / (1.0 + self.decay * done))
        return self.learning_rate

    def state(self, params, name):
        """Make a variable of zeros for each of `params`; it becomes one of the optimizer's weights."""
        made = [K.zeros(K.int_shape(p), dtype=K.dtype(p), name=f'{name}_{i}') for i, p in enumerate(params)]
        self.weights.extend(made)
        return made

    def assign(self, variable, value):
        """Append the update of a variable of the optimizer's state."""
        self.updates.append(K.update(variable, value))

    def assign_param(self, param, value):
        """Append the update of a trained variable, after its constraint."""
        constraint = meta.get_constraint(param)
        self.updates.append(K.update(param, value if constraint is None else constraint(value)))

    def get_weights(self):
        """The optimizer's state as a list of arrays, the counter of steps first; empty before `get_updates`."""
        return K.batch_get_value(self.weights)

    def set_weights(self, weights):
        """Set the optimizer's state.

        Arguments:
            weights: list of arrays, as `get_weights` gives them.

        Raises:
            ValueError: another number of arrays, or an array of another shape.
        """
        if len(weights) != len(self.weights):
            hint = (
                '' if self.weights else ' It gets its weights when a model is first trained or `get_updates` is called.'
            )
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
        """The present values of variables, by name of attribute, as a dict of floats."""
        return dict(zip(names, map(float, K.batch_get_value([getattr(self, name) for name in names]))))

    def get_config(self):
        """The arguments of the constructor, with their present values, as a dict."""
        return {name: getattr(self, name) for name in ('clipnorm', 'clipvalue') if hasattr(self, name)}

    @classmethod
    def from_config(cls, config):
        """Make an optimizer of what `get_config` gave; a `name`, which tf.keras writes, is left out."""
        return cls(**{key: value for key, value in config.items() if key != 'name'})


class WithoutCounter:
    """Mixin: `set_weights` also takes the weights that Keras before 2.3 wrote, which lack the counter of steps."""

    def set_weights(self, weights):
        if len(weights) + 1 == len(self.weights):
            weights = [np.array(0)] + list(weights)
        super().set_weights(weights)
