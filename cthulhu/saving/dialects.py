"""How tf.keras and Keras 3 spell configurations, put in the words of Keras 2.3, which are ours.

Settings that Keras 2.3 does not have are left out where they say what it does anyway; others are errors, as the model would compute something else.
"""

import inspect
import re

from cthulhu import losses, metrics, names, policies, registry
from cthulhu.callers import warn
from cthulhu.saving import calls, keras3_operations
from cthulhu.storage.errors import ModelFileError
from cthulhu.utils.argument_table import OF_EVERY_LAYER
from cthulhu.utils.arguments import settings_of_keras_1
from cthulhu.utils.generic_utils import get_custom_objects
from cthulhu.utils.reprs import short

_ANY = object()

# Settings of other versions that change nothing, with the values for which that is so.
_IDLE = {
    'activity_regularizer': (None,),
    'antialias': (False,),
    'autocast': _ANY,
    'backward_layer': _ANY,
    'build_config': _ANY,
    'data_format': (None, 'channels_last'),
    'dynamic': (False,),
    'fill_mode': _ANY,
    'fill_value': _ANY,
    'flash_attention': _ANY,
    'gptq_unpacked_column_size': (None,),
    'groups': (1,),
    'implementation': _ANY,
    'initial_accumulator_value': _ANY,
    'interpolation': ('nearest',),
    'is_legacy_optimizer': _ANY,
    'jit_compile': _ANY,
    'key_shape': _ANY,
    'kernel_constraint': (None,),
    'kernel_initializer': _ANY,
    'kernel_regularizer': (None,),
    'lora_alpha': (None,),
    'lora_rank': (None,),
    'noise_shape': (None,),
    'oov_method': ('floormod',),
    'optional': (False,),
    'pad_to_aspect_ratio': (False,),
    'quantization_config': (None,),
    'query_shape': _ANY,
    'ragged': (False, None),
    'renorm': (False,),
    'renorm_clipping': (None,),
    'renorm_momentum': _ANY,
    'reset_after': (False,),
    'rng_type': _ANY,
    'seed': _ANY,
    'softmax_robust_masking': _ANY,
    'sparse': (False,),
    'synchronized': (False,),
    'time_major': (False,),
    'trainable': (True,),
    'unroll': (False,),
    'use_cudnn': _ANY,
    'value_shape': _ANY,
    'vocabulary_size': _ANY,
    'zero_output_for_mask': _ANY,
    # of metrics and losses
    'axis': (-1,),
    'dtype': _ANY,
    'fn': _ANY,
    'name': _ANY,
}

_INITIALIZERS = {
    'GlorotUniform': (1.0, 'fan_avg', 'uniform'),
    'GlorotNormal': (1.0, 'fan_avg', 'normal'),
    'HeUniform': (2.0, 'fan_in', 'uniform'),
    'HeNormal': (2.0, 'fan_in', 'normal'),
    'LecunUniform': (1.0, 'fan_in', 'uniform'),
    'LecunNormal': (1.0, 'fan_in', 'normal'),
}


#: What tf.keras and Keras 3 mean by the interpolations of an UpSampling2D, and what our archives call that of Keras 2.3, which they refuse.
LATER_INTERPOLATIONS = {'bilinear': 'half_pixel_bilinear', 'keras_2>bilinear': 'bilinear'}


def normalize(config, custom_objects=None):
    """A configuration with a class name, of a model or layer, as Keras 2.3 would have written it. Configurations of Keras 2.3 come out as they are."""
    later = isinstance(config, dict) and (
        isinstance(config.get('module'), str) or _is_later(config.get('keras_version'))
    )
    return _Normalizer(custom_objects, later).thing(config)


def _is_later(version):
    """Whether a version is one of tf.keras, or of what came after Keras 2.3, which was the last one beside it."""
    found = re.match(r'(\d+)\.(\d+)', version) if isinstance(version, str) else None
    return found is not None and (version.endswith('-tf') or (int(found.group(1)), int(found.group(2))) > (2, 3))


def part(config, kind, custom_objects=None):
    """The same for an optimizer, loss or metric (`kind`)."""
    return _Normalizer(custom_objects).part(config, kind)


#: Classes of later Kerases that have another name here; the second is of their InceptionResNetV2.
_RENAMED = {'Functional': 'Model', 'CustomScaleLayer': 'ScaledAdd'}


