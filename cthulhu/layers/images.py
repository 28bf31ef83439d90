"""Layers that bring images to one size."""

from cthulhu import backend as K
from cthulhu import names
from cthulhu.backend import shapes
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, take
from cthulhu.utils.arguments import checked

__all__ = ['CenterCrop', 'Resizing']


def _linear(distance):
    return K.maximum(1.0 - K.abs(distance), 0.0)


def _cubic(distance):
    """Keys's cubic with the slope -1/2: the weight of a pixel at a distance."""
    x = K.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return K.where(K.less_equal(x, 1.0), near, K.where(K.less(x, 2.0), far, 0.0))


def shares_of_pixels(size, length, interpolation):
    """What each of `length` new pixels has of each of `size` old ones, int or scalar tensor: tensor (size, length)."""
    scale = K.cast(size, 'float32') / float(length) if K.is_tensor(size) else float(size) / length
    old = K.expand_dims(K.cast(K.arange(size), 'float32'), 1)
    centers = K.expand_dims((K.cast(K.arange(length), 'float32') + 0.5) * scale, 0)
    if interpolation == 'nearest':
        return K.cast(K.equal(old, K.minimum(K.floor(centers), _last(size))), 'float32')
    places = centers - 0.5
    if interpolation == 'bilinear':
        return _linear(K.minimum(K.maximum(places, 0.0), _last(size)) - old)
    weights = _cubic(places - old)
    return weights / K.sum(weights, axis=0, keepdims=True)  # beyond the margins there is nothing


def _last(size):
    return K.cast(size, 'float32') - 1.0 if K.is_tensor(size) else float(size - 1)


def resize(x, height, width, interpolation):
    """Images (batch, rows, columns, channels), brought to `height` rows and `width` columns."""
    static, dynamic = K.int_shape(x), K.shape(x)
    for axis, length in ((1, height), (2, width)):
        size = dynamic[axis] if static[axis] is None else static[axis]
        if static[axis] == length:
            continue
        matrix = K.cast(shares_of_pixels(size, length, interpolation), K.dtype(x))
        x = K.einsum('brcf,rn->bncf' if axis == 1 else 'brcf,cn->brnf', x, matrix)
    return x


class _ToSize(ConfiguredLayer):
    """What brings images to a height and a width."""

    def _prepare(self, height, width, data_format):
        self.height, self.width = height, width
        self.data_format = K.normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=4)

    def get_config(self):
        config = super().get_config()
        if self.data_format != 'channels_last':  # tf.keras has no such setting
            config['data_format'] = self.data_format
        return config

    def _change(self, x, training):
        raise NotImplementedError

    def call(self, inputs, training=None):
        first = self.data_format == 'channels_first'
        x = K.permute_dimensions(inputs, (0, 2, 3, 1)) if first else inputs
        x = self._change(x if K.dtype(x).startswith('float') else K.cast(x, self.dtype), training)
        return K.permute_dimensions(x, (0, 3, 1, 2)) if first else x

    def _sides(self, x):
        """The rows and columns of images, which must be known."""
        sides = K.int_shape(x)[1:3]
        if None in sides:
            raise ValueError(
                f'{type(self).__name__} "{self.name}": rows and columns of the inputs must be known{self._why}, but are {sides}. Give the first layer a complete '
                '`input_shape`.'
            )
        return sides

    _why = ''

    def _filled(self, x, interpolation):
        """Images cut to the proportions of the target, about their middle, then resized."""
        rows, columns = self._sides(x)
        high = max(min(int(columns * self.height / self.width), rows), 1)
        wide = max(min(int(rows * self.width / self.height), columns), 1)
        top, left = int((rows - high) / 2), int((columns - wide) / 2)
        return resize(x[:, top : top + high, left : left + wide], self.height, self.width, interpolation)

    def compute_output_shape(self, input_shape):
        batch, _, _, channels = shapes.to_channels_last(input_shape, self.data_format)
        return shapes.from_channels_last((batch, self.height, self.width, channels), self.data_format)


class Resizing(_ToSize):
    """Resizes images. Pixels are taken to be squares, whose middles lie half a pixel from their margins.

    Arguments:
        height, width: int, rows and columns of the output.
        interpolation: 'bilinear', 'nearest' or 'bicubic'.
        crop_to_aspect_ratio: whether images are first cut to the proportions of the output, about their middle, so that nothing is stretched; their rows
            and columns must be known then.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Input (batch, rows, columns, channels), output (batch, height, width, channels), of floats; channels before rows in 'channels_first'.

    Raises:
        ValueError: for an argument that is not one of these.
    """

    _why = ' for `crop_to_aspect_ratio`'

    @checked
    def __init__(self, height, width, interpolation='bilinear', crop_to_aspect_ratio=False, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._prepare(height, width, data_format)
        take(self, {'interpolation': interpolation, 'crop_to_aspect_ratio': crop_to_aspect_ratio})
        known = ('bilinear', 'nearest', 'bicubic')
        if interpolation not in known:
            raise ValueError(
                f'Resizing: `interpolation` is one of {", ".join(map(repr, known))}; got {interpolation!r}.'
            )

    settings = ('height', 'width', 'interpolation', 'crop_to_aspect_ratio')

    def _change(self, x, training):
        if self.crop_to_aspect_ratio:
            return self._filled(x, self.interpolation)
        return resize(x, self.height, self.width, self.interpolation)


class CenterCrop(_ToSize):
    """Cuts the middle out of images; those that are too small are cut to its proportions and resized ('bilinear').

    Arguments:
        height, width: int, rows and columns of the output.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Input (batch, rows, columns, channels), output (batch, height, width, channels), of floats; channels before rows in 'channels_first'. Rows and columns
    of the input must be known.

    Raises:
        ValueError: if they are not.
    """

    @checked
    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._prepare(height, width, data_format)

    settings = ('height', 'width')

    def _change(self, x, training):
        rows, columns = self._sides(x)
        if rows < self.height or columns < self.width:
            return self._filled(x, 'bilinear')
        top, left = (rows - self.height) // 2, (columns - self.width) // 2
        return x[:, top : top + self.height, left : left + self.width]


names.add_aliases(globals())
