"""Digits: 1,797 handwritten digits of 8 x 8 pixels, which come with scikit-learn (Alpaydin and Kaynak, https://archive.ics.uci.edu/dataset/80)."""

from cthulhu.datasets.boston_housing import split
from cthulhu.utils.arguments import checked

__all__ = ['load_data']


@checked
def load_data(test_split=0.2, seed=113):
    """The digits of scikit-learn, in the form of MNIST and in an order of chance. Nothing is downloaded.

    Arguments:
        test_split: share of the images for testing, from 0 to less than 1.
        seed: of the order. NumPy's own generator is left as it is.

    Returns:
        (x_train, y_train), (x_test, y_test): images (1437, 8, 8) and (360, 8, 8) with values from 0 to 16, and digits, uint8.

    Raises:
        ImportError: if scikit-learn is not installed.
        ValueError: for a `test_split` out of range.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, y_test.shape, int(x_train.max())
        ((1437, 8, 8), (360,), 16)
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(f'The digits come with scikit-learn: pip install scikit-learn ({error}).') from error
    found = load_digits()
    return split(found.images.astype('uint8'), found.target.astype('uint8'), test_split, seed)
