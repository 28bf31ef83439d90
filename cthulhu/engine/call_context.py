"""Which calls are in progress, and the losses, updates and metrics made in them.

A loss that a layer adds while it is called belongs to that call, and to the calls of the layers and models around it. Each call in
progress has a Record; what is added goes into all of them. A model then finds what is its own by looking at its nodes.
"""

import contextlib
import re
import threading
import traceback

from cthulhu import backend as K


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


# What frameworks, and the rules for shapes of `backend`, say where the shapes of tensors do not go together; `shape=` stands in any name of a tensor.
_SPEAKS_OF_SHAPES = re.compile(r'[Dd]imension|[Ss]hape(?!=)|[Aa]xes|[Rr]ank|broadcast')


@contextlib.contextmanager
def explained(what, **tensors):
    """Context manager around a function of a user's own, for errors that tell what is at fault in it.

    Arguments:
        what: text that names it.
        **tensors: lists of the tensors that it computes with, by what they are called; without them shapes are not told of.

    Raises:
        TypeError: it asked for the values of tensors.
        ValueError: the shapes of the tensors that it computes with do not go together.
    """
    try:
        yield
    except (TypeError, NotImplementedError, ValueError) as error:
        if hasattr(error, 'explained'):
            raise
        if isinstance(error, ValueError):
            if not tensors or not _SPEAKS_OF_SHAPES.search(str(error)) or not _is_from_below(error, tensors.values()):
                raise
            told = ValueError(_of_shapes(what, tensors))
        elif _ASKS_FOR_VALUES.search(str(error)):
            told = TypeError(
                f'{what} asks for the values of tensors, which have none yet: it is run once, to make the computation, and not at every step. In place of '
                'functions of NumPy use those of cthulhu.backend, `K.mean` for `np.mean`; in place of `if`, K.switch(condition, a, b); in place of a loop, K.rnn or K.map_fn.'
            )
        else:
            raise
        told.explained = True
        raise told from error


def _of_shapes(what, tensors):
    shapes = ', '.join(
        f'{name} {", ".join(str(K.int_shape(x)) for x in some)}' for name, some in tensors.items() if some
    )
    return (
        f'{what} computes with tensors whose shapes do not go together. Its shapes: {shapes}. In K.dot(a, b) the last axis of `a` is as long as the last but one '
        'of `b`; in `a + b` the axes, from the last one on, are equal or 1. K.int_shape(tensor) tells the shape of any tensor on the way.'
    )


def _is_from_below(error, lists):
    """Whether an error is the framework's, or was raised in `backend`, and not by the user's function itself."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    room = frame.f_globals.get('__name__', '')
    home = __package__.partition('.')[0]
    packages = {type(x).__module__.partition('.')[0] for some in lists for x in some} | {'numpy'}
    return room.startswith(f'{home}.backend.') or room.partition('.')[0] in packages - {home}


@contextlib.contextmanager
def recording(what, **tensors):
    """Context manager around the `call` of a layer or metric; gives its Record. The arguments are those of `explained`."""
    stack = records()
    record = Record()
    stack.append(record)
    try:
        with explained(what, **tensors):
            yield record
    finally:
        stack.remove(record)


def note(kind, *item):
    """Enter `item` under `kind` ('losses', 'updates' or 'metrics') in every call in progress; True if there is one."""
    stack = records()
    for record in stack:
        getattr(record, kind).append(item)
    return bool(stack)
