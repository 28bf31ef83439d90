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
            text = value.__name__ if callable(value) and hasattr(value, '__name__') else short(value, 40)
            shown.append(f'{name}={text}')
    return f'{type(thing).__name__}({", ".join(shown)})'


def _rounded(value):
    """A number that came through float32 as it was written: 0.1 for 0.10000000149011612."""
    if isinstance(value, (np.ndarray, np.generic)) and value.ndim == 0:
        value = value.item()
    if type(value) is float and np.float32(value) == value:
        return float(str(np.float32(value)))
    return value


def _is_same(value, default):
    try:
        return value is default or bool(value == default)
    except (TypeError, ValueError):  # arrays
        return False


def short(value, most=100):
    """An object in one line of at most so many characters, for a message; an array by its shape.

    Example:
        >>> short(np.zeros((64, 20))), short('dense'), short('dense' * 9, most=12)
        ('an array of shape (64, 20)', "'dense'", "'densedens...")
    """
    if isinstance(value, np.ndarray) and value.size > 4:
        return f'an array of shape {value.shape}'
    text = ' '.join(repr(value).split())
    return text if len(text) <= most else text[: most - 3] + '...'


def arrow():
    """What stands between the shapes of inputs and outputs: an arrow, in characters that the output can show."""
    try:
        '\u2192'.encode(getattr(sys.stdout, 'encoding', None) or 'ascii')
    except (UnicodeError, LookupError):
        return '->'
    return '\u2192'
