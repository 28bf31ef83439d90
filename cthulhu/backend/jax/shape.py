"""Making tensors of a shape, and moving elements about. Shapes are known when a function is traced: they are NumPy's."""

import jax.numpy as jnp
import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.inference import dtypes, rules
from cthulhu.backend.jax import checks
from cthulhu.backend.jax.primitive import array, axes, native, native_always
from cthulhu.backend.jax.sparse import Sparse, joined, of_scipy
from cthulhu.backend.numpy.primitive import integers


def _indices(key):
    """A key of `getitem`, whose parts may be NumPy's numbers; a list is an array of indices."""
    if isinstance(key, tuple):
        return tuple(map(_indices, key))
    return np.asarray(key) if isinstance(key, list) else key


class JAXShape:
    @native
    def getitem(self, x, key):
        return array(x)[_indices(key)]

    @native
    def _split(self, x, count, axis, size):
        # The derivative of one operation is one; of as many slices, as many sums of zeros.
        return jnp.split(x, count, axis)

    @native
    def shape(self, x):
        return np.array(x.shape, 'int32')

    @native
    def to_dense(self, tensor):
        return tensor.dense() if isinstance(tensor, Sparse) else tensor

    @native
    def reshape(self, x, shape):
        return jnp.reshape(array(x), integers(shape))

    @native
    def permute_dimensions(self, x, pattern):
        return jnp.transpose(array(x), pattern)

    @native
    def concatenate(self, tensors, axis=-1):
        if all(isinstance(one, Sparse) or scipy.sparse.issparse(one) for one in tensors):
            return joined([of_scipy(one) if scipy.sparse.issparse(one) else one for one in tensors], axis)
        tensors = [one.dense() if isinstance(one, Sparse) else one for one in tensors]
        dtype = rules.promoted(*tensors)
        return jnp.concatenate([array(one, dtype) for one in tensors], axis)

    @native
    def stack(self, x, axis=0):
        dtype = rules.promoted(*x)
        return jnp.stack([array(one, dtype) for one in x], axis)

    @native
    def tile(self, x, n):
        return jnp.tile(array(x), integers(n))

    @native
    def expand_dims(self, x, axis=-1):
        return jnp.expand_dims(array(x), axis)

    @native
    def squeeze(self, x, axis):
        return jnp.squeeze(array(x), axes(axis))

    @native
    def reverse(self, x, axes):
        return jnp.flip(array(x), tuple(axes) if isinstance(axes, list) else axes)

    @native
    def gather(self, reference, indices):
        reference, indices = array(reference), array(indices)
        return jnp.take(reference, checks.in_range(indices, len(reference), 'index'), axis=0, mode='clip')

    @native
    def _in_range(self, indices, size, what):
        return checks.in_range(array(indices), int(size), what)

    @native
    def slice(self, x, start, size):
        x = array(x)
        start, size = integers(start), integers(size)
        ends = [length if many == -1 else first + many for length, first, many in zip(x.shape, start, size)]
        if len(start) != x.ndim or len(ends) != x.ndim or any(end > length for end, length in zip(ends, x.shape)):
            raise ValueError(f'slice: a block at {start} of size {size} is not inside a tensor of shape {x.shape}.')
        return x[tuple(slice(first, end) for first, end in zip(start, ends))]

    @native_always
    def arange(self, start, stop=None, step=1, dtype='int32'):
        return jnp.arange(start, stop, step).astype(dtypes.of_range(dtype, start, stop, step))

    @native
    def zeros_like(self, x, dtype=None, name=None):
        return jnp.zeros(x.shape, dtype or x.dtype)

    @native
    def ones_like(self, x, dtype=None, name=None):
        return jnp.ones(x.shape, dtype or x.dtype)

    @native_always
    def fill(self, shape, value, dtype=None):
        return jnp.full(integers(shape), value, dtype or config.floatx())

    @native
    def pad(self, x, paddings, value=0.0):
        x = array(x)
        return jnp.pad(x, [integers(pair) for pair in paddings], constant_values=array(value, x.dtype))
