"""Sums over processes, by the collectives of XLA: gloo on processors, NCCL on GPUs."""

import contextlib
import functools
import os
import re
import socket

import jax
import jax.extend.backend
import jax.numpy as jnp
import numpy as np

from cthulhu.backend.chatter import filtered
from cthulhu.backend.deferred import recorded
from cthulhu.backend.jax import device
from cthulhu.backend.jax.device import exact
from cthulhu.backend.jax.parts import SUM

try:  # what JAX has no public name for, and would do without, worse
    from jax._src import distributed, xla_bridge
    from jax._src.lib import _jax
except ImportError:
    distributed = xla_bridge = _jax = None


class JAXRanks:
    apart = (SUM,)
    _sums, _must_shut_down = None, False

    def _join_ranks(self, group):
        is_ours = not jax.distributed.is_initialized()
        if is_ours:
            _check_is_unused()
            address = _free_address(group)
        elif (jax.process_index(), jax.process_count()) != (group.rank, group.count):
            raise RuntimeError(
                f'JAX is process {jax.process_index()} of {jax.process_count()} already, and cannot be rank {group.rank} of {group.count}. '
                'Leave jax.distributed.initialize to this library.'
            )
        with group.collective():
            if is_ours:
                _initialize(group, address)
            device.forget()
            own = device.used()[0]
        chosen = group.exchange([own.platform, own.id])
        if len({platform for platform, _ in chosen}) > 1:
            kinds = ', '.join(platform for platform, _ in chosen)
            raise RuntimeError(
                f'The ranks compute on devices of different kinds: {kinds}, by rank. Set CTHULHU_DEVICE.'
            )
        every = {each.id: each for each in jax.devices(own.platform)}
        self._sums = Sums([every[number] for _, number in chosen], own)
        with group.collective(), filtered('stdout', re.compile(r'\[Gloo\]')), exact():
            if len(device.used()) > 1:  # gloo connects these too, when they first have something to sum
                jax.block_until_ready(device.sum_of(np.ones((len(device.used()), 1))))
            before = _connections()
            jax.block_until_ready(self._sums(jnp.zeros((1, 1), 'float32'), 0))
            self._must_shut_down = is_ours and not device.is_processor()
            if is_ours and device.is_processor():
                # All are connected, and nothing asks the coordinator any more. Were it there, it would end by a signal whoever is left when a rank
                # is lost, before he could say which.
                jax.distributed.shutdown()
            made = dict(_connections() - before)
        if device.is_processor():
            group.when_lost(functools.partial(_cut, made))

    def launched(self):
        """(rank, count, host, 0, store) where somebody has begun `jax.distributed`, by whose coordinator rank 0 says where it listens; else None."""
        if not jax.distributed.is_initialized() or distributed is None:
            return None
        state = distributed.global_state
        host = state.coordinator_address.rpartition(':')[0].strip('[]')
        return state.process_id, state.num_processes, host, 0, _Noted(state.client)

    def _leave_ranks(self):
        self._sums = None
        if self._must_shut_down:
            jax.distributed.shutdown()

    def _sums_of_ranks(self, tensors):
        # One by one: all that meet in a function are put into one row when it is compiled.
        return [self._sum_of_ranks(x) for x in tensors]

    @recorded
    def _sum_of_ranks(self, x):
        if isinstance(x, jax.core.Tracer):
            raise NotImplementedError(
                'sum_over_ranks: on JAX, a sum cannot stand inside of a loop, of a function of JAX, or of after_updates that depend on the updates.'
            )
        with exact():
            (total,), _ = self._sum_rows([jnp.asarray(x).reshape(1, -1)], 0)
            return total.reshape(np.shape(x))

    def _sum_rows(self, rows, told):
        """The sums over the ranks of arrays (1, numbers).

        Arguments:
            told: int, how many numbers at the end of the first row are wanted here.

        Returns:
            (list of arrays (numbers,), NumPy array (told,)).

        Raises:
            RankLost: another rank is lost.
        """
        self._check_is_rank()
        with self._group.collective():
            found = [self._sums(row, 0 if i else told) for i, row in enumerate(rows)]
            jax.block_until_ready(found)
            return [total for total, _ in found], np.asarray(found[0][1])

    def _check_is_rank(self):
        if self._sums is None:
            raise RuntimeError('sum_over_ranks: this process is no rank of a run. Call join_ranks first.')


