"""ONNX files, against `predict`, by onnxruntime."""

import os
import re
import sys

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers, names, registry
from cthulhu.export import export, export_onnx, onnx_file
from cthulhu.layers import Input
from cthulhu.models import Lump, Pile
from cthulhu.utils import get_source_inputs

if sys.version_info < (3, 11):
    # setup.py does not install them there: with CI=true the missing packages would fail these tests, and must not.
    pytest.skip('the extra "tests" has onnx and onnxruntime on Python 3.11 and newer only', allow_module_level=True)

onnx = pytest.importorskip('onnx')
onnxruntime = pytest.importorskip('onnxruntime')

from cthulhu.export.onnx_layers import CONVERTERS, WITH_ARGUMENTS  # noqa: E402, it imports onnx

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def scatter_weights(model, scale=1):
    """Weights of which none is what an initializer would give: positive where a variance needs it."""
    random = np.random.RandomState(3)
    model.set_weights(
        [scale * (random.uniform(0.1, 0.9, np.shape(w)) - 0.3 * (np.ndim(w) > 1)) for w in model.get_weights()]
    )


def data_for(model, batch, lengths):
    random = np.random.RandomState(4)
    arrays = []
    for x in model.inputs:
        shape = [n if n is not None else lengths if i else batch for i, n in enumerate(K.int_shape(x))]
        if 'int' in K.dtype(x):
            arrays.append(random.randint(0, 5, shape).astype(K.dtype(x)))
        else:
            arrays.append(random.normal(size=shape).astype(K.dtype(x)))
    return arrays


def session_of(model, path, **arguments):
    export_onnx(model, str(path), **arguments)
    onnx.checker.check_model(onnx.load(str(path)), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])


def check(model, tmp_path, x=None, length=6, tolerance=1e-4, scale=1, **arguments):
    """The file says what `predict` does, for two batch sizes."""
    scatter_weights(model, scale)
    session = session_of(model, tmp_path / 'model.onnx', **arguments)
    assert [i.name for i in session.get_inputs()] == model.input_names
    assert [o.name for o in session.get_outputs()] == model.output_names
    for batch in (3, 1):
        data = data_for(model, batch, length) if x is None else [v[:batch] for v in x]
        wanted = model.predict(data[0] if len(data) == 1 else data)
        wanted = wanted if isinstance(wanted, list) else [wanted]
        found = session.run(None, dict(zip(model.input_names, data)))
        for f, w, declared in zip(found, wanted, session.get_outputs()):
            assert f.dtype == w.dtype and f.shape == w.shape and (batch == 1 or np.ptp(w) > 0)
            np.testing.assert_allclose(f, w, rtol=tolerance, atol=tolerance)
            assert len(declared.shape) == w.ndim and declared.shape[0] == 'batch'
    return onnx.load(str(tmp_path / 'model.onnx'))


def chain(shape, *stack, **keywords):
    x = y = Input(shape, **keywords)
    for layer in stack:
        y = layer(y)
    return Lump(x, y)


