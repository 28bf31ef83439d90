"""Is a review praise? An LSTM reads it to the end, then says it.

    python examples/imdb_lstm.py [--quick] [--data public] [--epochs 3]

10,000 reviews, of which the last 80 words are read; of 2,500 held out 79 % are told rightly.
"""

from common import options, report, reviews

from cthulhu.layers import Daoloth, Laldagorth, TheHydra
from cthulhu.models import Pile

WORDS, LENGTH = 20000, 80


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on reviews held out."""
    given = options(__doc__, arguments, epochs=3, quick=2)
    (x, y), test = reviews(given, WORDS, LENGTH)
    model = Pile(
        [
            TheHydra(WORDS, 128),
            Laldagorth(128, dropout=0.2, recurrent_dropout=0.2),
            Daoloth(1, activation='sigmoid'),
        ]
    )
    model.conjure('adam', 'binary_crossentropy', metrics=['accuracy'])
    model.summon(x, y, batch_size=32, epochs=given.epochs, validation_data=test, verbose=2)
    accuracy = model.evaluate(*test, verbose=0)[1]
    return report('accuracy on reviews held out', accuracy, at_least=0.6 if given.quick else 0.76)


if __name__ == '__main__':
    main()
