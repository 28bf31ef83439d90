"""How configurations say which layer is called on what: what tf.keras and Keras 3 write put in the form of Keras 2.3, and what tf.keras reads made of ours.

The form of Keras 2.3 is, for each call, a list of [layer name, node, tensor, arguments], one for each input; a tensor among the arguments is a dict
`{'class_name': '__keras_tensor__', ...}`. A layer with `named_inputs` is called on a list here, and on the first of them elsewhere, with the others among the arguments.
"""

from numbers import Integral

from cthulhu.saving import keras3_operations
from cthulhu.storage.errors import ModelFileError

# The class of a description that stands for a tensor.
_TENSOR = '__keras_tensor__'


def in_words_of_tf_keras(config, known):
    """The configuration of a model, in which layers with `named_inputs` are called as tf.keras writes it. What is inside a model is done, too.

    Arguments:
        config: dict, 'class_name' and 'config'.
        known: dict, name -> class of layers.
    """
    settings = config.get('config') if isinstance(config, dict) else None
    items = settings.get('layers') if isinstance(settings, dict) else settings
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return config  # no model: a layer, which may be described by a list
    made = []
    for item in items:
        item = in_words_of_tf_keras(item, known)
        named = _names_of(item, known)
        if named is not None and item.get('inbound_nodes'):
            item = dict(item, inbound_nodes=[_with_names(node, named) for node in item['inbound_nodes']])
        elif _is_operation(item) and item.get('inbound_nodes'):
            of_one = item.pop('lists_of_one', ())
            nodes = [
                _operation_of_tf_keras(node, len(node) > 1 or at in of_one)
                for at, node in enumerate(item['inbound_nodes'])
            ]
            item = dict(item, inbound_nodes=nodes)
        made.append(item)
    return dict(config, config=dict(settings, layers=made) if isinstance(settings, dict) else made)


def _names_of(item, known):
    return getattr(known.get(item.get('class_name')), 'named_inputs', None) if isinstance(item, dict) else None


def _with_names(node, named):
    further = {name: place[:3] for name, place in list(zip(named, node))[1:]}
    return [node[0][:3] + [dict(further, **node[0][3])]]


def of_model(settings, known):
    """The settings of a model: connections in the form of Keras 2. `known`: dict, name -> class of layers."""
    layers = settings['layers']
    if not isinstance(layers, list) or 'input_layers' not in settings:
        return settings
    for item in layers:
        if not isinstance(item, dict) or not isinstance(item.get('class_name'), str):
            raise ModelFileError(
                f'The configuration has {item!r:.200} where a layer, with the name of its class, is expected.'
            )
        if not isinstance(_name(item), (str, type(None))):
            raise ModelFileError(f'The configuration has {_name(item)!r:.200} where the name of a layer is expected.')
        if not isinstance(item.get('inbound_nodes', []), (list, tuple)):
            raise ModelFileError(
                f'The configuration has {item["inbound_nodes"]!r:.200} where a list of the calls of layer {_name(item)!r} is expected.'
            )
    newer = any(isinstance(node, dict) for item in layers for node in item.get('inbound_nodes', ()))
    # Keras 2 counts a model's own node, so that the first call of it has the number 1; Keras 3 does not
    models = {item.get('name') for item in layers if 'layers' in (item.get('config') or {})} if newer else set()
    made = []
    masks, every = _masks(layers, settings) if newer else set(), {_name(item) for item in layers}
    for item in layers:
        if _name(item) in masks:
            continue
        if str(item.get('class_name')).startswith(keras3_operations.MARK):
            item = keras3_operations.in_words_of_tf_keras(item)
        item = {
            key: value
            for key, value in item.items()
            if key not in ('module', 'registered_name', 'build_config', 'compile_config')
        }
        named = _names_of(item, known)
        if newer:
            nodes = item.get('inbound_nodes') or ()
            kind = _is_operation(item), str(item.get('class_name')).startswith('Random')
            item['inbound_nodes'] = [_connections(_listed_inputs(node, named), models, masks, *kind) for node in nodes]
            of_one = [index for index, node in enumerate(nodes) if _is_list_of_one(node)]
            item.update({'lists_of_one': of_one} if of_one else {})
        elif _is_operation(item):
            nodes = item.get('inbound_nodes') or ()
            item['inbound_nodes'] = [_operation(node, every, _name(item)) for node in nodes]
            of_one = [index for index, node in enumerate(nodes) if len(node) == 1 and isinstance(node[0], list)]
            item.update({'lists_of_one': of_one} if of_one else {})
        elif any(len(place) > 3 and place[3] for place in _every_place(item)):
            item['inbound_nodes'] = [_as_list(node, named, every) for node in item['inbound_nodes']]
        made.append(item)
    settings = dict(settings, layers=made)
    for key in ('input_layers', 'output_layers'):
        places = _places(settings.get(key))
        settings[key] = [[name, node + (name in models), tensor] for name, node, tensor in places]
    return settings


