"""Operations between layers as Keras 3 writes them, `x * 2` as a `Multiply` of `keras.ops`, in the words of tf.keras: a function of TensorFlow's, called by names.

`layers.operations` makes those of the backend's functions.
"""

from cthulhu.storage.errors import ModelFileError

#: What stands before the class of an operation, of which some have names of layers.
MARK = 'keras.ops>'

_TENSOR, _SLICE, _ELLIPSIS = '__keras_tensor__', '__slice__', '__ellipsis__'

# Classes whose arguments are (x1, x2), and of (x), by TensorFlow's function.
_OF_TWO = {
    'Add': '__operators__.add', 'Subtract': 'math.subtract', 'Multiply': 'math.multiply', 'TrueDivide': 'math.truediv', 'Divide': 'math.truediv',
    'FloorDivide': 'floor_div', 'Mod': 'math.floormod', 'Power': 'math.pow', 'Maximum': 'math.maximum', 'Minimum': 'math.minimum',
    'Equal': '__operators__.eq', 'NotEqual': '__operators__.ne', 'Greater': 'math.greater', 'GreaterEqual': 'math.greater_equal', 'Less': 'math.less',
    'LessEqual': 'math.less_equal', 'LogicalAnd': 'math.logical_and', 'LogicalOr': 'math.logical_or',
}  # fmt: skip
_OF_ONE = {
    'LogicalNot': 'math.logical_not', 'Absolute': 'math.abs', 'Abs': 'math.abs', 'Negative': 'math.negative', 'Square': 'math.square', 'Sqrt': 'math.sqrt',
    'Rsqrt': 'math.rsqrt', 'Reciprocal': 'math.reciprocal', 'Exp': 'math.exp', 'Log': 'math.log', 'Sin': 'math.sin', 'Cos': 'math.cos', 'Tanh': 'math.tanh',
    'Sigmoid': 'math.sigmoid', 'Erf': 'math.erf', 'Sign': 'math.sign', 'Round': 'math.round', 'Floor': 'math.floor', 'Ceil': 'math.ceil',
    'Isfinite': 'math.is_finite', 'Isnan': 'math.is_nan', 'Relu': 'nn.relu', 'Relu6': 'nn.relu6', 'Selu': 'nn.selu', 'Silu': 'nn.silu', 'Softplus': 'nn.softplus',
    'Softsign': 'nn.softsign', 'StopGradient': 'stop_gradient', 'OnesLike': 'ones_like', 'ZerosLike': 'zeros_like',
}  # fmt: skip
_REDUCTIONS = {
    'Sum': 'sum', 'Mean': 'mean', 'Max': 'max', 'Min': 'min', 'Prod': 'prod', 'Std': 'std', 'Var': 'variance', 'Any': 'any', 'All': 'all', 'Logsumexp': 'logsumexp',
}  # fmt: skip

