"""Settings of models and of their training: to text and back."""

import builtins
import dis
import inspect
import json
import types

import numpy as np

from cthulhu import backend as K
from cthulhu import losses, metrics, names, optimizers, registry
from cthulhu.callers import warn
from cthulhu.saving import calls, dialects
from cthulhu.storage import texts, trust
from cthulhu.storage.errors import DamagedFileError, ModelFileError, UnsafeFileError
from cthulhu.utils.generic_utils import CustomObjectScope, get_custom_objects
from cthulhu.version import KERAS_VERSION

_LARGEST_NUMBER_IN_METRICS = 10**6


# -- to text -----------------------------------------------------------------------------------------------


def to_text(value, **options):
    """JSON text of a configuration; options are those of `json.dumps`."""
    return json.dumps(value, default=_plain, **options)


def _plain(thing):
    """What JSON has no form for: NumPy's values, objects with a configuration, functions and classes by name."""
    if isinstance(thing, np.ndarray):
        return thing.tolist()
    if isinstance(thing, np.generic):
        return thing.item()
    if isinstance(thing, np.dtype):
        return thing.name
    if hasattr(thing, 'get_config') and not isinstance(thing, type):
        return {'class_name': names.written_name(type(thing)), 'config': thing.get_config()}
    if hasattr(thing, '__name__'):
        return names.written_name(thing)
    raise TypeError(
        f'{thing!r} ({type(thing).__name__}) cannot be saved in a configuration: it is no plain value, has no `get_config` and no name.'
    )


def of_model(model):
    """The configuration of a model with its class."""
    config = {'class_name': names.written_name(type(model)), 'config': model.get_config()}
    return calls.in_words_of_tf_keras(config, layers_of(model))


def layers_of(model):
    """Dict, name -> class of layers, for what the configuration of a model names: a user's class may have the name of one of the library's."""
    return dict(
        registry.layers.known(), **{names.written_name(type(layer)): type(layer) for layer in model.all_layers()}
    )


def of_training(model):
    """What `conjure` was given, as Keras keeps it in files."""
    settings = model.settings
    return {
        'optimizer_config': {
            'class_name': names.written_name(type(model.optimizer)),
            'config': model.optimizer.get_config(),
        },
        'loss': settings['loss'],
        'metrics': settings['metrics'],
        'weighted_metrics': settings['weighted_metrics'],
        'sample_weight_mode': settings['sample_weight_mode'],
        'loss_weights': settings['loss_weights'],
    }


def to_json(model, **options):
    """The configuration of a model as JSON text."""
    check_functions(model)
    return to_text(_with_origin(model), **options)


def to_yaml(model, **options):
    """The configuration of a model as YAML text; options are those of `yaml.dump`."""
    check_functions(model)
    # by way of JSON: without tuples and NumPy's values, which need tags of Python
    return texts.require_yaml('to_yaml').safe_dump(json.loads(to_text(_with_origin(model))), **options)


def _with_origin(model):
    return dict(of_model(model), keras_version=KERAS_VERSION, backend=K.backend())


def check_functions(model):
    """Warn of settings that are not in the configuration of a layer, and of functions in LuKthu layers whose globals a file cannot bring along."""
    for layer in model.all_layers():
        check_settings(layer)
        for function in layer.functions if isinstance(layer, registry.layers['LuKthu']) else ():
            missing = sorted(
                _globals_of(getattr(function, '__code__', None)) - set(lambda_globals()) - set(get_custom_objects())
            )
            if missing:
                warn(
                    'The function of layer "{}" uses the global name{} {}, which its byte code does not bring along. Pass {} when the model is loaded '
                    '(load_model(..., custom_objects={{{}}}, safe_mode=False)), or make a layer class of it.'.format(
                        layer.name, 's' if len(missing) > 1 else '', ', '.join(missing), 'it' if len(missing) == 1 else 'them',
                        ', '.join(f'{name!r}: {name}' for name in missing),
                    ))  # fmt: skip


