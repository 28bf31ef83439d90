"""Several processes as one: sums over them, and what is said where one is lost. This file is also the program that each of them runs."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.backend.group import Group, RankLost

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHAPES = (2, 3), (4,), (), (1, 2, 2), (5, 0)
DTYPES = 'float32', 'float64', 'int32', 'int64', 'float16', 'uint8'
LENGTHS = 3, 1000, 1, 0, 70000, 3
#: Backends whose framework cannot be told of other processes once it has computed something.
FIRST_THING = ('jax',)

has_ranks = pytest.mark.skipif(not K.supports('ranks'), reason='the backend trains on one machine')


def given(rank):
    """What a rank gives: an array of each shape and dtype."""
    random = np.random.RandomState(rank)
    return [np.asarray(10 * random.rand(*shape), dtype) for dtype in DTYPES for shape in SHAPES]


def data(rank):
    random = np.random.RandomState(rank)
    return random.rand(8, 5).astype('float32'), random.rand(8, 2).astype('float32')


def arrays_of(rank, length):
    return [np.arange(length) + rank, np.full((length, 2), 0.1 * (rank + 1)), np.full(length, rank + 0.1, 'float32')]


# The program of each process.


def sums(rank):
    """Tensors in one function, with others that are summed apart from them."""
    arrays = given(rank)
    inputs = [K.placeholder(x.shape, dtype=str(x.dtype)) for x in arrays]
    own = K.variable(np.full((3, 3), rank + 1.0))
    apart = [K.sum_over_ranks([own * float(i)])[0] for i in range(4)]
    add = K.function(inputs, K.sum_over_ranks(inputs) + apart)
    for _ in range(2):
        found = add(arrays)
    return found


def trained(rank):
    """The weights after some steps with the gradients of all ranks."""
    x, y = K.placeholder((8, 5)), K.placeholder((8, 2))
    weights = [K.variable(np.linspace(-1, 1, 35).reshape(5, 7)), K.variable(np.linspace(1, -1, 14).reshape(7, 2))]
    loss = K.sum(K.square(K.dot(K.tanh(K.dot(x, weights[0])), weights[1]) - y))
    whole, *gradients = K.sum_over_ranks([loss] + K.gradients(loss, weights))
    step = K.function([x, y], [whole], updates=[(w, w - 0.01 * g) for w, g in zip(weights, gradients)])
    losses = [step(list(data(rank)))[0] for _ in range(5)]
    return [np.stack(losses)] + K.batch_get_value(weights)


def slopes(rank):
    """Gradients through a sum."""
    x = K.placeholder((3,))
    loss = K.sum(K.square(K.sum_over_ranks([x])[0])) * (rank + 1.0)
    return K.function([x], K.gradients(loss, [x]))([np.arange(3) + rank])


def own_slopes(rank):
    """Gradients through a sum of a sum, each of which is used beside what it is of, what has no slope, and what is chosen."""
    x, weights = K.placeholder((3,)), K.variable(WEIGHTS)
    y = K.tanh(x * weights)
    first, count = K.sum_over_ranks([y, K.ones((1,))])
    z = y * K.square(first) / count + K.stop_gradient(first) + K.cast(K.argmax(first), 'float32')
    second = K.sum_over_ranks(K.sum_over_ranks([K.sum(z * first)]))[0]
    loss = K.sum(K.square(K.switch(K.greater(second, 0.0), z * second + weights, z)) * first)
    slopes = K.gradients(loss, [weights, x]) + K.gradients(loss, [first]) + K.gradients(loss, [y])
    slopes += K.gradients(K.sum(K.square(slopes[1]) * weights), [weights])
    return K.function([x], slopes)([numbers(rank)])


WEIGHTS = 0.5, -1.0, 2.0


def numbers(rank):
    return 0.1 * np.arange(3) + 0.2 * rank


def slopes_by_differences(rank, count):
    """What `own_slopes` gives: how the loss of all ranks changes with each of a rank's own numbers; and the last, of slopes, with its weights."""

    def loss(changes, held):
        of_weights, of_x, of_first, of_y = changes
        weights = np.array(WEIGHTS) + of_weights
        y = np.tanh((np.stack([numbers(r) for r in range(count)]) + of_x) * weights) + of_y
        first = y.sum(0) + of_first
        held = first if held is None else held
        z = y * first**2 / count + held + first.argmax(1)[:, None]
        second = count * (z * first).sum()
        assert second > 1
        return np.sum((z * second + weights) ** 2 * first), first

    def slope(function, place, r, i, step):
        change = np.zeros((4, count, 3))
        change[place, r, i] = step
        return (function(change) - function(-change)) / (2 * step)

    held = loss(np.zeros((4, count, 3)), None)[1]

    def of_slopes(before):
        at = [
            [slope(lambda change: loss(before + change, held)[0], 1, r, i, 1e-4) for i in range(3)]
            for r in range(count)
        ]
        return np.sum(np.square(at) * (np.array(WEIGHTS) + before[0]))

    found = [
        [slope(lambda change: loss(change, held)[0], place, rank, i, 1e-6) for i in range(3)] for place in range(4)
    ]
    return list(map(np.array, found + [[slope(of_slopes, 0, rank, i, 1e-4) for i in range(3)]]))


