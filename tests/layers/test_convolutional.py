import itertools

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump, Pile
from cthulhu.utils.layer_test import layer_test
from tests.layers import loops
from tests.layers.running import apply, apply_all, normal

FORMATS = ['channels_last', 'channels_first']
CTHALPA = {1: layers.Cthalpa1D, 2: layers.Cthalpa2D, 3: layers.Cthalpa3D}
BIAS = {'bias_initializer': 'uniform'}


def images(shape, data_format):
    """Random inputs of a shape given channels last, in a format, and the same channels last."""
    x = normal(*shape)
    return np.ascontiguousarray(loops.from_last(x, data_format)), x


def check_all(cases, x, data_format):
    """The layers' outputs for `x`, and their rules for shapes, agree with what is expected: for (layer, function of its
    weights) pairs, the functions giving arrays with channels last.
    """
    outputs, weights = apply_all([layer for layer, _ in cases], x)
    for (layer, function), found, values in zip(cases, outputs, weights):
        expected = loops.from_last(function(*values), data_format)
        assert found.shape == expected.shape, layer.get_config()
        assert layer.compute_output_shape(x.shape) == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=str(layer.get_config()))


def grid(sizes, paddings=('valid', 'same')):
    """Sizes of kernels, and with each every padding, with strides or with dilation."""
    rank = len(sizes[0])
    steps = [((1,) * rank, (1,) * rank), ((2,) * rank, (1,) * rank), ((1,) * rank, (2,) * rank)]
    if rank > 1:
        steps += [(tuple(range(1, rank + 1)), (1,) * rank), ((1,) * rank, tuple(range(rank, 0, -1)))]
    return list(itertools.product(sizes, paddings, steps))


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('rank', [1, 2, 3])
def test_convolution_over_a_grid(rank, data_format):
    sizes = {1: [(1,), (2,), (3,), (4,)], 2: [(1, 1), (3, 3), (2, 3), (4, 2)], 3: [(2, 2, 2), (3, 1, 2)]}[rank]
    paddings = ('valid', 'same', 'causal') if rank == 1 and data_format == 'channels_last' else ('valid', 'same')
    x, last = images({1: (2, 11, 3), 2: (2, 8, 7, 3), 3: (2, 7, 6, 5, 2)}[rank], data_format)
    cases = []
    for size, padding, (strides, rates) in grid(sizes, paddings):

        def expected(kernel, bias, size=size, padding=padding, strides=strides, rates=rates):
            assert kernel.shape == size + (last.shape[-1], 4) and bias.shape == (4,)
            return loops.convolution(last, kernel, strides, padding, rates) + bias

        cases.append((CTHALPA[rank](4, size, strides, padding, data_format, rates, **BIAS), expected))
    check_all(cases, x, data_format)


@pytest.mark.parametrize('rank', [1, 2, 3])
def test_convolutions_do_what_layers_do(rank):
    kwargs = {
        'filters': 3, 'kernel_size': 2, 'padding': 'same', 'activation': 'tanh', 'kernel_regularizer': 'l2',
        'bias_regularizer': 'l1', 'activity_regularizer': 'l2', 'kernel_constraint': 'max_norm',
        'bias_constraint': 'non_neg', 'bias_initializer': 'uniform',
    }  # fmt: skip

    def expected(x, weights):
        ones = (1,) * rank
        return np.tanh(loops.convolution(x, weights[0], ones, 'same', ones) + weights[1])

    shape = (None,) + (None,) * (rank - 1) + (4, 2)
    layer_test(CTHALPA[rank], kwargs, input_shape=shape, expected_output=expected)
    without = {'filters': 2, 'kernel_size': 3, 'strides': 2, 'data_format': 'channels_first', 'use_bias': False}
    layer_test(CTHALPA[rank], without, input_shape=(None, 2) + (5,) * rank)


def test_causal_convolution_sees_no_later_step():
    x = normal(1, 12, 2)
    layer = layers.Cthalpa1D(3, 3, padding='causal', dilation_rate=2)
    changed = x.copy()
    changed[:, 7:] += 1.0
    first, second = apply(layer, x), apply(layer, changed)
    np.testing.assert_allclose(first[:, :7], second[:, :7], rtol=1e-6)
    assert np.all(np.abs(first[:, 7] - second[:, 7]) > 1e-6)
    kwargs = {'filters': 3, 'kernel_size': 2, 'padding': 'causal', 'dilation_rate': 2}
    layer_test(layers.Cthalpa1D, kwargs, input_shape=(None, None, 2))


