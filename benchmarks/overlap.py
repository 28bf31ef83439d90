"""Whether batches are computed while the model trains: a Sequence that takes some time a batch, and steps that take as long.

    python benchmarks/overlap.py [--milliseconds 10] [--workers 2] [--steps 200]

The batch size is chosen so that a step takes the time. Prints milliseconds a step: of arrays, and of a Sequence whose batches are computed between the
steps, by threads and by processes. Without overlap a step takes the sum of both times, with it little more than the longer one: for 10 and 10 ms
under 14 ms.
"""

import argparse
import time

import numpy as np

SIZE = 512


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--milliseconds', type=float, default=10.0)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--steps', type=int, default=200)
    options = parser.parse_args()
    from cthulhu.layers import Daoloth
    from cthulhu.models import Pile
    from cthulhu.utils import Sequence

    model = Pile([Daoloth(SIZE, activation='relu', input_shape=(SIZE,)), Daoloth(SIZE, activation='relu'), Daoloth(1)])
    model.conjure('sgd', 'mse')

    def per_step(*data, **how):
        start = time.perf_counter()
        model.summon(*data, shuffle=False, verbose=0, **how)
        return (time.perf_counter() - start) * 1000 / options.steps

    def arrays(rows):
        return np.ones((rows * options.steps, SIZE), 'float32'), np.ones((rows * options.steps, 1), 'float32')

    rows = 16
    for _ in range(4):
        took = min(per_step(*arrays(rows), batch_size=rows) for _ in range(2))
        rows = max(1, int(rows * min(8.0, max(0.25, options.milliseconds / took))))
    batch = np.ones((rows, SIZE), 'float32'), np.ones((rows, 1), 'float32')

    class Slow(Sequence):
        def __len__(self):
            return options.steps

        def __getitem__(self, index):
            time.sleep(options.milliseconds / 1000)  # reading a file, say
            return batch

    print(
        f'{options.milliseconds:.1f} ms a batch of {rows} samples of {SIZE} numbers, {options.workers} workers, {options.steps} steps'
    )
    print(f'arrays, no batch to compute   {per_step(*arrays(rows), batch_size=rows):6.2f} ms a step')
    print(f'between the steps             {per_step(Slow(), workers=0):6.2f}')
    print(f'by threads                    {per_step(Slow(), workers=options.workers):6.2f}')
    print(f'by processes                  {per_step(Slow(), workers=options.workers, use_multiprocessing=True):6.2f}')


if __name__ == '__main__':
    main()
