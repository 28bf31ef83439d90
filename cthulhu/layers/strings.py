"""What makes numbers of texts, before a model: it is called with arrays and lists, and gives arrays. No backend computes with texts, so these are no layers."""

import re

import numpy as np

from cthulhu.layers.vocabulary import Vocabulary, check_output, vectors
from cthulhu.utils.arguments import checked
from cthulhu.utils.fingerprints import fingerprint64
from cthulhu.utils.kinds import is_symbolic
from cthulhu.utils.reprs import settings_repr

__all__ = ['StringLookup', 'TextVectorization']

_PUNCTUATION = re.compile('[' + re.escape('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\'') + ']')


def _texts(thing, data):
    """An array of texts, of whatever holds some."""
    if is_symbolic(data):
        raise TypeError(
            f'{type(thing).__name__} is called with texts in an array or a list, before the model: no backend computes with texts. Give the model what it returns.'
        )
    data = np.asarray(data)
    if data.dtype.kind == 'S' or data.dtype == object and data.size and isinstance(data.ravel()[0], bytes):
        data = np.array([text.decode('utf-8') for text in data.ravel()], dtype=object).reshape(data.shape)
    if data.size and not all(isinstance(text, str) for text in data.ravel().tolist()):
        raise TypeError(f'{type(thing).__name__} takes texts; got an array of {data.dtype}.')
    return data


class _Lookup(Vocabulary):
    """What looks texts up."""

    def _prepare(self, max_tokens, output_mode, sparse, pad_to_max_tokens, vocabulary, idf_weights):
        check_output(self, output_mode, sparse)
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f'{type(self).__name__}: `pad_to_max_tokens` needs `max_tokens`.')
        self.max_tokens, self.output_mode, self.sparse = max_tokens, output_mode, sparse
        self.pad_to_max_tokens = pad_to_max_tokens
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ValueError(f'{type(self).__name__}: `idf_weights` needs `vocabulary`.')

    __repr__ = settings_repr

    def set_vocabulary(self, vocabulary, idf_weights=None):
        super().set_vocabulary(vocabulary, idf_weights)
        self._places = {text: place for place, text in enumerate(self.get_vocabulary())}
        self._unknown = len(self.special_values()) - 1
        if self.num_oov_indices > 1:
            self._places.pop(self.oov_token, None)

    def _place(self, text):
        if text == self.mask_token and self.output_mode != 'int':  # which is in no vector
            return -1
        place = self._places.get(text, self._unknown)
        if place == self._unknown and self.num_oov_indices > 1:
            place += 1 - self.num_oov_indices + fingerprint64(text.encode('utf-8')) % self.num_oov_indices
        return place

    def _vectors(self, rows):
        """Vectors (rows, places) of lists of places."""
        return vectors(rows, self.depth, self.sparse, self.weights_of_places(), self.output_mode == 'multi_hot')

    @classmethod
    def from_config(cls, config):
        """Make one of what `get_config` gave."""
        return cls(**config)


