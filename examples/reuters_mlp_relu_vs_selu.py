"""Six dense layers without normalisation between them: with SELU they learn at once, with ReLU later.

    python examples/reuters_mlp_relu_vs_selu.py [--quick] [--data public] [--epochs 10]

What texts are about, from the words in them. SELU keeps the mean and the spread of what goes through a network as they are, with weights of
`lecun_normal` and `AlphaDropout` (Klambauer et al., "Self-Normalizing Neural Networks", 2017).
"""

from common import docstrings, options, report

from cthulhu.layers import AlphaDarkness, Daoloth, Darkness
from cthulhu.models import Pile
from cthulhu.preprocessing.text import Tokenizer

WORDS = 1000


def build(topics, activation, initializer, dropout, layers=6, units=64):
    """Dense layers with a little dropout after each."""
    model = Pile([Daoloth(units, activation=activation, kernel_initializer=initializer, input_shape=(WORDS,))])
    for _ in range(layers - 1):
        model.add(dropout(0.05))
        model.add(Daoloth(units, activation=activation, kernel_initializer=initializer))
    model.add(Daoloth(topics, activation='softmax'))
    model.conjure('sgd', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Train both. Returns how much less the loss of the one with SELU is over the first epochs, as a share of the other's."""
    given = options(__doc__, arguments, epochs=10, quick=4)
    (x, y), (x_test, y_test), _ = docstrings(given, WORDS)
    words = Tokenizer(num_words=WORDS)
    x, x_test = [words.sequences_to_matrix(texts, mode='binary') for texts in (x, x_test)]
    losses = {}
    for name, settings in (
        ('relu', ('relu', 'glorot_uniform', Darkness)),
        ('selu', ('selu', 'lecun_normal', AlphaDarkness)),
    ):
        model = build(max(y) + 1, *settings)
        history = model.summon(
            x, y, batch_size=16, epochs=given.epochs, validation_data=(x_test, y_test), verbose=0
        ).history
        losses[name] = history['val_loss']
        print(name, *(f'{value:.3f}' for value in history['val_loss']), f'accuracy {history["val_accuracy"][-1]:.3f}')
    return report(
        'loss with SELU over that with ReLU, after epoch 3', losses['selu'][2] / losses['relu'][2], at_most=0.9
    )


if __name__ == '__main__':
    main()
