"""Making tensors of a shape, and moving elements about."""

import numbers

import numpy as np
import scipy.sparse

from cthulhu.backend import config, ranges
from cthulhu.backend.cntk.framework import C
from cthulhu.backend.cntk.primitive import ahead, make, native, native_always, on_host, reference
from cthulhu.backend.cntk.tensors import Tensor
from cthulhu.backend.inference import dtypes, rules


def reshaped(x, shape):
    """A Tensor or array in another shape, all of whose lengths are known."""
    shape = tuple(int(n) for n in shape)
    if not isinstance(x, Tensor):
        return np.reshape(x, shape)
    if x.shape == shape:
        return x
    known = ahead(lambda backend, x: np.reshape(x, shape), x.program.backend, (x,), {}, [x])
    return make(lambda node: C.reshape(node, shape), x) if known is None else known


def cut(x, axes, begins, ends, steps):
    """A Tensor of what is between two places along some axes; each with a step, negative from the end on."""
    shape = list(x.shape)
    for axis, begin, end, step in zip(axes, begins, ends, steps):
        shape[axis] = len(range(begin, end, abs(step)))
    return make(lambda node: C.slice(node, axes, begins, ends, steps), x, shape=tuple(shape))


def transposed(x, pattern):
    """A Tensor or array with its axes in another order."""
    pattern = [int(axis) % max(x.ndim, 1) for axis in pattern]
    if not isinstance(x, Tensor):
        return np.transpose(x, pattern)
    if pattern == list(range(x.ndim)):
        return x
    return make(lambda node: C.transpose(node, pattern), x)


def broadcast_to(x, shape):
    """A Tensor or array repeated along the axes where it has length 1."""
    shape = tuple(int(n) for n in shape)
    if not isinstance(x, Tensor):
        return np.broadcast_to(x, shape)
    x = reshaped(x, (1,) * (len(shape) - x.ndim) + x.shape)
    for axis, (own, wanted) in enumerate(zip(x.shape, shape)):
        if own != wanted:
            # One axis at a time: the framework sums gradients over few groups of axes at once.
            ones = np.ones([wanted if a == axis else 1 for a in range(len(shape))])
            x = make(C.element_times, x, ones)
    return x


def concatenated(tensors, axis, dtype):
    """Tensors and arrays one after the other; those without elements do not count."""
    parts = [x for x in tensors if isinstance(x, Tensor) or np.size(x)]
    if len(parts) == 1:
        return parts[0]
    return make(lambda *nodes: C.splice(*nodes, axis=axis), *parts, dtype=dtype)


def integers(shape):
    """A shape argument as a tuple of int; Tensors in it ask for a program of their values."""
    if isinstance(shape, (Tensor, numbers.Integral)) or not np.shape(shape) and not isinstance(shape, (list, tuple)):
        return tuple(int(n) for n in np.atleast_1d(np.asarray(shape, 'int64')))
    return tuple(int(n) for n in shape)


def _is_simple(part):
    """Whether a part of a key is known: an index, a slice, None or an ellipsis."""
    if isinstance(part, slice):
        return not isinstance(part.start, Tensor) and not isinstance(part.stop, Tensor)
    if part is None or part is Ellipsis or type(part) is int:
        return True
    if isinstance(part, np.ndarray):
        return not part.ndim and part.dtype.kind in 'iu'
    return isinstance(part, numbers.Integral) and not isinstance(part, (bool, np.bool_))


def _picked_gradient(upstream, result, x, key):
    found = np.zeros(x.shape)
    np.add.at(found, key, upstream)
    return [found]


def _part_on_host(backend, x, key):
    return np.asarray(x[key])


def _gather_gradient(upstream, result, reference, indices):
    return [_scattered(upstream, indices, reference.shape)]


