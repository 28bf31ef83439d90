"""The networks: layers, weights and shapes are those of Keras 2.3.1; what the arguments do; weights from a file and from a server on this machine.

The figures in `fixtures/applications` are those of a running Keras 2.3.1 (`record.py`). The reference backend builds a network in a second and so checks all of them;
the others check a few small ones, where what differs between backends (static shapes, names) would show.
"""

import hashlib
import inspect
import json
import os

import numpy as np
import pytest

from cthulhu import applications, names
from cthulhu import backend as K
from cthulhu.applications import (
    building,
    densenet,
    imagenet_utils,
    inception_v3,
    mobilenet,
    mobilenet_v2,
    nasnet,
    resnet,
    resnet50,
    resnet_v2,
    vgg16,
)
from cthulhu.layers import Daoloth, Flatten, Input
from cthulhu.models import Lump, load_model
from cthulhu.saving import ModelFileError
from tests.applications import described
from tests.utils.serving import serving

FIXTURE = os.path.join(os.path.dirname(os.path.dirname(__file__)), 'fixtures', 'applications', 'keras-2.3.1.json')

with open(FIXTURE) as _file:
    RECORDED = json.load(_file)

EVERYTHING = not K.supports('gradients')
CHECKED = [
    pytest.param(network, case, id=f'{network}, {case}')
    for network, case in described.cases()
    if f'{network}, {case}' in RECORDED['figures']
    if EVERYTHING or (network, case) in described.ONCE
]
#: What builds networks again and again, and asks the framework nothing that the other tests do not.
by_the_reference = pytest.mark.skipif(not EVERYTHING, reason='the reference backend checks it, in a tenth of the time')
SIGNATURE = ['include_top', 'weights', 'input_tensor', 'input_shape', 'pooling', 'classes']


def kind(layer):
    """The name that a class has in Keras; what is a layer of ours there was a Lambda."""
    return names.keras_name(type(layer)).replace('ScaledAdd', 'Lambda')


def build(network, **arguments):
    arguments.setdefault('weights', None)
    return described.function(applications, network)(**arguments)


@pytest.mark.parametrize('network, case', CHECKED)
def test_structure(network, case):
    expected = RECORDED['figures'][f'{network}, {case}']
    arguments = described.CASES[case]
    if isinstance(expected, str):
        with pytest.raises(ValueError):
            build(network, **arguments)
        return
    model = build(network, **arguments)
    if case == 'top' and network in RECORDED['lists']:
        # The same in words, to see what differs.
        assert [list(lines) for lines in described.lines(model, kind, K.int_shape)] == RECORDED['lists'][network]
    assert described.figures(model, kind, K.int_shape) == expected


def test_every_network_is_recorded():
    public = set(applications.__all__) - set(
        names.NAMES['DenseNet121'] + names.NAMES['DenseNet169'] + names.NAMES['DenseNet201']
    )
    assert public == {network for network in described.NETWORKS if '.' not in network}
    assert len(public) == 18
    assert {f'{network}, {case}' for network, case in described.cases()} == set(RECORDED['figures'])


def test_signatures():
    for network in described.NETWORKS:
        parameters = inspect.signature(described.function(applications, network)).parameters
        assert set(SIGNATURE) <= set(parameters)
        assert {name: parameters[name].default for name in SIGNATURE} == {
            'include_top': True, 'weights': 'imagenet', 'input_tensor': None, 'input_shape': None, 'pooling': None, 'classes': 1000,
        }  # fmt: skip
        # NASNet and MobileNet begin with the shape, and MobileNet has arguments of its own.
        own = [name for name in parameters if name not in SIGNATURE]
        assert own == {'MobileNet': ['alpha', 'depth_multiplier', 'dropout'], 'MobileNetV2': ['alpha']}.get(network, [])
        first = 'input_shape' if network.startswith(('MobileNet', 'NASNet')) else 'include_top'
        assert list(parameters)[0] == first


def test_both_spellings():
    assert applications.DenseNet121 is applications.DaolothNet121 is densenet.DenseNet121
    assert applications.ResNet50 is resnet50.ResNet50 and resnet.ResNet50 is not resnet50.ResNet50


# -- arguments --------------------------------------------------------------------------------------------

