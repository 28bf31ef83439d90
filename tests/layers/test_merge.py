import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.utils.layer_test import layer_test
from tests.layers.running import apply, normal

ELEMENTWISE = [
    (layers.Add, layers.add, lambda xs: sum(xs)),
    (layers.Multiply, layers.multiply, lambda xs: np.prod(np.broadcast_arrays(*xs), axis=0)),
    (layers.Average, layers.average, lambda xs: sum(xs) / len(xs)),
    (layers.Maximum, layers.maximum, lambda xs: np.max(np.broadcast_arrays(*xs), axis=0)),
    (layers.Minimum, layers.minimum, lambda xs: np.min(np.broadcast_arrays(*xs), axis=0)),
]
IDS = [cls.__name__ for cls, _, _ in ELEMENTWISE]


@pytest.mark.parametrize('cls, function, expected', ELEMENTWISE, ids=IDS)
def test_elementwise(cls, function, expected):
    xs = [np.random.RandomState(i).normal(size=(3, 4, 5)).astype('float32') for i in range(3)]
    layer_test(cls, {}, input_data=xs, expected_output=expected(xs))
    inputs = [layers.Input((4, 5)) for _ in xs]
    merged = function(inputs, name='merged')
    assert merged._keras_history[0].name == 'merged'
    np.testing.assert_allclose(K.function(inputs, [merged])(xs)[0], expected(xs), rtol=1e-5)


@pytest.mark.parametrize('cls, function, expected', ELEMENTWISE, ids=IDS)
@pytest.mark.parametrize(
    'shapes',
    [
        [(2, 3, 4), (2, 4)],  # a lower rank gets its new axes after the batch axis
        [(2, 4), (2, 5, 3, 4)],
        [(2, 3, 4), (2, 1, 4)],
        [(2, 3, 1), (2, 1, 4), (2, 1)],
    ],
    ids=str,
)
def test_broadcasting(cls, function, expected, shapes):
    xs = [np.random.RandomState(i).normal(size=shape).astype('float32') for i, shape in enumerate(shapes)]
    rank = max(len(shape) for shape in shapes)
    aligned = [x.reshape(x.shape[:1] + (1,) * (rank - x.ndim) + x.shape[1:]) for x in xs]
    np.testing.assert_allclose(apply(cls(), *xs), expected(aligned), rtol=1e-5)
    assert cls().compute_output_shape([(None,) + s[1:] for s in shapes]) == (None,) + expected(aligned).shape[1:]


def test_broadcasting_with_layer_test():
    layer_test(layers.Add, {}, input_shape=[(None, 3, 4), (None, 4)])
    layer_test(
        layers.Multiply,
        {},
        input_shape=[(None, None, 4), (None, None, 1)],
        input_data=[normal(2, 3, 4), normal(2, 3, 1)],
    )


def test_subtract():
    x, y = normal(3, 4), normal(4, 3).T
    layer_test(layers.Subtract, {}, input_data=[x, y], expected_output=x - y)
    inputs = [layers.Input((4,)) for _ in range(3)]
    np.testing.assert_allclose(K.function(inputs[:2], [layers.subtract(inputs[:2])])([x, y])[0], x - y, rtol=1e-6)
    with pytest.raises(ValueError, match='exactly 2 inputs; got 3'):
        layers.subtract(inputs)


def test_output_shapes():
    compute = layers.Add().compute_output_shape
    assert compute([(None, 3, 4), (None, 4)]) == (None, 3, 4)
    assert compute([(5, 3), (None, 3)]) == (5, 3)
    assert compute([(None, None, 4), (None, None, 4)]) == (None, None, 4)


def test_elementwise_errors():
    a, b = layers.Input((3, 4)), layers.Input((5,))
    with pytest.raises(ValueError, match='sizes must be equal or 1'):
        layers.add([a, b])
    with pytest.raises(ValueError, match='at least 2 inputs'):
        layers.add([a])
    with pytest.raises(ValueError, match='at least 2 inputs'):
        layers.add(a)
    with pytest.raises(ValueError, match='different batch sizes'):
        layers.add([layers.Input(batch_shape=(2, 3)), layers.Input(batch_shape=(4, 3))])


@pytest.mark.parametrize('axis', [1, 2, -1, -2])
def test_concatenate(axis):
    x = normal(3, 4, 5)
    y = normal(3, 2, 5) if axis in (1, -2) else normal(3, 4, 2)
    layer_test(layers.Concatenate, {'axis': axis}, input_data=[x, y], expected_output=np.concatenate([x, y], axis))
    inputs = [layers.Input(a.shape[1:]) for a in (x, y)]
    found = K.function(inputs, [layers.concatenate(inputs, axis=axis)])([x, y])[0]
    np.testing.assert_array_equal(found, np.concatenate([x, y], axis))


def test_concatenate_shapes_and_errors():
    compute = layers.Concatenate(axis=1).compute_output_shape
    assert compute([(None, 3, 4), (None, 5, 4)]) == (None, 8, 4)
    assert compute([(None, None, 4), (2, 5, None)]) == (2, None, 4)
    a = layers.Input((3, 4))
    with pytest.raises(ValueError, match='inputs of one shape, but for axis 1'):
        layers.concatenate([a, layers.Input((3, 5))], axis=1)
    with pytest.raises(ValueError, match='inputs of one shape'):
        layers.concatenate([a, layers.Input((4,))])
    for axis in (3, -4):
        with pytest.raises(ValueError, match=f'`axis` is {axis}.*the axes -3 to 2'):
            layers.concatenate([a, a], axis=axis)
    with pytest.raises(ValueError, match='at least 2 inputs'):
        layers.concatenate([a])


