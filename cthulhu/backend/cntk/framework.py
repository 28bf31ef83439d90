"""The framework itself: imported here alone, once its libraries can be found, and without its warnings of what does not matter.

It warns of every Linux that is not Ubuntu 16.04, and of libraries that only GPUs need.
"""

import os
import warnings

import numpy as np

from cthulhu.backend.cntk import mpi

mpi.make_loadable()
# Its threads would wait for the next operation at full speed, 0.2 s long: no other process, and not even NumPy, has the cores then.
os.environ.setdefault('KMP_BLOCKTIME', '0')
with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    import cntk
    from cntk import cntk_py
    from cntk.internal import sanitize_dtype_cntk, typemap
    from cntk.ops.functions import UserFunction

__all__ = [
    'ALL_THREADS',
    'STACK',
    'C',
    'DEVICE',
    'UserFunction',
    'array_of',
    'constant',
    'held',
    'placeholder',
    'shape_of',
    'value_of',
    'variable',
]

cntk.logging.set_trace_level(cntk.logging.TraceLevel.Error)
# It says which device it chose when it chooses; while a backend is loaded that is held back (chatter.py).
DEVICE = cntk.device.use_default_device()


# By their place, from the first on: the framework counts them from the last.
_AXES = [cntk.Axis(-1 - axis) for axis in range(32)]


class _Framework:
    """The package. Its functions that make most of a graph are those below the package's own, which look at each argument for several
    times as long as it takes to make a node: here they are nodes always.
    """

    def __getattr__(self, name):
        return getattr(cntk, name)

    @staticmethod
    @typemap
    def reshape(node, shape):
        return cntk_py.reshape(node, tuple(shape), '')

    @staticmethod
    @typemap
    def slice(node, axes, begins, ends, steps):
        return cntk_py.slice(node, [_AXES[axis] for axis in axes], begins, ends, steps, '')

    @staticmethod
    @typemap
    def times(x, y):
        return cntk_py.times(y, x, 1, cntk.TIMES_NO_INFERRED_INPUT_RANK, '')


def _direct(function):
    @typemap
    def make(*nodes):
        return function(*nodes, '')

    return staticmethod(make)


for _name in (
    'abs alias ceil cos element_divide element_max element_min element_select element_times equal exp floor greater greater_equal less '
    'less_equal log minus negate not_equal plus pow reciprocal sigmoid sin softplus sqrt square stop_gradient tanh'
).split():
    setattr(_Framework, _name, _direct(getattr(cntk_py, _name)))

C = _Framework()


# How many threads an operation may have, as its environment variables say.
ALL_THREADS = cntk_py.get_max_num_cputhreads()


# These are made by the functions below the framework's own, which warn of a deprecated one of Python, or leave the type open.


@typemap
def variable(shape, real, needs_gradient=False):
    """An input of a static shape, the batch included, for arrays of the NumPy type `real`."""
    return cntk_py.input_variable(tuple(shape), False, sanitize_dtype_cntk(real), needs_gradient, '', [])


@typemap
def placeholder(shape, real):
    """What stands for a node of that shape until it is replaced by one."""
    return cntk_py.placeholder_variable(tuple(shape), sanitize_dtype_cntk(real), '', [])


def shape_of(function):
    """The shape of what a function of the framework, of one output, gives: tuple of int."""
    return cntk_py.Variable.shape(cntk_py.Function.output(function)).dimensions()


@typemap
def constant(value, real):
    """What always has the value of an array or number."""
    return cntk_py.Constant(C.NDArrayView.from_dense(np.array(value, real, order='C')), '')


@typemap
def held(array, needs_gradient):
    """What has the value of a contiguous array, at any time; the array must be kept."""
    kind = cntk_py.Parameter if needs_gradient else cntk_py.Constant
    return kind(C.NDArrayView.from_dense(array, DEVICE, False, True), '')


# What follows the framework's messages of errors: addresses.
STACK = '\n\n[CALL STACK]'


_threads = ALL_THREADS  # to ask the framework takes long


def use_threads(count):
    """Have each operation that is run from now on divided between so many threads."""
    global _threads
    if _threads != count:
        cntk_py.set_max_num_cputhreads(count)
        _threads = count


def value_of(array):
    """A value of the framework that reads the memory of a contiguous array, which must be kept."""
    return cntk_py.Value(cntk_py.NDArrayView(array, DEVICE, False, True))


def array_of(value):
    """A value of the framework as an array of its own."""
    return value.data().to_ndarray()
