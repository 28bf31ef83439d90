"""Layers that change images at random in training, each image by a draw of its own, and leave them alone otherwise."""

import math

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.engine.base_layer import InputSpec
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.layers.images import CenterCrop
from cthulhu.utils.arguments import checked

__all__ = [
    'RandomBrightness',
    'RandomContrast',
    'RandomCrop',
    'RandomFlip',
    'RandomRotation',
    'RandomTranslation',
    'RandomZoom',
]


def _pair(value):
    """The lower and the upper bound of a factor, of one number or two."""
    return (-abs(value), abs(value)) if np.ndim(value) == 0 else tuple(value)


def _one_of(owner, argument, value, known):
    if value not in known:
        raise ValueError(f'{owner}: `{argument}` is one of {", ".join(map(repr, known))}; got {value!r}.')


class _Augmentation(ConfiguredLayer):
    """The base: a subclass defines `_changed(images)`, on floats with the channels last, and draws by `_draw`."""

    data_format = None

    def _prepare(self, data_format, seed):
        self.data_format = K.normalize_data_format(data_format)
        self.seed = seed
        self.input_spec = InputSpec(ndim=4)

    def _draw(self, x, bounds, number=0):
        """A number for each image, of shape (batch,); `number` tells draws of one layer apart."""
        seed = None if self.seed is None else (self.seed + number) % 2**32
        return K.random_uniform((K.shape(x)[0],), float(bounds[0]), float(bounds[1]), dtype=K.dtype(x), seed=seed)

    def call(self, inputs, training=None):
        inputs = inputs if K.dtype(inputs).startswith('float') else K.cast(inputs, self.dtype)

        def changed():
            if self.data_format == 'channels_last':
                return self._changed(inputs)
            x = self._changed(K.permute_dimensions(inputs, (0, 2, 3, 1)))
            return K.permute_dimensions(x, (0, 3, 1, 2))

        return K.in_train_phase(changed, inputs, training=training)

    def _changed(self, x):
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        for name, usual in (('data_format', 'channels_last'), ('value_range', (0, 255))):
            if config.get(name) == usual and (name, type(self)) != (
                'value_range',
                RandomBrightness,
            ):  # tf.keras has no such settings
                del config[name]
        return config


def _for_each(draw):
    """Numbers of shape (batch,) beside images."""
    return K.reshape(draw, (-1, 1, 1, 1))


