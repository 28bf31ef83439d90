"""Small colour images in ten classes, by four convolutions; images that are turned and shifted make it learn what does not depend on that.

    python examples/cifar10_cnn.py [--quick] [--data public] [--epochs 20] [--no-augmentation]

The images are 5,000 pieces of 32 x 32 pixels of ten photographs, and it is asked which photograph a piece is of; 1,000 are from parts that it has
not seen. With `--data public` it is CIFAR-10.
"""

from common import options, pieces, report

from cthulhu.layers import Cthalpa2D, Daoloth, Darkness, Flatten, MaxPooling2D
from cthulhu.models import Pile
from cthulhu.preprocessing.image import ImageDataGenerator


def build(side):
    """Twice two convolutions and a pooling, one hidden layer."""
    model = Pile(
        [
            Cthalpa2D(32, 3, padding='same', activation='relu', input_shape=(side, side, 3)),
            Cthalpa2D(32, 3, activation='relu'),
            MaxPooling2D(2),
            Darkness(0.25),
            Cthalpa2D(64, 3, padding='same', activation='relu'),
            Cthalpa2D(64, 3, activation='relu'),
            MaxPooling2D(2),
            Darkness(0.25),
            Flatten(),
            Daoloth(256, activation='relu'),
            Darkness(0.5),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on the images held out."""
    given = options(
        __doc__,
        arguments,
        epochs=20,
        quick=4,
        further=lambda parser: parser.add_argument('--no-augmentation', action='store_true', help='images as they are'),
    )
    (x, y), test = pieces(given)
    model = build(x.shape[1])
    changes = {} if given.no_augmentation else dict(rotation_range=10, width_shift_range=0.1, horizontal_flip=True)
    batches = ImageDataGenerator(**changes).flow(x, y, batch_size=64, seed=0)
    model.summon(batches, epochs=given.epochs, validation_data=test, verbose=2)
    accuracy = model.evaluate(*test, verbose=0)[1]
    return report('accuracy on images held out', accuracy, at_least=0.35 if given.quick else 0.8)


if __name__ == '__main__':
    main()
