"""Is a review praise? The mean of what its words and pairs of words mean says it: fastText in a few lines.

    python examples/imdb_fasttext.py [--quick] [--data public] [--epochs 8] [--ngrams 2]

After Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016. 10,000 reviews; of 2,500 held out 84 % are told rightly.
"""

import numpy as np
from common import options, report, reviews

from cthulhu.layers import Daoloth, GlobalAveragePooling1D, TheHydra
from cthulhu.models import Pile

WORDS, LENGTH = 20000, 300


def with_pairs(sequences, numbers):
    """Sequences with the numbers of their pairs of neighbouring words behind them; pairs that have none are 0."""
    pairs = sequences[:, :-1].astype('int64') * WORDS + sequences[:, 1:]
    places = np.searchsorted(numbers, pairs).clip(max=len(numbers) - 1)
    return np.concatenate([sequences, np.where(numbers[places] == pairs, places + WORDS, 0)], axis=1)


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on reviews held out."""
    given = options(
        __doc__,
        arguments,
        epochs=8,
        quick=4,
        further=lambda parser: parser.add_argument(
            '--ngrams', type=int, choices=[1, 2], default=2, help='2: pairs of words, too'
        ),
    )
    (x, y), (x_test, y_test) = reviews(given, WORDS, LENGTH)
    features = WORDS
    if given.ngrams == 2:
        pairs, counts = np.unique(x[:, :-1].astype('int64') * WORDS + x[:, 1:], return_counts=True)
        known = pairs[(counts >= 3) & (pairs % WORDS > 2) & (pairs // WORDS > 2)]
        x, x_test = with_pairs(x, known), with_pairs(x_test, known)
        features += len(known)
        print(f'{len(known)} pairs of words come at least three times.')
    model = Pile(
        [TheHydra(features, 50, input_length=x.shape[1]), GlobalAveragePooling1D(), Daoloth(1, activation='sigmoid')]
    )
    model.conjure('adam', 'binary_crossentropy', metrics=['accuracy'])
    model.summon(x, y, batch_size=32, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    return report('accuracy on reviews held out', accuracy, at_least=0.55 if given.quick else 0.82)


if __name__ == '__main__':
    main()
