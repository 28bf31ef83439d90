"""Recognise handwritten digits: scikit-learn's 1,797 real images of 8 x 8 pixels, and a network of two hidden layers.

    python examples/digits_mlp.py [--epochs 30] [--plot digits_mlp.png]

Trains in well under a minute on a laptop, prints the accuracy on images that it has not seen and a few of its answers, and saves the
curves of its training as a picture.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits

import cthulhu
from cthulhu.layers import Daoloth, Darkness
from cthulhu.models import Pile


def load():
    """The images as vectors of 64 numbers between 0 and 1, and their labels: 1,437 to train on, 360 held out."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16.0).astype('float32')
    order = np.random.RandomState(0).permutation(len(images))
    images, labels = images[order], labels[order]
    return (images[:1437], labels[:1437]), (images[1437:], labels[1437:])


def build():
    """Two hidden layers with dropout, and a probability for each digit."""
    model = Pile(
        [
            Daoloth(128, activation='relu', input_shape=(64,)),
            Darkness(0.25),
            Daoloth(128, activation='relu'),
            Darkness(0.25),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure('adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def show(images, labels, probabilities):
    """Print some images in the terminal, with the answer and how sure the network is of it."""
    shades = ' .:-=+*#%@'
    rows = [[''.join(shades[int(p * 9)] * 2 for p in row) for row in image.reshape(8, 8)] for image in images]
    for lines in zip(*rows):
        print('  '.join(lines))
    answers = probabilities.argmax(-1)
    print(
        '  '.join(
            '%d, %3.0f %% (is %d)'.ljust(16) % (a, 100 * p[a], t) for a, p, t in zip(answers, probabilities, labels)
        )
    )


def plot(history, path):
    """Save the curves of loss and accuracy, on the training and the held-out images."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4))
    for axis, name in zip(axes, ('loss', 'accuracy')):
        axis.plot(range(1, len(history[name]) + 1), history[name], label='training')
        axis.plot(range(1, len(history[name]) + 1), history['val_' + name], label='held out')
        axis.set_xlabel('epoch')
        axis.set_title(name)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    print(f'The curves of the training are in {path}.')


def main(arguments=None):
    """Train, evaluate, show. Returns the accuracy on the held-out images."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--epochs', type=int, default=30)
    parser.add_argument('--plot', default='digits_mlp.png', help='where to save the curves')
    options = parser.parse_args(arguments)
    np.random.seed(0)
    (x_train, y_train), (x_test, y_test) = load()
    model = build()
    model.summary()
    history = model.summon(x_train, y_train, batch_size=32, epochs=options.epochs, validation_data=(x_test, y_test))
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(
        f'\nOn {len(x_test)} images that it has not seen: loss {loss:.4f}, accuracy {100 * accuracy:.1f} % ({cthulhu.backend.backend()} backend)'
    )
    show(x_test[:4], y_test[:4], model.predict(x_test[:4]))
    plot(history.history, options.plot)
    return accuracy


if __name__ == '__main__':
    main()
