"""What is allowed while something from outside is read: whether its code may run, and how large its weights may be.

The rules belong to the thread that reads, and end when it has read. They can be asked from any room of the library (this module imports none of
it): a layer of functions asks `code_allowed`, whatever makes a weight or a state calls `spend`.
"""

import contextlib
import os
import threading

import numpy as np

from cthulhu.storage.errors import UnsafeFileError


class _Rules(threading.local):
    code = None  # None: nothing is being read; False: a file of a stranger; True: a file that the caller trusts
    objects = None  # what the code of a trusted file may name
    budget = None  # bytes that weights may still take; None: no limit


_rules = _Rules()

#: Largest number of times that a structure is laid out step by step (the unrolled steps of a recurrent layer, say).
MOST_STEPS = 20000


@contextlib.contextmanager
def reading(safe_mode, budget=None, custom_objects=None):
    """Context in which a description from outside is turned into objects.

    Arguments:
        safe_mode: code in the description may run only if this is False; any other value, None too, is safe.
        budget: bytes that the weights it declares may take altogether; the memory of the machine if left out.
        custom_objects: dict of names that its code may use.
    """
    before = _rules.code, _rules.objects, _rules.budget
    _rules.code = safe_mode is False and before[0] is not False
    _rules.objects = custom_objects
    _rules.budget = None if _rules.code else (memory() if budget is None else budget)
    try:
        yield
    finally:
        _rules.code, _rules.objects, _rules.budget = before


@contextlib.contextmanager
def building():
    """Context in which a configuration that came as an object is turned into layers: weights may take the machine's memory, not more."""
    if _rules.budget is not None or _rules.code:
        yield
        return
    _rules.budget = memory()
    try:
        yield
    finally:
        _rules.budget = None


def code_allowed():
    """Whether byte code in a description may run: None outside of `reading`, where only functions of this program are known anyway."""
    return _rules.code


def code_objects():
    """The names that code of a trusted file may use, beside those that every file may."""
    return dict(_rules.objects or {})


def spend(shape, dtype, what):
    """Note that an array of this shape and dtype is about to be made; `what` it is, is for the error.

    Raises:
        UnsafeFileError: if it is more than what is being read may declare.
    """
    if _rules.budget is None:
        return
    try:
        size = np.dtype(dtype).itemsize
    except TypeError:  # a dtype of the framework alone
        size = 4
    for length in shape:
        size *= max(int(length), 0)
    if size > _rules.budget:
        raise UnsafeFileError(
            f'{what} of the shape {tuple(shape)} takes {readable(size)}, which is more than what is read can account for ({readable(_rules.budget)} are left). If the description is '
            'your own and right, build the model in Python, or load it with safe_mode=False.'
        )
    _rules.budget -= size


def count_steps(number, what):
    """Note that something is about to be laid out `number` times.

    Raises:
        UnsafeFileError: if what is being read asks for too many.
    """
    if _rules.budget is not None and number > MOST_STEPS:
        raise UnsafeFileError(
            f'{what}: {number} steps would be laid out one by one; what is read may ask for {MOST_STEPS}. If it is your own, load it with '
            'safe_mode=False.'
        )


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