SMALL = {'weights': None, 'input_shape': (32, 32, 3), 'include_top': False, 'alpha': 0.25}


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'weights': 'nowhere.h5'}, "weights: expected None.*there is no file 'nowhere.h5'"),
        ({'weights': 3}, 'weights: expected None.*there is no file 3'),
        ({'pooling': 'mean'}, "pooling: expected None, 'avg' or 'max', got 'mean'"),
        ({'classes': 0}, '`classes` is a whole number, 1 or more; got 0'),
        ({'classes': 10, 'include_top': True, 'weights': 'imagenet'}, 'the top that was trained on ImageNet has 1000, got 10'),
        ({'input_shape': (31, 32, 3)}, r'input_shape: the sides of an image are at least 32, got \(31, 32, 3\)'),
        ({'input_shape': (32, 32)}, r'expected an image of \(height, width, channels\), without the batch axis, got the shape \(32, 32\)'),
        ({'input_shape': (None, None, 3), 'include_top': True}, 'height and width must be known here.*With include_top=False they need not be'),
        ({'input_shape': (32, 32, None)}, 'the number of channels must be known'),
        ({'input_shape': (32, 32, 1), 'weights': 'imagenet'}, 'the weights of ImageNet are for 3 channels'),
        ({'input_shape': (64, 64, 3), 'weights': 'imagenet', 'include_top': True}, 'images are of 224 x 224, got'),
        ({'weights': 'imagenet', 'alpha': 0.3}, 'alpha: there are weights of ImageNet for 0.25, 0.5, 0.75, 1.0, got 0.3'),
        ({'alpha': 'a'}, "`alpha` is a finite number above 0; got 'a'"),
        ({'alpha': 0}, '`alpha` is a finite number above 0; got 0'),
        ({'include_top': 'no'}, "`include_top` is True or False; got 'no'"),
        ({'input_shape': 32}, '`input_shape` is a tuple of whole numbers.*got 32'),
        ({'weights': 'imagenet', 'depth_multiplier': 2}, 'depth_multiplier: there are weights of ImageNet for 1, got 2'),
    ],
)  # fmt: skip
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        applications.MobileNet(**dict(SMALL, **arguments))


@by_the_reference
def test_images_of_seven_channels_are_a_warning():
    with pytest.warns(UserWarning, match='an image of 7 channels, as images are of .height, width, channels.'):
        model = applications.MobileNet(**dict(SMALL, input_shape=(32, 32, 7)))
    assert model.input_shape == (None, 32, 32, 7)


def test_nasnet_wants_to_know_the_size():
    with pytest.raises(ValueError, match='height and width must be known here, got'):
        applications.NASNetMobile(input_shape=(None, None, 3), include_top=False, weights=None)


def test_input_tensor_of_ours():
    image = Input((32, 32, 3))
    model = applications.MobileNet(**dict(SMALL, input_tensor=image, input_shape=None))
    assert model.inputs == [image] and model.output_shape == (None, 1, 1, 256)
    inner = Daoloth(3)(image)
    model = applications.MobileNet(**dict(SMALL, input_tensor=inner))
    assert model.inputs == [image] and model.layers[1].name.startswith('dense')
    with pytest.raises(
        ValueError, match=r'input_shape: \(64, 32, 3\) is not the shape \(32, 32, 3\) of an image of `input_tensor`'
    ):
        applications.MobileNet(**dict(SMALL, input_tensor=image, input_shape=(64, 32, 3)))
    with pytest.raises(ValueError, match='input_tensor: the sides of an image are at least 32'):
        applications.MobileNet(**dict(SMALL, input_tensor=Input((32, 16, 3)), input_shape=None))


def test_input_tensor_of_the_backend():
    tensor = K.placeholder((None, 32, 32, 3))
    model = applications.MobileNet(**dict(SMALL, input_tensor=tensor, input_shape=None))
    assert model.input_shape == (None, 32, 32, 3) and model.layers[0].name == 'input_1'


def test_a_network_inside_a_model():
    """As people use them: frozen features, and a top of their own."""
    base = applications.MobileNet(**SMALL)
    base.trainable = False
    image = Input((32, 32, 3))
    model = Lump(image, Daoloth(2, activation='softmax')(Flatten()(base(image))))
    assert len(model.trainable_weights) == 2
    assert model.predict(np.zeros((2, 32, 32, 3), 'float32')).shape == (2, 2)


