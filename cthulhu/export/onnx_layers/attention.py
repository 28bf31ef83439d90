"""Attention, of one head and of several."""

import numpy as np

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.export.checks import ExportError
from cthulhu.export.onnx_graph import Value
from cthulhu.export.onnx_layers.registry import convert, with_arguments


def _numbers(w, x, axis):
    """The numbers of the steps of `x`, along an axis of several."""
    size = w.size(x, 1)
    if isinstance(size, int):
        numbers = w.constant(np.arange(size))
    else:
        one = [w.constant(value, 'int64') for value in (0, 1)]
        numbers = w.op('Range', [one[0], w.reshape(size, []), one[1]], (None,), 'int64')
    return w.unsqueeze(numbers, [axis])


def _causal(w, query, keys):
    return w.binary('GreaterOrEqual', _numbers(w, query, 1), _numbers(w, keys, 0), 'bool')


def _window(w, query, keys, size):
    apart = w.op('Abs', [w.subtract(_numbers(w, query, 1), _numbers(w, keys, 0))])
    return w.binary('Less', apart, size, 'bool')


def _both(w, masks):
    found = None
    for mask in masks:
        if mask is not None:
            found = mask if found is None else w.binary('And', found, mask)
    return found


def _shares(w, scores, mask):
    if mask is not None:
        least = w.constant(-3e4 if scores.dtype == 'float16' else -1e9, scores.dtype)
        scores = w.op('Where', [mask, scores, least], scores.shape, scores.dtype)
    return w.op('Softmax', [scores], axis=scores.rank - 1)


def _truths(w, mask):
    return w.cast(mask if isinstance(mask, Value) else w.constant(K.eval(mask)), 'bool')


def _refuse_training(layer, arguments):
    training = arguments.pop('training', None)
    if training is not None and (isinstance(training, Value) or training):
        raise ExportError(
            f'Layer "{layer.name}" was called with training={training!r}, which cannot be written as ONNX. Call it without, or use export_saved_model.'
        )


# -- of one head ------------------------------------------------------------------------------------------


@with_arguments(layers.Attention, layers.AdditiveAttention)
def attention(w, layer, inputs, node, arguments):
    _refuse_training(layer, arguments)
    query, value, key = inputs[0], inputs[1], inputs[-1]
    seen = [w.unsqueeze(value.mask(), [1])] if value.mask is not None else []
    if layer.causal or arguments.get('use_causal_mask'):
        seen.append(_causal(w, query, key))
    shares = _shares(w, _scores(w, layer, query, key), _both(w, seen))
    output = w.op('MatMul', [shares, value], query.shape[:2] + value.shape[-1:])
    if query.mask is not None:
        output = w.where(w.unsqueeze(query.mask(), [2]), output, 0.0)
    return [output, shares] if arguments.get('return_attention_scores') else output


def _scores(w, layer, query, key):
    scale = None if layer.scale is None else w.constant(w.array(layer.scale), name='scale')
    if type(layer) is layers.Attention and layer.score_mode == 'dot':
        scores = w.op('MatMul', [query, w.transpose(key, (0, 2, 1))], query.shape[:2] + key.shape[1:2])
        return scores if scale is None else w.multiply(scores, scale)
    sums = w.add(w.unsqueeze(query, [2]), w.unsqueeze(key, [1]))
    if type(layer) is layers.Attention:
        scores = w.op('Tanh', [sums if scale is None else w.multiply(sums, scale)])
        return w.multiply(w.reduce('ReduceSum', scores, [3]), w.constant(w.array(layer.concat_score_weight)))
    scores = w.op('Tanh', [sums])
    return w.reduce('ReduceSum', scores if scale is None else w.multiply(scores, scale), [3])


# -- of several -------------------------------------------------------------------------------------------


@with_arguments(layers.MultiHeadAttention, layers.GroupQueryAttention)
def of_heads(w, layer, inputs, node, arguments):
    _refuse_training(layer, arguments)
    query, value, key = (list(inputs[:3]) + [inputs[1]])[:3]
    axes = getattr(layer, 'attention_axes', None)
    if query.rank != 3 or axes not in (None, 1, -2, (1,), (-2,)):
        raise ExportError(
            f'Layer "{layer.name}" attends along axes of inputs with {query.rank} axes, which is not written as ONNX; along the second of three it is. Use export_saved_model.'
        )
    seen = _seen(w, layer, inputs, (query, value, key), arguments)
    projected = [
        convert(w, each, [x])[0]
        for each, x in ((layer.query_dense, query), (layer.key_dense, key), (layer.value_dense, value))
    ]
    heads = projected[0].shape[2]
    # (batch, heads, steps, features)
    q, k, v = (w.transpose(_repeated(w, x, heads), (0, 2, 1, 3)) for x in projected)
    scores = w.matmul(w.multiply(q, 1.0 / q.shape[-1] ** 0.5), w.transpose(k, (0, 1, 3, 2)))
    shares = _shares(w, scores, None if seen is None else w.unsqueeze(seen, [seen.rank - 2]) if seen.rank > 2 else seen)
    output = w.transpose(w.matmul(shares, v), (0, 2, 1, 3))
    if layer.use_gate:
        output = w.multiply(output, convert(w, layer.gate_dense, [query])[0])
    output = convert(w, layer.output_dense, [output])[0]
    return [output, shares] if arguments.get('return_attention_scores') else output


def _repeated(w, x, heads):
    """Heads of keys or values, each as often as it takes for all queries."""
    if x.shape[2] == heads:
        return x
    times = heads // x.shape[2]
    long = w.op(
        'Tile', [w.unsqueeze(x, [3]), w.constant([1, 1, 1, times, 1], 'int64')], x.shape[:3] + (times,) + x.shape[3:]
    )
    return w.reshape(long, [w.size(x, 0), w.size(x, 1), heads, x.shape[3]])


def _seen(w, layer, inputs, tensors, arguments):
    """Which queries see which keys: bool Value that broadcasts to (batch, queries, keys), or None."""
    carried = [x.mask for x in inputs[:3]] + [None]
    parts = []
    for i, name in enumerate(('query_mask', 'value_mask', 'key_mask')):
        mask = arguments.get(name)
        if mask is None and carried[i] is not None:
            mask = carried[i]()
        if mask is not None:
            parts.append(w.unsqueeze(_truths(w, mask), [1 if i else 2]))
    if arguments.get('use_causal_mask'):
        parts.append(_causal(w, *tensors[:2]))
    if layer.sliding_window is not None:
        parts.append(_window(w, *tensors[:2], layer.sliding_window))
    given = inputs[3] if len(inputs) == 4 else arguments.get('attention_mask')
    return _both(w, [None if given is None else _truths(w, given)] + parts)
