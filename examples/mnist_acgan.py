"""Two networks against each other: one draws the digit that it is asked for, the other says which images are drawn, and which digit it sees.

    python examples/mnist_acgan.py [--quick] [--data public] [--epochs 30] [--picture drawn.png]

After Odena, Olah and Shlens, "Conditional Image Synthesis With Auxiliary Classifier GANs", 2016. At the end a third network, which has seen only
real digits, reads what was drawn. `--picture` saves ten of each digit.
"""

import numpy as np
from common import mnist, options, report

from cthulhu.initializers import RandomNormal
from cthulhu.layers import (
    BatchNormalization,
    Cthalpa2D,
    Cthalpa2DTranspose,
    Daoloth,
    Darkness,
    Flatten,
    Input,
    LeakyReLU,
    Multiply,
    Reshape,
    TheHydra,
)
from cthulhu.models import Lump, Pile
from cthulhu.optimizers import Adam

LATENT = 64
LOSSES = ['binary_crossentropy', 'sparse_categorical_crossentropy']


def build_drawer(filters):
    """Of numbers by chance and a digit: an image."""
    chance, digit = Input((LATENT,)), Input((1,), dtype='int32')
    x = Multiply()([chance, Flatten()(TheHydra(10, LATENT, embeddings_initializer=RandomNormal(stddev=1))(digit))])
    x = Reshape((7, 7, filters))(Daoloth(7 * 7 * filters, activation='relu')(x))
    x = BatchNormalization(momentum=0.9)(x)
    x = Cthalpa2DTranspose(filters, 5, strides=2, padding='same', activation='relu')(x)
    x = BatchNormalization(momentum=0.9)(x)
    return Lump([chance, digit], Cthalpa2DTranspose(1, 5, strides=2, padding='same', activation='sigmoid')(x))


def build_judge(filters):
    """Of an image: whether it is real, and the digit."""
    image = x = Input((28, 28, 1))
    for count in (filters, 2 * filters):
        x = Darkness(0.3)(LeakyReLU(0.2)(Cthalpa2D(count, 3, strides=2, padding='same')(x)))
    x = Flatten()(x)
    judge = Lump(image, [Daoloth(1, activation='sigmoid')(x), Daoloth(10, activation='softmax')(x)])
    judge.conjure(Adam(0.001, beta_1=0.5), LOSSES)
    return judge


def chances(count):
    """Numbers by chance, and digits to draw."""
    return np.random.uniform(-1, 1, (count, LATENT)).astype('float32'), np.random.randint(10, size=(count, 1))


def train(drawer, judge, both, x, y, batch_size=50):
    """One epoch. Returns the mean losses of the judge and of the drawer."""
    losses = []
    for places in np.array_split(np.random.permutation(len(x)), len(x) // batch_size):
        chance, digits = chances(len(places))
        images = np.concatenate([x[places], drawer.predict([chance, digits])])
        # Not quite 1, so that the judge is never too sure.
        real = np.concatenate([np.full((len(places), 1), 0.95), np.zeros((len(places), 1))])
        # Which digit it is it learns from real ones: what was drawn is no example.
        weights = [np.ones(2 * len(places)), np.repeat([2.0, 0.0], len(places))]
        judged = judge.train_on_batch(images, [real, np.concatenate([y[places], digits[:, 0]])], sample_weight=weights)
        chance, digits = chances(2 * len(places))
        drew = both.train_on_batch([chance, digits], [np.full((len(digits), 1), 0.95), digits])
        losses.append((judged[0], drew[0]))
    return np.mean(losses, axis=0)


def reader(x, y):
    """A network that reads digits, trained on real ones alone."""
    model = Pile(
        [Flatten(input_shape=(28, 28, 1)), Daoloth(256, activation='relu'), Darkness(0.3)]
        + [Daoloth(10, activation='softmax')]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    model.summon(x, y, epochs=5, batch_size=32, verbose=0)
    return model


def save_picture(path, drawer):
    """Ten of each digit."""
    from cthulhu.preprocessing.image import array_to_img

    images = drawer.predict([chances(100)[0], np.repeat(np.arange(10), 10)[:, None]]).reshape(10, 10, 28, 28)
    array_to_img(images.transpose(0, 2, 1, 3).reshape(280, 280, 1)).save(path)
    print(f'Ten of each digit: {path}')


def main(arguments=None):
    """Train, draw, read. Returns the share of drawn digits that are read as what was asked for."""
    given = options(
        __doc__,
        arguments,
        epochs=30,
        quick=8,
        further=lambda parser: parser.add_argument('--picture', help='where to save what is drawn'),
    )
    (x, y), _ = mnist(given)
    filters = 8 if given.quick else 32
    drawer, judge = build_drawer(filters), build_judge(filters)
    judge.trainable = False  # in what follows; the judge itself was conjured before
    inputs = [Input((LATENT,)), Input((1,), dtype='int32')]
    both = Lump(inputs, judge(drawer(inputs)))
    both.conjure(Adam(0.001, beta_1=0.5), LOSSES)
    for epoch in range(given.epochs):
        judged, drew = train(drawer, judge, both, x, y)
        print(f'Epoch {epoch + 1}/{given.epochs}: loss of the judge {judged:.3f}, of the drawer {drew:.3f}')
    if given.picture:
        save_picture(given.picture, drawer)
    chance, digits = chances(500)
    accuracy = reader(x, y).evaluate(drawer.predict([chance, digits]), digits, verbose=0)[1]
    return report('drawn digits that are read as asked', accuracy, at_least=0.2 if given.quick else 0.85)


if __name__ == '__main__':
    main()
