"""What can only be found out while a compiled function runs: indices that there is nothing at.

JAX gives something for any index. So whoever takes elements says what the indices must be, and what is wrong is one more result of the
function: a pair of integers, which error it is and for which index. Loops, branches and derivatives hand on what is found inside of them.
"""

import contextlib
import threading

import jax.numpy as jnp

from cthulhu.backend import ranges

_local = threading.local()
# The errors that functions may find: pairs (what, size). Number 0 stands for none.
_kinds = [None]


def in_range(indices, size, what):
    """`indices`, of which each must be from 0 to `size` - 1; others are brought into that range, and found."""
    if not indices.size:
        return indices
    found = getattr(_local, 'found', None)
    if found is not None:
        if (what, size) not in _kinds:
            _kinds.append((what, size))
        wrong = ((indices < 0) | (indices >= size)).reshape(-1)
        number = jnp.where(wrong.any(), _kinds.index((what, size)), 0)
        found.append(jnp.stack([number, indices.reshape(-1)[jnp.argmax(wrong)]]).astype('int64'))
    return jnp.clip(indices, 0, max(size - 1, 0))


@contextlib.contextmanager
def finding():
    """Context in which what is found goes into a list, which it gives."""
    before = getattr(_local, 'found', None)
    _local.found = []
    try:
        yield _local.found
    finally:
        _local.found = before


def first(found):
    """The first of a list of findings, one finding; None if there is none in the list."""
    result = None
    for one in found:
        result = one if result is None else jnp.where(result[0] != 0, result, one)
    return result


def hand_on(finding):
    """Enter a finding that was made inside of a loop, a branch or a derivative: a pair, or a stack of them; or None."""
    if finding is None or getattr(_local, 'found', None) is None:
        return
    if finding.ndim > 1:
        finding = finding[jnp.argmax(finding[:, 0] != 0)]
    _local.found.append(finding)


def nothing():
    """The finding of nothing wrong."""
    return jnp.zeros(2, 'int64')


def error(finding):
    """The error of a finding, which is one."""
    number, index = map(int, finding)
    what, size = _kinds[number]
    return ranges.out_of_range(what, index, size)
