"""What an argument may be: a small vocabulary of kinds, and one wording for a value that is none.

A value that is right comes back as a plain one of Python: NumPy's numbers and arrays without axes count as the numbers that they are.
"""

import copy
import difflib
import math
import numbers
import os

import numpy as np

from cthulhu import backend as K
from cthulhu.utils.reprs import short


def is_symbolic(value):
    """Whether a value is a tensor or variable of the backend."""
    return K.is_variable(value) or K.is_tensor(value)


def is_schedule(value):
    """Whether a value is a learning rate that is a function of the step."""
    return getattr(type(value), 'gives_learning_rates', False)


def _plain(value):
    """A number as Python has it, or an error: a bool is no number, nor is a text."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError
    return value.item() if isinstance(value, np.generic) else value


def _items(value):
    """The items of a tuple, list or array, or of what a framework has for a shape; an error for a single thing."""
    if isinstance(value, (str, bytes, dict, set)) or not hasattr(value, '__iter__'):
        raise TypeError
    return tuple(value)


class Kind:
    """What an argument may be.

    A subclass defines `convert(value)`, which gives the value that is used in place of the one that came, or raises TypeError or ValueError.

    Attributes:
        expected: text that ends the sentence 'the argument is'.
        example: a value that is right, for the message.
        optional: whether None is right too, and means that nothing was said.
    """

    def __init__(self, expected, example, optional=False):
        self.expected = expected + (', or None' if optional else '')
        self.example = example
        self.optional = optional

    def convert(self, value):
        raise NotImplementedError(f'{type(self).__name__} must define `convert(value)`.')

    def over(self, axes):
        """The kind for an owner with so many spatial axes (None: with none)."""
        return self

    def check(self, owner, argument, value):
        """The value to use for what was given as an argument.

        Arguments:
            owner: name of the class or function, for the message.
            argument: name of the argument.
            value: what came.

        Raises:
            ValueError: the value is not of this kind.
        """
        if value is None and self.optional:
            return None
        try:
            return self.convert(value)
        except (TypeError, ValueError, OverflowError):
            pass
        raise ValueError(
            f'{owner}: `{argument}` is {self.expected}; got {self._shown(value)}. {self._advice(argument, value)}'
        )

    def _shown(self, value):
        if isinstance(value, (list, tuple)) and value and all(map(is_symbolic, value)):
            return f'a {type(value).__name__} of {len(value)} variables or tensors'
        return short(value)

    def _advice(self, argument, value):
        try:
            if isinstance(value, str):
                return f'Leave out the quotes: `{argument}={self.convert(_read(value))!r}`.'
            if isinstance(value, (list, tuple)) and len(value) == 1:
                return f'Give the one number, not a list: `{argument}={self.convert(value[0])!r}`.'
        except (TypeError, ValueError, OverflowError):
            pass
        return f'Write for example `{argument}={self.example!r}`.'


def hinted(kind, hint):
    """The same kind, with other advice on some of the values that are not of it.

    Arguments:
        kind: Kind.
        hint: function of the value, that returns the advice, or None for the usual one.

    >>> hinted(Whole(1), lambda value: 'Count them.' if value == 'many' else None).check('Daoloth', 'units', 'many')
    Traceback (most recent call last):
    ...
    ValueError: Daoloth: `units` is a whole number, 1 or more; got 'many'. Count them.
    """
    made = copy.copy(kind)
    made._advice = lambda argument, value: hint(value) or kind._advice(argument, value)
    return made


def _read(text):
    return {'true': True, 'false': False}.get(text.lower()) if text.lower() in ('true', 'false') else float(text)


class Number(Kind):
    """A finite number, or a scalar tensor or variable of the backend, which is handed on as it is.

    Arguments:
        least, most: the bounds, themselves allowed; None where there is none.
        above, below: bounds that are not allowed themselves.
        example: a right value.
        optional: whether None is right.
        infinite: whether infinity is right; NaN never is.

    >>> Number(0, below=1).check('summon', 'validation_split', np.float64(0.25))
    0.25
    """

    def __init__(self, least=None, most=None, above=None, below=None, example=0.5, optional=False, infinite=False):
        bounds = [
            f'{words} {bound}'
            for words, bound in (('at least', least), ('above', above), ('at most', most), ('below', below))
            if bound is not None
        ]
        what = 'a number' if infinite else 'a finite number'
        super().__init__(' '.join([what] + [' and '.join(bounds)] * bool(bounds)), example, optional)
        self.infinite = infinite
        self.least, self.most, self.above, self.below = least, most, above, below

    def convert(self, value):
        if not isinstance(value, numbers.Number) and is_symbolic(value):
            return value
        value = _plain(value)
        if math.isnan(value) or math.isinf(value) and not self.infinite:
            raise ValueError
        if self.least is not None and value < self.least or self.above is not None and value <= self.above:
            raise ValueError
        if self.most is not None and value > self.most or self.below is not None and value >= self.below:
            raise ValueError
        return value


class LearningRate(Number):
    """A number from 0 up, or a schedule; what is given in its place by those who know PyTorch, the weights, is told apart."""

    def __init__(self):
        super().__init__(0, example=0.01)
        self.expected += ', or a schedule'

    def convert(self, value):
        return value if is_schedule(value) else super().convert(value)

    def _advice(self, argument, value):
        if callable(value):
            return (
                'A learning rate that changes is one of `cthulhu.optimizers.schedules`, a subclass of its `LearningRateSchedule`, or what the callback '
                '`LearningRateScheduler` sets by a function.'
            )
        if isinstance(value, (list, tuple)) and any(map(is_symbolic, value)):
            return f'Leave the weights out: those of the model that is conjured with the optimizer are trained. Write for example `{argument}=0.01`.'
        return super()._advice(argument, value)


class Whole(Kind):
    """A whole number. A float with a whole value counts as one, as files and divisions have them; a fraction does not.

    Arguments:
        least, most: the bounds, themselves allowed.
        example, optional: as for Number.
        flags: whether True and False stand for 1 and 0.
        up: whether a fraction stands for the next whole number, as Keras takes the batches of an epoch.
        words: tuple of texts that are right too.

    >>> Whole(1).check('Daoloth', 'units', 4.0)
    4
    >>> Whole(1, up=True).check('summon', 'steps_per_epoch', 62.5)
    63
    """

    def __init__(self, least=None, most=None, example=1, optional=False, flags=False, up=False, words=()):
        bounds = '' if least is None else f', {least} or more' if most is None else f' from {least} to {most}'
        super().__init__(
            'a whole number'
            + bounds
            + (', True or False' if flags else '')
            + (', or ' + ' or '.join(map(repr, words)) if words else ''),
            example,
            optional,
        )
        self.least, self.most, self.flags, self.up, self.words = least, most, flags, up, words

    def _advice(self, argument, value):
        near = difflib.get_close_matches(value, self.words, 1) if isinstance(value, str) else ()
        return f'Did you mean `{argument}={near[0]!r}`?' if near else super()._advice(argument, value)

    def convert(self, value):
        if self.flags and isinstance(value, (bool, np.bool_)):
            return value
        if isinstance(value, str) and value in self.words:
            return value
        value = _plain(value)
        whole = math.ceil(value) if self.up else int(value)
        if whole != value and not self.up:
            raise ValueError
        if self.least is not None and whole < self.least or self.most is not None and whole > self.most:
            raise ValueError
        return whole


class Flag(Kind):
    """True or False; 1 and 0 count as these.

    >>> Flag().check('Daoloth', 'use_bias', np.bool_(True)), Flag().check('Daoloth', 'use_bias', 0)
    (True, False)
    """

    def __init__(self, example=True, further=(), optional=False):
        also = ''.join(f' or {each!r}' for each in further)
        super().__init__('True or False' + also, example, optional)
        self.further = further

    def convert(self, value):
        if isinstance(value, str) and value in self.further:
            return value
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        value = _plain(value)
        if value not in (0, 1):
            raise ValueError
        return bool(value)


class Sizes(Kind):
    """A whole number for all axes, or a tuple of them, one for each.

    Arguments:
        least: the least size.
        pairs: whether an axis may have a pair of them, before and after.
        spatial: whether the axes are the spatial ones of the owner, so that there are as many sizes.
        example, optional: as for Number.

    >>> Sizes(1).check('Cthalpa2D', 'kernel_size', [3, np.int64(2)])
    (3, 2)
    """

    def __init__(self, least=None, pairs=False, spatial=True, example=3, optional=False, axes=None):
        number = 'a whole number' + ('' if least is None else f', {least} or more')
        several = {None: 'a tuple of them', 1: 'a tuple of one'}.get(axes, f'a tuple of {axes} of them')
        if pairs:
            several = 'a pair of them' if axes == 1 else several + ' or of pairs'
        super().__init__(f'{number}, or {several}', example, optional)
        self.least, self.pairs, self.spatial, self.axes = least, pairs, spatial, axes
        if spatial and axes is None:
            settings = dict(least=least, pairs=pairs, optional=optional)
            self._over = {
                n: Sizes(example=(example,) * (n + (pairs and n == 1)), axes=n, **settings) for n in (1, 2, 3)
            }

    def over(self, axes):
        return self._over[axes] if self.spatial and axes in (1, 2, 3) else self

    def convert(self, value):
        if not self.pairs:
            return self._sizes(value, self.axes)
        if isinstance(value, numbers.Number) or not getattr(value, 'ndim', 1):
            return self._sizes(value, None)
        if self.axes == 1:
            return self._sizes(value, 2)
        return self._right_number(tuple(self._sizes(item, self.axes and 2) for item in _items(value)), self.axes)

    def _sizes(self, value, count):
        if isinstance(value, numbers.Number) or not getattr(value, 'ndim', 1):
            return Whole(self.least).convert(value)
        return self._right_number(tuple(Whole(self.least).convert(item) for item in _items(value)), count)

    def _right_number(self, items, count):
        if not items or count is not None and len(items) != count:
            raise ValueError
        return items


class Several(Kind):
    """A list or tuple of things of one kind.

    Arguments:
        item: the Kind of each.
        words: text, what there are several of.
        count: how many there are; None for any number but 0.
        single: whether one of them alone is right too.
        optional: whether None is right.

    >>> Several(Number(0, 1), 'thresholds').check('AUC', 'thresholds', (0.5, np.float64(1)))
    [0.5, 1.0]
    """

    def __init__(self, item, words, count=None, single=False, example=None, optional=False):
        several = 'a list' if count is None else 'a pair'
        expected = (
            f'{item.expected}, or {several} of such {words}'
            if single
            else f'{several} of {words}, each {item.expected}'
        )
        super().__init__(expected, example or [item.example] * (count or 1), optional)
        self.item, self.count, self.single = item, count, single

    def convert(self, value):
        if self.single and (isinstance(value, numbers.Number) or is_symbolic(value) or getattr(value, 'ndim', 1) == 0):
            return self.item.convert(value)
        items = [self.item.convert(item) for item in _items(value)]
        if not items or self.count is not None and len(items) != self.count:
            raise ValueError
        return items


class Shape(Kind):
    """A tuple of sizes, without or with the axis of the batch.

    Arguments:
        least: the least size.
        open_sizes: whether None may stand for a size that is not known.
        rest: whether -1 may stand for what is left.
        scalar: whether the empty tuple is one.
        example, optional: as for Number.

    >>> Shape().check('Daoloth', 'input_shape', [None, 3.0])
    (None, 3)
    """

    def __init__(self, least=1, open_sizes=True, rest=False, scalar=True, example=(32,), optional=False):
        further = [text for text, there in (('None', open_sizes), ('-1', rest)) if there]
        also = f' (or {" or ".join(further)})' if further else ''
        super().__init__(f'a tuple of whole numbers, {least} or more{also}', example, optional)
        self.least, self.open_sizes, self.rest, self.scalar = least, open_sizes, rest, scalar

    def convert(self, value):
        sizes = tuple(self._size(item) for item in _items(value))
        if not sizes and not self.scalar:
            raise ValueError
        return sizes

    def _size(self, item):
        item = getattr(item, 'value', item)  # as TensorFlow 1 has the sizes of a shape
        if item is None and self.open_sizes:
            return None
        size = Whole().convert(item)
        if size < self.least and not (self.rest and size == -1):
            raise ValueError
        return size

    def _advice(self, argument, value):
        try:
            return f'A tuple of one has a comma: `{argument}=({self._size(value)},)`.'
        except (TypeError, ValueError, OverflowError):
            return super()._advice(argument, value)


class Lengths(Shape):
    """A length, or a tuple of lengths as of a shape."""

    def __init__(self, example=10, optional=False):
        super().__init__(example=example, optional=optional)
        self.expected = 'a whole number, 1 or more, or ' + self.expected

    def convert(self, value):
        return Whole(1).convert(value) if isinstance(value, numbers.Number) else super().convert(value)

    def _advice(self, argument, value):
        return Kind._advice(self, argument, value)


class Numbers(Kind):
    """A number, or an array or list of them; none is NaN."""

    def __init__(self, example=0.5, optional=False):
        super().__init__('a number or an array of numbers, none of them NaN', example, optional)

    def convert(self, value):
        if is_symbolic(value):
            return value
        array = np.asarray(value)
        if array.dtype.kind not in 'biuf' or np.isnan(array).any():
            raise ValueError
        return value


class Epochs(Whole):
    """Every so many epochs; or a list, tuple or set of the epochs, counted from 1."""

    def __init__(self, example=5):
        super().__init__(1, example=example)
        self.expected += ' (every so many epochs), or a list of the epochs, counted from 1'

    def convert(self, value):
        if isinstance(value, (list, tuple, set, frozenset)):
            return [super(Epochs, self).convert(epoch) for epoch in value]
        return super().convert(value)


class Rate(Number):
    """A number from 0 up, or a function that gives one."""

    def __init__(self, example=0.01):
        super().__init__(0, example=example)
        self.expected += ', or a function of the step'

    def convert(self, value):
        return value if callable(value) else super().convert(value)


class Text(Kind):
    """A name; None and the empty text leave it to be made up."""

    def __init__(self, example='mine'):
        super().__init__('a text', example, optional=True)

    def convert(self, value):
        if not isinstance(value, str):
            raise TypeError
        return str(value)

    def _advice(self, argument, value):
        return (
            f'Write for example `{argument}={str(value)!r}`.'
            if isinstance(value, numbers.Number)
            else super()._advice(argument, value)
        )


class File(Kind):
    """A path."""

    def __init__(self, example='data'):
        super().__init__('a path, a text or Path', example)

    def convert(self, value):
        if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
            raise TypeError
        return value

    def _advice(self, argument, value):
        return f'Write for example `{argument}={self.example!r}`.'
