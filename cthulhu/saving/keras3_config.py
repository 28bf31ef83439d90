"""Settings of models in the words of Keras 3, for its archives. The way back is in `dialects`."""

import numpy as np

from cthulhu import backend as K
from cthulhu import names, registry
from cthulhu.backend import meta
from cthulhu.saving import configuration, dialects, keras3_operations
from cthulhu.saving.data_formats import kind_of
from cthulhu.storage import texts
from cthulhu.utils.generic_utils import to_list

_PARTS = {'initializer': 'keras.initializers', 'regularizer': 'keras.regularizers', 'constraint': 'keras.constraints'}

# What Keras 3 calls hard_sigmoid is not what Keras 2 does, and we. Ours stands in an archive by a name that Keras 3 refuses, and theirs by a dict.
_HARD_SIGMOID = 'keras_2>hard_sigmoid'
_ACTIVATIONS = {
    'hard_sigmoid': _HARD_SIGMOID,
    'hard_sigmoid_relu6': {
        'module': 'keras.activations', 'class_name': 'function', 'config': 'hard_sigmoid', 'registered_name': 'hard_sigmoid',
    },
}  # fmt: skip

_INTERPOLATIONS = {ours: theirs for theirs, ours in dialects.LATER_INTERPOLATIONS.items()}

# Settings that Keras 3 does not have, and whose values it takes for granted.
_DROPPED = ('batch_input_shape', 'implementation', 'input_length', 'query_shape', 'value_shape', 'key_shape')


def of_model(model, conjured):
    """The settings of a model, with those of its training if it is conjured."""
    config = layer(model)
    if conjured:
        config['compile_config'] = of_training(model)
    return config


def layer(each):
    """The settings of a layer or model."""
    with registry.layers.writing(each):
        return registry.layers.mark(each, _layer(each))


def _layer(each):
    kind = names.keras_name(type(each))
    ours = type(each).__module__.startswith('cthulhu.')
    if ours and kind in ('Model', 'Sequential'):
        settings = _graph(each) if kind == 'Model' else _stack(each)
        module, kind = ('keras.src.models.functional', 'Functional') if kind == 'Model' else ('keras', 'Sequential')
        return {'module': module, 'class_name': kind, 'config': settings, 'registered_name': None}
    settings = _settings(kind_of(each) if ours else None, texts.parse_json(configuration.to_text(each.get_config())))
    return {
        'module': 'keras.layers' if ours else type(each).__module__,
        'class_name': kind,
        'config': settings,
        'registered_name': None if ours else names.written_name(type(each)),
    }


def _settings(kind, config):
    """The settings of a layer, from those of Keras 2.3."""
    if kind == 'InputLayer':
        return dict(
            {key: value for key, value in config.items() if key != 'batch_input_shape'},
            batch_shape=config['batch_input_shape'],
        )
    made = {key: _part(key, value) for key, value in config.items() if key not in _DROPPED}
    if kind != 'Embedding':
        made.pop('input_dim', None)
    if kind in ('LeakyReLU', 'ELU', 'ThresholdedReLU', 'ReLU'):
        made = {key: _number(value) for key, value in made.items()}
    if kind == 'LeakyReLU':
        made['negative_slope'] = made.pop('alpha')
    if kind is not None and kind.startswith('SpatialDropout'):
        made.pop('noise_shape', None)
    if kind == 'Discretization':  # which takes no such setting there
        made.pop('trainable', None)
    if kind == 'Lambda':
        _lambda(made)
    if kind == 'UpSampling2D':
        made['interpolation'] = _INTERPOLATIONS.get(made['interpolation'], made['interpolation'])
    return made


def _part(key, value):
    """A setting of a layer: an initializer, regularizer, constraint or layer inside it, or a plain value."""
    if key.endswith('activation') and isinstance(value, str):
        return _ACTIVATIONS.get(value, value)
    if isinstance(value, list) and key == 'cells':
        return [_part('cell', item) for item in value]
    if not isinstance(value, dict) or 'class_name' not in value or 'config' not in value:
        return value
    module = _PARTS.get(key.rpartition('_')[2])
    if module is None and key in ('layer', 'cell'):
        kind = value['class_name']
        made = {
            'module': 'keras.layers',
            'class_name': kind,
            'config': _settings(kind, value['config']),
            'registered_name': None,
        }
        return registry.layers.marked(made, value)
    settings = dict(value['config'])
    if settings.get('distribution') == 'normal':
        settings['distribution'] = 'truncated_normal'
    return {'module': module or 'keras', 'class_name': value['class_name'], 'config': settings, 'registered_name': None}


