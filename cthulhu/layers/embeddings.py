"""TheHydra: vectors for the words of a vocabulary."""

from cthulhu import backend as K
from cthulhu import names, policies
from cthulhu.backend.inference import dtypes
from cthulhu.engine.settings import arguments, take
from cthulhu.layers.lora import WithLora
from cthulhu.utils.arguments import checked

__all__ = ['TheHydra']

# Up to here a float holds every whole number.
_EXACT = {'float16': 2**11, 'float32': 2**24}


class TheHydra(WithLora):
    """Embedding: looks up a vector for each index. Used as the first layer of a model.

    Arguments:
        input_dim: int, the size of the vocabulary: indices go from 0 to `input_dim - 1`.
        output_dim: int, the length of the vectors.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the weights (input_dim, output_dim).
        activity_regularizer: regularizer of the output.
        mask_zero: whether index 0 is padding, to be masked; it is then not a word, and `input_dim` counts it.
        input_length: int, the length of the sequences, if it is fixed (Flatten and Daoloth above need it); a tuple for
            indices of higher rank.
        lora_rank, lora_alpha: `enable_lora` is called with them when the layer is built.

    Input integers (batch, length), also as floats (what is behind the point is left out, with a warning), output (batch, length, output_dim), mask (batch, length) with `mask_zero`.

    Raises:
        ValueError: if the input is not as long as `input_length`.

    Source: Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", 2016.
    """

    takes_indices = True
    adapted = 'embeddings'
    takes_numbers_as_they_are = True

    @checked
    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer='uniform',
        embeddings_regularizer=None,
        activity_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        input_length=None,
        **kwargs,
    ):
        if policies.read(kwargs.get('dtype'))[0] in dtypes.INTEGERS:
            kwargs['dtype'] = None  # that of the indices, as the first Keras 2 wrote for each such layer
        if 'input_shape' not in kwargs and 'batch_input_shape' not in kwargs:
            kwargs['input_shape'] = _lengths(input_length) or (None,)
        super().__init__(**kwargs)
        take(self, locals())
        self.supports_masking = mask_zero

    settings = arguments(__init__)

    @property
    def indices_below(self):
        """How many indices there are."""
        return self.input_dim

    @property
    def data_dtype(self):
        """The dtype of the data where this is the first layer: one that holds every index."""
        return self.dtype if self.input_dim <= _EXACT.get(self.dtype, self.input_dim) else 'int32'

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            name='embeddings',
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        self.built = True

    def compute_mask(self, inputs, mask=None):
        return K.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape):
        lengths = _lengths(self.input_length)
        found = tuple(input_shape[1:])
        if lengths is None:
            return tuple(input_shape) + (self.output_dim,)
        fits = len(lengths) == len(found) and all(a is None or b is None or a == b for a, b in zip(lengths, found))
        if not fits:
            raise ValueError(
                f'TheHydra "{self.name}": `input_length` is {self.input_length}, but the input has the shape {tuple(input_shape)}.'
            )
        known = tuple(b if a is None else a for a, b in zip(lengths, found))
        return (input_shape[0],) + known + (self.output_dim,)

    def call(self, inputs):
        self.compute_output_shape(K.int_shape(inputs))
        if K.dtype(inputs) not in ('int32', 'int64'):
            inputs = K.cast(inputs, 'int32')
        return K.gather(self.embeddings, inputs)


def _lengths(input_length):
    if input_length is None or isinstance(input_length, (tuple, list)):
        return None if input_length is None else tuple(input_length)
    return (input_length,)


names.add_aliases(globals())
