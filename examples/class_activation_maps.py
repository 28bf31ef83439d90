"""Where in a photograph does a network see what it says? The map of a class, from its last convolution.

    python examples/class_activation_maps.py [--quick] [--data public] [--epochs 12] [--picture maps.png]

After Zhou et al., "Learning Deep Features for Discriminative Localization", 2016, and Selvaraju et al., "Grad-CAM", 2017: how much a class would
gain if a feature were stronger, times the feature, over the place. The network tells ten photographs by their pieces. The pieces shown are made
of two, left of one photograph and right of another one, and the map of a class should be stronger on its own side. `--picture` saves some.
"""

import numpy as np
from common import options, pieces, report

from cthulhu import backend as K
from cthulhu.layers import BatchNormalization, Cthalpa2D, Daoloth, GlobalAveragePooling2D, Input, MaxPooling2D
from cthulhu.models import Lump


def build(side):
    """Convolutions only, and the mean of each feature over the place: (network, the features)."""
    image = x = Input((side, side, 3))
    for count, filters in enumerate((32, 64, 64)):
        x = MaxPooling2D(2)(x) if count == 1 else x
        x = BatchNormalization(momentum=0.9)(Cthalpa2D(filters, 3, padding='same', activation='relu')(x))
    model = Lump(image, Daoloth(10, activation='softmax')(GlobalAveragePooling2D()(x)))
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model, x


def mapper(model, features):
    """A function of images and of one class each, as one-hot rows: the maps, (images, rows, columns)."""
    asked = Input((10,))
    gain = K.gradients(K.sum(K.log(model.output + 1e-7) * asked), features)[0]
    maps = K.relu(K.sum(K.mean(gain, axis=(1, 2), keepdims=True) * features, axis=-1))
    return K.function([model.inputs[0], asked, K.learning_phase()], [maps])


def save_picture(path, images, maps):
    """Images, and below each what of it is lit by its map."""
    from cthulhu.preprocessing.image import array_to_img

    step = images.shape[1] // maps.shape[1]
    light = maps.repeat(step, 1).repeat(step, 2)[..., None]
    light = light / (light.max(axis=(1, 2, 3), keepdims=True) + 1e-8)
    rows = [np.concatenate(list(row), axis=1) for row in (images, images * light)]
    array_to_img(255 * np.concatenate(rows), scale=False).save(path)
    print(f'Halves of two photographs, and where the class of the left one is seen: {path}')


def main(arguments=None):
    """Train, look. Returns the share of maps that are stronger on the right side."""
    given = options(__doc__, arguments, epochs=12, quick=4, further=lambda parser: parser.add_argument('--picture'))
    (x, y), (x_test, y_test) = pieces(given)
    model, features = build(x.shape[1])
    model.summon(x, y, batch_size=32, epochs=given.epochs, validation_data=(x_test, y_test), verbose=2)
    # Pieces that are told rightly, the left half of each and the right half of one of another class.
    told = np.flatnonzero(model.predict(x_test).argmax(-1) == y_test)
    first, second = told[: len(told) // 2], told[len(told) // 2 : len(told) // 2 * 2]
    differ = y_test[first] != y_test[second]
    first, second = first[differ], second[differ]
    middle = x.shape[2] // 2
    images = np.concatenate([x_test[first][:, :, :middle], x_test[second][:, :, middle:]], axis=2)
    see = mapper(model, features)
    sides = []
    for numbers in (first, second):
        maps = see([images, np.eye(10, dtype='float32')[y_test[numbers]], 0])[0]
        left, right = np.split(maps.sum(axis=1), 2, axis=1)
        sides.append(left.sum(axis=1) > right.sum(axis=1))
        if given.picture and numbers is first:
            save_picture(given.picture, images[:12], maps[:12])
    print(f'{len(images)} images of two halves, of each the maps of two classes')
    right = np.mean([sides[0].mean(), 1 - sides[1].mean()])
    return report('maps that are stronger on the side of their class', right, at_least=0.6 if given.quick else 0.75)


if __name__ == '__main__':
    main()