# What stands for the place of a first argument that is no tensor, in tf.keras's words.
_CONSTANT = '_CONSTANT_VALUE'


def _is_operation(item):
    """Whether an item of a configuration is an operation between layers (`layers.operations`)."""
    return item.get('class_name') in ('TFOpLambda', 'SlicingOpLambda')


def _operation(node, layers, name):
    """A call of an operation, in which tensors are [layer name, node, tensor] wherever they stand, in the form of Keras 2.3.

    `first` among the arguments is the first argument, unless that is a tensor or a list of tensors, which the layer is called on.
    """

    def placed(value):
        if isinstance(value, dict):
            return {key: placed(item) for key, item in value.items()}
        if not isinstance(value, list):
            return value
        if len(value) >= 3 and value[0] == _CONSTANT:
            return placed(value[2])
        if len(value) >= 3 and isinstance(value[0], str) and value[0] in layers:
            return {'class_name': _TENSOR, 'config': {'keras_history': value[:3]}}
        return [placed(item) for item in value]

    on_list = isinstance(node, list) and bool(node) and isinstance(node[0], list)
    places = node if on_list else [node]
    if not all(isinstance(place, list) and len(place) == 4 and isinstance(place[3], dict) for place in places):
        raise ModelFileError(f'The configuration has {node!r} where the call of operation {name!r} is expected.')
    arguments = {key: placed(value) for key, value in places[0][3].items() if value is not None}
    if all(place[0] != _CONSTANT for place in places):
        return [place[:3] + [arguments] for place in places]
    firsts = [placed(place) for place in places]
    arguments['first'] = firsts if on_list else firsts[0]
    found = _tensors_among(arguments)
    if not found:
        raise ModelFileError(
            f'Operation {name!r} is called on no tensor: tf.keras does not write those that follow an argument which is none, as in tf.einsum(equation, x, y).'
        )
    return [found[0] + [arguments]]


def _tensors_among(thing):
    """The places of the tensors in a structure of arguments."""
    if isinstance(thing, dict) and thing.get('class_name') == _TENSOR:
        return [list(thing['config']['keras_history'][:3])]
    items = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ()
    return [place for item in items for place in _tensors_among(item)]


def _operation_of_tf_keras(node, on_list):
    """What `_operation` made, in tf.keras's words."""

    def placed(value):
        if isinstance(value, dict) and value.get('class_name') == _TENSOR:
            return list(value['config']['keras_history'][:3])
        if isinstance(value, dict):
            return {key: placed(item) for key, item in value.items()}
        return [placed(item) for item in value] if isinstance(value, (list, tuple)) else value

    arguments = {key: placed(value) for key, value in node[0][3].items()}
    if 'first' not in arguments:
        return [place[:3] + [arguments] for place in node] if on_list else node[0][:3] + [arguments]
    first = node[0][3]['first']
    arguments.pop('first')

    def place(value):
        is_tensor = isinstance(value, dict) and value.get('class_name') == _TENSOR
        return (placed(value) if is_tensor else [_CONSTANT, -1, placed(value)]) + [arguments]

    return [place(one) for one in first] if isinstance(first, (list, tuple)) else place(first)


def _every_place(item):
    """All lists [name, node, tensor, arguments] of the calls of a layer, in the form of Keras 2."""
    nodes = item.get('inbound_nodes')
    return (
        [place for node in nodes if isinstance(node, list) for place in node if isinstance(place, list)]
        if isinstance(nodes, list)
        else []
    )


def _as_list(node, named, layers):
    """A call as tf.keras writes it, in which arguments that are tensors are [layer name, node, tensor]: a list of inputs, where these have names."""

    def placed(value):
        if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) and value[0] in layers:
            return {'class_name': _TENSOR, 'config': {'keras_history': value}}
        return value

    if not isinstance(node, list) or not all(
        isinstance(place, list) and len(place) > 3 and isinstance(place[3], dict) for place in node
    ):
        return node
    node = [place[:3] + [{key: placed(value) for key, value in place[3].items()}] for place in node]
    if named is None or len(node) != 1:
        return node
    arguments = {key: value for key, value in node[0][3].items() if value is not None}
    found = _by_names({named[0]: node[0][:3]}, arguments, named)
    places = [_places(place['config']['keras_history'])[0] if isinstance(place, dict) else place for place in found]
    return [place + [arguments] for place in places]