def _number(value):
    """A plain number of one that Keras 2.3 wrote as an array."""
    return value['value'] if isinstance(value, dict) and value.get('type') == 'ndarray' else value


def _lambda(settings):
    for key in ('function', 'output_shape'):
        kind = settings.pop(key + '_type', None)
        value = settings[key]
        if kind == 'lambda':
            code, defaults, closure = value
            settings[key] = {
                'class_name': '__lambda__',
                'config': {'code': code, 'defaults': defaults, 'closure': closure},
            }
        elif kind == 'function':
            settings[key] = {'module': 'builtins', 'class_name': 'function', 'config': value, 'registered_name': value}
    settings.pop('mask', None)


def _stack(model):
    layers = [layer(each) for each in model.layers]
    if model.inputs:
        source = meta.get_history(model.inputs[0])[0]
        layers.insert(0, layer(source))
    config = {'name': model.name, 'trainable': True, 'dtype': 'float32', 'layers': layers}
    if not model.inputs and model.build_input_shape is not None:
        config['build_input_shape'] = model.build_input_shape
    return config


def _graph(model):
    if not model.is_graph:
        model.get_config()  # says why there is none
    numbers = model.node_numbers()

    def number(each, node):
        return numbers[node] - (1 if hasattr(each, 'get_layer') else 0)

    def place(tensor):
        source, index, output = meta.get_history(tensor)
        return [source.name, number(source, source.inbound_nodes[index]), output]

    def tensor(x, shape):
        dtype = getattr(x.dtype, 'base_dtype', x.dtype)
        config = {'shape': list(shape), 'dtype': getattr(dtype, 'name', str(dtype)), 'keras_history': place(x)}
        return {'class_name': '__keras_tensor__', 'config': config}

    def call(each, node):
        found = [tensor(x, shape) for x, shape in zip(node.input_tensors, node.input_shapes)]
        arguments = node.arguments_with([tensor(x, K.int_shape(x)) for x in node.keyword_tensors])
        keywords = {key: value for key, value in arguments.items() if value is not None}
        if len(found) > 1 and hasattr(each, 'cell') or kind_of(each) == 'Bidirectional' and len(found) > 1:
            last = len(found) - (each.get_config().get('num_constants') or 0)
            further = {'initial_state': found[1:last], 'constants': found[last:]}
            return {
                'args': found[:1],
                'kwargs': dict(keywords, **{key: value for key, value in further.items() if value}),
            }
        if hasattr(each, 'named_inputs'):
            of_names = dict(zip(each.named_inputs, found))
            return {'args': [of_names.pop('query'), of_names.pop('value')], 'kwargs': dict(of_names, **keywords)}
        return {'args': [node.as_called(found)], 'kwargs': keywords}

    layers = []
    for each in model.layers:
        nodes = [node for node in each.inbound_nodes if node in numbers and not node.is_entrance]
        made = dict(
            layer(each),
            name=each.name,
            inbound_nodes=[call(each, node) for node in nodes if kind_of(each) != 'InputLayer'],
        )
        is_operation = kind_of(each) in ('TFOpLambda', 'SlicingOpLambda')
        layers.append(keras3_operations.in_words_of_keras_3(made) if is_operation else made)
    return {
        'name': model.name,
        'trainable': True,
        'layers': layers,
        'input_layers': [place(x) for x in to_list(model.inputs)],
        'output_layers': [place(x) for x in to_list(model.outputs)],
    }


def in_our_words(config, own=None, key=''):
    """A configuration by Keras 3, or in its words, with the names that we have for its activations.

    Arguments:
        config: value in a configuration.
        own: whether this library wrote it.
        key: text, what it is the value of.
    """
    if isinstance(config, list):
        return [in_our_words(each, own) for each in config]
    if key.endswith('activation'):
        if config == _HARD_SIGMOID:
            return 'hard_sigmoid'
        is_theirs = isinstance(config, dict) and (config.get('class_name'), config.get('config')) == (
            'function',
            'hard_sigmoid',
        )
        if is_theirs or config == 'hard_sigmoid' and not own:
            return 'hard_sigmoid_relu6'
    if isinstance(config, dict):
        return {name: in_our_words(each, own, str(name)) for name, each in config.items()}
    return config


