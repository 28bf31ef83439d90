"""Recurrent loops whose steps are those of the framework's kernels: cuDNN's on a GPU."""

import functools

import torch

from cthulhu.backend import meta
from cthulhu.backend.deferred import recorded
from cthulhu.backend.inference import rules
from cthulhu.backend.torch.framework import tensor


class TorchRNN:
    def rnn(
        self,
        step_function,
        inputs,
        initial_states,
        go_backwards=False,
        mask=None,
        constants=None,
        unroll=False,
        input_length=None,
        whole=None,
    ):
        made = whole() if whole and not unroll else None
        shape = self.int_shape(inputs)
        if made is None or self.dtype(inputs) not in ('float32', 'float64') or not shape or not shape[-1]:
            return super().rnn(
                step_function, inputs, initial_states, go_backwards, mask, constants, unroll, input_length
            )
        sequence, weights = made['inputs'], [made[name] for name in _WEIGHTS]
        if mask is not None:
            mask = self.cast(mask, 'bool')
            mask = mask if self.ndim(mask) == 2 else self.squeeze(mask, 2)
        if go_backwards:
            sequence, mask = self.reverse(sequence, 1), mask if mask is None else self.reverse(mask, 1)
        last, outputs, states = self._recurrent(made['kind'], sequence, list(initial_states), weights, mask)
        if any(x is not None and meta.uses_learning_phase(x) for x in (made['inputs'], made['recurrent_mask'])):
            for x in (last, outputs):
                meta.set_uses_learning_phase(x, True)
        return last, outputs, states

    @recorded
    def _recurrent(self, kind, inputs, states, weights, mask):
        inputs, states = tensor(inputs), [tensor(x) for x in states]
        kernel, recurrent_kernel = map(tensor, weights[:2])
        units = recurrent_kernel.shape[0]
        nothing = inputs.new_zeros((inputs.shape[0], units))
        if not inputs.shape[0] or not inputs.shape[1]:
            return nothing, inputs.new_zeros(tuple(inputs.shape[:2]) + (units,)), states
        if mask is not None:
            inputs, kernel, counts = _compacted(kind, inputs, kernel, tensor(mask))
        biases = [inputs.new_zeros(kernel.shape[1]) if b is None else tensor(b) for b in weights[2:4]]
        drop = None if weights[4] is None else tensor(weights[4])
        in_steps = drop is not None or self.differentiates_twice()
        run = functools.partial(_PLAIN[kind], drop) if in_steps else _KERNELS[kind]
        outputs, last = run(inputs, states, kernel, recurrent_kernel, *biases)
        if mask is None:
            return last[0], outputs, last
        # Where a step is left out, the output is the one before.
        places = (counts - 1).clamp(min=0).unsqueeze(-1).expand(-1, -1, units)
        outputs = torch.where(counts.unsqueeze(-1) > 0, outputs.gather(1, places), nothing.unsqueeze(1))
        last[0] = torch.where(counts[:, -1:] > 0, outputs[:, -1], states[0])
        return outputs[:, -1], outputs, last


def _compacted(kind, inputs, kernel, mask):
    """(inputs, kernel, how many steps count up to each one), the steps that count first, in their order.

    The steps behind them change no output that is used. An LSTM keeps its cell in them: a further input opens the forget gate and closes the input gate.
    """
    counts = mask.cumsum(1)
    order = torch.argsort(torch.logical_not(mask).to(torch.uint8), dim=1, stable=True)
    inputs = inputs.gather(1, order.unsqueeze(-1).expand(-1, -1, inputs.shape[-1]))
    if kind == 'lstm':
        behind = torch.arange(inputs.shape[1], device=inputs.device) >= counts[:, -1:]
        inputs = torch.cat([inputs, behind.unsqueeze(-1).to(inputs.dtype)], -1)
        units = kernel.shape[1] // 4
        row = torch.cat([kernel.new_full((units,), -1e4), kernel.new_full((units,), 1e4), kernel.new_zeros(2 * units)])
        kernel = torch.cat([kernel, row.unsqueeze(0)])
    return inputs, kernel, counts


def _by_kernel(kind, inputs, states, kernel, recurrent_kernel, bias, recurrent_bias):
    """(outputs, last states) by the framework's kernel."""
    parts = [kernel.t(), recurrent_kernel.t(), bias, recurrent_bias]
    if kind == 'gru':
        # Reset and update gates change places.
        parts = [torch.cat([r, z, new]) for z, r, new in (part.chunk(3) for part in parts)]
    if inputs.is_cuda:
        # In one piece of memory, as cuDNN wants them.
        flat = torch.cat([part.reshape(-1) for part in parts])
        pieces = flat.split([part.numel() for part in parts])
        parts = [piece.view(part.shape) for piece, part in zip(pieces, parts)]
    else:
        parts = [part.contiguous() for part in parts]
    first = [x.unsqueeze(0).contiguous() for x in states]
    arguments = parts, True, 1, 0.0, torch.is_grad_enabled(), False, True
    if kind == 'lstm':
        outputs, *last = torch.lstm(inputs, first, *arguments)
    else:
        outputs, *last = torch.gru(inputs, first[0], *arguments)
    return outputs, [x.squeeze(0) for x in last]


_WEIGHTS = 'kernel', 'recurrent_kernel', 'bias', 'recurrent_bias', 'recurrent_mask'


def _times(h, drop, kernel):
    return torch.matmul(h if drop is None else h * drop, kernel)


def _projected(inputs, kernel, bias):
    """What the inputs add to the gates of each step: one product for all, in the order of time."""
    return (torch.matmul(inputs.transpose(0, 1), kernel) + bias).unbind(0)


def _lstm(drop, inputs, states, kernel, recurrent_kernel, bias, recurrent_bias):
    """The same step by step, with what the kernels lack: states multiplied by `drop`, and derivatives of any order."""
    (h, c), outputs = states, []
    # All of the gates are one operation on GPUs.
    is_fused = inputs.is_cuda and hasattr(torch, '_thnn_fused_lstm_cell')
    for x in _projected(inputs, kernel, bias + recurrent_bias):
        if is_fused:
            h, c, _ = torch._thnn_fused_lstm_cell(x, _times(h, drop, recurrent_kernel), c)
        else:
            i, f, new, o = (x + _times(h, drop, recurrent_kernel)).chunk(4, -1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(new)
            h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs, 1), [h, c]


def _gru(drop, inputs, states, kernel, recurrent_kernel, bias, recurrent_bias):
    (h,), outputs = states, []
    for x in _projected(inputs, kernel, bias):
        x_z, x_r, x_h = x.chunk(3, -1)
        h_z, h_r, h_h = (_times(h, drop, recurrent_kernel) + recurrent_bias).chunk(3, -1)
        z = torch.sigmoid(x_z + h_z)
        h = z * h + (1 - z) * torch.tanh(x_h + torch.sigmoid(x_r + h_r) * h_h)
        outputs.append(h)
    return torch.stack(outputs, 1), [h]


_PLAIN = {'lstm': _lstm, 'gru': _gru}
_KERNELS = {kind: functools.partial(_by_kernel, kind) for kind in _PLAIN}


@rules.rule('_recurrent', dtype='each')
def _recurrent(kind, inputs, states, weights, mask):
    batch, units = rules.shape_of(inputs)[0], rules.shape_of(weights[1])[0]
    dtype = rules.dtype_of(inputs)
    outputs = rules.Spec(rules.shape_of(inputs)[:2] + (units,), dtype)
    return rules.Spec((batch, units), dtype), outputs, [rules.Spec((batch, units), dtype) for _ in states]