# Class -> (function, names of the arguments of a call, settings by TensorFlow's names of them). What a setting must be is in _ONLY.
_CLASSES = {name: (function, ('x', 'y'), {}) for name, function in _OF_TWO.items()}
_CLASSES.update((name, (function, ('x',), {})) for name, function in _OF_ONE.items())
_CLASSES.update(
    (name, ('math.reduce_' + function, ('input_tensor',), {'axis': 'axis', 'keepdims': 'keepdims'}))
    for name, function in _REDUCTIONS.items()
)
_CLASSES.update(
    {
        'GetItem': ('__operators__.getitem', ('tensor', 'slice_spec'), {}),
        'Elu': ('nn.elu', ('features',), {}),
        'Gelu': ('nn.gelu', ('features',), {'approximate': 'approximate'}),
        'LeakyRelu': ('nn.leaky_relu', ('features',), {'negative_slope': 'alpha'}),
        'Softmax': ('nn.softmax', ('logits',), {'axis': 'axis'}),
        'LogSoftmax': ('nn.log_softmax', ('logits',), {'axis': 'axis'}),
        'OneHot': ('one_hot', ('indices',), {'num_classes': 'depth', 'axis': 'axis', 'dtype': 'dtype'}),
        'Argmax': ('argmax', ('input',), {'axis': 'axis'}),
        'Argmin': ('argmin', ('input',), {'axis': 'axis'}),
        'Cumsum': ('math.cumsum', ('x',), {'axis': 'axis'}),
        'Cumprod': ('math.cumprod', ('x',), {'axis': 'axis'}),
        'Transpose': ('transpose', ('a',), {'axes': 'perm'}),
        'Reshape': ('reshape', ('tensor',), {'newshape': 'shape'}),
        'ExpandDims': ('expand_dims', ('input',), {'axis': 'axis'}),
        'Squeeze': ('squeeze', ('input',), {'axis': 'axis'}),
        'Concatenate': ('concat', ('values',), {'axis': 'axis'}),
        'Stack': ('stack', ('values',), {'axis': 'axis'}),
        'Split': ('split', ('value',), {'indices_or_sections': 'num_or_size_splits', 'axis': 'axis'}),
        'Tile': ('tile', ('input',), {'repeats': 'multiples'}),
        'Pad': ('pad', ('tensor', 'constant_values'), {'pad_width': 'paddings', 'mode': 'mode'}),
        'Flip': ('reverse', ('tensor',), {'axis': 'axis'}),
        'Take': ('gather', ('params', 'indices'), {'axis': 'axis'}),
        'Where': ('where', ('condition', 'x', 'y'), {}),
        'Clip': ('clip_by_value', ('t',), {'x_min': 'clip_value_min', 'x_max': 'clip_value_max'}),
        'Cast': ('cast', ('x',), {'dtype': 'dtype'}),
        'Matmul': ('linalg.matmul', ('a', 'b'), {}),
        'BroadcastTo': ('broadcast_to', ('input',), {'shape': 'shape'}),
        'Identity': ('identity', ('input',), {}),
        'Resize': ('image.resize', ('images',), {'size': 'size', 'interpolation': 'method', 'antialias': 'antialias'}),
    }
)
_FEATURES = ('nn.relu', 'nn.relu6', 'nn.selu', 'nn.silu', 'nn.softplus', 'nn.softsign')
_INPUT = ('stop_gradient', 'ones_like', 'zeros_like')
# Other names of the arguments of a call by name.
_BY_NAME = {'x1': 'x', 'x2': 'y', 'xs': 'values', 'key': 'slice_spec'}

# Class -> settings that change what it computes, with what they may be.
_ONLY = {
    'Max': {'initial': (None,)},
    'Min': {'initial': (None,)},
    'Prod': {'dtype': (None,)},
    'Cumsum': {'dtype': (None,)},
    'Cumprod': {'dtype': (None,)},
    'Elu': {'alpha': (1.0,)},
    'Argmax': {'keepdims': (False,)},
    'Argmin': {'keepdims': (False,)},
    'OneHot': {'sparse': (False,)},
    'OnesLike': {'dtype': (None,)},
    'ZerosLike': {'dtype': (None,)},
    'Resize': {
        'crop_to_aspect_ratio': (False,),
        'pad_to_aspect_ratio': (False,),
        'data_format': (None, 'channels_last'),
    },
}
_NEEDS_AXIS = ('Argmax', 'Argmin', 'Cumsum', 'Cumprod', 'Flip', 'Take')


def is_operation(value):
    """Whether a description is one of an operation of Keras 3's. An HDF5 file names no modules; a layer can be `trainable` there."""
    module, nodes = value.get('module'), value.get('inbound_nodes')
    if isinstance(module, str):
        return (module + '.').startswith(('keras.src.ops.', 'keras.ops.'))
    settings = value.get('config')
    is_like_one = isinstance(settings, dict) and 'trainable' not in settings and isinstance(nodes, list)
    return is_like_one and value['class_name'] in _CLASSES and any(isinstance(node, dict) for node in nodes)


