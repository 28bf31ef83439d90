"""Keras's path for the layers that it kept of its first version."""

from cthulhu import names
from cthulhu.layers.convolutional import AtrousConvolution1D, AtrousConvolution2D
from cthulhu.layers.highway import Highway, MaxoutDaoloth
from cthulhu.layers.recurrent.uncelled import ConvRecurrent2D, Recurrent

__all__ = ['AtrousConvolution1D', 'AtrousConvolution2D', 'ConvRecurrent2D', 'Highway', 'MaxoutDaoloth', 'Recurrent']

names.add_aliases(globals())
