"""The state of an optimizer, in the orders of Keras 2.3 (ours), tf.keras and Keras 3.

Ours is the counter of steps, then one array for each trained weight, for each kind of state in turn. tf.keras before 2.11 leaves out what is not used; tf.keras
since then, and Keras 3, have all kinds of state of a weight together, and Keras 3 the learning rate after the counter. Averages of the weights, and sums of gradients
over several batches, come last in ours, and first in theirs.
"""

import numpy as np

from cthulhu import backend as K
from cthulhu import names

# Optimizer -> how many arrays it has for a weight.
_KINDS = {
    'SGD': 1,
    'RMSprop': 1,
    'Adagrad': 1,
    'Adadelta': 2,
    'Adam': 2,
    'AdamW': 2,
    'Adamax': 2,
    'Ftrl': 2,
    'Lamb': 2,
    'Lion': 1,
    'Nadam': 2,
}

# Those that have placeholders for some weights, which are others there: nothing for Muon, numbers without axes, or a whole moment, for Adafactor.
_OF_PLACES = ('Adafactor', 'Muon')


def _further(optimizer):
    """How many arrays there are for a weight beside those of the kinds: averages, and sums of gradients."""
    return bool(getattr(optimizer, 'use_ema', False)) + bool(getattr(optimizer, 'gradient_accumulation_steps', None))


def _places(optimizer, shapes):
    """For each weight, which kinds Keras keeps for it, in its order."""
    count, held = len(shapes), [K.int_shape(w) for w in optimizer.weights[1:]]
    found = []
    for i, shape in enumerate(shapes):
        own = [held[kind * count + i] for kind in range(len(optimizer.slots))]
        if names.keras_name(type(optimizer)) == 'Muon':
            found.append([0] + [1] * (len(own[1]) == len(shape)))
        else:
            found.append([0, 1, 2])
    return found


def style(entry_names):
    """Which order a list of names in an HDF5 file has: 'ours', 'blocks' (tf.keras before 2.11) or 'together' (since then, and Keras 3)."""
    return {'iteration': 'together', 'iter': 'blocks'}.get(_last(entry_names, 0), 'ours')


def has_learning_rate(entry_names):
    """Whether such a list has the learning rate after the counter, as that of Keras 3 has."""
    return style(entry_names) == 'together' and _last(entry_names, 1) == 'learning_rate'


def _last(entry_names, index):
    return str(entry_names[index]).split('/')[-1].split(':')[0] if len(entry_names) > index else ''


