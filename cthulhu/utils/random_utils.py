"""One seed for everything that draws."""

import random

import numpy as np

from cthulhu import backend as K
from cthulhu.utils.arguments import checked


@checked
def set_random_seed(seed):
    """Seed Python, NumPy and the framework, so that a program repeats itself bit for bit.

    Call it before the model is made: weights, darkness and shuffling then take their seeds from NumPy's generator. What depends on the
    order of a set or a dict of strings also needs the environment variable PYTHONHASHSEED, which Python reads only when it starts.

    Arguments:
        seed: int from 0 to 2**32 - 1.

    Raises:
        ValueError: for another seed.

    Example:
        >>> set_random_seed(7)
        >>> first = np.random.rand()
        >>> set_random_seed(7)
        >>> np.random.rand() == first
        True
    """
    random.seed(seed)
    np.random.seed(seed)
    K.set_framework_seed(seed)
