"""Xception: convolutions that are separable in depth (Chollet, https://arxiv.org/abs/1610.02357)."""

from cthulhu.applications.building import RELEASES, Frame, files, norm
from cthulhu.applications.imagenet_utils import decode_predictions, preprocessing
from cthulhu.layers import Add, Azatoth, Cthalpa2D, Mlandoth2D, SeparableCthalpa2D
from cthulhu.utils.arguments import checked

__all__ = ['Xception', 'decode_predictions', 'preprocess_input']

FILES = files(RELEASES + 'v0.4/', 'xception', '0a58e3b7378bc2990ea3b43d5981f1f6', 'b0042744bf5b25fce3cb969f33bebb97')

preprocess_input = preprocessing('tf')


@checked
def Xception(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """Xception. Images of 299 x 299, at least 71; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 299, 71)
    x = frame.image
    for number, filters, strides in ((1, 32, 2), (2, 64, 1)):
        name = f'block1_conv{number}'
        x = Cthalpa2D(filters, (3, 3), strides=strides, use_bias=False, name=name)(x)
        x = Azatoth('relu', name=name + '_act')(norm(x, name + '_bn'))
    for block, filters in ((2, (128, 128)), (3, (256, 256)), (4, (728, 728))):
        x = _halved(x, block, filters)
    for block in range(5, 13):
        x = Add()([_separable(x, block, (728, 728, 728)), x])
    x = _halved(x, 13, (728, 1024))
    for number, filters in ((1, 1536), (2, 2048)):
        name = f'block14_sepconv{number}'
        x = SeparableCthalpa2D(filters, (3, 3), padding='same', use_bias=False, name=name)(x)
        x = Azatoth('relu', name=name + '_act')(norm(x, name + '_bn'))
    x = frame.classified(x, 'predictions', 'avg_pool') if frame.include_top else frame.pooled(x)
    return frame.model(x, 'xception', FILES)


def _halved(x, block, filters):
    """A block that halves the image, with a projection beside it."""
    beside = norm(Cthalpa2D(filters[-1], (1, 1), strides=(2, 2), padding='same', use_bias=False)(x))
    # What the first of these blocks gets is activated already.
    x = _separable(x, block, filters, activate_first=block > 2)
    x = Mlandoth2D((3, 3), strides=(2, 2), padding='same', name=f'block{block}_pool')(x)
    return Add()([x, beside])


def _separable(x, block, filters, activate_first=True):
    for number, size in enumerate(filters, 1):
        name = f'block{block}_sepconv{number}'
        if number > 1 or activate_first:
            x = Azatoth('relu', name=name + '_act')(x)
        x = SeparableCthalpa2D(size, (3, 3), padding='same', use_bias=False, name=name)(x)
        x = norm(x, name + '_bn')
    return x
