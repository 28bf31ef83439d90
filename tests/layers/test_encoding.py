"""Layers that make whole numbers, and vectors with a place for each, against NumPy and Keras 3."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump, Pile, load_model
from cthulhu.utils.layer_test import layer_test

WHOLE = np.array([[0, 3, 3], [2, 1, 5]])  # 5 is beyond


def run(layer, x, dtype=None):
    inputs = layers.Input(x.shape[1:], dtype=dtype)
    return K.function([inputs], [layer(inputs)])([x])[0]


def hot(values, depth):
    return (np.asarray(values)[..., None] == np.arange(depth)) * 1.0


@pytest.mark.parametrize(
    'mode, expected',
    [('one_hot', hot(WHOLE, 4)), ('multi_hot', hot(WHOLE, 4).max(1)), ('count', hot(WHOLE, 4).sum(1))],
)
def test_category_encoding(mode, expected):
    layer_test(
        layers.CategoryEncoding,
        {'num_tokens': 4, 'output_mode': mode},
        input_data=WHOLE,
        input_dtype='int32',
        expected_output=expected,
    )


def test_one_value_and_weights():
    np.testing.assert_array_equal(run(layers.CategoryEncoding(4, 'one_hot'), WHOLE[:, 1:2]), hot([3, 1], 4))
    a, b = layers.Input((3,)), layers.Input((3,))
    model = Lump([a, b], layers.CategoryEncoding(4, 'count')(a, count_weights=b))
    weights = np.array([[0.5, 1.0, 2.0], [1.0, 1.0, 1.0]])
    np.testing.assert_allclose(model.predict([WHOLE, weights]), (hot(WHOLE, 4) * weights[..., None]).sum(1))


# -- Discretization --------------------------------------------------------------------------------------------

X = np.array([[-1.5, 0.0, 0.99], [1.0, 3.4, 100.0]])
BINS = [0.0, 1.0, 2.0]


@pytest.mark.parametrize('mode', ['int', 'one_hot', 'multi_hot', 'count'])
def test_discretization(mode):
    places = np.digitize(X, BINS)
    expected = {
        'int': places,
        'one_hot': hot(places, 4),
        'multi_hot': hot(places, 4).max(1),
        'count': hot(places, 4).sum(1),
    }[mode]
    layer = layers.Discretization([2.0, 0.0, 1.0], output_mode=mode)
    found = run(layer, X)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == ('int32' if mode == 'int' else 'float32')
    assert layer.compute_output_shape((None, 3)) == (None,) + expected.shape[1:]


def test_bins_of_equally_many():
    data = np.random.RandomState(0).exponential(size=(50, 4))
    for given in (data, iter([data[:20], (data[20:], None)])):
        layer = layers.Discretization(num_bins=5)
        layer.adapt(given)
        counts = np.bincount(run(layer, data).ravel(), minlength=5)
        assert counts.tolist() == [40] * 5
    again = layers.Discretization.from_config(layer.get_config())
    assert again.bin_boundaries == layer.bin_boundaries and again.num_bins == 5


# -- IntegerLookup ---------------------------------------------------------------------------------------------

DATA = np.array([[12, 1138, 42], [42, 1000, 36]])
# What Keras 3.15.1 gives.
KERAS_3 = [
    ({'vocabulary': [12, 36, 1138, 42]}, [[1, 3, 4], [4, 0, 2]]),
    ({'vocabulary': [36, 1138, 42], 'num_oov_indices': 3}, [[0, 4, 5], [5, 1, 3]]),
    ({'vocabulary': [12, 1138, 42], 'mask_token': 36}, [[2, 3, 4], [4, 1, 0]]),
    ({'vocabulary': [12, 36], 'output_mode': 'count', 'max_tokens': 6, 'pad_to_max_tokens': True}, [[2, 1, 0, 0, 0, 0], [2, 0, 1, 0, 0, 0]]),
    ({'vocabulary': [12, 36], 'output_mode': 'multi_hot', 'mask_token': 0}, [[1, 1, 0], [1, 0, 1]]),
    ({'vocabulary': [12, 36], 'output_mode': 'count', 'mask_token': 42}, [[1, 1, 0], [1, 0, 1]]),
    ({'vocabulary': [42], 'output_mode': 'one_hot', 'mask_token': 12}, [[[0, 0], [1, 0], [0, 1]], [[0, 1], [1, 0], [1, 0]]]),
    ({'vocabulary': [42, 12], 'output_mode': 'tf_idf', 'idf_weights': [1.0, 3.0]}, [[2, 1, 3], [4, 1, 0]]),
]  # fmt: skip


@pytest.mark.parametrize('settings, expected', KERAS_3)
def test_integer_lookup(settings, expected):
    layer = layers.IntegerLookup(**settings)
    np.testing.assert_array_equal(run(layer, DATA, 'int32'), expected)
    assert layer.get_config()['vocabulary'] == settings['vocabulary']
    again = layers.IntegerLookup.from_config(layer.get_config())
    np.testing.assert_array_equal(run(again, DATA, 'int32'), expected)


def test_a_vocabulary_that_is_found_and_the_way_back():
    layer = layers.IntegerLookup(max_tokens=5, mask_token=0)
    layer.adapt(np.array([[12, 36, 0, 42], [42, 7, 36, 42]]))
    assert layer.get_vocabulary() == [0, -1, 42, 36, 12] and layer.vocabulary_size() == 5
    back = layers.IntegerLookup(mask_token=0, vocabulary=layer.get_vocabulary(), invert=True)
    places = run(layer, np.array([[42, 12, 0, 99]]), 'int32')
    assert places.tolist() == [[2, 4, 0, 1]] and run(back, places, 'int32').tolist() == [[42, 12, 0, -1]]
    assert run(layers.IntegerLookup(vocabulary=[5], num_oov_indices=3), np.array([[-4, -1, 4]]), 'int32').tolist() == [
        [2, 2, 1]
    ]


@pytest.mark.parametrize(
    'settings, vocabulary, expected',
    [
        ({}, [-1, 42, 1138, 1000, 36, 12], [[0, 0.5108, 0.6931, 0, 0, 0.6931], [0, 0.5108, 0, 0.6931, 0.6931, 0]]),
        ({'max_tokens': 4, 'mask_token': 42}, [-1, 1138, 1000, 36], [[0.6931, 0.6931, 0, 0], [0, 0, 0.6931, 0.6931]]),
    ],
)
def test_weights_by_how_many_samples_have_a_number(settings, vocabulary, expected):
    """Keras 3.15.1 finds them."""
    layer = layers.IntegerLookup(output_mode='tf_idf', **settings)
    layer.adapt(DATA)
    assert layer.get_vocabulary() == vocabulary
    np.testing.assert_allclose(run(layer, DATA, 'int32'), expected, atol=5e-5)
    again = layers.IntegerLookup.from_config(layer.get_config())
    np.testing.assert_array_equal(run(again, DATA, 'int32'), run(layer, DATA, 'int32'))


def test_numbers_that_int32_does_not_hold():
    big = 2**40
    layer = layers.IntegerLookup(vocabulary=[7, big, -big])
    found = run(layer, np.array([[7, big], [-big, big + 7]]), 'int64')
    np.testing.assert_array_equal(
        found, [[1, 2], [3, 0]]
    )  # and not that of 7, which is what is left of big + 7 in int32
    back = run(layers.IntegerLookup(vocabulary=[7, big, -big], invert=True), found, 'int32')
    np.testing.assert_array_equal(back, [[7, big], [-big, -1]])
    with pytest.raises(ValueError, match=f'`vocabulary` has {big}, which inputs of int32 cannot be'):
        layers.IntegerLookup(vocabulary=[big])(layers.Input((2,), dtype='int32'))
    others = np.array([[2**31 - 1, 2**30 + 1, 2**24 + 1, -(2**30) - 1]])
    found = run(layers.IntegerLookup(vocabulary=[5], num_oov_indices=3), others, 'int32')
    np.testing.assert_array_equal(found, others % 3)


def test_what_is_refused():
    for make, message in (
        (lambda: layers.CategoryEncoding(0), 'CategoryEncoding: `num_tokens` is a whole number, 1 or more; got 0'),
        (
            lambda: layers.CategoryEncoding(3, 'int'),
            "CategoryEncoding: `output_mode` is one of 'multi_hot', 'one_hot', 'count'; got 'int'",
        ),
        (lambda: layers.CategoryEncoding(3, sparse=True), 'CategoryEncoding: `sparse=True` is not available'),
        (lambda: layers.CategoryEncoding(3)(layers.Input((2, 2))), r'the inputs have the shape \(batch, values\)'),
        (lambda: layers.Discretization(), 'Discretization: give `bin_boundaries` or `num_bins`, one of the two'),
        (lambda: layers.Discretization(num_bins=3)(layers.Input((2,))), 'has no boundaries yet: call `adapt'),
        (lambda: layers.Discretization([1.0]).adapt(X), 'was given `bin_boundaries`: there is nothing to adapt'),
        (lambda: layers.IntegerLookup()(layers.Input((2,))), 'has no vocabulary yet'),
        (lambda: layers.IntegerLookup(vocabulary=[1, 2, 1]), '`vocabulary` has a value twice'),
        (
            lambda: layers.IntegerLookup(max_tokens=2, vocabulary=[1, 2]),
            '`max_tokens` is 2, and `vocabulary` has 2 values, to which 1 places come',
        ),
        (
            lambda: layers.IntegerLookup(num_oov_indices=0),
            'IntegerLookup: `num_oov_indices` is a whole number, 1 or more; got 0',
        ),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    layer = layers.IntegerLookup(vocabulary=[1])
    layer(layers.Input((2,)))
    with pytest.raises(ValueError, match='was called already, and what it gives is part of a graph'):
        layer.adapt(DATA)


@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_files_and_training(tmp_path, ending):
    pytest.importorskip('h5py')
    lookup, bins = layers.IntegerLookup(max_tokens=5), layers.Discretization(num_bins=3, output_mode='one_hot')
    lookup.adapt(DATA)
    bins.adapt(X)
    a, b = layers.Input((3,), dtype='int32'), layers.Input((3,))
    x = layers.Flatten()(layers.TheHydra(5, 2)(lookup(a)))
    y = layers.Flatten()(bins(b))
    model = Lump([a, b], layers.Daoloth(1)(layers.Concatenate()([x, y, layers.CategoryEncoding(40)(a)])))
    if K.supports('gradients'):
        model.conjure('sgd', 'mse')
        before = model.get_weights()
        model.train_on_batch([DATA, X], np.ones((2, 1)))
        assert all((w != v).any() for w, v in zip(before, model.get_weights()))
    path = str(tmp_path / ('model' + ending))
    model.save(path)
    again = load_model(path, compile=False)
    np.testing.assert_allclose(again.predict([DATA, X]), model.predict([DATA, X]), rtol=1e-5)
    assert isinstance(again, Lump) and not isinstance(again, Pile)
