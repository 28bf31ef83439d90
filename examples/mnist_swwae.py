"""An autoencoder that keeps where each maximum was: the way up puts things back into their places.

    python examples/mnist_swwae.py [--quick] [--data public] [--epochs 5] [--picture swwae.png]

A stacked what-where autoencoder (Zhao et al., "Stacked What-Where Auto-encoders", 2015) on images of digits: each pooling says what the maximum
was and where; `where` opens one place of four on the way up. Compared with the same network that copies into all four. `--picture` saves images.
"""

import numpy as np
from common import mnist, options, report

from cthulhu import backend as K
from cthulhu.layers import Cthalpa2D, Input, LuKthu, MaxPooling2D, Multiply, UpSampling2D
from cthulhu.models import Lump
from cthulhu.optimizers import Adam


def where(tensors):
    """1 at the places of the maxima, 0 elsewhere: of features and of their maxima, brought to the same size."""
    features, maxima = tensors
    return K.cast(K.equal(features, maxima), K.floatx())


def build(keep_where, filters=(8, 16, 32)):
    """Down by poolings, and up again."""
    image = x = Input((32, 32, 1))
    places = []
    for count in filters:
        features = Cthalpa2D(count, 3, padding='same', activation='elu')(x)
        x = MaxPooling2D(2)(features)
        places.append(LuKthu(where)([features, UpSampling2D(2)(x)]))
    for count, place in list(zip(filters, places))[::-1]:
        x = Cthalpa2D(count, 3, padding='same', activation='elu')(x)
        x = UpSampling2D(2)(x)
        if keep_where:
            x = Multiply()([x, place])
    model = Lump(image, Cthalpa2D(1, 3, padding='same', activation='sigmoid')(x))
    model.conjure(Adam(0.002), 'mse')
    return model


def save_picture(path, *rows):
    """Ten images of each of `rows`, one below the other."""
    from cthulhu.preprocessing.image import array_to_img

    array_to_img(np.concatenate([np.concatenate(row[:10], axis=1) for row in rows])).save(path)
    print(f'As they were, from what alone, from what and where: {path}')


def main(arguments=None):
    """Train both, compare. Returns the error of the one that keeps where as a share of that of the other."""
    given = options(
        __doc__,
        arguments,
        epochs=5,
        quick=3,
        further=lambda parser: parser.add_argument('--picture', help='where to save images'),
    )
    x, x_test = [np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0))) for images, _ in mnist(given)]
    drawn = {}
    for keep_where in (False, True):
        model = build(keep_where)
        model.summon(x, x, batch_size=32, epochs=given.epochs, verbose=2)
        drawn[keep_where] = model.predict(x_test)
    errors = {key: np.mean((images - x_test) ** 2) for key, images in drawn.items()}
    print(f'mean square error: what {errors[False]:.5f}, what and where {errors[True]:.5f}')
    if given.picture:
        save_picture(given.picture, x_test, drawn[False], drawn[True])
    return report('error with where, as a share of that without', errors[True] / errors[False], at_most=0.8)


if __name__ == '__main__':
    main()
