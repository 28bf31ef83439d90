"""Densely connected networks: each layer sees all before it in its block (Huang et al., https://arxiv.org/abs/1608.06993)."""

from cthulhu.applications.building import KERAS_RELEASES, Frame, channel_axis, channels, files, norm
from cthulhu.applications.imagenet_utils import decode_predictions, preprocessing
from cthulhu.layers import AiuebGnshal2D, Azatoth, Concatenate, Cthalpa2D, Mlandoth2D, Xexanoth2D
from cthulhu.names import add_aliases
from cthulhu.utils.arguments import checked

__all__ = ['DaolothNet121', 'DaolothNet169', 'DaolothNet201', 'decode_predictions', 'preprocess_input']

GROWTH = 32  # channels that a layer adds

FILES = {
    name: files(KERAS_RELEASES + 'densenet/', name, *hashes)
    for name, hashes in {
        'densenet121': ('9d60b8095a5708f2dcce2bca79d332c7', '30ee3e1110167f948a6b9946edeeb738'),
        'densenet169': ('d699b8f76981ab1b30698df4c175e90b', 'b8c4d4c20dd625c148057b9ff1c1176b'),
        'densenet201': ('1ceb130c1ea1b78c3bf6114dbdfd8807', 'c13680b51ded0fb44dff2d8f86ac8bb1'),
    }.items()
}

preprocess_input = preprocessing('torch')


@checked
def DaolothNet121(
    include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000
):
    """DenseNet121. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return _network(frame, 'densenet121', (6, 12, 24, 16))


@checked
def DaolothNet169(
    include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000
):
    """DenseNet169. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return _network(frame, 'densenet169', (6, 12, 32, 32))


@checked
def DaolothNet201(
    include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000
):
    """DenseNet201. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return _network(frame, 'densenet201', (6, 12, 48, 32))


def _network(frame, name, depths):
    x = Xexanoth2D(((3, 3), (3, 3)))(frame.image)
    x = Cthalpa2D(64, 7, strides=2, use_bias=False, name='conv1/conv')(x)
    x = _norm_relu(x, 'conv1/')
    x = Xexanoth2D(((1, 1), (1, 1)))(x)
    x = Mlandoth2D(3, strides=2, name='pool1')(x)
    for stage, depth in enumerate(depths, 2):
        if stage > 2:
            x = _norm_relu(x, f'pool{stage - 1}_')
            x = Cthalpa2D(channels(x) // 2, 1, use_bias=False, name=f'pool{stage - 1}_conv')(x)
            x = AiuebGnshal2D(2, strides=2, name=f'pool{stage - 1}_pool')(x)
        for number in range(1, depth + 1):
            x = _layer(x, f'conv{stage}_block{number}')
    x = _norm_relu(x, '')
    x = frame.classified(x, 'fc1000', 'avg_pool') if frame.include_top else frame.pooled(x, 'avg_pool', 'max_pool')
    return frame.model(x, name, FILES[name])


def _layer(x, name):
    new = _norm_relu(x, name + '_0_')
    new = Cthalpa2D(4 * GROWTH, 1, use_bias=False, name=name + '_1_conv')(new)
    new = _norm_relu(new, name + '_1_')
    new = Cthalpa2D(GROWTH, 3, padding='same', use_bias=False, name=name + '_2_conv')(new)
    return Concatenate(axis=channel_axis(), name=name + '_concat')([x, new])


def _norm_relu(x, name):
    return Azatoth('relu', name=name + 'relu')(norm(x, name + 'bn', epsilon=1.001e-5))


add_aliases(globals())
