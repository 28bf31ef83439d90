"""A network dreams: what its layers see a little in a photograph is drawn into it, at several sizes.

    python examples/deep_dream.py [--quick] [--data public] [--epochs 10] [--image PATH] [--picture dream.png]

After Mordvintsev, Olah and Tyka, "Inceptionism", 2015: the photograph climbs the gradient of how strongly some layers answer to it, first small,
then larger, and what was lost by making it small is given back. The network is a small one that is trained to tell ten photographs by their
pieces; with `--data public` it is VGG16 with the weights of ImageNet. `--picture` saves the dream.
"""

import conv_filter_visualization
import numpy as np
from common import PICTURES, options, picture, report
from scipy.ndimage import zoom

from cthulhu import backend as K


def resized(image, height, width):
    """An image (height, width, 3) in another size."""
    return zoom(image, (height / image.shape[0], width / image.shape[1], 1), order=1)


def dreamer(image, outputs):
    """A function of images: how strongly the layers answer, and the gradient, brought to a mean of 1."""
    answer = sum(K.mean(K.square(output)) for output in outputs)
    slope = K.gradients(answer, image)[0]
    slope /= K.maximum(K.mean(K.abs(slope)), 1e-7)
    return K.function([image, K.learning_phase()], [answer, slope])


def dream(climb, image, sizes, steps, rate, low, high):
    """(the dream, how strongly the layers answered in the largest size before, and after)."""
    now = resized(image, *sizes[0])
    for before, size in zip([sizes[0]] + sizes, sizes):
        # What of the photograph is in this size and was not in the one before.
        lost = resized(image, *size) - resized(resized(image, *before), *size)
        now = resized(now, *size) + lost
        for _ in range(steps):
            now = np.clip(now + rate * climb([now[None], 0])[1][0], low, high)
    return now, climb([resized(image, *sizes[-1])[None], 0])[0], climb([now[None], 0])[0]


def main(arguments=None):
    """Train, dream. Returns how many times as strongly the layers answer to the dream as to the photograph."""

    def further(parser):
        parser.add_argument('--image', help='a photograph of your own')
        parser.add_argument('--picture', help='where to save the dream')

    given = options(__doc__, arguments, epochs=10, quick=2, further=further)
    model, _, _ = conv_filter_visualization.network(given)
    image, outputs = conv_filter_visualization.any_size(model)
    photograph = picture(given.image or PICTURES[1]).astype('float32') / 255
    scale = 1 if given.data == 'package' else 255
    middle = (
        np.array([103.9, 116.8, 123.7]) if given.data == 'public' else 0
    )  # VGG16 has blue first, and 0 in the middle
    seen = photograph[..., :: -1 if given.data == 'public' else 1] * scale - middle
    height = 96 if given.quick else 320
    sizes = [(int(h), int(h * seen.shape[1] / seen.shape[0])) for h in height / 1.4 ** np.arange(3)[::-1]]
    climb = dreamer(image, outputs[-3:])
    now, before, after = dream(climb, seen, sizes, 5 if given.quick else 20, 0.01 * scale, -middle, scale - middle)
    if given.picture:
        from cthulhu.preprocessing.image import array_to_img

        dreamt = (now + middle)[..., :: -1 if given.data == 'public' else 1] / scale * 255
        array_to_img(dreamt, scale=False).save(given.picture)
        print(f'What the network dreams: {given.picture}')
    return report('answer to the dream over that to the photograph', after / before, at_least=1.5)


if __name__ == '__main__':
    main()