# name -> (shape of a sample, layers)
LINE, PICTURE, VOLUME = (9, 3), (7, 8, 3), (5, 6, 4, 2)
CASES = {
    'dense': ((5,), lambda: [layers.Daoloth(4)]),
    'dense on sequences': ((4, 5), lambda: [layers.Daoloth(3, use_bias=False, activation='softmax')]),
    'dropouts': ((4, 4, 2), lambda: [
        layers.Darkness(0.5), layers.GaussianDarkness(0.5), layers.GaussianNoise(1.0), layers.AlphaDarkness(0.5),
        layers.SpatialDarkness2D(0.5), layers.ActivityRegularization(0.1), layers.Daoloth(2)]),
    'flatten': (PICTURE, lambda: [layers.Flatten()]),
    'flatten, channels first': (PICTURE, lambda: [layers.Flatten('channels_first')]),
    'reshape': ((4, 6), lambda: [layers.Reshape((3, -1, 2)), layers.Permute((2, 3, 1))]),
    'reshape of an open size': ((None, 6), lambda: [layers.Reshape((-1, 3))]),
    'repeat vector': ((5,), lambda: [layers.RepeatVector(3)]),
    'permuted back': ((4, 5), lambda: [layers.Permute((2, 1)), layers.Permute((2, 1))]),
    'normalization': (PICTURE, lambda: [layers.BlacknessFromTheStars()]),
    'normalization of another axis': (PICTURE, lambda: [layers.BlacknessFromTheStars(axis=1, scale=False)]),
    'normalization without a shift': ((5,), lambda: [layers.BlacknessFromTheStars(center=False, epsilon=0.1)]),
    'leaky': ((9,), lambda: [layers.LeakyReLU(0.2)]),
    'parametric': ((4, 5), lambda: [layers.PReLU()]),
    'parametric, shared': (PICTURE, lambda: [layers.PReLU(shared_axes=[1, 2])]),
    'elu layer': ((9,), lambda: [layers.ELU(0.4)]),
    'thresholded': ((9,), lambda: [layers.ThresholdedReLU(0.3)]),
    'softmax layer': ((4, 5), lambda: [layers.Softmax(axis=1)]),
    'softmax layer of two axes': ((4, 5), lambda: [layers.Softmax(axis=[1, 2])]),
    'relu layer': ((9,), lambda: [layers.ReLU(0.8, 0.1)]),
    'relu layer with a threshold': ((9,), lambda: [layers.ReLU(0.8, 0.1, 0.2)]),
    'conv1d': (LINE, lambda: [layers.Cthalpa1D(4, 3, strides=2, padding='same', activation='relu')]),
    'conv1d, causal': (LINE, lambda: [layers.Cthalpa1D(4, 3, padding='causal', dilation_rate=2)]),
    'conv1d, channels first': ((3, 9), lambda: [layers.Cthalpa1D(4, 3, data_format='channels_first')]),
    'conv1d of an open length': ((None, 3), lambda: [layers.Cthalpa1D(4, 4, strides=3, padding='same')]),
    'conv1d, same, of an open length': ((None, 3), lambda: [layers.Cthalpa1D(4, 4, padding='same', dilation_rate=2)]),
    'conv2d': (PICTURE, lambda: [layers.Cthalpa2D(4, (3, 2), use_bias=False)]),
    'conv2d, same': (PICTURE, lambda: [layers.Cthalpa2D(4, (3, 2), padding='same', activation='softmax')]),
    'conv2d, same, strides': (PICTURE, lambda: [layers.Cthalpa2D(4, 3, strides=2, padding='same')]),
    'conv2d, same, strides above the kernel': (PICTURE, lambda: [layers.Cthalpa2D(4, 2, strides=3, padding='same')]),
    'conv2d, dilated': (PICTURE, lambda: [layers.Cthalpa2D(4, 2, dilation_rate=(2, 3), padding='same')]),
    'conv2d, channels first': (PICTURE, lambda: [
        layers.Cthalpa2D(4, 3, strides=(1, 2), padding='same', data_format='channels_first', activation='softmax')]),
    'conv2d of open lengths': ((None, None, 2), lambda: [layers.Cthalpa2D(4, 3, strides=2, padding='same')]),
    'conv3d': (VOLUME, lambda: [layers.Cthalpa3D(3, 2, strides=(2, 1, 1), padding='same')]),
    'conv3d, channels first': (VOLUME, lambda: [layers.Cthalpa3D(3, 2, data_format='channels_first')]),
    'two convolutions': (PICTURE, lambda: [layers.Cthalpa2D(4, 3, activation='relu'), layers.Cthalpa2D(2, 3)]),
    'separable1d': (LINE, lambda: [layers.SeparableCthalpa1D(4, 3, padding='same', depth_multiplier=2)]),
    'separable1d, causal': (LINE, lambda: [layers.SeparableCthalpa1D(4, 3, padding='causal', strides=2)]),
    'separable2d': (PICTURE, lambda: [layers.SeparableCthalpa2D(4, 3, padding='same', strides=2, depth_multiplier=2)]),
    'separable2d, channels first': (PICTURE, lambda: [
        layers.SeparableCthalpa2D(4, 2, data_format='channels_first', dilation_rate=2)]),
    'groups': (PICTURE, lambda: [layers.Cthalpa2D(4, 1), layers.Cthalpa2D(6, 2, groups=2, padding='same')]),
    'depthwise1d': (LINE, lambda: [layers.DepthwiseConv1D(3, depth_multiplier=2, padding='same')]),
    'conv1d transpose': (LINE, lambda: [layers.Conv1DTranspose(4, 3, strides=2, padding='same')]),
    'depthwise': (PICTURE, lambda: [layers.DepthwiseCthalpa2D(3, depth_multiplier=2, activation='tanh')]),
    'depthwise, strides': (PICTURE, lambda: [layers.DepthwiseCthalpa2D((3, 2), strides=(1, 2), padding='same')]),
    'conv2d transpose': (PICTURE, lambda: [layers.Cthalpa2DTranspose(4, 3, strides=2, padding='same')]),
    'conv2d transpose, valid': (PICTURE, lambda: [layers.Cthalpa2DTranspose(4, (2, 3), strides=(3, 1))]),
    'conv2d transpose, output padding': (PICTURE, lambda: [
        layers.Cthalpa2DTranspose(4, 3, strides=3, padding='same', output_padding=(1, 2))]),
    'conv2d transpose, dilated, channels first': (PICTURE, lambda: [
        layers.Cthalpa2DTranspose(4, 3, dilation_rate=2, padding='same', data_format='channels_first')]),
    'conv2d transpose of open lengths': ((None, None, 2), lambda: [
        layers.Cthalpa2DTranspose(4, 2, strides=2, padding='same')]),
    'conv3d transpose': (VOLUME, lambda: [layers.Cthalpa3DTranspose(3, 2, strides=2, padding='same')]),
    'cropping1d': (LINE, lambda: [layers.Cropping1D((1, 2))]),
    'cropping2d': (PICTURE, lambda: [layers.Cropping2D(((1, 0), (2, 1)))]),
    'cropping3d': (VOLUME, lambda: [layers.Cropping3D(((1, 2), (1, 0), (1, 0)), data_format='channels_first')]),
    'padding1d': (LINE, lambda: [layers.Xexanoth1D((1, 2))]),
    'padding2d': (PICTURE, lambda: [layers.Xexanoth2D(((1, 0), (2, 1)), data_format='channels_first')]),
    'padding3d': (VOLUME, lambda: [layers.Xexanoth3D(1)]),
    'up-sampling1d': (LINE, lambda: [layers.UbboSathla1D(3)]),
    'up-sampling2d': (PICTURE, lambda: [layers.UbboSathla2D((2, 3))]),
    'up-sampling2d, bilinear': (PICTURE, lambda: [layers.UbboSathla2D((2, 3), interpolation='bilinear')]),
    'up-sampling2d, channels first': (PICTURE, lambda: [
        layers.UbboSathla2D((3, 2), data_format='channels_first', interpolation='bilinear')]),
    'up-sampling2d, from the middle': (PICTURE, lambda: [layers.UbboSathla2D((2, 3), interpolation='half_pixel_bilinear')]),
    'up-sampling3d': (VOLUME, lambda: [layers.UbboSathla3D(2)]),
    'maximum1d': (LINE, lambda: [layers.Mlandoth1D(2)]),
    'maximum2d': (PICTURE, lambda: [layers.Mlandoth2D(3, strides=2, padding='same')]),
    'maximum2d of open lengths': ((None, None, 2), lambda: [layers.Mlandoth2D(3, strides=2, padding='same')]),
    'maximum3d': (VOLUME, lambda: [layers.Mlandoth3D(2, data_format='channels_first')]),
    'mean1d': (LINE, lambda: [layers.AiuebGnshal1D(2, padding='same', data_format='channels_first')]),
    'mean2d': (PICTURE, lambda: [layers.AiuebGnshal2D(3, strides=2, padding='same')]),
    'mean3d': (VOLUME, lambda: [layers.AiuebGnshal3D(2, strides=1, padding='same')]),
    'global maximum1d': (LINE, lambda: [layers.GlobalMlandoth1D()]),
    'global maximum2d': (PICTURE, lambda: [layers.GlobalMlandoth2D(data_format='channels_first')]),
    'global maximum3d': (VOLUME, lambda: [layers.GlobalMlandoth3D()]),
    'global mean1d': (LINE, lambda: [layers.GlobalAiuebGnshal1D(data_format='channels_first')]),
    'global mean2d': (PICTURE, lambda: [layers.GlobalAiuebGnshal2D()]),
    'global mean3d': (VOLUME, lambda: [layers.GlobalAiuebGnshal3D(data_format='channels_first')]),
    'global maximum kept': (PICTURE, lambda: [layers.GlobalMlandoth2D(keepdims=True), layers.Flatten()]),
    'global mean kept': (PICTURE, lambda: [layers.GlobalAiuebGnshal2D(data_format='channels_first', keepdims=True), layers.Flatten()]),
    'time distributed dense': ((4, 5), lambda: [layers.TimeDistributed(layers.Daoloth(3, activation='tanh'))]),
    'time distributed convolution': ((4,) + PICTURE, lambda: [layers.TimeDistributed(layers.Cthalpa2D(2, 3))]),
    'time distributed, open': ((None, 5), lambda: [layers.TimeDistributed(layers.Daoloth(3))]),
    'time distributed twice': ((2, 3, 5), lambda: [layers.TimeDistributed(layers.TimeDistributed(layers.Daoloth(3)))]),
    'time distributed model': ((4, 5), lambda: [layers.TimeDistributed(Pile([layers.Daoloth(3, input_shape=(5,)), layers.ReLU()]))]),
    'gated convolution': ((6, 6, 2), lambda: [layers.Cthalpa2D(4, 3), layers.Azatoth('glu'), layers.Identity(), layers.Cthalpa2D(4, 1, activation='log_softmax', data_format='channels_first')]),
    'rescaling': (PICTURE, lambda: [layers.Rescaling([0.5, 2.0, 1.0], -1.0)]),
    'layer scale': ((4, 5), lambda: [layers.LayerScale(0.1, 5)]),
    'normalization of data': ((4, 5), lambda: [layers.Normalization()]),
    'normalization of data, given': ((4, 5), lambda: [layers.Normalization(axis=(1, 2), mean=0.3, variance=4.0)]),
    'normalization of data, of all': ((4, 5), lambda: [layers.Normalization(axis=None, mean=0.3, variance=4.0, invert=True)]),
    'layer normalization': ((4, 5), lambda: [layers.LayerNormalization()]),
    'layer normalization of two axes': ((4, 5), lambda: [layers.LayerNormalization(axis=[1, 2], center=False, epsilon=0.1)]),
    'layer normalization, rms': ((4, 5), lambda: [layers.LayerNormalization(rms_scaling=True)]),
    'rms normalization': (PICTURE, lambda: [layers.RMSNormalization(axis=1)]),
    'unit normalization': (PICTURE, lambda: [layers.UnitNormalization(axis=(2, 3))]),
    'group normalization': ((None, 4, 6), lambda: [layers.GroupNormalization(3)]),
    'group normalization, each channel': ((6, 4, 2), lambda: [layers.GroupNormalization(-1, axis=1, scale=False)]),
    'discretization': ((5,), lambda: [layers.Discretization([-1.0, 0.0, 0.5])]),
    'discretization to one': ((5, 1), lambda: [layers.Discretization([-1.0, 0.0, 0.5], output_mode='one_hot')]),
    'discretization to many': ((5,), lambda: [layers.Discretization([-1.0, 0.0, 0.5], output_mode='multi_hot')]),
    'einsum dense': ((4, 6), lambda: [layers.EinsumDense('...x,xyz->...yz', (2, 3), activation='tanh', bias_axes='z')]),
    'resizing': ((7, 8, 2), lambda: [layers.Resizing(5, 11)]),
    'resizing, nearest': ((7, 8, 2), lambda: [layers.Resizing(3, 12, interpolation='nearest')]),
    'resizing, cubic, channels first': ((2, 7, 8), lambda: [layers.Resizing(9, 8, interpolation='bicubic', data_format='channels_first')]),
    'resizing, smoothed': ((7, 8, 2), lambda: [layers.Resizing(7, 3, interpolation='mitchellcubic', antialias=True)]),
    'center crop': (PICTURE, lambda: [layers.CenterCrop(4, 5)]),
    'time distributed recurrent': ((2, 4, 5), lambda: [layers.TimeDistributed(layers.Groth(3))]),
}  # fmt: skip


