"""Keras's path for the settings of all backends, and what programs for Keras 1 or for TensorFlow's Keras ask a backend for."""

from cthulhu.backend import (
    cast_to_floatx,
    epsilon,
    floatx,
    image_data_format,
    normalize_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)

__all__ = [
    'cast_to_floatx',
    'eager',
    'epsilon',
    'floatx',
    'image_data_format',
    'image_dim_ordering',
    'normalize_data_format',
    'set_epsilon',
    'set_floatx',
    'set_image_data_format',
    'set_image_dim_ordering',
    'symbolic',
]

_ORDERINGS = {'tf': 'channels_last', 'th': 'channels_first'}


def image_dim_ordering():
    """What Keras 1 called `image_data_format()`: 'tf' for 'channels_last', 'th' for 'channels_first'."""
    return next(ordering for ordering, name in _ORDERINGS.items() if name == image_data_format())


def set_image_dim_ordering(dim_ordering):
    """What Keras 1 called `set_image_data_format`.

    Arguments:
        dim_ordering: 'tf' (channels last) or 'th' (channels first).

    Raises:
        ValueError: for another one.
    """
    if dim_ordering not in _ORDERINGS:
        raise ValueError(
            f"set_image_dim_ordering: `dim_ordering` must be 'tf' (channels last) or 'th' (channels first); got {dim_ordering!r}. "
            'It is the older name of set_image_data_format.'
        )
    set_image_data_format(_ORDERINGS[dim_ordering])


def symbolic(func):
    """Decorator: a function that makes tensors of the graph. All do here, so it is given back."""
    return func


def eager(func):
    """Decorator: a function that is called outside of the graph. None is in it here, so it is given back."""
    return func
