"""Iterator: numbered samples in batches, in an order and with draws that depend on a seed, the epoch and the sample alone."""

import os
import threading

import numpy as np

from cthulhu.preprocessing.image.pictures import array_to_img, check_file_format
from cthulhu.utils.arguments import checked
from cthulhu.utils.sequence import Sequence, batch_number


class Iterator(Sequence):
    """The base: batches of `n` samples, as a Sequence, and one after the other without end by `next`.

    A subclass defines `_get_batches_of_transformed_samples(index_array)`, the batch of the samples of these numbers.

    The order of an epoch, and the seed that each sample has in it (`seeds_of`), follow from the seed, the number of the epoch and the number of the
    sample. So a batch is the same whoever computes it, and in whatever order; two Iterators with one seed draw alike for sample i.

    Arguments:
        n: int, the number of samples.
        batch_size: int; the last batch of an epoch may be smaller.
        shuffle: whether the samples are mixed, anew in each epoch. The order is that of Keras for the same seed.
        seed: int from 0 to 2**32 - 1; None draws one from NumPy's generator.

    Attributes:
        epoch: int, how many epochs have ended.
        index_array: the order of the samples in this epoch.
        batch_index: int, the batch that `next` gives next.
        total_batches_seen: int, the batches of the epochs that have ended, and those that `next` gave of this one.
        lock: held by `next`.
    """

    @checked
    def __init__(self, n, batch_size, shuffle, seed):
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self._drawn_seed = int(np.random.randint(0, 2**31 - 1)) if seed is None else int(seed)
        self.epoch = 0
        self.batch_index = 0
        self._epoch_is_over = False
        self._order = self._seeds = None
        self.lock = threading.RLock()

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != 'lock'}

    def __setstate__(self, state):
        vars(self).update(state, lock=threading.RLock())

    def __len__(self):
        return -(-self.n // self.batch_size)

    @property
    def index_array(self):
        # Two threads may both compute it: they come to the same.
        epoch, order = self._order or (None, None)
        if epoch != (self.epoch, self.shuffle):
            epoch, order = (self.epoch, self.shuffle), np.arange(self.n)
            if self.shuffle:
                draw = np.random.RandomState((self._drawn_seed + self.epoch * len(self)) % 2**32)
                order = draw.permutation(self.n)
            self._order = epoch, order
        return order

    def seeds_of(self, index_array):
        """A list of ints, the seeds from which the samples of these numbers draw in this epoch."""
        epoch, seeds = self._seeds or (None, None)
        if epoch != self.epoch:
            epoch = self.epoch
            seeds = np.random.RandomState([self._drawn_seed, epoch]).randint(0, 2**31 - 1, size=self.n, dtype='int64')
            self._seeds = epoch, seeds
        return seeds[index_array].tolist()

    @property
    def total_batches_seen(self):
        return (self.epoch + self._epoch_is_over) * len(self) + self.batch_index

    def __getitem__(self, index):
        start = batch_number(self, index, ValueError) * self.batch_size
        return self._get_batches_of_transformed_samples(self.index_array[start : start + self.batch_size])

    def __iter__(self):
        return self

    def __next__(self):
        return self.next()

    def next(self):
        """The next batch. After the last one of an epoch comes the first of the next epoch."""
        with self.lock:
            if not self.n:
                raise StopIteration
            if self._epoch_is_over:
                self.on_epoch_end()
            batch = self[self.batch_index]
            self.batch_index = (self.batch_index + 1) % len(self)
            self._epoch_is_over = not self.batch_index
            return batch

    def reset(self):
        """Let `next` begin with the first batch of a new epoch."""
        if self.batch_index or self._epoch_is_over:
            self.on_epoch_end()
        self.batch_index = 0

    def on_epoch_end(self):
        """Begin the next epoch: another order, if `shuffle`, and other draws."""
        self._epoch_is_over = False
        self.epoch += 1

    def _get_batches_of_transformed_samples(self, index_array):
        raise NotImplementedError(
            f'{type(self).__name__} must define `_get_batches_of_transformed_samples(self, index_array)`, which returns a batch.'
        )


class PictureIterator(Iterator):
    """An Iterator that may save the pictures that it gives.

    Arguments:
        save_to_dir: folder into which each picture of each batch is written, or None.
        save_prefix: how the names of these files begin.
        save_format: 'png', 'jpeg', ...
        data_format: 'channels_last' or 'channels_first'.
    """

    def __init__(self, n, batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, data_format):
        super().__init__(n, batch_size, shuffle, seed)
        if save_to_dir is not None:
            if not os.path.isdir(save_to_dir):
                raise FileNotFoundError(f'`save_to_dir` must be a folder that exists; there is no {save_to_dir!r}.')
            check_file_format(save_format, 'save_format')
            if not isinstance(save_prefix, str):
                raise TypeError(f'`save_prefix` must be a str; got {save_prefix!r}.')
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.data_format = data_format

    def _save(self, batch, index_array):
        """Write the pictures of a batch, if that is asked for, as prefix_number-of-the-sample_seed."""
        if self.save_to_dir is None:
            return
        for picture, number, seed in zip(batch, index_array, self.seeds_of(index_array)):
            name = f'{self.save_prefix}_{number}_{seed}.{self.save_format}'
            image = array_to_img(picture, self.data_format, scale=True)
            if self.save_format.lower() in ('jpg', 'jpeg') and image.mode == 'RGBA':
                image = image.convert('RGB')
            image.save(os.path.join(self.save_to_dir, name))