def in_words_of_tf_keras(item):
    """An operation, an item of the layers of a model, as a layer that calls a function of TensorFlow's.

    Raises:
        ModelFileError: there is no counterpart here, or it is called on no tensor.
    """
    kind, settings = item['class_name'][len(MARK) :], item.get('config')
    name = item.get('name') or (settings or {}).get('name')
    if kind not in _CLASSES or not isinstance(settings, dict):
        raise ModelFileError(
            f'The model has the operation {kind} of Keras 3 between its layers ("{name}"), which has no counterpart here. Load it with Keras 3, and make the model with a '
            'layer in its place.'
        )
    for key, values in _ONLY.get(kind, {}).items():
        if settings.get(key, values[0]) not in values:
            raise ModelFileError(
                f'Operation "{name}" ({kind}) has {key}={settings[key]!r}, which this library does not have.'
            )
    if kind in _NEEDS_AXIS and settings.get('axis') is None:
        raise ModelFileError(
            f'Operation "{name}" ({kind}) goes through the whole tensor (axis=None), which this library does not have.'
        )
    function, names, of_settings = _CLASSES[kind]
    if function in _FEATURES or function in _INPUT:
        names = ('features' if function in _FEATURES else 'input',)
    given = {theirs: settings[ours] for ours, theirs in of_settings.items() if settings.get(ours) is not None}
    if kind in ('Argmax', 'Argmin'):
        given['output_type'] = 'int32'
    if kind == 'Flip':
        given['axis'] = given['axis'] if isinstance(given['axis'], list) else [given['axis']]
    if kind == 'Split' and not isinstance(given['num_or_size_splits'], int):
        raise ModelFileError(
            f'Operation "{name}" (Split) cuts at {given["num_or_size_splits"]}; here it cuts into equal parts.'
        )
    nodes = [_call(node, names, given, name) for node in item.get('inbound_nodes') or ()]
    return {
        'class_name': 'SlicingOpLambda' if kind == 'GetItem' else 'TFOpLambda',
        'config': {'name': name, 'trainable': True, 'dtype': 'float32', 'function': function},
        'name': name,
        'inbound_nodes': nodes,
    }


def _call(node, names, given, name):
    if not isinstance(node, dict) or not isinstance(node.get('args'), list) or len(node['args']) > len(names):
        raise ModelFileError(f'The configuration has {node!r} where the call of operation "{name}" is expected.')
    arguments = dict(given, **{key: _plain(value) for key, value in zip(names, node['args'])})
    for key, value in (node.get('kwargs') or {}).items():
        arguments[key if key in names else _BY_NAME.get(key, names[0] if key == 'x' else key)] = _plain(value)
    first = arguments.pop(names[0], None)
    if _is_tensor(first) or isinstance(first, list) and first and all(map(_is_tensor, first)):
        return {'args': [first], 'kwargs': arguments}
    found = [
        each for value in [first] + list(arguments.values()) for each in (value if isinstance(value, list) else [value])
    ]
    tensors = [each for each in found if _is_tensor(each)]
    if not tensors:
        raise ModelFileError(f'Operation "{name}" is called on no tensor.')
    return {'args': tensors[:1], 'kwargs': dict(arguments, first=first)}


def _is_tensor(value):
    return isinstance(value, dict) and value.get('class_name') == _TENSOR


