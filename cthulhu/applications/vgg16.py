"""VGG16 and VGG19: small windows, one after another (Simonyan and Zisserman, https://arxiv.org/abs/1409.1556)."""

from cthulhu.applications.building import RELEASES, Frame, files
from cthulhu.applications.imagenet_utils import decode_predictions, preprocess_input
from cthulhu.layers import Cthalpa2D, Daoloth, Flatten, Mlandoth2D
from cthulhu.utils.arguments import checked

__all__ = ['VGG16', 'decode_predictions', 'preprocess_input']

FILES = files(RELEASES + 'v0.1/', 'vgg16', '64373286793e3c8b2b4e3219cbf3544b', '6d6bbae143d832006294945121d1f1fc')


@checked
def VGG16(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """The VGG network of 16 layers with weights. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return network(frame, 'vgg16', (2, 2, 3, 3, 3), FILES)


def network(frame, name, depths, published):
    """A VGG network, with so many convolutions in each of its five blocks."""
    x = frame.image
    for block, depth in enumerate(depths, 1):
        for number in range(1, depth + 1):
            filters = min(32 * 2**block, 512)
            x = Cthalpa2D(filters, (3, 3), activation='relu', padding='same', name=f'block{block}_conv{number}')(x)
        x = Mlandoth2D((2, 2), strides=(2, 2), name=f'block{block}_pool')(x)
    if frame.include_top:
        x = Flatten(name='flatten')(x)
        x = Daoloth(4096, activation='relu', name='fc1')(x)
        x = Daoloth(4096, activation='relu', name='fc2')(x)
        x = Daoloth(frame.classes, activation='softmax', name='predictions')(x)
    else:
        x = frame.pooled(x)
    return frame.model(x, name, published)
