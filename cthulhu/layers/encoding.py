"""Layers that make whole numbers, and vectors with a place for each, of quantities and categories."""

import collections

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.utils.arguments import checked

__all__ = ['CategoryEncoding', 'Discretization', 'IntegerLookup']

_MODES = ('int', 'one_hot', 'multi_hot', 'count')


class _Encoding(ConfiguredLayer):
    """What gives whole numbers from 0 up, or, of them, vectors."""

    _modes = _MODES

    def _prepare(self, output_mode, sparse):
        if output_mode not in self._modes:
            raise ValueError(
                f'{type(self).__name__}: `output_mode` is one of {", ".join(map(repr, self._modes))}; got {output_mode!r}.'
            )
        if sparse:
            raise ValueError(f'{type(self).__name__}: `sparse=True` is not available; the output is dense.')
        self.output_mode, self.sparse = output_mode, sparse

    def _encoded(self, numbers, depth, count_weights=None):
        """Whole numbers, an int tensor, in the layer's mode."""
        if self.output_mode == 'int':
            return numbers
        shape = K.int_shape(numbers)
        if self.output_mode == 'one_hot':
            numbers = K.squeeze(numbers, -1) if len(shape) > 1 and shape[-1] == 1 else numbers
            return K.cast(K.one_hot(numbers, depth), self.dtype)
        places = K.cast(K.one_hot(numbers, depth), self.dtype)
        if self.output_mode == 'multi_hot':
            return K.max(places, axis=1)
        return K.sum(
            places if count_weights is None else places * K.expand_dims(K.cast(count_weights, self.dtype), -1), axis=1
        )

    def _check_rank(self, shape):
        if self.output_mode in ('multi_hot', 'count') and len(shape) != 2:
            raise ValueError(
                f'{type(self).__name__} "{self.name}": with `output_mode={self.output_mode!r}` the inputs have the shape (batch, values); got {tuple(shape)}.'
            )

    def _shape_of(self, shape, depth):
        if self.output_mode == 'int':
            return tuple(shape)
        if self.output_mode == 'one_hot':
            return tuple(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape) + (depth,)
        return (shape[0], depth)


class CategoryEncoding(_Encoding):
    """Makes vectors of whole numbers from 0 up to, not including, `num_tokens`.

    Arguments:
        num_tokens: int, the length of the vectors. Numbers outside are not encoded.
        output_mode: 'one_hot' for a vector of each number (a last axis of 1 is left out); 'multi_hot' for one of each sample, with 1 where a number is among
            its values; 'count' for how often it is.
        sparse: False.

    Input of whole numbers, (batch, values) for 'multi_hot' and 'count'; output of floats. Called with `count_weights`, a tensor of the shape of the inputs,
    'count' sums these.

    Raises:
        ValueError: for another mode or shape, or weights for another mode than 'count'.
    """

    _modes = ('multi_hot', 'one_hot', 'count')

    @checked
    def __init__(self, num_tokens, output_mode='multi_hot', sparse=False, **kwargs):
        super().__init__(**kwargs)
        self.num_tokens = num_tokens
        self._prepare('multi_hot' if output_mode == 'binary' else output_mode, sparse)

    settings = arguments(__init__)

    def build(self, input_shape):
        self._check_rank(input_shape if not isinstance(input_shape, list) else input_shape[0])
        self.built = True

    def call(self, inputs, count_weights=None):
        if count_weights is not None and self.output_mode != 'count':
            raise ValueError(
                f'CategoryEncoding "{self.name}": `count_weights` are for `output_mode=\'count\'`, which is {self.output_mode!r} here.'
            )
        return self._encoded(K.cast(inputs, 'int32'), self.num_tokens, count_weights)

    def compute_output_shape(self, input_shape):
        return self._shape_of(input_shape, self.num_tokens)