def _scattered(upstream, indices, shape):
    """The sum of gradients of rows, at the places in an array of that shape that they were taken from."""
    # A product with a sparse matrix, which is much faster than adding row by row.
    flat = indices.reshape(-1)
    entries = np.ones(flat.size, upstream.dtype), (flat, np.arange(flat.size))
    rows = scipy.sparse.csr_matrix(entries, (shape[0], flat.size))
    return rows.dot(upstream.reshape(flat.size, -1)).reshape(shape)


class CNTKShape:
    @native
    def getitem(self, x, key):
        return self._part(x, key)

    def _part(self, x, key):
        """`x[key]` of a Tensor, or of an array at a Tensor."""
        parts = key if isinstance(key, tuple) else (key,)
        if not isinstance(x, Tensor) or not all(map(_is_simple, parts)):
            return on_host(self, 'getitem', _part_on_host, (x, key), {}, _picked_gradient)
        spread = [p for p in parts if p is not None]
        count = sum(p is not Ellipsis for p in spread)
        if count > x.ndim:
            raise IndexError(f'getitem: {count} indices for a tensor of shape {x.shape}.')
        if not any(p is Ellipsis for p in parts):
            parts = tuple(parts) + (Ellipsis,)
        axis, axes, begins, ends, steps, final, empty = 0, [], [], [], [], [], False
        for p in parts:
            if p is None:
                final.append(1)
                continue
            if p is Ellipsis:
                rest = x.ndim - count
                final += x.shape[axis : axis + rest]
                axis += rest
                continue
            length = x.shape[axis]
            if isinstance(p, slice):
                begin, end, step = p.indices(length)
                many = len(range(begin, end, step))
                final.append(many)
                empty = empty or not many
                if (begin, many, step) != (0, length, 1):
                    # The framework counts from the lower end, backwards too.
                    last = begin + (many - 1) * step
                    axes.append(axis)
                    begins.append(min(begin, last))
                    ends.append(max(begin, last) + 1)
                    # It refuses a step that is longer than what it picks from.
                    steps.append(step if many > 1 else 1)
            else:
                place = int(p)
                if not -length <= place < length:
                    raise IndexError(
                        f'getitem: index {place} is not inside axis {axis} of a tensor of shape {x.shape}.'
                    )
                place %= length
                axes.append(axis)
                begins.append(place)
                ends.append(place + 1)
                steps.append(1)
            axis += 1
        if empty:
            return np.zeros(final, x.dtype)
        if axes:
            x = cut(x, axes, begins, ends, steps)
        return reshaped(x, final)

    @native
    def shape(self, x):
        return np.array(x.shape, 'int32')

    @native
    def to_dense(self, tensor):
        return tensor

    @native
    def reshape(self, x, shape):
        shape = integers(shape)
        if -1 in shape:
            known = int(np.prod([n for n in shape if n != -1], dtype='int64'))
            shape = tuple(x.size // max(known, 1) if n == -1 else n for n in shape)
        if int(np.prod(shape, dtype='int64')) != x.size:
            raise ValueError(f'reshape: a tensor of shape {x.shape} cannot be made one of shape {shape}.')
        return reshaped(x, shape)

    @native
    def permute_dimensions(self, x, pattern):
        return transposed(x, pattern)

    @native
    def concatenate(self, tensors, axis=-1):
        dtype = rules.promoted(*tensors)
        return concatenated(tensors, int(axis) % tensors[0].ndim, dtype)

    @native
    def stack(self, x, axis=0):
        dtype = rules.promoted(*x)
        each = [one if isinstance(one, Tensor) else np.asarray(one) for one in x]
        axis = int(axis) % (each[0].ndim + 1)
        return concatenated([reshaped(one, one.shape[:axis] + (1,) + one.shape[axis:]) for one in each], axis, dtype)

    def _one_after_another(self, rows):
        """`stack` along the first axis, of a loop's rows: all of one shape."""
        if not rows[0].ndim or not any(isinstance(one, Tensor) for one in rows):
            return type(self).stack.compute(self, rows)
        shape = tuple(rows[0].shape)
        joined = concatenated(rows, 0, rules.promoted(*rows))
        return reshaped(joined, (len(rows),) + shape)

    @native
    def tile(self, x, n):
        times = integers(n)
        x = reshaped(x, (1,) * (len(times) - x.ndim) + x.shape)
        times = (1,) * (x.ndim - len(times)) + times
        if 0 in times:
            return np.zeros([a * b for a, b in zip(x.shape, times)], x.dtype)
        for axis, many in enumerate(times):
            if many > 1:
                before, length, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
                outer, inner = int(np.prod(before, dtype=int)), length * int(np.prod(after, dtype=int))
                spread = broadcast_to(reshaped(x, (outer, 1, inner)), (outer, many, inner))
                x = reshaped(spread, before + (many * length,) + after)
        return x

    @native
    def expand_dims(self, x, axis=-1):
        axis = int(axis) % (x.ndim + 1)
        return reshaped(x, x.shape[:axis] + (1,) + x.shape[axis:])

    @native
    def squeeze(self, x, axis):
        axes = [int(a) % x.ndim for a in (axis if isinstance(axis, (list, tuple)) else [axis])]
        if any(x.shape[a] != 1 for a in axes):
            raise ValueError(f'squeeze: axis {axis} of a tensor of shape {x.shape} has not length 1.')
        return reshaped(x, [n for a, n in enumerate(x.shape) if a not in axes])

    @native
    def reverse(self, x, axes):
        axes = [int(a) % x.ndim for a in (axes if isinstance(axes, (list, tuple)) else [axes])]
        return self._part(x, tuple(slice(None, None, -1) if a in axes else slice(None) for a in range(x.ndim)))

    @native
    def gather(self, reference, indices):
        if isinstance(reference, Tensor) and reference.source is not None:
            early = not isinstance(indices, Tensor) or indices.early is not None
            if early and reference.early is None and indices.size:
                return reference.program.rows(reference, indices, _gathered, _scattered)
        return on_host(self, 'gather', _gathered, (reference, indices), {}, _gather_gradient)

    @native
    def _in_range(self, indices, size, what):
        return on_host(self, 'in_range', reference('_in_range'), (indices, size, what), {})

    @native
    def slice(self, x, start, size):
        start, size = integers(start), integers(size)
        ends = [length if many == -1 else first + many for length, first, many in zip(x.shape, start, size)]
        if len(start) != x.ndim or len(ends) != x.ndim or any(end > length for end, length in zip(ends, x.shape)):
            raise ValueError(f'slice: a block at {start} of size {size} is not inside a tensor of shape {x.shape}.')
        return self._part(x, tuple(slice(first, end) for first, end in zip(start, ends)))

    @native_always
    def arange(self, start, stop=None, step=1, dtype='int32'):
        dtype = dtypes.of_range(dtype, start, stop, step)
        start, stop, step = (int(n) if isinstance(n, Tensor) else n for n in (start, stop, step))
        return np.arange(start, stop, step).astype(dtype)

    @native
    def zeros_like(self, x, dtype=None, name=None):
        return np.zeros(x.shape, dtype or x.dtype)

    @native
    def ones_like(self, x, dtype=None, name=None):
        return np.ones(x.shape, dtype or x.dtype)

    @native_always
    def fill(self, shape, value, dtype=None):
        shape, dtype = integers(shape), dtype or config.floatx()
        if not isinstance(value, Tensor):
            return np.full(shape, value, dtype)
        return broadcast_to(make(C.alias, value, dtype=dtype), shape)

    @native
    def pad(self, x, paddings, value=0.0):
        pairs = [integers(pair) for pair in paddings]
        if not any(map(any, pairs)):
            return x
        return make(lambda node: C.pad(node, pairs, constant_value=float(value)), x)


def _gathered(backend, reference, indices):
    ranges.check(indices, len(reference), 'index')
    return np.take(reference, indices, axis=0)
