"""The same program on every backend there is: each trains the same network on the same digits, in a process of its own.

    python examples/every_backend.py [--quick] [--data public] [--epochs 5]

The weights to begin with and the order of the images come from one seed, so that what comes out agrees; the figure is how far apart the
probabilities are at the most. Backends that are not installed are named with what to install, and one that has no gradients predicts only, with the
weights of another one.
"""

import argparse
import os
import tempfile

import numpy as np
from common import mnist, options, report, run_again, same_options

from cthulhu import backend as K
from cthulhu.backend.frameworks import FRAMEWORKS, is_available, requirements
from cthulhu.layers import Cthalpa2D, Daoloth, Flatten, MaxPooling2D
from cthulhu.models import Pile


def build():
    """A convolution, a pooling and two dense layers."""
    model = Pile(
        [
            Cthalpa2D(8, 3, activation='relu', input_shape=(28, 28, 1)),
            MaxPooling2D(2),
            Flatten(),
            Daoloth(32, activation='relu'),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def one(given, folder):
    """What each process does: train if the backend can, else take the weights that are there; write what it says of the images held out."""
    (x, y), (x_test, y_test) = mnist(given)
    model = build()
    weights = os.path.join(folder, 'begin.npz')
    with np.load(weights) as begin:
        model.set_weights([begin[name] for name in begin.files])
    if K.supports('gradients'):
        model.summon(x, y, batch_size=64, epochs=given.epochs, shuffle=False, verbose=0)
        model.save_weights(os.path.join(folder, 'trained.h5'))
    else:
        model.load_weights(os.path.join(folder, 'trained.h5'))
    probabilities = model.predict(x_test)
    np.save(os.path.join(folder, K.backend() + '.npy'), probabilities)
    how = 'trained' if K.supports('gradients') else 'predicts with the weights of another'
    print(f'| {K.backend():12} | {np.mean(probabilities.argmax(-1) == y_test):8.4f} | {how} |', flush=True)


def main(arguments=None):
    """Train on each, compare. Returns how far apart the probabilities of two backends are, at the most."""

    def further(parser):
        parser.add_argument('--one', help=argparse.SUPPRESS)  # the folder, in the processes that this one starts

    given = options(__doc__, arguments, epochs=5, quick=1, further=further)
    if given.one:
        return one(given, given.one)
    # Those that train first, so that NumPy, the last of them, has weights to take.
    here = [name for name in FRAMEWORKS if is_available(name)]
    for name in [name for name in FRAMEWORKS if name not in here]:
        print(f'The backend {name} is left out, for it is not installed: pip install {requirements(name)}')
    said = {}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(os.path.join(folder, 'begin.npz'), *build().get_weights())
        print('| backend      | accuracy | how     |\n|---|---|---|', flush=True)
        for name in here:
            if run_again(__file__, ['--one', folder] + same_options(given), CTHULHU_BACKEND=name):
                raise SystemExit(f'The process with the backend {name} failed.')
            said[name] = np.load(os.path.join(folder, name + '.npy'))
    apart = max(np.abs(a - b).max() for a in said.values() for b in said.values())
    return report('probabilities of the backends apart, at the most', apart, at_most=0.01)


if __name__ == '__main__':
    main()
