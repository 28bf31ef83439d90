"""What does a filter look for? Pictures that excite it the most, found by climbing its answer.

    python examples/conv_filter_visualization.py [--quick] [--data public] [--epochs 10] [--picture filters.png]

A small network is trained to tell ten photographs by their pieces; then pictures of noise are changed step by step by the gradient of what a filter
of its last convolution answers to them. With `--data public` it is VGG16 with the weights of ImageNet. `--picture` saves the pictures.
"""

import cifar10_cnn
import numpy as np
from common import options, pieces, report

from cthulhu import backend as K
from cthulhu.applications import VGG16
from cthulhu.layers import Cthalpa2D, Flatten, Input, InputLayer


def network(given):
    """(network, layer, side of its images)."""
    if given.data == 'public':
        model = VGG16(weights='imagenet', include_top=False)
        return model, model.get_layer('block5_conv1'), 112
    (x, y), _ = pieces(given)
    model = cifar10_cnn.build(x.shape[1])
    model.summon(x, y, batch_size=64, epochs=given.epochs, verbose=2)
    return model, [layer for layer in model.layers if isinstance(layer, Cthalpa2D)][-1], x.shape[1]


def any_size(model):
    """(image, outputs): the layers of `model` up to its dense ones, for images of any size; the outputs are of the convolutions."""
    image = x = Input((None, None, 3))
    outputs = []
    for layer in model.layers:
        if isinstance(layer, Flatten):
            break
        if not isinstance(layer, InputLayer):
            x = layer(x)
        if isinstance(layer, Cthalpa2D):
            outputs.append(x)
    return image, outputs


def climber(model, layer, number):
    """A function of images: what the filter answers to each, and the gradient, brought to length 1 by the root of its mean square."""
    answer = K.mean(layer.output[..., number])
    slope = K.gradients(answer, model.inputs[0])[0]
    slope /= K.sqrt(K.mean(K.square(slope))) + K.epsilon()
    return K.function([model.inputs[0], K.learning_phase()], [answer, slope])


def save_picture(path, images):
    """Each brought to the same brightness and contrast, in a row."""
    from cthulhu.preprocessing.image import array_to_img

    images = [np.clip((image - image.mean()) / (image.std() + 1e-5) * 0.15 + 0.5, 0, 1) for image in images]
    array_to_img(255 * np.concatenate(images, axis=1), scale=False).save(path)
    print(f'What {len(images)} filters look for: {path}')


def main(arguments=None):
    """Train, climb. Returns the share of filters of which the answer was doubled at least."""
    given = options(
        __doc__,
        arguments,
        epochs=10,
        quick=2,
        further=lambda parser: parser.add_argument('--picture', help='where to save the pictures'),
    )
    model, layer, side = network(given)
    middle, size = (0, 20.0) if given.data == 'public' else (0.5, 0.05)
    found, better = [], []
    for number in range(layer.filters):
        climb = climber(model, layer, number)
        image = middle + size * np.random.uniform(-1, 1, (1, side, side, 3)).astype('float32')
        before = climb([image, 0])[0]
        if before < 1e-6:  # a filter that is silent has no slope
            continue
        for _ in range(20):
            answer, slope = climb([image, 0])
            image += size * slope / 2
        found.append(image[0])
        better.append(answer > 2 * before)
        print(f'filter {number}: {before:.3f} for noise, {answer:.3f} after 20 steps')
        if len(found) == (4 if given.quick else 16):
            break
    if given.picture:
        save_picture(given.picture, found)
    return report('filters that answer twice as much or more', np.mean(better), at_least=0.75)


if __name__ == '__main__':
    main()
