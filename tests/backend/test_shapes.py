import doctest
import itertools

import numpy as np
import pytest

from cthulhu.backend import shapes


def windows(length, kernel, stride, dilation, before, after):
    """How many windows fit, counted one by one."""
    span = (kernel - 1) * dilation + 1
    return sum(1 for start in range(0, length + before + after, stride) if start + span <= length + before + after)


GRID = list(itertools.product([1, 4, 5, 9, 10], [1, 2, 3, 4], [1, 2, 3], [1, 2]))


@pytest.mark.parametrize('length, kernel, stride, dilation', GRID)
def test_conv_output_length_counts_windows(length, kernel, stride, dilation):
    span = (kernel - 1) * dilation + 1
    before, after = shapes.same_padding(length, kernel, stride, dilation)
    assert 0 <= after - before <= 1
    same = windows(length, kernel, stride, dilation, before, after)
    assert shapes.conv_output_length(length, kernel, 'same', stride, dilation) == same == -(-length // stride)
    causal = windows(length, kernel, stride, dilation, span - 1, 0)
    assert shapes.conv_output_length(length, kernel, 'causal', stride, dilation) == causal
    full = windows(length, kernel, stride, dilation, span - 1, span - 1)
    assert shapes.conv_output_length(length, kernel, 'full', stride, dilation) == full
    if length >= span:
        valid = windows(length, kernel, stride, dilation, 0, 0)
        assert shapes.conv_output_length(length, kernel, 'valid', stride, dilation) == valid


@pytest.mark.parametrize('length, kernel, stride, dilation', GRID)
def test_deconv_length_inverts_conv_output_length(length, kernel, stride, dilation):
    for padding in ('valid', 'same'):
        longer = shapes.deconv_length(length, stride, kernel, padding, dilation=dilation)
        assert shapes.conv_output_length(longer, kernel, padding, stride, dilation) == length


def test_deconv_length_with_output_padding():
    # Recorded from keras.utils.conv_utils.deconv_length of Keras 2.3.1.
    assert shapes.deconv_length(4, 2, 3, 'valid', output_padding=0) == 9
    assert shapes.deconv_length(4, 2, 3, 'valid', output_padding=1) == 10
    assert shapes.deconv_length(4, 2, 3, 'same', output_padding=0) == 7
    assert shapes.deconv_length(4, 2, 3, 'same', output_padding=1) == 8
    assert shapes.deconv_length(4, 2, 3, 'full') == 5
    assert shapes.deconv_length(4, 1, 3, 'valid', dilation=2) == 8


def test_conv_input_length_inverts():
    for length, kernel, stride in itertools.product([3, 4, 7], [1, 3, 5], [1, 2]):
        for padding in ('valid', 'full'):
            shorter = shapes.conv_input_length(length, kernel, padding, stride)
            if shorter > 0:
                assert shapes.conv_output_length(shorter, kernel, padding, stride) == length


def test_unknown_lengths_stay_unknown():
    assert shapes.conv_output_length(None, 3, 'valid', 1) is None
    assert shapes.conv_input_length(None, 3, 'valid', 1) is None
    assert shapes.deconv_length(None, 2, 3, 'same') is None
    assert shapes.conv_shape((None, None, 8, 3), 5, (3, 3), 'valid', (1, 2), (1, 1), 'channels_last') == (
        None,
        None,
        3,
        5,
    )


def test_conv_and_pool_shapes_in_both_formats():
    last = shapes.conv_shape((2, 9, 8, 3), 5, (2, 3), 'same', (2, 2), (1, 1), 'channels_last')
    first = shapes.conv_shape((2, 3, 9, 8), 5, (2, 3), 'same', (2, 2), (1, 1), 'channels_first')
    assert last == (2, 5, 4, 5) and first == (2, 5, 5, 4)
    assert shapes.pool_shape((2, 9, 8, 3), (2, 2), 'valid', (2, 2), 'channels_last') == (2, 4, 4, 3)
    assert shapes.pool_shape((2, 3, 9), (2,), 'same', (2,), 'channels_first') == (2, 3, 5)


def test_data_formats_are_inverse():
    shape = (None, 3, 7, 8, 9)
    assert shapes.to_channels_last(shape, 'channels_first') == (None, 7, 8, 9, 3)
    assert shapes.from_channels_last((None, 7, 8, 9, 3), 'channels_first') == shape
    assert shapes.to_channels_last(shape, 'channels_last') == shapes.from_channels_last(shape, 'channels_last') == shape


@pytest.mark.parametrize('a, b', [((2, 3), (3,)), ((2, 1, 4), (5, 1)), ((), (2, 3)), ((1,), (1,)), ((4, 0), (1,))])
def test_broadcast_shapes_as_numpy(a, b):
    assert shapes.broadcast_shapes(a, b) == shapes.broadcast_shapes(b, a) == np.broadcast(np.ones(a), np.ones(b)).shape


def test_broadcast_shapes_with_unknown_lengths():
    assert shapes.broadcast_shapes((None, 3), (1, 3)) == (None, 3)
    assert shapes.broadcast_shapes((None, 3), (4, 1)) == (4, 3)
    assert shapes.broadcast_shapes((None,), (None,)) == (None,)
    assert shapes.broadcast_shapes(None, (2,)) is None
    with pytest.raises(ValueError, match=r'\(2, 3\) and \(4,\) do not broadcast: 3 meets 4'):
        shapes.broadcast_shapes((2, 3), (4,))


def test_normalize_padding():
    assert shapes.normalize_padding('Valid') == 'valid'
    for wrong in ('full', 0, None):
        with pytest.raises(ValueError, match="padding: expected one of 'valid', 'same', 'causal', got"):
            shapes.normalize_padding(wrong)


def test_normalize_tuple():
    assert shapes.normalize_tuple(np.int64(3), 2, 'strides') == (3, 3)
    assert shapes.normalize_tuple([1, 2], 2, 'strides') == (1, 2)
    for wrong in ((1, 2, 3), 1.5, (1, 2.0), 'ab', None):
        with pytest.raises(ValueError, match='strides: expected an int or 2 of them, got'):
            shapes.normalize_tuple(wrong, 2, 'strides')


def test_normalize_axis():
    assert shapes.normalize_axis(-1, 4) == 3
    assert shapes.normalize_axis([0, -2], 3) == (0, 1)
    assert shapes.normalize_axis(None, 3) is None
    assert shapes.normalize_axis(-1, None) == -1
    with pytest.raises(ValueError, match='axis: expected a number from -3 to 2 for 3 dimensions, got 3'):
        shapes.normalize_axis(3, 3)


# The results were recorded from K.int_shape(K.batch_dot(...)) of Keras 2.3.1.
@pytest.mark.parametrize(
    'x, y, axes, result',
    [
        ((8, 4), (8, 4), None, (8, 1)),
        ((8, 4), (8, 4), 1, (8, 1)),
        ((8, 3, 4), (8, 4, 5), None, (8, 3, 5)),
        ((8, 3, 4), (8, 4), None, (8, 3)),
        ((8, 4), (8, 4, 5), None, (8, 5)),
        ((8, 4), (8, 5, 4), (1, 2), (8, 5)),
        ((8, 2, 3, 4), (8, 5, 3), (2, 2), (8, 2, 4, 5)),
        ((None, 3, 4), (8, 6, 7, 4), (2, -1), (8, 3, 6, 7)),
    ],
)
def test_batch_dot_shape(x, y, axes, result):
    assert shapes.batch_dot_shape(x, y, axes) == result


@pytest.mark.parametrize(
    'x, y, axes, message',
    [
        ((4,), (4, 4), None, 'need 2 or more dimensions'),
        ((4, 2), (4, 2), 0, 'axis 0, which is the batch'),
        ((4, 2), (4, 2), (1, -2), 'axis 0, which is the batch'),
        ((4, 2), (5, 2), 1, 'batch sizes differ, 4 and 5'),
        ((4, 2), (4, 3), 1, 'axes differ, 2 and 3'),
        ((4, 2), (4, 2), 2, r'axes: got \(2, 2\), which are not all there'),
        ((4, 2, 3), (4, 2, 3), ([1, 2], [1, 2]), 'expected an int, or one int for x and one for y'),
        ((4, 2), (4, 2), (1, 1, 1), 'expected an int, or one int for x and one for y'),
    ],
)
def test_batch_dot_refuses(x, y, axes, message):
    with pytest.raises(ValueError, match=message):
        shapes.batch_dot_axes(x, y, axes)


def test_the_examples_run():
    failed, tried = doctest.testmod(shapes)
    assert tried > 10 and failed == 0
