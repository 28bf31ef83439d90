"""What is allowed while something from outside is read: whether its code may run, and how large its weights may be.

The rules belong to the thread that reads, and end when it has read. They can be asked from any room of the library (this module imports none of
it): a layer of functions asks `code_allowed`, whatever makes a weight or a state calls `spend`.
"""

import contextlib
import os
import threading

import numpy as np

from cthulhu.storage import budget
from cthulhu.storage.errors import UnsafeFileError


class _Rules(threading.local):
    code = None  # None: nothing is being read; False: a file of a stranger; True: a file that the caller trusts
    objects = None  # what the code of a trusted file may name
    waiting = None  # weights that wait for their values from the file, {id: (weight, function that gives its initial value)}; None: there is no file with values


_rules = _Rules()

#: Bytes that weights may take whose values nothing has: of a text, which may be a stranger's (those of all models in `applications` are smaller); of an object,
#: which is as a rule the program's own.
TEXT, OBJECT = 2**30, 2**32

#: The longest name of a layer that is read.
LONGEST_NAME = 2**16


@contextlib.contextmanager
def reading(safe_mode, room=None, custom_objects=None):
    """Context in which a description from outside is turned into objects.

    Arguments:
        safe_mode: code in the description may run only if this is False; any other value, None too, is safe.
        room: bytes that the weights it declares may take altogether, and whose values follow; if left out they have none, and may take
            what the machine has.
        custom_objects: dict of names that its code may use.
    """
    before = _rules.code, _rules.objects, _rules.waiting
    _rules.code = safe_mode is False and before[0] is not False
    _rules.objects = custom_objects
    _rules.waiting = None if room is None else {}
    try:
        with budget.closed() if _rules.code else _room(_most(TEXT) if room is None else room):
            yield
    finally:
        _rules.code, _rules.objects, _rules.waiting = before


@contextlib.contextmanager
def building(length):
    """Context in which a configuration that came as an object is turned into layers: weights may take the machine's memory, not more.

    Arguments:
        length: function without arguments that gives about how many characters the configuration takes as text; asked where nothing is being read yet.
    """
    account = budget.present()
    if _rules.code or account is not None and account.weights is not None:
        yield
        return
    with budget.opened(text=length()), _room(_most(OBJECT)):
        yield


@contextlib.contextmanager
def _room(size):
    """Context in which weights may take so many bytes."""
    with budget.opened() as account:
        before, account.weights = account.weights, size * account.times
        try:
            yield
        finally:
            account.weights = before


def code_allowed():
    """Whether byte code in a description may run: None outside of `reading`, where only functions of this program are known anyway."""
    return _rules.code


def values_follow():
    """Whether the weights that are made now get their values from the file that is read, so that initial values need not be computed."""
    return _rules.waiting is not None


def wait(weight, initial):
    """Note that a weight waits for its value; `initial`, a function without arguments, gives one if the file has none for it."""
    _rules.waiting[id(weight)] = weight, initial


def came(weights):
    """Note that weights have their values from the file."""
    if _rules.waiting:
        for weight in weights:
            _rules.waiting.pop(id(weight), None)


def without_values():
    """What the file had no values for: list of (weight, function that gives its initial value)."""
    left = list((_rules.waiting or {}).values())
    if left:
        _rules.waiting.clear()
    return left


def code_objects():
    """The names that code of a trusted file may use, beside those that every file may."""
    return dict(_rules.objects or {})


def spend(shape, dtype, what):
    """Note that an array of this shape and dtype is about to be made; `what` it is, is for the error.

    Raises:
        UnsafeFileError: if it is more than what is being read may declare.
    """
    account = budget.present()
    if account is None or account.weights is None:
        return
    try:
        size = np.dtype(dtype).itemsize
    except TypeError:  # a dtype of the framework alone
        size = 4
    for length in shape:
        size *= max(int(length), 0)
    if size > account.weights:
        raise UnsafeFileError(
            f'{what} of the shape {tuple(shape)} takes {readable(size)}, which is more than what is read can account for ({readable(account.weights)} are left). {budget.ADVICE}'
        )
    account.weights -= size


def check_name(name):
    """Refuse a name, of what is being read, that is longer than names are: frameworks repeat it for each operation of a layer."""
    if budget.present() is not None and isinstance(name, str) and len(name) > LONGEST_NAME:
        raise UnsafeFileError(
            f'A layer has a name of {len(name)} characters; up to {LONGEST_NAME} are read: {name[:40]!r}...'
        )


def _most(limit):
    """Bytes that the weights of a model may take that comes without them: so many, if the machine has them."""
    return min(memory(), limit)


def memory():
    """Bytes of memory that the machine has."""
    try:
        return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    except (AttributeError, OSError, ValueError):
        return 2**36


def readable(size):
    """A number of bytes as a text."""
    for unit in ('bytes', 'KB', 'MB', 'GB'):
        if size < 1024 or unit == 'GB':
            return f'{size:.4g} {unit}'
        size /= 1024.0
