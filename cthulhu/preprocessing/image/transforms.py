"""Transforms of a picture in an array: moved, turned, stretched, made brighter, flipped.

The `random_...` functions draw from NumPy's generator.
"""

import math

import numpy as np

from cthulhu.utils.arguments import checked

FILL_MODES = ('constant', 'nearest', 'reflect', 'wrap')


@checked
def apply_affine_transform(
    x,
    theta=0,
    tx=0,
    ty=0,
    shear=0,
    zx=1,
    zy=1,
    row_axis=0,
    col_axis=1,
    channel_axis=2,
    fill_mode='nearest',
    cval=0.0,
    order=1,
):
    """Turn, move, shear and zoom a picture about its middle, in one step.

    Each pixel of the result is looked up at (turn . move . shear . zoom) of its place.

    Arguments:
        x: array with three axes.
        theta: degrees by which it is turned.
        tx, ty: pixels by which it is moved up, and to the left.
        shear: degrees by which it is sheared.
        zx, zy: how much larger the part that is shown is than the picture, along rows and columns: less than 1 enlarges.
        row_axis, col_axis, channel_axis: which axis is which.
        fill_mode: what is beyond the border: 'constant' (`cval`), 'nearest', 'reflect' or 'wrap'.
        cval: value beyond the border.
        order: of the interpolation by splines, 0 to 5.

    Returns:
        A new array; `x` itself where nothing is to be done.
    """
    if np.ndim(x) != 3:
        raise ValueError(f'`x` must be one picture, an array with three axes; got the shape {np.shape(x)}.')
    if fill_mode not in FILL_MODES:
        raise ValueError(f'`fill_mode` must be one of {", ".join(FILL_MODES)}; got {fill_mode!r}.')
    axes = channel_axis, row_axis, col_axis
    if len({axis % 3 for axis in axes}) < 3 or not all(-3 <= axis < 3 for axis in axes):
        raise ValueError(
            '`row_axis`, `col_axis` and `channel_axis` are the three axes of the picture, each once; '
            f'got {row_axis}, {col_axis} and {channel_axis}.'
        )
    matrix = _affine_matrix(theta, tx, ty, shear, zx, zy)
    if matrix is None:
        return x
    from scipy import ndimage

    x = np.asarray(x)
    result = np.empty_like(x)
    source, target = (np.moveaxis(a, axes, (0, 1, 2)) for a in (x, result))
    middle = np.array([size / 2 + 0.5 for size in source.shape[1:]])
    linear = matrix[:2, :2]
    offset = middle + matrix[:2, 2] - linear @ middle
    for channel, place in zip(source, target):
        ndimage.affine_transform(channel, linear, offset, output=place, order=order, mode=fill_mode, cval=cval)
    return result


def _affine_matrix(theta, tx, ty, shear, zx, zy):
    """The 3 x 3 matrix of a transform about the origin, or None for the one that changes nothing."""
    if not theta and not tx and not ty and not shear and zx == 1 and zy == 1:
        return None
    theta, shear = math.radians(theta), math.radians(shear)
    turn = np.array([[math.cos(theta), -math.sin(theta), 0], [math.sin(theta), math.cos(theta), 0], [0, 0, 1]])
    move = np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    slant = np.array([[1, -math.sin(shear), 0], [0, math.cos(shear), 0], [0, 0, 1]])
    return turn @ move @ slant @ np.diag([zx, zy, 1.0])


@checked
def apply_channel_shift(x, intensity, channel_axis=0):
    """Add a number to all values, and cut them off at the smallest and the largest of the picture.

    Arguments:
        x: array with three axes.
        intensity: the number.
        channel_axis: which axis is that of the channels; all are shifted alike.
    """
    return np.clip(x + intensity, np.min(x), np.max(x))


@checked
def apply_brightness_shift(x, brightness):
    """Multiply the values by `brightness`, and cut them off at white.

    White is 1 for values up to 1, 255 for values up to 255, and 65535 beyond. The picture is not stretched to the full range, nor rounded, which Keras does.

    Arguments:
        x: array with three axes, where 0 is black.
        brightness: number from 0 up; 1 changes nothing.

    Raises:
        ValueError: for a `brightness` below 0, or values below 0: black is not 0, then, and a product would change the contrast.
    """
    x = np.asarray(x)
    check_black(x)
    return brightened(x, brightness, white_of(x))


def check_black(x):
    """Raises ValueError for a picture in which 0 is not black."""
    if np.min(x) < 0:
        raise ValueError(
            f'Brightness is for pictures whose values are from 0 up, as they are in files; the smallest is {np.min(x)}. Centre them after it: by the arguments of ImageDataGenerator, say.'
        )


def white_of(x):
    """The value that is white in a picture."""
    largest = np.max(x)
    return 1.0 if largest <= 1 else 255.0 if largest <= 255 else 65535.0


def brightened(x, brightness, white):
    """The values times `brightness`, from 0 to `white`, in the dtype of `x`."""
    return np.clip(x * float(brightness), 0, white).astype(x.dtype, copy=False)


@checked
def flip_axis(x, axis):
    """The array with one axis turned round."""
    return np.flip(x, axis)


@checked
def random_rotation(
    x, rg, row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.0, interpolation_order=1
):
    """Turn a picture by up to `rg` degrees, to either side. The other arguments are those of `apply_affine_transform`."""
    theta = np.random.uniform(-rg, rg)
    return apply_affine_transform(
        x,
        theta=theta,
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


@checked
def random_shift(
    x, wrg, hrg, row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.0, interpolation_order=1
):
    """Move a picture by up to `wrg` of its width and `hrg` of its height. The other arguments are those of `apply_affine_transform`."""
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return apply_affine_transform(
        x,
        tx=tx,
        ty=ty,
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


@checked
def random_shear(
    x, intensity, row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.0, interpolation_order=1
):
    """Shear a picture by up to `intensity` degrees, to either side. The other arguments are those of `apply_affine_transform`."""
    shear = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(
        x,
        shear=shear,
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


@checked
def random_zoom(
    x, zoom_range, row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.0, interpolation_order=1
):
    """Zoom a picture by factors between the two of `zoom_range`. The other arguments are those of `apply_affine_transform`."""
    zx, zy = (1, 1) if zoom_range == [1, 1] else np.random.uniform(*zoom_range, 2)
    return apply_affine_transform(
        x,
        zx=zx,
        zy=zy,
        row_axis=row_axis,
        col_axis=col_axis,
        channel_axis=channel_axis,
        fill_mode=fill_mode,
        cval=cval,
        order=interpolation_order,
    )


@checked
def random_channel_shift(x, intensity_range, channel_axis=0):
    """`apply_channel_shift` by a number between -`intensity_range` and `intensity_range`."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis=channel_axis)


@checked
def random_brightness(x, brightness_range):
    """`apply_brightness_shift` by a number between the two of `brightness_range`."""
    return apply_brightness_shift(x, np.random.uniform(*brightness_range))
