"""What a training step and a prediction take on a GPU: Cthulhu on JAX and on PyTorch beside Keras 3 on both, one process a column, medians of rounds.

    python benchmarks/device.py [--rounds 3] [--cases small mlp ...] [--columns cthulhu:jax keras:torch ...]

It needs nothing but what is installed: columns whose packages are not are left out, and said. A column is PACKAGE:BACKEND, with `:tuned` behind it for
`steps_per_execution=50, jit_compile=True`. What is measured is in cases.py: milliseconds a step of `fit` once what is compiled has been, milliseconds a
`predict` of one sample. Run it on a machine that does nothing else.
"""

import argparse
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = ['small', 'mlp', 'cnn', 'lstm', 'resnet50', 'predict']
COLUMNS = ['cthulhu:jax', 'keras:jax', 'keras:jax:tuned', 'cthulhu:torch', 'keras:torch']

#: Seconds of training before steps are timed; on large models less, where nothing is chosen by time.
WARM_UP, LARGE = 8.0, {'resnet50': 1.0}


def measure(package, tuned, names, warm_up):
    """A line of JSON for each case, in this process."""
    import cases

    if tuned:
        cases.tune(importlib.import_module(package))
    for name in names:
        try:
            found = (
                train(cases, package, name, LARGE.get(name, warm_up))
                if name in cases.CASES
                else cases.run(package, name)
            )
        except Exception as error:
            found = {'ms': None, 'first': None, 'error': f'{type(error).__name__}: {error}'[:300]}
        print(json.dumps(dict(found, case=name)), flush=True)


def train(cases, package, name, warm_up):
    """The quickest of the last epochs of one `fit`, in milliseconds a step, after `warm_up` seconds of it."""
    library = importlib.import_module(package)
    model, x, y, batch, epochs = cases.CASES[name](library)
    first = cases.timed(lambda: model.train_on_batch(x[:batch], y[:batch]))
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    an_epoch = cases.timed(lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0))
    begun, took = [], []
    told = library.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: begin(begun), on_epoch_end=lambda epoch, logs: took.append(end(begun))
    )
    model.fit(x, y, batch_size=batch, epochs=int(warm_up / an_epoch) + epochs, verbose=0, callbacks=[told])
    return {'ms': 1000 * min(took[-epochs:]) / -(-len(x) // batch), 'first': first}


def begin(begun):
    begun[:] = [time.perf_counter()]


def end(begun):
    return time.perf_counter() - begun[0]


def column(name, cases, warm_up):
    """Dict, case -> milliseconds, of one process."""
    package, backend, *tuned = name.split(':')
    if not (package == 'cthulhu' or importlib.util.find_spec(package)) or not importlib.util.find_spec(backend):
        return {}
    path = os.pathsep.join([os.path.dirname(HERE), os.environ.get('PYTHONPATH', '')])
    environment = dict(os.environ, CTHULHU_BACKEND=backend, KERAS_BACKEND=backend, PYTHONPATH=path)
    command = [
        sys.executable,
        os.path.abspath(__file__),
        '--measure',
        package,
        '--warm-up',
        str(warm_up),
        '--cases',
        *cases,
    ] + ['--tuned'] * len(tuned)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    found = {}
    for line in done.stdout.split('\n'):
        if line.startswith('{'):
            one = json.loads(line)
            found[one['case']] = one['ms']
            print(f'{name} {line}', file=sys.stderr, flush=True)
    if not found:
        print(f'{name} failed: {done.stderr[-600:]}', file=sys.stderr, flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--cases', nargs='+', default=CASES, choices=CASES)
    parser.add_argument('--columns', nargs='+', default=COLUMNS)
    parser.add_argument('--warm-up', type=float, default=WARM_UP, help='seconds of training before steps are timed')
    parser.add_argument('--measure', help=argparse.SUPPRESS)
    parser.add_argument('--tuned', action='store_true', help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        return measure(given.measure, given.tuned, given.cases, given.warm_up)
    rounds = [{name: column(name, given.cases, given.warm_up) for name in given.columns} for _ in range(given.rounds)]
    print('| |', ' | '.join(given.columns), '|')
    print('|---' * (len(given.columns) + 1) + '|')
    for case in given.cases:
        cells = []
        for name in given.columns:
            values = [each[name][case] for each in rounds if each[name].get(case) is not None]
            cells.append(f'{statistics.median(values):.3g}' if values else '–')
        print(f'| {case} |', ' | '.join(cells), '|')


if __name__ == '__main__':
    main()
