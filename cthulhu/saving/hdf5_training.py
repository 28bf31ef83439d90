"""How a model is trained, in an HDF5 file: in the words of Keras 2.3, and of tf.keras where that has an optimizer, or a setting of one, that Keras 2.3 does not have."""

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.callers import warn_once
from cthulhu.saving import configuration, hdf5_config, keras3_config, optimizer_state
from cthulhu.saving import weights as weights_module

# The optimizers of Keras 2.3 and of tf.keras before 2.11, and those of tf.keras since then.
_BEFORE = ('Adadelta', 'Adagrad', 'Adam', 'Adamax', 'Ftrl', 'Nadam', 'RMSprop', 'SGD')
_SINCE = _BEFORE + ('AdamW',)

# Optimizers to which tf.keras before 2.11 gives no schedule.
_UNSCHEDULED = ('Adagrad', 'Nadam')

# The forms of an optimizer in a file.
_OURS, _SLOTS, _NEWER = 'as Keras 2.3', 'as tf.keras before 2.11', 'as tf.keras since 2.11'


def _form(optimizer):
    """How an optimizer is written, and why tf.keras does not go on with it, or None."""
    inner = getattr(optimizer, 'inner_optimizer', optimizer)
    kind = names.keras_name(type(inner))
    if not type(inner).__module__.startswith('cthulhu.'):
        return _OURS, None
    if kind not in _SINCE:
        return _OURS, f'tf.keras reads no {kind} from an HDF5 file'
    if getattr(inner, 'gradient_accumulation_steps', None):
        return _OURS, 'tf.keras has no gradient_accumulation_steps'
    of_momentum = inner.get_config().get('momentum', 0.0)
    is_newer = kind == 'AdamW' or bool(getattr(inner, 'weight_decay', None) or getattr(inner, 'use_ema', False))
    if is_newer or inner.schedule is not None and kind in _UNSCHEDULED:
        if inner is not optimizer:
            return _OURS, f'tf.keras reads no loss scale around this {kind} from an HDF5 file'
        otherwise = 'tf.keras begins anew with what Nadam multiplies over the steps'
        return _NEWER, otherwise if kind == 'Nadam' else None
    is_without = kind == 'SGD' and inner.schedule is not None and not of_momentum
    return _SLOTS if kind == 'Ftrl' or is_without else _OURS, None


def of_model(model):
    """What `conjure` was given. Warns where only this library goes on with the training."""
    made = configuration.of_training(model)
    made['loss'] = hdf5_config.loss(made['loss'])
    optimizer = model.optimizer
    form, why = _form(optimizer)
    if why is not None:
        warn_once(
            optimizer,
            'of no other Keras',
            f'{why}, and Keras 2.3 does not read such an optimizer at all. This library goes on with it; for Keras 3 write an archive: `model.save("NAME.keras")`. Elsewhere load the '
            'HDF5 file with `compile=False`.',
        )
    if form == _NEWER:
        made['optimizer_config'] = _in_words_of_tf_keras(optimizer)
    if made['optimizer_config']['config'].get('schedule_decay') == 0.004:  # the default, which Keras 3 refuses
        del made['optimizer_config']['config']['schedule_decay']
    return made


def _in_words_of_tf_keras(optimizer):
    described = keras3_config.optimizer(optimizer)
    return dict(described, config=dict(described['config'], is_legacy_optimizer=False))


def state_of(model):
    """The optimizer's state: a list of (name, array), and of (name, array) that only we read."""
    variables = model.conjuring.optimizer_weights if model.outputs is not None else []
    values = list(map(np.asarray, K.batch_get_value(variables)))
    optimizer = model.optimizer
    form, beside = _form(optimizer)[0], []
    if hasattr(optimizer, 'inner_optimizer') and values:  # a scale, which tf.keras does not keep
        optimizer, values, beside = (
            optimizer.inner_optimizer,
            values[:-2],
            list(zip(optimizer_state.OF_SCALE, values[-2:])),
        )
        variables = variables[:-2]
    if form == _OURS or not values:
        return list(zip(weights_module.weight_names(variables), values)), beside
    shapes = [K.int_shape(w) for w in model.conjuring.trained_weights]
    values = optimizer_state.to_keras3(optimizer, values, shapes, None)
    first = 'iteration:0' if form == _NEWER else 'iter:0'
    return [(first, values[0])] + [(f'state/{i}', value) for i, value in enumerate(values[1:])], beside
