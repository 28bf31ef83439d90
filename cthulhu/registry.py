"""What a configuration may name: the layers, metrics and other parts of models, each entered by the room that defines it.

A room enters its classes and functions when it is imported. Rooms below it, which must not import it, ask here by name: `saving` makes layers of what a file
says, and a wrapper the layer that it wraps, without an import of either.
"""

from cthulhu import names
from cthulhu.utils.generic_utils import (
    deserialize_cthulhu_object,
    get_cthulhu_object,
    get_custom_objects,
    serialize_cthulhu_object,
)


class Registry:
    """The classes and functions of one kind, by name.

    Arguments:
        kind: what an entry is, for errors.

    Example:
        >>> shapes = Registry('shape')
        >>> shapes.register({'slice': slice})
        >>> shapes['slice'] is slice, sorted(shapes.known({'mine': range}))
        (True, ['mine', 'slice'])
    """

    def __init__(self, kind):
        self.kind = kind
        self._entries = {}

    def register(self, entries):
        """Enter a dict, name -> class or function."""
        self._entries.update(entries)

    def __iter__(self):
        return iter(self._entries)

    def __getitem__(self, name):
        """The library's own entry under a name, or under another spelling of it.

        Raises:
            KeyError: there is none.
        """
        for spelling in (name,) + names.spellings(name):
            if spelling in self._entries:
                return self._entries[spelling]
        raise KeyError(name)

    def get(self, name, default=None):
        """The library's own entry under a name, or under another spelling of it, else `default`."""
        try:
            return self[name]
        except KeyError:
            return default

    def known(self, custom_objects=None):
        """Dict of all that a configuration may name, under every spelling: the library's own, what is registered by the user, and `custom_objects`."""
        found = dict(self._entries)
        for name in self._entries:
            found.update(dict.fromkeys(names.spellings(name), self._entries[name]))
        found.update(get_custom_objects())
        found.update(custom_objects or {})
        return found

    def serialize(self, thing):
        """Describe an object by its class name and configuration, or a function by its name."""
        return serialize_cthulhu_object(thing)

    def deserialize(self, identifier, custom_objects=None):
        """Find what a name describes, or make what a configuration describes.

        Raises:
            ValueError: the name is unknown, or `identifier` is neither a name nor a configuration.
        """
        return deserialize_cthulhu_object(identifier, self._entries, custom_objects, self.kind)

    def make(self, identifier):
        """Make a part of what a user may write for one: a name, a configuration, a class, an instance or a callable.

        Raises:
            ValueError: the name is unknown, or the identifier is none of these.
        """
        return get_cthulhu_object(identifier, self._entries, self.kind)


activations = Registry('activation function')
constraints = Registry('constraint')
initializers = Registry('initializer')
layers = Registry('layer')  # models too
losses = Registry('loss function')
metrics = Registry('metric function')
optimizers = Registry('optimizer')
regularizers = Registry('regularizer')
