"""The settings that recurrent cells and layers share: taken, described, and read through from the layer to its cell."""

from cthulhu import activations, constraints, initializers, regularizers

_KINDS = {
    'activation': activations,
    'initializer': initializers,
    'regularizer': regularizers,
    'constraint': constraints,
}


def _kind(name):
    """The module that knows the parts of this name, or None for a plain value."""
    return _KINDS.get(name.rpartition('_')[2])


def take(layer, **settings):
    """Set each setting as an attribute of `layer`; activations, initializers, regularizers and constraints by `get`."""
    for name, value in settings.items():
        kind = _kind(name)
        setattr(layer, name, value if kind is None else kind.get(value))


def describe(layer, names):
    """A dict of the named settings of `layer`, as `get_config` gives them."""
    config = {}
    for name in names:
        kind, value = _kind(name), getattr(layer, name)
        config[name] = value if kind is None else kind.serialize(value)
    return config


def with_activity(names):
    """The names of a cell's settings, and `activity_regularizer` where it stands in the configuration of a layer."""
    names = list(names)
    names.insert(names.index('bias_regularizer') + 1, 'activity_regularizer')
    return tuple(names)


def read_from_cell(cls):
    """Class decorator: the settings of the cell, `cls.cell_class.settings`, can be read on the layer."""
    for name in cls.cell_class.settings:
        setattr(cls, name, property(lambda self, name=name: getattr(self.cell, name), doc=f'{name} of the cell.'))
    return cls


def with_input_shape(arguments):
    """The arguments of a layer, with `input_dim` and `input_length` (of Keras 1) turned into an `input_shape`."""
    arguments = dict(arguments)
    length = arguments.pop('input_length', None)
    if 'input_dim' in arguments:
        arguments.setdefault('input_shape', (length, arguments.pop('input_dim')))
    return arguments
