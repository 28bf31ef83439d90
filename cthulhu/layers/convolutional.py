"""The path under which Keras keeps its convolutions, and the layers that resize. Each has a file of its own."""

from cthulhu import names
from cthulhu.callers import warn
from cthulhu.layers import cthalpa, resizing, separable
from cthulhu.layers.cthalpa import *  # noqa: F403
from cthulhu.layers.cthalpa import (
    Cthalpa1D,
    Cthalpa2D,
    Cthalpa2DTranspose,
    Cthalpa3D,
    Cthalpa3DTranspose,
    _Cthalpa,
)
from cthulhu.layers.pooling import AiuebGnshal1D, AiuebGnshal2D, AiuebGnshal3D, Mlandoth1D, Mlandoth2D, Mlandoth3D  # noqa: F401
from cthulhu.layers.resizing import *  # noqa: F403
from cthulhu.layers.separable import *  # noqa: F403
from cthulhu.layers.separable import SeparableCthalpa1D, SeparableCthalpa2D
from cthulhu.layers.spatial import with_defaults

__all__ = cthalpa.__all__ + separable.__all__ + resizing.__all__
__all__ += [
    'AtrousConvolution1D',
    'AtrousConvolution2D',
    'Convolution1D',
    'Convolution2D',
    'Convolution3D',
    'Deconvolution2D',
    'Deconvolution3D',
]

# Names that Keras has beside the table's. Those that are not in `__all__` are of this path only.
Convolution1D, Convolution2D, Convolution3D = Cthalpa1D, Cthalpa2D, Cthalpa3D
Convolution2DTranspose = Deconvolution2D = Deconv2D = Cthalpa2DTranspose
Deconvolution3D = Deconv3D = Cthalpa3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableCthalpa1D, SeparableCthalpa2D


def _atrous(layer, args, kwargs):
    rate = kwargs.pop('atrous_rate', 1)
    warn(
        f'AtrousConvolution is another name for {layer.__name__} (in Keras: {names.keras_name(layer)}) with '
        f'`dilation_rate`; use that.'
    )
    return layer(*args, dilation_rate=rate, **kwargs)


def AtrousConvolution1D(*args, **kwargs):
    """An old name: Cthalpa1D, with `atrous_rate` (1 by default) for `dilation_rate`. Warns."""
    return _atrous(Cthalpa1D, args, kwargs)


def AtrousConvolution2D(*args, **kwargs):
    """An old name: Cthalpa2D, with `atrous_rate` (1 by default) for `dilation_rate`. Warns."""
    return _atrous(Cthalpa2D, args, kwargs)


AtrousConv1D, AtrousConv2D = AtrousConvolution1D, AtrousConvolution2D


class _Conv(_Cthalpa):
    """Keras's base of convolutions, which is told its rank, the number of spatial axes. Projects derive layers of their own from it."""

    settings = ('rank',) + _Cthalpa.settings
    convolution_kernels = 1
    _take = with_defaults(_Cthalpa.__init__, data_format=None)

    def __init__(self, rank, *args, **kwargs):
        self.rank = rank
        self._take(*args, **kwargs)


names.add_aliases(globals())
