"""The active backend beside NumPy, in one process: a table of cases, each computed by both and compared.

A backend computes many cases in one call of a function, for speed. A case that cannot be built or run fails by itself.
"""

import collections
import itertools

import numpy as np
import pytest
import scipy.sparse

from cthulhu import backend as K
from cthulhu.backend import shapes
from cthulhu.backend.load import load_backend

pytestmark = pytest.mark.skipif(K.active.name == 'numpy', reason='NumPy is the reference')

Case = collections.namedtuple('Case', ['build', 'arrays', 'rtol', 'atol', 'needs'])
CASES = collections.OrderedDict()
FORMATS = ('channels_last', 'channels_first')

# Cases of one function: making it takes longer than in proportion to them.
GROUP = 40


def case(name, build, *arrays, **options):
    """`build(backend, *tensors)` gives one tensor, or a list or tuple of them."""
    rtol, atol, needs = options.pop('rtol', 1e-5), options.pop('atol', 1e-6), options.pop('needs', None)
    assert not options and name not in CASES
    CASES[name] = Case(build, arrays, rtol, atol, needs)


def values(*shape, **kind):
    return np.random.RandomState(sum(shape) + 1).normal(size=shape).astype(kind.get('dtype', 'float32'))


def call(_name, *args, **kwargs):
    """A build function that calls the backend's function of that name; `args` follow the tensors."""
    return lambda B, *tensors: getattr(B, _name)(*(tensors + args), **kwargs)


# Elementwise functions, comparisons, reductions.

X = values(3, 4, 5)
POSITIVE = np.abs(X) + np.float32(0.1)
Y = values(3, 4, 5) + values(5)
HALVES = np.array([[-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.7]], 'float32')
EXTREME = np.array([[-1e4, -100.0, -30.0, -1e-8, 0.0, 1e-8, 30.0, 100.0, 1e4]], 'float32')
INTS = np.array([[3, -1, 0], [2, 7, -4]], 'int32')
BOOLS = np.array([[True, False], [False, False], [True, True]])

for (
    one
) in 'abs exp square sign floor sin cos tanh sigmoid softplus erf relu elu hard_sigmoid softsign identity'.split():
    case(one, call(one), X)
for one in 'sqrt log'.split():
    case(one, call(one), POSITIVE)
for one in 'tanh sigmoid softplus softsign softmax log_softmax logsumexp relu elu sqrt round hard_sigmoid'.split():
    case(one + ' of extremes', call(one), EXTREME)
case('round half to even', call('round'), HALVES)
for one in ('abs', 'square', 'sign'):
    case(one + ' of integers', call(one), INTS)
case('relu with all arguments', call('relu', alpha=0.1, max_value=0.8, threshold=0.2), X)
case('elu alpha', call('elu', 0.5), X)
case('clip', call('clip', -0.5, 0.7), X)
case('pow', lambda B, x, y: B.pow(x, y), POSITIVE, Y)
case('pow 3', call('pow', 3), X)
for one in 'maximum minimum equal not_equal greater greater_equal less less_equal'.split():
    case(one, call(one), X, X[:, :1] + np.float32(0))
    case(one + ' number', call(one, 0), INTS)
case('logic', lambda B, x: [B.logical_and(x > 0, x < 1), B.logical_or(x > 1, x < 0), B.logical_not(x > 0)], X)
case('where', lambda B, x, y: B.where(x > 0, x, B.expand_dims(y[0], 0)), X, Y)
case('arithmetic', lambda B, x, y: [x + y, x - y, x * y, x / (y + 10.0), -x, 2.0 - x, 1.0 / (x + 10.0), x**2], X, Y)
case('broadcasting', lambda B, x, y: x * y, X, values(4, 1))
for one in 'sum mean max min std var prod logsumexp'.split():
    for axis in (None, 0, -1, [1, 2]):
        case(f'{one} axis {axis}', call(one, axis=axis), X, rtol=1e-4)
    case(f'{one} keepdims', call(one, axis=1, keepdims=True), X, rtol=1e-4)