class _Normalizer:
    def __init__(self, custom_objects, later=False):
        self.later = later
        self.custom = dict(get_custom_objects(), **(custom_objects or {}))
        self.layers = registry.layers.known(custom_objects)

    def thing(self, value):
        """Any value in a configuration."""
        if isinstance(value, (list, tuple)):
            return type(value)(self.thing(item) for item in value)
        if not isinstance(value, dict):
            return value
        name = value.get('class_name')
        if isinstance(name, str) and (name.startswith('__') or name in ('DTypePolicy', 'Policy', 'function')):
            return self.special(name, value)
        if isinstance(name, str) and keras3_operations.is_operation(value):
            return dict(value, class_name=keras3_operations.MARK + name)
        if isinstance(name, str) and 'config' in value:
            return self.serialized(self.name_of(value), value)
        return {key: self.thing(item) for key, item in value.items()}

    def name_of(self, value):
        """The class name that is looked up: that of a registered custom class is the name that its package gave it, if the caller has that."""
        name, registered = value['class_name'], value.get('registered_name')
        if (
            name.startswith('Custom>') and name not in self.layers
        ):  # as tf.keras writes what is registered without a package
            name = name[len('Custom>') :]
        # the file does not choose a custom class over one of the library: only the caller does, under the class's own name
        if isinstance(registered, str) and registered in self.custom and name not in self.layers:
            return registered
        return name if name in self.custom else _RENAMED.get(name, name)

    def special(self, name, value):
        settings = value.get('config')
        if name in ('DTypePolicy', 'Policy'):
            policy = settings.get('name') if isinstance(settings, dict) else None
            if not isinstance(policy, str):
                raise ModelFileError('The configuration has a dtype policy without a name.')
            return policy
        if name == '__tuple__':
            return tuple(self.thing(item) for item in value.get('items', ()))
        if name == 'function' and isinstance(settings, str):
            return settings
        if name == '__lambda__':
            return value
        if name in ('__numpy__', '__tensor__') and isinstance(settings, dict):
            return self.thing(settings.get('value'))
        raise ModelFileError(
            'The configuration has {!r} where a plain value is expected.'.format(
                settings if name == 'function' else name
            )
        )

    def serialized(self, name, value):
        settings = value['config']
        if name in self.custom:
            made, cls = self.thing(settings), self.custom[name]
            if isinstance(cls, type) and isinstance(made, dict):
                _followed(made)
                made = _without_idle(cls, made)
            return dict(value, class_name=name, config=made)
        if name in _INITIALIZERS and isinstance(settings, dict):
            scale, mode, distribution = _INITIALIZERS[name]
            made = {'scale': scale, 'mode': mode, 'distribution': distribution, 'seed': settings.get('seed')}
            return {'class_name': 'VarianceScaling', 'config': made}
        if name in ('L1', 'L2') and isinstance(settings, dict):
            return {'class_name': 'L1L2', 'config': {'l1': settings.get('l1', 0.0), 'l2': settings.get('l2', 0.0)}}
        if name in self.layers and not (name == 'Identity' and 'gain' in settings):  # an initializer's name, too
            return self.layer(name, value)
        if isinstance(settings, dict):
            settings = {
                key: self.thing(item) for key, item in settings.items() if key not in ('input_axes', 'output_axes')
            }
            if name in (
                'Zeros',
                'Ones',
                'Constant',
                'RandomNormal',
                'RandomUniform',
                'TruncatedNormal',
                'VarianceScaling',
                'Orthogonal',
                'Identity',
            ):
                settings.pop('dtype', None)
            if str(settings.get('distribution', '')).endswith('truncated_normal'):
                settings['distribution'] = 'normal'
        return {'class_name': name, 'config': settings}

    def layer(self, name, value):
        settings = value['config']
        if isinstance(settings, list):  # a Sequential as Keras before 2.2.3 wrote it
            return dict(value, class_name=name, config=[self.thing(item) for item in settings])
        if not isinstance(settings, dict):
            raise ModelFileError(f'The configuration of layer class {name} should be a dict; got {short(settings)}.')
        settings = {key: item if key == 'inbound_nodes' else self.thing(item) for key, item in settings.items()}
        _followed(settings)
        if 'layers' in settings:
            settings = calls.of_model(settings, self.layers)
            return dict({key: item for key, item in value.items() if key != 'module'}, class_name=name, config=settings)
        if settings.get('batch_shape') is not None:
            settings['batch_input_shape'] = settings.pop('batch_shape')
        if (
            name in ('BatchNormalization', 'BlacknessFromTheStars')
            and isinstance(settings.get('axis'), (list, tuple))
            and len(settings['axis']) == 1
        ):
            settings['axis'] = settings['axis'][0]
        if name == 'LeakyReLU' and 'negative_slope' in settings:
            settings['alpha'] = settings.pop('negative_slope')
        if name == 'Lambda':
            _lambda(settings)
        if name == 'IntegerLookup':
            _require_vocabulary(settings)
        if name in ('CategoryEncoding', 'Discretization', 'IntegerLookup') and settings.get('sparse'):
            settings['sparse'] = False
            warn(
                f'{name} "{settings.get("name")}" gives sparse vectors (sparse=True) in the file. Here it gives dense ones, of the same numbers.'
            )
        if name == 'Bidirectional':
            _bidirectional(settings)
        if self.later and names.keras_name(name) == 'UpSampling2D':
            method = settings.get('interpolation')
            settings['interpolation'] = LATER_INTERPOLATIONS.get(method, method)
        return dict(
            value,
            class_name=name,
            config=self.accepted(self.layers[name], settings, 'layer {!r}'.format(settings.get('name'))),
        )

    def accepted(self, cls, settings, what):
        """The settings without those that the class does not take, if they change nothing."""
        if not cls.__module__.startswith('cthulhu.'):
            return _without_idle(cls, settings)
        taken = _signature_of(cls) | set(getattr(cls, 'further_arguments', ()))
        if hasattr(cls, 'call'):  # what every layer takes
            taken |= {*OF_EVERY_LAYER, 'input_dim', 'input_length'}
            if not taken.issuperset(settings):
                settings = settings_of_keras_1(cls, settings)
        result = {}
        for key, item in settings.items():
            if key in taken or key in _OWN:
                result[key] = item
            elif key in _IDLE:
                if _IDLE[key] is not _ANY and item not in _IDLE[key]:
                    raise ModelFileError(
                        f'The {what} ({cls.__name__}) has {key}={item!r}, which this library does not have.'
                    )
            elif (
                item is not None and item is not False
            ):  # what only newer versions have, and is on, is for the class to refuse
                result[key] = item
        return result

    def part(self, value, kind):
        if not isinstance(value, dict) or not isinstance(value.get('class_name'), str):
            return value
        name = self.name_of(value)
        if name in self.custom or not isinstance(value.get('config'), dict):
            return {'class_name': name, 'config': value.get('config')}
        inner = value['config'].get('inner_optimizer') if kind == 'optimizer' else None
        if name == 'LossScaleOptimizerV3':
            name = 'LossScaleOptimizer'
        settings = {key: self.thing(item) for key, item in value['config'].items() if item is not inner or item is None}
        if isinstance(inner, dict):
            settings['inner_optimizer'] = self.part(inner, kind)
        if settings.get('reduction') in ('auto', 'mean', 'none', None) and 'reduction' in settings and kind == 'loss':
            settings['reduction'] = {'none': 'none'}.get(settings['reduction'], 'sum_over_batch_size')
        cls = _class_of(name, kind)
        if cls is None:
            return {'class_name': name, 'config': settings}
        if kind == 'optimizer':
            settings = _optimizer(name, cls, settings)
        of_a_function = kind == 'loss' and issubclass(
            losses.LossFunctionWrapper, cls
        )  # whose further settings are the function's
        return {'class_name': name, 'config': settings if of_a_function else self.accepted(cls, settings, kind)}


