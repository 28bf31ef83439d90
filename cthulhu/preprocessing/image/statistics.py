"""What `ImageDataGenerator.fit` finds in many pictures."""

import numpy as np

from cthulhu.storage import trust


def channel_statistics(x, channel_axis):
    """The mean and the standard deviation of each channel, in the shape in which they are subtracted from a picture.

    Arguments:
        x: array of pictures.
        channel_axis: its axis of channels, 1 or 3.
    """
    others = tuple(axis for axis in (0, 1, 2, 3) if axis != channel_axis)
    return np.mean(x, axis=others, keepdims=True)[0], np.std(x, axis=others, keepdims=True)[0]


def whitening_matrix(x, epsilon):
    """The matrix of ZCA whitening (Bell and Sejnowski, 1997): it decorrelates values, and changes pictures the least.

    Arguments:
        x: array of centred pictures.
        epsilon: number added to the variances.
    """
    flat = x.reshape(len(x), -1)
    width = flat.shape[1]
    if 3 * width**2 * flat.itemsize > trust.memory():
        raise ValueError(
            f'`zca_whitening` of pictures of {width} values needs a matrix of {width} x {width}, more than fits into memory. Use smaller pictures.'
        )
    vectors, variances, _ = np.linalg.svd(flat.T @ flat / len(flat))
    return (vectors / np.sqrt(variances + epsilon)) @ vectors.T
