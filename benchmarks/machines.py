"""What sharing a training over processes costs: milliseconds a step of one process, and of two with the same work for each, beside what else does it.

    python benchmarks/machines.py [--rounds 3]

With CTHULHU_BACKEND=torch beside PyTorch's DistributedDataParallel in a loop written by hand, with jax beside Keras 3 (`keras.distribution.DataParallel`), where those are installed.
Dense networks of dim-dim-10, 16 samples for each process, Adam. All processes are on this machine, each with one thread, and talk over its loopback interface; each figure is the
median of the epochs of all rounds, which take turns.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
SHARE, STEPS, EPOCHS = 16, 60, 6


def data(dim, count):
    random = np.random.RandomState(0)
    samples = SHARE * count * STEPS
    return random.normal(size=(samples, dim)).astype('float32'), random.randint(0, 10, samples)


def ours(dim, rank, count, port):
    import cthulhu
    from cthulhu import layers, models

    if count > 1:
        cthulhu.distribution.initialize(f'127.0.0.1:{port}', count, rank)
    model = models.Pile([layers.Daoloth(dim, activation='relu', input_shape=(dim,)), layers.Daoloth(10, activation='softmax')])  # fmt: skip
    # Of one process too each step is a call, as it is with several.
    model.conjure('adam', 'sparse_categorical_crossentropy', steps_per_execution=1)
    return model.summon, cthulhu.callbacks.Callback, {'batch_size': SHARE * count}


def keras(dim, rank, count, port):
    os.environ['KERAS_BACKEND'] = 'jax'
    import jax

    if count > 1:
        jax.config.update('jax_cpu_collectives_implementation', 'gloo')
        jax.distributed.initialize(f'127.0.0.1:{port}', count, rank)
    import keras

    keras.utils.set_random_seed(0)  # all have to begin alike
    if count > 1:
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=keras.distribution.list_devices(), auto_shard_dataset=False))  # fmt: skip
    model = keras.Sequential([keras.Input((dim,)), keras.layers.Dense(dim, activation='relu'), keras.layers.Dense(10, activation='softmax')])  # fmt: skip
    model.compile('adam', 'sparse_categorical_crossentropy')
    return model.fit, keras.callbacks.Callback, {'batch_size': SHARE}


def timed(make, dim, rank, count, port):
    """Milliseconds a step of each epoch but the first two."""
    summon, base, options = make(dim, rank, count, port)
    x, y = data(dim, count)
    if make is keras:  # each process has its own share
        x, y = x[rank::count], y[rank::count]
    times = []

    class Clock(base):
        def on_epoch_end(self, epoch, logs=None):
            times.append(time.perf_counter())

    summon(x, y, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[Clock()], **options)
    return [1e3 * (b - a) / STEPS for a, b in zip(times[1:], times[2:])]


def by_hand(dim, rank, count, port):
    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    model = torch.nn.Sequential(torch.nn.Linear(dim, dim), torch.nn.ReLU(), torch.nn.Linear(dim, 10))
    if count > 1:
        dist.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=count)
        model = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    x, y = data(dim, count)
    x, y = torch.from_numpy(x[rank::count].copy()), torch.from_numpy(y[rank::count].copy())
    times = []
    for _ in range(EPOCHS):
        total = 0.0
        for i in range(STEPS):
            rows = slice(i * SHARE, (i + 1) * SHARE)
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            if count > 1:  # which the progress shows
                shown = loss.detach().clone()
                dist.all_reduce(shown)
                loss = shown / count
            total += float(loss)
        times.append(time.perf_counter())
    return [1e3 * (b - a) / STEPS for a, b in zip(times[1:], times[2:])]


def child(who, dim, rank, count, port):
    figures = by_hand(dim, rank, count, port) if who == 'by hand' else timed({'ours': ours, 'keras': keras}[who], dim, rank, count, port)  # fmt: skip
    if rank == 0:
        print('FIGURES', json.dumps(figures), flush=True)
    os._exit(0)  # some wait for each other at the end


def run(who, dim, count):
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        port = found.getsockname()[1]
    threads = '--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1'
    environ = dict(os.environ, OMP_NUM_THREADS='1', XLA_FLAGS=threads, PYTHONPATH=os.path.dirname(HERE), TF_CPP_MIN_LOG_LEVEL='3')  # fmt: skip
    command = [sys.executable, '-W', 'ignore', os.path.abspath(__file__), '--child', who, str(dim)]
    processes = [
        subprocess.Popen(command + [str(rank), str(count), str(port)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for rank in range(count)
    ]  # fmt: skip
    texts = [process.communicate(timeout=300) for process in processes]
    lines = [line for line in texts[0][0].decode().split('\n') if line.startswith('FIGURES ')]
    if not lines:
        raise SystemExit(f'{who} failed:\n{texts[0][1].decode()[-2000:]}')
    return json.loads(lines[0][len('FIGURES ') :])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=3)
    given = parser.parse_args()
    backend = os.environ.get('CTHULHU_BACKEND', 'tensorflow')
    everyone = {'torch': ['ours', 'by hand'], 'jax': ['ours', 'keras']}.get(backend, ['ours'])
    print(f'{backend}, {os.cpu_count()} cores, medians of {given.rounds} rounds, milliseconds a step')
    print(f'{"":10}{"dim":>6}{"one":>9}{"two":>9}{"more":>9}')
    found = {}
    for _ in range(given.rounds):
        for dim in (64, 1024):
            for who in everyone:
                for count in (1, 2):
                    found.setdefault((dim, who, count), []).extend(run(who, dim, count))
    for dim in (64, 1024):
        for who in everyone:
            one, two = (statistics.median(found[dim, who, count]) for count in (1, 2))
            print(f'{who:10}{dim:>6}{one:>9.3f}{two:>9.3f}{two - one:>9.3f}')


if __name__ == '__main__':
    if sys.argv[1:2] == ['--child']:
        child(sys.argv[2], *map(int, sys.argv[3:]))
    main()
