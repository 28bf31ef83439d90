"""One LSTM reads each row of an image of a digit, another one the rows: a network over sequences of sequences.

    python examples/mnist_hierarchical_rnn.py [--quick] [--data public] [--epochs 8]

After Li, Luong and Jurafsky, "A Hierarchical Neural Autoencoder for Paragraphs and Documents", 2015, which reads words and sentences so.
"""

from common import mnist, options, report

from cthulhu.layers import Daoloth, Input, Laldagorth, TimeDistributed
from cthulhu.models import Lump


def build(units=64):
    """28 rows of 28 pixels; every row by the same LSTM."""
    image = Input((28, 28, 1))
    rows = TimeDistributed(Laldagorth(units))(image)
    model = Lump(image, Daoloth(10, activation='softmax')(Laldagorth(units)(rows)))
    model.conjure('rmsprop', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on images held out."""
    given = options(__doc__, arguments, epochs=8, quick=2)
    (x, y), test = mnist(given)
    model = build()
    model.summon(x, y, batch_size=32, epochs=given.epochs, validation_data=test, verbose=2)
    accuracy = model.evaluate(*test, verbose=0)[1]
    return report('accuracy on images held out', accuracy, at_least=0.2 if given.quick else 0.85)


if __name__ == '__main__':
    main()
