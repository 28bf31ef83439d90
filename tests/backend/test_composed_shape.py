import itertools

import numpy as np
import pytest

from cthulhu import backend as K
from tests.backend.helpers import check, check_gradient

pytestmark = pytest.mark.usefixtures('fresh')
random = np.random.RandomState(1)
IMAGE = random.normal(size=(2, 3, 4, 2))
VOLUME = random.normal(size=(2, 2, 3, 2, 2))


def test_flatten_and_batch_flatten():
    check('flatten', IMAGE.reshape(-1), IMAGE)
    check('batch_flatten', IMAGE.reshape(2, -1), IMAGE)
    check('batch_flatten', np.ones((3, 1)), np.ones((3,)))
    assert K.int_shape(K.batch_flatten(K.placeholder((None, 3, 4)))) == (None, 12)
    assert K.int_shape(K.batch_flatten(K.placeholder((5, None, 4)))) == (5, None)


def test_repeat():
    x = random.normal(size=(3, 2))
    check('repeat', np.repeat(x[:, None], 4, axis=1), x, n=4)
    check_gradient('repeat', x, kwargs={'n': 4})
    with pytest.raises(ValueError, match=r'x: expected 2 dimensions \(batch, dim\), got shape \(None, 2, 3\)'):
        K.repeat(K.placeholder((None, 2, 3)), 2)


@pytest.mark.parametrize('axis', [0, 1, 3, -1])
def test_repeat_elements(axis):
    check('repeat_elements', np.repeat(IMAGE, 3, axis=axis), IMAGE, rep=3, axis=axis)
    check_gradient('repeat_elements', IMAGE, kwargs={'rep': 2, 'axis': axis})


def test_repeat_elements_knows_its_static_shape():
    assert K.int_shape(K.repeat_elements(K.placeholder((None, 3, 4)), 2, 1)) == (None, 6, 4)


@pytest.mark.parametrize('axis', [0, 2, -1])
def test_split(axis):
    check('split', np.split(IMAGE, 2, axis=axis), IMAGE, fixed=(0,), count=2, axis=axis)
    with pytest.raises(ValueError, match=r'axis 1 of shape \(None, 5\) cannot be split into 2 equal parts'):
        K.split(K.placeholder((None, 5)), 2)
    with pytest.raises(ValueError, match='cannot be split into 2'):
        K.split(K.placeholder((None, 4)), 2, axis=0)


def test_temporal_padding():
    x = random.normal(size=(2, 3, 4))
    check('temporal_padding', np.pad(x, ((0, 0), (2, 1), (0, 0)), 'constant'), x, padding=(2, 1))
    check('temporal_padding', np.pad(x, ((0, 0), (1, 1), (0, 0)), 'constant'), x)


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first', None])
def test_spatial_padding(data_format):
    pads = ((1, 0), (2, 3))
    widths = ((0, 0),) * 2 + pads if data_format == 'channels_first' else ((0, 0),) + pads + ((0, 0),)
    kwargs = {'padding': pads, 'data_format': data_format}
    check('spatial_2d_padding', np.pad(IMAGE, widths, 'constant'), IMAGE, **kwargs)
    check_gradient('spatial_2d_padding', IMAGE, kwargs=kwargs)
    pads = ((1, 0), (0, 2), (1, 1))
    widths = ((0, 0),) * 2 + pads if data_format == 'channels_first' else ((0, 0),) + pads + ((0, 0),)
    check('spatial_3d_padding', np.pad(VOLUME, widths, 'constant'), VOLUME, padding=pads, data_format=data_format)


@pytest.mark.parametrize('padding', [((1, 1),), (1, 1), ((1, 1), (1, 1), (1, 1)), ((1, -1), (0, 0)), 2, ((1,), (1,))])
def test_spatial_padding_refuses(padding):
    with pytest.raises(ValueError, match=r'padding: expected (2 pairs|an int or 2)'):
        K.spatial_2d_padding(K.placeholder((None, 4, 4, 3)), padding)


def bilinear(x, factor, axis):
    """Each element of the result by itself: place i is i / factor of the way along `x`; level after the last."""
    n = x.shape[axis]
    rows = []
    for i in range(n * factor):
        low = i // factor
        part = i / factor - low
        rows.append(x.take(low, axis) * (1 - part) + x.take(min(low + 1, n - 1), axis) * part)
    return np.stack(rows, axis)


@pytest.mark.parametrize(
    'factors, data_format',
    list(itertools.product([(2, 3), (1, 2), (1, 1), (4, 1)], ['channels_last', 'channels_first'])),
)
def test_resize_images(factors, data_format):
    rows, columns = (1, 2) if data_format == 'channels_last' else (2, 3)
    kwargs = {'height_factor': factors[0], 'width_factor': factors[1], 'data_format': data_format}
    nearest = IMAGE.repeat(factors[0], rows).repeat(factors[1], columns)
    check('resize_images', nearest, IMAGE, **kwargs)
    kwargs['interpolation'] = 'bilinear'
    check('resize_images', bilinear(bilinear(IMAGE, factors[0], rows), factors[1], columns), IMAGE, **kwargs)


def test_bilinear_resizing_as_keras():
    # K.resize_images(x, 2, 2, 'channels_last', 'bilinear') of Keras 2.3.1 on TensorFlow 1.15.
    x = np.array([[1.0, 3.0], [5.0, 4.0]]).reshape((1, 2, 2, 1))
    expected = [[1, 2, 3, 3], [3, 3.25, 3.5, 3.5], [5, 4.5, 4, 4], [5, 4.5, 4, 4]]
    kwargs = {'height_factor': 2, 'width_factor': 2, 'data_format': 'channels_last', 'interpolation': 'bilinear'}
    check('resize_images', np.reshape(expected, (1, 4, 4, 1)), x, **kwargs)
    check_gradient('resize_images', x.astype('float32'), kwargs=kwargs, rtol=1e-3)


def test_resize_images_refuses():
    x = K.placeholder((None, 4, 4, 3))
    with pytest.raises(ValueError, match="interpolation: expected 'nearest' or 'bilinear', got 'cubic'"):
        K.resize_images(x, 2, 2, 'channels_last', 'cubic')
    with pytest.raises(ValueError, match='factors: expected whole numbers, 1 or more'):
        K.resize_images(x, 0, 2, 'channels_last')
    with pytest.raises(ValueError, match='data_format'):
        K.resize_images(x, 2, 2, 'NHWC')


def test_resize_images_knows_its_static_shape():
    x = K.placeholder((None, 4, None, 3))
    for interpolation in ('nearest', 'bilinear'):
        assert K.int_shape(K.resize_images(x, 2, 3, 'channels_last', interpolation)) == (None, 8, None, 3)


@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
def test_resize_volumes(data_format):
    first = 1 if data_format == 'channels_last' else 2
    expected = VOLUME.repeat(2, first).repeat(1, first + 1).repeat(3, first + 2)
    kwargs = {'depth_factor': 2, 'height_factor': 1, 'width_factor': 3, 'data_format': data_format}
    check('resize_volumes', expected, VOLUME, **kwargs)
