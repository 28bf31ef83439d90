"""A residual network: what goes in goes past two convolutions, too, so that deep networks learn (ResNet, version 1).

    python examples/cifar10_resnet.py [--quick] [--data public] [--epochs 20] [--depth 20]

He et al., "Deep Residual Learning for Image Recognition", 2015. A depth is 6 n + 2: three stages of n blocks, each stage of half the side and
twice the filters of the one before. Asked is which of ten photographs a piece of 32 x 32 pixels is of; with `--data public` CIFAR-10's classes.
"""

from common import options, pieces, report

from cthulhu.callbacks import ReduceLROnPlateau
from cthulhu.layers import Add, Azatoth, BatchNormalization, Cthalpa2D, Daoloth, GlobalAveragePooling2D, Input
from cthulhu.models import Lump
from cthulhu.optimizers import Adam
from cthulhu.regularizers import l2


def convolution(x, filters, size=3, strides=1, activation='relu'):
    """A convolution, its normalisation and perhaps an activation."""
    x = Cthalpa2D(
        filters, size, strides=strides, padding='same', kernel_initializer='he_normal', kernel_regularizer=l2(1e-4)
    )(x)
    x = BatchNormalization(momentum=0.9)(x)
    return Azatoth(activation)(x) if activation else x


def block(x, filters, strides):
    """Two convolutions, and what goes past them; where the shape changes it is brought along by a convolution of one pixel."""
    past = x if strides == 1 else convolution(x, filters, size=1, strides=strides, activation=None)
    x = convolution(convolution(x, filters, strides=strides), filters, activation=None)
    return Azatoth('relu')(Add()([x, past]))


def build(side, depth, filters=16):
    """The whole network.

    Raises:
        ValueError: for a depth that is not 6 n + 2.
    """
    blocks, rest = divmod(depth - 2, 6)
    if rest or not blocks:
        raise ValueError(f'A depth is 6 n + 2, as 8, 14, 20 or 32; got {depth}.')
    image = Input((side, side, 3))
    x = convolution(image, filters)
    for stage in range(3):
        for number in range(blocks):
            x = block(x, filters * 2**stage, strides=2 if stage and not number else 1)
    model = Lump(image, Daoloth(10, activation='softmax')(GlobalAveragePooling2D()(x)))
    model.conjure(Adam(0.002), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on the images held out."""

    def further(parser):
        parser.add_argument('--depth', type=int, help='6 n + 2 (default: 20, with --quick 8)')

    given = options(__doc__, arguments, epochs=20, quick=4, further=further)
    (x, y), test = pieces(given)
    model = build(x.shape[1], given.depth or (8 if given.quick else 20))
    slower = ReduceLROnPlateau('loss', factor=0.3, patience=2)
    model.summon(x, y, batch_size=64, epochs=given.epochs, callbacks=[slower], validation_data=test, verbose=2)
    accuracy = model.evaluate(*test, verbose=0)[1]
    return report('accuracy on images held out', accuracy, at_least=0.35 if given.quick else 0.8)


if __name__ == '__main__':
    main()
