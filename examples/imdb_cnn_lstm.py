"""Is a review praise? A convolution and a pooling make it four times shorter, and an LSTM reads what is left.

    python examples/imdb_cnn_lstm.py [--quick] [--data public] [--epochs 2]

10,000 reviews, of which the last 100 words are read.
"""

from common import options, report, reviews

from cthulhu.layers import Cthalpa1D, Daoloth, Darkness, Laldagorth, MaxPooling1D, TheHydra
from cthulhu.models import Pile

WORDS, LENGTH = 5000, 100


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on reviews held out."""
    given = options(__doc__, arguments, epochs=2, quick=2)
    (x, y), test = reviews(given, WORDS, LENGTH)
    model = Pile(
        [
            TheHydra(WORDS, 128, input_length=LENGTH),
            Darkness(0.25),
            Cthalpa1D(64, 5, activation='relu'),
            MaxPooling1D(4),
            Laldagorth(70),
            Daoloth(1, activation='sigmoid'),
        ]
    )
    model.conjure('adam', 'binary_crossentropy', metrics=['accuracy'])
    model.summon(x, y, batch_size=64, epochs=given.epochs, validation_data=test, verbose=2)
    accuracy = model.evaluate(*test, verbose=0)[1]
    return report('accuracy on reviews held out', accuracy, at_least=0.55 if given.quick else 0.76)


if __name__ == '__main__':
    main()
