"""Making tensors of a shape, and moving elements about."""

import numpy as np
import torch

from cthulhu.backend import config
from cthulhu.backend.inference import dtypes
from cthulhu.backend.torch import checks
from cthulhu.backend.torch.framework import DEVICE, DTYPES, Tensor, integers, tensor
from cthulhu.backend.torch.primitive import as_tensors, native, recorded_always, reference


def _place(one):
    """A part of an index as the framework takes it."""
    if isinstance(one, slice):
        return slice(*[n if n is None else int(n) for n in (one.start, one.stop, one.step)])
    return one if one is None or one is Ellipsis else int(one)


def _pads(paddings):
    """(before, after) of each axis in the order of `torch.nn.functional.pad`: the last axis first."""
    return [n for pair in reversed(list(paddings)) for n in integers(pair)]


def _forwards(x, key):
    """A tensor and a key that give what `x[key]` means, without negative steps, which PyTorch does not take."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if not any(isinstance(part, slice) and part.step is not None and part.step < 0 for part in parts):
        return x, key
    axis, taken = 0, sum(part is not None and part is not Ellipsis for part in parts)
    for place, part in enumerate(parts):
        if part is Ellipsis:
            axis += x.ndim - taken
        elif part is not None:
            if isinstance(part, slice) and part.step is not None and part.step < 0:
                places = range(*part.indices(x.shape[axis]))
                x = x.index_select(axis, torch.tensor(list(places), dtype=torch.int64, device=x.device))
                parts[place] = slice(None)
            axis += 1
    return x, tuple(parts)


class TorchShape:
    @native
    def getitem(self, x, key):
        x, key = _forwards(tensor(x), key)
        return x[tuple(map(_place, key)) if isinstance(key, tuple) else _place(key)]

    @native
    def _split(self, x, count, axis, size):
        return list(torch.split(tensor(x), size, axis))

    @native
    def shape(self, x):
        return np.array(x.shape, 'int32')

    @native
    def to_dense(self, tensor):
        return tensor.to_dense() if tensor.is_sparse else tensor

    @native
    def reshape(self, x, shape):
        return tensor(x).reshape(integers(shape))

    @native
    def permute_dimensions(self, x, pattern):
        return x.permute(integers(pattern))

    @native
    def concatenate(self, tensors, axis=-1):
        parts = as_tensors(tensors)
        if any(one.is_sparse for one in parts) and not all(one.is_sparse for one in parts):
            parts = [one.to_dense() if one.is_sparse else one for one in parts]
        return torch.cat(parts, int(axis))

    @native
    def stack(self, x, axis=0):
        return torch.stack(as_tensors(x), int(axis))

    @native
    def tile(self, x, n):
        return torch.tile(tensor(x), integers(n))

    @native
    def expand_dims(self, x, axis=-1):
        return x.unsqueeze(int(axis))

    @native
    def squeeze(self, x, axis):
        axes = integers(axis)
        if any(x.shape[one] != 1 for one in axes):
            raise ValueError(f'squeeze: axis {axis} of a tensor of shape {tuple(x.shape)} is not of length 1.')
        return torch.squeeze(x, axes)

    @native
    def reverse(self, x, axes):
        return torch.flip(x, integers(axes))

    @native
    def gather(self, reference, indices):
        reference, indices = tensor(reference), tensor(indices).long()
        indices = checks.in_range(indices, len(reference), 'index')
        if indices.dim() == 1:
            return reference.index_select(0, indices)
        return reference.index_select(0, indices.reshape(-1)).reshape(tuple(indices.shape) + tuple(reference.shape[1:]))

    @native
    def _in_range(self, indices, size, what):
        return checks.in_range(tensor(indices), int(size), what)

    @native
    def slice(self, x, start, size):
        x = tensor(x)
        start, size = integers(start), integers(size)
        ends = [length if many == -1 else first + many for length, first, many in zip(x.shape, start, size)]
        if len(start) != x.dim() or len(ends) != x.dim() or any(end > length for end, length in zip(ends, x.shape)):
            raise ValueError(
                f'slice: a block at {start} of size {size} is not inside a tensor of shape {tuple(x.shape)}.'
            )
        return x[tuple(slice(first, end) for first, end in zip(start, ends))]

    def arange(self, start, stop=None, step=1, dtype='int32'):
        numbers = [n.item() if hasattr(n, 'item') else n for n in (start, stop, step)]
        return tensor(reference('arange')(self, *numbers, dtypes.of_range(dtype, start, stop, step)))

    arange = recorded_always(arange)

    @native
    def zeros_like(self, x, dtype=None, name=None):
        return torch.zeros(x.shape, dtype=DTYPES[dtypes.name(dtype)] if dtype else x.dtype, device=x.device)

    @native
    def ones_like(self, x, dtype=None, name=None):
        return torch.ones(x.shape, dtype=DTYPES[dtypes.name(dtype)] if dtype else x.dtype, device=x.device)

    def fill(self, shape, value, dtype=None):
        dtype = DTYPES[dtypes.name(dtype or config.floatx())]
        if isinstance(value, Tensor):
            return torch.zeros(integers(shape), dtype=dtype, device=DEVICE) + value.to(dtype)
        return torch.full(integers(shape), np.asarray(value).item(), dtype=dtype, device=DEVICE)

    fill = recorded_always(fill)

    @native
    def pad(self, x, paddings, value=0.0):
        x = tensor(x)
        kind = float if x.dtype.is_floating_point else bool if x.dtype is torch.bool else int
        pads = _pads(paddings)
        if min(pads, default=0) < 0:
            raise ValueError(f'paddings: expected numbers of 0 or more, got {paddings!r}.')
        return torch.nn.functional.pad(x, pads, value=kind(value))
