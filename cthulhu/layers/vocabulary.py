"""What encodes values by their places: what it may give, the data that it adapts to, and vocabularies."""

import collections

import numpy as np
import scipy.sparse

from cthulhu.storage import budget


def check_output(encoder, output_mode, sparse):
    """Raise ValueError for an output mode that an object, whose modes are in `modes`, does not have, or that is not `sparse` there."""
    owner = type(encoder).__name__
    if output_mode not in encoder.modes:
        raise ValueError(
            f'{owner}: `output_mode` is one of {", ".join(map(repr, encoder.modes))}; got {output_mode!r}.'
        )
    if sparse and not encoder.gives_sparse:
        raise ValueError(f'{owner}: `sparse=True` is not available; the output is dense.')
    if sparse and output_mode == 'int':
        raise ValueError(f"{owner}: `sparse=True` is for vectors, and `output_mode='int'` gives places.")


def vectors(rows, depth, sparse, weights=None, once=False):
    """Vectors (rows, depth) of lists of places: how often each is there.

    Arguments:
        rows: list of lists of ints; those below 0 are not counted.
        depth: int.
        sparse: bool, whether they are a `scipy.sparse.csr_matrix`, else an array.
        weights: array (depth,) that counts are multiplied by, or None.
        once: bool, whether each place counts once.
    """
    rows = [[place for place in row if place >= 0] for row in rows]
    ends = np.cumsum([0] + [len(row) for row in rows])
    places = np.array([place for row in rows for place in row], 'int64')
    found = scipy.sparse.csr_matrix((np.ones(len(places), 'float32'), places, ends), (len(rows), depth))
    found.sum_duplicates()
    if once:
        found.data[:] = 1.0
    if weights is not None:
        found.data *= np.asarray(weights, 'float32')[found.indices]
    return found if sparse else found.toarray()


def batches_of(data, steps=None):
    """The arrays that `adapt` is given: one, or those of an iterable of batches, `steps` of them at most. A batch may be a tuple that begins with it."""
    is_one = hasattr(data, 'shape') or isinstance(data, list) and data and np.ndim(data[0]) == 0
    for number, batch in enumerate([data] if is_one else data):
        if steps is not None and number >= steps:
            return
        yield np.asarray(batch[0] if isinstance(batch, tuple) else batch)


class Vocabulary:
    """Values by their places: those of the mask and of the unknown, which a subclass gives in `special_values`, then the vocabulary."""

    modes = ('int', 'one_hot', 'multi_hot', 'count', 'tf_idf')
    gives_sparse = True
    #: The class of a value, and what it is sorted by.
    value_class, sort_key = str, staticmethod(str.encode)
    max_tokens = vocabulary = mask_token = idf_weights = None
    oov_token, pad_to_max_tokens = '[UNK]', False

    def special_values(self):
        """List of what stands before the vocabulary."""
        budget.draw('bytes', 32 * self.num_oov_indices, f'A list of {self.num_oov_indices} places for the unknown')
        unknown = [self.oov_token] * self.num_oov_indices
        return [self.mask_token] * (self.mask_token is not None and self.output_mode == 'int') + unknown

    num_oov_indices = 1

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Give the vocabulary.

        Arguments:
            vocabulary: list of values, with or without those of the mask and of the unknown.
            idf_weights: for `output_mode='tf_idf'`, a list of floats, the weight of each value without these; the unknown has their mean.

        Raises:
            ValueError: a value is there twice, or there are too many; there are not as many weights, or they are for another mode.
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
        if (idf_weights is not None) != (self.output_mode == 'tf_idf'):
            raise ValueError(
                f"{owner}: `idf_weights` goes with a vocabulary that is given for `output_mode='tf_idf'`; got {idf_weights!r} for {self.output_mode!r}."
            )
        if idf_weights is not None:
            idf_weights = [float(weight) for weight in idf_weights]
            if len(idf_weights) != len(found):
                raise ValueError(
                    f'{owner}: `idf_weights` has one weight for each value of the vocabulary, {len(found)}; got {len(idf_weights)}.'
                )
        self.vocabulary, self.idf_weights = found, idf_weights

    def weights_of_places(self):
        """The weight of each place of a vector, an array; None but for 'tf_idf'."""
        if self.idf_weights is None:
            return None
        found = np.zeros(self.depth, 'float32')
        start = len(self.special_values())
        found[:start] = np.mean(self.idf_weights) if self.idf_weights else 0.0
        found[start : start + len(self.idf_weights)] = self.idf_weights
        return found

    def get_vocabulary(self, include_special_tokens=True):
        """The values by place: a list; without those of the mask and of the unknown if so wished."""
        return (self.special_values() if include_special_tokens else []) + list(self.vocabulary or [])

    def vocabulary_size(self):
        """How many places there are."""
        return len(self.get_vocabulary())

    def learn(self, documents):
        """Take what is most frequent in documents, lists of values, for the vocabulary; of equally frequent values the greater first.

        The weight of a value is log(1 + documents / (1 + documents with it)).
        """
        counts, holding, number = collections.Counter(), collections.Counter(), 0
        for document in documents:
            counts.update(document)
            holding.update(set(document))
            number += 1
        for special in (self.mask_token, self.oov_token, ''):
            counts.pop(special, None)
        found = sorted(counts, key=type(self).sort_key, reverse=True)
        found.sort(key=lambda value: -counts[value])
        room = None if self.max_tokens is None else max(self.max_tokens - len(self.special_values()), 0)
        found, weights = found[:room], None
        if self.output_mode == 'tf_idf':
            weights = np.log(1.0 + number / (1.0 + np.array([holding[value] for value in found]))).tolist()
        self.set_vocabulary(found, weights)

    @property
    def depth(self):
        """The length of vectors."""
        return self.max_tokens if self.pad_to_max_tokens else self.vocabulary_size()

    def require_vocabulary(self):
        """Raise ValueError where there is none yet."""
        if self.vocabulary is None:
            raise ValueError(f'{type(self).__name__} has no vocabulary yet: give it one, or call `adapt(data)` first.')
