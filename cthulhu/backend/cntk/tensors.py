"""The values of Symbols while a program is built: `Tensor`, a node of the framework; arrays are what is known already."""

import numpy as np

from cthulhu.backend.inference import dtypes
from cthulhu.backend.inference.symbolic import map_symbols


class NeedsValues(Exception):
    """The shape of something depends on the value of a tensor of integers: the program must be built for that value."""


class Tensor:
    """A node of a program.

    Attributes:
        program: the `Program` that it is part of.
        made: the framework's function or variable; its shape is static, its elements are of the program's one float type.
        shape, dtype: tuple of int, name of the dtype that the elements stand for: 'bool' as 0 and 1, integers as whole numbers.
        inputs: tuple of the Tensors that it was made of.
        passes: bool, whether gradients go through it to those.
        level: int, how many backward passes must run before it can be computed.
        source: for a leaf, function (Run) -> the array that it is fed; else None.
        early: function (Run) -> its array, for what NumPy computes of feeds, variables that nothing is differentiated by and what is `held`,
            as far as it is small enough, once the passes of its level have run; else None.
        held: the same for a variable that is differentiated by, and for a gradient: of these NumPy makes little, and nothing that they are
            the gradients of.
        least: float, a number that no element is below, NaN left out; None where none is known.
    """

    __slots__ = 'program made shape dtype inputs passes level source early held segment least __weakref__'.split()

    def __init__(self, program, made, shape, dtype, inputs=(), passes=True, level=None, source=None, segment=0):
        self.program = program
        self.made = made
        self.shape = tuple(shape)
        self.dtype = dtype
        self.inputs = tuple(inputs)
        self.passes = passes
        self.level = max([x.level for x in self.inputs] or [0]) if level is None else level
        self.source = source
        self.early = self.held = self.least = None
        self.segment = segment

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        count = 1
        for length in self.shape:
            count *= length
        return count

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        backend = self.program.backend
        return type(backend).getitem.compute(backend, self, key)

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __int__(self):
        raise NeedsValues()

    __index__ = __bool__ = __float__ = __int__

    def __array__(self, *_):
        raise NeedsValues()


class Late:
    """What is computed in NumPy after a run, as its shape depends on the values: an output, of which nothing more can be made.

    Attributes:
        inputs: list of Tensors.
        function: function of their arrays.
    """

    def __init__(self, program, name, inputs, function):
        self.program = program
        self.name = name
        self.inputs = inputs
        self.function = function


class Clock:
    """The count of runs, while a program is built: a random operation's `Count` takes the number from it that it was made at."""

    def __init__(self, program, offset=0):
        self.program = program
        self.offset = offset

    def __sub__(self, number):
        return Clock(self.program, self.offset + number)

    def at(self, clock):
        """The count, in the run of the number `clock`."""
        return clock - self.offset


def find(value):
    """The Tensors, Clocks and Lates in nested lists, tuples, dicts and slices."""
    found = []
    _collect(value, found)
    return found


def _collect(value, found):
    if isinstance(value, (Tensor, Clock, Late)):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        for one in value:
            _collect(one, found)
    elif isinstance(value, dict):
        for one in value.values():
            _collect(one, found)
    elif isinstance(value, slice):
        _collect((value.start, value.stop, value.step), found)


def replaced(value, function, kind=Tensor):
    """`value` with each `kind` in nested lists, tuples, dicts and slices replaced by what `function` makes of it."""
    return map_symbols(function, value, kind)


def of_dtype(value, dtype):
    """An array of floats of the framework as what it stands for."""
    if dtype == 'bool':
        return value != 0
    if not dtypes.is_float(dtype):
        value = np.rint(value)
    return value.astype(dtype, copy=False)