def _plain(value):
    """A value of a call, in which slices are as tf.keras has them."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict) and value.get('class_name') == _SLICE:
        return {key: value['config'].get(key) for key in ('start', 'stop', 'step')}
    return value


def of_masks(layers, outputs):
    """The names of the operations that only make masks: what layers here hand on themselves. `outputs`: names of what is an output of the model."""
    found = {item.get('name') for item in layers if item.get('class_name') in _MASKING}
    while True:
        used = set(outputs)
        for item in layers:
            if item.get('name') not in found:
                used.update(_used(item))
        if not found & used:
            return found - {None}
        found -= used


_MASKING = tuple(MARK + kind for kind in ('Any', 'NotEqual', 'Squeeze'))
_MASKS = ('mask', 'query_mask', 'value_mask', 'key_mask')


def _used(item):
    """The names of what the calls of a layer take as something else than a mask."""
    nodes = [node for node in item.get('inbound_nodes') or () if isinstance(node, dict)]
    waiting = [node.get('args') for node in nodes]
    waiting += [value for node in nodes for key, value in (node.get('kwargs') or {}).items() if key not in _MASKS]
    while waiting:
        value = waiting.pop()
        if _is_tensor(value):
            history = (value.get('config') or {}).get('keras_history')
            if isinstance(history, list) and history:
                yield history[0]
        elif isinstance(value, (list, dict)):
            waiting.extend(value.values() if isinstance(value, dict) else value)


# -- and back ----------------------------------------------------------------------------------------------

_MODULES = dict.fromkeys(
    'Sigmoid Relu Relu6 Selu Silu Softplus Softsign Elu Gelu LeakyRelu Softmax LogSoftmax OneHot'.split(), 'nn'
)
_MODULES.update(Erf='math', Rsqrt='math', Logsumexp='math', StopGradient='core', Cast='core', Resize='image')

#: Function -> class.
_CLASS_OF = {}
for _kind, (_function, _, _) in _CLASSES.items():
    _CLASS_OF.setdefault(_function, _kind)

# What TensorFlow's functions may do besides, and Keras 3's may not.
_SWITCHES = ('transpose_a', 'transpose_b', 'conjugate')

# Class -> settings that Keras 3 takes for something else where they are left out.
_DEFAULTS = {kind: {'axis': 0} for kind in ('Argmax', 'Argmin', 'Cumsum', 'Cumprod', 'Take')}
_DEFAULTS['Gelu'] = {'approximate': False}


def in_words_of_keras_3(item):
    """A layer that calls a function of TensorFlow's, an item of the layers of a model with `inbound_nodes` in the words of Keras 3, as an operation of that.

    What has no counterpart there stays what it is.
    """
    function = item['config']['function']
    kind = _CLASS_OF.get(function)
    made = [_operation(node, kind) for node in item['inbound_nodes']] if kind else [None]
    if None in made or not made or any(settings != made[0][0] for settings, _ in made):
        return item
    return {
        'module': 'keras.src.ops.' + _MODULES.get(kind, 'numpy'),
        'class_name': kind,
        'config': dict({'name': item['name']}, **made[0][0]),
        'registered_name': kind,
        'name': item['name'],
        'inbound_nodes': [node for _, node in made],
    }


def _operation(node, kind):
    """(settings of an operation, its call) for the call of a function; None where Keras 3 has no arguments for it."""
    _, names, of_settings = _CLASSES[kind]
    arguments = {key: value for key, value in node['kwargs'].items() if value is not False or key not in _SWITCHES}
    settings = dict(_DEFAULTS.get(kind, {}))
    settings.update((ours, arguments.pop(theirs)) for ours, theirs in of_settings.items() if theirs in arguments)
    if kind in ('Argmax', 'Argmin'):
        arguments.pop('output_type', None)
    if kind == 'Pad' and 'mode' in settings:
        settings['mode'] = settings['mode'].lower()
    if kind == 'Flip' and isinstance(settings.get('axis'), (list, tuple)) and len(settings['axis']) == 1:
        settings['axis'] = settings['axis'][0]
    values = [arguments.pop('first', node['args'][0])]
    values += [arguments.pop(name) for name in names[1:] if name in arguments]
    if arguments or kind == 'Split' and not isinstance(settings['indices_or_sections'], int):
        return None
    if kind == 'GetItem':
        values = values[:1] + [_sliced(value) for value in values[1:]]
    return settings, {'args': values, 'kwargs': {}}


def _sliced(key):
    if isinstance(key, (list, tuple)):
        return [_sliced(each) for each in key]
    if isinstance(key, dict):
        return (
            {'class_name': _ELLIPSIS, 'config': {}}
            if key.get('class_name') == _ELLIPSIS
            else {'class_name': _SLICE, 'config': dict(key)}
        )
    return key
