"""Where JAX computes, and how variables give their memory to their new values."""

import functools
import os
import threading

import jax
import numpy as np


@functools.lru_cache(maxsize=None)
def used():
    """The devices that functions compute on: list. `CTHULHU_DEVICE` names one, such as 'cpu' or 'gpu:1'; or 'all', which share each batch; else it is the
    first one that JAX finds. Where several processes make a run, they are among this process's own.

    Raises:
        ValueError: there is no such device.
    """
    wanted = os.environ.get('CTHULHU_DEVICE', '').strip().lower()
    if wanted in ('', 'all'):
        return jax.local_devices() if wanted else jax.local_devices()[:1]
    kind, _, number = wanted.strip('/').partition(':')
    kind = {'cuda': 'gpu'}.get(kind, kind)
    try:
        return [_own(kind)[int(number or 0)]]
    except (RuntimeError, ValueError, IndexError):
        here = sorted({each.platform for each in jax.local_devices()} | {'cpu'})
        found = ', '.join(name(each) for kind in here for each in _own(kind))
        raise ValueError(
            f"CTHULHU_DEVICE={wanted!r}: no such device. There are {found}; 'all' shares batches out."
        ) from None


def _own(kind):
    return jax.local_devices(backend=kind)


def is_processor():
    """Whether functions compute where the program runs."""
    return used()[0].platform == 'cpu'


def name(one):
    """What a device is called: '/gpu:0'."""
    return f'/{one.platform}:{_own(one.platform).index(one)}'


@functools.lru_cache(maxsize=None)
def _mesh():
    return jax.sharding.Mesh(np.array(used()), ('batch',)) if len(used()) > 1 else None


def forget():
    """Look again which devices there are."""
    used.cache_clear()
    _mesh.cache_clear()


def everywhere():
    """Where variables are: on the device, or a copy on each."""
    mesh = _mesh()
    return used()[0] if mesh is None else jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())


def shared(value, axis=0):
    """What is fed, divided between the devices along an axis of samples if there are several and it can be divided."""
    mesh = _mesh()
    if mesh is None or not isinstance(value, (np.ndarray, jax.Array)):
        return value
    parts = [None] * value.ndim
    if value.ndim > axis and value.shape[axis] and value.shape[axis] % mesh.size == 0:
        parts[axis] = 'batch'
    return jax.device_put(value, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*parts)))


def alike(value):
    """A new value of a variable, the same on every device."""
    return value if _mesh() is None else jax.lax.with_sharding_constraint(value, everywhere())


def sum_of(rows):
    """The sum of rows that are `shared`, the same on every device."""
    return jax.jit(lambda x: alike(x.sum(axis=0)))(shared(rows))


class exact:
    """The context in which all that is ours is traced, compiled and run: on the devices that are used, and a dtype of 64 bits is what it says.
    The caller's settings stay.
    """

    def __enter__(self):
        self._entered = [jax.enable_x64(True)]
        if os.environ.get('CTHULHU_DEVICE'):
            self._entered.append(jax.default_device(used()[0]))
        for one in self._entered:
            one.__enter__()

    def __exit__(self, *error):
        for one in reversed(self._entered):
            one.__exit__(*error)


def send_for(arrays):
    """Have arrays of another device begin their way here, so that to wait for one is to wait for all."""
    if not is_processor():
        for leaf in jax.tree.leaves(arrays):
            if isinstance(leaf, jax.Array):
                leaf.copy_to_host_async()


#: Held from the reading of variables to the keeping of their new values: in between, those that are to change have none.
taking = threading.RLock()


_process = None


def check_process():
    """Raise RuntimeError in a fork of the process in which JAX was used first: there it would wait for ever for threads that are not there."""
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise RuntimeError(
            'JAX does not compute in a fork of the program, such as a worker process of `summon`. Leave it to the program itself, or use threads: '
            'use_multiprocessing=False.'
        )


def was_used():
    """Whether anything of ours was computed, or put on a device."""
    return _process is not None


def run_and_keep(compiled, changing, kept, place, *arguments):
    """Call a compiled function of the values of some variables, `changing` and `kept`, and give the former those at `place` of its results.

    Their old ones are gone with the call, so the results must not be lost to a Ctrl-C in it: Python raises that when it is back from a call, before it
    would bind a name, and so the call is made by `extend`.
    """
    check_process()
    results = []
    with taking:
        arguments = ([x.value for x in changing], [x.value for x in kept]) + arguments
        try:
            results.extend(map(compiled, *[(argument,) for argument in arguments]))
        finally:
            for result in results:
                for variable, value in zip(changing, result[place]):
                    variable.value = value
    return results[0]
