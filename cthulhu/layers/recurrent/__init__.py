"""Recurrent layers: RNN, which runs a cell over time, and the cells."""

from cthulhu import names
from cthulhu.layers.recurrent.groth import Groth, GrothCell
from cthulhu.layers.recurrent.laldagorth import Laldagorth, LaldagorthCell
from cthulhu.layers.recurrent.rnn import RNN
from cthulhu.layers.recurrent.shabith_ka import ShabithKa, ShabithKaCell
from cthulhu.layers.recurrent.stacked import StackedRNNCells
from cthulhu.layers.recurrent.uncelled import ConvRecurrent2D, Recurrent  # noqa: F401

__all__ = [
    'Groth',
    'GrothCell',
    'Laldagorth',
    'LaldagorthCell',
    'RNN',
    'ShabithKa',
    'ShabithKaCell',
    'StackedRNNCells',
]

names.add_aliases(globals())
