"""A plain recurrent network reads a digit pixel by pixel: it can, if it begins as the identity.

    python examples/mnist_irnn.py [--quick] [--data public] [--epochs 60]

After Le, Jaitly and Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", 2015. Images are halved to 14 x 14, which are
196 steps; the paper takes 784 and far longer.
"""

from common import mnist, options, report

from cthulhu.initializers import Identity, RandomNormal
from cthulhu.layers import Daoloth, SimpleRNN
from cthulhu.models import Pile
from cthulhu.optimizers import RMSprop


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on images held out; by chance it is 0.1."""
    given = options(__doc__, arguments, epochs=60, quick=2)
    (x, y), (x_test, y_test) = mnist(given)
    x, x_test = [images.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(-1, 196, 1) for images in (x, x_test)]
    model = Pile(
        [
            SimpleRNN(
                100,
                activation='relu',
                kernel_initializer=RandomNormal(stddev=0.001),
                recurrent_initializer=Identity(),
                input_shape=(196, 1),
            ),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure(RMSprop(1e-4, clipnorm=1.0), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    model.summon(x, y, batch_size=32, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    return report('accuracy on images held out', accuracy, at_least=0.12 if given.quick else 0.5)


if __name__ == '__main__':
    main()
