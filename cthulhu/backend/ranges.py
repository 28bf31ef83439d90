"""What every backend says of an index that there is nothing at."""


def out_of_range(what, value, size):
    """The ValueError for an index.

    Arguments:
        what: what is counted: 'index' or 'class'.
        value: int, the index.
        size: int, how many there are.
    """
    return ValueError(f'The {what} {value} is out of range: there are {size}, numbered from 0 to {size - 1}.')


def check(indices, size, what):
    """Raise that error for the first index in an array that is below 0 or not below `size`."""
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        raise out_of_range(what, int(indices[(indices < 0) | (indices >= size)].flat[0]), int(size))
