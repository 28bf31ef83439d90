"""What a program knows its parts by: what is computed twice in a plan is built once."""

import hashlib

import numpy as np

from cthulhu.backend.cntk.tensors import Clock, Tensor

# What is itself in a key, with its type: 1 and 1.0 and True are equal, and give different dtypes.
_PLAIN = frozenset([str, int, float, bool, type(None)])
# Arrays of so many elements are equal where their elements are, larger ones where they are the same object.
_COMPARED = 2**18


def frozen(value):
    """A key that is equal for equal arguments of an operation: Tensors, arrays, numbers, and lists, dicts and slices of them."""
    kind = type(value)
    if kind is Tensor:
        return value
    if kind in _PLAIN:
        return kind, value
    if kind is tuple:
        return tuple([frozen(one) for one in value])
    if isinstance(value, np.ndarray):
        # What is computed of constants alone, such as ones, is computed anew for a loss and for its gradient.
        content = hashlib.sha1(np.ascontiguousarray(value)).digest() if value.size <= _COMPARED else _Same(value)
        return value.dtype.str, value.shape, content
    if isinstance(value, (list, tuple)):
        return kind.__name__, tuple([frozen(one) for one in value])
    if isinstance(value, dict):
        return 'dict', tuple(sorted((key, frozen(one)) for key, one in value.items()))
    if isinstance(value, slice):
        return 'slice', frozen((value.start, value.stop, value.step))
    if isinstance(value, Clock):
        return 'clock', value.offset
    return kind, value if getattr(kind, '__hash__', None) else _Same(value)


class _Same:
    """A key that is equal to that of the same object only, which it keeps alive."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self):
        return id(self.value)
