"""Layers that merge several tensors into one."""

import functools

from cthulhu import backend as K
from cthulhu.backend import shapes
from cthulhu.engine.settings import ConfiguredLayer, arguments
from cthulhu.utils.arguments import checked
from cthulhu.utils.generic_utils import is_all_none

__all__ = [
    'Add',
    'Average',
    'Concatenate',
    'Dot',
    'Maximum',
    'Minimum',
    'Multiply',
    'ScaledAdd',
    'Subtract',
    'add',
    'average',
    'concatenate',
    'dot',
    'maximum',
    'minimum',
    'multiply',
    'subtract',
]


class _Merge(ConfiguredLayer):
    """The base of the layers that merge element by element.

    Called on a list of two or more tensors. Their shapes broadcast without the batch axis: from the last axis on, sizes
    must be equal or 1, and a tensor of lower rank counts as one with axes of size 1 after the batch axis.

    Raises:
        ValueError: if the inputs are not a list of two or more tensors, or their shapes do not fit.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def _merge_function(self, inputs):
        raise NotImplementedError(f'{type(self).__name__} must define `_merge_function(inputs)`.')

    def _check(self, input_shape):
        if not isinstance(input_shape, list) or len(input_shape) < 2 or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                f'{type(self).__name__} "{self.name}" merges a list of at least 2 inputs; got the shape(s) {input_shape}.'
            )

    def build(self, input_shape):
        self._check(input_shape)
        self.compute_output_shape(input_shape)
        self.built = True

    def call(self, inputs):
        self._check([K.int_shape(x) for x in inputs] if isinstance(inputs, list) else K.int_shape(inputs))
        rank = max(K.ndim(x) for x in inputs)
        aligned = []
        for x in inputs:
            for _ in range(rank - K.ndim(x)):
                x = K.expand_dims(x, axis=1)
            aligned.append(x)
        return self._merge_function(aligned)

    def compute_output_shape(self, input_shape):
        batch = self._batch_size(input_shape)
        sample = tuple(input_shape[0][1:])
        for shape in input_shape[1:]:
            try:
                sample = shapes.broadcast_shapes(sample, tuple(shape[1:]))
            except ValueError:
                raise ValueError(
                    f'{type(self).__name__} "{self.name}": the shapes {[tuple(s) for s in input_shape]} do not fit. After the '
                    'batch axis, sizes must be equal or 1, counted from the last axis.'
                ) from None
        return (batch,) + sample

    def _batch_size(self, input_shape):
        sizes = {shape[0] for shape in input_shape if shape and shape[0] is not None}
        if len(sizes) > 1:
            raise ValueError(
                f'{type(self).__name__} "{self.name}" cannot merge tensors with different batch sizes; got the shapes '
                f'{[tuple(s) for s in input_shape]}.'
            )
        return next(iter(sizes), None)

    def compute_mask(self, inputs, mask=None):
        """A step counts where it counts in every input that has a mask."""
        return _all_of([m for m in _masks(self, inputs, mask) if m is not None])


def _masks(layer, inputs, mask):
    """The masks of the inputs, as a list with an item for each."""
    if mask is None:
        return [None] * len(inputs)
    if not isinstance(mask, list) or len(mask) != len(inputs):
        raise ValueError(
            f'{type(layer).__name__} "{layer.name}": `mask` is a list with a mask or None for each input; got {mask!r}.'
        )
    return mask


def _all_of(masks):
    """Where all masks are true (those of lower rank stand for all that follows), or None for no masks."""
    if not masks:
        return None
    rank = max(K.ndim(m) for m in masks)
    result = None
    for m in masks:
        m = _with_rank(K.cast(m, 'bool'), rank)
        result = m if result is None else K.logical_and(result, m)
    return result


def _with_rank(x, rank):
    for _ in range(rank - K.ndim(x)):
        x = K.expand_dims(x, axis=-1)
    return x


class Add(_Merge):
    """Sum of a list of tensors.

    Example:
        >>> Add().compute_output_shape([(None, 3, 4), (None, 4)])
        (None, 3, 4)
    """

    def _merge_function(self, inputs):
        output = inputs[0]
        for x in inputs[1:]:
            output = output + x
        return output


class ScaledAdd(_Merge):
    """The first of two tensors plus `scale` times the second: a residue that is added in part.

    Arguments:
        scale: number.

    Example:
        >>> ScaledAdd(0.1).get_config()['scale']
        0.1
    """

    @checked
    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = float(scale)

    settings = arguments(__init__)

    def _check(self, input_shape):
        super()._check(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f'ScaledAdd "{self.name}" takes exactly 2 inputs; got {len(input_shape)}.')

    def _merge_function(self, inputs):
        return inputs[0] + inputs[1] * self.scale


class Subtract(_Merge):
    """Difference of two tensors, the first less the second."""

    def _check(self, input_shape):
        super()._check(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f'Subtract "{self.name}" takes exactly 2 inputs; got {len(input_shape)}.')

    def _merge_function(self, inputs):
        return inputs[0] - inputs[1]


class Multiply(_Merge):
    """Product of a list of tensors, element by element."""

    def _merge_function(self, inputs):
        output = inputs[0]
        for x in inputs[1:]:
            output = output * x
        return output


class Average(Add):
    """Mean of a list of tensors, element by element."""

    def _merge_function(self, inputs):
        return super()._merge_function(inputs) / len(inputs)


class Maximum(_Merge):
    """Greatest of a list of tensors, element by element."""

    def _merge_function(self, inputs):
        output = inputs[0]
        for x in inputs[1:]:
            output = K.maximum(output, x)
        return output


class Minimum(_Merge):
    """Least of a list of tensors, element by element."""

    def _merge_function(self, inputs):
        output = inputs[0]
        for x in inputs[1:]:
            output = K.minimum(output, x)
        return output


class Concatenate(_Merge):
    """Joins a list of tensors along an axis. Their other sizes must be equal.

    Arguments:
        axis: int, the axis to join along.

    Example:
        >>> Concatenate(axis=1).compute_output_shape([(None, 3, 4), (None, 5, 4)])
        (None, 8, 4)
    """

    @checked
    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    settings = arguments(__init__)

    def call(self, inputs):
        self._check([K.int_shape(x) for x in inputs] if isinstance(inputs, list) else K.int_shape(inputs))
        return K.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape):
        self._check(input_shape)
        rank = len(input_shape[0])
        if not -rank <= self.axis < rank:
            raise ValueError(
                f'Concatenate "{self.name}": `axis` is {self.axis}, and inputs of shape {tuple(input_shape[0])} have the axes {-rank} to {rank - 1}.'
            )
        axis = self.axis % rank
        fits = all(len(shape) == rank for shape in input_shape)
        output = list(input_shape[0])
        if fits:
            for i in range(rank):
                sizes = [shape[i] for shape in input_shape]
                known = {size for size in sizes if size is not None}
                if i == axis:
                    output[i] = None if None in sizes else sum(sizes)
                else:
                    fits = fits and len(known) <= 1
                    output[i] = next(iter(known), None)
        if not fits:
            raise ValueError(
                f'Concatenate "{self.name}" needs inputs of one shape, but for axis {self.axis} along which they are joined; '
                f'got the shapes {[tuple(s) for s in input_shape]}.'
            )
        return tuple(output)

    def compute_mask(self, inputs, mask=None):
        """Masks are joined along with the inputs; where they do not reach the axis, a step counts if it counts in all."""
        masks = _masks(self, inputs, mask)
        if is_all_none(masks):
            return None
        axis = self.axis % K.ndim(inputs[0])
        rank = max(K.ndim(m) for m in masks if m is not None)
        if axis >= rank:
            return _all_of([m for m in masks if m is not None])
        joined = []
        for x, m in zip(inputs, masks):
            if m is None:
                reduced = K.sum(x, axis=list(range(rank, K.ndim(x)))) if K.ndim(x) > rank else x
                m = K.ones_like(reduced, dtype='bool')
            joined.append(_with_rank(K.cast(m, 'bool'), rank))
        result = K.concatenate(joined, axis=axis)
        # A mask for each element counts for the step, as the layers above expect.
        return K.all(result, axis=-1) if rank == K.ndim(inputs[0]) else result


class Dot(_Merge):
    """Product of two tensors, summed over one axis of each, sample by sample.

    Arguments:
        axes: int, or a pair of ints, the axes of the first and the second tensor to sum over.
        normalize: whether to scale both to length 1 along their axes first: for vectors the result is the cosine.

    Output: the batch axis, the other axes of the first and those of the second; (batch, 1) if there are none.

    Raises:
        ValueError: if `axes` is of another form, or the sizes along them differ.

    Example:
        >>> Dot(axes=(2, 1)).compute_output_shape([(None, 3, 4), (None, 4, 5)])
        (None, 3, 5)
    """

    @checked
    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        self.axes = axes
        self.normalize = normalize

    settings = arguments(__init__)

    @property
    def _who(self):
        return f'Dot "{self.name}"'

    def _check(self, input_shape):
        super()._check(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f'{self._who} takes exactly 2 inputs; got {len(input_shape)}.')

    def call(self, inputs):
        self._check([K.int_shape(x) for x in inputs] if isinstance(inputs, list) else K.int_shape(inputs))
        x, y = inputs
        axes = shapes.batch_dot_axes(K.int_shape(x), K.int_shape(y), self.axes, self._who)
        if self.normalize:
            x = K.l2_normalize(x, axis=axes[0])
            y = K.l2_normalize(y, axis=axes[1])
        return K.batch_dot(x, y, axes)

    def compute_output_shape(self, input_shape):
        self._check(input_shape)
        return shapes.batch_dot_shape(tuple(input_shape[0]), tuple(input_shape[1]), self.axes, self._who)

    def compute_mask(self, inputs, mask=None):
        return None


def _of_a_list(function):
    """Decorator: say so where the tensors come one by one, and not in a list."""

    @functools.wraps(function)
    def run(*args, **kwargs):
        if sum(map(K.is_tensor, args)) > 1:
            raise TypeError(f'{function.__name__} takes its tensors in a list: {function.__name__}([first, second]).')
        return function(*args, **kwargs)

    return run


@_of_a_list
def add(inputs, **kwargs):
    """Sum of a list of tensors, by the layer `Add`."""
    return Add(**kwargs)(inputs)


@_of_a_list
def subtract(inputs, **kwargs):
    """Difference of two tensors, by the layer `Subtract`."""
    return Subtract(**kwargs)(inputs)


@_of_a_list
def multiply(inputs, **kwargs):
    """Product of a list of tensors, element by element, by the layer `Multiply`."""
    return Multiply(**kwargs)(inputs)


@_of_a_list
def average(inputs, **kwargs):
    """Mean of a list of tensors, element by element, by the layer `Average`."""
    return Average(**kwargs)(inputs)


@_of_a_list
def maximum(inputs, **kwargs):
    """Greatest of a list of tensors, element by element, by the layer `Maximum`."""
    return Maximum(**kwargs)(inputs)


@_of_a_list
def minimum(inputs, **kwargs):
    """Least of a list of tensors, element by element, by the layer `Minimum`."""
    return Minimum(**kwargs)(inputs)


@_of_a_list
@checked
def concatenate(inputs, axis=-1, **kwargs):
    """The tensors of a list joined along an axis, by the layer `Concatenate`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


@_of_a_list
@checked
def dot(inputs, axes, normalize=False, **kwargs):
    """Product of two tensors summed over an axis of each, by the layer `Dot`."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