@pytest.mark.parametrize(
    'shapes, axes, formula',
    [
        ([(3, 4), (3, 4)], 1, 'bi,bi->b'),
        ([(3, 4), (3, 4)], -1, 'bi,bi->b'),
        ([(3, 2, 4), (3, 5, 4)], 2, 'bij,bkj->bik'),
        ([(3, 2, 4), (3, 4, 5)], (2, 1), 'bij,bjk->bik'),
        ([(3, 2, 4), (3, 4)], (2, 1), 'bij,bj->bi'),
        ([(3, 2, 4), (3, 2, 4)], (1, 1), 'bij,bik->bjk'),
        ([(3, 2, 4, 5), (3, 4, 6)], (2, 1), 'bijk,bjl->bikl'),
        ([(3, 2, 4, 5), (3, 2, 4, 6)], 2, 'bijk,bljm->bikl m'.replace(' ', '')),
    ],
)
@pytest.mark.parametrize('normalize', [False, True])
def test_dot(shapes, axes, formula, normalize):
    xs = [np.random.RandomState(i).normal(size=shape).astype('float32') for i, shape in enumerate(shapes)]
    pair = axes if isinstance(axes, tuple) else (axes, axes)
    scaled = [x / np.linalg.norm(x, axis=a, keepdims=True) if normalize else x for x, a in zip(xs, pair)]
    expected = np.einsum(formula, *scaled)
    expected = expected[:, None] if expected.ndim == 1 else expected
    np.testing.assert_allclose(apply(layers.Dot(axes, normalize=normalize), *xs), expected, rtol=1e-4, atol=1e-6)
    assert layers.Dot(axes).compute_output_shape([(None,) + s[1:] for s in shapes]) == (None,) + expected.shape[1:]


def test_dot_with_layer_test():
    layer_test(layers.Dot, {'axes': (2, 1)}, input_shape=[(None, 2, 4), (None, 4, 3)])
    layer_test(layers.Dot, {'axes': 1, 'normalize': True}, input_shape=[(None, 4), (None, 4)])
    a = layers.Input((4,))
    assert K.int_shape(layers.dot([a, a], axes=1)) == (None, 1)


def test_dot_errors():
    a, b = layers.Input((3, 4)), layers.Input((4,))
    with pytest.raises(ValueError, match='3 and 4|4 and 3'):
        layers.dot([a, a], axes=(2, 1))
    with pytest.raises(ValueError, match='exactly 2 inputs'):
        layers.dot([b, b, b], axes=1)
    for axes in ('a', (1, 2, 3), ('a', 1), 1.5, (2,), None):
        with pytest.raises(ValueError, match='Dot: `axes` is a whole number, or a tuple of 2 of them; got'):
            layers.Dot(axes)
    with pytest.raises(ValueError, match='axis 0, which is the batch'):
        layers.dot([b, b], axes=0)


# -- masks -----------------------------------------------------------------------------------------------

FIRST = np.array([[True, True, False], [True, False, False]])
SECOND = np.array([[True, False, False], [True, True, True]])


def merged_mask(layer, first, second, shapes=((2, 3, 4), (2, 3, 4))):
    given = [first, second]
    inputs = [layers.Input(batch_shape=shape) for shape in shapes]
    masks = [None if m is None else K.placeholder(shape=m.shape, dtype='bool') for m in given]
    with K.name_scope('masks'):
        mask = layer.compute_mask(inputs, masks)
    if mask is None:
        return None
    feeds = inputs + [m for m in masks if m is not None]
    return K.function(feeds, [mask])([np.zeros(s) for s in shapes] + [m for m in given if m is not None])[0]


@pytest.mark.parametrize('layer', [layers.Add(), layers.Multiply(), layers.Concatenate(), layers.Concatenate(axis=2)])
def test_masks_a_step_counts_where_it_counts_in_all(layer):
    np.testing.assert_array_equal(merged_mask(layer, FIRST, SECOND), FIRST & SECOND)
    np.testing.assert_array_equal(merged_mask(layer, FIRST, None), FIRST)
    assert merged_mask(layer, None, None) is None


def test_masks_are_joined_with_the_inputs_along_time():
    layer = layers.Concatenate(axis=1)
    np.testing.assert_array_equal(merged_mask(layer, FIRST, SECOND), np.concatenate([FIRST, SECOND], 1))
    joined = merged_mask(layer, FIRST, None, ((2, 3, 4), (2, 2, 4)))
    np.testing.assert_array_equal(joined, np.concatenate([FIRST, np.ones((2, 2), bool)], 1))


def test_masks_of_images_over_time():
    shapes = ((2, 3, 4, 5), (2, 3, 4, 5))
    np.testing.assert_array_equal(merged_mask(layers.Concatenate(axis=2), FIRST, SECOND, shapes), FIRST & SECOND)


def test_masks_through_layers():
    x = normal(2, 3, 4)
    x[0, 1] = 0
    inputs = layers.Input((3, 4))
    masked = layers.Masking()(inputs)
    for merged in (layers.add([masked, inputs]), layers.concatenate([masked, masked])):
        mask = merged._keras_history[0].output_mask
        np.testing.assert_array_equal(K.function([inputs], [mask])([x])[0], [[True, False, True], [True, True, True]])
    assert layers.dot([masked, masked], axes=2)._keras_history[0].output_mask is None


def test_a_mask_list_of_the_wrong_length():
    a = layers.Input((3, 4))
    with pytest.raises(ValueError, match='a mask or None for each input'):
        layers.Add().compute_mask([a, a], [None])
