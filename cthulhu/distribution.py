"""Several machines: `summon`, started once on each of N places by a launcher, is one training run with N shares of each batch.

    import cthulhu
    cthulhu.distribution.initialize()        # who is who comes from the launcher
    ...
    model.summon(x, y, batch_size=256)       # the batch of the whole run

What is equal on all ranks, who writes, and what happens when a rank is lost is in docs/machines.md.
"""

import json
import multiprocessing
import numbers
import os
import re
import sys

from cthulhu import backend as K
from cthulhu.backend.group import Group, RankLost
from cthulhu.engine.shared import is_first, keep_shares

__all__ = ['RankLost', 'barrier', 'count', 'initialize', 'is_first', 'keep_shares', 'leave', 'rank']

#: Seconds after which a rank that the others do not hear from, or wait for, is taken for lost.
TIMEOUT = 20.0


def initialize(address=None, count=None, rank=None, timeout=None):
    """Join the processes of one run. To be called in each of them, before a model is made.

    Arguments:
        address: 'host:port' at which rank 0 listens, and no other interface does.
        count: int, how many processes there are.
        rank: int from 0, which of them this is. Where none of the three is given, the launcher's variables say it: those of `torchrun` and Ray's
            TorchTrainer (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), TF_CONFIG, those of SLURM and of Open MPI; or `jax.distributed`, where it was begun.
        timeout: seconds after which a rank that the others do not hear from, or wait for, is taken for lost; by default the variable
            CTHULHU_DISTRIBUTION_TIMEOUT, or 20.

    Raises:
        ValueError: only some of the arguments are given, or nothing says who is who.
        NotImplementedError: the backend trains on one machine only.
        RuntimeError: this process has joined already, or its framework has begun to compute.
        RankLost: the others did not come in time.

    Example:
        >>> from cthulhu import distribution
        >>> distribution.initialize('10.0.0.1:2222', count=4, rank=int(os.environ['MY_NUMBER']))
    """
    given = [value for value in (address, count, rank) if value is not None]
    if given and len(given) < 3:
        raise ValueError('initialize: give `address`, `count` and `rank`, or none of them.')
    if not K.supports('ranks'):
        K.join_ranks(None)  # which says so
    if K.rank_group() is not None:
        raise RuntimeError(f'This process is rank {K.rank_group().rank} of {K.rank_group().count} already.')
    place = _Place('the arguments', rank, count, *_host_and_port(address)) if given else _launched()
    source = 'CTHULHU_DISTRIBUTION_TIMEOUT' if timeout is None else '`timeout`'
    timeout = _number('CTHULHU_DISTRIBUTION_TIMEOUT', TIMEOUT, float) if timeout is None else timeout
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real) or not timeout > 0:
        raise ValueError(f'{source} is a number of seconds above 0; got {timeout!r}.')
    group = Group(place.rank, place.count, (place.host, place.port), timeout, place.publish)
    group.connect()
    K.join_ranks(group)
    _tell_errors(group)
    if not group.rank:
        sys.stderr.write(
            f'{group.count} processes train together on the {K.backend()} backend, by {place.source}: rank 0 listens at {group.address[0]}:{group.address[1]}.\n'
        )


def join_if_asked():
    """`initialize()`, where CTHULHU_DISTRIBUTION=data asks for it; called when `cthulhu` is imported. Not in the worker processes of a Sequence.

    Raises:
        ValueError: the variable has another value.
    """
    wanted = os.environ.get('CTHULHU_DISTRIBUTION', '').strip()
    if not wanted or multiprocessing.current_process().name != 'MainProcess':
        return
    if wanted != 'data':
        raise ValueError(
            f'CTHULHU_DISTRIBUTION={wanted!r}: it can be `data`, for several processes that share each batch.'
        )
    initialize()


def leave():
    """Be a process of its own again, as far as the framework can."""
    K.leave_ranks()


def rank():
    """Which of the processes this is: int, 0 where it trains alone."""
    return 0 if K.rank_group() is None else K.rank_group().rank


def count():
    """How many processes train together: int, 1 where this one trains alone."""
    return 1 if K.rank_group() is None else K.rank_group().count


def barrier():
    """Wait until all ranks have come here.

    Raises:
        RankLost: one is lost.
    """
    if K.rank_group() is not None:
        K.rank_group().exchange(None)


def _tell_errors(group):
    """Have an error that ends this process be told to the others, who would wait for it."""
    before = sys.excepthook

    def hook(kind, error, trace):
        group.failed(error)
        before(kind, error, trace)

    sys.excepthook = hook


# -- launchers -------------------------------------------------------------------------------------------------


