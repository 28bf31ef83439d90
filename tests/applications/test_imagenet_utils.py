"""What goes into the networks, and the names of the classes."""

import hashlib
import json

import numpy as np
import pytest

from cthulhu import applications
from cthulhu import backend as K
from cthulhu.applications import imagenet_utils
from cthulhu.applications.imagenet_utils import decode_predictions, preprocess_input
from cthulhu.layers import Input, LuKthu
from cthulhu.models import Lump
from cthulhu.saving import ModelFileError
from tests.utils.serving import serving

# Of the first pixel (0, 1, 2) of np.arange(24).reshape(1, 2, 4, 3), by a running Keras 2.3.1.
KERAS = {
    'caffe': [-101.939, -115.779, -123.68],
    'tf': [-1.0, -0.99215686, -0.9843137],
    'torch': [-2.117904, -2.0182073, -1.7695861],
}
MODULES = {
    'caffe': ['vgg16', 'vgg19', 'resnet50', 'resnet'],
    'tf': ['resnet_v2', 'inception_v3', 'inception_resnet_v2', 'xception', 'mobilenet', 'mobilenet_v2', 'nasnet'],
    'torch': ['densenet'],
}


def expected(x, mode):
    """By NumPy, for channels that come last."""
    x = x.astype('float64')
    if mode == 'tf':
        return x / 127.5 - 1
    if mode == 'caffe':
        return x[..., ::-1] - [103.939, 116.779, 123.68]
    return (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]


@pytest.mark.parametrize('mode', sorted(KERAS))
def test_values(mode):
    found = preprocess_input(np.arange(24).reshape(1, 2, 4, 3), mode=mode)
    np.testing.assert_allclose(found[0, 0, 0], KERAS[mode], rtol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize('mode', sorted(KERAS))
@pytest.mark.parametrize('data_format', ['channels_last', 'channels_first'])
@pytest.mark.parametrize('batch', [False, True])
@pytest.mark.parametrize('dtype', ['uint8', 'float32', 'float64'])
def test_arrays_and_tensors(mode, data_format, batch, dtype):
    x = np.random.RandomState(0).randint(0, 256, (2, 4, 5, 3)).astype(dtype)
    wanted = expected(x, mode)
    if data_format == 'channels_first':
        x, wanted = x.transpose(0, 3, 1, 2), wanted.transpose(0, 3, 1, 2)
    if not batch:
        x, wanted = x[0], wanted[0]
    before = x.copy()
    found = preprocess_input(x, data_format, mode)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    assert found.dtype == ('float32' if dtype == 'uint8' else dtype) and np.array_equal(x, before)
    tensor = preprocess_input(K.constant(x, dtype=dtype), data_format, mode)
    assert K.dtype(tensor) == found.dtype.name
    np.testing.assert_allclose(K.eval(tensor), wanted, rtol=1e-4, atol=1e-4)


def test_inside_a_model():
    image = Input((4, 4, 3))
    model = Lump(image, LuKthu(applications.densenet.preprocess_input)(image))
    x = np.random.RandomState(0).randint(0, 256, (2, 4, 4, 3)).astype('float32')
    assert model.output_shape == (None, 4, 4, 3)
    np.testing.assert_allclose(model.predict(x), expected(x, 'torch'), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('mode, module', [(mode, module) for mode in sorted(MODULES) for module in MODULES[mode]])
def test_each_network_has_its_own(mode, module):
    x = np.arange(24).reshape(1, 2, 4, 3)
    function = getattr(applications, module).preprocess_input
    np.testing.assert_allclose(function(x), expected(x, mode), rtol=1e-5)
    channels_first = function(x.transpose(0, 3, 1, 2), data_format='channels_first')
    np.testing.assert_allclose(channels_first.transpose(0, 2, 3, 1), expected(x, mode), rtol=1e-5)


@pytest.mark.parametrize(
    'x, arguments, message',
    [
        (np.zeros((2, 2, 3)), {'mode': 'keras'}, "mode: expected 'caffe', 'tf' or 'torch', got 'keras'"),
        (np.zeros((2, 2, 3)), {'data_format': 'channels'}, 'channels'),
        (np.zeros((2, 3)), {}, 'expected an image .3 axes. or a batch of images .4 axes., got the shape'),
        (np.zeros((2, 2, 1)), {}, 'wants the 3 colours of an image at axis 2 .channels_last., where there are 1'),
        (np.zeros((2, 2, 3)), {'data_format': 'channels_first'}, 'at axis 0 .channels_first., where there are 2'),
    ],
)
def test_wrong_images(x, arguments, message):
    with pytest.raises(ValueError, match=message):
        preprocess_input(x, **arguments)


# -- classes ----------------------------------------------------------------------------------------------


def index(**changes):
    return json.dumps(dict({str(i): [f'n{i:08}', f'thing_{i}'] for i in range(1000)}, **changes)).encode()


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """`offered(bytes)`: a server with an index of classes, which is taken for the real one."""
    monkeypatch.setenv('CTHULHU_HOME', str(tmp_path / 'settings'))
    with serving({}) as server:

        def offer(content):
            server.files['index.json'] = content
            source = (server.url + 'index.json', hashlib.md5(content).hexdigest())
            monkeypatch.setattr(imagenet_utils, 'CLASS_INDEX', source)
            return server

        yield offer


def test_decode_predictions(offered):
    server = offered(index())
    preds = np.zeros((2, 1000), 'float32')
    preds[0, [7, 3, 999]] = 0.5, 0.25, 0.125
    preds[1, 1] = 1
    found = decode_predictions(preds, top=3)
    assert found[0] == [
        ('n00000007', 'thing_7', 0.5),
        ('n00000003', 'thing_3', 0.25),
        ('n00000999', 'thing_999', 0.125),
    ]
    assert found[1][0] == ('n00000001', 'thing_1', 1) and len(found[1]) == 3
    assert len(decode_predictions(preds)[0]) == 5 and len(decode_predictions(preds, top=2000)[0]) == 1000
    assert server.asked == ['index.json']


def test_wrong_predictions(offered):
    server = offered(index())
    for preds in (np.zeros(1000), np.zeros((1, 10))):
        with pytest.raises(ValueError, match='preds: expected the probabilities of the 1000 classes of ImageNet'):
            decode_predictions(preds)
    with pytest.raises(ValueError, match='decode_predictions: `top` is a whole number, 1 or more; got 0'):
        decode_predictions(np.zeros((1, 1000)), top=0)
    assert server.asked == []


def test_an_index_that_cannot_be_had(offered):
    server = offered(index())
    server.files['index.json'] += b' '
    with pytest.raises(ValueError, match='index.json has the md5 hash .* was removed'):
        decode_predictions(np.zeros((1, 1000)))
    del server.files['index.json']
    with pytest.raises(OSError, match='index.json: 404'):
        decode_predictions(np.zeros((1, 1000)))


@pytest.mark.parametrize(
    'content',
    [index(**{'5': ['n1']}), index(**{'1000': ['n', 't']}), index(**{'5': [1, 2]}), b'[]', b'<html>', b'[' * 100000],
    ids=['one text', '1001 classes', 'numbers', 'a list', 'a page', 'nested'],
)  # fmt: skip
def test_other_files(offered, content):
    offered(content)
    with pytest.raises(ModelFileError, match='imagenet_class_index.json'):
        decode_predictions(np.zeros((1, 1000)))


def test_the_published_file():
    origin, file_hash = imagenet_utils.CLASS_INDEX
    assert origin.endswith('/imagenet_class_index.json') and file_hash == 'c2c37ea517e94d9795004a39431a14cb'