@pytest.mark.skipif(
    not EVERYTHING and not K.supports('channels_first'), reason='the reference backend checks shapes and names'
)
def test_channels_first():
    K.set_image_data_format('channels_first')
    try:
        model = applications.MobileNetV2(input_shape=(3, 40, 33), alpha=0.35, weights=None, include_top=False)
        top = applications.MobileNet(input_shape=(3, 32, 32), alpha=0.25, weights=None, classes=5)
        vgg = vgg16.VGG16(input_shape=(3, 32, 32), weights=None, classes=5)
        with pytest.raises(
            ValueError,
            match=r'expected an image of \(channels, height, width\)|at least 32, got \(32, 32, 3\) for \(channels',
        ):
            vgg16.VGG16(input_shape=(32, 32, 3), weights=None)
    finally:
        K.set_image_data_format('channels_last')
    last = applications.MobileNetV2(input_shape=(40, 33, 3), alpha=0.35, weights=None, include_top=False)
    assert model.output_shape == (None, 1280, 2, 2) and last.output_shape == (None, 2, 2, 1280)
    assert [w.shape for w in model.get_weights()] == [w.shape for w in last.get_weights()]
    assert top.output_shape == vgg.output_shape == (None, 5)
    if not K.supports('channels_first'):
        return
    last.set_weights(model.get_weights())
    x = np.random.RandomState(0).uniform(-1, 1, (2, 40, 33, 3)).astype('float32')
    found = model.predict(x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, last.predict(x), atol=1e-5)


def test_scaled_sums_are_saved(tmp_path):
    """InceptionResNetV2 keeps its scales in files, without byte code: where Keras has a Lambda, here is a layer."""
    from cthulhu.layers import ScaledAdd

    one, two = Input((3,)), Input((3,))
    model = Lump([one, two], ScaledAdd(0.17, name='block35_1')([one, two]))
    path = str(tmp_path / 'model.h5')
    model.save(path)
    x, y = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    loaded = load_model(path, compile=False)
    np.testing.assert_allclose(loaded.predict([x, y]), x + 0.17 * y, rtol=1e-6)
    with pytest.raises(ValueError, match='exactly 2 inputs; got 3'):
        ScaledAdd(1)([one, two, one])


# -- weights ----------------------------------------------------------------------------------------------


@pytest.fixture
def weights_file(tmp_path):
    """A file of weights that differ from what an initializer gives, and the weights."""
    model = applications.MobileNet(**SMALL)
    random = np.random.RandomState(0)
    values = [random.uniform(0.5, 1, w.shape).astype('float32') for w in model.get_weights()]
    model.set_weights(values)
    path = tmp_path / 'mobilenet.h5'
    model.save_weights(str(path))
    return path, values


def same(model, values):
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), values))


def test_weights_of_a_file(weights_file):
    path, values = weights_file
    assert same(applications.MobileNet(**dict(SMALL, weights=str(path))), values)
    assert same(applications.MobileNet(**dict(SMALL, weights=path, input_shape=(64, 32, 3))), values)
    with pytest.raises(ModelFileError, match='The file has weights of 54 layers'):
        applications.MobileNet(**dict(SMALL, weights=path, include_top=True))


@by_the_reference
def test_weights_of_imagenet(weights_file, tmp_path, monkeypatch):
    path, values = weights_file
    monkeypatch.setenv('CTHULHU_HOME', str(tmp_path / 'settings'))
    with serving({'v0.6/mobilenet_2_5_160_tf_no_top.h5': path.read_bytes()}) as server:
        monkeypatch.setattr(mobilenet, 'RELEASES', server.url)
        arguments = dict(SMALL, weights='imagenet', input_shape=(160, 160, 3))
        assert same(applications.MobileNet(**arguments), values)
        assert (tmp_path / 'settings' / 'models' / 'mobilenet_2_5_160_tf_no_top.h5').is_file()
        assert same(applications.MobileNet(**arguments), values)
        assert server.asked == ['v0.6/mobilenet_2_5_160_tf_no_top.h5']
        with pytest.raises(OSError, match='mobilenet_2_5_192_tf_no_top.h5: 404'):
            applications.MobileNet(**dict(arguments, input_shape=(192, 192, 3)))
        with pytest.warns(UserWarning, match='those of 224 are loaded for images of 100 x 192'):
            with pytest.raises(OSError, match='mobilenet_2_5_224_tf_no_top.h5: 404'):
                applications.MobileNet(**dict(arguments, input_shape=(100, 192, 3)))


def published(content):
    """What a network would be given for a file: {include_top: (URL, hash)} and the frame that loads it."""
    return hashlib.md5(content).hexdigest()


