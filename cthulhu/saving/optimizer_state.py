"""The state of an optimizer, in the orders of Keras 2.3 (ours), tf.keras and Keras 3.

Ours is the counter of steps, then one array for each trained weight, for each kind of state in turn. tf.keras before 2.11 leaves out what is not used; tf.keras
since then, and Keras 3, have all kinds of state of a weight together, and Keras 3 the learning rate after the counter.
"""

import numpy as np

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
    'Lion': 1,
    'Nadam': 2,
}


def style(entry_names):
    """Which order a list of names in an HDF5 file has: 'ours', 'blocks' (tf.keras before 2.11) or 'together' (since then, and Keras 3)."""
    return {'iteration': 'together', 'iter': 'blocks'}.get(_last(entry_names, 0), 'ours')


def has_learning_rate(entry_names):
    """Whether such a list has the learning rate after the counter, as that of Keras 3 has."""
    return style(entry_names) == 'together' and _last(entry_names, 1) == 'learning_rate'


def _last(entry_names, index):
    return str(entry_names[index]).split('/')[-1].split(':')[0] if len(entry_names) > index else ''


def to_ours(optimizer, values, shapes, order, learning_rate=False):
    """The arrays of a state in our order.

    Arguments:
        optimizer: the optimizer that is to have it.
        values: list of arrays.
        shapes: list of the shapes of the trained weights.
        order: as `style` says.
        learning_rate: whether the learning rate comes after the counter.

    Raises:
        ValueError: if the numbers of arrays do not fit.
    """
    kind = names.keras_name(type(optimizer))
    if order == 'ours' or kind not in _KINDS:
        return values
    count, kinds = len(shapes), _KINDS[kind]
    steps, rest = values[0], list(values[1 + bool(learning_rate) :])
    schedule = None
    if kind == 'Nadam':
        schedule = _schedule(optimizer, int(steps))
        if order == 'blocks' and len(rest) > kinds * count:
            rest = rest[1:]
    if not rest:  # SGD without momentum has no state, nor has an optimizer that was never used
        rest = [np.zeros(shape, 'float32') for shape in shapes] * (kinds + bool(getattr(optimizer, 'amsgrad', False)))
    if len(rest) < kinds * count:
        raise ValueError(f'{kind} has {kinds} arrays for {count} weights, but {len(rest)} were saved')
    state, tail = rest[: kinds * count], rest[kinds * count :]
    if order == 'together':
        state = [array for i in range(kinds) for array in state[i::kinds]]
    if kind in ('Adam', 'AdamW'):
        state += tail[:count] if optimizer.amsgrad else [np.zeros((1,), 'float32')] * count
    return [np.asarray(steps)] + ([schedule] if schedule is not None else []) + state


def to_keras3(optimizer, values, count, learning_rate):
    """The arrays of a state in the order of Keras 3; `learning_rate` is None where it is worked out from the counter."""
    kind = names.keras_name(type(optimizer))
    steps, rest = np.asarray(values[0], 'int64'), list(values[1:])
    schedule = rest.pop(0) if kind == 'Nadam' else None
    kinds = _KINDS[kind]
    state, tail = rest[: kinds * count], rest[kinds * count :]
    if kind == 'SGD' and not _momentum(optimizer):
        state = []
    together = [array for i in range(count) for array in state[i::count]]
    if kind in ('Adam', 'AdamW') and optimizer.amsgrad:
        together += tail[:count]
    rate = [] if learning_rate is None else [np.asarray(learning_rate, 'float32')]
    return [steps] + rate + together + ([schedule] if schedule is not None else [])


def _momentum(optimizer):
    return bool(optimizer.get_config()['momentum'])


def _schedule(optimizer, steps):
    """The product of Nadam's momentum over the steps that were made."""
    config = optimizer.get_config()
    # After so many steps each factor is beta_1, or the product is zero long since, whatever the decay.
    varying = min(max(steps, 0), 10**6)
    factors = config['beta_1'] * (1.0 - 0.5 * np.power(0.96, np.arange(1, varying + 1) * config['schedule_decay']))
    return np.asarray(np.prod(factors) * np.power(np.float64(config['beta_1']), steps - varying), 'float32')
