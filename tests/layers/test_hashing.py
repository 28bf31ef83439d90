"""Hashing, with the numbers of tf-keras 2.21 and Keras 3, and the hashes under it."""

import numpy as np
import pytest

from cthulhu import layers
from cthulhu.utils.fingerprints import fingerprint64, siphash

LONG = 'Ärger and a text of more than sixty-four bytes, so that all of it is hashed'
TEXTS = [['omar', 'stringer'], ['marlo', 'wire'], ['', LONG]]
NUMBERS = np.array([[0, 1, -5], [7, 123456789012, 7]], 'int64')


@pytest.mark.parametrize(
    'settings, expected',
    [
        ({}, [[6, 4], [1, 4], [3, 7]]),
        ({'salt': 133137}, [[7, 3], [9, 9], [8, 7]]),
        ({'salt': [3, 99]}, [[4, 2], [8, 0], [2, 7]]),
        ({'mask_value': ''}, [[3, 9], [7, 2], [0, 8]]),
        ({'mask_value': '', 'salt': 7}, [[2, 2], [4, 6], [0, 2]]),
    ],
)
def test_texts(settings, expected):
    layer = layers.Hashing(10, **settings)
    found = layer(np.array(TEXTS))
    assert found.tolist() == expected and found.dtype == 'int64'
    again = layers.Hashing.from_config(layer.get_config())
    assert again([[text.encode('utf-8') for text in row] for row in TEXTS]).tolist() == expected


@pytest.mark.parametrize(
    'settings, expected',
    [
        ({}, [[35, 49, 16], [88, 27, 88]]),
        ({'salt': 133137}, [[97, 83, 96], [62, 69, 62]]),
        ({'mask_value': 7}, [[47, 64, 28], [0, 25, 0]]),
        ({'mask_value': 7, 'salt': [1, 2]}, [[90, 24, 15], [0, 95, 0]]),
    ],
)
def test_whole_numbers(settings, expected):
    assert layers.Hashing(100, **settings)(NUMBERS).tolist() == expected


def test_what_is_before_the_point_of_a_float_counts():
    layer = layers.Hashing(100)
    assert layer([[0.5, 1.0, -5.9]]).tolist() == layer(NUMBERS[:1]).tolist()


@pytest.mark.parametrize(
    'mode, data, expected',
    [
        ('one_hot', NUMBERS[:, :1], np.eye(4)[layers.Hashing(4)(NUMBERS[:, 0])]),
        ('multi_hot', NUMBERS, np.eye(4)[layers.Hashing(4)(NUMBERS)].max(1)),
        ('count', NUMBERS, np.eye(4)[layers.Hashing(4)(NUMBERS)].sum(1)),
    ],
)
def test_modes(mode, data, expected):
    np.testing.assert_array_equal(layers.Hashing(4, output_mode=mode)(data), expected)


def test_the_reference_of_siphash():
    # the vector in the paper of Aumasson and Bernstein, appendix A
    assert siphash(bytes(range(15)), 0x0706050403020100, 0x0F0E0D0C0B0A0908) == 0xA129CA6149BE45E5


@pytest.mark.parametrize(
    'size, expected',
    [
        (0, 254130001513),
        (2, 251657938665),
        (5, 369070208710),
        (9, 47303405917),
        (16, 13198707823),
        (20, 380682973557),
        (32, 732508818354),
        (40, 902382321028),
        (64, 923759221391),
        (65, 486581396072),
        (128, 148133563521),
        (200, 756255560351),
    ],
)
def test_each_branch_of_the_fingerprint(size, expected):
    # tf.strings.to_hash_bucket_fast of TensorFlow 2.21, in 2**40 + 7 bins
    assert fingerprint64(bytes(i * 7 % 256 for i in range(size))) % (2**40 + 7) == expected


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: layers.Hashing(0), 'num_bins'),
        (lambda: layers.Hashing(3, salt='a'), 'Hashing: `salt` is a whole number'),
        (lambda: layers.Hashing(3, salt=[1, 2, 3]), 'Hashing: `salt` is a whole number'),
        (lambda: layers.Hashing(3, output_mode='tf'), 'output_mode'),
        (lambda: layers.Hashing(3, sparse=True), 'sparse'),
        (lambda: layers.Hashing(3, output_mode='one_hot', sparse=True)([['a', 'b']]), 'values have the shape'),
        (lambda: layers.Hashing(3)(layers.Input((2,))), 'before the model'),
        (lambda: layers.Hashing(3)([[None]]), 'texts or whole numbers'),
    ],
)
def test_errors(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize('mode', ['one_hot', 'multi_hot', 'count'])
def test_sparse_vectors(mode):
    values = [['A'], ['B']] if mode == 'one_hot' else [['A', 'C', 'E'], ['B', 'D', 'E']]
    found = layers.Hashing(3, output_mode=mode, sparse=True)(values)
    np.testing.assert_array_equal(found.toarray(), layers.Hashing(3, output_mode=mode)(values))
    assert found.dtype == 'float32' and found.shape == (2, 3)
