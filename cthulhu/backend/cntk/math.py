"""Arithmetic, comparison, reduction, products."""

import functools
import math

import numpy as np

from cthulhu.backend import config, shapes
from cthulhu.backend.cntk.framework import C, constant
from cthulhu.backend.cntk.primitive import (
    along_batch,
    axes_of,
    float_dtype,
    hosted,
    make,
    native,
    native_pair,
    on_host,
    reference,
)
from cthulhu.backend.cntk.shape import broadcast_to, reshaped, transposed
from cthulhu.backend.cntk.tensors import Tensor
from cthulhu.backend.deferred import Symbol
from cthulhu.backend.inference import dtypes


def _unary(name, function):
    """A function of floats: of integers it gives `floatx()`."""

    def method(self, x):
        return make(function, x, dtype=float_dtype(x), shape=x.shape)

    method.__name__ = name
    method.__qualname__ = name
    return native(method)


def _binary(name, function, dtype=None):
    def method(self, x, y, common):
        return _together(function, x, y, dtype or common)

    method.__name__ = name
    return native_pair(method)


def _together(function, x, y, dtype):
    """The Tensor of a function of two operands, element by element."""
    return make(function, *fitted(x, y), dtype=dtype, shape=x.shape if x.shape == y.shape else None)


def _extreme(name, function):
    """The greater or lesser of each pair, of level ones the first. The framework gives the second where they are level, and where the first is NaN."""

    def either(x, y):
        return C.element_select(C.equal(y, y), function(y, x), y)

    def method(self, x, y, dtype):
        x, y = fitted(x, y)
        if isinstance(x, Tensor) and isinstance(y, Tensor) and dtypes.is_float(dtype):
            return make(either, x, y, dtype=dtype)
        return make(function, *((x, y) if isinstance(y, Tensor) else (y, x)), dtype=dtype)

    method.__name__ = name
    return native_pair(method)


def fitted(x, y):
    """Operands that the framework can broadcast, backward too."""
    if x.shape == y.shape:
        return [x, y]
    shape = shapes.broadcast_shapes(x.shape, y.shape)
    return [
        broadcast_to(one, shape) if isinstance(one, Tensor) and _is_scattered(one.shape, shape) else one
        for one in (x, y)
    ]


def _is_scattered(shape, whole):
    """Whether a gradient would be summed over more than two groups of axes, which the framework does not do."""
    padded = (1,) * (len(whole) - len(shape)) + tuple(shape)
    spread = [n != m for n, m in zip(padded, whole) if m != 1]
    return sum(now and not before for before, now in zip([False] + spread, spread)) > 2


# Quotients of so few numbers, as those of metrics are, are worth more operations.
_FEW = 64


def _quotient(x, y):
    # The framework has products with reciprocals, and says that 1 / 0 is 0. A product with inf gives inf, or nan for 0 / 0.
    zero = constant(0, y.dtype)
    beyond = C.element_select(C.equal(y, zero), constant(np.inf, y.dtype), zero)
    return C.element_times(x, C.plus(C.reciprocal(y), beyond))


def _near_quotient(x, y):
    """A quotient where a product with the reciprocal is not the nearest number: 49 / 49 would be less than 1."""
    zero = constant(0, y.dtype)
    inverse = C.reciprocal(y)
    rough = C.element_times(x, inverse)
    # Stopped before they are used: a gradient of 0 that is stopped behind inf would be NaN.
    a, b, near = C.stop_gradient(x), C.stop_gradient(y), C.stop_gradient(rough)
    rest = C.element_times(C.minus(a, C.element_times(near, b)), C.stop_gradient(inverse))
    rest = C.element_select(C.equal(C.minus(rest, rest), zero), rest, zero)
    at_pole = C.equal(b, zero)
    pole = C.element_times(x, C.element_select(at_pole, constant(np.inf, y.dtype), zero))
    return C.element_select(at_pole, pole, C.plus(rough, rest))


def _divided(x, y):
    """The quotient of floats."""
    x, y = fitted(x, y)
    dtype = dtypes.pair(x, y, config.floatx())
    if not isinstance(y, Tensor) and _are_powers_of_two(y):
        # As many batches have for their size: the reciprocal is exact, and so is the product.
        return make(C.element_times, x, 1 / y.astype('float64'), dtype=dtype)
    few = np.prod(np.maximum(_lengths(x, y), _lengths(y, x)), dtype='int64') <= _FEW
    # What a gradient is in is a step, not a metric.
    if few and not any(isinstance(one, Tensor) and one.level for one in (x, y)):
        return make(_near_quotient, x, y, dtype=dtype)
    # Such as what optimizers divide by: a root and an epsilon.
    plain = y.least is not None and y.least > 0 if isinstance(y, Tensor) else np.all(y != 0)
    return make(C.element_divide if plain else _quotient, x, y, dtype=dtype)


