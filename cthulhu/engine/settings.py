"""The settings of a layer: what its constructor takes, kept as attributes, and described again by `get_config`."""

import functools
import inspect

from cthulhu import activations, constraints, initializers, regularizers
from cthulhu.engine.base_layer import Layer

# A setting whose name ends so is made by the `get` of a room, and described by its `serialize`.
_PARTS = {
    'activation': activations,
    'initializer': initializers,
    'regularizer': regularizers,
    'constraint': constraints,
}


@functools.lru_cache(maxsize=1000)
def _part(name):
    return _PARTS.get(name.rpartition('_')[2])


def arguments(constructor):
    """The names of the arguments of a constructor, without `self` and those with stars: what the settings of a class mostly are.

    >>> arguments(ConfiguredLayer.__init__)
    ()
    """
    parameters = list(inspect.signature(constructor).parameters.values())[1:]
    return tuple(p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD))


def take(layer, values):
    """Keep settings as attributes of a layer: activations, initializers, regularizers and constraints as what their names or configurations stand for.

    Arguments:
        layer: a Layer.
        values: dict, name -> what the user gave; the `locals()` of a constructor will do.
    """
    for name, value in values.items():
        if name not in ('self', 'kwargs', '__class__'):
            part = _part(name)
            setattr(layer, name, value if part is None else part.get(value))


def describe(layer, names):
    """A dict of the named settings of a layer, as a configuration has them."""
    config = {}
    for name in names:
        part, value = _part(name), getattr(layer, name)
        config[name] = value if part is None else part.serialize(value)
    return config


class ConfiguredLayer(Layer):
    """A layer that says once what its settings are: their names, in the order in which its configuration lists them.

    A class whose configuration says more, or less, extends `get_config`, as a layer does that writes it all by hand.

    Example:
        >>> class Scale(ConfiguredLayer):
        ...     def __init__(self, factor=2, kernel_initializer='ones', **kwargs):
        ...         super().__init__(**kwargs)
        ...         take(self, locals())
        ...
        ...     settings = arguments(__init__)
        >>> list(Scale(3).get_config())[-2:]
        ['factor', 'kernel_initializer']
    """

    settings = ()

    def get_config(self):
        config = super().get_config()
        config.update(describe(self, type(self).settings))
        return config
