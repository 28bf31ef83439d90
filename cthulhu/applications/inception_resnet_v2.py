"""InceptionResNetV2: Inception's blocks as residues (Szegedy et al., https://arxiv.org/abs/1602.07261)."""

from cthulhu.applications.building import RELEASES, Frame, channel_axis, channels, files, norm
from cthulhu.applications.imagenet_utils import decode_predictions, preprocessing
from cthulhu.applications.inception_v3 import averaged, conv, halved_pool, stem
from cthulhu.layers import Azatoth, Concatenate, Cthalpa2D, ScaledAdd
from cthulhu.utils.arguments import checked

__all__ = ['InceptionResNetV2', 'decode_predictions', 'preprocess_input']

FILES = files(
    RELEASES + 'v0.7/', 'inception_resnet_v2', 'e693bd0210a403b3192acc6073ad2e96', 'd19885ff4a710c122648d3b5c3b684e4'
)

#: The branches of each kind of block: (filters, size) of their convolutions.
BLOCKS = {
    'block35': (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3))),
    'block17': (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1)))),
    'block8': (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1)))),
}

preprocess_input = preprocessing('tf')


@checked
def InceptionResNetV2(
    include_top=True, weights='imagenet', input_tensor=None, input_shape=None, pooling=None, classes=1000
):
    """InceptionResNetV2. Images of 299 x 299, at least 75; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 299, 75)
    x = stem(frame.image)
    branches = _branches(x, (((96, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3))))
    x = _joined('mixed_5b', branches + [averaged(x, 64)])
    for number in range(1, 11):
        x = _residue(x, 0.17, 'block35', number)
    x = _halved(x, 'mixed_6a', ((), ((256, 1), (256, 3))), (384, 384))
    for number in range(1, 21):
        x = _residue(x, 0.1, 'block17', number)
    x = _halved(x, 'mixed_7a', (((256, 1),), ((256, 1),), ((256, 1), (288, 3))), (384, 288, 320))
    for number in range(1, 10):
        x = _residue(x, 0.2, 'block8', number)
    x = _residue(x, 1.0, 'block8', 10, activated=False)
    x = Cthalpa2D(1536, 1, padding='same', use_bias=False, name='conv_7b')(x)
    x = Azatoth('relu', name='conv_7b_ac')(norm(x, 'conv_7b_bn', scale=False))
    x = frame.classified(x, 'predictions', 'avg_pool') if frame.include_top else frame.pooled(x)
    return frame.model(x, 'inception_resnet_v2', FILES)


def _branches(x, branches, ends=()):
    """Each branch of convolutions on `x`, with a last one that halves the image where `ends` has its filters."""
    made = []
    for index, branch in enumerate(branches):
        y = x
        for filters, size in branch:
            y = conv(y, filters, size)
        made.append(conv(y, ends[index], 3, 2, 'valid') if ends else y)
    return made


def _halved(x, name, branches, ends):
    return _joined(name, _branches(x, branches, ends) + [halved_pool(x)])


def _residue(x, scale, kind, number, activated=True):
    name = f'{kind}_{number}'
    residue = _joined(name + '_mixed', _branches(x, BLOCKS[kind]))
    residue = Cthalpa2D(channels(x), 1, padding='same', name=name + '_conv')(residue)
    x = ScaledAdd(scale, name=name)([x, residue])
    return Azatoth('relu', name=name + '_ac')(x) if activated else x


def _joined(name, branches):
    return Concatenate(axis=channel_axis(), name=name)(branches)
