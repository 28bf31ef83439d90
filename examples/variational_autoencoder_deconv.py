"""A variational autoencoder of convolutions draws digits that nobody has written.

    python examples/variational_autoencoder_deconv.py [--quick] [--data public] [--epochs 20] [--picture digits.png]

As `variational_autoencoder.py`, with convolutions on the way down and transposed ones on the way up. `--picture` saves what the decoder makes of
a grid of places.
"""

from common import mnist, options, report
from variational_autoencoder import PIXELS, draw, save_picture

from cthulhu import backend as K
from cthulhu import losses
from cthulhu.layers import Cthalpa2D, Cthalpa2DTranspose, Daoloth, Flatten, Input, LuKthu, Reshape
from cthulhu.models import Lump


def build(filters=(16, 32), latent=2):
    """(the whole, the decoder)."""
    image = x = Input((28, 28, 1))
    for count in filters:
        x = Cthalpa2D(count, 3, strides=2, padding='same', activation='relu')(x)
    hidden = Daoloth(64, activation='relu')(Flatten()(x))
    mean, log_variance = Daoloth(latent, name='mean')(hidden), Daoloth(latent, name='log_variance')(hidden)
    place = LuKthu(draw, output_shape=(latent,), name='place')([mean, log_variance])

    given = Input((latent,))
    x = Daoloth(7 * 7 * filters[-1], activation='relu')(Daoloth(64, activation='relu')(given))
    x = Reshape((7, 7, filters[-1]))(x)
    for count in filters[::-1]:
        x = Cthalpa2DTranspose(count, 3, strides=2, padding='same', activation='relu')(x)
    decoder = Lump(given, Cthalpa2DTranspose(1, 3, padding='same', activation='sigmoid')(x), name='decoder')

    model = Lump(image, decoder(place))
    lost = PIXELS * losses.binary_crossentropy(K.batch_flatten(image), K.batch_flatten(model.output))
    apart = -0.5 * K.sum(1 + log_variance - K.square(mean) - K.exp(log_variance), axis=-1)
    model.add_loss(K.mean(lost + apart))
    model.conjure('adam')
    return model, decoder


def main(arguments=None):
    """Train. Returns the loss on images held out, in nats an image."""
    given = options(__doc__, arguments, epochs=20, quick=4, further=lambda parser: parser.add_argument('--picture'))
    (x, _), (x_test, _) = mnist(given)
    model, decoder = build(filters=(8, 16) if given.quick else (16, 32))
    model.summon(x, batch_size=32, epochs=given.epochs, validation_data=(x_test, None), verbose=2)
    if given.picture:
        save_picture(given.picture, decoder)
    return report('loss on images held out', model.evaluate(x_test, verbose=0), at_most=260 if given.quick else 180)


if __name__ == '__main__':
    main()
