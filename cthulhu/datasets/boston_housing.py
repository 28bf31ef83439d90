"""Boston housing: prices of houses in 506 tracts, by 13 figures of each (Harrison and Rubinfeld 1978, http://lib.stat.cmu.edu/datasets/boston).

One of the figures is made of the share of Black residents. It is here because old programs use it; do not draw conclusions from it.
"""

import numpy as np

from cthulhu.datasets.files import arrays
from cthulhu.utils.arguments import checked

__all__ = ['load_data']

SOURCE = (
    'https://s3.amazonaws.com/keras-datasets/boston_housing.npz',
    'f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5',
)


@checked
def load_data(path='boston_housing.npz', test_split=0.2, seed=113):
    """Boston housing, downloaded once, in an order of chance.

    Arguments:
        path: name of the file in the cache (in `~/.cthulhu/datasets`).
        test_split: share of the examples for testing, from 0 to less than 1.
        seed: of the order. NumPy's own generator is left as it is.

    Returns:
        (x_train, y_train), (x_test, y_test): figures (tracts, 13) and prices in thousands of dollars, float64.

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: for a `test_split` out of range, or if it is another file than expected.
    """
    return split(*arrays(path, SOURCE, ['x', 'y']), test_split, seed)


def split(x, y, test_split, seed):
    """Shuffle examples, and cut off the last ones for testing."""
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y, count = x[order], y[order], int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])
