"""Arithmetic, comparison, reduction, products."""

import numpy as np
import torch

from cthulhu.backend import config
from cthulhu.backend.deferred import Symbol, recorded
from cthulhu.backend.inference import dtypes, rules
from cthulhu.backend.torch.framework import DTYPES, Tensor, floats, numbers, tensor
from cthulhu.backend.torch.primitive import binary, met, native, recorded_always, reference, unary


def _numbered(function, swapped=None):
    """A function of two operands that torch has for a tensor and a number in this order only; `swapped` is for the other one."""

    def apply(x, y):
        return function(x, y) if isinstance(x, Tensor) else swapped(y, x)

    return apply


def _both(function):
    """A function that torch has for two tensors only."""

    def apply(x, y):
        if not isinstance(x, Tensor):
            x = torch.full((), x, dtype=y.dtype, device=y.device)
        if not isinstance(y, Tensor):
            y = torch.full((), y, dtype=x.dtype, device=x.device)
        return function(x, y)

    return apply


def _maximum(x, y):
    # `clamp` gives the whole gradient to the tensor where it is level with the number, as the other frameworks do.
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        # Level ones share it there; here the first one has it, as on the others.
        return torch.where((x >= y) | (x != x), x, y)
    x, y = (x, y) if isinstance(x, Tensor) else (y, x)
    return torch.logical_or(x, torch.full_like(x, y)) if x.dtype is torch.bool else torch.clamp(x, min=y)


def _minimum(x, y):
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        return torch.where((x <= y) | (x != x), x, y)
    x, y = (x, y) if isinstance(x, Tensor) else (y, x)
    return torch.logical_and(x, torch.full_like(x, y)) if x.dtype is torch.bool else torch.clamp(x, max=y)


def _divide(x, y):
    x, y = (
        one if not isinstance(one, Tensor) or one.dtype.is_floating_point else one.to(DTYPES[config.floatx()])
        for one in (x, y)
    )
    return torch.true_divide(x, y) if isinstance(x, Tensor) else torch.true_divide(*_full(x, y))


def _full(x, y):
    return torch.full((), x, dtype=y.dtype, device=y.device), y


def _softplus(x):
    # Beyond the threshold x itself is the nearest number.
    return torch.nn.functional.softplus(x, threshold=40.0 if x.dtype is torch.float64 else 20.0)


def _truths(x):
    x = tensor(x)
    return x if x.dtype is torch.bool else x != 0


def sign(x):
    """The sign of a tensor."""
    # torch says that NaN has the sign 0.
    return torch.where(x == x, torch.sign(x), x) if x.dtype.is_floating_point else torch.sign(x)


def axes_of(x, axis):
    """The axes of a reduction: tuple of int, none of them negative or twice."""
    rank, found = x.dim(), []
    for one in axis if isinstance(axis, (list, tuple)) else [axis]:
        one = int(one)
        if not -rank <= one < rank:
            raise ValueError(f'axis: a tensor of shape {tuple(x.shape)} has no axis {one}.')
        found.append(one % rank)
    return tuple(sorted(set(found)))


def _reduction(name, function, prepare):
    """The primitive (x, axis, keepdims) of a function (tensor, axes, keepdims); without axes every element is by itself."""

    def method(self, x, axis=None, keepdims=False):
        x = prepare(x)
        axes = tuple(range(x.dim())) if axis is None else axes_of(x, axis)
        return function(x, axes, bool(keepdims)) if axes else function(x.unsqueeze(0), (0,), False)

    method.__name__ = method.__qualname__ = name
    return native(method)


def _prod(x, axes, keepdims):
    for one in reversed(axes):
        x = torch.prod(x, dim=one, keepdim=keepdims, dtype=x.dtype)
    return x


def _variance(x, axes, keepdims):
    return torch.var(x, dim=axes, correction=0, keepdim=keepdims)


def _extreme_index(name, function):
    def method(self, x, axis=-1):
        x = tensor(x)
        return function(x.to(torch.uint8) if x.dtype is torch.bool else x, dim=int(axis))

    method.__name__ = method.__qualname__ = name
    return native(method)


def multiplied(function, x, y):
    """A product of matrices; CUDA has none of integers."""
    if x.dtype.is_floating_point or x.device.type == 'cpu' and x.dtype is not torch.bool:
        return function(x, y)
    return function(x.to(torch.float64), y.to(torch.float64)).to(x.dtype)


def _dot(x, y):
    if x.dim() == 0 or y.dim() == 0:
        return x * y
    if y.dim() <= 2:
        return torch.matmul(x, y)
    return torch.tensordot(x, y, dims=([x.dim() - 1], [y.dim() - 2]))


