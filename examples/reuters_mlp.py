"""What is a text about? Which words are in it says it, to a network of one hidden layer.

    python examples/reuters_mlp.py [--quick] [--data public] [--epochs 10]

The texts are 2,400 docstrings of packages, the topics twelve parts of these, from asyncio to sklearn.metrics: of those held out more than nine in
ten are told rightly. With `--data public` they are Reuters' newswires on 46 topics.
"""

from common import docstrings, options, report

from cthulhu.layers import Daoloth, Darkness
from cthulhu.models import Pile
from cthulhu.preprocessing.text import Tokenizer

WORDS = 1000


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on texts held out."""
    given = options(__doc__, arguments, epochs=10, quick=4)
    (x, y), (x_test, y_test), _ = docstrings(given, WORDS)
    words = Tokenizer(num_words=WORDS)
    x, x_test = [words.sequences_to_matrix(texts, mode='binary') for texts in (x, x_test)]
    model = Pile(
        [
            Daoloth(512, activation='relu', input_shape=(WORDS,)),
            Darkness(0.5),
            Daoloth(max(y) + 1, activation='softmax'),
        ]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    model.summon(x, y, batch_size=32, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    return report('accuracy on texts held out', accuracy, at_least=0.7)


if __name__ == '__main__':
    main()
