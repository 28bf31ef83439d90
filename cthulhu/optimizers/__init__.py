"""Optimizers: how weights follow the gradients of a loss."""

from cthulhu import registry
from cthulhu.optimizers import schedules
from cthulhu.optimizers.adadelta import Adadelta
from cthulhu.optimizers.adafactor import Adafactor
from cthulhu.optimizers.adagrad import Adagrad
from cthulhu.optimizers.adam import Adam
from cthulhu.optimizers.adamax import Adamax
from cthulhu.optimizers.adamw import AdamW
from cthulhu.optimizers.base import Optimizer
from cthulhu.optimizers.framework import TFOptimizer, is_framework_optimizer
from cthulhu.optimizers.ftrl import Ftrl
from cthulhu.optimizers.lamb import Lamb
from cthulhu.optimizers.lion import Lion
from cthulhu.optimizers.loss_scale import LossScaleOptimizer
from cthulhu.optimizers.muon import Muon
from cthulhu.optimizers.nadam import Nadam
from cthulhu.optimizers.rmsprop import RMSprop
from cthulhu.optimizers.sgd import SGD
from cthulhu.utils.foreign import described
from cthulhu.utils.generic_utils import get_custom_objects

__all__ = [
    'Adadelta', 'Adafactor', 'Adagrad', 'Adam', 'AdamW', 'Adamax', 'Ftrl', 'Lamb', 'Lion', 'LossScaleOptimizer', 'Muon', 'Nadam', 'Optimizer', 'RMSprop', 'SGD', 'TFOptimizer',
    'adadelta', 'adagrad', 'adam', 'adamax', 'deserialize', 'get', 'nadam', 'rmsprop', 'schedules', 'serialize', 'sgd',
]  # fmt: skip

sgd = SGD
rmsprop = RMSprop
adagrad = Adagrad
adadelta = Adadelta
adam = Adam
adamax = Adamax
nadam = Nadam

registry.optimizers.register(
    {
        cls.__name__: cls
        for cls in (
            SGD,
            RMSprop,
            Adagrad,
            Adadelta,
            Adafactor,
            Adam,
            AdamW,
            Adamax,
            Ftrl,
            Lamb,
            Lion,
            LossScaleOptimizer,
            Muon,
            Nadam,
            TFOptimizer,
        )
    }
)
_BY_LOWER_CASE = {name.lower(): name for name in registry.optimizers}


def serialize(optimizer):
    """Describe an optimizer by its class name and configuration."""
    return registry.optimizers.serialize(optimizer)


def deserialize(config, custom_objects=None):
    """Make the optimizer that a configuration describes; ours are found in upper and lower case.

    Arguments:
        config: `{'class_name': ..., 'config': {...}}`.
        custom_objects: dict of the caller's own, name -> class.

    Raises:
        ValueError: the name is unknown.
    """
    name = config.get('class_name') if isinstance(config, dict) else None
    if isinstance(name, str) and name not in (custom_objects or {}) and name not in get_custom_objects():
        config = dict(config, class_name=_BY_LOWER_CASE.get(name.lower(), name))
    return registry.optimizers.deserialize(config, custom_objects)


def get(identifier):
    """Make an optimizer of a name, a configuration, a class or an optimizer; the framework's own are wrapped.

    Raises:
        ValueError: the name is unknown, or the identifier is none of these.

    >>> type(get('Adam')) is Adam, type(get('adam')) is Adam
    (True, True)
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return deserialize({'class_name': identifier, 'config': {}})
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()
    if is_framework_optimizer(identifier):
        return TFOptimizer(identifier)
    raise ValueError(
        'Could not interpret optimizer identifier: expected a name, a configuration dict or an optimizer, '
        f'got {described(identifier, "optimizers", registry.optimizers)}.'
    )
