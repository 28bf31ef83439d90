"""Attention of several heads, each on projections of its own."""

import math

from cthulhu import activations, names
from cthulhu import backend as K
from cthulhu.engine.base_layer import Layer
from cthulhu.engine.settings import describe, take
from cthulhu.layers.attention import both, causal_mask, dropped, masked_softmax, window_mask
from cthulhu.layers.einsum_dense import EinsumDense
from cthulhu.utils.arguments import checked

__all__ = ['GroupQueryAttention', 'GroupedQueryAttention', 'MultiHeadAttention']

_WEIGHTS = (
    'kernel_initializer', 'bias_initializer', 'kernel_regularizer', 'bias_regularizer', 'kernel_constraint', 'bias_constraint',
)  # fmt: skip


class _Heads(Layer):
    """What attention of several heads shares: how it is called, its projections, masks and shares."""

    #: What the tensors of a list of inputs are called, where a call, or a file of another Keras, names them.
    named_inputs = ('query', 'value', 'key', 'attention_mask')

    _written = ()
    _public = ()  # projections that files of Keras 3 have without an underscore before their name

    def _take(self, activity_regularizer, output_shape=None, **values):
        """Keep settings. The regularizer is one of the output of each projection; `output_shape` every layer has of its calls."""
        take(self, values)
        take(self, {'of_projections_regularizer': activity_regularizer})
        self.partial_output_shape = output_shape
        self.supports_masking = True

    def get_config(self):
        config = super().get_config()
        config.update(describe(self, self._written + _WEIGHTS))
        config.update(activity_regularizer=describe(self, ['of_projections_regularizer'])['of_projections_regularizer'])
        # what other Kerases do not know, or know since lately, is written where it says something
        for name, usual in (('use_gate', False), ('sliding_window', None), ('seed', None)):
            if getattr(self, name) != usual:
                config[name] = getattr(self, name)
        return config

    # -- how it is called --------------------------------------------------------------------------------

    def __call__(
        self,
        query,
        value=None,
        key=None,
        query_mask=None,
        value_mask=None,
        key_mask=None,
        attention_mask=None,
        **kwargs,
    ):
        """Apply the layer.

        Arguments:
            query, value, key: tensors; or in place of the first a list of them, [query, value] or [query, value, key].
            query_mask, value_mask, key_mask: bool tensors (batch, length), in place of the masks that the inputs carry.
            attention_mask: bool tensor (batch, queries, keys), or one that broadcasts to it: which queries see which keys.
            return_attention_scores: whether the shares (batch, heads, queries, keys) are a second output.
            use_causal_mask: whether each query sees no key after its own place.
            training: whether shares are dropped.
        """
        for name, mask in (('query_mask', query_mask), ('value_mask', value_mask), ('key_mask', key_mask)):
            if mask is not None:
                kwargs[name] = mask
        made = attention_mask is not None and K.is_cthulhu_tensor(attention_mask)
        if attention_mask is not None and not made:
            kwargs['attention_mask'] = attention_mask
        if isinstance(query, (list, tuple)):
            inputs = list(query) + [x for x in (value, key) if x is not None]
        else:
            inputs = [query] + [x for x in (value, key) if x is not None]
        if made:
            inputs += inputs[-1:] * (3 - len(inputs)) + [attention_mask]
        if not 2 <= len(inputs) <= 4:
            raise TypeError(
                f'{type(self).__name__} "{self.name}" is called on a query and a value, and perhaps a key: layer(query, value) or layer(query, value, key); for '
                f'attention of a sequence to itself layer(x, x). It got {len(inputs)} tensor(s).'
            )
        return super().__call__(inputs, **kwargs)

    def call(
        self,
        inputs,
        mask=None,
        query_mask=None,
        value_mask=None,
        key_mask=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
        use_causal_mask=False,
    ):
        query, value, key = (list(inputs) + [inputs[1]])[:3]
        carried = list(mask or ()) + [None] * 3
        given = [own if own is not None else carried[i] for i, own in enumerate((query_mask, value_mask, key_mask))]
        if len(inputs) == 4:
            attention_mask = inputs[3]
        seen = self._seen(query, value, given, attention_mask, use_causal_mask)
        gate = self.gate_dense(query) if self.use_gate else None
        output, shares = self._attend(
            self.query_dense(query), self.key_dense(key), self.value_dense(value), seen, training
        )
        output = self.output_dense(output if gate is None else output * gate)
        return [output, shares] if return_attention_scores else output

    def _seen(self, query, value, masks, attention_mask, causal):
        """Which queries see which keys: bool tensor that broadcasts to (batch, queries, keys), or None."""
        parts = [
            None if mask is None else K.expand_dims(K.cast(mask, 'bool'), -2 if i else -1)
            for i, mask in enumerate(masks)
        ]
        if causal:
            parts.append(causal_mask(query, value))
        if self.sliding_window is not None:
            parts.append(window_mask(query, value, self.sliding_window))
        return both(None if attention_mask is None else K.cast(attention_mask, 'bool'), *parts)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[0]

    # -- projections ---------------------------------------------------------------------------------------

    def _check(self, shapes, rank=None):
        shapes = [tuple(shape) for shape in shapes] if isinstance(shapes, list) else [shapes]
        query, value, key = (shapes + shapes[-1:])[:3] if len(shapes) > 1 else shapes * 3
        same = all(None in pair or pair[0] == pair[1] for pair in zip(value[1:-1], key[1:-1]))
        if (
            len(shapes) < 2
            or len(query) < 3
            or not len(query) == len(value) == len(key)
            or not same
            or len(query) != (rank or len(query))
        ):
            raise ValueError(
                f'{type(self).__name__} "{self.name}": query (batch, queries, features), value (batch, keys, features) and key (batch, keys, features) have as '
                f'many axes, value and key as many places; got {shapes}.'
            )
        return query, value, key

    def _projection(self, name, equation, output_shape, bias_axes, input_shape, **kwargs):
        kwargs.update((key, getattr(self, key)) for key in _WEIGHTS)
        layer = EinsumDense(
            equation,
            output_shape,
            bias_axes=bias_axes if self.use_bias else None,
            activity_regularizer=self.of_projections_regularizer,
            dtype=self.dtype,
            name=name,
            **kwargs,
        )
        with K.name_scope(name):
            layer.build_once(tuple(input_shape))
        return layer

    def _project(self, shapes, heads, key_heads, key_dim, value_dim, output):
        """Make the projections of inputs to heads, and of these to the output, whose last sizes are `output`."""
        query, value, key = shapes

        def to_heads(name, count, size, shape, **kwargs):
            return self._projection(name, '...a,abc->...bc', (count, size), 'bc', shape, **kwargs)

        self.query_dense = to_heads('query', heads, key_dim, query)
        self.key_dense = to_heads('key', key_heads, key_dim, key)
        if self.use_gate:
            self.gate_dense = to_heads('gate', heads, value_dim, query, activation=activations.sigmoid)
        self.value_dense = to_heads('value', key_heads, value_dim, value)
        letters = 'cdefghij'[: len(output)]
        self.output_dense = self._projection(
            'attention_output', f'...ab,ab{letters}->...{letters}', output, letters, query[:-1] + (heads, value_dim)
        )

    @property
    def saved_parts(self):
        """(path in the files of Keras 3, layer) of each projection."""
        parts = [name + '_dense' for name in ('query', 'key', 'gate', 'value', 'output')]
        return [
            (name if name in self._public else '_' + name, getattr(self, name)) for name in parts if hasattr(self, name)
        ]


