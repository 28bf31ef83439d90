"""Layers of another float type than the tensors that they are called on."""

from cthulhu import backend as K
from cthulhu.backend.inference import dtypes
from cthulhu.utils.generic_utils import to_list
from cthulhu.utils.layer_utils import all_layers


def in_own_dtype(layer, inputs):
    """`inputs`, a tensor or a list, with floats cast to the dtype of the layer's weights, where that is the `dtype` the layer was given.

    A layer whose weights have several dtypes, or others than it was given, knows what it does; a model leaves it to its layers.
    """
    if hasattr(layer, 'is_graph') or not any(_is_float(x) for x in to_list(inputs)):
        return inputs
    held, asked = set(), set()
    for each in all_layers(layer):
        own = [K.dtype(w) for w in getattr(each, 'own_weights', ()) if _is_float(w)]
        held.update(own)
        asked.update([each.dtype] if own else ())
    if len(held) != 1 or held != asked:
        return inputs
    (dtype,) = held
    cast = [K.cast(x, dtype) if _is_float(x) and K.dtype(x) != dtype else x for x in to_list(inputs)]
    return cast if isinstance(inputs, list) else cast[0]


def _is_float(x):
    return not K.is_sparse(x) and dtypes.is_float(K.dtype(x))
