"""NASNet-A: cells that a search has found (Zoph et al., https://arxiv.org/abs/1707.07012)."""

from cthulhu.applications.building import Frame, channel_axis, channels, norm, padding_for, sides
from cthulhu.applications.imagenet_utils import decode_predictions, preprocessing
from cthulhu.layers import (
    Add,
    AiuebGnshal2D,
    Azatoth,
    Concatenate,
    Cropping2D,
    Cthalpa2D,
    Mlandoth2D,
    SeparableCthalpa2D,
    Xexanoth2D,
)
from cthulhu.utils.arguments import checked

__all__ = ['NASNetLarge', 'NASNetMobile', 'decode_predictions', 'preprocess_input']

_FOLDER = 'https://github.com/titu1994/Keras-NASNet/releases/download/v1.2/'
#: {include_top: (URL, MD5 hash, name in the cache)} of each network.
FILES = {
    'mobile': {
        True: (_FOLDER + 'NASNet-mobile.h5', '020fb642bf7360b370c678b08e0adf61', 'nasnet_mobile.h5'),
        False: (_FOLDER + 'NASNet-mobile-no-top.h5', '1ed92395b5b598bdda52abe5c0dbfd63', 'nasnet_mobile_no_top.h5'),
    },
    'large': {
        True: (_FOLDER + 'NASNet-large.h5', '11577c9a518f0070763c2b964a382f17', 'nasnet_large.h5'),
        False: (_FOLDER + 'NASNet-large-no-top.h5', 'd81d89dc07e6e56530c4e77faddd61b5', 'nasnet_large_no_top.h5'),
    },
}

preprocess_input = preprocessing('tf')


