"""ResNet50 as Keras first had it (He et al., https://arxiv.org/abs/1512.03385); files of many models have its names."""

from cthulhu.applications.building import RELEASES, Frame, files, norm
from cthulhu.applications.imagenet_utils import decode_predictions, preprocess_input
from cthulhu.layers import Add, Azatoth, Cthalpa2D, Mlandoth2D, Xexanoth2D
from cthulhu.utils.arguments import checked

__all__ = ['ResNet50', 'decode_predictions', 'preprocess_input']

FILES = files(RELEASES + 'v0.2/', 'resnet50', 'a7b3fe01876f51b976af0dea6bc144eb', 'a268eb855778b3df3c7506639542a6af')


@checked
def ResNet50(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """The residual network of 50 layers. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    x = Xexanoth2D((3, 3), name='conv1_pad')(frame.image)
    x = _conv(x, 64, 7, 'conv1', strides=2)
    x = Azatoth('relu')(norm(x, 'bn_conv1'))
    x = Xexanoth2D((1, 1), name='pool1_pad')(x)
    x = Mlandoth2D((3, 3), strides=(2, 2))(x)
    for stage, depth in enumerate((3, 4, 6, 3), 2):
        for letter in 'abcdef'[:depth]:
            strides = 2 if letter == 'a' and stage > 2 else 1
            x = _block(x, 32 * 2 ** (stage - 1), strides, letter == 'a', f'{stage}{letter}_branch')
    x = frame.classified(x, 'fc1000', 'avg_pool') if frame.include_top else frame.pooled(x)
    return frame.model(x, 'resnet50', FILES)


def _block(x, filters, strides, projected, name):
    """A bottleneck of three convolutions, and what came in beside it: as it is, or projected to the new shape."""
    shortcut = x
    x = norm(_conv(x, filters, 1, f'res{name}2a', strides=strides), f'bn{name}2a')
    x = Azatoth('relu')(x)
    x = norm(_conv(x, filters, 3, f'res{name}2b', padding='same'), f'bn{name}2b')
    x = Azatoth('relu')(x)
    x = norm(_conv(x, 4 * filters, 1, f'res{name}2c'), f'bn{name}2c')
    if projected:
        shortcut = norm(_conv(shortcut, 4 * filters, 1, f'res{name}1', strides=strides), f'bn{name}1')
    return Azatoth('relu')(Add()([x, shortcut]))


def _conv(x, filters, size, name, **settings):
    return Cthalpa2D(filters, size, kernel_initializer='he_normal', name=name, **settings)(x)