def check_settings(layer):
    """Warn of settings of a layer of the user's own class that its configuration lacks, as the class has no `get_config`."""
    cls = type(layer)
    if isinstance(layer, registry.layers['Lump']) or not _is_own(cls.__init__) or _is_own(cls.get_config):
        return
    if _is_own(cls.from_config):
        return
    parameters = [
        p
        for p in list(inspect.signature(cls.__init__).parameters.values())[1:]
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    config = layer.get_config()
    lost = [p.name for p in parameters if p.name not in config and not _has_default(layer, p)]
    if lost:
        fails = any(p.default is p.empty for p in parameters if p.name in lost)
        warn(
            f'Layer "{layer.name}": {", ".join(map(repr, lost))} cannot be saved, as its class {cls.__name__} has no `get_config` that tells what a layer was made '
            f'with. A layer of the configuration {"cannot be made" if fails else "has the defaults"}. Define it, as in '
            f'return dict(super().get_config(), {", ".join(f"{name}=self.{name}" for name in lost)}).'
        )


def _is_own(method):
    return not method.__module__.startswith('cthulhu.')


def _has_default(layer, parameter):
    """Whether a layer has the default of a parameter as the attribute of its name, as far as can be told."""
    value = getattr(layer, parameter.name, parameter.empty)
    return (
        parameter.default is not parameter.empty
        and type(value) is type(parameter.default)
        and bool(np.all(value == parameter.default))
    )


def _globals_of(code):
    """The global names that byte code reads, in the functions inside it too, without the built-in ones."""
    if not isinstance(code, types.CodeType):
        return set()
    found = {i.argval for i in dis.get_instructions(code) if i.opname in ('LOAD_GLOBAL', 'LOAD_NAME')}
    for constant in code.co_consts:
        found |= _globals_of(constant)
    return found - set(dir(builtins))


def lambda_globals():
    """The global names that functions of LuKthu layers may use when they come from a file."""
    return {'K': K, 'np': np}


# -- to models ---------------------------------------------------------------------------------------------


def model_from(config, custom_objects=None):
    """Make a model, without its weights, of a configuration with a class name, by any version of Keras.

    Raises:
        ModelFileError: if it is no such configuration, or has classes that are not known; all of those are named.
    """
    if not isinstance(config, dict) or not isinstance(config.get('class_name'), str) or 'config' not in config:
        raise ModelFileError(
            'The configuration of a model is a dict with "class_name" and "config"; got %s.'
            % (sorted(map(str, config)) if isinstance(config, dict) else type(config).__name__)
        )
    config = dialects.normalize(config, custom_objects)
    if config['class_name'] == 'Sequential' and isinstance(config['config'], list):
        config = dict(config, config={'name': None, 'layers': config['config']})
    _check_classes(config, custom_objects)
    model = registry.layers.deserialize(
        {'class_name': config['class_name'], 'config': config['config']}, custom_objects
    )
    if not isinstance(model, registry.layers['Lump']):
        raise ModelFileError(f'The configuration is that of a {type(model).__name__}, not of a model.')
    return model


def layer_from(config, custom_objects=None):
    """Make a model or a layer of a configuration with a class name."""
    if not isinstance(config, dict) or not isinstance(config.get('class_name'), str) or 'config' not in config:
        return model_from(config, custom_objects)
    config = dialects.normalize(config, custom_objects)
    if config['class_name'] == 'Sequential' and isinstance(config['config'], list):
        config = dict(config, config={'name': None, 'layers': config['config']})
    _check_classes(config, custom_objects)
    return registry.layers.deserialize({'class_name': config['class_name'], 'config': config['config']}, custom_objects)


# What other Kerases have as layers and this library calls with arrays, before a model: no backend computes with texts, or with the 64 bits of a hash.
_BEFORE_MODELS = ('Hashing', 'HashedCrossing', 'StringLookup', 'TextVectorization')


def _refuse_before_models(item, known):
    """Raise an error for a layer that is none here."""
    name, settings = item.get('class_name'), item.get('config')
    cls = known.get(name)
    if name not in _BEFORE_MODELS or isinstance(cls, type) and issubclass(cls, registry.layers['Layer']):
        return
    called = str(settings.get('name') if isinstance(settings, dict) else None)[:100]
    here = f'make `layers.{name}` with its settings, call it with arrays or lists'
    if name == 'HashedCrossing':
        here = 'have its numbers from that library'
    raise ModelFileError(
        f'Layer "{called}" ({name}) is part of the model in the file. It computes with texts or hashes, which no backend does, so that it comes before the model here. In the '
        f'library that wrote the file, save a model of what follows it: `inputs = Input(...)` of whole numbers, then the layers after "{called}". Here {here}, and give the model '
        'what it returns.'
    )


def _check_classes(config, custom_objects):
    """Raise an error with all the layer classes that are not known."""
    known = registry.layers.known(custom_objects)
    unknown, stack = {}, [config]
    while stack:
        item = stack.pop()
        if not isinstance(item, dict):
            continue
        name = item.get('class_name')
        if not isinstance(name, str):
            raise ModelFileError(f'The configuration has a layer without the name of its class: {str(item)[:200]}.')
        _refuse_before_models(item, known)
        if name not in known:
            unknown[name[:100]] = True
        settings = item.get('config')
        if isinstance(settings, dict):
            inner = settings.get('layers')
            stack.extend(reversed(inner) if isinstance(inner, list) else ())
            stack.append(settings.get('layer'))
    if unknown:
        further = ', ...' if len(unknown) > 20 else ''
        unknown = list(unknown)[:20]
        entries = ', '.join('{!r}: {}'.format(name, name if name.isidentifier() else '...') for name in unknown)
        raise ModelFileError(
            'Unknown layer{}: {}. If {} your own (or of another package), import {} and pass custom_objects={{{}}}, or load inside a '
            'CustomObjectScope.'.format(
                's' if len(unknown) > 1 else '', ', '.join(unknown) + further, 'they are' if len(unknown) > 1 else 'it is', 'them' if len(unknown) > 1 else 'it', entries,
            )
        )  # fmt: skip


def conjure(model, training, custom_objects=None):
    """Conjure a model as a file says.

    Raises:
        ModelFileError: if an optimizer, loss or metric is not known; `compile=False` loads without.
    """
    if not isinstance(training, dict) or not isinstance(training.get('optimizer_config'), dict):
        raise DamagedFileError(
            'The file does not say with which optimizer the model is trained. Load it with compile=False.'
        )
    custom = dict(get_custom_objects(), **(custom_objects or {}))
    try:
        with CustomObjectScope(custom_objects):
            optimizer = optimizers.deserialize(
                dialects.part(training['optimizer_config'], 'optimizer', custom), custom_objects=custom_objects
            )
            model.conjure(
                optimizer,
                loss=_losses(training.get('loss'), custom),
                metrics=_metrics(training.get('metrics'), custom, model.output_names),
                weighted_metrics=_metrics(training.get('weighted_metrics'), custom, model.output_names),
                loss_weights=training.get('loss_weights'),
                sample_weight_mode=training.get('sample_weight_mode'),
            )
    except UnsafeFileError:
        raise
    except Exception as error:
        raise ModelFileError(
            'The model cannot be conjured as the file says: %s Load it with compile=False and conjure it yourself.'
            % (str(error) or type(error).__name__)
        ) from error


def _is_part(thing):
    return isinstance(thing, dict) and isinstance(thing.get('class_name'), str) and 'config' in thing


def _losses(thing, custom):
    """A loss, or a list or dict of them, from what a file says."""
    if _is_part(thing):
        return losses.get(dialects.part(thing, 'loss', custom))
    if isinstance(thing, dict):
        return {key: _losses(value, custom) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_losses(item, custom) for item in thing]
    return custom.get(thing, thing)


def _metrics(thing, custom, outputs=()):
    """Metrics, in lists and dicts, from what a file says."""
    if _is_part(thing):
        thing = dialects.part(thing, 'metric', custom)
        if not trust.code_allowed():
            _check_numbers(thing)
        return metrics.get(thing)
    if isinstance(thing, dict):
        return {key: _metrics(value, custom) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        if len(thing) == len(outputs or ()) and any(isinstance(item, list) for item in thing):
            # a list for each output, as tf.keras writes it: without metrics it is [None], and in names the output comes first
            return [
                [_metrics(_unnamed(m, name), custom) for m in item or () if m is not None]
                for item, name in zip(thing, outputs)
            ]
        return [_metrics(item, custom) for item in thing]
    return custom.get(thing, thing)


def _unnamed(metric, output):
    """A metric's configuration without the name of its output, which is put before it anyway."""
    if (
        _is_part(metric)
        and isinstance(metric['config'], dict)
        and str(metric['config'].get('name')).startswith(output + '_')
    ):
        return dict(metric, config=dict(metric['config'], name=metric['config']['name'][len(output) + 1 :]))
    return metric


def _check_numbers(thing):
    """Metrics make lists and tables of the sizes that they are given."""
    if isinstance(thing, dict):
        for value in thing.values():
            _check_numbers(value)
    elif isinstance(thing, int) and not isinstance(thing, bool) and abs(thing) > _LARGEST_NUMBER_IN_METRICS:
        raise UnsafeFileError(
            f'A metric in the file is given the number {thing}; up to {_LARGEST_NUMBER_IN_METRICS} are read.'
        )
