"""Which numbers can be drawn: what every backend refuses, with the same words."""

import numbers

import numpy as np

from cthulhu.backend.inference import dtypes


def check_bell(function, dtype):
    """Raise ValueError where draws from a bell are asked for that are no floats; `dtype` is a name, or None for the default."""
    if dtype is not None and not dtypes.is_float(dtype):
        raise ValueError(f'{function}: `dtype` is a type of floats; got {dtype!r}.')


def check_uniform(function, dtype, low, high):
    """Raise ValueError for bounds between which there are no numbers of a dtype: cut off to whole ones, they would be others.

    Arguments:
        function: str, whose arguments they are.
        dtype: str.
        low, high: numbers, or scalar tensors, of which the dtype alone is looked at.
    """
    if dtypes.is_float(dtype):
        return
    if dtype not in dtypes.INTEGERS:
        raise ValueError(f'{function}: `dtype` is a type of floats or of whole numbers; got {dtype!r}.')
    for bound in (low, high):
        is_whole = float(bound).is_integer() if _is_number(bound) else not dtypes.is_float(dtypes.of(bound, 'float32'))
        if not is_whole:
            raise ValueError(
                f'{function}: numbers of dtype {dtype!r} are drawn between whole numbers; got {bound!r}. For others take a type of floats.'
            )
    if _is_number(low) and _is_number(high):
        ends = np.iinfo(dtype)
        if not low < high or low < ends.min or high - 1 > ends.max:
            raise ValueError(
                f'{function}: there are no numbers of dtype {dtype!r} from {low} up to, not including, {high}.'
                if not low < high
                else f'{function}: numbers of dtype {dtype!r} are from {ends.min} to {ends.max}; got bounds {low} and {high}.'
            )


def _is_number(bound):
    return isinstance(bound, (numbers.Real, np.number)) or isinstance(bound, np.ndarray) and not bound.ndim
