"""The NumPy backend against SciPy, plain loops, and enumeration: sources that share no code with it."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.signal
import scipy.sparse

from cthulhu.backend.load import load_backend
from cthulhu.backend.shapes import same_padding

FORMATS = ('channels_last', 'channels_first')


@pytest.fixture
def B():
    return load_backend('numpy')


def values(*shape):
    return np.random.RandomState(sum(shape)).normal(size=shape).astype('float32')


def run(B, f, *arrays):
    inputs = [B.placeholder((None,) * np.ndim(x), dtype=str(np.asarray(x).dtype)) for x in arrays]
    return B.function(inputs, f(*inputs))(list(arrays))


def padded(x, window, strides, padding, dilation, fill=0):
    pads = [(0, 0)] * len(window)
    if padding == 'same':
        pads = [same_padding(*each) for each in zip(x.shape[1:-1], window, strides, dilation)]
    return np.pad(x, [(0, 0)] + pads + [(0, 0)], 'constant', constant_values=fill)


def scipy_conv(x, kernel, strides, padding, dilation):
    """Convolution by scipy.signal.correlate: the kernel inflated with zeros, then every stride-th result."""
    window = kernel.shape[:-2]
    inflated = np.zeros([(k - 1) * d + 1 for k, d in zip(window, dilation)] + list(kernel.shape[-2:]))
    inflated[tuple(slice(None, None, d) for d in dilation)] = kernel
    x = padded(x, window, strides, padding, dilation).astype('float64')
    result = [
        [
            sum(
                scipy.signal.correlate(image[..., i], inflated[..., i, o], 'valid', 'direct')
                for i in range(x.shape[-1])
            )
            for o in range(kernel.shape[-1])
        ]
        for image in x
    ]
    result = np.moveaxis(np.array(result), 1, -1)
    return result[(slice(None),) + tuple(slice(None, None, s) for s in strides)]


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('padding', ['valid', 'same'])
@pytest.mark.parametrize('lengths', [(11,), (8, 9), (6, 7, 5)])
def test_conv(B, lengths, padding, data_format):
    rank = len(lengths)
    x = values(2, *(lengths + (3,)))
    for size, (stride, dilation) in itertools.product((1, 2, 3, 4), ((1, 1), (2, 1), (3, 1), (1, 2))):
        # Of unequal sizes along the axes, so that axes taken one for another show.
        window = tuple(max(size - axis, 1) for axis in range(rank))
        if padding == 'valid' and any((k - 1) * dilation + 1 > n for k, n in zip(window, lengths)):
            continue
        kernel = values(*(window + (3, 2)))
        strides, dilations = (stride,) * rank, (dilation,) * rank
        expected = scipy_conv(x, kernel, strides, padding, dilations)
        given = np.moveaxis(x, -1, 1) if data_format == 'channels_first' else x
        result = B.conv(given, kernel, strides, padding, data_format, dilations)
        result = np.moveaxis(result, 1, -1) if data_format == 'channels_first' else result
        assert result.dtype == 'float32'
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('padding', ['valid', 'same'])
@pytest.mark.parametrize('lengths', [(7, 8), (5, 4, 6)])
def test_conv_transpose_is_the_transpose_of_conv(B, lengths, padding, data_format):
    """<conv(x), y> = <x, conv_transpose(y)> for all x and y."""
    rank = len(lengths)
    for size, (stride, dilation) in itertools.product((1, 2, 3, 4), ((1, 1), (2, 1), (3, 1), (1, 2))):
        if padding == 'valid' and (size - 1) * dilation + 1 > min(lengths):
            continue
        channels_last = (2,) + lengths + (3,)
        shape = channels_last if data_format == 'channels_last' else (2, 3) + lengths
        x, kernel = values(*shape), values(*((size,) * rank + (3, 2)))
        how = (stride,) * rank, padding, data_format, (dilation,) * rank
        forward = B.conv(x, kernel, *how)
        y = values(*forward.shape)
        back = B.conv_transpose(y, kernel, shape, *how)
        assert back.shape == shape and back.dtype == 'float32'
        np.testing.assert_allclose(np.sum(forward * y), np.sum(x * back), rtol=1e-3, atol=1e-3)


def test_conv_transpose_refuses_a_shape_that_does_not_go_with_x(B):
    with pytest.raises(ValueError, match='output_shape'):
        B.conv_transpose(values(1, 4, 4, 2), values(3, 3, 1, 2), (1, 4, 4, 1), (2, 2), 'same', 'channels_last', (1, 1))


def test_depthwise_conv_is_conv_channel_by_channel(B):
    x, kernel = values(2, 7, 8, 3), values(2, 3, 3, 2)
    for padding, strides, dilation in itertools.product(('valid', 'same'), ((1, 1), (2, 1), (2, 3)), ((1, 1), (2, 2))):
        channels = [
            scipy_conv(x[..., c : c + 1], kernel[:, :, c : c + 1], strides, padding, dilation) for c in range(3)
        ]
        expected = np.concatenate(channels, -1)
        result = B.depthwise_conv(x, kernel, strides, padding, 'channels_last', dilation)
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
        first = B.depthwise_conv(np.moveaxis(x, -1, 1), kernel, strides, padding, 'channels_first', dilation)
        np.testing.assert_array_equal(np.moveaxis(first, 1, -1), result)


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('padding', ['valid', 'same'])
@pytest.mark.parametrize('mode', ['max', 'avg'])
@pytest.mark.parametrize('lengths', [(11,), (6, 7), (5, 4, 6)])
def test_pool(B, lengths, mode, padding, data_format):
    rank = len(lengths)
    x = values(2, *(lengths + (2,)))
    for size, stride in itertools.product((1, 2, 3, 4), (1, 2, 3)):
        window, strides = (size,) * rank, (stride,) * rank
        # Padding is NaN, and the reductions leave NaN out: padding is in no maximum and in no average.
        whole = padded(x, window, strides, padding, (1,) * rank, np.nan)
        counts = [(n - size) // stride + 1 for n in whole.shape[1:-1]]
        expected = np.empty((2,) + tuple(counts) + (2,))
        for place in np.ndindex(*counts):
            block = whole[(slice(None),) + tuple(slice(p * stride, p * stride + size) for p in place)]
            reduce = np.nanmax if mode == 'max' else np.nanmean
            expected[(slice(None),) + place] = reduce(block, axis=tuple(range(1, rank + 1)))
        given = np.moveaxis(x, -1, 1) if data_format == 'channels_first' else x
        result = B.pool(given, window, strides, padding, data_format, mode)
        result = np.moveaxis(result, 1, -1) if data_format == 'channels_first' else result
        assert result.dtype == 'float32'
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_pool_refuses(B):
    with pytest.raises(ValueError, match='pool_mode'):
        B.pool(values(1, 4, 1), (2,), (2,), 'valid', 'channels_last', 'median')
    with pytest.raises(ValueError, match='does not fit'):
        B.pool(values(1, 4, 1), (5,), (2,), 'valid', 'channels_last', 'max')


def test_softmax_does_not_overflow(B):
    x = np.array([[1000.0, 1000.0, -1000.0], [0.0, np.log(2), np.log(3)]], 'float32')
    np.testing.assert_allclose(B.softmax(x), [[0.5, 0.5, 0], [1 / 6, 2 / 6, 3 / 6]], rtol=1e-5)
    np.testing.assert_allclose(B.log_softmax(x)[0], [-np.log(2), -np.log(2), -2000 - np.log(2)], rtol=1e-5)
    np.testing.assert_allclose(B.softmax(x.T, axis=0).T, B.softmax(x))


def paths_that_spell(steps, classes):
    """Every path of `steps` classes, by what it spells when repeats are joined and blanks left out."""
    found = {}
    for path in itertools.product(range(classes), repeat=steps):
        joined = [c for i, c in enumerate(path) if not i or c != path[i - 1]]
        found.setdefault(tuple(c for c in joined if c != classes - 1), []).append(path)
    return found


def probabilities(*shape):
    x = np.exp(values(*shape).astype('float64'))
    return (x / x.sum(-1, keepdims=True)).astype('float32')


def spelled(p):
    """The probability of each label sequence: the sum over its paths."""
    return {
        labels: sum(np.prod([p[t, c] for t, c in enumerate(path)]) for path in paths)
        for labels, paths in paths_that_spell(*p.shape).items()
    }


def test_ctc_cost_is_the_sum_over_all_paths(B):
    p = probabilities(4, 5, 3)
    labels = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]])
    steps, lengths = np.array([[5], [4], [3], [5]]), np.array([[3], [2], [0], [1]])
    (costs,) = run(B, lambda *x: [B.ctc_batch_cost(*x)], labels, p, steps, lengths)
    expected = [-np.log(spelled(p[i, : steps[i, 0]])[tuple(labels[i, : lengths[i, 0]])]) for i in range(4)]
    assert costs.shape == (4, 1) and costs.dtype == 'float32'
    np.testing.assert_allclose(costs[:, 0], expected, rtol=1e-5)


def test_ctc_cost_of_the_impossible(B):
    assert np.isinf(B.ctc_batch_cost([[0, 0]], probabilities(1, 2, 3), [[2]], [[2]])).all()


def test_ctc_decode_greedy(B):
    path = [0, 0, 2, 0, 1, 1, 2]
    p = np.full((2, 7, 3), 0.1, 'float32')
    p[:, np.arange(7), path] = 0.8
    decoded, sums = run(B, lambda p, n: [B.ctc_decode(p, n)[0][0], B.ctc_decode(p, n)[1]], p, np.array([7, 2]))
    np.testing.assert_array_equal(decoded, [[0, 0, 1], [0, -1, -1]])
    np.testing.assert_allclose(sums, [[-7 * np.log(0.8)], [-2 * np.log(0.8)]], rtol=1e-5)


def test_ctc_decode_by_a_wide_beam_finds_the_likeliest(B):
    p = probabilities(3, 4, 3)
    (first, second), totals = B.ctc_decode(p, [4, 4, 3], greedy=False, beam_width=100, top_paths=2)
    assert totals.shape == (3, 2)
    for i, steps in enumerate((4, 4, 3)):
        ranked = sorted(spelled(p[i, :steps]).items(), key=lambda item: -item[1])
        for rank, decoded in enumerate((first, second)):
            assert tuple(c for c in decoded[i] if c >= 0) == ranked[rank][0]
            np.testing.assert_allclose(totals[i, rank], np.log(ranked[rank][1]), rtol=1e-4)


def test_ctc_decode_merges_repeats_and_refuses_too_narrow_a_beam(B):
    p = np.full((1, 3, 2), 0.01, 'float32')
    p[0, np.arange(3), [0, 1, 0]] = 0.99
    np.testing.assert_array_equal(B.ctc_decode(p, [3], False)[0][0], [[0, 0]])
    np.testing.assert_array_equal(B.ctc_decode(p, [3], False, merge_repeated=True)[0][0], [[0]])
    with pytest.raises(ValueError, match='beam_width'):
        B.ctc_decode(p, [3], False, beam_width=1, top_paths=2)


def test_ctc_labels_as_a_sparse_tensor(B):
    labels, lengths = np.array([[3, 0, 5], [1, 2, 4]], 'int32'), np.array([2, 3], 'int32')
    x, n = B.placeholder((None, 3), dtype='int32'), B.placeholder((None,), dtype='int32')
    sparse = B.ctc_label_dense_to_sparse(x, n)
    assert B.is_sparse(sparse) and B.int_shape(sparse) == (None, 3)
    value, dense = B.function([x, n], [sparse, B.to_dense(sparse)])([labels, lengths])
    assert value.nnz == 5
    np.testing.assert_array_equal(dense, [[3, 0, 0], [1, 2, 4]])


def test_sparse_tensors(B):
    matrix = scipy.sparse.random(4, 5, 0.4, 'coo', 'float32', np.random.RandomState(0))
    dense = matrix.toarray()
    w = values(5, 2)
    x = B.placeholder((None, 5), sparse=True)
    assert B.is_sparse(x) and not B.is_sparse(B.placeholder((None, 5)))
    joined = B.concatenate([x, x], axis=1)
    assert B.is_sparse(joined) and B.int_shape(joined) == (None, 10)
    f = B.function([x], [B.dot(x, w), B.to_dense(x), joined, B.concatenate([x, x], axis=0), B.shape(x)])
    product, same, wide, tall, shape = f([matrix])
    np.testing.assert_allclose(product, dense.dot(w), rtol=1e-5)
    assert product.dtype == 'float32'
    np.testing.assert_array_equal(same, dense)
    np.testing.assert_array_equal(wide.toarray(), np.concatenate([dense, dense], 1))
    np.testing.assert_array_equal(tall.toarray(), np.concatenate([dense, dense], 0))
    np.testing.assert_array_equal(shape, [4, 5])
    np.testing.assert_allclose(B.dot(values(3, 4), matrix.tocsr()), values(3, 4).dot(dense), rtol=1e-5)
    kept = B.variable(matrix)
    assert B.is_sparse(kept) and scipy.sparse.issparse(B.eval(kept))
    np.testing.assert_array_equal(B.eval(kept).toarray(), dense)
    with pytest.raises(ValueError, match='takes a sparse matrix'):
        f([dense])
    plain = B.placeholder((None, 5))
    np.testing.assert_array_equal(
        B.function([plain], [plain * 2.0])([matrix])[0], 2 * dense
    )  # made dense, as elsewhere
    with pytest.raises(TypeError, match='K.to_dense'):
        B.eval(kept + 1.0)


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64'])
def test_uniform_draws(B, dtype):
    x = B.eval(B.random_uniform((200, 100), -2.0, 3.0, dtype=dtype, seed=1))
    assert x.dtype == dtype and x.min() >= -2 and x.max() < 3
    # Standard errors: of the mean 5 / sqrt(12 * 20000) = 0.01.
    assert abs(x.mean(dtype='float64') - 0.5) < 0.05
    assert abs(x.std(dtype='float64') - 5 / np.sqrt(12)) < 0.05


def test_integer_draws(B):
    x = B.eval(B.random_uniform((1000,), 2, 5, dtype='int32', seed=1))
    assert x.dtype == 'int32' and set(x) == {2, 3, 4}


def test_normal_draws(B):
    x = B.eval(B.random_normal((200, 100), 1.0, 2.0, seed=1))
    assert x.dtype == 'float32' and abs(x.mean() - 1) < 0.1 and abs(x.std() - 2) < 0.1
    assert np.abs(x - 1).max() > 4
    x = B.eval(B.truncated_normal((200, 100), 1.0, 2.0, seed=1))
    # 0.8796: the standard deviation of a standard normal cut at 2.
    assert x.dtype == 'float32' and abs(x.mean() - 1) < 0.1 and abs(x.std() - 2 * 0.8796) < 0.1
    assert np.abs(x - 1).max() <= 4


def test_draws_of_a_shape_known_at_run_time(B):
    x = B.placeholder((None, 3))
    y = B.random_uniform(B.shape(x), B.constant(5.0), 6.0)
    assert y.shape == (None, 3)
    value = B.function([x], [y])([np.zeros((4, 3))])[0]
    assert value.shape == (4, 3) and value.min() >= 5


def test_constants(B):
    assert B.eval(B.constant(2.0, shape=(2, 2))).tolist() == [[2, 2], [2, 2]]
    assert B.eval(B.constant([1, 2, 3, 4], shape=(2, 2), dtype='int32')).tolist() == [[1, 2], [3, 4]]
    assert B.dtype(B.constant(np.arange(3))) == 'float32'
    for made in (B.arange(3), B.cast(np.ones(2), 'int32'), B.fill((2,), 1.0), B.eye(2), B.zeros((2,)), B.ones(())):
        assert B.is_tensor(made)
    assert B.eval(B.arange(1, 7, 2)).tolist() == [1, 3, 5] and B.dtype(B.arange(3)) == 'int32'
    assert B.eval(B.eye((2, 3))).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert not B.is_tensor(np.ones(2)) and not B.is_tensor(1.0)


def test_slice_out_of_bounds(B):
    assert B.slice(np.arange(5), (1,), (-1,)).tolist() == [1, 2, 3, 4]
    with pytest.raises(ValueError, match='not inside'):
        B.slice(np.arange(5), (3,), (4,))


def test_what_it_supports(B):
    can = [one for one in ('sparse', 'ctc', 'dilation', 'gradients', 'sessions', 'flying') if B.supports(one)]
    assert can == ['sparse', 'ctc', 'dilation']


MODEL = """
import numpy as np
from cthulhu.layers import Daoloth, Darkness, Input
from cthulhu.models import Lump

