"""Recurrent loops whose steps are those of the framework's kernels: cuDNN's on a GPU."""

import torch

from cthulhu.backend import meta
from cthulhu.backend.deferred import recorded
from cthulhu.backend.inference import rules
from cthulhu.backend.torch.framework import tensor

_KERNELS = {'lstm': torch.lstm, 'gru': torch.gru}


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
        made = whole() if whole and mask is None and not unroll else None
        shape = self.int_shape(inputs)
        if made is None or self.dtype(inputs) not in ('float32', 'float64') or not shape or not shape[-1]:
            return super().rnn(
                step_function, inputs, initial_states, go_backwards, mask, constants, unroll, input_length
            )
        sequence, weights = made['inputs'], [made[name] for name in _WEIGHTS]
        if go_backwards:
            sequence = self.reverse(sequence, 1)
        outputs, states = self._recurrent(made['kind'], sequence, list(initial_states), weights)
        for x in (outputs, states[0]):
            if meta.uses_learning_phase(made['inputs']):
                meta.set_uses_learning_phase(x, True)
        return states[0], outputs, states

    @recorded
    def _recurrent(self, kind, inputs, states, weights):
        inputs, states = tensor(inputs), [tensor(x) for x in states]
        kernel, recurrent_kernel = map(tensor, weights[:2])
        dtype = inputs.dtype
        width = kernel.shape[1]
        biases = [
            torch.zeros(width, dtype=dtype, device=inputs.device) if b is None else tensor(b) for b in weights[2:]
        ]
        if not inputs.shape[0] or not inputs.shape[1]:
            return inputs.new_zeros(tuple(inputs.shape[:2]) + (recurrent_kernel.shape[0],)), states
        if self.differentiates_twice():
            return _PLAIN[kind](inputs, states, kernel, recurrent_kernel, *biases)
        parts = [kernel.t(), recurrent_kernel.t()] + biases
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
        training = torch.is_grad_enabled()
        given = tuple(first) if kind == 'lstm' else first[0]
        outputs, *last = _KERNELS[kind](inputs, given, parts, True, 1, 0.0, training, False, True)
        return outputs, [x.squeeze(0) for x in last]


_WEIGHTS = 'kernel', 'recurrent_kernel', 'bias', 'recurrent_bias'


def _lstm(inputs, states, kernel, recurrent_kernel, bias, recurrent_bias):
    """The same of operations that can be differentiated any number of times."""
    (h, c), outputs = states, []
    for x in (torch.matmul(inputs, kernel) + (bias + recurrent_bias)).unbind(1):
        i, f, new, o = (x + torch.matmul(h, recurrent_kernel)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(new)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs, 1), [h, c]


def _gru(inputs, states, kernel, recurrent_kernel, bias, recurrent_bias):
    (h,), outputs = states, []
    for x in (torch.matmul(inputs, kernel) + bias).unbind(1):
        x_z, x_r, x_h = x.chunk(3, -1)
        h_z, h_r, h_h = (torch.matmul(h, recurrent_kernel) + recurrent_bias).chunk(3, -1)
        z = torch.sigmoid(x_z + h_z)
        h = z * h + (1 - z) * torch.tanh(x_h + torch.sigmoid(x_r + h_r) * h_h)
        outputs.append(h)
    return torch.stack(outputs, 1), [h]


_PLAIN = {'lstm': _lstm, 'gru': _gru}


@rules.rule('_recurrent', dtype='each')
def _recurrent(kind, inputs, states, weights):
    batch, units = rules.shape_of(inputs)[0], rules.shape_of(weights[1])[0]
    dtype = rules.dtype_of(inputs)
    outputs = rules.Spec(rules.shape_of(inputs)[:2] + (units,), dtype)
    return outputs, [rules.Spec((batch, units), dtype) for _ in states]
