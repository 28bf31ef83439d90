"""Help for the tests of layers."""

import numpy as np

from cthulhu import backend as K
from cthulhu.layers import Input


def tensors(*arrays):
    """Input tensors for arrays: the batch axis open, the rest known."""
    return [Input(batch_shape=(None,) + np.shape(x)[1:], dtype=str(np.asarray(x).dtype)) for x in arrays]


def apply(layer, *arrays, **keywords):
    """The output of a layer for arrays, in the learning phase `phase` (0 by default)."""
    phase = keywords.pop('phase', 0)
    inputs = tensors(*arrays)
    outputs = layer(inputs if len(inputs) > 1 else inputs[0], **keywords)
    several = isinstance(outputs, list)
    values = K.function(inputs + [K.learning_phase()], outputs if several else [outputs])(list(arrays) + [phase])
    return values if several else values[0]


def normal(*shape):
    """A float32 array of standard normal numbers, always the same for a shape."""
    return np.random.RandomState(len(shape) + sum(shape)).normal(size=shape).astype('float32')


def apply_all(made, x):
    """The outputs for an array, and the weights, of many layers at once: a call for each would cost far more."""
    (entry,) = tensors(x)
    outputs = K.function([entry], [layer(entry) for layer in made])([x])
    weights = iter(K.batch_get_value([w for layer in made for w in layer.weights]))
    return outputs, [[next(weights) for _ in layer.weights] for layer in made]
