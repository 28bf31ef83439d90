"""Texts as lists of numbers of words, the first the most frequent one: what IMDB and Reuters have in common."""

import json

import numpy as np

from cthulhu.callers import warn
from cthulhu.datasets.files import damaged
from cthulhu.storage.errors import explained
from cthulhu.utils.downloads import get_file


def legacy_words(num_words, kwargs):
    """`num_words`, which Keras 1 called `nb_words`.

    Raises:
        TypeError: for any other argument.
    """
    if 'nb_words' in kwargs:
        warn('The argument `nb_words` of load_data is called `num_words` now.')
        num_words = kwargs.pop('nb_words')
    if kwargs:
        raise TypeError(f'load_data got the unknown argument(s) {", ".join(map(repr, sorted(kwargs)))}.')
    return num_words


def shuffled(x, y, random):
    """Examples and labels in an order of chance."""
    order = np.arange(len(x))
    random.shuffle(order)
    return x[order], y[order]


def prepared(texts, labels, num_words, skip_top, maxlen, start_char, oov_char, index_from):
    """Number the words anew, and drop long texts and rare words.

    Arguments:
        texts: lists of numbers of words, from 1 on.
        labels: an array.
        num_words, skip_top, maxlen, start_char, oov_char, index_from: see `imdb.load_data`.

    Returns:
        (texts, labels): a list of lists, and a list.

    Raises:
        ValueError: if no text is left.
    """
    start = [] if start_char is None else [start_char]
    # As in Keras: without a first number, 0 leaves the words as they are.
    texts = [start + [word + index_from for word in text] for text in texts] if start or index_from else list(texts)
    labels = list(labels)
    if maxlen:
        kept = [(text, label) for text, label in zip(texts, labels) if len(text) < maxlen]
        if not kept:
            raise ValueError(f'maxlen: no text has less than {maxlen} words. Take more.')
        texts, labels = map(list, zip(*kept))
    if not num_words:
        num_words = max((max(text) for text in texts if text), default=0)
    if oov_char is None:
        texts = [[word for word in text if skip_top <= word < num_words] for text in texts]
    else:
        texts = [[word if skip_top <= word < num_words else oov_char for word in text] for text in texts]
    return texts, labels


def array_of(texts):
    """Array of lists."""
    result = np.empty(len(texts), object)
    result[:] = texts
    return result


def word_index(path, source):
    """The dict of a file: word -> number.

    Raises:
        OSError: if it cannot be downloaded.
        ValueError: if it is another file than expected.
    """
    origin, file_hash = source
    path = get_file(path, origin, file_hash=file_hash)
    with explained(f'"{path}"'):
        with open(path, encoding='utf-8') as file:
            found = json.load(file)
        if not isinstance(found, dict) or not all(type(number) is int for number in found.values()):
            raise damaged(path, 'is not an index of words: it does not give a number for each')
        return found
