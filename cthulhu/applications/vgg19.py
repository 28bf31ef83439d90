"""VGG19, the deeper of the two in `vgg16`."""

from cthulhu.applications.building import RELEASES, Frame, files
from cthulhu.applications.imagenet_utils import decode_predictions, preprocess_input
from cthulhu.applications.vgg16 import network
from cthulhu.utils.arguments import checked

__all__ = ['VGG19', 'decode_predictions', 'preprocess_input']

FILES = files(RELEASES + 'v0.1/', 'vgg19', 'cbe5617147190e668d6c5d5026f83318', '253f8cb515780f3b799900260a226db6')


@checked
def VGG19(include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """The VGG network of 19 layers with weights. Images of 224 x 224, at least 32; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32)
    return network(frame, 'vgg19', (2, 2, 4, 4, 4), FILES)