case('sum of integers', call('sum', axis=0), INTS)
case('sum of bool', call('sum', axis=0), BOOLS)
case('mean of bool', call('mean', axis=0), BOOLS)
case('mean of integers', call('mean', axis=0), INTS)
for one in ('any', 'all'):
    case(one, call(one, axis=1), BOOLS)
    case(one + ' of floats', call(one, axis=[0, 1], keepdims=True), np.float32([[0, 1], [0, 0]]))
for one in ('argmax', 'argmin'):
    case(one, call(one), X)
    case(one + ' ties', call(one, 0), np.float32([[1, 2, 0], [1, 2, 0], [0, 2, 1]]))
for one in ('cumsum', 'cumprod'):
    case(one, call(one, axis=1), X)
    case(one + ' of integers', call(one), INTS)
case('l2_normalize', call('l2_normalize', axis=1), X)
case('l2_normalize of 0', call('l2_normalize', axis=1), np.zeros((2, 3), 'float32'))
case('cast to int', call('cast', 'int32'), X * 3)
case('cast to bool', call('cast', 'bool'), HALVES)
case('cast to float64', call('cast', 'float64'), INTS)
case('top_k', lambda B, x: B.top_k(x, 3), X)
case('top_k ties', lambda B, x: B.top_k(x, 2), np.float32([[1, 3, 3, 3], [0, 0, 0, 0]]))
case('in_top_k', lambda B, x, t: B.in_top_k(x, t, 2), values(6, 5), np.int32([0, 1, 2, 3, 4, 0]))

# Products.

case('dot', call('dot'), X, values(5, 2), rtol=1e-4)
case('dot 3-D', call('dot'), X, values(6, 5, 2), rtol=1e-4)
case('dot vector', call('dot'), X, values(5), rtol=1e-4)
case('matmul', call('matmul'), X, values(2, 3, 5, 6), rtol=1e-4)
case('batch_dot', call('batch_dot'), X, values(3, 5, 6), rtol=1e-4)
case('batch_dot axes', call('batch_dot', axes=(1, 2)), X, values(3, 6, 4), rtol=1e-4)
case('batch_dot vectors', call('batch_dot', axes=1), values(3, 4), values(3, 4) + np.float32(1), rtol=1e-4)
case('bias_add', call('bias_add'), X, values(5))
case('bias_add first', call('bias_add', data_format='channels_first'), X, values(4))

# Shapes.

case('reshape', call('reshape', (-1, 2, 10)), X)
case('reshape at run time', lambda B, x: B.reshape(x, B.stack([B.shape(x)[0], -1])), X)
case('flatten', call('flatten'), X)
case('batch_flatten', call('batch_flatten'), X)
case('permute_dimensions', call('permute_dimensions', (2, 0, 1)), X)
case('transpose', call('transpose'), X)
case('concatenate', lambda B, x, y: B.concatenate([x, y, x], axis=1), X, Y)
case('split', lambda B, x: B.split(x, 2, axis=1), X)
case('stack', lambda B, x, y: B.stack([x, y], axis=2), X, Y)
case('tile', call('tile', (2, 1, 3)), X)
case('repeat', call('repeat', 3), values(3, 4))
case('repeat_elements', call('repeat_elements', 2, 1), X)
case('expand_dims', call('expand_dims', 1), X)
case('squeeze', call('squeeze', 1), X[:, :1])
case('reverse', call('reverse', (0, 2)), X)
case('gather', call('gather'), X, np.int32([[2, 0], [1, 1]]))
case('slice', call('slice', (0, 1, 2), (2, -1, 2)), X)
case('one_hot', call('one_hot', 4), np.int32([[0, 3], [5, -1]]))
case('like', lambda B, x: [B.zeros_like(x), B.ones_like(x, dtype='int32')], X)
case('fill', lambda B, x: B.fill(B.shape(x), 2.5), X)
case(
    'made', lambda B: [B.eye(3), B.zeros((2, 3)), B.ones((2,), 'int32'), B.arange(2, 9, 3), B.constant(2, shape=(2, 2))]
)
case('shape and size', lambda B, x: [B.shape(x), B.size(x)], X)
case('index', lambda B, x: [x[1], x[:, -1], x[..., 1:4:2], x[:, None, 2:], x[-1, 0]], X)
case('temporal_padding', call('temporal_padding', (1, 2)), X)
case('pad value', call('pad', ((0, 0), (1, 2), (3, 0)), 7.0), X)
case('switch', lambda B, x, y: [B.switch(B.sum(x) > 1e9, x, y), B.switch(x[:, 0, 0] > 0, x, y)], X, Y)
case('phases', lambda B, x, y: [B.in_train_phase(x, y), B.in_test_phase(x, y), B.in_train_phase(x, y, True)], X, Y)
for fmt in FORMATS:
    case(f'spatial_2d_padding {fmt}', call('spatial_2d_padding', ((1, 2), (3, 0)), fmt), values(2, 3, 4, 5))
    case(f'spatial_3d_padding {fmt}', call('spatial_3d_padding', ((1, 2), (3, 0), (1, 1)), fmt), values(2, 3, 2, 2, 3))
    for how in ('nearest', 'bilinear'):
        case(f'resize_images {how} {fmt}', call('resize_images', 2, 3, fmt, interpolation=how), values(2, 3, 4, 5))
    case(f'resize_volumes {fmt}', call('resize_volumes', 2, 1, 3, fmt), values(2, 3, 2, 2, 3))

