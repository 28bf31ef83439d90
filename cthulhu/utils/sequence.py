"""Sequence: data in numbered batches."""


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
