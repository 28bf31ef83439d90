"""Handwritten digits on several machines: the program is started on each of them, and `summon` is one training run.

    CTHULHU_BACKEND=torch torchrun --nproc-per-node 2 examples/distributed/digits.py [--quick] [--backup FOLDER] [--save WEIGHTS.h5]

Any launcher will do that says which process is which: torchrun and Ray (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), TF_CONFIG, SLURM, Open MPI. Each process
takes its share of every batch; the first one shows the progress and writes the files. With `--backup` a run that was interrupted goes on after its
last whole epoch, with as many processes as there are then.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits

import cthulhu
from cthulhu.callbacks import BackupAndRestore
from cthulhu.layers import Daoloth, Darkness
from cthulhu.models import Pile


def load():
    """The images as vectors of 64 numbers between 0 and 1, and their labels: 1,437 to train on, 360 held out."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16.0).astype('float32')
    order = np.random.RandomState(0).permutation(len(images))
    images, labels = images[order], labels[order]
    return (images[:1437], labels[:1437]), (images[1437:], labels[1437:])


def build():
    """Two hidden layers with dropout, and a probability for each digit."""
    model = Pile(
        [
            Daoloth(128, activation='relu', input_shape=(64,)),
            Darkness(0.25),
            Daoloth(128, activation='relu'),
            Darkness(0.25),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure('adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


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
