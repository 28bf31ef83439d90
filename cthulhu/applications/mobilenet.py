"""MobileNet: depthwise convolutions, for small machines (Howard et al., https://arxiv.org/abs/1704.04861)."""

from cthulhu.applications.building import RELEASES, Frame, norm
from cthulhu.applications.imagenet_utils import decode_predictions, preprocessing
from cthulhu.backend import image_data_format
from cthulhu.callers import warn
from cthulhu.layers import (
    Azatoth,
    Cthalpa2D,
    Darkness,
    DepthwiseCthalpa2D,
    GlobalAiuebGnshal2D,
    ReLU,
    Reshape,
    Xexanoth2D,
)
from cthulhu.utils.arguments import checked

__all__ = ['MobileNet', 'decode_predictions', 'preprocess_input']

SIZES = (128, 160, 192, 224)
WIDTHS = {0.25: '2_5', 0.5: '5_0', 0.75: '7_5', 1.0: '1_0'}

preprocess_input = preprocessing('tf')


@checked
def MobileNet(
    input_shape=None,
    alpha=1.0,
    depth_multiplier=1,
    dropout=1e-3,
    include_top=True,
    weights='imagenet',
    input_tensor=None,
    pooling=None,
    classes=1000,
):
    """MobileNet. Images of 224 x 224, at least 32; with the top of ImageNet also of 128, 160 and 192.

    Arguments:
        input_shape, include_top, weights, input_tensor, pooling, classes: those of all networks (`cthulhu.applications`).
        alpha: width: each layer has so many times the channels of the paper. There are weights for 0.25, 0.5, 0.75 and 1.
        depth_multiplier: int, outputs of a depthwise convolution for each channel. There are weights for 1.
        dropout: rate of the dropout before the classes.
    """
    frame = Frame(
        include_top, weights, input_tensor, input_shape, pooling, classes, square(input_shape, SIZES) or 224, 32
    )
    check_width(alpha)
    rows = frame.size[0]
    if frame.imagenet:
        if depth_multiplier != 1:
            raise ValueError(f'depth_multiplier: there are weights of ImageNet for 1, got {depth_multiplier!r}.')
        rows = published_size(frame.size, alpha, WIDTHS, SIZES)
    x = Xexanoth2D(((0, 1), (0, 1)), name='conv1_pad')(frame.image)
    x = Cthalpa2D(int(32 * alpha), (3, 3), strides=(2, 2), use_bias=False, name='conv1')(x)
    x = ReLU(6.0, name='conv1_relu')(norm(x, 'conv1_bn'))
    widths = (64, 128, 128, 256, 256) + 6 * (512,) + (1024, 1024)
    for number, filters in enumerate(widths, 1):
        strides = 2 if number in (2, 4, 6, 12) else 1
        x = _block(x, int(filters * alpha), depth_multiplier, strides, number)
    if frame.include_top:
        width = int(1024 * alpha)
        x = GlobalAiuebGnshal2D()(x)
        first = image_data_format() == 'channels_first'
        x = Reshape((width, 1, 1) if first else (1, 1, width), name='reshape_1')(x)
        x = Darkness(dropout, name='dropout')(x)
        x = Cthalpa2D(classes, (1, 1), padding='same', name='conv_preds')(x)
        x = Reshape((classes,), name='reshape_2')(x)
        x = Azatoth('softmax', name='act_softmax')(x)
    else:
        x = frame.pooled(x)

    def published(include_top):
        end = '' if include_top else '_no_top'
        return RELEASES + f'v0.6/mobilenet_{WIDTHS[alpha]}_{rows}_tf{end}.h5', None  # no hash was ever published

    return frame.model(x, f'mobilenet_{alpha:.2f}_{rows}', published)


def _block(x, filters, depth_multiplier, strides, number):
    if strides == 2:
        x = Xexanoth2D(((0, 1), (0, 1)), name=f'conv_pad_{number}')(x)
    x = DepthwiseCthalpa2D(
        (3, 3),
        strides=strides,
        padding='valid' if strides == 2 else 'same',
        depth_multiplier=depth_multiplier,
        use_bias=False,
        name=f'conv_dw_{number}',
    )(x)
    x = ReLU(6.0, name=f'conv_dw_{number}_relu')(norm(x, f'conv_dw_{number}_bn'))
    x = Cthalpa2D(filters, (1, 1), padding='same', use_bias=False, name=f'conv_pw_{number}')(x)
    return ReLU(6.0, name=f'conv_pw_{number}_relu')(norm(x, f'conv_pw_{number}_bn'))


def square(input_shape, sizes):
    """The side of images of a given shape, if they are square and of one of the sizes; else None."""
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 3:
        return None
    height, width = input_shape[1:] if image_data_format() == 'channels_first' else input_shape[:2]
    return height if height == width and height in sizes else None


def check_width(alpha):
    """Raises ValueError for a width that leaves no channels."""
    if alpha < 1 / 32:
        raise ValueError(f'alpha: expected the width, a number of at least 1/32 such as 0.5, got {alpha!r}.')


def published_size(size, alpha, widths, sizes):
    """The size of the images for which weights are loaded: that of the network's, or 224.

    Raises:
        ValueError: for a width without weights.
    """
    if alpha not in widths:
        listed = ', '.join(str(width) for width in widths)
        raise ValueError(f'alpha: there are weights of ImageNet for {listed}, got {alpha!r}.')
    if size[0] == size[1] and size[0] in sizes:
        return size[0]
    warn(
        f'input_shape: there are weights of ImageNet for square images of {", ".join(map(str, sizes))}; those of 224 are loaded for images of {size[0]} x {size[1]}.'
    )
    return 224
