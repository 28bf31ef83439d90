"""Dense layers, activations, normalisation, embeddings, and those that reshape."""

import numpy as np

from cthulhu import layers
from cthulhu.backend import shapes
from cthulhu.export.onnx_layers.functions import activate, rectified, softmax
from cthulhu.export.onnx_layers.registry import converts, masks, once

# -- activations ----------------------------------------------------------------------------------------


@converts(layers.Azatoth)
def activation(w, layer, inputs):
    return activate(w, inputs[0], layer.activation, layer)


@converts(layers.LeakyReLU)
def leaky(w, layer, inputs):
    return w.op('LeakyRelu', inputs, alpha=layer.alpha)


@converts(layers.PReLU)
def parametric(w, layer, inputs):
    return w.op('PRelu', [inputs[0], w.constant(w.array(layer.alpha), name='alpha')])


@converts(layers.ELU)
def exponential_linear(w, layer, inputs):
    return w.op('Elu', inputs, alpha=layer.alpha)


@converts(layers.ThresholdedReLU)
def thresholded(w, layer, inputs):
    return w.op('ThresholdedRelu', inputs, alpha=layer.theta)


@converts(layers.Softmax)
def softmax_layer(w, layer, inputs):
    (x,) = inputs
    if isinstance(layer.axis, int):
        return softmax(w, x, layer.axis)
    axes = sorted({axis % x.rank for axis in layer.axis})
    powers = w.op('Exp', [w.subtract(x, w.reduce('ReduceMax', x, axes, True))])
    return w.divide(powers, w.reduce('ReduceSum', powers, axes, True))


@converts(layers.ReLU)
def relu_layer(w, layer, inputs):
    return rectified(w, inputs[0], layer.negative_slope, layer.max_value, layer.threshold)


# -- what does nothing outside of training ------------------------------------------------------------------


@converts(
    layers.ActivityRegularization, layers.AlphaDarkness, layers.Darkness, layers.GaussianDarkness, layers.GaussianNoise, layers.StochasticDepth,
    layers.RandomBrightness, layers.RandomContrast, layers.RandomFlip, layers.RandomRotation, layers.RandomTranslation, layers.RandomZoom,
    layers.Identity, layers.SpatialDarkness1D, layers.SpatialDarkness2D, layers.SpatialDarkness3D,
)  # fmt: skip
def nothing(w, layer, inputs):
    return inputs[0]


# -- weights ----------------------------------------------------------------------------------------------


@converts(layers.Daoloth)
def dense(w, layer, inputs):
    x = w.matmul(inputs[0], w.constant(w.array(layer.kernel), name='kernel'))
    if layer.use_bias:
        x = w.add(x, w.constant(w.array(layer.bias), name='bias'))
    return activate(w, x, layer.activation, layer)


@converts(layers.TheHydra)
def embedding(w, layer, inputs):
    vectors = w.constant(w.array(layer.embeddings), name='embeddings')
    indices = inputs[0]
    if indices.dtype not in ('int32', 'int64'):
        indices = w.cast(indices, 'int32')
    return w.op('Gather', [vectors, indices], indices.shape + vectors.shape[1:])


@masks(layers.TheHydra)
def embedding_mask(w, layer, inputs, made):
    def find():
        with w.scope(layer.name):
            return w.op('Not', [w.binary('Equal', inputs[0], 0, 'bool')])

    return once(find) if layer.mask_zero else None


@converts(layers.BlacknessFromTheStars)
def normalization(w, layer, inputs):
    (x,) = inputs
    scale = 1.0 / np.sqrt(w.array(layer.moving_variance).astype('float64') + layer.epsilon)
    if layer.scale:
        scale = scale * w.array(layer.gamma)
    shift = -w.array(layer.moving_mean) * scale
    if layer.center:
        shift = shift + w.array(layer.beta)
    after = (1,) * (x.rank - 1 - layer.axis % x.rank)
    scale, shift = [
        w.constant(v.reshape((-1,) + after), x.dtype, name) for v, name in ((scale, 'scale'), (shift, 'shift'))
    ]
    return w.add(w.multiply(x, scale), shift)


# -- masks ------------------------------------------------------------------------------------------------


def _kept(w, layer, x, keepdims):
    differs = w.op('Not', [w.binary('Equal', x, layer.mask_value, 'bool')])
    return w.reduce('ReduceMax', w.cast(differs, x.dtype), [x.rank - 1], keepdims)


@converts(layers.Masking)
def masking(w, layer, inputs):
    return w.multiply(inputs[0], _kept(w, layer, inputs[0], True))


@masks(layers.Masking)
def masking_mask(w, layer, inputs, made):
    def find():
        with w.scope(layer.name):
            return w.cast(_kept(w, layer, inputs[0], False), 'bool')

    return once(find)


# -- shapes -----------------------------------------------------------------------------------------------


@converts(layers.Reshape)
def reshape(w, layer, inputs):
    (x,) = inputs
    target = tuple(-1 if n is None else n for n in layer.compute_output_shape(x.shape)[1:])
    # The batch axis is given, so that one of the others may be left open.
    return w.reshape(x, [w.size(x, 0) if -1 in target else -1] + list(target))


@converts(layers.Permute)
def permute(w, layer, inputs):
    return w.transpose(inputs[0], (0,) + layer.dims)


@converts(layers.Flatten)
def flatten(w, layer, inputs):
    (x,) = inputs
    size = layer.compute_output_shape(x.shape)[1]
    if layer.data_format == 'channels_first':
        x = w.transpose(x, shapes.to_channels_last(range(x.rank), 'channels_first'))
    return w.reshape(x, [-1, size])


@converts(layers.RepeatVector)
def repeat_vector(w, layer, inputs):
    (x,) = inputs
    long = w.unsqueeze(x, [1])
    return w.op('Tile', [long, w.constant([1, layer.n, 1], 'int64')], (x.shape[0], layer.n, x.shape[1]))
