"""Sequences of one length, windows of time series, and pairs of words."""

import json
import numbers
import random

import numpy as np

from cthulhu.callers import warn
from cthulhu.utils.arguments import checked
from cthulhu.utils.sequence import Sequence, batch_number

__all__ = ['TimeseriesGenerator', 'make_sampling_table', 'pad_sequences', 'skipgrams']


@checked
def pad_sequences(sequences, maxlen=None, dtype='int32', padding='pre', truncating='pre', value=0.0):
    """Sequences of different lengths as one array: short ones filled up, long ones cut.

    Arguments:
        sequences: iterable of sequences; the items of a sequence may be arrays, all of one shape.
        maxlen: int, the length of all; that of the longest if None.
        dtype: of the result; `object` for texts of any length.
        padding: 'pre' or 'post', the end at which short ones are filled up.
        truncating: 'pre' or 'post', the end at which long ones are cut.
        value: what short ones are filled up with.

    Returns:
        Array of the shape (number of sequences, maxlen, *shape of an item).

    Raises:
        ValueError: for sequences of items that differ in shape, numbers that the dtype does not hold, or another word for an end.

    Example:
        >>> pad_sequences([[1], [2, 3], []])
        array([[0, 1],
               [2, 3],
               [0, 0]], dtype=int32)
        >>> pad_sequences([['a'], ['b', 'c']], dtype=object, value='', padding='post').tolist()
        [['a', ''], ['b', 'c']]
    """
    if not hasattr(sequences, '__len__'):
        raise ValueError(f'`sequences` must be a list of sequences; got {type(sequences).__name__}.')
    for name, end in (('padding', padding), ('truncating', truncating)):
        if end not in ('pre', 'post'):
            raise ValueError(f"`{name}` must be 'pre' or 'post'; got {end!r}.")
    for number, sequence in enumerate(sequences):
        if not hasattr(sequence, '__len__') or isinstance(sequence, (dict, set)):
            raise ValueError(
                f'`sequences` must be a list of sequences; item {number} is {sequence!r}. One sequence alone is given as [sequence].'
            )
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"`dtype` must be a dtype, such as 'int32', 'float32' or object; got {dtype!r}.") from None
    if isinstance(value, str) and dtype.kind not in 'OUS':
        raise ValueError(
            f'`dtype` {dtype} does not hold the `value` {value!r}. Use dtype=object for texts of any length.'
        )
    if maxlen is None:
        maxlen = max([len(sequence) for sequence in sequences] or [0])
    shape = next((_items(sequence, n).shape[1:] for n, sequence in enumerate(sequences) if len(sequence)), ())
    result, lossy = _filled((len(sequences), maxlen) + shape, value, dtype)
    for number, sequence in enumerate(sequences):
        if not len(sequence) or not maxlen:
            continue
        if isinstance(sequence, (str, bytes)):
            raise ValueError(
                f'`sequences` must be a list of sequences of items; item {number} is the text {sequence!r}. Make numbers of texts with Tokenizer.texts_to_sequences, or give list(text) and dtype=object.'
            )
        kept = _items(sequence[-maxlen:] if truncating == 'pre' else sequence[:maxlen], number)
        if kept.shape[1:] != shape:
            raise ValueError(
                f'The items of sequence {number} have the shape {kept.shape[1:]}, those before it {shape}: all must agree.'
            )
        cast, lost = _cast(kept, dtype, number)
        lossy = lossy or lost
        if padding == 'post':
            result[number, : len(kept)] = cast
        else:
            result[number, -len(kept) :] = cast
    if lossy:
        warn(f"`dtype` {dtype} cuts the fractions off; use dtype='float32' to keep them.")
    return result


def _items(sequence, number):
    try:
        return np.asarray(sequence)
    except ValueError:
        raise ValueError(
            f'The items of sequence {number} differ in shape: each must be a number, or all arrays of one shape.'
        ) from None


def _filled(shape, value, dtype):
    """An array full of a value, and whether a fraction of it was lost."""
    try:
        cut = dtype.kind in 'iu' and np.asarray(value).dtype.kind == 'f'
        whole = np.trunc(value) if cut else value
        if cut and not (np.all(whole >= np.iinfo(dtype).min) and np.all(whole <= np.iinfo(dtype).max)):  # NaN, too
            raise OverflowError
        return np.full(shape, value, dtype=dtype), bool(np.any(whole != value)) if cut else False
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f'`value` must be what an item of the dtype {dtype} can be; got {value!r}.') from None