@pytest.mark.parametrize('name', sorted(CASES))
def test_layer(name, tmp_path):
    shape, stack = CASES[name]
    check(chain(shape, *stack()), tmp_path)


@pytest.mark.parametrize('mode', ['multi_hot', 'one_hot', 'count'])
def test_categories(mode, tmp_path):
    check(chain((4,), layers.CategoryEncoding(3, mode), dtype='int32'), tmp_path)


@pytest.mark.parametrize(
    'settings',
    [
        {},
        {'mask_token': 2},
        {'num_oov_indices': 3, 'mask_token': 1},
        {'output_mode': 'multi_hot', 'mask_token': 2},
        {'output_mode': 'count', 'max_tokens': 9, 'pad_to_max_tokens': True},
        {'output_mode': 'tf_idf', 'idf_weights': [0.5, 2.0, 1.5]},
        {'invert': True},
    ],
)
@pytest.mark.parametrize('dtype', ['int32', 'int64'])
def test_lookups(settings, dtype, tmp_path):
    check(chain((7,), layers.IntegerLookup(vocabulary=[4, 0, 3], **settings), dtype=dtype), tmp_path)


# `threshold` has arguments that must be given.
@pytest.mark.parametrize('name', sorted(set(registry.activations) - {'threshold'}))
def test_activation(name, tmp_path):
    check(chain((4, 6), layers.Azatoth(name)), tmp_path)