@checked
def NASNetMobile(input_shape=None, include_top=True, weights='imagenet', input_tensor=None, pooling=None, classes=1000):
    """The small NASNet. Images of 224 x 224, at least 32, of a known size; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 224, 32, fixed_size=True)
    return _network(frame, 1056, 4, 32, False, FILES['mobile'])


@checked
def NASNetLarge(input_shape=None, include_top=True, weights='imagenet', input_tensor=None, pooling=None, classes=1000):
    """The large NASNet. Images of 331 x 331, at least 32, of a known size; the arguments are those of all networks (`cthulhu.applications`)."""
    frame = Frame(include_top, weights, input_tensor, input_shape, pooling, classes, 331, 32, fixed_size=True)
    return _network(frame, 4032, 6, 96, True, FILES['large'])


def _network(frame, last, depth, stem_filters, skip, published):
    """A stem that halves the image three times, and three times `depth` normal cells with reductions between them.

    Arguments:
        last: channels at the end.
        skip: whether the cell after a reduction looks back at what came before it, and not at what went into it.
    """
    filters = last // 24
    x = _conv(frame.image, stem_filters, 3, 'stem_conv1', strides=(2, 2), padding='valid')
    x = _norm(x, 'stem_bn1')
    x, before = _reduction(x, None, filters // 4, 'stem_1'), x
    x, before = _reduction(x, before, filters // 2, 'stem_2'), x
    for number in range(3 * depth):
        if number and number % depth == 0:
            filters *= 2
            x, entered = _reduction(x, before, filters, f'reduce_{number}'), x
            before = before if skip else entered
        # The first reduction has a number too, from which the cells count on.
        x, before = _normal(x, before, filters, str(number + (number >= depth))), x
    x = Azatoth('relu')(x)
    x = frame.classified(x, 'predictions') if frame.include_top else frame.pooled(x)
    return frame.model(x, 'NASNet', published)


def _normal(x, before, filters, name):
    p = _fitted(before, x, filters, name)
    h = _squeezed(x, filters, 'normal', name)
    one = Add(name=f'normal_add_1_{name}')(
        [_separable(h, filters, 5, f'normal_left1_{name}'), _separable(p, filters, 3, f'normal_right1_{name}')]
    )
    two = Add(name=f'normal_add_2_{name}')(
        [_separable(p, filters, 5, f'normal_left2_{name}'), _separable(p, filters, 3, f'normal_right2_{name}')]
    )
    three = Add(name=f'normal_add_3_{name}')([_average(h, f'normal_left3_{name}'), p])
    four = Add(name=f'normal_add_4_{name}')([_average(p, f'normal_left4_{name}'), _average(p, f'normal_right4_{name}')])
    five = Add(name=f'normal_add_5_{name}')([_separable(h, filters, 3, f'normal_left5_{name}'), h])
    return _joined([p, one, two, three, four, five], f'normal_concat_{name}')


def _reduction(x, before, filters, name):
    p = _fitted(before, x, filters, name)
    h = _squeezed(x, filters, 'reduction', name)
    wide = Xexanoth2D(padding_for(h, 3), name=f'reduction_pad_1_{name}')(h)
    one = Add(name=f'reduction_add_1_{name}')(
        [
            _separable(h, filters, 5, f'reduction_left1_{name}', 2),
            _separable(p, filters, 7, f'reduction_right1_{name}', 2),
        ]
    )
    two = Mlandoth2D((3, 3), strides=(2, 2), name=f'reduction_left2_{name}')(wide)
    two = Add(name=f'reduction_add_2_{name}')([two, _separable(p, filters, 7, f'reduction_right2_{name}', 2)])
    three = AiuebGnshal2D((3, 3), strides=(2, 2), name=f'reduction_left3_{name}')(wide)
    three = Add(name=f'reduction_add3_{name}')([three, _separable(p, filters, 5, f'reduction_right3_{name}', 2)])
    four = Add()([two, _average(one, f'reduction_left4_{name}')])
    five = _separable(one, filters, 3, f'reduction_left4_{name}')
    largest = Mlandoth2D((3, 3), strides=(2, 2), name=f'reduction_right5_{name}')(wide)
    five = Add(name=f'reduction_add4_{name}')([five, largest])
    return _joined([two, three, four, five], f'reduction_concat_{name}')


def _fitted(before, x, filters, name):
    """What the cell before got, in the size of `x` and with so many channels."""
    if before is None:
        return x
    if sides(before) != sides(x):
        before = Azatoth('relu', name=f'adjust_relu_1_{name}')(before)
        # Two views, a pixel apart, of every other pixel.
        one = AiuebGnshal2D((1, 1), strides=(2, 2), name=f'adjust_avg_pool_1_{name}')(before)
        one = _conv(one, filters // 2, 1, f'adjust_conv_1_{name}')
        two = Cropping2D(((1, 0), (1, 0)))(Xexanoth2D(((0, 1), (0, 1)))(before))
        two = AiuebGnshal2D((1, 1), strides=(2, 2), name=f'adjust_avg_pool_2_{name}')(two)
        two = _conv(two, filters // 2, 1, f'adjust_conv_2_{name}')
        return _norm(_joined([one, two]), f'adjust_bn_{name}')
    if channels(before) != filters:
        before = _conv(Azatoth('relu')(before), filters, 1, f'adjust_conv_projection_{name}')
        return _norm(before, f'adjust_bn_{name}')
    return before


def _squeezed(x, filters, kind, name):
    x = _conv(Azatoth('relu')(x), filters, 1, f'{kind}_conv_1_{name}')
    return _norm(x, f'{kind}_bn_1_{name}')


def _separable(x, filters, size, name, strides=1):
    """Two separable convolutions, each after ReLU and before batch normalisation."""
    x = Azatoth('relu')(x)
    if strides == 2:
        x = Xexanoth2D(padding_for(x, size), name=f'separable_conv_1_pad_{name}')(x)
    for number in (1, 2):
        if number == 2:
            x, strides = Azatoth('relu')(x), 1
        x = SeparableCthalpa2D(
            filters,
            size,
            strides=strides,
            padding='valid' if strides == 2 else 'same',
            use_bias=False,
            name=f'separable_conv_{number}_{name}',
        )(x)
        x = _norm(x, f'separable_conv_{number}_bn_{name}')
    return x


def _average(x, name):
    return AiuebGnshal2D((3, 3), strides=(1, 1), padding='same', name=name)(x)


def _conv(x, filters, size, name, **settings):
    settings.setdefault('padding', 'same')
    return Cthalpa2D(filters, size, use_bias=False, kernel_initializer='he_normal', name=name, **settings)(x)


def _norm(x, name):
    return norm(x, name, momentum=0.9997)


def _joined(tensors, name=None):
    return Concatenate(axis=channel_axis(), name=name)(tensors)
