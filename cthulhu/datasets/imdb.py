"""IMDB: 50,000 reviews of films, for or against them (Maas et al. 2011, https://ai.stanford.edu/~amaas/data/sentiment/)."""

import numpy as np

from cthulhu.callers import warn
from cthulhu.datasets.files import arrays
from cthulhu.datasets.sequences import array_of, legacy_words, prepared, shuffled, word_index
from cthulhu.utils.arguments import checked

__all__ = ['get_word_index', 'load_data']

SOURCE = ('https://s3.amazonaws.com/text-datasets/imdb.npz', '599dadb1135973df5b59232a0e9a887c')
INDEX = ('https://s3.amazonaws.com/text-datasets/imdb_word_index.json', 'bfafd718b763782e994055a2d397834f')


@checked
def load_data(
    path='imdb.npz', num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, oov_char=2, index_from=3, **kwargs
):
    """Reviews as lists of numbers of words, by how frequent they are; downloaded once.

    Arguments:
        path: name of the file in the cache (in `~/.cthulhu/datasets`).
        num_words: numbers from this one on become `oov_char`; None for the highest one, which then becomes it too.
        skip_top: numbers below this one become `oov_char`.
        maxlen: reviews of so many words, with the start, and longer ones are left out. The border between training and testing stays at the place that it had
            before, so that the first of the reviews for testing move to those for training; there is a warning.
        seed: of the order. NumPy's own generator is left as it is.
        start_char: number that each review begins with, or None.
        oov_char: number of words that are left out; None to drop them.
        index_from: is added to the number that `get_word_index` gives a word.
        **kwargs: `nb_words`, as Keras 1 called `num_words`.

    Returns:
        (x_train, y_train), (x_test, y_test): arrays of lists, and of 0 (against) and 1 (for).

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: if `maxlen` leaves no review, or if it is another file than expected.
        TypeError: for an unknown argument.
    """
    num_words = legacy_words(num_words, kwargs)
    x_train, y_train, x_test, y_test = arrays(path, SOURCE, ['x_train', 'y_train', 'x_test', 'y_test'], lists=True)
    random = np.random.RandomState(seed)
    x_train, y_train = shuffled(x_train, y_train, random)
    x_test, y_test = shuffled(x_test, y_test, random)
    count, total = len(x_train), len(x_train) + len(x_test)
    x, y = prepared(
        list(x_train) + list(x_test),
        np.concatenate([y_train, y_test]),
        num_words,
        skip_top,
        maxlen,
        start_char,
        oov_char,
        index_from,
    )
    if len(x) < total:
        warn(
            f'maxlen: {total - len(x)} of {total} reviews are left out, and as in Keras the first {min(count, len(x))} of those left are for training, reviews '
            'for testing among them. Filter what load_data() returns to keep the two apart.'
        )
    return (array_of(x[:count]), np.array(y[:count])), (array_of(x[count:]), np.array(y[count:]))


@checked
def get_word_index(path='imdb_word_index.json'):
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
