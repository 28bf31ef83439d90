"""Layers of another float type than the tensors that they are called on, and layers that compute in another type than their weights have."""

import contextlib

from cthulhu import backend as K
from cthulhu.backend.inference import dtypes
from cthulhu.utils.generic_utils import to_list
from cthulhu.utils.layer_utils import all_layers


def in_own_dtype(layer, inputs):
    """`inputs`, a tensor or a list, with floats cast to what the layer computes in: the type of its policy, or the dtype of its weights, where that is the
    `dtype` the layer was given.

    A layer whose weights have several dtypes, or others than it was given, knows what it does; a model leaves it to its layers.
    """
    if hasattr(layer, 'is_graph') or not any(_is_float(x) for x in to_list(inputs)):
        return inputs
    if layer.mixed_policy is not None:
        if layer.takes_numbers_as_they_are:
            return inputs
        return _cast(inputs, layer.dtype if layer.computes_in_dtype_of_weights else layer.mixed_policy.compute_dtype)
    held, asked = set(), set()
    for each in all_layers(layer):
        own = [K.dtype(w) for w in getattr(each, 'own_weights', ()) if _is_float(w)]
        held.update(own)
        asked.update([each.dtype] if own else ())
    if len(held) != 1 or held != asked:
        return inputs
    (dtype,) = held
    return _cast(inputs, dtype)


def called(layer, inputs, arguments):
    """What `call` gives, computed in the type of the layer's policy.

    For as long as it runs, the trained weights that are attributes of the layer, and of the layers inside it that it calls by their `call`, are cast: so `call`
    is written once, and gradients reach the variables. What is not trained, such as moving averages, is updated in `call`, and stays what it is.
    """
    if layer.mixed_policy is None:
        return layer.call(inputs, **arguments)
    with contextlib.ExitStack() as stack:
        for each in all_layers(layer):
            stack.enter_context(_cast_weights(each))
        outputs = layer.call(inputs, **arguments)
    outputs = list(outputs) if isinstance(outputs, tuple) else outputs
    return _cast(outputs, layer.mixed_policy.compute_dtype)


@contextlib.contextmanager
def _cast_weights(layer):
    policy = getattr(layer, 'mixed_policy', None)
    if policy is None or layer.computes_in_dtype_of_weights:
        yield
        return
    trained = {id(w) for w in layer._trainable_weights if _is_float(w)}
    held = vars(layer)

    def lowered(value):
        if isinstance(value, (list, tuple)):
            return type(value)(lowered(x) for x in value) if any(id(x) in trained for x in value) else value
        of_weights = K.is_tensor(value) and not K.is_variable(value) and _is_float(value)  # what `build` made of them
        return K.cast(value, policy.compute_dtype) if id(value) in trained or of_weights else value

    # not by setattr, which would forget the variables
    before = {name: value for name, value in held.items() if name not in layer._untracked}
    after = {name: lowered(value) for name, value in before.items()}
    after = {name: value for name, value in after.items() if value is not before[name]}
    held.update(after)
    try:
        yield
    finally:
        held.update({name: before[name] for name, value in after.items() if held.get(name) is value})


def _cast(inputs, dtype):
    cast = [K.cast(x, dtype) if _is_float(x) and K.dtype(x) != dtype else x for x in to_list(inputs)]
    return cast if isinstance(inputs, list) else cast[0]


def _is_float(x):
    return not K.is_sparse(x) and dtypes.is_float(K.dtype(x))
