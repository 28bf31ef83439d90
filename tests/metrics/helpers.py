"""Run a metric over batches, as a model does: by one function of placeholders."""

import numpy as np

from cthulhu import backend as K


def stepper(metric, *examples):
    """A function of arrays like `examples` that counts them and gives the value so far.

    Args:
        metric: the metric.
        examples: arrays (None for an argument left out), in the order of its `update_state`.
    """
    inputs = [x if x is None else K.placeholder(shape=(None,) + np.shape(x)[1:]) for x in examples]
    result = metric(*inputs)
    step = K.function([x for x in inputs if x is not None], [], updates=metric.updates, after_updates=[result])
    return lambda *arrays: step([x for x in arrays if x is not None])[0]


def measure(metric, batches):
    """The values after each of the batches, tuples of arrays."""
    step = stepper(metric, *batches[0])
    return [step(*batch) for batch in batches]


def joined(batches):
    """All batches as one."""
    return tuple(None if parts[0] is None else np.concatenate(parts) for parts in zip(*batches))
