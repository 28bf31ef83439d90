"""Activations."""

from cthulhu import activations
from cthulhu.engine.base_layer import Layer
from cthulhu.export.checks import ExportError
from cthulhu.export.onnx_layers.registry import convert


def rectified(w, x, slope=0.0, greatest=None, threshold=0.0):
    """`K.relu`."""
    if threshold == 0:
        if greatest is None:
            return w.op('LeakyRelu', [x], alpha=float(slope)) if slope else w.op('Relu', [x])
        result = w.op('Clip', [x, w.like(x, 0.0), w.like(x, greatest)])
    else:
        result = w.where(w.binary('Greater', x, threshold, 'bool'), x, 0.0)
        if greatest is not None:
            result = w.op('Clip', [result, w.like(x, 0.0), w.like(x, greatest)])
    if slope:
        below = w.op('Relu', [w.subtract(w.op('Neg', [x]), -threshold)])
        result = w.subtract(result, w.multiply(below, slope))
    return result


def softmax(w, x, axis=-1):
    return w.op('Softmax', [x], axis=axis % x.rank)


def clipped(w, x, least, most):
    return w.op('Clip', [x, w.like(x, least), w.like(x, most)])


def glu(w, x):
    first, second = w.split(x, 2)
    return w.multiply(first, w.op('Sigmoid', [second]))


def gelu(w, x):
    return w.multiply(w.multiply(x, 0.5), w.add(w.op('Erf', [w.multiply(x, 0.5**0.5)]), 1.0))


def sparse_plus(w, x):
    middle = w.add(clipped(w, x, -1.0, 1.0), 1.0)
    return w.where(w.binary('Greater', x, 1.0, 'bool'), x, w.multiply(w.multiply(middle, middle), 0.25))


def squareplus(w, x):
    return w.multiply(w.add(x, w.op('Sqrt', [w.add(w.multiply(x, x), 4.0)])), 0.5)


def hard_shrink(w, x):
    far = w.binary('Greater', w.op('Abs', [x]), 0.5, 'bool')
    return w.where(far, x, 0.0)


def sparsemax(w, x):
    last = x.rank - 1
    one, other = w.unsqueeze(x, [last + 1]), w.unsqueeze(x, [last])
    above = w.cast(w.binary('GreaterOrEqual', other, one, 'bool'), x.dtype)  # those that are as great, or greater
    count, total = (w.reduce('ReduceSum', each, [last + 1]) for each in (above, w.multiply(above, other)))
    kept = w.cast(w.binary('Greater', w.add(w.multiply(count, x), 1.0), total, 'bool'), x.dtype)
    excess = w.add(w.reduce('ReduceSum', w.multiply(kept, x), [last], keepdims=True), -1.0)
    return w.op('Relu', [w.subtract(x, w.divide(excess, w.reduce('ReduceSum', kept, [last], keepdims=True)))])


FUNCTIONS = {
    activations.softmax: softmax,
    activations.elu: lambda w, x: w.op('Elu', [x], alpha=1.0),
    activations.selu: lambda w, x: w.op('Selu', [x], alpha=1.6732632423543772, gamma=1.0507009873554805),
    activations.softplus: lambda w, x: w.op('Softplus', [x]),
    activations.softsign: lambda w, x: w.op('Softsign', [x]),
    activations.relu: rectified,
    activations.tanh: lambda w, x: w.op('Tanh', [x]),
    activations.sigmoid: lambda w, x: w.op('Sigmoid', [x]),
    activations.hard_sigmoid: lambda w, x: w.op('HardSigmoid', [x], alpha=0.2, beta=0.5),
    activations.hard_sigmoid_relu6: lambda w, x: w.op('HardSigmoid', [x], alpha=1 / 6, beta=0.5),
    activations.exponential: lambda w, x: w.op('Exp', [x]),
    activations.linear: lambda w, x: x,
    activations.silu: lambda w, x: w.multiply(x, w.op('Sigmoid', [x])),
    activations.gelu: gelu,
    activations.mish: lambda w, x: w.multiply(x, w.op('Tanh', [w.op('Softplus', [x])])),
    activations.hard_silu: lambda w, x: w.multiply(x, w.op('HardSigmoid', [x], alpha=1 / 6, beta=0.5)),
    activations.leaky_relu: lambda w, x: rectified(w, x, 0.2),
    activations.relu6: lambda w, x: rectified(w, x, greatest=6.0),
    activations.celu: lambda w, x: w.op('Elu', [x], alpha=1.0),
    activations.glu: glu,
    activations.log_softmax: lambda w, x: w.op('LogSoftmax', [x], axis=x.rank - 1),
    activations.log_sigmoid: lambda w, x: w.op('Neg', [w.op('Softplus', [w.op('Neg', [x])])]),
    activations.squareplus: squareplus,
    activations.sparse_plus: sparse_plus,
    activations.sparse_sigmoid: lambda w, x: w.multiply(w.add(clipped(w, x, -1.0, 1.0), 1.0), 0.5),
    activations.hard_tanh: lambda w, x: clipped(w, x, -1.0, 1.0),
    activations.hard_shrink: hard_shrink,
    activations.soft_shrink: lambda w, x: w.subtract(x, clipped(w, x, -0.5, 0.5)),
    activations.tanh_shrink: lambda w, x: w.subtract(x, w.op('Tanh', [x])),
    activations.sparsemax: sparsemax,
}

#: Those that are not functions of each element: of the last axis.
ALONG_AN_AXIS = activations.softmax, activations.log_softmax, activations.glu, activations.sparsemax


def activate(w, x, function, layer):
    """`x` after an activation: None, a function of `cthulhu.activations`, or a layer."""
    if function is None:
        return x
    if isinstance(function, Layer):
        return convert(w, function, [x])[0]
    if function not in FUNCTIONS:
        raise ExportError(
            f'Layer "{layer.name}" has the activation {function!r}, which cannot be written as ONNX. Use a function of cthulhu.activations, or '
            'export_saved_model.'
        )
    return FUNCTIONS[function](w, x)
