"""What is done to pictures on their way into batches: transforms at random, and standardization."""

import numbers

import numpy as np

from cthulhu import backend as K
from cthulhu.callers import warn
from cthulhu.preprocessing.image import transforms
from cthulhu.preprocessing.image.pictures import check_data_format
from cthulhu.preprocessing.image.statistics import channel_statistics, whitening_matrix
from cthulhu.utils.arguments import checked

_NOTHING = {
    'theta': 0, 'tx': 0, 'ty': 0, 'shear': 0, 'zx': 1, 'zy': 1, 'flip_horizontal': 0, 'flip_vertical': 0, 'channel_shift_intensity': None,
    'brightness': None,
}  # fmt: skip
_AFFINE = ('theta', 'tx', 'ty', 'shear', 'zx', 'zy')


class PictureProcessor:
    """The part of an ImageDataGenerator, which describes the arguments, that works on pictures."""

    @checked
    def __init__(
        self,
        featurewise_center=False,
        samplewise_center=False,
        featurewise_std_normalization=False,
        samplewise_std_normalization=False,
        zca_whitening=False,
        zca_epsilon=1e-06,
        rotation_range=0,
        width_shift_range=0.0,
        height_shift_range=0.0,
        brightness_range=None,
        shear_range=0.0,
        zoom_range=0.0,
        channel_shift_range=0.0,
        fill_mode='nearest',
        cval=0.0,
        horizontal_flip=False,
        vertical_flip=False,
        rescale=None,
        preprocessing_function=None,
        data_format='channels_last',
        validation_split=0.0,
        interpolation_order=1,
        dtype='float32',
    ):
        self.data_format = check_data_format(data_format)
        first = self.data_format == 'channels_first'
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        if fill_mode not in transforms.FILL_MODES:
            raise ValueError(f'`fill_mode` must be one of {", ".join(transforms.FILL_MODES)}; got {fill_mode!r}.')
        if preprocessing_function is not None and not callable(preprocessing_function):
            raise TypeError(f'`preprocessing_function` must be a function; got {preprocessing_function!r}.')
        if isinstance(zoom_range, numbers.Number):
            zoom_range = (1 - zoom_range, 1 + zoom_range)
        low, high = map(float, zoom_range)
        if low <= 0 or high <= 0:
            raise ValueError(f'`zoom_range` must be factors above 0; got {zoom_range!r}.')
        if (zca_whitening or featurewise_std_normalization) and not featurewise_center:
            name = 'zca_whitening' if zca_whitening else 'featurewise_std_normalization'
            warn(f'`{name}` centres the pictures, too: `featurewise_center` is on.')
            featurewise_center = True
        if zca_whitening and featurewise_std_normalization:
            warn('`zca_whitening` takes the place of `featurewise_std_normalization`, which is off.')
            featurewise_std_normalization = False
        if samplewise_std_normalization and not samplewise_center:
            warn('`samplewise_std_normalization` centres each picture, too: `samplewise_center` is on.')
            samplewise_center = True
        self.featurewise_center = featurewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.mean = self.std = self.principal_components = None
        self.samplewise_center = samplewise_center
        self.samplewise_std_normalization = samplewise_std_normalization
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.brightness_range = None if brightness_range is None else tuple(map(float, brightness_range))
        self.shear_range = shear_range
        self.zoom_range = [low, high]
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.validation_split = self._validation_split = validation_split
        self.interpolation_order = interpolation_order
        self.dtype = dtype or K.floatx()
        try:
            np.dtype(self.dtype)
        except TypeError:
            raise ValueError(f"`dtype` must be a dtype, such as 'float32'; got {dtype!r}.") from None

    def get_random_transform(self, img_shape, seed=None):
        """Draw the parameters of a transform.

        Arguments:
            img_shape: shape of the picture, which shifts are fractions of.
            seed: int; None draws from NumPy's generator.

        Returns:
            Dict for `apply_transform`: 'theta', 'tx', 'ty', 'shear', 'zx', 'zy', 'flip_horizontal', 'flip_vertical', 'channel_shift_intensity' and 'brightness'.
        """
        if np.ndim(img_shape) != 1 or len(img_shape) != 3:
            raise ValueError(f'`img_shape` must be the shape of one picture, with three axes; got {img_shape!r}.')
        if not self._draws():
            return dict(_NOTHING)
        # One number for each kind, always, so that what one generator does not change moves no other draw.
        draw = np.random if seed is None else np.random.RandomState(seed)
        theta, tx, ty, shear, zx, zy, across, down, channel, brightness, up, left = draw.random_sample(12)
        rows, columns = img_shape[self.row_axis - 1], img_shape[self.col_axis - 1]
        low, high = self.zoom_range
        return {
            'theta': _around_zero(theta, self.rotation_range),
            'tx': _shift(tx, up, self.height_shift_range, rows),
            'ty': _shift(ty, left, self.width_shift_range, columns),
            'shear': _around_zero(shear, self.shear_range),
            'zx': low + zx * (high - low),
            'zy': low + zy * (high - low),
            'flip_horizontal': int(across < 0.5 and bool(self.horizontal_flip)),
            'flip_vertical': int(down < 0.5 and bool(self.vertical_flip)),
            'channel_shift_intensity': _around_zero(channel, self.channel_shift_range)
            if self.channel_shift_range
            else None,
            'brightness': None
            if self.brightness_range is None
            else self.brightness_range[0] + brightness * (self.brightness_range[1] - self.brightness_range[0]),
        }

    def _draws(self):
        """Whether anything is left to chance."""
        ranges = (
            self.rotation_range,
            self.shear_range,
            self.channel_shift_range,
            self.horizontal_flip,
            self.vertical_flip,
        )
        shifts = self.width_shift_range, self.height_shift_range
        return (
            any(ranges)
            or self.brightness_range is not None
            or tuple(self.zoom_range) != (1, 1)
            or any(np.any(np.asarray(shift) != 0) for shift in shifts)
        )

    def apply_transform(self, x, transform_parameters):
        """Transform a picture.

        Arguments:
            x: array with three axes.
            transform_parameters: dict, as `get_random_transform` gives it; what is missing is not done.

        Returns:
            A new array; `x` itself where nothing is to be done.
        """
        if not isinstance(transform_parameters, dict):
            raise TypeError(
                f'`transform_parameters` must be a dict, as `get_random_transform` gives it; got {transform_parameters!r}.'
            )
        unknown = sorted(set(transform_parameters) - set(_NOTHING))
        if unknown:
            raise ValueError(f'`transform_parameters` has {unknown[0]!r}; there are {", ".join(map(repr, _NOTHING))}.')
        wanted = dict(_NOTHING, **transform_parameters)
        rows, columns, channels = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        brightness = wanted['brightness']
        if brightness is not None:
            transforms.check_black(x)
            white = transforms.white_of(x)
        x = transforms.apply_affine_transform(
            x,
            row_axis=rows,
            col_axis=columns,
            channel_axis=channels,
            fill_mode=self.fill_mode,
            cval=self.cval,
            order=self.interpolation_order,
            **{name: wanted[name] for name in _AFFINE},
        )
        if wanted['channel_shift_intensity'] is not None:
            x = transforms.apply_channel_shift(x, wanted['channel_shift_intensity'], channels)
        if wanted['flip_horizontal']:
            x = transforms.flip_axis(x, columns)
        if wanted['flip_vertical']:
            x = transforms.flip_axis(x, rows)
        if brightness is not None:
            x = transforms.brightened(x, brightness, white)
        return x

    def random_transform(self, x, seed=None):
        """Transform a picture at random: `apply_transform` by what `get_random_transform` draws."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def standardize(self, x):
        """Standardize a picture, or a batch of them; `samplewise_...` are for one picture.

        Arguments:
            x: array; it is not changed.

        Returns:
            A new array; `x` itself where nothing is to be done.
        """
        if self.preprocessing_function is not None:
            made = self.preprocessing_function(x)
            if np.shape(made) != np.shape(x):
                raise ValueError(
                    f'`preprocessing_function` must return a picture of the shape {np.shape(x)} that it was given; it returned {"None" if made is None else f"the shape {np.shape(made)}"}.'
                )
            x = made
        if self.rescale:
            x = x * self.rescale
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + 1e-6)
        if self.featurewise_center and self._has_fit('mean', 'featurewise_center'):
            x = x - self.mean
        if self.featurewise_std_normalization and self._has_fit('std', 'featurewise_std_normalization'):
            x = x / (self.std + 1e-6)
        if self.zca_whitening and self._has_fit('principal_components', 'zca_whitening'):
            width = len(self.principal_components)
            x = np.dot(x.reshape(-1, width), self.principal_components).reshape(x.shape)
        return x

    def _has_fit(self, statistic, argument):
        if getattr(self, statistic) is not None:
            return True
        warn(
            f'`{argument}` is on, but this ImageDataGenerator has seen no pictures, so it is not done: call `fit(x)` first, or set its attribute `{statistic}`.'
        )
        return False

    def fit(self, x, augment=False, rounds=1, seed=None):
        """Find what the feature-wise arguments need: mean and standard deviation of each channel, and the whitening matrix.

        They are those of `x` as it is given: where there is `rescale` or a `preprocessing_function`, give pictures to which it was applied.

        Arguments:
            x: array of pictures.
            augment: whether they are those of pictures transformed at random.
            rounds: int, how many times each is transformed.
            seed: int for the draws; None draws one from NumPy's generator.
        """
        x = np.asarray(x)
        if x.ndim != 4:
            raise ValueError(f'`x` must have four axes, the first that of the pictures; got the shape {x.shape}.')
        if x.shape[self.channel_axis] not in (1, 3, 4):
            warn(
                f'`x` has {x.shape[self.channel_axis]} channels (axis {self.channel_axis}, by data_format={self.data_format!r}); pictures have 1, 3 or 4. Its shape is {x.shape}.'
            )
        if (self.rescale or self.preprocessing_function) and self.featurewise_center:
            warn(
                '`fit` takes the statistics of `x` as it is, but batches are rescaled and preprocessed first: give pictures to which `rescale` and `preprocessing_function` were applied.'
            )
        x = x.astype(self.dtype)
        if augment:
            if isinstance(rounds, bool) or not isinstance(rounds, (int, np.integer)) or rounds < 1:
                raise ValueError(f'`rounds` must be a positive integer; got {rounds!r}.')
            draw = np.random if seed is None else np.random.RandomState(seed)
            seeds = draw.randint(0, 2**31 - 1, size=(rounds, len(x)))
            x = np.stack([self.random_transform(x[i], int(s)) for line in seeds for i, s in enumerate(line)])
        mean, std = channel_statistics(x, self.channel_axis)
        if self.featurewise_center:
            self.mean = mean
            x = x - mean
        if self.featurewise_std_normalization:
            self.std = std
            x = x / (std + 1e-6)
        if self.zca_whitening:
            self.principal_components = whitening_matrix(x, self.zca_epsilon)

    # -- for the iterators ---------------------------------------------------------------------------------

    def check_use(self, data_format, dtype):
        """Raises ValueError if this generator is not for such batches."""
        if data_format != self.data_format:
            raise ValueError(
                f'The data format of the batches is {data_format!r}, that of the ImageDataGenerator {self.data_format!r}: give both the same.'
            )
        if np.dtype(dtype).kind in 'iub' and self._standardizes():
            raise ValueError(f'`dtype` {dtype} does not hold standardized pictures; use a dtype of floats.')

    def _standardizes(self):
        by_picture = self.samplewise_center or self.samplewise_std_normalization
        return bool(self.rescale or by_picture or self.featurewise_center or self.zca_whitening)

    def fill(self, batch, pictures, seeds):
        """Write pictures, transformed and standardized, into a batch.

        Arguments:
            batch: the array to write into.
            pictures: iterable of as many arrays.
            seeds: list of as many ints, for `get_random_transform`.
        """
        if self._all_at_once():
            for place, picture in zip(batch, pictures):
                place[...] = picture
            if self._standardizes():
                batch[...] = self.standardize(batch)
            return
        for place, picture, seed in zip(batch, pictures, seeds):
            picture = np.array(picture, dtype=batch.dtype)
            parameters = self.get_random_transform(picture.shape, seed)
            place[...] = self.standardize(self.apply_transform(picture, parameters))

    def _all_at_once(self):
        """Whether pictures need only be standardized, which is done for a whole batch where the result is the same."""
        own = PictureProcessor
        changed = any(
            getattr(type(self), name) is not getattr(own, name)
            for name in ('get_random_transform', 'apply_transform', 'standardize')
        )
        by_picture = self.preprocessing_function or self.samplewise_center or self.samplewise_std_normalization
        return not (changed or by_picture or self._draws())


def _around_zero(number, reach):
    """A number from 0 to 1 as one from -reach to reach."""
    return (2 * number - 1) * reach if reach else 0


def _shift(number, sign, reach, size):
    """Pixels for two numbers from 0 to 1."""
    if isinstance(reach, (int, np.integer)) and not isinstance(reach, bool):
        choices = np.arange(reach)
    elif np.ndim(reach):
        choices = np.ravel(reach)
    else:
        pixels = _around_zero(number, reach)
        return pixels * size if reach < 1 else pixels
    if not len(choices):
        return 0
    pixels = float(choices[int(number * len(choices))]) * (1 if sign < 0.5 else -1)
    return pixels * size if np.max(choices) < 1 and not isinstance(reach, (int, np.integer)) else pixels
