"""Is a review praise? A block of a transformer: each word looks at all others, and the mean of what they found says it.

    python examples/imdb_transformer.py [--quick] [--data public] [--epochs 3]

10,000 reviews; of 2,500 held out 83 % are told rightly.
"""

from common import options, report, reviews

from cthulhu import backend as K
from cthulhu.layers import (
    Add,
    Daoloth,
    Darkness,
    GlobalAveragePooling1D,
    Input,
    Layer,
    LayerNormalization,
    MultiHeadAttention,
    TheHydra,
)
from cthulhu.models import Lump

WORDS, LENGTH, WIDTH, HEADS = 5000, 200, 32, 2


class WordsAndPlaces(Layer):
    """Numbers for each word, and for the place where it stands."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words, self.places = TheHydra(WORDS, WIDTH), TheHydra(LENGTH, WIDTH)

    def call(self, inputs):
        return self.words(inputs) + self.places(K.arange(LENGTH))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], LENGTH, WIDTH)


def build():
    """Attention of two heads, then a hidden layer for each word, each beside a way around it."""
    inputs = Input((LENGTH,))
    x = WordsAndPlaces()(inputs)
    y = MultiHeadAttention(HEADS, WIDTH // HEADS, dropout=0.1)(x, x)
    x = LayerNormalization()(Add()([x, y]))
    y = Darkness(0.1)(Daoloth(WIDTH)(Daoloth(2 * WIDTH, activation='gelu')(x)))
    x = LayerNormalization()(Add()([x, y]))
    x = Darkness(0.1)(GlobalAveragePooling1D()(x))
    model = Lump(inputs, Daoloth(1, activation='sigmoid')(x))
    model.conjure('adam', 'binary_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on reviews held out."""
    given = options(__doc__, arguments, epochs=3, quick=3)
    (x, y), test = reviews(given, WORDS, LENGTH)
    model = build()
    model.summon(x, y, batch_size=32, epochs=given.epochs, validation_data=test, verbose=2)
    accuracy = model.evaluate(*test, verbose=0)[1]
    return report('accuracy on reviews held out', accuracy, at_least=0.6 if given.quick else 0.79)


if __name__ == '__main__':
    main()
