"""The JAX backend: a recorded graph, traced once for each set of shapes and compiled whole.

A function's plan (see `deferred`) is a pure function of the values of variables, which live on the device, of what is fed, and of the number of
the run. So JAX compiles all of a training step to one program: forward, gradients, the optimizer's updates, metrics. What is known
when it is traced, as shapes and the learning phase are, is computed then, by the reference. Many steps are a scan of such a step.
"""

from cthulhu.backend.base import Backend
from cthulhu.backend.inference import dtypes
from cthulhu.backend.jax.math import JAXMath
from cthulhu.backend.jax.nn import JAXNN
from cthulhu.backend.jax.random import JAXRandom
from cthulhu.backend.jax.ranks import JAXRanks
from cthulhu.backend.jax.run import JAXRun
from cthulhu.backend.jax.shape import JAXShape

__all__ = ['JAXBackend']


class JAXBackend(JAXMath, JAXShape, JAXNN, JAXRandom, JAXRanks, JAXRun, Backend):
    """Every function of `cthulhu.backend` on JAX."""

    name = 'jax'
    dtypes = dtypes.NAMES
    capabilities = (
        'float16',
        'bfloat16',
        'gradients',
        'sparse',
        'ctc',
        'dilation',
        'broadcasting',
        'unknown_rank',
        'empty_loops',
        'many_steps',
        'shared_batches',
        'ranks',
        'launched',
        'jax',
    )
