"""MNIST: 70,000 handwritten digits of 28 x 28 pixels (LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/)."""

from cthulhu.datasets.files import arrays
from cthulhu.utils.arguments import checked

__all__ = ['load_data']

SOURCE = ('https://s3.amazonaws.com/img-datasets/mnist.npz', '8a61469f7ea1b51cbae51d4f78837e45')


@checked
def load_data(path='mnist.npz'):
    """MNIST, downloaded once.

    Arguments:
        path: name of the file in the cache (in `~/.cthulhu/datasets`).

    Returns:
        (x_train, y_train), (x_test, y_test): images (60000, 28, 28) and (10000, 28, 28) and digits, uint8.

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: if it is another file than expected.
    """
    x_train, y_train, x_test, y_test = arrays(path, SOURCE, ['x_train', 'y_train', 'x_test', 'y_test'])
    return (x_train, y_train), (x_test, y_test)
