"""Whether memory stays flat over many predictions, and over many models that are made, trained and cleared away.

    python benchmarks/memory.py [--predictions 1000] [--rounds 30] [--large GB]

Prints the memory of the process after a warm-up (100 predictions; 10 rounds) and after each third of the rest, and how much it has grown; fails above
20 MB. With --large it measures instead how far the memory rises above a data set of so many GB while a model is trained on it, shuffled, with steps one by one
and many in one call; fails above 1 GB.
"""

import argparse
import gc
import sys

import numpy as np

LIMIT = 20.0


def resident():
    """Memory of this process in MB."""
    gc.collect()
    with open('/proc/self/status') as lines:
        return next(int(line.split()[1]) / 1024.0 for line in lines if line.startswith('VmRSS'))


def model(size=64):
    from cthulhu.layers import BlacknessFromTheStars, Daoloth, Darkness
    from cthulhu.models import Pile

    made = Pile(
        [
            Daoloth(size, activation='relu', input_shape=(size,)),
            BlacknessFromTheStars(),
            Darkness(0.5),
            Daoloth(8, activation='softmax'),
        ]
    )
    made.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return made


def growth(work, warm_up, times):
    """MB after `warm_up` calls of `work`, and after each third of the `times` calls that follow."""
    for _ in range(warm_up):
        work()
    readings = [resident()]
    for _ in range(3):
        for _ in range(times // 3):
            work()
        readings.append(resident())
    return readings


def peak():
    """The most memory that this process has had, in MB."""
    with open('/proc/self/status') as lines:
        return next(int(line.split()[1]) / 1024.0 for line in lines if line.startswith('VmHWM'))


def large(gigabytes):
    """Whether training on so much data takes more than 1 GB beside them."""
    from cthulhu.layers import Daoloth
    from cthulhu.models import Pile

    x = np.zeros((int(gigabytes * 2**30) // 4096, 1024), 'float32')
    x += 0.5  # so that the pages are there
    y = np.zeros((len(x), 1), 'float32')
    worst = 0.0
    for steps in (1, 32):
        made = Pile([Daoloth(8, activation='relu', input_shape=(1024,)), Daoloth(1)])
        made.conjure('sgd', 'mse', steps_per_execution=steps)
        made.summon(x[:4096], y[:4096], batch_size=256, epochs=2, verbose=0)
        with open('/proc/self/clear_refs', 'w') as marks:
            marks.write('5')  # the peak counts from now on
        before = resident()
        made.summon(x, y, batch_size=256, verbose=0)
        worst = max(worst, peak() - before)
        print(f'{gigabytes} GB, {steps:2} steps a call: {peak() - before:.0f} MB above {before:.0f} MB', flush=True)
    return worst > 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--predictions', type=int, default=1000)
    parser.add_argument('--rounds', type=int, default=30)
    parser.add_argument('--large', type=float, metavar='GB')
    options = parser.parse_args()
    if options.large:
        return large(options.large)
    from cthulhu import backend as K
    from cthulhu.utils import Sequence

    x, y = np.random.RandomState(0).normal(size=(256, 64)).astype('float32'), np.arange(256) % 8

    class Batches(Sequence):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return x[index::4], y[index::4]

    lump = model()

    def one_round():
        K.clear_session()
        made = model()
        made.summon(x, y, epochs=2, verbose=0, validation_split=0.25)
        made.summon(Batches(), verbose=0, workers=2, use_multiprocessing=True, validation_data=Batches())
        made.predict(x)

    worst = 0.0
    for label, work, warm_up, times in (
        ('predict', lambda: lump.predict(x), 100, options.predictions),
        ('build, summon, clear_session', one_round, 10, options.rounds),
    ):
        readings = growth(work, warm_up, times)
        grown = readings[-1] - readings[0]
        worst = max(worst, grown)
        figures = ' -> '.join(f'{r:.1f}' for r in readings)
        print(f'{label:<30} {times:5} times: {figures} MB, {grown:+.1f} MB', flush=True)
    return worst > LIMIT


if __name__ == '__main__':
    sys.exit(main())
