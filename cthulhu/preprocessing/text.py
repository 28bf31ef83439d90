"""Texts as sequences of numbers."""

import collections
import hashlib
import json
import math
import numbers
import typing

import numpy as np

from cthulhu.callers import warn
from cthulhu.names import method_aliases
from cthulhu.storage import budget, texts, trust
from cthulhu.storage.errors import DamagedFileError, UnsafeFileError
from cthulhu.utils.arguments import checked

__all__ = ['Tokenizer', 'hashing_trick', 'one_hot', 'text_to_word_sequence', 'tokenizer_from_json']

#: What `tokenizer_from_json` reads at most: characters of text, words, and the size of a number.
LONGEST_TEXT = 2**28
MOST_WORDS = 2**24
LARGEST_NUMBER = 2**31


@checked
def text_to_word_sequence(text, filters='!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', lower=True, split=' '):
    """The words of a text, as a list.

    Arguments:
        text: str.
        filters: str of characters that are no part of words; they separate, as `split` does.
        lower: whether upper case becomes lower case.
        split: str that separates words.

    Example:
        >>> text_to_word_sequence("Ph'nglui mglw'nafh, Cthulhu!")
        ["ph'nglui", "mglw'nafh", 'cthulhu']
    """
    if not isinstance(text, str):
        raise TypeError(f'`text` must be a str; got {text!r} ({type(text).__name__}).')
    _check_separators(filters, split)
    if lower:
        text = text.lower()
    return [word for word in text.translate({ord(c): split for c in filters}).split(split) if word]


def _check_separators(filters, split):
    if not isinstance(filters, (str, list, tuple)) or any(not isinstance(c, str) or len(c) != 1 for c in filters):
        raise TypeError(
            f"`filters` must be a str, each character of which separates words, '' for none; got {filters!r}."
        )
    if not isinstance(split, str) or not split:
        raise TypeError(f"`split` must be a str that separates words, such as ' '; got {split!r}.")


@checked
def one_hot(text, n, filters='!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', lower=True, split=' '):
    """The words of a text as numbers from 1 to n - 1, by Python's `hash`: see `hashing_trick`."""
    return hashing_trick(text, n, hash, filters=filters, lower=lower, split=split)


@checked
def hashing_trick(text, n, hash_function=None, filters='!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', lower=True, split=' '):
    """The words of a text as numbers from 1 to n - 1. Different words may get one number.

    Arguments:
        text, filters, lower, split: as for `text_to_word_sequence`.
        n: int, the number of numbers; 0 is never used.
        hash_function: function, word -> int; 'md5', which is the same everywhere; None for Python's `hash`, which differs from one run of Python
            to the next unless the environment variable PYTHONHASHSEED is set.

    Returns:
        List of ints.

    Example:
        >>> hashing_trick('the old ones', 100, 'md5')
        [51, 38, 85]
    """
    if hash_function == 'md5':
        hash_function = _md5
    elif hash_function is None:
        hash_function = hash
    elif not callable(hash_function):
        raise ValueError(f"`hash_function` must be a function, 'md5' or None; got {hash_function!r}.")
    hashes = [hash_function(word) for word in text_to_word_sequence(text, filters=filters, lower=lower, split=split)]
    for value in hashes:
        if not isinstance(value, numbers.Integral):
            raise TypeError(f'`hash_function` must return an int for each word; it returned {value!r}.')
    return [value % (n - 1) + 1 for value in hashes]


def _md5(word):
    return int(hashlib.md5(word.encode()).hexdigest(), 16)


