"""Gradients of a part of a batch, which several processes share, become those of the whole one."""

import contextlib
import threading

from cthulhu import backend as K

_local = threading.local()


class _Joint:
    """What is added up with the gradients, in one exchange; `sums` has it then."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.sums = None


@contextlib.contextmanager
def joining(tensors):
    """Context in which the gradients that an optimizer takes are added up over the ranks, and `tensors` with them."""
    _local.joint = joint = _Joint(tensors)
    try:
        yield joint
    finally:
        _local.joint = None


def joined(gradients):
    """The gradients: where a batch is shared, those of all ranks together."""
    joint = getattr(_local, 'joint', None)
    if joint is None:
        return gradients
    if joint.sums is not None:
        raise NotImplementedError('An optimizer that takes gradients twice in a step cannot train on several machines.')
    sums = K.sum_over_ranks(gradients + joint.tensors)
    joint.sums = sums[len(gradients) :]
    return sums[: len(gradients)]
