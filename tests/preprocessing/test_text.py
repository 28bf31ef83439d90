"""Texts as numbers, and Tokenizers of strangers. What Keras gives is in `test_reference.py`."""

import json
import time
import tracemalloc

import numpy as np
import pytest

from cthulhu.preprocessing.text import (
    Tokenizer,
    hashing_trick,
    one_hot,
    text_to_word_sequence,
    tokenizer_from_json,
)
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError

TEXTS = ['the cat sat on the mat', 'the dog sat', 'a cat']


def fitted(**options):
    tokenizer = Tokenizer(**options)
    tokenizer.summon_on_texts(TEXTS)
    return tokenizer


def test_fit_is_summon():
    one, other = Tokenizer(), Tokenizer()
    one.fit_on_texts(TEXTS), other.summon_on_texts(TEXTS)
    one.fit_on_sequences([[1, 2]]), other.summon_on_sequences([[1, 2]])
    assert one.get_config() == other.get_config() and one.document_count == 4


@pytest.mark.parametrize('num_words', [2, 3, 4, 100, None])
@pytest.mark.parametrize('oov_token', ['?', None])
def test_where_num_words_and_the_unknown_meet(num_words, oov_token):
    tokenizer = fitted(num_words=num_words, oov_token=oov_token)
    assert tokenizer.word_index['the'] == (2 if oov_token else 1)
    sequences = tokenizer.texts_to_sequences(TEXTS + ['no such words'])
    numbers = {number for sequence in sequences for number in sequence}
    limit = num_words or 100
    # With num_words=n there are n - 1 numbers, of which the unknown has one.
    assert max(numbers, default=0) < limit
    words = [word for word, number in tokenizer.word_index.items() if number < limit and word != oov_token]
    assert len(words) == min(limit - 1 - bool(oov_token), 7)
    for text, sequence in zip(TEXTS, sequences):
        known = [word for word in text.split() if word in words]
        if oov_token:
            assert len(sequence) == len(text.split()) and sequence.count(1) == len(sequence) - len(known)
        else:
            assert tokenizer.sequences_to_texts([sequence]) == [' '.join(known)]
    assert sequences[-1] == ([1, 1, 1] if oov_token else [])
    matrix = tokenizer.texts_to_matrix(TEXTS, mode='count')
    assert matrix.shape == (3, num_words or len(tokenizer.word_index) + 1) and not matrix[:, 0].any()


def test_no_room_for_the_unknown():
    with pytest.raises(ValueError, match='`num_words` 1 leaves no number for `oov_token`'):
        Tokenizer(num_words=1, oov_token='?')
    for num_words in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match='`num_words` is a whole number, 1 or more, or None; got'):
            Tokenizer(num_words=num_words)


def test_a_word_that_is_the_token_for_the_unknown():
    tokenizer = Tokenizer(oov_token='cat', filters='')
    tokenizer.summon_on_texts(TEXTS)
    assert tokenizer.word_index['cat'] == 1 and sorted(tokenizer.index_word) == list(range(1, 8))
    assert tokenizer.texts_to_sequences(['cat whale the']) == [[1, 1, 2]]


def test_one_text_is_not_several():
    tokenizer = Tokenizer()
    for function in (tokenizer.summon_on_texts, tokenizer.texts_to_sequences, tokenizer.texts_to_matrix):
        with pytest.raises(TypeError, match=r'list of texts.*\[text\]'):
            function('the cat')
    with pytest.raises(TypeError, match='`texts` must be a list of texts, .*None'):
        tokenizer.summon_on_texts([None])


def test_generators_of_texts_are_read_once():
    tokenizer = Tokenizer()
    tokenizer.summon_on_texts(text for text in TEXTS)
    assert next(tokenizer.texts_to_sequences_generator(iter(['the cat']))) == [1, 2]
    assert list(tokenizer.sequences_to_texts_generator(iter([[1, 2]]))) == ['the cat']


def test_matrices_say_what_they_need():
    tokenizer = Tokenizer()
    with pytest.raises(ValueError, match='`num_words`.*`summon_on_texts`'):
        tokenizer.sequences_to_matrix([[1]])
    with pytest.raises(ValueError, match="'tfidf' needs"):
        Tokenizer(num_words=3).sequences_to_matrix([[1]], mode='tfidf')
    with pytest.raises(ValueError, match="`mode`.*'counts'"):
        fitted().texts_to_matrix(TEXTS, mode='counts')
    with pytest.raises(ValueError, match='number 99.*0 to 7'):
        fitted().sequences_to_matrix([[99]])
    with pytest.raises(ValueError, match='more than fit into memory'):
        Tokenizer(num_words=2**30).sequences_to_matrix([[1]] * 10**5)


def test_legacy_and_unknown_arguments():
    with pytest.warns(UserWarning, match='num_words'):
        assert Tokenizer(nb_words=5).num_words == 5
    with pytest.raises(TypeError, match="'words'"):
        Tokenizer(words=5)


def test_hashes():
    for function in (one_hot, hashing_trick):
        numbers = function('the cat sat on the mat', 10)
        assert len(numbers) == 6 and numbers[0] == numbers[4] and all(1 <= number <= 9 for number in numbers)
    assert hashing_trick('a b', 7, hash_function=len) == [2, 2]
    assert hashing_trick('the cat', 1000, 'md5') == [hashing_trick(word, 1000, 'md5')[0] for word in ('the', 'cat')]
    with pytest.raises(ValueError, match='one_hot: `n` is a whole number, 2 or more; got 1'):
        one_hot('the', 1)
    with pytest.raises(ValueError, match="`hash_function`.*'sha'"):
        hashing_trick('the', 9, 'sha')


