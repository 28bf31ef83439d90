"""Whether memory stays flat over many predictions, and over many models that are made, trained and cleared away.

    python benchmarks/memory.py [--predictions 1000] [--rounds 30]

Prints the memory of the process after a warm-up (100 predictions; 10 rounds) and after each third of the rest, and how much it has grown; fails above
20 MB.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--predictions', type=int, default=1000)
    parser.add_argument('--rounds', type=int, default=30)
    options = parser.parse_args()
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