def test_a_layer_as_activation(tmp_path):
    with pytest.warns(UserWarning, match='activation of another layer'):
        stack = [
            layers.Cthalpa2D(4, 2, activation=layers.Softmax(axis=1)),
            layers.Daoloth(4, activation=layers.ELU(0.2)),
        ]
    check(chain(PICTURE, *stack), tmp_path)


# -- recurrent ------------------------------------------------------------------------------------------

RECURRENT = {
    'simple': lambda **k: layers.ShabithKa(4, **k),
    'simple, unusual': lambda **k: layers.ShabithKa(4, activation='selu', use_bias=False, **k),
    'gru': lambda **k: layers.Groth(4, dropout=0.5, recurrent_dropout=0.5, **k),
    'gru, reset after': lambda **k: layers.Groth(4, reset_after=True, recurrent_activation='hard_sigmoid', **k),
    'gru, no bias': lambda **k: layers.Groth(4, use_bias=False, activation='relu', **k),
    'gru, reset after, unusual': lambda **k: layers.Groth(4, reset_after=True, activation='softmax', **k),
    'gru, unusual': lambda **k: layers.Groth(4, activation='exponential', use_bias=False, **k),
    'lstm': lambda **k: layers.Laldagorth(4, implementation=1, **k),
    'lstm, hard': lambda **k: layers.Laldagorth(4, recurrent_activation='hard_sigmoid', activation='softsign', **k),
    'lstm, other': lambda **k: layers.Laldagorth(4, activation='elu', recurrent_activation='softplus', **k),
    'lstm, linear': lambda **k: layers.Laldagorth(4, activation=None, use_bias=False, **k),
    'lstm, unusual': lambda **k: layers.Laldagorth(4, recurrent_activation='selu', **k),
    'a cell': lambda **k: layers.RNN(layers.LaldagorthCell(4), **k),
    'stacked cells': lambda **k: layers.RNN([layers.LaldagorthCell(3), layers.GrothCell(4)], **k),
}
FLOWS = {
    'last': {},
    'sequences': {'return_sequences': True},
    'backwards': {'go_backwards': True, 'return_sequences': True},
}


@pytest.mark.parametrize('name', sorted(RECURRENT))
def test_recurrent(name, tmp_path):
    x = Input((None, 3))
    masked = layers.Masking()(x)
    outputs = [RECURRENT[name](**FLOWS[flow])(x) for flow in sorted(FLOWS)]
    outputs += [RECURRENT[name](**FLOWS['backwards'])(masked)]
    outputs += RECURRENT[name](return_state=True, go_backwards=True)(x)
    outputs += RECURRENT[name](return_state=True)(masked)
    data = np.random.RandomState(0).normal(size=(3, 6, 3)).astype('float32')
    data[0, 4:] = data[1, 1:3] = data[2, 0] = data[1, 5] = 0
    # small weights: activations without bounds, run over and over, would give numbers beyond comparison
    made = check(Lump(x, outputs), tmp_path, [data], scale=0.2)
    kinds = [node.op_type for node in made.graph.node]
    native = sum(kinds.count(kind) for kind in ('RNN', 'GRU', 'LSTM'))
    assert (native, kinds.count('Scan')) == ((0, 6) if 'unusual' in name or 'stacked' in name else (4, 2))


@pytest.mark.parametrize('mode', ['concat', 'sum', 'mul', 'ave', None])
def test_bidirectional(mode, tmp_path):
    x = Input((5, 3))
    masked = layers.Masking()(x)
    data = np.random.RandomState(0).normal(size=(3, 5, 3)).astype('float32')
    data[0, 4:] = data[1, 1:3] = 0
    outputs = []
    for entry in (x, masked):
        for flow in sorted(FLOWS) if mode in ('concat', None) else ['sequences']:
            made = layers.Bidirectional(layers.Groth(4, **FLOWS[flow]), merge_mode=mode)(entry)
            outputs += made if isinstance(made, list) else [made]
    if mode == 'concat':
        again = layers.Bidirectional(layers.Laldagorth(2, return_sequences=True))(masked)
        outputs.append(layers.Bidirectional(layers.Laldagorth(2))(again))
        outputs += layers.Bidirectional(layers.Laldagorth(2, return_state=True), merge_mode='sum')(x)
    check(Lump(x, outputs), tmp_path, [data])


