"""Sequences: padding, windows, pairs. What Keras gives is in `test_reference.py`."""

import collections
import json

import numpy as np
import pytest

from cthulhu.preprocessing.sequence import TimeseriesGenerator, make_sampling_table, pad_sequences, skipgrams
from cthulhu.utils import OrderedEnqueuer, Sequence, set_random_seed


def test_nothing_to_pad():
    # Keras 2.3.1 raises NumPy's error about an empty maximum.
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences([], maxlen=3).shape == (0, 3)
    assert pad_sequences([[1, 2]], maxlen=0).shape == (1, 0)


def test_texts_need_a_dtype_that_holds_them():
    with pytest.raises(ValueError, match='`dtype` int32.*dtype=object'):
        pad_sequences([['a'], ['b', 'c']], value='')
    with pytest.raises(ValueError, match="`dtype` int32.*sequence 0.*'a'"):
        pad_sequences([['a'], ['b', 'c']])
    assert pad_sequences([['a'], ['long', 'c']], dtype='U4', value='').tolist() == [['', 'a'], ['long', 'c']]


def test_fractions_are_not_lost_in_silence():
    with pytest.warns(UserWarning, match="cuts the fractions off.*'float32'"):
        assert pad_sequences([[0.5], [1.5, 2.0]]).tolist() == [[0, 0], [1, 2]]
    assert pad_sequences([[3.0], [1.0, 2.0]]).tolist() == [[0, 3], [1, 2]]
    with pytest.raises(ValueError, match='`dtype` uint8.*sequence 1: 2 to 300'):
        pad_sequences([[1], [300, 2]], dtype='uint8')


@pytest.mark.parametrize(
    'sequences, options, message',
    [
        ([1, 2, 3], {}, r'list of sequences; item 0 is 1.*\[sequence\]'),
        (5, {}, 'list of sequences; got int'),
        ([[1]], {'padding': 'left'}, "`padding` must be 'pre' or 'post'; got 'left'"),
        ([[1]], {'truncating': 'left'}, '`truncating`'),
        ([[[1, 2]], [[1, 2, 3]]], {}, r'sequence 1 have the shape \(3,\)'),
    ],
)
def test_wrong_sequences(sequences, options, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, **options)


def test_sampling_table_falls_off_for_frequent_words():
    table = make_sampling_table(1000, sampling_factor=1e-3)
    assert table.shape == (1000,) and 0 < table.min() and table.max() == 1 and (np.diff(table[1:]) >= 0).all()
    rank = 20
    frequency = 1 / (rank * (np.log(rank) + 0.577) + 0.5 - 1 / (12 * rank))
    np.testing.assert_allclose(table[rank], np.sqrt(1e-3 / frequency))
    assert make_sampling_table(0).shape == (0,)


def test_pairs_by_chance():
    words = list(range(1, 40)) * 3
    pairs, labels = skipgrams(words, 50, window_size=3, negative_samples=2.0, seed=1)
    assert len(pairs) == len(labels) and labels.count(0) == 2 * labels.count(1)
    true = collections.Counter(tuple(pair) for pair, label in zip(pairs, labels) if label)
    positive, _ = skipgrams(words, 50, window_size=3, negative_samples=0.0, shuffle=False)
    assert true == collections.Counter(map(tuple, positive))
    others = [pair[1] for pair, label in zip(pairs, labels) if not label]
    assert set(others) == set(range(1, 50)) and labels != sorted(labels)
    assert skipgrams([], 10) == ([], []) and skipgrams([0, 0], 10) == ([], [])


def test_pairs_follow_their_seed():
    table = make_sampling_table(50, 1e-2)
    first, again, other = (skipgrams(range(1, 50), 50, sampling_table=table, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    set_random_seed(3)
    drawn = skipgrams(range(1, 50), 50)
    set_random_seed(3)
    assert skipgrams(range(1, 50), 50) == drawn


def test_windows_against_slices():
    data = np.random.RandomState(0).normal(size=(30, 2))
    targets = np.arange(30)
    windows = TimeseriesGenerator(
        data, targets, length=6, sampling_rate=3, stride=2, start_index=1, end_index=25, batch_size=4
    )
    assert isinstance(windows, Sequence) and len(windows) == 3
    rows = [row for i in range(len(windows)) for row in windows[i][1]]
    assert rows == list(range(7, 26, 2))
    found = np.concatenate([windows[i][0] for i in range(len(windows))])
    np.testing.assert_array_equal(found, [data[row - 6 : row : 3] for row in rows])
    assert windows[-1][1].tolist() == windows[2][1].tolist()
    with pytest.raises(IndexError, match='batch number 3; TimeseriesGenerator has 3'):
        windows[3]
    assert len(list(windows)) == 3


def test_mixed_windows_are_there_once_whoever_computes_them():
    # Keras draws rows with replacement, so that some windows are in an epoch twice, and others not.
    def epochs(processes):
        set_random_seed(1)
        windows = TimeseriesGenerator(np.arange(20), np.arange(20), length=2, batch_size=4, shuffle=True)
        ahead = OrderedEnqueuer(windows, use_multiprocessing=processes)
        ahead.start(workers=2)
        batches = ahead.get()
        try:
            return [[row for _ in range(len(windows)) for row in next(batches)[1].tolist()] for _ in range(2)]
        finally:
            ahead.stop()

    one, other = epochs(False), epochs(True)
    assert one == other and one[0] != one[1]
    assert sorted(one[0]) == sorted(one[1]) == list(range(2, 20))


def test_lists_are_data_too():
    x, y = TimeseriesGenerator([[1, 2], [3, 4], [5, 6]], [0, 1, 2], length=1)[0]
    assert x.tolist() == [[[1, 2]], [[3, 4]]] and y.tolist() == [1, 2]


@pytest.mark.parametrize(
    'options, message',
    [
        ({'length': 10}, 'No window fits'),
        ({'length': 0}, '`length` is a whole number, 1 or more'),
        ({'length': 2, 'stride': 0}, '`stride`'),
        ({'length': 2, 'sampling_rate': 1.5}, '`sampling_rate`'),
        ({'length': 2, 'batch_size': 0}, '`batch_size`'),
        ({'length': 2, 'end_index': 10}, '`end_index` must be below 10'),
        ({'length': 2, 'targets': np.arange(9)}, 'one length; got 10 and 9'),
    ],
)
def test_wrong_windows(options, message):
    with pytest.raises(ValueError, match=message):
        TimeseriesGenerator(**dict({'data': np.arange(10), 'targets': np.arange(10)}, **options))


def test_windows_as_json():
    text = TimeseriesGenerator(np.arange(10), list(range(10)), length=3).to_json()
    value = json.loads(text)
    assert value['class_name'] == 'TimeseriesGenerator' and json.loads(value['config']['data']) == list(range(10))
    assert value['config']['length'] == 3 and value['config']['start_index'] == 3
    with pytest.raises(TypeError, match='`data`.*JSON'):
        TimeseriesGenerator([object()] * 4, range(4), length=1).get_config()


def test_texts_in_place_of_sequences_and_lengths_that_are_none():
    for texts in ('abc', ['abc', 'd'], [b'ab']):
        with pytest.raises(ValueError, match='item 0 is the text .* Tokenizer.texts_to_sequences'):
            pad_sequences(texts)
    for maxlen in (-1, '3', 2.5):
        with pytest.raises(ValueError, match='`maxlen` is a whole number, 0 or more, or None; got '):
            pad_sequences([[1]], maxlen=maxlen)
    assert pad_sequences([[1]], maxlen=np.int64(2)).tolist() == [[0, 1]]
