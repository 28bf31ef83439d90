"""Which process of a run this is, as launchers say it; and runs under launchers."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import distribution
from tests.engine.test_shared import TOP, ended, free_port, needs_ranks

EXAMPLE = os.path.join(TOP, 'examples', 'distributed', 'digits.py')
VARIABLES = (
    'RANK WORLD_SIZE MASTER_ADDR MASTER_PORT TF_CONFIG SLURM_PROCID SLURM_NTASKS SLURM_JOB_ID SLURM_STEP_NODELIST SLURM_JOB_NODELIST '
    'OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_LOCAL_SIZE TORCHELASTIC_USE_AGENT_STORE CTHULHU_DISTRIBUTION'
).split()
WORKERS = {'chief': ['a.local:2222'], 'worker': ['b.local:2223', '[::1]:2224'], 'ps': ['c:1']}


@pytest.fixture
def environ(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


def launched():
    found = distribution._launched()
    return found.rank, found.count, found.host, found.port


@pytest.mark.parametrize(
    'variables,expected',
    [
        ({'RANK': '2', 'WORLD_SIZE': '4', 'MASTER_ADDR': '10.0.0.1', 'MASTER_PORT': '2222'}, (2, 4, '10.0.0.1', 2222)),
        ({'TF_CONFIG': json.dumps({'cluster': WORKERS, 'task': {'type': 'chief', 'index': 0}})}, (0, 3, 'a.local', 2222)),
        ({'TF_CONFIG': json.dumps({'cluster': WORKERS, 'task': {'type': 'worker', 'index': '1'}})}, (2, 3, 'a.local', 2222)),
        ({'SLURM_PROCID': '1', 'SLURM_NTASKS': '2', 'SLURM_JOB_ID': '4711', 'SLURM_STEP_NODELIST': 'gpu[017-019],x1'}, (1, 2, 'gpu017', 24711)),
        ({'SLURM_PROCID': '0', 'SLURM_NTASKS': '1', 'MASTER_ADDR': 'head', 'MASTER_PORT': '7'}, (0, 1, 'head', 7)),
        ({'OMPI_COMM_WORLD_RANK': '1', 'OMPI_COMM_WORLD_SIZE': '2', 'OMPI_COMM_WORLD_LOCAL_SIZE': '2'}, (1, 2, '127.0.0.1', 29400)),
        ({'OMPI_COMM_WORLD_RANK': '1', 'OMPI_COMM_WORLD_SIZE': '2', 'MASTER_ADDR': 'head'}, (1, 2, 'head', 29400)),
    ],
)  # fmt: skip
def test_launchers_say_who_is_who(environ, variables, expected):
    for name, value in variables.items():
        environ(name, value)
    assert launched() == expected


@pytest.mark.parametrize(
    'variables,message',
    [
        ({}, 'Nothing says which process this is'),
        ({'RANK': 'two', 'WORLD_SIZE': '4', 'MASTER_ADDR': 'a', 'MASTER_PORT': '2'}, "RANK='two': a number is expected"),
        ({'RANK': '4', 'WORLD_SIZE': '4', 'MASTER_ADDR': 'a', 'MASTER_PORT': '2'}, 'from 0 to 3; RANK'),
        ({'TF_CONFIG': '{'}, 'TF_CONFIG is not understood'),
        ({'TF_CONFIG': json.dumps({'cluster': WORKERS, 'task': {'type': 'ps', 'index': 0}})}, 'ps 0 is none of those that train'),
        ({'OMPI_COMM_WORLD_RANK': '1', 'OMPI_COMM_WORLD_SIZE': '4', 'OMPI_COMM_WORLD_LOCAL_SIZE': '2'}, 'set MASTER_ADDR'),
    ],
)  # fmt: skip
def test_what_they_say_wrongly_is_named(environ, variables, message):
    for name, value in variables.items():
        environ(name, value)
    with pytest.raises(ValueError, match=message):
        distribution._launched()


@pytest.mark.parametrize(
    'nodes,first',
    [('localhost', 'localhost'), ('n1,n2', 'n1'), ('n[3,5-7]', 'n3'), ('rack-2-n[010-012]-ib,x', 'rack-2-n010-ib')],
)
def test_the_first_of_nodes(nodes, first):
    assert distribution.first_node(nodes) == first


def test_a_process_that_trains_alone():
    assert (distribution.rank(), distribution.count(), distribution.is_first()) == (0, 1, True)
    assert K.rank_group() is None
    distribution.barrier()
    distribution.leave()


def test_what_initialize_refuses(environ):
    with pytest.raises(ValueError, match='give `address`, `count` and `rank`, or none'):
        distribution.initialize('127.0.0.1:1')
    if not K.supports('ranks'):
        with pytest.raises(NotImplementedError, match=f'{K.backend()} backend trains on one machine'):
            distribution.initialize('127.0.0.1:1', 2, 0)
        return
    with pytest.raises(ValueError, match="'host:port'"):
        distribution.initialize('localhost', 2, 0)
    with pytest.raises(ValueError, match='0 to 1'):
        distribution.initialize('127.0.0.1:1', 2, 2)


def test_only_data_is_shared(environ):
    environ('CTHULHU_DISTRIBUTION', 'model')
    with pytest.raises(ValueError, match="CTHULHU_DISTRIBUTION='model': it can be `data`"):
        distribution.join_if_asked()


def run_example(variables, folder):
    environ = dict(os.environ, PYTHONPATH=TOP, OMP_NUM_THREADS='1', CTHULHU_BACKEND=K.backend())
    if 'device_count' in environ.get('XLA_FLAGS', ''):
        del environ['XLA_FLAGS']
    processes = []
    for each in variables:
        command = [sys.executable, '-W', 'ignore', EXAMPLE, '--quick']
        pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT}
        processes.append(subprocess.Popen(command, env=dict(environ, **each), cwd=str(folder), **pipes))
    return ended(processes)


@needs_ranks
def test_a_run_of_one_process(tmp_path):
    program = tmp_path / 'program.py'
    program.write_text(
        'import sys, numpy as np, cthulhu\n'
        "cthulhu.distribution.initialize('127.0.0.1:' + sys.argv[1], 1, 0)\n"
        'model = cthulhu.Pile([cthulhu.layers.Daoloth(1, input_shape=(2,))])\n'
        "model.conjure('sgd', 'mse')\n"
        'x = np.ones((9, 2))\n'
        'for epochs in (1, 2):\n'
        "    backup = cthulhu.callbacks.BackupAndRestore('backup', delete_checkpoint=False)\n"
        '    history = model.summon(x, x[:, 0], epochs=epochs, verbose=0, callbacks=[backup]).history\n'
        'cthulhu.distribution.leave()\n'
        "print(len(history['loss']), cthulhu.distribution.count(), model.predict(x).shape)\n"
    )
    command = [sys.executable, '-W', 'ignore', str(program), str(free_port())]
    environ = dict(os.environ, PYTHONPATH=TOP, CTHULHU_BACKEND=K.backend())
    done = subprocess.run(command, env=environ, cwd=str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)  # fmt: skip
    assert '2 1 (9, 1)' in done.stdout.decode(), done.stdout.decode()


@needs_ranks
@pytest.mark.parametrize('launcher', ['TF_CONFIG', 'SLURM'])
def test_the_example_under_a_launcher(tmp_path, launcher):
    port, host = free_port(), '127.0.0.1'
    if launcher == 'SLURM':
        shared = {'SLURM_NTASKS': '2', 'SLURM_STEP_NODELIST': host, 'MASTER_PORT': str(port)}
        variables = [dict(shared, SLURM_PROCID=str(rank)) for rank in range(2)]
    else:
        cluster = {'worker': [f'{host}:{port}', f'{host}:{free_port()}']}
        tasks = [{'type': 'worker', 'index': rank} for rank in range(2)]
        variables = [{'TF_CONFIG': json.dumps({'cluster': cluster, 'task': task})} for task in tasks]
    first, second = run_example(variables, tmp_path)
    assert f'2 processes train together on the {K.backend()} backend' in first and 'by 2 processes' in first
    accuracy = float(first.split('accuracy on images held out: ')[1].split(',')[0])
    assert accuracy > 0.9
    assert 'Epoch' in first and 'Epoch' not in second and 'accuracy' not in second


@pytest.mark.skipif(not K.supports('launched'), reason='the framework knows of no processes')
def test_processes_that_the_framework_was_told_of(tmp_path):
    program = tmp_path / 'program.py'
    program.write_text(
        'import sys, jax\n'
        "jax.config.update('jax_cpu_collectives_implementation', 'gloo')\n"
        "jax.distributed.initialize('127.0.0.1:' + sys.argv[2], 2, int(sys.argv[1]))\n"
        'import cthulhu\n'
        'cthulhu.distribution.initialize()\n'
        'print(cthulhu.distribution.rank(), cthulhu.backend.rank_group().exchange(int(sys.argv[1])))\n'
    )
    port, environ = str(free_port()), dict(os.environ, PYTHONPATH=TOP)
    if 'device_count' in environ.get('XLA_FLAGS', ''):
        del environ['XLA_FLAGS']
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT}
    command = [sys.executable, '-W', 'ignore', str(program)]
    texts = ended([subprocess.Popen(command + [str(rank), port], env=environ, **pipes) for rank in range(2)])
    for rank, text in enumerate(texts):
        assert f'{rank} [0, 1]' in text, text


@pytest.mark.skipif(not K.supports('store_of_launcher'), reason='torchrun listens at its port itself')
def test_a_run_that_its_launcher_starts_again(tmp_path):
    """One rank kills itself in the first start; the second one ends as a run that nothing happened to."""
    program = tmp_path / 'program.py'
    program.write_text(
        'import os, signal, sys\n'
        f'sys.path.insert(0, {os.path.dirname(EXAMPLE)!r})\n'
        'import digits\n'
        'from cthulhu.callbacks import LuKthuCallback\n'
        'def die(epoch, logs):\n'
        "    if epoch == 3 and os.environ['RANK'] == sys.argv[3] and os.environ['TORCHELASTIC_RESTART_COUNT'] == '0':\n"
        '        os.kill(os.getpid(), signal.SIGKILL)\n'
        'from cthulhu.models import Pile\n'
        'plain = Pile.summon\n'
        'def summon(self, *args, callbacks, **kwargs):\n'
        '    return plain(self, *args, callbacks=callbacks + [LuKthuCallback(on_epoch_begin=die)], **kwargs)\n'
        'Pile.summon = summon\n'
        "digits.main(['--quick', '--backup', sys.argv[1], '--save', sys.argv[2]])\n"
    )
    environ = dict(os.environ, PYTHONPATH=TOP, OMP_NUM_THREADS='1')
    weights = []
    for doomed in ('1', '0', 'none'):
        saved = str(tmp_path / f'{doomed}.npz.h5')
        command = [
            sys.executable,
            '-W',
            'ignore',
            '-m',
            'torch.distributed.run',
            '--nproc-per-node',
            '2',
            '--max-restarts',
            '1',
            '--monitor-interval',
            '0.2',
        ]
        command += ['--master-port', str(free_port()), str(program), str(tmp_path / f'backup{doomed}'), saved, doomed]  # fmt: skip
        done = subprocess.run(command, env=environ, cwd=str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)  # fmt: skip
        assert done.returncode == 0 and os.path.exists(saved), done.stdout.decode()[-3000:]
        assert ('Going on after epoch 3' in done.stdout.decode()) == (doomed != 'none')
        import h5py

        with h5py.File(saved, 'r') as file:
            found = []
            file.visititems(lambda name, item, found=found: found.append(item[()]) if hasattr(item, 'dtype') else None)
        weights.append(found)
    for other in weights[:2]:
        for mine, its in zip(other, weights[2]):
            np.testing.assert_array_equal(mine, its)
