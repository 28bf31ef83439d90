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
