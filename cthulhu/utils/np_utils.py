"""Helpers for NumPy arrays: one-hot encoding and normalisation."""

import typing

import numpy as np

from cthulhu.utils import hints
from cthulhu.utils.arguments import checked
from cthulhu.utils.reprs import short


def _classes(y):
    """`y` as integers, those of digits in texts too; None where some are none."""
    y = np.asarray(y)
    if y.dtype.kind == 'f' and not np.all(np.isfinite(y)):
        return None
    try:
        numbers = y.astype('int')
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if y.dtype.kind in 'USb' or np.all(numbers == y) else None


@checked
def to_categorical(y: hints.Data, num_classes: typing.Optional[int] = None, dtype: str = 'float32') -> np.ndarray:
    """One-hot encode integer classes.

    Arguments:
        y: integers in `[0, num_classes)`, shape `(...)` or `(..., 1)`.
        num_classes: number of classes; by default the largest class plus one.
        dtype: dtype of the result.

    Returns:
        Array of shape `(..., num_classes)`.

    Raises:
        ValueError: a class that is negative or not less than `num_classes`.

    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    given, y = y, _classes(y)
    if y is None:
        raise ValueError(
            f'to_categorical: `y` holds numbers of classes, from 0 on; got {short(given)}. Number the words that are classes: '
            '`classes, y = np.unique(y, return_inverse=True)`.'
        )
    shape = y.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    y = y.ravel()
    if not num_classes:
        num_classes = int(np.max(y)) + 1 if y.size else 0
    if y.size and (y.min() < 0 or y.max() >= num_classes):
        raise ValueError(
            f'`y` must hold classes from 0 to {num_classes - 1} (`num_classes` is {num_classes}); '
            f'got classes from {y.min()} to {y.max()}. Shift the classes to start at 0, or pass a larger `num_classes`.'
        )
    categorical = np.zeros((y.size, num_classes), dtype=dtype)
    categorical[np.arange(y.size), y] = 1
    return categorical.reshape(shape + (num_classes,))


@checked
def normalize(x: hints.Data, axis: int = -1, order: int = 2) -> np.ndarray:
    """Divide an array by its norm along an axis; where the norm is zero the values stay zero.

    Arguments:
        x: array.
        axis: axis of the norm.
        order: order of the norm, 2 for the Euclidean one.

    Returns:
        Array of the shape of `x`; a vector comes back as one row, as in Keras.

    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis)
