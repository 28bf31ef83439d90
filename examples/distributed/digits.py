"""Handwritten digits on several machines: the program is started on each of them, and `summon` is one training run.

    CTHULHU_BACKEND=torch torchrun --nproc-per-node 2 examples/distributed/digits.py [--quick] [--backup FOLDER] [--save WEIGHTS.h5]

Any launcher will do that says which process is which: torchrun and Ray (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), TF_CONFIG, SLURM, Open MPI. Each process
takes its share of every batch; the first one shows the progress and writes the files. With `--backup` a run that was interrupted goes on after its
last whole epoch, with as many processes as there are then.
"""

import argparse
import os
import sys

import numpy as np

import cthulhu
from cthulhu.callbacks import BackupAndRestore

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from digits_mlp import build, load  # noqa: E402  (the network and the images of the example for one machine)


def main(arguments=None):
    """Join, train, evaluate. Returns the accuracy on the images held out, which is the same on all."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--quick', action='store_true', help='a short form, of seconds')
    parser.add_argument('--backup', help='a folder, by which an interrupted run goes on')
    parser.add_argument('--save', help='where to write the weights')
    given = parser.parse_args(arguments)

    cthulhu.distribution.initialize()  # before a model is made
    np.random.seed(0)
    (x_train, y_train), (x_test, y_test) = load()
    model = build()
    callbacks = [BackupAndRestore(given.backup)] if given.backup else []
    epochs = 6 if given.quick else 30
    # The batch of the whole run: with 4 processes each computes 32 samples of it.
    model.summon(x_train, y_train, batch_size=128, epochs=epochs, verbose=2, callbacks=callbacks)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    if cthulhu.distribution.is_first():
        if given.save:
            model.save_weights(given.save)
        print(f'accuracy on images held out: {accuracy:.4f}, by {cthulhu.distribution.count()} processes')
    return accuracy


if __name__ == '__main__':
    main()