def _are_powers_of_two(y):
    """Whether all of an array are, and none so small that its reciprocal is beyond float32."""
    fraction, exponent = np.frexp(y)
    return bool(np.all(np.abs(fraction) == 0.5) and np.all(np.abs(exponent) < 100))


def _least_of_sum(x, y, real):
    """What no element of a sum is below, if that is known of one summand and the other is a constant without negative numbers."""
    tensor, other = (x, y) if isinstance(x, Tensor) else (y, x)
    if isinstance(other, Tensor) or tensor.least is None:
        return None
    added = float(other.astype(real).min())
    return tensor.least + added if added >= 0 else None


def _lengths(x, y):
    return (1,) * (len(y.shape) - len(x.shape)) + tuple(x.shape)


def _floored(x, y, rough):
    """The floor of a quotient, from one that rounding may have brought to the wrong side of a whole number."""
    zero = constant(0, y.dtype)
    whole = C.floor(rough)
    rest = C.element_times(C.minus(x, C.element_times(whole, y)), _sign(y))
    return C.plus(whole, C.minus(C.greater_equal(rest, C.abs(y)), C.less(rest, zero)))


def _logarithm(x):
    # The framework's is -85 (float32) for all that is less than 1e-37.
    zero = constant(0, x.dtype)
    below = C.element_select(C.less(x, zero), constant(np.nan, x.dtype), constant(-np.inf, x.dtype))
    return C.element_select(C.less_equal(x, zero), below, C.log(x))


def _sign(x):
    zero = constant(0, x.dtype)
    return C.minus(C.greater(x, zero), C.less(x, zero))


def _rounded(x):
    """To the nearest integer, the even one of two."""
    half, two = constant(0.5, x.dtype), constant(2, x.dtype)
    near = C.floor(C.plus(x, half))
    odd = C.minus(near, C.element_times(two, C.floor(C.element_times(near, half))))
    level = C.equal(C.minus(near, x), half)
    return C.minus(near, C.element_times(odd, level))


def _power(x, y):
    """`x ** y` where the framework's 0 ** -1 would be 0."""
    zero = constant(0, x.dtype)
    pole = C.element_times(C.equal(x, zero), C.less(y, zero))
    return C.plus(C.pow(x, y), C.element_select(pole, constant(np.inf, x.dtype), zero))


def _reduced(function, x, axis, keepdims, dtype=None):
    """A reduction; groups of axes that are not neighbours one after the other."""
    axes, shape = axes_of(x, axis), x.shape
    dtype = dtype or (config.floatx() if x.dtype == 'bool' else x.dtype)
    result = x
    if axes and x.ndim:
        result = make(lambda node: _over(function, node, axes), x, dtype=dtype)
    else:
        result = make(C.alias, x, dtype=dtype)
    final = [1 if a in axes else n for a, n in enumerate(shape) if keepdims or a not in axes]
    return reshaped(result, final)


def _over(function, node, axes):
    groups = []
    for axis in axes:
        if groups and groups[-1][-1] == axis - 1:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    for group in groups:
        node = function(node, axis=group if len(group) > 1 else group[0])
    return node


def _with_nan(function):
    """The framework's greatest or least of a group, but NaN where there is one."""

    def reduce(node, axis):
        found = function(node, axis=axis)
        wrong = C.reduce_max(C.not_equal(node, node), axis=axis)
        return C.element_select(wrong, constant(np.nan, node.dtype), found)

    return reduce


def _is_true(node):
    return C.not_equal(node, constant(0, node.dtype))


def _cumsum_gradient(upstream, result, x, axis=0):
    return [np.flip(np.cumsum(np.flip(upstream, axis), axis), axis)]


def _cumprod_gradient(upstream, result, x, axis=0):
    # d(prod of the first j) / d(x_i) for i <= j is the product of the others: right where an element is 0, too.
    x, g = np.moveaxis(x, axis, -1), np.moveaxis(upstream, axis, -1)
    found = np.zeros(x.shape, 'float64')
    for i in range(x.shape[-1]):
        others = x.astype('float64')
        others[..., i] = 1
        found[..., i] = np.sum((np.cumprod(others, -1) * g)[..., i:], -1)
    return [np.moveaxis(found, -1, axis)]


