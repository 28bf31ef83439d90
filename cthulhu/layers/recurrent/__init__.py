"""Recurrent layers: RNN, which runs a cell over time, and the cells."""

from ... import names
from .groth import Groth, GrothCell
from .laldagorth import Laldagorth, LaldagorthCell
from .rnn import RNN
from .shabith_ka import ShabithKa, ShabithKaCell
from .stacked import StackedRNNCells

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
