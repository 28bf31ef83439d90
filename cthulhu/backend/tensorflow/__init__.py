"""The TensorFlow backend: symbolic, in a graph and a session of its own. TensorFlow's global mode stays what it is."""

from cthulhu.backend.base import Backend, wrap_what_makes_graphs
from cthulhu.backend.inference import dtypes
from cthulhu.backend.tensorflow.ctc import CTC
from cthulhu.backend.tensorflow.datasets import Datasets
from cthulhu.backend.tensorflow.graph import enters_graph
from cthulhu.backend.tensorflow.loop import Loop
from cthulhu.backend.tensorflow.math import Math
from cthulhu.backend.tensorflow.nn import NN
from cthulhu.backend.tensorflow.random import Random
from cthulhu.backend.tensorflow.ranks import TensorFlowRanks
from cthulhu.backend.tensorflow.run import Run
from cthulhu.backend.tensorflow.saved_model import SavedModels
from cthulhu.backend.tensorflow.shape import Shape
from cthulhu.backend.tensorflow.variables import Variables

__all__ = ['TensorFlowBackend']


class TensorFlowBackend(
    Run, Variables, Loop, Math, Shape, NN, CTC, Random, Datasets, SavedModels, TensorFlowRanks, Backend
):
    """Every function of `cthulhu.backend` on TensorFlow 2.6 to 2.21."""

    name = 'tensorflow'
    dtypes = dtypes.NAMES + ('string', 'resource', 'variant')


wrap_what_makes_graphs(TensorFlowBackend, enters_graph)