class _Place:
    """Who this process is, and where rank 0 is."""

    def __init__(self, source, rank, count, host, port, publish=None):
        self.source, self.rank, self.count = source, rank, count
        self.host, self.port, self.publish = host, port, publish
        for name, value in (('count', count), ('rank', rank)):
            if isinstance(value, bool) or not isinstance(value, numbers.Integral):
                raise ValueError(f'initialize: `{name}` is an int; got {value!r}.')
        if count < 1:
            raise ValueError(f'A run has at least one process; {source} say {count}.')
        if not 0 <= rank < count:
            raise ValueError(f'Of {count} processes the rank is one from 0 to {count - 1}; {source} say {rank}.')


def _launched():
    for found in (_of_framework, _of_torchrun, _of_tf_config, _of_slurm, _of_open_mpi):
        place = found(os.environ)
        if place is not None:
            return place
    raise ValueError(
        'Nothing says which process this is. Start the program by a launcher that sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT (torchrun, Ray), '
        'TF_CONFIG, or the variables of SLURM or Open MPI; or give `address`, `count` and `rank`.'
    )


def _of_framework(environ):
    """Who this process is where the launcher has told the framework alone, as Ray's JaxTrainer does."""
    found = K.active.launched() if K.supports('launched') else None
    return found and _Place('what JAX was told', *found)


def _of_torchrun(environ):
    if not {'RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'} <= set(environ):
        return None
    host, port = environ['MASTER_ADDR'], _number('MASTER_PORT', None, int)
    publish = None
    if K.supports('store_of_launcher'):
        publish = K.active.store_of_launcher(host, port)  # the launcher may listen at that port itself
    elif environ.get('TORCHELASTIC_USE_AGENT_STORE') == 'True':
        raise ValueError(
            f'torchrun listens at {host}:{port} itself, where only the backend of PyTorch can talk to it. Set CTHULHU_BACKEND=torch, or start the '
            'processes otherwise and give `address`, `count` and `rank`.'
        )
    source = 'RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT'
    return _Place(source, _number('RANK', None, int), _number('WORLD_SIZE', None, int), host, port, publish)


def _of_tf_config(environ):
    if not environ.get('TF_CONFIG'):
        return None
    try:
        config = json.loads(environ['TF_CONFIG'])
        cluster, task = config['cluster'], config['task']
        workers = [
            (kind, i, place) for kind in ('chief', 'master', 'worker') for i, place in enumerate(cluster.get(kind, ()))
        ]
        here = [i for i, (kind, index, _) in enumerate(workers) if (kind, index) == (task['type'], int(task['index']))]
        if not here:
            raise ValueError(f'the task {task["type"]} {task["index"]} is none of those that train')
        return _Place('TF_CONFIG', here[0], len(workers), *_host_and_port(workers[0][2]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f'TF_CONFIG is not understood ({type(error).__name__}: {error}): {environ["TF_CONFIG"]}'
        ) from error


def _of_slurm(environ):
    if not {'SLURM_PROCID', 'SLURM_NTASKS'} <= set(environ):
        return None
    nodes = environ.get('SLURM_STEP_NODELIST') or environ.get('SLURM_JOB_NODELIST') or 'localhost'
    # Jobs that share a machine have ports of their own.
    port = 20000 + _number('SLURM_JOB_ID', 0, int) % 20000
    host = environ.get('MASTER_ADDR') or first_node(nodes)
    port = _number('MASTER_PORT', port, int)
    return _Place(
        'the variables of SLURM', _number('SLURM_PROCID', None, int), _number('SLURM_NTASKS', None, int), host, port
    )


def first_node(nodes):
    """The first of a list of nodes as SLURM writes it: 'gpu[017-019,030],login1' -> 'gpu017'."""
    first = re.match(r'([^,\[]+)(?:\[([^\],-]+)[^\]]*\]([^,]*))?', nodes.strip())
    if first is None:
        raise ValueError(f'The list of nodes {nodes!r} is not understood.')
    name, number, rest = first.groups()
    return name if number is None else name + number + rest


def _of_open_mpi(environ):
    if not {'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'} <= set(environ):
        return None
    host = environ.get('MASTER_ADDR')
    if host is None:
        if environ.get('OMPI_COMM_WORLD_LOCAL_SIZE') != environ['OMPI_COMM_WORLD_SIZE']:
            raise ValueError(
                'Open MPI does not say where rank 0 is: set MASTER_ADDR (and MASTER_PORT) to its address, as in `mpirun -x MASTER_ADDR=10.0.0.1 ...`.'
            )
        host = '127.0.0.1'
    rank, count = _number('OMPI_COMM_WORLD_RANK', None, int), _number('OMPI_COMM_WORLD_SIZE', None, int)
    return _Place('the variables of Open MPI', rank, count, host, _number('MASTER_PORT', 29400, int))


def _number(name, default, kind):
    value = os.environ.get(name)
    if value is None and default is not None:
        return default
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise ValueError(f'{name}={value!r}: a number is expected.') from None


def _host_and_port(address):
    host, _, port = str(address).rpartition(':')
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise ValueError(
            f"`address` is 'host:port' with a port from 1 to 65535, such as '10.0.0.1:2222'; got {address!r}."
        )
    return host.strip('[]'), int(port)
