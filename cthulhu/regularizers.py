"""Regularizers: penalties on a weight or an output that are added to the loss."""

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.utils.arguments import checked
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.reprs import settings_repr


class Regularizer:
    """Base class. A subclass defines `__call__(x)`, which gives a scalar, and `get_config`."""

    __repr__ = settings_repr

    def __call__(self, x):
        return 0.0

    @classmethod
    def from_config(cls, config):
        """Make a regularizer of what its `get_config` gave."""
        return cls(**config)


class L1L2(Regularizer):
    """The penalty `l1 * sum(abs(x)) + l2 * sum(x ** 2)`.

    Arguments:
        l1: float >= 0.
        l2: float >= 0.
    """

    @checked
    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = K.cast_to_floatx(l1)
        self.l2 = K.cast_to_floatx(l2)

    @in_graph
    def __call__(self, x):
        penalty = 0.0
        if self.l1:
            penalty += float(self.l1) * K.sum(K.abs(x))
        if self.l2:
            penalty += float(self.l2) * K.sum(K.square(x))
        return penalty

    def get_config(self):
        return {'l1': float(self.l1), 'l2': float(self.l2)}


@checked
def l1(l=0.01):  # noqa: E741  the name that Keras gives it
    """The penalty `l * sum(abs(x))`."""
    return L1L2(l1=l)


@checked
def l2(l=0.01):  # noqa: E741
    """The penalty `l * sum(x ** 2)`."""
    return L1L2(l2=l)


@checked
def l1_l2(l1=0.01, l2=0.01):
    """The penalty `l1 * sum(abs(x)) + l2 * sum(x ** 2)`."""
    return L1L2(l1=l1, l2=l2)


registry.regularizers.register({'Regularizer': Regularizer, 'L1L2': L1L2, 'l1': l1, 'l2': l2, 'l1_l2': l1_l2})


def serialize(regularizer):
    """Describe a regularizer by its class name and configuration."""
    return registry.regularizers.serialize(regularizer)


def deserialize(config, custom_objects=None):
    """Make the regularizer that a configuration (or a name) describes.

    Arguments:
        config: `{'class_name': ..., 'config': {...}}`.
        custom_objects: dict of the caller's own, name -> class or function.

    Raises:
        ValueError: the name is unknown.
    """
    return registry.regularizers.deserialize(config, custom_objects)


def get(identifier):
    """Make a regularizer of None (gives None), a name, a configuration, a class or a callable `f(x)`.

    Raises:
        ValueError: the name is unknown, or the identifier is none of these.

    >>> get('L1L2').get_config()
    {'l1': 0.0, 'l2': 0.0}
    """
    return None if identifier is None else registry.regularizers.make(identifier)
