"""The Theano backend: Theano 1.0.5 on older Pythons, PyTensor, its successor, on today's. One code, one shim."""

import functools

from cthulhu.backend.base import Backend, wrap_what_makes_graphs
from cthulhu.backend.theano.loop import Loop
from cthulhu.backend.theano.math import Math
from cthulhu.backend.theano.nn import NN
from cthulhu.backend.theano.random import Random
from cthulhu.backend.theano.run import Run
from cthulhu.backend.theano.shape import Shape
from cthulhu.backend.theano.tensors import note_all

__all__ = ['TheanoBackend']


class TheanoBackend(Run, Loop, Math, Shape, NN, Random, Backend):
    """Every function of `cthulhu.backend` on Theano 1.0.5 and PyTensor 3."""

    name = 'theano'


def _alone(method):
    """The method, run while no other thread makes a graph or compiles one: both change flags of the framework that all threads see."""

    @functools.wraps(method)
    def run_alone(self, *args, **kwargs):
        with self._building:
            return method(self, *args, **kwargs)

    return run_alone


note_all(TheanoBackend)
wrap_what_makes_graphs(TheanoBackend, _alone)
