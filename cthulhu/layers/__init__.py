"""Layers: what models are made of."""

import typing

from cthulhu import names, registry
from cthulhu.engine.base_layer import InputSpec, Layer
from cthulhu.engine.input_layer import Input, InputLayer
from cthulhu.layers import (
    advanced_activations,
    attention,
    augmentation,
    convolutional,
    convolutional_recurrent,
    core,
    cudnn_recurrent,
    einsum_dense,
    embeddings,
    encoding,
    hashing,
    highway,
    images,
    local,
    merge,
    multi_head_attention,
    noise,
    normalization,
    operations,
    pooling,
    recurrent,
    scaling,
    spectral,
    strings,
    wrappers,
)
from cthulhu.layers.advanced_activations import *  # noqa: F403
from cthulhu.layers.attention import *  # noqa: F403
from cthulhu.layers.augmentation import *  # noqa: F403
from cthulhu.layers.convolutional import *  # noqa: F403
from cthulhu.layers.convolutional_recurrent import *  # noqa: F403
from cthulhu.layers.core import *  # noqa: F403
from cthulhu.layers.cudnn_recurrent import *  # noqa: F403
from cthulhu.layers.einsum_dense import *  # noqa: F403
from cthulhu.layers.embeddings import *  # noqa: F403
from cthulhu.layers.encoding import *  # noqa: F403
from cthulhu.layers.hashing import *  # noqa: F403
from cthulhu.layers.highway import *  # noqa: F403
from cthulhu.layers.images import *  # noqa: F403
from cthulhu.layers.local import *  # noqa: F403
from cthulhu.layers.merge import *  # noqa: F403
from cthulhu.layers.merging import Merge  # noqa: F401
from cthulhu.layers.multi_head_attention import *  # noqa: F403
from cthulhu.layers.noise import *  # noqa: F403
from cthulhu.layers.normalization import *  # noqa: F403
from cthulhu.layers.operations import *  # noqa: F403
from cthulhu.layers.pooling import *  # noqa: F403
from cthulhu.layers.recurrent import *  # noqa: F403
from cthulhu.layers.recurrent.uncelled import ConvRecurrent2D, Recurrent  # noqa: F401
from cthulhu.layers.scaling import *  # noqa: F403
from cthulhu.layers.spectral import *  # noqa: F403
from cthulhu.layers.strings import *  # noqa: F403
from cthulhu.layers.wrappers import *  # noqa: F403
from cthulhu.saving import reading

_FAMILIES = (
    core, merge, advanced_activations, noise, embeddings, normalization, convolutional, pooling, local,
    recurrent, cudnn_recurrent, convolutional_recurrent, highway, wrappers, spectral, einsum_dense, attention, multi_head_attention, scaling, images, augmentation,
    encoding, strings, hashing, operations,
)  # fmt: skip

__all__ = ['Input', 'InputLayer', 'InputSpec', 'Layer', 'deserialize', 'serialize']
for _family in _FAMILIES:
    __all__ += _family.__all__


def serialize(layer):
    """Describe a layer: `{'class_name': its Keras name, 'config': its settings}`."""
    return registry.layers.serialize(layer)


def deserialize(config, custom_objects=None):
    """Make a layer, or a model, from its description.

    Arguments:
        config: dict with 'class_name' (a Keras or a Cthulhu name) and 'config'.
        custom_objects: dict, name -> class, for layers of your own.

    Returns:
        A new layer, without the weights.

    Raises:
        ValueError: for a class that is not known, or another form.
    """
    return reading.configuration(lambda config: registry.layers.deserialize(config, custom_objects), config)


names.add_aliases(globals())
if typing.TYPE_CHECKING:  # what `add_aliases` makes
    from cthulhu.layers.keras_names import *  # noqa: F403

# Only layers: nothing else that this module holds can be named by a configuration. Models enter themselves.
registry.layers.register(
    {name: value for name, value in globals().items() if isinstance(value, type) and issubclass(value, Layer)}
)