def test_initial_states(tmp_path):
    x, h, c = Input((4, 3)), Input((2,)), Input((2,))
    states = layers.Laldagorth(2, return_state=True)(x, initial_state=[h, c])
    both = layers.Bidirectional(layers.Groth(2))(x, initial_state=[h, c])
    unusual = layers.Laldagorth(2, activation='selu')(x, initial_state=[h, c])
    check(Lump([x, h, c], states + [both, unusual]), tmp_path)


# -- masks, merging, models ------------------------------------------------------------------------------


def test_masks(tmp_path):
    words = Input((6,), dtype='int32')
    vectors = layers.TheHydra(5, 4, mask_zero=True)(words)
    plain = layers.TheHydra(5, 4)(words)
    kept = layers.Darkness(0.5)(layers.Daoloth(3, activation='relu')(layers.LeakyReLU()(vectors)))
    each = layers.TimeDistributed(layers.Daoloth(3))(vectors)
    other = layers.Masking(mask_value=0.0)(layers.ReLU(threshold=0.2)(layers.Daoloth(3)(plain)))
    outputs = [
        layers.Laldagorth(3)(vectors),
        layers.GlobalAiuebGnshal1D()(kept),
        layers.Groth(2)(layers.Groth(3, return_sequences=True)(each)),
        layers.Groth(2)(layers.Add()([kept, each, other])),
        layers.Groth(2)(layers.Concatenate()([kept, each])),
        layers.Groth(2)(layers.Concatenate(axis=1)([kept, other])),
        layers.GlobalAiuebGnshal1D()(plain),
        layers.Groth(2)(layers.TimeDistributed(layers.Masking())(layers.ReLU(threshold=0.2)(plain))),
        kept,
    ]
    data = np.random.RandomState(0).randint(0, 5, (3, 6)).astype('int32')
    check(Lump(words, outputs), tmp_path, [data])


def test_words_that_are_floats(tmp_path):
    check(chain((6,), layers.TheHydra(9, 4)), tmp_path, [np.arange(18).reshape(3, 6).astype('float32') % 9])


def test_merging(tmp_path):
    a, b, c, d = Input((4, 5)), Input((4, 5)), Input((5,)), Input((4, 1))
    merging = layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum
    outputs = [kind()([a, b, c]) for kind in merging] + [
        layers.Subtract()([c, a]),
        layers.Add()([a, d]),
        layers.ScaledAdd(0.3)([a, c]),
    ]
    outputs += [layers.Concatenate()([a, b]), layers.Concatenate(axis=1)([a, b, a])]
    outputs += [
        layers.Dot(axes=2)([a, b]),
        layers.Dot(axes=(2, 1))([a, c]),
        layers.Dot(axes=1, normalize=True)([c, layers.Daoloth(5)(c)]),
        layers.Dot(axes=(1, 1), normalize=True)([a, d]),
    ]
    check(Lump([a, b, c, d], outputs), tmp_path)


def test_a_shared_layer_and_model(tmp_path):
    a, b = Input((6, 6, 2), name='a'), Input((6, 6, 2), name='b')
    inner = Input((6, 6, 2))
    y = layers.Cthalpa2D(3, 3, activation='relu')(inner)
    eye = Lump(inner, [layers.Flatten()(layers.BlacknessFromTheStars()(y)), layers.GlobalAiuebGnshal2D()(y)])
    shared = layers.Daoloth(4, name='shared')
    (flat_a, mean_a), (flat_b, mean_b) = eye(a), eye(b)
    total = layers.Daoloth(2, activation='softmax', name='kind')(layers.concatenate([shared(flat_a), shared(flat_b)]))
    model = Lump([a, b], [total, layers.subtract([mean_a, mean_b], name='difference')])
    made = check(model, tmp_path)
    assert len([c for c in made.graph.initializer if c.name.endswith('shared/kernel')]) == 1
    assert sum(np.prod(c.dims) for c in made.graph.initializer) < 1.1 * model.count_params()


def test_a_pile_of_everything_usual(tmp_path):
    model = Pile(
        [
            layers.Cthalpa2D(4, 3, padding='same', input_shape=(8, 8, 1)),
            layers.BlacknessFromTheStars(),
            layers.Azatoth('relu'),
            layers.Mlandoth2D(),
            layers.Cthalpa2D(4, 3, activation='relu'),
            layers.Darkness(0.5),
            layers.Flatten(),
            layers.Daoloth(3, activation='softmax'),
        ]
    )
    made = check(model, tmp_path)
    assert made.producer_name == 'cthulhu' and made.opset_import[0].version == 17


def test_what_an_output_does_not_need_is_left_out(tmp_path):
    x = Input((4,))
    y = layers.Daoloth(3)(x)
    layers.Daoloth(2)(y)
    made = check(Lump(x, y), tmp_path)
    assert [node.op_type for node in made.graph.node] == ['MatMul', 'Add', 'Identity']


def test_turning_there_and_back_is_left_out(tmp_path):
    made = check(
        chain(PICTURE, layers.Cthalpa2D(2, 3, activation='relu'), layers.Mlandoth2D(), layers.Cthalpa2D(2, 1)), tmp_path
    )
    assert [node.op_type for node in made.graph.node].count('Transpose') == 2


