"""Sequence: data in numbered batches."""

import operator


class Sequence:
    """Data as numbered batches, which can be computed in any order and by several workers at once.

    A subclass defines `__len__`, the number of batches, and `__getitem__(index)`, one batch: `(inputs, targets)` or `(inputs, targets, sample_weights)`.
    `on_epoch_end` may change the data between epochs.

    Example:
        >>> class Squares(Sequence):
        ...     def __len__(self):
        ...         return 10
        ...     def __getitem__(self, index):
        ...         x = np.arange(index * 32, index * 32 + 32)
        ...         return x, x ** 2
    """

    def __getitem__(self, index):
        """Batch number `index`."""
        raise NotImplementedError(
            f'{type(self).__name__} must define `__getitem__(self, index)`, which returns a batch.'
        )

    def __len__(self):
        """The number of batches."""
        raise NotImplementedError(f'{type(self).__name__} must define `__len__(self)`, the number of its batches.')

    def on_epoch_end(self):
        """Called once after each epoch."""

    def __iter__(self):
        """The batches of one epoch, in order."""
        for index in range(len(self)):
            yield self[index]


def batch_number(sequence, index, error=IndexError):
    """The index of a batch from 0 on; -1 is the last one.

    Arguments:
        sequence: the Sequence.
        index: what was asked for.
        error: class of the error for a batch that there is not.

    Raises:
        TypeError: for what is not one whole number.
    """
    kind = type(sequence).__name__
    try:
        index = operator.index(index)
    except TypeError:
        several = ' For several of them: [batches[i] for i in range(...)].' if isinstance(index, (slice, list)) else ''
        raise TypeError(f'{kind} gives one batch at a time, by its number; got {index!r}.{several}') from None
    if not -len(sequence) <= index < len(sequence):
        raise error(f'Asked for batch number {index}; {kind} has {len(sequence)}.')
    return index % len(sequence)
