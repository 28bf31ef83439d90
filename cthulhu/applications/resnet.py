"""Residual networks: blocks that add to what came in (He et al., https://arxiv.org/abs/1512.03385).

`ResNet50` here has the names and the file of its siblings; that of `cthulhu.applications`, from `resnet50`, those of the first Keras.
"""

from cthulhu.applications.building import KERAS_RELEASES, Frame, files, norm
from cthulhu.applications.imagenet_utils import decode_predictions, preprocessing
from cthulhu.layers import Add, Azatoth, Cthalpa2D, Mlandoth2D, Xexanoth2D
from cthulhu.utils.arguments import checked

__all__ = ['ResNet101', 'ResNet152', 'ResNet50', 'decode_predictions', 'preprocess_input']

EPSILON = 1.001e-5

FILES = {
    name: files(KERAS_RELEASES + 'resnet/', name, *hashes)
    for name, hashes in {
        'resnet50': ('2cb95161c43110f7111970584f804107', '4d473c1dd8becc155b73f8504c6f6626'),
        'resnet101': ('f1aeb4b969a6efcfb50fad2f0c20cfc5', '88cf7a10940856eca736dc7b7e228a21'),
        'resnet152': ('100835be76be38e30d865e96f2aaae62', 'ee4c566cf9a93f14d82f913c2dc6dd0c'),
    }.items()
}

preprocess_input = preprocessing('caffe')


@checked
def ResNet50(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """The residual network of 50 layers. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return _network(frame, 'resnet50', (3, 4, 6, 3))


@checked
def ResNet101(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """The residual network of 101 layers. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return _network(frame, 'resnet101', (3, 4, 23, 3))


@checked
def ResNet152(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """The residual network of 152 layers. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return _network(frame, 'resnet152', (3, 8, 36, 3))


def _network(frame, name, depths):
    x = stem(frame.image)
    for stage, depth in enumerate(depths, 2):
        for number in range(1, depth + 1):
            strides = 2 if number == 1 and stage > 2 else 1
            x = _block(x, 32 * 2 ** (stage - 1), strides, number == 1, f'conv{stage}_block{number}')
    return finish(frame, x, name, FILES[name])


def _block(x, filters, strides, projected, name):
    """A bottleneck of three convolutions, and what came in beside it: as it is, or projected to the new shape."""
    shortcut = x
    if projected:
        shortcut = Cthalpa2D(4 * filters, 1, strides=strides, name=name + '_0_conv')(x)
        shortcut = norm(shortcut, name + '_0_bn', epsilon=EPSILON)
    x = Cthalpa2D(filters, 1, strides=strides, name=name + '_1_conv')(x)
    x = norm_relu(x, name + '_1')
    x = Cthalpa2D(filters, 3, padding='same', name=name + '_2_conv')(x)
    x = norm_relu(x, name + '_2')
    x = Cthalpa2D(4 * filters, 1, name=name + '_3_conv')(x)
    x = norm(x, name + '_3_bn', epsilon=EPSILON)
    x = Add(name=name + '_add')([shortcut, x])
    return Azatoth('relu', name=name + '_out')(x)


def norm_relu(x, name):
    """Batch normalisation, then ReLU."""
    return Azatoth('relu', name=name + '_relu')(norm(x, name + '_bn', epsilon=EPSILON))


def stem(x, activated=True):
    """What comes before the blocks."""
    x = Xexanoth2D(((3, 3), (3, 3)), name='conv1_pad')(x)
    x = Cthalpa2D(64, 7, strides=2, name='conv1_conv')(x)
    if activated:
        x = norm_relu(x, 'conv1')
    x = Xexanoth2D(((1, 1), (1, 1)), name='pool1_pad')(x)
    return Mlandoth2D(3, strides=2, name='pool1_pool')(x)


def finish(frame, x, name, published):
    """What comes after the blocks."""
    x = frame.classified(x, 'probs', 'avg_pool') if frame.include_top else frame.pooled(x, 'avg_pool', 'max_pool')
    return frame.model(x, name, published)