class Discretization(_Encoding):
    """Makes the number of its bin of each quantity: how many boundaries it is not below.

    Arguments:
        bin_boundaries: list of numbers, ascending; or None for `num_bins`.
        num_bins: int, how many bins of equally many quantities `adapt` makes; or None for `bin_boundaries`.
        epsilon: float, taken for files: `adapt` looks at all data, and is exact.
        output_mode: 'int', or as in `CategoryEncoding`.
        sparse: False.

    Output: of whole numbers (int32) for 'int', else of floats.

    Raises:
        ValueError: unless one of the first two is given, or where the layer is called before `adapt`.

    Example:
        >>> Discretization([0.0, 1.0, 2.0]).compute_output_shape((None, 3))
        (None, 3)
    """

    @checked
    def __init__(self, bin_boundaries=None, num_bins=None, epsilon=0.01, output_mode='int', sparse=False, **kwargs):
        super().__init__(**kwargs)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                f'Discretization: give `bin_boundaries` or `num_bins`, one of the two; got {bin_boundaries!r} and {num_bins!r}.'
            )
        take(self, {'num_bins': num_bins, 'epsilon': epsilon})
        self.bin_boundaries = None if bin_boundaries is None else sorted(bin_boundaries)
        self._prepare(output_mode, sparse)

    settings = arguments(__init__)

    @classmethod
    def from_config(cls, config):
        found = config.get('bin_boundaries') if config.get('num_bins') is not None else None
        layer = cls(**(dict(config, bin_boundaries=None) if found is not None else config))
        layer.bin_boundaries = layer.bin_boundaries if found is None else list(found)
        return layer

    def adapt(self, data, batch_size=None, steps=None):
        """Find boundaries between which equally many of the data lie. Call it before the layer is called.

        Arguments:
            data: array, or an iterable of them, each a batch; a batch may be a tuple that begins with it.
            batch_size: int, not needed: an array is gone through as a whole.
            steps: int, how many batches of an iterable are used; None for all.

        Raises:
            ValueError: the layer was given its boundaries, or was called already, or there are no data.
        """
        if self.num_bins is None:
            raise ValueError(f'Discretization "{self.name}" was given `bin_boundaries`: there is nothing to adapt.')
        _require_uncalled(self)
        values = np.concatenate([np.ravel(batch) for batch in _batches(data, steps)] or [np.zeros(0)])
        if not values.size:
            raise ValueError(
                f'Discretization "{self.name}": `data` is an array, or an iterable of batches, with something in it.'
            )
        shares = 100.0 * np.arange(1, self.num_bins) / self.num_bins
        self.bin_boundaries = np.percentile(values.astype('float64'), shares).tolist()

    @property
    def _depth(self):
        return self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1

    def build(self, input_shape):
        self._check_rank(input_shape)
        if self.bin_boundaries is None:
            raise ValueError(f'Discretization "{self.name}" has no boundaries yet: call `adapt(data)` first.')
        self.built = True

    def call(self, inputs):
        x = K.expand_dims(K.cast(inputs, self.dtype), -1)
        if not self.bin_boundaries:
            return self._encoded(K.cast(K.zeros_like(inputs), 'int32'), 1)
        above = K.greater_equal(x, K.constant(self.bin_boundaries, dtype=self.dtype))
        return self._encoded(K.sum(K.cast(above, 'int32'), axis=-1), self._depth)

    def compute_output_shape(self, input_shape):
        return self._shape_of(input_shape, self._depth)


def _batches(data, steps):
    """The arrays of data as `adapt` takes them."""
    is_one = hasattr(data, 'shape') or isinstance(data, list) and data and np.ndim(data[0]) == 0
    for number, batch in enumerate([data] if is_one else data):
        if steps is not None and number >= steps:
            return
        yield np.asarray(batch[0] if isinstance(batch, tuple) else batch)


def _require_uncalled(layer):
    if layer.inbound_nodes:
        raise ValueError(
            f'{type(layer).__name__} "{layer.name}" was called already, and what it gives is part of a graph. Adapt it first, then make the model.'
        )


