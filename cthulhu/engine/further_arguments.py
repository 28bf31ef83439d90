"""What `conjure` is given beyond its own arguments: settings, words of other Kerases, and arguments of the framework's function."""

import numbers

from cthulhu import backend as K
from cthulhu.utils.arguments import did_you_mean, named_arguments

# Arguments of `compile` in Keras 3 and tf.keras: the values that change nothing here, and what is said of others.
_OF_OTHERS = {
    'run_eagerly': (
        (None, False),
        'models are always computed by a graph here. To look at values in between, use K.print_tensor, or `predict` of a model that ends there.',
    ),
    'jit_compile': (
        (None, False, 'auto'),
        'what is compiled is found by measuring; `steps_per_execution=n` has n steps compiled to one call. Leave it out.',
    ),
}


def further_arguments(given, optimizer, known):
    """The steps of a call, None where that is to be found, and what goes to the framework's function.

    Arguments:
        given: dict of the further arguments.
        optimizer: the Optimizer, whose arguments may be among them by mistake.
        known: list of the names that `conjure` itself takes.

    Raises:
        ValueError: for an argument, or a value of it, that nothing takes.
    """
    given = dict(given)
    nothing_compiled = given.get('jit_compile') is False
    for name in [name for name in given if name in _OF_OTHERS]:
        if given.pop(name) not in _OF_OTHERS[name][0]:
            raise ValueError(f'conjure: `{name}`: {_OF_OTHERS[name][1]}')
    steps_per_execution = _steps_per_execution(given.pop('steps_per_execution', None))
    if nothing_compiled:
        if (steps_per_execution or 1) > 1:
            raise ValueError(
                'conjure: `steps_per_execution` steps are compiled to one call, which `jit_compile=False` does not allow. Leave one of them out.'
            )
        steps_per_execution = 1
    if given:
        _check(given, optimizer, known)
    return steps_per_execution, given


def _check(given, optimizer, known):
    """Refuse names that the framework does not know, now and not at the first step."""
    try:
        K.function([], [], **given)
    except ValueError as error:
        of_optimizer = [name for name in given if name in named_arguments(type(optimizer)) + ['clipnorm', 'clipvalue']]
        if of_optimizer:
            call = f'{type(optimizer).__name__}({", ".join(f"{name}={given[name]!r}" for name in of_optimizer)})'
            raise ValueError(
                f'conjure: {", ".join(map(repr, of_optimizer))}: the optimizer takes that: `conjure({call}, ...)`.'
            ) from None
        raise ValueError(
            f'conjure has no argument {", ".join(map(repr, given))}.{did_you_mean(given, known)} `conjure` itself takes {", ".join(known)}. What else it '
            f'is given goes to the framework, which does not take it: {error}'
        ) from None


def _steps_per_execution(value):
    """The setting of `conjure`, checked; 'auto', which tf.keras takes, is None."""
    if value in (None, 'auto'):
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(
            f'conjure: `steps_per_execution` must be an int of at least 1, how many steps one call of the framework takes; got {value!r}. Leave it '
            'out to have the faster way found.'
        )
    return int(value)
