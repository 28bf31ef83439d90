"""FileIterator: batches of pictures that are read from files."""

import numpy as np

from cthulhu import backend as K
from cthulhu.preprocessing.image import pictures, reading
from cthulhu.preprocessing.image.iterator import PictureIterator
from cthulhu.preprocessing.image.processor import PictureProcessor

SUBSETS = ('training', 'validation')


class FileIterator(PictureIterator):
    """The base of the Iterators over files. A subclass finds them, and then calls `_begin`.

    Arguments:
        image_data_generator: ImageDataGenerator that transforms and standardizes; None leaves the pictures as they are.
        target_size: (height, width) of all.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        data_format: 'channels_last', 'channels_first', or None for that of the settings.
        subset: 'training' or 'validation', for a generator with `validation_split`; None for all.
        interpolation: how pictures of another size are resized.
        dtype: of the batches; `floatx()` if None.
        class_mode: what the targets are.

    Attributes:
        filenames: list of the names as they were found; filepaths: of the whole paths.
        samples, n: how many there are.
        image_shape: of one picture in a batch.
    """

    allowed_class_modes = ()
    white_list_formats = pictures.EXTENSIONS

    def __init__(
        self, image_data_generator, target_size, color_mode, data_format, subset, interpolation, dtype, class_mode
    ):
        if class_mode not in self.allowed_class_modes:
            allowed = ', '.join(map(repr, self.allowed_class_modes))
            raise ValueError(f'`class_mode` must be one of {allowed}; got {class_mode!r}.')
        pictures.check_color_mode(color_mode)
        pictures.check_interpolation(interpolation)
        self.image_data_generator = generator = (
            PictureProcessor() if image_data_generator is None else image_data_generator
        )
        self.target_size = tuple(target_size)
        self.color_mode = color_mode
        self.data_format = pictures.check_data_format(data_format)
        channels = (pictures.COLOR_MODES[color_mode],)
        first = self.data_format == 'channels_first'
        self.image_shape = channels + self.target_size if first else self.target_size + channels
        self.subset = subset
        self.split = split_of(subset, generator)
        self.interpolation = interpolation
        self.dtype = dtype or K.floatx()
        self.class_mode = class_mode
        generator.check_use(self.data_format, self.dtype)
        reading.prepare()

    def _begin(self, filenames, filepaths, batch_size, shuffle, seed, save_to_dir, save_prefix, save_format):
        self.filenames = filenames
        self._filepaths = filepaths
        self.samples = len(filepaths)
        super().__init__(
            self.samples, batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, self.data_format
        )

    @property
    def filepaths(self):
        """The whole paths of the files."""
        return self._filepaths

    @property
    def labels(self):
        """The targets of all samples, None where there are none."""
        raise NotImplementedError(f'{type(self).__name__} must define `labels`.')

    @property
    def sample_weight(self):
        """The weights of all samples, or None."""
        return None

    def _get_batches_of_transformed_samples(self, index_array):
        batch = np.empty((len(index_array),) + self.image_shape, dtype=self.dtype)
        paths = [self.filepaths[number] for number in index_array.tolist()]
        found = reading.read_pictures(
            paths, self.color_mode, self.target_size[::-1], self.interpolation, self.data_format
        )
        self.image_data_generator.fill(batch, found, self.seeds_of(index_array))
        self._save(batch, index_array)
        if self.class_mode is None:
            return batch
        targets = self._targets(batch, index_array)
        if self.sample_weight is None:
            return batch, targets
        return batch, targets, self.sample_weight[index_array]

    def _targets(self, batch, index_array):
        """The targets of a batch, by `class_mode`."""
        if self.class_mode == 'input':
            return batch.copy()
        if self.class_mode in ('binary', 'sparse'):
            return np.array([self.classes[i] for i in index_array], dtype=self.dtype)
        targets = np.zeros((len(index_array), len(self.class_indices)), dtype=self.dtype)
        for row, number in zip(targets, index_array):
            row[self.classes[number]] = 1
        return targets


def split_of(subset, generator):
    """The part of the samples that a subset is: (from, to) as fractions; None for all.

    Raises:
        ValueError: for another subset, or a generator without `validation_split`.
    """
    if subset is None:
        return None
    if subset not in SUBSETS:
        raise ValueError(f"`subset` must be 'training', 'validation' or None; got {subset!r}.")
    fraction = generator.validation_split
    if not fraction:
        raise ValueError(
            f'subset={subset!r} needs an ImageDataGenerator with `validation_split`, from which it is known what part it is.'
        )
    return (0, fraction) if subset == 'validation' else (fraction, 1)


def part_of(items, split):
    """The items that a split leaves."""
    if split is None:
        return items
    return items[int(split[0] * len(items)) : int(split[1] * len(items))]