def test_an_input_that_is_an_output(tmp_path):
    x = Input((4,), name='entry')
    model = Lump(x, [x, layers.Daoloth(2, name='exit')(x)])
    session = session_of(model, tmp_path / 'm.onnx')
    (data,) = data_for(model, 2, 1)
    same, _ = session.run(None, {'entry': data})
    assert np.array_equal(same, data) and session.get_outputs()[1].name == 'exit'


@pytest.mark.parametrize('opset', [13, 15, 17, 18, 21])
def test_versions_of_the_operations(opset, tmp_path):
    x = Input((6, 6, 2))
    y = layers.UbboSathla2D(2)(layers.Xexanoth2D(1)(layers.AiuebGnshal2D(2, padding='same')(layers.Softmax(axis=1)(x))))
    z = layers.Groth(3, activation='selu')(layers.Masking()(layers.Reshape((-1, 4))(y)))
    # The mean of what adds up to 1 is the same for every sample, but for its square it is not.
    mean = layers.GlobalAiuebGnshal2D()(layers.multiply([y, y]))
    made = check(Lump(x, [z, layers.GlobalMlandoth2D()(y), mean]), tmp_path, opset=opset)
    assert made.opset_import[0].version == opset


# -- attention -------------------------------------------------------------------------------------------


def of_one_head(a, b):
    x = layers.Attention(use_scale=True)([a, b])
    x = layers.AdditiveAttention()([x, b, b])
    x, shares = layers.Attention(score_mode='concat')([x, x], use_causal_mask=True, return_attention_scores=True)
    return [layers.AdditiveAttention(use_scale=False, causal=True)([x, x]), shares]


def of_heads(a, b):
    x = layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=6)(a, b)
    x, shares = layers.MultiHeadAttention(3, 2, use_bias=False)(
        x, x, use_causal_mask=True, return_attention_scores=True
    )
    return [layers.MultiHeadAttention(2, 3, use_gate=True, sliding_window=2)(x, x), shares]


def of_groups(a, b):
    x = layers.GroupQueryAttention(3, 4, 2)(a, b)
    return layers.GroupQueryAttention(2, 3, 1, use_gate=True)(x, x, use_causal_mask=True)


def of_given_masks(a, b):
    agree = K.greater(K.batch_dot(a, K.permute_dimensions(b, (0, 2, 1))), 0.0)
    mask = layers.Azatoth('linear')(K.cast(agree, 'float32'))
    return layers.MultiHeadAttention(2, 3)(a, b, attention_mask=mask)


def of_a_constant_mask(a, b):
    mask = np.array([[True] * 3 + [False] * 2, [True, False] * 2 + [True]] * 2)
    return layers.MultiHeadAttention(2, 3)(a, b, attention_mask=K.constant(mask, dtype='bool'))


@pytest.mark.parametrize(
    'make', [of_one_head, of_heads, of_groups, of_given_masks, of_a_constant_mask], ids=lambda f: f.__name__
)
@pytest.mark.parametrize('open_lengths', [False, True])
def test_attention(make, open_lengths, tmp_path):
    if open_lengths and make in (of_given_masks, of_a_constant_mask):
        pytest.skip('the masks have lengths')
    a, b = (Input((None if open_lengths else n, 6)) for n in (4, 5))
    check(Lump([a, b], make(a, b)), tmp_path)


@pytest.mark.parametrize('heads', [1, 2])
def test_attention_to_what_is_masked(heads, tmp_path):
    words = Input((6,), dtype='int32')
    x = layers.TheHydra(5, 4, mask_zero=True)(words)
    if heads == 1:
        y = layers.AdditiveAttention()([layers.Attention()([x, x]), x])
    else:
        y = layers.GroupQueryAttention(3, 2, 1)(layers.MultiHeadAttention(2, 3)(x, x), x)
    y = layers.GlobalAiuebGnshal1D()(layers.LayerNormalization()(layers.Add()([x, y])))
    check(
        Lump(words, layers.Daoloth(2)(y)),
        tmp_path,
        x=[np.array([[1, 0, 3, 2, 0, 0], [4, 3, 2, 1, 4, 3], [0, 2, 0, 0, 1, 1]], 'int32')],
    )


# -- operations between layers ---------------------------------------------------------------------------


def turned(x):
    return K.permute_dimensions(x, (0, 2, 1))


def half_of(x):
    return K.reshape(x, (-1, 2, K.int_shape(x)[-1] * 2))