def test_words():
    assert text_to_word_sequence('') == [] and text_to_word_sequence(' ,. ') == []
    assert text_to_word_sequence('A-b', filters='', lower=False) == ['A-b']


@pytest.mark.parametrize('options', [{}, {'num_words': 4, 'oov_token': '?'}, {'char_level': True}, {'lower': False}])
def test_json_round_trip(options):
    tokenizer = fitted(**options)
    other = tokenizer_from_json(tokenizer.to_json(indent=1))
    assert other.get_config() == tokenizer.get_config()
    for mode in ('binary', 'tfidf'):
        np.testing.assert_array_equal(other.texts_to_matrix(TEXTS, mode), tokenizer.texts_to_matrix(TEXTS, mode))
    sequences = tokenizer.texts_to_sequences(TEXTS)
    assert other.texts_to_sequences(TEXTS) == sequences
    assert other.sequences_to_texts(sequences) == tokenizer.sequences_to_texts(sequences)
    other.summon_on_texts(['the whale'])
    word = 't' if options.get('char_level') else 'the'
    assert other.word_counts[word] == tokenizer.word_counts[word] + 1


# Written by Keras 2.3.1: Tokenizer(num_words=4, oov_token='?'), fit_on_texts(['the cat sat', 'the mat']), to_json().
OF_KERAS = (
    r'{"class_name": "Tokenizer", "config": {"num_words": 4, "filters": "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n", "lower": true, '
    r'"split": " ", "char_level": false, "oov_token": "?", "document_count": 2, "word_counts": "{\"the\": 2, \"cat\": 1, \"sat\": 1, '
    r'\"mat\": 1}", "word_docs": "{\"the\": 2, \"cat\": 1, \"sat\": 1, \"mat\": 1}", "index_docs": "{\"2\": 2, \"3\": 1, \"4\": 1, '
    r'\"5\": 1}", "index_word": "{\"1\": \"?\", \"2\": \"the\", \"3\": \"cat\", \"4\": \"sat\", \"5\": \"mat\"}", '
    r'"word_index": "{\"?\": 1, \"the\": 2, \"cat\": 3, \"sat\": 4, \"mat\": 5}"}}'
)


def test_the_json_of_keras():
    tokenizer = tokenizer_from_json(OF_KERAS)
    assert tokenizer.texts_to_sequences(['the cat sat here']) == [[2, 3, 1, 1]]
    ours = Tokenizer(num_words=4, oov_token='?')
    ours.summon_on_texts(['the cat sat', 'the mat'])
    plain = [
        {name: json.loads(value) if str(value).startswith('{') else value for name, value in config.items()}
        for config in (json.loads(OF_KERAS)['config'], ours.get_config())
    ]
    assert plain[0] == plain[1]


def changed(**config):
    description = json.loads(OF_KERAS)
    description['config'].update(config)
    return json.dumps(description)


@pytest.mark.parametrize(
    'text, error',
    [
        ('', DamagedFileError),
        ('{', DamagedFileError),
        ('[]', DamagedFileError),
        ('{"class_name": "Sequential", "config": {}}', DamagedFileError),
        ('{"class_name": "Tokenizer", "config": []}', DamagedFileError),
        (changed(num_words='many'), DamagedFileError),
        (changed(num_words=10**18), UnsafeFileError),
        (changed(lower='yes'), DamagedFileError),
        (changed(split=3), DamagedFileError),
        (changed(document_count=True), DamagedFileError),
        (changed(document_count=float('nan')), DamagedFileError),
        (changed(code='print(1)'), DamagedFileError),
        (changed(word_index={'the': 1}), DamagedFileError),
        (changed(word_index='[1]'), DamagedFileError),
        (changed(word_index='{"the": "1"}'), DamagedFileError),
        (changed(word_index='{"the": -1}'), DamagedFileError),
        (changed(word_index='{"the": 99999999999}'), UnsafeFileError),
        (changed(index_word='{"one": "the"}'), DamagedFileError),
        (changed(index_word='{"1": 5}'), DamagedFileError),
        (changed(index_docs='{"1": [1]}'), DamagedFileError),
        (changed(word_counts='{"the": 1' + '0' * 10**6 + '}'), UnsafeFileError),
        ('[' * 10**6, UnsafeFileError),
        (changed(word_docs='{"a":' * 10**5), UnsafeFileError),
        (changed(num_words=1), ValueError),
    ],
    ids=range(24),
)
def test_the_json_of_a_stranger(text, error):
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(error):
        tokenizer_from_json(text)
    assert time.process_time() - start < 2 and tracemalloc.get_traced_memory()[1] < 64 * 2**20
    tracemalloc.stop()


def test_json_that_is_no_text_or_too_long(monkeypatch):
    from cthulhu.preprocessing import text

    with pytest.raises(TypeError, match='must be a str; got bytes'):
        tokenizer_from_json(b'{}')
    monkeypatch.setattr(text, 'LONGEST_TEXT', 100)
    with pytest.raises(UnsafeFileError, match='up to 100 bytes'):
        tokenizer_from_json(OF_KERAS)
    monkeypatch.setattr(text, 'LONGEST_TEXT', 10**6)
    monkeypatch.setattr(text, 'MOST_WORDS', 3)
    with pytest.raises(UnsafeFileError, match='4 words; up to 3'):
        tokenizer_from_json(OF_KERAS)