def meet_fate(fate, doomed, rank, group):
    """How long the last sum took, and what was said; [] if all went well."""
    x = K.placeholder((3,))
    add = K.function([x], K.sum_over_ranks([x]))
    for i in range(1000):
        if rank == doomed and i == 5:
            os.kill(os.getpid(), {'killed': signal.SIGKILL, 'stopped': signal.SIGSTOP}[fate])
        began = time.monotonic()
        try:
            with group.collective():
                add([np.ones(3)])
        except RankLost as error:
            return [np.float64(time.monotonic() - began), np.asarray(str(error))]
    return []


def run_rank(rank, count, port, timeout, with_sums, fate, doomed, folder):
    group = Group(rank, count, ('127.0.0.1', port), timeout=timeout).connect()
    early = None
    if K.backend() not in FIRST_THING:
        early = K.variable(1.0)
        K.set_value(early, 2.0)
    K.join_ranks(group)
    assert K.rank_group() is group
    results = {'fate': []}
    if with_sums:
        results['sums'] = sums(rank)
        assert early is None or K.get_value(early) == 2
        results['slopes'], results['own'] = slopes(rank), own_slopes(rank)
        results['arrays'] = [x for n in LENGTHS for x in K.sum_arrays_over_ranks(arrays_of(rank, n))]
        K.clear_session()
        results['trained'] = trained(rank)
    if fate != 'left':
        results['fate'] = meet_fate(fate, doomed, rank, group)
    else:
        K.sum_arrays_over_ranks([np.ones(2)])
        time.sleep(0 if rank == doomed else 1)
    K.leave_ranks()
    flat = {f'{name}_{i:03}': x for name, values in results.items() for i, x in enumerate(values)}
    np.savez(os.path.join(folder, f'{rank}.npz'), **flat)


# Those who start it.


class Run:
    """`count` processes, and what each has left behind.

    Attributes:
        codes: list of exit codes.
        results: dict, rank -> {name: list of arrays}, of those that came to an end.
        said: list of what each wrote.
    """

    def __init__(self, count, folder, with_sums, fate, doomed, timeout):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        environment = dict(os.environ, CTHULHU_BACKEND=K.backend(), PYTHONPATH=ROOT)
        options = [port, timeout, int(with_sums), fate, doomed, str(folder)]
        processes = []
        for rank in range(count):
            command = [sys.executable, os.path.abspath(__file__)] + [str(x) for x in [rank, count] + options]
            with open(str(folder / f'{rank}.txt'), 'wb') as file:
                processes.append(subprocess.Popen(command, env=environment, cwd=ROOT, stdout=file, stderr=file))
        try:
            deadline = time.monotonic() + 60
            for rank, process in enumerate(processes):
                if (rank, fate) != (doomed, 'stopped'):
                    process.wait(deadline - time.monotonic())
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
            self.codes = [process.wait() for process in processes]
            self.said = [(folder / f'{rank}.txt').read_text() for rank in range(count)]
        self.results = {}
        for rank in range(count):
            if (folder / f'{rank}.npz').exists():
                with np.load(str(folder / f'{rank}.npz')) as file:
                    self.results[rank] = results = {}
                    for name in sorted(file.files):
                        results.setdefault(name.rpartition('_')[0], []).append(file[name])


@pytest.fixture
def run(tmp_path):
    def start(count, with_sums=False, fate='left', doomed=0, timeout=20):
        return Run(count, tmp_path, with_sums, fate, doomed, timeout)

    return start