class MultiHeadAttention(_Heads):
    """Attention of several heads: each projects query, key and value, and what all heads find is projected to the output.

    Arguments:
        num_heads: int, how many heads there are.
        key_dim: int, the size of a head's query and key.
        value_dim: int, the size of a head's value; None for `key_dim`.
        dropout: float from 0 to 1, the part of the shares that is dropped in training.
        use_bias: whether the projections have biases.
        output_shape: int or tuple, the last sizes of the output; None for the features of the query.
        attention_axes: int or tuple of int, the axes of the inputs along which places see one another; None for all between batch and features.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: of each projection.
        activity_regularizer: of the output of each projection.
        use_gate: whether what the heads find is multiplied by a sigmoid of another projection of the query.
        sliding_window: int, from how many places away a query does not see a key any more; None for no such bound.
        seed: int, of the random numbers of dropout.

    Called as `layer(query, value)` or `layer(query, value, key)`, the key being else the value; what else a call takes `__call__` says. Query (batch, queries,
    features), value and key (batch, keys, features), with further axes between where `attention_axes` says which of them are meant.

    Output (batch, queries, output_shape); its mask is that of the query. Weights: kernel and bias of query, key, value and output: (features, num_heads,
    key_dim), (num_heads, key_dim); (features, num_heads, value_dim), (num_heads, value_dim); (num_heads, value_dim, output_shape), (output_shape).

    Raises:
        ValueError: for inputs whose shapes do not fit, or sizes of features that are not known.

    Example:
        >>> layer = MultiHeadAttention(num_heads=2, key_dim=8)
        >>> layer.compute_output_shape([(None, 10, 16), (None, 20, 16)])
        (None, 10, 16)

    Source: Vaswani et al., "Attention is all you need", 2017.
    """

    _public = ('query_dense', 'key_dense', 'value_dense', 'output_dense')
    _written = ('num_heads', 'key_dim', 'value_dim', 'dropout', 'use_bias', 'attention_axes')

    @checked
    def __init__(
        self,
        num_heads,
        key_dim,
        value_dim=None,
        dropout=0.0,
        use_bias=True,
        output_shape=None,
        attention_axes=None,
        kernel_initializer='glorot_uniform',
        bias_initializer='zeros',
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        use_gate=False,
        sliding_window=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._take(**{key: value for key, value in locals().items() if key not in ('self', 'kwargs', '__class__')})
        self.value_dim = value_dim or key_dim
        if isinstance(output_shape, int):
            self.partial_output_shape = (output_shape,)
        self._shapes = (None, None, None)

    def get_config(self):
        config = dict(super().get_config(), output_shape=self.partial_output_shape)
        # tf.keras asks for these, and makes the weights by them
        return dict(config, **dict(zip(('query_shape', 'value_shape', 'key_shape'), self._shapes)))

    @classmethod
    def from_config(cls, config):
        return cls(
            **{key: value for key, value in config.items() if key not in ('query_shape', 'value_shape', 'key_shape')}
        )

    def _axes(self, rank):
        """The axes along which places see one another, of inputs of a rank: tuple, ascending."""
        axes = self.attention_axes
        if axes is None:
            return tuple(range(1, rank - 1))
        axes = axes if isinstance(axes, tuple) else (axes,)
        if any(not -rank < axis < rank or axis % rank in (0, rank - 1) for axis in axes):
            raise ValueError(
                f'MultiHeadAttention "{self.name}": `attention_axes` are axes of the inputs between the first, the batch, and the last, the features; got '
                f'{self.attention_axes} for inputs of rank {rank}.'
            )
        return tuple(sorted({axis % rank for axis in axes}))

    def build(self, input_shape):
        query, value, key = self._shapes = self._check(input_shape)
        self._axes(len(query))
        output = self.partial_output_shape or query[-1:]
        self._project(self._shapes, self.num_heads, self.num_heads, self.key_dim, self.value_dim, output)
        self.built = True

    def _attend(self, query, key, value, seen, training):
        rank = K.ndim(query)  # one more than the inputs: heads stand before features
        axes = self._axes(rank - 1)
        target = 'abcdefghijklm'[:rank]
        source = ''.join(letter.upper() if axis in axes else letter for axis, letter in enumerate(target))
        batch = [axis for axis in range(rank - 1) if axis not in axes]
        result = ''.join([target[i] for i in batch] + [target[i] for i in axes] + [source[i] for i in axes])
        scores = K.einsum(f'{target},{source}->{result}', query * (1.0 / math.sqrt(self.key_dim)), key)
        if seen is not None:
            for _ in range(len(result) - K.ndim(seen)):  # the axes before those of the places: heads, and others
                seen = K.expand_dims(seen, -2 * len(axes) - 1)
        last = tuple(range(len(result) - len(axes), len(result)))
        shares = masked_softmax(scores, seen, -1 if len(axes) == 1 else last)
        given = dropped(shares, self.dropout, self.seed, training)
        return K.einsum(f'{result},{source}->{target}', given, value), shares

    def compute_output_shape(self, input_shape):
        query = self._check(input_shape)[0]
        return query[:-1] + tuple(self.partial_output_shape or query[-1:])


class GroupQueryAttention(_Heads):
    """Attention of several heads, of which groups share one projection of key and value.

    Arguments:
        head_dim: int, the size of a head's query, key and value.
        num_query_heads: int, how many heads there are: a multiple of the next.
        num_key_value_heads: int, how many projections of key and value there are.
        dropout, use_bias, kernel_initializer, ..., bias_constraint, use_gate, sliding_window, seed: as for MultiHeadAttention.

    Called as MultiHeadAttention is, on tensors of three axes. Output (batch, queries, features of the query). Weights: kernel and bias of query, key, value
    and output, as those of MultiHeadAttention, with `num_key_value_heads` heads of key and value.

    Raises:
        ValueError: for numbers of heads or inputs that do not fit.

    Source: Ainslie et al., "GQA: training generalized multi-query transformer models from multi-head checkpoints", 2023.
    """

    _written = ('head_dim', 'num_query_heads', 'num_key_value_heads', 'dropout', 'use_bias')

    @checked
    def __init__(
        self,
        head_dim,
        num_query_heads,
        num_key_value_heads,
        dropout=0.0,
        use_bias=True,
        kernel_initializer='glorot_uniform',
        bias_initializer='zeros',
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        use_gate=False,
        sliding_window=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._take(**{key: value for key, value in locals().items() if key not in ('self', 'kwargs', '__class__')})
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f'GroupQueryAttention: `num_query_heads` is a multiple of `num_key_value_heads`, {num_key_value_heads}; got {num_query_heads}.'
            )

    def build(self, input_shape):
        shapes = self._check(input_shape, rank=3)
        self._project(
            shapes, self.num_query_heads, self.num_key_value_heads, self.head_dim, self.head_dim, shapes[0][-1:]
        )
        self.built = True

    def _attend(self, query, key, value, seen, training):
        times = self.num_query_heads // self.num_key_value_heads
        key, value = (x if times == 1 else K.repeat_elements(x, times, axis=2) for x in (key, value))
        scores = K.einsum('bqhd,bkhd->bhqk', query * (1.0 / math.sqrt(self.head_dim)), key)
        shares = masked_softmax(scores, seen if seen is None or K.ndim(seen) != 3 else K.expand_dims(seen, 1))
        return K.einsum('bhqk,bkhd->bqhd', dropped(shares, self.dropout, self.seed, training), value), shares

    def compute_output_shape(self, input_shape):
        return self._check(input_shape, rank=3)[0]


GroupedQueryAttention = GroupQueryAttention  # what it is called where Keras 3 describes it

names.add_aliases(globals())
