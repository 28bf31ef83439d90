"""The benchmark table: Cthulhu and every peer that is installed, each case in a process of its own, interleaved, medians.

    python benchmarks/run.py [--quick] [--repeats 5] [--cases small mlp ...] [--warm-up SECONDS] [--peer NAME=PYTHON:PACKAGE[@BACKEND][+tuned] ...]

A peer is any package with the interface of Keras, in any interpreter: `--peer "Keras 2.3.1=.venv37/bin/python:keras"`; this library on another backend,
`--peer "on JAX=python:cthulhu@jax"`; or `by_hand`, loops written in TensorFlow alone. With `+tuned` behind it, its models are compiled with
`steps_per_execution=50, jit_compile=True` (on PyTorch without the former, which Keras refuses there). Without `--peer`, the Keras of this interpreter is measured on each of its backends that is installed.
`CTHULHU_BACKEND=theano KERAS_BACKEND=theano` before the command measures that backend of both; with `--cold` no process finds code that another has compiled. Run it on a machine that does nothing else, and read ratios.
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [
    'small',
    'mlp',
    'cnn',
    'lstm',
    'transformer',
    'predict',
    'predict_on_batch',
    'train_on_batch',
    'import',
    'import_over_framework',
]


def columns(peers):
    """(name, interpreter, package, environment) of what is measured."""
    found = [('Cthulhu', sys.executable, 'cthulhu', {})]
    for peer in peers or ():
        name, _, rest = peer.partition('=')
        interpreter, _, package = rest.partition(':')
        package, _, tuned = package.partition('+')
        package, _, backend = package.partition('@')
        environment = {'CTHULHU_BACKEND': backend, 'KERAS_BACKEND': backend} if backend else {}
        found.append((name, interpreter, package + '+tuned' * bool(tuned), environment))
    if not peers and importlib.util.find_spec('keras'):
        for backend in ('tensorflow', 'jax'):
            if importlib.util.find_spec(backend):
                found.append(('Keras on ' + backend, sys.executable, 'keras', {'KERAS_BACKEND': backend}))
    return found


def measure(interpreter, package, environment, case, cold=False, warm_up=0.0):
    """The figures of one process, or None where it failed."""
    if cold:
        with tempfile.TemporaryDirectory() as folder:
            flags = {name: 'base_compiledir=' + folder for name in ('THEANO_FLAGS', 'PYTENSOR_FLAGS')}
            return measure(interpreter, package, dict(environment, **flags), case, warm_up=warm_up)
    path = os.pathsep.join([os.path.dirname(HERE)] + os.environ.get('PYTHONPATH', '').split(os.pathsep)).rstrip(
        os.pathsep
    )
    env = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3', PYTHONPATH=path, **environment)
    package, _, tuned = package.partition('+')
    done = subprocess.run(
        [interpreter, os.path.join(HERE, 'cases.py'), package, case, str(warm_up)] + [tuned] * bool(tuned),
        capture_output=True,
        env=env,
        text=True,
    )
    lines = [line for line in done.stdout.split('\n') if line.startswith('{')]
    if done.returncode or not lines:
        print('{}, {}: failed: {}'.format(package, case, done.stderr.strip().split('\n')[-1]), file=sys.stderr)
        return None
    return json.loads(lines[-1])


def version(interpreter, package, environment):
    package = package.partition('+')[0]
    package = 'tensorflow' if package == 'by_hand' else package
    backend = environment.get('KERAS_BACKEND', '')
    code = f"import importlib as i; print(*['{{}} {{}}'.format(n, i.import_module(n).__version__) for n in ('{package}', '{backend}') if n])"
    out = subprocess.run(
        [interpreter, '-c', code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ, PYTHONPATH=os.path.dirname(HERE), **environment),
    ).stdout
    return out.strip().split('\n')[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--quick', action='store_true', help='one run of each')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--cases', nargs='+', default=CASES, choices=CASES)
    parser.add_argument('--peer', action='append', help='NAME=PYTHON:PACKAGE')
    parser.add_argument('--warm-up', type=float, default=0.0, help='seconds of training before steps are timed')
    parser.add_argument('--cold', action='store_true', help='no compiled code of earlier processes (Theano)')
    options = parser.parse_args()
    found = columns(options.peer)
    repeats = 1 if options.quick else options.repeats
    print(
        '{}, {} cores. {}'.format(
            platform.platform(), os.cpu_count(), ', '.join(f'{name}: {version(*peer)}' for name, *peer in found)
        )
    )
    print('ms (first step, s)'.ljust(22) + ''.join(name.rjust(24) for name, _, _, _ in found))
    for case in options.cases:
        results = [[] for _ in found]
        for _ in range(repeats):  # turn about, so that what else the machine does falls on all
            for column, (_, interpreter, package, environment) in zip(results, found):
                figures = measure(interpreter, package, environment, case, options.cold, options.warm_up)
                if figures:
                    column.append(figures)
        cells = []
        for column in results:
            if not column:
                cells.append('failed')
                continue
            first = [f['first'] for f in column if f['first'] is not None]
            cells.append(
                '{:.3f}{}'.format(
                    statistics.median(f['ms'] for f in column), f' ({statistics.median(first):.2f})' if first else ''
                )
            )
        print(case.ljust(22) + ''.join(cell.rjust(24) for cell in cells), flush=True)


if __name__ == '__main__':
    main()