def check_sums(results, count):
    expected = [sum(arrays) for arrays in zip(*map(given, range(count)))]
    expected += [np.full((3, 3), i * sum(range(1, count + 1))) for i in range(4)]
    check(results['sums'], expected, [x.dtype for x in given(0)] + ['float32'] * 4, 2e-3)
    expected = [sum(arrays) for n in LENGTHS for arrays in zip(*[arrays_of(rank, n) for rank in range(count)])]
    check(results['arrays'], expected, [x.dtype for x in expected], 1e-6)
    slope = 2 * sum(np.arange(3) + rank for rank in range(count)) * sum(range(1, count + 1))
    check(results['slopes'], [slope], ['float32'], 1e-5)
    check(results['trained'], trained_alone(count), ['float32'] * 3, 1e-5)


def check(found, expected, dtypes, tolerance):
    assert len(found) == len(expected)
    for x, wanted, dtype in zip(found, expected, dtypes):
        assert (x.shape, x.dtype) == (np.shape(wanted), dtype)
        np.testing.assert_allclose(x, wanted, rtol=tolerance if dtype == 'float16' else min(tolerance, 1e-5))


def trained_alone(count):
    """What `trained` gives, of the data of all ranks."""
    x, y = [np.concatenate(parts).astype('float64') for parts in zip(*map(data, range(count)))]
    first, second = np.linspace(-1, 1, 35).reshape(5, 7), np.linspace(1, -1, 14).reshape(7, 2)
    losses = []
    for _ in range(5):
        hidden = np.tanh(x.dot(first))
        error = hidden.dot(second) - y
        losses.append(np.sum(error**2))
        slopes = x.T.dot((2 * error).dot(second.T) * (1 - hidden**2)), hidden.T.dot(2 * error)
        first, second = first - 0.01 * slopes[0], second - 0.01 * slopes[1]
    return [np.array(losses), first, second]


def check_fate(ended, doomed, within):
    for rank, results in ended.results.items():
        took, said = results['fate']
        assert f'rank {doomed}' in str(said).lower(), ended.said[rank]
        assert took < within
        for name, values in results.items():
            if name not in ('fate', 'own'):
                others = ended.results[min(ended.results)][name]
                assert [x.tobytes() for x in values] == [x.tobytes() for x in others], name


@has_ranks
@pytest.mark.parametrize('count, doomed', [(2, 0), (3, 2)])
def test_sums_until_one_is_killed(run, count, doomed):
    ended = run(count, True, 'killed', doomed)
    others = [rank for rank in range(count) if rank != doomed]
    assert sorted(ended.results) == others, ended.said
    assert [ended.codes[rank] for rank in others] == [0] * len(others), ended.said
    check_sums(ended.results[others[0]], count)
    for rank in others:
        check(ended.results[rank]['own'], slopes_by_differences(rank, count), ['float32'] * 5, 1e-5)
    check_fate(ended, doomed, within=20)


@has_ranks
def test_one_is_stopped(run):
    ended = run(2, fate='stopped', doomed=1, timeout=6)
    assert ended.codes[0] == 0 and 0 in ended.results, ended.said
    check_fate(ended, 1, within=6 + 5 + 14)


@has_ranks
def test_one_leaves_before_the_other(run):
    ended = run(2, doomed=0)
    assert ended.codes == [0, 0], ended.said


@has_ranks
def test_after_the_first_computation():
    assert K.eval(K.variable(1.0) + 1.0) == 2
    group = Group(0, 1, ('127.0.0.1', 0)).connect()
    try:
        if K.backend() in FIRST_THING:
            with pytest.raises(RuntimeError, match='before'):
                K.join_ranks(group)
            assert K.rank_group() is None
        else:
            K.join_ranks(group)
            with pytest.raises(RuntimeError, match='rank 0 of 1 already'):
                K.join_ranks(group)
            np.testing.assert_array_equal(K.sum_arrays_over_ranks([np.arange(3)])[0], np.arange(3))
    finally:
        K.leave_ranks()
        group.leave()


@pytest.mark.skipif(K.supports('ranks'), reason='the backend trains on several machines')
def test_backends_of_one_machine():
    with pytest.raises(NotImplementedError, match='trains on one machine'):
        K.join_ranks(Group(0, 1, ('127.0.0.1', 0)).connect())


if __name__ == '__main__':
    rank, count, port, timeout, with_sums, fate, doomed, folder = sys.argv[1:]
    run_rank(int(rank), int(count), int(port), float(timeout), int(with_sums), fate, int(doomed), folder)
