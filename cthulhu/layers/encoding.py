"""Layers that make whole numbers, and vectors with a place for each, of quantities and categories."""

import numpy as np

from cthulhu import backend as K
from cthulhu import names
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.layers.vocabulary import Vocabulary, batches_of, check_output
from cthulhu.utils.arguments import checked

__all__ = ['CategoryEncoding', 'Discretization', 'IntegerLookup']


class _Encoding(ConfiguredLayer):
    """What gives whole numbers from 0 up, or, of them, vectors."""

    modes = ('int', 'one_hot', 'multi_hot', 'count')
    gives_sparse = False
    takes_numbers_as_they_are = True

    def __init__(self, **kwargs):
        if str(kwargs.get('dtype')) in ('int32', 'int64'):  # what it gives is of int32 anyway; what it computes is not
            kwargs.pop('dtype')
        super().__init__(**kwargs)

    def get_config(self):
        config = super().get_config()
        return dict(config, dtype='int64') if self.output_mode == 'int' else config  # which tf-keras insists on

    def _prepare(self, output_mode, sparse):
        check_output(self, output_mode, sparse)
        self.output_mode, self.sparse = output_mode, sparse

    def _encoded(self, numbers, depth, count_weights=None, weights=None):
        """Whole numbers, an int tensor, in the layer's mode; `weights` is an array (depth,) that counts are multiplied by."""
        if self.output_mode == 'int':
            return numbers
        shape = K.int_shape(numbers)
        if self.output_mode == 'one_hot':
            numbers = K.squeeze(numbers, -1) if len(shape) > 1 and shape[-1] == 1 else numbers
            return K.cast(K.one_hot(numbers, depth), self.dtype)
        places = K.cast(K.one_hot(numbers, depth), self.dtype)
        if self.output_mode == 'multi_hot':
            return K.max(places, axis=1)
        if count_weights is not None:
            places = places * K.expand_dims(K.cast(count_weights, self.dtype), -1)
        counts = K.sum(places, axis=1)
        return counts if weights is None else counts * K.constant(weights, dtype=self.dtype)

    def _check_rank(self, shape):
        if self.output_mode not in ('int', 'one_hot') and len(shape) != 2:
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

    modes = ('multi_hot', 'one_hot', 'count')

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
        values = np.concatenate([np.ravel(batch) for batch in batches_of(data, steps)] or [np.zeros(0)])
        if not values.size:
            raise ValueError(
                f'Discretization "{self.name}": `data` is an array, or an iterable of batches, with something in it.'
            )
        shares = 100.0 * np.arange(1, self.num_bins) / self.num_bins
        self.bin_boundaries = np.percentile(values.astype('float64'), shares).tolist()

    @property
    def depth(self):
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
        return self._encoded(K.sum(K.cast(above, 'int32'), axis=-1), self.depth)

    def compute_output_shape(self, input_shape):
        return self._shape_of(input_shape, self.depth)


def _require_uncalled(layer):
    if layer.inbound_nodes:
        raise ValueError(
            f'{type(layer).__name__} "{layer.name}" was called already, and what it gives is part of a graph. Adapt it first, then make the model.'
        )


class IntegerLookup(Vocabulary, _Encoding):
    """Makes the number of its place in a vocabulary of each whole number. Each value is compared with all of the vocabulary.

    Arguments:
        max_tokens: int, how many places `adapt` gives at most, those of unknown values and of the mask included; None for as many as there are values.
        num_oov_indices: int from 1 up, how many places there are for what is not in the vocabulary; of several each value has its own, by its remainder.
        mask_token: int that becomes 0 for `output_mode='int'`, before all other places, and is in no vector; or None.
        oov_token: int that stands for what is unknown, for `invert`.
        vocabulary: list of whole numbers, without these; or None for `adapt`.
        vocabulary_dtype: 'int64'.
        invert: bool, whether the layer makes the number at a place of the place.
        output_mode: 'int', or as in `CategoryEncoding`; or 'tf_idf' for counts times the weight of each number, which is less the more samples have it.
        sparse: False.
        pad_to_max_tokens: bool, whether vectors have the length `max_tokens`, however large the vocabulary is.
        idf_weights: list of floats, the weights of the numbers in `vocabulary` for 'tf_idf'; `adapt` finds them.

    Output: of whole numbers (int32) for 'int', else of floats. Values beyond int32 are for inputs of int64.

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
        output_mode='int', sparse=False, pad_to_max_tokens=False, idf_weights=None, **kwargs
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
                if key in type(self).settings and key not in ('vocabulary', 'output_mode', 'sparse', 'idf_weights')
            },
        )
        self._prepare(output_mode, sparse)
        if vocabulary is not None:
            self.set_vocabulary(np.ravel(vocabulary), idf_weights)
        elif idf_weights is not None:
            raise ValueError('IntegerLookup: `idf_weights` needs `vocabulary`.')

    settings = arguments(__init__)
    value_class = sort_key = int
    gives_sparse = False

    def set_vocabulary(self, vocabulary, idf_weights=None):
        _require_uncalled(self)
        super().set_vocabulary(vocabulary, idf_weights)

    def adapt(self, data, batch_size=None, steps=None):
        """Find the vocabulary of data: what is frequent comes first, of equally frequent values the larger one. Call it before the layer is called.

        Arguments and errors as for `Discretization.adapt`. For 'tf_idf' each row is a document; a batch without rows is one.
        """
        _require_uncalled(self)
        batches = [np.atleast_2d(batch.astype('int64')) for batch in batches_of(data, steps)]
        documents = [row for batch in batches for row in batch.reshape(-1, batch.shape[-1]).tolist()]
        if not any(documents):
            raise ValueError(
                f'IntegerLookup "{self.name}": `data` is an array, or an iterable of batches, with something in it.'
            )
        self.learn(documents)

    def build(self, input_shape):
        self._check_rank(input_shape)
        self.require_vocabulary()
        self.built = True

    def call(self, inputs):
        values, first = np.array(self.get_vocabulary(), 'int64'), len(self.special_values())
        dtype, wide = 'int64' if K.dtype(inputs) == 'int64' else 'int32', values[values != values.astype('int32')]
        if wide.size and not self.invert and dtype == 'int32':
            raise ValueError(
                f'IntegerLookup "{self.name}": `vocabulary` has {wide[0]}, which inputs of {K.dtype(inputs)} cannot be; make the input with dtype="int64".'
            )
        x = K.cast(inputs, dtype)
        if self.invert:
            inside = K.logical_and(K.greater_equal(x, 0), K.less(x, len(values)))
            place = K.where(inside, x, K.zeros_like(x) + (first - 1))
            return K.gather(K.constant(values, dtype='int64' if wide.size else 'int32'), place)
        start = first - self.num_oov_indices
        place = K.cast(x % self.num_oov_indices, 'int32') + start
        if self.vocabulary:
            same = K.cast(K.equal(K.expand_dims(x, -1), K.constant(values[first:], dtype=dtype)), 'int32')
            found = K.sum(same * K.constant(np.arange(first, len(values)), dtype='int32'), axis=-1)
            place = K.where(K.greater(K.sum(same, axis=-1), 0), found, place)
        if self.mask_token is not None:
            masked = (
                K.zeros_like(place) if self.output_mode == 'int' else K.zeros_like(place) - 1
            )  # which no vector has
            place = K.where(K.equal(x, self.mask_token), masked, place)
        return self._encoded(place, self.depth, weights=self.weights_of_places())

    def compute_output_shape(self, input_shape):
        return self._shape_of(input_shape, self.depth)


names.add_aliases(globals())
