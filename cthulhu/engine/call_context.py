"""Which calls are in progress, and the losses, updates and metrics made in them.

A loss that a layer adds while it is called belongs to that call, and to the calls of the layers and models around it. Each call in
progress has a Record; what is added goes into all of them. A model then finds what is its own by looking at its nodes.
"""

import contextlib
import re
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


# What frameworks say where a tensor is given to NumPy, or to `if`, `while`, `int` and the like.
_ASKS_FOR_VALUES = re.compile(
    r'[Ss]ymbolic|Expected sequence or array-like|does not support ufuncs|as a Python .?bool|boolean operation|has no (callable|len)|to a numpy array|(int|float)\(\) argument must be'
)


@contextlib.contextmanager
def explained(what):
    """Context manager around a function of a user's own; `what` names it in the error for one that tensors do not bear.

    Raises:
        TypeError: it asked for the values of tensors.
    """
    try:
        yield
    except (TypeError, NotImplementedError) as error:
        if hasattr(error, 'explained') or not _ASKS_FOR_VALUES.search(str(error)):
            raise
        told = TypeError(
            f'{what} asks for the values of tensors, which have none yet: it is run once, to make the computation, and not at every step. In place of '
            'functions of NumPy use those of cthulhu.backend, `K.mean` for `np.mean`; in place of `if`, K.switch(condition, a, b); in place of a loop, K.rnn or K.map_fn.'
        )
        told.explained = True
        raise told from error


@contextlib.contextmanager
def recording(what):
    """Context manager around the `call` of a layer or metric, which `what` names in errors; gives its Record."""
    stack = records()
    record = Record()
    stack.append(record)
    try:
        with explained(what):
            yield record
    finally:
        stack.remove(record)


def note(kind, *item):
    """Enter `item` under `kind` ('losses', 'updates' or 'metrics') in every call in progress; True if there is one."""
    stack = records()
    for record in stack:
        getattr(record, kind).append(item)
    return bool(stack)
