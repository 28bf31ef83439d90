"""What a configuration may name: the layers, metrics and other parts of models, each entered by the room that defines it.

A room enters its classes and functions when it is imported. Rooms below it, which must not import it, ask here by name: `saving` makes layers of what a file
says, and a wrapper the layer that it wraps, without an import of either.
"""

import contextlib
import threading

from cthulhu import names
from cthulhu.storage.errors import UnsafeFileError
from cthulhu.utils.generic_utils import (
    deserialize_cthulhu_object,
    get_cthulhu_object,
    get_custom_objects,
    serialize_cthulhu_object,
)

_DEEPEST = 50  # layers in layers


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


class LayerRegistry(Registry):
    """The layers and models. One layer may be at several places of a configuration: in a model and in a model inside it, twice in a Pile, in a wrapper.

    Such places carry one number under the key 'shared_object_id', from which one layer is made again. So do configurations of tf.keras and Keras 3;
    Keras 2 passes over the key, and makes several layers.
    """

    _KEY = 'shared_object_id'

    def __init__(self, kind):
        super().__init__(kind)
        self._scope = threading.local()

    def number_of(self, layer):
        """The number that a layer has in the configuration that is being written; None for a layer at one place."""
        return (getattr(self._scope, 'numbers', None) or {}).get(id(layer))

    def mark(self, layer, item):
        """The description `item` (a dict) of a layer, with the number of the layer if it has one."""
        number = self.number_of(layer)
        return item if number is None else dict(item, **{self._KEY: number})

    def marked(self, item, source):
        """The description `item`, with the number that the description `source` has, if it has one."""
        return dict(item, **{self._KEY: source[self._KEY]}) if self._KEY in source else item

    def is_marked(self, item):
        """Whether a description says that its layer may be at other places, too."""
        return self._KEY in item

    @contextlib.contextmanager
    def writing(self, model):
        """While the configuration of a model is written: number the layers at several places of it. Inside of another such scope, that one counts."""
        if getattr(self._scope, 'numbers', None) is not None:
            yield
            return
        places, seen, stack = {}, set(), [model]
        while stack:
            layer = stack.pop()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            parts = layer.described_parts
            for part in parts:
                places[id(part)] = places.get(id(part), 0) + 1
            stack.extend(reversed(parts))
        shared = [key for key, count in places.items() if count > 1]
        self._scope.numbers = {key: number for number, key in enumerate(shared)}
        try:
            yield
        finally:
            self._scope.numbers = None

    @contextlib.contextmanager
    def reading(self):
        """While layers are made of a configuration: those of one number are one. Inside of another such scope, that one counts."""
        if getattr(self._scope, 'made', None) is not None:
            yield
            return
        self._scope.made = {}
        try:
            yield
        finally:
            self._scope.made = None

    def once(self, layer, make):
        """What stands for `layer` in the copy that is being made: what `make()` gives, once for a layer at several places."""
        number, made = self.number_of(layer), self._scope.made
        if number is None:
            return make()
        if number not in made:
            made[number] = (None, make())
        return made[number][1]

    def serialize(self, thing):
        return self.mark(thing, super().serialize(thing))

    def deserialize(self, identifier, custom_objects=None):
        made = getattr(self._scope, 'made', None)
        number = identifier.get(self._KEY) if isinstance(identifier, dict) else None
        if made is None or not isinstance(number, int):
            return self._deserialize(identifier, custom_objects)
        kind = identifier.get('class_name')
        known, layer = made.get(number, (None, None))
        if layer is None or known not in (
            None,
            kind,
        ):  # one number for two classes is not from a writer of such numbers
            layer = self._deserialize(identifier, custom_objects)
            made.setdefault(number, (kind, layer))
        return layer

    def deserialize_all(self, config, key, whose, custom_objects=None):
        """The layers that the list at a key of a configuration describes, each made when it is asked for."""
        items = self.listed(config, key, whose)
        for item in items:
            if not isinstance(item, dict):
                raise ValueError(
                    f'"{key}" of {whose}: expected a list of dicts with "class_name" and "config"; got {item!r:.200} in it.'
                )
        return (self.deserialize(item, custom_objects) for item in items)

    def deserialize_part(self, config, key, whose, custom_objects=None):
        """The layer that the description at a key of a configuration, a dict that it is taken out of, stands for."""
        if not isinstance(config.get(key), dict):
            raise ValueError(
                f'"{key}" of {whose}: expected a dict with "class_name" and "config" in the configuration; got {config.get(key)!r:.200}.'
            )
        return self.deserialize(config.pop(key), custom_objects)

    @staticmethod
    def listed(config, key, whose, default=None):
        """The list at a key of a configuration.

        Raises:
            ValueError: if there is none.
        """
        found = config.get(key, default)
        if not isinstance(found, (list, tuple)):
            raise ValueError(f'"{key}" of {whose}: expected a list in the configuration; got {found!r:.200}.')
        return found

    def _deserialize(self, identifier, custom_objects):
        depth = getattr(self._scope, 'depth', 0)
        if depth > _DEEPEST:
            raise UnsafeFileError('The configuration has layers in layers, nested too deeply to be read.')
        self._scope.depth = depth + 1
        try:
            return super().deserialize(identifier, custom_objects)
        finally:
            self._scope.depth = depth


activations = Registry('activation function')
constraints = Registry('constraint')
initializers = Registry('initializer')
layers = LayerRegistry('layer')  # models too
losses = Registry('loss function')
metrics = Registry('metric function')
optimizers = Registry('optimizer')
regularizers = Registry('regularizer')
schedules = Registry('learning rate schedule')
