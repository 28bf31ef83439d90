"""A run that is killed goes on where it was: the same weights at the end as without the interruption, bit for bit.

    python examples/resume_training.py [--quick] [--data public] [--epochs 8]

`BackupAndRestore` keeps after each epoch what a run needs: weights, the optimizer's state, the numbers of chance. Here a process is killed in the
middle of its training, and the same program is started again; a third process trains without being disturbed, to compare.
"""

import argparse
import os
import tempfile

import numpy as np
from common import mnist, options, report, run_again, same_options

from cthulhu.callbacks import BackupAndRestore, LambdaCallback
from cthulhu.layers import Daoloth, Darkness, Flatten
from cthulhu.models import Pile


def train(given):
    """What each process does. With `--die` it ends in the middle of an epoch, as if killed."""
    np.random.seed(7)
    (x, y), _ = mnist(given)
    model = Pile(
        [
            Flatten(input_shape=(28, 28, 1)),
            Daoloth(128, activation='relu'),
            Darkness(0.3),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy')
    epochs_begun = []

    def begin(epoch, logs):
        epochs_begun.append(epoch)

    def die(batch, logs):
        if given.die and epochs_begun[-1] == given.epochs // 2 and batch == 5:
            print(f'Killed in epoch {epochs_begun[-1] + 1}.', flush=True)
            os._exit(9)  # nothing is tidied up

    watch = LambdaCallback(on_epoch_begin=begin, on_batch_end=die)
    callbacks = [watch, BackupAndRestore(os.path.join(given.folder, given.run))]
    model.summon(x, y, batch_size=64, epochs=given.epochs, callbacks=callbacks, verbose=0)
    print(f'Epochs {epochs_begun[0] + 1} to {epochs_begun[-1] + 1} of {given.epochs} were trained.', flush=True)
    np.savez(os.path.join(given.folder, given.run + '.npz'), *model.get_weights())


def main(arguments=None):
    """Kill, resume, compare. Returns how far the weights are from those of the run that was not killed."""

    def further(parser):  # of the processes that this one starts
        parser.add_argument('--folder', help=argparse.SUPPRESS)
        parser.add_argument('--run', help=argparse.SUPPRESS)
        parser.add_argument('--die', action='store_true', help=argparse.SUPPRESS)

    given = options(__doc__, arguments, epochs=8, quick=4, further=further)
    if given.folder:
        return train(given)
    with tempfile.TemporaryDirectory() as folder:

        def run(name, *more):
            return run_again(__file__, ['--folder', folder, '--run', name, *more] + same_options(given))

        if run('killed', '--die') != 9 or run('killed') or run('whole'):
            raise SystemExit('One of the processes did not end as it should.')
        weights = []
        for name in ('killed', 'whole'):
            with np.load(os.path.join(folder, name + '.npz')) as arrays:
                weights.append([arrays[key] for key in arrays.files])
    apart = max(np.abs(a - b).max() for a, b in zip(*weights))
    return report('weights apart from those of the run that was not killed', apart, at_most=0)


if __name__ == '__main__':
    main()
