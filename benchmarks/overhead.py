"""What the loop of `summon` costs over a hand-written loop that calls the same train function, one step a call.

    python benchmarks/overhead.py [--repeats 7]

Both run the same steps on the same arrays, turn about; the figures are medians, and the overhead is the median of the ratios of each pair. Target:
at most 10 % at 1 ms a step. Where Keras is installed (`keras` with TensorFlow), its `fit` beside its own `train_on_batch` is measured likewise.
"""

import argparse
import importlib.util
import platform
import statistics
import time

import numpy as np


def data(samples, size):
    random = np.random.RandomState(0)
    return random.normal(size=(samples, size)).astype('float32'), random.normal(size=(samples, size)).astype('float32')


def cthulhu_case(size, batch, steps):
    from cthulhu.layers import Daoloth
    from cthulhu.models import Pile

    model = Pile([Daoloth(size, activation='relu', input_shape=(size,)), Daoloth(size)])
    model.conjure('sgd', 'mse')
    x, y = data(batch * steps, size)
    step = model.conjuring.program.train()
    ones = np.ones(batch, dtype='float32')

    def by_hand():
        for i in range(0, batch * steps, batch):
            step([x[i : i + batch], y[i : i + batch], ones])

    def by_summon():
        model.summon(x, y, batch_size=batch, shuffle=False, verbose=0)

    return by_hand, by_summon


def keras_case(size, batch, steps):
    keras = importlib.import_module('keras')
    model = keras.Sequential(
        [keras.layers.Input((size,)), keras.layers.Dense(size, activation='relu'), keras.layers.Dense(size)]
    )
    model.compile('sgd', 'mse')
    x, y = data(batch * steps, size)

    def by_hand():
        for i in range(0, batch * steps, batch):
            model.train_on_batch(x[i : i + batch], y[i : i + batch])

    def by_fit():
        model.fit(x, y, batch_size=batch, shuffle=False, verbose=0)

    return by_hand, by_fit


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(case, size, batch, steps, repeats):
    """(ms a step by hand, ms a step in the library's loop, overhead as a fraction)."""
    by_hand, by_loop = case(size, batch, steps)
    by_hand(), by_loop(), by_loop()
    pairs = [
        (timed(by_hand), timed(by_loop)) if i % 2 else (timed(by_loop), timed(by_hand))[::-1] for i in range(repeats)
    ]
    hand, loop = (statistics.median(times) * 1000 / steps for times in zip(*pairs))
    return hand, loop, statistics.median(b / a for a, b in pairs) - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--quick', action='store_true', help='fewer steps, for daily use')
    options = parser.parse_args()
    import tensorflow as tf

    print(f'Python {platform.python_version()}, TensorFlow {tf.__version__}, NumPy {np.__version__}')
    print('library      size  batch   by hand, ms its loop, ms  overhead')
    cases = [('cthulhu', cthulhu_case)]
    if importlib.util.find_spec('keras'):
        cases.append(('keras', keras_case))
    for size, batch in ((32, 32), (256, 128), (384, 256)):
        for name, case in cases:
            steps = 100 if options.quick else 400
            hand, loop, overhead = scaled(measure(case, size, batch, steps, options.repeats))
            print(f'{name:<10} {size:6} {batch:6}  {hand:12.3f} {loop:12.3f} {overhead:8.1f}%', flush=True)


def scaled(figures):
    return figures[:2] + (100 * figures[2],)


if __name__ == '__main__':
    main()