class _Noted:
    """A text that JAX's coordinator keeps."""

    def __init__(self, client):
        self._client = client

    def set(self, text):
        self._client.key_value_set('cthulhu', text)

    def get(self):
        return self._client.blocking_key_value_get('cthulhu', 60_000)


class Sums:
    """The sum over ranks of an array (1, numbers) of each: (array (numbers,), its last few numbers).

    Arguments:
        devices: list of the device of each rank, of which `own` is this one's.
    """

    def __init__(self, devices, own):
        mesh = jax.sharding.Mesh(np.array(devices), ('rank',))
        self._own, self._count = own, len(devices)
        self._by_rank, alike = (
            jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*axes)) for axes in (['rank'], [])
        )

        def total(rows, told):
            whole = jnp.sum(rows, axis=0, dtype=rows.dtype)
            return whole, whole[len(whole) - told :]

        self._total = jax.jit(total, static_argnums=1, out_shardings=(alike, alike))

    def __call__(self, row, told):
        if not row.size:
            return row[0], row[0]
        parts = [part.data for part in row.addressable_shards if part.device == self._own]
        part = parts[0] if parts else jax.device_put(row, self._own)
        rows = jax.make_array_from_single_device_arrays((self._count, row.shape[1]), self._by_rank, [part])
        total, last = [x.addressable_data(0) for x in self._total(rows, told)]
        return (total if len(device.used()) == 1 else jax.device_put(total, device.everywhere())), last


def _check_is_unused():
    if device.was_used():
        raise RuntimeError(
            'join_ranks: JAX learns of other processes before it computes anything, and it has computed already. Join them first thing in the '
            'program, before variables and layers are made.'
        )
    if xla_bridge is not None and xla_bridge.backends_are_initialized():
        if jax.live_arrays():
            raise RuntimeError(
                'join_ranks: JAX learns of other processes before it computes anything, and there are arrays already. Join them first thing in the '
                'program.'
            )
        jax.extend.backend.clear_backends()  # somebody asked which devices there are


def _free_address(group):
    """Where rank 0 will have JAX's coordinator listen."""
    host, port = group.address[0], None
    if group.rank == 0:
        family = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as free:
            free.bind((host, 0))
            port = free.getsockname()[1]
    return f'[{host}]:{group.first(port)}' if ':' in host else f'{host}:{group.first(port)}'


def _initialize(group, address):
    # The service that is left out would keep SIGTERM from ending the program.
    asked = jax.config.jax_enable_preemption_service
    jax.config.update('jax_enable_preemption_service', False)
    try:
        jax.distributed.initialize(
            address,
            group.count,
            group.rank,
            cluster_detection_method='deactivate',
            coordinator_bind_address=address,
            initialization_timeout=int(3 * group.timeout),
            heartbeat_timeout_seconds=int(group.timeout) + 15,
            shutdown_timeout_seconds=int(group.timeout) + 5,
        )
    finally:
        jax.config.update('jax_enable_preemption_service', asked)
    with contextlib.suppress(AttributeError, KeyError, TypeError):  # else gloo listens where the machine's name leads
        if jax.config.jax_cpu_collectives_implementation == 'gloo':
            gloo = _jax.make_gloo_tcp_collectives(
                distributed_client=distributed.global_state.client, hostname=group.host
            )
            make = functools.partial(xla_bridge.make_cpu_client, gloo)
            xla_bridge.register_backend_factory('cpu', make, priority=0, fail_quietly=False)


def _connections():
    """The connections of this process: set of (number of the file, (own end, other end)); empty where the system does not tell."""
    found = set()
    with contextlib.suppress(OSError):
        for number in map(int, os.listdir('/dev/fd')):
            with contextlib.suppress(OSError), _connection(number) as one:
                found.add((number, (one.getsockname(), one.getpeername())))
    return found


@contextlib.contextmanager
def _connection(number):
    copy = os.dup(number)
    try:
        one = socket.socket(fileno=copy)
    except OSError:  # it is something else
        os.close(copy)
        raise
    with one:
        yield one


def _cut(connections):
    """End connections, so that who waits for what comes over them is told of an error: gloo waits for half an hour, in a thread that the end of the
    program waits for.
    """
    for number, ends in _connections():
        if connections.get(number) == ends:
            with contextlib.suppress(OSError), _connection(number) as one:
                one.shutdown(socket.SHUT_RDWR)
