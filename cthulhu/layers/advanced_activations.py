"""Activations with settings or weights of their own."""

from cthulhu import activations
from cthulhu import backend as K
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.utils.arguments import checked

__all__ = ['ELU', 'LeakyReLU', 'PReLU', 'ReLU', 'Softmax', 'ThresholdedReLU']


class _Elementwise(ConfiguredLayer):
    """The base of layers that keep the shape and pass the mask on."""

    keeps_feature_order = True  # what is flattened before it is in the same order after it

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape):
        return input_shape


class LeakyReLU(_Elementwise):
    """Rectifier with a small slope below 0: `x` if x >= 0, else `alpha * x`.

    Arguments:
        alpha: float, the slope below 0.

    Source: Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """

    @checked
    def __init__(self, alpha=0.3, **kwargs):
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    settings = arguments(__init__)

    def call(self, inputs):
        return K.relu(inputs, alpha=self.alpha)


class PReLU(_Elementwise):
    """Rectifier whose slopes below 0 are learned: `x` if x >= 0, else `alpha * x`, with a weight for each position.

    Arguments:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the weights.
        shared_axes: list of axes along which all positions share a weight: [1, 2] for images (batch, rows, columns,
            channels) gives one for each channel.

    Source: He et al., "Delving deep into rectifiers", 2015.
    """

    keeps_feature_order = False  # its own weights lie in that order

    @checked
    def __init__(
        self, alpha_initializer='zeros', alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs
    ):
        super().__init__(**kwargs)
        if shared_axes is not None and not isinstance(shared_axes, (list, tuple)):
            shared_axes = [shared_axes]
        shared_axes = None if shared_axes is None else list(shared_axes)
        take(self, locals())

    settings = arguments(__init__)

    def build(self, input_shape):
        rank = len(input_shape)
        shared = {axis % rank for axis in self.shared_axes or ()}
        shape = [1 if axis in shared else input_shape[axis] for axis in range(1, rank)]
        if None in shape:
            raise ValueError(
                f'PReLU "{self.name}": the shape of the samples must be known where weights are not shared, but is '
                f'{tuple(input_shape[1:])}. Put the axes of unknown size into `shared_axes`.'
            )
        self.alpha = self.add_weight(
            name='alpha',
            shape=shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        self.input_spec = InputSpec(
            ndim=rank, axes={axis: input_shape[axis] for axis in range(1, rank) if axis not in shared}
        )
        self.built = True

    def call(self, inputs, mask=None):
        return K.relu(inputs) - self.alpha * K.relu(-inputs)


class ELU(_Elementwise):
    """Exponential linear unit: `x` if x >= 0, else `alpha * (exp(x) - 1)`.

    Arguments:
        alpha: float, how far below 0 the output goes.

    Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2015.
    """

    @checked
    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    settings = arguments(__init__)

    def call(self, inputs):
        return K.elu(inputs, self.alpha)


class ThresholdedReLU(_Elementwise):
    """`x` if x > theta, else 0.

    Arguments:
        theta: float from 0 up.

    Source: Konda et al., "Zero-bias autoencoders and the benefits of co-adapting features", 2014.
    """

    @checked
    def __init__(self, theta=1.0, **kwargs):
        super().__init__(**kwargs)
        self.theta = float(theta)

    settings = arguments(__init__)

    def call(self, inputs, mask=None):
        return inputs * K.cast(K.greater(inputs, self.theta), K.dtype(inputs))


class Softmax(_Elementwise):
    """Softmax: positive numbers with the sum 1 along an axis.

    Arguments:
        axis: int, or a list or tuple of int, along which they have this sum together.
    """

    @checked
    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    settings = arguments(__init__)

    def call(self, inputs):
        if isinstance(self.axis, int):
            return activations.softmax(inputs, axis=self.axis)
        axes = list(self.axis)
        return activations.softmax(inputs, axis=axes[0]) if len(axes) == 1 else _over_several(inputs, axes)


def _over_several(inputs, axes):
    return K.exp(inputs - K.logsumexp(inputs, axis=axes, keepdims=True))


class ReLU(_Elementwise):
    """Rectifier: `max_value` from there on, `x` from `threshold` on, else `negative_slope * (x - threshold)`.

    Arguments:
        max_value: float from 0 up, or None.
        negative_slope: float from 0 up.
        threshold: float.

    Raises:
        ValueError: for a negative `max_value` or `negative_slope`.
    """

    @checked
    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else float(max_value)
        self.negative_slope = float(negative_slope)
        self.threshold = float(threshold)

    settings = arguments(__init__)

    def call(self, inputs):
        return activations.relu(inputs, alpha=self.negative_slope, max_value=self.max_value, threshold=self.threshold)