def to_ours(optimizer, values, shapes, order, learning_rate=False, scale=()):
    """The arrays of a state in our order.

    Arguments:
        optimizer: the optimizer that is to have it.
        values: list of arrays.
        shapes: list of the shapes of the trained weights.
        order: as `style` says.
        learning_rate: whether the learning rate comes after the counter.
        scale: list of the two arrays of a loss scale, where they are not among the others.

    Raises:
        ValueError: if the numbers of arrays do not fit.
    """
    kind = names.keras_name(type(optimizer))
    if kind == 'LossScaleOptimizer':
        return _with_scale(optimizer, values, shapes, order, learning_rate, list(scale))
    if order == 'ours' or kind not in _KINDS and kind not in _OF_PLACES:
        return values
    steps, rest = values[0], list(values[1 + bool(learning_rate) :])
    further = _further(optimizer) * len(shapes)
    last, rest = rest[:further], rest[further:]
    if len(last) < further:
        raise ValueError(f'averages or sums of gradients of {len(shapes)} weights were not saved')
    if kind in _OF_PLACES:
        return [np.asarray(steps)] + _by_places(optimizer, rest, shapes) + last
    count, kinds = len(shapes), _KINDS[kind]
    schedule = None
    if kind == 'Nadam':
        # An update may take several steps.
        schedule = _schedule(optimizer, int(steps) // (getattr(optimizer, 'gradient_accumulation_steps', None) or 1))
        if order == 'blocks' and len(rest) > kinds * count:
            rest = rest[1:]
    if not rest:  # SGD without momentum has no state, nor has an optimizer that was never used
        first = [optimizer.slot_values.get(slot, 0.0) for slot in optimizer.slots[:kinds]]
        order, first = 'kinds', first + [0.0] * bool(getattr(optimizer, 'amsgrad', False))
        rest = [np.full(shape, value, 'float32') for value in first for shape in shapes]
    if len(rest) < kinds * count:
        raise ValueError(f'{kind} has {kinds} arrays for {count} weights, but {len(rest)} were saved')
    state, tail = rest[: kinds * count], rest[kinds * count :]
    if order == 'together' or kind == 'Ftrl' and order == 'blocks':  # Ftrl's never were in blocks
        state = [array for i in range(kinds) for array in state[i::kinds]]
    if kind in ('Adam', 'AdamW'):
        state += tail[:count] if optimizer.amsgrad else [np.zeros((1,), 'float32')] * count
    return [np.asarray(steps)] + ([schedule] if schedule is not None else []) + state + last


# Keras 3 has a counter and a learning rate before the state of a loss scale, both without use.
_UNUSED = 2


#: The arrays of a loss scale.
OF_SCALE = ('step_counter', 'dynamic_scale')


def _with_scale(optimizer, values, shapes, order, learning_rate, scale):
    """`to_ours` of a LossScaleOptimizer: its counter and scale come last in ours and first in Keras 3's; tf.keras does not keep them."""
    inner = optimizer.inner_optimizer
    own = scale or [np.zeros((), 'int64'), np.asarray(optimizer.initial_scale, 'float32')]
    if order == 'ours':
        return values + scale
    is_of_keras3 = all(np.ndim(value) == 0 for value in values[: _UNUSED + 3]) and len(values) >= _UNUSED + 3
    if is_of_keras3:
        own, values = values[_UNUSED : _UNUSED + 2], values[_UNUSED + 2 :]
    rate = is_of_keras3 and inner.schedule is None and not getattr(inner, 'initial_decay', 0)
    return to_ours(inner, values, shapes, order, rate or learning_rate and not is_of_keras3) + own


def of_inner(values):
    """The arrays of the inner optimizer, of those of a loss scale in the order of Keras 3."""
    return values[_UNUSED + 2 :]


def _by_places(optimizer, values, shapes):
    """The kinds of state of the weights, one kind after the other with placeholders, of what Keras has for each weight."""
    places, count = _places(optimizer, shapes), len(shapes)
    if len(values) != sum(map(len, places)):
        raise ValueError(f'{sum(map(len, places))} arrays are kept for {count} weights, but {len(values)} were saved')
    rest = iter(values)
    taken = [{kind: next(rest) for kind in kinds} for kinds in places]
    state = []
    for number, variable in enumerate(optimizer.weights[1 : 1 + len(optimizer.slots) * count]):
        value, shape = taken[number % count].get(number // count), K.int_shape(variable)
        # The moment of a matrix in Adafactor follows from its rows and columns.
        state.append(value if value is not None and tuple(np.shape(value)) == shape else np.zeros(shape, 'float32'))
    return state


def to_keras3(optimizer, values, shapes, learning_rate):
    """The arrays of a state in the order of Keras 3; `learning_rate` is None where it is worked out from the counter."""
    kind, count = names.keras_name(type(optimizer)), len(shapes)
    if kind == 'LossScaleOptimizer':
        unused = [np.zeros((), 'int64'), np.zeros((), 'float32')]
        inner = to_keras3(optimizer.inner_optimizer, values[:-2], shapes, learning_rate)
        return unused + [np.asarray(x) for x in values[-2:]] + inner
    steps, rest = np.asarray(values[0], 'int64'), list(values[1:])
    kept = len(rest) - _further(optimizer) * count
    first = [] if learning_rate is None else [np.asarray(learning_rate, 'float32')]
    first, rest = [steps] + first + rest[kept:], rest[:kept]
    if kind in _OF_PLACES:
        for i, kinds in enumerate(_places(optimizer, shapes)):
            for each in kinds:
                value = rest[each * count + i]
                is_placeholder = kind == 'Adafactor' and (len(shapes[i]) < 2) == (each < 2)
                first.append(np.zeros(() if each < 2 else shapes[i], 'float32') if is_placeholder else value)
        return first
    schedule = rest.pop(0) if kind == 'Nadam' else None
    kinds = _KINDS[kind]
    state, tail = rest[: kinds * count], rest[kinds * count :]
    if kind == 'SGD' and not _momentum(optimizer):
        state = []
    together = [array for i in range(count) for array in state[i::count]]
    if kind in ('Adam', 'AdamW') and optimizer.amsgrad:
        together += tail[:count]
    return first + together + ([schedule] if schedule is not None else [])


def _momentum(optimizer):
    return bool(optimizer.get_config()['momentum'])


def _schedule(optimizer, steps):
    """The product of Nadam's momentum over the steps that were made."""
    config = optimizer.get_config()
    # After so many steps each factor is beta_1, or the product is zero long since, whatever the decay.
    varying = min(max(steps, 0), 10**6)
    factors = config['beta_1'] * (1.0 - 0.5 * np.power(0.96, np.arange(1, varying + 1) * config['schedule_decay']))
    return np.asarray(np.prod(factors) * np.power(np.float64(config['beta_1']), steps - varying), 'float32')