BETWEEN = {
    'arithmetic': lambda x, y: (x * 2.0 + 1.0 - y) / (3.0 + y**2),
    'the number first': lambda x, y: 2.0 - 1.0 / (x * x + 1.0) + 0.5 * -y,
    'the rest of a division': lambda x, y: x % 0.7 + y // 0.3,
    'comparisons': lambda x, y: K.cast(K.greater(x, y), 'float32') + K.cast(K.not_equal(x, y), 'float32') - K.cast(K.less_equal(x, 0.2), 'float32'),
    'truths': lambda x, y: K.cast(K.logical_and(K.greater(x, 0.0), K.less(y, 0.5)), 'float32') + x,
    'the larger': lambda x, y: K.maximum(x, y) + K.minimum(x, 0.3),
    'either': lambda x, y: K.where(K.greater(x, 0.0), x, y * 2.0),
    'functions': lambda x, y: K.exp(-K.abs(x)) + K.log(K.square(y) + 1.0) + K.sqrt(K.abs(x)) + K.sin(x) * K.cos(y),
    'further functions': lambda x, y: K.sign(x) + K.round(y * 3.0) + K.floor(x) + K.tanh(x) * K.sigmoid(y) + K.erf(y),
    'activations': lambda x, y: K.relu(x) + K.elu(y) + K.softplus(x) + K.softsign(y) + K.softmax(x) + K.log_softmax(y),
    'bounds': lambda x, y: K.clip(x, -0.3, 0.4) + y,
    'sums': lambda x, y: K.sum(x, axis=1, keepdims=True) + K.mean(y, axis=-1, keepdims=True),
    'extremes': lambda x, y: K.max(x, axis=-1) + K.min(y, axis=[2]) + K.prod(y, axis=-1),
    'spread': lambda x, y: K.std(x, axis=1) + K.var(y, axis=1) + K.logsumexp(x, axis=1),
    'any and all': lambda x, y: K.cast(K.any(K.greater(x, 1.0), axis=-1), 'float32') + K.cast(K.all(K.less(y, 1.0), axis=-1), 'float32'),
    'places': lambda x, y: K.cast(K.argmax(x, axis=-1), 'float32') + K.cast(K.argmin(y, axis=2), 'float32') * 0.1,
    'sums on the way': lambda x, y: K.cumsum(x, axis=1) + y,
    'parts': lambda x, y: x[:, 1:3] + y[:, ::-2][:, ::-1] * x[:, :1, -1:],
    'parts without axes': lambda x, y: x[:, 0] + y[..., -1, :] + x[:, 2, None, 1],
    'joined': lambda x, y: K.concatenate([x, y, x], axis=-1),
    'stacked': lambda x, y: K.stack([x, y], axis=2),
    'shapes': lambda x, y: K.squeeze(K.expand_dims(turned(x), 1), 1) + turned(y),
    'reshaped': lambda x, y: half_of(x) - half_of(y),
    'repeated': lambda x, y: K.tile(x, (1, 2, 1)) + K.concatenate([y, x], axis=1),
    'reversed': lambda x, y: K.reverse(x, (1, 2)) + y,
    'padded': lambda x, y: K.temporal_padding(x, (1, 2)) + K.temporal_padding(y, (2, 1)),
    'products': lambda x, y: K.matmul(x, turned(y)),
    'of length one': lambda x, y: K.l2_normalize(x, axis=-1) + y,
    'one hot': lambda x, y: K.one_hot(K.cast(K.abs(x) * 2.0, 'int32'), 4)[..., 1] + y,
    'ones and zeros': lambda x, y: K.ones_like(x) + K.zeros_like(y) - x,
}  # fmt: skip


@pytest.mark.parametrize('name', sorted(BETWEEN))
def test_between_layers(name, tmp_path):
    a, b = Input((4, 6)), Input((4, 6))
    x, y = layers.Daoloth(6)(a), layers.Azatoth('tanh')(b)
    check(Lump([a, b], layers.Azatoth('linear')(BETWEEN[name](x, y))), tmp_path)


@pytest.mark.parametrize(
    'function, arguments',
    [
        ('split', {'num_or_size_splits': 2, 'axis': -1}),
        ('split', {'num_or_size_splits': [1, -1, 2], 'axis': 1}),
        ('unstack', {'axis': 1}),
        ('nn.gelu', {}),
        ('nn.gelu', {'approximate': True}),
        ('nn.leaky_relu', {'alpha': 0.3}),
        ('nn.silu', {'beta': 2.0}),
        ('nn.relu6', {}),
        ('nn.selu', {}),
        ('math.rsqrt', {}),
        ('math.ceil', {}),
        ('math.is_nan', {}),
        ('math.squared_difference', {'y': 0.5}),
        ('linalg.norm', {'axis': 2}),
        ('linalg.norm', {'axis': 2, 'ord': 1}),
        ('gather', {'indices': [2, 0], 'axis': 1}),
        ('gather', {'indices': [[2, 0], [1, 1]], 'axis': 2}),
        ('reverse', {'axis': [1]}),
        ('pad', {'paddings': [[0, 0], [1, 0], [0, 2]], 'constant_values': 2.0}),
        ('clip_by_value', {'clip_value_min': -0.2, 'clip_value_max': 0.5}),
        ('stop_gradient', {}),
        ('math.reduce_sum', {'axis': [1, 2]}),
    ],
)
def test_functions_of_files(function, arguments, tmp_path):
    inputs = Input((4, 6))
    found = layers.TFOpLambda(function)(layers.Daoloth(6)(inputs), **arguments)
    found = found if isinstance(found, list) else [found]
    if K.dtype(found[0]) == 'bool':
        found = [layers.TFOpLambda('cast')(x, dtype='int32') + 1 for x in found]
        with pytest.raises(AssertionError):  # all are alike
            check(Lump(inputs, found), tmp_path)
        return
    check(Lump(inputs, found), tmp_path)


def test_images_resized_between_layers(tmp_path):
    inputs = Input((4, 6, 2))
    found = [layers.TFOpLambda(name)(inputs, size=[7, 3]) for name in ('image.resize', 'image.resize_bilinear')]
    check(Lump(inputs, found + [K.resize_images(inputs, 2, 3, 'channels_last')]), tmp_path)


def test_an_operation_that_is_not_written(tmp_path):
    inputs = Input((4, 6))
    model = Lump(inputs, layers.TFOpLambda('math.cumprod', name='product')(inputs))
    with pytest.raises(ValueError, match=r'Operation "product" \(tf.math.cumprod\) between layers cannot be written'):
        export_onnx(model, str(tmp_path / 'model.onnx'))