def _prod_gradient(upstream, result, x, axis=None, keepdims=False):
    axes = axes_of(x, axis)
    rest = [a for a in range(x.ndim) if a not in axes]
    flat = np.transpose(x, rest + axes).reshape([x.shape[a] for a in rest] + [-1]).astype('float64')
    ones = np.ones(flat.shape[:-1] + (1,))
    before = np.concatenate([ones, np.cumprod(flat[..., :-1], -1)], -1)
    after = np.concatenate([np.cumprod(flat[..., :0:-1], -1)[..., ::-1], ones], -1)
    found = before * after * np.reshape(upstream, flat.shape[:-1] + (1,))
    found = found.reshape([x.shape[a] for a in rest + axes])
    return [np.transpose(found, np.argsort(rest + axes))]


def _erf_gradient(upstream, result, x):
    return [upstream * (2 / math.sqrt(math.pi)) * np.exp(-np.square(x))]


class CNTKMath:
    # What the operators of Symbols call.

    @native_pair
    def add(self, x, y, dtype):
        result = _together(C.plus, x, y, dtype)
        result.least = _least_of_sum(x, y, result.program.real)
        return result

    subtract = _binary('subtract', C.minus)
    multiply = _binary('multiply', C.element_times)

    @native_pair
    def divide(self, x, y, dtype):
        return _as(_divided(x, y), dtype if dtypes.is_float(dtype) else config.floatx())

    @native_pair
    def floor_divide(self, x, y, dtype):
        return make(_floored, *fitted(x, y), _divided(x, y), dtype=dtype, passes=False)

    @native_pair
    def mod(self, x, y, dtype):
        whole = make(_floored, *fitted(x, y), _divided(x, y), dtype=dtype, passes=False)
        return make(
            lambda a, b, c: C.minus(a, C.element_times(b, C.stop_gradient(c))), *fitted(x, y), whole, dtype=dtype
        )

    @native
    def negative(self, x):
        return make(C.negate, x)

    # The contract.

    @native
    def abs(self, x):
        return make(C.abs, x)

    @native
    def sqrt(self, x):
        result = make(C.sqrt, x, dtype=float_dtype(x))
        result.least = 0.0
        return result

    @native
    def square(self, x):
        return make(lambda node: C.element_times(node, node), x)

    @native
    def sign(self, x):
        return make(_sign, x, passes=False)

    @native
    def round(self, x):
        return make(_rounded, x, passes=False)

    exp = _unary('exp', C.exp)
    log = _unary('log', _logarithm)
    floor = _unary('floor', C.floor)
    sin = _unary('sin', C.sin)
    cos = _unary('cos', C.cos)
    tanh = _unary('tanh', C.tanh)
    sigmoid = _unary('sigmoid', C.sigmoid)
    softplus = _unary('softplus', C.softplus)
    erf = hosted('erf', _erf_gradient)

    @native_pair
    def pow(self, x, a, dtype):
        return make(C.pow if not isinstance(a, Tensor) and np.all(a >= 0) else _power, *fitted(x, a), dtype=dtype)

    maximum = _extreme('maximum', C.element_max)
    minimum = _extreme('minimum', C.element_min)
    equal = _binary('equal', C.equal, 'bool')
    not_equal = _binary('not_equal', C.not_equal, 'bool')
    greater = _binary('greater', C.greater, 'bool')
    greater_equal = _binary('greater_equal', C.greater_equal, 'bool')
    less = _binary('less', C.less, 'bool')
    less_equal = _binary('less_equal', C.less_equal, 'bool')

    @native_pair
    def logical_and(self, x, y, dtype):
        return make(lambda a, b: C.element_times(_is_true(a), _is_true(b)), *fitted(x, y), dtype='bool')

    @native_pair
    def logical_or(self, x, y, dtype):
        return make(lambda a, b: C.element_max(_is_true(a), _is_true(b)), *fitted(x, y), dtype='bool')

    @native
    def logical_not(self, x):
        return make(lambda node: C.equal(node, constant(0, node.dtype)), x, dtype='bool')

    @native
    def where(self, condition, x, y):
        dtype = dtypes.pair(x, y, config.floatx())
        each = [one if isinstance(one, Tensor) else np.asarray(one) for one in (condition, x, y)]
        shape = functools.reduce(shapes.broadcast_shapes, [one.shape for one in each])
        each = [broadcast_to(one, shape) if isinstance(one, Tensor) and one.shape != shape else one for one in each]
        return make(C.element_select, *each, dtype=dtype)

    @native
    def sum(self, x, axis=None, keepdims=False):
        return _reduced(C.reduce_sum, x, axis, keepdims)

    prod = hosted('prod', _prod_gradient)

    @native
    def max(self, x, axis=None, keepdims=False):
        return _reduced(_with_nan(C.reduce_max), x, axis, keepdims)

    @native
    def min(self, x, axis=None, keepdims=False):
        return _reduced(_with_nan(C.reduce_min), x, axis, keepdims)

    @native
    def mean(self, x, axis=None, keepdims=False):
        return _reduced(C.reduce_mean, x, axis, keepdims, float_dtype(x))

    @native
    def var(self, x, axis=None, keepdims=False):
        center = _reduced(C.reduce_mean, x, axis, True, float_dtype(x))
        off = make(lambda a, b: C.square(C.minus(a, b)), *fitted(x, center), dtype=float_dtype(x))
        return _reduced(C.reduce_mean, off, axis, keepdims, float_dtype(x))

    @native
    def any(self, x, axis=None, keepdims=False):
        return _reduced(C.reduce_max, make(_is_true, x, dtype='bool'), axis, keepdims, 'bool')

    @native
    def all(self, x, axis=None, keepdims=False):
        return _reduced(C.reduce_min, make(_is_true, x, dtype='bool'), axis, keepdims, 'bool')

    @native
    def argmax(self, x, axis=-1):
        return _reduced(C.argmax, x, axis, False, 'int64')

    @native
    def argmin(self, x, axis=-1):
        return _reduced(C.argmin, x, axis, False, 'int64')

    cumsum = hosted('cumsum', _cumsum_gradient)
    cumprod = hosted('cumprod', _cumprod_gradient)

    @native
    def dot(self, x, y):
        dtype = dtypes.pair(x, y, config.floatx())
        x, y = [one if isinstance(one, Tensor) else np.asarray(one, dtype) for one in (x, y)]
        if not x.ndim or not y.ndim:
            return make(C.element_times, x, y, dtype=dtype)
        rest, given = y.shape[:-2] + y.shape[-1:] if y.ndim > 1 else (), y.shape
        if y.ndim > 2:
            y = transposed(y, [y.ndim - 2] + [a for a in range(y.ndim) if a != y.ndim - 2])
        length = x.shape[-1]
        if y.shape[0] != length:
            raise ValueError(f'dot: shapes {x.shape} and {given} do not fit: {length} against {y.shape[0]}.')
        flat = reshaped(x, (x.size // length, length)), reshaped(y, (length, y.size // length))
        return reshaped(make(C.times, *flat, dtype=dtype), x.shape[:-1] + rest)

    @native_pair
    def matmul(self, x, y, dtype):
        if x.ndim < 2 or y.ndim < 2 or y.ndim == 2:
            return type(self).dot.compute(self, x, y)
        batch = tuple(shapes.broadcast_shapes(x.shape[:-2], y.shape[:-2]))
        flat = []
        for one in (x, y):
            one = broadcast_to(one, batch + tuple(one.shape[-2:]))
            flat.append(reshaped(one, (int(np.prod(batch)),) + tuple(one.shape[-2:])))
        product = along_batch(lambda a, b: C.times(a, C.to_batch(b)), *flat)
        return reshaped(product, batch + (x.shape[-2], y.shape[-1]))

    def cast(self, x, dtype):
        return x if isinstance(x, Symbol) and x.dtype == dtypes.name(dtype) else self._cast(x, dtype)

    @native
    def _cast(self, x, dtype):
        return _as(x, dtypes.name(dtype))

    @native
    def top_k(self, x, k, sorted=True):
        both = reference('top_k')

        def values(backend, x):
            return both(backend, x, k)[0]

        def indices(backend, x):
            return both(backend, x, k)[1]

        def differentiate(upstream, result, x):
            found = np.zeros(x.shape)
            np.put_along_axis(found, indices(None, x).astype('int64'), upstream, -1)
            return [found]

        return on_host(self, 'top_k', values, (x,), {}, differentiate), on_host(self, 'top_k', indices, (x,), {})


def _as(x, dtype):
    """`x` with another dtype."""
    if x.dtype == dtype:
        return x
    if dtype == 'bool':
        return make(_is_true, x, dtype=dtype)
    if not dtypes.is_float(dtype) and dtypes.is_float(x.dtype):
        return make(lambda node: C.element_times(_sign(node), C.floor(C.abs(node))), x, dtype=dtype)
    return make(C.alias, x, dtype=dtype)