# -- training ----------------------------------------------------------------------------------------------


def learning_rate(optimizer):
    """The learning rate as Keras 3 keeps it beside the state: None where it decays or follows a schedule, and is worked out from the counter."""
    config = getattr(optimizer, 'inner_optimizer', optimizer).get_config()
    return None if config.get('decay') or isinstance(config['learning_rate'], dict) else config['learning_rate']


def of_training(model):
    """What `conjure` was given."""
    settings = configuration.of_training(model)
    found = {
        'loss': _objects(settings['loss'], 'keras.losses'),
        'loss_weights': settings['loss_weights'],
        'metrics': _objects(settings['metrics'], 'keras.metrics'),
        'weighted_metrics': _objects(settings['weighted_metrics'], 'keras.metrics'),
        'run_eagerly': False,
        'steps_per_execution': 1,
        'jit_compile': False,
    }
    described = optimizer(model.optimizer)
    return dict(found, optimizer=described) if described else found


def _objects(thing, module):
    if isinstance(thing, dict):
        return {key: _objects(value, module) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_objects(item, module) for item in thing]
    if hasattr(thing, 'get_config') and not isinstance(thing, type):
        ours = type(thing).__module__.startswith('cthulhu.')
        kind = names.keras_name(type(thing))
        config = texts.parse_json(configuration.to_text(thing.get_config()))
        return {
            'module': module if ours else type(thing).__module__,
            'class_name': kind,
            'config': config,
            'registered_name': None if ours else names.written_name(type(thing)),
        }
    return thing


def optimizer(each):
    """The settings of an optimizer."""
    kind = names.keras_name(type(each))
    config = dict(each.get_config())
    if kind == 'LossScaleOptimizer':
        config['inner_optimizer'] = optimizer(each.inner_optimizer)
        return {'module': 'keras.optimizers', 'class_name': kind, 'config': config, 'registered_name': None}
    decay = config.pop('decay', 0.0)
    if config.get('schedule_decay') == 0.004:  # Keras 3 has no other, and refuses what names one
        del config['schedule_decay']
    if kind == 'Adagrad':
        config['initial_accumulator_value'] = 0.0
    if decay:
        schedule = {
            'initial_learning_rate': config['learning_rate'],
            'decay_steps': 1,
            'decay_rate': decay,
            'staircase': False,
            'name': DECAY,
        }
        config['learning_rate'] = _schedule('InverseTimeDecay', schedule)
    elif each.schedule is not None:
        config['learning_rate'] = _schedule(each.schedule, config['learning_rate']['config'])
    if 'clipnorm' in config:
        config['global_clipnorm'] = config.pop('clipnorm')
    config = {key: value.item() if isinstance(value, np.generic) else value for key, value in config.items()}
    return {'module': 'keras.optimizers', 'class_name': kind, 'config': config, 'registered_name': None}


#: The name of a schedule by which `decay` is written.
DECAY = 'decay'


def _schedule(schedule, settings):
    own = not isinstance(schedule, str) and not type(schedule).__module__.startswith('cthulhu.')
    return {
        'module': type(schedule).__module__ if own else 'keras.optimizers.schedules',
        'class_name': schedule if isinstance(schedule, str) else type(schedule).__name__,
        'config': settings,
        'registered_name': names.written_name(type(schedule)) if own else None,
    }


def training(settings):
    """The settings of training of an archive, as files of Keras 2.3 have them."""
    found = {key: settings.get(key) for key in ('loss', 'metrics', 'weighted_metrics', 'loss_weights')}
    optimizer = settings['optimizer']
    if isinstance(
        optimizer, str
    ):  # tf.keras keeps the name that it was given; its learning rates are not those of Keras 2.3
        optimizer = {
            'class_name': optimizer,
            'config': {'learning_rate': 0.01 if optimizer.lower() == 'sgd' else 0.001},
        }
    return dict(found, optimizer_config=optimizer, sample_weight_mode=None)


def is_scheduled(optimizer):
    """Whether the settings of an optimizer have a schedule as its learning rate."""
    config = optimizer.get('config') if isinstance(optimizer, dict) else None
    if isinstance(config, dict) and isinstance(config.get('inner_optimizer'), dict):
        return is_scheduled(config['inner_optimizer'])
    return isinstance(config, dict) and isinstance(config.get('learning_rate'), dict)
