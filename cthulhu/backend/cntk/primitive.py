"""What every group of this backend's primitives uses.

A primitive is recorded on Symbols, as `deferred` has it. When a program is built, it is called with the values: Tensors, of which it
builds a node, and arrays, which are known already and which the reference computes with at once.
"""

import functools

import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.cntk.framework import STACK, C
from cthulhu.backend.cntk.tensors import Late, Tensor, find, replaced
from cthulhu.backend.deferred import recorded, recorded_always, recorded_pair
from cthulhu.backend.inference import dtypes
from cthulhu.backend.numpy import NumPyBackend


def reference(name):
    """The reference's function of values of that name: function (backend, ...) -> array."""
    return getattr(NumPyBackend, name).compute


def native(method, record=recorded, on_arrays=None):
    """A method that builds nodes of Tensors; arrays alone are left to the reference."""
    name = method.__name__
    on_arrays = on_arrays or reference(name)

    @functools.wraps(method)
    def compute(self, *args, **kwargs):
        found = find((args, kwargs))
        if not found:
            return on_arrays(self, *args, **kwargs)
        return found[0].program.once((name, args, kwargs), lambda: built(self, found, args, kwargs))

    def built(self, found, args, kwargs):
        _refuse_late(name, found)
        if _some_odd((args, kwargs)):
            args, kwargs = replaced((args, kwargs), dense, scipy.sparse.spmatrix)
            if _some_odd((args, kwargs)):
                # The framework has no tensors without elements. What is made of one is mostly empty too.
                result = on_arrays(self, *replaced(args, zeros), **replaced(kwargs, zeros))
                if isinstance(result, np.ndarray) and not result.size:
                    return result
        result = ahead(on_arrays, self, args, kwargs, found) if name in _BY_ELEMENT else None
        if result is not None:
            return result
        try:
            return early(on_arrays, self, args, kwargs, found, method(self, *args, **kwargs))
        except (RuntimeError, ValueError) as error:
            if STACK not in str(error):
                raise
            lengths = ', '.join(str(x.shape) for x in found if isinstance(x, Tensor))
            raise ValueError(f'{name} of tensors of shapes {lengths}: {str(error).split(STACK)[0]}') from None

    return record(compute)


# What the framework is to be spared has at most so many elements, numbers and indices.
_FEW_NUMBERS, _FEW_INDICES = 64, 2**14
# Of so many numbers at most simple operations are computed in NumPy where that can be.
_FEW = 2**12
# So many operations on one another's results at most: they call one another.
_DEEP = 50
# What has the shape of its arguments, whatever their values.
_BY_ELEMENT = frozenset(
    'abs add divide equal exp greater greater_equal less less_equal log maximum minimum multiply negative not_equal pow sqrt square '
    'subtract where _cast'.split()
)


def ahead(function, backend, args, kwargs, found):
    """A leaf, computed in NumPy before the framework runs or between its passes, of what an operation makes of little that is known then; else None.

    Such as rates of learning, weights of samples, and new values of small weights: each would be a node, which takes ten times as long to build and
    compile as to compute.
    """
    if any(not isinstance(x, Tensor) or x.size > _FEW for x in found):
        return None
    level = max(x.level for x in found)
    if any(x.early is None and (not level or x.held is None) for x in found):
        return None
    compute = _computing(function, backend, args, kwargs, found)
    program = found[0].program
    if compute is None:
        return None
    try:
        sample = np.asarray(compute(program.sample))
    except ValueError:
        return None  # the framework's way tells which operation it was
    if sample.size > _FEW:
        return None
    return program.leaf(sample.shape, dtypes.name(sample.dtype), compute, level, early=compute)


def early(function, backend, args, kwargs, found, result):
    """The `result`, a Tensor, with a way to compute it in NumPy before the framework runs, if a function of the arguments' arrays can.

    It is what an operation that the framework lacks is given: to be called by the framework in the middle of a run takes far longer.
    """
    if (
        not isinstance(result, Tensor)
        or result.source is not None
        # Where nothing had to be done, it is one of the arguments.
        or result.early is not None
        or any(not isinstance(x, Tensor) or x.early is None for x in found)
    ):
        return result
    if result.size > (_FEW_NUMBERS if dtypes.is_float(result.dtype) else _FEW_INDICES):
        return result
    result.early = _computing(function, backend, args, kwargs, found)
    return result


def _computing(function, backend, args, kwargs, found):
    """The function (Run) -> array of an operation on what is computed early; None where it would be made of too many others."""
    depth = 1 + max(getattr(x.early, 'depth', 0) for x in found)
    if depth > _DEEP:
        return None
    program = found[0].program
    # It takes longer to look into lists for Tensors than to compute with one.
    nested = any(not isinstance(x, Tensor) and find(x) for x in args)

    operands = [(x, isinstance(x, Tensor)) for x in args]

    def plain(run):
        known = run.early
        values = [(known[x] if x in known else program.early(x, run)) if varies else x for x, varies in operands]
        return function(backend, *values, **kwargs)

    def looked_through(run):
        def given(x):
            return program.early(x, run)

        return function(backend, *replaced(args, given), **replaced(kwargs, given))

    compute = looked_through if nested or find(kwargs) else plain
    compute.depth = depth
    return compute


