"""ImageDataGenerator: batches of pictures, transformed at random and standardized."""

from cthulhu.preprocessing.image.dataframe_iterator import DataFrameIterator
from cthulhu.preprocessing.image.directory_iterator import DirectoryIterator
from cthulhu.preprocessing.image.numpy_iterator import NumpyArrayIterator
from cthulhu.preprocessing.image.processor import PictureProcessor


class ImageDataGenerator(PictureProcessor):
    """Transforms pictures at random, standardizes them, and gives them in batches: of arrays, of folders, or of files that a table names.

    Each picture is first transformed: turned, moved, sheared and zoomed in one step, then shifted in its channels, flipped, made brighter or darker. Then it
    is standardized: by `preprocessing_function`, `rescale`, and the sample-wise and feature-wise arguments, in this order.

    The draws for a picture depend on the seed, the epoch and its number, and each kind of transform has draws of its own. So two generators with
    one seed turn, move, shear, zoom and flip alike, also where only one of them changes brightness: a picture and its mask stay together.

    Arguments:
        featurewise_center, featurewise_std_normalization: whether the mean of all pictures is subtracted, and their standard deviation divided by, channel
            by channel; `fit` finds them.
        samplewise_center, samplewise_std_normalization: the same with the mean and the standard deviation of each picture.
        zca_whitening, zca_epsilon: whether values are decorrelated by what `fit` finds; a small number that is added to their variances.
        rotation_range: degrees by which it is turned at most.
        width_shift_range, height_shift_range: how far it is moved at most: a float below 1 is a fraction of its size, one from 1 up a number of pixels; of an int
            n, one of the whole numbers from -n + 1 to n - 1; of a list, one of its numbers, up or down.
        brightness_range: (low, high), what values are multiplied by (`apply_brightness_shift`).
        shear_range: degrees by which it is sheared at most.
        zoom_range: (low, high), or a number z for (1 - z, 1 + z); along rows and columns independently.
        channel_shift_range: the largest number that is added to all values (`apply_channel_shift`).
        fill_mode, cval: what is beyond the border, as for `apply_affine_transform`.
        horizontal_flip, vertical_flip: whether half of them are flipped left to right, upside down.
        rescale: number that values are multiplied by, or None.
        preprocessing_function: function, array of one picture -> array of the same shape. Draws of its own from NumPy's generator do not
            follow from the seed of the iterator.
        data_format: 'channels_last' or 'channels_first'; None for that of the settings.
        validation_split: fraction of the samples that is the subset 'validation'.
        interpolation_order: of the splines when it is turned, moved, sheared or zoomed; 0 for a mask.
        dtype: of the batches; `floatx()` if None.
    """

    def flow(
        self,
        x,
        y=None,
        batch_size=32,
        shuffle=True,
        sample_weight=None,
        seed=None,
        save_to_dir=None,
        save_prefix='',
        save_format='png',
        subset=None,
    ):
        """Batches of pictures in an array.

        Arguments:
            x: array of four axes; or a pair (such an array, list of further inputs of the model), which go along unchanged.
            y: targets, or None for batches of pictures alone.
            batch_size: int.
            shuffle: whether the pictures are mixed, anew in each epoch.
            sample_weight: weights, or None.
            seed: int for the order and the draws; None draws one from NumPy's generator.
            save_to_dir, save_prefix, save_format: folder into which all pictures are written as they are given, or None; how their names begin and end.
            subset: 'training' or 'validation', which is the first `validation_split` of the arrays; None for all.

        Returns:
            A NumpyArrayIterator, which is a Sequence of batches `x`, `(x, y)` or `(x, y, sample_weight)`.
        """
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            dtype=self.dtype,
        )

    def flow_from_directory(
        self,
        directory,
        target_size=(256, 256),
        color_mode='rgb',
        classes=None,
        class_mode='categorical',
        batch_size=32,
        shuffle=True,
        seed=None,
        save_to_dir=None,
        save_prefix='',
        save_format='png',
        follow_links=False,
        subset=None,
        interpolation='nearest',
    ):
        """Batches of the pictures in the folders of a folder, each of which is a class.

        Arguments:
            directory: the folder. In the folders of the classes there may be further folders. Folders whose name begins with a dot are no classes.
            target_size: (height, width) of all.
            color_mode: 'rgb', 'rgba' or 'grayscale'; see `load_img`.
            classes: list of the names of the folders, in the order of their numbers; None for all, in the order of the alphabet.
            class_mode: what the targets are: 'categorical' (one-hot), 'binary' or 'sparse' (numbers), 'input' (the pictures), or None for batches
                of pictures alone.
            follow_links: whether links that lead out of the folder are followed, and links to folders. If not, they are left out, with a warning.
            subset: 'training' or 'validation', which is the first `validation_split` of each class; None for all.
            interpolation: how pictures of another size are resized; see `load_img`.
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format: as for `flow`.

        Returns:
            A DirectoryIterator, which is a Sequence.

        Raises:
            FileNotFoundError: if there is no such folder.
            ValueError: if there are no pictures.
        """
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
        )

    def flow_from_dataframe(
        self,
        dataframe,
        directory=None,
        x_col='filename',
        y_col='class',
        weight_col=None,
        target_size=(256, 256),
        color_mode='rgb',
        classes=None,
        class_mode='categorical',
        batch_size=32,
        shuffle=True,
        seed=None,
        save_to_dir=None,
        save_prefix='',
        save_format='png',
        subset=None,
        interpolation='nearest',
        validate_filenames=True,
        **kwargs,
    ):
        """Batches of the pictures that a table names.

        Arguments:
            dataframe: DataFrame of pandas or polars, or a dict of lists.
            directory: folder from which on the names are paths; None if they are whole paths.
            x_col: the column of the names.
            y_col: the column of the targets; a list of columns for 'raw' and 'multi_output'.
            weight_col: the column of the sample weights, or None.
            classes: list of classes; rows of others are left out. None for all. They are numbered in the order of the alphabet.
            class_mode: what the targets are: 'categorical' (one-hot; the column may hold lists of classes), 'binary' or 'sparse' (numbers of
                classes), 'raw' (the numbers in the column or the columns), 'multi_output' (a list of the columns' numbers), 'input' (the pictures),
                or None for batches of pictures alone.
            subset: 'training' or 'validation', which is the first `validation_split` of the rows; None for all.
            validate_filenames: whether the files are looked for at the beginning, and rows without a picture left out, with a warning.
            target_size, color_mode, interpolation: as for `flow_from_directory`.
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format: as for `flow`.

        Returns:
            A DataFrameIterator, which is a Sequence.
        """
        if kwargs:
            raise TypeError(f'flow_from_dataframe knows no argument {sorted(kwargs)[0]!r}.')
        return DataFrameIterator(
            dataframe,
            directory,
            self,
            x_col=x_col,
            y_col=y_col,
            weight_col=weight_col,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
            validate_filenames=validate_filenames,
        )
