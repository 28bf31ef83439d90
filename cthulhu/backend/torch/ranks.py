"""Sums over processes, by `torch.distributed`: gloo on processors, NCCL on GPUs."""

import datetime

import torch
import torch.distributed as dist

from cthulhu.backend.deferred import recorded
from cthulhu.backend.torch.cuda_graphs import refuse
from cthulhu.backend.torch.framework import DEVICE


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

    def _leave_ranks(self):
        self._processes = None

    @recorded
    def _sum_of_ranks(self, x):
        refuse('sum_over_ranks')  # it waits for other processes
        whole = x.detach().clone()
        self._processes.allreduce([whole]).wait()
        return whole


def _store(group, limit):
    """What the processes find each other by: rank 0 listens, and says where."""
    if group.rank == 0:
        store = dist.TCPStore(group.address[0], 0, None, is_master=True, timeout=limit, wait_for_workers=False)
        group.first(store.port)
        return store
    return dist.TCPStore(group.address[0], group.first(None), None, is_master=False, timeout=limit)
