"""What reading something from outside may cost: one account for each reading, on which every reader draws.

The account is opened at the door (a file, a text, a configuration) and belongs to the thread that reads. It has a little of everything for nothing, and more for
what the content explains: the bytes of the file, the length of the text. Whatever is unpacked, visited, called or laid out is drawn before it is done, so that a
small file is cheap to refuse, whatever it repeats, nests or lies about. Costs are counted and not timed: a file is read, or refused, on every machine alike.
"""

import contextlib
import os
import threading

from cthulhu.storage.errors import UnsafeFileError

# Kind -> what it is called, how much of it costs nothing, and how much more each byte of a file, and each character of a text, explains.
_KINDS = {
    'bytes': ('bytes of structures and texts', 2**24, 4, 4),
    'visits': ('structures and names to visit', 2**12, 1 / 128.0, 1 / 16.0),
    'parts': ('values in its text', 2**18, 0, 1 / 6.0),
    'calls': ('calls of layers, and steps that are laid out one by one', 2**10, 0, 1 / 16.0),
}

#: The environment variable with which reading may cost so many times more.
VARIABLE = 'CTHULHU_READING_BUDGET'

#: What to do about it, for errors.
ADVICE = f'If it is your own and right, allow more: set the environment variable {VARIABLE}=10, or read it inside `with cthulhu.saving.reading_budget(10):`.'


class Account:
    """What is left of each kind; `weights`, bytes that arrays of weights may take, is None where nothing limits them."""

    def __init__(self, times):
        self.times = times
        self.left = {kind: free * times for kind, (_, free, _, _) in _KINDS.items()}
        self.weights = None

    def explain(self, file=0, text=0):
        """Add what is explained by so many bytes of a file, or characters of a text."""
        for kind, (_, _, by_bytes, by_text) in _KINDS.items():
            self.left[kind] += self.times * (file * by_bytes + text * by_text)

    def draw(self, kind, amount, what):
        """Take from what is left.

        Raises:
            UnsafeFileError: if it is not enough.
        """
        left = self.left[kind] = self.left[kind] - amount
        if left < 0:
            raise UnsafeFileError(
                f'{what}: reading it takes more {_KINDS[kind][0]} than its size explains. It is not read. {ADVICE}'
            )


class _Present(threading.local):
    account = None
    times = None


_present = _Present()


@contextlib.contextmanager
def reading_budget(times):
    """Context in which reading files and configurations may cost `times` as much as usual, in the thread that enters it.

    Arguments:
        times: number; `float('inf')` for files that are trusted altogether.

    Raises:
        ValueError: if it is not above zero.
    """
    if not times > 0:
        raise ValueError(f'times: expected a number above zero, got {times!r}.')
    before, _present.times = _present.times, float(times)
    try:
        yield
    finally:
        _present.times = before


def times():
    """How many times the usual cost the present thread allows."""
    if _present.times is not None:
        return _present.times
    text = os.environ.get(VARIABLE, '1')
    try:
        times = float(text)
    except ValueError:
        times = 0.0
    if not times > 0:
        raise ValueError(f'The environment variable {VARIABLE} is to be a number above zero; it is {text!r}.')
    return times


@contextlib.contextmanager
def opened(file=0, text=0):
    """Context of a reading: opens an account, or, inside of another reading, adds to that one what more there is.

    Arguments:
        file: bytes of the file.
        text: characters of the text.
    """
    outer = _present.account
    account = _present.account = Account(times()) if outer is None else outer
    account.explain(file, text)
    try:
        yield account
    finally:
        _present.account = outer


@contextlib.contextmanager
def closed():
    """Context in which nothing is counted: what the caller trusts altogether."""
    before, _present.account = _present.account, None
    try:
        yield
    finally:
        _present.account = before


@contextlib.contextmanager
def restored():
    """Context after which the present reading has what it had before: what is done inside is done once more."""
    account = _present.account
    if account is None:
        yield
        return
    before = dict(account.left), account.weights
    try:
        yield
    finally:
        account.left, account.weights = before


def explain(file=0, text=0):
    """Add to the account of the present reading what so many bytes or characters explain."""
    if _present.account is not None:
        _present.account.explain(file, text)


def draw(kind, amount, what):
    """Take `amount` of 'bytes', 'visits', 'parts' or 'calls' from the present reading, if there is one; `what` costs it, is for the error."""
    if _present.account is not None:
        _present.account.draw(kind, amount, what)


def present():
    """The Account of the present reading, or None."""
    return _present.account
