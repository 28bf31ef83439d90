"""Indices that there is nothing at. On CPUs they are an error at once; elsewhere the device is not waited for until its run is done."""

import threading

import torch

from cthulhu.backend import ranges
from cthulhu.backend.torch.framework import to_array


class _Pending(threading.local):
    """What the runs of this thread have yet to look at: list of (scalar bool tensor, indices, size, what)."""

    def __init__(self):
        self.checks, self.is_collecting = None, False


_pending = _Pending()


def in_range(indices, size, what):
    """Integers that are indices into `size` things.

    Inside of `deferred` and not on a CPU, indices that are not are clamped, and `deferred` raises the error in the end: a kernel that
    were given them would end the process' use of the device.

    Raises:
        ValueError: one is below 0 or not below `size`.
    """
    if indices.is_meta or not indices.numel():
        return indices
    if not _pending.is_collecting and (indices.device.type == 'cpu' or _pending.checks is None):
        low, high = torch.aminmax(indices.detach())
        if low.item() < 0 or high.item() >= size:
            ranges.check(to_array(indices), size, what)
        return indices
    is_bad = torch.logical_or(indices < 0, indices >= size).any()
    _pending.checks.append((is_bad, indices, size, what))
    return indices.clamp(0, size - 1)


class deferred:
    """Context of a run whose indices are looked at when it is done."""

    def __enter__(self):
        self._before, _pending.checks = _pending.checks, []

    def __exit__(self, kind, error, trace):
        found, _pending.checks = _pending.checks, self._before
        if kind is None and found and torch.stack([one[0] for one in found]).any():
            for is_bad, indices, size, what in found:
                ranges.check(to_array(indices), size, what)


class collected:
    """Context of what is recorded: it gives the list of (scalar bool tensor, indices, size, what) of its indices, which are looked at after replays."""

    def __enter__(self):
        self._before = _pending.checks, _pending.is_collecting
        _pending.checks, _pending.is_collecting = [], True
        return _pending.checks

    def __exit__(self, *error):
        _pending.checks, _pending.is_collecting = self._before
