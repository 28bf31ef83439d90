"""Attention of one head: what each query takes from the values, by how well their keys agree with it."""

from cthulhu import backend as K
from cthulhu import names
from cthulhu.engine.settings import ConfiguredLayer, arguments, take
from cthulhu.utils.arguments import checked

__all__ = ['AdditiveAttention', 'Attention']


def causal_mask(queries, keys):
    """Which steps of one sequence see which of another: those up to their own place.

    Arguments:
        queries, keys: tensors (batch, length, ...).

    Returns:
        bool tensor (length of the queries, length of the keys).
    """
    return K.greater_equal(*_places(queries, keys))


def window_mask(queries, keys, window):
    """Which steps of one sequence see which of another: those less than `window` places away, before or after. Arguments and result as for `causal_mask`."""
    rows, columns = _places(queries, keys)
    return K.less(K.abs(rows - columns), window)


def _places(queries, keys):
    """The numbers of the steps of two sequences, as a column and as a row."""
    lengths = [K.shape(x)[1] if K.int_shape(x)[1] is None else K.int_shape(x)[1] for x in (queries, keys)]
    return K.expand_dims(K.arange(lengths[0]), 1), K.expand_dims(K.arange(lengths[1]), 0)


def both(*masks):
    """Where all of some masks, bool tensors that broadcast or None, are true; None where all are None."""
    found = None
    for mask in masks:
        if mask is not None:
            found = mask if found is None else K.logical_and(found, mask)
    return found


def masked_softmax(scores, mask, axes=-1):
    """The softmax of scores along one axis, or several together, in which those where a mask, a bool tensor that broadcasts, is false have no share.

    Where a mask leaves none, all have the same share.
    """
    if mask is not None:
        # Not infinity: where all are masked, the difference of two would be no number.
        scores = K.where(mask, scores, -3e4 if K.dtype(scores) == 'float16' else -1e9)
    if isinstance(axes, int):
        return K.softmax(scores, axis=axes)
    return K.exp(scores - K.logsumexp(scores, axis=axes, keepdims=True))


def dropped(shares, rate, seed, training):
    """Shares, of which training drops a part."""
    if not rate:
        return shares
    return K.in_train_phase(lambda: K.dropout(shares, rate, seed=seed), shares, training=training)


