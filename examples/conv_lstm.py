"""What does a film show next? Convolutional LSTMs see squares move, and draw them where they will be.

    python examples/conv_lstm.py [--quick] [--epochs 12] [--picture film.png]

The films are made here: three to seven squares on straight ways, with noise. The loss is compared with that of saying that everything stays as
it is. `--picture` saves one film and what the model says of each next image.
"""

import numpy as np
from common import options, report

from cthulhu.layers import BatchNormalization, ConvLaldagorth2D, Cthalpa3D
from cthulhu.models import Pile


def films(count, frames=10, side=24, border=12, seed=1):
    """Films with noise, and the image after each without: (count, frames, side, side, 1) both."""
    random = np.random.RandomState(seed)
    x = np.zeros((count, frames + 1, side + 2 * border, side + 2 * border, 1), 'float32')
    for film in x:
        for _ in range(random.randint(3, 8)):
            place, speed = random.randint(border, border + side, 2), random.randint(-1, 2, 2)
            half = random.randint(1, 3)
            for time, image in enumerate(film):
                row, column = place + time * speed
                image[max(row - half, 0) : row + half, max(column - half, 0) : column + half] = 1
    x = x[:, :, border:-border, border:-border]
    noise = (random.rand(*x.shape) < 0.05) * random.choice([-0.1, 0.1], x.shape)
    return (x + noise).astype('float32')[:, :-1], x[:, 1:]


def build(layers, filters):
    """Any number of images of any size."""
    model = Pile()
    for number in range(layers):
        shape = {} if number else {'input_shape': (None, None, None, 1)}
        model.add(ConvLaldagorth2D(filters, 3, padding='same', return_sequences=True, **shape))
        model.add(BatchNormalization(momentum=0.9))
    model.add(Cthalpa3D(1, 3, activation='sigmoid', padding='same'))
    model.conjure('adam', 'binary_crossentropy')
    return model


def save_picture(path, *rows):
    """Films, each a row of its images."""
    from cthulhu.preprocessing.image import array_to_img

    array_to_img(np.concatenate([np.concatenate(film, axis=1) for film in rows])).save(path)
    print(f'A film, what comes next, and what the model says comes next: {path}')


def main(arguments=None):
    """Train, compare. Returns the error as a share of that of an image that stays."""
    given = options(
        __doc__,
        arguments,
        epochs=12,
        quick=10,
        public=False,
        further=lambda parser: parser.add_argument('--picture', help='where to save a film'),
    )
    size = dict(frames=6, side=16, border=6) if given.quick else {}
    x, y = films(60 if given.quick else 600, **size)
    x_test, y_test = films(20 if given.quick else 100, seed=2, **size)
    model = build(layers=1 if given.quick else 3, filters=16)
    model.summon(x, y, batch_size=5 if given.quick else 10, epochs=given.epochs, verbose=2)
    guess = model.predict(x_test)
    if given.picture:
        save_picture(given.picture, x_test[0], y_test[0], guess[0])
    # The first images say nothing of how fast the squares are.
    share = np.mean((guess - y_test)[:, 2:] ** 2) / np.mean((x_test - y_test)[:, 2:] ** 2)
    return report('error, as a share of that of an image that stays', share, at_most=0.95 if given.quick else 0.4)


if __name__ == '__main__':
    main()
