"""A photograph in the style of another one: what there is from one, its colours and textures from the other.

    python examples/neural_style_transfer.py [--quick] [--data public] [--epochs 10] [--content PATH] [--style PATH] [--picture mixed.png]

After Gatys, Ecker and Bethge, "A Neural Algorithm of Artistic Style", 2015. A network sees both; style is which filters answer together (their
products, over all places), content is where they answer. L-BFGS changes the image until it has both. The network is a small one that is trained
to tell ten photographs by their pieces; with `--data public` it is VGG16 with the weights of ImageNet. `--picture` saves the image.
"""

import conv_filter_visualization
import numpy as np
from common import PICTURES, options, picture, report
from deep_dream import resized
from scipy.optimize import fmin_l_bfgs_b

from cthulhu import backend as K
from cthulhu.models import Lump


def products(features):
    """Which filters answer together: (filters, filters)."""
    flat = K.reshape(features, (-1, K.int_shape(features)[-1]))
    return K.dot(K.transpose(flat), flat) / K.cast(K.shape(flat)[0], K.floatx())


def roughness(image):
    """How much neighbouring pixels differ."""
    down, right = image[:, 1:, :-1] - image[:, :-1, :-1], image[:, :-1, 1:] - image[:, :-1, :-1]
    return K.mean(K.pow(K.square(down) + K.square(right) + 1e-8, 0.625))


def loss_of(image, outputs, content, style, weight=0.1):
    """A function of images: the loss, and its gradient.

    Arguments:
        image, outputs: of the network.
        content, style: photographs (1, height, width, 3).
        weight: of the content; the style has 1.
    """
    model = Lump(image, outputs)
    wanted = [K.eval(products(K.constant(features))) for features in model.predict(style)]
    there = model.predict(content)[-2]
    # Each part as a share of what it is where nothing is right yet, so that the weights mean the same for every network.
    loss = sum(
        K.mean(K.square(products(output) - K.constant(gram))) / float(np.mean(gram**2) + 1e-8)
        for output, gram in zip(outputs, wanted)
    ) / len(outputs)
    loss += weight * K.mean(K.square(outputs[-2] - K.constant(there))) / float(np.mean(there**2) + 1e-8)
    loss += 0.01 * roughness(image)
    return K.function([image, K.learning_phase()], [loss, K.gradients(loss, image)[0]])


def main(arguments=None):
    """Train, mix. Returns the loss at the end as a share of that of the photograph."""

    def further(parser):
        parser.add_argument('--content', help='a photograph (default: a temple)')
        parser.add_argument('--style', help='another (default: a flower)')
        parser.add_argument('--picture', help='where to save the image')

    given = options(__doc__, arguments, epochs=10, quick=2, further=further)
    model, _, _ = conv_filter_visualization.network(given)
    image, outputs = conv_filter_visualization.any_size(model)
    scale, middle, order = (1, np.zeros(3), 1) if given.data == 'package' else (255, [103.9, 116.8, 123.7], -1)
    height = 64 if given.quick else 256

    def seen(path):
        """A photograph as the network takes it."""
        photograph = picture(path)[..., ::order] / 255.0 * scale - middle
        width = height * photograph.shape[1] // photograph.shape[0]
        return resized(photograph, height, width)[None].astype('float32')

    content, style = seen(given.content or PICTURES[0]), seen(given.style or PICTURES[1])
    both = loss_of(image, outputs, content, style)

    def of_numbers(numbers):
        loss, slope = both([numbers.reshape(content.shape).astype('float32'), 0])
        return float(loss), slope.ravel().astype('float64')

    first = of_numbers(content.ravel())[0]
    limits = list(zip(-np.asarray(middle), scale - np.asarray(middle))) * (content.size // 3)
    found, last, _ = fmin_l_bfgs_b(of_numbers, content.ravel(), bounds=limits, maxfun=15 if given.quick else 200)
    if given.picture:
        from cthulhu.preprocessing.image import array_to_img

        mixed = (found.reshape(content.shape)[0] + middle)[..., ::order] / scale * 255
        array_to_img(mixed, scale=False).save(given.picture)
        print(f'A temple as a flower: {given.picture}')
    return report('loss, as a share of that of the photograph', last / first, at_most=0.7)


if __name__ == '__main__':
    main()
