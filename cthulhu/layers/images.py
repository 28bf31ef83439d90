"""Layers that bring images to one size."""

from cthulhu import backend as K
from cthulhu import names
from cthulhu.backend import shapes
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, take
from cthulhu.layers.resampling import INTERPOLATIONS, padded_to, resize
from cthulhu.utils.arguments import checked

__all__ = ['CenterCrop', 'Resizing']


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

    def _filled(self, x, interpolation, antialias=False):
        """Images cut to the proportions of the target, about their middle, then resized."""
        rows, columns = self._sides(x)
        high = max(min(int(columns * self.height / self.width), rows), 1)
        wide = max(min(int(rows * self.width / self.height), columns), 1)
        top, left = int((rows - high) / 2), int((columns - wide) / 2)
        x = x[:, top : top + high, left : left + wide]
        return resize(x, self.height, self.width, interpolation, antialias)

    def compute_output_shape(self, input_shape):
        batch, _, _, channels = shapes.to_channels_last(input_shape, self.data_format)
        return shapes.from_channels_last((batch, self.height, self.width, channels), self.data_format)


class Resizing(_ToSize):
    """Resizes images. Pixels are taken to be squares, whose middles lie half a pixel from their margins.

    Arguments:
        height, width: int, rows and columns of the output.
        interpolation: 'bilinear', 'nearest', 'bicubic', 'area' (means), 'lanczos3', 'lanczos5', 'gaussian' or 'mitchellcubic'.
        crop_to_aspect_ratio: whether images are first cut to the proportions of the output, about their middle, so that nothing is stretched; their rows
            and columns must be known then.
        pad_to_aspect_ratio: whether images first get margins of `fill_value`, so that they have these proportions; the same is so then.
        fill_mode: 'constant'.
        fill_value: number.
        antialias: whether images that become smaller are smoothed, so that each of their pixels counts; 'nearest' is the same with it.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Input (batch, rows, columns, channels), output (batch, height, width, channels), of floats; channels before rows in 'channels_first'.

    Raises:
        ValueError: for an argument that is not one of these.
    """

    _why = ' for `crop_to_aspect_ratio` and `pad_to_aspect_ratio`'

    @checked
    def __init__(
        self, height, width, interpolation='bilinear', crop_to_aspect_ratio=False, pad_to_aspect_ratio=False, fill_mode='constant', fill_value=0.0,
        antialias=False, data_format=None, **kwargs
    ):  # fmt: skip
        super().__init__(**kwargs)
        self._prepare(height, width, data_format)
        take(
            self,
            {
                'interpolation': interpolation,
                'crop_to_aspect_ratio': crop_to_aspect_ratio,
                'pad_to_aspect_ratio': pad_to_aspect_ratio,
                'fill_value': fill_value,
                'antialias': antialias,
            },
        )
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f'Resizing: `interpolation` is one of {", ".join(map(repr, INTERPOLATIONS))}; got {interpolation!r}.'
            )
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError(
                'Resizing: images are cut (`crop_to_aspect_ratio`) or get margins (`pad_to_aspect_ratio`), not both.'
            )
        if fill_mode != 'constant':
            raise ValueError(f"Resizing: `fill_mode` is 'constant'; got {fill_mode!r}.")

    settings = ('height', 'width', 'interpolation', 'crop_to_aspect_ratio')

    def get_config(self):
        config = super().get_config()
        # tf.keras has none of these
        further = {'pad_to_aspect_ratio': False, 'fill_value': 0.0, 'antialias': False}
        config.update({key: getattr(self, key) for key, usual in further.items() if getattr(self, key) != usual})
        return config

    def _change(self, x, training):
        if self.crop_to_aspect_ratio:
            return self._filled(x, self.interpolation, self.antialias)
        if self.pad_to_aspect_ratio:
            self._sides(x)
            x = padded_to(x, self.height, self.width, self.fill_value)
        return resize(x, self.height, self.width, self.interpolation, self.antialias)


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
