"""Attention and EinsumDense, against NumPy."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump, load_model
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import normal

BIASES = {'bias_initializer': 'random_uniform'}


def softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def masked(scores, mask):
    return scores if mask is None else np.where(mask, scores, -1e9)


# -- EinsumDense -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'equation, output_shape, bias_axes, shape, kernel, bias',
    [
        ('ab,bc->ac', 4, 'c', (3, 5), (5, 4), (4,)),
        ('abc,cd->abd', (None, 4), None, (3, 2, 5), (5, 4), None),
        ('abc,cde->abde', (2, 4, 3), 'de', (3, 2, 5), (5, 4, 3), (4, 3)),
        ('abc,cde->abde', (None, 4, 3), 'be', (3, 2, 5), (5, 4, 3), (2, 1, 3)),
        ('abcd,cde->abe', (None, 6), 'e', (3, 2, 4, 5), (4, 5, 6), (6,)),
        ('...x,xy->...y', 4, 'y', (3, 2, 5), (5, 4), (4,)),
        ('ab...,bc->ac...', 4, 'c', (3, 5, 2), (5, 4), (4, 1)),
    ],
)
def test_einsum_dense(equation, output_shape, bias_axes, shape, kernel, bias):
    settings = dict(BIASES, equation=equation, output_shape=output_shape, bias_axes=bias_axes, activation='tanh')
    layer = layers.EinsumDense(**settings)
    layer(layers.Input(shape[1:]))
    assert [K.int_shape(w) for w in layer.weights] == [each for each in (kernel, bias) if each is not None]
    layer_test(
        layers.EinsumDense,
        settings,
        input_data=normal(*shape),
        expected_output=lambda x, w: np.tanh(np.einsum(equation, x, w[0]) + (w[1] if bias else 0)),
    )


@pytest.mark.parametrize(
    'settings, shape, message',
    [
        ({'equation': 'ab,bc'}, (5,), 'has the axes of inputs, kernel and output'),
        ({'equation': 'ab,bc,cd->ad'}, (5,), 'has the axes of inputs, kernel and output'),
        ({'equation': '...b,bc->ac'}, (5,), 'or in neither'),
        ({'equation': 'ab,bc->ac', 'bias_axes': 'b'}, (5,), '`bias_axes` has letters of the output'),
        ({'equation': 'abc,cd->abd'}, (2, 5), '`output_shape` has a size for each letter'),
        ({'equation': 'abc,cd->abd', 'output_shape': (3, 4)}, (2, 5), 'and 3 in `output_shape`'),
        ({'equation': 'ab,bc->ac', 'output_shape': (None,)}, (5,), "have an axis 'c', whose size is not known"),
        ({'equation': 'ab,bc->ac', 'output_shape': 'four'}, (5,), '`output_shape` is a whole number'),
    ],
)
def test_einsum_dense_that_does_not_fit(settings, shape, message):
    with pytest.raises(ValueError, match=message):
        layers.EinsumDense(**dict({'output_shape': 4}, **settings))(layers.Input(shape))


# -- one head ----------------------------------------------------------------------------------------------

DATA = [normal(2, 4, 3), normal(2, 5, 6), normal(2, 5, 3)]


def attended(x, scores, mask=None):
    return softmax(masked(scores, mask)) @ x[1]


@pytest.mark.parametrize('use_scale', [False, True])
def test_attention(use_scale):
    layer_test(
        layers.Attention,
        {'use_scale': use_scale},
        input_data=DATA,
        expected_output=lambda x, w: attended(x, x[0] @ x[2].swapaxes(1, 2)),
        expected_mask=[[True, False, True, True]] * 2,
        input_mask=[np.array([[True, False, True, True]] * 2), np.array([[True, False, True, True, True]] * 2), None],
    )


def test_attention_by_sums():
    settings = {'score_mode': 'concat', 'use_scale': True}
    layer_test(
        layers.Attention,
        settings,
        input_data=DATA,
        expected_output=lambda x, w: attended(x, np.tanh(x[0][:, :, None] + x[2][:, None]).sum(-1)),
    )
    two = [normal(2, 4, 3), normal(2, 5, 3)]
    layer_test(
        layers.AdditiveAttention,
        input_data=two,
        expected_output=lambda x, w: attended(x, (w[0] * np.tanh(x[0][:, :, None] + x[1][:, None])).sum(-1)),
    )
    layer_test(
        layers.AdditiveAttention,
        {'use_scale': False},
        input_data=two,
        expected_output=lambda x, w: attended(x, np.tanh(x[0][:, :, None] + x[1][:, None]).sum(-1)),
    )


def values_of(tensors, inputs, data):
    return K.function(inputs, tensors)(data)


@pytest.mark.parametrize('lengths', [(4, 5), (None, None)])
def test_attention_sees_what_the_masks_and_the_places_let_it_see(lengths):
    queries, values = normal(2, 4, 3), normal(2, 5, 3)
    queries[0, 2:], values[1, 3:] = 0, 0
    a, b = (layers.Input((length, 3)) for length in lengths)
    masks = [layers.Masking()(x) for x in (a, b)]
    output, shares = layers.Attention()(masks, return_attention_scores=True)
    causal = layers.Attention(causal=True)(masks)
    again = layers.Attention()(masks, use_causal_mask=True)
    found = values_of([output, shares, causal, again], [a, b], [queries, values])
    of_query, of_value = queries.any(-1), values.any(-1)[:, None]
    scores = queries @ values.swapaxes(1, 2)
    np.testing.assert_allclose(found[1], softmax(masked(scores, of_value)), rtol=1e-4, atol=1e-5)
    expected = attended([queries, values], scores, of_value) * of_query[..., None]
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-5)
    expected = attended([queries, values], scores, of_value & np.tri(4, 5, dtype=bool)) * of_query[..., None]
    for each in found[2:]:
        np.testing.assert_allclose(each, expected, rtol=1e-4, atol=1e-5)


def test_attention_drops_in_training_alone():
    a, b = layers.Input((4, 3)), layers.Input((5, 3))
    data = [normal(2, 4, 3), np.ones((2, 5, 3))]
    layer = layers.Attention(dropout=0.5, seed=1)
    heads = layers.MultiHeadAttention(2, 3, dropout=0.5)
    tensors = [
        layer([a, b], training=True),
        layer([a, b]),
        heads(a, b, training=True),
        heads(a, b),
        heads(a, b, training=False),
    ]
    some, none, of_heads, quiet, never = K.function([a, b, K.learning_phase()], tensors)(data + [0])
    np.testing.assert_allclose(none, np.ones((2, 4, 3)), rtol=1e-5)
    assert np.abs(some - 1).max() > 0.05 and np.abs(of_heads - quiet).max() > 1e-3
    np.testing.assert_array_equal(quiet, never)
    assert layer.get_config()['seed'] == 1 and 'seed' not in layers.Attention().get_config()


def test_attention_refuses():
    a, b = layers.Input((4, 3)), layers.Input((5, 6))
    for inputs, message in (
        (a, r'is called on a list: \[query, value\]'),
        ([a, b], 'fit one another'),
        ([a, a, b], 'fit one another'),
        ([a, layers.Input((3,))], 'fit one another'),
    ):
        with pytest.raises(ValueError, match=message):
            layers.Attention()(inputs)
    with pytest.raises(ValueError, match="`score_mode` is 'dot' or 'concat'; got 'sum'"):
        layers.Attention(score_mode='sum')
    with pytest.raises(ValueError, match='`dropout`'):
        layers.AdditiveAttention(dropout=2)


# -- several heads -----------------------------------------------------------------------------------------


def of_heads(query, value, key, weights, mask=None, axes='q', gate=None):
    """What MultiHeadAttention gives: (output, shares), of weights with biases. `axes`: 'q', or 'qr' for two axes of places."""
    wq, bq, wk, bk, wv, bv, wo, bo = weights
    others = axes.upper()
    q = np.einsum(f'b{axes}f,fhd->b{axes}hd', query, wq) + bq
    k = np.einsum(f'b{axes}f,fhd->b{axes}hd', key, wk) + bk
    v = np.einsum(f'b{axes}f,fhd->b{axes}hd', value, wv) + bv
    times = q.shape[-2] // k.shape[-2]
    k, v = np.repeat(k, times, axis=-2), np.repeat(v, times, axis=-2)
    scores = np.einsum(f'b{axes}hd,b{others}hd->bh{axes}{others}', q, k) / np.sqrt(q.shape[-1])
    shares = softmax(masked(scores, mask), axis=-1 if len(axes) == 1 else (-2, -1))
    heads = np.einsum(f'bh{axes}{others},b{others}hd->b{axes}hd', shares, v)
    heads = heads if gate is None else heads * gate
    return np.einsum(f'b{axes}hd,hdo->b{axes}o', heads, wo) + bo, shares


def test_multi_head_attention():
    settings = dict(BIASES, num_heads=2, key_dim=3, value_dim=4, output_shape=5)
    layer_test(
        layers.MultiHeadAttention,
        settings,
        input_data=[normal(2, 4, 6), normal(2, 5, 3), normal(2, 5, 2)],
        expected_output=lambda x, w: of_heads(*x, weights=w)[0],
        rtol=1e-3,
        atol=1e-4,
    )
    layer_test(
        layers.MultiHeadAttention,
        dict(BIASES, num_heads=2, key_dim=3),
        input_data=[normal(2, 4, 6), normal(2, 5, 6)],
        expected_output=lambda x, w: of_heads(x[0], x[1], x[1], w)[0],
        rtol=1e-3,
        atol=1e-4,
    )


def test_the_weights_are_those_of_files():
    layer = layers.MultiHeadAttention(3, 4, value_dim=2, output_shape=(5, 7), name='heads')
    layer(layers.Input((4, 6)), layers.Input((5, 8)))
    shapes = [(6, 3, 4), (3, 4), (8, 3, 4), (3, 4), (8, 3, 2), (3, 2), (3, 2, 5, 7), (5, 7)]
    assert [K.int_shape(w) for w in layer.weights] == shapes
    assert [path for path, _ in layer.saved_parts] == ['query_dense', 'key_dense', 'value_dense', 'output_dense']
    assert layer.output_shape == (None, 4, 5, 7)
    bare = layers.MultiHeadAttention(3, 4, use_bias=False)
    bare(layers.Input((4, 6)), layers.Input((4, 6)))
    assert len(bare.weights) == 4


def test_attention_over_some_axes():
    x = normal(2, 3, 4, 6)
    layer_test(
        layers.MultiHeadAttention,
        dict(BIASES, num_heads=2, key_dim=3),
        input_data=[x, x],
        expected_output=lambda x, w: of_heads(x[0], x[1], x[1], w, axes='qr')[0],
        rtol=1e-3,
        atol=1e-4,
    )

    def along_rows(x, w):
        parts = [of_heads(x[0][:, i], x[1][:, i], x[1][:, i], w)[0] for i in range(3)]
        return np.stack(parts, axis=1)

    for axes in (2, (2,), -2):
        layer_test(
            layers.MultiHeadAttention,
            dict(BIASES, num_heads=2, key_dim=3, attention_axes=axes),
            input_data=[x, x],
            expected_output=along_rows,
            gradients=False,
            train=False,
            rtol=1e-3,
            atol=1e-4,
        )
    with pytest.raises(ValueError, match='`attention_axes` are axes of the inputs between'):
        layers.MultiHeadAttention(2, 3, attention_axes=3)(layers.Input((3, 4, 6)), layers.Input((3, 4, 6)))


@pytest.mark.parametrize('lengths', [(4, 5), (None, None)])
def test_heads_see_what_the_masks_and_the_places_let_them_see(lengths):
    queries, values, allowed = normal(2, 4, 6), normal(2, 5, 6), np.random.RandomState(1).rand(2, 4, 5) > 0.4
    allowed[..., 0] = True
    queries[0, 2:], values[1, 3:] = 0, 0
    a, b = (layers.Input((length, 6)) for length in lengths)
    c = layers.Input(lengths, dtype='bool')
    masks = [layers.Masking()(x) for x in (a, b)]
    layer = layers.MultiHeadAttention(2, 3, bias_initializer='random_uniform')
    near = layers.MultiHeadAttention(2, 3, sliding_window=2)
    outputs = [
        *layer(*masks, return_attention_scores=True, use_causal_mask=True),
        layer(a, b, attention_mask=c),
        layer(a, b, b, attention_mask=K.constant(allowed, dtype='bool')),
        layer([a, b]),
        near(a, b),
    ]
    assert layer.get_output_mask_at(0)[0] is not None
    near.set_weights(layer.get_weights())
    found = values_of(outputs, [a, b, c], [queries, values, allowed])
    weights = layer.get_weights()
    seen = queries.any(-1)[:, :, None] & values.any(-1)[:, None] & np.tri(4, 5, dtype=bool)
    places = np.arange(4)[:, None] - np.arange(5)
    expected = of_heads(queries, values, values, weights, seen[:, None])
    expected += (of_heads(queries, values, values, weights, allowed[:, None])[0],) * 2
    expected += (of_heads(queries, values, values, weights)[0],)
    expected += (of_heads(queries, values, values, weights, np.abs(places) < 2)[0],)
    for each, want in zip(found, expected):
        np.testing.assert_allclose(each, want, rtol=1e-3, atol=1e-4)


def test_gates_multiply_what_heads_find():
    x = normal(2, 4, 6)
    layer = layers.MultiHeadAttention(2, 3, use_gate=True)
    inputs = layers.Input((4, 6))
    output = layer(inputs, inputs)
    weights = layer.get_weights()
    assert [path for path, _ in layer.saved_parts][2] == '_gate_dense' and len(weights) == 10
    gate = 1 / (1 + np.exp(-(np.einsum('bqf,fhd->bqhd', x, weights[4]) + weights[5])))
    expected = of_heads(x, x, x, weights[:4] + weights[6:], gate=gate)[0]
    np.testing.assert_allclose(values_of([output], [inputs], [x])[0], expected, rtol=1e-3, atol=1e-4)


def test_grouped_queries():
    layer_test(
        layers.GroupQueryAttention,
        dict(BIASES, head_dim=3, num_query_heads=4, num_key_value_heads=2),
        input_data=[normal(2, 4, 6), normal(2, 5, 3), normal(2, 5, 2)],
        expected_output=lambda x, w: of_heads(*x, weights=w)[0],
        rtol=1e-3,
        atol=1e-4,
    )
    a, b = layers.Input((4, 6)), layers.Input((5, 6))
    layer = layers.GroupQueryAttention(3, 4, 2)
    output, shares = layer(a, b, use_causal_mask=True, return_attention_scores=True)
    data = [normal(2, 4, 6), normal(2, 5, 6)]
    expected = of_heads(data[0], data[1], data[1], layer.get_weights(), np.tri(4, 5, dtype=bool))
    for found, want in zip(values_of([output, shares], [a, b], data), expected):
        np.testing.assert_allclose(found, want, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match='`num_query_heads` is a multiple of `num_key_value_heads`, 2; got 3'):
        layers.GroupQueryAttention(3, 3, 2)


def test_heads_refuse():
    a, b = layers.Input((4, 6)), layers.Input((5, 6))
    layer = layers.MultiHeadAttention(2, 3)
    with pytest.raises(TypeError, match=r'is called on a query and a value.*layer\(x, x\)'):
        layer(a)
    with pytest.raises(ValueError, match='value and key as many places'):
        layer(a, a, b)
    with pytest.raises(ValueError, match='have as many axes'):
        layer(a, layers.Input((6,)))
    with pytest.raises(ValueError, match='`num_heads` is a whole number, 1 or more; got 0'):
        layers.MultiHeadAttention(0, 3)
    with pytest.raises(ValueError, match='whose size is not known'):
        layers.MultiHeadAttention(2, 3)(layers.Input((4, None)), layers.Input((4, None)))


@pytest.mark.skipif(not K.supports('gradients'), reason='trains')
def test_penalties_of_the_projections_are_losses():
    inputs = layers.Input((4, 6))
    layer = layers.MultiHeadAttention(2, 3, kernel_regularizer='l2', activity_regularizer='l1')
    model = Lump(inputs, layer(inputs, inputs))
    model.conjure('sgd', 'mse')
    x = normal(3, 4, 6)
    loss = model.test_on_batch(x, model.predict(x))
    assert loss > 0.01 * sum(np.square(w).sum() for w in layer.get_weights())
    assert layer.get_config()['activity_regularizer'] is not None


def transformer():
    words = layers.Input((5,))
    x = layers.TheHydra(9, 8, mask_zero=True)(words)
    allowed = layers.Input((5, 5), dtype='bool')
    y = layers.MultiHeadAttention(2, 4)(x, x, attention_mask=allowed, use_causal_mask=True)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    y = layers.GroupQueryAttention(4, 2, 1)(x, x, key=x)
    y = layers.EinsumDense('abc,cd->abd', (None, 8), bias_axes='d', activation='tanh')(y)
    y = layers.AdditiveAttention()([y, layers.Attention(use_scale=True)([x, x])])
    return Lump([words, allowed], layers.Daoloth(1)(layers.Flatten()(y)))


@pytest.mark.skipif(not K.supports('gradients'), reason='trains')
@pytest.mark.parametrize('file', ['model.h5', 'model.keras', 'json'])
def test_files(file, tmp_path):
    model = transformer()
    model.conjure('adam', 'mse')
    x = [np.random.RandomState(0).randint(0, 9, (6, 5)), np.random.RandomState(1).rand(6, 5, 5) > 0.3]
    model.train_on_batch(x, np.ones((6, 1)))
    if file == 'json':
        from cthulhu.models import model_from_json

        loaded = model_from_json(model.to_json())
        model.save_weights(str(tmp_path / 'weights.h5'))
        loaded.load_weights(str(tmp_path / 'weights.h5'), by_name=True)
        np.testing.assert_allclose(loaded.predict(x), model.predict(x), rtol=1e-4, atol=1e-5)
        return
    model.save(str(tmp_path / file))
    loaded = load_model(str(tmp_path / file))
    np.testing.assert_allclose(loaded.predict(x), model.predict(x), rtol=1e-4, atol=1e-5)
    losses = [each.train_on_batch(x, np.ones((6, 1))) for each in (model, loaded)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
