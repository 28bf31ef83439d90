"""The CNTK backend: CNTK 2.7, on Python 3.6.

CNTK has one axis of open length, whose parts cannot be reduced, joined or indexed as other axes are; no loops but along sequences;
no integers; no gradients as tensors. So a graph is recorded first, by `deferred`, and a function's plan is built as functions of
CNTK once its shapes are known: for each set of shapes that it is fed, the batch as an axis like any other. A batch of another
size is built anew, and kept. Loops are laid out, branches of the learning phase chosen. What CNTK lacks is a NumPy function among its
nodes (`hosted`). Measured on 2 busy cores, an operation takes 0.1 to 0.3 ms to build, and 3 to 40 us to run on a few elements: the
LSTM of benchmarks/cases.py, of 80 steps, is 1,500 operations, and its first step takes about as long as that of Keras 2.3.1 on CNTK.
"""

from cthulhu.backend.base import Backend
from cthulhu.backend.cntk.math import CNTKMath
from cthulhu.backend.cntk.nn import CNTKNN
from cthulhu.backend.cntk.random import CNTKRandom
from cthulhu.backend.cntk.run import CNTKRun
from cthulhu.backend.cntk.shape import CNTKShape

__all__ = ['CNTKBackend']


class CNTKBackend(CNTKMath, CNTKShape, CNTKNN, CNTKRandom, CNTKRun, Backend):
    """Every function of `cthulhu.backend` on CNTK 2.7."""

    name = 'cntk'
    capabilities = 'gradients', 'sparse', 'ctc', 'dilation', 'broadcasting', 'unknown_rank', 'empty_loops', 'cntk'
