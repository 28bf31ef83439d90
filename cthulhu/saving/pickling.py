"""Models in pickles and copies: the same entries as in a file, in a dict of plain values and arrays."""

import sys
import types

from cthulhu import names, registry
from cthulhu.saving import dialects, hdf5
from cthulhu.storage.tree import DictTree
from cthulhu.utils.generic_utils import CustomObjectScope

_CUSTOM = '_custom_objects'


def state_of(model):
    """The dict from which `restore` makes the model again. Custom classes and functions are in it as themselves, which pickles hold by reference."""
    state = {}
    hdf5.write_model(DictTree(state), model)
    found = _custom_objects(model)
    if found:
        state[_CUSTOM] = {name: thing if _is_importable(thing) else _ByName(thing) for name, thing in found.items()}
    return state


def restore(model, state):
    """Make `model`, an object without attributes, the one that `state` was taken of. Whoever unpickles trusts what comes, code in it too."""
    state = dict(state)
    custom = state.pop(_CUSTOM, None) or {}
    custom = {name: thing.thing if isinstance(thing, _ByName) else thing for name, thing in custom.items()}
    custom = {name: thing for name, thing in custom.items() if thing is not None}

    def build(config, custom_objects):
        config = dialects.normalize(config, custom_objects)
        with CustomObjectScope(custom_objects):
            made = type(model).from_config(config['config'], custom_objects=custom_objects)
        model.__dict__.update(made.__dict__)
        for node in model.inbound_nodes:
            if node.outbound_layer is made:
                node.outbound_layer = model
        return model

    with CustomObjectScope(custom):
        hdf5.read_model(
            DictTree(state, 'the pickle'), custom, compile='training_config' in state, safe_mode=False, build=build
        )


class _ByName:
    """A class or function that a pickle cannot hold by reference, as it was made inside of a function: a copy has it, a pickle its name in the
    configuration, for which whoever unpickles has a CustomObjectScope.
    """

    def __init__(self, thing=None):
        self.thing = thing

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return _ByName, ()


def _is_importable(thing):
    """Whether a class or function is what its module has under its name."""
    found = sys.modules.get(thing.__module__)
    for name in thing.__qualname__.split('.'):
        found = getattr(found, name, None)
    return found is thing


def _custom_objects(model):
    """Name -> class or function, of what the model is made of and the library does not know."""
    known = registry.layers.known()
    found = {}

    def take(thing):
        if isinstance(thing, (list, tuple)):
            for item in thing:
                take(item)
        elif isinstance(thing, dict):
            for item in thing.values():
                take(item)
        elif isinstance(thing, types.FunctionType):
            if not thing.__module__.startswith('cthulhu.') and thing.__name__ != '<lambda>':
                found[thing.__name__] = thing
        elif (
            not isinstance(thing, type)
            and hasattr(thing, 'get_config')
            and not type(thing).__module__.startswith('cthulhu.')
        ):
            found[type(thing).__name__] = type(thing)

    for layer in model.all_layers():
        if layer is not model and known.get(type(layer).__name__) is not type(layer):
            take(layer)
        if names.keras_name(type(layer)) != 'Lambda':
            take([value for name, value in vars(layer).items() if not name.startswith('_')])
    if model.settings:
        take([model.optimizer] + [model.settings[key] for key in ('loss', 'metrics', 'weighted_metrics')])
    return found
