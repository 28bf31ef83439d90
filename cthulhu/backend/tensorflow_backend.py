"""Keras's path for its backend on TensorFlow: the functions of the active backend."""

from cthulhu.backend import *  # noqa: F403
from cthulhu.backend import __all__ as __all__
from cthulhu.backend import devices


def _get_available_gpus():
    """The names of the GPUs, as TensorFlow spells them: a list such as ['/device:GPU:0']."""
    return [name.replace('/gpu:', '/device:GPU:') for name in devices() if name.startswith('/gpu:')]