class StringLookup(_Lookup):
    """Makes the number of its place in a vocabulary of each text, of arrays and lists, before the model.

    Arguments:
        max_tokens: int, how many places `adapt` gives at most, those of the unknown and of the mask included; None for as many as there are texts.
        num_oov_indices: int from 1 up, how many places there are for what is not in the vocabulary; of several each text has its own, by its hash.
        mask_token: text that becomes 0 for `output_mode='int'`, before all other places, and is in no vector; or None.
        oov_token: text that stands for what is unknown, for `invert`.
        vocabulary: list of texts, without these; or None for `adapt`.
        invert: bool, whether the text at a place is made of the place.
        output_mode: 'int'; 'one_hot' for a vector of each text (a last axis of 1 is left out); 'multi_hot' for one of each row, with 1 where a text is among it;
            'count' for how often it is; 'tf_idf' for that times the text's weight, which is less the more rows have it.
        sparse: bool, whether vectors are a `scipy.sparse.csr_matrix`, else an array.
        pad_to_max_tokens: bool, whether vectors have the length `max_tokens`, however large the vocabulary is.
        idf_weights: list of floats, the weights of the texts in `vocabulary` for 'tf_idf'; `adapt` finds them.

    Called with texts of any shape, (batch, texts) for 'multi_hot', 'count' and 'tf_idf'; gives an array of int64, or of float32 for vectors, or of texts for `invert`.

    Raises:
        ValueError: for another mode, a vocabulary that does not fit, or where it is called without.

    Example:
        >>> lookup = StringLookup(vocabulary=['north', 'south'])
        >>> lookup([['south', 'west'], ['north', 'south']]).tolist()
        [[2, 0], [1, 2]]
    """

    @checked
    def __init__(
        self, max_tokens=None, num_oov_indices=1, mask_token=None, oov_token='[UNK]', vocabulary=None, invert=False, output_mode='int', sparse=False,
        pad_to_max_tokens=False, idf_weights=None
    ):  # fmt: skip
        if invert and output_mode != 'int':
            raise ValueError(f"StringLookup: `invert` goes with `output_mode='int'`; got {output_mode!r}.")
        self.num_oov_indices, self.mask_token, self.oov_token, self.invert = (
            num_oov_indices,
            mask_token,
            oov_token,
            invert,
        )
        self._prepare(max_tokens, output_mode, sparse, pad_to_max_tokens, vocabulary, idf_weights)

    def adapt(self, data):
        """Find the vocabulary of an array or list of texts: what is frequent comes first, of equally frequent texts the later in the alphabet.

        For 'tf_idf' each row is a document; texts without rows are one.
        """
        data = _texts(self, data)
        self.learn(data.reshape(-1, data.shape[-1]).tolist() if data.ndim > 1 else [data.ravel().tolist()])

    def __call__(self, data):
        self.require_vocabulary()
        if self.invert:
            values, places = np.array(self.get_vocabulary(), dtype=object), np.asarray(data)
            inside = (places >= 0) & (places < len(values))
            return values[np.where(inside, places, self._unknown)]
        data = _texts(self, data)
        places = np.array([self._place(text) for text in data.ravel().tolist()], 'int64').reshape(data.shape)
        if self.output_mode == 'int':
            return places
        if self.output_mode == 'one_hot':
            places = places[..., 0] if places.ndim > 1 and places.shape[-1] == 1 else places
            if self.sparse and places.ndim != 1:
                raise ValueError(
                    f"StringLookup: with `sparse=True` and `output_mode='one_hot'` texts have the shape (batch,) or (batch, 1); got {data.shape}."
                )
            found = self._vectors(places.reshape(-1, 1))
            return found if self.sparse else found.reshape(places.shape + (-1,))
        if places.ndim != 2:
            raise ValueError(
                f'StringLookup: with `output_mode={self.output_mode!r}` texts have the shape (batch, texts); got {places.shape}.'
            )
        return self._vectors(places)

    def get_config(self):
        """The arguments of the constructor, with the vocabulary that there is, as a dict."""
        names = 'max_tokens num_oov_indices mask_token oov_token vocabulary invert output_mode sparse pad_to_max_tokens idf_weights'
        return {name: getattr(self, name) for name in names.split()}


