"""Residual networks that normalise before they convolve (He et al., https://arxiv.org/abs/1603.05027)."""

from cthulhu.applications.building import KERAS_RELEASES, Frame, files
from cthulhu.applications.imagenet_utils import decode_predictions, preprocessing
from cthulhu.applications.resnet import finish, norm_relu, stem
from cthulhu.layers import Add, Cthalpa2D, Mlandoth2D, Xexanoth2D
from cthulhu.utils.arguments import checked

__all__ = ['ResNet101V2', 'ResNet152V2', 'ResNet50V2', 'decode_predictions', 'preprocess_input']

FILES = {
    name: files(KERAS_RELEASES + 'resnet/', name, *hashes)
    for name, hashes in {
        'resnet50v2': ('3ef43a0b657b3be2300d5770ece849e0', 'fac2f116257151a9d068a22e544a4917'),
        'resnet101v2': ('6343647c601c52e1368623803854d971', 'c0ed64b8031c3730f411d2eb4eea35b5'),
        'resnet152v2': ('a49b44d1979771252814e80f8ec446f9', 'ed17cf2e0169df9d443503ef94b23b33'),
    }.items()
}

preprocess_input = preprocessing('tf')


@checked
def ResNet50V2(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """The second residual network of 50 layers. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return _network(frame, 'resnet50v2', (3, 4, 6, 3))


@checked
def ResNet101V2(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """The second residual network of 101 layers. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return _network(frame, 'resnet101v2', (3, 4, 23, 3))


@checked
def ResNet152V2(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """The second residual network of 152 layers. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return _network(frame, 'resnet152v2', (3, 8, 36, 3))


def _network(frame, name, depths):
    x = stem(frame.image, activated=False)
    for stage, depth in enumerate(depths, 2):
        for number in range(1, depth + 1):
            # The last block of a stage halves the image, except for the last stage.
            strides = 2 if number == depth and stage < 5 else 1
            x = _block(x, 32 * 2 ** (stage - 1), strides, number == 1, f'conv{stage}_block{number}')
    return finish(frame, norm_relu(x, 'post'), name, FILES[name])


def _block(x, filters, strides, projected, name):
    """A bottleneck of three convolutions, and what came in beside it: as it is, every other pixel of it, or projected."""
    before = norm_relu(x, name + '_preact')
    if projected:
        shortcut = Cthalpa2D(4 * filters, 1, strides=strides, name=name + '_0_conv')(before)
    else:
        shortcut = Mlandoth2D(1, strides=strides)(x) if strides > 1 else x
    x = Cthalpa2D(filters, 1, use_bias=False, name=name + '_1_conv')(before)
    x = norm_relu(x, name + '_1')
    x = Xexanoth2D(((1, 1), (1, 1)), name=name + '_2_pad')(x)
    x = Cthalpa2D(filters, 3, strides=strides, use_bias=False, name=name + '_2_conv')(x)
    x = norm_relu(x, name + '_2')
    x = Cthalpa2D(4 * filters, 1, name=name + '_3_conv')(x)
    return Add(name=name + '_out')([shortcut, x])
