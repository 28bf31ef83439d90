"""The check of arguments: one decorator for constructors and functions, and one error for an argument that does not exist.

A constructor or function that takes numbers is marked with `checked`. What each of its arguments may be stands in `argument_table`. A call that does not fit
may be one of Keras 1: `keras1` has those, and is looked at for no other.
"""

import difflib
import functools
import inspect

from cthulhu.utils import argument_table, hints


def unknown_argument(owner, unknown, accepted):
    """The TypeError for arguments that do not exist, with those that do, and the nearest.

    >>> str(unknown_argument('summon', ['epoch'], ['x', 'epochs']))
    "summon has no argument 'epoch'. Did you mean `epochs`? It takes x, epochs."
    """
    unknown, accepted = sorted(unknown), list(accepted)
    takes = ', '.join(accepted) or 'none'
    return TypeError(
        f'{owner} has no argument {", ".join(map(repr, unknown))}.{did_you_mean(unknown, accepted)} It takes {takes}.'
    )


#: What is meant by a name that another one is nearer to by its letters.
_MEANT = {'validation': 'validation_data'}


def did_you_mean(unknown, accepted):
    """A question with the nearest of the names that exist, to be put after a message; the empty text where none is near."""
    nearest = []
    for name in unknown:
        meant = [each for each in accepted if each == _MEANT.get(name) or each.lower() == name.lower()]
        found = meant or difflib.get_close_matches(name, accepted, n=1)
        nearest.extend(match for match in found if match not in nearest)
    return f' Did you mean {", ".join(f"`{name}`" for name in nearest)}?' if nearest else ''


def named_arguments(function):
    """The names of the arguments of a function or class that can be given by name, without `self`.

    >>> named_arguments(lambda x, epochs=1, **kwargs: x)
    ['x', 'epochs']
    """
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != 'self']


def require_call(function, names, what):
    """Refuse a function of a user's own that does not take what it will be called with, by position.

    Arguments:
        function: the function.
        names: list of the names of what it is called with.
        what: what it is, for the message.

    Raises:
        TypeError: it takes more or fewer arguments.

    >>> require_call(lambda epoch: None, ['epoch', 'logs'], 'The hook `on_epoch_end`')
    Traceback (most recent call last):
    ...
    TypeError: The hook `on_epoch_end` is called with (epoch, logs), and the one given takes (epoch). Let it take both of them.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # it is not written in Python
        return
    try:
        signature.bind(*names)
    except TypeError:
        these = 'both of them' if len(names) == 2 else 'that'
        raise TypeError(
            f'{what} is called with ({", ".join(names)}), and the one given takes {signature}. Let it take {these}.'
        ) from None


def respelling(function):
    """A function that gives a call of `function` back as Keras 2 spells it: `respell(args, kwargs) -> (args, kwargs)`.

    The calls that fit cost it a comparison of names. Where there are two orders of arguments, as many by position as only the older has are one that does not.
    """
    known = named_arguments(function)
    is_open = any(p.kind == p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())
    of_class = function.__name__ == '__init__'
    of_sizes = of_class and known[:2] == ['filters', 'kernel_size']
    if of_class and is_open:
        known = known + [name for name in argument_table.OF_EVERY_LAYER if name not in known]
    usual = frozenset(known).union(argument_table.OLDER_NAMES, () if of_sizes else ('input_dim', 'input_length'))
    odd = _ODD_COUNTS.get('filters' if of_sizes else function.__name__, ())
    sides = of_class and known[:1] == ['padding']  # those of ZeroPadding2D came as a dict, too

    def respell(args, kwargs):
        fits = usual.issuperset(kwargs) and len(args) not in odd
        if fits and not (sides and dict in map(type, args[1:] + (kwargs.get('padding'),))):
            return args, kwargs
        from cthulhu.utils import keras1

        return keras1.respelled(None if of_class else function.__name__, args, kwargs, known)

    return respell


#: How many arguments by position, `self` among them, may be in the order of Keras 1: of a layer with `filters` and `kernel_size`, and of methods.
_ODD_COUNTS = {'filters': (4, 5, 6), 'get_updates': (3, 4), 'add_weight': (2, 3, 4, 5, 6, 7)}


def settings_of_keras_1(cls, settings):
    """The settings of a class from a configuration, a dict, in the words of Keras 2; from what Keras 1 wrote, or what has those already."""
    from cthulhu.utils import keras1

    row = keras1.row_of(cls)
    return settings if row is None else keras1.Call(row, (), settings).in_keras_2().kwargs


def takes_keras_1(method: hints.Decorated) -> hints.Decorated:
    """Decorator: take the calls of Keras 1, too, that `keras1` has for a method."""
    respell = respelling(method)

    @functools.wraps(method)
    def run(*args, **kwargs):
        __tracebackhide__ = True  # in a notebook, the frame tells nothing
        args, kwargs = respell(args, kwargs)
        return method(*args, **kwargs)

    return run


def checked(function: hints.Decorated) -> hints.Decorated:
    """Decorator: check the arguments of a constructor, method or function by the table of arguments, before anything is made of them.

    The signature stays. A message names the class of what is made (or the function); an argument given under two names, or that does not exist, is refused.
    Calls of Keras 1 become those of Keras 2, with a warning.
    """
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    names = [p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]
    known = named_arguments(function)
    needed = [p.name for p in parameters if p.name in known and p.default is p.empty]
    is_open = any(p.kind == p.VAR_KEYWORD for p in parameters)
    home, _, name = function.__qualname__.rpartition('.')
    home = home.rpartition('.')[2]
    of_class = name == '__init__'
    defaults = {p.name: p.default for p in parameters}
    respell = respelling(function)
    kinds, free = {}, set()  # `free`: those that may be anything
    needed = [(argument, names.index(argument) if argument in names else float('inf')) for argument in needed]

    def check(args, argument, value):
        if argument not in kinds:
            kinds[argument] = argument_table.kind_of(home if of_class else name, argument)
        if kinds[argument] is None:
            free.add(argument)
            return value
        axes = getattr(args[0], 'rank', None) if of_class and args else None
        return kinds[argument].over(axes).check(owner_of(args), argument, value)

    def owner_of(args):
        return type(args[0]).__name__ if of_class and args else name

    @functools.wraps(function)
    def run(*args, **kwargs):
        __tracebackhide__ = True  # in a notebook, the frame tells nothing
        args, kwargs = respell(args, kwargs)
        values = list(args)
        for place, (argument, value) in enumerate(zip(names, args)):
            if argument not in free and value is not defaults[argument]:
                values[place] = check(args, argument, value)
        for argument, value in kwargs.items():
            if argument in defaults:
                if value is defaults[argument]:
                    continue
            elif not is_open:
                raise unknown_argument(owner_of(args), [each for each in kwargs if each not in known], known)
            other = argument_table.OLDER_NAMES.get(argument)
            if other is not None and (other in kwargs or other in names[: len(args)]):
                raise TypeError(
                    f'{owner_of(args)}: `{argument}` is an older name of `{other}`, and both are given. Leave out `{argument}`.'
                )
            kwargs[argument] = check(args, argument, value)
        for argument, place in needed:
            if place >= len(args) and argument not in kwargs:
                raise TypeError(f'{owner_of(args)} needs `{argument}`. It takes {", ".join(known)}.')
        return function(*values, **kwargs)

    run.__signature__ = signature
    run.checks_arguments = True
    return run


def is_checked(function):
    """Whether a function or constructor is marked with `checked`."""
    return getattr(function, 'checks_arguments', False)
