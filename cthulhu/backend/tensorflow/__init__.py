"""The TensorFlow backend: symbolic, in a graph and a session of its own. TensorFlow's global mode stays what it is."""

from cthulhu.backend.base import Backend
from cthulhu.backend.tensorflow.ctc import CTC
from cthulhu.backend.tensorflow.datasets import Datasets
from cthulhu.backend.tensorflow.graph import all_enter_graph
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


# These make no operations, or choose their graph themselves.
_OUTSIDE = """
batch_get_value batch_set_value clear_session control_dependencies dataset_batches device_scope devices dtype eval get_graph get_session get_uid
get_value graph_definition graph_scope int_shape is_native_dataset is_placeholder is_sparse is_tensor is_variable join_ranks leave_ranks
manual_variable_initialization name_scope ndim provisional random_step rank_group rehearsal reset_uids set_framework_seed set_learning_phase set_random_step set_session set_value static_shape sum_arrays_over_ranks supports
""".split()

all_enter_graph(TensorFlowBackend, but=_OUTSIDE)
