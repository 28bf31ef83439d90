"""Layers around layers."""

from cthulhu import layers
from cthulhu.engine.network import Network
from cthulhu.export.checks import ExportError
from cthulhu.export.onnx_layers.recurrent import run
from cthulhu.export.onnx_layers.registry import convert, converts, masks, once
from cthulhu.utils.generic_utils import has_arg

# Those that have a `mask` in their call for others' sake, and compute the same without.
_INDIFFERENT = layers.PReLU, layers.ThresholdedReLU


@converts(layers.TimeDistributed)
def time_distributed(w, layer, inputs):
    (x,) = inputs
    inner = layer.layer
    takes_mask = isinstance(inner, Network) or has_arg(inner.call, 'mask') and not isinstance(inner, _INDIFFERENT)
    if x.mask is not None and takes_mask:
        raise ExportError(
            f'Layer "{layer.name}" hands a mask on to "{inner.name}" for each step, which cannot be written as ONNX. Use export_saved_model.'
        )
    tail = [w.size(x, axis) for axis in range(2, x.rank)]
    (made,) = convert(w, inner, [w.reshape(x, [-1] + tail)])
    result = _separated(w, made, x)
    if made.mask is not None:
        result.mask = once(lambda: _separated(w, made.mask(), x))
    return result


def _separated(w, x, inputs):
    """(batch * time, ...) as (batch, time, ...)."""
    return w.reshape(x, [-1, w.size(inputs, 1)] + [w.size(x, axis) for axis in range(1, x.rank)])


@masks(layers.TimeDistributed)
def time_distributed_mask(w, layer, inputs, made):
    return made[0].mask or inputs[0].mask


@converts(layers.Bidirectional)
def bidirectional(w, layer, inputs):
    if layer.get_config().get('num_constants'):
        raise ExportError(
            f'Layer "{layer.name}" takes constants, which cannot be written as ONNX. Use export_saved_model.'
        )
    half = (len(inputs) - 1) // 2
    sides = []
    for each, states in ((layer.forward_layer, inputs[1 : 1 + half]), (layer.backward_layer, inputs[1 + half :])):
        with w.scope(each.name):
            # The layer turns the output of the backward one, whichever way each of them goes.
            turned = each is layer.backward_layer and layer.return_sequences
            made = run(w, each, [inputs[0]] + list(states), in_order_of_time=turned and each.go_backwards)
            if turned and not each.go_backwards:
                made[0] = w.reverse(made[0], 1)
            sides.append(made)
    (forward, *states), (backward, *more) = sides
    return _merged(w, layer, forward, backward) + states + more


def _merged(w, layer, forward, backward):
    if layer.merge_mode is None:
        return [forward, backward]
    if layer.merge_mode == 'concat':
        return [w.concatenate([forward, backward], forward.rank - 1)]
    if layer.merge_mode == 'mul':
        return [w.multiply(forward, backward)]
    total = w.add(forward, backward)
    return [w.divide(total, 2.0) if layer.merge_mode == 'ave' else total]


@masks(layers.Bidirectional)
def bidirectional_mask(w, layer, inputs, made):
    mask = inputs[0].mask if layer.return_sequences else None
    return [mask] if layer.merge_mode else [mask, mask]
