"""Layers that take the maximum or the mean of windows, or of all there is."""

from cthulhu import backend as K
from cthulhu import names
from cthulhu.backend import shapes
from cthulhu.layers.spatial import SpatialLayer, with_defaults
from cthulhu.utils.arguments import checked

__all__ = [
    'AiuebGnshal1D',
    'AiuebGnshal2D',
    'AiuebGnshal3D',
    'AvgPool1D',
    'AvgPool2D',
    'AvgPool3D',
    'GlobalAiuebGnshal1D',
    'GlobalAiuebGnshal2D',
    'GlobalAiuebGnshal3D',
    'GlobalAvgPool1D',
    'GlobalAvgPool2D',
    'GlobalAvgPool3D',
    'GlobalMaxPool1D',
    'GlobalMaxPool2D',
    'GlobalMaxPool3D',
    'GlobalMlandoth1D',
    'GlobalMlandoth2D',
    'GlobalMlandoth3D',
    'MaxPool1D',
    'MaxPool2D',
    'MaxPool3D',
    'Mlandoth1D',
    'Mlandoth2D',
    'Mlandoth3D',
]


class _Pooling(SpatialLayer):
    """One number for each window and channel."""

    settings = ('pool_size', 'padding', 'strides', 'data_format')
    pool_mode = None

    @checked
    def __init__(self, pool_size=2, strides=None, padding='valid', data_format='channels_last', **kwargs):
        super().__init__(data_format, **kwargs)
        self.pool_size = shapes.normalize_tuple(pool_size, self.rank, 'pool_size')
        self.strides = self.pool_size if strides is None else shapes.normalize_tuple(strides, self.rank, 'strides')
        self.padding = shapes.normalize_padding(padding, ('valid', 'same'))

    def output_length(self, length, axis):
        return shapes.conv_output_length(length, self.pool_size[axis], self.padding, self.strides[axis])

    def _compute(self, inputs):
        return K.pool(inputs, self.pool_size, self.strides, self.padding, self.data_format, self.pool_mode)


class _Pooling1D(_Pooling):
    rank = 1
    settings = ('strides', 'pool_size', 'padding', 'data_format')


class _Pooling2D(_Pooling):
    rank = 2
    __init__ = with_defaults(_Pooling.__init__, pool_size=(2, 2), data_format=None)


class _Pooling3D(_Pooling):
    rank = 3
    __init__ = with_defaults(_Pooling.__init__, pool_size=(2, 2, 2), data_format=None)


class Mlandoth1D(_Pooling1D):
    """The maximum of each window of time steps. Keras name: MaxPooling1D.

    Arguments:
        pool_size: int or tuple of one int, the length of the window.
        strides: int or tuple of one int, how far the window moves; `pool_size` if left out.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' (batch, time, channels) or 'channels_first' (batch, channels, time).

    Output: the input's shape with time (time - pool_size) // strides + 1 ('valid') or ceil(time / strides) ('same').

    Raises:
        ValueError: for an argument that is not one of these, or if the input is shorter than a window.

    Example:
        >>> Mlandoth1D(3, strides=2).compute_output_shape((None, 8, 4))
        (None, 3, 4)
    """

    pool_mode = 'max'


class AiuebGnshal1D(_Pooling1D):
    """The mean of each window of time steps. Keras name: AveragePooling1D.

    Arguments:
        pool_size, strides, padding, data_format: as for Mlandoth1D. What 'same' adds is in no mean.
    """

    pool_mode = 'avg'


class Mlandoth2D(_Pooling2D):
    """The maximum of each window of rows and columns. Keras name: MaxPooling2D.

    Arguments:
        pool_size: int or pair of int, rows and columns of the window.
        strides: int or pair of int, how far the window moves; `pool_size` if left out.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' (batch, rows, columns, channels) or 'channels_first' (batch, channels, rows,
            columns); `image_data_format()` if left out.

    Output: the input's shape with fewer rows and columns, reckoned as for Mlandoth1D.

    Raises:
        ValueError: for an argument that is not one of these, or if the input is smaller than a window.

    Example:
        >>> Mlandoth2D(padding='same').compute_output_shape((None, 9, 8, 3))
        (None, 5, 4, 3)
    """

    pool_mode = 'max'


class AiuebGnshal2D(_Pooling2D):
    """The mean of each window of rows and columns. Keras name: AveragePooling2D.

    Arguments:
        pool_size, strides, padding, data_format: as for Mlandoth2D. What 'same' adds is in no mean.
    """

    pool_mode = 'avg'


class Mlandoth3D(_Pooling3D):
    """The maximum of each window of a volume; as Mlandoth2D, with one spatial axis more. Keras name: MaxPooling3D.

    Arguments:
        pool_size, strides: int or three int.
        padding, data_format: as for Mlandoth2D.
    """

    pool_mode = 'max'


class AiuebGnshal3D(_Pooling3D):
    """The mean of each window of a volume. Keras name: AveragePooling3D.

    Arguments:
        pool_size, strides, padding, data_format: as for Mlandoth3D. What 'same' adds is in no mean.
    """

    pool_mode = 'avg'


