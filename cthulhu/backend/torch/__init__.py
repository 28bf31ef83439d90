"""The PyTorch backend: PyTorch 2, on CPUs and on one GPU.

The graph is recorded by `deferred`, and a function's plan runs as it comes, on `torch.Tensor`s. Gradients are those of autograd.
"""

from cthulhu.backend.base import Backend
from cthulhu.backend.deferred import Symbol
from cthulhu.backend.torch.framework import DEVICE, DTYPES
from cthulhu.backend.torch.functions import TorchFunctions
from cthulhu.backend.torch.math import TorchMath
from cthulhu.backend.torch.nn import TorchNN
from cthulhu.backend.torch.normalization import TorchNormalization
from cthulhu.backend.torch.random import TorchRandom
from cthulhu.backend.torch.ranks import TorchRanks
from cthulhu.backend.torch.rnn import TorchRNN
from cthulhu.backend.torch.run import TorchRun
from cthulhu.backend.torch.shape import TorchShape

__all__ = ['TorchBackend']


class TorchBackend(
    TorchMath,
    TorchShape,
    TorchNN,
    TorchNormalization,
    TorchRandom,
    TorchRNN,
    TorchFunctions,
    TorchRanks,
    TorchRun,
    Backend,
):
    """Every function of `cthulhu.backend` on PyTorch.

    Attributes:
        device: the `torch.device` that everything is computed on: that of `CTHULHU_DEVICE`, or CUDA's where there is one.
    """

    name = 'torch'
    dtypes = tuple(DTYPES)
    capabilities = (
        'float16',
        'bfloat16',
        'gradients',
        'recurrent_kernels',
        'sparse',
        'ctc',
        'dilation',
        'broadcasting',
        'unknown_rank',
        'empty_loops',
        'native_tensors',
        'ranks',
        'store_of_launcher',
        'torch',
    )
    symbols = (Symbol,)
    device = DEVICE