class Attention(ConfiguredLayer):
    """Dot-product attention: of each value as much as its key agrees with the query.

    Arguments:
        use_scale: whether scores are multiplied by a weight `scale`.
        score_mode: 'dot', the product of query and key; or 'concat', the sum of tanh(query + key) times a weight.
        dropout: float from 0 to 1, the part of the shares that is dropped in training.
        seed: int, of the random numbers.
        causal: whether each query sees no key after its own place, as `use_causal_mask` says in a call; from files of older tf.keras.

    Called on a list: query (batch, queries, features), value (batch, keys, value features), and perhaps key (batch, keys, features), which is else the value.
    Further arguments of a call: `return_attention_scores`, whether the shares (batch, queries, keys) are a second output; `use_causal_mask`. Values that are
    masked get no share; where queries are masked, the output is 0 and its mask says so.

    Output (batch, queries, value features). Weights: scale, of 'concat' also concat_score_weight; scalars, 1 at first.

    Raises:
        ValueError: for another number of inputs, or inputs whose shapes do not fit.

    Source: Luong et al., "Effective approaches to attention-based neural machine translation", 2015.
    """

    @checked
    def __init__(self, use_scale=False, score_mode='dot', dropout=0.0, seed=None, causal=False, **kwargs):
        super().__init__(**kwargs)
        take(self, locals())
        self.supports_masking = True
        if score_mode not in ('dot', 'concat'):
            raise ValueError(f"{type(self).__name__}: `score_mode` is 'dot' or 'concat'; got {score_mode!r}.")

    settings = arguments(__init__)[:3]

    def get_config(self):
        config = super().get_config()
        if self.seed is not None:  # tf.keras knows neither of these
            config['seed'] = self.seed
        if self.causal:
            config['causal'] = True
        return config

    def _check(self, shapes):
        shapes = [tuple(shape) for shape in shapes] if isinstance(shapes, list) else [shapes]
        if len(shapes) not in (2, 3):
            raise ValueError(
                f'{type(self).__name__} "{self.name}" is called on a list: [query, value] or [query, value, key]; got inputs of the shapes {shapes}.'
            )
        query, value, key = shapes[:2] + shapes[-1:]
        fits = set(map(len, shapes)) == {3}
        if not fits or any(
            None not in pair and pair[0] != pair[1] for pair in ((value[1], key[1]), (query[2], key[2]))
        ):
            raise ValueError(
                f'{type(self).__name__} "{self.name}": query (batch, queries, features), value (batch, keys, value features) and key (batch, keys, features) fit '
                f'one another; got {query}, {value} and {key}.'
            )

    def build(self, input_shape):
        self._check(input_shape)
        self.scale = self.concat_score_weight = None
        if self.use_scale:
            self.scale = self.add_weight(name='scale', shape=(), initializer='ones')
        if self.score_mode == 'concat':
            self.concat_score_weight = self.add_weight(name='concat_score_weight', shape=(), initializer='ones')
        self.built = True

    def _scores(self, query, key):
        if self.score_mode == 'concat':
            sums = _sums(query, key)
            return self.concat_score_weight * K.sum(K.tanh(sums if self.scale is None else self.scale * sums), axis=-1)
        scores = K.einsum('bqf,bkf->bqk', query, key)
        return scores if self.scale is None else scores * self.scale

    def call(self, inputs, mask=None, training=None, return_attention_scores=False, use_causal_mask=False):
        query, value, key = inputs[0], inputs[1], inputs[-1]
        of_query, of_value = (mask[0], mask[1]) if mask is not None else (None, None)
        scores = self._scores(query, key)
        seen = None if of_value is None else K.expand_dims(K.cast(of_value, 'bool'), -2)
        if self.causal or use_causal_mask:
            seen = both(seen, causal_mask(query, key))
        shares = masked_softmax(scores, seen)
        output = K.matmul(dropped(shares, self.dropout, self.seed, training), value)
        if of_query is not None:
            output = K.where(K.expand_dims(K.cast(of_query, 'bool'), -1), output, 0.0)
        return [output, shares] if return_attention_scores else output

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[0]

    def compute_output_shape(self, input_shape):
        self._check(input_shape)
        return tuple(input_shape[0][:-1]) + (input_shape[1][-1],)


def _sums(query, key):
    """The sum of each query and each key: (batch, queries, keys, features)."""
    return K.expand_dims(query, -2) + K.expand_dims(key, -3)


class AdditiveAttention(Attention):
    """Additive attention: of each value as much as the sum of tanh(query + key), in which each feature has a weight of its own.

    Arguments:
        use_scale: whether features have weights `scale`.
        dropout, seed, causal: as for Attention.

    Inputs, further arguments and output as for Attention. Weight: scale (features,).

    Raises:
        ValueError: as for Attention, and if the number of features is not known.

    Source: Bahdanau et al., "Neural machine translation by jointly learning to align and translate", 2015.
    """

    @checked
    def __init__(self, use_scale=True, dropout=0.0, seed=None, causal=False, **kwargs):
        super().__init__(use_scale=use_scale, dropout=dropout, seed=seed, causal=causal, **kwargs)

    settings = ('use_scale', 'dropout')

    def build(self, input_shape):
        self._check(input_shape)
        self.scale = None
        if self.use_scale:
            features = input_shape[0][-1]
            if features is None:
                raise ValueError(
                    f'AdditiveAttention "{self.name}": the last size of the query must be known, but its shape is {tuple(input_shape[0])}.'
                )
            self.scale = self.add_weight(name='scale', shape=(features,), initializer='glorot_uniform')
        self.built = True

    def _scores(self, query, key):
        scores = K.tanh(_sums(query, key))
        return K.sum(scores if self.scale is None else self.scale * scores, axis=-1)


names.add_aliases(globals())