TRANSPOSED_2D = list(itertools.product([(3, 3), (2, 3), (4, 1)], [(1, 1), (2, 2), (3, 2)], ['valid', 'same']))


def transposed(layer, last, lengths):
    """(layer, what it should give): the loops read the layer's settings."""

    def expected(kernel, bias):
        assert kernel.shape == layer.kernel_size + (layer.filters, last.shape[-1])
        rates = layer.dilation_rate
        return loops.transposed(last, kernel, lengths, layer.strides, layer.padding, rates) + bias

    return layer, expected


def transposed_length(n, kernel, stride, padding, more):
    if more is None:
        return n * stride if padding == 'same' else n * stride + max(kernel - stride, 0)
    return (n - 1) * stride + kernel - (2 * (kernel // 2) if padding == 'same' else 0) + more


@pytest.mark.parametrize('data_format', FORMATS)
def test_transposed_convolution_over_a_grid(data_format):
    x, last = images((2, 4, 5, 3), data_format)
    cases = []
    for size, strides, padding in itertools.product([(3, 3), (2, 3), (4, 1)], [(1, 1), (2, 3)], ['valid', 'same']):
        for more in [None] + list(itertools.product(*map(range, strides))):
            if more and padding == 'same' and any(k % 2 == 0 and p == 0 for k, p in zip(size, more)):
                continue  # no convolution has outputs of that size
            lengths = [transposed_length(*a) for a in zip((4, 5), size, strides, [padding] * 2, more or (None, None))]
            layer = layers.Cthalpa2DTranspose(4, size, strides, padding, more, data_format, **BIAS)
            cases.append(transposed(layer, last, lengths))
    for padding, lengths in (('same', (4, 5)), ('valid', (8, 7))):
        layer = layers.Cthalpa2DTranspose(4, 3, (1, 1), padding, None, data_format, (2, 1), **BIAS)
        cases.append(transposed(layer, last, lengths))
    check_all(cases, x, data_format)


VOLUMES = [
    ((2, 3, 2), (1, 1, 1), 'valid', None, (4, 6, 3)),
    ((3, 2, 2), (2, 2, 1), 'same', None, (6, 8, 2)),
    ((3, 3, 2), (2, 2, 1), 'valid', (1, 0, 0), (8, 9, 3)),
    ((3, 3, 1), (2, 3, 2), 'same', (1, 0, 1), (6, 10, 4)),
]


@pytest.mark.parametrize('data_format', FORMATS)
def test_transposed_convolution_of_volumes(data_format):
    x, last = images((2, 3, 4, 2, 3), data_format)
    check_all(
        [
            transposed(layers.Cthalpa3DTranspose(2, size, strides, padding, more, data_format, **BIAS), last, lengths)
            for size, strides, padding, more, lengths in VOLUMES
        ],
        x,
        data_format,
    )


def test_transposed_convolutions_do_what_layers_do():
    kwargs = {
        'filters': 2,
        'kernel_size': 3,
        'strides': 2,
        'padding': 'same',
        'output_padding': 1,
        'activation': 'tanh',
    }
    layer_test(layers.Cthalpa2DTranspose, kwargs, input_shape=(None, None, 3, 2))
    layer_test(layers.Cthalpa3DTranspose, kwargs, input_shape=(None, 2, None, 2, 2))
    kwargs = {'filters': 2, 'kernel_size': 2, 'dilation_rate': 2, 'data_format': 'channels_first', 'use_bias': False}
    layer_test(layers.Cthalpa2DTranspose, kwargs, input_shape=(None, 2, 3, None))


def test_transposing_leads_back_to_the_shape_of_the_inputs():
    for padding, strides in itertools.product(['valid', 'same'], [1, 2, 3]):
        there = layers.Cthalpa2D(4, 3, strides=strides, padding=padding)
        back = layers.Cthalpa2DTranspose(3, 3, strides=strides, padding=padding)
        shape = (None, 12, 15, 3) if padding == 'same' else (None, 12 // strides * strides + 3 - strides, 12 + 3, 3)
        middle = there.compute_output_shape(shape)
        assert there.compute_output_shape(back.compute_output_shape(middle)) == middle


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('rank', [1, 2])
def test_separable_convolution_over_a_grid(rank, data_format):
    x, last = images({1: (2, 11, 3), 2: (2, 8, 7, 3)}[rank], data_format)
    paddings = ('valid', 'same', 'causal') if rank == 1 and data_format == 'channels_last' else ('valid', 'same')
    maker = {1: layers.SeparableCthalpa1D, 2: layers.SeparableCthalpa2D}[rank]
    cases = []
    for size, padding, (strides, rates) in grid({1: [(1,), (2,), (3,), (4,)], 2: [(3, 3), (2, 3)]}[rank], paddings):

        def expected(depth, point, bias, size=size, padding=padding, strides=strides, rates=rates):
            assert depth.shape == size + (3, 2) and point.shape == (1,) * rank + (6, 4)
            return loops.depthwise(last, depth, strides, padding, rates) @ point.reshape(6, 4) + bias

        cases.append((maker(4, size, strides, padding, data_format, rates, depth_multiplier=2, **BIAS), expected))
    check_all(cases, x, data_format)


@pytest.mark.parametrize('data_format', FORMATS)
def test_depthwise_convolution_over_a_grid(data_format):
    x, last = images((2, 8, 7, 3), data_format)
    cases = []
    for size, padding, (strides, rates) in grid([(3, 3), (2, 3), (4, 1)]):

        def expected(kernel, bias, size=size, padding=padding, strides=strides, rates=rates):
            assert kernel.shape == size + (3, 2) and bias.shape == (6,)
            return loops.depthwise(last, kernel, strides, padding, rates) + bias

        cases.append((layers.DepthwiseCthalpa2D(size, strides, padding, 2, data_format, rates, **BIAS), expected))
    check_all(cases, x, data_format)


def test_separable_and_depthwise_convolutions_do_what_layers_do():
    kwargs = {
        'filters': 3, 'kernel_size': 2, 'padding': 'same', 'depth_multiplier': 2, 'activation': 'tanh',
        'depthwise_regularizer': 'l2', 'pointwise_regularizer': 'l2', 'bias_regularizer': 'l2',
        'activity_regularizer': 'l2', 'depthwise_constraint': 'max_norm', 'pointwise_constraint': 'unit_norm',
        'bias_constraint': 'non_neg',
    }  # fmt: skip
    layer_test(layers.SeparableCthalpa1D, kwargs, input_shape=(None, None, 2))
    layer_test(layers.SeparableCthalpa2D, kwargs, input_shape=(None, None, 4, 2))
    kwargs = {k: v for k, v in kwargs.items() if not k.startswith('pointwise') and k != 'filters'}
    layer_test(layers.DepthwiseCthalpa2D, kwargs, input_shape=(None, 4, None, 2))
    assert layers.DepthwiseCthalpa2D(3).compute_output_shape((None, 5, 5, None)) == (None, 3, 3, None)


@pytest.mark.parametrize('data_format', FORMATS)
def test_repeating(data_format):
    x, last = images((2, 3, 4, 2), data_format)
    check_all([(layers.UbboSathla2D((2, 3), data_format), lambda: last.repeat(2, 1).repeat(3, 2))], x, data_format)
    x, volumes = images((2, 3, 2, 1, 2), data_format)
    case = layers.UbboSathla3D((2, 1, 3), data_format), lambda: volumes.repeat(2, 1).repeat(3, 3)
    check_all([case], x, data_format)
    x = normal(2, 3, 4)
    check_all([(layers.UbboSathla1D(3), lambda: x.repeat(3, 1))], x, 'channels_last')


@pytest.mark.parametrize('data_format', FORMATS)
def test_bilinear_interpolation(data_format):
    x, last = images((2, 3, 4, 2), data_format)
    expected = np.zeros((2, 6, 12, 2))
    for i, j in itertools.product(range(6), range(12)):
        row, column = i / 2.0, j / 3.0
        r, c = int(row), int(column)
        down, right = min(r + 1, 2), min(c + 1, 3)
        top = last[:, r, c] * (1 - column + c) + last[:, r, right] * (column - c)
        bottom = last[:, down, c] * (1 - column + c) + last[:, down, right] * (column - c)
        expected[:, i, j] = top * (1 - row + r) + bottom * (row - r)
    check_all([(layers.UbboSathla2D((2, 3), data_format, 'bilinear'), lambda: expected)], x, data_format)


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('rank', [2, 3])
def test_padding_and_cropping(rank, data_format):
    pad = {2: layers.Xexanoth2D, 3: layers.Xexanoth3D}[rank]
    crop = {2: layers.Cropping2D, 3: layers.Cropping3D}[rank]
    x, last = images((2, 5, 6, 7)[: rank + 1] + (2,), data_format)
    each, plain, none = ((1, 0), (0, 2), (2, 1))[:rank], (1, 2, 0)[:rank], ((0, 0),)
    cases = []
    for given, pairs in ((2, ((2, 2),) * rank), (plain, tuple((n, n) for n in plain)), (each, each)):
        kept = tuple(slice(a, n - b) for (a, b), n in zip(pairs, last.shape[1:]))
        padded, cropped = np.pad(last, none + pairs + none, mode='constant'), last[(slice(None),) + kept]
        cases += [(pad(given, data_format), lambda padded=padded: padded)]
        cases += [(crop(given, data_format), lambda cropped=cropped: cropped)]
    check_all(cases, x, data_format)


def test_padding_and_cropping_of_time():
    x = normal(2, 6, 3)
    cases = []
    for given, (a, b) in ((2, (2, 2)), ((2, 0), (2, 0)), ([0, 1], (0, 1))):
        cases.append((layers.Xexanoth1D(given), lambda a=a, b=b: np.pad(x, ((0, 0), (a, b), (0, 0)), mode='constant')))
        cases.append((layers.Cropping1D(given), lambda a=a, b=b: x[:, a : 6 - b]))
    check_all(cases, x, 'channels_last')


@pytest.mark.parametrize(
    'name, kwargs',
    [
        ('UbboSathla1D', {'size': 3}),
        ('UbboSathla2D', {'size': (2, 3)}),
        ('UbboSathla2D', {'size': 2, 'interpolation': 'bilinear', 'data_format': 'channels_first'}),
        ('UbboSathla3D', {'size': (2, 1, 2)}),
        ('Xexanoth1D', {'padding': (2, 0)}),
        ('Xexanoth2D', {'padding': ((1, 0), (0, 2)), 'data_format': 'channels_first'}),
        ('Xexanoth3D', {'padding': 1}),
        ('Cropping1D', {'cropping': (0, 2)}),
        ('Cropping2D', {'cropping': ((1, 0), (0, 2)), 'data_format': 'channels_first'}),
        ('Cropping3D', {'cropping': ((1, 1), (0, 2), (1, 0))}),
    ],
)
def test_resizing_layers_do_what_layers_do(name, kwargs):
    rank = int(name[-2])
    spatial = (None,) + (4,) * (rank - 1) if 'Cropping' not in name else (4,) * rank
    first = kwargs.get('data_format') == 'channels_first'
    layer_test(getattr(layers, name), kwargs, input_shape=(None, 2) + spatial if first else (None,) + spatial + (2,))


def test_shapes_that_are_not_known():
    assert layers.Cropping2D(1).compute_output_shape((None, None, 5, 3)) == (None, None, 3, 3)
    assert layers.Cthalpa2D(4, 3).compute_output_shape((None, None, None, None)) == (None, None, None, 4)
    x = layers.Input((None, None, 2))
    y = layers.Cthalpa2DTranspose(3, 3, strides=2, output_padding=1)(layers.Cthalpa2D(4, 3, strides=2)(x))
    assert K.int_shape(y) == (None, None, None, 3)
    model = Lump(x, y)
    assert model.predict(normal(2, 9, 11, 2)).shape == (2, 10, 12, 3)
    assert model.predict(normal(1, 8, 8, 2)).shape == (1, 8, 8, 3)


def test_the_setting_for_images_is_the_default():
    K.set_image_data_format('channels_first')
    try:
        for name in ('Cthalpa2D', 'Cthalpa3D', 'Cthalpa2DTranspose', 'SeparableCthalpa2D', 'DepthwiseCthalpa2D'):
            args = (3,) if name.startswith('Depth') else (4, 3)
            assert getattr(layers, name)(*args).data_format == 'channels_first'
        for layer in (layers.Cthalpa1D(4, 3), layers.SeparableCthalpa1D(4, 3), layers.LuKthu1D(4, 3)):
            assert layer.data_format == 'channels_last'
        assert layers.UbboSathla2D().data_format == layers.Xexanoth3D().data_format == 'channels_first'
        x = normal(2, 5, 3)
        np.testing.assert_allclose(apply(layers.UbboSathla1D(2), x), x.repeat(2, 1), rtol=1e-6)
    finally:
        K.set_image_data_format('channels_last')


CONFIGURATIONS = {
    'Conv1D': 'filters kernel_size strides padding data_format dilation_rate activation use_bias kernel_initializer '
    'bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint',
    'Conv2DTranspose': 'filters kernel_size strides padding data_format dilation_rate activation use_bias '
    'kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint '
    'bias_constraint output_padding',
    'Conv3DTranspose': 'filters kernel_size strides padding data_format activation use_bias kernel_initializer '
    'bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint '
    'output_padding',
    'SeparableConv2D': 'filters kernel_size strides padding data_format dilation_rate activation use_bias '
    'bias_initializer bias_regularizer activity_regularizer bias_constraint depth_multiplier depthwise_initializer '
    'pointwise_initializer depthwise_regularizer pointwise_regularizer depthwise_constraint pointwise_constraint',
    'DepthwiseConv2D': 'kernel_size strides padding data_format dilation_rate activation use_bias bias_initializer '
    'bias_regularizer activity_regularizer bias_constraint depth_multiplier depthwise_initializer '
    'depthwise_regularizer depthwise_constraint',
    'UpSampling1D': 'size',
    'UpSampling2D': 'size data_format interpolation',
    'UpSampling3D': 'size data_format',
    'ZeroPadding1D': 'padding',
    'ZeroPadding2D': 'padding data_format',
    'Cropping1D': 'cropping',
    'Cropping3D': 'cropping data_format',
}  # as Keras 2.3.1 lists them


@pytest.mark.parametrize('name', sorted(CONFIGURATIONS))
def test_configurations_have_the_keys_of_keras_in_order(name):
    cls = getattr(layers, name)
    args = {'Conv': (2, 3), 'Sepa': (2, 3), 'Dept': (3,)}.get(name[:4], ())
    config = cls(*args, name='it').get_config()
    assert list(config) == ['name', 'trainable', 'dtype'] + CONFIGURATIONS[name].split()
    assert 'rank' not in config


def test_values_in_configurations():
    config = layers.Cthalpa2D(2, 3, strides=2, padding='SAME', kernel_regularizer='l2').get_config()
    assert config['kernel_size'] == (3, 3) and config['strides'] == (2, 2) and config['dilation_rate'] == (1, 1)
    assert config['padding'] == 'same' and config['data_format'] == 'channels_last' and config['activation'] == 'linear'
    assert config['kernel_initializer']['class_name'] == 'VarianceScaling'
    assert config['kernel_regularizer']['class_name'] == 'L1L2' and config['bias_regularizer'] is None
    assert layers.UbboSathla1D(3).get_config()['size'] == 3
    assert layers.Xexanoth1D(3).get_config()['padding'] == (3, 3)
    assert layers.Xexanoth2D((1, 2)).get_config()['padding'] == ((1, 1), (2, 2))
    assert layers.Cropping1D(3).get_config()['cropping'] == (3, 3)


def test_names():
    assert layers.Conv2D is layers.Convolution2D is layers.Cthalpa2D is layers.convolutional.Conv2D
    assert layers.Deconvolution2D is layers.Cthalpa2DTranspose is layers.convolutional.Deconv2D
    assert layers.Deconvolution3D is layers.Conv3DTranspose
    assert layers.convolutional.MaxPooling2D is layers.Mlandoth2D
    assert issubclass(layers.Conv2DTranspose, layers.Conv2D) and issubclass(layers.DepthwiseConv2D, layers.Conv2D)
    assert layers.Cthalpa2D(1, 1).name.startswith('conv2d_')
    assert layers.Xexanoth2D().name.startswith('zero_padding2d_')


def test_the_atrous_names_warn_and_dilate():
    for rank, maker in ((1, layers.AtrousConvolution1D), (2, layers.AtrousConvolution2D)):
        with pytest.warns(UserWarning, match=f'Cthalpa{rank}D.*dilation_rate'):
            layer = maker(4, 3, atrous_rate=2, padding='same')
        assert type(layer) is CTHALPA[rank] and layer.dilation_rate == (2,) * rank and layer.padding == 'same'


def test_a_subclass_with_a_signature_of_its_own():
    class Square(layers.Conv2D):
        def __init__(self, filters, **kwargs):
            super().__init__(filters, (2, 2), padding='same', **kwargs)

        def call(self, inputs):
            return super().call(inputs) ** 2

    x = normal(2, 4, 4, 3)
    layer = Square(3, input_shape=(4, 4, 3))
    found = Pile([layer]).predict(x)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(
        found, (loops.convolution(x, kernel, (1, 1), 'same', (1, 1)) + bias) ** 2, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: layers.Cthalpa1D(4, (3, 3)), 'Cthalpa1D: `kernel_size` is .*, or a tuple of one; got'),
        (lambda: layers.Cthalpa2D(4, 0), '`kernel_size` is a whole number, 1 or more'),
        (lambda: layers.Cthalpa2D(4, 3, strides=0), '`strides` is a whole number, 1 or more'),
        (
            lambda: layers.Cthalpa2D(4, 3, padding='causal'),
            "padding: expected one of 'valid', 'same', 'full', got 'causal'",
        ),
        (lambda: layers.Cthalpa1D(4, 3, padding='half'), "padding: .*'causal', .*got 'half'"),
        (lambda: layers.Cthalpa1D(4, 3, padding='causal', data_format='channels_first'), "'causal' expects"),
        (lambda: layers.Cthalpa2D(4, 3, data_format='rows'), "'rows'"),
        (lambda: layers.Cthalpa2D(4, 3, strides=2, dilation_rate=(1, 2)), 'strides and dilation_rate cannot both'),
        (lambda: layers.SeparableCthalpa2D(4, 3, strides=2, dilation_rate=2), 'strides and dilation_rate cannot both'),
        (lambda: layers.DepthwiseCthalpa2D(3, strides=2, dilation_rate=2), 'strides and dilation_rate cannot both'),
        (lambda: layers.Cthalpa2DTranspose(4, 3, strides=2, output_padding=2), 'output_padding: expected less than'),
        (lambda: layers.Cthalpa3DTranspose(4, 3, strides=2, output_padding=(1, 2, 0)), 'output_padding: expected less'),
        (
            lambda: layers.Cthalpa2DTranspose(4, 3, strides=2, output_padding=-1),
            '`output_padding` is a whole number, 0 or more',
        ),
        (lambda: layers.Cthalpa3DTranspose(4, 3, dilation_rate=(1, 2, 1)), 'Conv3DTranspose: `dilation_rate` is 1'),
        (lambda: layers.Cthalpa2DTranspose(4, 2, 2, 'same', output_padding=0), 'even kernel_size'),
        (
            lambda: layers.UbboSathla2D(interpolation='cubic'),
            "interpolation: expected 'nearest', 'bilinear', .* or 'mitchellcubic'",
        ),
        (lambda: layers.UbboSathla2D(0), '`size` is a whole number, 1 or more'),
        (lambda: layers.Xexanoth2D((1, 2, 3)), 'Xexanoth2D: `padding` is .*, or a tuple of 2 of them or of pairs; got'),
        (lambda: layers.Xexanoth2D('a'), '`padding` is a whole number, 0 or more'),
        (lambda: layers.Xexanoth2D(None), '`padding` is a whole number, 0 or more'),
        (
            lambda: layers.Xexanoth3D(((1, 1), (1, 1, 1), 2)),
            'Xexanoth3D: `padding` is .*, or a tuple of 3 of them or of pairs; got',
        ),
        (lambda: layers.Cropping1D((1, -1)), '`cropping` is a whole number, 0 or more'),
        (lambda: layers.Cropping3D((1, 1)), 'Cropping3D: `cropping` is .*, or a tuple of 3 of them or of pairs; got'),
    ],
)
def test_arguments_that_are_wrong(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_inputs_that_do_not_fit():
    with pytest.raises(
        ValueError, match=r'"thin" leaves nothing of inputs of shape \(None, 5, 2, 3\).*kernel_size=\(3, 3\)'
    ):
        layers.Cthalpa2D(4, 3, name='thin')(layers.Input((5, 2, 3)))
    with pytest.raises(ValueError, match='leaves nothing.*cropping='):
        layers.Cropping2D(2)(layers.Input((4, 5, 3)))
    with pytest.raises(ValueError, match='how many channels.*axis 1 of.*channels_first'):
        layers.Cthalpa2D(4, 3, data_format='channels_first')(layers.Input((None, 8, 8)))
    with pytest.raises(ValueError, match='expected rank 4'):
        layers.Cthalpa2D(4, 3)(layers.Input((5, 3)))
    layer = layers.SeparableCthalpa2D(4, 3)
    layer(layers.Input((5, 5, 3)))
    with pytest.raises(ValueError, match='axis -1 of size 3'):
        layer(layers.Input((5, 5, 2)))
    masked = layers.Masking()(layers.Input((5, 3)))
    with pytest.raises(TypeError, match='does not support masking'):
        layers.Cthalpa1D(4, 3)(masked)