def native_pair(method):
    """`native` for two tensors; both reach the method in the dtype that they meet in, which is its third argument."""
    name = method.__name__

    def compute(self, x, y):
        dtype = dtypes.pair(x, y, config.floatx())
        return method(self, *[one if isinstance(one, Tensor) else np.asarray(one, dtype) for one in (x, y)], dtype)

    return native(functools.wraps(reference(name))(compute), recorded_pair)


def native_always(method):
    """`native` for what makes tensors, of plain numbers too."""
    return native(method, recorded_always)


def hosted(name, gradient=None, differentiated=1, record=recorded):
    """A primitive that the framework lacks, computed in NumPy by the reference.

    Arguments:
        gradient: function (gradient of the result, result, *arguments) -> list of the gradients by the first of the arguments.
        differentiated: how many of the arguments are differentiated by.
    """
    on_arrays = reference(name)

    @functools.wraps(on_arrays)
    def method(self, *args, **kwargs):
        return on_host(self, name, on_arrays, args, kwargs, gradient)

    method.__name__ = name
    return native(method, record)


def on_host(backend, name, function, args, kwargs, gradient=None, run=None, like=None):
    """The Tensor of a function (backend, *args, **kwargs) of arrays.

    Arguments:
        gradient: function (gradient, result, *args, **kwargs) -> gradients by the args, None for those that have none.
        run: what is called in a run, where that does more than `function`.
        like: an array of the result's shape and dtype; by default what the function makes of zeros.
    """
    inputs = list(dict.fromkeys(x for x in find((args, kwargs)) if isinstance(x, Tensor)))
    if like is None:
        like = function(backend, *replaced(args, zeros), **replaced(kwargs, zeros))
    # The functions must not hold Tensors: see `Hosted`.
    numbers = {id(x): _Place(number) for number, x in enumerate(inputs)}
    arguments = replaced((args, kwargs), lambda x: numbers[id(x)])

    def given(arrays):
        return replaced(arguments, lambda place: arrays[place.number], _Place)

    def compute(*arrays):
        positional, keywords = given(arrays)
        result = (run or function)(backend, *positional, **keywords)
        if result.shape != shape:
            raise ValueError(
                f'{name}: CNTK needs to know the shape of every result before the run, and this one depends on the values: '
                f'{result.shape}.'
            )
        return result

    def differentiate(upstream, result, *arrays):
        positional, keywords = given(arrays)
        found = gradient(upstream, result, *positional, **keywords)
        total = [None] * len(arrays)
        for argument, one in zip(arguments[0], found):
            if isinstance(argument, _Place) and one is not None:
                before = total[argument.number]
                total[argument.number] = one if before is None else before + one
        return [np.zeros(x.shape) if one is None else one for x, one in zip(arrays, total)]

    shape, dtype = like.shape, dtypes.name(like.dtype)
    return inputs[0].program.host(name, compute, inputs, shape, dtype, gradient and differentiate)


class _Place:
    """Where an array goes in the arguments of an operation in NumPy."""

    def __init__(self, number):
        self.number = number


def _refuse_late(name, values):
    for x in values:
        if isinstance(x, Late):
            raise NotImplementedError(
                f'{name}: the cntk backend can only give what {x.name} makes to the user, as its shape depends on values that CNTK '
                "computes. Go on with the arrays in NumPy, or with `load_backend('numpy')`."
            )


def dense(matrix):
    """A SciPy matrix as an array: the framework's sparse tensors go into products only."""
    return matrix.toarray()


def zeros(x):
    return np.zeros(x.shape, x.dtype)


def _some_odd(value):
    """Whether there is an array without elements, or a sparse matrix."""
    if isinstance(value, np.ndarray):
        return not value.size
    if isinstance(value, (list, tuple)):
        for one in value:
            if not isinstance(one, Tensor) and _some_odd(one):
                return True
        return False
    if isinstance(value, dict):
        return bool(value) and _some_odd(list(value.values()))
    return scipy.sparse.issparse(value)


def program_of(*values):
    """The program that values, of which one is a Tensor or Clock, are part of."""
    return find(values)[0].program


def make(function, *inputs, dtype=None, passes=True, shape=None):
    """The Tensor of what the framework's `function` makes of nodes; dtype: by default that of the first Tensor; shape: where it is known."""
    for first in inputs:
        if isinstance(first, Tensor):
            return first.program.make(function, inputs, dtype or first.dtype, passes, shape)
    raise AssertionError('make: no Tensor is among the inputs')


def along_batch(function, x, *others):
    """`make` for a function of nodes, the first of which, that of `x`, must lie along the framework's batch axis."""
    length = x.shape[0]

    def build(node, *nodes):
        made = function(C.to_batch(node), *nodes)
        # What comes back has a first axis of an open length, as far as the framework knows.
        return C.reshape(C.unpack_batch(made), (length,) + made.shape)

    return make(build, x, *others)


def float_dtype(x):
    return x.dtype if dtypes.is_float(x.dtype) else config.floatx()


def axes_of(x, axis):
    """The axes of a reduction: sorted list of int, none of them negative."""
    if axis is None:
        return list(range(len(x.shape)))
    listed = axis if isinstance(axis, (list, tuple)) else [axis]
    return sorted({int(one) % len(x.shape) for one in listed})
