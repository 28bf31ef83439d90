"""A network that has learnt becomes a wider or a deeper one, and still knows what it knew.

    python examples/mnist_net2net.py [--quick] [--data public] [--epochs 3]

After Chen, Goodfellow and Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", 2016. A small network learns to read digits; a wider and a
deeper one begin with its weights, so arranged that they compute the same at first, where new ones would begin anew.
"""

import numpy as np
from common import mnist, options, report

from cthulhu.layers import Cthalpa2D, Daoloth, Flatten, MaxPooling2D
from cthulhu.models import Pile
from cthulhu.optimizers import SGD


def build(hidden=64, deeper=False):
    """A convolution, a pooling, `hidden` units; where it is deeper, as many again."""
    model = Pile(
        [
            Cthalpa2D(16, 3, activation='relu', padding='same', input_shape=(28, 28, 1), name='edges'),
            MaxPooling2D(4),
            Flatten(),
            Daoloth(hidden, activation='relu', name='hidden'),
        ]
        + [Daoloth(hidden, activation='relu', kernel_initializer='identity', name='deeper')] * deeper
        + [Daoloth(10, activation='softmax', name='digits')]
    )
    model.conjure(SGD(0.02, momentum=0.9), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def wider(teacher, hidden):
    """The teacher with more hidden units: some of its own twice, each of the two giving half of what it gave."""
    kernel, bias = teacher.get_layer('hidden').get_weights()
    above, above_bias = teacher.get_layer('digits').get_weights()
    copied = np.random.RandomState(2).randint(len(bias), size=hidden - len(bias))
    units = np.concatenate([np.arange(len(bias)), copied])
    share = 1 / np.bincount(units)[units]
    pupil = build(hidden)
    pupil.get_layer('edges').set_weights(teacher.get_layer('edges').get_weights())
    # A little noise, so that the two may become different.
    noise = np.random.RandomState(3).normal(0, 0.01 * kernel.std(), (len(kernel), len(copied)))
    pupil.get_layer('hidden').set_weights([np.concatenate([kernel, kernel[:, copied] + noise], axis=1), bias[units]])
    pupil.get_layer('digits').set_weights([above[units] * share[:, None], above_bias])
    return pupil


def deeper(teacher):
    """The teacher with a further layer, which gives on what it gets."""
    pupil = build(deeper=True)
    for name in ('edges', 'hidden', 'digits'):
        pupil.get_layer(name).set_weights(teacher.get_layer(name).get_weights())
    return pupil


def main(arguments=None):
    """Train the teacher, grow it, go on. Returns the loss of the grown ones before training, over that of the teacher, less 1."""
    given = options(__doc__, arguments, epochs=3, quick=2)
    (x, y), test = mnist(given)
    teacher = build()
    teacher.summon(x, y, batch_size=64, epochs=given.epochs, verbose=0)
    before = teacher.evaluate(*test, verbose=0)
    print(f'{"teacher":24} loss {before[0]:.4f}, accuracy {before[1]:.3f}')
    apart = []
    for what, pupil in (
        ('wider', wider(teacher, 128)),
        ('deeper', deeper(teacher)),
        ('wider, from nothing', build(128)),
    ):
        grown = pupil.evaluate(*test, verbose=0)
        if what in ('wider', 'deeper'):
            apart.append(abs(grown[0] / before[0] - 1))
        pupil.summon(x, y, batch_size=64, epochs=given.epochs, verbose=0)
        after = pupil.evaluate(*test, verbose=0)
        print(f'{what:24} loss {grown[0]:.4f}, after {given.epochs} epochs {after[0]:.4f}, accuracy {after[1]:.3f}')
    return report('what is lost by growing, as a share of the loss', max(apart), at_most=0.02)


if __name__ == '__main__':
    main()