def load_from(server, file_hash, name='weights.h5'):
    frame = building.Frame(False, 'imagenet', None, (32, 32, 3), None, 1000, 224, 32)
    return frame.model(Daoloth(2)(frame.image), 'small', {False: (server.url + name, file_hash)})


def test_weights_of_another_hash(tmp_path, monkeypatch):
    monkeypatch.setenv('CTHULHU_HOME', str(tmp_path / 'settings'))
    image = Input((32, 32, 3))
    model = Lump(image, Daoloth(2)(image))
    model.save_weights(str(tmp_path / 'weights.h5'))
    content = (tmp_path / 'weights.h5').read_bytes()
    with serving({'weights.h5': content + b'more', 'cut.h5': content}) as server:
        with pytest.raises(ValueError, match='weights.h5 has the md5 hash .* was expected.*was removed'):
            load_from(server, published(content))
        assert os.listdir(str(tmp_path / 'settings' / 'models')) == []
        server.cut.add('weights.h5')
        with pytest.raises(OSError, match='the connection ended after'):
            load_from(server, None)
        server.cut.clear()
        server.files['weights.h5'] = content
        assert same(load_from(server, published(content)), model.get_weights())


@by_the_reference
def test_weights_from_strangers(tmp_path, monkeypatch):
    """The guarded reader is what reads them: other formats and links out are refused, as at every door (tests/saving/test_attacks.py)."""
    h5py = pytest.importorskip('h5py')
    monkeypatch.setenv('CTHULHU_HOME', str(tmp_path / 'settings'))
    path = tmp_path / 'evil.h5'
    with h5py.File(str(path), 'w') as file:
        file.attrs['layer_names'] = [b'dense_1']
        group = file.create_group('dense_1')
        group.attrs['weight_names'] = [b'dense_1/kernel:0', b'dense_1/bias:0']
        group['dense_1/kernel:0'] = h5py.ExternalLink('/etc/passwd', '/x')
        group['dense_1/bias:0'] = np.zeros(2)
    with serving({'link.h5': path.read_bytes(), 'page.h5': b'<html>', 'code.h5': b'\x80\x03cos\nsystem\n.'}) as server:
        for name in ('link.h5', 'page.h5', 'code.h5'):
            with pytest.raises(ModelFileError):
                load_from(server, published(server.files[name]), name)
    for name in ('link.h5', 'page.h5', 'code.h5'):
        with pytest.raises(ModelFileError):
            applications.MobileNet(**dict(SMALL, weights=str(tmp_path / 'settings' / 'models' / name)))


@by_the_reference
def test_the_published_files():
    """Names and hashes as a running Keras 2.3.1 has them."""
    assert vgg16.FILES[True] == (
        'https://github.com/fchollet/deep-learning-models/releases/download/v0.1/vgg16_weights_tf_dim_ordering_tf_kernels.h5',
        '64373286793e3c8b2b4e3219cbf3544b',
    )
    assert resnet50.FILES[False][1] == 'a268eb855778b3df3c7506639542a6af'
    assert inception_v3.FILES[False][0].endswith('v0.5/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5')
    assert nasnet.FILES['large'][True][1:] == ('11577c9a518f0070763c2b964a382f17', 'nasnet_large.h5')
    for files in list(resnet.FILES.values()) + list(resnet_v2.FILES.values()) + list(densenet.FILES.values()):
        assert files[True][0].startswith('https://github.com/keras-team/keras-applications/releases/download/')
        assert all(len(file_hash) == 32 for _, file_hash in files.values())
    asked = []
    for function, arguments in ((applications.MobileNet, {'alpha': 0.5}), (applications.MobileNetV2, {'alpha': 1})):
        module = mobilenet if function is applications.MobileNet else mobilenet_v2
        frame = module.Frame

        class Noted(frame):
            def model(self, x, name, published):
                asked.append(published(self.include_top)[0].rpartition('/')[2])

        module.Frame = Noted
        try:
            function(weights='imagenet', include_top=False, input_shape=(128, 128, 3), **arguments)
        finally:
            module.Frame = frame
    assert asked == [
        'mobilenet_5_0_128_tf_no_top.h5',
        'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_128_no_top.h5',
    ]


def test_help():
    assert applications.VGG16.__doc__ and 'include_top' in applications.__doc__
    for module in (densenet, mobilenet, nasnet, resnet):
        assert module.preprocess_input.__name__ == 'preprocess_input' and 'mode=' in module.preprocess_input.__doc__
        assert module.decode_predictions is imagenet_utils.decode_predictions
