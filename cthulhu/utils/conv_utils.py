"""Helpers for convolutions, under the path where Keras keeps them. The arithmetic of shapes is in `backend.shapes`."""

import numpy as np

from cthulhu.backend.shapes import (
    conv_input_length,
    conv_output_length,
    deconv_length,
    normalize_padding,
    normalize_tuple,
)

__all__ = [
    'conv_input_length',
    'conv_output_length',
    'convert_kernel',
    'deconv_length',
    'normalize_padding',
    'normalize_tuple',
]


def convert_kernel(kernel):
    """Turn a kernel of a cross-correlation into that of a true convolution, or back: reverse its spatial axes.

    Arguments:
        kernel: array (*kernel_size, in_channels, out_channels), of rank 3 to 5.

    Returns:
        A new array of the same shape.

    Raises:
        ValueError: for another rank.

    >>> convert_kernel(np.arange(3.0).reshape(3, 1, 1)).ravel().tolist()
    [2.0, 1.0, 0.0]
    """
    kernel = np.asarray(kernel)
    if not 3 <= kernel.ndim <= 5:
        raise ValueError(f'kernel: expected 3 to 5 dimensions, channels last, got the shape {kernel.shape}.')
    spatial = (slice(None, None, -1),) * (kernel.ndim - 2)
    return kernel[spatial].copy()
