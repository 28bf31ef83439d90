"""Composed: constants, flattening, repeating, padding, resizing, choosing."""

import numpy as np

from cthulhu.backend import config, shapes


def _pairs(padding, n):
    try:
        pairs = tuple(shapes.normalize_tuple(tuple(pair), 2, 'padding') for pair in padding)
    except TypeError:
        pairs = ()
    if len(pairs) != n or any(p < 0 for pair in pairs for p in pair):
        raise ValueError(f'padding: expected {n} pairs (before, after) of int, 0 or more, got {padding!r}.')
    return pairs


class Shape:
    """Constants, flattening, repeating, padding, resizing, choosing."""

    def eye(self, size, dtype=None, name=None):
        """The identity matrix, as a variable.

        Arguments:
            size: int, or (rows, columns).
            dtype: str, by default `floatx()`.
            name: str or None.
        """
        rows, columns = size if isinstance(size, (list, tuple)) else (size, size)
        return self.variable(np.eye(rows, columns), dtype, name)

    def zeros(self, shape, dtype=None, name=None):
        """Zeros: a variable, or a tensor where a dimension is known only at run time.

        Arguments:
            shape: shape argument.
            dtype: str, by default `floatx()`.
            name: str or None.
        """
        return self._filled(shape, 0, dtype, name)

    def ones(self, shape, dtype=None, name=None):
        """Ones; arguments and result as for `zeros`."""
        return self._filled(shape, 1, dtype, name)

    def _filled(self, shape, value, dtype, name):
        filled = self.fill(shape, value, dtype)
        known = self.int_shape(filled)
        if known is None or None in known:
            return self.identity(filled, name=name)
        return self.variable(np.full(known, value), dtype, name)

    def one_hot(self, indices, num_classes):
        """Indices as unit vectors.

        Arguments:
            indices: int tensor.
            num_classes: int.

        Returns:
            Tensor of dtype `floatx()`, with a new last axis of length `num_classes`; all 0 for an index out of range.

        >>> K.eval(K.one_hot(K.constant([2, 0], dtype='int32'), 3)).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
        """
        classes = self.arange(num_classes, dtype='int64')
        return self.cast(self.equal(self.expand_dims(indices, -1), classes), config.floatx())

    def flatten(self, x):
        """All elements in one axis: 1-D tensor."""
        return self.reshape(x, (-1,))

    def batch_flatten(self, x):
        """All axes after the first in one: (batch, ...) to 2-D tensor (batch, elements)."""
        dims = self._dims(x)
        size = self._product(dims[1:])
        if self._is_known(size):
            return self.reshape(x, (-1, size))
        return self.reshape(x, (dims[0], -1 if self._is_known(dims[0]) else size))

    @staticmethod
    def _is_known(dimension):
        return isinstance(dimension, int)

    def _known(self, dims):
        """The static shape that dimensions tell: tuple of int and None."""
        return tuple(n if self._is_known(n) else None for n in dims)

    def repeat(self, x, n):
        """Each row `n` times: (batch, dim) to (batch, n, dim).

        Arguments:
            x: tensor, 2-D.
            n: int.

        Raises:
            ValueError: `x` is not 2-D.
        """
        if self._rank(x) != 2:
            raise ValueError(f'x: expected 2 dimensions (batch, dim), got shape {self.int_shape(x)}.')
        return self.tile(self.expand_dims(x, 1), (1, n, 1))

    def repeat_elements(self, x, rep, axis):
        """Each element along `axis` `rep` times, one after the other, as in `numpy.repeat`.

        Arguments:
            x: tensor.
            rep: int.
            axis: int.

        Returns:
            Tensor with `axis` `rep` times as long.

        >>> K.eval(K.repeat_elements(K.constant([[1, 2], [3, 4]]), 2, axis=1)).tolist()
        [[1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0]]
        """
        dims = self._dims(x)
        axis = shapes.normalize_axis(axis, len(dims))
        times = [1] * (len(dims) + 1)
        times[axis + 1] = rep
        longer = dims[:axis] + [dims[axis] * rep] + dims[axis + 1 :]
        return self.reshape(self.tile(self.expand_dims(x, axis + 1), times), longer)

    def split(self, x, count, axis=-1):
        """`x` cut into equal parts.

        Arguments:
            x: tensor.
            count: int, the number of parts; the length of `axis`, known, is a multiple of it.
            axis: int.

        Returns:
            List of tensors.

        Raises:
            ValueError: the length is unknown or not a multiple of `count`.
        """
        shape = self.int_shape(x)
        axis = shapes.normalize_axis(axis, len(shape))
        if shape[axis] is None or shape[axis] % count:
            raise ValueError(f'x: axis {axis} of shape {shape} cannot be split into {count} equal parts.')
        return self._split(x, count, axis, shape[axis] // count)

    def _split(self, x, count, axis, size):
        before = (slice(None),) * axis
        return [x[before + (slice(i * size, (i + 1) * size),)] for i in range(count)]

    def temporal_padding(self, x, padding=(1, 1)):
        """Zeros before and after the middle axis of a 3-D tensor (batch, time, features).

        Arguments:
            x: tensor.
            padding: pair (before, after) of int.
        """
        return self.pad(x, ((0, 0),) + _pairs((padding,), 1) + ((0, 0),))

    def spatial_2d_padding(self, x, padding=((1, 1), (1, 1)), data_format=None):
        """Zeros around the rows and columns of a batch of images.

        Arguments:
            x: tensor, 4-D.
            padding: a pair (before, after) of int for rows, and one for columns.
            data_format: 'channels_last' or 'channels_first', by default `image_data_format()`.

        Raises:
            ValueError: another data format, or another padding.
        """
        return self._spatial_padding(x, padding, 2, data_format)

    def spatial_3d_padding(self, x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
        """Zeros around volumes; as `spatial_2d_padding`, with 5-D `x` and three pairs."""
        return self._spatial_padding(x, padding, 3, data_format)

    def _spatial_padding(self, x, padding, n, data_format):
        data_format = config.normalize_data_format(data_format)
        none = ((0, 0),)
        return self.pad(x, shapes.from_channels_last(none + _pairs(padding, n) + none, data_format))

    def resize_images(self, x, height_factor, width_factor, data_format, interpolation='nearest'):
        """Images made larger by whole factors.

        Arguments:
            x: tensor, 4-D.
            height_factor, width_factor: int, 1 or more.
            data_format: 'channels_last' or 'channels_first'.
            interpolation: 'nearest' repeats pixels; 'bilinear' puts straight lines between them: row i of the result is
                row i / height_factor of `x`, and the last row is level.

        Returns:
            Tensor of the dtype of `x` ('bilinear': floats).

        Raises:
            ValueError: another data format, interpolation or factor.

        >>> K.int_shape(K.resize_images(K.placeholder((None, 4, 5, 3)), 2, 3, 'channels_last'))
        (None, 8, 15, 3)
        """
        if interpolation not in ('nearest', 'bilinear'):
            raise ValueError(f"interpolation: expected 'nearest' or 'bilinear', got {interpolation!r}.")
        grow = self.repeat_elements if interpolation == 'nearest' else self._interpolate
        return self._resize(x, (height_factor, width_factor), data_format, grow)

    def resize_volumes(self, x, depth_factor, height_factor, width_factor, data_format):
        """Volumes made larger by whole factors, by repeating elements; as `resize_images`, with 5-D `x`."""
        return self._resize(x, (depth_factor, height_factor, width_factor), data_format, self.repeat_elements)

    def _resize(self, x, factors, data_format, grow):
        first = 1 if config.normalize_data_format(data_format) == 'channels_last' else 2
        factors = shapes.normalize_tuple(factors, len(factors), 'factors')
        if min(factors) < 1:
            raise ValueError(f'factors: expected whole numbers, 1 or more, got {factors}.')
        for axis, factor in enumerate(factors, first):
            if factor > 1:
                x = grow(x, factor, axis)
        return x

    def _interpolate(self, x, factor, axis):
        before = (slice(None),) * axis
        following = self.concatenate([x[before + (slice(1, None),)], x[before + (slice(-1, None),)]], axis=axis)
        dims = self._dims(x)
        between = [x * (1.0 - i / factor) + following * (i / factor) for i in range(1, factor)]
        return self.reshape(
            self.stack([x] + between, axis=axis + 1), dims[:axis] + [dims[axis] * factor] + dims[axis + 1 :]
        )

    def switch(self, condition, then_expression, else_expression):
        """One of two values.

        Arguments:
            condition: scalar tensor of any dtype (0 is false): only the branch taken is computed, where the framework
                can. Or a tensor (bool, or cast to it) whose shape is the beginning of the branches' shape: it picks
                element by element, and is broadcast over their last axes.
            then_expression, else_expression: tensors of the same shape and dtype, or functions of no arguments that
                return one. Made inside the branch where they are functions.

        Returns:
            Tensor.

        Raises:
            ValueError: the condition has more dimensions than the branches, or shapes that do not fit.

        >>> x = K.constant([[1, 2], [3, 4]])
        >>> K.eval(K.switch(K.constant([True, False], dtype='bool'), x, -x)).tolist()
        [[1.0, 2.0], [-3.0, -4.0]]
        """
        if not self.is_tensor(condition) and np.ndim(condition) == 0:
            chosen = then_expression if condition else else_expression
            return chosen() if callable(chosen) else chosen
        if self.ndim(condition) == 0:
            return self._choose(condition, then_expression, else_expression)
        x, y = self._same_kind(then_expression, else_expression)
        own, whole = self.int_shape(condition), self.int_shape(x)
        if own is not None and whole is not None:
            if len(own) > len(whole) or any(m != n and None not in (m, n) and m != 1 for m, n in zip(own, whole)):
                raise ValueError(
                    f'switch: condition: expected no more dimensions than the branches have, and a shape that begins like theirs, '
                    f'{whole}; got {own}.'
                )
            for _ in range(len(whole) - len(own)):
                condition = self.expand_dims(condition, -1)
        return self.where(self.cast(condition, 'bool'), x, y)

    def _choose(self, condition, then_expression, else_expression):
        """`switch` on a scalar tensor. A framework that makes branches of functions overrides this, others `_branch`."""
        return self._branch(condition, *self._same_kind(then_expression, else_expression))

    def _branch(self, condition, x, y):
        """One of two tensors of one dtype and rank, by a scalar tensor."""
        return self.where(self.cast(condition, 'bool'), x, y)

    def _same_kind(self, x, y):
        """The two branches of `switch` as dense tensors of one dtype and rank."""
        x, y = self._pair(*(one() if callable(one) else one for one in (x, y)))
        x, y = (self.to_dense(one) if self.is_sparse(one) else one for one in (x, y))
        if self.dtype(x) != self.dtype(y):
            raise ValueError(f'switch: the branches have dtypes {self.dtype(x)} and {self.dtype(y)}; cast one of them.')
        one, other = self.int_shape(x), self.int_shape(y)
        if one is not None and other is not None and len(one) != len(other):
            raise ValueError(f'switch: the branches have shapes {one} and {other}; they must be the same.')
        return x, y
