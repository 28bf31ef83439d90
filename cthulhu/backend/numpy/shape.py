"""Making tensors of a shape, and moving elements about."""

import numpy as np
import scipy.sparse

from cthulhu.backend import config, ranges
from cthulhu.backend.inference import dtypes, rules
from cthulhu.backend.numpy.primitive import always, array, axes, integers, primitive


def _dense(x):
    return x.toarray() if scipy.sparse.issparse(x) else x


class NumPyShape:
    @primitive
    def getitem(self, x, key):
        return array(x)[key]

    @primitive
    def _split(self, x, count, axis, size):
        return np.split(array(x), count, axis)

    @primitive
    def shape(self, x):
        return np.array(np.shape(x) if not scipy.sparse.issparse(x) else x.shape, 'int32')

    @primitive
    def to_dense(self, tensor):
        return array(_dense(tensor))

    @primitive
    def reshape(self, x, shape):
        return np.reshape(array(x), integers(shape))

    @primitive
    def permute_dimensions(self, x, pattern):
        return np.transpose(array(x), pattern)

    @primitive
    def concatenate(self, tensors, axis=-1):
        if all(scipy.sparse.issparse(one) for one in tensors):
            join = scipy.sparse.vstack if axis % 2 == 0 else scipy.sparse.hstack
            return join(tensors, format='csr')
        dtype = rules.promoted(*tensors)
        return np.concatenate([array(_dense(one)).astype(dtype, copy=False) for one in tensors], axis)

    @primitive
    def stack(self, x, axis=0):
        dtype = rules.promoted(*x)
        return np.stack([array(one).astype(dtype, copy=False) for one in x], axis)

    @primitive
    def tile(self, x, n):
        return np.tile(array(x), integers(n))

    @primitive
    def expand_dims(self, x, axis=-1):
        return np.expand_dims(array(x), axis)

    @primitive
    def squeeze(self, x, axis):
        return np.squeeze(array(x), axes(axis))

    @primitive
    def reverse(self, x, axes):
        return np.flip(array(x), tuple(axes) if isinstance(axes, list) else axes)

    @primitive
    def gather(self, reference, indices):
        reference, indices = array(reference), array(indices)
        ranges.check(indices, len(reference), 'index')
        return np.take(reference, indices, axis=0)

    @primitive
    def _in_range(self, indices, size, what):
        indices = array(indices)
        ranges.check(indices, size, what)
        return indices

    @primitive
    def slice(self, x, start, size):
        x = array(x)
        start, size = integers(start), integers(size)
        ends = [length if many == -1 else first + many for length, first, many in zip(x.shape, start, size)]
        if len(start) != x.ndim or len(ends) != x.ndim or any(end > length for end, length in zip(ends, x.shape)):
            raise ValueError(f'slice: a block at {start} of size {size} is not inside a tensor of shape {x.shape}.')
        return x[tuple(slice(first, end) for first, end in zip(start, ends))]

    @always
    def arange(self, start, stop=None, step=1, dtype='int32'):
        return np.arange(start, stop, step).astype(dtypes.of_range(dtype, start, stop, step))

    @primitive
    def zeros_like(self, x, dtype=None, name=None):
        return np.zeros_like(array(x), dtype)

    @primitive
    def ones_like(self, x, dtype=None, name=None):
        return np.ones_like(array(x), dtype)

    @always
    def fill(self, shape, value, dtype=None):
        return np.full(integers(shape), value, dtype or config.floatx())

    @primitive
    def pad(self, x, paddings, value=0.0):
        return np.pad(array(x), [integers(pair) for pair in paddings], 'constant', constant_values=value)
