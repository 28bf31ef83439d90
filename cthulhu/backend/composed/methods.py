"""Methods of a backend made of a framework's functions, with operands as tensors of the kind that the function takes.

`kind` is None, 'floats' (integers and bool become `floatx()`), 'numbers' (bool does) or 'bools'.
"""

import functools


def _of_kind(backend, x, kind):
    return x if kind is None else getattr(backend, '_' + kind)(x)


def unary(operation, kind=None):
    """A method (x), by a function of a tensor."""

    def method(self, x):
        return operation(_of_kind(self, self._tensor(x), kind))

    return method


def binary(operation):
    """A method (x, y), by a function of two tensors of one dtype."""

    def method(self, x, y):
        return operation(*self._pair(x, y))

    return method


def logical(operation):
    """A method (x, y), by a function of two tensors of bool."""

    def method(self, x, y):
        return operation(self._bools(self._tensor(x)), self._bools(self._tensor(y)))

    return method


def along(operation, axis, kind=None):
    """A method (x, axis), by a function of a tensor and an axis; `axis` is the default."""

    def method(self, x, axis=axis):
        return operation(_of_kind(self, self._tensor(x), kind), axis)

    return method


def reduction(operation, kind=None):
    """A method (x, axis, keepdims), by a function with the keyword arguments `axis` and `keepdims`."""

    def method(self, x, axis=None, keepdims=False):
        axis = tuple(axis) if isinstance(axis, list) else axis
        return operation(_of_kind(self, self._tensor(x), kind), axis=axis, keepdims=keepdims)

    return method


def held(reduction):
    """A reduction method, of floats, of which sums and counts are taken in float32 where the type has 16 bits: those do not hold them."""

    @functools.wraps(reduction)
    def method(self, x, axis=None, keepdims=False):
        dtype = self.dtype(x) if self.is_tensor(x) else None
        if dtype in ('float16', 'bfloat16'):
            return self.cast(reduction(self, self.cast(x, 'float32'), axis, keepdims), dtype)
        return reduction(self, x, axis, keepdims)

    return method
