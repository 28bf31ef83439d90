"""Activation functions: each takes a tensor and gives a tensor of the same shape and dtype."""

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.callers import warn
from cthulhu.utils.arguments import checked
from cthulhu.utils.graph_utils import in_graph


@checked
def softmax(x, axis=-1):
    """Softmax: `exp(x) / sum(exp(x))` along an axis.

    Arguments:
        x: tensor of rank 2 or more.
        axis: int, the axis that is to sum to one.

    Raises:
        ValueError: `x` has fewer than two axes.
    """
    if K.ndim(x) < 2:
        raise ValueError(
            f'`softmax` needs a tensor of rank 2 or more (the first axis is the batch); got rank {K.ndim(x)}: {x}.'
        )
    return K.softmax(x, axis=axis)


@checked
def elu(x, alpha=1.0):
    """Exponential linear unit: `x` where positive, else `alpha * (exp(x) - 1)`.

    Source: Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units, arXiv:1511.07289.
    """
    return K.elu(x, alpha)


@in_graph
def selu(x):
    """Scaled exponential linear unit: `1.0507 * elu(x, 1.6733)`, whose fixed point is mean 0 and variance 1.

    Goes with the initializer `lecun_normal` and with `AlphaDarkness` (AlphaDropout).
    Source: Klambauer et al., Self-Normalizing Neural Networks, arXiv:1706.02515.
    """
    return 1.0507009873554805 * K.elu(x, 1.6732632423543772)


def softplus(x):
    """Softplus: `log(exp(x) + 1)`."""
    return K.softplus(x)


def softsign(x):
    """Softsign: `x / (abs(x) + 1)`."""
    return K.softsign(x)


@checked
def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """Rectified linear unit.

    Arguments:
        x: tensor.
        alpha: float, slope below the threshold: `alpha * (x - threshold)`.
        max_value: float, the largest result, or None.
        threshold: float, the value below which the slope is `alpha`.
    """
    return K.relu(x, alpha=alpha, max_value=max_value, threshold=threshold)


def tanh(x):
    """Hyperbolic tangent."""
    return K.tanh(x)


def sigmoid(x):
    """Logistic sigmoid: `1 / (1 + exp(-x))`."""
    return K.sigmoid(x)


def hard_sigmoid(x):
    """Piecewise linear sigmoid: `0.2 * x + 0.5`, clipped to [0, 1]."""
    return K.hard_sigmoid(x)


def exponential(x):
    """Exponential: `exp(x)`."""
    return K.exp(x)


def linear(x):
    """Identity: the tensor itself."""
    return x


registry.activations.register({
    function.__name__: function
    for function in (
        softmax, elu, selu, softplus, softsign, relu, tanh, sigmoid, hard_sigmoid, exponential, linear
    )
})  # fmt: skip


# -- those of Keras 3 --------------------------------------------------------------------------------------


@in_graph
def silu(x):
    """Sigmoid linear unit, or swish: `x * sigmoid(x)`.

    Source: Ramachandran et al., Searching for Activation Functions, arXiv:1710.05941.
    """
    return x * K.sigmoid(x)


@in_graph
@checked
def gelu(x, approximate=False):
    """Gaussian error linear unit: `x` times the share of a normal distribution that is below it.

    Arguments:
        x: tensor.
        approximate: whether it is taken by way of tanh, as some models were trained: `0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))`.

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units, arXiv:1606.08415.
    """
    if approximate:
        return 0.5 * x * (1.0 + K.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1.0 + K.erf(x * 0.7071067811865476))


@in_graph
def mish(x):
    """Mish: `x * tanh(softplus(x))`.

    Source: Misra, Mish: a self regularized non-monotonic activation function, arXiv:1908.08681.
    """
    return x * K.tanh(K.softplus(x))


@in_graph
def hard_sigmoid_relu6(x):
    """Piecewise linear sigmoid as Keras 3 and PyTorch have it: `relu6(x + 3) / 6`.

    `hard_sigmoid` is that of Keras 2, whose slope is 0.2.

    Source: Howard et al., Searching for MobileNetV3, arXiv:1905.02244.
    """
    return K.clip(x / 6.0 + 0.5, 0.0, 1.0)


@in_graph
def hard_silu(x):
    """Sigmoid linear unit of straight lines: `x * hard_sigmoid_relu6(x)`.

    Source: Howard et al., Searching for MobileNetV3, arXiv:1905.02244.
    """
    return x * K.clip(x / 6.0 + 0.5, 0.0, 1.0)


@checked
def leaky_relu(x, negative_slope=0.2):
    """Rectified linear unit with the slope `negative_slope`, a float, below 0."""
    return K.relu(x, alpha=negative_slope)


def relu6(x):
    """Rectified linear unit that is 6 at most."""
    return K.relu(x, max_value=6.0)


@in_graph
@checked
def celu(x, alpha=1.0):
    """Continuously differentiable exponential linear unit: `x` where positive, else `alpha * (exp(x / alpha) - 1)`; `alpha` is a float, not 0.

    Source: Barron, Continuously differentiable exponential linear units, arXiv:1704.07483.
    """
    return K.maximum(x, 0.0) + alpha * (K.exp(K.minimum(x, 0.0) / alpha) - 1.0)


