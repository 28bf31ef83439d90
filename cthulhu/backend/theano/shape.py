"""Primitives of `contract.shape`."""

import numbers

import numpy as np

from cthulhu.backend import config, shapes
from cthulhu.backend.inference import dtypes, rules
from cthulhu.backend.theano import tensors as noted
from cthulhu.backend.theano.framework import T, Variable, broadcastable_at, ifelse, sparse, static, unbroadcast
from cthulhu.backend.theano.operations import InRange


class Shape:
    """Making, reshaping, joining and picking."""

    def getitem(self, x, key):
        key = key if isinstance(key, tuple) else (key,)
        if any(k is None for k in key) and not any(k is Ellipsis for k in key):
            # Theano forgets the axes that are not named when there is a new one.
            key += (slice(None),) * (x.ndim - sum(k is not None for k in key))
        return noted.native(x, '__getitem__', key)

    def _sizes(self, shape):
        """A shape argument as a list of ints and scalar noted."""
        if isinstance(shape, Variable):
            count = self.int_shape(shape)[0]
            if count is None:
                raise ValueError('shape: a shape whose number of dimensions is known is needed; give a list.')
            known = getattr(self._tensor(shape), '_cthulhu_integers', None)
            shape = [shape[i] if known is None or np.isnan(known[i]) else int(known[i]) for i in range(count)]
        elif isinstance(shape, numbers.Integral):
            shape = [shape]
        sizes = []
        for n in shape:
            if isinstance(n, Variable):
                known = getattr(n, '_cthulhu_integers', None)
                n = n if known is None or np.isnan(known) else int(known)
            sizes.append(n if isinstance(n, Variable) else int(n))
        return sizes

    def reshape(self, x, shape):
        sizes = self._sizes(shape)
        return T.reshape(self._tensor(x), self._vector(sizes), ndim=len(sizes))

    def _vector(self, sizes):
        if not sizes:
            return self._constant(np.zeros(0, 'int64'))
        if any(isinstance(n, Variable) for n in sizes):
            return T.stack([T.cast(n, 'int64') for n in sizes])
        return tuple(sizes)

    def permute_dimensions(self, x, pattern):
        x = self._tensor(x)
        return x.dimshuffle(*[axis % x.ndim for axis in pattern])

    def concatenate(self, tensors, axis=-1):
        each = [self._tensor(x) for x in tensors]
        if all(map(noted.is_sparse, each)):
            join = sparse.vstack if axis % 2 == 0 else sparse.hstack
            return join(each, format='csr', dtype=each[0].dtype)
        each = self._same_dtype([self.to_dense(x) for x in each])
        return T.concatenate(each, axis=axis % each[0].ndim)

    def _same_dtype(self, each):
        dtype = rules.promoted(*each)
        return [self.cast(x, dtype) for x in each]

    def stack(self, x, axis=0):
        each = self._same_dtype([self._tensor(one) for one in x])
        return T.stack(each, axis=axis % (each[0].ndim + 1))

    def tile(self, x, n):
        x, times = self._tensor(x), self._sizes(n)
        # Each axis beside a new one that is repeated by broadcasting: no loop, and no copy before the last step.
        if len(times) > x.ndim:
            x = noted.note(T.shape_padleft(x, len(times) - x.ndim))
        times = [1] * (x.ndim - len(times)) + times
        dims, wide, pattern, final = self._dims(x), [], [], []
        for axis, (length, many) in enumerate(zip(dims, times)):
            if not isinstance(many, Variable) and many == 1:
                pattern.append(axis)
                wide.append(length)
                final.append(length)
            else:
                pattern += ['x', axis]
                wide += [many, length]
                final.append(length * many)
        if len(wide) == x.ndim:
            return self.identity(x)
        spread = T.alloc(x.dimshuffle(*pattern), *wide)
        return self.reshape(spread, final)

    def expand_dims(self, x, axis=-1):
        x = self._tensor(x)
        pattern = list(range(x.ndim))
        pattern.insert(axis % (x.ndim + 1), 'x')
        return x.dimshuffle(*pattern)

    def squeeze(self, x, axis):
        x = self._tensor(x)
        axes = [a % x.ndim for a in (axis if isinstance(axis, (list, tuple)) else [axis])]
        x = broadcastable_at(x, axes)
        return x.dimshuffle(*[a for a in range(x.ndim) if a not in axes])

    def reverse(self, x, axes):
        x = self._tensor(x)
        axes = [a % x.ndim for a in (axes if isinstance(axes, (list, tuple)) else [axes])]
        return x[tuple(slice(None, None, -1) if a in axes else slice(None) for a in range(x.ndim))]

    def gather(self, reference, indices):
        reference, indices = self._tensor(reference), self._tensor(indices)
        indices = self._in_range(indices, self._dims(reference)[0], 'index')
        if not indices.ndim:
            return noted.native(reference, '__getitem__', indices)
        flat = noted.native(reference, '__getitem__', indices.flatten())
        if indices.ndim == 1:
            return flat
        return self.reshape(flat, self._dims(indices) + self._dims(reference)[1:])

    def _in_range(self, indices, size, what):
        return InRange(what)(indices, self._tensor(size, 'int64'))

    def slice(self, x, start, size):
        x = self._tensor(x)
        starts, sizes = self._sizes(start), self._sizes(size)
        if len(starts) != x.ndim or len(sizes) != x.ndim:
            raise ValueError(f'slice: start and size: expected {x.ndim} numbers each, one for each axis of x.')
        whole = [n if isinstance(n, Variable) or n != -1 else None for n in sizes]
        return x[tuple(slice(a, None if n is None else a + n) for a, n in zip(starts, whole))]

    def arange(self, start, stop=None, step=1, dtype='int32'):
        if stop is None:
            start, stop = 0, start
        dtype = dtypes.of_range(dtype, start, stop, step)
        if not any(isinstance(n, Variable) for n in (start, stop, step)):
            return self._constant(np.arange(start, stop, step), dtype)
        return T.cast(T.arange(start, stop, step), dtype)

    def zeros_like(self, x, dtype=None, name=None):
        return T.zeros_like(self.to_dense(self._tensor(x)), dtype=dtype)

    def ones_like(self, x, dtype=None, name=None):
        return T.ones_like(self.to_dense(self._tensor(x)), dtype=dtype)

    def fill(self, shape, value, dtype=None):
        dtype = dtype or config.floatx()
        value = self.cast(value, dtype) if self.is_tensor(value) else self._constant(value, dtype)
        return T.alloc(value, *self._sizes(shape))

    def pad(self, x, paddings, value=0.0):
        x = self._tensor(x)
        pairs = [tuple(pair) for pair in paddings]
        if not any(map(self._is_padded, pairs)):
            return x
        dims = self._dims(x)
        sizes = [n + (before + after) for n, (before, after) in zip(dims, pairs)]
        around = T.alloc(self._constant(value, x.dtype), *sizes)
        inside = tuple(
            slice(pair[0], pair[0] + n) if self._is_padded(pair) else slice(None) for n, pair in zip(dims, pairs)
        )
        return T.set_subtensor(around[inside], x)

    def _branch(self, condition, x, y):
        shape = shapes.common(self.int_shape(x), self.int_shape(y))
        if static(x) != static(y):
            x, y = unbroadcast(x), unbroadcast(y)
        if condition.dtype == 'bool':
            condition = T.cast(condition, 'int8')
        return noted.note(ifelse(condition, x, y), shape)