class TorchMath:
    # What the operators of Symbols call.

    add = binary('add', _numbered(torch.add, torch.add), np.add)
    subtract = binary('subtract', _numbered(torch.sub, torch.rsub), np.subtract)
    multiply = binary('multiply', _numbered(torch.mul, torch.mul), np.multiply)
    divide = binary('divide', _divide)
    floor_divide = binary('floor_divide', _both(lambda x, y: torch.floor_divide(x.detach(), y.detach())))
    mod = binary('mod', _both(torch.remainder))
    negative = unary('negative', torch.neg)

    # The contract.

    abs = unary('abs', torch.abs)
    exp = unary('exp', torch.exp, floats)
    log = unary('log', torch.log, floats)
    sqrt = unary('sqrt', lambda x: torch.sqrt(torch.clamp(x, min=0)), floats)
    square = unary('square', torch.square)
    sign = unary('sign', sign)
    round = unary('round', torch.round)
    floor = unary('floor', torch.floor, floats)
    sin = unary('sin', torch.sin, floats)
    cos = unary('cos', torch.cos, floats)
    tanh = unary('tanh', torch.tanh, floats)
    sigmoid = unary('sigmoid', torch.sigmoid, floats)
    softplus = unary('softplus', _softplus, floats)
    erf = unary('erf', torch.erf, floats)

    pow = binary('pow', torch.pow)
    maximum = binary('maximum', _maximum, np.maximum)
    minimum = binary('minimum', _minimum, np.minimum)

    equal = binary('equal', _numbered(torch.eq, torch.eq))
    not_equal = binary('not_equal', _numbered(torch.ne, torch.ne))
    greater = binary('greater', _numbered(torch.gt, torch.lt))
    greater_equal = binary('greater_equal', _numbered(torch.ge, torch.le))
    less = binary('less', _numbered(torch.lt, torch.gt))
    less_equal = binary('less_equal', _numbered(torch.le, torch.ge))
    logical_and = binary('logical_and', _both(torch.logical_and))
    logical_or = binary('logical_or', _both(torch.logical_or))
    logical_not = unary('logical_not', torch.logical_not)

    @native
    def where(self, condition, x, y):
        condition = tensor(condition)
        condition = condition if condition.dtype is torch.bool else condition != 0
        if isinstance(x, Tensor) or isinstance(y, Tensor):
            x, y = met(x, y)
        else:
            dtype = dtypes.pair(x, y, config.floatx())
            x, y = tensor(x, dtype), tensor(y, dtype)
        return torch.where(condition, x, y)

    sum = _reduction('sum', lambda x, axes, keep: torch.sum(x, dim=axes, keepdim=keep, dtype=x.dtype), numbers)
    prod = _reduction('prod', _prod, numbers)
    max = _reduction('max', torch.amax, numbers)
    min = _reduction('min', torch.amin, numbers)
    mean = _reduction('mean', torch.mean, floats)
    var = _reduction('var', _variance, floats)
    any = _reduction('any', lambda x, axes, keep: torch.any(x, dim=axes, keepdim=keep), _truths)
    all = _reduction('all', lambda x, axes, keep: torch.all(x, dim=axes, keepdim=keep), _truths)

    argmax = _extreme_index('argmax', torch.argmax)
    argmin = _extreme_index('argmin', torch.argmin)

    @native
    def cumsum(self, x, axis=0):
        return torch.cumsum(x, dim=int(axis), dtype=x.dtype)

    @native
    def cumprod(self, x, axis=0):
        return torch.cumprod(x, dim=int(axis), dtype=x.dtype)

    @native
    def dot(self, x, y):
        x, y = tensor(x), tensor(y)
        if x.dtype is not y.dtype:
            x, y = met(x, y)
        if x.is_sparse:
            return torch.sparse.mm(x, y)
        if y.is_sparse:
            # (x y) = (y' x')'
            return torch.sparse.mm(y.t(), x.t()).t()
        return multiplied(_dot, x, y)

    matmul = binary('matmul', lambda x, y: multiplied(torch.matmul, x, y))

    def cast(self, x, dtype):
        return x if isinstance(x, Symbol) and x.dtype == dtypes.name(dtype) else self._cast(x, dtype)

    def _cast(self, x, dtype):
        if not isinstance(x, Tensor):
            return reference('_cast')(self, x, dtype)
        dtype = DTYPES[dtypes.name(dtype)]
        return x != 0 if dtype is torch.bool and x.dtype is not torch.bool else x.to(dtype)

    _cast = recorded_always(_cast)

    @native
    def top_k(self, x, k, sorted=True):
        # Of a stable sort, as `topk` does not say which of equals comes first.
        values, indices = torch.sort(x, dim=-1, descending=True, stable=True)
        return values[..., : int(k)], indices[..., : int(k)].to(torch.int32)

    # What the framework has a kernel for.

    def relu(self, x, alpha=0.0, max_value=None, threshold=0.0):
        if threshold == 0 and max_value is None and isinstance(alpha, (int, float)) and dtypes.is_float(self.dtype(x)):
            return self._rectified(x, float(alpha))
        return super().relu(x, alpha, max_value, threshold)

    @recorded
    def _rectified(self, x, alpha):
        x = tensor(x)
        return torch.nn.functional.leaky_relu(x, alpha) if alpha else torch.relu(x)


@rules.rule('_rectified')
def _same_shape(x, alpha):
    return rules.shape_of(x)
