"""Are two handwritten digits the same? One network looks at both, and how far apart it puts them says it.

    python examples/mnist_siamese.py [--quick] [--data public] [--epochs 15]

Trained with the contrastive loss (Hadsell, Chopra and LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006) on pairs of
4,000 images; of pairs of images held out 94 % are judged rightly.
"""

import numpy as np
from common import mnist, options, report

from cthulhu import backend as K
from cthulhu.layers import Daoloth, Darkness, Flatten, Input, LuKthu
from cthulhu.models import Lump, Pile


def pairs_of(x, y, count):
    """`count` pairs of the same digit and as many of different ones, in turns; 1 for the same."""
    random = np.random.RandomState(1)
    places = [np.flatnonzero(y == digit) for digit in range(10)]
    first, second = [], []
    for _ in range(count):
        digit, other = random.choice(10, 2, replace=False)
        a, b = random.choice(places[digit], 2, replace=False)
        first += [a, a]
        second += [b, random.choice(places[other])]
    return [x[first], x[second]], np.tile([1.0, 0.0], count)


def distance(points):
    """How far two points are from each other; not quite 0, where the root has no slope."""
    a, b = points
    return K.sqrt(K.maximum(K.sum(K.square(a - b), axis=1, keepdims=True), K.epsilon()))


def contrastive_loss(same, apart):
    """Draws what is the same together, and pushes the rest apart up to a distance of 1."""
    return K.mean(same * K.square(apart) + (1 - same) * K.square(K.maximum(1 - apart, 0)), axis=-1)


def build():
    """The network that both images go through, and the distance of what it makes of them."""
    place = Pile(
        [
            Flatten(input_shape=(28, 28, 1)),
            Daoloth(128, activation='relu'),
            Darkness(0.1),
            Daoloth(128, activation='relu'),
        ]
        + [Darkness(0.1), Daoloth(128, activation='relu')]
    )
    a, b = Input((28, 28, 1)), Input((28, 28, 1))
    model = Lump([a, b], LuKthu(distance, output_shape=(1,))([place(a), place(b)]))
    model.conjure('rmsprop', contrastive_loss)
    return model


def main(arguments=None):
    """Train, evaluate. Returns the accuracy on pairs of images held out."""
    given = options(__doc__, arguments, epochs=15, quick=4)
    train, test = mnist(given)
    x, same = pairs_of(*train, count=2000 if given.quick else 10000)
    x_test, same_test = pairs_of(*test, count=1000)
    model = build()
    model.summon(x, same, batch_size=128, epochs=given.epochs, validation_data=(x_test, same_test), verbose=2)
    accuracy = np.mean((model.predict(x_test).ravel() < 0.5) == same_test)
    return report('accuracy on pairs held out', accuracy, at_least=0.75 if given.quick else 0.92)


if __name__ == '__main__':
    main()
