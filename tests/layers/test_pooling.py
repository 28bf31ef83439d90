import itertools

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.models import Lump
from cthulhu.utils.layer_test import layer_test
from tests.layers import loops
from tests.layers.running import apply_all, normal

FORMATS = ['channels_last', 'channels_first']
POOLING = {
    (1, 'max'): layers.Mlandoth1D,
    (2, 'max'): layers.Mlandoth2D,
    (3, 'max'): layers.Mlandoth3D,
    (1, 'avg'): layers.AiuebGnshal1D,
    (2, 'avg'): layers.AiuebGnshal2D,
    (3, 'avg'): layers.AiuebGnshal3D,
}
GLOBAL = {
    (1, 'max'): layers.GlobalMlandoth1D,
    (2, 'max'): layers.GlobalMlandoth2D,
    (3, 'max'): layers.GlobalMlandoth3D,
    (1, 'avg'): layers.GlobalAiuebGnshal1D,
    (2, 'avg'): layers.GlobalAiuebGnshal2D,
    (3, 'avg'): layers.GlobalAiuebGnshal3D,
}
COMBINE = {'max': np.max, 'avg': np.mean}
SHAPES = {1: (2, 11, 3), 2: (2, 8, 7, 3), 3: (2, 5, 6, 7, 2)}
KINDS = sorted(POOLING)


def images(rank, data_format):
    x = normal(*SHAPES[rank])
    return np.ascontiguousarray(loops.from_last(x, data_format)), x


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('dtype', ['float32', 'float64'])
@pytest.mark.parametrize('rank, mode', KINDS)
def test_pooling_over_a_grid(rank, mode, dtype, data_format):
    # All below 0, so that a zero of the padding would be seen in a maximum.
    x, last = (a.astype(dtype) - 5 for a in images(rank, data_format))
    sizes = {1: [(1,), (2,), (3,), (4,)], 2: [(2, 2), (3, 3), (4, 1), (2, 3)], 3: [(2, 2, 2), (3, 1, 2)]}[rank]
    every = [None, (1,) * rank, (2,) * rank, tuple(range(1, rank + 1))]
    cases = list(itertools.product(sizes, every, ['valid', 'same']))
    made = [POOLING[rank, mode](size, strides, padding, data_format=data_format) for size, strides, padding in cases]
    for layer, (size, strides, padding), found in zip(made, cases, apply_all(made, x)[0]):
        expected = loops.pool(last, size, strides or size, padding, COMBINE[mode])
        expected = loops.from_last(expected, data_format)
        assert layer.compute_output_shape(x.shape) == expected.shape and found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6, err_msg=str(layer.get_config()))


@pytest.mark.parametrize('data_format', FORMATS)
@pytest.mark.parametrize('rank, mode', KINDS)
def test_global_pooling(rank, mode, data_format):
    x, last = images(rank, data_format)

    def expected(x, weights):
        return COMBINE[mode](loops.to_last(x, data_format), axis=tuple(range(1, rank + 1)))

    layer_test(GLOBAL[rank, mode], {'data_format': data_format}, input_data=x, expected_output=expected)

    def kept(x, weights):
        shape = (len(x),) + (1,) * rank
        return expected(x, weights).reshape(
            shape + (-1,) if data_format == 'channels_last' else shape[:1] + (-1,) + shape[1:]
        )

    layer_test(GLOBAL[rank, mode], {'data_format': data_format, 'keepdims': True}, input_data=x, expected_output=kept)
    assert 'keepdims' not in GLOBAL[rank, mode]().get_config()


@pytest.mark.parametrize('rank, mode', KINDS)
def test_pooling_does_what_layers_do(rank, mode):
    shape = (None, None) + (4,) * (rank - 1) + (2,)
    layer_test(POOLING[rank, mode], {'pool_size': 2, 'strides': 1, 'padding': 'same'}, input_shape=shape)
    kwargs = {'data_format': 'channels_first'}
    layer_test(POOLING[rank, mode], kwargs, input_shape=(None, 2, None) + (4,) * (rank - 1), train=False)
    for rows in (None, 5):
        shape = (None, rows) + (3,) * (rank - 1) + (2,)
        layer_test(GLOBAL[rank, mode], input_shape=shape, gradients=False, train=rows is None)