def _cast(items, dtype, number):
    """The items in another dtype, and whether fractions were lost."""
    try:
        cast = items.astype(dtype)
    except (TypeError, ValueError):
        raise ValueError(
            f'`dtype` {dtype} does not hold the items of sequence {number}, which begins with {items[0]!r}. Use dtype=object for texts.'
        ) from None
    if dtype.kind not in 'iu' or items.dtype.kind not in 'iuf' or items.dtype == dtype:
        return cast, False
    if not (np.all(items >= np.iinfo(dtype).min) and np.all(items <= np.iinfo(dtype).max)):
        raise ValueError(
            f'`dtype` {dtype} does not hold all numbers of sequence {number}: {items.min()} to {items.max()}.'
        )
    return cast, bool(items.dtype.kind == 'f' and np.any(cast != items))


@checked
def make_sampling_table(size, sampling_factor=1e-05):
    """How probably each word of a vocabulary is kept, so that frequent words do not crowd out the others (Mikolov et al., 2013).

    Word number i is taken to be the i-th most frequent, and its frequency to follow Zipf's law: 1 / (i * (log i + 0.577) + 1/2 - 1 / (12 i)).

    Arguments:
        size: int, the number of words.
        sampling_factor: float, the frequency from which on words are thinned out.

    Returns:
        Array (size,) of probabilities.
    """
    rank = np.arange(size, dtype='float64')
    rank[:1] = 1
    inverse = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    ratio = sampling_factor * inverse
    return np.minimum(1.0, ratio / np.sqrt(ratio))


@checked
def skipgrams(
    sequence,
    vocabulary_size,
    window_size=4,
    negative_samples=1.0,
    shuffle=True,
    categorical=False,
    sampling_table=None,
    seed=None,
):
    """Pairs of words that stand near each other, and pairs that chance made (Mikolov et al., 2013).

    Arguments:
        sequence: list of word numbers; 0 stands for no word and is in no pair.
        vocabulary_size: int, the largest word number + 1.
        window_size: int, how far apart the words of a pair may stand.
        negative_samples: float, how many pairs by chance come to each true one.
        shuffle: whether the pairs are mixed.
        categorical: whether labels are [0, 1] and [1, 0] in place of 1 and 0.
        sampling_table: array of the probability with which each word is kept (`make_sampling_table`), or None.
        seed: int; with it, all draws are those of the seed. None: they come from Python's generator.

    Returns:
        (pairs, labels), two lists of one length; the label of a true pair is 1.

    Example:
        >>> skipgrams([1, 2], vocabulary_size=3, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1]], [1, 1])
    """
    sequence = _word_numbers(sequence, sampling_table)
    draw = random if seed is None else random.Random(seed)
    yes, no = ([0, 1], [1, 0]) if categorical else (1, 0)
    pairs = []
    for place, word in enumerate(sequence):
        if not word or sampling_table is not None and sampling_table[word] < draw.random():
            continue
        for other in range(max(0, place - window_size), min(len(sequence), place + window_size + 1)):
            if other != place and sequence[other]:
                pairs.append([word, sequence[other]])
    labels = [yes] * len(pairs)
    if negative_samples > 0:
        words = [pair[0] for pair in pairs]
        draw.shuffle(words)
        for number in range(int(len(pairs) * negative_samples)):
            pairs.append([words[number % len(words)], draw.randint(1, vocabulary_size - 1)])
            labels.append(no)
    if shuffle:
        order = list(range(len(pairs)))
        draw.shuffle(order)
        pairs, labels = [pairs[i] for i in order], [labels[i] for i in order]
    return pairs, labels


def _word_numbers(sequence, sampling_table):
    """The list of the words, each of which must be a number, and one of the table."""
    if not np.iterable(sequence):
        raise TypeError(f'`sequence` must be a list of word numbers; got {sequence!r:.80}.')
    words = list(sequence)
    for word in words:
        if isinstance(word, bool) or not isinstance(word, numbers.Integral) or word < 0:
            raise ValueError(
                f'`sequence` must be a list of word numbers, whole and from 0 up; got {word!r:.80}. Tokenizer.texts_to_sequences makes them, a list for each text.'
            )
        if sampling_table is not None and word >= len(sampling_table):
            raise ValueError(
                f'`sampling_table` has a probability for each of {len(sampling_table)} words; `sequence` has the word {word}. Make it by make_sampling_table(vocabulary_size).'
            )
    return words