@method_aliases
class Tokenizer:
    """Gives each word of some texts a number, the most frequent the smallest, and turns texts into numbers and back.

    Words are numbered from 1; 0 is for padding. With `oov_token`, number 1 is that of all words that are not known, and words begin at 2.

    Arguments:
        num_words: int or None; numbers from `num_words` on are not used: their words count as unknown. So num_words - 1 numbers are used, and
            num_words is the width of `texts_to_matrix`. With `oov_token`, one of them is its own.
        filters, lower, split: as for `text_to_word_sequence`.
        char_level: whether each character is a word.
        oov_token: str that stands for unknown words; None leaves them out.
        document_count: int, how many texts were counted already.

    Attributes:
        word_counts: OrderedDict, word -> how often it occurred, in order of appearance.
        word_docs: dict, word -> in how many texts.
        word_index, index_word: dicts, word -> number and number -> word, of all words, whatever `num_words`.
        index_docs: dict, number -> in how many texts.
        document_count: how many texts or sequences were seen.

    Example:
        >>> tokenizer = Tokenizer(oov_token='?')
        >>> tokenizer.summon_on_texts(['the city', 'the deep'])
        >>> tokenizer.texts_to_sequences(['the deep sea'])
        [[2, 4, 1]]
        >>> tokenizer.sequences_to_texts([[2, 4, 1]])
        ['the deep ?']
    """

    @checked
    def __init__(
        self,
        num_words=None,
        filters='!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n',
        lower=True,
        split=' ',
        char_level=False,
        oov_token=None,
        document_count=0,
        **kwargs,
    ):
        if 'nb_words' in kwargs:
            warn('`nb_words` is now called `num_words`.')
            num_words = kwargs.pop('nb_words')
        if kwargs:
            raise TypeError(f'Tokenizer knows no argument {sorted(kwargs)[0]!r}.')
        _check_separators(filters, split)
        if not isinstance(oov_token, (str, type(None))):
            raise TypeError(f"`oov_token` must be a str, such as '<unk>', or None; got {oov_token!r}.")
        if num_words == 1 and oov_token is not None:
            raise ValueError(
                '`num_words` 1 leaves no number for `oov_token`, whose number is 1: it must be at least 2, and 3 for one word beside it.'
            )
        self.num_words = num_words
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.document_count = document_count
        self.word_counts = collections.OrderedDict()
        self.word_docs = collections.defaultdict(int)
        self.index_docs = collections.defaultdict(int)
        self.word_index = {}
        self.index_word = {}

    def _words(self, text):
        """The words of a text, which may be a list of words already."""
        one_by_one = isinstance(text, (list, tuple))
        for word in text if one_by_one else [text]:
            if not isinstance(word, str):
                raise TypeError(f'`texts` must be a list of texts, or of lists of words; it has {word!r:.80} in it.')
        if one_by_one:
            return [word.lower() for word in text] if self.lower else list(text)
        if self.char_level:
            return list(text.lower() if self.lower else text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def summon_on_texts(self, texts):
        """Count the words of texts, and number them. May be called again: counts add up, and numbers are given anew.

        Arguments:
            texts: iterable of texts; a text that is a list is taken as a list of words.
        """
        for text in _several(texts, 'texts'):
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in sorted(set(words)):
                self.word_docs[word] += 1
        # A word that is spelled like the token for unknown words is unknown.
        ordered = sorted((w for w in self.word_counts if w != self.oov_token), key=self.word_counts.get, reverse=True)
        if self.oov_token is not None:
            ordered.insert(0, self.oov_token)
        self.word_index = {word: number for number, word in enumerate(ordered, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        self.index_docs = collections.defaultdict(int)
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def summon_on_sequences(self, sequences):
        """Count in how many sequences of numbers each number occurs, which `sequences_to_matrix` needs for mode 'tfidf'.

        Arguments:
            sequences: iterable of lists of numbers.
        """
        for sequence in _sequences(sequences):
            self.document_count += 1
            for number in set(sequence):
                self.index_docs[number] += 1

    if typing.TYPE_CHECKING:  # what `method_aliases` makes
        fit_on_texts = summon_on_texts
        fit_on_sequences = summon_on_sequences

    def texts_to_sequences(self, texts):
        """Texts as lists of numbers.

        Arguments:
            texts: iterable of texts, or of lists of words.
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts):
        """`texts_to_sequences`, one text at a time."""
        unknown = self.word_index.get(self.oov_token)
        for text in _several(texts, 'texts'):
            numbers = (self.word_index.get(word, unknown) for word in self._words(text))
            known = (unknown if number is None or self._is_left_out(number) else number for number in numbers)
            yield [number for number in known if number is not None]

    def _is_left_out(self, number):
        return self.num_words is not None and number >= self.num_words

    def sequences_to_texts(self, sequences):
        """Lists of numbers as texts: words with spaces between them.

        Arguments:
            sequences: iterable of lists of numbers.
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences):
        """`sequences_to_texts`, one sequence at a time."""
        for sequence in _sequences(sequences):
            words = (None if self._is_left_out(number) else self.index_word.get(number) for number in sequence)
            named = (self.oov_token if word is None else word for word in words)
            yield ' '.join(word for word in named if word is not None)

    def texts_to_matrix(self, texts, mode='binary'):
        """Texts as the rows of a matrix; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(self, sequences, mode='binary'):
        """Lists of numbers as the rows of a matrix with a column for each number.

        Arguments:
            sequences: list of lists of numbers.
            mode: 'binary': 1 where the number occurs; 'count': how often; 'freq': how often by the length of the sequence; 'tfidf':
                (1 + log count) * log(1 + texts / (1 + texts with the number)).

        Returns:
            Array (number of sequences, num_words), or with a column for each known word where `num_words` is None.

        Raises:
            ValueError: for another mode, or where the texts that it needs were not counted.
        """
        if mode not in ('binary', 'count', 'freq', 'tfidf'):
            raise ValueError(f"`mode` must be 'binary', 'count', 'freq' or 'tfidf'; got {mode!r}.")
        if not self.num_words and not self.word_index:
            raise ValueError(
                'The width of the matrix is not known: give `num_words` to the Tokenizer, or call `summon_on_texts` first.'
            )
        if mode == 'tfidf' and not self.document_count:
            raise ValueError(
                "Mode 'tfidf' needs to know how often words occur: call `summon_on_texts` or `summon_on_sequences` first."
            )
        width = self.num_words or len(self.word_index) + 1
        sequences = list(_sequences(sequences))
        if 8 * width * len(sequences) > trust.memory():
            raise ValueError(
                f'The matrix would have {len(sequences)} x {width} entries, more than fit into memory. Make it of fewer texts, or give a smaller `num_words`.'
            )
        matrix = np.zeros((len(sequences), width))
        for row, sequence in zip(matrix, sequences):
            for number, count in collections.Counter(sequence).items():
                if self._is_left_out(number):
                    continue
                if not 0 <= number < width:
                    raise ValueError(f'`sequences` has the number {number}; this Tokenizer knows 0 to {width - 1}.')
                row[number] = self._weight(number, count, len(sequence), mode)
        return matrix

    def _weight(self, number, count, length, mode):
        if mode == 'binary':
            return 1
        if mode == 'count':
            return count
        if mode == 'freq':
            return count / length
        idf = math.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
        return (1 + math.log(count)) * idf

    def get_config(self):
        """Arguments and counts as a dict; the counts as JSON text."""
        return {
            'num_words': self.num_words,
            'filters': self.filters,
            'lower': self.lower,
            'split': self.split,
            'char_level': self.char_level,
            'oov_token': self.oov_token,
            'document_count': self.document_count,
            'word_counts': json.dumps(self.word_counts),
            'word_docs': json.dumps(self.word_docs),
            'index_docs': json.dumps(self.index_docs),
            'index_word': json.dumps(self.index_word),
            'word_index': json.dumps(self.word_index),
        }

    def to_json(self, **kwargs):
        """The Tokenizer as JSON text, for `tokenizer_from_json` here or in Keras. Arguments are those of `json.dumps`."""
        return json.dumps({'class_name': type(self).__name__, 'config': self.get_config()}, **kwargs)


def _several(texts, name):
    if isinstance(texts, str):
        raise TypeError(
            f'`{name}` must be a list of texts; got one text, whose characters would each be one. Give [text].'
        )
    if isinstance(texts, (bytes, dict)) or not np.iterable(texts):
        raise TypeError(f'`{name}` must be a list of texts; got {texts!r:.80}.')
    return texts


def _sequences(sequences):
    """The sequences, each a list of its numbers."""
    if isinstance(sequences, (str, bytes, dict)) or not np.iterable(sequences):
        raise TypeError(f'`sequences` must be a list of lists of numbers; got {sequences!r:.80}.')
    for sequence in sequences:
        if not np.iterable(sequence):
            raise TypeError(
                f'`sequences` must be a list of lists of numbers; it has {sequence!r} in it. One list alone is given as [sequence].'
            )
        words = list(sequence)
        for number in words:
            if not isinstance(number, numbers.Integral):
                raise TypeError(f'`sequences` must hold whole numbers, those of words; it has {number!r:.80} in it.')
        yield words


_TYPES = {
    'num_words': (int, type(None)), 'filters': (str,), 'lower': (bool,), 'split': (str,), 'char_level': (bool,),
    'oov_token': (str, type(None)), 'document_count': (int,),
}  # fmt: skip
_COUNTS = ('word_counts', 'word_docs', 'index_docs', 'index_word', 'word_index')


def tokenizer_from_json(json_string):
    """The Tokenizer of what `Tokenizer.to_json` gave, here or in Keras.

    Arguments:
        json_string: str. It may come from anybody: it runs nothing, and its size and the types of all it holds are checked.

    Raises:
        DamagedFileError: for a text that is no Tokenizer's.
        UnsafeFileError: for one that is too long, or holds numbers that no Tokenizer gives.
    """
    if not isinstance(json_string, str):
        raise TypeError(f'`json_string` must be a str; got {type(json_string).__name__}.')
    if len(json_string) > LONGEST_TEXT:
        raise UnsafeFileError(
            f'The JSON text of the Tokenizer is {trust.readable(len(json_string))} long; up to {trust.readable(LONGEST_TEXT)} are read.'
        )
    description = _parsed(json_string, 'The text')
    config = description.get('config')
    if description.get('class_name') != 'Tokenizer' or not isinstance(config, dict):
        raise DamagedFileError(
            "The JSON text is not that of a Tokenizer: a dict with 'class_name': 'Tokenizer' and a 'config' was expected."
        )
    unknown = sorted(set(config) - set(_TYPES) - set(_COUNTS))
    if unknown:
        raise DamagedFileError(f"The Tokenizer's configuration has {unknown[0]!r}, which no Tokenizer has.")
    for name, types in _TYPES.items():
        if name in config and (
            not isinstance(config[name], types) or isinstance(config[name], bool) and bool not in types
        ):
            raise DamagedFileError(f"The Tokenizer's {name!r} must be {types[0].__name__}; got {config[name]!r:.80}.")
    tables = {name: _table(config[name], name) for name in _COUNTS if name in config}
    tokenizer = Tokenizer(**{name: config[name] for name in _TYPES if name in config})
    tokenizer.word_counts = collections.OrderedDict(_checked(tables.get('word_counts', {}), 'word_counts', int))
    tokenizer.word_docs.update(_checked(tables.get('word_docs', {}), 'word_docs', int))
    tokenizer.index_docs.update(_numbered(tables.get('index_docs', {}), 'index_docs', int))
    tokenizer.word_index = _checked(tables.get('word_index', {}), 'word_index', int)
    tokenizer.index_word = _numbered(tables.get('index_word', {}), 'index_word', str)
    return tokenizer


def _parsed(text, what):
    with budget.opened():
        texts.count_values(text, f'{what} of the Tokenizer')
    try:
        value = json.loads(text, parse_int=_number, parse_constant=_no_number)
    except RecursionError:
        raise UnsafeFileError(f'{what} of the Tokenizer is nested too deeply to be read.') from None
    except (UnsafeFileError, DamagedFileError):
        raise
    except ValueError as error:
        raise DamagedFileError(f'{what} of the Tokenizer is not JSON: {error}.') from None
    if not isinstance(value, dict):
        raise DamagedFileError(f'{what} of the Tokenizer must be a dict; it is {type(value).__name__}.')
    return value


def _number(digits):
    # Python takes quadratic time to read digits, so their number is looked at first.
    if len(digits) > 10 or abs(int(digits)) >= LARGEST_NUMBER:
        raise UnsafeFileError(f'The Tokenizer has the number {digits:.20}; its numbers are below {LARGEST_NUMBER}.')
    return int(digits)


def _no_number(name):
    raise DamagedFileError(f'The Tokenizer has {name}, which counts nothing.')


def _table(text, name):
    if not isinstance(text, str):
        raise DamagedFileError(f"The Tokenizer's {name!r} must be JSON text; got {type(text).__name__}.")
    table = _parsed(text, f'{name!r}')
    if len(table) > MOST_WORDS:
        raise UnsafeFileError(f"The Tokenizer's {name!r} has {len(table)} words; up to {MOST_WORDS} are read.")
    return table


def _checked(table, name, kind):
    for key, value in table.items():
        if not isinstance(value, kind) or isinstance(value, bool) or kind is int and value < 0:
            raise DamagedFileError(
                f"The Tokenizer's {name!r} must hold {'counts' if kind is int else 'words'}; {key[:40]!r} has {value!r:.80}."
            )
    return table


def _numbered(table, name, kind):
    _checked(table, name, kind)
    try:
        return {_number(key): value for key, value in table.items()}
    except UnsafeFileError:
        raise
    except ValueError:
        raise DamagedFileError(f"The Tokenizer's {name!r} must have numbers as its keys.") from None