# Losses, normalisation, loops.

LOGITS, TARGETS = values(6, 5), np.eye(5, dtype='float32')[[0, 1, 2, 3, 4, 0]]
SOFT = (np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)).astype('float32')
for axis in (-1, 0):
    case(f'softmax {axis}', call('softmax', axis=axis), X)
    case(f'log_softmax {axis}', call('log_softmax', axis=axis), X)
case('categorical_crossentropy', call('categorical_crossentropy'), TARGETS, SOFT)
case('categorical_crossentropy logits', call('categorical_crossentropy', from_logits=True), TARGETS, LOGITS)
CLASSES = np.int32([0, 1, 2, 3, 4, 0])
case('sparse_categorical_crossentropy', call('sparse_categorical_crossentropy'), CLASSES, SOFT)
case(
    'sparse_categorical_crossentropy logits', call('sparse_categorical_crossentropy', from_logits=True), CLASSES, LOGITS
)
case('binary_crossentropy', call('binary_crossentropy'), TARGETS, SOFT)
case('binary_crossentropy logits', call('binary_crossentropy', from_logits=True), TARGETS, LOGITS)
IMAGE = values(4, 3, 3, 2)
case('batch_normalization', call('batch_normalization'), IMAGE, *[values(2) ** 2 + np.float32(i) for i in range(4)])
case(
    'normalize_batch_in_training',
    call('normalize_batch_in_training', [0, 1, 2]),
    IMAGE,
    values(2),
    values(2) + np.float32(1),
    rtol=1e-4,
    atol=1e-5,
)
case('foldl', lambda B, x: B.foldl(lambda a, b: a * 0.5 + b, x), X)
case('foldr', lambda B, x: B.foldr(lambda a, b: a * 0.5 + b, x), X)
case('map_fn', lambda B, x: B.map_fn(lambda row: B.sum(row, axis=-1) ** 2, x), X, rtol=1e-4)
case('scan', lambda B, x: sum(B.scan(lambda s, h, t: ([h[0]], [h[0] * 0.5 + s[0]]), [x], [B.zeros((4, 5))]), []), X)


def recurrent(**options):
    def build(B, x, w, *mask):
        def step(inputs, states):
            state = B.tanh(B.dot(inputs, w) + states[0])
            return state, [state]

        options.update({'mask': mask[0]} if mask else {})
        last, outputs, states = B.rnn(step, x, [B.zeros_like(x[:, 0]) + 0.1], **options)
        return [last, outputs] + list(states)

    return build


MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [0, 1, 1, 1]], bool)
for name, options, extra in (
    ('', {}, ()),
    (' backwards', {'go_backwards': True}, ()),
    (' masked', {}, (MASK,)),
    (' masked backwards', {'go_backwards': True}, (MASK,)),
):
    case('rnn' + name, recurrent(**options), X, values(5, 5), *extra, rtol=1e-4)

