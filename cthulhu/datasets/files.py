"""What the data sets have in common: their files, where they come from, and how they are read."""

from cthulhu.storage.arrays import load_npz
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError
from cthulhu.utils.downloads import get_file

_ADVICE = 'Remove it, and it is downloaded anew; if that does not help, it is not the file of this data set.'


def arrays(path, source, names, lists=False):
    """The arrays of a .npz file of a data set.

    Arguments:
        path: its name in the cache.
        source: (URL, hash).
        names: the arrays that it must have.
        lists: whether some are arrays of lists of integers.

    Returns:
        List of arrays, in the order of `names`.

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: if it is another file than expected, or not to be trusted.
    """
    origin, file_hash = source
    path = get_file(path, origin, file_hash=file_hash)
    found = load_npz(path, lists=lists)
    missing = [name for name in names if name not in found]
    if missing:
        raise damaged(path, f'has no {" and no ".join(missing)}; it has {", ".join(sorted(found)) or "nothing"}')
    for x, y in zip(names[::2], names[1::2]):
        if found[x].ndim < 1 or found[y].ndim < 1 or len(found[x]) != len(found[y]):
            shapes = f'{found[x].shape} and {found[y].shape}'
            raise damaged(path, f'has not as many labels as examples: {x} and {y} have the shapes {shapes}')
    return [found[name] for name in names]


def damaged(path, what):
    """The error for a file whose content is not that of the data set."""
    return DamagedFileError(f'"{path}" {what}. {_ADVICE}')


def unsafe(path, what):
    """The error for a file that would take more than it is worth."""
    return UnsafeFileError(f'"{path}" {what}. It is not read.')
