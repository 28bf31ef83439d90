"""Data that are one batch, of which no callback is told and no progress shown: the Step by itself, with the results of the loop.

What a server answers is such a batch, and to set up the loop would take longer than to compute it.
"""

import numpy as np

from cthulhu.utils.generic_utils import unpack_singleton


def is_alone(adapter, callbacks, verbose):
    """Whether the data of an Adapter are one batch of arrays that nobody watches; `callbacks` and `verbose` are as users give them."""
    is_small = adapter.steps == 1 and bool(adapter.samples) and not adapter.is_stream
    return is_small and adapter.shard == (0, 1) and not callbacks and not verbose


def predict(step, adapter):
    """What `training_loop.predict` returns."""
    batch = next(adapter.batches())
    # What an output gives for the whole batch is that of each of its samples.
    return unpack_singleton([value if np.ndim(value) else np.full(batch.size, value) for value in step(batch.feeds)])


def evaluate(model, step, adapter):
    """What `training_loop.evaluate` returns."""
    batch, use = next(adapter.batches()), object()
    model.metric_states.begin(use)
    try:
        loss, *metrics = step(batch.feeds)
    finally:
        model.metric_states.end(use)
    return [float(loss) * batch.size / batch.size] + [value if np.ndim(value) else float(value) for value in metrics]