class IntegerLookup(_Encoding):
    """Makes the number of its place in a vocabulary of each whole number. Each value is compared with all of the vocabulary.

    Arguments:
        max_tokens: int, how many places `adapt` gives at most, those of unknown values and of the mask included; None for as many as there are values.
        num_oov_indices: int from 1 up, how many places there are for what is not in the vocabulary; of several each value has its own, by its remainder.
        mask_token: int that becomes 0 for `output_mode='int'`, before all other places; or None.
        oov_token: int that stands for what is unknown, for `invert`.
        vocabulary: list of whole numbers, without these; or None for `adapt`.
        vocabulary_dtype: 'int64'.
        invert: bool, whether the layer makes the number at a place of the place.
        output_mode: 'int', or as in `CategoryEncoding`.
        sparse: False.
        pad_to_max_tokens: bool, whether vectors have the length `max_tokens`, however large the vocabulary is.

    Output: of whole numbers (int32) for 'int', else of floats.

    Raises:
        ValueError: for a vocabulary with a value twice, or too large; where the layer is called before `adapt`; for another mode.

    Example:
        >>> layer = IntegerLookup()
        >>> layer.adapt(np.array([[12, 36, 1138, 42], [42, 1000, 36, 42]]))
        >>> layer.get_vocabulary()
        [-1, 42, 36, 1138, 1000, 12]
    """

    @checked
    def __init__(
        self, max_tokens=None, num_oov_indices=1, mask_token=None, oov_token=-1, vocabulary=None, vocabulary_dtype='int64', invert=False,
        output_mode='int', sparse=False, pad_to_max_tokens=False, **kwargs
    ):  # fmt: skip
        super().__init__(**kwargs)
        if vocabulary_dtype != 'int64':
            raise ValueError(f"IntegerLookup: `vocabulary_dtype` is 'int64'; got {vocabulary_dtype!r}.")
        if invert and output_mode != 'int':
            raise ValueError(f"IntegerLookup: `invert` goes with `output_mode='int'`; got {output_mode!r}.")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError('IntegerLookup: `pad_to_max_tokens` needs `max_tokens`.')
        take(
            self,
            {
                key: value
                for key, value in locals().items()
                if key in type(self).settings and key not in ('vocabulary', 'output_mode', 'sparse')
            },
        )
        self._prepare(output_mode, sparse)
        self.vocabulary = None
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)

    settings = arguments(__init__)

    def _first(self):
        """What stands before the vocabulary."""
        masks = [self.mask_token] if self.mask_token is not None and self.output_mode == 'int' else []
        return masks + [self.oov_token] * self.num_oov_indices

    def set_vocabulary(self, vocabulary):
        """Give the layer its vocabulary, a list of whole numbers, before it is called."""
        _require_uncalled(self)
        found, first = [int(value) for value in np.ravel(vocabulary)], self._first()
        found = found[len(first) :] if found[: len(first)] == first else found
        twice = [value for value, count in collections.Counter(found + first[:1]).items() if count > 1]
        if twice:
            raise ValueError(
                f'IntegerLookup "{self.name}": `vocabulary` has a value twice, or the one of the mask or of the unknown: {twice[0]}.'
            )
        if self.max_tokens is not None and len(found) + len(first) > self.max_tokens:
            raise ValueError(
                f'IntegerLookup "{self.name}": `max_tokens` is {self.max_tokens}, and `vocabulary` has {len(found)} values, to which {len(first)} places come.'
            )
        self.vocabulary = found

    def get_vocabulary(self, include_special_tokens=True):
        """The values by place: a list; without those of the mask and of the unknown if so wished."""
        return (self._first() if include_special_tokens else []) + list(self.vocabulary or [])

    def vocabulary_size(self):
        """How many places there are."""
        return len(self.get_vocabulary())

    def adapt(self, data, batch_size=None, steps=None):
        """Find the vocabulary of data: what is frequent comes first, of equally frequent values the larger one. Call it before the layer is called.

        Arguments and errors as for `Discretization.adapt`.
        """
        _require_uncalled(self)
        counts = collections.Counter()
        for batch in _batches(data, steps):
            counts.update(np.asarray(batch).astype('int64').ravel().tolist())
        if not counts:
            raise ValueError(
                f'IntegerLookup "{self.name}": `data` is an array, or an iterable of batches, with something in it.'
            )
        for special in (self.mask_token, self.oov_token):
            counts.pop(special, None)
        found = sorted(counts, key=lambda value: (-counts[value], -value))
        self.set_vocabulary(found if self.max_tokens is None else found[: max(self.max_tokens - len(self._first()), 0)])

    @property
    def _depth(self):
        return self.max_tokens if self.pad_to_max_tokens else self.vocabulary_size()

    def build(self, input_shape):
        self._check_rank(input_shape)
        if self.vocabulary is None:
            raise ValueError(
                f'IntegerLookup "{self.name}" has no vocabulary yet: give it one, or call `adapt(data)` first.'
            )
        self.built = True

    def call(self, inputs):
        x = K.cast(inputs, 'int32')
        values, first = np.array(self.get_vocabulary(), 'int64'), len(self._first())
        if self.invert:
            inside = K.logical_and(K.greater_equal(x, 0), K.less(x, len(values)))
            place = K.where(inside, x, K.zeros_like(x) + (first - 1))
            return K.gather(K.constant(values, dtype='int32'), place)
        start = first - self.num_oov_indices
        unknown = K.zeros_like(x) + start
        if self.num_oov_indices > 1:
            part = K.cast(x, 'float64' if K.floatx() == 'float64' else 'float32') / float(self.num_oov_indices)
            unknown = unknown + x - self.num_oov_indices * K.cast(K.floor(part + 0.5 / self.num_oov_indices), 'int32')
        place = unknown
        if self.vocabulary:
            same = K.cast(K.equal(K.expand_dims(x, -1), K.constant(values[first:], dtype='int32')), 'int32')
            found = K.sum(same * K.constant(np.arange(first, len(values)), dtype='int32'), axis=-1)
            place = K.where(K.greater(K.sum(same, axis=-1), 0), found, unknown)
        if start:
            place = K.where(K.equal(x, self.mask_token), K.zeros_like(place), place)
        return self._encoded(place, self._depth)

    def compute_output_shape(self, input_shape):
        return self._shape_of(input_shape, self._depth)


names.add_aliases(globals())
