"""NumpyArrayIterator: batches of pictures that are in memory."""

import numpy as np

from cthulhu import backend as K
from cthulhu.callers import warn
from cthulhu.preprocessing.image.file_iterator import split_of
from cthulhu.preprocessing.image.iterator import PictureIterator
from cthulhu.preprocessing.image.pictures import check_data_format
from cthulhu.utils.arguments import checked


class NumpyArrayIterator(PictureIterator):
    """Batches of pictures in an array; see `ImageDataGenerator.flow`."""

    @checked
    def __init__(
        self,
        x,
        y,
        image_data_generator,
        batch_size=32,
        shuffle=False,
        sample_weight=None,
        seed=None,
        data_format=None,
        save_to_dir=None,
        save_prefix='',
        save_format='png',
        subset=None,
        dtype=None,
    ):
        data_format = check_data_format(data_format)
        misc = []
        if isinstance(x, (tuple, list)) and len(x) == 2 and not np.isscalar(x[1]) and np.ndim(x[0]) == 4:
            x, misc = x
            misc = [np.asarray(array) for array in (misc if isinstance(misc, (list, tuple)) else [misc])]
        x = np.asarray(x)
        others = [(f'`x[1][{i}]`', array) for i, array in enumerate(misc)]
        for name, value in (('`y`', y), ('`sample_weight`', sample_weight)):
            if value is not None:
                others.append((name, np.asarray(value)))
        for name, array in others:
            if array.ndim == 0 or len(array) != len(x):
                raise ValueError(
                    f'{name} must have as many rows as there are pictures in `x`; got the shapes {array.shape} and {x.shape}.'
                )
        if sample_weight is not None and y is None:
            raise ValueError('`sample_weight` is nothing without `y`: give the targets, too.')
        if x.ndim != 4:
            raise ValueError(
                f'`x` must have four axes: the pictures, their height and width, their channels in the order of the data format; got the shape {x.shape}.'
            )
        axis = 3 if data_format == 'channels_last' else 1
        if x.shape[axis] not in (1, 3, 4):
            warn(
                f'`x` has {x.shape[axis]} channels (axis {axis}, by data_format={data_format!r}); pictures have 1, 3 or 4. Its shape is {x.shape}.'
            )
        y = None if y is None else np.asarray(y)
        sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        split = split_of(subset, image_data_generator)
        if split is not None:
            border = int(image_data_generator.validation_split * len(x))
            _check_classes(y, border)
            part = slice(0, border) if subset == 'validation' else slice(border, None)
            x, misc = x[part], [array[part] for array in misc]
            y = None if y is None else y[part]
            sample_weight = None if sample_weight is None else sample_weight[part]
        if not len(x):
            raise ValueError(f'`x` has no pictures{f" in the subset {subset!r}" if subset else ""}.')
        self.x = x
        self.x_misc = misc
        self.y = y
        self.sample_weight = sample_weight
        self.image_data_generator = image_data_generator
        self.dtype = dtype or K.floatx()
        image_data_generator.check_use(data_format, self.dtype)
        super().__init__(len(x), batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, data_format)

    def _get_batches_of_transformed_samples(self, index_array):
        batch = np.empty((len(index_array),) + self.x.shape[1:], dtype=self.dtype)
        self.image_data_generator.fill(batch, (self.x[i] for i in index_array), self.seeds_of(index_array))
        self._save(batch, index_array)
        x = [batch] + [array[index_array] for array in self.x_misc] if self.x_misc else batch
        if self.y is None:
            return x
        if self.sample_weight is None:
            return x, self.y[index_array]
        return x, self.y[index_array], self.sample_weight[index_array]


def _check_classes(y, border):
    """Raises ValueError if the targets are classes, and one part of the samples lacks some that the other has.

    Numbers that are no classes, as in regression, are not compared.
    """
    if y is None or y.dtype.kind not in 'OUSbiuf':
        return
    if y.dtype.kind == 'f' and not np.array_equal(y, np.round(y)):
        return
    if y.ndim == 1 or y.ndim == 2 and y.shape[1] == 1:
        found = [set(np.ravel(part).tolist()) for part in (y[:border], y[border:])]
    elif y.ndim == 2 and y.dtype.kind in 'biuf' and np.all(np.sum(y != 0, axis=1) == 1) and np.all((y == 0) | (y == 1)):
        found = [set(np.argmax(part, axis=1).tolist()) for part in (y[:border], y[border:])]
    else:
        return
    if found[0] != found[1]:
        raise ValueError(
            'Training and validation subsets have different classes after the split: {} and {}. The validation is the first part of the arrays: if they are sorted by their labels, shuffle them.'.format(
                *(sorted(map(str, part))[:10] for part in found[::-1])
            )
        )
