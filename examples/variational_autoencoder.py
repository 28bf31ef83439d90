"""A variational autoencoder draws digits that nobody has written.

    python examples/variational_autoencoder.py [--quick] [--data public] [--epochs 30] [--picture digits.png]

Each image becomes a place in the plane, with a spread; the loss is what an image lost on the way there and back, and how far the places are from
a normal distribution (Kingma and Welling, "Auto-Encoding Variational Bayes", 2013). `--picture` saves what the decoder makes of a grid of places.
"""

import numpy as np
from common import mnist, options, report

from cthulhu import backend as K
from cthulhu import losses
from cthulhu.layers import Daoloth, Input, LuKthu
from cthulhu.models import Lump

PIXELS = 28 * 28


def draw(parameters):
    """A place of chance, from a mean and the logarithm of a variance."""
    mean, log_variance = parameters
    return mean + K.exp(log_variance / 2) * K.random_normal(K.shape(mean))


def build(latent=2):
    """(the whole, the decoder)."""
    image = Input((PIXELS,))
    hidden = Daoloth(512, activation='relu')(image)
    mean, log_variance = Daoloth(latent, name='mean')(hidden), Daoloth(latent, name='log_variance')(hidden)
    place = LuKthu(draw, output_shape=(latent,), name='place')([mean, log_variance])

    given = Input((latent,))
    decoder = Lump(given, Daoloth(PIXELS, activation='sigmoid')(Daoloth(512, activation='relu')(given)), name='decoder')

    model = Lump(image, decoder(place))
    lost = PIXELS * losses.binary_crossentropy(image, model.output)
    apart = -0.5 * K.sum(1 + log_variance - K.square(mean) - K.exp(log_variance), axis=-1)
    model.add_loss(K.mean(lost + apart))
    model.conjure('adam')
    return model, decoder


def save_picture(path, decoder, side=15):
    """What the decoder makes of a grid of places, from -2 to 2."""
    from cthulhu.preprocessing.image import array_to_img

    values = np.linspace(-2, 2, side)
    places = np.array([(x, y) for y in values for x in values])
    rows = decoder.predict(places).reshape(side, side, 28, 28).transpose(0, 2, 1, 3)
    array_to_img(rows.reshape(side * 28, side * 28, 1)).save(path)
    print(f'A grid of digits: {path}')


def main(arguments=None):
    """Train. Returns the loss on images held out, in nats an image."""
    given = options(__doc__, arguments, epochs=30, quick=4, further=lambda parser: parser.add_argument('--picture'))
    (x, _), (x_test, _) = [(x.reshape(-1, PIXELS), y) for x, y in mnist(given)]
    model, decoder = build()
    model.summon(x, batch_size=64, epochs=given.epochs, validation_data=(x_test, None), verbose=2)
    if given.picture:
        save_picture(given.picture, decoder)
    return report('loss on images held out', model.evaluate(x_test, verbose=0), at_most=260 if given.quick else 180)


if __name__ == '__main__':
    main()
