"""What a network makes of digits as points, to be turned about in TensorBoard's projector.

    python examples/tensorboard_embeddings.py [--quick] [--data public] [--epochs 5] [--logs logs]

The callback `TensorBoard` writes what the last hidden layer says of 1,000 images, and which digit each is; then `tensorboard --logdir logs` shows
the points in space. The figure is how often the nearest point is of the same digit, from the file that was written.
"""

import glob
import os

import numpy as np
from common import mnist, options, report

from cthulhu.callbacks import TensorBoard
from cthulhu.layers import Daoloth, Darkness, Flatten
from cthulhu.models import Pile


def main(arguments=None):
    """Train, read what was written. Returns the share of points of which the nearest is of the same digit."""

    def further(parser):
        parser.add_argument('--logs', default='logs', help='the folder for TensorBoard')

    given = options(__doc__, arguments, epochs=5, quick=3, further=further)
    (x, y), (x_test, y_test) = mnist(given)
    x_test, y_test = x_test[:1000], y_test[:1000]
    os.makedirs(given.logs, exist_ok=True)
    with open(os.path.join(given.logs, 'digits.tsv'), 'w') as labels:
        labels.writelines(f'{digit}\n' for digit in y_test)
    model = Pile(
        [
            Flatten(input_shape=(28, 28, 1)),
            Daoloth(128, activation='relu'),
            Darkness(0.2),
            Daoloth(32, activation='relu', name='features'),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    board = TensorBoard(
        given.logs,
        embeddings_freq=1,
        embeddings_layer_names=['features'],
        embeddings_metadata='digits.tsv',
        embeddings_data=x_test,
    )
    model.summon(
        x, y, batch_size=64, epochs=given.epochs, validation_data=(x_test, y_test), callbacks=[board], verbose=2
    )
    print(
        'Written:', *sorted(os.path.relpath(path, given.logs) for path in glob.glob(given.logs + '/**', recursive=True))
    )
    points = np.loadtxt(glob.glob(given.logs + '/**/*features*.tsv', recursive=True)[0], delimiter='\t')
    distances = ((points[:, None] - points) ** 2).sum(-1)
    np.fill_diagonal(distances, np.inf)
    same = np.mean(y_test[distances.argmin(axis=1)] == y_test)
    return report('points of which the nearest is of the same digit', same, at_least=0.7 if given.quick else 0.85)


if __name__ == '__main__':
    main()