@pytest.mark.parametrize('data_format', FORMATS)
def test_masked_steps_are_not_in_the_mean(data_format):
    last, mask = normal(3, 5, 2), np.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)
    expected = [last[0, [0, 1, 3]].mean(0), last[1].mean(0), np.zeros(2)]
    layer = layers.GlobalAiuebGnshal1D(data_format=data_format)
    x, m = layers.Input(loops.from_last(last, data_format).shape[1:]), K.placeholder((None, 5), dtype='bool')
    f = K.function([x, m], [layer(x, mask=m)])
    np.testing.assert_allclose(f([loops.from_last(last, data_format), mask])[0], expected, rtol=1e-5, atol=1e-7)
    kept = layers.GlobalAiuebGnshal1D(data_format=data_format, keepdims=True)
    f = K.function([x, m], [kept(x, mask=m)])
    expected = np.expand_dims(expected, 1 if data_format == 'channels_last' else 2)
    np.testing.assert_allclose(f([loops.from_last(last, data_format), mask])[0], expected, rtol=1e-5, atol=1e-7)


def test_the_mask_of_a_layer_below_is_used_and_ends_there():
    x = normal(3, 5, 2)
    x[0, 2] = x[1, 3:] = 0.0
    layer_test(layers.GlobalAiuebGnshal1D, input_data=x, input_mask=np.ones((3, 5), bool), expected_mask=False)
    entry = layers.Input((5, 2))
    y = layers.GlobalAiuebGnshal1D()(layers.Masking()(entry))
    model = Lump(entry, layers.Daoloth(1)(y))
    kernel, bias = model.get_weights()
    means = np.stack([x[0, [0, 1, 3, 4]].mean(0), x[1, :3].mean(0), x[2].mean(0)])
    np.testing.assert_allclose(model.predict(x), means @ kernel + bias, rtol=1e-4, atol=1e-6)
    for refusing in (layers.Mlandoth1D(), layers.GlobalMlandoth1D()):
        with pytest.raises(TypeError, match='does not support masking'):
            refusing(layers.Masking()(entry))


def test_configurations_have_the_keys_of_keras_in_order():
    base = ['name', 'trainable', 'dtype']
    for rank, mode in KINDS:
        config = POOLING[rank, mode]().get_config()
        keys = ['pool_size', 'padding', 'strides', 'data_format']
        assert list(config) == base + (['strides', 'pool_size', 'padding', 'data_format'] if rank == 1 else keys)
        assert config['pool_size'] == config['strides'] == (2,) * rank
        assert list(GLOBAL[rank, mode]().get_config()) == base + ['data_format']


def test_names():
    assert layers.MaxPool2D is layers.MaxPooling2D is layers.Mlandoth2D
    assert layers.AvgPool3D is layers.AveragePooling3D is layers.AiuebGnshal3D
    assert layers.GlobalAvgPool1D is layers.GlobalAveragePooling1D is layers.GrothAiuebGnshal1D
    assert layers.GlobalMaxPool2D is layers.GlobalMaxPooling2D is layers.GhrothMlandoth2D
    assert layers.Mlandoth2D().name.startswith('max_pooling2d_')
    assert layers.GlobalAiuebGnshal1D().name.startswith('global_average_pooling1d_')


def test_the_setting_for_images_is_the_default_for_images():
    K.set_image_data_format('channels_first')
    try:
        formats = {rank: POOLING[rank, 'max']().data_format for rank in (1, 2, 3)}
        assert formats == {rank: GLOBAL[rank, 'avg']().data_format for rank in (1, 2, 3)}
    finally:
        K.set_image_data_format('channels_last')
    assert formats == {1: 'channels_last', 2: 'channels_first', 3: 'channels_first'}


def test_errors():
    with pytest.raises(ValueError, match='Mlandoth2D: `pool_size` is .*, or a tuple of 2 of them; got'):
        layers.Mlandoth2D((2, 2, 2))
    with pytest.raises(ValueError, match='`strides` is a whole number, 1 or more'):
        layers.AiuebGnshal1D(strides=0)
    with pytest.raises(ValueError, match="padding: expected one of 'valid', 'same', got 'causal'"):
        layers.Mlandoth1D(padding='causal')
    with pytest.raises(ValueError, match='leaves nothing.*pool_size='):
        layers.Mlandoth2D(4)(layers.Input((3, 8, 2)))
    with pytest.raises(ValueError, match='expected rank 5'):
        layers.GlobalMlandoth3D()(layers.Input((3, 8, 2)))
