"""An autoencoder takes the noise out of images of digits.

    python examples/mnist_denoising_autoencoder.py [--quick] [--data public] [--epochs 20] [--picture denoised.png]

It sees 4,000 images with noise, and learns what they were without. Of 1,000 that it has not seen it takes away nine tenths of the noise, by the
mean square; `--picture` saves some of them.
"""

import numpy as np
from common import mnist, options, report

from cthulhu.layers import Cthalpa2D, Cthalpa2DTranspose, Daoloth, Flatten, Input, Reshape
from cthulhu.models import Lump


def build():
    """Down to 16 numbers, and up again."""
    image = x = Input((28, 28, 1))
    for filters in (32, 64):
        x = Cthalpa2D(filters, 3, strides=2, activation='relu', padding='same')(x)
    code = Daoloth(16, name='code')(Flatten()(x))
    x = Reshape((7, 7, 64))(Daoloth(7 * 7 * 64)(code))
    for filters in (64, 32):
        x = Cthalpa2DTranspose(filters, 3, strides=2, activation='relu', padding='same')(x)
    model = Lump(image, Cthalpa2DTranspose(1, 3, activation='sigmoid', padding='same')(x))
    model.conjure('adam', 'mse')
    return model


def noisy(images):
    """Images with noise of a normal distribution, cut at 0 and 1."""
    return np.clip(images + np.random.normal(0.5, 0.5, images.shape), 0, 1).astype('float32')


def save_picture(path, rows):
    """Ten images of each of `rows`, one below the other."""
    from cthulhu.preprocessing.image import array_to_img

    array_to_img(np.concatenate([np.concatenate(row[:10], axis=1) for row in rows])).save(path)
    print(f'As they were, with noise, and without it: {path}')


def main(arguments=None):
    """Train, clean. Returns the share of the noise that is left."""
    given = options(__doc__, arguments, epochs=20, quick=5, further=lambda parser: parser.add_argument('--picture'))
    (x, _), (x_test, _) = mnist(given)
    model = build()
    model.summon(noisy(x), x, batch_size=64, epochs=given.epochs, validation_data=(noisy(x_test), x_test), verbose=2)
    with_noise = noisy(x_test)
    cleaned = model.predict(with_noise)
    if given.picture:
        save_picture(given.picture, [x_test, with_noise, cleaned])
    left = np.mean((cleaned - x_test) ** 2) / np.mean((with_noise - x_test) ** 2)
    return report('noise that is left', left, at_most=0.3 if given.quick else 0.12)


if __name__ == '__main__':
    main()
