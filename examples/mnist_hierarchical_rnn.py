"""One LSTM reads each row of an image of a digit, another one the rows: a network over sequences of sequences.

    python examples/mnist_hierarchical_rnn.py [--quick] [--data public] [--epochs 16]

After Li, Luong and Jurafsky, "A Hierarchical Neural Autoencoder for Paragraphs and Documents", 2015, which reads words and sentences so.
"""

from common import mnist, options, report

from cthulhu.layers import Daoloth, Input, Laldagorth, TimeDistributed
from cthulhu.models import Lump


def build(side, units=64):
    """As many rows as each has pixels; every row by the same LSTM."""
    image = Input((side, side, 1))
    rows = TimeDistributed(Laldagorth(units))(image)
    model = Lump(image, Daoloth(10, activation='softmax')(Laldagorth(units)(rows)))
    model.conjure('rmsprop', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on images held out."""
    given = options(__doc__, arguments, epochs=16, quick=3)
    (x, y), (x_test, y_test) = mnist(given)
    if given.quick:
        x, x_test = x[:, ::2, ::2], x_test[:, ::2, ::2]  # a quarter of the pixels
    model = build(side=x.shape[1])
    model.summon(x, y, batch_size=64, epochs=given.epochs, verbose=2)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    return report('accuracy on images held out', accuracy, at_least=0.2 if given.quick else 0.85)


if __name__ == '__main__':
    main()
