"""Who called the library, and warnings that name the line where they did."""

import os
import sys
import warnings

_HOME = os.path.dirname(os.path.abspath(__file__)) + os.sep
#: Modules of Python that may stand between the library and its caller, or between two of its functions.
_BETWEEN = ('contextlib', 'functools', 'importlib', 'runpy', 'threading', 'concurrent')


def first_outside():
    """Where a warning belongs that is about how the library was called.

    Returns:
        The first frame up the stack that is not of the library, or None: a thread of the library has none.
    """
    frame = sys._getframe(1)
    while frame is not None and _is_inside(frame):
        frame = frame.f_back
    return frame


def _is_inside(frame):
    room = str(frame.f_globals.get('__name__')).split('.')[0]
    return room == 'cthulhu' or room in _BETWEEN or frame.f_code.co_filename.startswith(_HOME)


def warn(message, category=UserWarning):
    """Warn about `message`, at the line outside of the library that led to it.

    Arguments:
        message: string.
        category: class of the warning.
    """
    frame = first_outside()
    if frame is None:
        warnings.warn_explicit(message, category, 'sys', 1)
        return
    seen = frame.f_globals.setdefault('__warningregistry__', {})
    module = frame.f_globals.get('__name__') or '<string>'
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, module, seen)


def warn_once(owner, key, message):
    """Warn about `message` the first time only that `owner` has cause to."""
    warned = owner.__dict__.setdefault('_warned', set())
    if key not in warned:
        warned.add(key)
        warn(message)
