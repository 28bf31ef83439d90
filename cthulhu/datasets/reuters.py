"""Reuters: 11,228 newswires on 46 topics (Lewis, https://archive.ics.uci.edu/dataset/137)."""

import numpy as np

from cthulhu.datasets.files import arrays
from cthulhu.datasets.sequences import array_of, legacy_words, prepared, shuffled, word_index
from cthulhu.utils.arguments import checked

__all__ = ['get_word_index', 'load_data']

SOURCE = ('https://s3.amazonaws.com/text-datasets/reuters.npz', '87aedbeb0cb229e378797a632c1997b6')
INDEX = ('https://s3.amazonaws.com/text-datasets/reuters_word_index.json', '4d44cc38712099c9e383dc6e5f11a921')


@checked
def load_data(
    path='reuters.npz',
    num_words=None,
    skip_top=0,
    maxlen=None,
    test_split=0.2,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
    **kwargs,
):
    """Newswires as lists of numbers of words, by how frequent they are; downloaded once.

    Arguments:
        path: name of the file in the cache (in `~/.cthulhu/datasets`).
        num_words: numbers from this one on become `oov_char`; None for the highest one, which then becomes it too.
        skip_top: numbers below this one become `oov_char`.
        maxlen: newswires of so many words, with the start, and longer ones are left out.
        test_split: share of the newswires for testing, from 0 to less than 1.
        seed: of the order. NumPy's own generator is left as it is.
        start_char: number that each newswire begins with, or None.
        oov_char: number of words that are left out; None to drop them.
        index_from: is added to the number that `get_word_index` gives a word.
        **kwargs: `nb_words`, as Keras 1 called `num_words`.

    Returns:
        (x_train, y_train), (x_test, y_test): arrays of lists, and of topics.

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: for a `test_split` out of range, if `maxlen` leaves no newswire, or if it is another file than expected.
        TypeError: for an unknown argument.
    """
    num_words = legacy_words(num_words, kwargs)
    x, y = shuffled(*arrays(path, SOURCE, ['x', 'y'], lists=True), np.random.RandomState(seed))
    x, y = prepared(x, y, num_words, skip_top, maxlen, start_char, oov_char, index_from)
    count = int(len(x) * (1 - test_split))
    return (array_of(x[:count]), np.array(y[:count])), (array_of(x[count:]), np.array(y[count:]))


@checked
def get_word_index(path='reuters_word_index.json'):
    """The numbers of the words, downloaded once.

    Arguments:
        path: name of the file in the cache (in `~/.cthulhu/datasets`).

    Returns:
        Dict, word -> number, from 1 on; in what `load_data` returns they are greater by `index_from`.

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: if it is another file than expected.
    """
    return word_index(path, INDEX)
