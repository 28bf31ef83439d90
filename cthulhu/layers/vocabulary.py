"""What encodes values by their places: what it may give, the data that it adapts to, and vocabularies."""

import collections

import numpy as np


def check_output(encoder, output_mode, sparse):
    """Raise ValueError for an output mode that an object, whose modes are in `modes`, does not have."""
    owner = type(encoder).__name__
    if output_mode not in encoder.modes:
        raise ValueError(
            f'{owner}: `output_mode` is one of {", ".join(map(repr, encoder.modes))}; got {output_mode!r}.'
        )
    if sparse:
        raise ValueError(f'{owner}: `sparse=True` is not available; the output is dense.')


def batches_of(data, steps=None):
    """The arrays that `adapt` is given: one, or those of an iterable of batches, `steps` of them at most. A batch may be a tuple that begins with it."""
    is_one = hasattr(data, 'shape') or isinstance(data, list) and data and np.ndim(data[0]) == 0
    for number, batch in enumerate([data] if is_one else data):
        if steps is not None and number >= steps:
            return
        yield np.asarray(batch[0] if isinstance(batch, tuple) else batch)


class Vocabulary:
    """Values by their places: those of the mask and of the unknown, which a subclass gives in `special_values`, then the vocabulary."""

    modes = ('int', 'one_hot', 'multi_hot', 'count')
    #: The class of a value, and what it is sorted by.
    value_class, sort_key = str, staticmethod(str.encode)
    max_tokens = vocabulary = mask_token = None
    oov_token, pad_to_max_tokens = '[UNK]', False

    def special_values(self):
        """List of what stands before the vocabulary."""
        unknown = [self.oov_token] * self.num_oov_indices
        return [self.mask_token] * (self.mask_token is not None and self.output_mode == 'int') + unknown

    num_oov_indices = 1

    def set_vocabulary(self, vocabulary):
        """Give the vocabulary, a list of values, with or without those of the mask and of the unknown.

        Raises:
            ValueError: a value is there twice, or there are too many.
        """
        found, first, owner = (
            [self.value_class(value) for value in vocabulary],
            self.special_values(),
            type(self).__name__,
        )
        found = found[len(first) :] if found[: len(first)] == first else found
        twice = [value for value, count in collections.Counter(found + list(dict.fromkeys(first))).items() if count > 1]
        if twice:
            raise ValueError(
                f'{owner}: `vocabulary` has a value twice, or the one of the mask or of the unknown: {twice[0]!r}.'
            )
        if self.max_tokens is not None and len(found) + len(first) > self.max_tokens:
            raise ValueError(
                f'{owner}: `max_tokens` is {self.max_tokens}, and `vocabulary` has {len(found)} values, to which {len(first)} places come.'
            )
        self.vocabulary = found

    def get_vocabulary(self, include_special_tokens=True):
        """The values by place: a list; without those of the mask and of the unknown if so wished."""
        return (self.special_values() if include_special_tokens else []) + list(self.vocabulary or [])

    def vocabulary_size(self):
        """How many places there are."""
        return len(self.get_vocabulary())

    def learn(self, values):
        """Take what is most frequent among values for the vocabulary; of equally frequent ones the greater first."""
        counts = collections.Counter(values)
        for special in (self.mask_token, self.oov_token, ''):
            counts.pop(special, None)
        found = sorted(counts, key=type(self).sort_key, reverse=True)
        found.sort(key=lambda value: -counts[value])
        room = None if self.max_tokens is None else max(self.max_tokens - len(self.special_values()), 0)
        self.set_vocabulary(found[:room])

    @property
    def depth(self):
        """The length of vectors."""
        return self.max_tokens if self.pad_to_max_tokens else self.vocabulary_size()

    def require_vocabulary(self):
        """Raise ValueError where there is none yet."""
        if self.vocabulary is None:
            raise ValueError(f'{type(self).__name__} has no vocabulary yet: give it one, or call `adapt(data)` first.')
