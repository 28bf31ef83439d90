"""Arithmetic, comparison, reduction, products."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.deferred import Symbol
from cthulhu.backend.inference import dtypes
from cthulhu.backend.jax.primitive import array, axes, floats, native, native_always, native_pair
from cthulhu.backend.jax.sparse import Sparse, of_scipy


def _of_floats(name, function):
    """A primitive of floats; integers count as `floatx()`."""

    def method(self, x):
        return function(floats(x))

    method.__name__ = name
    return native(method)


def _of_numbers(name, function):
    def method(self, x):
        return function(array(x))

    method.__name__ = name
    return native(method)


def _of_two(name, function):
    def method(self, x, y):
        return function(x, y)

    method.__name__ = name
    return native_pair(method)


def _reduction(name, function, prepared):
    def method(self, x, axis=None, keepdims=False):
        return function(prepared(x), axis=axes(axis), keepdims=keepdims)

    method.__name__ = name
    return native(method)


def _numbers(x):
    """Bool counts as 0 and 1."""
    x = array(x)
    return x.astype(config.floatx()) if x.dtype == bool else x


def _kept(function):
    """A reduction or running one that keeps the dtype, which JAX widens for small integers."""

    def method(x, **kwargs):
        return function(x, dtype=x.dtype, **kwargs)

    return method


def _whether(function):
    def method(x, **kwargs):
        return function(x != 0, **kwargs)

    return method


def _root(x):
    # Where it is 0 the derivative is infinite, and below 0 none, as on TensorFlow.
    return jnp.sqrt(_greatest(x, jnp.zeros_like(x)))


# Where functions have kinks their slopes are those of Keras: of two that are level the first one has it all, and |x| has none at 0.


@jax.custom_jvp
def _abs(x):
    return jnp.abs(x)


@_abs.defjvp
def _slope_of_abs(x, change):
    return _abs(*x), jnp.sign(*x) * change[0]


@jax.custom_jvp
def _greatest(x, y):
    return jnp.maximum(x, y)


@_greatest.defjvp
def _slope_of_greatest(pair, changes):
    return _greatest(*pair), jnp.where(pair[0] >= pair[1], *changes)


@jax.custom_jvp
def _least(x, y):
    return jnp.minimum(x, y)


@_least.defjvp
def _slope_of_least(pair, changes):
    return _least(*pair), jnp.where(pair[0] <= pair[1], *changes)


def _of_floats_alone(function, of_others):
    def method(x, *more):
        return (function if jnp.issubdtype(x.dtype, jnp.floating) else of_others)(x, *more)

    return method


class JAXMath:
    add = _of_two('add', jnp.add)
    subtract = _of_two('subtract', jnp.subtract)
    multiply = _of_two('multiply', jnp.multiply)
    floor_divide = _of_two('floor_divide', jnp.floor_divide)
    mod = _of_two('mod', jnp.mod)
    maximum = _of_two('maximum', _of_floats_alone(_greatest, jnp.maximum))
    minimum = _of_two('minimum', _of_floats_alone(_least, jnp.minimum))
    equal = _of_two('equal', jnp.equal)
    not_equal = _of_two('not_equal', jnp.not_equal)
    greater = _of_two('greater', jnp.greater)
    greater_equal = _of_two('greater_equal', jnp.greater_equal)
    less = _of_two('less', jnp.less)
    less_equal = _of_two('less_equal', jnp.less_equal)
    logical_and = _of_two('logical_and', jnp.logical_and)
    logical_or = _of_two('logical_or', jnp.logical_or)
    matmul = _of_two('matmul', jnp.matmul)

    negative = _of_numbers('negative', jnp.negative)
    abs = _of_numbers('abs', _of_floats_alone(_abs, jnp.abs))
    square = _of_numbers('square', jnp.square)
    sign = _of_numbers('sign', jnp.sign)
    round = _of_numbers('round', jnp.round)
    logical_not = _of_numbers('logical_not', jnp.logical_not)

    exp = _of_floats('exp', jnp.exp)
    log = _of_floats('log', jnp.log)
    sqrt = _of_floats('sqrt', _root)
    floor = _of_floats('floor', jnp.floor)
    sin = _of_floats('sin', jnp.sin)
    cos = _of_floats('cos', jnp.cos)
    tanh = _of_floats('tanh', jnp.tanh)
    sigmoid = _of_floats('sigmoid', jax.nn.sigmoid)
    softplus = _of_floats('softplus', jax.nn.softplus)
    erf = _of_floats('erf', jax.scipy.special.erf)

    sum = _reduction('sum', _kept(jnp.sum), _numbers)
    prod = _reduction('prod', _kept(jnp.prod), _numbers)
    max = _reduction('max', jnp.max, _numbers)
    min = _reduction('min', jnp.min, _numbers)
    mean = _reduction('mean', jnp.mean, floats)
    var = _reduction('var', jnp.var, floats)
    any = _reduction('any', _whether(jnp.any), array)
    all = _reduction('all', _whether(jnp.all), array)

    @native_pair
    def pow(self, x, a):
        return jnp.power(x, a)

    @native_pair
    def divide(self, x, y):
        return jnp.divide(floats(x), floats(y))

    @native
    def where(self, condition, x, y):
        dtype = dtypes.pair(x, y, config.floatx())
        return jnp.where(array(condition), array(x, dtype), array(y, dtype))

    @native
    def argmax(self, x, axis=-1):
        return jnp.argmax(array(x), axis=axis).astype('int64')

    @native
    def argmin(self, x, axis=-1):
        return jnp.argmin(array(x), axis=axis).astype('int64')

    @native
    def cumsum(self, x, axis=0):
        x = array(x)
        return jnp.cumsum(x, axis=axis, dtype=x.dtype)

    @native
    def cumprod(self, x, axis=0):
        x = array(x)
        return jnp.cumprod(x, axis=axis, dtype=x.dtype)

    @native
    def dot(self, x, y):
        x, y = (of_scipy(one) if scipy.sparse.issparse(one) else one for one in (x, y))
        if isinstance(x, Sparse):
            return x.times(array(y))
        if isinstance(y, Sparse):
            return y.transposed().times(array(x).T).T
        return jnp.dot(array(x), array(y))

    def cast(self, x, dtype):
        return x if isinstance(x, Symbol) and x.dtype == dtypes.name(dtype) else self._cast(x, dtype)

    @native_always
    def _cast(self, x, dtype):
        return x.astype(dtype) if isinstance(x, Sparse) else array(x, np.dtype(dtype))

    @native
    def top_k(self, x, k, sorted=True):
        values, indices = jax.lax.top_k(array(x), int(k))
        return values, indices.astype('int32')
