"""The framework itself: imported here alone, once its libraries can be found, and without its warnings of what does not matter.

It warns of every Linux that is not Ubuntu 16.04, and of libraries that only GPUs need.
"""

import contextlib
import os
import sys
import warnings

from cthulhu.backend.cntk import mpi

mpi.make_loadable()
with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    import cntk as C
    from cntk import cntk_py
    from cntk.ops.functions import UserFunction

__all__ = ['C', 'UserFunction', 'cntk_py', 'variable']


@contextlib.contextmanager
def _silence():
    """Keeps what the framework's C++ writes on stderr from the user."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, 'w') as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


C.logging.set_trace_level(C.logging.TraceLevel.Error)
# The first tensor has it say which device it chose.
with _silence():
    C.constant(0.0)


def variable(shape, real, needs_gradient=False):
    """An input of a static shape, the batch included, for arrays of the NumPy dtype `real`."""
    return C.input_variable(shape, dtype=real, dynamic_axes=[], needs_gradient=needs_gradient)
