"""What objects say of themselves where they are printed."""

import inspect
import sys

import numpy as np


def settings_repr(thing, settings=None, always=()):
    """`Name(setting=value)`: the arguments of the constructor that are not at their defaults.

    Arguments:
        thing: an object that keeps each argument as an attribute of the same name.
        settings: dict of the values, in place of the attributes.
        always: names of those that are shown at their defaults, too.

    Example:
        >>> class Wave:
        ...     def __init__(self, length, height=1.0):
        ...         self.length, self.height = length, height
        >>> settings_repr(Wave(3)), settings_repr(Wave(3, 2.0))
        ('Wave(length=3)', 'Wave(length=3, height=2.0)')
    """
    settings = vars(thing) if settings is None else settings
    shown = []
    for name, parameter in inspect.signature(type(thing)).parameters.items():
        if name not in settings or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = _rounded(settings[name])
        if name in always or not _is_same(value, parameter.default):
            shown.append(f'{name}={_short(value)}')
    return f'{type(thing).__name__}({", ".join(shown)})'


def _rounded(value):
    """A number that came through float32 as it was written: 0.1 for 0.10000000149011612."""
    if type(value) is float and np.float32(value) == value:
        return float(str(np.float32(value)))
    return value


def _is_same(value, default):
    try:
        return value is default or bool(value == default)
    except (TypeError, ValueError):  # arrays
        return False


def _short(value):
    if callable(value) and hasattr(value, '__name__'):
        return value.__name__
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + '...'


def arrow():
    """What stands between the shapes of inputs and outputs: an arrow, in characters that the output can show."""
    try:
        '\u2192'.encode(getattr(sys.stdout, 'encoding', None) or 'ascii')
    except (UnicodeError, LookupError):
        return '->'
    return '\u2192'
