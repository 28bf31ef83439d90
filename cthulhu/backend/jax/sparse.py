"""Sparse matrices: the places and values of what is stored. So many are stored, with room to spare, that few different functions are compiled."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse


@jax.tree_util.register_pytree_node_class
class Sparse:
    """A matrix of which `data[i]` is stored at (`rows[i]`, `columns[i]`); what lies below the last row is not part of it."""

    ndim = 2

    def __init__(self, data, rows, columns, shape):
        self.data, self.rows, self.columns, self.shape = data, rows, columns, tuple(shape)

    def tree_flatten(self):
        return (self.data, self.rows, self.columns), self.shape

    @classmethod
    def tree_unflatten(cls, shape, parts):
        return cls(*parts, shape)

    @property
    def dtype(self):
        return self.data.dtype

    def astype(self, dtype):
        return Sparse(self.data.astype(dtype), self.rows, self.columns, self.shape)

    def transposed(self):
        height, width = self.shape
        inside = self.rows < height
        return Sparse(
            self.data, jnp.where(inside, self.columns, width), jnp.where(inside, self.rows, 0), (width, height)
        )

    def times(self, dense):
        """The product with an array (m, n) or (m,)."""
        data = self.data.reshape((-1,) + (1,) * (dense.ndim - 1))
        return jax.ops.segment_sum(data * dense[self.columns], self.rows, self.shape[0])

    def dense(self):
        return jnp.zeros(self.shape, self.dtype).at[self.rows, self.columns].add(self.data, mode='drop')


def of_scipy(matrix):
    """A `Sparse` of arrays of NumPy."""
    matrix = matrix.tocoo()
    room = 1 << max(matrix.nnz - 1, 7).bit_length()
    data, rows = np.zeros(room, matrix.dtype), np.full(room, matrix.shape[0], 'int32')
    columns = np.zeros(room, 'int32')
    data[: matrix.nnz], rows[: matrix.nnz], columns[: matrix.nnz] = matrix.data, matrix.row, matrix.col
    return Sparse(data, rows, columns, matrix.shape)


def to_scipy(value):
    """The SciPy matrix of a `Sparse` whose arrays are NumPy's."""
    inside = value.rows < value.shape[0]
    places = value.rows[inside], value.columns[inside]
    return scipy.sparse.csr_matrix((value.data[inside], places), value.shape)


def joined(matrices, axis):
    """Several of them, along an axis."""
    if axis % 2:
        return joined([one.transposed() for one in matrices], 0).transposed()
    height, rows = sum(one.shape[0] for one in matrices), []
    above = 0
    for one in matrices:
        rows.append(jnp.where(one.rows < one.shape[0], one.rows + above, height))
        above += one.shape[0]
    data, columns = (jnp.concatenate([getattr(one, name) for one in matrices]) for name in ('data', 'columns'))
    return Sparse(data, jnp.concatenate(rows), columns, (height, matrices[0].shape[1]))
