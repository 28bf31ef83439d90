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
        (lambda: layers.StringLookup(output_mode='tf_idf'), "StringLookup: `output_mode` is one of 'int', 'one_hot'"),
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
