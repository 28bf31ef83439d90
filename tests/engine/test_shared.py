"""Processes that share each batch have the numbers of one; what ends one of them ends all, with its name."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from cthulhu import backend as K
from tests.engine import twelve

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
needs_ranks = pytest.mark.skipif(not K.supports('ranks'), reason='the backend trains on one machine')
#: Whose numbers are those of one process, however the batches are shared.
FOUR = ['all_twelve', 'shuffled', 'sequence', 'in_turn', 'normalised_together', 'hdf5']
SAME = FOUR + ['of_many_kinds', 'reductions', 'own_shares', 'single_batches', 'other_rates', 'scores', 'stopped']
WRONG = ['other_data', 'other_model', 'other_weights', 'apart', 'failing']
CASES = {
    1: SAME + ['with_draws', 'whole'],
    2: SAME + ['with_draws', 'own_rows', 'kept', 'mixed_otherwise', 'counting_layers', 'bad_batch'] + WRONG,
    3: FOUR + ['failing'],
}


def free_port():
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return found.getsockname()[1]


def started(count, folder, names, limit=60):
    environ = dict(os.environ, PYTHONPATH=TOP, OMP_NUM_THREADS='1', LIMIT=str(limit), CTHULHU_BACKEND=K.backend())
    if 'device_count' in environ.get('XLA_FLAGS', ''):
        del environ['XLA_FLAGS']
    port, os.environ['PYTHONDONTWRITEBYTECODE'] = free_port(), '1'
    command = [sys.executable, '-W', 'ignore', '-m', 'tests.engine.shared_runs']
    return [
        subprocess.Popen(
            command + [str(rank), str(count), str(port), str(folder)] + names,
            env=environ, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for rank in range(count)
    ]  # fmt: skip


def ended(processes, seconds=900):
    """What they printed: list of str."""
    deadline, texts = time.monotonic() + seconds, []
    try:
        for process in processes:
            text, _ = process.communicate(timeout=max(1.0, deadline - time.monotonic()))
            texts.append(text.decode(errors='replace'))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return texts


def read(folder, name, rank):
    with open(os.path.join(str(folder), f'{name}{rank}.json')) as file:
        found = json.load(file)
    with np.load(os.path.join(str(folder), f'{name}{rank}.npz')) as file:
        found['weights'] = list(file.values())
    return found


def last_words(folder, name, rank, text):
    """The error of a rank, caught by its program or printed as it ended: gloo may leave who sends waiting when the other one closes its connection."""
    caught = (folder / f'{name}{rank}.json').exists()
    return read(folder, name, rank)['history']['error'] if caught else text


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """Number of processes -> the folder of what they did."""
    folders = {count: tmp_path_factory.mktemp(f'of{count}') for count in (1, 2, 3)}
    for count, folder in folders.items():
        texts = ended(started(count, folder, CASES[count]))
        for rank, text in enumerate(texts):
            (folder / f'said{rank}.txt').write_text(text)
            done = {name for name in CASES[count] if (folder / f'{name}{rank}.json').exists()}
            assert set(CASES[count]) - done <= {'failing'}, text
    return folders


@needs_ranks
@pytest.mark.parametrize('count,name', [(2, name) for name in SAME] + [(3, name) for name in FOUR])
def test_they_have_the_numbers_of_one(runs, count, name):
    one, ranks = read(runs[1], name, 0), [read(runs[count], name, rank) for rank in range(count)]
    for rank in ranks[1:]:
        assert rank['history'] == ranks[0]['history'] and rank['figures'] == ranks[0]['figures']
        for mine, first in zip(rank['weights'], ranks[0]['weights']):
            np.testing.assert_array_equal(mine, first)
    assert set(ranks[0]['history']) == set(one['history'])
    for key, values in one['history'].items():
        np.testing.assert_allclose(ranks[0]['history'][key], values, rtol=1e-5, atol=1e-5, err_msg=key)
    np.testing.assert_allclose(ranks[0]['figures'], one['figures'], rtol=1e-5, atol=1e-5)
    for mine, its in zip(ranks[0]['weights'], one['weights']):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=2e-5)


@needs_ranks
def test_they_have_the_numbers_of_keras(runs):
    with open(twelve.PATH) as source:
        expected = json.load(source)
    found = read(runs[3], 'all_twelve', 0)['history']
    for name in [make.__name__ for make in twelve.MODELS]:
        for key, values in expected[name]['history'].items():
            np.testing.assert_allclose(found[f'{name} {key}'], values, rtol=1e-4, atol=1e-5, err_msg=name)


@needs_ranks
def test_each_draws_for_its_share(runs):
    first, second = (read(runs[2], 'with_draws', rank)['history'] for rank in range(2))
    assert first == second != read(runs[1], 'with_draws', 0)['history']


@needs_ranks
def test_each_may_keep_the_rows_that_it_computed(runs):
    rows = [read(runs[2], 'own_rows', rank)['history']['rows'] for rank in range(2)]
    assert sorted(rows[0] + rows[1]) == list(range(31)) and len(rows[0]) == 15


@needs_ranks
@pytest.mark.parametrize('count', [2, 3])
def test_they_take_turns_in_computing_the_batches_of_a_slow_sequence(runs, count):
    by_rank = [read(runs[count], 'in_turn', rank)['computed'] for rank in range(count)]
    # Each computes the first batch of an epoch, by which they see whether all mix alike, and in the first epoch the second one, by which they see how long one takes.
    assert sorted(sum(by_rank, [])) == sorted([0] * 2 * count + [1] * (count + 1) + 2 * list(range(2, 8)))
    assert max(map(len, by_rank)) - min(map(len, by_rank)) <= 2


@needs_ranks
def test_what_one_rank_cannot_compute_ends_the_call_of_all(runs):
    errors = [read(runs[2], 'bad_batch', rank)['history']['errors'] for rank in range(2)]
    assert sorted(error[0] for error in errors) == [
        'OSError: cut short',
        'RuntimeError: Rank 0 could not compute batch 4 of the Sequence: OSError: cut short',
    ]
    assert {error[1] for error in errors} == {'The Sequence has 7 batches on rank 1, and 8 on rank 0.'}


@needs_ranks
def test_a_run_goes_on_from_the_backup_of_rank_0(runs):
    for rank in range(2):
        difference, epochs = read(runs[2], 'kept', rank)['figures']
        assert difference == 0.0 and epochs == 4


@needs_ranks
def test_a_run_goes_on_with_another_count_of_ranks(tmp_path, runs):
    ended(started(2, tmp_path, ['first_half']))
    assert (tmp_path / 'backup').exists()
    text = ended(started(3, tmp_path, ['whole']))[0]
    found, one = read(tmp_path, 'whole', 0), read(runs[1], 'whole', 0)
    assert len(found['history']['loss']) == 4, text
    np.testing.assert_allclose(found['history']['loss'], one['history']['loss'], rtol=1e-5)
    for mine, its in zip(found['weights'], one['weights']):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)


@needs_ranks
def test_a_callback_on_one_rank_ends_all(runs):
    for rank in range(2):
        epochs, epochs_of_early_stopping, is_written_by_the_first = read(runs[2], 'stopped', rank)['figures']
        assert (epochs, epochs_of_early_stopping, is_written_by_the_first) == (1, 2, 1)


@needs_ranks
def test_who_has_other_data_is_named(runs):
    for rank in range(2):
        error = read(runs[2], 'other_data', rank)['history']['error']
        assert error == 'Rank 1 does not run what rank 0 runs: samples is 40 there, and 50 on rank 0.'


@needs_ranks
@pytest.mark.parametrize('name,part', [
    ('other_model', "Rank 1 does not run what rank 0 runs: layer number 1 is 'Daoloth relu' there, and 'Daoloth tanh' on rank 0."),
    ('other_weights', 'After the epoch rank 1 has other weights than rank 0'),
    ('apart', 'Rank 1 is at the end of an epoch, and rank 0 at the beginning of a call'),
])  # fmt: skip
def test_who_does_something_else_is_named(runs, name, part):
    for rank in range(2):
        assert part in read(runs[2], name, rank)['history']['error']


@needs_ranks
def test_a_sequence_that_each_mixes_otherwise_is_warned_of(runs):
    for rank in range(2):
        found = read(runs[2], 'mixed_otherwise', rank)['history']
        assert found['before'] == 0 and len(found['said']) == 1
        assert 'Batches gives has other targets on rank 1 than on rank 0' in found['said'][0]


@needs_ranks
def test_layers_that_add_up_what_samples_give_are_told(runs):
    for rank in range(2):
        warning, error = read(runs[2], 'counting_layers', rank)['history']['said']
        assert 'the mean counts, weighted by their samples' in warning and 'in integers must not depend' in error


@needs_ranks
@pytest.mark.parametrize('count', [2, 3])
def test_an_error_on_one_rank_is_told_to_all(runs, count):
    for rank in range(count - 1):
        said = last_words(runs[count], 'failing', rank, (runs[count] / f'said{rank}.txt').read_text())
        assert f"Rank {count - 1} failed: KeyError: 'lost my notes'" in said, said
    assert not (runs[count] / f'failing{count - 1}.json').exists()


@needs_ranks
@pytest.mark.parametrize('lost,way', [(0, 'SIGKILL'), (1, 'SIGKILL'), (2, 'SIGSTOP')])
def test_a_rank_that_is_lost_is_named(tmp_path, lost, way):
    processes = started(3, tmp_path, ['forever'], limit=8)
    deadline = time.monotonic() + 120
    steps = [tmp_path / f'step{rank}' for rank in range(3)]
    while not all(step.exists() for step in steps):
        assert time.monotonic() < deadline and all(process.poll() is None for process in processes), ended(processes, 5)
        time.sleep(0.1)
    os.kill(processes[lost].pid, getattr(signal, way))
    others = [process for rank, process in enumerate(processes) if rank != lost]
    texts = ended(others, 60)
    processes[lost].kill()
    processes[lost].communicate()
    for rank, text in zip([rank for rank in range(3) if rank != lost], texts):
        assert f'Rank {lost} ' in last_words(tmp_path, 'forever', rank, text), text
