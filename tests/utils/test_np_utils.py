"""One-hot encoding and normalisation of arrays."""

import numpy as np
import pytest

from cthulhu.utils.np_utils import normalize, to_categorical


@pytest.mark.parametrize(
    'shape, expected',
    [((3,), (3, 5)), ((4, 3), (4, 3, 5)), ((4, 3, 1), (4, 3, 5)), ((3, 1), (3, 5)), ((1,), (1, 5)), ((), (5,))],
)
def test_to_categorical_shapes(shape, expected):
    labels = np.random.RandomState(0).randint(0, 5, shape)
    one_hot = to_categorical(labels, 5)
    assert one_hot.shape == expected and one_hot.dtype == 'float32'
    np.testing.assert_array_equal(one_hot.argmax(-1).ravel(), np.ravel(labels))
    np.testing.assert_array_equal(one_hot.sum(-1), 1)


@pytest.mark.parametrize('labels', [['1', '2'], np.array([1, 2], object), [1.0, 2.0], [[1], [2]]])
def test_to_categorical_takes_whole_numbers_of_any_kind(labels):
    assert to_categorical(labels).tolist() == [[0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize('labels', [['a', 'b'], [1.5], [float('nan')], [None, 1], [float('inf')]])
def test_to_categorical_refuses_what_is_no_class(labels):
    with pytest.raises(ValueError, match='numbers of classes'):
        to_categorical(labels)


def test_to_categorical_infers_classes_and_takes_a_dtype():
    one_hot = to_categorical([0, 2], dtype='int16')
    assert one_hot.dtype == 'int16'
    np.testing.assert_array_equal(one_hot, [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize('labels', [[0, 3], [-1, 0]])
def test_to_categorical_names_the_range(labels):
    with pytest.raises(ValueError, match='from 0 to 2.*`num_classes`'):
        to_categorical(labels, 3)


@pytest.mark.parametrize('axis, order', [(-1, 2), (0, 1), (1, np.inf)])
def test_normalize(axis, order):
    x = np.random.RandomState(1).rand(4, 3) + 0.1
    y = normalize(x, axis, order)
    assert y.shape == x.shape
    np.testing.assert_allclose(y * np.linalg.norm(x, order, axis, keepdims=True), x)
    np.testing.assert_allclose(np.linalg.norm(y, order, axis), 1, atol=1e-12)


def test_normalize_a_vector_and_zeros():
    np.testing.assert_allclose(normalize(np.array([3.0, 4.0])), [[0.6, 0.8]])
    np.testing.assert_array_equal(normalize(np.zeros((2, 3))), np.zeros((2, 3)))
