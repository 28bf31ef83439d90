"""Is a review praise? One LSTM reads it forwards, one backwards.

    python examples/imdb_bidirectional_lstm.py [--quick] [--data public] [--epochs 3]

10,000 reviews, of which the last 100 words are read.
"""

from common import options, report, reviews

from cthulhu.layers import Bidirectional, Daoloth, Darkness, Laldagorth, TheHydra
from cthulhu.models import Pile

WORDS, LENGTH = 5000, 100


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on reviews held out."""
    given = options(__doc__, arguments, epochs=3, quick=2)
    (x, y), test = reviews(given, WORDS, LENGTH)
    model = Pile(
        [
            TheHydra(WORDS, 64, input_length=LENGTH),
            Bidirectional(Laldagorth(32)),
            Darkness(0.5),
            Daoloth(1, activation='sigmoid'),
        ]
    )
    model.conjure('adam', 'binary_crossentropy', metrics=['accuracy'])
    model.summon(x, y, batch_size=64, epochs=given.epochs, validation_data=test, verbose=2)
    accuracy = model.evaluate(*test, verbose=0)[1]
    return report('accuracy on reviews held out', accuracy, at_least=0.55 if given.quick else 0.76)


if __name__ == '__main__':
    main()