# Sparse tensors and connectionist temporal classification.

P = np.exp(values(3, 6, 4).astype('float64') * 2)
P = (P / P.sum(-1, keepdims=True)).astype('float32')
LABELS, LENGTHS, STEPS = np.int32([[0, 1, 2], [1, 1, 0], [2, 0, 0]]), np.int32([3, 2, 1]), np.int32([6, 5, 4])
case('ctc_batch_cost', call('ctc_batch_cost'), LABELS, P, STEPS[:, None], LENGTHS[:, None], rtol=1e-4, needs='ctc')
case('ctc labels', lambda B, *x: B.to_dense(B.ctc_label_dense_to_sparse(*x)), LABELS, LENGTHS, needs='ctc')
for name, options in (
    ('greedy', {}),
    ('beam', {'greedy': False, 'top_paths': 2}),
    ('narrow beam', {'greedy': False, 'beam_width': 4, 'top_paths': 3}),
    ('merged beam', {'greedy': False, 'merge_repeated': True}),
):

    def decode(B, p, steps, options=options):
        decoded, totals = B.ctc_decode(p, steps, **options)
        return list(decoded) + [totals]

    case('ctc_decode ' + name, decode, P, STEPS, rtol=1e-4, atol=1e-5, needs='ctc')

SPARSE = scipy.sparse.random(4, 5, 0.4, 'csr', 'float32', np.random.RandomState(0))
case('sparse dot', call('dot'), SPARSE, values(5, 3), needs='sparse')
case('sparse to_dense', lambda B, x: B.to_dense(B.concatenate([x, x], axis=1)), SPARSE, needs='sparse')

# Convolution and pooling: a grid of kernels, strides, dilation, padding, formats and ranks.

LENGTHS_OF = {1: (9,), 2: (8, 9), 3: (5, 7, 6)}
STEPS_OF = ((1, 1), (2, 1), (3, 1), (1, 2))


def in_format(x, data_format):
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if data_format == 'channels_first' else x


IMAGES = {
    (rank, fmt): in_format(values(*((2,) + lengths + (3,))), fmt)
    for rank, lengths in LENGTHS_OF.items()
    for fmt in FORMATS
}

for rank, size, (stride, rate), padding, fmt in itertools.product(
    (1, 2, 3), (1, 2, 3, 4), STEPS_OF, ('valid', 'same'), FORMATS
):
    lengths, needs = LENGTHS_OF[rank], 'dilation' if rate > 1 else None
    if padding == 'valid' and (size - 1) * rate + 1 > min(lengths):
        continue
    name = f'{rank}-D kernel {size} stride {stride} dilation {rate} {padding} {fmt}'
    window, how = (size,) * rank, ((stride,) * rank, padding, fmt, (rate,) * rank)
    kernel = values(*(window + (3, 2)))
    x = IMAGES[rank, fmt]
    case('conv ' + name, call('conv', *how), x, kernel, rtol=1e-4, atol=1e-5, needs=needs)
    if rank > 1:
        shape = shapes.conv_shape(x.shape, 2, window, padding, how[0], how[3], fmt)
        case(
            'conv_transpose ' + name,
            lambda B, y, kernel, shape=x.shape, how=how: B.conv_transpose(y, kernel, shape, *how),
            values(*shape),
            kernel,
            rtol=1e-4,
            atol=1e-5,
            needs=needs,
        )
    if rank == 2:
        case('depthwise_conv ' + name, call('depthwise_conv', *how), x, kernel, rtol=1e-4, atol=1e-5, needs=needs)
    if rate == 1:
        for mode in ('max', 'avg'):
            case(f'pool {mode} {name}', call('pool', window, (stride,) * rank, padding, fmt, mode), x, rtol=1e-4)

