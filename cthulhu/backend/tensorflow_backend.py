"""Keras's path for its backend on TensorFlow: the functions of the active backend."""

from cthulhu.backend import *  # noqa: F403
from cthulhu.backend import __all__ as __all__