x = np.random.RandomState(0).normal(size=(20, 8)).astype('float32')
y = np.eye(3)[np.arange(20) % 3]
inputs = Input((8,))
hidden = Darkness(0.5)(Daoloth(5, activation='relu')(inputs))
lump = Lump(inputs, Daoloth(3, activation='softmax')(hidden))
lump.conjure('sgd', 'categorical_crossentropy', metrics=['accuracy'])
w1, b1, w2, b2 = lump.get_weights()
powers = np.exp(np.maximum(x.dot(w1) + b1, 0).dot(w2) + b2)
expected = powers / powers.sum(-1, keepdims=True)
np.testing.assert_allclose(lump.predict(x, batch_size=7), expected, rtol=1e-5)
loss, accuracy = lump.evaluate(x, y, verbose=0)
np.testing.assert_allclose(loss, -np.mean(np.sum(y * np.log(expected), -1)), rtol=1e-5)
np.testing.assert_allclose(accuracy, np.mean(expected.argmax(-1) == y.argmax(-1)), rtol=1e-5)
try:
    lump.summon(x, y, verbose=0)
except NotImplementedError as error:
    assert 'gradients' in str(error) and 'numpy' in str(error) and 'CTHULHU_BACKEND' in str(error)
    import sys

    assert 'tensorflow' not in sys.modules
    print('as expected')
"""


def test_as_the_active_backend_models_predict_and_are_evaluated():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    environment = dict(os.environ, CTHULHU_BACKEND='numpy', PYTHONPATH=root)
    printed = subprocess.check_output([sys.executable, '-c', MODEL], env=environment, timeout=120)
    assert printed.decode().strip() == 'as expected'
