"""Where the channels stand: what a model uses, what a file says, and in which order a Flatten laid out what a Daoloth reads."""

from cthulhu import names, registry
from cthulhu.utils.layer_utils import all_layers


def kind_of(layer):
    """The Keras name of the library class that a layer is, or is derived from; of its own class if there is none."""
    for cls in type(layer).__mro__:
        if cls.__module__.split('.')[0] == 'cthulhu':
            return names.keras_name(cls)
    return type(layer).__name__


def of_layers(layers):
    """The data format of layers: 'channels_last', 'channels_first', 'mixed', or None where no layer has one. Flatten does not count."""
    every = [each for layer in layers for each in all_layers(layer)]
    found = {each.data_format for each in every if kind_of(each) != 'Flatten' and getattr(each, 'data_format', None)}
    return _only(found)


def of_config(config):
    """The same of a configuration of a model."""
    found, stack = set(), [config]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            settings = item.get('config')
            if (
                isinstance(settings, dict)
                and isinstance(settings.get('data_format'), str)
                and item.get('class_name') != 'Flatten'
            ):
                found.add(settings['data_format'])
            stack.extend(value for value in item.values() if isinstance(value, (dict, list)))
    return _only(found)


def _only(found):
    return None if not found else found.pop() if len(found) == 1 else 'mixed'


def flattened(layer):
    """The order of what a layer reads, where that was flattened: ('channels_first' or 'channels_last', sizes with the channels last), else None."""
    source = _source(layer)
    while source is not None and getattr(source, 'keeps_feature_order', False):
        source = _source(source)
    if source is None or kind_of(source) != 'Flatten':
        return None
    reordered = source.data_format == 'channels_first'
    shape = source.inbound_nodes[0].input_shapes[0][1:]
    maker = _source(source)
    while maker is not None and (getattr(maker, 'data_format', None) is None or len(shape) < 2):
        maker = _source(maker)
    if maker is None or None in shape:
        return None
    first = maker.data_format == 'channels_first'
    sizes = tuple(shape[1:]) + (shape[0],) if first else tuple(shape)
    return ('channels_first' if first and not reordered else 'channels_last'), sizes


def _source(layer):
    """The layer that the first input of a layer comes from, if there is one answer."""
    nodes = layer.inbound_nodes
    if not nodes or len(nodes[0].inbound_layers) != 1:
        return None
    return nodes[0].inbound_layers[0]


def orders_in_config(config):
    """Name of a Dense layer -> the order of what it reads ('channels_first' or 'channels_last'), for those after a Flatten in a configuration."""
    layers = config.get('layers') if isinstance(config, dict) else config
    if not isinstance(layers, list):
        return {}
    states, before, found = {}, None, {}
    for item in layers:
        settings = item.get('config') if isinstance(item, dict) else None
        if not isinstance(settings, dict):
            continue
        name, kind = settings.get('name', item.get('name')), item.get('class_name')
        keeps = getattr(registry.layers.get(kind), 'keeps_feature_order', False)
        state = states.get(_inbound(item), before)  # (data format of the last layer that has one, order once flattened)
        if kind == 'Flatten' and state is not None and state[0]:
            state = (state[0], 'channels_last' if settings.get('data_format') == 'channels_first' else state[0])
        elif kind == 'Dense' and state is not None and state[1]:
            found[name] = state[1]
            state = None
        elif not keeps and isinstance(settings.get('data_format'), str):
            state = (settings['data_format'], None)
        elif not keeps and state is not None and state[1]:
            state = None
        states[name] = before = state
    return found


def _inbound(item):
    """The name of the layer that the only input of a layer comes from, in a configuration; None for others."""
    try:
        (connections,) = item['inbound_nodes']
        return connections[0][0] if len(connections) == 1 else None
    except (KeyError, TypeError, ValueError, IndexError):
        return None