def _by_names(tensors, arguments, named):
    """The list of inputs of a layer whose inputs have names, in their order; those are taken out of `arguments`, a dict."""
    for name in named:
        if _source(arguments.get(name)):
            tensors[name] = arguments.pop(name)
    if named[-1] in tensors:
        tensors.setdefault(named[-2], tensors.get(named[-3]))
    return [tensors[name] for name in named if name in tensors]


def _listed_inputs(node, named):
    """A call in the words of Keras 3, on a list of the inputs where these have names."""
    if named is None or not isinstance(node, dict) or not isinstance(node.get('args'), list):
        return node
    arguments = dict(node.get('kwargs') or {})
    found = _by_names(dict(zip(named, node['args'])), arguments, named)
    return dict(node, args=[found], kwargs=arguments)


def _places(thing):
    """A list of [name, node, tensor] from one such, or a structure of them."""
    if isinstance(thing, (list, tuple)) and len(thing) >= 3 and isinstance(thing[0], str):
        if not all(isinstance(number, Integral) for number in thing[1:3]):
            raise ModelFileError(f'The configuration has {thing!r} where the place of a tensor is expected.')
        return [list(thing[:3])]
    if isinstance(thing, dict):
        thing = list(thing.values())
    if not isinstance(thing, (list, tuple)):
        raise ModelFileError(f'The configuration has {thing!r} where the place of a tensor is expected.')
    return [place for item in thing for place in _places(item)]


def _is_list_of_one(node):
    """Whether a call in the words of Keras 3 is one on a list of a single tensor."""
    args = node.get('args') if isinstance(node, dict) else None
    return bool(args) and len(args) == 1 and isinstance(args[0], list) and len(args[0]) == 1


def _masks(layers, settings):
    """The names of the operations by which Keras 3 makes masks: here layers hand them on themselves."""
    return keras3_operations.of_masks(layers, [name for name, _, _ in _places(settings.get('output_layers') or [])])


def _name(item):
    """The name of a layer, or operation, in a configuration."""
    settings = item.get('config')
    return item.get('name') or (settings.get('name') if isinstance(settings, dict) else None)


def _source(thing):
    """The name of the layer that a tensor in a configuration comes from; None for anything else."""
    if isinstance(thing, dict) and thing.get('class_name') == _TENSOR:
        return _places((thing.get('config') or {}).get('keras_history'))[0][0]
    return None


def _connections(node, models, masks=(), free=False, augments=False):
    """The inputs of a call, `[[name, node, tensor, arguments], ...]`, from Keras 3's `{'args': ..., 'kwargs': ...}`. `free`: arguments may have any structure."""
    if not isinstance(node, dict):
        return node
    found = []

    def collect(value):
        if isinstance(value, dict) and value.get('class_name') == _TENSOR:
            found.extend(_places((value.get('config') or {}).get('keras_history')))
        elif isinstance(value, (list, tuple)):
            for item in value:
                collect(item)
        elif value is not None:
            raise ModelFileError(f'A layer is called with the argument {value!r}, which this library cannot place.')

    collect(node.get('args'))
    keywords = dict(node.get('kwargs') or {})
    collect(keywords.pop('initial_state', None))
    collect(keywords.pop('constants', None))  # after the states, as a recurrent layer has its inputs
    for key in ('mask', 'query_mask', 'value_mask', 'key_mask'):
        sources = keywords[key] if isinstance(keywords.get(key), list) else [keywords.get(key)]
        if any(_source(item) in masks for item in sources) and all(
            item is None or _source(item) in masks for item in sources
        ):
            del keywords[key]
    arguments = {
        key: value
        for key, value in keywords.items()
        # Keras 3 writes the default of `training`, which is True of the layers that augment images, and goes by the phase all the same.
        if value is not None and not (key == 'training' and (augments or value is False))
    }

    def placed(key, value):
        """An argument, in which tensors say their places as they do in the layouts of Keras 2."""
        if isinstance(value, dict) and value.get('class_name') == _TENSOR:
            ((name, number, tensor),) = _places((value.get('config') or {}).get('keras_history'))
            history = [name, number + (name in models), tensor]
            return {'class_name': _TENSOR, 'config': {'keras_history': history}}
        if isinstance(value, list) and (free or all(_source(item) for item in value)):
            return [placed(key, item) for item in value]
        if isinstance(value, dict) and free:
            return {part: placed(key, item) for part, item in value.items()}
        if isinstance(value, (dict, list)):
            raise ModelFileError(f'A layer is called with {key}={value!r}, which this library cannot place.')
        return value

    arguments = {key: placed(key, value) for key, value in arguments.items()}
    return [[name, number + (name in models), tensor, arguments] for name, number, tensor in found]
