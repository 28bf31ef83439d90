"""Hashing: places of values by a hash, of arrays and lists, before a model."""

import numpy as np

from cthulhu.layers.vocabulary import check_output, vectors
from cthulhu.utils.arguments import checked
from cthulhu.utils.fingerprints import fingerprint64, siphash
from cthulhu.utils.kinds import is_symbolic
from cthulhu.utils.reprs import settings_repr

__all__ = ['Hashing']


class Hashing:
    """Makes the number of a bin of each text or whole number, by a hash that needs no vocabulary; different values may share a bin.

    It is called with arrays and lists, before the model, as `StringLookup` is: no backend computes with texts, or with the 64 bits of the hash. The numbers are those
    of Keras 3 and tf.keras.

    Arguments:
        num_bins: int from 1 up, how many bins there are, that of the mask included.
        mask_value: text or int whose bin is 0, which no other value gets then; None for no such value.
        salt: int from 0 up, or two of them, the key of another hash (SipHash) in place of FarmHash's; None for the latter.
        output_mode: 'int'; 'one_hot' for a vector of each value (a last axis of 1 is left out); 'multi_hot' for one of the last axis, with 1 where a bin is among it;
            'count' for how often it is.
        sparse: bool, whether vectors, which then have two axes, are a `scipy.sparse.csr_matrix`, else an array.

    Called with texts or numbers of any shape (of a float what is before the point counts); gives an array of int64 of that shape, or of float32 for vectors.

    Raises:
        ValueError: for another mode, or a salt that is neither a number nor two.
        TypeError: it is called with something else.

    Sources: FarmHash's Fingerprint64 (https://github.com/google/farmhash); Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.

    Example:
        >>> Hashing(num_bins=3)([['A'], ['B'], ['C'], ['D'], ['E']]).tolist()
        [[1], [0], [1], [1], [2]]
        >>> Hashing(num_bins=3, mask_value='')([['A'], ['B'], [''], ['C'], ['D']]).tolist()
        [[1], [1], [0], [2], [2]]
    """

    modes = ('int', 'one_hot', 'multi_hot', 'count')
    gives_sparse = True

    @checked
    def __init__(self, num_bins, mask_value=None, salt=None, output_mode='int', sparse=False):
        check_output(self, output_mode, sparse)
        keys = [salt] * 2 if _is_key(salt) else salt
        if keys is not None and not (isinstance(keys, (list, tuple)) and len(keys) == 2 and all(map(_is_key, keys))):
            raise ValueError(f'Hashing: `salt` is a whole number from 0 up, or two of them; got {salt!r}.')
        self.num_bins, self.mask_value, self.salt = num_bins, mask_value, None if keys is None else list(keys)
        self.output_mode, self.sparse = output_mode, sparse

    __repr__ = settings_repr

    def _bin(self, value):
        is_masked = self.mask_value is not None and self.num_bins > 1
        if is_masked and value == self.mask_value:
            return 0
        data = (value if isinstance(value, str) else str(int(value))).encode('utf-8')
        number = fingerprint64(data) if self.salt is None else siphash(data, *self.salt)
        return number % (self.num_bins - is_masked) + is_masked

    def __call__(self, data):
        data = _values(data)
        # Each value once: a hash costs more than a look at a dict.
        places, row = {}, data.ravel().tolist()
        for value in row:
            if value not in places:
                places[value] = self._bin(value)
        bins = np.array([places[value] for value in row], 'int64').reshape(data.shape)
        if self.output_mode == 'int':
            return bins
        if self.output_mode == 'one_hot':
            bins = (bins[..., 0] if bins.ndim > 1 and bins.shape[-1] == 1 else bins)[..., None]
        if self.sparse and bins.ndim != 2:
            raise ValueError(f'Hashing: with `sparse=True` values have the shape (batch, values); got {data.shape}.')
        if self.sparse:
            return vectors(bins.tolist(), self.num_bins, True, once=self.output_mode == 'multi_hot')
        found = np.eye(self.num_bins, dtype='float32')[bins].sum(-2)
        return np.minimum(found, 1.0) if self.output_mode == 'multi_hot' else found

    def get_config(self):
        """The arguments of the constructor, as a dict."""
        return {name: getattr(self, name) for name in ('num_bins', 'mask_value', 'salt', 'output_mode', 'sparse')}

    @classmethod
    def from_config(cls, config):
        """Make one of what `get_config` gave."""
        return cls(**config)


def _is_key(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= value < 2**64


def _values(data):
    """An array of texts or numbers."""
    if is_symbolic(data):
        raise TypeError(
            'Hashing is called with an array or a list, before the model: no backend computes with the 64 bits of a hash. Give the model what it returns.'
        )
    data = np.asarray(data)
    if data.dtype.kind == 'S' or data.dtype == object and data.size and isinstance(data.ravel()[0], bytes):
        data = np.array([text.decode('utf-8') for text in data.ravel()], dtype=object).reshape(data.shape)
    is_of_texts = all(isinstance(text, str) for text in data.ravel().tolist())
    if data.dtype.kind not in 'iuf' and not is_of_texts:
        raise TypeError(f'Hashing takes texts or whole numbers; got an array of {data.dtype}.')
    return data
