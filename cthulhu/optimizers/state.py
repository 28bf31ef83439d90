"""What an optimizer keeps between steps, and what the updates of one step have in common."""

import contextlib
import threading

from cthulhu import backend as K


class Making(threading.local):
    """The step whose updates are being made, in each thread: None, or a dict, optimizer -> what its updates of this step have in common."""

    common = None


making = Making()


@contextlib.contextmanager
def one_step():
    """Within, the updates of one step are made, and each optimizer counts it once.

    One optimizer may be asked several times, by another that is around it, with groups of variables and another learning rate for each.
    """
    outer, making.common = making.common, {}
    try:
        yield
    finally:
        making.common = outer


class State:
    """What an optimizer keeps for some variables.

    Attributes:
        params: list of the variables.
        slots: list, for each kind of state, of lists of variables, one for each of `params`.
        averages: list of the means of the variables, one for each; empty where there are none.
        sums: list of the sums of their gradients since the last step, one for each; empty where each batch is a step.
        weights: list of all variables of the state, in the order of files: the counter, then kind after kind.
    """

    def __init__(self, params, slots, averages, sums, of_all):
        self.params = list(params)
        self.slots = slots
        self.averages = averages
        self.sums = sums
        self.weights = of_all + [variable for kind in slots for variable in kind] + averages + sums

    def fits(self, params):
        """Whether this is the state of these variables, in this order."""
        return len(params) == len(self.params) and all(p is q for p, q in zip(params, self.params))


def joint_norm(gradients):
    """The Euclidean norm of all gradients together; no square overflows on the way."""
    parts = [K.cast(K.max(K.abs(g)), K.floatx()) for g in gradients]
    largest = parts[0]
    for part in parts[1:]:
        largest = K.maximum(largest, part)
    scale = K.maximum(largest, K.epsilon())
    squares = [K.cast(K.sum(K.square(g / K.cast(scale, K.dtype(g)))), K.floatx()) for g in gradients]
    return scale * K.sqrt(sum(squares))


def is_multiple(count, number):
    """Whether a counter, a scalar tensor of whole numbers, is a multiple of a number: a scalar tensor."""
    return K.equal(count % number, 0)
