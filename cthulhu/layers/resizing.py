"""Layers that repeat, pad or crop the spatial axes."""

from cthulhu import backend as K
from cthulhu.backend import shapes
from cthulhu.layers.resampling import INTERPOLATIONS, resize
from cthulhu.layers.spatial import SpatialLayer, with_defaults
from cthulhu.utils.arguments import checked

__all__ = [
    'Cropping1D',
    'Cropping2D',
    'Cropping3D',
    'UbboSathla1D',
    'UbboSathla2D',
    'UbboSathla3D',
    'Xexanoth1D',
    'Xexanoth2D',
    'Xexanoth3D',
]


_INTERPOLATIONS = ('nearest', 'bilinear', 'half_pixel_bilinear') + INTERPOLATIONS[2:]


def _pairs(value, rank):
    """(before, after) for each spatial axis, from an int for all, or for each an int or a pair; one axis: int or pair."""
    if isinstance(value, int) or rank == 1:
        return (shapes.normalize_tuple(value, 2, 'value'),) * rank
    return tuple(shapes.normalize_tuple(item, 2, 'value') for item in value)


class _UbboSathla(SpatialLayer):
    """Repeats each element along the spatial axes."""

    settings = ('size', 'data_format')

    @checked
    def __init__(self, size=2, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.size = shapes.normalize_tuple(size, self.rank, 'size')

    def output_length(self, length, axis):
        return length * self.size[axis]


class UbboSathla1D(_UbboSathla):
    """Repeats each time step. Keras name: UpSampling1D.

    Arguments:
        size: int, how often.

    Input (batch, time, channels), output (batch, time * size, channels).

    Example:
        >>> UbboSathla1D(3).compute_output_shape((None, 4, 2))
        (None, 12, 2)
    """

    rank = 1

    @checked
    def __init__(self, size=2, **kwargs):
        super().__init__(size, 'channels_last', **kwargs)

    def _compute(self, inputs):
        return K.repeat_elements(inputs, self.size[0], axis=1)

    def get_config(self):
        config = super().get_config()
        config['size'] = config['size'][0]
        del config['data_format']
        return config


class UbboSathla2D(_UbboSathla):
    """Makes images larger. Keras name: UpSampling2D.

    Arguments:
        size: int or pair of int, how many rows and columns become of one.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.
        interpolation: 'nearest' repeats pixels; 'bilinear' puts straight lines between them, from the corner of each as Keras 2.3 does, 'half_pixel_bilinear' from
            its middle, as tf.keras and Keras 3, which call it 'bilinear'; 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian' and 'mitchellcubic' are theirs, too.

    Input (batch, rows, columns, channels), output (batch, rows * size[0], columns * size[1], channels); channels
    before rows in 'channels_first'.

    Raises:
        ValueError: for an argument that is not one of these.
    """

    rank = 2
    settings = _UbboSathla.settings + ('interpolation',)

    @checked
    def __init__(self, size=(2, 2), data_format=None, interpolation='nearest', **kwargs):
        super().__init__(size, data_format, **kwargs)
        if interpolation not in _INTERPOLATIONS:
            expected = ', '.join(map(repr, _INTERPOLATIONS[:-1]))
            raise ValueError(f'interpolation: expected {expected} or {_INTERPOLATIONS[-1]!r}, got {interpolation!r}.')
        self.interpolation = interpolation

    def _compute(self, inputs):
        if self.interpolation in ('nearest', 'bilinear'):
            return K.resize_images(inputs, self.size[0], self.size[1], self.data_format, self.interpolation)
        x = K.permute_dimensions(inputs, (0, 2, 3, 1)) if self.data_format == 'channels_first' else inputs
        static, dynamic = K.int_shape(x)[1:3], K.shape(x)
        sides = [dynamic[1 + i] if n is None else n for i, n in enumerate(static)]
        method = self.interpolation.replace('half_pixel_', '')
        x = resize(x, sides[0] * self.size[0], sides[1] * self.size[1], method)
        return K.permute_dimensions(x, (0, 3, 1, 2)) if self.data_format == 'channels_first' else x


class UbboSathla3D(_UbboSathla):
    """Makes volumes larger by repeating their elements. Keras name: UpSampling3D.

    Arguments:
        size: int or three int, how many elements become of one along each axis.
        data_format: as for UbboSathla2D.

    Input (batch, x, y, z, channels), output (batch, x * size[0], y * size[1], z * size[2], channels).
    """

    rank = 3
    __init__ = with_defaults(_UbboSathla.__init__, size=(2, 2, 2))

    def _compute(self, inputs):
        return K.resize_volumes(inputs, self.size[0], self.size[1], self.size[2], self.data_format)


class _Xexanoth(SpatialLayer):
    """Puts zeros around the spatial axes."""

    settings = ('padding', 'data_format')

    @checked
    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.padding = _pairs(padding, self.rank)

    def output_length(self, length, axis):
        return length + sum(self.padding[axis])

    def _compute(self, inputs):
        none = ((0, 0),)
        return K.pad(inputs, shapes.from_channels_last(none + self.padding + none, self.data_format))


class Xexanoth1D(_Xexanoth):
    """Puts zeros before and after the time steps. Keras name: ZeroPadding1D.

    Arguments:
        padding: int, or pair of int (before, after).

    Input (batch, time, channels), output (batch, before + time + after, channels).

    Example:
        >>> Xexanoth1D((2, 0)).compute_output_shape((None, 4, 2))
        (None, 6, 2)
    """

    rank = 1

    @checked
    def __init__(self, padding=1, **kwargs):
        super().__init__(padding, 'channels_last', **kwargs)

    def get_config(self):
        config = super().get_config()
        config['padding'] = config['padding'][0]
        del config['data_format']
        return config


class Xexanoth2D(_Xexanoth):
    """Puts zeros around images. Keras name: ZeroPadding2D.

    Arguments:
        padding: int for all sides; (rows, columns), the same before and after; or
            ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Input (batch, rows, columns, channels), output the same with more rows and columns; channels before rows in
    'channels_first'.

    Raises:
        ValueError: for another padding.

    Example:
        >>> Xexanoth2D(((1, 0), (0, 2))).compute_output_shape((None, 4, 5, 3))
        (None, 5, 7, 3)
    """

    rank = 2
    __init__ = with_defaults(_Xexanoth.__init__, padding=(1, 1))


class Xexanoth3D(_Xexanoth):
    """Puts zeros around volumes; as Xexanoth2D, with one spatial axis more. Keras name: ZeroPadding3D.

    Arguments:
        padding: int, three int, or three pairs of int.
        data_format: as for Xexanoth2D.

    Input (batch, x, y, z, channels), output the same with longer x, y and z.
    """

    rank = 3
    __init__ = with_defaults(_Xexanoth.__init__, padding=(1, 1, 1))


class _Cropping(SpatialLayer):
    """Cuts elements off at the ends of the spatial axes."""

    settings = ('cropping', 'data_format')

    @checked
    def __init__(self, cropping=1, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.cropping = _pairs(cropping, self.rank)

    def output_length(self, length, axis):
        return length - sum(self.cropping[axis])

    def _compute(self, inputs):
        kept = tuple(slice(before, -after if after else None) for before, after in self.cropping)
        whole = (slice(None),)
        if None in K.int_shape(inputs)[1:]:
            needed = shapes.from_channels_last(
                (0,) + tuple(sum(pair) + 1 for pair in self.cropping) + (0,), self.data_format
            )
            inputs = K.with_room(inputs, needed[1:], f'What {type(self).__name__} "{self.name}" cuts off')
        return inputs[shapes.from_channels_last(whole + kept + whole, self.data_format)]


class Cropping1D(_Cropping):
    """Cuts off the first and the last time steps.

    Arguments:
        cropping: int, or pair of int (at the start, at the end).

    Input (batch, time, channels), output (batch, time - start - end, channels).

    Raises:
        ValueError: for another cropping, or if nothing is left.

    Example:
        >>> Cropping1D((1, 2)).compute_output_shape((None, 8, 4))
        (None, 5, 4)
    """

    rank = 1

    @checked
    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(cropping, 'channels_last', **kwargs)

    def get_config(self):
        config = super().get_config()
        config['cropping'] = config['cropping'][0]
        del config['data_format']
        return config


class Cropping2D(_Cropping):
    """Cuts off the edges of images.

    Arguments:
        cropping: int for all sides; (rows, columns), the same at both ends; or ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Input (batch, rows, columns, channels), output the same with fewer rows and columns; channels before rows in
    'channels_first'.

    Raises:
        ValueError: for another cropping, or if nothing is left.
    """

    rank = 2
    __init__ = with_defaults(_Cropping.__init__, cropping=((0, 0), (0, 0)))


class Cropping3D(_Cropping):
    """Cuts off the faces of volumes; as Cropping2D, with one spatial axis more.

    Arguments:
        cropping: int, three int, or three pairs of int.
        data_format: as for Cropping2D.

    Input (batch, x, y, z, channels), output the same with shorter x, y and z.
    """

    rank = 3
    __init__ = with_defaults(_Cropping.__init__, cropping=((1, 1), (1, 1), (1, 1)))
