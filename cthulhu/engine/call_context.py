"""Which calls are in progress, and the losses, updates and metrics made in them.

A loss that a layer adds while it is called belongs to that call, and to the calls of the layers and models around it. Each call in
progress has a Record; what is added goes into all of them. A model then finds what is its own by looking at its nodes.
"""

import contextlib
import threading


class Record:
    """What one call made: lists of (layer, loss), (layer, update), and (layer, metric, result tensor)."""

    __slots__ = ('losses', 'updates', 'metrics')

    def __init__(self):
        self.losses = []
        self.updates = []
        self.metrics = []


class NoUpdate(float):
    """A number that was added as an update: it changes nothing, and is not another one that is equal."""


_local = threading.local()


def records():
    """The records of the calls in progress in this thread, outermost first."""
    if not hasattr(_local, 'records'):
        _local.records = []
    return _local.records


@contextlib.contextmanager
def recording():
    """Context manager around the `call` of a layer; gives its Record."""
    stack = records()
    record = Record()
    stack.append(record)
    try:
        yield record
    finally:
        stack.remove(record)


def note(kind, *item):
    """Enter `item` under `kind` ('losses', 'updates' or 'metrics') in every call in progress; True if there is one."""
    stack = records()
    for record in stack:
        getattr(record, kind).append(item)
    return bool(stack)
