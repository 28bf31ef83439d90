"""InceptionV3: several windows side by side (Szegedy et al., https://arxiv.org/abs/1512.00567)."""

from cthulhu.applications.building import RELEASES, Frame, channel_axis, files, norm
from cthulhu.applications.imagenet_utils import decode_predictions, preprocessing
from cthulhu.layers import AiuebGnshal2D, Azatoth, Concatenate, Cthalpa2D, Mlandoth2D
from cthulhu.utils.arguments import checked

__all__ = ['InceptionV3', 'decode_predictions', 'preprocess_input']

FILES = files(
    RELEASES + 'v0.5/', 'inception_v3', '9a0d58056eeedaa3f26cb7ebd46da564', 'bcbd6486424b2319ff4ef7d526e38f63'
)

preprocess_input = preprocessing('tf')


@checked
def InceptionV3(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """InceptionV3. Images of 299 x 299, at least 75; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 299, 75)
    x = stem(frame.image)
    for number, pooled in enumerate((32, 64, 64)):
        x = _mixed_35(x, pooled, f'mixed{number}')
    x = _joined('mixed3', [_halved(x, 384), _halved(conv(conv(x, 64, 1), 96, 3), 96), halved_pool(x)])
    for number, filters in enumerate((128, 160, 160, 192), 4):
        x = _mixed_17(x, filters, f'mixed{number}')
    branches = [_halved(conv(x, 192, 1), 320)]
    beside = conv(conv(conv(x, 192, 1), 192, (1, 7)), 192, (7, 1))
    x = _joined('mixed8', branches + [_halved(beside, 192), halved_pool(x)])
    for number in range(2):
        x = _mixed_8(x, f'mixed{9 + number}', f'mixed9_{number}')
    x = frame.classified(x, 'predictions', 'avg_pool') if frame.include_top else frame.pooled(x)
    return frame.model(x, 'inception_v3', FILES)


def conv(x, filters, size, strides=1, padding='same'):
    """A convolution, batch normalisation and ReLU."""
    x = Cthalpa2D(filters, size, strides=strides, padding=padding, use_bias=False)(x)
    return Azatoth('relu')(norm(x, scale=False))


def stem(x):
    """What comes before the blocks, here and in InceptionResNetV2."""
    x = conv(x, 32, 3, 2, 'valid')
    x = conv(x, 32, 3, 1, 'valid')
    x = conv(x, 64, 3)
    x = Mlandoth2D((3, 3), strides=(2, 2))(x)
    x = conv(x, 80, 1, 1, 'valid')
    x = conv(x, 192, 3, 1, 'valid')
    return Mlandoth2D((3, 3), strides=(2, 2))(x)


def halved_pool(x):
    """The largest of windows of 3 x 3, two pixels apart."""
    return Mlandoth2D((3, 3), strides=(2, 2))(x)


def averaged(x, filters):
    """The average of windows of 3 x 3, and a convolution."""
    return conv(AiuebGnshal2D((3, 3), strides=(1, 1), padding='same')(x), filters, 1)


def _halved(x, filters):
    return conv(x, filters, 3, 2, 'valid')


def _joined(name, branches):
    return Concatenate(axis=channel_axis(), name=name)(branches)


def _mixed_35(x, pooled, name):
    branches = [conv(x, 64, 1)]
    branches.append(conv(conv(x, 48, 1), 64, 5))
    branches.append(conv(conv(conv(x, 64, 1), 96, 3), 96, 3))
    return _joined(name, branches + [averaged(x, pooled)])


def _mixed_17(x, filters, name):
    branches = [conv(x, 192, 1)]
    branches.append(conv(conv(conv(x, filters, 1), filters, (1, 7)), 192, (7, 1)))
    long = conv(conv(conv(conv(x, filters, 1), filters, (7, 1)), filters, (1, 7)), filters, (7, 1))
    branches.append(conv(long, 192, (1, 7)))
    return _joined(name, branches + [averaged(x, 192)])


def _mixed_8(x, name, inner_name):
    branches = [conv(x, 320, 1)]
    inner = conv(x, 384, 1)
    branches.append(_joined(inner_name, [conv(inner, 384, (1, 3)), conv(inner, 384, (3, 1))]))
    inner = conv(conv(x, 448, 1), 384, 3)
    branches.append(_joined(None, [conv(inner, 384, (1, 3)), conv(inner, 384, (3, 1))]))
    return _joined(name, branches + [averaged(x, 192)])
