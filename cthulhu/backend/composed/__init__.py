"""Everything that is a formula over the primitives of `contract`: written once, for every framework."""

from cthulhu.backend.composed.math import Math
from cthulhu.backend.composed.nn import NN
from cthulhu.backend.composed.random import Random
from cthulhu.backend.composed.ranks import Ranks
from cthulhu.backend.composed.rnn import RNN
from cthulhu.backend.composed.run import Run
from cthulhu.backend.composed.shape import Shape

__all__ = ['Math', 'NN', 'RNN', 'Random', 'Ranks', 'Run', 'Shape']