def _without_idle(cls, settings):
    """The settings without those that change nothing and that neither a class of other people's nor one of ours that it extends knows."""
    idle = (set(settings) - _signature_of(cls)) & set(_IDLE)
    idle = {key for key in idle if _IDLE[key] is not _ANY and settings[key] in _IDLE[key]}
    return {key: item for key, item in settings.items() if key not in idle}


def _signature_of(cls):
    """The names of the arguments of a class's constructor, with those of the classes that it hands its further ones on to."""
    found = set()
    for each in cls.__mro__:
        if '__init__' in vars(each):
            parameters = inspect.signature(each.__init__).parameters.values()
            found |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {'self'}
            if not any(p.kind == p.VAR_KEYWORD for p in parameters):
                break
    return found


# Settings that Keras 2.3 wrote and that its layers take in ways that a signature does not show.
_OWN = (
    'function',
    'function_type',
    'output_shape',
    'output_shape_type',
    'arguments',
    'mask',
    'layer',
    'cell',
    'cells',
    'units',
)


def _class_of(name, kind):
    if kind == 'optimizer':
        return {key.lower(): registry.optimizers[key] for key in registry.optimizers}.get(name.lower())
    found = getattr(losses if kind == 'loss' else metrics, name, None)
    return found if isinstance(found, type) else None