def test_double_precision(tmp_path):
    x = Input((5, 4), dtype='float64')
    y = layers.Daoloth(3, activation='tanh', dtype='float64')(x)
    check(Lump(x, [y, layers.Laldagorth(2, dtype='float64')(y)]), tmp_path, tolerance=1e-9)


# -- errors ----------------------------------------------------------------------------------------------


def chain_of_two(layer):
    x = Input((4, 3, 2))
    return Lump(x, layer(x, x))


def refused():
    def doubled(x):
        return 2 * x

    class Own(layers.Daoloth):
        def call(self, inputs):
            return -super().call(inputs)

    class ByHand(Lump):
        def __init__(self):
            super().__init__(name='by_hand')
            self.inner = layers.Daoloth(2)

        def call(self, inputs):
            return self.inner(inputs)

    by_hand = ByHand()
    by_hand.build((None, 3))
    x = Input((4, 3))
    masked = layers.Masking()(x)
    joined = layers.Concatenate(axis=1)([masked, layers.Daoloth(3)(x)])
    inner_mask = layers.TimeDistributed(layers.TheHydra(4, 2, mask_zero=True))(Input((4, 3)))
    trained = layers.Darkness(0.5, name='on')(x, training=1)
    stateful = layers.Groth(2, stateful=True, name='remembering')(Input(batch_shape=(1, 4, 3)))
    return {
        'Layer "doubling" \\(Lambda\\)': chain((3,), layers.LuKthu(doubled, name='doubling')),
        'Layer "own" \\(Own\\)': chain((3,), Own(2, name='own')),
        'Layer "dense" has the activation <function': chain((3,), layers.Daoloth(2, activation=doubled, name='dense')),
        'Layer "local" \\(LocallyConnected1D\\)': chain((4, 3), layers.LuKthu1D(2, 2, name='local')),
        'Model "by_hand" computes in its own `call`': by_hand,
        'is stateful': Lump(get_source_inputs(stateful), stateful),
        'joins masks along axis 1': Lump(x, layers.Groth(2)(joined)),
        'hands a mask on to "steps"': Lump(
            get_source_inputs(inner_mask), layers.TimeDistributed(layers.Groth(2, name='steps'))(inner_mask)
        ),
        'called with training=1': Lump(x, trained),
        'attends along axes of inputs with 4 axes': chain_of_two(layers.MultiHeadAttention(2, 3)),
        'called with training=True': Lump(x, layers.Attention()([x, x], training=True)),
        'brings images to the proportions': chain((4, 3, 1), layers.Resizing(2, 2, crop_to_aspect_ratio=True)),
        'smaller than what it cuts out': chain((4, 3, 1), layers.CenterCrop(5, 2)),
        "interpolation='bicubic'": chain((4, 3, 1), layers.UpSampling2D(2, interpolation='bicubic')),
        'whose size only the run tells': chain((None, 3, 1), layers.Resizing(2, 2)),
    }


def test_what_cannot_be_written(tmp_path):
    path = tmp_path / 'model.onnx'
    for message, model in refused().items():
        with pytest.raises(ValueError, match=message):
            export_onnx(model, str(path))
    assert list(tmp_path.iterdir()) == []


def test_masks_that_nothing_uses_are_no_hindrance(tmp_path):
    x = Input((4, 3))
    check(Lump(x, layers.Daoloth(2)(layers.Concatenate(axis=1)([layers.Masking()(x), layers.Daoloth(3)(x)]))), tmp_path)


def test_files(tmp_path, monkeypatch):
    model, path = chain((3,), layers.Daoloth(2)), tmp_path / 'model.onnx'
    export(model, path)
    before = path.read_bytes()
    assert onnx.load(str(path)).graph.node
    with pytest.raises(FileExistsError, match='overwrite=True'):
        export(model, str(path))
    model.set_weights([w + 1 for w in model.get_weights()])
    export(model, str(path), overwrite=True)
    assert path.read_bytes() != before
    for wrong in (12, 99, '17', True):
        with pytest.raises(ValueError, match='opset: expected a number from 13|`opset` is a whole number'):
            export_onnx(model, str(tmp_path / 'other.onnx'), opset=wrong)
    assert [p.name for p in tmp_path.iterdir()] == ['model.onnx']
    monkeypatch.setattr(onnx_file, '_MOST_BYTES', 20)
    with pytest.raises(ValueError, match='more than 2 GB of weights'):
        export_onnx(model, str(tmp_path / 'other.onnx'))
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(ImportError, match='pip install onnx onnxruntime'):
        export_onnx(model, str(tmp_path / 'other.onnx'))


def test_the_document_names_what_can_be_written():
    with open(os.path.join(ROOT, 'docs', 'export.md'), encoding='utf-8') as lines:
        listed = re.search(r'becomes operations of ONNX:\n(.*?)\nRecurrent', lines.read(), re.DOTALL).group(1)
    named = {name for name in re.findall(r'`(\w+)`', listed) if hasattr(layers, name)}
    written = {names.keras_name(cls) for cls in [*CONVERTERS, *WITH_ARGUMENTS]} - {'TFOpLambda', 'SlicingOpLambda'}
    # families that the document names by what they do
    families = re.compile('Dropout|Noise|Pooling|Cropping|ZeroPadding|UpSampling|Conv2D$')
    assert not [name for name in named ^ written if not families.search(name)]