class TimeseriesGenerator(Sequence):
    """Batches of windows of a time series, each with the target that follows it.

    The window that ends before row r, `data[r - length:r:sampling_rate]`, has the target `targets[r]`. It is a Sequence: `summon` takes it as it is.

    Arguments:
        data: array or list, its first axis is time.
        targets: as long as `data`.
        length: int, how many rows of the data a window covers.
        sampling_rate: int, the distance of the rows that are taken of these.
        stride: int, the distance of successive windows.
        start_index, end_index: ints, the first and the last row that are used; all rows if not given.
        shuffle: whether the windows are mixed, anew in each epoch; each is in an epoch once. The order is drawn from NumPy's generator.
        reverse: whether the rows of a window are turned round.
        batch_size: int.

    Raises:
        ValueError: if data and targets differ in length, or no window fits.

    Example:
        >>> windows = TimeseriesGenerator(np.arange(10), np.arange(10) * 10, length=3, batch_size=4)
        >>> x, y = windows[0]
        >>> x[0].tolist(), int(y[0])
        ([0, 1, 2], 30)
    """

    @checked
    def __init__(
        self,
        data,
        targets,
        length,
        sampling_rate=1,
        stride=1,
        start_index=0,
        end_index=None,
        shuffle=False,
        reverse=False,
        batch_size=128,
    ):
        for name, value in (('data', data), ('targets', targets)):
            if isinstance(value, (str, bytes, dict)) or not np.ndim(value) and not hasattr(value, '__len__'):
                raise TypeError(f'`{name}` must be an array or a list, its first axis that of time; got {value!r:.80}.')
        if len(data) != len(targets):
            raise ValueError(
                f'`data` and `targets` must be of one length; got {len(data)} and {len(targets)}. Where there is nothing to predict at a row, give any number.'
            )
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if self.end_index >= len(data):
            raise ValueError(f'`end_index` must be below {len(data)}, the length of the data; got {end_index}.')
        if self.start_index > self.end_index:
            raise ValueError(
                f'No window fits: `start_index+length={self.start_index} > end_index={self.end_index}`. Give more rows, or a smaller `length`.'
            )
        self._seed = int(np.random.randint(0, 2**31 - 1)) if shuffle else 0
        self._epoch = 0

    def __len__(self):
        step = self.batch_size * self.stride
        return (self.end_index - self.start_index + step) // step

    def _rows(self):
        rows = np.arange(self.start_index, self.end_index + 1, self.stride)
        return np.random.RandomState([self._seed, self._epoch]).permutation(rows) if self.shuffle else rows

    def __getitem__(self, index):
        start = batch_number(self, index) * self.batch_size
        rows = self._rows()[start : start + self.batch_size]
        samples = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        targets = np.array([self.targets[row] for row in rows])
        return (samples[:, ::-1] if self.reverse else samples), targets

    def on_epoch_end(self):
        """Mixes the windows anew, if `shuffle`."""
        self._epoch += 1

    def get_config(self):
        """The arguments as a dict; data and targets as JSON text.

        Raises:
            TypeError: if they hold what JSON has no word for.
        """
        return {
            'data': _json_of(self.data, 'data'),
            'targets': _json_of(self.targets, 'targets'),
            'length': self.length,
            'sampling_rate': self.sampling_rate,
            'stride': self.stride,
            'start_index': self.start_index,
            'end_index': self.end_index,
            'shuffle': self.shuffle,
            'reverse': self.reverse,
            'batch_size': self.batch_size,
        }

    def to_json(self, **kwargs):
        """The arguments as JSON text. Arguments are those of `json.dumps`."""
        return json.dumps({'class_name': type(self).__name__, 'config': self.get_config()}, **kwargs)


def _json_of(values, name):
    try:
        return json.dumps(values.tolist() if isinstance(values, np.ndarray) else values)
    except TypeError as error:
        raise TypeError(f'The `{name}` cannot be written as JSON: {error}') from None