def _optimizer(name, cls, settings):
    """Settings of an optimizer of tf.keras or Keras 3."""
    rate = settings.get('learning_rate')
    schedule = rate.get('config') if isinstance(rate, dict) and rate.get('class_name') == 'InverseTimeDecay' else None
    if isinstance(schedule, dict) and schedule.get('name', 'decay') == 'decay':  # as our archives have `decay`
        settings['learning_rate'] = schedule['initial_learning_rate']
        settings['decay'] = schedule['decay_rate'] / schedule['decay_steps']
    if name.lower() == 'rmsprop':
        for key in ('momentum', 'centered'):
            if not settings.get(key):
                settings.pop(key, None)
    if name.lower() == 'nadam' and 'decay' in settings and 'schedule_decay' not in settings:
        settings['schedule_decay'] = settings.pop('decay')  # as tf.keras before 2.11 calls it there
    # What only the two write: ours have `ema_momentum`, too, where it was given.
    if not {'loss_scale_factor', 'jit_compile', 'global_clipnorm'} & set(settings):
        return settings
    if settings.get('clipnorm') is not None:
        raise ModelFileError(
            f'The optimizer {name} clips each gradient by its own norm (clipnorm), this library all by their joint norm.'
        )
    settings['clipnorm'] = settings.pop('global_clipnorm', None)
    if not settings.get('use_ema'):
        for key in ('use_ema', 'ema_momentum', 'ema_overwrite_frequency'):
            settings.pop(key, None)
    for key in (
        'clipnorm',
        'clipvalue',
        'weight_decay',
        'loss_scale_factor',
        'gradient_accumulation_steps',
        'rho_',
    ):
        if settings.get(key) in (None, False):
            settings.pop(key, None)
    settings.pop('name', None)
    return settings


def _followed(settings):
    """The policy of a layer, where the settings have one, in place: one that the backend can follow."""
    if isinstance(settings.get('dtype'), str):
        settings['dtype'] = policies.of_file(settings['dtype'])


def _require_vocabulary(settings):
    """Raise an error for a vocabulary that other Kerases found, of the size that they write, and have not written: there is none in HDF5 files."""
    size, unknown = settings.get('vocabulary_size'), settings.get('num_oov_indices')
    if settings.get('output_mode') == 'tf_idf' and settings.get('vocabulary') and not settings.get('idf_weights'):
        raise ModelFileError(
            f'The file has the vocabulary of IntegerLookup "{settings.get("name")}", but not its weights (output_mode="tf_idf"): other Kerases keep those only that were given '
            'to the layer. Make it there of the vocabulary and `idf_weights` that it found, and save the model again.'
        )
    if settings.get('vocabulary') is not None or not isinstance(size, int) or not isinstance(unknown, int):
        return
    if size > unknown + (settings.get('mask_token') is not None):
        raise ModelFileError(
            f'The file does not have the vocabulary of {size} values that `adapt` found for IntegerLookup "{settings.get("name")}": HDF5 files of other Kerases have those '
            'vocabularies only that were given to the layer. Save the model there as an archive, `model.save("NAME.keras")`.'
        )


def _lambda(settings):
    """A Lambda of Keras 3: the function is `{'class_name': '__lambda__', ...}` or a name."""
    for key in ('function', 'output_shape', 'mask'):
        item = settings.get(key)
        if isinstance(item, dict) and item.get('class_name') == '__lambda__':
            code = item.get('config') or {}
            settings[key] = [code.get('code'), code.get('defaults'), code.get('closure')]
            if key != 'mask':
                settings[key + '_type'] = 'lambda'
    settings.setdefault('function_type', 'function')
    settings.setdefault('output_shape_type', 'raw')


def _bidirectional(settings):
    """A wrapped layer that is called 'forward_...' gets that prefix again."""
    inner = settings.get('layer')
    backward = settings.pop('backward_layer', None)
    if not isinstance(inner, dict) or not isinstance(inner.get('config'), dict):
        return
    if isinstance(backward, dict) and isinstance(backward.get('config'), dict):
        differing = {
            key
            for key in set(inner['config']) | set(backward['config'])
            if key not in ('name', 'go_backwards', 'seed') and inner['config'].get(key) != backward['config'].get(key)
        }
        if differing or backward.get('class_name') != inner.get('class_name'):
            raise ModelFileError(
                'A Bidirectional has a backward layer with settings of its own ({}), which this library does not have.'.format(
                    ', '.join(sorted(differing))
                )
            )
    name = inner['config'].get('name')
    if isinstance(name, str) and name.startswith('forward_') and backward is not None:
        inner['config']['name'] = name[len('forward_') :]
