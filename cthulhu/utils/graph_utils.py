"""One decorator: compute inside the backend's graph, wherever the caller stands."""

import functools

from cthulhu import backend as K


def in_graph(function):
    """Decorator: run a function that combines tensors by operators (`a * b`) inside the backend's graph.

    A framework that also computes eagerly would otherwise take such an operator for an eager one.
    """

    @functools.wraps(function)
    def call(*args, **kwargs):
        with K.graph_scope():
            return function(*args, **kwargs)

    return call
