"""Sums over processes, by `torch.distributed`: gloo on processors, NCCL on GPUs."""

import datetime
import os

import torch
import torch.distributed as dist

from cthulhu.backend.deferred import recorded
from cthulhu.backend.torch.cuda_graphs import refuse
from cthulhu.backend.torch.framework import DEVICE, tensor


class TorchRanks:
    def _join_ranks(self, group):
        """Make a group of our own, whatever default one the program or its launcher has."""
        limit = datetime.timedelta(seconds=group.timeout + 5)
        store = dist.PrefixStore('cthulhu', _store(group, limit))
        if DEVICE.type == 'cuda':
            torch.cuda.set_device(DEVICE)
            options = dist.ProcessGroupNCCL.Options()
            options._timeout = limit
            self._processes = dist.ProcessGroupNCCL(store, group.rank, group.count, options)
        else:
            options = dist.ProcessGroupGloo._Options()
            options._timeout = limit
            options._devices = [dist.ProcessGroupGloo.create_device(hostname=group.host)]
            self._processes = dist.ProcessGroupGloo(store, group.rank, group.count, options)

    def store_of_launcher(self, host, port):
        """The store of a launcher that listens at an address itself, as those of torchrun and Ray do: an object with `set(text)` and `get()`; else None."""
        if os.environ.get('TORCHELASTIC_USE_AGENT_STORE') == 'True' or dist.is_available() and dist.is_initialized():
            return _Noted(dist.TCPStore(host, port, is_master=False, timeout=datetime.timedelta(seconds=60)))
        return None

    def _leave_ranks(self):
        self._processes = None

    @recorded
    def _sums_of_ranks(self, tensors):
        refuse('sum_over_ranks')  # it waits for other processes
        tensors = list(map(tensor, tensors))
        whole = torch.cat([x.reshape(-1) for x in tensors])
        if whole.requires_grad:
            whole = _Sum.apply(whole, self._processes)
        else:
            self._processes.allreduce([whole]).wait()
        return [part.view(x.shape) for part, x in zip(whole.split([x.numel() for x in tensors]), tensors)]


class _Sum(torch.autograd.Function):
    """What is added up on the way forward is on the way back too: each rank's loss depends on the values of all."""

    @staticmethod
    def forward(ctx, x, processes):
        ctx.processes = processes
        return _summed(x, processes)

    @staticmethod
    def backward(ctx, slope):
        return _Sum.apply(slope, ctx.processes), None


def _summed(x, processes):
    whole = x.detach().clone(memory_format=torch.contiguous_format)
    processes.allreduce([whole]).wait()
    return whole


def _store(group, limit):
    """What the processes find each other by: rank 0 listens, and says where."""
    if group.rank == 0:
        store = dist.TCPStore(group.address[0], 0, None, is_master=True, timeout=limit, wait_for_workers=False)
        group.first(store.port)
        return store
    return dist.TCPStore(group.address[0], group.first(None), None, is_master=False, timeout=limit)


class _Noted:
    """A text in a store of PyTorch. Each start of the processes by a launcher has one of its own."""

    def __init__(self, store):
        self._store, self._key = store, 'cthulhu of start ' + os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')

    def set(self, text):
        self._store.set(self._key, text)

    def get(self):
        return self._store.get(self._key).decode()
