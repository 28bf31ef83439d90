"""Which saved array goes to which weight: by the order of the layers, or by their names."""

import collections

import numpy as np

from cthulhu import backend as K
from cthulhu.callers import warn
from cthulhu.saving import converters
from cthulhu.saving.data_formats import kind_of
from cthulhu.storage import trust
from cthulhu.storage.errors import ModelFileError
from cthulhu.utils.generic_utils import unique

#: What a file says of itself: the version and backend of its writer ('1' and None where it does not say), its data format (None: not known), its name.
Origin = collections.namedtuple('Origin', 'version backend data_format where own')

#: What `load` did: names of layers that got weights; name -> why not, for layers of the model or the file that were left out.
Loaded = collections.namedtuple('Loaded', 'loaded skipped')

# A conversion never needs more than so many times the bytes of the weights that it makes.
_LARGEST_RATIO = 4


class SavedLayer:
    """A layer in a file: its name and the `arrays.Entry` of each weight, and further notes on it (a dict)."""

    def __init__(self, name, entries, notes=None):
        self.name = name
        self.entries = entries
        self.notes = notes or {}


class Misfit(ModelFileError):
    """Saved weights that do not fit a layer."""


def describe(origin):
    """A sentence with what is known of the writer of a file."""
    version = 'Keras 1' if origin.version == '1' else f'Keras {origin.version}'
    parts = [f'Cthulhu {origin.own} (layout of {version})' if origin.own else version]
    parts.append(f'backend {origin.backend or "not named"}')
    parts.append(f'data format {origin.data_format or "not named"}')
    return '(Written by {}.)'.format(', '.join(parts))


# -- the order of the weights of one layer -----------------------------------------------------------------


def inner_layers(layer):
    """The layers that a container (a model, or a wrapper) takes its weights from; None for any other layer."""
    if hasattr(layer, 'layers') and hasattr(layer, 'get_layer'):
        return layer.layers
    kind = kind_of(layer)
    if kind == 'Bidirectional':
        return [layer.forward_layer, layer.backward_layer]
    if kind == 'TimeDistributed':
        return [layer.layer]
    return None


def leaves(layer):
    """The layers inside a container, at any depth, that are no containers themselves; a layer that is none is its own only leaf."""
    inner = inner_layers(layer)
    if inner is None:
        return [layer]
    found = []
    for each in inner:
        found.extend(leaf for leaf in leaves(each) if not any(leaf is known for known in found))
    return found


def in_state_order(layer, config=None):
    """The weights of a layer as Keras orders them: those that are trainable now, then the others.

    In a model inside a model this order changes when a layer is frozen. With the `config` of a file that says what was frozen, the order is that of the
    model that was saved, and not of this one.
    """
    if inner_layers(layer) is None:
        return list(layer.weights)
    state = _state(layer, config)
    order = unique(_trainable(state) + _frozen(state))
    return order if len(order) == len(layer.weights) else list(layer.weights)  # a subclass may have weights of its own


def _state(layer, config):
    """(layer, whether it is trainable, the same of the layers inside), as the layer is, or as a configuration of one like it says.

    Raises:
        ValueError: if the configuration is that of another structure.
    """
    inner = inner_layers(layer)
    settings = config.get('config') if isinstance(config, dict) else None
    trainable = layer.trainable if config is None else _flag(settings)
    if inner is None:
        return layer, trainable, None
    inner = [each for each in inner if kind_of(each) != 'InputLayer']
    if config is None:
        items = [None] * len(inner)
    elif isinstance(settings, dict) and 'layer' in settings:
        items = [settings['layer']] * len(inner)
    else:
        items = settings.get('layers') if isinstance(settings, dict) else settings
        items = [item for item in items or () if not isinstance(item, dict) or item.get('class_name') != 'InputLayer']
    if len(items) != len(inner):
        raise ValueError(f'the configuration has {len(items)} layers inside "{layer.name}", not {len(inner)}')
    return layer, trainable, [_state(each, item) for each, item in zip(inner, items)]


def _flag(settings):
    return settings.get('trainable', True) is not False if isinstance(settings, dict) else True


def _trainable(state):
    layer, trainable, inner = state
    if not trainable:
        return []
    if inner is None:
        return list(layer.declared_weights(True))
    return [w for each in inner for w in _trainable(each)]


