"""The scaling of a loss, so that its gradients are large enough for float16."""

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.optimizers.base import Optimizer
from cthulhu.utils.arguments import checked
from cthulhu.utils.graph_utils import in_graph


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a factor before its gradients are taken, and divides the gradients by it before another optimizer gets them.

    In float16 small gradients become 0; a factor keeps them. It is found as the training goes: where a gradient is not finite, the step is skipped and the factor
    halved; after so many steps without that, it is doubled. `conjure` puts one around the optimizer of a model that has layers of the policy 'mixed_float16'.

    Arguments:
        inner_optimizer: the Optimizer that makes the steps.
        initial_scale: float > 0, the factor at first.
        dynamic_growth_steps: int from 1 up, after how many steps with finite gradients the factor is doubled.

    Attributes:
        dynamic_scale: variable, the present factor.
        step_counter: variable, the number of steps since it changed.

    Raises:
        TypeError: `inner_optimizer` is none of this library's, makes its updates by itself, or is one of these already; or an argument does not exist.

    Source: Micikevicius et al., "Mixed precision training", ICLR 2018.
    """

    further_arguments = ('dynamic',)

    @checked
    def __init__(self, inner_optimizer, initial_scale=2.0**15, dynamic_growth_steps=2000, **kwargs):
        if isinstance(inner_optimizer, dict):
            inner_optimizer = registry.optimizers.deserialize(inner_optimizer)
        if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
            raise TypeError(
                f'LossScaleOptimizer: `inner_optimizer` is an optimizer of this library without a scale of its own; got {inner_optimizer!r}.'
            )
        if inner_optimizer.makes_own_updates:
            raise TypeError(
                f'LossScaleOptimizer: {type(inner_optimizer).__name__} makes its updates by itself, so that its gradients cannot be divided by the scale.'
            )
        if not kwargs.pop('dynamic', True):
            raise TypeError('LossScaleOptimizer: the scale is dynamic always; `dynamic=False` does not exist.')
        self.__dict__['inner_optimizer'] = inner_optimizer
        super().__init__(**kwargs)
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        with K.graph_scope(type(self).__name__):
            self.step_counter = K.variable(0, dtype='int64', name='step_counter')
            self.dynamic_scale = K.variable(initial_scale, dtype='float32', name='dynamic_scale')

    def __repr__(self):
        return f'LossScaleOptimizer({self.inner_optimizer!r})'

    def __setattr__(self, name, value):
        if name in ('learning_rate', 'lr'):
            setattr(self.inner_optimizer, name, value)
        else:
            object.__setattr__(self, name, value)

    @property
    def learning_rate(self):
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @property
    def lr(self):
        """The learning rate of the inner optimizer, under its older name."""
        return self.inner_optimizer.learning_rate

    @property
    def iterations(self):
        """The inner optimizer's counter of steps: those that were skipped are not counted."""
        return self.inner_optimizer.iterations

    @property
    def schedule(self):
        """The schedule that the inner optimizer's learning rate follows, or None."""
        return self.inner_optimizer.schedule

    @property
    def use_ema(self):
        """Whether the inner optimizer keeps averages of the weights."""
        return getattr(self.inner_optimizer, 'use_ema', False)

    @property
    def adapts_steps(self):
        """As the inner optimizer says."""
        return self.inner_optimizer.adapts_steps

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def set_learning_rate_factors(self, factors):
        self.inner_optimizer.set_learning_rate_factors(factors)

    def finalize_variable_values(self, var_list=None):
        self.inner_optimizer.finalize_variable_values(var_list)

    def state_of_scale(self):
        """The variables of the scale: the counter of steps, and the scale."""
        return [self.step_counter, self.dynamic_scale]

    def build(self, params):
        state = self.inner_optimizer.build(params)
        state.weights = state.weights + self.state_of_scale()
        self.use(state)
        return state

    def use(self, state):
        super().use(state)
        self.inner_optimizer.use(state)

    @in_graph
    def scale_loss(self, loss):
        """The loss times the present scale."""
        return loss * K.cast(self.dynamic_scale, K.dtype(loss))

    @in_graph
    def get_gradients(self, loss, params):
        gradients = super().get_gradients(self.scale_loss(loss), params)
        return [g / K.cast(self.dynamic_scale, K.dtype(g)) for g in gradients]

    @in_graph
    def apply(self, pairs, state=None):
        pairs = list(pairs)
        gradients = [gradient for gradient, _ in pairs]
        finite = K.all(K.stack([K.all(K.less(K.abs(g), float('inf'))) for g in gradients]))
        inner = self.inner_optimizer
        if not getattr(inner, 'gradient_accumulation_steps', None):  # else it clips what it has summed
            gradients = inner._clipped(gradients)
        made = inner.apply(zip(gradients, [p for _, p in pairs]), self._state if state is None else state)
        self.updates = [K.update(variable, K.switch(finite, value, variable)) for variable, value in made]
        count, scale = K.identity(self.step_counter), K.identity(self.dynamic_scale)
        grows = K.equal(count, self.dynamic_growth_steps - 1)
        nothing = K.zeros_like(count)
        count = K.switch(finite, K.switch(grows, nothing, count + 1), nothing)
        scale = K.switch(finite, K.switch(grows, scale * 2.0, scale), scale * 0.5)
        self.updates += [K.update(self.step_counter, count), K.update(self.dynamic_scale, scale)]
        return self.updates

    def get_config(self):
        inner = registry.optimizers.serialize(self.inner_optimizer)
        # Keras 3 finds what is inside by its module, and refuses `decay`, even of 0.
        if type(self.inner_optimizer).__module__.startswith('cthulhu.'):
            inner = dict(inner, module='keras.optimizers', registered_name=None)
        settings = {key: value for key, value in inner['config'].items() if key != 'decay' or value}
        return {
            'inner_optimizer': dict(inner, config=settings),
            'initial_scale': self.initial_scale,
            'dynamic_growth_steps': self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config):
        """Make an optimizer of what `get_config` gave."""
        return cls(**config)


def scaled_for(optimizer, layers):
    """An optimizer for some layers: with a loss scale around it where one of them computes in float16 by its policy.

    Raises:
        TypeError: the optimizer makes its updates by itself.
    """
    is_needed = any(
        getattr(layer, 'mixed_policy', None) is not None and layer.compute_dtype == 'float16' for layer in layers
    )
    if not is_needed or isinstance(optimizer, LossScaleOptimizer):
        return optimizer
    return LossScaleOptimizer(optimizer)