@in_graph
@checked
def glu(x, axis=-1):
    """Gated linear unit: the first half along an axis times the sigmoid of the second; half as long there as `x`.

    Raises:
        ValueError: the length of the axis is not known, or odd.

    Source: Dauphin et al., Language modeling with gated convolutional networks, arXiv:1612.08083.
    """
    first, second = K.split(x, 2, axis)
    return first * K.sigmoid(second)


@checked
def log_softmax(x, axis=-1):
    """The logarithm of the softmax along an axis."""
    return K.log_softmax(x, axis=axis)


@in_graph
def log_sigmoid(x):
    """The logarithm of the sigmoid, without log(0)."""
    return -K.softplus(-x)


@in_graph
@checked
def squareplus(x, b=4):
    """Squareplus, much like softplus: `(x + sqrt(x**2 + b)) / 2`; `b` is a float, 0 or more.

    Source: Barron, Squareplus: a softplus-like algebraic rectifier, arXiv:2112.11687.
    """
    return 0.5 * (x + K.sqrt(K.square(x) + float(b)))


@in_graph
def sparse_plus(x):
    """Softplus of a parabola between straight lines: 0 below -1, `x` above 1, `(x + 1)**2 / 4` between."""
    return K.where(K.greater(x, 1.0), x, K.square(K.clip(x, -1.0, 1.0) + 1.0) * 0.25)


@in_graph
def sparse_sigmoid(x):
    """Sigmoid of straight lines: 0 below -1, 1 above 1, `(x + 1) / 2` between."""
    return 0.5 * (K.clip(x, -1.0, 1.0) + 1.0)


def hard_tanh(x):
    """Hyperbolic tangent of straight lines: `x`, clipped to [-1, 1]."""
    return K.clip(x, -1.0, 1.0)


@checked
def hard_shrink(x, threshold=0.5):
    """`x` where it is farther from 0 than `threshold`, a float, else 0."""
    return K.where(K.greater(K.abs(x), threshold), x, 0.0)


@in_graph
@checked
def soft_shrink(x, threshold=0.5):
    """`x`, moved towards 0 by `threshold`, a float, 0 or more, and 0 where it is nearer than that."""
    return x - K.clip(x, -threshold, threshold)


@in_graph
def tanh_shrink(x):
    """`x - tanh(x)`."""
    return x - K.tanh(x)


@checked
def threshold(x, threshold, default_value):
    """`x` where it is above `threshold`, else `default_value`; both are floats."""
    return K.where(K.greater(x, threshold), x, float(default_value))


@in_graph
@checked
def sparsemax(x, axis=-1):
    """The distribution that is nearest to `x` along an axis: as softmax, but with zeros. Takes memory for each pair of elements along the axis.

    Source: Martins and Astudillo, From softmax to sparsemax, arXiv:1602.02068.
    """
    axis %= K.ndim(x)
    last = [i for i in range(K.ndim(x)) if i != axis] + [axis]
    y = K.permute_dimensions(x, last)
    one, other = K.expand_dims(y, -1), K.expand_dims(y, -2)
    above = K.cast(K.greater_equal(other, one), K.dtype(y))  # those that are as great, or greater
    kept = K.cast(K.greater(1.0 + K.sum(above, axis=-1) * y, K.sum(above * other, axis=-1)), K.dtype(y))
    excess = (K.sum(kept * y, axis=-1, keepdims=True) - 1.0) / K.sum(kept, axis=-1, keepdims=True)
    return K.permute_dimensions(K.relu(y - excess), [last.index(i) for i in range(len(last))])


swish, hard_swish = silu, hard_silu

registry.activations.register({'swish': silu, 'hard_swish': hard_silu})
registry.activations.register({
    function.__name__: function
    for function in (
        silu, gelu, mish, hard_sigmoid_relu6, hard_silu, leaky_relu, relu6, celu, glu, log_softmax, log_sigmoid, squareplus, sparse_plus,
        sparse_sigmoid, hard_tanh, hard_shrink, soft_shrink, tanh_shrink, threshold, sparsemax,
    )
})  # fmt: skip


def serialize(activation):
    """The name of an activation function; the configuration of a callable object that has one."""
    return registry.activations.serialize(activation)


def deserialize(name, custom_objects=None):
    """Find an activation function by name.

    Arguments:
        name: str, or the configuration of a custom callable or of a layer.
        custom_objects: dict of the caller's own, name -> function or class.

    Raises:
        ValueError: the name is unknown.
    """
    known = registry.layers if isinstance(name, dict) else registry.activations
    return known.deserialize(name, custom_objects)


def get(identifier):
    """Find an activation function.

    Arguments:
        identifier: None (for `linear`), a name, a configuration, or a callable.

    Raises:
        ValueError: the name is unknown, or the identifier is none of these.

    >>> get('relu') is relu, get(None) is linear
    (True, True)
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if not callable(identifier):
        raise ValueError(
            f'Could not interpret activation function identifier: expected a name or a callable, got {identifier!r}.'
        )
    if isinstance(identifier, registry.layers['Layer']):
        warn(
            f'A layer ({type(identifier).__name__}) was given as the activation of another layer: its weights and '
            'losses are not tracked there. Use it as a layer of its own.'
        )
    return identifier