class RandomFlip(_Augmentation):
    """Flips half of the images, in training.

    Arguments:
        mode: 'horizontal' for left and right, 'vertical' for up and down, 'horizontal_and_vertical' for both, each by a draw of its own.
        seed: int or None.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Images (batch, rows, columns, channels), channels before rows in 'channels_first'; the output is of that shape, of floats.

    Raises:
        ValueError: for another mode.
    """

    @checked
    def __init__(self, mode='horizontal_and_vertical', seed=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        _one_of('RandomFlip', 'mode', mode, ('horizontal', 'vertical', 'horizontal_and_vertical'))
        self.mode = mode
        self._prepare(data_format, seed)

    settings = arguments(__init__)

    def _changed(self, x):
        for number, (name, axis) in enumerate((('horizontal', 2), ('vertical', 1))):
            if name in self.mode:
                x = K.switch(K.less(self._draw(x, (0, 1), number), 0.5), K.reverse(x, axis), x)
        return x


class RandomContrast(_Augmentation):
    """Moves the pixels of each image away from the mean of its channel, or towards it, in training.

    Arguments:
        factor: number, or a pair: pixels are as far from the mean as before times a number between `1 - lower` and `1 + upper`. One number is both (in Keras 3,
            whose documentation says that too, the lower one is 0 then).
        value_range: pair of numbers, to which pixels are clipped.
        seed: int or None.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Images as for `RandomFlip`.
    """

    @checked
    def __init__(self, factor, value_range=(0, 255), seed=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.factor = (factor, factor) if np.ndim(factor) == 0 else tuple(factor)
        self.value_range = tuple(value_range)
        self._prepare(data_format, seed)

    settings = arguments(__init__)

    def _changed(self, x):
        lower, upper = self.factor
        factor = _for_each(self._draw(x, (1.0 - lower, 1.0 + upper)))
        mean = K.mean(x, axis=(1, 2), keepdims=True)
        return K.clip((x - mean) * factor + mean, *map(float, self.value_range))


class RandomBrightness(_Augmentation):
    """Adds a number to the pixels of each image, in training.

    Arguments:
        factor: number, or a pair: a share of the range of values between the two is added; one number f stands for (-f, f).
        value_range: pair of numbers, the range of values, to which pixels are clipped.
        seed: int or None.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Images as for `RandomFlip`.
    """

    @checked
    def __init__(self, factor, value_range=(0, 255), seed=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.factor = _pair(factor)
        self.value_range = tuple(sorted(value_range))
        self._prepare(data_format, seed)

    settings = arguments(__init__)

    def _changed(self, x):
        lower, upper = map(float, self.value_range)
        return K.clip(x + _for_each(self._draw(x, self.factor)) * (upper - lower), lower, upper)


class RandomCrop(CenterCrop):
    """Cuts images at a place that is drawn for each batch, in training; where rows or columns do not exceed those of the output, and outside of training, it does
    what keeps most of the middle: cuts to the proportions of the output, then resizes ('bilinear').

    Arguments:
        height, width: int, rows and columns of the output.
        seed: int or None.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Input (batch, rows, columns, channels), output (batch, height, width, channels), of floats; channels before rows in 'channels_first'. Rows and columns
    of the input must be known.

    Raises:
        ValueError: if they are not.
    """

    @checked
    def __init__(self, height, width, seed=None, data_format=None, **kwargs):
        super().__init__(height, width, data_format, **kwargs)
        self.seed = seed

    settings = ('height', 'width', 'seed')

    def _change(self, x, training):
        sides, lengths = self._sides(x), (self.height, self.width)
        still = self._filled(x, 'bilinear')
        if not all(side > length for side, length in zip(sides, lengths)):
            return still

        def cut():
            found = x
            for number, (side, length, rule) in enumerate(zip(sides, lengths, ('brcf,rn->bncf', 'brcf,cn->brnf'))):
                seed = None if self.seed is None else (self.seed + number) % 2**32
                start = K.floor(K.random_uniform((1, 1), 0.0, float(side - length + 1), seed=seed))
                places = K.constant(np.arange(side)[:, None] - np.arange(length)[None, :])
                found = K.einsum(rule, found, K.cast(K.equal(places, start + K.zeros_like(places)), K.dtype(x)))
            return found

        return K.in_train_phase(cut, still, training=training)


# -- what moves pixels ---------------------------------------------------------------------------------------------


def _inside(place, size, fill_mode):
    """Places beyond a side of `size` pixels brought to it, as TensorFlow's kernel does; those of 'constant' stay."""
    last = size - 1.0
    if fill_mode == 'constant':
        return place
    if fill_mode == 'reflect':
        place = place - 2.0 * size * K.floor(place / (2.0 * size))
        place = K.where(K.less(place, float(size)), place, 2.0 * size - 1.0 - place)
    elif fill_mode == 'wrap' and size > 1:
        before = place + size * (K.floor(-place / last) + 1.0)
        after = place - size * K.floor(place / last)
        place = K.where(K.less(place, 0.0), before, K.where(K.greater(place, last), after, place))
    return K.clip(place, 0.0, last)


def sample(x, rows, columns, interpolation, fill_mode, fill_value):
    """Images at other places.

    Arguments:
        x: tensor (batch, rows, columns, channels), of known sides.
        rows, columns: tensors (batch, rows * columns), where in the image each pixel comes from.
        interpolation: 'nearest' or 'bilinear'.
        fill_mode: 'reflect', 'wrap', 'nearest' or 'constant': what is beyond the margins.
        fill_value: number, for 'constant'.
    """
    height, width, channels = K.int_shape(x)[1:]
    rows, columns = _inside(rows, height, fill_mode), _inside(columns, width, fill_mode)
    pixels = K.reshape(x, (-1, channels))
    first = K.expand_dims(K.cast(K.arange(K.shape(x)[0]), K.dtype(x)) * float(height * width), 1)

    def at(r, c):
        place = first + K.clip(r, 0.0, height - 1.0) * float(width) + K.clip(c, 0.0, width - 1.0)
        found = K.gather(pixels, K.cast(place + 0.5, 'int32'))
        if fill_mode != 'constant':
            return found
        here = K.logical_and(
            K.logical_and(K.greater(r, -0.5), K.less(r, height - 0.5)),
            K.logical_and(K.greater(c, -0.5), K.less(c, width - 0.5)),
        )
        here = K.expand_dims(K.cast(here, K.dtype(x)), -1)
        return found * here + (1.0 - here) * float(fill_value)

    if interpolation == 'nearest':
        found = at(*(K.sign(place) * K.floor(K.abs(place) + 0.5) for place in (rows, columns)))
    else:
        top, left = K.floor(rows), K.floor(columns)
        down, right = K.expand_dims(rows - top, -1), K.expand_dims(columns - left, -1)
        above = at(top, left) * (1.0 - right) + at(top, left + 1.0) * right
        below = at(top + 1.0, left) * (1.0 - right) + at(top + 1.0, left + 1.0) * right
        found = above * (1.0 - down) + below * down
    return K.reshape(found, (-1, height, width, channels))


class _Moved(_Augmentation):
    """What moves pixels: a subclass gives in `_places` where they come from."""

    def _prepare_moves(self, fill_mode, interpolation, fill_value, seed, data_format):
        owner = type(self).__name__
        _one_of(owner, 'fill_mode', fill_mode, ('reflect', 'wrap', 'constant', 'nearest'))
        _one_of(owner, 'interpolation', interpolation, ('bilinear', 'nearest'))
        take(self, {'fill_mode': fill_mode, 'interpolation': interpolation, 'fill_value': fill_value})
        self._prepare(data_format, seed)

    def _changed(self, x):
        sides = K.int_shape(x)[1:3]
        if None in sides:
            raise ValueError(
                f'{type(self).__name__} "{self.name}": rows and columns of the inputs must be known, but are {sides}. Give the first layer a complete '
                '`input_shape`.'
            )
        grid = np.meshgrid(*(np.arange(side) - (side - 1) / 2 for side in sides), indexing='ij')
        down, right = (K.constant(each.reshape(1, -1), dtype=K.dtype(x)) for each in grid)
        rows, columns = self._places(x, down, right, *sides)
        middle = [(side - 1) / 2 for side in sides]
        return sample(x, rows + middle[0], columns + middle[1], self.interpolation, self.fill_mode, self.fill_value)

    def _places(self, x, down, right, height, width):
        """Where the pixels come from, of shape (batch, rows * columns), both from the middle of the image, as `down` and `right` are given, (1, rows * columns)."""
        raise NotImplementedError

    def _factor(self, x, bounds, number=0):
        return K.expand_dims(self._draw(x, bounds, number), 1)


class RandomRotation(_Moved):
    """Turns each image about its middle, in training.

    Arguments:
        factor: number, or a pair: a part of a whole turn between the two, counter-clockwise; one number f stands for (-f, f).
        fill_mode: what is beyond the margins: 'reflect' (d c b a | a b c d | d c b a), 'wrap' (a b c d | a b c d), 'nearest' (a a a | a b c d), or 'constant'.
        interpolation: 'bilinear' or 'nearest'.
        seed: int or None.
        fill_value: number, what is beyond the margins for 'constant'.
        data_format: 'channels_last' or 'channels_first'; `image_data_format()` if left out.

    Images as for `RandomFlip`, of known rows and columns.

    Raises:
        ValueError: for another mode or interpolation, or sides that are not known.
    """

    @checked
    def __init__(
        self, factor, fill_mode='reflect', interpolation='bilinear', seed=None, fill_value=0.0, data_format=None, **kwargs
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.factor = _pair(factor)
        self._prepare_moves(fill_mode, interpolation, fill_value, seed, data_format)

    settings = arguments(__init__)

    def _places(self, x, down, right, height, width):
        angle = self._factor(x, self.factor) * (2.0 * math.pi)
        cos, sin = K.cos(angle), K.sin(angle)
        return cos * down + sin * right, cos * right - sin * down


class RandomTranslation(_Moved):
    """Moves each image, in training.

    Arguments:
        height_factor, width_factor: number, or a pair: a share of the rows, and columns, between the two by which the image moves down, and to the right; one
            number f stands for (-f, f).
        fill_mode, interpolation, seed, fill_value, data_format: as for `RandomRotation`.

    Images as for `RandomRotation`.
    """

    @checked
    def __init__(
        self, height_factor, width_factor, fill_mode='reflect', interpolation='bilinear', seed=None, fill_value=0.0, data_format=None, **kwargs
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.height_factor, self.width_factor = _pair(height_factor), _pair(width_factor)
        self._prepare_moves(fill_mode, interpolation, fill_value, seed, data_format)

    settings = arguments(__init__)

    def _places(self, x, down, right, height, width):
        moved = (
            self._factor(x, self.height_factor) * float(height),
            self._factor(x, self.width_factor, 1) * float(width),
        )
        return down - moved[0], right - moved[1]


class RandomZoom(_Moved):
    """Shows each image smaller, or larger, about its middle, in training.

    Arguments:
        height_factor: number, or a pair: the rows are divided by 1 and a number between the two, so that positive ones make the image smaller; one number f stands
            for (-f, f).
        width_factor: the same for columns; None keeps the proportions.
        fill_mode, interpolation, seed, fill_value, data_format: as for `RandomRotation`.

    Images as for `RandomRotation`.
    """

    @checked
    def __init__(
        self, height_factor, width_factor=None, fill_mode='reflect', interpolation='bilinear', seed=None, fill_value=0.0, data_format=None, **kwargs
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.height_factor = _pair(height_factor)
        self.width_factor = None if width_factor is None else _pair(width_factor)
        self._prepare_moves(fill_mode, interpolation, fill_value, seed, data_format)

    settings = arguments(__init__)

    def _places(self, x, down, right, height, width):
        high = 1.0 + self._factor(x, self.height_factor)
        wide = high if self.width_factor is None else 1.0 + self._factor(x, self.width_factor, 1)
        return down * high, right * wide


names.add_aliases(globals())
