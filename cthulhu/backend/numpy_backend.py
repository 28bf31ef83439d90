"""Keras's path for its backend on NumPy: the functions of the reference, on arrays and at once, whichever backend is active."""

import functools

from cthulhu import backend as K
from cthulhu.backend import load_backend
from cthulhu.backend.deferred import Symbol

_REFERENCE = load_backend('numpy')


def _value(thing):
    if isinstance(thing, (list, tuple)):
        return type(thing)([_value(item) for item in thing])
    return _REFERENCE.eval(thing) if isinstance(thing, Symbol) else thing


def _at_once(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return _value(function(*args, **kwargs))

    return call


__all__ = [name for name in K.__all__ if callable(getattr(_REFERENCE, name, None))]
globals().update({name: _at_once(getattr(_REFERENCE, name)) for name in __all__})
