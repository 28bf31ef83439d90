"""Constraints: what a weight is turned into after each update, so that it keeps a property."""

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.utils.arguments import checked
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.reprs import settings_repr


class Constraint:
    """Base class. A subclass defines `__call__(w)`, which gives a tensor of the shape of `w`, and `get_config`."""

    __repr__ = settings_repr

    def __call__(self, w):
        return w

    def get_config(self):
        """The arguments of the constructor, as a dict."""
        return {}


def _norms(w, axis):
    return K.sqrt(K.sum(K.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Shrinks the vectors whose norm is larger than a bound.

    Source: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR 2014.

    Arguments:
        max_value: float, the largest norm.
        axis: int or list, the axes that make up one vector: 0 for the `(inputs, units)` kernel of a dense layer,
            `[0, 1, 2]` for the `(rows, columns, channels, filters)` kernel of a 2-D convolution.
    """

    @checked
    def __init__(self, max_value=2, axis=0):
        self.max_value = max_value
        self.axis = axis

    @in_graph
    def __call__(self, w):
        norms = _norms(w, self.axis)
        return w * (K.clip(norms, 0, self.max_value) / (K.epsilon() + norms))

    def get_config(self):
        return {'max_value': self.max_value, 'axis': self.axis}


class NonNeg(Constraint):
    """Sets negative values to zero."""

    @in_graph
    def __call__(self, w):
        return w * K.cast(K.greater_equal(w, 0.0), K.dtype(w))


class UnitNorm(Constraint):
    """Scales every vector to norm one.

    Arguments:
        axis: int or list, the axes that make up one vector, as in `MaxNorm`.
    """

    @checked
    def __init__(self, axis=0):
        self.axis = axis

    @in_graph
    def __call__(self, w):
        return w / (K.epsilon() + _norms(w, self.axis))

    def get_config(self):
        return {'axis': self.axis}


class MinMaxNorm(Constraint):
    """Moves the norm of every vector towards an interval.

    Arguments:
        min_value: float, the smallest norm.
        max_value: float, the largest norm.
        rate: float in [0, 1]; the new norm is `(1 - rate) * norm + rate * clip(norm, min_value, max_value)`.
        axis: int or list, the axes that make up one vector, as in `MaxNorm`.
    """

    @checked
    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    @in_graph
    def __call__(self, w):
        norms = _norms(w, self.axis)
        wanted = self.rate * K.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (K.epsilon() + norms))

    def get_config(self):
        return {'min_value': self.min_value, 'max_value': self.max_value, 'rate': self.rate, 'axis': self.axis}


max_norm = maxnorm = MaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
min_max_norm = MinMaxNorm

registry.constraints.register(
    {name: thing for name, thing in globals().items() if isinstance(thing, type) and issubclass(thing, Constraint)}
)


def serialize(constraint):
    """Describe a constraint by its class name and configuration."""
    return registry.constraints.serialize(constraint)


def deserialize(config, custom_objects=None):
    """Make the constraint that a configuration (or a name) describes.

    Arguments:
        config: `{'class_name': ..., 'config': {...}}`.
        custom_objects: dict of the caller's own, name -> class or function.

    Raises:
        ValueError: the name is unknown.
    """
    return registry.constraints.deserialize(config, custom_objects)


def get(identifier):
    """Make a constraint of None (gives None), a name, a configuration, a class or a callable `f(w)`.

    Raises:
        ValueError: the name is unknown, or the identifier is none of these.

    >>> get('max_norm').get_config()
    {'max_value': 2, 'axis': 0}
    """
    return None if identifier is None else registry.constraints.make(identifier)