def _frozen(state):
    layer, trainable, inner = state
    if inner is not None:
        return [w for each in inner for w in _frozen(each)]
    return list(layer.declared_weights(False)) if trainable else list(layer.weights)


def _layer_by_layer(layer):
    return unique([w for leaf in leaves(layer) for w in leaf.weights])


def _entry_order(layer, saved, origin):
    """The weights of a container in the order in which a file has them."""
    entries, declared = saved.entries, list(layer.weights)
    places = saved.notes.get('order')
    if places is not None and sorted(places) == sorted(map(str, range(len(declared)))) and len(entries) == len(places):
        return [declared[int(place)] for place in places]
    if 'config' in saved.notes:
        try:
            order = in_state_order(layer, saved.notes['config'])
        except (AttributeError, TypeError, ValueError):
            order = []
        if len(order) == len(entries) and all(
            converters.similar(K.int_shape(w), e.shape) for w, e in zip(order, entries)
        ):
            return order
    orders = [declared, in_state_order(layer), _layer_by_layer(layer)]
    # ordered as the rules of the writer have it; where they differ, the names in the file decide
    if not origin.own:
        orders = [orders[1], orders[0], orders[2]]
    if len(entries) != len(declared):
        return orders[0]

    def fit(order):
        shapes = sum(converters.similar(K.int_shape(w), entry.shape) for w, entry in zip(order, entries))
        names_ = sum(_plain(w.name) == _plain(entry.name) for w, entry in zip(order, entries))
        endings = sum(_plain(w.name)[-1] == _plain(entry.name)[-1] for w, entry in zip(order, entries))
        return shapes, names_, endings

    return max(orders, key=fit)  # the first of those that fit alike


def _plain(name):
    """A weight's name as (layer, weight), without what a framework appends."""
    parts = str(name).split(':')[0].split('/')
    return tuple(parts[-2:])


def arrays_for(layer, saved, origin, reshape=False):
    """The arrays of a saved layer for `layer.weights`, converted to what this library and backend use.

    Arguments:
        layer: a built layer.
        saved: SavedLayer.
        origin: Origin.
        reshape: whether an array with the right number of elements may be given the weight's shape.

    Returns:
        List of (weight, array).

    Raises:
        Misfit: if they do not fit, naming the layer and both shapes.
    """
    variables = list(layer.weights)
    room = _LARGEST_RATIO * sum(int(np.prod(K.int_shape(w), dtype='int64')) for w in variables) + 1024
    if sum(entry.size for entry in saved.entries) > room:
        raise Misfit(_misfit(layer, saved, variables))
    parts = leaves(layer)
    if parts == [layer]:
        found = _converted(layer, layer, [entry.value() for entry in saved.entries], saved, origin, reshape)
        return list(zip(variables, found))
    order = _entry_order(layer, saved, origin)
    if len(saved.entries) == len(order):
        held = {id(w): entry for w, entry in zip(order, saved.entries)}
        portions = [[held[id(w)].value() for w in leaf.weights] for leaf in parts]
    else:
        counts = [converters.count_in_file(leaf, origin) for leaf in parts]
        if sum(counts) != len(saved.entries):
            raise Misfit(_misfit(layer, saved, variables))
        values = iter(saved.entries)
        portions = [[next(values).value() for _ in range(count)] for count in counts]
    made = {}
    for leaf, portion in zip(parts, portions):
        for w, value in zip(leaf.weights, _converted(layer, leaf, portion, saved, origin, reshape)):
            made[id(w)] = value
    return [(w, made[id(w)]) for w in variables]


def _converted(layer, leaf, values, saved, origin, reshape):
    variables = list(leaf.weights)
    try:
        values = converters.convert(leaf, values, origin, saved.notes)
    except ModelFileError as error:
        raise Misfit(f'Layer "{leaf.name}": {error} {describe(origin)}') from None
    except (ValueError, IndexError, TypeError, AttributeError):
        raise Misfit(_misfit(layer, saved, layer.weights)) from None
    if len(values) != len(variables):
        raise Misfit(_misfit(layer, saved, layer.weights))
    fitted = []
    for variable, value in zip(variables, values):
        wanted = tuple(K.int_shape(variable))
        if value.shape != wanted and reshape and value.size == int(np.prod(wanted, dtype='int64')):
            value = value.reshape(wanted)
        if value.shape != wanted:
            raise Misfit(_misfit(layer, saved, layer.weights, variable, value.shape))
        fitted.append(value)
    return fitted