for fmt in FORMATS:
    x = IMAGES[2, fmt]
    case(
        f'depthwise_conv unequal {fmt}',
        call('depthwise_conv2d', strides=(1, 2), padding='same', data_format=fmt),
        x,
        values(3, 2, 3, 2),
        rtol=1e-4,
        atol=1e-5,
    )
    case(
        f'separable_conv2d {fmt}', call('separable_conv2d', data_format=fmt), x, values(2, 2, 3, 2), values(1, 1, 6, 4),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip
    case(
        f'separable_conv1d {fmt}', call('separable_conv1d', data_format=fmt), IMAGES[1, fmt], values(2, 3, 2),
        values(1, 6, 4), rtol=1e-4, atol=1e-5,
    )  # fmt: skip
    case(
        f'local_conv1d {fmt}', call('local_conv1d', (2,), (1,), data_format=fmt), IMAGES[1, fmt], values(8, 6, 2),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip
    case(
        f'local_conv2d {fmt}', call('local_conv2d', (2, 2), (2, 2), (4, 4), data_format=fmt), x, values(16, 12, 2),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip
case('conv1d causal', call('conv1d', padding='causal', dilation_rate=2), IMAGES[1, 'channels_last'], values(3, 3, 2),
     rtol=1e-4, atol=1e-5, needs='dilation')  # fmt: skip


def supported(name):
    needs = CASES[name].needs
    return needs is None or K.supports(needs)


def compute(backend):
    """{name: [(static shape, dtype, value) of each result], or the error that building the case raised}."""
    names, found = [name for name in CASES if supported(name)], {}
    for start in range(0, len(names), GROUP):
        group = names[start : start + GROUP]
        try:
            found.update(compute_group(backend, group))
        except Exception:
            # One of them fails when it runs.
            for name in group:
                try:
                    found.update(compute_group(backend, [name]))
                except Exception as error:
                    found[name] = error
    return found


def compute_group(backend, names):
    feeds, built, found = collections.OrderedDict(), collections.OrderedDict(), {}
    for name in names:
        one = CASES[name]
        try:
            tensors = []
            for array in one.arrays:
                # Kernels have the shape that they have; of others only the batch's length is left to the run.
                sparse = scipy.sparse.issparse(array)
                whole = sparse or np.ndim(array) < 2 or is_convolution(name)
                if (id(array), whole) not in feeds:
                    shape = array.shape if whole else (None,) + array.shape[1:]
                    made = backend.placeholder(shape, dtype=str(array.dtype), sparse=sparse)
                    feeds[id(array), whole] = made, array
                tensors.append(feeds[id(array), whole][0])
            results = one.build(backend, *tensors)
            built[name] = list(results) if isinstance(results, (list, tuple)) else [results]
        except Exception as error:
            found[name] = error
    inputs, arrays = zip(*feeds.values()) if feeds else ((), ())
    tensors = [tensor for results in built.values() for tensor in results]
    everything = iter(backend.function(list(inputs), tensors)(list(arrays)))
    for name, results in built.items():
        found[name] = [(backend.int_shape(x), backend.dtype(x), next(everything)) for x in results]
    return found


def is_convolution(name):
    return name.split()[0].split('_')[0] in ('conv', 'conv1d', 'depthwise', 'separable', 'local')


@pytest.fixture(scope='module')
def computed():
    return compute(load_backend('numpy')), compute(K.active)


@pytest.mark.parametrize('name', list(CASES))
def test_agrees_with_numpy(computed, name):
    if not supported(name):
        pytest.skip(f'{K.active.name} does not support {CASES[name].needs}')
    for results in computed:
        if isinstance(results[name], Exception):
            raise results[name]
    reference, active = (results[name] for results in computed)
    assert len(reference) == len(active)
    for (_, dtype, expected), (_, active_dtype, value) in zip(reference, active):
        assert np.shape(value) == np.shape(expected)
        assert active_dtype == dtype == str(np.asarray(expected).dtype) == str(np.asarray(value).dtype)
        np.testing.assert_allclose(value, expected, rtol=CASES[name].rtol, atol=CASES[name].atol)
    for shape, _, value in reference + active:
        assert len(shape) == np.ndim(value)
        assert all(known in (None, length) for known, length in zip(shape, np.shape(value)))
