"""Keras's path for its loops over arrays, which take a function of the backend; `fit`, `evaluate` and `predict` of a model do not need them."""

import numpy as np

from cthulhu.engine.training_utils import batch_shuffle, check_num_samples, make_batches, slice_arrays
from cthulhu.utils.generic_utils import to_list, unpack_singleton

__all__ = ['batch_shuffle', 'check_num_samples', 'make_batches', 'predict_loop', 'slice_arrays', 'test_loop']


def _results(f, ins, batch_size, steps):
    """(number of samples, values) of each batch. The learning phase, a number at the end of `ins`, is handed on as it is."""
    total = check_num_samples(ins, batch_size, steps)
    if steps is not None:
        for _ in range(steps):
            yield 1, to_list(f(ins))
        return
    arrays = [x for x in ins if np.ndim(x)]
    for start, stop in make_batches(total, batch_size or 32):
        yield stop - start, to_list(f(slice_arrays(arrays, start, stop) + list(ins[len(arrays) :])))


def predict_loop(model, f, ins, batch_size=32, verbose=0, steps=None, callbacks=None):
    """What a function gives for all samples.

    Arguments:
        model: not used; the place that it has in Keras.
        f: function of a list of arrays that gives an array, or a list of them, with a row for each sample.
        ins: list of arrays, the learning phase last where the function takes it.
        batch_size: samples a call; None with `steps`.
        verbose, callbacks: must be 0 and None: `predict` of a model shows its progress and takes callbacks.
        steps: number of calls, each with all of `ins`.

    Returns:
        Array, or list of arrays.
    """
    _refuse(verbose, callbacks)
    found = [values for _, values in _results(f, ins, batch_size, steps)]
    return unpack_singleton([np.concatenate(parts) for parts in zip(*found)])


def test_loop(model, f, ins, batch_size=None, verbose=0, steps=None, callbacks=None):
    """The mean over all samples of what a function gives for batches: a number, or a list of them. Arguments as for `predict_loop`."""
    _refuse(verbose, callbacks)
    found = list(_results(f, ins, batch_size, steps))
    weights = [size for size, _ in found]
    return unpack_singleton(
        [float(np.average(parts, weights=weights)) for parts in zip(*(values for _, values in found))]
    )


def _refuse(verbose, callbacks):
    if verbose or callbacks:
        raise ValueError(
            'Progress and callbacks are for `predict` and `evaluate` of a model: leave out `verbose` and `callbacks` here.'
        )