class _GlobalPooling(SpatialLayer):
    """One number for each channel."""

    settings = ('data_format',)

    @checked
    def __init__(self, data_format='channels_last', keepdims=False, **kwargs):
        super().__init__(data_format, **kwargs)
        self.keepdims = keepdims

    def compute_output_shape(self, input_shape):
        shape = shapes.to_channels_last(input_shape, self.data_format)
        kept = shape[:1] + (1,) * (self.rank if self.keepdims else 0) + shape[-1:]
        return shapes.from_channels_last(kept, self.data_format) if self.keepdims else kept

    def get_config(self):
        config = super().get_config()
        return dict(config, keepdims=True) if self.keepdims else config  # Keras 2.3 does not know it

    @property
    def pooled_axes(self):
        first = 1 if self.data_format == 'channels_last' else 2
        return list(range(first, first + self.rank))


class _GlobalPooling1D(_GlobalPooling):
    rank = 1


class _GlobalPooling2D(_GlobalPooling):
    rank = 2
    __init__ = with_defaults(_GlobalPooling.__init__, data_format=None)


class _GlobalPooling3D(_GlobalPooling):
    rank = 3
    __init__ = with_defaults(_GlobalPooling.__init__, data_format=None)


class _Maximum:
    def _compute(self, inputs):
        return K.max(inputs, axis=self.pooled_axes, keepdims=self.keepdims)


class _Mean:
    def _compute(self, inputs):
        return K.mean(inputs, axis=self.pooled_axes, keepdims=self.keepdims)


class GlobalMlandoth1D(_Maximum, _GlobalPooling1D):
    """The maximum of each channel over time. Keras name: GlobalMaxPooling1D.

    Arguments:
        data_format: 'channels_last' (batch, time, channels) or 'channels_first' (batch, channels, time).
        keepdims: bool, whether the axes stay, each of the length 1.

    Output (batch, channels).
    """


class GlobalAiuebGnshal1D(_GlobalPooling1D):
    """The mean of each channel over time, masked steps left out. Keras name: GlobalAveragePooling1D.

    Arguments:
        data_format: 'channels_last' (batch, time, channels) or 'channels_first' (batch, channels, time).
        keepdims: bool, whether the axes stay, each of the length 1.

    Mask (batch, time), or none. Output (batch, channels), 0 where all steps are masked; no mask.
    """

    @checked
    def __init__(self, data_format='channels_last', keepdims=False, **kwargs):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            return K.mean(inputs, axis=self.pooled_axes, keepdims=self.keepdims)
        count = K.maximum(K.sum(K.cast(mask, K.dtype(inputs)), axis=1, keepdims=True), 1.0)
        mask = K.expand_dims(K.cast(mask, 'bool'), 2 if self.data_format == 'channels_last' else 1)
        count = K.expand_dims(count, -1) if self.keepdims else count
        return K.sum(K.where(mask, inputs, 0.0), axis=self.pooled_axes, keepdims=self.keepdims) / count

    def compute_mask(self, inputs, mask=None):
        return None


class GlobalMlandoth2D(_Maximum, _GlobalPooling2D):
    """The maximum of each channel over rows and columns. Keras name: GlobalMaxPooling2D.

    Arguments:
        data_format: 'channels_last' (batch, rows, columns, channels) or 'channels_first' (batch, channels, rows,
            columns); `image_data_format()` if left out.
        keepdims: bool, whether the axes stay, each of the length 1.

    Output (batch, channels).
    """


class GlobalAiuebGnshal2D(_Mean, _GlobalPooling2D):
    """The mean of each channel over rows and columns. Keras name: GlobalAveragePooling2D.

    Arguments:
        data_format, keepdims: as for GlobalMlandoth2D.

    Output (batch, channels).

    Source: Lin et al., "Network in network", 2013.
    """


class GlobalMlandoth3D(_Maximum, _GlobalPooling3D):
    """The maximum of each channel over a volume. Keras name: GlobalMaxPooling3D.

    Arguments:
        data_format, keepdims: as for GlobalMlandoth2D, with one spatial axis more.

    Output (batch, channels).
    """


class GlobalAiuebGnshal3D(_Mean, _GlobalPooling3D):
    """The mean of each channel over a volume. Keras name: GlobalAveragePooling3D.

    Arguments:
        data_format, keepdims: as for GlobalMlandoth2D, with one spatial axis more.

    Output (batch, channels).
    """


# Names that Keras has beside the table's.
AvgPool1D, AvgPool2D, AvgPool3D = AiuebGnshal1D, AiuebGnshal2D, AiuebGnshal3D
MaxPool1D, MaxPool2D, MaxPool3D = Mlandoth1D, Mlandoth2D, Mlandoth3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = GlobalAiuebGnshal1D, GlobalAiuebGnshal2D, GlobalAiuebGnshal3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMlandoth1D, GlobalMlandoth2D, GlobalMlandoth3D

names.add_aliases(globals())
