"""MobileNetV2: narrow blocks that widen inside (Sandler et al., https://arxiv.org/abs/1801.04381)."""

from cthulhu.applications.building import Frame, channels, norm, padding_for
from cthulhu.applications.imagenet_utils import decode_predictions, preprocessing
from cthulhu.applications.mobilenet import check_width, published_size, square
from cthulhu.layers import Add, Cthalpa2D, DepthwiseCthalpa2D, ReLU, Xexanoth2D
from cthulhu.utils.arguments import checked

__all__ = ['MobileNetV2', 'decode_predictions', 'preprocess_input']

FOLDER = 'https://github.com/JonathanCMitchell/mobilenet_v2_keras/releases/download/v1.1/'
SIZES = (96, 128, 160, 192, 224)
WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)

#: Channels, blocks, strides of the first of them, and how much wider they are inside.
STAGES = ((16, 1, 1, 1), (24, 2, 2, 6), (32, 3, 2, 6), (64, 4, 2, 6), (96, 3, 1, 6), (160, 3, 2, 6), (320, 1, 1, 6))

preprocess_input = preprocessing('tf')


@checked
def MobileNetV2(
    input_shape=None, alpha=1.0, include_top=True, weights='imagenet', input_tensor=None, pooling=None, classes=1000
):
    """MobileNetV2. Images of 224 x 224, at least 32; with the top of ImageNet also of 96, 128, 160 and 192.

    Arguments:
        input_shape, include_top, weights, input_tensor, pooling, classes: those of all networks (`cthulhu.applications`).
        alpha: width: each layer has so many times the channels of the paper. There are weights for 0.35, 0.5, 0.75, 1, 1.3 and 1.4.
    """
    frame = Frame(
        include_top, weights, input_tensor, input_shape, pooling, classes, square(input_shape, SIZES) or 224, 32
    )
    check_width(alpha)
    rows = published_size(frame.size, alpha, WIDTHS, SIZES) if frame.imagenet else frame.size[0]
    x = Xexanoth2D(padding_for(frame.image, 3), name='Conv1_pad')(frame.image)
    x = Cthalpa2D(_width(32 * alpha), 3, strides=(2, 2), use_bias=False, name='Conv1')(x)
    x = _norm_relu(x, 'bn_Conv1', 'Conv1_relu')
    number = 0
    for filters, depth, first, expansion in STAGES:
        for strides in (first,) + (1,) * (depth - 1):
            x = _block(x, _width(filters * alpha), strides, expansion, number)
            number += 1
    x = Cthalpa2D(_width(1280 * max(alpha, 1.0)), 1, use_bias=False, name='Conv_1')(x)
    x = _norm_relu(x, 'Conv_1_bn', 'out_relu')
    x = frame.classified(x, 'Logits') if frame.include_top else frame.pooled(x)

    def published(include_top):
        end = '' if include_top else '_no_top'
        name = f'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows}{end}.h5'
        return FOLDER + name, None  # no hash was ever published

    return frame.model(x, f'mobilenetv2_{alpha:.2f}_{rows}', published)


def _block(x, filters, strides, expansion, number):
    before, width = x, channels(x)
    name = f'block_{number}_' if number else 'expanded_conv_'
    if number:
        x = Cthalpa2D(expansion * width, 1, padding='same', use_bias=False, name=name + 'expand')(x)
        x = _norm_relu(x, name + 'expand_BN', name + 'expand_relu')
    if strides == 2:
        x = Xexanoth2D(padding_for(x, 3), name=name + 'pad')(x)
    x = DepthwiseCthalpa2D(
        3, strides=strides, padding='valid' if strides == 2 else 'same', use_bias=False, name=name + 'depthwise'
    )(x)
    x = _norm_relu(x, name + 'depthwise_BN', name + 'depthwise_relu')
    x = Cthalpa2D(filters, 1, padding='same', use_bias=False, name=name + 'project')(x)
    x = norm(x, name + 'project_BN', momentum=0.999)
    return Add(name=name + 'add')([before, x]) if width == filters and strides == 1 else x


def _norm_relu(x, norm_name, relu_name):
    return ReLU(6.0, name=relu_name)(norm(x, norm_name, momentum=0.999))


def _width(channels):
    """The multiple of 8 next to a number of channels, and not less than nine tenths of it."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest
