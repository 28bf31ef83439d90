"""What each pixel of a resized image has of each old one. Pixels are squares, whose middles lie half a pixel from their margins."""

import math

from cthulhu import backend as K

#: The ways in which images are resized.
INTERPOLATIONS = ('bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian', 'mitchellcubic')


#: Those whose kernels reach the next pixels, so that they smooth an axis that keeps its length, too.
SMOOTHING = ('gaussian', 'mitchellcubic')


def _linear(x):
    return K.maximum(1.0 - x, 0.0)


def _cubic(near, far):
    """A kernel of two polynomials: of distances up to 1, and up to 2."""

    def polynomial(x, coefficients):
        value = coefficients[0]
        for each in coefficients[1:]:
            value = value * x + each
        return value

    return lambda x: K.where(
        K.less_equal(x, 1.0), polynomial(x, near), K.where(K.less(x, 2.0), polynomial(x, far), 0.0)
    )


def _lanczos(radius):
    def kernel(x):
        angle = math.pi * K.maximum(x, 1e-3)
        value = radius * K.sin(angle) * K.sin(angle / radius) / (angle * angle)
        return K.where(K.less(x, 1e-3), 1.0 - 0.0 * x, K.where(K.less(x, radius), value, 0.0))

    return kernel


def _bell(x):
    return K.where(K.less(x, 1.5), K.exp(-2.0 * x * x), 0.0)


# The weight of a pixel by its distance.
_KERNELS = {
    'bilinear': _linear,
    'bicubic': _cubic((1.5, -2.5, 0.0, 1.0), (-0.5, 2.5, -4.0, 2.0)),  # Keys's
    'mitchellcubic': _cubic((7 / 6.0, -2.0, 0.0, 8 / 9.0), (-7 / 18.0, 2.0, -10 / 3.0, 16 / 9.0)),
    'lanczos3': _lanczos(3.0),
    'lanczos5': _lanczos(5.0),
    'gaussian': _bell,
}


def shares_of_pixels(size, length, interpolation, antialias=False, corners=False):
    """What each new pixel has of each old one, along one axis.

    Arguments:
        size, length: ints or scalar int tensors, the number of old and of new pixels.
        interpolation: one of INTERPOLATIONS.
        antialias: whether what is made smaller is smoothed first: the kernel is as much wider. 'nearest' and 'area' are the same with it.
        corners: whether 'bilinear' and 'nearest' take pixels for points at their corners, as TensorFlow 1 does.

    Returns:
        Tensor (size, length), whose columns have the sum 1.
    """
    if K.is_tensor(size) or K.is_tensor(length):
        size, length = (K.cast(n, 'float32') if K.is_tensor(n) else float(n) for n in (size, length))
        scale, wider = size / length, K.maximum(size / length, 1.0)
    else:
        scale, wider = float(size) / length, max(float(size) / length, 1.0)
    old = K.expand_dims(_numbers(size), 1)
    new = K.expand_dims(_numbers(length), 0)
    centers = new * scale if corners else (new + 0.5) * scale
    if interpolation == 'nearest':
        return K.cast(K.equal(old, K.minimum(K.floor(centers), size - 1.0)), 'float32')
    if interpolation == 'area':
        both = K.minimum(old + 1.0, (new + 1.0) * scale) - K.maximum(old, new * scale)
        return K.maximum(both, 0.0) / scale
    places = centers if corners else centers - 0.5
    if interpolation == 'bicubic' and not antialias:  # TensorFlow has a table of its weights
        below = K.floor(places)
        places = below + K.round((places - below) * 1024.0) / 1024.0
    distances = K.abs(places - old)
    if corners:  # there is nothing beyond the last one
        distances = K.abs(K.minimum(places, size - 1.0) - old)
    weights = _KERNELS[interpolation](distances / wider if antialias else distances)
    return weights / K.sum(weights, axis=0, keepdims=True)  # beyond the margins there is nothing


def _numbers(count):
    return K.cast(K.arange(K.cast(count, 'int32') if K.is_tensor(count) else int(count)), 'float32')


def resize(x, height, width, interpolation, antialias=False, corners=False):
    """Images (batch, rows, columns, channels), brought to `height` rows and `width` columns (ints, or scalar tensors). Further arguments as for `shares_of_pixels`."""
    static, dynamic, lengths = K.int_shape(x), K.shape(x), ((1, height), (2, width))
    same = [not K.is_tensor(length) and static[axis] == length for axis, length in lengths]
    for axis, length in lengths:
        size = dynamic[axis] if static[axis] is None else static[axis]
        if all(same) or same[axis - 1] and interpolation not in SMOOTHING:
            continue
        matrix = K.cast(shares_of_pixels(size, length, interpolation, antialias, corners), K.dtype(x))
        x = K.einsum('brcf,rn->bncf' if axis == 1 else 'brcf,cn->brnf', x, matrix)
    return x


def padded_to(x, height, width, fill_value):
    """Images of a known size, with as much of a value around them as brings them to the proportions of `height` and `width`."""
    _, rows, columns, _ = K.int_shape(x)
    high, wide = max(int(columns * height / width), rows), max(int(rows * width / height), columns)
    top, left = (high - rows) // 2, (wide - columns) // 2  # and as much on the other side, as in Keras 3
    return K.pad(x, ((0, 0), (top, top), (left, left), (0, 0)), fill_value)