class TextVectorization(_Lookup):
    """Makes numbers of texts, word by word, of arrays and lists, before the model.

    Arguments:
        max_tokens: int, how many places `adapt` gives at most; None for as many as there are words.
        standardize: 'lower_and_strip_punctuation', 'lower', 'strip_punctuation', a function of a text, or None.
        split: 'whitespace', 'character', a function of a text that gives a list, or None for texts that are one word.
        ngrams: int n for words and all that follow one another up to n of them, a tuple of such numbers, or None.
        output_mode: 'int' for a row of places, 0 after the end and 1 for what is unknown; 'multi_hot' for a vector of each text, with 1 where a word is in it;
            'count' for how often it is; 'tf_idf' for that times the word's weight, which is less the more texts have it. The first place of vectors is that of the
            unknown.
        output_sequence_length: int, the length to which rows of places are cut or filled; None for the longest.
        pad_to_max_tokens: bool, whether vectors have the length `max_tokens`, however large the vocabulary is.
        vocabulary: list of words, or None for `adapt`.
        idf_weights: list of floats, the weights of the words in `vocabulary` for 'tf_idf'; `adapt` finds them.
        sparse: bool, whether vectors are a `scipy.sparse.csr_matrix`, else an array.

    Called with texts of shape (batch,) or (batch, 1); gives an array (batch, length) of int64, or (batch, places) of float32.

    Raises:
        ValueError: for another mode, a vocabulary that does not fit, or where it is called without.

    Example:
        >>> words = TextVectorization(output_sequence_length=4, vocabulary=['the', 'stars', 'are', 'right'])
        >>> words(['The stars are right!', 'Are they?']).tolist()
        [[2, 3, 4, 5], [4, 1, 0, 0]]
    """

    modes = ('int', 'multi_hot', 'count', 'tf_idf')

    @checked
    def __init__(
        self, max_tokens=None, standardize='lower_and_strip_punctuation', split='whitespace', ngrams=None, output_mode='int',
        output_sequence_length=None, pad_to_max_tokens=False, vocabulary=None, idf_weights=None, sparse=False
    ):  # fmt: skip
        for name, value, known in (
            ('standardize', standardize, ('lower_and_strip_punctuation', 'lower', 'strip_punctuation')),
            ('split', split, ('whitespace', 'character')),
        ):
            if value is not None and not callable(value) and value not in known:
                raise ValueError(
                    f'TextVectorization: `{name}` is one of {", ".join(map(repr, known))}, a function or None; got {value!r}.'
                )
        if output_mode != 'int' and output_sequence_length is not None:
            raise ValueError(
                f"TextVectorization: `output_sequence_length` goes with `output_mode='int'`; got {output_mode!r}."
            )
        self.standardize, self.split, self.ngrams, self.output_sequence_length = (
            standardize,
            split,
            ngrams,
            output_sequence_length,
        )
        self._prepare(max_tokens, output_mode, sparse, pad_to_max_tokens, vocabulary, idf_weights)

    mask_token = ''

    def _words(self, text):
        """The words of a text, and what they make together."""
        if callable(self.standardize):
            text = self.standardize(text)
        elif self.standardize is not None:
            text = text.lower() if 'lower' in self.standardize else text
            text = _PUNCTUATION.sub('', text) if 'strip' in self.standardize else text
        if self.split is None:
            words = [text]
        else:
            words = (
                self.split(text) if callable(self.split) else list(text) if self.split == 'character' else text.split()
            )
        if self.ngrams is None:
            return words
        sizes = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [' '.join(words[i : i + size]) for size in sizes for i in range(len(words) - size + 1)]

    def _rows(self, data):
        data = _texts(self, data)
        if data.ndim > 2 or data.ndim == 2 and data.shape[1] != 1:
            raise ValueError(f'TextVectorization takes texts of shape (batch,) or (batch, 1); got {data.shape}.')
        return [self._words(text) for text in data.ravel().tolist()]

    def adapt(self, data):
        """Find the vocabulary of an array or list of texts: what is frequent comes first, of equally frequent words the later in the alphabet."""
        self.learn(self._rows(data))

    def __call__(self, data):
        self.require_vocabulary()
        rows = [[self._place(word) for word in row] for row in self._rows(data)]
        if self.output_mode != 'int':
            return self._vectors(rows)
        length = self.output_sequence_length
        length = max(map(len, rows), default=0) if length is None else length
        return np.array([row[:length] + [0] * (length - len(row)) for row in rows], 'int64').reshape(len(rows), length)

    def get_config(self):
        """The arguments of the constructor, with the vocabulary that there is, as a dict."""
        names = 'max_tokens standardize split ngrams output_mode output_sequence_length pad_to_max_tokens vocabulary idf_weights sparse'
        return {name: getattr(self, name) for name in names.split()}