def _misfit(layer, saved, variables, variable=None, shape=None):
    if variable is not None:
        text = f'Layer "{layer.name}" ({type(layer).__name__}), weight "{variable.name}" has the shape {tuple(K.int_shape(variable))}, but the saved weight has the shape {shape}.'  # fmt: skip
    else:
        text = f'Layer "{layer.name}" ({type(layer).__name__}) has {len(variables)} weights of the shapes {_shapes(tuple(K.int_shape(w)) for w in variables)}, but the saved layer "{saved.name}" has {len(saved.entries)} of the shapes {_shapes(entry.shape for entry in saved.entries)}.'  # fmt: skip
    return text + ' To load the other layers only, use load_weights(..., by_name=True, skip_mismatch=True).'


def _shapes(shapes):
    shapes = list(shapes)
    return '[{}]'.format(', '.join(list(map(str, shapes[:24])) + ['...'] * (len(shapes) > 24)))


# -- which saved layer goes to which layer -----------------------------------------------------------------


def load(layers, saved, origin, by_name=False, skip_mismatch=False, reshape=False):
    """Set the weights of layers from those of a file.

    Arguments:
        layers: list of built layers.
        saved: list of SavedLayer.
        origin: Origin.
        by_name: whether a saved layer goes to the layer of its name; else the first that has weights goes to the first that has weights, and so on.
        skip_mismatch: whether layers that do not fit are left as they are, with a warning.
        reshape: whether arrays of the right number of elements are reshaped.

    Returns:
        Loaded.

    Raises:
        ModelFileError: if the numbers of layers differ (in order), or a layer does not fit; then nothing is set.
    """
    layers = unique(layers)
    if by_name:
        wanted = {}
        for layer in layers:
            if layer.weights:
                wanted.setdefault(layer.name, []).append(layer)
        pairs = [(layer, item) for item in saved for layer in wanted.get(item.name, ()) if item.entries]
        skipped = {
            item.name: 'the model has no layer of this name'
            for item in saved
            if item.entries and item.name not in wanted
        }
        present = {item.name for item in saved if item.entries}
        skipped.update((name, 'the file has no layer of this name') for name in wanted if name not in present)
    else:
        with_weights = [layer for layer in layers if layer.weights]
        items = [item for item in saved if item.entries]
        if len(with_weights) != len(items):
            raise ModelFileError(
                f'The file has weights of {len(items)} layers ({_listed(i.name for i in items)}), but the model has {len(with_weights)} layers with weights ({_listed(x.name for x in with_weights)}). To load those whose names agree, use '
                'load_weights(..., by_name=True).'
            )
        pairs, skipped = list(zip(with_weights, items)), {}
    values, loaded, misfits = [], [], []
    for layer, item in pairs:
        try:
            values.extend(arrays_for(layer, item, origin, reshape))
        except Misfit as error:
            if not skip_mismatch:
                raise
            misfits.append(layer.name)
            skipped[layer.name] = str(error)
        else:
            loaded.append(layer.name)
    K.batch_set_value(values)
    trust.came(variable for variable, _ in values)
    if misfits or (by_name and not loaded):
        reasons = [skipped[name].split(' To load')[0] for name in misfits] or [
            'No layer of the model has the name of a layer with weights in the file.'
        ]
        warn(
            'Loaded the weights of {} layers ({}); skipped: {}'.format(len(loaded), _listed(loaded), ' '.join(reasons))
        )
    return Loaded(loaded, skipped)


def _listed(items):
    items = list(items)
    return ', '.join(f'"{item}"' for item in items[:12]) + (', ...' if len(items) > 12 else '') or 'none'


def weight_names(variables):
    """The names under which weights are saved: their own, made unique in the list."""
    counts, found = {}, []
    for index, variable in enumerate(variables):
        name = str(getattr(variable, 'name', None) or f'param_{index}')
        unique = name
        while unique in counts:
            counts[name] += 1
            unique = f'{name}_{counts[name]}'
        counts[unique] = counts.get(unique, 1)
        found.append(unique)
    return found
