"""Numbers of texts, against Keras 3."""

import numpy as np
import pytest

from cthulhu import layers

TEXTS = ['The stars are right!', "When the stars aren't right, they could not live.", 'the  ', '']
WORDS = np.array([['b', 'a', 'b'], ['c', 'zz', 'a']])

# What is found of these texts, and what is made of them then, recorded from Keras 3.15.1.
VECTORIZATIONS = [
    (lambda: layers.TextVectorization(), ['', '[UNK]', 'the', 'stars', 'right', 'when', 'they', 'not', 'live', 'could', 'arent', 'are'], [[2, 3, 11, 4, 0, 0, 0, 0, 0], [5, 2, 3, 10, 4, 6, 9, 7, 8], [2, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0]]),
    (lambda: layers.TextVectorization(max_tokens=5, ngrams=2, output_sequence_length=4), ['', '[UNK]', 'the', 'the stars', 'stars'], [[2, 4, 1, 1], [1, 2, 4, 1], [2, 0, 0, 0], [0, 0, 0, 0]]),
    (lambda: layers.TextVectorization(output_mode='count', standardize='lower'), ['[UNK]', 'the', 'stars', 'when', 'they', 'right,', 'right!', 'not', 'live.', 'could', "aren't", 'are'], [[0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1], [0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]),
    (lambda: layers.TextVectorization(output_mode='multi_hot', ngrams=(2,), max_tokens=12, pad_to_max_tokens=True), ['[UNK]', 'the stars', 'when the', 'they could', 'stars arent', 'stars are', 'right they', 'not live', 'could not', 'arent right', 'are right'], [[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], [0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]),
    (lambda: layers.TextVectorization(split='character', output_sequence_length=5, max_tokens=8), ['', '[UNK]', ' ', 't', 'e', 'h', 'r', 's'], [[3, 5, 4, 2, 7], [1, 5, 4, 1, 2], [3, 5, 4, 2, 2], [0, 0, 0, 0, 0]]),
]  # fmt: skip
LOOKUPS = [
    ({'vocabulary':['a','b']}, [[2, 1, 2], [0, 0, 1]]),
    ({'vocabulary':['a','b'],'mask_token':'c'}, [[3, 2, 3], [0, 1, 2]]),
    ({'vocabulary':['a','b'],'output_mode':'count'}, [[0, 1, 2], [2, 1, 0]]),
    ({'vocabulary':['a','b'],'output_mode':'one_hot'}, [[[0, 0, 1], [0, 1, 0], [0, 0, 1]], [[1, 0, 0], [1, 0, 0], [0, 1, 0]]]),
    ({'vocabulary':['a','b'],'output_mode':'multi_hot','mask_token':'c'}, [[0, 1, 1], [1, 1, 0]]),
    ({'vocabulary':['b'],'output_mode':'count','mask_token':'a'}, [[0, 2], [2, 0]]),
    ({'vocabulary':['b'],'output_mode':'one_hot','mask_token':'a'}, [[[0, 1], [0, 0], [0, 1]], [[1, 0], [1, 0], [0, 0]]]),
    ({'vocabulary':['a','b'],'output_mode':'tf_idf','idf_weights':[0.5,2.0]}, [[0, 0.5, 4], [2.5, 0.5, 0]]),
]  # fmt: skip


@pytest.mark.parametrize('make, vocabulary, expected', VECTORIZATIONS)
def test_vectorization(make, vocabulary, expected):
    layer = make()
    layer.adapt(TEXTS)
    assert layer.get_vocabulary() == vocabulary and layer.vocabulary_size() == len(vocabulary)
    again = layers.TextVectorization.from_config(layer.get_config())
    for each in (layer, again):
        for texts in (TEXTS, np.array(TEXTS)[:, None], np.array([text.encode() for text in TEXTS])):
            np.testing.assert_array_equal(each(texts), expected)


@pytest.mark.parametrize('settings, expected', LOOKUPS)
def test_lookup(settings, expected):
    layer = layers.StringLookup(**settings)
    np.testing.assert_array_equal(layer(WORDS), expected)
    np.testing.assert_array_equal(layers.StringLookup.from_config(layer.get_config())(WORDS.tolist()), expected)


# What Keras 3.15.1 finds, and gives of it.
WEIGHTED = [
    (lambda: layers.StringLookup(output_mode='tf_idf'), WORDS, ['[UNK]', 'b', 'a', 'zz', 'c'], [[0, 1.3863, 0.5108, 0, 0], [0, 0, 0.5108, 0.6931, 0.6931]]),
    (lambda: layers.StringLookup(output_mode='tf_idf', num_oov_indices=2, max_tokens=5, mask_token='b'), WORDS, ['[UNK]', '[UNK]', 'a', 'zz', 'c'], [[0, 0, 0.5108, 0, 0], [0, 0, 0.5108, 0.6931, 0.6931]]),
    (lambda: layers.TextVectorization(output_mode='tf_idf', max_tokens=6, ngrams=2), TEXTS, ['[UNK]', 'the', 'the stars', 'stars', 'right', 'when the'], None),
    (lambda: layers.TextVectorization(output_mode='tf_idf', max_tokens=13, pad_to_max_tokens=True), TEXTS, ['[UNK]', 'the', 'stars', 'right', 'when', 'they', 'not', 'live', 'could', 'arent', 'are'], [[0, 0.6931, 0.8473, 0.8473, 0, 0, 0, 0, 0, 0, 1.0986, 0, 0], [0, 0.6931, 0.8473, 0.8473] + [1.0986] * 6 + [0, 0, 0], [0, 0.6931] + [0] * 11, [0] * 13]),
]  # fmt: skip


@pytest.mark.parametrize('make, data, vocabulary, expected', WEIGHTED)
def test_weights_by_how_many_documents_have_a_value(make, data, vocabulary, expected):
    layer = make()
    layer.adapt(data)
    assert layer.get_vocabulary() == vocabulary
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(data), layer(data))
    if expected is not None:
        np.testing.assert_allclose(layer(data), expected, atol=5e-5)
    unknown = layer([['nowhere']])[0]
    np.testing.assert_allclose(
        unknown.max(), np.mean(layer.idf_weights), rtol=1e-6
    )  # those of the unknown are not counted


@pytest.mark.parametrize('mode', ['multi_hot', 'count', 'tf_idf'])
def test_sparse_vectors(mode):
    weights = {'idf_weights': [0.5, 2.0]} if mode == 'tf_idf' else {}
    dense, sparse = (
        layers.StringLookup(vocabulary=['a', 'b'], output_mode=mode, sparse=each, mask_token='zz', **weights)
        for each in (False, True)
    )
    found = sparse(WORDS)
    assert found.dtype == 'float32' and found.nnz == np.count_nonzero(dense(WORDS)) == 4
    np.testing.assert_array_equal(found.toarray(), dense(WORDS))
    words = layers.TextVectorization(vocabulary=['stars', 'right'], output_mode=mode, sparse=True, **weights)
    np.testing.assert_array_equal(
        words(TEXTS).toarray(), layers.TextVectorization.from_config(dict(words.get_config(), sparse=False))(TEXTS)
    )


def test_there_and_back():
    layer = layers.StringLookup(max_tokens=4)
    layer.adapt(WORDS)
    assert layer.get_vocabulary() == ['[UNK]', 'b', 'a', 'zz']
    back = layers.StringLookup(vocabulary=layer.get_vocabulary(), invert=True)
    assert back(layer(['a', 'c', 'b', 'd'])).tolist() == [
        text if text in layer.vocabulary else '[UNK]' for text in ['a', 'c', 'b', 'd']
    ]


def test_own_functions():
    layer = layers.TextVectorization(standardize=str.upper, split=lambda text: text.split('-'), vocabulary=['A', 'B'])
    assert layer(['a-b-c', 'b']).tolist() == [[2, 3, 1], [3, 0, 0]] and layer([]).shape == (0, 0)


def test_places_of_the_unknown_by_hash():
    lookup = layers.StringLookup(vocabulary=['a', 'b'], num_oov_indices=3, mask_token='')
    # tf-keras 2.21
    assert lookup([['a', 'b', 'c', 'd', 'e', '', '[UNK]', 'x']]).tolist() == [[4, 5, 2, 3, 2, 0, 1, 3]]
    assert lookup.get_vocabulary() == ['', '[UNK]', '[UNK]', '[UNK]', 'a', 'b']


def test_what_is_refused():
    for make, message in (
        (lambda: layers.StringLookup()(WORDS), 'StringLookup has no vocabulary yet'),
        (
            lambda: layers.StringLookup(vocabulary=['a', 'a']),
            "`vocabulary` has a value twice, or the one of the mask or of the unknown: 'a'",
        ),
        (lambda: layers.StringLookup(output_mode='tf'), "StringLookup: `output_mode` is one of 'int', 'one_hot'"),
        (
            lambda: layers.StringLookup(sparse=True),
            "`sparse=True` is for vectors, and `output_mode='int'` gives places",
        ),
        (
            lambda: layers.StringLookup(output_mode='tf_idf', vocabulary=['a']),
            "`idf_weights` goes with a vocabulary that is given for `output_mode='tf_idf'`; got None",
        ),
        (lambda: layers.TextVectorization(vocabulary=['a'], idf_weights=[1.0]), "got \\[1.0\\] for 'int'"),
        (lambda: layers.TextVectorization(output_mode='tf_idf', idf_weights=[1.0]), '`idf_weights` needs `vocabulary`'),
        (
            lambda: layers.StringLookup(output_mode='tf_idf', vocabulary=['a', 'b'], idf_weights=[1.0]),
            '`idf_weights` has one weight for each value of the vocabulary, 2; got 1',
        ),
        (
            lambda: layers.StringLookup(output_mode='one_hot', vocabulary=['a'], sparse=True)(WORDS),
            r'texts have the shape \(batch,\) or \(batch, 1\); got \(2, 3\)',
        ),
        (
            lambda: layers.TextVectorization(split='comma'),
            "TextVectorization: `split` is one of 'whitespace', 'character', a function or None; got 'comma'",
        ),
        (
            lambda: layers.TextVectorization(output_mode='count', output_sequence_length=3),
            "`output_sequence_length` goes with `output_mode='int'`",
        ),
        (
            lambda: layers.TextVectorization(vocabulary=['a'])([['a', 'b']]),
            r'takes texts of shape \(batch,\) or \(batch, 1\); got \(1, 2\)',
        ),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(TypeError, match='StringLookup is called with texts in an array or a list, before the model'):
        layers.StringLookup(vocabulary=['a'])(layers.Input((2,)))
    with pytest.raises(TypeError, match='StringLookup takes texts; got an array of int64'):
        layers.StringLookup(vocabulary=['a'])([1, 2])
