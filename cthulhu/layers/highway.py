"""Two dense layers of Keras 1 that Keras 2.3.1 still has, with the names that their arguments had then."""

from cthulhu import activations, initializers
from cthulhu import backend as K
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.utils.arguments import checked

__all__ = ['Highway', 'MaxoutDaoloth']


class _OfKeras1(ConfiguredLayer):
    """What the two have in common: vectors of a known length in, weights with an `init`."""

    def _take(self, values):
        take(self, {name: values[name] for name in self.settings})
        self.init = initializers.get(values['init'])
        self.input_spec = InputSpec(ndim=2)

    def get_config(self):
        return dict(super().get_config(), init=initializers.serialize(self.init))

    def _add(self, name, shape, initializer, plain=False):
        kind = name[0]
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            regularizer=None if plain else getattr(self, f'{kind}_regularizer'),
            constraint=None if plain else getattr(self, f'{kind}_constraint'),
        )


def _with_input_dim(given, input_dim):
    return given if input_dim is None else dict(given, input_shape=(input_dim,))


class MaxoutDaoloth(_OfKeras1):
    """The largest of several linear functions of the inputs, for each unit. Keras name: MaxoutDense.

    Arguments:
        output_dim: int, the number of units.
        nb_feature: int, of how many linear functions each is the maximum.
        init: initializer of the kernels.
        weights: list of arrays, the initial values of the weights.
        W_regularizer, b_regularizer, activity_regularizer: penalty of the kernels, the biases, the output.
        W_constraint, b_constraint: applied to the weights after each step of training.
        bias: whether there are biases.
        input_dim: int, the number of features, where it is the first layer.

    Input (batch, features), output (batch, output_dim). Weights: kernels (nb_feature, features, output_dim), biases (nb_feature, output_dim).

    Example:
        >>> MaxoutDaoloth(8).compute_output_shape((None, 4))
        (None, 8)

    Source: Goodfellow et al., "Maxout networks", ICML 2013.
    """

    @checked
    def __init__(
        self,
        output_dim,
        nb_feature=4,
        init='glorot_uniform',
        weights=None,
        W_regularizer=None,
        b_regularizer=None,
        activity_regularizer=None,
        W_constraint=None,
        b_constraint=None,
        bias=True,
        input_dim=None,
        **kwargs,
    ):
        super().__init__(weights=weights, **_with_input_dim(kwargs, input_dim))
        self._take(locals())

    settings = tuple(name for name in arguments(__init__) if name != 'weights')

    def build(self, input_shape):
        features = input_shape[-1]
        self.W = self._add('W', (self.nb_feature, features, self.output_dim), self.init)
        self.b = self._add('b', (self.nb_feature, self.output_dim), 'zeros') if self.bias else None
        self.input_spec = InputSpec(ndim=2, axes={-1: features})
        self.built = True

    def call(self, inputs):
        outputs = K.dot(inputs, self.W)  # (batch, nb_feature, output_dim)
        return K.max(outputs + self.b if self.bias else outputs, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)


class Highway(_OfKeras1):
    """A dense layer that lets its inputs by: a gate says how much of each output is that of the layer, the rest is the input.

    Arguments:
        init: initializer of the kernels.
        activation: name of a function of `cthulhu.activations`, or a function of a tensor; None for none.
        weights, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias, input_dim: as for MaxoutDaoloth; those of the gate's own
            kernel and bias are not penalised or constrained.

    Input (batch, features), output the same. Weights: kernel and the gate's kernel, (features, features) each, bias and the gate's bias, (features,) each, of which the
    latter begins at 1.

    Source: Srivastava et al., "Highway networks", 2015.
    """

    @checked
    def __init__(
        self,
        init='glorot_uniform',
        activation=None,
        weights=None,
        W_regularizer=None,
        b_regularizer=None,
        activity_regularizer=None,
        W_constraint=None,
        b_constraint=None,
        bias=True,
        input_dim=None,
        **kwargs,
    ):
        super().__init__(weights=weights, **_with_input_dim(kwargs, input_dim))
        self._take(locals())

    settings = tuple(name for name in arguments(__init__) if name != 'weights')

    def build(self, input_shape):
        features = input_shape[-1]
        self.W = self._add('W', (features, features), self.init)
        self.W_carry = self._add('W_carry', (features, features), self.init, plain=True)
        self.b = self._add('b', (features,), 'zeros') if self.bias else None
        self.b_carry = self._add('b_carry', (features,), 'ones', plain=True) if self.bias else None
        self.input_spec = InputSpec(ndim=2, axes={-1: features})
        self.built = True

    def call(self, inputs):
        outputs, gate = K.dot(inputs, self.W), K.dot(inputs, self.W_carry)
        if self.bias:
            outputs, gate = outputs + self.b, gate + self.b_carry
        gate = activations.sigmoid(gate)
        return self.activation(outputs) * gate + (1 - gate) * inputs

    def compute_output_shape(self, input_shape):
        return input_shape
