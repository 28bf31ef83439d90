"""Graphs of ONNX: values, nodes and constants, and the few moves that layers are written with."""

import contextlib
import hashlib

import numpy as np
from onnx import helper, numpy_helper

_END = np.iinfo('int64').max


class Value:
    """A tensor of the graph.

    Attributes:
        name: str.
        shape: tuple of int, None where only the run tells.
        dtype: str.
        mask: None, or a function that makes the Value of the mask (bool) where a layer asks for it.
    """

    __slots__ = 'name', 'shape', 'dtype', 'mask'

    def __init__(self, name, shape, dtype, mask=None):
        self.name, self.shape, self.dtype, self.mask = name, tuple(shape), dtype, mask

    @property
    def rank(self):
        return len(self.shape)


class Writer:
    """Makes the nodes of a graph, one after the other.

    Arguments:
        opset: int, the version of ONNX's operations.
        weights: dict, id of a variable -> array.
    """

    def __init__(self, opset, weights):
        self.opset = opset
        self._weights = weights
        self._nodes = []
        self._constants = {}
        self._by_content = {}
        self._names = set()
        self._scopes = []
        self._turned = {}

    # -- names, weights and nodes ------------------------------------------------------------------------

    @contextlib.contextmanager
    def scope(self, name):
        """Context in which names begin with `name`."""
        self._scopes.append(name)
        yield
        self._scopes.pop()

    def unique(self, name):
        """`name`, with a number where it is taken."""
        free, number = name, 1
        while free in self._names:
            free, number = f'{name}_{number}', number + 1
        self._names.add(free)
        return free

    def array(self, variable):
        """The value of a weight: NumPy array."""
        return self._weights[id(variable)]

    def constant(self, value, dtype=None, name='constant'):
        """A Value that never changes; one for all that are equal, such as the weights of a shared layer."""
        array = np.ascontiguousarray(value, dtype=dtype).reshape(np.shape(value))
        key = array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest()
        if key not in self._by_content:
            full = self.unique('/'.join(self._scopes + [name]))
            self._constants[full] = array
            self._by_content[key] = Value(full, array.shape, array.dtype.name)
        return self._by_content[key]

    def op(self, kind, inputs, shape=None, dtype=None, **attributes):
        """The result of an operation; with the shape and dtype of its first input where none are given."""
        return self.ops(kind, inputs, [(inputs[0].shape if shape is None else shape, dtype)], **attributes)[0]

    def ops(self, kind, inputs, results, **attributes):
        """The results of an operation, for a list of (shape, dtype or None); None among the inputs is left out."""
        base = '/'.join(self._scopes + [kind])
        outputs = [Value(self.unique(base), shape, dtype or inputs[0].dtype) for shape, dtype in results]
        names = ['' if x is None else x.name for x in inputs]
        while names and not names[-1]:
            names.pop()
        self._nodes.append(helper.make_node(kind, names, [x.name for x in outputs], outputs[0].name, **attributes))
        return outputs

    def body(self, name, entries, make):
        """A graph inside a node, such as a loop's.

        Arguments:
            entries: list of (shape, dtype) of its inputs.
            make: function from the list of their Values to the list of the Values of the results.
        """
        outer, self._nodes = self._nodes, []
        inputs = [Value(self.unique('/'.join(self._scopes + [name, 'input'])), *entry) for entry in entries]
        outputs = [self.op('Identity', [x]) for x in make(inputs)]
        graph = helper.make_graph(self._nodes, name, list(map(_info, inputs)), list(map(_info, outputs)))
        self._nodes = outer
        return graph

    def finish(self, name, inputs, outputs):
        """The whole graph, without what no output needs.

        Arguments:
            inputs: list of Value.
            outputs: list of pairs, the name that an output is to have and its Value.
        """
        results = []
        for wanted, x in outputs:
            results.append(Value(wanted, x.shape, x.dtype))
            self._nodes.append(helper.make_node('Identity', [x.name], [wanted], wanted))
        needed, nodes = {x.name for x in results}, []
        for node in reversed(self._nodes):
            if needed.intersection(node.output):
                nodes.append(node)
                needed.update(_reads(node))
        constants = [numpy_helper.from_array(v, k) for k, v in self._constants.items() if k in needed]
        return helper.make_graph(nodes[::-1], name, list(map(_info, inputs)), list(map(_info, results)), constants)

    # -- elementwise -------------------------------------------------------------------------------------

    def like(self, x, value):
        """A number or an array as a constant of the dtype of `x`; a Value as it is."""
        return value if isinstance(value, Value) else self.constant(value, x.dtype)

    def binary(self, kind, x, y, dtype=None):
        """An operation of two Values that broadcast, or of one and a number or an array."""
        y = self.like(x, y)
        return self.op(kind, [x, y], _broadcast(x.shape, y.shape), dtype)

    def add(self, x, y):
        return self.binary('Add', x, y)

    def subtract(self, x, y):
        return self.binary('Sub', x, y)

    def multiply(self, x, y):
        return self.binary('Mul', x, y)

    def divide(self, x, y):
        return self.binary('Div', x, y)

    def where(self, condition, x, y):
        return self.op('Where', [condition, x, self.like(x, y)], x.shape, x.dtype)

    def cast(self, x, dtype):
        return x if x.dtype == dtype else self.op('Cast', [x], dtype=dtype, to=code(dtype))

    # -- products and sums -------------------------------------------------------------------------------

    def matmul(self, x, y):
        """The product of `x` (..., n) and `y` (n, m), or of two stacks of matrices."""
        return self.op('MatMul', [x, y], x.shape[:-1] + y.shape[-1:])

    def reduce(self, kind, x, axes, keepdims=False):
        """'ReduceSum', 'ReduceMax' and so on, over a list of axes counted from the front."""
        shape = [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
        if kind == 'ReduceSum' or self.opset >= 18:
            return self.op(kind, [x, self.constant(axes, 'int64')], shape, keepdims=int(keepdims))
        return self.op(kind, [x], shape, axes=list(axes), keepdims=int(keepdims))

    # -- shapes ------------------------------------------------------------------------------------------

    def size(self, x, axis):
        """The length of an axis: int, or, where only the run tells, a Value of one element."""
        if x.shape[axis] is not None:
            return x.shape[axis]
        return self.op('Gather', [self.op('Shape', [x], (x.rank,), 'int64'), self.constant([axis], 'int64')], (1,))

    def shape(self, sizes):
        """Sizes, as from `size`, as a Value of one axis."""
        if all(isinstance(n, int) for n in sizes):
            return self.constant(sizes, 'int64')
        parts = [self.constant([n], 'int64') if isinstance(n, int) else n for n in sizes]
        return self.op('Concat', parts, (len(sizes),), axis=0)

    def reshape(self, x, sizes):
        """`x` in another shape: sizes as from `size`, one of which may be -1."""
        shape = [n if isinstance(n, int) and n >= 0 else None for n in sizes]
        return self.op('Reshape', [x, self.shape(sizes)], shape)

    def transpose(self, x, order):
        """`x` with its axes in another order; there and back again is nowhere."""
        order = tuple(order)
        if order == tuple(range(x.rank)):
            return x
        source, before = self._turned.get(x.name, (None, None))
        if source is not None and tuple(before[i] for i in order) == tuple(range(x.rank)):
            return source
        turned = self.op('Transpose', [x], [x.shape[i] for i in order], perm=list(order))
        self._turned[turned.name] = x, order
        return turned

    def unsqueeze(self, x, axes):
        """`x` with axes of size 1 that then have the numbers `axes`."""
        shape = list(x.shape)
        for axis in sorted(axes):
            shape.insert(axis, 1)
        return self.op('Unsqueeze', [x, self.constant(axes, 'int64')], shape)

    def squeeze(self, x, axes):
        shape = [n for i, n in enumerate(x.shape) if i not in axes]
        return self.op('Squeeze', [x, self.constant(axes, 'int64')], shape)

    def slice(self, x, axes, starts, ends):
        """A part of `x`; None among the ends for all that is left."""
        ends = [_END if end is None else end for end in ends]
        shape = [None if i in axes else n for i, n in enumerate(x.shape)]
        return self.op('Slice', [x] + [self.constant(v, 'int64') for v in (starts, ends, axes)], shape)

    def reverse(self, x, axis):
        limits = [self.constant([v], 'int64') for v in (-1, -_END, axis, -1)]
        return self.op('Slice', [x] + limits)

    def concatenate(self, xs, axis):
        sizes = [x.shape[axis] for x in xs]
        shape = list(xs[0].shape)
        shape[axis] = None if None in sizes else sum(sizes)
        return self.op('Concat', xs, shape, axis=axis)

    def split(self, x, count):
        """Equal parts of the last axis."""
        size = x.shape[-1] // count
        sizes = self.constant([size] * count, 'int64')
        return self.ops('Split', [x, sizes], [(x.shape[:-1] + (size,), None)] * count, axis=x.rank - 1)

    def zeros(self, sizes, dtype):
        """Zeros; sizes as from `size`."""
        shape = [n if isinstance(n, int) else None for n in sizes]
        if None not in shape:
            return self.constant(np.zeros(shape), dtype)
        return self.op('Expand', [self.constant(np.zeros([1] * len(shape)), dtype), self.shape(sizes)], shape)


def code(dtype):
    """ONNX's number of a dtype."""
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def _info(x):
    sizes = [n if n is not None else 'batch' if i == 0 else None for i, n in enumerate(x.shape)]
    return helper.make_tensor_value_info(x.name, code(x.dtype), sizes)


def _reads(node):
    found = set(node.input)
    for attribute in node.attribute:
        for inner in attribute.g.node:
            found |= _reads(inner)
    return found


def _broadcast(a, b):
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + tuple(a), (1,) * (rank - len(b)) + tuple(b))
    return tuple(n if m == 1 else m if n == 1 else m if n is None else n for m, n in pairs)
